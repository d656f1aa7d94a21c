import { None } from 'oauth4webapi';
import { describe, expect, it } from 'vitest';
import { byDevice, type Exchange } from './grants.ts';
import type { DevicePrompt } from './sign-in.ts';

const issuer = 'https://issuer.example';
const json = (status: number, body: object): Response =>
  new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json' } });
const refuse = (error: string) => () => json(400, { error });
const tokens = () => json(200, { access_token: 'a', token_type: 'Bearer' });
const grant = {
  device_code: 'd',
  user_code: 'ABCD',
  verification_uri: `${issuer}/device`,
  expires_in: 600,
  interval: 3,
};

/** The sign-in by device code against answers in turn, without waiting: `pauses` holds how long it would have. */
const signIn = async (polls: (() => Response)[], device: object = grant) => {
  const pauses: number[] = [];
  const prompts: DevicePrompt[] = [];
  const exchange: Exchange = {
    http: async (url) => (url.endsWith('/device_authorization') ? json(200, device) : polls.shift()!()),
    server: {
      issuer,
      token_endpoint: `${issuer}/token`,
      device_authorization_endpoint: `${issuer}/device_authorization`,
    },
    identity: { id: 'client', authentication: None() },
    dpop: undefined,
    resource: 'https://api.example',
    scope: 'a',
    signal: undefined,
  };
  const outcome = byDevice(
    exchange,
    (prompt) => void prompts.push(prompt),
    async (milliseconds) => void pauses.push(milliseconds),
  );
  const result = await outcome.catch((error: unknown) => error);
  return { result, pauses, prompts };
};

describe('polling for a device code', () => {
  it('waits the interval, and longer for good when it is told to slow down', async () => {
    const polls = [refuse('authorization_pending'), refuse('slow_down'), refuse('authorization_pending'), tokens];
    const { result, pauses, prompts } = await signIn(polls);
    expect(result).toMatchObject({ access_token: 'a' });
    expect(pauses).toEqual([3000, 3000, 8000, 8000]);
    expect(prompts).toEqual([
      {
        userCode: 'ABCD',
        verificationUri: grant.verification_uri,
        verificationUriComplete: null,
        expiresInSeconds: 600,
      },
    ]);
  });

  it('waits five seconds when the server names no interval', async () => {
    const { interval: _, ...without } = grant;
    expect((await signIn([tokens], without)).pauses).toEqual([5000]);
  });

  it.each([
    ['access_denied', { code: 'refused', error: 'access_denied' }],
    ['expired_token', { code: 'timeout' }],
    ['invalid_client', { code: 'refused', error: 'invalid_client' }],
  ])('ends at %s', async (error, outcome) => {
    const { result, pauses } = await signIn([refuse(error)]);
    expect(result).toMatchObject(outcome);
    expect(pauses).toHaveLength(1);
  });

  it('ends when the code has run out', async () => {
    expect((await signIn([], { ...grant, expires_in: 0 })).result).toMatchObject({ code: 'timeout' });
  });
});
