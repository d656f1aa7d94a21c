import { createHash, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeJwt, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CertificateProxy, startCertificateProxy } from '../../support/certificate-proxy.ts';
import { type MadeCertificate, makeCertificate } from '../../support/make-certificate.ts';
import { basic, type OauthWorld, ok, openOauthWorld, redirect } from '../../support/oauth-world.ts';

const elsewhere = 'https://tools.example/api';
let folder: string;
let world: OauthWorld;
let proxy: CertificateProxy;
let authority: MadeCertificate;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'atrium-ca-'));
  authority = makeCertificate({ subject: { O: 'Acme', CN: 'Acme clients' }, authority: true });
  const path = join(folder, 'ca.pem');
  writeFileSync(path, authority.pem);
  world = await openOauthWorld({ env: { ATRIUM_OAUTH_MTLS: 'true', ATRIUM_OAUTH_CERTIFICATE_AUTHORITIES: path } });
  proxy = await startCertificateProxy(world.issuer.replace('localhost', '127.0.0.1'));
  ok(
    await world.operator.post('/api/v1/admin/oauth/resources', {
      audience: elsewhere,
      name: 'Tools',
      scopes: ['tools'],
    }),
  );
}, 120_000);
afterAll(async () => {
  proxy.close();
  await world.close();
  rmSync(folder, { recursive: true });
});

const register = async (settings: Record<string, unknown>) =>
  ok(
    await world.operator.post('/api/v1/admin/oauth/clients', {
      name: 'Certified',
      grant_types: ['client_credentials'],
      scopes: ['tools'],
      ...settings,
    }),
  ).client;

const form = { 'content-type': 'application/x-www-form-urlencoded' };
const asked = (client_id: string) =>
  String(new URLSearchParams({ grant_type: 'client_credentials', client_id, resource: elsewhere, scope: 'tools' }));
const token = (client_id: string, certificate?: MadeCertificate) =>
  proxy.send('/oauth/token', { certificate, method: 'POST', headers: form, body: asked(client_id) });
const refused = { status: 401, body: { error: 'invalid_client' } };

const certificateOf = (alternatives = {}, more: Partial<Parameters<typeof makeCertificate>[0]> = {}) =>
  makeCertificate({ subject: { C: 'DE', O: 'Acme, Inc.', CN: 'billing' }, alternatives, issuer: authority, ...more });

describe('certificates of an authority', () => {
  it('prove the client whose name they carry, in each of its forms, and no other', async () => {
    const spiffe = 'spiffe://acme.example/billing';
    const certificate = certificateOf({ dns: 'billing.acme.example', uri: spiffe, email: 'billing@acme.example' });
    const names: [string, string][] = [
      ['subject_dn', 'cn=billing, O=Acme\\, Inc., C=DE'],
      ['san_dns', 'Billing.acme.example'],
      ['san_uri', spiffe],
      ['san_email', 'billing@acme.example'],
    ];
    for (const [kind, value] of names) {
      const client = await register({ auth_method: 'tls_client_auth', certificate_name: { kind, value } });
      expect(client.certificate_name).toEqual({ kind, value });
      expect(await token(client.client_id, certificate), kind).toMatchObject({ status: 200, body: { scope: 'tools' } });
      const other = await register({ auth_method: 'tls_client_auth', certificate_name: { kind, value: `${value}x` } });
      expect(await token(other.client_id, certificate), kind).toMatchObject(refused);
    }
  });

  it('count only from a known authority, in their time, and not as an authority themselves', async () => {
    const certificate_name = { kind: 'san_dns', value: 'billing.acme.example' };
    const made = () => register({ auth_method: 'tls_client_auth', certificate_name });
    const dns = certificate_name.value;
    const stranger = makeCertificate({ subject: { O: 'Acme', CN: 'Acme clients' }, authority: true });
    const [past, future] = [new Date(Date.now() - 60_000), new Date(Date.now() + 3_600_000)];
    for (const wrong of [
      certificateOf({ dns }, { issuer: stranger }),
      certificateOf({ dns }, { to: past }),
      certificateOf({ dns }, { from: future }),
      certificateOf({ dns }, { authority: true }),
      makeCertificate({ subject: { CN: 'billing' }, alternatives: { dns } }),
      undefined,
    ])
      expect(await token((await made()).client_id, wrong)).toMatchObject(refused);
    expect((await token((await made()).client_id, certificateOf({ dns }))).status).toBe(200);
  });
});

it('14: a certificate header from any other address than a proxy is ignored', async () => {
  const own = makeCertificate({ subject: { CN: 'own' } });
  const jwk = { ...own.publicJwk, x5c: [own.der.toString('base64')] };
  const { client_id } = await register({ auth_method: 'self_signed_tls_client_auth', jwks: { keys: [jwk] } });
  const from = (localAddress: string, header: string) =>
    new Promise<{ status: number; body: unknown }>((resolve, reject) => {
      const { port } = new URL(world.issuer);
      const headers = { ...form, 'client-cert': header };
      const call = request(
        { host: '127.0.0.1', port, localAddress, path: '/oauth/token', method: 'POST', headers },
        (answer) => {
          let text = '';
          answer.on('data', (chunk: Buffer) => {
            text += chunk.toString();
          });
          answer.on('end', () => resolve({ status: answer.statusCode!, body: JSON.parse(text) }));
        },
      );
      call.on('error', reject);
      call.end(asked(client_id));
    });
  const rfc9440 = `:${own.der.toString('base64')}:`;
  expect(await from('127.0.0.2', rfc9440)).toMatchObject(refused);
  expect(await from('127.0.0.1', rfc9440)).toMatchObject({ status: 200 });
  // As nginx hands it on.
  expect(await from('127.0.0.1', encodeURIComponent(own.pem))).toMatchObject({ status: 200 });
  for (const broken of [own.der.toString('base64'), ':AAAA:', '%E0%A4%A', encodeURIComponent(own.pem).slice(0, -60)])
    expect(await from('127.0.0.1', broken)).toMatchObject(refused);
  // Through the proxy nobody brings a header of their own along.
  const smuggled = await proxy.send('/oauth/token', {
    certificate: makeCertificate({ subject: { CN: 'own' } }),
    method: 'POST',
    headers: { ...form, 'client-cert': rfc9440 },
    body: asked(client_id),
  });
  expect(smuggled).toMatchObject(refused);
  expect((await token(client_id, own)).status).toBe(200);
});

describe('tokens bound to a certificate', () => {
  it('are good with it at every door, and with no other', async () => {
    const own = makeCertificate({ subject: { CN: 'app' } });
    const { client_id } = await register({
      auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
      redirect_uris: [redirect],
      scopes: ['openid', 'inbox:read', 'account:read'],
      certificate_required: true,
    });
    const resource = `${world.issuer}/api/v1`;
    const redeem = async (scope: string, target: string, certificate?: MadeCertificate) => {
      const { code, verifier } = await world.codeFor(client_id, { scope, resource: target });
      const body = {
        grant_type: 'authorization_code',
        code,
        code_verifier: verifier,
        redirect_uri: redirect,
        client_id,
      };
      const options = { certificate, method: 'POST', headers: form, body: String(new URLSearchParams(body)) };
      return await proxy.send('/oauth/token', options);
    };
    expect(await redeem('inbox:read', resource)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    const given = await redeem('inbox:read account:read', resource, own);
    expect(given.status).toBe(200);
    const { access_token, refresh_token } = given.body;
    expect(decodeJwt(access_token)['cnf']).toEqual({ 'x5t#S256': own.thumbprint });
    const authorization = `Bearer ${access_token}`;
    const other = makeCertificate({ subject: { CN: 'app' } });
    const tools = (await redeem('inbox:read', `${world.issuer}/mcp`, own)).body.access_token;
    const ping = {
      method: 'POST',
      headers: {
        authorization: `Bearer ${tools}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
      },
      body: JSON.stringify({
        ...{ jsonrpc: '2.0', id: 1, method: 'initialize' },
        params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'certified', version: '1' } },
      }),
    };
    const hello = (certificate: MadeCertificate | undefined) =>
      new Promise<string | number>((resolve) => {
        const socket = proxy.socket(certificate);
        socket.on('open', () => socket.send(JSON.stringify({ type: 'auth', token: access_token })));
        socket.on('message', (data) => {
          resolve((JSON.parse(String(data)) as { type: string }).type);
          socket.close();
        });
        socket.on('close', (code) => resolve(code));
        socket.on('error', () => resolve('error'));
      });
    expect((await proxy.send('/api/v1/me', { certificate: own, headers: { authorization } })).status).toBe(200);
    expect((await proxy.send('/mcp', { ...ping, certificate: own })).status).toBe(200);
    expect(await hello(own)).toBe('ready');
    for (const wrong of [other, undefined]) {
      expect((await proxy.send('/api/v1/me', { certificate: wrong, headers: { authorization } })).status).toBe(401);
      expect((await proxy.send('/mcp', { ...ping, certificate: wrong })).status).toBe(401);
      expect(await hello(wrong)).toBe(4401);
    }
    const refresh = (certificate?: MadeCertificate) =>
      proxy.send('/oauth/token', {
        certificate,
        method: 'POST',
        headers: form,
        body: String(new URLSearchParams({ grant_type: 'refresh_token', refresh_token, client_id })),
      });
    expect((await refresh(other)).body.error).toBe('invalid_grant');
    expect((await refresh(own)).status).toBe(200);
  });

  it('say so when they are introspected, also the opaque ones, and userinfo wants the certificate too', async () => {
    const own = certificateOf({ dns: 'opaque.acme.example' });
    const audience = 'https://opaque.example/api';
    ok(
      await world.operator.post('/api/v1/admin/oauth/resources', {
        audience,
        name: 'Opaque',
        scopes: ['look'],
        format: 'opaque',
      }),
    );
    const client = await register({
      auth_method: 'tls_client_auth',
      certificate_name: { kind: 'san_dns', value: 'opaque.acme.example' },
      certificate_required: true,
      grant_types: ['authorization_code', 'client_credentials'],
      redirect_uris: [redirect],
      scopes: ['look', 'tools', 'openid'],
    });
    const { client_id } = client;
    const post = (path: string, body: Record<string, string>) =>
      proxy.send(path, {
        certificate: own,
        method: 'POST',
        headers: form,
        body: String(new URLSearchParams({ client_id, ...body })),
      });
    for (const resource of [audience, elsewhere]) {
      const given = await post('/oauth/token', { grant_type: 'client_credentials', resource });
      expect((await post('/oauth/introspect', { token: given.body.access_token })).body).toMatchObject({
        active: true,
        cnf: { 'x5t#S256': own.thumbprint },
      });
    }
    const { code, verifier } = await world.codeFor(client_id, { scope: 'openid' });
    const signedIn = await post('/oauth/token', {
      grant_type: 'authorization_code',
      code,
      code_verifier: verifier,
      redirect_uri: redirect,
    });
    const headers = { authorization: `Bearer ${signedIn.body.access_token}` };
    expect((await proxy.send('/oauth/userinfo', { certificate: own, headers })).body.sub).toBe(world.person.id);
    expect((await proxy.send('/oauth/userinfo', { headers })).status).toBe(401);
  });
});

it('a client is registered with what its certificates need, or not at all', async () => {
  const own = makeCertificate({ subject: { CN: 'own' } });
  const wrong: [string, Record<string, unknown>][] = [
    ['certificate_name', { auth_method: 'tls_client_auth' }],
    ['certificate_name', { certificate_name: { kind: 'san_dns', value: 'a.example' } }],
    ['jwks', { auth_method: 'self_signed_tls_client_auth' }],
    ['jwks.keys.0', { auth_method: 'self_signed_tls_client_auth', jwks: { keys: [own.publicJwk] } }],
  ];
  for (const [path, settings] of wrong) {
    const answer = await world.operator.post('/api/v1/admin/oauth/clients', {
      name: 'Wrong',
      grant_types: ['client_credentials'],
      ...settings,
    });
    expect(answer, path).toMatchObject({ status: 422, body: { errors: [{ path }] } });
  }
  const client = await register({ auth_method: 'client_secret_basic' });
  const changed = await world.operator.patch(`/api/v1/admin/oauth/clients/${client.id}`, {
    version: client.version,
    certificate_required: true,
  });
  expect(changed.body).toMatchObject({ certificate_required: true, application_type: client.application_type });
  const discovery = (await world.anonymous.get('/.well-known/oauth-authorization-server')).body;
  expect(discovery.tls_client_certificate_bound_access_tokens).toBe(true);
  expect(discovery.token_endpoint_auth_methods_supported).toEqual(
    expect.arrayContaining(['tls_client_auth', 'self_signed_tls_client_auth']),
  );
});

it('a client signs with its secret (client_secret_jwt), which lies encrypted and is never shown again', async () => {
  const made = ok(
    await world.operator.post('/api/v1/admin/oauth/clients', {
      ...{ name: 'Signs', auth_method: 'client_secret_jwt', grant_types: ['client_credentials'], scopes: ['tools'] },
    }),
  );
  const { client, client_secret } = made;
  const assertion = (secret: string) =>
    new SignJWT({ jti: randomUUID() })
      .setProtectedHeader({ alg: 'HS256' })
      .setIssuer(client.client_id)
      .setSubject(client.client_id)
      .setAudience(world.issuer)
      .setIssuedAt()
      .setExpirationTime('1m')
      .sign(new TextEncoder().encode(secret));
  const ask = (client_assertion: string) =>
    world.token({
      ...{ grant_type: 'client_credentials', resource: elsewhere, scope: 'tools', client_assertion },
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    });
  const once = await assertion(client_secret);
  expect(await ask(once)).toMatchObject({ status: 200, body: { scope: 'tools' } });
  const { rows } = await world.database.query(
    'select id, secret_hash, secret_sealed from oauth_clients where client_id = $1',
    [client.client_id],
  );
  expect(rows[0]).toMatchObject({ secret_hash: null, secret_sealed: expect.stringMatching(/^v1\./) });
  const shown = await world.operator.get(`/api/v1/admin/oauth/clients/${client.id}`);
  expect(JSON.stringify(shown.body)).not.toContain(client_secret);
  expect(shown.body.secret_prefix).toBe(client_secret.slice(0, 8));
  for (const wrong of [once, await assertion(`${client_secret}x`), await assertion(rows[0].secret_sealed)])
    expect(await ask(wrong)).toMatchObject(refused);
  // The secret alone is no proof of this client, and the stored hash of another client no key.
  const form = { grant_type: 'client_credentials', resource: elsewhere };
  expect(await world.token(form, basic(client.client_id, client_secret))).toMatchObject(refused);
  const other = await world.operatorClient({ scopes: ['tools'] });
  const hash = createHash('sha256').update(other.secret!).digest('hex');
  const forged = await new SignJWT({ jti: randomUUID() })
    .setProtectedHeader({ alg: 'HS256' })
    .setIssuer(other.client_id)
    .setSubject(other.client_id)
    .setAudience(world.issuer)
    .setIssuedAt()
    .setExpirationTime('1m')
    .sign(new TextEncoder().encode(hash));
  expect(await ask(forged)).toMatchObject(refused);
  const rotated = ok(await world.operator.post(`/api/v1/admin/oauth/clients/${client.id}/rotate-secret`));
  expect(await ask(await assertion(client_secret))).toMatchObject(refused);
  expect((await ask(await assertion(rotated.client_secret))).status).toBe(200);
});
