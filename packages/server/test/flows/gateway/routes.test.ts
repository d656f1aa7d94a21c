import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSocket } from '../../support/live-socket.ts';
import { ok, openWorld, type Person, type World } from '../../support/people.ts';
import { createRestClient, type Json, type RestClient } from '../../support/rest-client.ts';
import { runServer } from '../../support/run-server.ts';
import { serverDatabaseUrl } from '../../support/server-database.ts';
import { type RunningServer, removeDataDir, startServer } from '../../support/start-server.ts';
import { until } from '../../support/until.ts';

let world: World;
let owner: Person;
const masterKey = Buffer.alloc(32, 7).toString('base64');
beforeAll(async () => {
  world = await openWorld({ env: { ATRIUM_MASTER_KEY: masterKey } });
  owner = world.operator;
});
afterAll(() => world.close());

const route = (n: number) => ({ targets: [{ url: `http://203.0.114.${n}:8080` }], health: { skip: true } });
const file = (name: string) => join(world.server.dataDir, name);
const apps = async (by: RestClient = owner): Promise<string[]> =>
  ok(await by.get('/api/v1/apps')).items.map((app: Json) => app.slug);
const versions = async (): Promise<Json[]> => ok(await owner.get('/api/v1/gateway/config/versions')).items;
const events = async (kind: string): Promise<Json[]> =>
  (await world.database.query('select body from core_events where kind = $1 order by seq', [kind])).rows.map(
    (row) => row.body,
  );
const metrics = async (): Promise<string> => (await fetch(`${world.url}/metrics`)).text();
const trial = async (by: RestClient, slug: string): Promise<Json> =>
  ok(await by.post('/api/v1/routes/test', { url: `http://localhost/apps/${slug}/` }));

describe('routes over the doors of a started server', () => {
  it('G14: what is created is read back, changed by If-Match, refused when stale or taken, and survives a restart', async () => {
    const socket = await openSocket(world.url, owner.token);
    const app = ok(await owner.post('/api/v1/apps', { slug: 'notes', name: 'Notes', route: route(1) }));
    const created = await socket.event((event) => event.kind === 'gateway.route.created');
    expect(created).toMatchObject({ id: app.routes[0].id, body: { slug: 'notes', app_slug: 'notes' } });
    socket.close();
    const path = `/api/v1/routes/${app.routes[0].id}`;
    const read = await owner.get(path);
    expect(read.headers.get('etag')).toBe('"1"');
    const secret = { kind: 'bearer', token: 'hush-hush' };
    const changed = await owner.send(
      'PATCH',
      path,
      { upstream_auth: secret, compress: true },
      { headers: { 'if-match': '"1"' } },
    );
    expect(ok(changed)).toEqual({
      ...read.body,
      upstream_auth: { kind: 'bearer' },
      compress: true,
      version: 2,
      updated_at: changed.body.updated_at,
    });
    const stale = await owner.send('PATCH', path, { compress: false }, { headers: { 'if-match': '"1"' } });
    expect([stale.status, stale.body.code, stale.body.version]).toEqual([412, 'gateway_route_stale', 2]);
    const partial = await owner.send('PUT', path, { slug: 'notes', compress: true });
    expect(partial.status).toBeGreaterThanOrEqual(400);

    const foreign = await world.makeOrg('Foreign');
    const own = ok(await foreign.owner.post('/api/v1/apps', { slug: 'theirs' }));
    const taken = await foreign.owner.post('/api/v1/routes', {
      ...route(2),
      app_id: own.id,
      slug: 'theirs',
      path_base: '/apps/notes',
    });
    expect([taken.status, taken.body.code]).toEqual([409, 'gateway_route_conflict']);
    expect(JSON.stringify(taken.body)).not.toContain(app.id);
    const refused = await foreign.owner.post('/api/v1/routes', {
      app_id: own.id,
      slug: 'inner',
      targets: [{ url: 'http://192.168.1.1' }],
    });
    expect([refused.status, refused.body.code]).toEqual([422, 'gateway_target_refused']);

    await world.server.kill();
    await world.restart();
    // It listens at another port now.
    expect({ ...ok(await owner.get(path)), addresses: [] }).toEqual({ ...changed.body, addresses: [] });
    expect(world.server.output()).not.toContain('hush-hush');
    expect(await trial(owner, 'notes')).toMatchObject({
      verdict: 'allow',
      target: 'http://203.0.114.1:8080/',
      request_headers: expect.arrayContaining([['authorization', '***']]),
    });
    expect(await trial(foreign.owner, 'notes')).toMatchObject({ verdict: 'not_found', route: null });
    const settings = ok(await owner.get('/api/v1/gateway/info'));
    expect(settings).toMatchObject({ base_domain: null, default_mode: 'path', config_file: file('atrium.yaml') });
    expect(settings.own_hosts).toContain('localhost');
  });

  it('G50: the settings file saved in every way editors save it', async () => {
    const notes =
      'apps:\n  - { slug: filed, name: Filed }\nroutes:\n  - { slug: filed, targets: [{ url: "http://192.168.1.9" }], health: { skip: true } }\n';
    // Truncate and write.
    writeFileSync(file('atrium.yaml'), notes);
    await until(async () => (await apps()).includes('filed'), 'the app of the file');
    expect(await events('gateway.config.reloaded')).toHaveLength(1);
    const [first] = await versions();
    expect(first).toMatchObject({ source: 'file', result: 'applied' });

    // By rename.
    writeFileSync(file('atrium.yaml.new'), notes.replace('name: Filed', 'name: Renamed'));
    renameSync(file('atrium.yaml.new'), file('atrium.yaml'));
    await until(async () => ok(await owner.get('/api/v1/apps/filed')).name === 'Renamed', 'the renamed app');
    expect(await events('gateway.config.reloaded')).toHaveLength(2);

    // Broken: the old stays, with an event.
    writeFileSync(file('atrium.yaml'), `${notes}  - { slug: `);
    await until(async () => (await events('gateway.config.rejected')).length === 1, 'the rejection');
    expect(ok(await owner.get('/api/v1/apps/filed')).name).toBe('Renamed');
    expect((await versions())[0]).toMatchObject({ source: 'file', result: 'rejected' });

    // A key that needs a restart keeps its value and is told of; the rest is applied.
    writeFileSync(
      file('atrium.yaml'),
      `${notes}server: { max_upload: 5MB }\ngateway: { base_domain: apps.example.net, timeouts: { head: 7s } }\n`,
    );
    await until(
      async () => ok(await owner.get('/api/v1/gateway/info')).base_domain === 'apps.example.net',
      'the new domain',
    );
    expect(ok(await owner.get('/api/v1/gateway/info')).waiting_for_restart).toEqual(['server.max_upload']);
    const told = await until(
      async () =>
        (await events('gateway.config.reloaded')).at(-1)?.applied?.length > 0 &&
        (await events('gateway.config.reloaded')).at(-1),
      'the event',
    );
    expect(told).toMatchObject({
      applied: ['gateway.base_domain', 'gateway.timeouts.head'],
      waiting_for_restart: ['server.max_upload'],
    });
    const hosted = ok(await owner.post('/api/v1/apps', { slug: 'hosted', route: { ...route(3), mode: 'host' } }));
    expect(hosted.routes[0].address).toContain('//hosted.apps.example.net');

    // Back to the version before what people did since.
    const back = (await versions()).find((version) => version.source === 'api' && version.number > first!.number)!;
    await owner.send('PATCH', '/api/v1/apps/hosted', { name: 'Other', tags: ['x'] });
    ok(await owner.post(`/api/v1/gateway/config/versions/${back.number}/rollback`));
    expect(ok(await owner.get(`/api/v1/gateway/config/versions/${back.number}/diff?against=now`)).changes).toEqual([]);
    expect(ok(await owner.get('/api/v1/apps/hosted'))).toMatchObject({ name: 'hosted', tags: [] });

    // A signal reads again as well; nothing has changed, so nothing is told.
    const count = (await versions()).length;
    const reloads = async () =>
      Number(/^atrium_config_reloads_total\{result="success"\} (\d+)$/m.exec(await metrics())?.[1] ?? 0);
    const before = await reloads();
    world.server.process.kill('SIGHUP');
    await until(async () => (await reloads()) > before, 'the reading after the signal');
    expect((await versions()).length).toBe(count);
    expect(await metrics()).toMatch(/^atrium_config_reloads_total\{result="error_validation"\} [1-9]/m);
    rmSync(file('atrium.yaml'));
    await until(async () => !(await apps()).includes('filed'), 'the end of the app of the file');
    expect((await versions()).length).toBe(count + 1);
  });

  it('G11: a file of the directory is added, broken and removed without a restart', async () => {
    mkdirSync(file('gateway.d'));
    const text =
      'apps: [{ slug: wiki, name: Wiki }]\nroutes: [{ slug: wiki, targets: [{ url: "http://192.168.1.7" }], health: { skip: true } }]\n';
    writeFileSync(file('gateway.d/wiki.yaml'), text);
    await until(async () => (await apps()).includes('wiki'), 'the app of the directory');
    const rejected = (await events('gateway.config.rejected')).length;
    writeFileSync(file('gateway.d/wiki.yaml'), 'apps: [{ slug: wiki');
    await until(async () => (await events('gateway.config.rejected')).length === rejected + 1, 'the rejection');
    expect((await trial(owner, 'wiki')).verdict).toBe('allow');
    rmSync(file('gateway.d/wiki.yaml'));
    await until(async () => !(await apps()).includes('wiki'), 'its end');
  });

  it('G54: a route made at one server is there on another within a second', async () => {
    const other: RunningServer = await startServer({
      fresh: true,
      env: { DATABASE_URL: serverDatabaseUrl(world.server.dataDir), ATRIUM_MASTER_KEY: masterKey, ATRIUM_ROLE: 'api' },
    });
    try {
      const there = createRestClient(() => other.url, owner.token);
      ok(await owner.post('/api/v1/apps', { slug: 'shared', route: route(4) }));
      const made = performance.now();
      await until(
        async () => (await trial(there, 'shared')).verdict === 'allow',
        'the route on the other server',
        1000,
      );
      expect(performance.now() - made).toBeLessThan(1000);
      await owner.delete('/api/v1/apps/shared');
      await until(async () => (await trial(there, 'shared')).route === null, 'its end there', 1000);
    } finally {
      await other.stop();
      removeDataDir(other.dataDir);
    }
  });

  it('a wrong route in the file ends a start, with every problem listed', async () => {
    writeFileSync(
      file('wrong.yaml'),
      'apps: [{ slug: "no slug", name: x }]\nroutes: [{ slug: a, targets: [{ url: "ftp://x" }] }]\ngateway: { default_mode: sideways }\n',
    );
    const { code, output } = await runServer({ cwd: world.server.dataDir, env: { ATRIUM_CONFIG: file('wrong.yaml') } });
    expect(code).toBe(78);
    for (const part of [
      'apps.0.slug (atrium.yaml)',
      'routes.0.targets.0.url (atrium.yaml)',
      'gateway.default_mode (atrium.yaml)',
    ])
      expect(output).toContain(part);
  });
});
