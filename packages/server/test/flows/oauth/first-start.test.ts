import { decodeJwt } from 'jose';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { basic, pkce } from '../../support/oauth-world.ts';
import { ok, password } from '../../support/people.ts';
import { createRestClient, type Json } from '../../support/rest-client.ts';
import { openServerDatabase } from '../../support/server-database.ts';
import { type RunningServer, removeDataDir, startServer } from '../../support/start-server.ts';

/** What people and programs know it by; nothing in it can be reached by the test. */
const publicUrl = 'https://id.example.org';

/** One server behind a proxy that ends TLS, in which nobody registers clients. Nobody has set it up yet. */
let server: RunningServer;
let database: pg.Pool;
let owner: Json;
beforeAll(async () => {
  server = await startServer({
    ...{ fresh: true, own_process: true },
    env: {
      ATRIUM_PUBLIC_URL: publicUrl,
      ATRIUM_TRUSTED_PROXIES: '127.0.0.1',
      ATRIUM_OAUTH_REGISTRATION: 'off',
      ATRIUM_OPEN_REGISTRATION: 'true',
    },
  });
  database = openServerDatabase(server.dataDir);
}, 120_000);
afterAll(async () => {
  await database?.end();
  await server?.stop();
  if (server !== undefined) removeDataDir(server.dataDir);
});

const input = (token: string, name: string) => ({ token, email: `${name}@example.org`, password, name });
const setup = (body: object, address: string) =>
  createRestClient(server.url).post('/api/v1/setup', body, { headers: { 'x-forwarded-for': address } });

describe('62: the first start', () => {
  it('has no account that works, and takes the token of the set-up once, from one of many at once', async () => {
    const anonymous = createRestClient(server.url);
    for (const [email, guess] of [
      ['admin', 'admin'],
      ['admin@example.org', 'password'],
      ['root@localhost', 'root'],
      ['atrium@localhost', 'atrium'],
    ])
      expect((await anonymous.post('/auth/login', { email, password: guess })).body.access_token).toBeUndefined();
    const users = async () =>
      (
        await database.query(
          'select count(*)::int as people, count(*) filter (where is_operator)::int as operators from identity_users',
        )
      ).rows[0];
    expect(await users()).toEqual({ people: 0, operators: 0 });
    // Not even where registration is open does somebody come before the owner.
    expect((await anonymous.post('/auth/register', { ...input('x', 'early'), token: undefined })).status).not.toBe(201);
    for (let n = 0; n < 10; n += 1) expect((await setup(input('guessed', 'eve'), '10.81.0.1')).status).toBe(401);
    expect((await setup(input('guessed', 'eve'), '10.81.0.1')).status).toBe(429);
    expect((await setup(input(server.setupToken, 'eve'), '10.81.0.1')).status).toBe(429);
    expect(await users()).toEqual({ people: 0, operators: 0 });

    const tries = await Promise.all(
      ['ada', 'bob', 'cyd', 'dan'].map((name, n) => setup(input(server.setupToken, name), `10.81.1.${n}`)),
    );
    expect(tries.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409]);
    for (const { status, body } of tries) if (status === 409) expect(body.code).toBe('setup_done');
    owner = tries.find(({ status }) => status === 201)!.body;
    expect(await setup(input(server.setupToken, 'late'), '10.81.2.1')).toMatchObject({
      status: 409,
      body: { code: 'setup_done' },
    });
    expect(await users()).toEqual({ people: 1, operators: 1 });

    const person = ok(await anonymous.post('/auth/register', { email: 'eve@example.org', password, name: 'Eve' }));
    const admin = '/api/v1/admin/identity/users';
    expect((await createRestClient(server.url, person.access_token).get(admin)).status).toBe(403);
    expect((await createRestClient(server.url, owner.access_token).get(admin)).status).toBe(200);
    expect(await users()).toEqual({ people: 2, operators: 1 });
  });
});

/** As it comes from the proxy, whose own name and port are in it. */
const ask = (path: string, init: RequestInit = {}): Promise<Response> =>
  fetch(`${server.url}${path}`, {
    redirect: 'manual',
    ...init,
    headers: {
      'x-forwarded-for': '10.82.0.1',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'proxy.internal:8443',
      forwarded: 'for=10.82.0.1;host=proxy.internal:8443;proto=https',
      ...(init.headers as Record<string, string> | undefined),
    },
  });

const isOurs = (address: string) =>
  expect([address, address.startsWith(`${publicUrl}/`) || address === publicUrl]).toEqual([address, true]);

describe('37: behind a proxy under another name', () => {
  it('every address that is given out is the public one', async () => {
    for (const place of [
      '/.well-known/openid-configuration',
      '/.well-known/oauth-authorization-server',
      '/.well-known/oauth-authorization-server/mcp',
      '/.well-known/oauth-protected-resource',
      '/.well-known/oauth-protected-resource/mcp',
      '/.well-known/oauth-protected-resource/api/v1',
    ]) {
      const text = await (await ask(place)).text();
      const addresses = text.match(/https?:[^"]+/g)!;
      expect([place, addresses.length > 1]).toEqual([place, true]);
      for (const address of addresses) isOurs(address);
    }
    for (const [path, method] of [
      ['/mcp', 'POST'],
      ['/api/v1/me', 'GET'],
      ['/oauth/userinfo', 'GET'],
    ] as const) {
      const refused = await ask(path, { method });
      isOurs(/resource_metadata="([^"]+)"/.exec(refused.headers.get('www-authenticate')!)![1]!);
    }

    const operator = createRestClient(server.url, owner.access_token);
    const back = 'https://books.example/done';
    const device = 'urn:ietf:params:oauth:grant-type:device_code';
    const { client, client_secret } = ok(
      await operator.post('/api/v1/admin/oauth/clients', {
        name: 'Books',
        redirect_uris: [back],
        scopes: ['openid', 'inbox:read'],
        grant_types: ['authorization_code', device],
      }),
    );
    const { challenge } = pkce();
    const query = { client_id: client.client_id, redirect_uri: back, code_challenge: challenge };
    const fixed = { response_type: 'code', code_challenge_method: 'S256', scope: 'openid' };
    let answer = await ask(`/oauth/authorize?${new URLSearchParams({ ...fixed, ...query })}`);
    expect(answer.status).toBe(303);
    for (const cookie of answer.headers.getSetCookie()) expect(cookie.toLowerCase()).toContain('secure');
    const cookies = answer.headers
      .getSetCookie()
      .map((one) => one.split(';')[0])
      .join('; ');
    const next = new URL(answer.headers.get('location')!, publicUrl);
    isOurs(next.href);
    answer = await ask(next.pathname + next.search, { headers: { cookie: cookies } });
    isOurs(new URL(answer.headers.get('location')!, publicUrl).href);

    const secret = basic(client.client_id, client_secret);
    const form = (path: string, fields: Record<string, string>) =>
      ask(path, { method: 'POST', body: new URLSearchParams(fields), headers: secret });
    const begun = (await (await form('/oauth/device_authorization', { scope: 'openid' })).json()) as Json;
    isOurs(begun.verification_uri);
    isOurs(begun.verification_uri_complete);
    const agent = ok(await operator.post('/api/v1/agents', { name: 'Remote' }));
    const issued = await ask('/oauth/token', {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        resource: `${publicUrl}/api/v1`,
        scope: 'inbox:read',
      }),
      headers: basic(agent.client_id, agent.client_secret),
    });
    const { access_token } = (await issued.json()) as Json;
    expect(decodeJwt(access_token)).toMatchObject({ iss: publicUrl, aud: `${publicUrl}/api/v1` });
    expect((await ask('/api/v1/me', { headers: { authorization: `Bearer ${access_token}` } })).status).toBe(200);
  });
});

describe('38: registration that is off', () => {
  it('is not named by discovery, and its endpoint is not there', async () => {
    for (const place of ['openid-configuration', 'oauth-authorization-server'])
      expect(await (await ask(`/.well-known/${place}`)).json()).not.toHaveProperty('registration_endpoint');
    for (const method of ['POST', 'GET', 'OPTIONS']) {
      const answer = await ask('/oauth/register', {
        method,
        ...(method === 'POST'
          ? {
              headers: { 'content-type': 'application/json' },
              body: JSON.stringify({ redirect_uris: ['http://127.0.0.1/cb'], token_endpoint_auth_method: 'none' }),
            }
          : {}),
      });
      expect([method, answer.status]).toEqual([method, 404]);
    }
    expect((await database.query("select 1 from oauth_clients where origin = 'registered'")).rowCount).toBe(0);
  });
});
