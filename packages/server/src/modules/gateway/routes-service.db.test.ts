import type { ParsedInputOf, RouteView, routesReplace } from '@atrium/protocol';
import { routeFields } from '@atrium/protocol';
import { verify } from '@node-rs/argon2';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createGatewayTest, defaultGatewaySettings, type GatewayTest } from '../../../test/support/make-gateway.ts';
import { callBy, makeOrg, type TestOrg } from '../../../test/support/make-inbox.ts';
import { newId } from '../../platform/ids/ids.ts';
import type { Call } from '../../platform/operations/call.ts';
import { upstreamAuthPlace } from './gateway-parts.ts';

let test: GatewayTest;
let org: TestOrg;
let foreign: TestOrg;
let admin: Call;
let operator: Call;
let stranger: Call;
beforeAll(async () => {
  test = await createGatewayTest();
  org = await makeOrg(test.pool, 'Home');
  foreign = await makeOrg(test.pool, 'Foreign');
  admin = callBy(await org.person('Ada', 'admin'));
  operator = callBy({ ...(await org.person('Root', 'owner')), is_operator: true });
  stranger = callBy(await foreign.person('Eve', 'owner'));
});
afterAll(() => test.drop());

const target = (url = 'http://203.0.114.10:8080') => ({ url, weight: 1 });
let counted = 0;
const slug = (name = 'app') => {
  counted += 1;
  return `${name}-${counted}`;
};
const makeApp = async (call: Call, name = slug()) =>
  test.gateway.services.apps.create(call, {
    ...{ slug: name, icon: '📦', tags: [], group: null, description: '', position: 0 },
  });
const makeRoute = async (call: Call, fields: Record<string, unknown> = {}, name = slug()): Promise<RouteView> => {
  const app = await makeApp(call, name);
  return test.gateway.services.routes.create(call, { app_id: app.id, slug: name, targets: [target()], ...fields });
};
const update = (call: Call, id: string, fields: Record<string, unknown>) =>
  test.gateway.services.routes.update(call, { id, ...fields });
const refusal = (
  act: Promise<unknown>,
): Promise<{ code: string; errors?: { path: string }[]; message: string; extensions: object }> =>
  act.then(
    () => {
      throw new Error('it was not refused');
    },
    (error: unknown) => error as never,
  );

/** For each field of the contract another value than its default. */
const samples: Omit<{ [K in keyof typeof routeFields]: unknown }, 'slug'> = {
  kind: 'redirect',
  stream: {
    protocol: 'tcp',
    port: 15_432,
    names: ['vault.example.net', '*.inner.example.net'],
    proxy_protocol: true,
    max_connections: 7,
    max_per_address: 0,
    idle_ms: 0,
  },
  mode: 'both',
  path_base: '/apps/elsewhere/deep/',
  hosts: ['one.example.net', '*.two.example.net'],
  host_path: '/below/',
  targets: [
    { url: 'http://203.0.114.20:8080/base/', weight: 3 },
    { url: 'https://203.0.114.21', weight: 0 },
  ],
  strategy: 'sticky',
  redirect_to: 'https://elsewhere.example.org/x',
  container_ref: 'c0ffee',
  access: 'scopes',
  people: { user_ids: [newId()], team_ids: [newId()], role_ids: [newId()] },
  scopes: ['deploy:run', 'access:*'],
  trusted: true,
  websockets: false,
  strip_prefix: false,
  rewrite: false,
  exclude_paths: ['/raw/**'],
  rewrite_cookie_paths: false,
  strip_response_cookies: true,
  persist_cookies: true,
  health: {
    skip: true,
    path: '/healthz',
    interval_ms: 2000,
    timeout_ms: 700,
    unhealthy_after: 5,
    healthy_codes: [418, 500],
  },
  timeouts: { connect: 0, head: 1, body_idle: 2, client_idle: 3 },
  max_body: 5_368_709_120,
  buffering: true,
  compress: true,
  cache: true,
  cache_stale_if_error_s: 3600,
  preserve_host: false,
  upstream_auth: { kind: 'pass' },
  upstream_tls: { verify: false, ca: '-----BEGIN CERTIFICATE-----', server_name: 'inner.example.org' },
  filters: [
    { kind: 'ip_allow', cidrs: ['10.0.0.0/8'] },
    { kind: 'rate', requests: 5, window_s: 10, by: 'principal' },
    { kind: 'headers', request: { 'X-One': '1', 'X-Two': null }, response: {} },
    { kind: 'redirect', from: '/old/*', to: '/new/*', status: 301 },
    { kind: 'circuit', min_requests: 5, error_percent: 10, window_s: 20, open_s: 40 },
    { kind: 'mirror', url: 'http://203.0.114.22/', percent: 5, max_body: 0 },
    { kind: 'retry', attempts: 2 },
    { kind: 'cors_preflight', allow: true },
  ],
  recipe: 'grafana',
};
/** What a field needs beside itself to be allowed. */
const company: Record<string, Record<string, unknown>> = {
  kind: { redirect_to: '/there' },
  stream: {
    kind: 'stream',
    stream: { protocol: 'tcp', port: 15_433, names: [], proxy_protocol: false, max_connections: 1, max_per_address: 1 },
    targets: [{ url: 'tcp://203.0.114.20:5432', weight: 1 }],
    access: 'public',
  },
  mode: { hosts: ['company.example.net'] },
  hosts: { mode: 'both', hosts: ['company-of-hosts.example.net'] },
  access: { scopes: ['x:y'] },
};

describe('fields of a route', () => {
  it('has a sample of every field of the contract', () => {
    expect(Object.keys({ slug: '', ...samples }).toSorted()).toEqual(Object.keys(routeFields).toSorted());
  });

  it.each(Object.keys(samples) as (keyof typeof samples)[])(
    'G14: %s survives writing and reading, and a change of it leaves every other field as it was',
    async (field) => {
      const made = await makeRoute(operator, company[field] ?? {});
      const before = await test.gateway.services.routes.get(operator, made.id);
      expect(before).toEqual(made);
      expect(before[field]).not.toEqual(samples[field]);
      const changed = await update(operator, made.id, { [field]: samples[field] });
      expect(changed[field]).toEqual(samples[field]);
      const read = await test.another().services.routes.get(operator, made.id);
      expect(read).toEqual(changed);
      const derived = ['version', 'updated_at', 'addresses', 'warnings', field];
      const rest = (route: RouteView) =>
        Object.fromEntries(Object.entries(route).filter(([name]) => !derived.includes(name)));
      expect(rest(read)).toEqual(rest(before));
      expect(read.version).toBe(before.version + 1);
      await test.gateway.services.routes.remove(operator, made.id);
    },
  );

  it('G14: a whole route is read as it was put, also by the snapshot', async () => {
    const made = await makeRoute(operator);
    const whole = { slug: made.slug, ...samples, stream: null } as Omit<
      ParsedInputOf<typeof routesReplace>,
      'id' | 'version'
    >;
    const put = await test.gateway.services.routes.replace(operator, { id: made.id, ...whole, version: made.version });
    expect(put).toMatchObject(whole);
    // What was read can be put back unchanged.
    const { id, slug: name, ...rest } = put;
    const fields = Object.fromEntries(
      Object.keys(routeFields).map((key) => [key, { slug: name, ...rest }[key as 'slug']]),
    );
    const again = await test.gateway.services.routes.replace(operator, { id, ...fields } as never);
    expect(again).toMatchObject(whole);
    await test.gateway.services.routes.remove(operator, id);
  });

  it('what is left out takes its default, and mode decides about path and rewriting', async () => {
    const byPath = await makeRoute(operator);
    expect(byPath).toMatchObject({
      ...{ kind: 'http', mode: 'path', path_base: `/apps/${byPath.slug}/`, access: 'signed_in', rewrite: true },
      ...{ websockets: true, strip_prefix: true, rewrite_cookie_paths: true, preserve_host: true, scopes: [] },
      health: { skip: false, path: '/', interval_ms: 10_000, timeout_ms: 5000, unhealthy_after: 2, healthy_codes: [] },
      addresses: [`http://atrium.example.org:4400/apps/${byPath.slug}/`],
      ...{ version: 1, locked: null, source: 'ui', status: 'unknown' },
    });
    const byHost = await makeRoute(operator, { mode: 'host', hosts: ['notes.example.net'] });
    expect(byHost).toMatchObject({ path_base: null, rewrite: false, addresses: ['http://notes.example.net:4400/'] });
    const both = await update(operator, byHost.id, { mode: 'both' });
    expect(both.path_base).toBe(`/apps/${byHost.slug}/`);
  });
});

describe('rules of a route', () => {
  it.each([
    ['path_base', { path_base: '/notes/' }],
    ['path_base', { path_base: '/api/v1/' }],
    ['path_base', { path_base: '/apps/' }],
    ['hosts', { mode: 'host' }],
    ['hosts.0', { mode: 'host', hosts: ['atrium.example.org'] }],
    ['hosts.0', { mode: 'host', hosts: ['192.168.1.1'] }],
    ['hosts.0', { mode: 'host', hosts: ['localhost'] }],
    ['targets', { targets: [] }],
    ['targets', { targets: [target(), target()] }],
    ['targets', { targets: [{ url: 'http://203.0.114.1', weight: 0 }] }],
    ['redirect_to', { kind: 'redirect' }],
    ['redirect_to', { kind: 'redirect', redirect_to: 'javascript:alert(1)' }],
    ['people', { access: 'people' }],
    ['scopes', { access: 'scopes' }],
    ['trusted', { trusted: true }],
    ['upstream_auth.password', { upstream_auth: { kind: 'basic', user: 'me' } }],
    ['upstream_auth.token', { upstream_auth: { kind: 'bearer' } }],
    ['filters.0.users.0.password', { filters: [{ kind: 'basic_auth', users: [{ name: 'me' }] }] }],
  ])('refuses by %s: %j', async (path, fields) => {
    const error = await refusal(makeRoute(admin, fields));
    expect(error).toMatchObject({ code: 'validation_failed' });
    expect(error.errors?.map((one) => one.path)).toContain(path);
  });

  it('gives a host below the base domain, and follows the domain when it changes', async () => {
    test.settings.now = defaultGatewaySettings({ ATRIUM_GATEWAY_BASE_DOMAIN: 'apps.example.net' });
    const route = await makeRoute(admin, { mode: 'host' });
    expect(route).toMatchObject({ hosts: [], addresses: [`http://${route.slug}.apps.example.net:4400/`] });
    const taken = await refusal(makeRoute(stranger, { mode: 'host', hosts: [`${route.slug}.apps.example.net`] }));
    expect(taken.code).toBe('gateway_route_conflict');
    test.settings.now = defaultGatewaySettings({ ATRIUM_GATEWAY_BASE_DOMAIN: 'other.example.net' });
    await test.gateway.services.documents.reclaim();
    await makeRoute(stranger, { mode: 'host', hosts: [`${route.slug}.apps.example.net`] });
    expect(
      (await refusal(makeRoute(stranger, { mode: 'host', hosts: [`${route.slug}.other.example.net`] }))).code,
    ).toBe('gateway_route_conflict');
    test.settings.now = defaultGatewaySettings();
  });

  it('keeps secrets sealed, answers none of them, and keeps those that a change does not name', async () => {
    const filters = [{ kind: 'basic_auth', users: [{ name: 'me', password: 'open sesame' }] }];
    const made = await makeRoute(admin, { upstream_auth: { kind: 'bearer', token: 'very-secret' }, filters });
    expect(JSON.stringify(made)).not.toMatch(/very-secret|sesame|argon2/);
    expect(made.filters).toEqual([{ kind: 'basic_auth', users: [{ name: 'me', password_set: true }] }]);
    const row = async () =>
      (await test.pool.query('select upstream_auth_secret, filters from gateway_routes where id = $1', [made.id]))
        .rows[0];
    const stored = await row();
    expect(JSON.stringify(stored)).not.toMatch(/very-secret|sesame/);
    expect(test.secrets.decrypt(stored.upstream_auth_secret, upstreamAuthPlace(made.id))).toBe('very-secret');
    expect(await verify(stored.filters[0].users[0].hash, 'open sesame')).toBe(true);
    await update(admin, made.id, { compress: true });
    await update(admin, made.id, { upstream_auth: made.upstream_auth, filters: made.filters });
    expect(await row()).toEqual(stored);
    await update(admin, made.id, { upstream_auth: { kind: 'strip' } });
    expect((await row()).upstream_auth_secret).toBeNull();
    const versions = await test.pool.query('select document::text from gateway_config_versions');
    expect(JSON.stringify(versions.rows)).not.toMatch(/very-secret|sesame|argon2|v1\./);
  });
});

describe('targets', () => {
  it('G27: only an operator sets a private one, and nobody one that is never allowed', async () => {
    expect((await makeRoute(operator, { targets: [target('http://192.168.1.10')] })).targets).toHaveLength(1);
    const refusals = async () =>
      Number(
        (await test.pool.query("select count(*) as n from core_audit where action = 'routes.target_refused'")).rows[0]
          .n,
      );
    const before = await refusals();
    for (const url of ['http://192.168.1.10', 'http://127.0.0.1:8080', 'http://[::1]:8080'])
      expect(await refusal(makeRoute(admin, { targets: [target(url)] }))).toMatchObject({
        code: 'gateway_target_refused',
        extensions: { target: url },
      });
    for (const url of [
      'http://169.254.169.254/',
      'http://[fd00:ec2::254]',
      'http://0.0.0.0',
      'http://127.0.0.1:4400',
      'http://2130706433:8080',
      'http://0300.0250.01.012',
    ])
      expect((await refusal(makeRoute(operator, { targets: [target(url)] }))).code).toBe('gateway_target_refused');
    await test.database.flush();
    expect(await refusals()).toBe(before + 9);
  });

  it('G27: a name that resolves to a private address is refused to a tenant', async () => {
    test.names.set('inner.example.org', ['10.1.2.3']);
    expect((await refusal(makeRoute(admin, { targets: [target('http://inner.example.org')] }))).code).toBe(
      'gateway_target_refused',
    );
    expect((await makeRoute(operator, { targets: [target('http://inner.example.org')] })).version).toBe(1);
  });

  it('a tenant changes a route of an operator, but adds no target to its private ones', async () => {
    const route = await makeRoute(operator, { targets: [target('http://192.168.7.1')] });
    await update(admin, route.id, { compress: true, targets: [{ url: 'http://192.168.7.1', weight: 5 }] });
    const added = update(admin, route.id, { targets: [target('http://192.168.7.1'), target('http://203.0.114.77')] });
    expect((await refusal(added)).code).toBe('gateway_target_refused');
    const allowed = async () =>
      (await test.pool.query('select allow_private from gateway_routes where id = $1', [route.id])).rows[0]
        .allow_private;
    expect(await allowed()).toBe(true);
  });

  it('settings open a range to everybody and close one to operators', async () => {
    test.settings.now = defaultGatewaySettings({
      ATRIUM_GATEWAY_TARGETS_ALLOW: '192.168.50.0/24',
      ATRIUM_GATEWAY_TARGETS_DENY: '192.168.60.0/24',
    });
    await makeRoute(admin, { targets: [target('http://192.168.50.1')] });
    expect((await refusal(makeRoute(operator, { targets: [target('http://192.168.60.1')] }))).code).toBe(
      'gateway_target_refused',
    );
    test.settings.now = defaultGatewaySettings();
  });
});

describe('addresses of routes', () => {
  it('G14: a taken host and path is refused, and the answer names nothing of a foreign organisation', async () => {
    const mine = await makeRoute(stranger, { mode: 'both', hosts: ['taken.example.net'], host_path: '/x/' });
    const byPath = await refusal(makeRoute(admin, { path_base: `/apps/${mine.slug}` }));
    const byHost = await refusal(makeRoute(admin, { mode: 'host', hosts: ['taken.example.net'], host_path: '/x' }));
    for (const error of [byPath, byHost]) {
      expect(error.code).toBe('gateway_route_conflict');
      expect(JSON.stringify({ message: error.message, ...error.extensions })).not.toMatch(
        new RegExp(`Foreign|Eve|${mine.id}|${foreign.id}`),
      );
    }
    // Another path of the host is free.
    await makeRoute(admin, { mode: 'host', hosts: ['taken.example.net'], host_path: '/y/' });
  });

  it('G14: of two organisations that claim one address at the same moment one gets it', async () => {
    const other = test.another();
    for (let round = 0; round < 10; round += 1) {
      const host = `race-${round}.example.net`;
      const [a, b] = [await makeApp(admin), await makeApp(stranger)];
      const claims = { mode: 'host' as const, targets: [target()] };
      const outcomes = await Promise.allSettled([
        test.gateway.services.routes.create(admin, {
          app_id: a.id,
          slug: a.slug,
          ...claims,
          hosts: [host, `z-${host}`],
        }),
        other.services.routes.create(stranger, { app_id: b.id, slug: b.slug, ...claims, hosts: [`z-${host}`, host] }),
      ]);
      const lost = outcomes.filter((one) => one.status === 'rejected');
      expect(lost).toHaveLength(1);
      expect(lost[0]!.reason).toMatchObject({ code: 'gateway_route_conflict' });
      const rows = await test.pool.query('select distinct route_id from gateway_claims where host = any($1)', [
        [host, `z-${host}`],
      ]);
      expect(rows.rows).toHaveLength(1);
    }
  });

  it('a slug is taken on the whole server, and an address is free again when its route is gone', async () => {
    const mine = await makeRoute(stranger);
    const app = await makeApp(admin);
    const create = () =>
      test.gateway.services.routes.create(admin, { app_id: app.id, slug: mine.slug, targets: [target()] });
    expect((await refusal(create())).code).toBe('name_taken');
    await test.gateway.services.routes.remove(stranger, mine.id);
    expect((await create()).path_base).toBe(`/apps/${mine.slug}/`);
  });
});

describe('changes', () => {
  it('G14: a stale version is refused with the current one', async () => {
    const route = await makeRoute(admin);
    const changed = await update(admin, route.id, { compress: true, version: route.version });
    expect(await refusal(update(admin, route.id, { compress: false, version: route.version }))).toMatchObject({
      code: 'gateway_route_stale',
      extensions: { version: changed.version },
    });
    const race = await Promise.allSettled([
      update(admin, route.id, { cache: true, version: changed.version }),
      update(operator, route.id, { buffering: true, version: changed.version }),
    ]);
    expect(race.map((one) => one.status).toSorted()).toEqual(['fulfilled', 'rejected']);
  });

  it('what a file keeps is not changed here', async () => {
    const route = await makeRoute(admin);
    await test.pool.query("update gateway_routes set source = 'file', source_ref = '/etc/x.yaml' where id = $1", [
      route.id,
    ]);
    for (const act of [
      () => update(admin, route.id, { cache: true }),
      () => test.gateway.services.routes.remove(admin, route.id),
    ])
      expect(await refusal(act())).toMatchObject({
        code: 'gateway_route_locked',
        extensions: { locked: '/etc/x.yaml' },
      });
    expect((await test.gateway.services.routes.get(admin, route.id)).locked).toBe('/etc/x.yaml');
  });

  it('a route of another organisation is not there', async () => {
    const route = await makeRoute(admin);
    const { routes } = test.gateway.services;
    for (const act of [
      () => routes.get(stranger, route.id),
      () => update(stranger, route.id, {}),
      () => routes.remove(stranger, route.id),
    ])
      expect((await refusal(act())).code).toBe('not_found');
    const own = await makeApp(stranger);
    const theft = routes.create(stranger, { app_id: route.app_id, slug: own.slug, targets: [target()] });
    expect((await refusal(theft)).code).toBe('not_found');
  });

  it('each write is an event, an audit line and a version in one transaction', async () => {
    const route = await makeRoute(admin, {}, '__proto__');
    await update(admin, route.id, { cache: true });
    await test.gateway.services.apps.remove(admin, '__proto__');
    const events = await test.pool.query(
      'select kind from core_events where org_id = $1 and (subject_id = $2 or subject_id = $3) order by seq',
      [org.id, route.id, route.app_id],
    );
    expect(events.rows.map((row) => row.kind)).toEqual([
      ...['gateway.app.registered', 'gateway.route.created', 'gateway.route.updated'],
      ...['gateway.route.deleted', 'gateway.app.deleted'],
    ]);
    const lines = await test.pool.query(
      'select action from core_audit where org_id = $1 and target_id = $2 order by seq',
      [org.id, route.id],
    );
    expect(lines.rows.map((row) => row.action)).toEqual(['routes.create', 'routes.update']);
    const { items } = await test.gateway.services.documents.list(admin, { limit: 2 });
    const [last] = items;
    const diff = await test.gateway.services.documents.diff(admin, { number: last!.number, against: 'previous' });
    expect(diff.changes.map(({ path }) => path)).toEqual(['apps.__proto__', 'routes.__proto__']);
    expect(last).toMatchObject({ source: 'api', result: 'applied', actor: { name: 'Ada' } });
  });

  it('lists by slug in pages, and finds by text, state and source', async () => {
    const lonely = await makeOrg(test.pool, 'Lonely');
    const call = callBy(await lonely.person('Lea', 'owner'));
    const made = [];
    for (let n = 0; n < 5; n += 1)
      made.push(await makeRoute(call, { targets: [target(`http://203.0.114.${n + 1}:80`)] }, `lonely-${n}`));
    const { routes } = test.gateway.services;
    const first = await routes.list(call, { limit: 3 });
    const second = await routes.list(call, { limit: 3, cursor: first.next_cursor! });
    expect([...first.items, ...second.items]).toEqual(made);
    expect(second.next_cursor).toBeNull();
    const found = async (filter: object) =>
      (await routes.list(call, { limit: 50, ...filter })).items.map((one) => one.slug);
    expect(await found({ q: '114.4' })).toEqual(['lonely-3']);
    expect(await found({ app_id: made[2]!.app_id })).toEqual(['lonely-2']);
    await test.pool.query(
      "insert into gateway_health (route_id, target_url, status) values ($1, 'http://203.0.114.2:80', 'unhealthy')",
      [made[1]!.id],
    );
    expect(await found({ status: 'unhealthy' })).toEqual(['lonely-1']);
    expect(await found({ source: 'label' })).toEqual([]);
  });
});
