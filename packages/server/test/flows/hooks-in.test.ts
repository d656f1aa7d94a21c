import { createHmac, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Companion, joinAs } from '../support/companion.ts';
import { openSocket } from '../support/live-socket.ts';
import { type Agent, type Org, ok, openWorld, type World } from '../support/people.ts';
import type { Json } from '../support/rest-client.ts';

let world: World;
let org: Org;
let foreign: Org;
let agent: Agent;
let phone: Companion;

beforeAll(async () => {
  world = await openWorld({ shared: true });
  org = await world.makeOrg('House');
  foreign = await world.makeOrg('Elsewhere');
  agent = await org.agent('Backup job', { scopes: ['hooks:write'] });
  phone = await joinAs(ok(await org.owner.post('/api/v1/devices/pairings', {})).url, { name: 'Phone' });
});
afterAll(() => world.close());

const create = async (fields: Json): Promise<{ endpoint: Json; secret: string }> =>
  ok(await org.owner.post('/api/v1/hooks/endpoints', fields));
const post = async (url: string, body: string, headers: Record<string, string>) => {
  const answer = await fetch(url.replace(/^https?:\/\/[^/]+/, world.url), {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
  });
  return { status: answer.status, body: (await answer.json()) as Json };
};
/** As Standard Webhooks tells senders to. */
const signed = (secret: string, body: string, id = `msg_${randomUUID()}`, at = Date.now()) => {
  const timestamp = String(Math.floor(at / 1000));
  const key = Buffer.from(secret.replace('whsec_', ''), 'base64');
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,AAAA v1,${signature}` };
};
const titles = async (): Promise<string[]> =>
  ok(await org.owner.get('/api/v1/inbox/items?box=all')).items.map(({ title }: Json) => title);
const idOf = (device: Companion): string => device.paired.device_id;

it('activity by key reaches who watches, and nobody of another organisation', async () => {
  const socket = await openSocket(world.url, org.owner.token);
  const body = { message: 'Backup finished', icon: 'HardDrive', details: '12 GiB in 4 minutes' };
  const receipt = ok(await agent.post('/api/v1/hooks/activity', body));
  expect(receipt).toMatchObject({ kind: 'external.activity', item_id: null, duplicate: false });
  const event = await socket.event(({ kind }) => kind === 'external.activity');
  expect(event.body).toMatchObject({ data: { message: 'Backup finished', icon: 'HardDrive', icon_class: '' } });
  socket.close();
  const others = ok(await foreign.owner.get('/api/v1/events')).items;
  expect(others.filter(({ kind }: Json) => kind.startsWith('external.'))).toEqual([]);
  const lacking = await org.agent('Reader', { scopes: ['inbox:read'] });
  expect((await lacking.post('/api/v1/hooks/activity', body)).body.code).toBe('insufficient_scope');
  expect((await agent.post('/api/v1/hooks/activity', { ...body, colour: 'red' })).status).toBe(400);
  const key = { headers: { 'idempotency-key': 'once' } };
  const first = ok(await agent.post('/api/v1/hooks/activity', body, key));
  expect(ok(await agent.post('/api/v1/hooks/activity', body, key)).id).toBe(first.id);
});

it('a notice without devices is an item of the inbox; with them it waits 30 days for each', async () => {
  const data = { title: 'Disk of the NAS is nearly full', message: '**91 %** used', level: 'warning', disk: 'sda' };
  const notice = ok(await agent.post('/api/v1/hooks/notify', { type: 'disk.full', data }));
  const item = ok(await org.owner.get(`/api/v1/inbox/items/${notice.item_id}`));
  expect(item).toMatchObject({ title: data.title, level: 'warning', metadata: { type: 'disk.full', disk: 'sda' } });

  const device_ids = [idOf(phone)];
  const foreignPhone = await joinAs(ok(await foreign.owner.post('/api/v1/devices/pairings', {})).url, { name: 'X' });
  const wrong = await agent.post('/api/v1/hooks/notify', { type: 'a', device_ids: [idOf(foreignPhone)] });
  expect([wrong.status, wrong.body.errors[0].path]).toEqual([422, 'device_ids.0']);
  const live = await phone.socket();
  expect(ok(await agent.post('/api/v1/hooks/notify', { type: 'door.open', device_ids }))).toMatchObject({ devices: 1 });
  const told = await live.event(({ kind }) => kind === 'external.notify');
  expect(told.body).toMatchObject({ data: { type: 'door.open' }, device_ids });
  live.close();
  expect((await foreignPhone.get('/api/v1/hooks/notices')).body.items).toEqual([]);
  const [waiting] = (await phone.get('/api/v1/hooks/notices')).body.items;
  expect(waiting).toMatchObject({ type: 'door.open', from: 'Backup job' });
  expect((Date.parse(waiting.expires_at) - Date.parse(waiting.created_at)) / 86_400_000).toBe(30);
  const ack = (device: Companion) =>
    device.session.fetch(`/api/v1/hooks/notices/${waiting.id}/ack`, { method: 'POST' });
  expect((await ack(foreignPhone)).status).toBe(404);
  expect((await ack(phone)).status).toBe(204);
  expect((await phone.get('/api/v1/hooks/notices')).body.items).toEqual([]);
  ok(await agent.post('/api/v1/hooks/notify', { type: 'late', device_ids }));
  await world.database.query('update admin_hook_notices set expires_at = now()');
  expect((await phone.get('/api/v1/hooks/notices')).body.items).toEqual([]);
  expect(ok(await org.owner.get('/api/v1/hooks/notices')).items).toEqual([]);
});

it('an endpoint takes what is signed, once, within five minutes, and nothing else', async () => {
  const { endpoint, secret } = await create({ name: 'NAS', kind: 'notify' });
  expect(secret).toMatch(/^whsec_/);
  expect(JSON.stringify(ok(await org.owner.get('/api/v1/hooks/endpoints')))).not.toContain(secret);
  const body = JSON.stringify({ type: 'raid.degraded', data: { title: 'RAID is degraded', level: 'error' } });
  const headers = signed(secret, body);
  const first = await post(endpoint.url, body, headers);
  expect([first.status, first.body.duplicate]).toEqual([201, false]);
  const again = await post(endpoint.url, body, headers);
  expect([again.status, again.body.duplicate, again.body.item_id]).toEqual([201, true, first.body.item_id]);
  expect((await titles()).filter((title) => title === 'RAID is degraded')).toHaveLength(1);
  const item = ok(await org.owner.get(`/api/v1/inbox/items/${first.body.item_id}`));
  expect(JSON.stringify(item)).toContain('NAS');

  const stale = Date.now() - 301_000;
  for (const [what, given] of [
    [body, {}],
    [`${body} `, signed(secret, body)],
    [body, signed(`whsec_${Buffer.alloc(32).toString('base64')}`, body)],
    [body, signed(secret, body, 'old', stale)],
    [body, { authorization: `Bearer ${secret}` }],
  ] as const)
    expect((await post(endpoint.url, what, given as Record<string, string>)).body.code).toBe('hook_unproven');
  const nowhere = endpoint.url.replace(endpoint.id, randomUUID());
  expect((await post(nowhere, body, headers)).body.code).toBe('hook_unproven');
  const wrong = JSON.stringify({ type: 'x', colour: 'red' });
  expect((await post(endpoint.url, wrong, signed(secret, wrong))).status).toBe(422);
  const huge = JSON.stringify({ type: 'x', data: { text: 'a'.repeat(70_000) } });
  expect((await post(endpoint.url, huge, signed(secret, huge))).status).toBe(413);

  const renewed = ok(await org.owner.post(`/api/v1/hooks/endpoints/${endpoint.id}/rotate-secret`)).secret;
  expect((await post(endpoint.url, body, signed(secret, body))).status).toBe(401);
  expect((await post(endpoint.url, body, signed(renewed, body))).status).toBe(201);
  ok(await org.owner.patch(`/api/v1/hooks/endpoints/${endpoint.id}`, { enabled: false }));
  expect((await post(endpoint.url, body, signed(renewed, body))).status).toBe(401);
  expect((await foreign.owner.delete(`/api/v1/hooks/endpoints/${endpoint.id}`)).status).toBe(404);
  for (const one of [secret, renewed]) expect(world.server.output()).not.toContain(one);
});

it('an endpoint with a secret in a header takes any JSON as an event; the tester goes the whole way', async () => {
  const { endpoint, secret } = await create({
    name: 'Grafana',
    kind: 'event',
    event: 'grafana.alert',
    proof: 'secret',
  });
  const body = JSON.stringify({ alerts: [{ status: 'firing' }] });
  const took = await post(endpoint.url, body, { authorization: `Bearer ${secret}`, 'idempotency-key': 'a1' });
  expect(took.body).toMatchObject({ kind: 'external.grafana.alert', duplicate: false });
  expect((await post(endpoint.url, body, { 'x-atrium-hook-secret': secret, 'webhook-id': 'a1' })).body.duplicate).toBe(
    true,
  );
  expect((await post(endpoint.url, body, { 'x-atrium-hook-secret': 'guess' })).status).toBe(401);
  const test = async (text: string) =>
    ok(await org.owner.post(`/api/v1/hooks/endpoints/${endpoint.id}/test`, { body: text }));
  expect(await test(body)).toMatchObject({ status: 201, problem: null, receipt: { kind: 'external.grafana.alert' } });
  const bad = await test('no json');
  expect([bad.status, bad.problem, bad.headers['x-atrium-hook-secret']]).toEqual([422, 'body must be JSON', '••••']);
  const [row] = ok(await org.owner.get('/api/v1/hooks/endpoints')).items;
  expect(row).toMatchObject({ name: 'Grafana', received: 2, last_error: 'body: must be JSON' });

  // Sixty a minute, whatever is sent.
  const burst = await Promise.all(
    Array.from({ length: 70 }, () => post(endpoint.url, body, { 'x-atrium-hook-secret': secret })),
  );
  expect(burst.filter(({ status }) => status === 429).length).toBeGreaterThan(0);
});
