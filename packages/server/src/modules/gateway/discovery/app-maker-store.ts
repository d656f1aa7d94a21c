import { type Kysely, sql } from 'kysely';
import type { Schema } from '../../../platform/db/schema.gen.ts';

type Db = Kysely<Schema>;

interface By {
  type: 'user' | 'agent' | 'device' | 'service' | 'system';
  id: string | null;
  name: string;
}

export interface NewAppRow {
  id: string;
  org_id: string;
  slug: string;
  name: string;
  icon: string;
  tags: string[];
  group: string | null;
  description: string;
  by: By;
  at: Date;
}

/** Everything else takes the default of its column or of `routes.create`. */
export interface NewRouteRow {
  id: string;
  org_id: string;
  app_id: string;
  slug: string;
  fields: Record<string, unknown>;
  by: By;
  at: Date;
}

export interface MadeAppRow {
  id: string;
  org_id: string;
  slug: string;
  name: string;
  icon: string;
  tags: string[];
  group_name: string | null;
  description: string;
  position: number;
  source: 'ui' | 'file' | 'label' | 'http' | 'federation';
  version: number;
  created_at: Date;
  updated_at: Date;
}

export interface MadeRouteRow {
  id: string;
  slug: string;
  mode: 'path' | 'host' | 'both';
  access: 'public' | 'signed_in' | 'scopes' | 'people' | 'share';
  path_base: string | null;
}

export const appMakerStore = {
  app: async (db: Db, slug: string): Promise<MadeAppRow | null> =>
    (await sql<MadeAppRow>`select * from gateway_apps where slug = ${slug} for update`.execute(db)).rows[0] ?? null,

  /** False when the slug is taken. */
  insertApp: async (db: Db, app: NewAppRow): Promise<boolean> =>
    (
      await sql`insert into gateway_apps (id, org_id, slug, name, icon, tags, group_name, description, source,
          created_by_type, created_by_id, created_by_name, created_at, updated_at)
        values (${app.id}, ${app.org_id}, ${app.slug}, ${app.name}, ${app.icon}, ${app.tags}, ${app.group},
          ${app.description}, 'ui', ${app.by.type}, ${app.by.id}, ${app.by.name}, ${app.at}, ${app.at})
        on conflict (slug) do nothing returning 1`.execute(db)
    ).rows.length > 0,

  /** False when the slug is taken. */
  insertRoute: async (db: Db, route: NewRouteRow): Promise<boolean> => {
    const columns: Record<string, unknown> = {
      ...{ id: route.id, org_id: route.org_id, app_id: route.app_id, slug: route.slug, source: 'ui' },
      ...route.fields,
      ...{ created_by_type: route.by.type, created_by_id: route.by.id, created_by_name: route.by.name },
      ...{ created_at: route.at, updated_at: route.at },
    };
    const names = sql.join(Object.keys(columns).map((name) => sql.ref(name)));
    const values = sql.join(Object.values(columns).map((value) => sql`${value}`));
    return (
      (
        await sql`insert into gateway_routes (${names}) values (${values}) on conflict (slug) do nothing returning 1`.execute(
          db,
        )
      ).rows.length > 0
    );
  },

  /** False when another route has the address. */
  claim: async (db: Db, route_id: string, host: string, path: string): Promise<boolean> =>
    (
      await sql`insert into gateway_claims (host, path, route_id) values (${host}, ${path}, ${route_id})
        on conflict (host, path) do nothing returning 1`.execute(db)
    ).rows.length > 0,

  routesOf: async (db: Db, app_id: string): Promise<MadeRouteRow[]> =>
    (
      await sql<MadeRouteRow>`select id, slug, mode, access, path_base from gateway_routes
        where app_id = ${app_id} order by slug`.execute(db)
    ).rows,

  route: async (
    db: Db,
    org_id: string,
    id: string,
  ): Promise<{ id: string; app_id: string; targets: { url: string; weight: number }[] } | null> =>
    (
      await sql<{ id: string; app_id: string; targets: { url: string; weight: number }[] }>`select id, app_id, targets
        from gateway_routes where org_id = ${org_id} and id = ${id} for update`.execute(db)
    ).rows[0] ?? null,

  routeOfContainer: async (
    db: Db,
    org_id: string,
    container_ref: string,
  ): Promise<{ id: string; app_id: string; targets: { url: string }[] } | null> =>
    (
      await sql<{ id: string; app_id: string; targets: { url: string }[] }>`select id, app_id, targets
        from gateway_routes where org_id = ${org_id} and container_ref = ${container_ref}
        order by created_at limit 1`.execute(db)
    ).rows[0] ?? null,

  retarget: async (
    db: Db,
    id: string,
    targets: readonly { url: string; weight: number }[],
    container_ref: string | null,
    at: Date,
  ): Promise<void> => {
    await sql`update gateway_routes set targets = ${JSON.stringify(targets)}::jsonb,
        container_ref = coalesce(${container_ref}, container_ref), version = version + 1, updated_at = ${at}
      where id = ${id}`.execute(db);
  },
};
