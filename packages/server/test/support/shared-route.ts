import type pg from 'pg';

/** An app with a route below /apps/, straight into the tables. */
export const insertSharedRoute = async (database: pg.Pool, orgId: string, slug = 'shared'): Promise<string> => {
  const [app, route] = [crypto.randomUUID(), crypto.randomUUID()];
  await database.query(
    `insert into gateway_apps (id, org_id, slug, name, source, created_by_type, created_by_name, created_at, updated_at)
     values ($1, $2, $3, $3, 'ui', 'system', 'Test', now(), now())`,
    [app, orgId, slug],
  );
  await database.query(
    `insert into gateway_routes (id, org_id, app_id, slug, source, kind, mode, path_base, strategy, access, websockets,
       strip_prefix, rewrite, rewrite_cookie_paths, strip_response_cookies, persist_cookies, health_skip, health_path,
       health_interval_ms, health_timeout_ms, health_unhealthy_after, buffering, compress, cache, preserve_host,
       upstream_auth_kind, created_by_type, created_by_name, created_at, updated_at)
     values ($1, $2, $3, $4, 'ui', 'http', 'path', $5, 'round_robin', 'share', true, true, true, true,
       false, false, false, '/', 10000, 5000, 2, false, false, false, true, 'strip', 'system', 'Test', now(), now())`,
    [route, orgId, app, slug, `/apps/${slug}/`],
  );
  return route;
};
