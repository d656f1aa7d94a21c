import { type Kysely, sql } from 'kysely';
import type { Schema } from '../../platform/db/schema.gen.ts';

type Db = Kysely<Schema>;

export const cookiesStore = {
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
