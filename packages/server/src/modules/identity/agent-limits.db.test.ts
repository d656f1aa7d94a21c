import { signingVectors } from '@atrium/protocol';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createIdentityTest, type IdentityTest, makeIdentity } from '../../../test/support/make-identity.ts';
import { callOf, makeOrg, publicCall, type TestOrg } from '../../../test/support/make-org.ts';
import type { Call } from '../../platform/operations/call.ts';
import type { IdentityServices } from './index.ts';

let test: IdentityTest;
let org: TestOrg<never, 'One' | 'Two'>;
let services: IdentityServices;
beforeAll(async () => {
  test = await createIdentityTest();
  org = await makeOrg(test.identity, {
    agents: { One: { scopes: ['agent:profile', 'crypto:sign'] }, Two: { scopes: ['agent:profile', 'crypto:sign'] } },
  });
  const one = { max: 1, windowMs: 60_000 };
  const agent_keys = { registration: one, vouch: one, signing: one, recovery: one, verify: one };
  services = makeIdentity(test, { options: { agent_keys } }).services;
});
afterAll(() => test.drop());

const { public_key } = signingVectors;
const { signature } = signingVectors.cases[0];
const from = (ip: string): Call => publicCall({ ip });

/** What the first attempt is refused with, if anything; the next one from there never gets that far. */
const limited: [string, (call: Call) => Promise<unknown>, string | null][] = [
  ['a registration', (c) => services.registration.register(c, { public_key, voucher_code: 'a' }), 'bad_request'],
  ['a challenge', (c) => services.recovery.challenge(c, { public_key }), null],
  [
    'a recovery',
    (c) => services.recovery.verify(c, { public_key, challenge: 'x', hmac: 'x', signature }),
    'invalid_challenge',
  ],
  ['a reset', (c) => services.recovery.resetSecret(c, { public_key, recovery_code: 'x' }), 'recovery_code_dead'],
  ['a check of a signature', (c) => services.directory.verify(c, { signature }), null],
];

const endOf = (attempt: Promise<unknown>): Promise<string | null> =>
  attempt.then(
    () => null,
    (error: { code: string }) => error.code,
  );

it.each(limited)('%s is counted by its address before anything is looked at', async (_what, attempt, first) => {
  expect(await endOf(attempt(from('192.0.2.1')))).toBe(first);
  expect(await endOf(attempt(from('192.0.2.1')))).toBe('rate_limited');
  expect(await endOf(attempt(from('192.0.2.2')))).toBe(first);
});

it('54: agents behind one address do not use up each other’s signatures, vouchers and checks', async () => {
  const ip = '192.0.2.3';
  const acts: ((call: Call) => Promise<unknown>)[] = [
    (call) => services.vouchers.create(call),
    (call) => services.directory.verify(call, { signature }),
  ];
  for (const act of acts) {
    for (const { caller } of [org.agents.One, org.agents.Two]) await act(callOf(caller, { ip }));
    expect(await endOf(act(callOf(org.agents.One.caller, { ip })))).toBe('rate_limited');
  }
  const prepare = (call: Call) => services.signingRequests.create(call, { message: 'x' });
  expect(await endOf(prepare(callOf(org.agents.One.caller)))).toBe('agent_key_missing');
  expect(await endOf(prepare(callOf(org.agents.One.caller)))).toBe('rate_limited');
  expect(await endOf(prepare(callOf(org.agents.Two.caller)))).toBe('agent_key_missing');
});
