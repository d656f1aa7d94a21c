import { fromBase64, signBytes } from '@atrium/protocol';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { type KeyWorld, openKeyWorld } from '../../support/key-world.ts';
import { openSocket } from '../../support/live-socket.ts';
import { connectV1 } from '../../support/mcp-drivers.ts';
import { createMovedClock } from '../../support/moved-clock.ts';
import { ok } from '../../support/people.ts';
import type { Json, RestClient } from '../../support/rest-client.ts';
import { until } from '../../support/until.ts';

// Timers and sweeps come round in real time.
vi.setConfig({ testTimeout: 300_000 });

const clock = createMovedClock();
let world: KeyWorld;
beforeAll(async () => {
  world = await openKeyWorld({ env: clock.env });
});
afterAll(() => world.close());

const path = '/api/v1/crypto/signing-requests';
const prepare = async (by: RestClient, message: string): Promise<Json> => ok(await by.post(path, { message }));

it('16: prepared, signed and handed in over MCP it is completed and valid, and the event says what the row says', async () => {
  const agent = await world.agent();
  const socket = await openSocket(world.url, agent.token);
  const bystander = await openSocket(world.url, (await world.agent()).token);
  const client = await connectV1(world.url, ok(await world.tokenAnswer(agent, '/mcp')).access_token);
  const asked = (await client.call('crypto_prepare_signature', { message: 'release 1.4.1' })).structuredContent;
  expect(asked).toMatchObject({ status: 'pending', next_step: expect.stringContaining('signing_input') });
  const signature = await signBytes(agent.key.private_key, fromBase64(asked.signing_input)!);
  const done = (await client.call('crypto_submit_signature', { request_id: asked.request_id, signature }))
    .structuredContent;
  expect(done).toMatchObject({ status: 'completed', valid: true, signature });
  expect((await client.call('crypto_signing_status', { request_id: asked.id })).structuredContent).toEqual(done);
  expect((await client.call('crypto_verify', { signature })).structuredContent).toEqual({
    ...{ valid: true, signer: { fingerprint: agent.key.fingerprint } },
  });
  const event = await socket.event((one) => one.kind === 'identity.signing.completed' && one.id === asked.id);
  const row = await world.row('select agent_id, valid from identity_signing_requests where id = $1', [asked.id]);
  expect(event.body).toEqual(row);
  const marker = await prepare(agent, 'marker');
  await socket.event((one) => one.id === marker.id);
  expect(JSON.stringify(bystander.events)).not.toContain(asked.id);
  for (const one of [socket, bystander]) one.close();
  await client.close();
});

it('16: of two signatures at once one is taken and the other told that it was', async () => {
  const agent = await world.agent();
  for (let round = 0; round < 10; round += 1) {
    const { id, nonce } = await prepare(agent, `race ${round}`);
    const signature = await agent.key.signMessage(`race ${round}`, nonce);
    const answers = await Promise.all([1, 2].map(() => agent.post(`${path}/${id}/sign`, { signature })));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
    expect(answers.find(({ status }) => status === 409)!.body.code).toBe('signing_request_already_completed');
  }
});

it('19: another agent reads and signs nothing of it; an unknown signature is not valid; the twenty-first waits', async () => {
  const [agent, other] = [await world.agent(), await world.agent()];
  const { id, nonce } = await prepare(agent, 'mine');
  const signature = await agent.key.signMessage('mine', nonce);
  for (const by of [other, world.org.owner]) {
    expect((await by.get(`${path}/${id}`)).status).toBe(404);
    expect((await by.post(`${path}/${id}/sign`, { signature })).status).toBe(404);
  }
  expect(ok(await other.get(path)).items).toEqual([]);
  expect(ok(await world.anonymous.post('/api/v1/crypto/verify', { signature }))).toEqual({
    valid: false,
    signer: null,
  });
  for (let n = 1; n < 20; n += 1) await prepare(agent, `waits ${n}`);
  const refused = await agent.post(path, { message: 'one too many' });
  expect([refused.status, refused.body.code]).toEqual([429, 'signing_limit']);
  ok(await agent.post(`${path}/${id}/sign`, { signature }));
  await prepare(agent, 'one more');
  const verified = await world.anonymous.post(`/api/v1/directory/${other.key.fingerprint}/verify`, { signature });
  expect(ok(verified)).toEqual({ valid: false, signer: null });
});

it('19: a list tells with count how many requests of the agent there are in all, by status', async () => {
  const [agent, other] = [await world.agent(), await world.agent()];
  await prepare(other, 'not yours');
  const { id, nonce } = await prepare(agent, 'signed');
  ok(await agent.post(`${path}/${id}/sign`, { signature: await agent.key.signMessage('signed', nonce) }));
  for (const message of ['one', 'two']) await prepare(agent, message);
  const asked = async (query: string): Promise<[number, number | null]> => {
    const { items, total } = ok(await agent.get(`${path}?limit=1${query}`));
    return [items.length, total];
  };
  expect(await asked('')).toEqual([1, null]);
  expect(await asked('&count=true')).toEqual([1, 3]);
  expect(await asked('&count=true&status=pending')).toEqual([1, 2]);
  expect(await asked('&count=true&status=completed,expired')).toEqual([1, 1]);
  expect(await asked('&count=true&status=expired')).toEqual([0, 0]);
});

// Last, for the clock of the server goes forward only.
it('17: a wrong signature ends it without a second try; no signature in 300 s expires it', async () => {
  const agent = await world.agent();
  const wrong = await prepare(agent, 'wrong');
  const first = await agent.post(`${path}/${wrong.id}/sign`, {
    signature: await agent.key.signMessage('x', wrong.nonce),
  });
  expect(ok(first)).toMatchObject({ status: 'completed', valid: false });
  const good = await agent.key.signMessage('wrong', wrong.nonce);
  const second = await agent.post(`${path}/${wrong.id}/sign`, { signature: good });
  expect([second.status, second.body.code]).toEqual([409, 'signing_request_already_completed']);

  // Whoever stands behind the agent is asked, until then.
  const agents = 'update identity_agents set owner_id = $1 where id = $2';
  await world.database.query(agents, [world.org.owner.id, agent.id]);
  const socket = await openSocket(world.url, agent.token);
  const late = await prepare(agent, 'late');
  expect(Date.parse(late.expires_at) - Date.parse(late.created_at)).toBe(300_000);
  clock.move(300_000);
  const signature = await agent.key.signMessage('late', late.nonce);
  const refused = await agent.post(`${path}/${late.id}/sign`, { signature });
  expect([refused.status, refused.body.code]).toEqual([409, 'signing_request_expired']);
  expect(ok(await agent.get(`${path}/${late.id}`)).status).toBe('expired');
  // The timer of the row or the sweep behind it comes round in real time.
  await socket.event((one) => one.kind === 'identity.signing.expired' && one.id === late.id, 'it expires', 120_000);
  await until(
    async () =>
      (await world.row('select status from identity_signing_requests where id = $1', [late.id])).status === 'expired',
    'the row says so',
  );
  const item = async () => (await world.row('select status from inbox_items where decides_id = $1', [late.id])).status;
  await until(async () => (await item()) === 'expired', 'its item is over', 120_000);
  socket.close();
});
