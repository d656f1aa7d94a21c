import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type HookReply, type HookServer, startHookServer } from '../../../../test/support/hook-server.ts';
import { systemClock } from '../../../platform/clock/clock.ts';
import { createCircuitBreakers } from '../../../platform/net/circuit-breaker.ts';
import { createGuardedFetch, type GuardedFetch } from '../../../platform/net/guarded-fetch.ts';
import { signatureHeaders } from '../../../platform/net/signed-call.ts';
import { createTokenHook, hookClaimsIn, type IssuingToken, TokenRefused } from './token-hook.ts';

const secret = 'a secret of the operator';
const issuing: IssuingToken = {
  agent: {
    ...{ id: 'agent-1', org_id: 'org-1', kind: 'agent', name: 'Scribe', client_id: 'agent_1', scopes: ['diary:read'] },
    ...{ client_secret_hash: 'hash of the secret', public_key: 'ed25519:key', fingerprint: '21FE-31DF-A154-A261' },
    key_origin: 'registered',
  },
  resource: 'https://atrium.example/api/v1',
  scopes: ['diary:read'],
};

let hook: HookServer;
const fetches: GuardedFetch[] = [];
const failures: string[] = [];
beforeAll(async () => {
  hook = await startHookServer();
});
afterAll(async () => {
  for (const fetch of fetches) await fetch.close();
  await hook.close();
});
beforeEach(() => {
  failures.length = 0;
});

/** One that has never failed, so that no circuit of another test is open. */
const ask = (policy: 'open' | 'closed', more: { timeoutMs?: number; allow?: string[] } = {}) => {
  const { timeoutMs = 5000, allow = ['127.0.0.1'] } = more;
  const fetch = createGuardedFetch({ allow, breakers: createCircuitBreakers(systemClock) });
  fetches.push(fetch);
  const config = { tokenIssuing: { url: hook.url, policy }, agentUrls: [], timeoutMs };
  return createTokenHook(
    { config, secret, fetch },
    { clock: systemClock, onError: (_error, what) => void failures.push(what) },
  )!(issuing);
};
const answers = (reply: HookReply): void => {
  hook.reply = () => reply;
};

describe('the token.issuing hook', () => {
  it('is told of the agent by a signed call, without anything secret, and answers claims', async () => {
    answers({ status: 200, body: { claims: { tier: 'gold', teams: ['a', 'b'], quota: 3, beta: true, none: null } } });
    expect(await ask('closed')).toEqual({
      ext: { tier: 'gold', teams: ['a', 'b'], quota: 3, beta: true, none: null },
    });
    const call = hook.calls.at(-1)!;
    expect(call.signature).toBe(
      signatureHeaders(secret, { id: call.id, at: new Date(call.at * 1000), body: call.text })['webhook-signature'],
    );
    expect(call.body).toMatchObject({
      type: 'token.issuing',
      data: {
        ...{ client_id: 'agent_1', resource: issuing.resource, scopes: ['diary:read'] },
        agent: { identity_id: 'agent-1', fingerprint: '21FE-31DF-A154-A261', public_key: 'ed25519:key' },
      },
    });
    expect(call.text).not.toContain('hash of the secret');
    expect(call.text).not.toContain(secret);
  });

  it.each<[string, HookReply]>([
    ['204', { status: 204 }],
    ['no claims', { status: 200, body: {} }],
    ['empty claims', { status: 200, body: { claims: {} } }],
  ])('adds nothing for %s', async (_what, reply) => {
    answers(reply);
    expect(await ask('closed')).toEqual({});
  });

  it('says no by 403 whatever the policy', async () => {
    answers({ status: 403, body: {} });
    for (const policy of ['open', 'closed'] as const)
      await expect(ask(policy)).rejects.toMatchObject({ code: 'access_denied' });
  });

  const many = Object.fromEntries(Array.from({ length: 21 }, (_, n) => [`claim${n}`, n]));
  it.each<[string, HookReply]>([
    ['an error', { status: 500 }],
    ['a redirect', { status: 302 }],
    ['another form', { status: 200, body: ['claims'] }],
    ['members beside the claims', { status: 200, body: { claims: {}, sub: 'root' } }],
    ['nested claims', { status: 200, body: { claims: { deep: { deeper: true } } } }],
    ['names that are none', { status: 200, body: { claims: { 'a b': 1 } } }],
    ['too many claims', { status: 200, body: { claims: many } }],
    ['2 KiB and more', { status: 200, body: { claims: { long: 'x'.repeat(2048) } } }],
    ['more than is read', { status: 200, body: { claims: { long: 'x'.repeat(20_000) } } }],
  ])('follows its policy after %s', async (_what, reply) => {
    answers(reply);
    expect(await ask('open')).toEqual({});
    await expect(ask('closed')).rejects.toMatchObject({ code: 'temporarily_unavailable' });
    expect(failures).toEqual([
      'the token.issuing hook failed; policy open',
      'the token.issuing hook failed; policy closed',
    ]);
  });

  it('is given up after its time, and the policy decides', async () => {
    answers('hang');
    expect(await ask('open', { timeoutMs: 100 })).toEqual({});
    await expect(ask('closed', { timeoutMs: 100 })).rejects.toBeInstanceOf(TokenRefused);
  });

  it('is not reached at an address that this server may not connect to', async () => {
    const before = hook.calls.length;
    await expect(ask('closed', { allow: [] })).rejects.toMatchObject({ code: 'temporarily_unavailable' });
    expect(hook.calls.length).toBe(before);
  });
});

it('claims go over into a token that is exchanged, and nothing else does', () => {
  expect(hookClaimsIn({ ext: { tier: 'gold' }, sub: 'x' })).toEqual({ ext: { tier: 'gold' } });
  expect(hookClaimsIn({ ext: ['no'] })).toEqual({});
  expect(hookClaimsIn({})).toEqual({});
});
