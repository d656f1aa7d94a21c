import { type Kysely, sql } from 'kysely';
import type { Schema } from '../../../platform/db/schema.gen.ts';
import type { LastRun, ScriptRow } from './scripts-rows.ts';

export type Db = Kysely<Schema>;

const one = async <T>(rows: Promise<{ rows: T[] }>): Promise<T | null> => (await rows).rows[0] ?? null;

export type ScriptColumns = Omit<
  ScriptRow,
  'id' | 'org_id' | 'version' | 'created_by_type' | 'created_by_id' | 'created_by_name' | 'created_at' | 'updated_at'
>;

const setting = (row: ScriptColumns) => sql`name = ${row.name}, description = ${row.description},
  category = ${row.category}, path = ${row.path}, digest = ${row.digest}, size = ${row.size},
  timeout_s = ${row.timeout_s}, parameters = ${JSON.stringify(row.parameters)}::jsonb, environment = ${row.environment},
  environment_names = ${row.environment_names}::text[], scopes = ${row.scopes}::text[],
  dry_run_command = ${row.dry_run_command}::text[], image = ${row.image}, max_parallel = ${row.max_parallel},
  approver_id = ${row.approver_id}`;

export const scriptsStore = {
  insert: async (db: Db, row: ScriptRow): Promise<void> => {
    const { id, org_id, created_by_type, created_by_id, created_by_name, created_at, updated_at } = row;
    await sql`insert into gateway_scripts (id, org_id, name, description, category, path, digest, size, timeout_s,
        parameters, environment, environment_names, scopes, dry_run_command, image, max_parallel, approver_id,
        created_by_type, created_by_id, created_by_name, created_at, updated_at)
      values (${id}, ${org_id}, ${row.name}, ${row.description}, ${row.category}, ${row.path}, ${row.digest},
        ${row.size}, ${row.timeout_s}, ${JSON.stringify(row.parameters)}::jsonb, ${row.environment},
        ${row.environment_names}::text[], ${row.scopes}::text[], ${row.dry_run_command}::text[], ${row.image},
        ${row.max_parallel}, ${row.approver_id}, ${created_by_type}, ${created_by_id}, ${created_by_name},
        ${created_at}, ${updated_at})`.execute(db);
  },

  update: async (db: Db, id: string, row: ScriptColumns, at: Date): Promise<void> => {
    await sql`update gateway_scripts set ${setting(row)}, version = version + 1, updated_at = ${at}
      where id = ${id}`.execute(db);
  },

  find: (db: Db, orgId: string, id: string): Promise<ScriptRow | null> =>
    one(sql<ScriptRow>`select * from gateway_scripts where org_id = ${orgId} and id = ${id}`.execute(db)),

  lock: (db: Db, orgId: string, id: string): Promise<ScriptRow | null> =>
    one(sql<ScriptRow>`select * from gateway_scripts where org_id = ${orgId} and id = ${id} for update`.execute(db)),

  findMany: async (db: Db, orgId: string, ids: readonly string[]): Promise<Map<string, ScriptRow>> => {
    const { rows } = await sql<ScriptRow>`select * from gateway_scripts
      where org_id = ${orgId} and id = any(${[...ids]}::uuid[])`.execute(db);
    return new Map(rows.map((row) => [row.id, row]));
  },

  page: async (
    db: Db,
    orgId: string,
    q: string | null,
    page: { limit: number; after: { value: string; id: string } | null },
  ): Promise<ScriptRow[]> => {
    const conditions = [sql`org_id = ${orgId}`];
    if (q !== null) {
      const like = `%${q.replace(/[\\%_]/g, '\\$&')}%`;
      conditions.push(sql`concat_ws(' ', name, description, category, path) ilike ${like}`);
    }
    if (page.after !== null) conditions.push(sql`(name, id) > (${page.after.value}, ${page.after.id}::uuid)`);
    return (
      await sql<ScriptRow>`select * from gateway_scripts where ${sql.join(conditions, sql` and `)}
        order by name, id limit ${page.limit}`.execute(db)
    ).rows;
  },

  byPaths: async (db: Db, orgId: string): Promise<{ id: string; path: string }[]> =>
    (
      await sql<{ id: string; path: string }>`select id, path from gateway_scripts where org_id = ${orgId}
        order by created_at`.execute(db)
    ).rows,

  /** The newest run of each, of those that somebody sees. */
  lastRuns: async (db: Db, ids: readonly string[], of: string | null): Promise<Map<string, LastRun>> => {
    const { rows } = await sql<LastRun>`select distinct on (script_id) script_id, id, state, created_at
      from gateway_script_runs where script_id = any(${[...ids]}::uuid[]) and (${of}::uuid is null or started_by_id = ${of})
      order by script_id, created_at desc`.execute(db);
    return new Map(rows.map((row) => [row.script_id, row]));
  },

  /** Names of chains and schedules that need it. */
  neededBy: async (db: Db, orgId: string, id: string): Promise<string[]> =>
    (
      await sql<{ name: string }>`select distinct c.name from gateway_script_chain_steps s
          join gateway_script_chains c on c.id = s.chain_id where s.org_id = ${orgId} and s.script_id = ${id}
        union select name from gateway_script_schedules where org_id = ${orgId} and script_id = ${id}
        order by 1 limit 5`.execute(db)
    ).rows.map(({ name }) => name),

  remove: async (db: Db, orgId: string, id: string): Promise<boolean> =>
    (await sql`delete from gateway_scripts where org_id = ${orgId} and id = ${id}`.execute(db)).numAffectedRows === 1n,

  sealed: async (db: Db): Promise<{ id: string; sealed: string }[]> =>
    (
      await sql<{ id: string; sealed: string }>`select id, environment as sealed from gateway_scripts
        where environment is not null`.execute(db)
    ).rows,

  reseal: async (db: Db, id: string, before: string, after: string): Promise<void> => {
    await sql`update gateway_scripts set environment = ${after} where id = ${id} and environment = ${before}`.execute(
      db,
    );
  },

  /** A person is forgotten: their name goes from what they made and ran. */
  erasePerson: async (db: Db, userId: string, name: string): Promise<void> => {
    for (const table of ['gateway_scripts', 'gateway_script_chains', 'gateway_script_schedules'] as const)
      await sql`update ${sql.table(table)} set created_by_name = ${name}
        where created_by_id = ${userId} and created_by_name <> ${name}`.execute(db);
    for (const table of ['gateway_script_runs', 'gateway_script_chain_runs'] as const)
      await sql`update ${sql.table(table)} set started_by_name = ${name}
        where started_by_id = ${userId} and started_by_name <> ${name}`.execute(db);
    await sql`update gateway_scripts set approver_id = null where approver_id = ${userId}`.execute(db);
    await sql`update gateway_script_schedules set paused = true, next_due_at = null,
        paused_reason = 'Whoever made it is gone.'
      where created_by_id = ${userId} and not paused`.execute(db);
  },

  exportPerson: async (db: Db, userId: string): Promise<Record<string, unknown>[]> =>
    (
      await sql<
        Record<string, unknown>
      >`select id, org_id, script_name as script, state, parameters, created_at, ended_at
        from gateway_script_runs where started_by_id = ${userId} order by created_at`.execute(db)
    ).rows,
};
