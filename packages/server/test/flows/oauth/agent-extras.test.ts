import { randomUUID } from 'node:crypto';
import { inflateSync } from 'node:zlib';
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  decodeJwt,
  decodeProtectedHeader,
  exportJWK,
  generateKeyPair,
  type JWTPayload,
  jwtVerify,
  SignJWT,
} from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startHttp } from '../../support/oauth-gate.ts';
import { basic, type OauthWorld, openOauthWorld, redirect } from '../../support/oauth-world.ts';
import { createRestClient, type Json } from '../../support/rest-client.ts';

const exchangeGrant = 'urn:ietf:params:oauth:grant-type:token-exchange';
const bearerGrant = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const type = (name: string) => `urn:ietf:params:oauth:token-type:${name}`;
const trustDomain = 'services.acme.example';
const target = 'https://login.partner.example';

let world: OauthWorld;
let api: string;
let app: string;
let partner: { url: string; close: () => void };
let partnerSigns: (payload: JWTPayload, typ?: string, audience?: string) => Promise<string>;

beforeAll(async () => {
  world = await openOauthWorld({
    env: {
      ATRIUM_OAUTH_TRANSACTION_TOKENS: 'true',
      ATRIUM_OAUTH_TRUST_DOMAIN: trustDomain,
      ATRIUM_OAUTH_ID_JAG: 'true',
      ATRIUM_OAUTH_CHAINING_TARGETS: target,
      ATRIUM_OAUTH_STATUS_LISTS: 'true',
      ATRIUM_OAUTH_ALLOW_PRIVATE: '127.0.0.1/32',
    },
  });
  api = `${world.issuer}/api/v1`;
  app = await world.register();
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  const jwks = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'p1', alg: 'ES256', use: 'sig' }] });
  partner = await startHttp((_request, response) => response.setHeader('content-type', 'application/json').end(jwks));
  partnerSigns = (payload, typ = 'oauth-id-jag+jwt', audience = world.issuer) =>
    new SignJWT({ jti: randomUUID(), email: 'pat@partner.example', sub: 'p-1', ...payload })
      .setProtectedHeader({ alg: 'ES256', kid: 'p1', typ })
      .setIssuer(partner.url)
      .setAudience(audience)
      .setIssuedAt()
      .setExpirationTime('2m')
      .sign(privateKey);
  await world.database.query(
    `insert into oauth_trusted_issuers
       (id, issuer, name, jwks_uri, algs, subject_mapping, email_domains, jit, org_id, scopes, created_at, updated_at)
     values ($1, $2, 'Partner', $3, '{ES256}', 'email', '{partner.example}', true, $4, '{inbox:read,inbox:write}', now(), now())`,
    [randomUUID(), partner.url, `${partner.url}/jwks`, world.org.id],
  );
}, 120_000);
afterAll(async () => {
  partner.close();
  await world.close();
});

const me = async (token: string) => (await createRestClient(world.issuer, token).get('/api/v1/me')).status;

/** A service that proves itself by a key of its own. */
const makeService = async (more: Record<string, unknown> = {}, actors?: string[]) => {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  const { client_id } = await world.operatorClient({
    ...{ auth_method: 'private_key_jwt', grant_types: [exchangeGrant], redirect_uris: [] },
    ...{ jwks: { keys: [{ ...(await exportJWK(publicKey)), kid: 'k' }] }, ...more },
  });
  await world.database.query('update oauth_clients set allowed_actors = $2 where client_id = $1', [
    client_id,
    actors ?? [client_id],
  ]);
  const post = async (path: string, form: Record<string, string>) =>
    world.post(path, {
      ...form,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: await new SignJWT({ jti: randomUUID() })
        .setProtectedHeader({ alg: 'ES256', kid: 'k' })
        .setIssuer(client_id)
        .setSubject(client_id)
        .setAudience(world.issuer)
        .setIssuedAt()
        .setExpirationTime('1m')
        .sign(privateKey),
    });
  const transact = (subject_token: string, subject: string, form: Record<string, string> = {}) =>
    post('/oauth/token', {
      ...{ grant_type: exchangeGrant, requested_token_type: type('txn_token'), audience: trustDomain },
      ...{ subject_token, subject_token_type: type(subject), ...form },
    });
  return {
    client_id,
    begin: (subject_token: string, form?: Record<string, string>) => transact(subject_token, 'access_token', form),
    replace: (subject_token: string, form?: Record<string, string>) => transact(subject_token, 'txn_token', form),
    introspect: async (token: string): Promise<Json> => (await post('/oauth/introspect', { token })).body,
    post,
  };
};

const packed = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('transaction tokens', () => {
  it('61: are for one call chain, and known to those in it alone', async () => {
    const [first, second, third] = [await makeService(), await makeService(), await makeService()];
    const subject = await world.tokensFor(app, { resource: api, scope: 'inbox:read account:read' });
    const begun = await first.begin(subject.access_token, {
      request_details: packed({ order: 7 }),
      request_context: packed({ ip: '192.0.2.1' }),
    });
    expect(begun).toMatchObject({ status: 200, body: { token_type: 'N_A', issued_token_type: type('txn_token') } });
    expect(begun.body).not.toHaveProperty('refresh_token');
    const token = begun.body.access_token as string;
    const jwks = createRemoteJWKSet(new URL(`${world.issuer}/oauth/jwks`));
    const { payload } = await jwtVerify(token, jwks, { typ: 'txntoken+jwt', audience: trustDomain });
    expect(payload).toMatchObject({
      ...{ iss: world.issuer, sub: world.person.id, scope: 'inbox:read account:read', req_wl: first.client_id },
      ...{ tctx: { order: 7 }, rctx: { ip: '192.0.2.1' }, txn: expect.stringMatching(/^[0-9a-f-]{36}$/) },
    });
    expect(payload.exp! - payload.iat!).toBe(300);
    expect(await first.introspect(token)).toMatchObject({
      ...{ active: true, txn: payload['txn'], sub: world.person.id, aud: trustDomain, token_type: 'N_A' },
    });
    const curious = await world.operatorClient({ scopes: ['token:introspect'] });
    const asked = await world.post('/oauth/introspect', { token }, basic(curious.client_id, curious.secret!));
    expect(asked.body).toEqual({ active: false });
    expect(await second.introspect(token)).toEqual({ active: false });
    // Who carries it on belongs to the chain, and changes neither what it is about nor how long it goes on.
    const next = await second.replace(token, { scope: 'inbox:read', request_details: packed({ step: 2 }) });
    const replaced = decodeJwt(next.body.access_token);
    expect(replaced).toMatchObject({
      ...{ txn: payload['txn'], sub: payload.sub, aud: trustDomain, exp: payload.exp },
      ...{ scope: 'inbox:read', req_wl: second.client_id, tctx: { order: 7, step: 2 }, rctx: { ip: '192.0.2.1' } },
    });
    expect(await second.introspect(token)).toMatchObject({ active: true });
    expect(await first.introspect(next.body.access_token)).toMatchObject({ active: true, req_wl: second.client_id });
    expect(await third.introspect(next.body.access_token)).toEqual({ active: false });
    const wider = await third.replace(next.body.access_token, { scope: 'account:read' });
    expect(wider).toMatchObject({ status: 400, body: { error: 'invalid_scope' } });
    const changed = await third.replace(token, { request_details: packed({ order: 8 }) });
    expect(changed).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
    expect(await third.introspect(token)).toEqual({ active: false });
    // It opens no door, and becomes nothing that does.
    expect(await me(token)).toBe(401);
    const back = await first.post('/oauth/token', {
      ...{ grant_type: exchangeGrant, subject_token: token, subject_token_type: type('access_token') },
    });
    expect(back.body.error).toBe('invalid_grant');
    await world.post('/oauth/revoke', { token: subject.refresh_token, client_id: app });
    expect(await first.introspect(token)).toEqual({ active: false });
    expect((await second.replace(token)).body.error).toBe('invalid_grant');
  });

  it('are refused to secrets, for other audiences, wider scopes, and without a right to the subject', async () => {
    const service = await makeService();
    const subject = (await world.tokensFor(app, { resource: api, scope: 'inbox:read' })).access_token;
    const withSecret = await world.operatorClient({ grant_types: [exchangeGrant], redirect_uris: [] });
    const bySecret = await world.token(
      {
        ...{ grant_type: exchangeGrant, requested_token_type: type('txn_token'), audience: trustDomain },
        ...{ subject_token: subject, subject_token_type: type('access_token') },
      },
      basic(withSecret.client_id, withSecret.secret!),
    );
    expect(bySecret).toMatchObject({ status: 400, body: { error: 'unauthorized_client' } });
    const wrong: [Record<string, string>, string][] = [
      [{ audience: api }, 'invalid_target'],
      [{ resource: api }, 'invalid_target'],
      [{ scope: 'inbox:write' }, 'invalid_scope'],
      [{ request_details: 'not json' }, 'invalid_request'],
      [{ request_context: packed(['a', 'list']) }, 'invalid_request'],
      [{ request_details: packed({ long: 'x'.repeat(4000) }) }, 'invalid_request'],
    ];
    for (const [form, error] of wrong)
      expect(await service.begin(subject, form), JSON.stringify(form).slice(0, 60)).toMatchObject({
        status: 400,
        body: { error },
      });
    const stranger = await makeService({}, []);
    expect((await stranger.begin(subject)).body.error).toBe('invalid_grant');
  });
});

describe('identity assertions (ID-JAG)', () => {
  it('vouch for a signed-in person towards the servers that an operator named', async () => {
    const client = await world.operatorClient({ grant_types: ['authorization_code', exchangeGrant] });
    const idToken = async (made: { client_id: string; secret: string | null }) => {
      const { code, verifier } = await world.codeFor(made.client_id, { scope: 'openid email' });
      const form = { grant_type: 'authorization_code', code, code_verifier: verifier, redirect_uri: redirect };
      return (await world.token(form, basic(made.client_id, made.secret!))).body;
    };
    const tokens = await idToken(client);
    const assert = (form: Record<string, string> = {}) =>
      world.token(
        {
          ...{ grant_type: exchangeGrant, requested_token_type: type('id-jag'), audience: target },
          ...{ subject_token: tokens.id_token, subject_token_type: type('id_token'), ...form },
        },
        basic(client.client_id, client.secret!),
      );
    const given = await assert({ scope: 'inbox:read', resource: 'https://api.partner.example' });
    expect(given).toMatchObject({ status: 200, body: { token_type: 'N_A', issued_token_type: type('id-jag') } });
    const jwks = createLocalJWKSet((await world.anonymous.get('/oauth/jwks')).body);
    const { payload } = await jwtVerify(given.body.access_token, jwks, {
      ...{ typ: 'oauth-id-jag+jwt', audience: target, issuer: world.issuer },
    });
    expect(payload).toMatchObject({
      ...{ sub: world.person.id, client_id: client.client_id, scope: 'inbox:read' },
      ...{ resource: 'https://api.partner.example', jti: expect.any(String) },
    });
    expect(payload.exp! - payload.iat!).toBe(300);
    const other = await idToken(await world.operatorClient());
    const wrong: [Record<string, string>, string][] = [
      [{ audience: 'https://elsewhere.example' }, 'invalid_target'],
      [{ audience: world.issuer }, 'invalid_target'],
      [{ scope: 'admin:write' }, 'invalid_scope'],
      [{ subject_token: other.id_token }, 'invalid_grant'],
      [{ subject_token: tokens.access_token }, 'invalid_grant'],
      [{ subject_token: given.body.access_token }, 'invalid_grant'],
      [{ subject_token_type: type('access_token') }, 'invalid_request'],
    ];
    for (const [form, error] of wrong)
      expect(await assert(form), JSON.stringify(form)).toMatchObject({ status: 400, body: { error } });
    expect(await me(given.body.access_token)).toBe(401);
    const discovery = (await world.anonymous.get('/.well-known/oauth-authorization-server')).body;
    expect(discovery.authorization_grant_profiles_supported).toEqual(['urn:ietf:params:oauth:grant-profile:id-jag']);
  });

  it('of a trusted issuer give a token, to the client and within the limits they name', async () => {
    const client = await world.operatorClient({ grant_types: [bearerGrant], redirect_uris: [] });
    const { client_id } = client;
    const redeem = (assertion: string, form: Record<string, string> = {}) =>
      world.token({ grant_type: bearerGrant, assertion, ...form }, basic(client_id, client.secret!));
    const assertion = await partnerSigns({ client_id, scope: 'inbox:read', resource: api });
    const given = await redeem(assertion);
    expect(given).toMatchObject({ status: 200, body: { scope: 'inbox:read', token_type: 'Bearer' } });
    expect(decodeJwt(given.body.access_token).aud).toBe(api);
    expect(await me(given.body.access_token)).toBe(200);
    const refused: [string, Record<string, string>, string][] = [
      [assertion, {}, 'invalid_grant'],
      [await partnerSigns({ client_id: 'another' }), {}, 'invalid_grant'],
      [await partnerSigns({}), {}, 'invalid_grant'],
      [await partnerSigns({ client_id }, 'OAuth-ID-JAG+jwt', `${world.issuer}/oauth/token`), {}, 'invalid_grant'],
      [await partnerSigns({ client_id, scope: 'inbox:read' }), { scope: 'inbox:write' }, 'invalid_scope'],
      [await partnerSigns({ client_id, resource: api }), { resource: `${world.issuer}/mcp` }, 'invalid_target'],
    ];
    for (const [wrong, form, error] of refused)
      expect(await redeem(wrong, form), error).toMatchObject({ status: 400, body: { error } });
  });
});

it('status lists say which tokens were revoked', async () => {
  const service = await world.org.agent('Listed', { scopes: ['inbox:read'] });
  const own = async () =>
    (
      await world.token(
        { grant_type: 'client_credentials', resource: api, scope: 'inbox:read' },
        basic(service.client_id, service.client_secret),
      )
    ).body.access_token as string;
  const tokens = [await own(), await own(), (await world.tokensFor(app, { resource: api })).access_token];
  const places = tokens.map(
    (token) => (decodeJwt(token)['status'] as Json).status_list as { idx: number; uri: string },
  );
  expect(new Set(places.map(({ idx }) => idx)).size).toBe(3);
  const { uri } = places[0]!;
  expect(uri).toBe(`${world.issuer}/oauth/status-lists/0`);
  const bits = async (): Promise<number[]> => {
    const answer = await fetch(uri);
    expect(answer.headers.get('content-type')).toContain('application/statuslist+jwt');
    expect(answer.headers.get('access-control-allow-origin')).toBe('*');
    const text = await answer.text();
    expect(decodeProtectedHeader(text).typ).toBe('statuslist+jwt');
    const jwks = createLocalJWKSet((await world.anonymous.get('/oauth/jwks')).body);
    const { payload } = await jwtVerify(text, jwks, { subject: uri });
    const list = payload['status_list'] as { bits: number; lst: string };
    expect(list.bits).toBe(1);
    const bytes = inflateSync(Buffer.from(list.lst, 'base64url'));
    return places.map(({ idx }) => (bytes[idx >> 3]! >> (idx & 7)) & 1);
  };
  expect(await bits()).toEqual([0, 0, 0]);
  await world.post('/oauth/revoke', { token: tokens[1]! }, basic(service.client_id, service.client_secret));
  expect(await bits()).toEqual([0, 1, 0]);
  expect([await me(tokens[0]!), await me(tokens[1]!)]).toEqual([200, 401]);
  const { client } = (await world.person.get('/api/v1/me/grants')).body.items[0];
  expect(client.client_id).toBe(app);
  for (const { id } of (await world.person.get('/api/v1/me/grants')).body.items)
    await world.person.delete(`/api/v1/me/grants/${id}`);
  expect(await bits()).toEqual([0, 1, 1]);
  for (const unknown of ['1', 'x', '99999999999']) {
    const answer = await fetch(`${world.issuer}/oauth/status-lists/${unknown}`);
    expect(answer.status, unknown).toBe(404);
  }
});
