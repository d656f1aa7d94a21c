import { type Kysely, sql } from 'kysely';
import type { Schema } from '../../../platform/db/schema.gen.ts';
import type { DeploymentRow, DeploymentState, HeldPort, ListedDeployment } from './deployments-rows.ts';

type Db = Kysely<Schema>;

type Changes = Partial<Omit<DeploymentRow, 'id' | 'org_id' | 'name' | 'created_at' | 'updated_at'>>;

const asJson = new Set(['progress', 'containers', 'ports']);

const assignments = (changes: Changes) =>
  sql.join(
    Object.entries(changes).map(([column, value]) =>
      asJson.has(column)
        ? sql`${sql.ref(column)} = ${value === null ? null : JSON.stringify(value)}::jsonb`
        : sql`${sql.ref(column)} = ${value}`,
    ),
  );

const listed = sql`d.*, a.slug as app_slug, a.name as app_name`;

export const deploymentsStore = {
  /** Ports and names are given out one deployment at a time. */
  lockEngine: async (db: Db): Promise<void> => {
    await sql`select pg_advisory_xact_lock(hashtextextended('gateway toolbox', 0))`.execute(db);
  },

  insert: async (db: Db, row: Omit<DeploymentRow, 'updated_at'>): Promise<boolean> => {
    const columns = Object.entries({ ...row, updated_at: row.created_at });
    const names = sql.join(columns.map(([name]) => sql.ref(name)));
    const values = sql.join(
      columns.map(([name, value]) =>
        asJson.has(name) ? sql`${value === null ? null : JSON.stringify(value)}::jsonb` : sql`${value}`,
      ),
    );
    const made = await sql`insert into gateway_deployments (${names}) values (${values})
      on conflict (name) do nothing returning id`.execute(db);
    return made.rows.length > 0;
  },

  find: async (db: Db, org_id: string, id: string): Promise<ListedDeployment | null> =>
    (
      await sql<ListedDeployment>`select ${listed} from gateway_deployments d left join gateway_apps a on a.id = d.app_id
        where d.org_id = ${org_id} and d.id = ${id}`.execute(db)
    ).rows[0] ?? null,

  lock: async (db: Db, org_id: string, id: string): Promise<DeploymentRow | null> =>
    (
      await sql<DeploymentRow>`select * from gateway_deployments where org_id = ${org_id} and id = ${id} for update`.execute(
        db,
      )
    ).rows[0] ?? null,

  /** For work that was begun on behalf of whichever organisation. */
  any: async (db: Db, id: string): Promise<DeploymentRow | null> =>
    (await sql<DeploymentRow>`select * from gateway_deployments where id = ${id}`.execute(db)).rows[0] ?? null,

  page: async (
    db: Db,
    org_id: string,
    filter: { state: DeploymentState | null; template: string | null },
    page: { limit: number; after: { value: Date; id: string } | null },
  ): Promise<ListedDeployment[]> => {
    const conditions = [sql`d.org_id = ${org_id}`];
    if (filter.state !== null) conditions.push(sql`d.state = ${filter.state}`);
    if (filter.template !== null) conditions.push(sql`d.template_id = ${filter.template}`);
    if (page.after !== null)
      conditions.push(
        sql`(date_trunc('milliseconds', d.created_at), d.id) < (${page.after.value}, ${page.after.id}::uuid)`,
      );
    return (
      await sql<ListedDeployment>`select ${listed} from gateway_deployments d left join gateway_apps a on a.id = d.app_id
        where ${sql.join(conditions, sql` and `)}
        order by date_trunc('milliseconds', d.created_at) desc, d.id desc limit ${page.limit}`.execute(db)
    ).rows;
  },

  count: async (db: Db, org_id: string): Promise<number> =>
    (await sql<{ n: number }>`select count(*)::int as n from gateway_deployments where org_id = ${org_id}`.execute(db))
      .rows[0]!.n,

  countByTemplate: async (db: Db, org_id: string): Promise<Map<string, number>> => {
    const counted = await sql<{ template_id: string; n: number }>`select template_id, count(*)::int as n
      from gateway_deployments where org_id = ${org_id} group by template_id`.execute(db);
    return new Map(counted.rows.map(({ template_id, n }) => [template_id, n]));
  },

  /** Ports of the machine that deployments have, of all organisations. */
  heldPorts: async (db: Db, except: string | null): Promise<HeldPort[]> =>
    (
      await sql<{ ports: HeldPort[] }>`select ports from gateway_deployments
        where ${except}::uuid is null or id <> ${except}::uuid`.execute(db)
    ).rows.flatMap(({ ports }) => ports),

  isNameTaken: async (db: Db, name: string): Promise<boolean> =>
    (await sql`select 1 from gateway_deployments where name = ${name}`.execute(db)).rows.length > 0,

  /** The row as it is then; null when a later order has come meanwhile. */
  change: async (db: Db, id: string, turn: number, changes: Changes, at: Date): Promise<DeploymentRow | null> =>
    (
      await sql<DeploymentRow>`update gateway_deployments set ${assignments(changes)}, updated_at = ${at}
        where id = ${id} and turn = ${turn} returning *`.execute(db)
    ).rows[0] ?? null,

  remove: async (db: Db, id: string, turn: number): Promise<boolean> =>
    (await sql`delete from gateway_deployments where id = ${id} and turn = ${turn} returning id`.execute(db)).rows
      .length > 0,

  ofOrg: async (db: Db, org_id: string): Promise<string[]> =>
    (await sql<{ id: string }>`select id from gateway_deployments where org_id = ${org_id}`.execute(db)).rows.map(
      ({ id }) => id,
    ),

  sealed: async (db: Db): Promise<Pick<DeploymentRow, 'id' | 'variables' | 'registry' | 'former'>[]> =>
    (
      await sql<Pick<DeploymentRow, 'id' | 'variables' | 'registry' | 'former'>>`select id, variables, registry, former
        from gateway_deployments order by id`.execute(db)
    ).rows,

  /** Unless it was changed meanwhile: what is new is under the new key already. */
  reseal: async (
    db: Db,
    id: string,
    column: 'variables' | 'registry' | 'former',
    before: string,
    after: string,
  ): Promise<void> => {
    await sql`update gateway_deployments set ${sql.ref(column)} = ${after}
      where id = ${id} and ${sql.ref(column)} = ${before}`.execute(db);
  },
};
