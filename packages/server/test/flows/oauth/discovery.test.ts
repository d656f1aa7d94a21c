import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startConnectionTrap } from '../../support/connection-trap.ts';
import { basic, redirect as home, type OauthWorld, openOauthWorld, pkce } from '../../support/oauth-world.ts';
import { password } from '../../support/people.ts';
import type { Json } from '../../support/rest-client.ts';

let world: OauthWorld;
beforeAll(async () => {
  world = await openOauthWorld({ shared: true });
}, 120_000);
afterAll(() => world.close());

const json = async (path: string, init?: RequestInit) => {
  const response = await fetch(`${world.issuer}${path}`, init);
  return { status: response.status, headers: response.headers, body: (await response.json()) as Json };
};

/** fetch does not let a Host header through. */
const asHost = (path: string, host: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(world.issuer);
    const sent = request({ hostname, port, path, headers: { host, 'x-forwarded-host': host } }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      response.on('end', () => resolve(text));
    });
    sent.on('error', reject);
    sent.end();
  });

describe('35: discovery', () => {
  const places = [
    '/.well-known/oauth-authorization-server',
    '/.well-known/openid-configuration',
    '/.well-known/oauth-authorization-server/mcp',
    '/.well-known/openid-configuration/mcp',
    '/.well-known/oauth-authorization-server/api/v1',
    '/.well-known/oauth-authorization-server/v1',
    '/.well-known/oauth-authorization-server/apps/grafana',
    '/mcp/.well-known/openid-configuration',
  ];

  it('is one document at every place, for every origin', async () => {
    const [first] = await Promise.all([json(places[0]!)]);
    expect(first!.body).toMatchObject({
      issuer: world.issuer,
      authorization_endpoint: `${world.issuer}/oauth/authorize`,
      token_endpoint: `${world.issuer}/oauth/token`,
      jwks_uri: `${world.issuer}/oauth/jwks`,
      registration_endpoint: `${world.issuer}/oauth/register`,
      revocation_endpoint: `${world.issuer}/oauth/revoke`,
      introspection_endpoint: `${world.issuer}/oauth/introspect`,
      pushed_authorization_request_endpoint: `${world.issuer}/oauth/par`,
      device_authorization_endpoint: `${world.issuer}/oauth/device_authorization`,
      userinfo_endpoint: `${world.issuer}/oauth/userinfo`,
      end_session_endpoint: `${world.issuer}/oauth/logout`,
      code_challenge_methods_supported: ['S256'],
      authorization_response_iss_parameter_supported: true,
      client_id_metadata_document_supported: true,
      response_types_supported: ['code'],
    });
    expect(first!.body.grant_types_supported).toEqual(
      expect.arrayContaining([
        'authorization_code',
        'refresh_token',
        'client_credentials',
        'urn:ietf:params:oauth:grant-type:device_code',
        'urn:ietf:params:oauth:grant-type:token-exchange',
        'urn:ietf:params:oauth:grant-type:jwt-bearer',
      ]),
    );
    expect(first!.body.grant_types_supported).not.toContain('password');
    expect(first!.body.grant_types_supported).not.toContain('implicit');
    for (const place of places) {
      const found = await json(place, { headers: { origin: 'https://anywhere.example' } });
      expect(found.status).toBe(200);
      expect(found.body).toEqual(first!.body);
      expect(found.headers.get('access-control-allow-origin')).toBeTruthy();
      expect(found.headers.get('access-control-allow-credentials')).toBeNull();
    }
  });

  it('names no frame while both kinds are switched off, and serves none', async () => {
    const { body } = await json('/.well-known/openid-configuration');
    expect(Object.keys(body).filter((name) => /frontchannel|session_iframe/.test(name))).toEqual([]);
    expect(body.backchannel_logout_supported).toBe(true);
    for (const path of ['/oauth/check_session', '/oauth/check_session.js'])
      expect((await fetch(`${world.issuer}${path}`)).status).toBe(404);
  });

  it('names neither approvals nor CIBA before they are switched on, and nothing answers there', async () => {
    const { body } = await json(places[0]!);
    for (const name of ['approval_endpoint', 'backchannel_authentication_endpoint']) expect(body[name]).toBeUndefined();
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    for (const path of ['/oauth/approvals', '/oauth/approvals/01900000-0000-7000-8000-000000000000', '/oauth/ciba'])
      expect((await fetch(`${world.issuer}${path}`, { method: 'POST', headers: form, body: 'a=b' })).status).toBe(404);
    const grants = ['urn:atrium:params:oauth:grant-type:approval', 'urn:openid:params:grant-type:ciba'];
    // A client that was given them while they were on goes on with its other grants.
    const { client_id, secret } = await world.operatorClient({ grant_types: [...grants, 'client_credentials'] });
    for (const grant_type of grants) {
      expect(body.grant_types_supported).not.toContain(grant_type);
      const answer = await world.token({ grant_type, approval_id: 'x', auth_req_id: 'x' }, basic(client_id, secret!));
      expect([answer.status, answer.body.error]).toEqual([400, 'unsupported_grant_type']);
    }
  });

  it('follows the public address, whatever the request says', async () => {
    for (const place of places) expect(await asHost(place, 'evil.example')).not.toContain('evil.example');
    expect(await asHost('/.well-known/oauth-protected-resource/mcp', 'evil.example')).not.toContain('evil.example');
  });

  it('describes each resource where its clients look', async () => {
    for (const [path, resource] of [
      ['', ''],
      ['/mcp', '/mcp'],
      ['/api/v1', '/api/v1'],
      ['/v1', '/v1'],
      ['/apps/grafana', '/apps/grafana'],
    ]) {
      const found = await json(`/.well-known/oauth-protected-resource${path}`);
      expect(found.body).toMatchObject({
        resource: `${world.issuer}${resource}`,
        authorization_servers: [world.issuer],
      });
      expect(found.body.scopes_supported).not.toContain('org:admin');
    }
    expect((await fetch(`${world.issuer}/.well-known/oauth-protected-resource/apps/No%20slug`)).status).toBe(404);
  });
});

describe('80: browsers of other origins', () => {
  const preflight = (origin: string) =>
    fetch(`${world.issuer}/oauth/token`, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST' },
    });

  it('are let in where a public client registered, and nowhere else', async () => {
    expect((await preflight('https://evil.example')).headers.get('access-control-allow-origin')).toBeNull();
    const redirect = 'http://localhost:6274/oauth/callback';
    const client = await world.register({ redirect_uris: [redirect] });
    const known = await preflight('http://localhost:6274');
    expect(known.headers.get('access-control-allow-origin')).toBe('http://localhost:6274');
    const { verifier, challenge } = pkce();
    const url = world.authorizeUrl(client, challenge, { redirect_uri: redirect });
    const answer = await world.browser().authorize(url, { email: world.person.email, password });
    const form = {
      grant_type: 'authorization_code',
      code: answer.searchParams.get('code')!,
      code_verifier: verifier,
      redirect_uri: redirect,
      client_id: client,
    };
    const foreign = await world.token(form, { origin: 'https://evil.example' });
    expect(foreign.status).toBe(400);
    expect(foreign.headers.get('access-control-allow-origin')).toBeNull();
    const own = await world.token(form, { origin: 'http://localhost:6274' });
    expect(own.status).toBe(200);
    expect(own.headers.get('access-control-allow-origin')).toBe('http://localhost:6274');
  });
});

describe('registration', () => {
  const register = (body: unknown, address = '10.20.0.1') =>
    json('/oauth/register', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-forwarded-for': address },
      body: JSON.stringify(body),
    });
  const loopback = { redirect_uris: ['http://127.0.0.1/callback'], token_endpoint_auth_method: 'none' };

  it('44, hole 1: privileged scopes and grants without a person are refused, and cannot be had later', async () => {
    for (const more of [
      { scope: 'admin' },
      { scope: 'inbox:read org:admin' },
      { scope: 'account:write' },
      { grant_types: ['client_credentials'] },
      { grant_types: ['authorization_code', 'urn:ietf:params:oauth:grant-type:token-exchange'] },
    ])
      expect(await register({ ...loopback, ...more })).toMatchObject({
        status: 400,
        body: { error: 'invalid_client_metadata' },
      });
    const plain = await register({ ...loopback, grant_types: ['authorization_code', 'refresh_token'] });
    expect(plain.status).toBe(201);
    const tokens = await world.tokensFor(plain.body.client_id, {
      scope: 'inbox:read org:admin account:write',
      redirect_uri: 'http://127.0.0.1:53682/callback',
    });
    expect(tokens.scope).toBe('inbox:read');
    // Nor by any other grant: those it may use give no more than was allowed, and the others are not for it.
    const { client_id } = plain.body;
    const wider = { grant_type: 'refresh_token', refresh_token: tokens.refresh_token, client_id, scope: 'org:admin' };
    expect((await world.token(wider)).body).toMatchObject({ error: 'invalid_scope' });
    const scope = 'admin org:admin';
    const type = 'urn:ietf:params:oauth:token-type:access_token';
    const exchange = { subject_token: tokens.access_token, subject_token_type: type };
    for (const form of [
      { grant_type: 'client_credentials' },
      { grant_type: 'password', username: world.operator.email, password },
      { grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange', ...exchange },
      { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion: tokens.access_token },
      { grant_type: 'urn:ietf:params:oauth:grant-type:device_code', device_code: 'x' },
    ]) {
      const refused = await world.token({ ...form, client_id, scope });
      expect([form.grant_type, refused.status, refused.body.access_token]).toEqual([form.grant_type, 400, undefined]);
      expect(['invalid_request', 'unsupported_grant_type']).toContain(refused.body.error);
    }
    const device = await world.post('/oauth/device_authorization', { client_id, scope });
    expect([device.status, device.body.device_code]).toEqual([400, undefined]);
    // An operator who signs in through it becomes nothing more by it.
    const { code, verifier } = await world.codeFor(client_id, { scope: 'org:admin admin inbox:read' }, world.operator);
    const form = { grant_type: 'authorization_code', code, code_verifier: verifier, redirect_uri: home, client_id };
    expect((await world.token(form)).body.scope).toBe('inbox:read');
  });

  it('46: only public clients on this machine; the eleventh in an hour waits', async () => {
    for (const more of [
      { redirect_uris: ['https://app.example/cb'] },
      { redirect_uris: ['com.example.app:/cb'] },
      { redirect_uris: ['http://192.168.1.4/cb'] },
      { token_endpoint_auth_method: 'client_secret_basic' },
    ])
      expect((await register({ ...loopback, ...more }, '10.20.0.2')).status).toBe(400);
    expect((await register({ redirect_uris: loopback.redirect_uris }, '10.20.0.2')).status).toBe(400);
    for (let count = 6; count <= 10; count += 1) expect((await register(loopback, '10.20.0.2')).status).toBe(201);
    const eleventh = await register(loopback, '10.20.0.2');
    expect(eleventh.status).toBe(429);
    expect(Number(eleventh.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await register(loopback, '10.20.0.3')).status).toBe(201);
  });

  it('47: a registration without application_type is a native one', async () => {
    const made = await register(loopback, '10.20.0.4');
    expect(made.body).toMatchObject({ application_type: 'native', token_endpoint_auth_method: 'none' });
    expect(made.body).not.toHaveProperty('atrium_scope');
    expect(made.body).not.toHaveProperty('client_secret');
  });
});

describe('39: client documents', () => {
  it('are not fetched from addresses inside, in whatever form these are written; nobody is connected to', async () => {
    const trap = await startConnectionTrap();
    const six = await startConnectionTrap('::1', trap.port);
    for (const host of [
      '127.0.0.1',
      '127.1',
      '2130706433',
      '0x7f000001',
      '0177.0.0.1',
      '0.0.0.0',
      'localhost',
      'localhost.',
      '[::1]',
      '[::]',
      '[::ffff:127.0.0.1]',
      '[::ffff:7f00:1]',
      '[64:ff9b::7f00:1]',
      '10.0.0.1',
      '10.255.255.255',
      '172.16.0.1',
      '192.168.1.1',
      '100.64.0.1',
      '169.254.169.254',
      '[fe80::1]',
      '[fd00::1]',
    ]) {
      const id = `https://${host}:${trap.port}/client.json`;
      const page = await world.browser().get(world.authorizeUrl(id, pkce().challenge));
      expect([host, page.status, page.text]).toEqual([host, 400, expect.stringContaining('invalid_client')]);
    }
    expect([trap.connections(), six.connections()]).toEqual([0, 0]);
    trap.close();
    six.close();
  });
});

it('81: a denied address gets nothing, until it is taken off', async () => {
  const from = (address: string) =>
    fetch(`${world.issuer}/oauth/jwks`, { headers: { 'x-forwarded-for': address } }).then(({ status }) => status);
  await world.database.query(
    "insert into oauth_ip_denylist (id, range, created_at) values ('00000000-0000-7000-8000-00000000d001', '203.0.113.0/24', now())",
  );
  await expect.poll(() => from('203.0.113.9')).toBe(403);
  expect(await from('203.0.114.9')).toBe(200);
  await world.database.query('delete from oauth_ip_denylist');
  await expect.poll(() => from('203.0.113.9')).toBe(200);
});
