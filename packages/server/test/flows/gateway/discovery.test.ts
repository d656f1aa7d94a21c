import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type DockerServer, startDockerServer, type ToyContainer } from '../../support/docker-server.ts';
import { openSocket } from '../../support/live-socket.ts';
import { ok, openWorld, type World } from '../../support/people.ts';
import type { Json } from '../../support/rest-client.ts';
import { startPage } from '../../support/test-discovery.ts';
import { until } from '../../support/until.ts';

const folder = mkdtempSync(join(tmpdir(), 'atrium-engine-'));
const socket = join(folder, 'docker.sock');
let world: World;
let docker: DockerServer | null = null;
let page: Awaited<ReturnType<typeof startPage>>;

beforeAll(async () => {
  page = await startPage('notes');
  world = await openWorld({
    env: {
      ATRIUM_DISCOVERY_ENABLED: 'auto',
      ATRIUM_DISCOVERY_DOCKER_ENDPOINT: `unix://${socket}`,
      ATRIUM_DISCOVERY_MDNS_ENABLED: 'false',
      ATRIUM_DISCOVERY_KUBERNETES_ENABLED: 'false',
    },
  });
});
afterAll(async () => {
  await world.close();
  await docker?.close();
  await page.close();
  rmSync(folder, { recursive: true, force: true });
});

const run = (container: Partial<ToyContainer> & { name: string }) =>
  docker!.run({ ports: [{ private: 8080, public: page.port, ip: '127.0.0.1' }], ...container });
const list = async (query = ''): Promise<Json[]> =>
  ok(await world.operator.get(`/api/v1/discovery/proposals?limit=200${query}`)).items;
const named = async (name: string, query = ''): Promise<Json | undefined> =>
  (await list(`&q=${name}${query}`)).find((one) => one.name === name);
const found = (name: string, patience_ms = 15_000): Promise<Json> =>
  until(() => named(name), `${name} is found`, patience_ms);
const approve = (id: string, body: Json = {}) => world.operator.post(`/api/v1/discovery/proposals/${id}/approve`, body);
const status = async (): Promise<Json> => ok(await world.operator.get('/api/v1/discovery/status')).providers[0];
const targetOf = async (slug: string): Promise<string> =>
  (await world.database.query('select targets from gateway_routes where slug = $1', [slug])).rows[0].targets[0].url;

it('G5: a socket that is not there yet is tried again for ever, and found when it is', async () => {
  const first = await until(async () => {
    const one = await status();
    return one?.state === 'retrying' ? one : null;
  }, 'the provider tries again');
  expect(first).toMatchObject({
    name: 'docker',
    endpoint: `unix://${socket}`,
    hint: expect.stringContaining('docker.sock'),
  });
  expect(first.last_error).toContain('ENOENT');
  ok(await world.operator.post('/api/v1/discovery/rescan'));
  await until(async () => (await status()).failures > first.failures, 'a rescan tries at once');
  docker = await startDockerServer({ socket });
  await until(async () => (await status()).state === 'running', 'it recovers by itself');
  expect(await status()).toMatchObject({ failures: 0, last_error: null, missing_rights: [] });
});

it('G1: a labelled container is a proposal within two seconds, and an app after one click', async () => {
  const live = await openSocket(world.url, world.operator.token);
  run({ name: 'notes-1', labels: { 'atrium.enable': 'true', 'atrium.app.id': 'notes' } });
  const proposal = await found('notes-1', 2000);
  expect(proposal.confidence).toBeGreaterThanOrEqual(0.95);
  expect(proposal).toMatchObject({
    state: 'pending',
    explicit: true,
    available_ports: [8080],
    suggested_app: { slug: 'notes' },
  });
  await live.event(({ kind, id }) => kind === 'gateway.proposal.found' && id === proposal.id);
  const { app } = ok(await approve(proposal.id));
  expect(app).toMatchObject({ slug: 'notes', routes: [{ slug: 'notes', access: 'scopes' }] });
  await live.event(({ kind, id }) => kind === 'gateway.proposal.approved' && id === proposal.id);
  expect(await targetOf('notes')).toBe(`http://127.0.0.1:${page.port}`);
  live.close();
});

it('G2: labels of the former name do the same, ours win, and what asks for nothing is rated by what it is', async () => {
  const grafana = { image: 'grafana/grafana', ports: [{ private: 3000, public: page.port, ip: '127.0.0.1' }] };
  run({ name: 'old', labels: { 'nekzus.enable': 'true', 'nekzus.app.id': 'old' } });
  run({ name: 'both', labels: { 'nekzus.enable': 'true', 'nekzus.app.id': 'b', 'atrium.app.id': 'a' } });
  run({ name: 'plain', ...grafana });
  run({ name: 'hinted', ...grafana, labels: { 'traefik.enable': 'true' } });
  run({ name: 'off', labels: { 'atrium.enable': 'false' } });
  run({ name: 'skipped', labels: { 'nekzus.enable': 'true', 'nekzus.skip': 'true' } });
  run({ name: 'portainer', image: 'portainer/portainer-ce', labels: { 'nekzus.enable': 'true' } });
  run({ name: 'last', labels: { 'atrium.enable': 'true' } });
  await found('last');
  expect((await found('old')).confidence).toBeGreaterThanOrEqual(0.95);
  expect((await found('both')).suggested_app.slug).toBe('a');
  expect([(await found('plain')).confidence, (await found('hinted')).confidence]).toEqual([0.8, 0.85]);
  const names = (await list()).map(({ name }) => name);
  for (const name of ['off', 'skipped', 'portainer']) expect(names).not.toContain(name);
});

it('G3: of several ports those that answer are offered, and one of them is taken', async () => {
  const other = await startPage('other');
  const ports = [5432, 8080, 9000].map((port) => ({
    private: port,
    public: port === 9000 ? other.port : page.port,
    ip: '127.0.0.1',
  }));
  run({ name: 'ports', ports });
  const { id, available_ports } = await found('ports');
  expect(available_ports).toEqual([8080, 9000]);
  expect((await approve(id, { port: 5432 })).status).toBe(422);
  ok(await approve(id, { port: 9000 }));
  expect(await targetOf('ports')).toBe(`http://127.0.0.1:${other.port}`);
  await other.close();
});

it('G4: a container that is made anew elsewhere is followed without a person', async () => {
  const other = await startPage('moved');
  run({
    name: 'notes-1',
    labels: { 'atrium.enable': 'true', 'atrium.app.id': 'notes' },
    ports: [{ private: 8080, public: other.port, ip: '127.0.0.1' }],
  });
  await until(async () => (await targetOf('notes')) === `http://127.0.0.1:${other.port}`, 'the new address');
  expect((await list()).some(({ name }) => name === 'notes-1')).toBe(false);
  await other.close();
});

it('G7: who approves second hears of the first, also at the same moment, and an unknown id is none', async () => {
  run({ name: 'twice' });
  const { id } = await found('twice');
  const answers = await Promise.all([approve(id), approve(id)]);
  expect(answers.map(({ status: one }) => one).toSorted()).toEqual([200, 409]);
  expect(answers.find((one) => one.status === 409)!.body).toMatchObject({
    code: 'discovery_already_decided',
    state: 'approved',
  });
  expect((await approve(id)).status).toBe(409);
  expect((await approve(crypto.randomUUID())).status).toBe(404);
});

it('G12: what is open at all addresses is told of after approval, and closed ones are not', async () => {
  const live = await openSocket(world.url, world.operator.token);
  run({ name: 'open', ports: [{ private: 8080, public: page.port, ip: '0.0.0.0' }] });
  run({ name: 'closed' });
  const [open, closed] = [await found('open'), await found('closed')];
  expect(open.security_notes).toMatchObject([{ severity: 'critical' }]);
  ok(await approve(closed.id));
  ok(await approve(open.id));
  const event = await live.event(({ kind }) => kind === 'gateway.exposure.found');
  expect(event).toMatchObject({ id: open.id, body: { severity: 'critical', app: 'open' } });
  expect(live.events.filter(({ kind }) => kind === 'gateway.exposure.found')).toHaveLength(1);
  const notices = ok(await world.operator.get('/api/v1/inbox/items')).items;
  expect(notices.map(({ title }: Json) => title)).toContain('Open is open past the sign-in');
  live.close();
});

it('only the organisation of whoever set the server up is told', async () => {
  const other = await world.makeOrg('Elsewhere');
  expect(ok(await other.owner.get('/api/v1/discovery/proposals')).items).toEqual([]);
  expect(ok(await other.owner.get('/api/v1/discovery/status'))).toEqual({ enabled: false, providers: [] });
});

it('G6: what was dismissed stays so over a restart, until a rescan is to bring it back', async () => {
  run({ name: 'unwanted', labels: { 'atrium.enable': 'true' } });
  const { id } = await found('unwanted');
  ok(await world.operator.post(`/api/v1/discovery/proposals/${id}/dismiss`));
  await world.server.stop();
  await world.restart();
  await until(async () => (await status())?.state === 'running', 'the provider runs again');
  ok(await world.operator.post('/api/v1/discovery/rescan'));
  run({ name: 'after-restart', labels: { 'atrium.enable': 'true' } });
  await found('after-restart');
  const kept = ok(await world.operator.get(`/api/v1/discovery/proposals/${id}`));
  expect(kept).toMatchObject({ state: 'dismissed', decided_by: { name: 'Operator' } });
  expect(Date.parse(kept.decided_at)).toBeGreaterThan(0);
  const rescanned = ok(await world.operator.post('/api/v1/discovery/rescan', { restore_dismissed: true }));
  expect(rescanned).toMatchObject({ providers: ['docker'], restored: 1 });
  expect(ok(await world.operator.get(`/api/v1/discovery/proposals/${id}`)).state).toBe('pending');
});

it('G8: five hundred containers that start within a second are five hundred proposals, and the server answers meanwhile', async () => {
  const count = async () =>
    (await world.database.query("select count(*)::int as n from gateway_proposals where name like 'crowd-%'")).rows[0]
      .n as number;
  for (let n = 0; n < 500; n++) run({ name: `crowd-${n}`, labels: { 'atrium.enable': 'true' } });
  // One after the other, each by a person who waits: were the crowd one piece of work, none would be answered within it.
  let answered = 0;
  await until(
    async () => {
      ok(await world.operator.get('/api/v1/discovery/proposals?limit=1'));
      const known = await count();
      if (known > 0 && known < 500) answered += 1;
      return known === 500;
    },
    'all of them',
    30_000,
  );
  expect(answered).toBeGreaterThan(0);
  const told = await world.database.query(
    "select count(*)::int as n from core_events where kind = 'gateway.proposal.found' and body->>'name' like 'crowd-%'",
  );
  expect(told.rows[0].n).toBe(500);
  const metrics = await (await fetch(`${world.url}/metrics`)).text();
  expect(Number(/^atrium_discovery_scans_total\{kind="docker"\} (\d+)$/m.exec(metrics)?.[1])).toBeGreaterThan(0);
  expect(metrics).toMatch(/^atrium_discovery_scan_duration_seconds_count\{kind="docker"\} [1-9]/m);
  expect(metrics).toMatch(/^atrium_discovery_workers_active 1$/m);
});
