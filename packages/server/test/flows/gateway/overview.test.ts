import { afterAll, beforeAll, expect, it } from 'vitest';
import { openSocket } from '../../support/live-socket.ts';
import { type Org, ok, openWorld, type Person, type World } from '../../support/people.ts';
import type { Json } from '../../support/rest-client.ts';
import { until } from '../../support/until.ts';

let world: World;
let operator: Person;
let foreign: Org;
let member: Person;

beforeAll(async () => {
  world = await openWorld();
  operator = world.operator;
  foreign = await world.makeOrg('Elsewhere');
  const invited = ok(await operator.post('/api/v1/orgs/current/invitations', { role: 'member', max_uses: 1 }));
  member = await world.makePerson('Mia', invited.invite_code);
});
afterAll(() => world.close());

const proposals = async (): Promise<Json[]> => ok(await operator.get('/api/v1/discovery/proposals')).items;

it('a configuration of another proxy becomes proposals, which approving makes routes of, with their recipe', async () => {
  const text = `services:
  grafana: { image: "grafana/grafana", ports: ["127.0.0.1:3001:3000"] }
  wiki:
    image: requarks/wiki:2
    labels: { "traefik.http.routers.wiki.rule": "Host(\`wiki.example.org\`)", "traefik.http.services.wiki.loadbalancer.server.port": 3000 }
  db: { image: postgres, ports: ["5432:5432"] }`;
  const body = { format: 'compose', text };
  const tried = ok(await operator.post('/api/v1/discovery/import', { ...body, dry_run: true }));
  expect(tried.found.map(({ name, outcome }: Json) => [name, outcome])).toEqual([
    ['grafana', 'new'],
    ['wiki', 'new'],
  ]);
  expect(tried.skipped).toEqual([{ line: null, what: 'service db', reason: 'none of its ports looks like a page' }]);
  expect(await proposals()).toEqual([]);
  const done = ok(await operator.post('/api/v1/discovery/import', body));
  const again = ok(await operator.post('/api/v1/discovery/import', body));
  expect(again.found.map(({ outcome }: Json) => outcome)).toEqual(['updated', 'updated']);
  expect(again.found[0].proposal_id).toBe(done.found[0].proposal_id);
  expect(ok(await foreign.owner.get('/api/v1/discovery/proposals')).items).toEqual([]);
  expect((await member.post('/api/v1/discovery/import', body)).status).toBe(403);

  const wiki = (await proposals()).find(({ name }) => name === 'wiki')!;
  expect(wiki).toMatchObject({
    source: 'file',
    suggested_route: { mode: 'host', hosts: ['wiki.example.org'], recipe: 'wikijs' },
  });
  const grafana = (await proposals()).find(({ name }) => name === 'grafana')!;
  const approved = ok(await operator.post(`/api/v1/discovery/proposals/${grafana.id}/approve`, {}));
  const route = ok(await operator.get(`/api/v1/routes/${approved.app.routes[0].id}`));
  expect(route).toMatchObject({
    ...{ recipe: 'grafana', websockets: true, strip_prefix: true, access: 'signed_in' },
    ...{ targets: [{ url: 'http://127.0.0.1:3001' }], health: { path: '/api/health', interval_ms: 10_000 } },
  });
  const wrong = await operator.post('/api/v1/discovery/import', { format: 'nginx', text: 'server { listen 80;' });
  expect([wrong.status, wrong.body.errors[0].path]).toEqual([422, 'text']);

  const first = ok(await member.get('/api/v1/recipes?limit=10'));
  const rest = ok(await member.get(`/api/v1/recipes?limit=200&cursor=${first.next_cursor}`));
  expect(first.items.length + rest.items.length).toBeGreaterThanOrEqual(30);
  expect(ok(await member.get('/api/v1/recipes?image=docker.io/grafana/grafana:11')).items[0].id).toBe('grafana');
});

it('figures, activity and components at a glance show an organisation its own', async () => {
  const quick = ok(await member.get('/api/v1/stats/quick'));
  expect(quick).toMatchObject({ apps: 1, routes: 1, proposals_pending: 1, devices: { total: 0, online: 0 } });
  expect(ok(await foreign.owner.get('/api/v1/stats/quick'))).toMatchObject({ apps: 0, routes: 0 });
  const board = ok(await operator.get('/api/v1/gateway/dashboard'));
  expect(board).toMatchObject({ ...quick, today: { requests: 0 } });
  const states = Object.fromEntries(board.components.map(({ name, status }: Json) => [name, status]));
  expect(states).toMatchObject({ storage: 'ok', jobs: 'ok', events: 'ok', backups: 'ok' });
  const kinds = board.activity.map(({ kind }: Json) => kind);
  expect(kinds).toContain('gateway.route.created');
  const one = ok(await operator.get('/api/v1/gateway/activity?limit=1'));
  const next = ok(await operator.get(`/api/v1/gateway/activity?limit=1&cursor=${one.next_cursor}`));
  expect(next.items[0].seq).toBeLessThan(one.items[0].seq);
  expect(
    ok(await operator.get('/api/v1/gateway/activity?kind=gateway.route')).items.map(({ kind }: Json) => kind),
  ).toEqual(['gateway.route.created']);
  expect(ok(await foreign.owner.get('/api/v1/gateway/activity')).items).toEqual([]);
  expect((await operator.get('/api/v1/gateway/activity?cursor=x')).status).toBe(400);
  const now = ok(await member.get('/api/v1/system/resources'));
  expect(now.memory.used).toBeGreaterThan(0);
  expect(now.memory.used).toBeLessThan(now.memory.total);
  expect(now.disk.percent).toBeGreaterThan(0);
  expect(now.database.size).toBeGreaterThan(1_000_000);
  expect(now.cpu.cores).toBeGreaterThan(0);
});

it('open sockets are listed to who tends devices, and closed one by one', async () => {
  const socket = await openSocket(world.url, member.token);
  const path = '/api/v1/gateway/sockets';
  const [row] = ok(await operator.get(path)).items;
  expect(row.principal).toMatchObject({ type: 'user', name: 'Mia' });
  expect((await member.get(path)).status).toBe(403);
  expect(ok(await foreign.owner.get(path)).items).toEqual([]);
  expect((await foreign.owner.delete(`${path}/${row.id}`)).status).toBe(404);
  expect((await operator.delete(`${path}/${row.id}`)).status).toBe(204);
  await until(() => socket.closed !== null, 'the socket closes');
  expect(socket.closed).toBe(4403);
  expect(ok(await operator.get(path)).items).toEqual([]);
});

it('figures of the server move with what happens', async () => {
  const figures = async (): Promise<(series: string) => number> => {
    const text = await (await fetch(`${world.url}/metrics`)).text();
    return (series) => {
      const line = text.split('\n').find((one) => one.startsWith(`${series} `));
      return line === undefined ? 0 : Number(line.slice(series.length + 1));
    };
  };
  const before = await figures();
  const text = 'services: { moving: { image: "grafana/grafana", ports: ["127.0.0.1:3009:3000"] } }';
  ok(await operator.post('/api/v1/discovery/import', { format: 'compose', text }));
  const found = (await proposals()).find(({ name }) => name === 'moving')!;
  ok(await operator.post(`/api/v1/discovery/proposals/${found.id}/dismiss`, {}));
  ok(await operator.post('/api/v1/devices/pairings', {}));
  const pairing = ok(await operator.post('/api/v1/devices/pairings', {}));
  expect((await operator.delete(`/api/v1/devices/pairings/${pairing.id}`)).status).toBeLessThan(300);
  const after = await figures();
  const moved = (series: string): number => after(series) - before(series);
  expect(moved('atrium_discovery_proposals_total{source="file"}')).toBe(1);
  expect(moved('atrium_discovery_decisions_total{decision="dismissed"}')).toBe(1);
  expect(moved('atrium_discovery_decisions_total{decision="approved"}')).toBe(0);
  expect(moved('atrium_auth_pairings_open')).toBe(1);
  expect(after('atrium_federation_peers{state="online"}')).toBe(0);
});

it('G60: with 2,000 routes and random addresses the series stay few, and no label names anybody', async () => {
  const series = async (): Promise<string[]> =>
    (await (await fetch(`${world.url}/metrics`)).text())
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));
  const before = (await series()).length;
  const [app] = (await world.database.query('select id, org_id from gateway_apps limit 1')).rows;
  await world.database.query(
    `insert into gateway_routes select (jsonb_populate_record(r, jsonb_build_object('id', gen_random_uuid(), 'slug', 'many-' || n,
       'path_base', '/apps/many-' || n || '/'))).* from gateway_routes r, generate_series(1, 2000) n where r.org_id = $1`,
    [app.org_id],
  );
  await Promise.all(
    Array.from({ length: 200 }, (_, n) =>
      fetch(`${world.url}/${n % 2 === 0 ? 'apps/many-' : 'x/'}${n}/${crypto.randomUUID()}`),
    ),
  );
  const after = await series();
  expect(after.length - before).toBeLessThan(150);
  const text = after.join('\n');
  for (const name of [
    'atrium_devices_total',
    'atrium_build_info',
    'atrium_discovery_proposals_pending',
    'atrium_webhook_request_duration_seconds_count',
    'atrium_uptime_seconds',
  ])
    expect(text).toContain(name);
  for (const secret of ['many-', 'Mia', operator.email, operator.token]) expect(text).not.toContain(secret);
});
