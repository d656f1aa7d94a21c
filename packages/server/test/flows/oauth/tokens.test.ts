import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import {
  createLocalJWKSet,
  exportJWK,
  exportSPKI,
  generateKeyPair,
  importJWK,
  type JWK,
  jwtVerify,
  SignJWT,
} from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stepOf, totpCode } from '../../../src/modules/identity/totp.ts';
import { listToolsRequest } from '../../support/mcp-list-tools.ts';
import { basic, type OauthWorld, openOauthWorld, pkce, redirect } from '../../support/oauth-world.ts';
import { type OtlpReceiver, startOtlpReceiver } from '../../support/otlp-receiver.ts';
import { type Agent, ok, password } from '../../support/people.ts';
import { createRestClient, type Json } from '../../support/rest-client.ts';
import { withKeyRing } from '../../support/server-key-ring.ts';

const masterKey = randomBytes(32);
let world: OauthWorld;
let client: string;
let api: string;
let receiver: OtlpReceiver;
/** As the server holds them, private parts included. */
let signing: JWK[];
beforeAll(async () => {
  receiver = await startOtlpReceiver();
  world = await openOauthWorld({
    env: {
      ATRIUM_MASTER_KEY: masterKey.toString('base64'),
      // At its most talkative, for the last test.
      ATRIUM_LOG: 'trace',
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
    },
  });
  signing = await withKeyRing(world.server.dataDir, masterKey, async (ring) => {
    await ring.load();
    return ring.current.signing;
  });
  client = await world.register();
  api = `${world.issuer}/api/v1`;
}, 120_000);
afterAll(async () => {
  await world.close();
  await receiver.close();
});

const me = (token: string, headers: Record<string, string> = {}) =>
  createRestClient(world.issuer, token).get('/api/v1/me', { headers });
const refresh = (refresh_token: string, client_id = client) =>
  world.token({ grant_type: 'refresh_token', refresh_token, client_id });
const payloadOf = (token: string) => JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString());
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('refresh', () => {
  it('20: replaying a rotated refresh token ends the family, with an event', async () => {
    const tokens = await world.tokensFor(client, { resource: api });
    const second = await refresh(tokens.refresh_token);
    expect(second.status).toBe(200);
    expect((await me(second.body.access_token)).status).toBe(200);
    expect(await refresh(tokens.refresh_token)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    expect((await me(tokens.access_token)).status).toBe(401);
    expect((await me(second.body.access_token)).status).toBe(401);
    expect((await refresh(second.body.refresh_token)).status).toBe(400);
    const events = await world.database.query(
      "select body from core_events where org_id = $1 and kind = 'oauth.family.replayed'",
      [world.org.id],
    );
    expect(events.rows.map((row) => row.body.client_id)).toContain(client);
  });

  it('21: one refresh token in fifty requests at once: one wins, the family ends, nothing fails', async () => {
    const tokens = await world.tokensFor(client, { resource: api });
    const answers = await Promise.all(Array.from({ length: 50 }, () => refresh(tokens.refresh_token)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ body }) => body.error === 'invalid_grant')).toHaveLength(49);
    const won = answers.find(({ status }) => status === 200)!;
    expect((await me(won.body.access_token)).status).toBe(401);
  }, 60_000);

  it('34: what the database holds of it opens nothing', async () => {
    const tokens = await world.tokensFor(client);
    const { rows } = await world.database.query(
      'select id_hash from oauth_refresh_tokens where client_id = $1 order by created_at desc limit 1',
      [client],
    );
    for (const stored of [rows[0].id_hash, `hash:${rows[0].id_hash}`]) {
      expect(await refresh(stored)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
      const device = { grant_type: 'urn:ietf:params:oauth:grant-type:device_code', device_code: stored };
      expect((await world.token({ ...device, client_id: client })).status).toBe(400);
    }
    expect((await refresh(tokens.refresh_token)).status).toBe(200);
  });

  it('another client cannot use it', async () => {
    const other = await world.register();
    const tokens = await world.tokensFor(client);
    expect((await refresh(tokens.refresh_token, other)).body.error).toBe('invalid_grant');
    expect((await refresh(tokens.refresh_token)).status).toBe(200);
  });

  it('92: leaving the organisation ends tokens for it', async () => {
    const member = await world.org.member('Linus');
    const tokens = await world.tokensFor(client, { resource: api }, member);
    expect((await me(tokens.access_token)).status).toBe(200);
    expect((await world.org.owner.delete(`/api/v1/orgs/current/members/${member.id}`)).status).toBeLessThan(300);
    expect((await me(tokens.access_token)).status).toBe(401);
  });
});

describe('revocation and introspection', () => {
  it('23: a JWT that is given back is refused at once, and its refresh token lives on', async () => {
    const tokens = await world.tokensFor(client, { resource: api });
    expect((await me(tokens.access_token)).status).toBe(200);
    const answer = await world.post('/oauth/revoke', { token: tokens.access_token, client_id: client });
    expect(answer.status).toBe(200);
    expect((await me(tokens.access_token)).status).toBe(401);
    expect((await refresh(tokens.refresh_token)).status).toBe(200);
  });

  it('a refresh token that is given back takes its family with it', async () => {
    const tokens = await world.tokensFor(client, { resource: api });
    expect((await world.post('/oauth/revoke', { token: tokens.refresh_token, client_id: client })).status).toBe(200);
    expect((await me(tokens.access_token)).status).toBe(401);
    expect((await refresh(tokens.refresh_token)).status).toBe(400);
  });

  it('25: an unknown or foreign token is answered like any other, and stays', async () => {
    const other = await world.register();
    const tokens = await world.tokensFor(client, { resource: api });
    const answers: unknown[] = [];
    for (const hint of [undefined, 'access_token', 'refresh_token', 'no_such_hint'])
      for (const token of ['unknown', 'x'.repeat(43), tokens.access_token, tokens.refresh_token]) {
        const more: Record<string, string> = hint === undefined ? {} : { token_type_hint: hint };
        const { status, body, headers } = await world.post('/oauth/revoke', { token, client_id: other, ...more });
        const kept = [...headers].filter(([name]) => !['date', 'x-request-id'].includes(name));
        answers.push({ status, body, headers: kept.sort() });
      }
    expect(answers[0]).toMatchObject({ status: 200, body: '' });
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    expect((await me(tokens.access_token)).status).toBe(200);
    expect((await refresh(tokens.refresh_token)).status).toBe(200);
  });

  it('27: another client learns nothing, the client of the audience all, a stranger is asked who it is', async () => {
    const audience = 'https://resource.example/api';
    const guardian = await world.operatorClient({ grant_types: ['client_credentials'], redirect_uris: [] });
    const stranger = await world.operatorClient({ grant_types: ['client_credentials'], redirect_uris: [] });
    const owner = await world.operatorClient({
      scopes: ['reports:read', 'openid'],
      redirect_uris: ['http://127.0.0.1:53682/callback'],
    });
    await world.database.query(
      `insert into oauth_resources (id, audience, name, scopes, client_id, created_at, updated_at)
       values ($1, $2, 'Reports', '{reports:read}', $3, now(), now())`,
      [randomUUID(), audience, guardian.client_id],
    );
    const issued = await world.token(
      { grant_type: 'client_credentials', resource: audience, scope: 'reports:read' },
      basic(owner.client_id, owner.secret!),
    );
    expect(issued).toMatchObject({ status: 200, body: { scope: 'reports:read' } });
    const token = issued.body.access_token as string;
    const ask = (by: { client_id: string; secret: string | null }, headers = {}) =>
      world.post('/oauth/introspect', { token }, { ...basic(by.client_id, by.secret!), ...headers });
    expect((await ask(stranger)).body).toEqual({ active: false });
    expect((await ask(guardian)).body).toMatchObject({
      active: true,
      client_id: owner.client_id,
      scope: 'reports:read',
      aud: audience,
    });
    const nobody = await world.post('/oauth/introspect', { token });
    expect(nobody).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
    expect(nobody.headers.get('www-authenticate')).toContain('Basic');
    await world.post('/oauth/revoke', { token }, basic(owner.client_id, owner.secret!));
    expect((await ask(guardian)).body).toEqual({ active: false });
  });

  it('28: on request the answer is a JWT, signed by a published key, for the one who asked', async () => {
    const audience = 'https://signed.example/api';
    const guardian = await world.operatorClient({ grant_types: ['client_credentials'], redirect_uris: [] });
    const owner = await world.operatorClient({ scopes: ['reports:read'] });
    await world.database.query(
      `insert into oauth_resources (id, audience, name, scopes, client_id, created_at, updated_at)
       values ($1, $2, 'Signed', '{reports:read}', $3, now(), now())`,
      [randomUUID(), audience, guardian.client_id],
    );
    const form = { grant_type: 'client_credentials', resource: audience, scope: 'reports:read' };
    const { access_token: token } = (await world.token(form, basic(owner.client_id, owner.secret!))).body;
    const keys = createLocalJWKSet(
      (await (await fetch(`${world.issuer}/oauth/jwks`)).json()) as Parameters<typeof createLocalJWKSet>[0],
    );
    const type = 'application/token-introspection+jwt';
    for (const asker of [guardian, owner]) {
      const headers = { ...basic(asker.client_id, asker.secret!), accept: type };
      const answer = await world.post('/oauth/introspect', { token }, headers);
      expect(answer.headers.get('content-type')).toContain(type);
      const { payload } = await jwtVerify(answer.body as string, keys, {
        issuer: world.issuer,
        audience: asker.client_id,
        typ: 'token-introspection+jwt',
      });
      expect(payload['aud']).toBe(asker.client_id);
      expect(payload['token_introspection']).toMatchObject({
        active: true,
        scope: 'reports:read',
        client_id: owner.client_id,
        aud: audience,
      });
      // Nobody may present the answer as a token.
      expect((await me(answer.body as string)).status).toBe(401);
    }
    const stranger = await world.operatorClient();
    const refused = await world.post(
      '/oauth/introspect',
      { token },
      { ...basic(stranger.client_id, stranger.secret!), accept: type },
    );
    const { payload } = await jwtVerify(refused.body as string, keys, { audience: stranger.client_id });
    expect(payload['token_introspection']).toEqual({ active: false });
  });

  it('30: a bare jti is worth nothing', async () => {
    const tokens = await world.tokensFor(client, { resource: api });
    const { jti } = payloadOf(tokens.access_token);
    expect((await me(jti)).status).toBe(401);
    const userinfo = await fetch(`${world.issuer}/oauth/userinfo`, { headers: { authorization: `Bearer ${jti}` } });
    expect(userinfo.status).toBe(401);
    const confidential = await world.operatorClient();
    const asked = await world.post(
      '/oauth/introspect',
      { token: jti },
      basic(confidential.client_id, confidential.secret!),
    );
    expect(asked.body).toEqual({ active: false });
  });

  it('opaque tokens of a resource are looked up, and end like the others', async () => {
    const audience = `${world.issuer}/v1`;
    await world.database.query(
      `insert into oauth_resources (id, audience, name, scopes, format, created_at, updated_at)
       values ($1, $2, 'REST', '{}', 'opaque', now(), now())`,
      [randomUUID(), audience],
    );
    const tokens = await world.tokensFor(client, { resource: audience });
    expect(tokens.access_token).toMatch(/^[\w-]{43}$/);
    const rows = await world.database.query('select payload::text from oauth_access_tokens where resource = $1', [
      audience,
    ]);
    expect(rows.rows[0].payload).not.toContain(tokens.access_token);
    expect((await world.post('/oauth/revoke', { token: tokens.access_token, client_id: client })).status).toBe(200);
    expect((await refresh(tokens.refresh_token)).status).toBe(200);
  });
});

describe('31: forged tokens', () => {
  interface Door {
    path: string;
    audience: string;
    metadata: string;
    init: RequestInit;
  }
  const doors = (): Door[] => [
    { path: '/api/v1/me', audience: api, metadata: '/api/v1', init: {} },
    { path: '/mcp', audience: `${world.issuer}/mcp`, metadata: '/mcp', init: listToolsRequest() },
    { path: '/oauth/userinfo', audience: world.issuer, metadata: '', init: {} },
  ];
  const knock = (door: Door, token: string) =>
    fetch(`${world.issuer}${door.path}`, {
      ...door.init,
      headers: { ...(door.init.headers as Record<string, string>), authorization: `Bearer ${token}` },
    });
  const refused = async (door: Door, token: string, why: string) => {
    const answer = await knock(door, token);
    const place = `${world.issuer}/.well-known/oauth-protected-resource${door.metadata}`;
    expect([why, door.path, answer.status, answer.headers.get('www-authenticate')]).toEqual([
      why,
      door.path,
      401,
      expect.stringContaining(`resource_metadata="${place}"`),
    ]);
  };

  /** What the server itself would sign for the door, with one thing changed. */
  const forge = async (door: Door, change: object = {}, header: object = {}): Promise<string> => {
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      iss: world.issuer,
      aud: door.audience,
      sub: world.person.id,
      org: world.org.id,
      actor_type: 'user',
      client_id: client,
      scope: 'openid inbox:read account:read',
      jti: randomUUID(),
      iat: now,
      exp: now + 600,
      ...change,
    };
    const kid = signing[0]!.kid!;
    return await new SignJWT(claims)
      .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid, ...header })
      .sign(await importJWK(signing[0]!, 'ES256'), { crit: { 'x-unknown': true } });
  };
  const unsigned = async (door: Door, header: object): Promise<string> => {
    const payload = (await forge(door)).split('.')[1]!;
    return `${encode({ alg: 'ES256', typ: 'at+jwt', kid: signing[0]!.kid, ...header })}.${payload}`;
  };

  it('of every kind are refused at every door, and what the server itself would sign is not', async () => {
    const tokens = await world.tokensFor(await world.register({ scope: 'openid inbox:read' }), {
      scope: 'openid inbox:read',
      resource: api,
    });
    expect(payloadOf(tokens.id_token)).toMatchObject({ iss: world.issuer, sub: world.person.id });
    const published = ((await (await fetch(`${world.issuer}/oauth/jwks`)).json()) as { keys: JWK[] }).keys[0]!;
    const own = await generateKeyPair('ES256');
    const past = Math.floor(Date.now() / 1000) - 60;
    for (const door of doors()) {
      // Userinfo takes the opaque tokens that were given for it alone, so nothing signed is good there.
      if (door.path !== '/oauth/userinfo') expect((await knock(door, await forge(door))).status).toBe(200);
      const none = `${await unsigned(door, { alg: 'none' })}.`;
      const symmetric = await unsigned(door, { alg: 'HS256' });
      const hmacs = [
        JSON.stringify(published),
        await exportSPKI((await importJWK(published, 'ES256')) as CryptoKey),
      ].map((secret) => `${symmetric}.${createHmac('sha256', secret).update(symmetric).digest('base64url')}`);
      const foreign = await new SignJWT(payloadOf(await forge(door)))
        .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: signing[0]!.kid! })
        .sign(own.privateKey);
      const [head, , signature] = (await forge(door)).split('.');
      const changed = `${head}.${encode({ ...payloadOf(await forge(door)), scope: 'org:admin' })}.${signature}`;
      const forgeries: [string, string][] = [
        ['alg none', none],
        ['alg none, with a signature', `${none}${signature}`],
        ...hmacs.map((token): [string, string] => ['HS256 by the public key', token]),
        ['typ of an ID token', await forge(door, {}, { typ: 'JWT' })],
        ['no typ', await forge(door, {}, { typ: undefined })],
        ['an ID token', tokens.id_token],
        ['aud of nobody', await forge(door, { aud: 'https://elsewhere.example' })],
        ['aud of another door', await forge(door, { aud: `${world.issuer}/v1` })],
        ['no aud', await forge(door, { aud: undefined })],
        ['aud of several', await forge(door, { aud: [door.audience, 'https://elsewhere.example'] })],
        ['iss of another', await forge(door, { iss: 'https://elsewhere.example' })],
        ['expired', await forge(door, { iat: past - 600, exp: past })],
        ['no exp', await forge(door, { exp: undefined })],
        ['unknown crit', await forge(door, {}, { crit: ['x-unknown'], 'x-unknown': true })],
        ['unknown kid', await forge(door, {}, { kid: 'unknown' })],
        ['no kid', await forge(door, {}, { kid: undefined })],
        ['a key of their own', foreign],
        ['words changed', changed],
      ];
      for (const [why, token] of forgeries) await refused(door, token, why);
    }
  });
});

describe('32: keys', () => {
  it('are made at first start, published while they are good, and encrypted in the table', async () => {
    const { keys } = (await (await fetch(`${world.issuer}/oauth/jwks`)).json()) as { keys: Json[] };
    expect(keys).toHaveLength(2);
    for (const key of keys) expect(key).toMatchObject({ kty: 'EC', crv: 'P-256', alg: 'ES256', use: 'sig' });
    for (const key of keys) expect(key).not.toHaveProperty('d');
    const rows = await world.database.query('select state, private_sealed from oauth_keys order by state');
    expect(rows.rows.map((row) => row.state)).toEqual(['active', 'next']);
    for (const row of rows.rows) expect(row.private_sealed).toMatch(/^v1\./);
    const token = (await world.tokensFor(client)).access_token;
    const { kid } = JSON.parse(Buffer.from(token.split('.')[0]!, 'base64url').toString());
    const active = await world.database.query("select kid from oauth_keys where state = 'active'");
    expect(kid).toBe(active.rows[0].kid);
  });
});

describe('clients', () => {
  let agent: Agent;
  beforeAll(async () => {
    agent = await world.org.agent('Scout', { scopes: ['inbox:read', 'inbox:write'] });
  });

  it('11: an agent has a client of its own, good for its own tokens', async () => {
    const form = { grant_type: 'client_credentials', resource: api };
    const issued = await world.token(form, basic(agent.client_id, agent.client_secret));
    expect(issued).toMatchObject({ status: 200, body: { token_type: 'Bearer', scope: 'inbox:read inbox:write' } });
    expect(payloadOf(issued.body.access_token)).toMatchObject({
      sub: agent.id,
      actor_type: 'agent',
      client_id: agent.client_id,
      org: world.org.id,
    });
    const answered = await me(issued.body.access_token);
    expect(answered.body.principal).toMatchObject({ type: 'agent', id: agent.id });
    const body = { ...form, client_id: agent.client_id, client_secret: agent.client_secret };
    expect((await world.token(body)).status).toBe(200);
    const less = await world.token({ ...form, scope: 'inbox:read' }, basic(agent.client_id, agent.client_secret));
    expect(less.body.scope).toBe('inbox:read');
    const more = await world.token(
      { ...form, scope: 'inbox:read org:admin' },
      basic(agent.client_id, agent.client_secret),
    );
    expect(more.body.scope ?? '').not.toContain('org:admin');
    expect((await world.org.owner.patch(`/api/v1/agents/${agent.id}`, { active: false })).status).toBe(200);
    expect((await world.token(form, basic(agent.client_id, agent.client_secret))).body.error).toBe('invalid_client');
    expect((await me(issued.body.access_token)).status).toBe(401);
  });

  it('11, 13: a client with nothing but an ES256 key signs in with it, once for each assertion', async () => {
    const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
    const jwk = { ...(await exportJWK(publicKey)), kid: 'k1' };
    const made = await world.operatorClient({
      auth_method: 'private_key_jwt',
      jwks: { keys: [jwk] },
      scopes: ['reports:read'],
      redirect_uris: [],
      grant_types: ['client_credentials'],
    });
    const assertion = await new SignJWT({ jti: randomUUID() })
      .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
      .setIssuer(made.client_id)
      .setSubject(made.client_id)
      .setAudience(world.issuer)
      .setIssuedAt()
      .setExpirationTime('1m')
      .sign(privateKey);
    const form = {
      grant_type: 'client_credentials',
      resource: 'https://resource.example/api',
      scope: 'reports:read',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: assertion,
    };
    expect((await world.token(form)).status).toBe(200);
    expect(await world.token(form)).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
  });

  it('12: the sixth wrong secret in a minute waits; the right one from elsewhere works', async () => {
    const made = await world.operatorClient({ scopes: ['reports:read'] });
    const form = { grant_type: 'client_credentials', resource: 'https://resource.example/api', scope: 'reports:read' };
    const from = (address: string, secret: string) =>
      world.token(form, { ...basic(made.client_id, secret), 'x-forwarded-for': address });
    for (let count = 0; count < 5; count += 1) expect((await from('10.1.1.1', 'wrong')).status).toBe(401);
    const sixth = await from('10.1.1.1', 'wrong');
    expect(sixth.status).toBe(429);
    expect(Number(sixth.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await from('10.1.1.2', made.secret!)).status).toBe(200);
  });

  it('15: a client that is switched off refreshes nothing, and switching it on revives nothing', async () => {
    const clients = '/api/v1/admin/oauth/clients';
    const back = 'https://books.example/done';
    const { client: made, client_secret } = ok(
      await world.operator.post(clients, {
        name: 'Books',
        redirect_uris: [back],
        scopes: ['inbox:read', 'account:read', 'offline_access'],
      }),
    );
    const by = basic(made.client_id, client_secret);
    const signIn = async () => {
      const { code, verifier } = await world.codeFor(made.client_id, { resource: api, redirect_uri: back });
      const form = { grant_type: 'authorization_code', code, code_verifier: verifier, redirect_uri: back };
      return (await world.token(form, by)).body;
    };
    const again = (refresh_token: string) => world.token({ grant_type: 'refresh_token', refresh_token }, by);
    const tokens = await signIn();
    const unspent = await world.codeFor(made.client_id, { resource: api, redirect_uri: back });
    expect((await me(tokens.access_token)).status).toBe(200);
    ok(await world.operator.post(`${clients}/${made.id}/disable`));
    expect(await again(tokens.refresh_token)).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
    expect((await me(tokens.access_token)).status).toBe(401);

    ok(await world.operator.post(`${clients}/${made.id}/enable`));
    expect(await again(tokens.refresh_token)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    expect((await me(tokens.access_token)).status).toBe(401);
    for (const token of [tokens.access_token, tokens.refresh_token])
      expect((await world.post('/oauth/introspect', { token }, by)).body).toEqual({ active: false });
    const late = { grant_type: 'authorization_code', code: unspent.code, code_verifier: unspent.verifier };
    expect((await world.token({ ...late, redirect_uri: back }, by)).body.error).toBe('invalid_grant');
    // It is the old that stays ended: a new authorization works.
    const renewed = await signIn();
    expect((await me(renewed.access_token)).status).toBe(200);
    expect((await again(renewed.refresh_token)).status).toBe(200);
  });
});

/** One text a table, of every table there is. */
const readTables = async (): Promise<Map<string, string>> => {
  const texts = new Map<string, string>();
  const { rows } = await world.database.query<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname in ('public', 'dbos')`,
  );
  for (const { name } of rows) {
    const found = await world.database.query(`select string_agg(t::text, E'\\n') as rows from ${name} t`);
    texts.set(name, found.rows[0].rows ?? '');
  }
  return texts;
};

/** After all others, because it ends the server: the last spans are sent then. */
describe('34, 88: of all secrets of this file and the rarer ones', () => {
  it('none is in the database, the log, the traces, the events or the audit trail', async () => {
    const secrets = new Map([...world.secrets()].map((value, index) => [`secret ${index}`, value]));
    expect(secrets.size).toBeGreaterThan(30);
    const use = (name: string, value: string): string => {
      expect(value.length).toBeGreaterThan(5);
      secrets.set(name, value);
      return value;
    };
    use('password', password);
    const agent = await world.org.agent('Keeper');
    const asAgent = basic(agent.client_id, agent.client_secret);
    const machine = { grant_type: 'client_credentials', resource: api, scope: 'inbox:read' };
    use('token of an agent', (await world.token(machine, asAgent)).body.access_token);
    use('secret of an agent', agent.client_secret);
    use('key of an agent', agent.token);
    for (const jwk of signing) use(`private key ${jwk.kid}`, jwk.d!);
    use('master key', masterKey.toString('base64'));

    const person = await world.org.member('Careful');
    use('session', person.token);
    const key = ok(await person.post('/api/v1/me/api-keys', { name: 'k', scopes: ['inbox:read'] }));
    use('key of a person', key.api_key);
    const { secret } = ok(await person.post('/api/v1/me/factors/totp'));
    use('TOTP secret', secret);
    const code = totpCode(secret, stepOf(new Date()) - 1);
    const { recovery_codes } = ok(await person.post('/api/v1/me/factors/totp/confirm', { code }));
    for (const one of recovery_codes as string[]) use(`recovery code ${one}`, one);
    const challenged = await world.anonymous.post('/auth/login', { email: person.email, password });
    use('challenge of the second factor', challenged.body.challenge);
    const { challenge } = challenged.body;
    const answered = await world.anonymous.post('/auth/totp', { challenge, code: recovery_codes[0] });
    use('session of two factors', ok(answered).access_token);
    await world.anonymous.post('/auth/login', {
      email: person.email,
      password: use('wrong password', 'wr0ng-pass-7391'),
    });
    await me(use('bad bearer', 'atk_no-key-at-all-8812-no-key-at-all-8812-no-key'));

    const { token: initial } = ok(await world.operator.post('/api/v1/admin/oauth/registration-tokens', {}));
    use('registration token', initial);
    const device = await world.operatorClient({
      auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
    });
    const begun = await world.post('/oauth/device_authorization', { client_id: device.client_id, scope: 'inbox:read' });
    use('device code', begun.body.device_code);
    use('user code', begun.body.user_code);
    use('user code as typed', begun.body.user_code.replace('-', ''));
    const browser = world.browser();
    await browser.get(`/device?user_code=${begun.body.user_code}`);
    const confidential = await world.operatorClient();
    const { client_id } = confidential;
    const asked = { client_id, response_type: 'code', redirect_uri: redirect, code_challenge: pkce().challenge };
    const pushed = await world.post(
      '/oauth/par',
      { ...asked, code_challenge_method: 'S256', resource: api, scope: 'inbox:read', state: 's' },
      basic(confidential.client_id, confidential.secret!),
    );
    expect(pushed).toMatchObject({ status: 201 });
    use('pushed request', pushed.body.request_uri.split(':').at(-1));
    const byForm = {
      client_id: confidential.client_id,
      client_secret: use('wrong client secret', 'acs_wrong-4471-wrong'),
    };
    await world.token({ grant_type: 'client_credentials', resource: api, ...byForm });
    await fetch(`${world.issuer}/oauth/userinfo?access_token=${use('token in a query', 'in-query-token-5521')}`);
    await fetch(`${world.issuer}/oauth/token?client_secret=${use('secret in a query', 'in-query-secret-5522')}`, {
      method: 'POST',
    });
    await fetch(`${world.issuer}/oauth/authorize?code=${use('code in a query', 'in-query-code-5523')}`);
    for (const value of browser.cookieValues) use(`cookie ${value}`, value);

    const places = await readTables();
    const trail = await world.org.owner.get('/api/v1/audit/export?format=ndjson');
    expect(trail.status).toBe(200);
    places.set('the export of the audit trail', String(trail.body));
    places.set('the newest events', JSON.stringify((await world.operator.get('/api/v1/admin/events/recent')).body));
    expect(await world.server.stop()).toBe(0);
    places.set('the log', world.server.output());
    places.set('the traces', receiver.received());
    // What is no secret is found this way, so the search can find.
    for (const [place, text] of [
      ['public.core_events', client],
      ['public.core_audit', client],
      ['the log', '/oauth/token'],
      ['the traces', 'POST /oauth/token'],
      ['public.oauth_clients', confidential.client_id],
    ] as const)
      expect([place, places.get(place)?.includes(text)]).toEqual([place, true]);
    const forms = (value: string): string[] => [
      value,
      Buffer.from(value).toString('base64'),
      Buffer.from(value).toString('hex'),
      encodeURIComponent(value),
    ];
    const readable = [...secrets].flatMap(([name, value]) =>
      [...places]
        .filter(([, text]) => forms(value).some((form) => text.includes(form)))
        .map(([place]) => [name, place]),
    );
    expect(readable).toEqual([]);
    for (const [, text] of places) expect(text).not.toMatch(/BEGIN [A-Z ]*PRIVATE KEY/);
    expect(world.server.output()).not.toMatch(/oidc-provider (NOTICE|WARNING)/);
  }, 90_000);
});
