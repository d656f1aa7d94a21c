import { makeDeviceKey, PairingMismatch, pairDevice, proveKey } from '@atrium/sdk';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Companion, companionOf, completeBy, fetchFrom, joinAs } from '../../support/companion.ts';
import { freePort } from '../../support/free-port.ts';
import { metricOf, scrape } from '../../support/held-requests.ts';
import { openSocket } from '../../support/live-socket.ts';
import { type Org, ok, openWorld, type Person, type World } from '../../support/people.ts';
import { type Json, someAddress } from '../../support/rest-client.ts';
import { until } from '../../support/until.ts';

let world: World;
let org: Org;
let ada: Person;
let origin: string;

beforeAll(async () => {
  const port = await freePort();
  origin = `http://127.0.0.1:${port}`;
  world = await openWorld({
    port,
    env: {
      ATRIUM_PUBLIC_URL: origin,
      ATRIUM_DEVICES_OFFLINE_AFTER: '2s',
      ATRIUM_DEVICES_OFFLINE_CHECK: '300ms',
    },
  });
  org = await world.makeOrg('House');
  ada = await org.member('Ada');
}, 120_000);
afterAll(() => world?.close());

const pairing = async (who: Person = ada, input: Record<string, unknown> = {}): Promise<Json> =>
  ok(await who.post('/api/v1/devices/pairings', input));
const join = async (name: string, who: Person = ada): Promise<Companion> => joinAs((await pairing(who)).url, { name });
const redeem = async (code: string, address = someAddress(), headers: Record<string, string> = {}) =>
  world.anonymous.post(
    '/auth/pair',
    { code },
    { headers: { 'x-pairing-request': 'true', 'x-forwarded-for': address, ...headers } },
  );
const refresh = async (companion: Companion, token: string, proof?: string) => {
  const url = `${origin}/oauth/token`;
  const dpop = proof ?? (await proveKey(companion.paired.key, { method: 'POST', url }));
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...(dpop === '' ? {} : { dpop }) },
    body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: token }),
  });
  return { status: answer.status, body: (await answer.json()) as Json };
};

describe('a device joins', () => {
  it('by the picture, then reads, listens and shows itself with what a companion may do', async () => {
    const live = await openSocket(origin, ada.token);
    const made = await pairing();
    expect(made.code).toMatch(/^[2-9A-HJKMNP-Z]{10}$/);
    expect(made.qr).toMatchObject({ u: origin, c: made.code });
    const phone = await joinAs(made.url, { name: 'Phone of Ada', model: 'Pixel 9', platform: 'android' });
    const told = await live.event(({ kind }) => kind === 'identity.device.paired', 'the creator hears of it');
    expect(told).toMatchObject({ id: phone.paired.device_id, actor: { type: 'user', id: ada.id } });
    const shown = ok(await ada.get(`/api/v1/devices/pairings/${made.id}`));
    expect(shown).toMatchObject({ state: 'completed', device: { name: 'Phone of Ada', model: 'Pixel 9' } });
    expect(await phone.get('/api/v1/device')).toMatchObject({
      status: 200,
      body: {
        id: phone.paired.device_id,
        owner: { id: ada.id },
        scopes: ['gateway:read', 'events:read', 'device:self', 'access:*'],
      },
    });
    const claims = JSON.parse(Buffer.from(phone.paired.tokens.access_token.split('.')[1]!, 'base64url').toString());
    const header = JSON.parse(Buffer.from(phone.paired.tokens.access_token.split('.')[0]!, 'base64url').toString());
    expect(header).toMatchObject({ alg: 'ES256', typ: 'at+jwt', kid: expect.any(String) });
    expect(claims).toMatchObject({
      sub: phone.paired.device_id,
      jti: expect.any(String),
      cnf: { jkt: expect.any(String) },
    });
    expect(claims.exp - claims.iat).toBe(3600);
    // What a companion has no scope for, and what is for people alone.
    expect((await phone.get('/api/v1/me/sessions')).status).toBe(403);
    expect((await phone.get('/api/v1/inbox/items')).body).toMatchObject({ code: 'insufficient_scope' });
    live.close();
  });

  it('without its key a token opens nothing, and over /ws neither', async () => {
    const phone = await join('Bound');
    const { access_token } = phone.paired.tokens;
    const bare = await fetch(`${origin}/api/v1/device`, { headers: { authorization: `Bearer ${access_token}` } });
    expect(bare.status).toBe(401);
    const thief = await makeDeviceKey();
    const dpop = await proveKey(thief, { method: 'GET', url: `${origin}/api/v1/device`, token: access_token });
    const stolen = await fetch(`${origin}/api/v1/device`, {
      headers: { authorization: `DPoP ${access_token}`, dpop },
    });
    expect(stolen.status).toBe(401);
    const socket = await openSocket(origin, access_token, { auth: false });
    socket.send({ type: 'auth', token: access_token });
    expect(await socket.closing()).toBe(4401);
  });

  it('its connection tells of it as online, and some time after its end as offline', async () => {
    const live = await openSocket(origin, ada.token);
    const phone = await join('Seen');
    const id = phone.paired.device_id;
    const socket = await phone.socket();
    await live.event((event) => event.kind === 'identity.device.online' && event.id === id, 'online');
    expect(ok(await ada.get(`/api/v1/devices/${id}`))).toMatchObject({ online: true });
    socket.close();
    await live.event((event) => event.kind === 'identity.device.offline' && event.id === id, 'offline', 15_000);
    expect(ok(await ada.get(`/api/v1/devices/${id}`))).toMatchObject({ online: false });
    live.close();
  });

  it('nobody else sees it but who manages devices, and it cannot be given more', async () => {
    const phone = await join('Private');
    const bob = await org.member('Bob');
    const path = `/api/v1/devices/${phone.paired.device_id}`;
    expect((await bob.get(path)).status).toBe(404);
    expect((await bob.delete(path)).status).toBe(404);
    expect((await bob.get('/api/v1/devices?everyone=true')).status).toBe(403);
    const all = ok(await org.owner.get('/api/v1/devices?everyone=true&q=Private')).items;
    expect(all).toMatchObject([{ id: phone.paired.device_id, owner: { id: ada.id } }]);
    expect((await ada.patch(path, { scopes: ['inbox:read'] })).body).toMatchObject({ code: 'escalation_denied' });
    expect((await ada.patch(path, { scopes: ['admin:write'] })).status).toBe(422);
    ok(await ada.patch(path, { name: 'Renamed', scopes: ['device:self', 'access:notes'] }));
    expect((await phone.get('/api/v1/device')).body).toMatchObject({ name: 'Renamed' });
    expect((await phone.get('/api/v1/device')).body.scopes).toEqual(['device:self', 'access:notes']);
    expect((await ada.post('/api/v1/devices/pairings', { scopes: ['org:admin'] })).status).toBe(422);
  });

  it('ends with the membership of its owner', async () => {
    const cat = await org.member('Cat');
    const phone = await join('Of Cat', cat);
    const socket = await phone.socket();
    ok(await org.owner.post(`/api/v1/orgs/current/members/${cat.id}/deactivate`));
    expect(await socket.closing()).toBe(4403);
    expect((await phone.get('/api/v1/device')).status).toBe(401);
    ok(await org.owner.post(`/api/v1/orgs/current/members/${cat.id}/reactivate`));
    expect((await phone.get('/api/v1/device')).status).toBe(200);
    ok(await org.owner.delete(`/api/v1/orgs/current/members/${cat.id}`));
    expect((await phone.get('/api/v1/device')).status).toBe(401);
    await expect(phone.session.refresh()).rejects.toMatchObject({ error: 'invalid_grant' });
  });
});

describe('G33: codes', () => {
  it('G33: the sixth wrong code of an address is refused there only, and another address pairs meanwhile', async () => {
    const stranger = someAddress();
    const made = await pairing();
    for (let n = 0; n < 5; n += 1) expect((await redeem('AAAAAAAAAA', stranger)).status).toBe(401);
    const sixth = await redeem(made.code, stranger);
    expect(sixth.status).toBe(429);
    expect(sixth.body).toMatchObject({ code: 'rate_limited', retry_after: expect.any(Number) });
    const phone = await joinAs(made.url, { name: 'Meanwhile' });
    expect((await phone.get('/api/v1/device')).status).toBe(200);
  });

  it('G33: addresses of one /64 are one', async () => {
    for (let n = 1; n <= 5; n += 1) expect((await redeem('AAAAAAAAAA', `2001:db8:1:2::${n}`)).status).toBe(401);
    expect((await redeem('AAAAAAAAAA', '2001:db8:1:2:ffff::1')).status).toBe(429);
    expect((await redeem('AAAAAAAAAA', '2001:db8:1:3::1')).status).toBe(401);
  });

  it('G33: used, expired, cancelled and unknown codes answer alike', async () => {
    const used = await pairing();
    await joinAs(used.url);
    const expired = await pairing();
    await world.database.query('update identity_pairings set expires_at = now() where id = $1', [expired.id]);
    const cancelled = await pairing();
    expect((await ada.delete(`/api/v1/devices/pairings/${cancelled.id}`)).status).toBe(204);
    const answers = [];
    for (const code of [used.code, expired.code, cancelled.code, 'ZZZZZZZZZZ', 'short']) {
      const { status, body, headers } = await redeem(code);
      const { request_id: _, ...rest } = body;
      answers.push(JSON.stringify([status, rest, [...headers.keys()].filter((name) => name !== 'date').sort()]));
    }
    expect(new Set(answers).size).toBe(1);
    expect(answers[0]).toContain('pairing_invalid');
  });

  it('a code is no answer to a request without its header, nor to a form', async () => {
    const made = await pairing();
    const bare = await world.anonymous.post('/auth/pair', { code: made.code });
    expect(bare).toMatchObject({ status: 400, body: { code: 'bad_request' } });
  });

  it('a code is read with dashes and small letters', async () => {
    const made = await pairing();
    const typed = `${made.code.slice(0, 5)}-${made.code.slice(5)}`.toLowerCase();
    const phone = await joinAs({ url: origin, code: typed }, { name: 'Typed' });
    expect((await phone.get('/api/v1/device')).body).toMatchObject({ name: 'Typed' });
  });

  it('G33: of two phones that redeem one code and complete together exactly one joins', async () => {
    const made = await pairing();
    const [one, other] = await Promise.all([redeem(made.code), redeem(made.code)]);
    expect([one.status, other.status]).toEqual([200, 200]);
    const answers = await Promise.all([
      completeBy(origin, one.body.pairing_token, { name: 'First' }),
      completeBy(origin, other.body.pairing_token, { name: 'Second' }),
    ]);
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 401]);
    expect(answers.find(({ status }) => status === 401)!.body).toMatchObject({ code: 'pairing_invalid' });
    const { rows } = await world.database.query(
      `select count(*)::int as n from identity_devices where user_id = $1 and name in ('First', 'Second')`,
      [ada.id],
    );
    expect(rows).toEqual([{ n: 1 }]);
  });

  it('five wrong completions kill a code, whoever made them', async () => {
    const made = await pairing();
    const token = (await redeem(made.code)).body.pairing_token;
    for (let n = 0; n < 5; n += 1)
      expect((await completeBy(origin, token, { proof: 'no.proof.atall' })).status).toBe(401);
    expect((await completeBy(origin, token)).body).toMatchObject({ code: 'pairing_invalid' });
    expect(ok(await ada.get(`/api/v1/devices/pairings/${made.id}`))).toMatchObject({ state: 'dead' });
  });

  it('a person has at most ten open codes, and nobody else sees how they are', async () => {
    const dan = await org.member('Dan');
    const made = await pairing(dan);
    for (let n = 1; n < 10; n += 1) await pairing(dan);
    expect((await dan.post('/api/v1/devices/pairings', {})).body).toMatchObject({ code: 'pairing_limit' });
    expect((await ada.get(`/api/v1/devices/pairings/${made.id}`)).status).toBe(404);
    expect((await org.owner.get(`/api/v1/devices/pairings/${made.id}`)).status).toBe(404);
  });
});

describe('G34: somebody in between', () => {
  const between =
    (change: (answer: Json) => Json): typeof fetch =>
    async (input, init) => {
      const answer = await fetchFrom(someAddress())(input, init);
      if (!String(input).endsWith('/auth/pair')) throw new Error('the device went on');
      return new Response(JSON.stringify(change(await answer.json())), {
        headers: { 'content-type': 'application/json' },
      });
    };
  const device = { name: 'Careful', platform: 'ios' } as const;

  it.each<[string, (answer: Json) => Json]>([
    ['the address', (answer) => ({ ...answer, base_url: 'https://evil.example' })],
    ['a pin', (answer) => ({ ...answer, spki_pins: [`sha256/${'A'.repeat(43)}=`] })],
    ['the server', (answer) => ({ ...answer, server_id: crypto.randomUUID() })],
    ['the token', (answer) => ({ ...answer, pairing_token: `atp_${'A'.repeat(43)}` })],
  ])('G34: changes %s, and the reference client goes no further', async (_what, change) => {
    const { url } = await pairing();
    await expect(pairDevice({ from: url, device, fetch: between(change) })).rejects.toBeInstanceOf(PairingMismatch);
  });
});

describe('G35: tokens of a device', () => {
  it('G35: a refresh without the device key is refused and ends nothing; the device itself goes on', async () => {
    const phone = await join('Copied');
    const { refresh_token } = phone.paired.tokens;
    expect(await refresh(phone, refresh_token, '')).toMatchObject({
      status: 400,
      body: { error: 'invalid_dpop_proof' },
    });
    const thief = await proveKey(await makeDeviceKey(), { method: 'POST', url: `${origin}/oauth/token` });
    expect(await refresh(phone, refresh_token, thief)).toMatchObject({ body: { error: 'invalid_dpop_proof' } });
    const proof = await proveKey(phone.paired.key, { method: 'POST', url: `${origin}/oauth/token` });
    const renewed = await refresh(phone, refresh_token, proof);
    expect(renewed).toMatchObject({ status: 200, body: { token_type: 'DPoP', expires_in: 3600 } });
    // A proof is good once.
    expect(await refresh(phone, renewed.body.refresh_token, proof)).toMatchObject({
      body: { error: 'invalid_dpop_proof' },
    });
  });

  it('metrics tell how long a pairing took and what became of refreshes', async () => {
    const before = await scrape(world.url);
    const phone = await join('Counted');
    const { refresh_token } = phone.paired.tokens;
    expect(await refresh(phone, refresh_token, '')).toMatchObject({ status: 400 });
    expect(await refresh(phone, refresh_token)).toMatchObject({ status: 200 });
    const after = await scrape(world.url);
    const grown = (name: string, labels: Record<string, string> = {}) =>
      (metricOf(after, name, labels) ?? Number.NaN) - (metricOf(before, name, labels) ?? 0);
    expect(grown('atrium_auth_refresh_total', { result: 'success' })).toBe(1);
    expect(grown('atrium_auth_refresh_total', { result: 'refused' })).toBe(1);
    expect(grown('atrium_auth_pairing_duration_seconds_count')).toBe(1);
    expect(grown('atrium_auth_pairing_duration_seconds_bucket', { le: '30' })).toBe(1);
  });

  it('G35: a rotated refresh token that comes again ends the family, and its person is told', async () => {
    const live = await openSocket(origin, ada.token);
    const phone = await join('Replayed');
    const socket = await phone.socket();
    const first = phone.paired.tokens.refresh_token;
    await phone.session.refresh();
    expect((await phone.get('/api/v1/device')).status).toBe(200);
    expect(await refresh(phone, first)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    expect((await phone.get('/api/v1/device')).status).toBe(401);
    await expect(phone.session.refresh()).rejects.toMatchObject({ error: 'invalid_grant' });
    expect(await socket.closing()).toBe(4403);
    await live.event(
      (e) => e.kind === 'identity.device.repair_required' && e.id === phone.paired.device_id,
      'the event',
    );
    const notice = await until(
      async () =>
        ok(await ada.get('/api/v1/inbox/items')).items.find((item: Json) =>
          item.title.startsWith('Replayed was signed'),
        ),
      'the notice in the inbox',
    );
    expect(notice).toMatchObject({ level: 'warning' });
    expect(ok(await ada.get(`/api/v1/devices/${phone.paired.device_id}`))).toMatchObject({ needs_pairing: true });
    // The same key comes back by a new code, and the row it had makes way.
    const again = await joinAs((await pairing()).url, { name: 'Replayed' }, { key: phone.paired.key });
    expect((await again.get('/api/v1/device')).body).toMatchObject({ needs_pairing: false });
    expect(ok(await ada.get(`/api/v1/devices/${phone.paired.device_id}`)).revoked_at).not.toBeNull();
    live.close();
  });

  it('a key that is paired again takes the place of its device, whose connections close', async () => {
    const phone = await join('Twice');
    const socket = await phone.socket();
    const again = await joinAs((await pairing()).url, { name: 'Twice' }, { key: phone.paired.key });
    expect(await socket.closing()).toBe(4403);
    expect((await phone.get('/api/v1/device')).status).toBe(401);
    expect((await again.get('/api/v1/device')).status).toBe(200);
  });

  it('G35: a revoked device is out on REST and /ws within a second, and still after a restart', async () => {
    const phone = await join('Lost');
    const id = phone.paired.device_id;
    const socket = await phone.socket();
    expect((await phone.get('/api/v1/device')).status).toBe(200);
    const began = performance.now();
    expect((await ada.delete(`/api/v1/devices/${id}`)).status).toBe(204);
    expect((await phone.get('/api/v1/device')).status).toBe(401);
    expect(await socket.closing()).toBe(4403);
    expect(performance.now() - began).toBeLessThan(1000);
    const offline = await join('Deleted while away');
    expect((await ada.delete(`/api/v1/devices/${offline.paired.device_id}`)).status).toBe(204);
    const stays = await join('Stays');

    const codes = await pairing();
    const secrets = [codes.code, (await redeem(codes.code)).body.pairing_token, phone.paired.tokens.refresh_token];
    for (const secret of secrets) expect(world.server.output()).not.toContain(secret);

    await world.server.stop();
    await world.restart();
    for (const gone of [phone, offline]) {
      expect((await gone.get('/api/v1/device')).status).toBe(401);
      await expect(companionOf(gone.paired).session.refresh()).rejects.toMatchObject({ error: 'invalid_grant' });
    }
    expect((await stays.get('/api/v1/device')).status).toBe(200);
    await stays.session.refresh();
    // A code that was open is good after the restart as well.
    expect((await completeBy(origin, secrets[1]!)).status).toBe(200);
  });

  it('a device leaves by itself', async () => {
    const phone = await join('Leaving');
    expect((await phone.session.fetch('/api/v1/device', { method: 'DELETE' })).status).toBe(204);
    expect((await phone.get('/api/v1/device')).status).toBe(401);
  });
});
