import { sql } from 'kysely';
import type { OutputRow, RunRow, RunState } from './scripts-rows.ts';
import type { Db } from './scripts-store.ts';

const one = async <T>(rows: Promise<{ rows: T[] }>): Promise<T | null> => (await rows).rows[0] ?? null;

export type NewRun = Pick<
  RunRow,
  | 'id'
  | 'org_id'
  | 'script_id'
  | 'script_name'
  | 'dry_run'
  | 'approver_id'
  | 'parameters'
  | 'secrets'
  | 'digest'
  | 'timeout_s'
  | 'max_parallel'
  | 'chain_run_id'
  | 'position'
  | 'on_failure'
  | 'schedule_id'
  | 'due_at'
  | 'started_by_type'
  | 'started_by_id'
  | 'started_by_name'
  | 'created_at'
>;

export interface RunFilter {
  script_id: string | null;
  chain_run_id: string | null;
  schedule_id: string | null;
  state: RunState | null;
  /** Null for somebody who sees all. */
  started_by: string | null;
}

export const runsStore = {
  insert: async (db: Db, row: NewRun): Promise<void> => {
    await sql`insert into gateway_script_runs (id, org_id, script_id, script_name, state, dry_run, ready, approver_id,
        parameters, secrets, digest, timeout_s, max_parallel, chain_run_id, position, on_failure, schedule_id, due_at,
        started_by_type, started_by_id, started_by_name, created_at)
      values (${row.id}, ${row.org_id}, ${row.script_id}, ${row.script_name}, 'pending', ${row.dry_run}, false,
        ${row.approver_id}, ${JSON.stringify(row.parameters)}::jsonb, ${row.secrets}, ${row.digest}, ${row.timeout_s},
        ${row.max_parallel}, ${row.chain_run_id}, ${row.position}, ${row.on_failure}, ${row.schedule_id}, ${row.due_at},
        ${row.started_by_type}, ${row.started_by_id}, ${row.started_by_name}, ${row.created_at})`.execute(db);
  },

  byId: (db: Db, id: string): Promise<RunRow | null> =>
    one(sql<RunRow>`select * from gateway_script_runs where id = ${id}`.execute(db)),

  find: (db: Db, orgId: string, id: string): Promise<RunRow | null> =>
    one(sql<RunRow>`select * from gateway_script_runs where org_id = ${orgId} and id = ${id}`.execute(db)),

  lock: (db: Db, id: string): Promise<RunRow | null> =>
    one(sql<RunRow>`select * from gateway_script_runs where id = ${id} for update`.execute(db)),

  page: async (
    db: Db,
    orgId: string,
    filter: RunFilter,
    page: { limit: number; after: { value: Date; id: string } | null },
  ): Promise<RunRow[]> => {
    const conditions = [sql`org_id = ${orgId}`];
    if (filter.script_id !== null) conditions.push(sql`script_id = ${filter.script_id}`);
    if (filter.chain_run_id !== null) conditions.push(sql`chain_run_id = ${filter.chain_run_id}`);
    if (filter.schedule_id !== null) conditions.push(sql`schedule_id = ${filter.schedule_id}`);
    if (filter.state !== null) conditions.push(sql`state = ${filter.state}`);
    if (filter.started_by !== null) conditions.push(sql`started_by_id = ${filter.started_by}`);
    if (page.after !== null) conditions.push(sql`(created_at, id) < (${page.after.value}, ${page.after.id}::uuid)`);
    return (
      await sql<RunRow>`select * from gateway_script_runs where ${sql.join(conditions, sql` and `)}
        order by created_at desc, id desc limit ${page.limit}`.execute(db)
    ).rows;
  },

  /** Whoever begins or ends a run does so one after another: counts of what goes on stay true. */
  lockQueue: async (db: Db): Promise<void> => {
    await sql`select pg_advisory_xact_lock(hashtextextended('gateway_script_runs', 0))`.execute(db);
  },

  openOf: async (db: Db, orgId: string): Promise<number> =>
    (
      await sql<{ n: number }>`select count(*)::int as n from gateway_script_runs
        where org_id = ${orgId} and state in ('pending', 'running')`.execute(db)
    ).rows[0]!.n,

  running: async (db: Db, scriptId: string | null): Promise<{ all: number; of_script: number }> =>
    (
      await sql<{ all: number; of_script: number }>`select count(*)::int as all,
          (count(*) filter (where script_id = ${scriptId}))::int as of_script
        from gateway_script_runs where state = 'running'`.execute(db)
    ).rows[0]!,

  setReady: async (db: Db, id: string): Promise<void> => {
    await sql`update gateway_script_runs set ready = true, enqueued = enqueued + 1 where id = ${id}`.execute(db);
  },

  setApproval: async (db: Db, id: string, approval: 'waiting' | 'approved' | 'rejected'): Promise<void> => {
    await sql`update gateway_script_runs set approval = ${approval} where id = ${id}`.execute(db);
  },

  begin: async (
    db: Db,
    id: string,
    by: { holder: string; claimed: number; runner: 'host' | 'container'; at: Date },
  ): Promise<void> => {
    await sql`update gateway_script_runs set state = 'running', holder = ${by.holder}, claimed = ${by.claimed},
        runner = ${by.runner}, started_at = ${by.at}
      where id = ${id}`.execute(db);
  },

  end: async (
    db: Db,
    id: string,
    ending: { state: RunState; reason: string | null; detail: string | null; exit_code: number | null },
    at: Date,
  ): Promise<void> => {
    await sql`update gateway_script_runs set state = ${ending.state}, reason = ${ending.reason},
        detail = ${ending.detail}, exit_code = ${ending.exit_code}, ended_at = ${at}, secrets = null, ready = false
      where id = ${id}`.execute(db);
  },

  requestCancel: async (db: Db, id: string): Promise<void> => {
    await sql`update gateway_script_runs set cancel_requested = true where id = ${id}`.execute(db);
  },

  /** Of those that run here, those that somebody wants to end. */
  cancelRequested: async (db: Db, ids: readonly string[]): Promise<string[]> =>
    (
      await sql<{ id: string }>`select id from gateway_script_runs
        where id = any(${[...ids]}::uuid[]) and cancel_requested`.execute(db)
    ).rows.map(({ id }) => id),

  /** The oldest that could begin, for a further job each. */
  takeWaiting: async (db: Db, limit: number, before: Date): Promise<{ id: string; enqueued: number }[]> =>
    (
      await sql<{ id: string; enqueued: number }>`update gateway_script_runs set enqueued = enqueued + 1
        where id in (select r.id from gateway_script_runs r where r.state = 'pending' and r.ready
          and r.created_at <= ${before}
          and (select count(*) from gateway_script_runs o where o.state = 'running' and o.script_id = r.script_id) < r.max_parallel
          order by r.created_at, r.id limit ${limit} for update skip locked)
        returning id, enqueued`.execute(db)
    ).rows,

  /** Those whose time is over by far, and those whose approval nobody gave. */
  overdue: async (db: Db, now: Date, approvalBefore: Date): Promise<{ id: string; state: RunState }[]> =>
    (
      await sql<{ id: string; state: RunState }>`select id, state from gateway_script_runs
        where (state = 'running' and started_at + make_interval(secs => timeout_s + 600) < ${now})
          or (state = 'pending' and approval = 'waiting' and created_at < ${approvalBefore})
        limit 100`.execute(db)
    ).rows,

  openOfChainRun: async (db: Db, chainRunId: string): Promise<RunRow[]> =>
    (
      await sql<RunRow>`select * from gateway_script_runs where chain_run_id = ${chainRunId}
        and state in ('pending', 'running') order by position for update`.execute(db)
    ).rows,

  openOfSchedule: async (db: Db, scheduleId: string): Promise<boolean> =>
    (
      await sql`select 1 from gateway_script_runs where schedule_id = ${scheduleId} and state in ('pending', 'running')
        union all select 1 from gateway_script_chain_runs where schedule_id = ${scheduleId} and state = 'running'
        limit 1`.execute(db)
    ).rows.length > 0,

  openIdsOfScript: async (db: Db, scriptId: string): Promise<string[]> =>
    (
      await sql<{ id: string }>`select id from gateway_script_runs where script_id = ${scriptId}
        and state in ('pending', 'running')`.execute(db)
    ).rows.map(({ id }) => id),

  writeOutput: async (
    db: Db,
    id: string,
    parts: readonly OutputRow[],
    total: { bytes: number; cut: boolean },
  ): Promise<void> => {
    const columns = <K extends keyof OutputRow>(name: K): OutputRow[K][] => parts.map((part) => part[name]);
    // A repeat after a lost answer writes nothing twice.
    await sql`with written as (insert into gateway_script_output (run_id, seq, stream, text, at)
        select ${id}::uuid, * from unnest(${columns('seq')}::int[], ${columns('stream')}::text[],
          ${columns('text')}::text[], ${columns('at')}::timestamptz[])
        on conflict do nothing)
      update gateway_script_runs set output_bytes = ${total.bytes}, output_cut = ${total.cut} where id = ${id}`.execute(
      db,
    );
  },

  addNote: async (db: Db, id: string, text: string, at: Date): Promise<void> => {
    await sql`insert into gateway_script_output (run_id, seq, stream, text, at)
      select ${id}::uuid, coalesce(max(seq), 0) + 1, 'note', ${text}, ${at} from gateway_script_output
      where run_id = ${id}`.execute(db);
  },

  output: async (db: Db, id: string, after: number, limit: number): Promise<OutputRow[]> =>
    (
      await sql<OutputRow>`select seq, stream, text, at from gateway_script_output
        where run_id = ${id} and seq > ${after} order by seq limit ${limit}`.execute(db)
    ).rows,

  /** Runs that are old, or far behind the newest of their script. */
  prune: async (db: Db, before: Date, keep: number): Promise<void> => {
    await sql`delete from gateway_script_chain_runs where ended_at < ${before}`.execute(db);
    await sql`delete from gateway_script_runs where id in (select id from (
        select id, ended_at, chain_run_id, row_number() over (partition by org_id, script_id order by created_at desc) as n
        from gateway_script_runs where ended_at is not null) r
      where r.ended_at < ${before} or (r.n > ${keep} and r.chain_run_id is null))`.execute(db);
  },

  sealed: async (db: Db): Promise<{ id: string; sealed: string }[]> =>
    (
      await sql<{ id: string; sealed: string }>`select id, secrets as sealed from gateway_script_runs
        where secrets is not null`.execute(db)
    ).rows,

  reseal: async (db: Db, id: string, before: string, after: string): Promise<void> => {
    await sql`update gateway_script_runs set secrets = ${after} where id = ${id} and secrets = ${before}`.execute(db);
  },
};
