import { createHash, randomUUID } from 'node:crypto';
import { pairingCheck, readPairingLink } from '@atrium/protocol';
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testIdentityOptions } from '../../../test/support/make-identity.ts';
import { makeOauth } from '../../../test/support/make-oauth.ts';
import { callOf, makeOrg, publicCall, type TestPerson } from '../../../test/support/make-org.ts';
import { createTestDatabase, type TestDatabase } from '../../../test/support/test-database.ts';
import { until } from '../../../test/support/until.ts';
import { hashToken } from '../../platform/secrets/tokens.ts';
import { DevicePresence } from './device-presence.ts';
import type { Identity } from './index.ts';

let test: TestDatabase;
let identity: Identity;
let oauth: ReturnType<typeof makeOauth>;
let ada: TestPerson;
let owner: TestPerson;
beforeAll(async () => {
  test = await createTestDatabase();
  oauth = makeOauth(test);
  identity = oauth.parts.identity as Identity;
  await oauth.start();
  const org = await makeOrg(identity, { members: { Ada: 'member' } });
  ada = org.members.Ada;
  owner = org.owner;
});
afterAll(async () => {
  await identity.flush();
  await oauth.stop();
  await test.drop();
});

const origin = 'http://localhost:4400';

interface TestKey {
  jwk: Record<string, string>;
  prove(url: string, token?: string): Promise<string>;
}

const makeKey = async (alg: 'ES256' | 'EdDSA' = 'ES256'): Promise<TestKey> => {
  const { privateKey, publicKey } = await generateKeyPair(alg);
  const jwk = (await exportJWK(publicKey)) as Record<string, string>;
  return {
    jwk,
    prove: (url, token) =>
      new SignJWT({
        ...{ htm: 'POST', htu: url, jti: randomUUID() },
        ...(token === undefined ? {} : { ath: createHash('sha256').update(token).digest('base64url') }),
      })
        .setProtectedHeader({ alg, typ: 'dpop+jwt', jwk: jwk as JWK })
        .setIssuedAt(Math.floor(test.clock.now().getTime() / 1000))
        .sign(privateKey),
  };
};

const create = (by: TestPerson = ada, input: { scopes?: string[]; expires_in?: number } = {}) =>
  identity.services.pairings.create(by.call, { expires_in: 300, ...input });
const redeem = (code: string) => identity.services.pairings.redeem(publicCall(), { code });
const complete = async (token: string, key: TestKey, jwk: Record<string, string> = key.jwk) =>
  identity.services.pairings.complete(publicCall({ presented: token }), {
    device: { name: 'Phone', platform: 'ios', public_key: jwk },
    proof: await key.prove(`${origin}/auth/pair/complete`, token),
  });
const join = async (by: TestPerson = ada, input: { scopes?: string[] } = {}) => {
  const key = await makeKey();
  const { code } = await create(by, input);
  return { key, ...(await complete((await redeem(code)).pairing_token, key)) };
};
const refresh = async (token: string, key: TestKey) =>
  oauth.parts.devices.refresh({
    form: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: token }).toString(),
    headers: { dpop: await key.prove(`${origin}/oauth/token`) },
    call: publicCall(),
  });
const kinds = async (prefix: string, id: string): Promise<string[]> =>
  (
    await test.pool.query<{ kind: string }>(
      `select kind from core_events where kind like $1 || '%' and subject_id = $2 order by seq`,
      [prefix, id],
    )
  ).rows.map(({ kind }) => kind);

describe('a code', () => {
  it('goes from waiting through redeemed to completed, and its picture fits what the server answers', async () => {
    const made = await create();
    expect(made.state).toBe('waiting');
    const answer = await redeem(made.code);
    const link = readPairingLink(made.url)!;
    expect(await pairingCheck({ ...answer, code: made.code })).toBe(link.v);
    expect(link).toEqual(made.qr);
    expect((await identity.services.pairings.get(ada.call, { id: made.id })).state).toBe('redeemed');
    const joined = await complete(answer.pairing_token, await makeKey());
    const done = await identity.services.pairings.get(ada.call, { id: made.id });
    expect(done).toMatchObject({ state: 'completed', device: { id: joined.device_id, owner: { id: ada.id } } });
  });

  it('is over with its time, for both steps', async () => {
    const made = await create(ada, { expires_in: 60 });
    const { pairing_token } = await redeem(made.code);
    test.clock.advance(60_000);
    expect((await identity.services.pairings.get(ada.call, { id: made.id })).state).toBe('expired');
    await expect(redeem(made.code)).rejects.toMatchObject({ code: 'pairing_invalid' });
    await expect(complete(pairing_token, await makeKey())).rejects.toMatchObject({ code: 'pairing_invalid' });
  });

  it('stands in no table, event or line of the trail, and neither does its token', async () => {
    const made = await create();
    const { pairing_token } = await redeem(made.code);
    await complete(pairing_token, await makeKey());
    for (const table of ['identity_pairings', 'identity_devices', 'core_events', 'core_audit', 'core_rate_counters']) {
      const { rows } = await test.pool.query(`select to_jsonb(t)::text as text from ${table} t`);
      const texts = rows.map(({ text }) => text).join('\n');
      for (const secret of [made.code, pairing_token]) expect([table, texts.includes(secret)]).toEqual([table, false]);
    }
  });

  it('makes one device, however many complete it at once', async () => {
    const { pairing_token } = await redeem((await create()).code);
    const keys = await Promise.all([makeKey(), makeKey(), makeKey(), makeKey()]);
    const ends = await Promise.allSettled(keys.map((key) => complete(pairing_token, key)));
    expect(ends.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('of two codes that one key completes at once, one device is left', async () => {
    const key = await makeKey();
    const tokens = await Promise.all(
      [create(), create()].map(async (made) => (await redeem((await made).code)).pairing_token),
    );
    const joined = await Promise.all(tokens.map((token) => complete(token, key)));
    const states = await Promise.all(
      joined.map(({ device_id }) => identity.services.devices.get(ada.call, { id: device_id })),
    );
    expect(states.filter(({ revoked_at }) => revoked_at === null)).toHaveLength(1);
  });

  it('of somebody who lost the membership meanwhile is good for nothing', async () => {
    const org = await makeOrg(identity, { members: { Eve: 'member' } });
    const made = await create(org.members.Eve);
    const { pairing_token } = await redeem(made.code);
    await identity.services.members.remove(org.owner.call, { org: 'current', user: org.members.Eve.id });
    await expect(redeem(made.code)).rejects.toMatchObject({ code: 'pairing_invalid' });
    await expect(complete(pairing_token, await makeKey())).rejects.toMatchObject({ code: 'pairing_invalid' });
  });

  it('gives no more than the credential of its person reaches', async () => {
    const narrow = callOf({ ...ada.caller, scopes: ['account:write', 'access:notes', 'device:self'] });
    const made = await identity.services.pairings.create(narrow, { expires_in: 300 });
    expect(made.scopes).toEqual(['device:self']);
    await expect(
      identity.services.pairings.create(narrow, { expires_in: 300, scopes: ['access:*'] }),
    ).rejects.toMatchObject({ code: 'escalation_denied' });
    const one = await identity.services.pairings.create(narrow, { expires_in: 300, scopes: ['access:notes'] });
    expect(one.scopes).toEqual(['access:notes']);
    for (const scope of ['org:admin', 'account:write', 'agent:profile', 'admin:read', 'access:', 'nothing:here'])
      await expect(
        identity.services.pairings.create(ada.call, { expires_in: 300, scopes: [scope] }),
      ).rejects.toMatchObject({ code: 'validation_failed' });
  });
});

describe('the key of a device', () => {
  it('may be P-256 or Ed25519, and is known by its thumbprint', async () => {
    for (const alg of ['ES256', 'EdDSA'] as const) {
      const key = await makeKey(alg);
      const joined = await complete((await redeem((await create()).code)).pairing_token, key);
      expect(joined).toMatchObject({ token_type: 'DPoP', expires_in: 3600 });
    }
  });

  it('is refused with its private part, of another kind, or off its curve', async () => {
    const key = await makeKey();
    const { pairing_token } = await redeem((await create()).code);
    for (const jwk of [
      { ...key.jwk, d: key.jwk['x']! },
      { kty: 'RSA', n: 'AQAB', e: 'AQAB' },
      { ...key.jwk, crv: 'P-384' },
      { ...key.jwk, y: key.jwk['x']! },
      {},
    ])
      await expect(complete(pairing_token, key, jwk)).rejects.toMatchObject({ code: 'validation_failed' });
  });

  it('must be the one that signed the proof', async () => {
    const { pairing_token } = await redeem((await create()).code);
    const other = await makeKey();
    await expect(complete(pairing_token, await makeKey(), other.jwk)).rejects.toMatchObject({
      code: 'pairing_invalid',
    });
  });
});

describe('tokens', () => {
  it('a refresh gives what the device may do by then', async () => {
    const device = await join();
    await identity.services.devices.update(ada.call, { id: device.device_id, scopes: ['device:self'] });
    const renewed = (await refresh(device.refresh_token, device.key))!;
    expect(renewed.scope).toBe('device:self');
    expect(renewed.refresh_token).not.toBe(device.refresh_token);
  });

  it('a refresh token is good for thirty days from its own birth', async () => {
    const device = await join();
    const day = 24 * 60 * 60_000;
    test.clock.advance(29 * day);
    const renewed = (await refresh(device.refresh_token, device.key))!;
    test.clock.advance(29 * day);
    const last = (await refresh(renewed.refresh_token, device.key))!;
    test.clock.advance(30 * day);
    await expect(refresh(last.refresh_token, device.key)).rejects.toMatchObject({ code: 'invalid_grant' });
  });

  it('of two refreshes at once one goes through, and the token is taken for stolen', async () => {
    const device = await join();
    const ends = await Promise.allSettled([
      refresh(device.refresh_token, device.key),
      refresh(device.refresh_token, device.key),
    ]);
    expect(ends.filter(({ status }) => status === 'fulfilled').length).toBeLessThanOrEqual(1);
    expect(await identity.services.devices.get(ada.call, { id: device.device_id })).toMatchObject({
      needs_pairing: true,
    });
    const good = ends.find((end) => end.status === 'fulfilled');
    if (good !== undefined)
      await expect(refresh(good.value!.refresh_token, device.key)).rejects.toMatchObject({ code: 'invalid_grant' });
  });

  it('what is no refresh of a device is left to others', async () => {
    for (const form of ['grant_type=refresh_token&refresh_token=abc', 'grant_type=client_credentials', ''])
      expect(await oauth.parts.devices.refresh({ form, headers: {}, call: publicCall() })).toBeNull();
  });

  it('a device that was shut out while it was away finds its refresh token dead', async () => {
    const device = await join();
    await identity.services.devices.revoke(owner.call, { id: device.device_id });
    await expect(refresh(device.refresh_token, device.key)).rejects.toMatchObject({ code: 'invalid_grant' });
    await expect(identity.services.devices.revoke(owner.call, { id: device.device_id })).rejects.toMatchObject({
      code: 'not_found',
    });
  });
});

describe('on another replica', () => {
  it('G35: a device that was revoked here is refused there, although it was let in a moment ago', async () => {
    const other = makeOauth(test);
    await other.start();
    const there = other.parts.identity as Identity;
    const device = await join();
    const come = async () =>
      there.resolve(device.access_token, {
        via: 'bearer',
        resource: `${origin}/api/v1`,
        proof: {
          ...{ scheme: 'dpop', method: 'POST', url: `${origin}/api/v1/device`, certificate: null },
          dpop: await device.key.prove(`${origin}/api/v1/device`, device.access_token),
        },
      });
    expect(await come()).toMatchObject({ kind: 'device', id: device.device_id, owner_id: ada.id });
    await identity.services.devices.revoke(ada.call, { id: device.device_id });
    await until(async () => (await come()) === null, 'the other replica refuses it', 1000);
    await other.stop();
  });
});

describe('an enrolment token of the settings', () => {
  it('joins as many devices as it says, as those of its owner, until its time is over', async () => {
    await test.pool.query('update identity_emails set verified_at = now() where user_id = $1', [ada.id]);
    const token = `workshop-${randomUUID()}`;
    const world = makeOauth(
      test,
      {},
      {
        devices: {
          ...testIdentityOptions.devices,
          enrolment_tokens: [
            {
              ...{ name: 'workshop', sha256: hashToken(token), owner: ada.email, scopes: ['device:self'], maxUses: 2 },
              expiresAt: new Date(test.clock.now().getTime() + 60_000),
            },
          ],
        },
      },
    );
    await world.start();
    const { pairings } = (world.parts.identity as Identity).services;
    const enrol = async (given: string) => {
      const key = await makeKey();
      return pairings.complete(publicCall({ presented: given }), {
        device: { name: 'Press', platform: 'linux', public_key: key.jwk },
        proof: await key.prove(`${origin}/auth/pair/complete`, given),
      });
    };
    const ends = await Promise.allSettled([enrol(token), enrol(token), enrol(token)]);
    const joined = ends.flatMap((end) => (end.status === 'fulfilled' ? [end.value] : []));
    expect(joined).toHaveLength(2);
    expect(await identity.services.devices.get(ada.call, { id: joined[0]!.device_id })).toMatchObject({
      ...{ name: 'Press', scopes: ['device:self'], owner: { id: ada.id } },
    });
    await expect(enrol(`${token}?`)).rejects.toMatchObject({ code: 'pairing_invalid' });
    await test.pool.query('update identity_enrolment_tokens set uses = 0');
    test.clock.advance(60_000);
    await expect(enrol(token)).rejects.toMatchObject({ code: 'pairing_invalid' });
    await world.stop();
  });
});

describe('whether a device is there', () => {
  it('is told once however many connections and replicas there are, and taken back when none was seen for a while', async () => {
    const { device_id } = await join();
    const caller = (await identity.callerOf({ org_id: ada.caller.org_id, kind: 'device', id: device_id }))!;
    const replica = () =>
      new DevicePresence({
        ...{ database: test.database, clock: test.clock, offline_after_ms: 300_000 },
        onError: (error) => void test.background.push(error),
      });
    const [one, other] = [replica(), replica()];
    one.opened(caller);
    one.opened(caller);
    await one.stop();
    other.opened(caller);
    await other.stop();
    expect(await kinds('identity.device.o', device_id)).toEqual(['identity.device.online']);
    test.clock.advance(299_000);
    await one.sweep();
    expect(await kinds('identity.device.o', device_id)).toHaveLength(1);
    test.clock.advance(2000);
    await one.sweep();
    await other.sweep();
    expect(await kinds('identity.device.o', device_id)).toEqual(['identity.device.online', 'identity.device.offline']);
  });

  it('a revoked device comes online no more', async () => {
    const { device_id } = await join();
    const caller = (await identity.callerOf({ org_id: ada.caller.org_id, kind: 'device', id: device_id }))!;
    await identity.services.devices.revoke(ada.call, { id: device_id });
    identity.presence.opened(caller);
    await identity.flush();
    expect(await kinds('identity.device.o', device_id)).toEqual([]);
    expect(await identity.callerOf({ org_id: ada.caller.org_id, kind: 'device', id: device_id })).toBeNull();
  });
});
