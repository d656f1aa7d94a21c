import { type Kysely, sql } from 'kysely';
import type { Schema } from '../../platform/db/schema.gen.ts';

type Db = Kysely<Schema>;

export interface JarRow {
  principal_id: string;
  route_id: string;
  name: string;
  path: string;
  value: string;
  expires_at: Date | null;
}

const jarColumns = ['principal_id', 'route_id', 'name', 'path', 'value', 'expires_at'] as const;

export const cookiesStore = {
  /** Those that were used last, the newest last, so that whoever keeps a limit drops the oldest. */
  newest: async (db: Db, now: Date, limit: number): Promise<JarRow[]> =>
    (
      await db
        .selectFrom('gateway_cookie_jars')
        .select(jarColumns)
        .where((eb) => eb.or([eb('expires_at', 'is', null), eb('expires_at', '>', now)]))
        .orderBy('updated_at', 'desc')
        .limit(limit)
        .execute()
    ).toReversed(),

  ofJar: (db: Db, principalId: string, routeId: string | null): Promise<JarRow[]> =>
    db
      .selectFrom('gateway_cookie_jars')
      .select(jarColumns)
      .where('principal_id', '=', principalId)
      .$if(routeId !== null, (query) => query.where('route_id', '=', routeId!))
      .orderBy('updated_at')
      .execute(),

  /** The jar as it is now, in one statement; other processes hear of it. A route that is gone keeps nothing. */
  replace: async (
    db: Db,
    principalId: string,
    routeId: string,
    jar: readonly Omit<JarRow, 'principal_id' | 'route_id'>[],
    now: Date,
  ): Promise<void> => {
    await sql`with gone as (
        delete from gateway_cookie_jars where principal_id = ${principalId} and route_id = ${routeId}
          and not (name, path) in (select x.name, x.path from jsonb_to_recordset(${JSON.stringify(jar)}::jsonb) as x(name text, path text))
      ), told as (select pg_notify('atrium_gateway_jars', ${`${principalId} ${routeId}`}))
      insert into gateway_cookie_jars as j (principal_id, org_id, route_id, name, path, value, expires_at, updated_at)
        select ${principalId}, r.org_id, r.id, x.name, x.path, x.value, x.expires_at, ${now}
        from told, gateway_routes r, jsonb_to_recordset(${JSON.stringify(jar)}::jsonb)
          as x(name text, path text, value text, expires_at timestamptz)
        where r.id = ${routeId}
      on conflict (principal_id, route_id, name, path) do update
        set value = excluded.value, expires_at = excluded.expires_at, updated_at = excluded.updated_at`.execute(db);
  },

  ofPrincipal: (
    db: Db,
    principalId: string,
    orgId: string,
    page: { limit: number; after: { value: string; id: string } | null },
    now: Date,
  ): Promise<{ app: string; name: string; path: string; expires_at: Date | null; route_id: string }[]> => {
    let query = db
      .selectFrom('gateway_cookie_jars as c')
      .innerJoin('gateway_routes as r', 'r.id', 'c.route_id')
      .innerJoin('gateway_apps as a', 'a.id', 'r.app_id')
      .select(['a.slug as app', 'c.name', 'c.path', 'c.expires_at', 'c.route_id'])
      .where('c.principal_id', '=', principalId)
      .where('c.org_id', '=', orgId)
      .where((eb) => eb.or([eb('c.expires_at', 'is', null), eb('c.expires_at', '>', now)]));
    if (page.after !== null)
      query = query.where(
        sql<boolean>`(a.slug || chr(1) || c.name || chr(1) || c.path, c.route_id) > (${page.after.value}, ${page.after.id}::uuid)`,
      );
    return query
      .orderBy(sql`a.slug || chr(1) || c.name || chr(1) || c.path`)
      .orderBy('c.route_id')
      .limit(page.limit)
      .execute();
  },

  remove: async (db: Db, principalId: string, orgId: string, app: string | undefined): Promise<number> => {
    const gone = await sql`delete from gateway_cookie_jars c using gateway_routes r, gateway_apps a
      where c.principal_id = ${principalId} and c.org_id = ${orgId} and r.id = c.route_id and a.id = r.app_id
        and ${app === undefined ? sql`true` : sql`a.slug = ${app}`}`.execute(db);
    return Number(gone.numAffectedRows ?? 0);
  },

  /** Jars of somebody changed in a way that processes read again. */
  tell: async (db: Db, principalId: string): Promise<void> => {
    await sql`select pg_notify('atrium_gateway_jars', ${principalId})`.execute(db);
  },

  sealed: (db: Db) =>
    db.selectFrom('gateway_cookie_jars').select(['principal_id', 'route_id', 'name', 'path', 'value']).execute(),

  reseal: async (
    db: Db,
    row: { principal_id: string; route_id: string; name: string; path: string; value: string },
    value: string,
  ): Promise<void> => {
    await db
      .updateTable('gateway_cookie_jars')
      .set({ value })
      .where('principal_id', '=', row.principal_id)
      .where('route_id', '=', row.route_id)
      .where('name', '=', row.name)
      .where('path', '=', row.path)
      .where('value', '=', row.value)
      .execute();
  },

  removeExpired: async (db: Db, now: Date): Promise<void> => {
    await db.deleteFrom('gateway_cookie_jars').where('expires_at', '<', now).execute();
  },
};
