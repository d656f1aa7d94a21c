import { type Kysely, sql, type Transaction } from 'kysely';
import type { Schema } from '../../platform/db/schema.gen.ts';
import type { CallRow, CallState } from './tools-rows.ts';

type Db = Kysely<Schema> | Transaction<Schema>;

/** bigint comes as text. */
const read = (row: CallRow): CallRow => ({
  ...row,
  result_bytes: row.result_bytes === null ? null : Number(row.result_bytes),
});

export interface CallFilter {
  server_id: string | null;
  tool_id: string | null;
  state: CallState | null;
  by_id: string | null;
}

export interface CallEnding {
  state: CallState;
  reason: string | null;
  detail: string | null;
  result_bytes: number | null;
  cut: boolean;
  sealed_result: string | null;
}

export const callsStore = {
  insert: async (db: Db, row: CallRow): Promise<void> => {
    await sql`insert into tools_calls (id, org_id, server_id, server_slug, tool_id, tool, fingerprint, state, reason,
        detail, policy, approver_id, by_type, by_id, by_name, door, argument_bytes, arguments_digest, arguments,
        sealed_arguments, holder, overdue_at, created_at, started_at, ended_at, duration_ms)
      values (${row.id}, ${row.org_id}, ${row.server_id}, ${row.server_slug}, ${row.tool_id}, ${row.tool},
        ${row.fingerprint}, ${row.state}, ${row.reason}, ${row.detail}, ${row.policy}, ${row.approver_id}, ${row.by_type},
        ${row.by_id}, ${row.by_name}, ${row.door}, ${row.argument_bytes}, ${row.arguments_digest},
        ${row.arguments === null ? null : JSON.stringify(row.arguments)}::jsonb, ${row.sealed_arguments}, ${row.holder},
        ${row.overdue_at}, ${row.created_at}, ${row.started_at}, ${row.ended_at}, ${row.duration_ms})`.execute(db);
  },

  find: async (db: Db, id: string): Promise<CallRow | null> => {
    const { rows } = await sql<CallRow>`select * from tools_calls where id = ${id}`.execute(db);
    return rows[0] === undefined ? null : read(rows[0]);
  },

  lock: async (db: Db, id: string): Promise<CallRow | null> => {
    const { rows } = await sql<CallRow>`select * from tools_calls where id = ${id} for update`.execute(db);
    return rows[0] === undefined ? null : read(rows[0]);
  },

  /** The same call of the same principal that waits, runs, or has a result nobody has fetched. */
  same: async (db: Db, by: string, digest: string): Promise<CallRow | null> => {
    const { rows } = await sql<CallRow>`select * from tools_calls where by_id = ${by} and arguments_digest = ${digest}
        and (sealed_arguments is not null or (sealed_result is not null and not delivered))
      order by created_at desc limit 1`.execute(db);
    return rows[0] === undefined ? null : read(rows[0]);
  },

  /** One after another, so that two repeats do not both ask. */
  lockSame: async (db: Db, digest: string): Promise<void> => {
    await sql`select pg_advisory_xact_lock(hashtextextended(${digest}, 4401))`.execute(db);
  },

  countWaiting: async (db: Db, orgId: string): Promise<number> =>
    Number(
      (
        await sql<{
          n: string;
        }>`select count(*) as n from tools_calls where org_id = ${orgId} and state = 'waiting'`.execute(db)
      ).rows[0]!.n,
    ),

  setDecided: async (db: Db, id: string, overdue: Date): Promise<void> => {
    await sql`update tools_calls set state = 'approved', overdue_at = ${overdue} where id = ${id}`.execute(db);
  },

  /** False when somebody else has begun it. */
  begin: async (db: Db, id: string, holder: string, at: Date, overdue: Date): Promise<boolean> =>
    (
      await sql`update tools_calls set state = 'running', holder = ${holder}, started_at = ${at}, overdue_at = ${overdue}
        where id = ${id} and state = 'approved'`.execute(db)
    ).numAffectedRows === 1n,

  end: async (db: Db, id: string, ending: CallEnding, at: Date): Promise<boolean> =>
    (
      await sql`update tools_calls set state = ${ending.state}, reason = ${ending.reason}, detail = ${ending.detail},
          result_bytes = ${ending.result_bytes}, cut = ${ending.cut}, sealed_result = ${ending.sealed_result},
          sealed_arguments = null, holder = null, overdue_at = null, ended_at = ${at},
          duration_ms = case when started_at is null then null
            else greatest(0, extract(epoch from (${at}::timestamptz - started_at)) * 1000)::int end
        where id = ${id} and state in ('waiting', 'approved', 'running')`.execute(db)
    ).numAffectedRows === 1n,

  setDelivered: async (db: Db, id: string): Promise<void> => {
    await sql`update tools_calls set delivered = true where id = ${id} and not delivered`.execute(db);
  },

  overdue: async (db: Db, now: Date): Promise<CallRow[]> =>
    (
      await sql<CallRow>`select * from tools_calls where state in ('waiting', 'approved', 'running')
        and overdue_at < ${now} order by overdue_at limit 200`.execute(db)
    ).rows,

  /** Those that wait for a person or for their turn. */
  unbegunOf: async (db: Db, serverId: string): Promise<CallRow[]> =>
    (
      await sql<CallRow>`select * from tools_calls where server_id = ${serverId} and state in ('waiting', 'approved')
        limit 1000`.execute(db)
    ).rows,

  page: async (
    db: Db,
    orgId: string,
    filter: CallFilter,
    { limit, after }: { limit: number; after: { value: Date; id: string } | null },
  ): Promise<CallRow[]> => {
    const conditions = [sql`org_id = ${orgId}`];
    for (const column of ['server_id', 'tool_id', 'by_id'] as const)
      if (filter[column] !== null) conditions.push(sql`${sql.ref(column)} = ${filter[column]}`);
    if (filter.state !== null) conditions.push(sql`state = ${filter.state}`);
    if (after !== null)
      conditions.push(sql`(date_trunc('milliseconds', created_at), id) < (${after.value}, ${after.id}::uuid)`);
    const { rows } = await sql<CallRow>`select * from tools_calls where ${sql.join(conditions, sql` and `)}
      order by date_trunc('milliseconds', created_at) desc, id desc limit ${limit}`.execute(db);
    return rows.map(read);
  },

  prune: async (db: Db, before: Date, resultsBefore: Date): Promise<void> => {
    await sql`delete from tools_calls where ended_at < ${before}`.execute(db);
    await sql`update tools_calls set sealed_result = null where sealed_result is not null and ended_at < ${resultsBefore}`.execute(
      db,
    );
  },

  sealed: async (db: Db): Promise<{ id: string; column: 'sealed_arguments' | 'sealed_result'; sealed: string }[]> =>
    (
      await sql<{ id: string; column: 'sealed_arguments' | 'sealed_result'; sealed: string }>`
        select id, 'sealed_arguments' as column, sealed_arguments as sealed from tools_calls where sealed_arguments is not null
        union all select id, 'sealed_result', sealed_result from tools_calls where sealed_result is not null`.execute(
        db,
      )
    ).rows,

  reseal: async (
    db: Db,
    { id, column, sealed }: { id: string; column: string; sealed: string },
    after: string,
  ): Promise<void> => {
    await sql`update tools_calls set ${sql.ref(column)} = ${after} where id = ${id} and ${sql.ref(column)} = ${sealed}`.execute(
      db,
    );
  },

  exportPerson: async (db: Db, userId: string): Promise<Record<string, unknown>[]> =>
    (
      await sql<
        Record<string, unknown>
      >`select id, org_id, tool, state, arguments, created_at, ended_at from tools_calls
        where by_id = ${userId} order by created_at`.execute(db)
    ).rows,
};
