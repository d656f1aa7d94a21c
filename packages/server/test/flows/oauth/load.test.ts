import { randomBytes } from 'node:crypto';
import { appendFileSync, mkdtempSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { type App, startApp } from '../../../src/app/app.ts';
import { sweepOauth } from '../../../src/modules/oauth/sweeps.ts';
import { systemClock } from '../../../src/platform/clock/clock.ts';
import { SteadyClock } from '../../../src/platform/clock/steady-clock.ts';
import { readConfig } from '../../../src/platform/config/config.ts';
import { createDatabase } from '../../../src/platform/db/kysely-database.ts';
import { createPool } from '../../../src/platform/db/pool.ts';
import { alone } from '../../../src/platform/processes/siblings.ts';
import { createLogger } from '../../../src/platform/telemetry/logger.ts';
import { freePort } from '../../support/free-port.ts';
import { holdRequests, metricOf, scrape } from '../../support/held-requests.ts';
import { openSocket } from '../../support/live-socket.ts';
import { basic, type OauthWorld, openOauthWorld, redirect } from '../../support/oauth-world.ts';
import { type Agent, ok, password } from '../../support/people.ts';
import { startRedis } from '../../support/redis-server.ts';
import { services } from '../../support/replicas.ts';
import type { Json } from '../../support/rest-client.ts';
import { postmasterPid, serverDatabaseUrl } from '../../support/server-database.ts';
import { removeDataDir } from '../../support/start-server.ts';
import { until } from '../../support/until.ts';

const masterKey = randomBytes(32).toString('base64');
const resource = 'https://reports.example/api';
const form = { grant_type: 'client_credentials', resource, scope: 'reports:read' };

let world: OauthWorld;
let agent: Agent;
let publicUrl: string;
beforeAll(async () => {
  const port = await freePort();
  publicUrl = `http://localhost:${port}`;
  world = await openOauthWorld({ port, env: { ATRIUM_MASTER_KEY: masterKey, ATRIUM_PUBLIC_URL: publicUrl } });
  await world.database.query(
    `insert into oauth_resources (id, audience, name, scopes, created_at, updated_at)
     values (gen_random_uuid(), $1, 'Reports', '{reports:read}', now(), now())`,
    [resource],
  );
  agent = await world.org.agent('Courier');
}, 120_000);
afterAll(() => world.close());

const machine = (more: Record<string, unknown> = {}) =>
  world.operatorClient({ scopes: ['reports:read'], org_id: world.org.id, ...more });

const recent = async (kind: string): Promise<Json[]> =>
  ok(await world.operator.get(`/api/v1/admin/events/recent?kind=${kind}&limit=200`)).items;

describe('load', () => {
  it('83: the 201st request to one part and the 1,001st to all are told to come again; health answers; it passes by itself', async () => {
    const sockets = holdRequests(world.url, '/oauth/token', 200);
    const inFlight = async (bulkhead?: string) =>
      metricOf(await scrape(world.url), 'atrium_concurrent_in_flight', bulkhead === undefined ? {} : { bulkhead });
    try {
      await until(async () => (await inFlight('oauth')) === 200, 'the bulkhead is full');
      const refused = await world.token(form);
      expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1']);
      expect((await world.person.get('/api/v1/me')).status).toBe(200);
      for (const path of ['/api/v1/setup', '/auth/login', '/v1/nothing', '/nothing'])
        sockets.push(...holdRequests(world.url, path, 200));
      await until(async () => (await inFlight()) === 1000, 'the server is full');
      // Nobody is at this door, but the whole has no room.
      const all = await fetch(`${world.url}/mcp`, { method: 'POST', body: '{}' });
      expect([all.status, all.headers.get('retry-after')]).toEqual([503, '1']);
      expect((await fetch(`${world.url}/health`)).status).toBe(200);
      expect((await fetch(`${world.url}/ready`)).status).toBe(200);
      const text = await scrape(world.url);
      expect(metricOf(text, 'atrium_bulkhead_rejected_total', { bulkhead: 'oauth' })).toBe(1);
      expect(metricOf(text, 'atrium_back_pressure_rejected_total')).toBe(1);
    } finally {
      for (const socket of sockets) socket.destroy();
    }
    await until(async () => (await inFlight()) === 0, 'they are gone');
    expect((await world.person.get('/api/v1/me')).status).toBe(200);
  });

  it('12: wrong secrets from many addresses hold off strangers, call an operator, and leave the client itself alone', async () => {
    const made = await machine();
    const from = (address: string, secret: string) =>
      world.token(form, { ...basic(made.client_id, secret), 'x-forwarded-for': address });
    expect((await from('10.20.0.1', made.secret!)).status).toBe(200);
    const statuses: number[] = [];
    for (let count = 1; count <= 51; count += 1) statuses.push((await from(`10.21.${count}.1`, 'wrong')).status);
    expect(statuses.slice(0, 50).every((status) => status === 401)).toBe(true);
    expect(statuses[50]).toBe(429);
    const stranger = await from('10.22.0.1', made.secret!);
    expect(stranger.status).toBe(429);
    expect(Number(stranger.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await from('10.20.0.1', made.secret!)).status).toBe(200);

    const alerts = await until(async () => {
      const found = (await recent('identity.alert')).filter(({ body }) => body.client_id === made.client_id);
      return found.length > 0 && found;
    }, 'operators are called');
    expect(alerts).toEqual([expect.objectContaining({ severity: 'error', org: expect.objectContaining({}) })]);
    expect(alerts[0]!.body).toEqual({ alert: 'client_guessed', client_id: made.client_id });
    expect(metricOf(await scrape(world.url), 'atrium_alerts_total', { alert: 'client_guessed' })).toBe(1);
    const { items } = ok(await world.operator.get('/api/v1/admin/audit?action=alerts.raise'));
    expect(items[0]).toMatchObject({ target_type: 'client', target_id: made.client_id });
  });
});

describe('events', () => {
  it('each thing that happens is told once, with its fields, and to the right people', async () => {
    const stranger = await (await world.makeOrg('Elsewhere')).owner;
    const { owner } = world.org;
    const [ofOwner, ofStranger] = [
      await openSocket(world.url, owner.token),
      await openSocket(world.url, stranger.token),
    ];
    const bea = await world.org.member('Bea');
    const bystander = await world.org.member('Cem');
    const login = (typed: string) => world.anonymous.post('/auth/login', { email: bea.email, password: typed });
    expect((await login('wrong wrong wrong')).status).toBe(401);
    const session = ok(await login(password)).access_token;
    const bearer = { authorization: `Bearer ${session}` };
    expect((await fetch(`${world.url}/auth/logout`, { method: 'POST', headers: bearer })).status).toBeLessThan(300);

    const made = await machine({ grant_types: ['client_credentials', 'authorization_code', 'refresh_token'] });
    const byClient = basic(made.client_id, made.secret!);
    const issued = (await world.token(form, byClient)).body.access_token as string;
    await world.token(form, byClient);
    const asked = await world.post('/oauth/introspect', { token: issued }, byClient);
    expect(asked.body.active).toBe(true);
    expect((await world.post('/oauth/revoke', { token: issued }, byClient)).status).toBe(200);

    const app = await world.operatorClient({ auth_method: 'none' });
    const { code, verifier } = await world.codeFor(app.client_id, { resource: `${world.issuer}/api/v1` }, bea);
    const redeemed = await world.token({
      ...{ grant_type: 'authorization_code', code, code_verifier: verifier },
      ...{ redirect_uri: redirect, client_id: app.client_id },
    });
    expect(redeemed.status).toBe(200);
    await world.codeFor(app.client_id, { resource: `${world.issuer}/api/v1` }, bea);
    await world.database.query(
      "update oauth_codes set expires_at = now() - interval '1 minute' where client_id = $1 and consumed_at is null",
      [app.client_id],
    );
    await world.database.query(
      "update oauth_access_tokens set expires_at = now() - interval '2 hours' where client_id = $1 and revoked_at is null",
      [made.client_id],
    );
    const pool = createPool({ url: serverDatabaseUrl(world.server.dataDir), max: 2 });
    const cipher = { encrypt: (text: string) => text, decrypt: (text: string) => text };
    // What the sweeper does each minute.
    await sweepOauth(createDatabase({ pool, clock: systemClock, cipher }), systemClock);
    await pool.end();

    ok(await world.operator.post('/api/v1/admin/ip-denylist', { range: '203.0.113.0/24', reason: 'flood' }));
    const knock = () => fetch(`${world.url}/api/v1/me`, { headers: { 'x-forwarded-for': '203.0.113.9' } });
    await until(async () => (await knock()).status === 403, 'the range is denied');
    await knock();

    const about = (events: readonly Json[], kind: string, is: Record<string, unknown>) =>
      events.filter(
        (one) => one.kind === kind && Object.entries(is).every(([name, value]) => one.body[name] === value),
      );
    const person = { user_id: bea.id };
    const wanted: [kind: string, is: Record<string, unknown>, body: Record<string, unknown>][] = [
      ['identity.user.sign_in_failed', person, { method: 'password', error: 'invalid_credentials' }],
      ['identity.user.signed_out', person, { session_id: expect.any(String) }],
      ['oauth.client.authenticated', { client_id: made.client_id }, { method: 'client_secret_basic', count: 1 }],
      ['oauth.token.checked', { client_id: made.client_id }, { active: true, count: 1 }],
      ['oauth.token.revoked', { client_id: made.client_id }, { what: 'token' }],
      ['oauth.token.expired', { client_id: made.client_id }, { count: 1 }],
    ];
    for (const [kind, is, body] of wanted) {
      await ofOwner.event((one) => about([one], kind, is).length === 1, kind);
      const found = about(ofOwner.events, kind, is);
      expect(found).toHaveLength(1);
      expect(found[0]!.body).toMatchObject({ ...is, ...body });
    }
    // One by password here, and one in the browser for each of the two codes.
    const signIns = about(ofOwner.events, 'identity.user.signed_in', person);
    expect(signIns.map(({ body }) => body.methods)).toEqual([['pwd'], ['pwd'], ['pwd']]);

    const server: [kind: string, is: Record<string, unknown>, body: Record<string, unknown>][] = [
      ['identity.user.created', person, { created_by: 'invite' }],
      ['oauth.code.redeemed', { client_id: app.client_id }, {}],
      ['oauth.code.expired', { client_id: app.client_id }, { count: 1 }],
      ['identity.address.denied', { address: '203.0.113.9' }, { count: 1 }],
    ];
    for (const [kind, is, body] of server) {
      const found = await until(async () => {
        const events = about(await recent(kind), kind, is);
        return events.length > 0 && events;
      }, kind);
      expect(found).toHaveLength(1);
      expect(found[0]!.body).toMatchObject(body);
    }
    expect(about(await recent('oauth.code.created'), 'oauth.code.created', { client_id: app.client_id })).toHaveLength(
      2,
    );

    const marked = ok(await stranger.post('/api/v1/inbox/channels', { name: 'mark' }));
    await ofStranger.event((one) => one.id === marked.id, 'the mark');
    const security = (events: readonly Json[]) =>
      events.filter(({ kind }) => /^(identity\.user|identity\.address|oauth)\./.test(kind));
    expect(security(ofStranger.events)).toEqual([]);
    // A colleague without rights hears of themselves at most.
    const heard = ok(await bystander.get('/api/v1/events?since=0&limit=200')).items as Json[];
    expect(
      security(heard).filter(({ body }) => body.user_id !== bystander.id && body.subject !== bystander.id),
    ).toEqual([]);
    const own = ok(await bea.get('/api/v1/events?since=0&limit=200')).items as Json[];
    expect(about(own, 'identity.user.sign_in_failed', person)).toHaveLength(1);
    for (const socket of [ofOwner, ofStranger]) socket.close();
  });
});

describe('metrics', () => {
  it('each family moves by the act that it counts', async () => {
    const before = await scrape(world.url);
    const made = await machine();
    const byClient = basic(made.client_id, made.secret!);
    const { access_token } = (await world.token(form, byClient)).body;
    await world.post('/oauth/revoke', { token: access_token }, byClient);
    await world.token(form, basic(made.client_id, 'wrong'));
    const app = await world.operatorClient({ auth_method: 'none' });
    await world.codeFor(app.client_id, { resource: `${world.issuer}/api/v1` });
    const dora = await world.makePerson('Dora');
    for (let count = 0; count < 6; count += 1)
      await world.anonymous.post('/auth/login', { email: dora.email, password: 'wrong wrong wrong' });
    // Its document would be at an address that this server may not reach.
    await world.browser().get(world.authorizeUrl('https://127.0.0.1:1/client.json', 'c'.repeat(43)));
    await fetch(`${world.url}/health`);
    await world.person.get('/api/v1/inbox/items/not-an-id');
    const after = await scrape(world.url);
    const grown = (name: string, labels: Record<string, string> = {}) =>
      (metricOf(after, name, labels) ?? Number.NaN) - (metricOf(before, name, labels) ?? 0);
    const moved: [name: string, labels?: Record<string, string>, by?: number][] = [
      ['atrium_http_requests_total'],
      ['atrium_http_requests_by_route_total', { method: 'GET', route: '/health', status: '200' }, 1],
      ['atrium_http_requests_by_class_total', { class: '4xx' }],
      ['atrium_http_request_duration_seconds_count', { route: '/oauth/token' }],
      ['atrium_http_request_duration_seconds_bucket', { route: '/oauth/token', le: '+Inf' }],
      ['atrium_http_request_duration_seconds_sum', { route: '/oauth/token' }],
      ['atrium_http_request_size_bytes_sum'],
      ['atrium_http_response_size_bytes_count'],
      ['atrium_oauth_token_issued_total', {}, 1],
      ['atrium_oauth_token_revoked_total', {}, 1],
      ['atrium_oauth_authorization_codes_issued_total', {}, 1],
      ['atrium_oauth_failed_authentications_total', { of: 'client' }, 1],
      ['atrium_oauth_failed_authentications_total', { of: 'person' }, 5],
      ['atrium_db_queries_total'],
      ['atrium_db_query_duration_seconds_count'],
      ['atrium_rate_limit_rejected_total', { limit: 'identity.login_account' }, 1],
      ['atrium_errors_total', { kind: 'invalid_client' }, 1],
      ['atrium_errors_total', { kind: 'rate_limited' }, 1],
      ['atrium_http_client_requests_total', { peer: 'oauth' }],
      ['atrium_events_published_total', { kind: 'oauth.code.created' }, 1],
      ['atrium_events_publish_duration_seconds_count'],
    ];
    for (const [name, labels = {}, by] of moved) {
      const said = `${name} ${JSON.stringify(labels)}`;
      if (by === undefined) expect(grown(name, labels), said).toBeGreaterThan(0);
      else expect(grown(name, labels), said).toBe(by);
    }
    const state: [name: string, labels: Record<string, string>][] = [
      ['atrium_concurrent_in_flight', { bulkhead: 'api' }],
      ['atrium_waiting_requests', {}],
      ['atrium_health_checks_total', { result: 'healthy' }],
      ['atrium_health_check_duration_seconds_count', { check: 'database' }],
      ['atrium_back_pressure_rejected_total', {}],
      ['atrium_bulkhead_rejected_total', { bulkhead: 'mcp' }],
      ['atrium_oauth_clients', {}],
      ['atrium_oauth_active_tokens', {}],
      ['atrium_rate_limit_remaining', { limit: 'http' }],
      ['atrium_circuit_breaker_state', { state: 'half_open' }],
      ['atrium_circuit_breaker_trips_total', {}],
      ['atrium_redis_client_operations_total', { outcome: 'failed' }],
      ['atrium_redis_client_operation_duration_seconds_count', {}],
      ['atrium_http_client_request_duration_seconds_count', { peer: 'sign_in' }],
    ];
    for (const [name, labels] of state) expect(metricOf(after, name, labels), name).not.toBeNull();
    for (const check of ['database', 'events', 'jobs'])
      expect(metricOf(after, 'atrium_health_check_status', { check }), check).toBe(1);
    expect(metricOf(after, 'atrium_app_info', { node: process.versions.node })).toBe(1);
    // Label values are words of ours: they cannot grow with what strangers send.
    expect(after).not.toContain(made.client_id);
    expect(after).not.toContain('127.0.0.1:1');
  });

  it('every metric that an alert rule or a dashboard names is there', async () => {
    const text = await scrape(world.url);
    const families = new Set([...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name!));
    const folder = resolve(import.meta.dirname, '../../../../../deploy');
    const rules = parse(readFileSync(join(folder, 'prometheus-rules.yaml'), 'utf8')) as {
      groups: { rules: { alert?: string; record?: string; expr: string }[] }[];
    };
    const recorded = new Set(rules.groups.flatMap((group) => group.rules.flatMap(({ record }) => record ?? [])));
    expect(rules.groups.flatMap((group) => group.rules).length).toBeGreaterThan(30);
    const boards = ['grafana-overview.json', 'grafana-objectives.json'].map((file) => {
      const board = JSON.parse(readFileSync(join(folder, file), 'utf8')) as {
        panels: { targets: { expr: string }[] }[];
      };
      return board.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
    });
    const expressions = [...rules.groups.flatMap((group) => group.rules.map(({ expr }) => expr)), ...boards.flat()];
    const named = new Set(
      expressions.flatMap((expr) =>
        [...expr.matchAll(/\b(?:atrium|nodejs|process)[a-z0-9_:]*[a-z0-9]/g)].map(([name]) => name),
      ),
    );
    const missing = [...named].filter(
      (name) => !recorded.has(name) && !families.has(name) && !families.has(name.replace(/_(?:bucket|sum|count)$/, '')),
    );
    expect(missing).toEqual([]);
    expect(named.size).toBeGreaterThan(25);
  });
});

describe('the page of metrics', () => {
  it('shows operators what this process does, and nobody else', async () => {
    await world.person.get('/api/v1/me');
    const load = ok(await world.operator.get('/api/v1/admin/load'));
    const me = load.routes.find((one: Json) => one.route === '/api/v1/me' && one.method === 'GET');
    expect(me).toMatchObject({ requests: expect.any(Number), failed: 0 });
    expect(me.latency.p50_ms).toBeGreaterThan(0);
    expect(load.bulkheads).toHaveLength(7);
    expect(load.in_flight).toMatchObject({ most: 1000, most_waiting: 10_000, now: 1 });
    expect(load.database.queries).toBeGreaterThan(100);
    expect((await world.org.owner.get('/api/v1/admin/load')).status).toBe(403);
  });
});

/** A second one on the same database, in this process: with limits of its own, counting in Redis, and a clock that can be set. */
describe('a replica', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'atrium-test-'));
  let redis: Awaited<ReturnType<typeof startRedis>> | null = null;
  let replica: App;
  let offset = 0;
  // Time that passes, as opposed to a clock that is set.
  let steps = 0;
  const pass = (ms: number) => {
    offset += ms;
    steps += ms;
  };
  beforeAll(async () => {
    const port = await freePort();
    if (services.wanted) redis = await startRedis(port);
    const read = readConfig({
      environment: {
        ATRIUM_DATA_DIR: dataDir,
        ATRIUM_PORT: '0',
        ATRIUM_ROLE: 'api',
        ATRIUM_MASTER_KEY: masterKey,
        ATRIUM_PUBLIC_URL: publicUrl,
        ATRIUM_TRUSTED_PROXIES: '127.0.0.1',
        ATRIUM_RATE_LIMIT_ADDRESS: '60/10m',
        ATRIUM_MAX_IN_FLIGHT: '6',
        ATRIUM_MAX_PER_BULKHEAD: '3',
        DATABASE_URL: serverDatabaseUrl(world.server.dataDir),
        ...(redis === null ? {} : { REDIS_URL: `redis://127.0.0.1:${port}` }),
      },
      file: null,
    });
    if (!read.ok) throw new Error(JSON.stringify(read.problems));
    const clock = new SteadyClock({ wall: () => Date.now() + offset, steady: () => performance.now() + steps });
    replica = await startApp({
      ...{ values: read.values, clock, log: createLogger('silent'), version: 'test', web_root: null },
      stopping: new AbortController().signal,
      ...{ siblings: alone, process_number: 1 },
    });
  }, 60_000);
  afterAll(async () => {
    await replica?.close();
    await redis?.stop();
    removeDataDir(dataDir);
  });

  it('83: calls that wait for a person are no load; the limits are those of the settings', async () => {
    const item = ok(
      await agent.post('/api/v1/inbox/ask', { title: 'Go on?', form: { fields: [{ type: 'text', id: 'x' }] } }),
    ).id;
    const me = async () =>
      (await fetch(`${replica.address}/api/v1/me`, { headers: { authorization: `Bearer ${world.person.token}` } }))
        .status;
    const giveUp = new AbortController();
    const count = async (name: string, labels = {}) => metricOf(await scrape(replica.address), name, labels);
    const waits: Promise<unknown>[] = [];
    // One after the other: on their way to the wait they are work like any other.
    for (let n = 1; n <= 9; n += 1) {
      waits.push(
        fetch(`${replica.address}/api/v1/inbox/items/${item}/wait?timeout_s=300`, {
          headers: { authorization: `Bearer ${agent.token}` },
          signal: giveUp.signal,
        }).catch(() => null),
      );
      await until(async () => (await count('atrium_waiting_requests')) === n, 'it waits');
    }
    // More than may be worked on, and yet there is room.
    expect(await me()).toBe(200);
    const sockets = holdRequests(replica.address, '/oauth/token', 3);
    try {
      await until(
        async () => (await count('atrium_concurrent_in_flight', { bulkhead: 'oauth' })) === 3,
        'one part is full',
      );
      expect(
        (await fetch(`${replica.address}/oauth/token`, { method: 'POST', body: new URLSearchParams(form) })).status,
      ).toBe(503);
      expect(await me()).toBe(200);
      sockets.push(...holdRequests(replica.address, '/auth/login', 3));
      await until(async () => (await count('atrium_concurrent_in_flight')) === 6, 'all is full');
      expect(await me()).toBe(503);
      expect((await fetch(`${replica.address}/health`)).status).toBe(200);
    } finally {
      for (const socket of sockets) socket.destroy();
    }
    await until(async () => (await me()) === 200, 'there is room again');
    giveUp.abort();
    await Promise.all(waits);
    await until(async () => (await count('atrium_waiting_requests')) === 0, 'nobody waits');
  });

  it.runIf(services.wanted)(
    '82: Redis disappears, and the limits go on from PostgreSQL without an error to anybody',
    async () => {
      const from = { 'x-forwarded-for': '10.70.0.1' };
      const jwks = async () => (await fetch(`${replica.address}/oauth/jwks`, { headers: from })).status;
      const counted = async (): Promise<number> => {
        const { rows } = await world.database.query(
          "select coalesce(sum(current), 0)::int as sum from core_rate_counters where bucket = 'http' and key = 'ip:10.70.0.1'",
        );
        return rows[0].sum;
      };
      for (let count = 0; count < 20; count += 1) expect(await jwks()).toBe(200);
      await until(
        async () => Number(await redis!.redis.hget('atrium:rate:http:ip:10.70.0.1', 'c')) === 20,
        'Redis counts them',
      );
      expect(await counted()).toBe(0);
      await redis!.stop();
      redis = null;
      const statuses: number[] = [];
      // Another replica would read what is in PostgreSQL now.
      await until(async () => {
        statuses.push(await jwks());
        return (await counted()) > 0;
      }, 'PostgreSQL counts them');
      while (statuses.length < 200 && statuses.at(-1) !== 429) statuses.push(await jwks());
      expect(new Set(statuses)).toEqual(new Set([200, 429]));
      const failed = async () =>
        metricOf(await scrape(replica.address), 'atrium_redis_client_operations_total', { outcome: 'failed' });
      expect(await failed()).toBeGreaterThan(0);

      const login = async () =>
        (
          await fetch(`${replica.address}/auth/login`, {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify({ email: world.org.owner.email, password: 'wrong wrong' }),
          })
        ).status;
      const attempts: number[] = [];
      for (let count = 0; count < 6; count += 1) attempts.push(await login());
      expect(attempts).toEqual([401, 401, 401, 401, 401, 429]);
    },
  );

  it('98: no token and no code becomes good again on that replica, and operators are called', async () => {
    const byAgent = basic(agent.client_id, agent.client_secret);
    const token = (await world.token({ grant_type: 'client_credentials', resource: `${world.issuer}/api/v1` }, byAgent))
      .body.access_token as string;
    const me = async () =>
      (await fetch(`${replica.address}/api/v1/me`, { headers: { authorization: `Bearer ${token}` } })).status;
    const app = await world.operatorClient({ auth_method: 'none' });
    const { code, verifier } = await world.codeFor(app.client_id, { resource: `${world.issuer}/api/v1` });
    const redeem = async () => {
      const answer = await fetch(`${replica.address}/oauth/token`, {
        method: 'POST',
        body: new URLSearchParams({
          ...{ grant_type: 'authorization_code', code, code_verifier: verifier },
          ...{ redirect_uri: redirect, client_id: app.client_id },
        }),
      });
      return ((await answer.json()) as Json).error;
    };
    expect(await me()).toBe(200);
    pass(3_700_000);
    expect(await me()).toBe(401);
    // Back to where the token would have had three minutes left.
    offset -= 280_000;
    expect(await me()).toBe(401);
    expect(await redeem()).toBe('invalid_grant');
    offset -= 3_600_000;
    expect(await me()).toBe(401);
    expect(await redeem()).toBe('invalid_grant');
    const alerts = await until(async () => {
      const found = (await recent('identity.alert')).filter(({ body }) => body.alert === 'clock_moved_back');
      return found.length >= 2 && found;
    }, 'operators are called');
    expect(alerts.map(({ body }) => body.seconds).toSorted()).toEqual([280, 3600]);
    expect(metricOf(await scrape(replica.address), 'atrium_alerts_total', { alert: 'clock_moved_back' })).toBe(2);
    // The others, whose clocks are right, still take the code.
    const right = await world.token({
      ...{ grant_type: 'authorization_code', code, code_verifier: verifier },
      ...{ redirect_uri: redirect, client_id: app.client_id },
    });
    expect(right.status).toBe(200);
  });
});

it('29: while PostgreSQL is down introspection says that it cannot say', async () => {
  const byAgent = basic(agent.client_id, agent.client_secret);
  const made = await world.operatorClient({ scopes: ['reports:read'] });
  await world.database.query(
    `insert into oauth_resources (id, audience, name, scopes, format, created_at, updated_at)
     values (gen_random_uuid(), 'https://ledger.example/api', 'Ledger', '{reports:read}', 'opaque', now(), now())`,
  );
  const byClient = basic(made.client_id, made.secret!);
  const credentials = 'client_credentials';
  const jwt = (await world.token({ grant_type: credentials, resource: `${world.issuer}/api/v1` }, byAgent)).body;
  const opaque = (
    await world.token(
      { grant_type: credentials, resource: 'https://ledger.example/api', scope: 'reports:read' },
      byClient,
    )
  ).body;
  const ask = (token: string, by: Record<string, string>) => world.post('/oauth/introspect', { token }, by);
  const askAll = () =>
    Promise.all([ask(jwt.access_token, byAgent), ask(opaque.access_token, byClient), ask('n'.repeat(43), byClient)]);
  expect((await askAll()).map(({ body }) => body.active)).toEqual([true, true, false]);

  // A file of settings that it cannot read keeps it down for as long as the test wants.
  const conf = join(realpathSync(join(world.server.dataDir, 'postgres')), 'postgresql.conf');
  const good = readFileSync(conf, 'utf8');
  appendFileSync(conf, "no_such_setting_at_all = 'x'\n");
  process.kill(postmasterPid(world.server.dataDir), 'SIGKILL');
  try {
    await until(async () => (await world.anonymous.get('/ready')).status === 503, 'the database is gone');
    for (let round = 0; round < 5; round += 1) {
      for (const answer of await askAll()) {
        expect(answer.status).toBe(503);
        expect(answer.body).not.toHaveProperty('active');
        expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
      }
    }
    expect((await world.anonymous.get('/health')).status).toBe(200);
  } finally {
    writeFileSync(conf, good);
  }
  await until(async () => (await world.anonymous.get('/ready')).status === 200, 'the database is back', 60_000);
  await until(async () => (await askAll()).every(({ status }) => status === 200), 'introspection answers');
  expect((await askAll()).map(({ body }) => body.active)).toEqual([true, true, false]);
}, 120_000);
