import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSocket } from '../../support/live-socket.ts';
import { createMovedClock } from '../../support/moved-clock.ts';
import { basic, type OauthWorld, type OperatorClient, openOauthWorld, pkce } from '../../support/oauth-world.ts';
import { password } from '../../support/people.ts';
import { createRestClient } from '../../support/rest-client.ts';
import { until } from '../../support/until.ts';

const clock = createMovedClock();
let world: OauthWorld;
let api: string;
let keyServer: Server;
let issuer: string;
const logoutCalls: string[] = [];
let sign: (payload: JWTPayload, lifetime?: string, made?: { kid?: string; at?: number }) => Promise<string>;
/** What the key server was asked for, and whether it answers. */
const keyCalls: string[] = [];
let keysThere = true;
let service: OperatorClient;

beforeAll(async () => {
  world = await openOauthWorld({ env: { ...clock.env, ATRIUM_OAUTH_ALLOW_PRIVATE: '127.0.0.1/32' } });
  api = `${world.issuer}/api/v1`;
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  const jwks = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'p1', alg: 'ES256', use: 'sig' }] });
  keyServer = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on('end', () => {
      if (request.method === 'POST') logoutCalls.push(new URLSearchParams(body).get('logout_token') ?? '');
      else keyCalls.push(request.url!);
      if (!keysThere) return void response.destroy();
      response.setHeader('content-type', 'application/json').end(jwks);
    });
  });
  await new Promise<void>((done) => keyServer.listen(0, '127.0.0.1', done));
  issuer = `http://127.0.0.1:${(keyServer.address() as { port: number }).port}`;
  sign = (payload, lifetime = '2m', { kid = 'p1', at = Date.now() } = {}) =>
    new SignJWT({ jti: randomUUID(), ...payload })
      .setProtectedHeader({ alg: 'ES256', kid })
      .setIssuer(issuer)
      .setAudience(world.issuer)
      .setIssuedAt(new Date(at))
      .setExpirationTime(lifetime === '2m' ? new Date(at + 120_000) : lifetime)
      .sign(privateKey);
  await world.database.query(
    `insert into oauth_trusted_issuers
       (id, issuer, name, jwks_uri, algs, subject_mapping, email_domains, jit, org_id, scopes, created_at, updated_at)
     values ($1, $2, 'Partner', $3, '{ES256}', 'email', '{partner.example}', true, $4, '{inbox:read}', now(), now())`,
    [randomUUID(), issuer, `${issuer}/jwks`, world.org.id],
  );
  service = await world.operatorClient({
    grant_types: ['urn:ietf:params:oauth:grant-type:jwt-bearer'],
    redirect_uris: [],
  });
}, 120_000);
afterAll(async () => {
  keyServer.close();
  await world.close();
});

const assert = (assertion: string) =>
  world.token(
    { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion, resource: api },
    basic(service.client_id, service.secret!),
  );
const people = async () => (await world.database.query('select count(*)::int as n from identity_users')).rows[0].n;

describe('assertions of a trusted issuer', () => {
  it('give a token for a person made on the way, without a refresh token', async () => {
    const answer = await assert(await sign({ sub: 'p-1', email: 'pat@partner.example', name: 'Pat' }));
    expect(answer).toMatchObject({ status: 200, body: { scope: 'inbox:read', token_type: 'Bearer' } });
    expect(answer.body).not.toHaveProperty('refresh_token');
    const me = await createRestClient(world.issuer, answer.body.access_token).get('/api/v1/me');
    expect(me.body.user).toMatchObject({ email: 'pat@partner.example', name: 'Pat' });
    expect(me.body.org.id).toBe(world.org.id);
    const again = await assert(await sign({ sub: 'p-1', email: 'pat@partner.example' }));
    const same = await createRestClient(world.issuer, again.body.access_token).get('/api/v1/me');
    expect(same.body.user.id).toBe(me.body.user.id);
  });

  it('59: are refused from a stranger, twice, for a foreign domain or too long a life, and make nobody', async () => {
    const before = await people();
    const { privateKey } = await generateKeyPair('ES256');
    const forged = await new SignJWT({ jti: randomUUID(), sub: 'p-2', email: 'x@partner.example' })
      .setProtectedHeader({ alg: 'ES256', kid: 'p1' })
      .setIssuer(issuer)
      .setAudience(world.issuer)
      .setIssuedAt()
      .setExpirationTime('2m')
      .sign(privateKey);
    const stranger = await new SignJWT({ jti: randomUUID(), sub: 'p-3' })
      .setProtectedHeader({ alg: 'ES256', kid: 'p1' })
      .setIssuer('https://stranger.example')
      .setAudience(world.issuer)
      .setIssuedAt()
      .setExpirationTime('2m')
      .sign(privateKey);
    const refused = [
      forged,
      stranger,
      'not-a-jwt',
      await sign({ sub: 'p-4', email: 'x@elsewhere.example' }),
      await sign({ sub: 'p-5', email: 'x@partner.example', email_verified: false }),
      await sign({ sub: 'p-6', email: 'x@partner.example' }, '1h'),
    ];
    for (const assertion of refused)
      expect(await assert(assertion)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    const once = await sign({ sub: 'p-1', email: 'pat@partner.example' });
    expect((await assert(once)).status).toBe(200);
    expect((await assert(once)).body.error).toBe('invalid_grant');
    expect(await people()).toBe(before);
  });
});

describe('when something fails on the way', () => {
  it('60: a token that cannot be stored leaves neither a person nor a token, and the assertion unspent', async () => {
    const rows = async () =>
      (
        await world.database.query(
          `select (select count(*) from identity_users)::int as people, (select count(*) from oauth_access_tokens)::int as tokens,
             (select count(*) from oauth_replays)::int as replays, (select count(*) from core_events)::int as events,
             (select count(*) from identity_members)::int as memberships`,
        )
      ).rows[0];
    const before = await rows();
    const assertion = await sign({ sub: 'p-60', email: 'sixty@partner.example', name: 'Sixty' });
    await world.database.query(
      `create function fail_token() returns trigger language plpgsql as $$ begin raise exception 'the disk is full'; end $$;
       create trigger fail_token before insert on oauth_access_tokens for each row execute function fail_token()`,
    );
    try {
      const failed = await assert(assertion);
      expect(failed).toMatchObject({ status: 500, body: { error: 'server_error' } });
      expect(JSON.stringify(failed.body)).not.toContain('disk');
      expect(await rows()).toEqual(before);
    } finally {
      await world.database.query('drop trigger fail_token on oauth_access_tokens; drop function fail_token()');
    }
    const answer = await assert(assertion);
    expect(answer.status).toBe(200);
    const me = await createRestClient(world.issuer, answer.body.access_token).get('/api/v1/me');
    expect(me.body.user).toMatchObject({ email: 'sixty@partner.example', name: 'Sixty' });
    const after = await rows();
    expect([after.people - before.people, after.tokens - before.tokens]).toEqual([1, 1]);
  });
});

describe('connected applications', () => {
  it('26: withdrawing one ends its tokens at once, on open connections too, and leaves the others', async () => {
    const [one, two] = [await world.register({ client_name: 'One' }), await world.register({ client_name: 'Two' })];
    const first = await world.tokensFor(one, { resource: api });
    const second = await world.tokensFor(two, { resource: api });
    const socket = await openSocket(world.issuer, first.access_token);
    const apps = (await world.person.get('/api/v1/me/grants')).body.items;
    const listed = apps.find((app: { client: { client_id: string } }) => app.client.client_id === one);
    expect(listed).toMatchObject({
      client: { name: 'One', host: '127.0.0.1:53682', verified: false },
      org: { id: world.org.id },
      resources: [api],
      authorizations: 1,
    });
    expect((await world.person.delete(`/api/v1/me/grants/${listed.id}`)).status).toBe(204);
    const me = (token: string) => createRestClient(world.issuer, token).get('/api/v1/me');
    expect((await me(first.access_token)).status).toBe(401);
    expect((await me(second.access_token)).status).toBe(200);
    expect(await socket.closing()).toBeGreaterThan(1000);
    const refreshed = await world.token({
      grant_type: 'refresh_token',
      refresh_token: first.refresh_token,
      client_id: one,
    });
    expect(refreshed.body.error).toBe('invalid_grant');
    const kept = { grant_type: 'refresh_token', refresh_token: second.refresh_token, client_id: two };
    expect((await world.token(kept)).status).toBe(200);
    const stranger = await world.org.member('Eve');
    const other = apps.find((app: { client: { client_id: string } }) => app.client.client_id === two);
    expect((await stranger.delete(`/api/v1/me/grants/${other.id}`)).status).toBe(404);
  });
});

it('74: clients, sessions, keys, applications and audit rows of another organisation are not found by their ids', async () => {
  const other = await world.makeOrg('Elsewhere');
  const resident = await other.member('Resident');
  const agent = await other.agent('Theirs');
  const key = (await resident.post('/api/v1/me/api-keys', { name: 'k', scopes: ['inbox:read'] })).body.key;
  await world.tokensFor(await world.register({ client_name: 'Their app' }), { resource: api }, resident);
  const [app] = (await resident.get('/api/v1/me/grants')).body.items;
  const [session] = (await resident.get('/api/v1/me/sessions')).body.items;
  const theirs = (await other.owner.get('/api/v1/audit')).body.items as { id: string; target_id: string }[];
  expect(theirs.map((row) => row.target_id)).toContain(agent.id);
  for (const stranger of [world.org.owner, world.person]) {
    for (const [method, path] of [
      ['GET', `/api/v1/agents/${agent.id}`],
      ['PATCH', `/api/v1/agents/${agent.id}`],
      ['POST', `/api/v1/agents/${agent.id}/rotate-key`],
      ['DELETE', `/api/v1/agents/${agent.id}`],
      ['DELETE', `/api/v1/me/sessions/${session.id}`],
      ['DELETE', `/api/v1/me/api-keys/${key.id}`],
      ['DELETE', `/api/v1/me/grants/${app.id}`],
      ['GET', `/api/v1/audit/${theirs[0]!.id}`],
    ] as const) {
      const answer = await stranger.send(method, path, method === 'PATCH' || method === 'POST' ? {} : undefined);
      // Somebody who may not do it at all may be told that, which says nothing about the row.
      const allowed = stranger === world.org.owner || path.includes('/me/');
      expect([method, path, answer.status]).toEqual([method, path, allowed ? 404 : expect.toBeOneOf([403, 404])]);
    }
  }
  const own = JSON.stringify((await world.org.owner.get('/api/v1/audit?limit=200')).body.items);
  for (const row of theirs) expect(own).not.toContain(row.id);
  expect(own).not.toContain(agent.id);
  // All of it is still there for those whose it is.
  expect((await other.owner.get(`/api/v1/agents/${agent.id}`)).status).toBe(200);
  expect((await resident.get('/api/v1/me/grants')).body.items).toHaveLength(1);
  expect((await resident.get('/api/v1/me/api-keys')).body.items).toHaveLength(1);
  expect((await resident.get('/api/v1/me')).status).toBe(200);
});

it('signing out tells the clients that want to hear of it (back-channel logout)', async () => {
  const made = await world.operatorClient({
    metadata: { backchannel_logout_uri: `${issuer}/logout`, backchannel_logout_session_required: true },
  });
  const browser = world.browser();
  const url = world.authorizeUrl(made.client_id, pkce().challenge, { scope: 'openid' });
  await browser.authorize(url, { email: world.person.email, password });
  const page = await browser.get('/oauth/logout');
  expect(page.text).toContain('Sign out of Atrium?');
  expect(page.text).not.toContain('<script');
  const done = await browser.submit(page, { logout: 'yes' });
  expect(done.text).toContain('You are signed out');
  await until(() => logoutCalls.length > 0, 'the client is told');
  const claims = JSON.parse(Buffer.from(logoutCalls[0]!.split('.')[1]!, 'base64url').toString());
  expect(claims).toMatchObject({ iss: world.issuer, aud: made.client_id, sub: world.person.id });
  expect(claims.sid).toBeTypeOf('string');
  expect(claims.events).toHaveProperty('http://schemas.openid.net/event/backchannel-logout');
});

// Last: a server does not go back in time.
describe('94: keys of a trusted issuer', () => {
  const minute = 60_000;
  const known = { sub: 'p-1', email: 'pat@partner.example' };
  /** Asserts as somebody whose clock goes like the server's. */
  const at = async (offset: number, kid?: string) => {
    clock.move(offset);
    return await assert(await sign(known, '2m', { at: Date.now() + offset, ...(kid === undefined ? {} : { kid }) }));
  };

  it('serve from the cache while nobody answers, until they are stale; an unknown kid asks once a minute', async () => {
    try {
      // A beginning that earlier tests do not move: the keys are read now.
      expect((await at(20 * minute)).status).toBe(200);
      const begun = keyCalls.length;
      for (let n = 0; n < 3; n += 1) expect((await at(20 * minute, 'p2')).body.error).toBe('invalid_grant');
      expect(keyCalls.length).toBe(begun);
      for (let n = 0; n < 3; n += 1) expect((await at(22 * minute, 'p2')).body.error).toBe('invalid_grant');
      expect(keyCalls.length).toBe(begun + 1);
      keysThere = false;
      // An issuer that gives no answer is asked no more often.
      for (let n = 0; n < 3; n += 1) expect((await at(24 * minute, 'p2')).body.error).toBe('invalid_grant');
      expect(keyCalls.length).toBe(begun + 2);
      expect((await at(31 * minute)).status).toBe(200);
      expect(keyCalls.length).toBe(begun + 2);
      const stale = await at(33 * minute);
      expect(stale).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
      expect(keyCalls.length).toBeGreaterThan(begun + 2);
      keysThere = true;
      expect((await at(35 * minute)).status).toBe(200);
    } finally {
      keysThere = true;
    }
  });
});
