import { rotationProof } from '@atrium/protocol';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeKey, type TestKey } from '../../support/agent-key.ts';
import { type KeyWorld, openKeyWorld } from '../../support/key-world.ts';
import { openSocket } from '../../support/live-socket.ts';
import { createMovedClock } from '../../support/moved-clock.ts';
import { ok } from '../../support/people.ts';
import { createRestClient, type Json, type RestAnswer } from '../../support/rest-client.ts';
import { until } from '../../support/until.ts';

const clock = createMovedClock();
let world: KeyWorld;
let later = 0;
const advance = (ms: number): void => {
  later += ms;
  clock.move(later);
};
beforeAll(async () => {
  world = await openKeyWorld({ env: clock.env });
});
afterAll(() => world.close());

const verify = (input: Json): Promise<RestAnswer> => world.anonymous.post('/api/v1/recovery/verify', input);
const reset = (recovery_code: string, { public_key }: TestKey): Promise<RestAnswer> =>
  world.anonymous.post('/api/v1/recovery/reset-secret', { recovery_code, public_key });
const refusal = ({ status, body }: RestAnswer) => [status, body.code];
const nonces = async (): Promise<number> =>
  (await world.row('select count(*)::int as n from identity_recovery_nonces')).n;

it('11: a client with nothing but its private key gets a working token; old secret, tokens, keys and sockets are dead; the trail shows each step', async () => {
  const agent = await world.agent();
  const socket = await openSocket(world.url, agent.token);
  const verified = ok(await verify(await world.challenged(agent.key)));
  expect(verified.recovery_flow_url).toContain('/api/v1/recovery/reset-secret');
  const fresh = ok(await reset(verified.recovery_code, agent.key));
  expect(fresh.client_id).toBe(agent.client_id);
  expect((await agent.get('/api/v1/whoami')).status).toBe(401);
  expect((await world.tokenAnswer(agent)).status).toBe(401);
  await until(() => socket.closed !== null, 'the socket of the old token is closed');
  const token = ok(await world.tokenAnswer(fresh)).access_token;
  expect(ok(await createRestClient(world.url, token).get('/api/v1/whoami')).fingerprint).toBe(agent.key.fingerprint);
  const { items } = ok(await world.org.owner.get('/api/v1/audit?limit=200'));
  const told = items.filter((one: Json) => one.target_id === agent.id).map((one: Json) => one.action);
  expect(told).toEqual(['recovery.reset_secret', 'recovery.verify', 'agents.register']);
  const step = items.find((one: Json) => one.action === 'recovery.verify');
  expect(step).toMatchObject({
    actor: { type: 'agent', id: agent.id },
    details: { challenged_at: expect.any(String) },
  });
  for (const secret of [verified.recovery_code, fresh.client_secret])
    expect(JSON.stringify(items)).not.toContain(secret);
});

it('11: API keys of an agent that somebody made end with its recovery as well', async () => {
  const made = await world.org.agent('With an API key', { scopes: ['agent:profile'] });
  const { enrolment_token } = ok(await world.org.owner.post(`/api/v1/agents/${made.id}/enrol`));
  const [key, once] = [await makeKey(), 'e'.repeat(43)];
  const proof = await key.sign(`atrium:enrol:v1\n${once}\n${key.public_key}\nclient_secret`);
  const body = { enrolment_token, public_key: key.public_key, proof };
  const enrolled = await world.anonymous.post('/api/v1/agents/enrolments', body, {
    headers: { 'idempotency-key': once },
  });
  expect(enrolled.status).toBe(201);
  expect((await made.get('/api/v1/whoami')).status).toBe(200);
  const { recovery_code } = ok(await verify(await world.challenged(key)));
  ok(await reset(recovery_code, key));
  expect((await made.get('/api/v1/whoami')).status).toBe(401);
});

it('12: a key that nobody has gets a challenge of the same form, and fails as a bad signature does', async () => {
  const [agent, unknown] = [await world.agent(), await makeKey()];
  const [known, other] = [await world.challenged(agent.key), await world.challenged(unknown)];
  expect(Object.keys(other)).toEqual(Object.keys(known));
  expect(other.challenge.length).toBe(known.challenge.length);
  const bare = async (input: Json) => {
    const { request_id: _id, ...body } = (await verify(input)).body;
    return body;
  };
  const refused = await bare(other);
  expect(refused).toMatchObject({ status: 400, code: 'invalid_signature' });
  expect(await bare({ ...known, signature: await agent.key.sign('something else') })).toEqual(refused);
  expect(await bare({ ...known, signature: 'none' })).toEqual(refused);
});

it('13: altered, of another key, under another HMAC, in another form: 400 invalid_challenge, and nothing is used up', async () => {
  const [agent, other] = [await world.agent(), await makeKey()];
  const good = await world.challenged(agent.key);
  const before = await nonces();
  for (const [what, broken] of [
    ['altered', { challenge: good.challenge.replace(/.$/, (d: string) => (d === '1' ? '2' : '1')) }],
    ['another key beside it', { public_key: other.public_key }],
    ['another HMAC', { hmac: '0'.repeat(64) }],
    ['no HMAC', { hmac: '' }],
    ['a challenge of nobody', { challenge: `moltnet:challenge:${'0'.repeat(64)}:1` }],
    ['500 characters', { challenge: 'x'.repeat(500) }],
  ] as const)
    expect([what, ...refusal(await verify({ ...good, ...broken }))]).toEqual([what, 400, 'invalid_challenge']);
  expect((await verify({ ...good, challenge: 'x'.repeat(501) })).status).toBe(422);
  expect(await nonces()).toBe(before);
  expect((await verify(good)).status).toBe(200);
});

it('14: one challenge verified twice at once gives one code; a typo in the signature costs nothing', async () => {
  const agent = await world.agent();
  for (let round = 0; round < 10; round += 1) {
    const good = await world.challenged(agent.key);
    expect(refusal(await verify({ ...good, signature: await agent.key.sign('typo') }))).toEqual([
      400,
      'invalid_signature',
    ]);
    const answers = await Promise.all([verify(good), verify(good)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 400]);
    expect(answers.find(({ status }) => status === 400)!.body.code).toBe('invalid_challenge');
  }
});

it('15: a code works once and for its agent; a key is not replaced without the old one', async () => {
  const [agent, other] = [await world.agent(), await world.agent()];
  const { recovery_code } = ok(await verify(await world.challenged(agent.key)));
  expect(refusal(await reset(recovery_code, other.key))).toEqual([410, 'recovery_code_dead']);
  const twice = await Promise.all([reset(recovery_code, agent.key), reset(recovery_code, agent.key)]);
  expect(twice.map(({ status }) => status).sort()).toEqual([200, 410]);
  const secret = twice.find(({ status }) => status === 200)!.body.client_secret;
  const token = ok(await world.tokenAnswer({ client_id: agent.client_id, client_secret: secret })).access_token;
  const me = createRestClient(world.url, token);

  const fresh = await makeKey();
  const text = rotationProof(agent.id, agent.key.public_key, fresh.public_key);
  const rotate = async (old_by: TestKey, new_by: TestKey) =>
    me.post('/api/v1/agents/rotate-key', {
      public_key: fresh.public_key,
      old_signature: await old_by.sign(text),
      new_signature: await new_by.sign(text),
    });
  expect(refusal(await rotate(fresh, fresh))).toEqual([400, 'invalid_signature']);
  expect(refusal(await rotate(agent.key, agent.key))).toEqual([400, 'invalid_signature']);
  expect(ok(await rotate(agent.key, fresh))).toMatchObject({
    ...{ fingerprint: fresh.fingerprint, previous_fingerprint: agent.key.fingerprint },
  });
  // From the next token on it is the new one, and the old one recovers nothing.
  const next = createRestClient(
    world.url,
    ok(await world.tokenAnswer({ client_id: agent.client_id, client_secret: secret })).access_token,
  );
  expect(ok(await next.get('/api/v1/crypto/identity')).public_key).toBe(fresh.public_key);
  expect(refusal(await verify(await world.challenged(agent.key)))).toEqual([400, 'invalid_signature']);
  expect(ok(await world.anonymous.get(`/api/v1/directory/${agent.key.fingerprint}`)).replaced_by).toBe(
    fresh.fingerprint,
  );
});

// Last, for the clock of the server goes forward only.
it('13, 15: a challenge of five minutes ago and a code of fifteen minutes ago are refused', async () => {
  const agent = await world.agent();
  const good = await world.challenged(agent.key);
  const before = await nonces();
  advance(5 * 60_000 + 1000);
  expect(refusal(await verify(good))).toEqual([400, 'invalid_challenge']);
  expect(await nonces()).toBe(before);
  const { recovery_code } = ok(await verify(await world.challenged(agent.key)));
  advance(15 * 60_000 + 1000);
  expect(refusal(await reset(recovery_code, agent.key))).toEqual([410, 'recovery_code_dead']);
});
