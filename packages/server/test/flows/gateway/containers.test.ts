import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type DockerEngine, startDockerEngine } from '../../support/docker-server-containers.ts';
import { type LiveSocket, openSocket } from '../../support/live-socket.ts';
import { ok, openWorld, type Person, type World } from '../../support/people.ts';
import type { Json } from '../../support/rest-client.ts';
import { startPage } from '../../support/test-discovery.ts';
import { until } from '../../support/until.ts';

const folder = mkdtempSync(join(tmpdir(), 'atrium-engine-'));
const socket = join(folder, 'docker.sock');
let world: World;
let docker: DockerEngine;
let page: Awaited<ReturnType<typeof startPage>>;
let member: Person;

beforeAll(async () => {
  page = await startPage('notes');
  docker = await startDockerEngine({ socket });
  world = await openWorld({
    env: {
      ATRIUM_CONTAINERS_RUNTIME: 'auto',
      ATRIUM_DISCOVERY_DOCKER_ENDPOINT: `unix://${socket}`,
      ATRIUM_HEALTH_CHECKS_INTERVAL: '60s',
    },
  });
  const made = await world.operator.post('/api/v1/orgs/current/invitations', { role: 'member', max_uses: 1 });
  member = await world.makePerson('Member', ok(made).invite_code);
});
afterAll(async () => {
  await world.close();
  await docker.close();
  await page.close();
  rmSync(folder, { recursive: true, force: true });
});

const at = (rest: string) => `/api/v1/containers${rest}`;
const get = (rest = '') => world.operator.get(at(rest));
const post = (rest: string, body: Json = {}) => world.operator.post(at(rest), body);
const appOf = async (slug: string, container_ref: string, more: Json = {}): Promise<Json> =>
  ok(
    await world.operator.post('/api/v1/apps', {
      ...{ slug, name: slug },
      route: {
        mode: 'path',
        trusted: true,
        targets: [{ url: `http://127.0.0.1:${page.port}` }],
        container_ref,
        ...more,
      },
    }),
  );
const audited = async (id: string): Promise<string[]> =>
  (await world.database.query('select action from core_audit where target_id = $1 order by seq', [id])).rows.map(
    ({ action }) => action,
  );
const openLog = async (live: LiveSocket, id: string, wishes: Json): Promise<void> =>
  live.send({ type: 'logs.open', id, ...wishes });
const linesOf = (live: LiveSocket, id: string): string[] =>
  live.messages
    .filter((message) => message.type === 'logs.lines' && message.id === id)
    .flatMap(({ lines }) => lines.map(({ text }: Json) => text));

it('containers are listed in pages, filtered, shown without their secrets, and measured', async () => {
  for (const name of ['web', 'worker', 'cache'])
    docker.make({ name, labels: { 'com.docker.compose.project': 'shop' }, ports: [{ private: 80, public: 8080 }] });
  const id = docker.make({
    name: 'database',
    image: 'postgres:17',
    environment: { POSTGRES_PASSWORD: 'hunter2-secret', TZ: 'UTC', DATABASE_URL: 'postgres://a:hunter2-secret@db/x' },
    command: ['postgres', '--admin-password=hunter2-secret'],
  });
  docker.turn('cache', false);
  const first = ok(await get('?limit=2'));
  const second = ok(await get(`?limit=2&cursor=${first.next_cursor}`));
  expect([...first.items, ...second.items].map(({ name }: Json) => name)).toEqual([
    'database',
    'cache',
    'web',
    'worker',
  ]);
  expect(second.next_cursor).toBeNull();
  expect(ok(await get('?group=shop&state=running')).items.map(({ name }: Json) => name)).toEqual(['web', 'worker']);
  expect(ok(await get('?q=POSTGRES')).items).toMatchObject([{ id, name: 'database', state: 'running', own: false }]);

  const answer = await get(`/${id}`);
  expect(ok(answer)).toMatchObject({ name: 'database', restart_policy: 'unless-stopped' });
  expect(JSON.stringify(answer.body)).not.toContain('hunter2-secret');
  expect(answer.body.environment).toContainEqual({ name: 'TZ', value: 'UTC', secret: false });
  expect(ok(await get('/database')).id).toBe(id);

  expect(ok(await get(`/${id}/stats`))).toMatchObject({ id, memory_bytes: 100_000_000, processes: 7 });
  const all = ok(await get('/stats?limit=2'));
  expect(all.items).toHaveLength(2);
  expect(ok(await get(`/stats?limit=2&cursor=${all.next_cursor}`)).items).toHaveLength(1);
  const before = docker.measured;
  await Promise.all(Array.from({ length: 20 }, () => get(`/${id}/stats`)));
  expect(docker.measured - before).toBeLessThanOrEqual(2);
  expect((await get('/nobody')).status).toBe(404);
  expect((await get('/..%2f..%2fversion')).status).toBe(422);
});

it('G58: a container that is stopped from the dashboard makes its app unhealthy at once, and a start takes it back', async () => {
  const id = docker.make({ name: 'notes', labels: { team: 'docs' } });
  await appOf('notes', id);
  const live = await openSocket(world.url, world.operator.token);
  const status = async () => ok(await world.operator.get('/api/v1/apps/notes/health')).status;
  await until(async () => (await status()) === 'healthy', 'a first probe finds it healthy');

  expect(ok(await post(`/${id}/stop`, { timeout: 4 }))).toMatchObject({ id, state: 'stopped', app: { slug: 'notes' } });
  expect(await status()).toBe('unhealthy');
  expect(docker.acts).toContain('notes:stop:4');
  await live.event(({ kind, body }) => kind === 'gateway.container.stopped' && body['container_id'] === id);
  await live.event(({ kind, body }) => kind === 'gateway.health.changed' && body['status'] === 'unhealthy');
  await until(async () => (await world.operator.get('/apps/notes/')).status === 503, 'the gate knows it too');

  expect(ok(await post(`/${id}/start`))).toMatchObject({ state: 'running' });
  await live.event(({ kind, body }) => kind === 'gateway.container.started' && body['container_id'] === id);
  await until(async () => (await status()) === 'healthy', 'it is probed soon, not after a whole interval');

  ok(await post(`/${id}/restart`));
  await live.event(({ kind, body }) => kind === 'gateway.container.restarted' && body['container_id'] === id);
  expect(await audited(id)).toEqual(['containers.stop', 'containers.start', 'containers.restart']);
  live.close();
});

it('G58: a container that is stopped elsewhere marks its app as well', async () => {
  const status = async () => ok(await world.operator.get('/api/v1/apps/notes/health')).status;
  await until(async () => (await status()) === 'healthy', 'it is healthy');
  docker.turn('notes', false);
  await until(async () => (await status()) === 'unhealthy', 'its app is unhealthy', 5000);
  docker.turn('notes', true);
  await until(async () => (await status()) === 'healthy', 'and healthy again');
});

it('G58: a batch of twenty of which two fail tells how each of them went', async () => {
  const ids = Array.from({ length: 20 }, (_, n) => docker.make({ name: `batch-${n}` }));
  const live = await openSocket(world.url, world.operator.token);
  docker.faults.set('batch-3:stop', { status: 500, message: 'cannot stop container: permission denied' });
  docker.remove('batch-7');
  const report = ok(await post('/batch', { action: 'stop', ids, timeout: 1 }));
  expect(report).toMatchObject({ done: 18, failed: 2 });
  expect(report.results.map((one: Json) => one.id)).toEqual(ids);
  expect(report.results[3]).toMatchObject({
    ok: false,
    error: { code: 'container_action_failed', detail: expect.stringContaining('permission denied') },
  });
  expect(report.results[7]).toMatchObject({ ok: false, error: { code: 'not_found' } });
  expect(report.results[8]).toMatchObject({ ok: true, state: 'stopped', name: 'batch-8' });
  await live.event(({ kind, body }) => kind === 'gateway.container.failed' && body['name'] === 'batch-3');
  expect(await audited(ids[3]!)).toEqual(['containers.stop']);

  const started = ok(await post('/start-all', { q: 'batch-', state: 'stopped' }));
  expect([started.done, started.failed]).toEqual([18, 0]);
  docker.faults.clear();
  expect(ok(await post('/stop-all', { q: 'batch-1' })).done).toBe(11);
  expect(ok(await post('/restart-all', { q: 'batch-1' })).done).toBe(0);
  expect((await post('/batch', { action: 'stop', ids: Array.from({ length: 101 }, (_, n) => `x${n}`) })).status).toBe(
    422,
  );
  live.close();
});

it('G58: a log that is followed over a socket goes on after a restart of the container and a turn of its file', async () => {
  docker.make({ name: 'talker' });
  for (const text of ['one', 'two', 'three']) docker.write('talker', text);
  const live = await openSocket(world.url, world.operator.token);
  await openLog(live, 'mine', { container_id: 'talker', tail: 2, timestamps: true });
  await until(() => linesOf(live, 'mine').length === 2, 'the last two lines');
  await until(() => docker.followers === 1, 'it is followed');
  docker.write('talker', 'four', 'stderr');
  const four = await live.message((m) => m.type === 'logs.lines' && m.lines.some((one: Json) => one.text === 'four'));
  expect(four.lines[0]).toMatchObject({ stream: 'stderr', at: expect.stringMatching(/^2026-.*Z$/) });

  docker.cutLogs('talker');
  docker.write('talker', 'five');
  await until(() => linesOf(live, 'mine').includes('five'), 'it goes on after the cut');

  docker.turn('talker', false);
  await live.message((m) => m.type === 'logs.paused' && m.id === 'mine' && m.reason === 'stopped');
  docker.turn('talker', true);
  docker.write('talker', 'six');
  await until(() => linesOf(live, 'mine').includes('six'), 'it goes on after the restart');
  expect(linesOf(live, 'mine')).toEqual(['two', 'three', 'four', 'five', 'six']);

  docker.remove('talker');
  expect(await live.message((m) => m.type === 'logs.ended' && m.id === 'mine')).toMatchObject({ code: 'gone' });
  live.close();
});

it('a socket that closes its log, or that is not allowed one, leaves nothing open', async () => {
  docker.make({ name: 'quiet' });
  const live = await openSocket(world.url, world.operator.token);
  await openLog(live, 'a', { container_id: 'quiet' });
  await until(() => docker.followers === 1, 'it is followed');
  live.send({ type: 'logs.close', id: 'a' });
  await until(() => docker.followers === 0, 'it is left');
  await openLog(live, 'b', { container_id: 'nobody' });
  expect(await live.message((m) => m.id === 'b')).toMatchObject({ type: 'logs.ended', code: 'not_found' });
  for (let n = 0; n < 6; n += 1) await openLog(live, `many-${n}`, { container_id: 'quiet' });
  expect(await live.message((m) => m.id === 'many-5')).toMatchObject({ code: 'too_many_waits' });
  live.close();
  await until(() => docker.followers === 0, 'a socket that goes takes its logs along');

  const other = await openSocket(world.url, member.token);
  await openLog(other, 'c', { container_id: 'quiet' });
  expect(await other.message((m) => m.id === 'c')).toMatchObject({ type: 'logs.ended', code: 'permission_denied' });
  other.close();
});

it('a log is read at once, or streamed as events; a reader who does not take it is told what was left out', async () => {
  docker.make({ name: 'flood' });
  for (const text of ['a', 'b', 'c']) docker.write('flood', text);
  expect(ok(await get('/flood/logs?tail=2')).lines).toEqual([
    { at: null, stream: 'stdout', text: 'b' },
    { at: null, stream: 'stdout', text: 'c' },
  ]);
  expect((await get('/flood/logs?tail=1001')).status).toBe(422);
  expect((await post('/nobody/logs')).status).toBe(404);

  const ending = new AbortController();
  const response = await fetch(`${world.url}${at('/flood/logs')}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${world.operator.token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ tail: 1 }),
    signal: ending.signal,
  });
  expect(response.headers.get('content-type')).toContain('text/event-stream');
  await until(() => docker.followers === 1, 'it is followed');
  const text = 'x'.repeat(10_000);
  const count = 6000;
  for (let n = 0; n < count; n += 1) docker.write('flood', `${n} ${text}`);
  docker.write('flood', 'the last one');
  await until(() => docker.untaken === 0, 'the engine is rid of it, although nobody reads');
  let received = '';
  let skipped = 0;
  let lines = 0;
  const decoder = new TextDecoder();
  for await (const chunk of response.body!) {
    received += decoder.decode(chunk, { stream: true });
    const events = received.split('\n\n');
    received = events.pop()!;
    for (const event of events) {
      if (event.startsWith('event: skipped')) skipped += JSON.parse(event.split('data: ')[1]!).lines;
      if (event.startsWith('event: line')) lines += 1;
    }
    if (events.some((event) => event.includes('the last one'))) break;
  }
  ending.abort();
  expect(skipped).toBeGreaterThan(0);
  expect(skipped + lines).toBe(count + 2);
  await until(() => docker.followers === 0, 'the stream is left');
});

it('containers are written as a compose file, with values of secrets only when they are asked for', async () => {
  const [first, second] = ['shop', 'store'].map((name) =>
    docker.make({ name, image: `example/${name}`, environment: { API_TOKEN: `token-of-${name}`, TZ: 'UTC' } }),
  );
  const preview = ok(await get(`/${first}/export/preview`));
  expect(preview.compose).toContain(`API_TOKEN: \${SHOP_API_TOKEN}`);
  expect(preview).toMatchObject({
    env: 'SHOP_API_TOKEN=\n',
    warnings: expect.arrayContaining([expect.stringContaining('no fixed version')]),
  });
  const both = ok(await post('/batch/export/preview', { ids: [first, second], volumes: false }));
  expect(both.compose).toContain('store:');

  const zipOf = async (body: Json): Promise<Record<string, string>> => {
    const answer = await fetch(`${world.url}${at('/batch/export')}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${world.operator.token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ ids: [first, second], ...body }),
    });
    expect(answer.status).toBe(200);
    const files = unzipSync(new Uint8Array(await answer.arrayBuffer()));
    return Object.fromEntries(Object.entries(files).map(([name, bytes]) => [name, new TextDecoder().decode(bytes)]));
  };
  const blank = await zipOf({});
  expect(Object.keys(blank)).toEqual(['compose.yaml', '.env', 'WARNINGS.txt']);
  expect(JSON.stringify(blank)).not.toContain('token-of-shop');
  expect((await zipOf({ secrets: true }))['.env']).toBe(
    'SHOP_API_TOKEN=token-of-shop\nSTORE_API_TOKEN=token-of-store\n',
  );
  expect(await audited(first!)).toEqual(['containers.export', 'containers.export']);
  expect(world.server.output()).not.toContain('token-of-shop');
});

it('who may open an app sees its container and what it uses, and nothing of others', async () => {
  const id = docker.make({ name: 'wiki' });
  await appOf('wiki', id);
  await appOf('secret-wiki', docker.make({ name: 'secret-wiki' }), {
    access: 'people',
    people: { user_ids: [world.operator.id] },
  });
  const seen = ok(await member.get('/api/v1/apps/wiki/container')).items;
  expect(seen).toMatchObject([
    {
      app_slug: 'wiki',
      container: { id, state: 'running', controllable: false },
      stats: { memory_bytes: 100_000_000 },
    },
  ]);
  expect((await member.get('/api/v1/apps/secret-wiki/container')).status).toBe(404);
  const slugs = ok(await member.get('/api/v1/app-containers')).items.map((one: Json) => one.app_slug);
  expect(slugs).toEqual(['notes', 'wiki']);
  const page1 = ok(await member.get('/api/v1/app-containers?limit=1'));
  expect(ok(await member.get(`/api/v1/app-containers?limit=1&cursor=${page1.next_cursor}`)).items[0].app_slug).toBe(
    'wiki',
  );
  expect(ok(await world.operator.get('/api/v1/apps/wiki/container')).items[0].container.controllable).toBe(true);
  const foreign = await world.makePerson('Stranger');
  expect((await foreign.get('/api/v1/apps/wiki/container')).status).toBe(404);
  expect((await member.get(at(''))).body.code).toBe('permission_denied');
  expect((await foreign.get(at(''))).body.code).toBe('operator_required');
});

it('G5: rights that a proxy does not give switch off what needs them, and the status has the line to add', async () => {
  expect(ok(await get('/status'))).toMatchObject({
    runtime: 'docker',
    state: 'ready',
    can: { control: true },
    hint: null,
  });
  docker.denied.add('POST ');
  const status = ok(await get('/status'));
  expect(status).toMatchObject({
    state: 'limited',
    can: { read: true, control: false, logs: true, stats: true },
    missing_rights: ['POST', 'ALLOW_START', 'ALLOW_STOP', 'ALLOW_RESTARTS'],
  });
  expect(status.hint.split(': ')[1]).toMatch(/^CONTAINERS=1 .*ALLOW_RESTARTS=1$/);
  expect(ok(await get('?limit=1')).items).toHaveLength(1);
  const refused = await post('/wiki/stop');
  expect([refused.status, refused.body.code, refused.body.missing]).toEqual([
    ...[503, 'container_runtime_unavailable', ['POST', 'ALLOW_STOP']],
  ]);
  docker.denied.clear();
});

it('G5: an engine that is away is an answer, and one that is back is used without a restart', async () => {
  await docker.close();
  const away = await get();
  expect([away.status, away.body.code]).toEqual([503, 'container_runtime_unavailable']);
  expect(ok(await get('/status'))).toMatchObject({
    state: 'unreachable',
    hint: expect.stringContaining('docker.sock'),
  });
  expect(ok(await member.get('/api/v1/app-containers')).items).toEqual([]);
  docker = await startDockerEngine({ socket });
  docker.make({ name: 'again' });
  await until(async () => (await get()).status === 200, 'the engine is back');
  expect(ok(await get()).items).toMatchObject([{ name: 'again' }]);
});
