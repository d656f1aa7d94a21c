import type { GateParts } from '../../src/modules/gateway/gate/gate-parts.ts';
import { createGate, type GateService } from '../../src/modules/gateway/gate/gate-service.ts';
import type { GateRequest } from '../../src/modules/gateway/gate.ts';
import { makeRoute as makeLaneRoute } from '../../src/modules/gateway/lanes/lane.testkit.ts';
import type { GatewaySnapshot, RouteSnapshot, SnapshotSource } from '../../src/modules/gateway/snapshot.ts';
import type { Identity } from '../../src/modules/identity/index.ts';
import type { Oauth } from '../../src/modules/oauth/index.ts';
import { newId } from '../../src/platform/ids/ids.ts';
import { createPostgresLimiter } from '../../src/platform/limits/postgres-limiter.ts';
import { makeOauth } from './make-oauth.ts';
import { createTestDatabase, type TestDatabase } from './test-database.ts';

export const testOrigin = 'http://localhost:4400';

/** A route of members only, whose pages are rewritten; what a test is about is named. */
export const makeRoute = (parts: Partial<RouteSnapshot> & { org_id: string; slug: string }): RouteSnapshot => {
  const { health, ...route } = makeLaneRoute({ slug: parts.slug });
  return {
    ...route,
    ...{ id: newId(), app: { id: newId(), slug: parts.slug, name: parts.slug }, access: 'signed_in', rewrite: true },
    health: { ...health, skip: false },
    ...parts,
  };
};

/** Routes of a test: each at `/apps/<slug>/`, and at its host when it has one. */
export class TestRoutes implements SnapshotSource {
  readonly #routes = new Map<string, { route: RouteSnapshot; host: string | null }>();
  readonly #listeners: ((gone: ReadonlySet<string>) => void)[] = [];
  #generation = 0;

  set(route: RouteSnapshot, host: string | null = null): void {
    const before = this.#routes.get(route.id);
    this.#routes.set(route.id, { route, host: host ?? before?.host ?? null });
    this.#swap(before === undefined ? [] : [route.id]);
  }

  remove(id: string): void {
    this.#routes.delete(id);
    this.#swap([id]);
  }

  #swap(changed: string[]): void {
    this.#generation += 1;
    for (const listener of this.#listeners) listener(new Set(changed));
  }

  onSwap(listener: (gone: ReadonlySet<string>) => void): void {
    this.#listeners.push(listener);
  }

  current(): GatewaySnapshot {
    const all = [...this.#routes.values()];
    return {
      generation: this.#generation,
      routes: new Map(all.map(({ route }) => [route.id, route])),
      table: {
        knowsHost: (host) => all.some((one) => one.host === host),
        match: (host, path) => {
          const found = all.find((one) =>
            host === '' ? path.startsWith(`/apps/${one.route.slug}/`) : one.host === host,
          );
          if (found === undefined) return null;
          return { route: found.route, base: host === '' ? `/apps/${found.route.slug}/` : '/', redirect: false };
        },
      },
    };
  }
}

/** Writes what shares and visits refer to. */
export const insertRoute = async ({ pool }: TestDatabase, route: RouteSnapshot, host: string | null = null) => {
  await pool.query(
    `insert into gateway_apps (id, org_id, slug, name, source, created_by_type, created_by_name, created_at, updated_at)
     values ($1, $2, $3, $3, 'ui', 'system', 'Test', now(), now())`,
    [route.app.id, route.org_id, route.app.slug],
  );
  await pool.query(
    `insert into gateway_routes (id, org_id, app_id, slug, source, kind, mode, path_base, strategy, access, websockets,
       strip_prefix, rewrite, rewrite_cookie_paths, strip_response_cookies, persist_cookies, health_skip, health_path,
       health_interval_ms, health_timeout_ms, health_unhealthy_after, buffering, compress, cache, preserve_host,
       upstream_auth_kind, created_by_type, created_by_name, created_at, updated_at)
     values ($1, $2, $3, $4, 'ui', 'http', $5, $6, 'round_robin', $7, true, true, true, true, false, false, false, '/',
       10000, 5000, 2, false, false, false, true, 'strip', 'system', 'Test', now(), now())`,
    [
      ...[route.id, route.org_id, route.app.id, route.slug],
      ...(host === null ? ['path', `/apps/${route.slug}/`] : ['both', `/apps/${route.slug}/`]),
      route.access,
    ],
  );
  await pool.query(`insert into gateway_claims (host, path, route_id) values ('', $1, $2)`, [
    `/apps/${route.slug}/`,
    route.id,
  ]);
  if (host !== null)
    await pool.query(`insert into gateway_claims (host, path, route_id) values ($1, '/', $2)`, [host, route.id]);
};

export interface GatewayTest extends TestDatabase {
  identity: Identity;
  oauth: Oauth;
  gate: GateService;
  routes: TestRoutes;
}

/** A replica: identity, the authorization server and the gate over one database. Start `oauth` to hear of endings. */
export const makeReplica = (
  test: TestDatabase,
  routes: SnapshotSource,
  more: Partial<GateParts> = {},
): { identity: Identity; oauth: Oauth; gate: GateService } => {
  const oauth = makeOauth(test);
  const identity = oauth.parts.identity as Identity;
  const gate = createGate({
    ...{ database: test.database, clock: test.clock, identity, oauth, snapshots: routes },
    limiter: createPostgresLimiter(test.database.read, test.clock),
    public_url: () => testOrigin,
    stale_verdict_ms: () => 60_000,
    guess: () => true,
    remote_user: () => false,
    onError: (error) => void test.background.push(error),
    ...more,
  });
  return { identity, oauth, gate };
};

/** A database of its own with a gate over it. Call `drop` in afterAll. */
export const createGatewayTest = async (more: Partial<GateParts> = {}): Promise<GatewayTest> => {
  const test = await createTestDatabase();
  const routes = new TestRoutes();
  const replica = makeReplica(test, routes, more);
  await replica.oauth.start();
  return {
    ...test,
    ...replica,
    routes,
    drop: async () => {
      replica.gate.book.close();
      await replica.identity.flush();
      await replica.oauth.stop();
      await test.drop();
    },
  };
};

/** A request head. On a host by its name; without one at the server's own origin. */
export const makeRequest = (parts: Partial<GateRequest> & { url: string }): GateRequest => {
  const { headers = {}, host = '', scheme = 'http' } = parts;
  const all = { host: host === '' ? 'localhost:4400' : host, ...headers };
  return {
    method: 'GET',
    raw_headers: Object.entries(all).flatMap(([name, value]) => [name, String(value)]),
    address: '192.0.2.9',
    upgrade: false,
    request_id: newId(),
    ...parts,
    ...{ headers: all, host, scheme },
  };
};

/** What browsers say when somebody goes to a page. */
export const navigation = { accept: 'text/html', 'sec-fetch-mode': 'navigate', 'sec-fetch-site': 'none' };
