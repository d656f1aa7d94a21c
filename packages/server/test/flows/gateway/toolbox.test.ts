// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of Compose are written so.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { type DeployingServer, startDeployingServer } from '../../support/docker-deploying-server.ts';
import { openSocket } from '../../support/live-socket.ts';
import { type Org, ok, openWorld, type World } from '../../support/people.ts';
import { createRestClient, type Json } from '../../support/rest-client.ts';
import { startPage } from '../../support/test-discovery.ts';
import { until } from '../../support/until.ts';

const folder = mkdtempSync(join(tmpdir(), 'atrium-toolbox-'));
const socket = join(folder, 'docker.sock');
const templates: Record<string, string> = {
  notes: `
services:
  web:
    image: example/notes:\${VERSION:-1}
    environment:
      DATABASE_URL: postgres://notes:\${DB_PASSWORD:?password of the database}@db/notes
      ADDRESS: \${BASE_URL}
    volumes: ['files:/files', './plugins:/plugins:ro']
    ports: ['8080']
    depends_on: {db: {condition: service_healthy}}
    healthcheck: {test: [CMD, check], interval: 5s}
    labels:
      atrium.toolbox.name: Notes
      atrium.toolbox.icon: notebook
      atrium.toolbox.category: Test
      atrium.toolbox.description: Notes with a database
  db:
    image: example/postgres:17
    environment: {POSTGRES_PASSWORD: '\${DB_PASSWORD:?password of the database}'}
    volumes: ['data:/var/lib/postgresql/data']
    healthcheck: {test: [CMD, pg_isready]}
volumes: {files: , data: }
`,
  risky: `
services:
  agent:
    image: example/agent:1
    privileged: true
    network_mode: host
    volumes: ['/var/run/docker.sock:/var/run/docker.sock', '/etc:/host/etc:ro']
`,
  plain: 'services:\n  app:\n    image: example/plain:1\n    ports: ["${PORT:-18080}:80"]\n',
  private: 'services:\n  app:\n    image: registry.example/private/app:1\n    pull_policy: always\n',
  broken: 'services:\n  app:\n    image: example/plain:1\n    build: .\n',
  torn: 'services:\n  app:\n    image: example/missing-layer:1\n',
};

let world: World;
let docker: DeployingServer;
let org: Org;

beforeAll(async () => {
  for (const [id, text] of Object.entries(templates)) {
    mkdirSync(join(folder, 'templates', id), { recursive: true });
    writeFileSync(join(folder, 'templates', id, 'compose.yaml'), text);
  }
  docker = await startDeployingServer(socket);
  world = await openWorld({
    env: {
      ATRIUM_DISCOVERY_DOCKER_ENDPOINT: docker.endpoint,
      ATRIUM_TOOLBOX_CATALOG_DIR: join(folder, 'templates'),
      ATRIUM_TOOLBOX_HOST_DATA_DIR: '/srv/apps',
    },
  });
  org = await world.makeOrg('Tenants');
});
afterAll(async () => {
  await world.close();
  await docker.close();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(() => {
  docker.asked.length = 0;
  docker.stalled.clear();
  docker.behaviour.clear();
  docker.faults.clear();
});

const base = '/api/v1/toolbox/deployments';
const deploy = (body: Json) => world.operator.post(base, body);
const get = async (id: string): Promise<Json> => ok(await world.operator.get(`${base}/${id}`));
const reaches = (id: string, state: string): Promise<Json> =>
  until(async () => {
    const now = await get(id);
    if (now.state === 'error' && state !== 'error') throw new Error(`it failed: ${now.message}`);
    return now.state === state ? now : null;
  }, `it is ${state}`);
const gone = (id: string): Promise<boolean> =>
  until(async () => (await world.operator.get(`${base}/${id}`)).status === 404, 'it is removed');
const remove = async (id: string, volumes = 'remove'): Promise<void> => {
  ok(await world.operator.delete(`${base}/${id}?volumes=${volumes}`));
  await gone(id);
};
const made = (name: string): string[] =>
  [...docker.containers.values()].map((one) => one.name).filter((one) => one.startsWith(`${name}-`));
const secret = 'correct-horse-database';

it('G57: a template with volume, healthcheck and depends_on is deployed, and its data survives a redeploy', async () => {
  const live = await openSocket(world.url, world.operator.token);
  const answer = ok(await deploy({ template: 'notes', name: 'My Notes', variables: { DB_PASSWORD: secret } }));
  expect(answer).toMatchObject({ name: 'my-notes', state: 'pending', step: 'validate', app: null });
  const { id } = answer;
  const done = await reaches(id, 'running');
  await live.event(
    ({ kind, id: subject, body }) =>
      kind === 'gateway.deployment.changed' && subject === id && body.state === 'running',
  );
  const states = live.events.filter((event) => event.id === id).map(({ body }) => body.state);
  expect([...new Set(states)]).toEqual(['pending', 'pulling', 'creating', 'starting', 'waiting', 'routing', 'running']);
  live.close();

  const [web, db] = [docker.byService('web')!, docker.byService('db')!];
  expect(made('my-notes').toSorted()).toEqual(['my-notes-db', 'my-notes-web']);
  expect(db.started).toBeLessThan(web.started);
  expect(web.body.Env).toContain(`DATABASE_URL=postgres://notes:${secret}@db/notes`);
  expect(web.body.Env).toContain(
    `ADDRESS=${new URL(world.url).origin.replace('127.0.0.1', 'localhost')}/apps/my-notes`,
  );
  expect(web.body.HostConfig).toMatchObject({
    Binds: ['my-notes_files:/files', '/srv/apps/my-notes/plugins:/plugins:ro'],
    RestartPolicy: { Name: 'unless-stopped' },
    NetworkMode: 'my-notes_default',
  });
  expect(web.body.NetworkingConfig.EndpointsConfig['my-notes_default'].Aliases).toEqual(['web']);
  for (const { body } of docker.containers.values())
    for (const bindings of Object.values(body.HostConfig.PortBindings) as Json[][])
      for (const { HostIp } of bindings) expect(HostIp).toBe('127.0.0.1');
  const [port] = done.ports;
  expect(port).toMatchObject({ service: 'web', container_port: 8080, protocol: 'tcp' });
  expect(done.volumes.toSorted()).toEqual(['my-notes_data', 'my-notes_files']);

  // Its app leads there, and discovery leaves the container to it.
  expect(done.app).toMatchObject({ slug: 'my-notes', name: 'Notes' });
  const route = ok(await world.operator.get(`/api/v1/routes/${done.app.route_id}`));
  expect(route).toMatchObject({ targets: [{ url: `http://127.0.0.1:${port.host_port}` }], container_ref: web.id });
  expect(web.body.Labels['atrium.skip']).toBe('true');

  // Secrets are in no answer, event, audit line or row.
  expect(done.variables).toContainEqual({ name: 'DB_PASSWORD', value: null, secret: true });
  const tables = ['gateway_deployments', 'core_events', 'core_audit', 'dbos.workflow_status'];
  for (const table of tables) {
    const { rows } = await world.database.query(`select to_jsonb(t)::text as row from ${table} t`);
    expect(rows.map(({ row }) => row).join('\n')).not.toContain(secret);
  }
  expect(world.server.output()).not.toContain(secret);

  docker.volumes.get('my-notes_data')!.data.push('a note');
  ok(await world.operator.patch(`${base}/${id}`, { variables: { VERSION: '2' } }));
  const updated = await reaches(id, 'running');
  expect(updated.containers.find(({ service }: Json) => service === 'web').image).toBe('example/notes:2');
  expect(updated.ports).toEqual(done.ports);
  expect(updated.app.route_id).toBe(done.app.route_id);
  expect(made('my-notes')).toHaveLength(2);
  expect(docker.byService('web')!.id).not.toBe(web.id);
  expect(docker.byService('web')!.body.Env).toContain(`DATABASE_URL=postgres://notes:${secret}@db/notes`);
  expect(docker.volumes.get('my-notes_data')!.data).toContain('a note');
  expect(ok(await world.operator.get(`/api/v1/routes/${done.app.route_id}`)).container_ref).toBe(
    docker.byService('web')!.id,
  );

  docker.logs.set('db', ['ready', `connected with ${secret}`]);
  const { lines } = ok(await world.operator.get(`${base}/${id}/logs?service=db&tail=10`));
  expect(lines.map(({ text }: Json) => text)).toEqual(['ready', 'connected with •••']);
  expect(lines[0]).toMatchObject({ service: 'db', stream: 'stdout', time: '2026-01-01T00:00:00.000000000Z' });

  // Stopped in the reverse order of the start, and started again.
  docker.asked.length = 0;
  ok(await world.operator.post(`${base}/${id}/stop`));
  await reaches(id, 'stopped');
  const stops = docker.asked.filter((one) => one.endsWith('/stop')).map((one) => one.split('/')[2]);
  expect(stops).toEqual([docker.byService('web')!.id, docker.byService('db')!.id]);
  ok(await world.operator.post(`${base}/${id}/start`));
  await reaches(id, 'running');
  expect([...docker.containers.values()].every(({ status }) => status === 'running')).toBe(true);

  await remove(id, 'keep');
  expect(made('my-notes')).toEqual([]);
  expect([...docker.networks.keys()]).toEqual([]);
  expect((await world.operator.get('/api/v1/apps/my-notes')).status).toBe(404);
  expect(docker.volumes.get('my-notes_data')!.data).toContain('a note');

  // A deployment of that name finds its data, until it is removed with it.
  const again = ok(await deploy({ template: 'notes', name: 'my-notes', generate: true }));
  await reaches(again.id, 'running');
  expect(docker.byService('db')!.body.Env[0]).toMatch(/^POSTGRES_PASSWORD=[A-Za-z0-9]{32}$/);
  expect(docker.volumes.get('my-notes_data')!.data).toContain('a note');
  await remove(again.id);
  expect([...docker.volumes.keys()]).toEqual([]);
});

it('G57: what a variable needs, and what the template does not know, is told before anything is made', async () => {
  const refused = await deploy({ template: 'notes', variables: { DB_PASSWORD: '', COLOUR: 'red' } });
  expect(refused.status).toBe(422);
  expect(refused.body.errors.map(({ path }: Json) => path).toSorted()).toEqual([
    'variables.COLOUR',
    'variables.DB_PASSWORD',
  ]);
  const unknown = await deploy({ template: 'broken' });
  expect(unknown.body).toMatchObject({ status: 422, errors: [{ path: 'template' }] });
  expect(unknown.body.detail).toContain('services.app.build');
  expect((await deploy({ template: 'notes', name: '—' })).status).toBe(422);
  expect((await deploy({ template: 'none-of-these' })).status).toBe(404);
  expect(docker.asked.filter((one) => !one.startsWith('GET'))).toEqual([]);
});

it('G37: what lets a container out of its box needs every tick of an operator; a tenant admin gets 403', async () => {
  const tick = [
    'privileged:agent',
    'host_network:agent',
    'docker_socket:agent:/var/run/docker.sock',
    'bind:agent:/etc',
  ];
  for (const missing of [tick, ...tick.map((one) => [one])]) {
    const refused = await deploy({ template: 'risky', accept: tick.filter((one) => !missing.includes(one)) });
    expect(refused.body).toMatchObject({ status: 422, code: 'toolbox_unticked' });
    expect(refused.body.dangers.map(({ id }: Json) => id)).toEqual(missing);
  }
  const admin = await org.member('Admin', { role: 'admin' });
  for (const body of [{ template: 'risky', accept: tick }, { template: 'plain' }])
    expect((await admin.post(base, body)).body).toMatchObject({ status: 403, code: 'operator_required' });
  expect((await admin.get('/api/v1/toolbox/templates/risky')).body.dangers).toHaveLength(4);
  const member = await org.member('Member');
  expect((await member.get('/api/v1/toolbox/templates')).status).toBe(403);
  const { id } = ok(await deploy({ template: 'risky', accept: tick }));
  expect(await reaches(id, 'running')).toMatchObject({ accepted: tick, app: null });
  expect(docker.byService('agent')!.body.HostConfig).toMatchObject({ Privileged: true, NetworkMode: 'host' });
  expect((await admin.get(`${base}/${id}`)).status).toBe(404);
  expect((await admin.get(`${base}/${id}/logs`)).status).toBe(404);
  expect(ok(await admin.get(base)).items).toEqual([]);
  await remove(id);
});

it('the catalogue is searched, and a trial tells what would be made', async () => {
  const page = ok(await world.operator.get('/api/v1/toolbox/templates?q=bitwarden'));
  expect(page).toMatchObject({
    enabled: true,
    items: [{ id: 'vaultwarden', source: 'shipped', dangers: 0, problem: null }],
  });
  expect(page.categories.find(({ name }: Json) => name === 'Media').templates).toBeGreaterThanOrEqual(4);
  const broken = ok(await world.operator.get('/api/v1/toolbox/templates?category=Other&limit=200')).items;
  expect(broken.find(({ id }: Json) => id === 'broken').problem).toContain('build');
  const first = ok(await world.operator.get('/api/v1/toolbox/templates?limit=10'));
  const second = ok(await world.operator.get(`/api/v1/toolbox/templates?limit=10&cursor=${first.next_cursor}`));
  expect(new Set([...first.items, ...second.items].map(({ id }: Json) => id)).size).toBe(20);
  const plan = ok(await world.operator.post('/api/v1/toolbox/validate', { template: 'notes', name: 'Try me' }));
  expect(plan).toMatchObject({
    name: 'try-me',
    services: [{ name: 'db' }, { name: 'web', container: 'try-me-web', after: ['db'] }],
    networks: ['try-me_default'],
    volumes: [
      { name: 'try-me_files', exists: false },
      { name: 'try-me_data', exists: false },
    ],
    missing: ['DB_PASSWORD'],
    route: { slug: 'try-me', service: 'web', container_port: 8080 },
  });
  expect(ok(await world.operator.get('/api/v1/toolbox/status')).engine).toMatchObject({
    reachable: true,
    version: '1.47',
  });
});

it('a port or a name that somebody has is refused, and found free again', async () => {
  docker.foreign_ports.push(18_080);
  expect((await deploy({ template: 'plain' })).body).toMatchObject({
    status: 409,
    code: 'toolbox_port_taken',
    port: 18_080,
  });
  docker.foreign_ports.length = 0;
  const other = await startPage();
  const taken = await deploy({ template: 'plain', variables: { PORT: String(other.port) } });
  expect(taken.body).toMatchObject({ code: 'toolbox_port_taken', port: other.port });
  await other.close();
  const { id } = ok(await deploy({ template: 'plain', route: false }));
  expect((await deploy({ template: 'plain', variables: { PORT: '18081' } })).body.code).toBe('name_taken');
  expect((await deploy({ template: 'plain', name: 'second' })).body).toMatchObject({
    code: 'toolbox_port_taken',
    port: 18_080,
  });
  expect(await reaches(id, 'running')).toMatchObject({ app: null, ports: [{ host_port: 18_080 }] });
  await remove(id);
});

it('credentials of a registry open its images, are kept sealed, and are shown to nobody', async () => {
  const image = 'registry.example/private/app:1';
  docker.logins.set(image, { username: 'robot', password: 'registry-pass' });
  const { id } = ok(await deploy({ template: 'private' }));
  const failed = await reaches(id, 'error');
  expect(failed).toMatchObject({ step: 'pull', message: expect.stringContaining('pull access denied') });
  const registry = { server: 'registry.example', username: 'robot', password: 'registry-pass' };
  const answer = ok(await world.operator.patch(`${base}/${id}`, { registry }));
  expect(answer.registry).toBe('registry.example');
  await reaches(id, 'running');
  const { rows } = await world.database.query('select registry from gateway_deployments where id = $1', [id]);
  expect(rows[0].registry).toMatch(/^v1\./);
  await remove(id);
});

it('a step that fails says why, and an update that fails leaves what ran before', async () => {
  const torn = ok(await deploy({ template: 'torn' }));
  expect(await reaches(torn.id, 'error')).toMatchObject({
    step: 'pull',
    message: 'The image could not be pulled: unexpected EOF',
  });
  await remove(torn.id);

  docker.behaviour.set('example/notes:1', { health: 'unhealthy' });
  const variables = { DB_PASSWORD: secret };
  const ill = ok(await deploy({ template: 'notes', name: 'ill', variables }));
  expect(await reaches(ill.id, 'error')).toMatchObject({
    ...{ step: 'wait', message: 'web is not well: connection refused; look at its logs.' },
  });
  docker.behaviour.set('example/notes:1', { exit: 3 });
  ok(await world.operator.patch(`${base}/${ill.id}`, {}));
  await until(async () => (await get(ill.id)).message?.includes('code 3'), 'the end of its container is told');
  docker.behaviour.clear();
  ok(await world.operator.patch(`${base}/${ill.id}`, {}));
  const well = await reaches(ill.id, 'running');

  docker.faults.set('POST /images/create', { status: 404, message: `manifest unknown for ${secret}`, times: 1 });
  ok(await world.operator.patch(`${base}/${ill.id}`, { variables: { VERSION: '9' } }));
  const kept = await until(async () => {
    const now = await get(ill.id);
    return now.message?.startsWith('The update failed') ? now : null;
  }, 'the update fails');
  expect(kept).toMatchObject({ state: 'running', containers: well.containers });
  expect(kept.message).toContain('manifest unknown for •••');
  expect(kept.variables.find(({ name }: Json) => name === 'VERSION')).toBeUndefined();
  expect(made('ill')).toHaveLength(2);
  await remove(ill.id);
});

it('an engine that is busy is asked again; one that is away is told of at once', async () => {
  docker.faults.set('POST /volumes/create', { status: 500, message: 'database is locked', times: 1 });
  const { id } = ok(await deploy({ template: 'notes', name: 'patient', variables: { DB_PASSWORD: secret } }));
  const waiting = await until(async () => {
    const now = await get(id);
    return now.message?.includes('database is locked') ? now : null;
  }, 'it says what it waits for');
  expect(waiting).toMatchObject({ state: 'creating', message: expect.stringContaining('asked again') });
  await reaches(id, 'running');
  await remove(id);
  await docker.close();
  const refused = await deploy({ template: 'plain' });
  expect(refused.body).toMatchObject({ status: 503, code: 'toolbox_engine_unavailable' });
  const { engine } = ok(await world.operator.get('/api/v1/toolbox/status'));
  expect(engine).toMatchObject({
    reachable: false,
    problem: expect.stringContaining('no socket'),
    hint: expect.stringContaining(': -v'),
  });
  docker = await startDeployingServer(socket);
});

it('what was begun is cancelled and cleared away, and cannot be ordered about meanwhile', async () => {
  docker.stalled.add('example/postgres:17');
  const { id } = ok(await deploy({ template: 'notes', name: 'cut', variables: { DB_PASSWORD: secret } }));
  const pulling = await until(async () => {
    const now = await get(id);
    return now.progress?.images.some(({ percent }: Json) => percent > 0 && percent < 100) ? now : null;
  }, 'the pull is under way');
  expect(pulling).toMatchObject({ state: 'pulling', step: 'pull' });
  expect((await world.operator.post(`${base}/${id}/stop`)).body).toMatchObject({
    code: 'toolbox_busy',
    state: 'pulling',
  });
  expect((await world.operator.patch(`${base}/${id}`, {})).body.code).toBe('toolbox_busy');
  ok(await world.operator.post(`${base}/${id}/cancel`));
  await reaches(id, 'cancelled');
  await until(() => docker.pulling === 0, 'the pull was let go');
  expect([docker.containers.size, docker.networks.size]).toEqual([0, 0]);
  docker.stalled.clear();
  ok(await world.operator.patch(`${base}/${id}`, {}));
  await reaches(id, 'running');
  docker.stalled.add('example/notes:2');
  ok(await world.operator.patch(`${base}/${id}`, { variables: { VERSION: '2' } }));
  await until(() => docker.pulling === 1, 'the update pulls');
  ok(await world.operator.post(`${base}/${id}/cancel`));
  expect(await reaches(id, 'running')).toMatchObject({ message: expect.stringContaining('cancelled') });
  expect(made('cut')).toHaveLength(2);
  await remove(id);
});

it('G52: killed in the middle of a pull, a deployment goes on by itself, and nothing is doubled or left behind', async () => {
  docker.stalled.add('example/postgres:17');
  const variables = { DB_PASSWORD: secret };
  const first = ok(await deploy({ template: 'notes', name: 'survivor', variables }));
  await until(() => docker.pulling === 1, 'the first one pulls');
  const second = ok(await deploy({ template: 'notes', name: 'victim', variables }));
  await until(() => docker.pulling === 2, 'the second one pulls');
  await world.server.kill();
  await until(() => docker.pulling === 0, 'the pulls are cut off');
  expect([...docker.networks.keys()].toSorted()).toEqual(['survivor_default', 'victim_default']);
  await world.restart();
  await until(() => docker.pulling === 2, 'both are pulled again');
  ok(await world.operator.delete(`${base}/${second.id}`));
  await gone(second.id);
  docker.stalled.clear();
  await world.server.kill();
  await world.restart();
  await reaches(first.id, 'running');
  expect([...docker.containers.values()].map(({ name }) => name).toSorted()).toEqual(['survivor-db', 'survivor-web']);
  expect([...docker.networks.keys()]).toEqual(['survivor_default']);
  await remove(first.id);
  expect([docker.containers.size, docker.volumes.size]).toEqual([0, 0]);
});

it('switched off, lists say so and nothing is installed', async () => {
  await world.server.stop();
  writeFileSync(join(world.server.dataDir, 'atrium.yaml'), 'toolbox:\n  enabled: false\n');
  await world.restart();
  expect(ok(await world.operator.get('/api/v1/toolbox/templates'))).toMatchObject({ enabled: false, items: [] });
  expect(ok(await world.operator.get(base))).toMatchObject({ enabled: false });
  expect((await deploy({ template: 'plain' })).body).toMatchObject({ status: 409, code: 'toolbox_off' });
  writeFileSync(join(world.server.dataDir, 'atrium.yaml'), '');
  await until(async () => ok(await world.operator.get(base)).enabled, 'it is on again without a restart');
});

it('what belongs to an organisation goes from the engine with it', async () => {
  const { id: org_id } = ok(await world.operator.post('/api/v1/orgs', { name: 'Short lived' }));
  const head = ok(await world.operator.post('/auth/switch-org', { org_id }));
  const there = createRestClient(world.url, head.access_token);
  ok(await there.post(base, { template: 'notes', name: 'short', variables: { DB_PASSWORD: secret } }));
  await until(() => docker.containers.size === 2 && docker.byService('web')?.status === 'running', 'it runs');
  ok(await there.delete(`/api/v1/orgs/${org_id}?confirm=Short+lived`));
  await until(() => docker.containers.size === 0 && docker.volumes.size === 0, 'nothing is left of it');
});
