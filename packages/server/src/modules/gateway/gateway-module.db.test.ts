import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createGatewayTest, type GatewayTest } from '../../../test/support/make-gateway.ts';
import { callBy, makeOrg, type TestOrg } from '../../../test/support/make-inbox.ts';
import { until } from '../../../test/support/until.ts';
import { newId } from '../../platform/ids/ids.ts';
import type { StoredEvent } from '../../platform/module.ts';
import type { Call } from '../../platform/operations/call.ts';
import type { Caller } from '../../platform/operations/caller.ts';
import type { GatewayModule } from './gateway-module.ts';
import type { AccessRecord, UsageDelta } from './traffic/access-book.ts';

const target = (url = 'http://203.0.114.10:8080') => ({ url, weight: 1 });
const appInput = { icon: '📦', tags: [], group: null, description: '', position: 0 };

describe('the snapshot of a process', () => {
  let test: GatewayTest;
  let one: GatewayModule;
  let two: GatewayModule;
  let operator: Call;
  beforeAll(async () => {
    test = await createGatewayTest();
    const org = await makeOrg(test.pool, 'Home');
    operator = callBy({ ...(await org.person('Root', 'owner')), is_operator: true });
    [one, two] = [test.gateway, test.another()];
    await one.start();
    await two.start();
  });
  afterAll(async () => {
    await one.stop();
    await two.stop();
    await test.drop();
  });
  const at = (gateway: GatewayModule, host: string, path: string) => gateway.source.current().table.match(host, path);

  it('G54: follows what another process changes, and says whose access ended', async () => {
    const ended: string[] = [];
    two.source.onSwap((gone) => ended.push(...gone));
    const { slug } = await one.services.apps.create(operator, {
      ...{ ...appInput, slug: 'notes' },
      route: {
        targets: [target('http://127.0.0.1:9/base/')],
        mode: 'both',
        hosts: ['notes.example.net'],
        upstream_auth: { kind: 'basic', user: 'me', password: 'hush' },
      },
    });
    const found = await until(() => at(two, '', '/apps/notes/x'), 'the route on the other process');
    expect(found).toMatchObject({
      ...{ base: '/apps/notes/', redirect: false },
      route: {
        ...{ slug, allow_private: true, access: 'signed_in' },
        targets: [
          {
            url: 'http://127.0.0.1:9/base',
            protocol: 'http:',
            hostname: '127.0.0.1',
            port: 9,
            base_path: '/base',
            weight: 1,
          },
        ],
        upstream_auth: { kind: 'header', value: `Basic ${Buffer.from('me:hush').toString('base64')}` },
        timeouts: {
          connect: 5000,
          connect_websocket: 10_000,
          head: 120_000,
          body_idle: 75_000,
          client_send_idle: 75_000,
          client_take_idle: 120_000,
        },
      },
    });
    expect(at(two, 'notes.example.net', '/x')?.route.id).toBe(found.route.id);
    expect(ended).toEqual([]);

    const { id } = found.route;
    await one.services.routes.update(operator, { id, compress: true });
    await until(() => at(two, '', '/apps/notes/')?.route.compress, 'the change');
    expect(ended).toEqual([]);
    await one.services.routes.update(operator, {
      id,
      access: 'people',
      people: { user_ids: [operator.caller.id], team_ids: [], role_ids: [] },
    });
    await until(() => ended.includes(id), 'the end of what runs by the old access');
    await one.services.apps.remove(operator, slug);
    await until(() => at(two, '', '/apps/notes/') === null, 'the end of the route');
    expect(ended).toEqual([id, id]);
  });

  it('is built anew when somebody changes the tables by hand, and keeps routes that can be used', async () => {
    await one.services.apps.create(operator, { ...appInput, slug: 'good', route: { targets: [target()] } });
    await one.services.apps.create(operator, {
      ...appInput,
      slug: 'bad',
      route: { targets: [target()], upstream_auth: { kind: 'bearer', token: 'x' } },
    });
    await until(() => at(two, '', '/apps/bad/'), 'both');
    await test.pool.query(
      "update gateway_routes set upstream_auth_secret = 'v1.00000000.AAAA.AAAA' where slug = 'bad'",
    );
    await until(() => at(two, '', '/apps/bad/') === null, 'the end of the one that cannot be used');
    expect(at(two, '', '/apps/good/')).not.toBeNull();
    expect(test.errors.length).toBeGreaterThan(0);
    test.errors.length = 0;
  });

  it('holds the 2,000 routes that a server may have', { tags: ['long'] }, async () => {
    await test.pool.query(`insert into gateway_routes select (jsonb_populate_record(r, jsonb_build_object('id', gen_random_uuid(), 'slug', 'many-' || n,
      'path_base', '/apps/many-' || n || '/'))).* from gateway_routes r, generate_series(1, 2000) n where r.slug = 'good'`);
    await until(
      () => one.source.current().routes.size > 2000 && two.source.current().routes.size > 2000,
      'all of them',
    );
    expect(at(one, '', '/apps/many-1999/x')?.route.slug).toBe('many-1999');
    expect(at(two, '', '/apps/many-7/')?.route.slug).toBe('many-7');
    const more = one.services.apps.create(operator, { ...appInput, slug: 'one-more', route: { targets: [target()] } });
    await expect(more).rejects.toMatchObject({
      code: 'plan_limit_exceeded',
      extensions: { limit: 'routes', max: 2000 },
    });
    await test.pool.query("delete from gateway_routes where slug like 'many-%'");
  });

  it('a deleted organisation takes its routes with it', async () => {
    const [app] = (await one.services.apps.list(operator, { limit: 1 })).items;
    await test.database.transaction(operator, (tx) =>
      one.services.hooks.orgDeleting(tx, { id: operator.caller.org_id }),
    );
    await until(() => two.source.current().routes.size === 0, 'the end of all routes');
    await expect(one.services.apps.get(operator, app!.slug)).rejects.toMatchObject({ code: 'not_found' });
  });
});

describe('probes of targets', () => {
  let test: GatewayTest;
  let one: GatewayModule;
  let two: GatewayModule;
  let org: TestOrg;
  let operator: Call;
  const answers = { status: 200 };
  const seen: { path: string; cookie: string | undefined }[] = [];
  const app = createServer((request, response) => {
    seen.push({ path: request.url!, cookie: request.headers.cookie });
    response.writeHead(answers.status, { 'set-cookie': 'visitor=7; Path=/' }).end('hello');
  });
  beforeAll(async () => {
    await new Promise<void>((done) => app.listen(0, '127.0.0.1', done));
    test = await createGatewayTest({ probes: true });
    org = await makeOrg(test.pool, 'Home');
    operator = callBy({ ...(await org.person('Root', 'owner')), is_operator: true });
    [one, two] = [test.gateway, test.another()];
    await one.start();
    await two.start();
  });
  afterAll(async () => {
    await one.stop();
    await two.stop();
    await test.drop();
    app.close();
  });
  const changes = async () =>
    (
      await test.pool.query(
        "select body from core_events where org_id = $1 and kind = 'gateway.health.changed' order by seq",
        [org.id],
      )
    ).rows.map(({ body }) => `${body.before} ${body.status}`);

  it('G46, G54: by one process at a time, changes once, by the rules of each route', {
    tags: ['long'],
    timeout: 60_000,
  }, async () => {
    const url = `http://127.0.0.1:${(app.address() as AddressInfo).port}`;
    const health = {
      skip: false,
      path: '/alive',
      interval_ms: 1000,
      timeout_ms: 1000,
      unhealthy_after: 2,
      healthy_codes: [],
    };
    const made = await one.services.apps.create(operator, {
      ...appInput,
      slug: 'alive',
      route: { targets: [target(url)], health },
    });
    const dead = await one.services.apps.create(operator, {
      ...{ ...appInput, slug: 'skipped' },
      route: { targets: [target('http://127.0.0.1:9')], health: { ...health, skip: true } },
    });
    const [id, deadId] = [made.routes[0]!.id, dead.routes[0]!.id];
    const statusIs = (wanted: string) =>
      until(async () => (await two.services.apps.get(operator, 'alive')).status === wanted, `the app being ${wanted}`);
    await statusIs('healthy');
    expect(seen[0]).toEqual({ path: '/alive', cookie: undefined });
    // The first sight of health is no change.
    expect(await changes()).toEqual([]);
    answers.status = 500;
    await statusIs('unhealthy');
    answers.status = 403;
    await statusIs('healthy');
    expect(await changes()).toEqual(['healthy unhealthy', 'unhealthy healthy']);
    expect(seen.at(-1)).toEqual({ path: '/alive', cookie: 'visitor=7' });
    const { targets } = await one.services.apps.health(operator, 'alive');
    expect(targets).toMatchObject([
      { route_id: id, url, status: 'healthy', consecutive_failures: 0, last_error: null },
    ]);
    // Of two processes one asks: twice as many probes would be both.
    const leases = await test.pool.query("select holder from core_leases where name = 'gateway-health'");
    expect(leases.rows).toHaveLength(1);
    // The other hears of a change by its event.
    const event: StoredEvent = {
      org_id: org.id,
      seq: 1,
      kind: 'gateway.health.changed',
      id,
      actor: { type: 'system', id: null, name: '' },
      at: new Date(),
      body: { target: url, status: 'unhealthy' },
    };
    two.onEvent!(event);
    expect(two.health.status(id, url)).toBe('unhealthy');
    expect((await one.services.apps.get(operator, 'skipped')).status).toBe('unknown');
    expect(one.health.status(deadId, 'http://127.0.0.1:9')).toBe('unknown');
    expect(test.errors).toEqual([]);
  });

  it('never reach an address that the route may not have', async () => {
    test.names.set('turns.example.org', ['203.0.114.5']);
    const admin = callBy(await org.person('Ada', 'admin'));
    const { port } = app.address() as AddressInfo;
    const health = {
      skip: false,
      path: '/stolen',
      interval_ms: 1000,
      timeout_ms: 1000,
      unhealthy_after: 1,
      healthy_codes: [],
    };
    await one.services.apps.create(admin, {
      ...appInput,
      slug: 'turns',
      route: { targets: [target(`http://turns.example.org:${port}`)], health },
    });
    // After the check its owner turns the name to this machine.
    test.names.set('turns.example.org', ['127.0.0.1']);
    await until(async () => (await one.services.apps.get(operator, 'turns')).status === 'unhealthy', 'the refusal');
    const { targets } = await one.services.apps.health(operator, 'turns');
    expect(targets[0]!.last_error).toBe('the address is not allowed');
    expect(seen.filter(({ path }) => path === '/stolen')).toEqual([]);
  }, 60_000);
});

describe('who sees what', () => {
  let test: GatewayTest;
  let org: TestOrg;
  let admin: Call;
  let member: Caller;
  let viewer: Caller;
  let invited: Caller;
  let stranger: Caller;
  beforeAll(async () => {
    test = await createGatewayTest();
    org = await makeOrg(test.pool, 'Home');
    admin = callBy(await org.person('Ada', 'admin'));
    member = await org.person('Mo', 'member');
    viewer = await org.person('Vi', 'viewer');
    invited = await org.person('In', 'viewer');
    stranger = await (await makeOrg(test.pool, 'Foreign')).person('Eve', 'owner');
    const team = await org.team('Team', [invited]);
    const people = { user_ids: [], team_ids: [team], role_ids: [] };
    const route = { targets: [target()] };
    await test.gateway.services.apps.create(admin, { ...appInput, slug: 'all', group: 'B', route });
    await test.gateway.services.apps.create(admin, {
      ...appInput,
      slug: 'few',
      group: 'A',
      tags: ['rare'],
      route: { ...route, access: 'people', people },
    });
    await test.gateway.services.apps.create(admin, { ...appInput, slug: 'empty' });
    await test.gateway.source;
  });
  afterAll(() => test.drop());
  const slugs = async (caller: Caller, filter: object = {}) =>
    (await test.gateway.services.apps.list(callBy(caller), { limit: 50, ...filter })).items.map((app) => app.slug);

  it('an app is listed for who may open it and for who looks after it', async () => {
    expect(await slugs(admin.caller)).toEqual(['empty', 'few', 'all']);
    expect(await slugs(member)).toEqual(['all']);
    expect(await slugs(invited)).toEqual(['few', 'all']);
    expect(await slugs(stranger)).toEqual([]);
    expect(await slugs(invited, { tag: 'rare' })).toEqual(['few']);
    expect(await slugs(invited, { group: 'B' })).toEqual(['all']);
    expect(await slugs(invited, { q: 'AL' })).toEqual(['all']);
    await expect(test.gateway.services.apps.get(callBy(member), 'few')).rejects.toMatchObject({ code: 'not_found' });
    const pages = [];
    for (let cursor: string | undefined, n = 0; n < 5; n += 1) {
      const page = await test.gateway.services.apps.list(admin, { limit: 1, cursor });
      pages.push(...page.items.map((app) => app.slug));
      if (page.next_cursor === null) break;
      cursor = page.next_cursor;
    }
    expect(pages).toEqual(['empty', 'few', 'all']);
  });

  it('resources over MCP show the same apps', async () => {
    const { resources } = test.gateway;
    const read = (caller: Caller, uri: string) => resources!.read(callBy(caller), uri);
    expect(await read(member, 'atrium://apps')).toMatchObject([{ slug: 'all' }]);
    expect(await read(invited, 'atrium://apps/few')).toMatchObject({ slug: 'few', group: 'A' });
    expect(await read(member, 'atrium://apps/few')).toBeNull();
    expect(await read(invited, 'atrium://gateway/health')).toEqual([
      { slug: 'few', name: 'few', status: 'unknown' },
      { slug: 'all', name: 'all', status: 'unknown' },
    ]);
    await expect(read({ ...member, scopes: ['inbox:read'] }, 'atrium://apps')).rejects.toMatchObject({
      code: 'insufficient_scope',
    });
    expect(await read(member, 'atrium://inbox/open')).toBeNull();
  });

  it('a pin is of one person', async () => {
    await test.gateway.services.apps.pin(callBy(invited), { slug: 'few', pinned: true });
    const pinned = async (caller: Caller) =>
      (await test.gateway.services.apps.list(callBy(caller), { limit: 50 })).items
        .filter((app) => app.pinned)
        .map((app) => app.slug);
    expect(await pinned(invited)).toEqual(['few']);
    expect(await pinned(admin.caller)).toEqual([]);
    await expect(test.gateway.services.apps.pin(callBy(member), { slug: 'few', pinned: true })).rejects.toMatchObject({
      code: 'not_found',
    });
    const hooks = test.gateway.services.hooks;
    expect(await hooks.personExporting(invited.id)).toMatchObject({ gateway: { pins: [{ app: 'few' }] } });
    await test.database.transaction(admin, (tx) => hooks.personErasing(tx, { id: invited.id, name: 'Nobody' }));
    expect(await pinned(invited)).toEqual([]);
  });

  it('both questions of the event filters have one answer, for every kind and receiver', async () => {
    const rows = await test.pool.query(
      "select e.kind, e.subject_id, e.body, e.seq from core_events e where org_id = $1 and kind like 'gateway.%'",
      [org.id],
    );
    const few = (await test.gateway.services.apps.get(admin, 'few')).id;
    const made = [
      ...rows.rows.map((row) => ({
        kind: row.kind as string,
        id: row.subject_id as string,
        body: row.body as Record<string, unknown>,
      })),
      { kind: 'gateway.health.changed', id: newId(), body: { app_id: few, app_slug: 'few' } },
      { kind: 'gateway.config.reloaded', id: newId(), body: { version: 1 } },
      { kind: 'gateway.board.updated', id: newId(), body: { owner_id: null, slug: 'shared' } },
      { kind: 'gateway.board.updated', id: newId(), body: { owner_id: member.id, slug: 'own' } },
    ];
    const events: StoredEvent[] = made.map((event, i) => ({
      ...event,
      org_id: org.id,
      seq: i,
      actor: { type: 'system', id: null, name: '' },
      at: new Date(),
    }));
    const noScope = { ...admin.caller, scopes: ['inbox:read'] };
    const receivers = [admin.caller, member, viewer, invited, stranger, noScope];
    const seen = new Map<string, string[]>();
    for (const filter of test.gateway.eventFilters!) {
      const mine = events.filter((event) => event.kind.startsWith(filter.prefix));
      expect(mine.length).toBeGreaterThan(0);
      for (const receiver of receivers) {
        const replayed = await filter.replay(receiver, mine);
        for (const [i, event] of mine.entries()) {
          const [live] = await filter.fanOut(event, [receiver]);
          expect(live).toEqual(replayed[i]);
          if (live !== null)
            seen.set(receiver.name, [
              ...(seen.get(receiver.name) ?? []),
              `${event.kind} ${event.body['app_slug'] ?? event.body['slug'] ?? ''}`,
            ]);
        }
      }
    }
    expect(seen.has('Eve')).toBe(false);
    expect(seen.get('Mo')).toContain('gateway.health.changed few');
    expect(seen.get('Mo')!.some((line) => line.startsWith('gateway.config.'))).toBe(false);
    expect(seen.get('Mo')!.filter((line) => line.startsWith('gateway.board.'))).toEqual([
      'gateway.board.updated shared',
      'gateway.board.updated own',
    ]);
    expect(seen.get('Vi')).toEqual(['gateway.app.registered all', 'gateway.board.updated shared']);
    expect(seen.get('In')).toEqual([
      'gateway.app.registered all',
      'gateway.app.registered few',
      'gateway.health.changed few',
      'gateway.board.updated shared',
    ]);
    // All but the board that is another person's own.
    expect(seen.get('Ada')).toHaveLength(events.length - 1);
  });

  it('G14: a trial tells the verdict for somebody else, by the policy of the gate', async () => {
    await test.gateway.start();
    const { trial } = test.gateway.services;
    const robot = { ...(await org.agent('Robot')), scopes: ['gateway:read', 'access:all'] };
    for (const caller of [member, invited, robot]) test.principals.set(caller.id, caller);
    const ask = async (slug: string, as?: string) =>
      trial.test(admin, { method: 'GET', url: `http://atrium.example.org:4400/apps/${slug}`, as });
    expect(await ask('few/page?q=1', invited.id)).toMatchObject({
      verdict: 'allow',
      target: 'http://203.0.114.10:8080/page?q=1',
      required_scopes: ['access:few'],
    });
    expect(await ask('few/', member.id)).toMatchObject({ verdict: 'not_found', target: null, route: { slug: 'few' } });
    expect(await ask('all/', robot.id)).toMatchObject({ verdict: 'allow' });
    await test.gateway.services.routes.update(admin, {
      id: (await ask('all/')).route!.id,
      access: 'scopes',
      scopes: ['deploy:run'],
    });
    await until(async () => (await ask('all/')).required_scopes.length === 2, 'the new access');
    expect(await ask('all/', robot.id)).toMatchObject({
      verdict: 'insufficient_scope',
      reason: 'The token lacks deploy:run.',
    });
    expect(await ask('nothing/')).toMatchObject({ verdict: 'not_found', route: null });
    await expect(
      trial.test(callBy(member), { method: 'GET', url: 'http://x.example.org/', as: invited.id }),
    ).rejects.toMatchObject({ code: 'permission_denied' });
    const abroad = await trial.test(callBy(stranger), { method: 'GET', url: 'http://atrium.example.org/apps/few/' });
    expect(abroad).toMatchObject({ verdict: 'not_found', route: null });
    await expect(
      trial.test(admin, { method: 'GET', url: 'http://x.example.org/', as: stranger.id }),
    ).rejects.toMatchObject({ code: 'not_found' });
    await test.gateway.stop();
  });
});

describe('figures and secrets', () => {
  it('counts are added up by day, app and principal, come again after a failure, and strangers are nobody', async () => {
    let deltas: UsageDelta[] = [];
    const lines: AccessRecord[] = [];
    const listeners = new Set<(line: AccessRecord) => void>();
    const book = {
      lines: function* () {
        yield* lines;
      },
      follow: (listener: (line: AccessRecord) => void) => {
        listeners.add(listener);
        return () => void listeners.delete(listener);
      },
      get recorded() {
        return lines.length;
      },
      flushDeltas: () => deltas.splice(0),
    };
    const test = await createGatewayTest({ traffic: () => book });
    const org = await makeOrg(test.pool, 'Home');
    const ada = await org.person('Ada', 'admin');
    const call = callBy(ada);
    const { traffic, apps } = test.gateway.services;
    const app = await apps.create(call, { ...appInput, slug: 'notes', route: { targets: [target()] } });
    const delta = (parts: Partial<UsageDelta>): UsageDelta => ({
      ...{
        org_id: org.id,
        app_id: app.id,
        day: '2026-03-01',
        principal: null,
        requests: 1,
        errors: 0,
        bytes_in: 10,
        bytes_out: 3_000_000_000,
        duration_ms: 5,
      },
      ...parts,
    });
    const principal = { type: 'user' as const, id: ada.id, name: 'Ada' };
    deltas = [
      delta({}),
      delta({ errors: 1 }),
      delta({ principal }),
      delta({ app_id: newId() }),
      delta({ day: '2026-02-28' }),
    ];
    await traffic.flush();
    deltas = [delta({ principal, duration_ms: 15 })];
    await traffic.flush();
    const stats = await traffic.stats(call, { days: 1 });
    expect(stats).toMatchObject({
      apps: 1,
      routes: 1,
      targets: { healthy: 0, unhealthy: 0, unknown: 1 },
      proposals_pending: 0,
    });
    expect(stats.days).toHaveLength(2);
    expect(stats.days).toContainEqual({
      day: '2026-03-01',
      app: 'notes',
      principal,
      requests: 2,
      errors: 0,
      bytes_in: 20,
      bytes_out: 6_000_000_000,
      mean_ms: 10,
    });
    expect(stats.days).toContainEqual(expect.objectContaining({ principal: null, requests: 2, errors: 1, mean_ms: 5 }));
    expect((await traffic.stats(call, { days: 7, app: 'notes' })).days).toHaveLength(3);

    const line = (n: number): AccessRecord => ({
      ...{
        id: `r${n}`,
        at: Date.UTC(2026, 2, 1, 0, 0, n),
        owner: { org_id: org.id, app_id: app.id, app: 'notes', route_id: app.routes[0]!.id },
        principal,
      },
      ...{
        address: '192.0.2.1',
        method: 'GET',
        host: 'h',
        path: `/p${n}`,
        status: n === 2 ? 502 : 200,
        outcome: 'ok',
        bytes_in: 0,
        bytes_out: 0,
        duration_ms: 1,
        target: null,
      },
    });
    lines.push(line(3), line(2), line(1), { ...line(9), owner: { ...line(9).owner!, org_id: newId() } });
    const first = await traffic.log(call, { limit: 2 });
    const second = await traffic.log(call, { limit: 2, cursor: first.next_cursor! });
    expect([...first.items, ...second.items].map((one) => one.path)).toEqual(['/p3', '/p2', '/p1']);
    expect((await traffic.log(call, { limit: 50, status: '5xx' })).items.map((one) => one.id)).toEqual(['r2']);

    const stop = new AbortController();
    const { events } = await traffic.tail({ ...call, signal: stop.signal }, {});
    const heard: string[] = [];
    const reading = (async () => {
      for await (const event of events) if ('data' in event) heard.push(event.id ?? '');
    })();
    await until(() => listeners.size === 1, 'the tail');
    for (const listener of listeners)
      for (const one of [line(4), { ...line(5), owner: { ...line(5).owner!, org_id: newId() } }, line(6)])
        listener(one);
    await until(() => heard.length === 2, 'both lines');
    stop.abort();
    await reading;
    expect(heard).toEqual(['r4', 'r6']);
    expect(listeners.size).toBe(0);

    deltas = [delta({ principal })];
    const { database } = test;
    const broken = test.another({ traffic: () => book, database: { ...database, read: null as never } });
    await expect(broken.services.traffic.flush()).rejects.toThrow();
    expect(deltas).toEqual([]);
    await test.drop();
  });

  it('secrets and kept cookies come under a new master key, and are listed for their owner alone', async () => {
    const test = await createGatewayTest();
    const org = await makeOrg(test.pool, 'Home');
    const [ada, bob] = [await org.person('Ada', 'admin'), await org.person('Bob')];
    const app = await test.gateway.services.apps.create(callBy(ada), {
      ...{ ...appInput, slug: 'notes' },
      route: { targets: [target()], upstream_auth: { kind: 'bearer', token: 'hush' } },
    });
    const route = app.routes[0]!.id;
    const seal = (who: Caller, name: string) =>
      test.secrets.encrypt(`value of ${name}`, `gateway.cookie:${who.id}:${route}:${name}`);
    for (const [who, name] of [
      [ada, 'sid'],
      [ada, 'theme'],
      [bob, 'sid'],
    ] as const)
      await test.pool.query(
        'insert into gateway_cookie_jars (principal_id, org_id, route_id, name, path, value, updated_at) values ($1, $2, $3, $4, $5, $6, now())',
        [who.id, org.id, route, name, '/', seal(who, name)],
      );
    const visited: [string, string][] = [];
    await test.gateway.rotate((sealed, place) => {
      visited.push([place, test.secrets.decrypt(sealed, place)]);
      return `renewed ${place}`;
    });
    expect(visited.map(([, text]) => text).toSorted()).toEqual([
      'hush',
      'value of sid',
      'value of sid',
      'value of theme',
    ]);
    const stored = await test.pool.query(
      'select value from gateway_cookie_jars union all select upstream_auth_secret from gateway_routes',
    );
    expect(stored.rows.every((row) => row.value.startsWith('renewed gateway.'))).toBe(true);
    const { cookies } = test.gateway.services;
    const mine = await cookies.list(callBy(ada), { limit: 50 });
    expect(mine.items).toEqual([
      { app: 'notes', name: 'sid', path: '/', expires_at: null },
      { app: 'notes', name: 'theme', path: '/', expires_at: null },
    ]);
    expect(await cookies.remove(callBy(ada), { app: 'other' })).toEqual({ deleted: 0 });
    expect(await cookies.remove(callBy(ada), {})).toEqual({ deleted: 2 });
    expect((await cookies.list(callBy(bob), { limit: 50 })).items).toHaveLength(1);
    await test.drop();
  });
});
