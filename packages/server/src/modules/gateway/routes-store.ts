import type { Actor } from '@atrium/protocol';
import { sql } from 'kysely';
import { type Db, statusOf } from './apps-store.ts';
import type { Claim, HealthState, RouteRow, RouteWithApp, WithStatus } from './routes-rows.ts';

type Columns = Omit<
  RouteRow,
  | 'id'
  | 'org_id'
  | 'app_id'
  | 'source'
  | 'source_ref'
  | 'version'
  | 'created_by_type'
  | 'created_by_id'
  | 'created_by_name'
  | 'created_at'
  | 'updated_at'
  | 'targets'
  | 'filters'
> & { targets: string; filters: string };

export type RouteListFilter = {
  q?: string | undefined;
  app_id?: string | undefined;
  source?: string | undefined;
  status?: HealthState | undefined;
};

const withApp = (db: Db) =>
  db
    .selectFrom('gateway_routes as r')
    .innerJoin('gateway_apps as a', 'a.id', 'r.app_id')
    .selectAll('r')
    .select(['a.slug as app_slug', 'a.name as app_name']);

export const routesStore = {
  find: async (db: Db, orgId: string, id: string): Promise<WithStatus<RouteWithApp> | null> => {
    const row = await withApp(db)
      .select(statusOf('r.id').as('status'))
      .where('r.org_id', '=', orgId)
      .where('r.id', '=', id)
      .executeTakeFirst();
    return (row as WithStatus<RouteWithApp> | undefined) ?? null;
  },

  findBySlug: async (db: Db, orgId: string, slug: string): Promise<RouteWithApp | null> => {
    const row = await withApp(db).where('r.org_id', '=', orgId).where('r.slug', '=', slug).executeTakeFirst();
    return (row as RouteWithApp | undefined) ?? null;
  },

  findByContainer: async (db: Db, orgId: string, containerRef: string): Promise<RouteWithApp | null> => {
    const row = await withApp(db)
      .where('r.org_id', '=', orgId)
      .where('r.container_ref', '=', containerRef)
      .orderBy('r.created_at')
      .executeTakeFirst();
    return (row as RouteWithApp | undefined) ?? null;
  },

  list: async (
    db: Db,
    orgId: string,
    wanted: RouteListFilter,
    page: { limit: number; after: { value: string; id: string } | null },
  ): Promise<WithStatus<RouteWithApp>[]> => {
    let query = withApp(db).select(statusOf('r.id').as('status')).where('r.org_id', '=', orgId);
    if (wanted.app_id !== undefined) query = query.where('r.app_id', '=', wanted.app_id);
    if (wanted.source !== undefined) query = query.where('r.source', '=', wanted.source);
    if (wanted.status !== undefined) query = query.where(sql<boolean>`${statusOf('r.id')} = ${wanted.status}`);
    if (wanted.q !== undefined && wanted.q !== '') {
      const q = wanted.q.toLowerCase();
      query = query.where(
        sql<boolean>`strpos(lower(concat_ws(' ', r.slug, a.name, r.path_base, array_to_string(r.hosts, ' '),
          (select string_agg(t->>'url', ' ') from jsonb_array_elements(r.targets) t))), ${q}) > 0`,
      );
    }
    if (page.after !== null)
      query = query.where(sql<boolean>`(r.slug, r.id) > (${page.after.value}, ${page.after.id}::uuid)`);
    const rows = await query.orderBy('r.slug').orderBy('r.id').limit(page.limit).execute();
    return rows as WithStatus<RouteWithApp>[];
  },

  all: async (db: Db, orgId: string): Promise<RouteWithApp[]> =>
    (await withApp(db).where('r.org_id', '=', orgId).orderBy('r.slug').execute()) as RouteWithApp[],

  /** Of every organisation, for the snapshot. */
  everything: async (db: Db): Promise<RouteWithApp[]> => (await withApp(db).execute()) as RouteWithApp[],

  /** Null when the slug is taken, by whomever. */
  insert: async (
    db: Db,
    route: Columns & Pick<RouteRow, 'id' | 'org_id' | 'app_id' | 'source' | 'source_ref'> & { by: Actor; at: Date },
  ): Promise<RouteRow | null> => {
    const { by, at, ...columns } = route;
    const row = await db
      .insertInto('gateway_routes')
      .values({
        ...columns,
        created_by_type: by.type,
        created_by_id: by.id,
        created_by_name: by.name,
        created_at: at,
        updated_at: at,
      })
      .onConflict((oc) => oc.column('slug').doNothing())
      .returningAll()
      .executeTakeFirst();
    return (row as RouteRow | undefined) ?? null;
  },

  update: async (db: Db, id: string, columns: Columns & Pick<RouteRow, 'app_id'>, at: Date): Promise<RouteRow> =>
    (await db
      .updateTable('gateway_routes')
      .set((eb) => ({ ...columns, version: eb('version', '+', 1), updated_at: at }))
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirstOrThrow()) as RouteRow,

  slugIsFree: async (db: Db, slug: string): Promise<boolean> =>
    (await db.selectFrom('gateway_routes').select('id').where('slug', '=', slug).executeTakeFirst()) === undefined,

  count: async (db: Db, orgId: string): Promise<number> =>
    (
      await sql<{
        count: number;
      }>`select count(*)::int as count from gateway_routes where org_id = ${orgId}`.execute(db)
    ).rows[0]!.count,

  remove: async (db: Db, id: string): Promise<void> => {
    await db.deleteFrom('gateway_routes').where('id', '=', id).execute();
  },

  releaseClaims: async (db: Db, routeIds: readonly string[]): Promise<void> => {
    if (routeIds.length === 0) return;
    await db
      .deleteFrom('gateway_claims')
      .where('route_id', 'in', [...routeIds])
      .execute();
  },

  /**
   * The claims that another route has, whoever's; none when all of them are this route's now. A claim that is being made
   * at the same time is waited for.
   */
  claim: async (db: Db, routeId: string, claims: readonly Claim[]): Promise<Claim[]> => {
    if (claims.length === 0) return [];
    // In one order for everybody, or two routes with two claims each could wait for one another.
    const wanted = claims.toSorted((a, b) => `${a.host}${a.path}`.localeCompare(`${b.host}${b.path}`, 'en'));
    const made = await db
      .insertInto('gateway_claims')
      .values(wanted.map(({ host, path }) => ({ host, path, route_id: routeId })))
      .onConflict((oc) => oc.columns(['host', 'path']).doNothing())
      .returning(['host', 'path'])
      .execute();
    return wanted.filter(({ host, path }) => !made.some((one) => one.host === host && one.path === path));
  },

  /** Secrets that are sealed under the master key. */
  sealed: (db: Db): Promise<{ id: string; upstream_auth_secret: string | null }[]> =>
    db
      .selectFrom('gateway_routes')
      .select(['id', 'upstream_auth_secret'])
      .where('upstream_auth_secret', 'is not', null)
      .execute(),

  /** Unless it was changed meanwhile. */
  reseal: async (db: Db, id: string, before: string, after: string): Promise<void> => {
    await db
      .updateTable('gateway_routes')
      .set({ upstream_auth_secret: after })
      .where('id', '=', id)
      .where('upstream_auth_secret', '=', before)
      .execute();
  },
};
