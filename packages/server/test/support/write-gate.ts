import pg from 'pg';
import { until } from './until.ts';

const space = 7391;

/**
 * Stops requests at a write of their transactions, where a process can then be killed. Statements that write pass a trigger
 * that notes them and waits while the plan says so; what triggers of the product write is a part of its statement.
 */
const installed = `
create schema gate;
create table gate.plan (place text primary key, key int not null);
create table gate.passed (n bigserial primary key, tx text not null default pg_current_xact_id()::text, place text not null);
create function gate.pass() returns trigger language plpgsql as $$
declare
  here text := tg_table_name || ' ' || lower(tg_op);
  wanted int;
begin
  if pg_trigger_depth() > 1 then return null; end if;
  insert into gate.passed (place) values (here);
  select key into wanted from gate.plan where place = here;
  if wanted is not null then perform pg_advisory_xact_lock_shared(${space}, wanted); end if;
  return null;
end $$;
do $$
declare t regclass;
begin
  for t in select c.oid from pg_class c join pg_namespace s on s.oid = c.relnamespace where c.relkind = 'r'
    and (s.nspname = 'public' and c.relname ~ '^(core|identity|oauth|diary)_' or s.nspname = 'dbos' and c.relname = 'workflow_status')
  loop
    execute format('create trigger gate before insert or update or delete on %s for each statement execute function gate.pass()', t);
  end loop;
end $$`;

interface WriteGate {
  /** The places that the transaction of a call passes before it writes down what it did, in order; the call must succeed. */
  placesOf(call: () => Promise<unknown>): Promise<string[]>;
  /** Begins a call and resolves when it has come to that place. Its end is given back, unawaited. */
  stopAt(place: string, call: () => Promise<unknown>): Promise<{ end: Promise<unknown> }>;
  /** Lets go of everything that was stopped, and waits until its connections are gone. */
  release(): Promise<void>;
  close(): Promise<void>;
}

/** Where a transaction begins to write events and the audit trail: the head that all of an organisation wait for. */
const head = 'core_event_heads insert';

export const openWriteGate = async (url: string): Promise<WriteGate> => {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  if ((await client.query("select from pg_namespace where nspname = 'gate'")).rowCount === 0)
    await client.query(installed);
  const stopped: number[] = [];

  return {
    placesOf: async (call) => {
      const before = (await client.query('select coalesce(max(n), 0)::int as n from gate.passed')).rows[0].n;
      await call();
      const { rows } = await client.query<{ places: string[] }>(
        `select array_agg(place order by n) as places from gate.passed where n > $1
         group by tx having bool_or(place = 'core_audit insert') order by count(*) desc`,
        [before],
      );
      const all = rows[0]!.places;
      const places = all.slice(0, all.indexOf(head) + 1);
      // An upsert fires for both of its halves, one after the other and before either.
      return [...new Set(places.filter((place, n) => place !== places[n - 1]?.replace(/ insert$/, ' update')))];
    },

    stopAt: async (place, call) => {
      const key = stopped.length + 1;
      await client.query('select pg_advisory_lock($1, $2)', [space, key]);
      await client.query('delete from gate.plan');
      await client.query('insert into gate.plan values ($1, $2)', [place, key]);
      const end = call();
      end.catch(() => {});
      let pid = 0;
      await until(
        async () => {
          const { rows } = await client.query<{ pid: number }>(
            `select pid from pg_locks where locktype = 'advisory' and classid = ${space} and objid = $1 and not granted`,
            [key],
          );
          pid = rows[0]?.pid ?? 0;
          return pid !== 0;
        },
        `a call comes to ${place}`,
        60_000,
      );
      await client.query('delete from gate.plan');
      stopped.push(pid);
      return { end };
    },

    release: async () => {
      await client.query('select pg_advisory_unlock_all()');
      const pids = stopped.splice(0);
      await until(
        async () => (await client.query('select from pg_stat_activity where pid = any($1)', [pids])).rowCount === 0,
        'what was stopped is rolled back',
        60_000,
      );
    },

    close: () => client.end(),
  };
};
