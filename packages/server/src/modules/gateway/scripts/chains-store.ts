import { sql } from 'kysely';
import type { ChainRow, ChainRunRow, RunState, StepRow } from './scripts-rows.ts';
import type { Db } from './scripts-store.ts';

const one = async <T>(rows: Promise<{ rows: T[] }>): Promise<T | null> => (await rows).rows[0] ?? null;

export interface RunOfChain {
  id: string;
  chain_run_id: string;
  position: number;
  script_name: string;
  state: RunState;
}

export const chainsStore = {
  insert: async (db: Db, row: ChainRow): Promise<void> => {
    await sql`insert into gateway_script_chains (id, org_id, name, description, created_by_type, created_by_id,
        created_by_name, created_at, updated_at)
      values (${row.id}, ${row.org_id}, ${row.name}, ${row.description}, ${row.created_by_type}, ${row.created_by_id},
        ${row.created_by_name}, ${row.created_at}, ${row.updated_at})`.execute(db);
  },

  update: async (db: Db, id: string, row: Pick<ChainRow, 'name' | 'description'>, at: Date): Promise<void> => {
    await sql`update gateway_script_chains set name = ${row.name}, description = ${row.description},
        version = version + 1, updated_at = ${at} where id = ${id}`.execute(db);
  },

  lock: (db: Db, orgId: string, id: string): Promise<ChainRow | null> =>
    one(
      sql<ChainRow>`select * from gateway_script_chains where org_id = ${orgId} and id = ${id} for update`.execute(db),
    ),

  find: (db: Db, orgId: string, id: string): Promise<ChainRow | null> =>
    one(sql<ChainRow>`select * from gateway_script_chains where org_id = ${orgId} and id = ${id}`.execute(db)),

  page: async (
    db: Db,
    orgId: string,
    page: { limit: number; after: { value: string; id: string } | null },
  ): Promise<ChainRow[]> => {
    const { limit, after } = page;
    const later = after === null ? sql`true` : sql`(name, id) > (${after.value}, ${after.id}::uuid)`;
    return (
      await sql<ChainRow>`select * from gateway_script_chains where org_id = ${orgId} and ${later}
        order by name, id limit ${limit}`.execute(db)
    ).rows;
  },

  steps: async (db: Db, ids: readonly string[]): Promise<Map<string, StepRow[]>> => {
    const { rows } = await sql<StepRow>`select t.*, s.name as script_name from gateway_script_chain_steps t
      join gateway_scripts s on s.id = t.script_id where t.chain_id = any(${[...ids]}::uuid[])
      order by t.chain_id, t.position`.execute(db);
    return Map.groupBy(rows, (row) => row.chain_id);
  },

  replaceSteps: async (db: Db, chainId: string, steps: readonly Omit<StepRow, 'script_name'>[]): Promise<void> => {
    await sql`delete from gateway_script_chain_steps where chain_id = ${chainId}`.execute(db);
    for (const step of steps)
      await sql`insert into gateway_script_chain_steps (chain_id, position, org_id, script_id, parameters, secrets, on_failure)
        values (${chainId}, ${step.position}, ${step.org_id}, ${step.script_id}, ${JSON.stringify(step.parameters)}::jsonb,
          ${step.secrets}, ${step.on_failure})`.execute(db);
  },

  neededBy: async (db: Db, orgId: string, id: string): Promise<string[]> =>
    (
      await sql<{ name: string }>`select name from gateway_script_schedules where org_id = ${orgId} and chain_id = ${id}
        order by name limit 5`.execute(db)
    ).rows.map(({ name }) => name),

  remove: async (db: Db, orgId: string, id: string): Promise<boolean> =>
    (await sql`delete from gateway_script_chains where org_id = ${orgId} and id = ${id}`.execute(db))
      .numAffectedRows === 1n,

  insertRun: async (db: Db, row: ChainRunRow): Promise<void> => {
    await sql`insert into gateway_script_chain_runs (id, org_id, chain_id, chain_name, state, steps, schedule_id, due_at,
        started_by_type, started_by_id, started_by_name, created_at)
      values (${row.id}, ${row.org_id}, ${row.chain_id}, ${row.chain_name}, 'running', ${row.steps}, ${row.schedule_id},
        ${row.due_at}, ${row.started_by_type}, ${row.started_by_id}, ${row.started_by_name}, ${row.created_at})`.execute(
      db,
    );
  },

  findRun: (db: Db, orgId: string, id: string): Promise<ChainRunRow | null> =>
    one(sql<ChainRunRow>`select * from gateway_script_chain_runs where org_id = ${orgId} and id = ${id}`.execute(db)),

  lockRun: (db: Db, id: string): Promise<ChainRunRow | null> =>
    one(sql<ChainRunRow>`select * from gateway_script_chain_runs where id = ${id} for update`.execute(db)),

  countFailure: async (db: Db, id: string): Promise<void> => {
    await sql`update gateway_script_chain_runs set failed_steps = failed_steps + 1 where id = ${id}`.execute(db);
  },

  endRun: async (db: Db, id: string, state: ChainRunRow['state'], at: Date): Promise<void> => {
    await sql`update gateway_script_chain_runs set state = ${state}, ended_at = ${at} where id = ${id}`.execute(db);
  },

  pageRuns: async (
    db: Db,
    orgId: string,
    filter: { chain_id: string | null; started_by: string | null },
    page: { limit: number; after: { value: Date; id: string } | null },
  ): Promise<ChainRunRow[]> => {
    const conditions = [sql`org_id = ${orgId}`];
    if (filter.chain_id !== null) conditions.push(sql`chain_id = ${filter.chain_id}`);
    if (filter.started_by !== null) conditions.push(sql`started_by_id = ${filter.started_by}`);
    if (page.after !== null) conditions.push(sql`(created_at, id) < (${page.after.value}, ${page.after.id}::uuid)`);
    return (
      await sql<ChainRunRow>`select * from gateway_script_chain_runs where ${sql.join(conditions, sql` and `)}
        order by created_at desc, id desc limit ${page.limit}`.execute(db)
    ).rows;
  },

  runsOf: async (db: Db, ids: readonly string[]): Promise<Map<string, RunOfChain[]>> => {
    const { rows } =
      await sql<RunOfChain>`select id, chain_run_id, position, script_name, state from gateway_script_runs
      where chain_run_id = any(${[...ids]}::uuid[]) order by chain_run_id, position`.execute(db);
    return Map.groupBy(rows, (row) => row.chain_run_id);
  },

  sealed: async (db: Db): Promise<{ chain_id: string; position: number; sealed: string }[]> =>
    (
      await sql<{ chain_id: string; position: number; sealed: string }>`select chain_id, position, secrets as sealed
        from gateway_script_chain_steps where secrets is not null`.execute(db)
    ).rows,

  reseal: async (
    db: Db,
    step: { chain_id: string; position: number },
    before: string,
    after: string,
  ): Promise<void> => {
    await sql`update gateway_script_chain_steps set secrets = ${after}
      where chain_id = ${step.chain_id} and position = ${step.position} and secrets = ${before}`.execute(db);
  },
};
