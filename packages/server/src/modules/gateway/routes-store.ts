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
>;

export type RouteListFilter = {
  q?: string | undefined;
  app_id?: string | undefined;
  source?: string | undefined;
  status?: HealthState | undefined;
};

/** What a route claims or has claimed. */
type RouteClaim = Claim & { route_id: string };

const rowsAtOnce = 200;
const { compare: order } = new Intl.Collator('en');

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

  /** The same under the lock of the organisation, read part by part: no request is answered while rows are parsed. */
  allLocked: async (db: Db, orgId: string): Promise<RouteWithApp[]> => {
    const rows: RouteWithApp[] = [];
    for (;;) {
      const query = withApp(db).where('r.org_id', '=', orgId).orderBy('r.slug').limit(rowsAtOnce);
      const last = rows.at(-1);
      const part = await (last === undefined ? query : query.where('r.slug', '>', last.slug)).execute();
      rows.push(...(part as RouteWithApp[]));
      if (part.length < rowsAtOnce) return rows;
    }
  },

  /** Of every organisation, for the snapshot: `mark` is another one when the route is to be compiled anew. */
  marks: async (db: Db): Promise<{ id: string; mark: string }[]> =>
    // A new master key gives a row another envelope and no other version.
    (
      await sql<{ id: string; mark: string }>`select r.id,
          md5(concat_ws(' ', r.version, r.app_id, a.slug, a.name, r.upstream_auth_secret)) as mark
        from gateway_routes r join gateway_apps a on a.id = r.app_id`.execute(db)
    ).rows,

  some: async (db: Db, ids: readonly string[]): Promise<RouteWithApp[]> =>
    (await withApp(db)
      .where('r.id', '=', sql<string>`any(${[...ids]}::uuid[])`)
      .execute()) as RouteWithApp[],

  /** Of every organisation. */
  everything: async (db: Db): Promise<RouteWithApp[]> => (await withApp(db).execute()) as RouteWithApp[],

  /** Those that were made: the slug of the others is taken, by whomever. */
  insert: async (
    db: Db,
    routes: readonly (Columns & Pick<RouteRow, 'id' | 'org_id' | 'app_id' | 'source' | 'source_ref'>)[],
    { by, at }: { by: Actor; at: Date },
  ): Promise<RouteRow[]> => {
    const [first] = routes;
    if (first === undefined) return [];
    const made = { created_by_type: by.type, created_by_id: by.id, created_by_name: by.name };
    const names = sql.join(Object.keys({ ...first, ...made }).map((name) => sql.ref(name)));
    const { rows } = await sql<RouteRow>`insert into gateway_routes (${names}, created_at, updated_at)
      select ${names}, ${at}::timestamptz, ${at}::timestamptz
      from jsonb_populate_recordset(null::gateway_routes, ${JSON.stringify(routes.map((route) => ({ ...route, ...made })))}::jsonb)
      on conflict (slug) do nothing returning *`.execute(db);
    return rows;
  },

  update: async (
    db: Db,
    routes: readonly (Columns & Pick<RouteRow, 'id' | 'app_id' | 'allow_private'>)[],
    at: Date,
  ): Promise<RouteRow[]> => {
    const [first] = routes;
    if (first === undefined) return [];
    const names = Object.keys(first).filter((name) => name !== 'id');
    const columns = (from: string) => sql.join(names.map((name) => sql.ref(`${from}${name}`)));
    const { rows } = await sql<RouteRow>`update gateway_routes r
      set (${columns('')}, version, updated_at) = (${columns('n.')}, r.version + 1, ${at}::timestamptz)
      from jsonb_populate_recordset(null::gateway_routes, ${JSON.stringify(routes)}::jsonb) n
      where r.id = n.id returning r.*`.execute(db);
    return rows;
  },

  /** Which of these slugs a route has, whoever's. */
  takenSlugs: async (db: Db, slugs: readonly string[]): Promise<Set<string>> =>
    slugs.length === 0
      ? new Set()
      : new Set(
          (
            await db
              .selectFrom('gateway_routes')
              .select('slug')
              .where('slug', 'in', [...slugs])
              .execute()
          ).map(({ slug }) => slug),
        ),

  count: async (db: Db, orgId: string): Promise<number> =>
    (
      await sql<{
        count: number;
      }>`select count(*)::int as count from gateway_routes where org_id = ${orgId}`.execute(db)
    ).rows[0]!.count,

  remove: async (db: Db, ids: readonly string[]): Promise<void> => {
    if (ids.length === 0) return;
    await sql`delete from gateway_routes where id = any(${[...ids]}::uuid[])`.execute(db);
  },

  releaseClaims: async (db: Db, routeIds: readonly string[]): Promise<void> => {
    if (routeIds.length === 0) return;
    await sql`delete from gateway_claims where route_id = any(${[...routeIds]}::uuid[])`.execute(db);
  },

  /**
   * The claims that another route has, whoever's; none when all of them are these routes' now. Of two that claim the same
   * here the first gets it. A claim that is being made at the same time is waited for.
   */
  claim: async (db: Db, claims: readonly RouteClaim[]): Promise<RouteClaim[]> => {
    if (claims.length === 0) return [];
    // In one order for everybody, or two routes with two claims each could wait for one another.
    const wanted = claims.toSorted((a, b) => order(`${a.host}${a.path}`, `${b.host}${b.path}`));
    const { rows } = await sql<RouteClaim>`insert into gateway_claims (host, path, route_id)
      select host, path, route_id from unnest(${wanted.map(({ host }) => host)}::text[],
        ${wanted.map(({ path }) => path)}::text[], ${wanted.map(({ route_id }) => route_id)}::uuid[])
        with ordinality as wanted(host, path, route_id, place) order by place
      on conflict (host, path) do nothing returning host, path, route_id`.execute(db);
    const keyOf = ({ host, path, route_id }: RouteClaim): string => JSON.stringify([host, path, route_id]);
    const made = new Set(rows.map(keyOf));
    return wanted.filter((one) => !made.has(keyOf(one)));
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
