import { type Kysely, sql, type Transaction } from 'kysely';
import type { Schema } from '../../platform/db/schema.gen.ts';
import type { ServerRow } from './tools-rows.ts';

type Db = Kysely<Schema> | Transaction<Schema>;

export interface ServerOutcome {
  state: ServerRow['state'];
  last_error: string | null;
  stderr_tail: string | null;
  next_attempt_at: Date | null;
  failures: number;
  at: Date;
  seen?: { server_name: string; server_version: string; protocol_version: string };
}

export const serversStore = {
  insert: async (db: Db, row: ServerRow): Promise<void> => {
    await sql`insert into tools_servers (id, org_id, slug, name, description, transport, url, allow_private, command,
        sealed, env_names, header_names, auth, enabled, default_policy, approver_id, timeout_s, max_result_bytes, idle_s,
        keep_arguments, pass_resources, pass_prompts, created_by_type, created_by_id, created_by_name, created_at, updated_at)
      values (${row.id}, ${row.org_id}, ${row.slug}, ${row.name}, ${row.description}, ${row.transport}, ${row.url},
        ${row.allow_private}, ${row.command}, ${row.sealed}, ${row.env_names}, ${row.header_names}, ${row.auth},
        ${row.enabled}, ${row.default_policy}, ${row.approver_id}, ${row.timeout_s}, ${row.max_result_bytes}, ${row.idle_s},
        ${row.keep_arguments}, ${row.pass_resources}, ${row.pass_prompts}, ${row.created_by_type}, ${row.created_by_id},
        ${row.created_by_name}, ${row.created_at}, ${row.updated_at})`.execute(db);
  },

  update: async (db: Db, row: ServerRow, at: Date): Promise<void> => {
    await sql`update tools_servers set name = ${row.name}, description = ${row.description}, url = ${row.url},
        allow_private = ${row.allow_private}, command = ${row.command}, sealed = ${row.sealed},
        env_names = ${row.env_names}, header_names = ${row.header_names}, auth = ${row.auth}, enabled = ${row.enabled},
        default_policy = ${row.default_policy}, approver_id = ${row.approver_id}, timeout_s = ${row.timeout_s},
        max_result_bytes = ${row.max_result_bytes}, idle_s = ${row.idle_s}, keep_arguments = ${row.keep_arguments},
        pass_resources = ${row.pass_resources}, pass_prompts = ${row.pass_prompts}, failures = 0, next_attempt_at = null,
        version = version + 1, updated_at = ${at} where id = ${row.id}`.execute(db);
  },

  find: async (db: Db, orgId: string, id: string): Promise<ServerRow | null> =>
    (await sql<ServerRow>`select * from tools_servers where org_id = ${orgId} and id = ${id}`.execute(db)).rows[0] ??
    null,

  lock: async (db: Db, orgId: string, id: string): Promise<ServerRow | null> =>
    (await sql<ServerRow>`select * from tools_servers where org_id = ${orgId} and id = ${id} for update`.execute(db))
      .rows[0] ?? null,

  count: async (db: Db, orgId: string): Promise<number> =>
    Number(
      (await sql<{ n: string }>`select count(*) as n from tools_servers where org_id = ${orgId}`.execute(db)).rows[0]!
        .n,
    ),

  page: async (
    db: Db,
    orgId: string,
    { limit, after }: { limit: number; after: { value: string; id: string } | null },
  ): Promise<ServerRow[]> =>
    (
      await sql<ServerRow>`select * from tools_servers where org_id = ${orgId}
          and (${after?.value ?? null}::text is null or (name, id) > (${after?.value ?? null}, ${after?.id ?? null}::uuid))
        order by name, id limit ${limit}`.execute(db)
    ).rows,

  /** With something to pass on beside tools. */
  passing: async (db: Db, orgId: string): Promise<ServerRow[]> =>
    (
      await sql<ServerRow>`select * from tools_servers where org_id = ${orgId} and enabled
        and (pass_resources or pass_prompts) order by slug`.execute(db)
    ).rows,

  remove: async (db: Db, orgId: string, id: string): Promise<boolean> =>
    (await sql`delete from tools_servers where org_id = ${orgId} and id = ${id}`.execute(db)).numAffectedRows === 1n,

  /** To be asked for their tools by nobody's order: once in a while, and failing ones when their pause is over. */
  due: async (db: Db, now: Date, seenBefore: Date): Promise<ServerRow[]> =>
    (
      await sql<ServerRow>`select * from tools_servers where enabled and auth <> 'oauth_person'
          and (next_attempt_at is null or next_attempt_at <= ${now}) and state <> 'sign_in_needed'
          and (seen_at is null or seen_at < ${seenBefore} or state = 'failing') order by seen_at nulls first limit 20`.execute(
        db,
      )
    ).rows,

  /** Only when the row is still the one that was tried. Tells whether its state is another now. */
  setOutcome: async (db: Db, id: string, version: number, outcome: ServerOutcome): Promise<boolean> => {
    const { seen, at } = outcome;
    const { rows } = await sql<{ changed: boolean }>`with former as (
        select id, state, last_error from tools_servers where id = ${id} and version = ${version} for update)
      update tools_servers s set state = ${outcome.state}, last_error = ${outcome.last_error},
        stderr_tail = ${outcome.stderr_tail}, failures = ${outcome.failures}, next_attempt_at = ${outcome.next_attempt_at},
        server_name = coalesce(${seen?.server_name ?? null}, server_name),
        server_version = coalesce(${seen?.server_version ?? null}, server_version),
        protocol_version = coalesce(${seen?.protocol_version ?? null}, protocol_version),
        seen_at = case when ${outcome.state} = 'ok' then ${at} else seen_at end
      from former where s.id = former.id
      returning former.state <> s.state or former.last_error is distinct from s.last_error as changed`.execute(db);
    return rows[0]?.changed ?? false;
  },

  sealed: async (db: Db): Promise<{ id: string; sealed: string }[]> =>
    (
      await sql<{ id: string; sealed: string }>`select id, sealed from tools_servers where sealed is not null`.execute(
        db,
      )
    ).rows,

  reseal: async (db: Db, id: string, before: string, after: string): Promise<void> => {
    await sql`update tools_servers set sealed = ${after} where id = ${id} and sealed = ${before}`.execute(db);
  },
};
