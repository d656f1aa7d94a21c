import type { Actor } from '@atrium/protocol';
import { type Kysely, sql } from 'kysely';
import type { Schema } from '../../platform/db/schema.gen.ts';
import type { AppRow, HealthState, RouteRow } from './routes-rows.ts';

export type Db = Kysely<Schema>;

/** Columns of an app that a person writes. */
export type AppColumns = Pick<AppRow, 'name' | 'icon' | 'tags' | 'group_name' | 'description' | 'position'>;

/** Of a target: unknown receives traffic, so one healthy target is enough for a route. */
export const statusOf = (routeId: string) => sql<HealthState>`coalesce((select case
    when bool_or(h.status = 'healthy') then 'healthy' when bool_or(h.status = 'unhealthy') then 'unhealthy' else 'unknown' end
    from gateway_health h where h.route_id = ${sql.ref(routeId)}), 'unknown')`;

/** A route as its app shows it. */
export type OpenRoute = RouteRow & { status: HealthState; latency_ms: number | null };

export const appsStore = {
  /** All writes to apps and routes of an organisation queue here, so that versions have an order. */
  lockOrg: async (db: Db, orgId: string): Promise<void> => {
    await sql`select pg_advisory_xact_lock(hashtextextended(${`gateway ${orgId}`}, 0))`.execute(db);
  },

  find: async (db: Db, orgId: string, by: { id: string } | { slug: string }): Promise<AppRow | null> => {
    const query = db.selectFrom('gateway_apps').selectAll().where('org_id', '=', orgId);
    const row =
      'id' in by
        ? await query.where('id', '=', by.id).executeTakeFirst()
        : await query.where('slug', '=', by.slug).executeTakeFirst();
    return row ?? null;
  },

  /** In the order of the launcher. */
  list: (
    db: Db,
    orgId: string,
    wanted: { q?: string | undefined; tag?: string | undefined; group?: string | undefined },
  ): Promise<AppRow[]> => {
    let query = db.selectFrom('gateway_apps').selectAll().where('org_id', '=', orgId);
    if (wanted.group !== undefined) query = query.where('group_name', '=', wanted.group);
    if (wanted.tag !== undefined) query = query.where(sql<boolean>`${wanted.tag} = any(tags)`);
    if (wanted.q !== undefined && wanted.q !== '') {
      const q = wanted.q.toLowerCase();
      query = query.where(
        sql<boolean>`(strpos(lower(name), ${q}) > 0 or strpos(lower(description), ${q}) > 0 or strpos(lower(slug), ${q}) > 0
          or exists (select 1 from unnest(tags) t where strpos(lower(t), ${q}) > 0))`,
      );
    }
    return query.orderBy(sql`group_name nulls first`).orderBy('position').orderBy('name').orderBy('id').execute();
  },

  all: (db: Db, orgId: string): Promise<AppRow[]> =>
    db.selectFrom('gateway_apps').selectAll().where('org_id', '=', orgId).orderBy('slug').execute(),

  /** Those that were made: the slug of the others is taken, by whomever. */
  insert: async (
    db: Db,
    apps: readonly (AppColumns & Pick<AppRow, 'id' | 'org_id' | 'slug' | 'source' | 'source_ref'>)[],
    { by, at }: { by: Actor; at: Date },
  ): Promise<AppRow[]> => {
    const [first] = apps;
    if (first === undefined) return [];
    const made = { created_by_type: by.type, created_by_id: by.id, created_by_name: by.name };
    const names = sql.join(Object.keys({ ...first, ...made }).map((name) => sql.ref(name)));
    const { rows } = await sql<AppRow>`insert into gateway_apps (${names}, created_at, updated_at)
      select ${names}, ${at}::timestamptz, ${at}::timestamptz
      from jsonb_populate_recordset(null::gateway_apps, ${JSON.stringify(apps.map((app) => ({ ...app, ...made })))}::jsonb)
      on conflict (slug) do nothing returning *`.execute(db);
    return rows;
  },

  update: async (db: Db, apps: readonly (AppColumns & Pick<AppRow, 'id'>)[], at: Date): Promise<AppRow[]> => {
    if (apps.length === 0) return [];
    const { rows } = await sql<AppRow>`update gateway_apps a
      set (name, icon, tags, group_name, description, position, version, updated_at)
        = (n.name, n.icon, n.tags, n.group_name, n.description, n.position, a.version + 1, ${at}::timestamptz)
      from jsonb_populate_recordset(null::gateway_apps, ${JSON.stringify(apps)}::jsonb) n
      where a.id = n.id returning a.*`.execute(db);
    return rows;
  },

  /** From now on they are kept here. */
  release: async (db: Db, ids: readonly string[]): Promise<void> => {
    if (ids.length === 0) return;
    await sql`update gateway_apps set source = 'ui', source_ref = null where id = any(${[...ids]}::uuid[])`.execute(db);
  },

  remove: async (db: Db, ids: readonly string[]): Promise<void> => {
    if (ids.length === 0) return;
    await sql`delete from gateway_apps where id = any(${[...ids]}::uuid[])`.execute(db);
  },

  /** Of all routes of these apps, each with its status. */
  routesOf: async (db: Db, appIds: readonly string[]): Promise<OpenRoute[]> =>
    appIds.length === 0
      ? []
      : ((await db
          .selectFrom('gateway_routes as r')
          .selectAll('r')
          .select([
            statusOf('r.id').as('status'),
            sql<number | null>`(select min(h.latency_ms) from gateway_health h where h.route_id = r.id)`.as(
              'latency_ms',
            ),
          ])
          .where('r.app_id', '=', sql<string>`any(${[...appIds]}::uuid[])`)
          .orderBy('r.slug')
          .execute()) as OpenRoute[]),

  pinned: async (db: Db, principalId: string): Promise<Set<string>> =>
    new Set(
      (await db.selectFrom('gateway_pins').select('app_id').where('principal_id', '=', principalId).execute()).map(
        (row) => row.app_id,
      ),
    ),

  pin: async (db: Db, app: { id: string; org_id: string }, principalId: string, at: Date): Promise<void> => {
    await db
      .insertInto('gateway_pins')
      .values({ app_id: app.id, org_id: app.org_id, principal_id: principalId, pinned_at: at })
      .onConflict((oc) => oc.columns(['principal_id', 'app_id']).doNothing())
      .execute();
  },

  unpin: async (db: Db, appId: string, principalId: string): Promise<void> => {
    await db.deleteFrom('gateway_pins').where('app_id', '=', appId).where('principal_id', '=', principalId).execute();
  },

  /** Teams of people, by person. */
  teamsOf: async (db: Db, orgId: string, userIds: readonly string[]): Promise<Map<string, Set<string>>> => {
    const teams = new Map<string, Set<string>>();
    if (userIds.length === 0) return teams;
    const rows = await db
      .selectFrom('identity_team_people')
      .select(['user_id', 'team_id'])
      .where('org_id', '=', orgId)
      .where('user_id', 'in', [...userIds])
      .execute();
    for (const { user_id, team_id } of rows) {
      if (user_id === null || team_id === null) continue;
      const mine = teams.get(user_id) ?? new Set();
      teams.set(user_id, mine.add(team_id));
    }
    return teams;
  },

  /** Files that have rows in an organisation. */
  sourcesOfFiles: async (db: Db, orgId: string): Promise<string[]> =>
    (
      await sql<{ source_ref: string }>`select source_ref from gateway_apps where org_id = ${orgId} and source = 'file'
        union select source_ref from gateway_routes where org_id = ${orgId} and source = 'file'`.execute(db)
    ).rows.map((row) => row.source_ref),

  /** The organisation of files: the one that is named, or the oldest. */
  orgOfFiles: async (db: Db, named: string | null): Promise<{ id: string; name: string } | null> => {
    const query = db.selectFrom('identity_orgs').select(['id', 'name']);
    const row =
      named === null
        ? await query.orderBy('created_at').orderBy('id').limit(1).executeTakeFirst()
        : await query.where(sql<boolean>`(slug = ${named} or id::text = ${named})`).executeTakeFirst();
    return row ?? null;
  },
};
