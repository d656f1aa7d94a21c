import { rotationProof } from '@atrium/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeKey, newRegistrationKey, proveRegistration, type TestKey } from '../../../test/support/agent-key.ts';
import { createIdentityTest, type IdentityTest } from '../../../test/support/make-identity.ts';
import { callOf, makeOrg, publicCall, type TestOrg } from '../../../test/support/make-org.ts';
import type { IdentityServices } from './index.ts';
import type { SignedChallenge } from './recovery-service.ts';

let test: IdentityTest;
let services: IdentityServices;
let org: TestOrg;
beforeAll(async () => {
  test = await createIdentityTest();
  services = test.identity.services;
  org = await makeOrg(test.identity);
});
afterAll(() => test.drop());

interface Agent {
  id: string;
  key: TestKey;
  client_secret: string;
}

const makeAgent = async (): Promise<Agent> => {
  const [key, once] = [await makeKey(), newRegistrationKey()];
  const { code: voucher_code } = await services.vouchers.create(org.owner.call);
  const input = { public_key: key.public_key, voucher_code, proof: await proveRegistration(key, once) };
  const call = publicCall({ idempotency: { key: once, operation: 'agents.register', request_hash: once } });
  const { identity_id: id, client_secret } = await services.registration.register(call, input);
  return { id, key, client_secret };
};

const challenged = async (key: TestKey): Promise<SignedChallenge> => {
  const { challenge, hmac } = await services.recovery.challenge(publicCall(), { public_key: key.public_key });
  return { challenge, hmac, signature: await key.sign(challenge), public_key: key.public_key };
};
const verify = (input: SignedChallenge) => services.recovery.verify(publicCall(), input);
const reset = (recovery_code: string, key: TestKey) =>
  services.recovery.resetSecret(publicCall(), { recovery_code, public_key: key.public_key });
const failure = (code: string) => expect.objectContaining({ code });
const nonces = async (): Promise<number> =>
  (await test.pool.query('select count(*)::int as n from identity_recovery_nonces')).rows[0].n;

describe('13: a challenge', () => {
  const broken: [string, (good: SignedChallenge, other: TestKey) => SignedChallenge | Promise<SignedChallenge>][] = [
    [
      'altered by a byte',
      (good) => ({ ...good, challenge: good.challenge.replace(/.$/, (d) => (d === '0' ? '1' : '0')) }),
    ],
    ['of another key', (good, other) => ({ ...good, public_key: other.public_key })],
    ['under another HMAC', (good) => ({ ...good, hmac: 'f'.repeat(64) })],
    ['with an HMAC cut short', (good) => ({ ...good, hmac: good.hmac.slice(1) })],
    ['in no form', (good) => ({ ...good, challenge: 'moltnet:recovery' })],
  ];
  it.each(broken)('%s is refused and uses nothing up', async (_what, breakIt) => {
    const { key } = await makeAgent();
    const good = await challenged(key);
    const before = await nonces();
    await expect(verify(await breakIt(good, await makeKey()))).rejects.toEqual(failure('invalid_challenge'));
    expect(await nonces()).toBe(before);
    await expect(verify(good)).resolves.toBeDefined();
  });

  it('older than five minutes, or of the future, is refused and uses nothing up', async () => {
    const { key } = await makeAgent();
    const good = await challenged(key);
    const before = await nonces();
    test.clock.advance(-1);
    await expect(verify(good)).rejects.toEqual(failure('invalid_challenge'));
    test.clock.advance(5 * 60_000 + 2);
    await expect(verify(good)).rejects.toEqual(failure('invalid_challenge'));
    expect(await nonces()).toBe(before);
  });

  it('is judged by its origin before its signature: a forged one says nothing about the signature', async () => {
    const { key } = await makeAgent();
    const good = await challenged(key);
    await expect(verify({ ...good, hmac: '0'.repeat(64), signature: 'no signature' })).rejects.toEqual(
      failure('invalid_challenge'),
    );
  });
});

describe('14: a good challenge', () => {
  it('verified twice at once gives one grant', async () => {
    const { key } = await makeAgent();
    const good = await challenged(key);
    const answers = await Promise.allSettled([verify(good), verify(good)]);
    expect(answers.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(answers.find((one) => one.status === 'rejected')).toMatchObject({ reason: { code: 'invalid_challenge' } });
  });

  it('survives a typo in the signature', async () => {
    const { key } = await makeAgent();
    const good = await challenged(key);
    await expect(verify({ ...good, signature: await key.sign('typo') })).rejects.toEqual(failure('invalid_signature'));
    await expect(verify({ ...good, signature: 'typo' })).rejects.toEqual(failure('invalid_signature'));
    await expect(verify(good)).resolves.toBeDefined();
  });
});

describe('15: a recovery code', () => {
  it('works once, for its agent, for fifteen minutes', async () => {
    const [mine, other] = [await makeAgent(), await makeAgent()];
    const { recovery_code, recovery_flow_url } = await verify(await challenged(mine.key));
    expect(recovery_flow_url).toBe('http://localhost:4400/api/v1/recovery/reset-secret');
    await expect(reset(recovery_code, other.key)).rejects.toEqual(failure('recovery_code_dead'));
    const { client_secret } = await reset(recovery_code, mine.key);
    expect(client_secret).not.toBe(mine.client_secret);
    await expect(reset(recovery_code, mine.key)).rejects.toEqual(failure('recovery_code_dead'));
    const late = await verify(await challenged(mine.key));
    test.clock.advance(15 * 60_000);
    await expect(reset(late.recovery_code, mine.key)).rejects.toEqual(failure('recovery_code_dead'));
  });

  it('ends with a newer one, with the key that earned it, and with the agent', async () => {
    const agent = await makeAgent();
    const [first, second] = [await verify(await challenged(agent.key)), await verify(await challenged(agent.key))];
    await expect(reset(first.recovery_code, agent.key)).rejects.toEqual(failure('recovery_code_dead'));
    const fresh = await makeKey();
    const text = rotationProof(agent.id, agent.key.public_key, fresh.public_key);
    const caller = (await test.identity.callerOf({ org_id: org.id, kind: 'agent', id: agent.id }))!;
    await services.agentKeys.rotateKey(callOf(caller), {
      public_key: fresh.public_key,
      old_signature: await agent.key.sign(text),
      new_signature: await fresh.sign(text),
    });
    for (const key of [agent.key, fresh])
      await expect(reset(second.recovery_code, key)).rejects.toEqual(failure('recovery_code_dead'));
    // The old key recovers nothing any more.
    await expect(verify(await challenged(agent.key))).rejects.toEqual(failure('invalid_signature'));
    const third = await verify(await challenged(fresh));
    await services.agents.update(org.owner.call, { id: agent.id, active: false });
    await expect(reset(third.recovery_code, fresh)).rejects.toEqual(failure('recovery_code_dead'));
    await expect(verify(await challenged(fresh))).rejects.toEqual(failure('invalid_signature'));
  });
});

it('12: a key that nobody has gets a challenge of the same form, and fails as a bad signature does', async () => {
  const [known, unknown] = [await makeAgent(), await makeKey()];
  const [one, two] = [await challenged(known.key), await challenged(unknown)];
  const shape = ({ challenge, hmac }: SignedChallenge) => [challenge.length, hmac.length, challenge.split(':').length];
  expect(shape(two)).toEqual(shape(one));
  const refusal = async (input: SignedChallenge) => verify(input).catch(({ code, message }) => ({ code, message }));
  expect(await refusal(two)).toEqual(await refusal({ ...one, signature: await known.key.sign('x') }));
  // What failed at a key that somebody has is told to those who look after it.
  await test.database.flush();
  const { rows } = await test.pool.query(
    "select count(*)::int as n from core_events where kind = 'identity.agent.recovery_failed' and subject_id = $1",
    [known.id],
  );
  expect(rows[0].n).toBe(1);
});
