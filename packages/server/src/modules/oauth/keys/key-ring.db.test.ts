import { SignJWT } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { makeCall } from '../../../../test/support/make-call.ts';
import { makeOauth } from '../../../../test/support/make-oauth.ts';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/test-database.ts';
import { loadEngine } from '../engine/oidc-provider.ts';
import type { Oauth } from '../index.ts';

const hourMs = 3_600_000;
let test: TestDatabase;
let oauth: Oauth;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());
beforeEach(async () => {
  await test.pool.query('delete from oauth_keys');
  oauth = makeOauth(test);
  await oauth.parts.keys.open(makeCall());
});

const states = async () =>
  (await test.pool.query('select kid, alg, state, private_sealed from oauth_keys order by created_at, state')).rows;
const byState = async () => Object.groupBy(await states(), ({ state }) => state as string);

const signed = (with_: Oauth) => {
  const key = with_.parts.keys.current.signing[0]!;
  return import('jose').then(async ({ importJWK }) =>
    new SignJWT({ client_id: 'c', jti: 'j', scope: '' })
      .setProtectedHeader({ alg: key.alg!, kid: key.kid!, typ: 'at+jwt' })
      .setIssuer('http://localhost:4400')
      .setAudience('http://localhost:4400/mcp')
      .setSubject('s')
      .setIssuedAt(Math.floor(test.clock.now().getTime() / 1000))
      .setExpirationTime(Math.floor(test.clock.now().getTime() / 1000) + 2 * 24 * 3600)
      .sign(await importJWK(key, key.alg)),
  );
};

describe('signing keys', () => {
  it('32: rotate with a grace in which old tokens stay good, and then are gone with their private part', async () => {
    const before = await byState();
    const old = await signed(oauth);
    await oauth.parts.keys.rotate(makeCall());
    await oauth.parts.keys.load();
    const after = await byState();
    expect(after['active']![0].kid).toBe(before['next']![0].kid);
    expect(after['grace']![0].kid).toBe(before['active']![0].kid);
    expect(after['next']).toHaveLength(1);
    expect(oauth.parts.keys.current.signing[0]!.kid).toBe(after['active']![0].kid);
    expect(await oauth.parts.tokens.signature(old)).not.toBeNull();
    test.clock.advance(23 * hourMs);
    await oauth.parts.keys.tend(makeCall());
    await oauth.parts.keys.load();
    expect(await oauth.parts.tokens.signature(old)).not.toBeNull();
    test.clock.advance(hourMs);
    await oauth.parts.keys.tend(makeCall());
    await oauth.parts.keys.load();
    const retired = (await byState())['retired']!;
    expect(retired).toMatchObject([{ kid: before['active']![0].kid, private_sealed: '' }]);
    expect(oauth.parts.keys.current.verify.has(retired[0].kid)).toBe(false);
    expect(await oauth.parts.tokens.signature(old)).toBeNull();
  });

  it('33: two replicas that find a rotation due make one new key', async () => {
    const other = makeOauth(test);
    await other.parts.keys.load();
    test.clock.advance(91 * 24 * hourMs);
    await Promise.all([oauth.parts.keys.tend(makeCall()), other.parts.keys.tend(makeCall())]);
    const after = await byState();
    expect([after['active']!.length, after['next']!.length, after['grace']!.length]).toEqual([1, 1, 1]);
  });

  it('a first start of two replicas makes one set', async () => {
    await test.pool.query('delete from oauth_keys');
    await Promise.all([makeOauth(test), makeOauth(test)].map((one) => one.parts.keys.open(makeCall())));
    expect(await states()).toHaveLength(2);
  });

  it('another algorithm by setting sends the former keys into grace', async () => {
    for (const alg of ['EdDSA', 'RS256'] as const) {
      const changed = makeOauth(test, { signingAlg: alg });
      await changed.parts.keys.open(makeCall());
      const active = (await byState())['active']!;
      expect(active).toMatchObject([{ alg }]);
      expect(changed.parts.keys.current.signing[0]).toMatchObject({ alg });
      expect(await changed.parts.tokens.signature(await signed(changed))).not.toBeNull();
    }
  });

  it('89: the engine prints no notice about the configuration it gets', async () => {
    const spies = [vi.spyOn(console, 'info'), vi.spyOn(console, 'warn'), vi.spyOn(console, 'error')];
    for (const registration of ['loopback', 'token', 'off'] as const) {
      const one = makeOauth(test, { registration });
      await one.parts.keys.open(makeCall());
      await loadEngine();
      one.parts.engine();
    }
    for (const spy of spies) {
      expect(spy.mock.calls.filter(([text]) => String(text).includes('oidc-provider'))).toEqual([]);
      spy.mockRestore();
    }
  });
});
