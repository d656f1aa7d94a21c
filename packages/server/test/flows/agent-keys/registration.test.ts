import { createPublicKey } from 'node:crypto';
import { fromBase64, signBytes, signingVectors, signText, toBase64 } from '@atrium/protocol';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeKey, newRegistrationKey, proveRegistration, type TestKey } from '../../support/agent-key.ts';
import { type KeyWorld, openKeyWorld } from '../../support/key-world.ts';
import { openSocket } from '../../support/live-socket.ts';
import { connectV1 } from '../../support/mcp-drivers.ts';
import { createMovedClock } from '../../support/moved-clock.ts';
import { ok } from '../../support/people.ts';
import { createRestClient, type Json } from '../../support/rest-client.ts';
import { until } from '../../support/until.ts';

const clock = createMovedClock();
let world: KeyWorld;
/** Time never goes back in a started server. */
let later = 0;
const advance = (ms: number): void => {
  later += ms;
  clock.move(later);
};
beforeAll(async () => {
  world = await openKeyWorld({ env: clock.env });
});
afterAll(() => world.close());

const refusal = ({ status, body }: { status: number; body: Json }) => [status, body.code];

describe('1: the known answers', () => {
  it('1: the bytes that the server gives are signed as the vectors are, and a signature over the text for reading is not valid', async () => {
    const vectors = signingVectors;
    const agent = await world.agent();
    for (const { message, signature } of vectors.cases.filter(({ name }) => name !== 'NUL')) {
      const asked = ok(await agent.post('/api/v1/crypto/signing-requests', { message }));
      expect(asked.message).toBe(message);
      // The vector is what the same bytes are under its nonce.
      const bytes = fromBase64(asked.signing_input)!;
      const tail = Buffer.from(bytes).indexOf(asked.nonce);
      const framed = Uint8Array.from(Buffer.concat([bytes.subarray(0, tail), Buffer.from(vectors.nonce)]));
      expect(await signBytes(vectors.private_key, framed)).toBe(signature);
      const unframed = await signText(agent.key.private_key, asked.signing_payload);
      const done = ok(await agent.post(`/api/v1/crypto/signing-requests/${asked.id}/sign`, { signature: unframed }));
      expect([done.status, done.valid]).toEqual(['completed', false]);
    }
    // PostgreSQL stores no NUL, and the server says so instead of signing something else.
    expect((await agent.post('/api/v1/crypto/signing-requests', { message: 'a\0b' })).status).toBe(422);
  });
});

describe('2: a registration with voucher and proof', () => {
  it('2: makes an agent that gets a token, is an edge of the graph and counts', async () => {
    const usage = async () => ok(await world.org.owner.get('/api/v1/orgs/current/usage')).agents;
    const before = await usage();
    const socket = await openSocket(world.url, world.org.owner.token);
    const key = await makeKey();
    const answer = await world.register(key);
    expect(answer.status).toBe(201);
    const { identity_id, client_id, client_secret } = answer.body;
    expect(answer.body).toMatchObject({ public_key: key.public_key, fingerprint: key.fingerprint });
    expect(await usage()).toBe(before + 1);
    const { items } = ok(await world.anonymous.get('/api/v1/vouchers/graph'));
    expect(items[0]).toMatchObject({ issuer_kind: 'user', redeemer_fingerprint: key.fingerprint, depth: 1 });
    const announced = await socket.event((one) => one.kind === 'identity.agent.registered' && one.id === identity_id);
    expect(announced.actor).toMatchObject({ type: 'agent', id: identity_id });
    expect(JSON.stringify(socket.messages)).not.toContain(client_secret);
    socket.close();

    const issued = await world.tokenAnswer({ client_id, client_secret });
    expect(issued.status).toBe(200);
    const names = { identity_id, public_key: key.public_key, fingerprint: key.fingerprint };
    const prefixed = Object.fromEntries(Object.entries(names).map(([name, value]) => [`moltnet:${name}`, value]));
    expect(decodeJwt(issued.body.access_token)).toMatchObject({ sub: identity_id, ...names, ...prefixed });
    const me = createRestClient(world.url, issued.body.access_token);
    expect(ok(await me.get('/api/v1/whoami'))).toMatchObject({ ...names, client_id, kind: 'agent' });
    expect(ok(await me.get('/api/v1/crypto/identity'))).toEqual(names);
    // It is a service client and nothing else.
    const exchange = await fetch(`${world.url.replace('127.0.0.1', 'localhost')}/oauth/token`, {
      method: 'POST',
      body: new URLSearchParams({
        ...{ grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange', client_id, client_secret },
        ...{ subject_token: issued.body.access_token },
        subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      }),
    });
    expect(((await exchange.json()) as Json).error_description).toContain('grant type is not allowed');
  });

  it('2: the quick way to a token and the engine say the same of the key', async () => {
    const agent = await world.agent();
    const issuer = world.url.replace('127.0.0.1', 'localhost');
    const ask = async (more: Record<string, string>): Promise<Json> => {
      const response = await fetch(`${issuer}/oauth/token`, {
        method: 'POST',
        body: new URLSearchParams({
          ...{ grant_type: 'client_credentials', client_id: agent.client_id, client_secret: agent.client_secret },
          ...{ resource: `${issuer}/api/v1`, scope: 'crypto:sign', ...more },
        }),
      });
      const { jti: _jti, iat: _iat, exp: _exp, ...claims } = decodeJwt(((await response.json()) as Json).access_token);
      return claims;
    };
    const quick = await ask({});
    expect(quick.fingerprint).toBe(agent.key.fingerprint);
    expect(await ask({ not_plain: '1' })).toEqual(quick);
    const answer = await fetch(`${issuer}/oauth/introspect`, {
      method: 'POST',
      body: new URLSearchParams({
        ...{ token: agent.token, client_id: agent.client_id, client_secret: agent.client_secret },
      }),
    });
    expect(await answer.json()).toMatchObject({ active: true, public_key: agent.key.public_key });
  });
});

describe('4: a proof', () => {
  it.each<[string, (key: TestKey, once: string) => Promise<string | null>, string]>([
    ['that is missing', async () => null, 'proof_required'],
    ['by another key', async (_key, once) => proveRegistration(await makeKey(), once), 'invalid_signature'],
    ['for another idempotency key', (key) => proveRegistration(key, newRegistrationKey()), 'invalid_signature'],
    [
      'by another key that names this one',
      async (key, once) => (await makeKey()).sign(`atrium:register:v1\n${once}\n${key.public_key}\nclient_secret`),
      'invalid_signature',
    ],
  ])('4: %s gives 400, and the voucher is still good', async (_what, prove, code) => {
    const [key, idempotencyKey, voucher_code] = [await makeKey(), newRegistrationKey(), await world.voucher()];
    const proof = await prove(key, idempotencyKey);
    expect(refusal(await world.register(key, { idempotencyKey, voucher_code, proof }))).toEqual([400, code]);
    expect((await world.register(key, { idempotencyKey, voucher_code })).status).toBe(201);
  });

  it('4: needs an Idempotency-Key', async () => {
    const key = await makeKey();
    const body = { public_key: key.public_key, voucher_code: 'a'.repeat(64), proof: await key.sign('x') };
    expect(refusal(await world.anonymous.post('/api/v1/agents/register', body))).toEqual([400, 'bad_request']);
  });
});

describe('7: a key that is taken', () => {
  it('7: is refused for whoever holds it, its owner unchanged, and a fingerprint that is taken by name', async () => {
    const agent = await world.agent();
    const voucher_code = await world.voucher();
    expect(refusal(await world.register(agent.key, { voucher_code }))).toEqual([409, 'key_already_registered']);
    const owner = 'select agent_id from identity_agent_keys where public_key = $1';
    expect((await world.row(owner, [agent.key.public_key])).agent_id).toBe(agent.id);

    const key = await makeKey();
    await world.database.query('update identity_agent_keys set fingerprint = $1 where agent_id = $2', [
      key.fingerprint,
      agent.id,
    ]);
    const collided = await world.register(key, { voucher_code });
    expect(refusal(collided)).toEqual([409, 'fingerprint_collision']);
    expect(collided.body.fingerprint).toBe(key.fingerprint);
    await world.database.query('update identity_agent_keys set fingerprint = $1 where agent_id = $2', [
      agent.key.fingerprint,
      agent.id,
    ]);
    expect((await world.register(key, { voucher_code })).status).toBe(201);
  });
});

describe('8: vouchers', () => {
  it('8: six at once are five codes and one 429; one that is redeemed makes room', async () => {
    const issuer = await world.org.member('Issuer');
    const asked = await Promise.all(Array.from({ length: 6 }, () => issuer.post('/api/v1/vouchers')));
    expect(asked.map(({ status }) => status).sort()).toEqual([201, 201, 201, 201, 201, 429]);
    expect(asked.find(({ status }) => status === 429)!.body).toMatchObject({ code: 'voucher_limit', limit: 5 });
    const codes = asked.filter(({ status }) => status === 201).map(({ body }) => body.code);
    expect(codes.every((code) => /^[a-f0-9]{64}$/.test(code))).toBe(true);
    expect((await world.register(await makeKey(), { voucher_code: codes[0] })).status).toBe(201);
    expect((await issuer.post('/api/v1/vouchers')).status).toBe(201);
    expect((await issuer.post('/api/v1/vouchers')).status).toBe(429);
    const { items } = ok(await issuer.get('/api/v1/vouchers'));
    const revoked = items.find((one: Json) => one.code === codes[1]);
    expect((await issuer.delete(`/api/v1/vouchers/${revoked.id}`)).status).toBe(204);
    const refused = await world.register(await makeKey(), { voucher_code: codes[1] });
    expect(refusal(refused)).toEqual([403, 'registration_failed']);
    expect(refusal(await world.register(await makeKey(), { voucher_code: codes[0] }))).toEqual([
      403,
      'registration_failed',
    ]);
    expect(refusal(await world.register(await makeKey(), { voucher_code: 'f'.repeat(64) }))).toEqual([
      403,
      'registration_failed',
    ]);
  });

  it('8: an agent vouches over MCP by either name, and its newcomer stands below it', async () => {
    const agent = await world.agent();
    const client = await connectV1(world.url, ok(await world.tokenAnswer(agent, '/mcp')).access_token);
    expect(await client.tools()).toEqual(expect.arrayContaining(['agent_vouch', 'crypto_prepare_signature']));
    expect(await client.tools()).not.toContain('moltnet_vouch');
    const { code: voucher_code, issued_by } = (await client.call('moltnet_vouch')).structuredContent;
    expect(issued_by).toBe(agent.key.fingerprint);
    const listed = (await client.call('agent_vouchers')).structuredContent.items;
    expect(listed.map((one: Json) => one.code)).toEqual([voucher_code]);
    const key = await makeKey();
    ok(await world.register(key, { voucher_code }));
    const graph = (await client.call('agent_trust_graph', { root: agent.key.fingerprint })).structuredContent;
    expect(graph.items).toMatchObject([{ redeemer_fingerprint: key.fingerprint, depth: 1 }]);
    const found = (await client.call('agent_lookup', { fingerprint: key.fingerprint.toLowerCase() })).structuredContent;
    expect(found).toMatchObject({ public_key: key.public_key, profile: null });
    expect((await client.call('agent_register_help')).structuredContent.register.length).toBeGreaterThan(3);
    await client.close();
  });
});

describe('9: keys in another form', () => {
  it('9: are refused with a pointer to the field, and a fingerprint in lower case is found', async () => {
    const key = await makeKey();
    const encoded = key.public_key.slice('ed25519:'.length);
    const x = encoded.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
    const spki = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
    for (const [public_key, says] of [
      [`ed25519:${toBase64(fromBase64(encoded)!.subarray(1))}`, '31'],
      [`ed25519:${spki.export({ type: 'spki', format: 'der' }).toString('base64')}`, 'SPKI'],
      [`x25519:${encoded}`, 'ed25519:'],
      [key.public_key.replace(/=$/, ''), 'padding'],
    ]) {
      const refused = await world.register({ ...key, public_key: public_key! }, { voucher_code: 'a'.repeat(64) });
      expect([refused.status, refused.body.errors[0].path]).toEqual([422, 'public_key']);
      expect(refused.body.errors[0].message).toContain(says);
    }
    ok(await world.register(key));
    const found = await world.anonymous.get(`/api/v1/directory/${key.fingerprint.toLowerCase()}`);
    expect(ok(found)).toMatchObject({ public_key: key.public_key, fingerprint: key.fingerprint });
    expect((await world.anonymous.get('/api/v1/directory/0000-0000-0000-0000')).status).toBe(404);
    expect((await world.anonymous.get('/api/v1/directory/not-a-fingerprint')).status).toBe(422);
  });

  it('9: only agents that want to stand in the directory do', async () => {
    const [agent, reader] = [await world.agent(), await world.agent()];
    const listed = async (q: string) =>
      ok(await reader.get(`/api/v1/directory/agents?q=${q}`)).items.map((one: Json) => one.display_name);
    expect(await listed(agent.key.fingerprint)).toEqual([]);
    const profile = { display_name: 'Cartographer', description: 'Draws maps', listed: true };
    expect(ok(await agent.patch('/api/v1/agents/profile', profile))).toMatchObject(profile);
    expect(await listed('cartog')).toEqual(['Cartographer']);
    expect(await listed(agent.key.fingerprint.toLowerCase())).toEqual(['Cartographer']);
    expect(ok(await world.anonymous.get(`/api/v1/directory/${agent.key.fingerprint}`)).profile).toEqual({
      ...{ display_name: 'Cartographer', description: 'Draws maps' },
    });
    ok(await agent.patch('/api/v1/agents/profile', { listed: false }));
    expect(await listed('cartog')).toEqual([]);
    expect((await world.org.owner.patch('/api/v1/agents/profile', { listed: true })).status).toBe(403);
  });
});

describe('10: an agent that is switched off', () => {
  it('10: gets no token, its tokens, its recovery and its socket end, and it comes back with new ones', async () => {
    const agent = await world.agent();
    const socket = await openSocket(world.url, agent.token);
    expect((await agent.get('/api/v1/whoami')).status).toBe(200);
    ok(await world.org.owner.patch(`/api/v1/agents/${agent.id}`, { active: false }));
    expect((await agent.get('/api/v1/whoami')).status).toBe(401);
    expect((await world.tokenAnswer(agent)).body.error).toBe('invalid_client');
    const verified = await world.anonymous.post('/api/v1/recovery/verify', await world.challenged(agent.key));
    expect(refusal(verified)).toEqual([400, 'invalid_signature']);
    await until(() => socket.closed !== null, 'the socket is closed');
    // Its key is still known: what it signed stays its own.
    expect((await world.anonymous.get(`/api/v1/directory/${agent.key.fingerprint}`)).status).toBe(200);
    ok(await world.org.owner.patch(`/api/v1/agents/${agent.id}`, { active: true }));
    expect((await agent.get('/api/v1/whoami')).status).toBe(401);
    expect((await world.tokenAnswer(agent)).status).toBe(200);
  });

  it('10: that is deleted leaves nobody its key', async () => {
    const agent = await world.agent();
    expect((await world.org.owner.delete(`/api/v1/agents/${agent.id}`)).status).toBe(204);
    expect((await agent.get('/api/v1/whoami')).status).toBe(401);
    expect((await world.anonymous.get(`/api/v1/directory/${agent.key.fingerprint}`)).status).toBe(404);
    expect(refusal(await world.register(agent.key))).toEqual([409, 'key_already_registered']);
  });
});

describe('secrets and keys of an agent', () => {
  it('a replaced secret dies at once, and the new one works', async () => {
    const agent = await world.agent();
    const rotated = ok(await agent.post('/api/v1/agents/rotate-secret', {}));
    expect(rotated.client_id).toBe(agent.client_id);
    expect((await world.tokenAnswer(agent)).status).toBe(401);
    expect((await world.tokenAnswer(rotated)).status).toBe(200);
  });

  it('a token with fewer scopes does not turn into a secret', async () => {
    const agent = await world.agent();
    const issuer = world.url.replace('127.0.0.1', 'localhost');
    const response = await fetch(`${issuer}/oauth/token`, {
      method: 'POST',
      body: new URLSearchParams({
        ...{ grant_type: 'client_credentials', client_id: agent.client_id, client_secret: agent.client_secret },
        ...{ resource: `${issuer}/api/v1`, scope: 'agent:profile' },
      }),
    });
    const narrow = createRestClient(world.url, ((await response.json()) as Json).access_token);
    expect(refusal(await narrow.post('/api/v1/agents/rotate-secret', {}))).toEqual([403, 'escalation_denied']);
  });
});

// Last, for the clock of the server goes forward only.
describe('3: the same request sent twice', () => {
  it('3: gets the same answer for ten minutes; another body 409; afterwards 409, and recovery works', async () => {
    const [key, idempotencyKey, voucher_code] = [await makeKey(), newRegistrationKey(), await world.voucher()];
    const first = await world.register(key, { idempotencyKey, voucher_code });
    expect(first.status).toBe(201);
    const again = await world.register(key, { idempotencyKey, voucher_code });
    expect([again.status, again.body]).toEqual([201, first.body]);
    const other = await world.register(key, { idempotencyKey, voucher_code, name: 'Another body' });
    expect(refusal(other)).toEqual([409, 'idempotency_key_reused']);
    // Somebody else who guesses the key learns nothing: the proof is made for it.
    expect(refusal(await world.register(await makeKey(), { idempotencyKey, voucher_code }))).toEqual([
      409,
      'idempotency_key_reused',
    ]);
    advance(10 * 60_000 + 1000);
    expect(refusal(await world.register(key, { idempotencyKey, voucher_code }))).toEqual([
      409,
      'key_already_registered',
    ]);
    const { recovery_code } = ok(await world.anonymous.post('/api/v1/recovery/verify', await world.challenged(key)));
    const { client_id } = ok(
      await world.anonymous.post('/api/v1/recovery/reset-secret', { recovery_code, public_key: key.public_key }),
    );
    expect(client_id).toBe(first.body.client_id);
  });

  it('8: a code of a day ago is refused', async () => {
    const voucher_code = await world.voucher();
    advance(24 * 60 * 60_000);
    expect(refusal(await world.register(await makeKey(), { voucher_code }))).toEqual([403, 'registration_failed']);
  });
});
