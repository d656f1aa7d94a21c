import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { basic, type OauthWorld, openOauthWorld, redirect } from '../support/oauth-world.ts';
import { ok } from '../support/people.ts';
import { createRestClient, type Json } from '../support/rest-client.ts';
import { serverDatabaseUrl } from '../support/server-database.ts';
import { removeDataDir, startServer } from '../support/start-server.ts';
import { until } from '../support/until.ts';

const clientsPath = '/api/v1/admin/oauth/clients';

let world: OauthWorld;
beforeAll(async () => {
  world = await openOauthWorld({ env: { ATRIUM_OAUTH_REGISTRATION: 'token' } });
  ok(
    await world.operator.post('/api/v1/admin/oauth/resources', {
      audience: orders,
      name: 'Orders',
      scopes: ['orders:read'],
      ttl_s: 600,
    }),
  );
});
afterAll(() => world.close());

const makeClient = async (parts: object): Promise<Json> =>
  ok(await world.operator.post(clientsPath, { name: 'Console', ...parts }));
const withToken = (token: string) => createRestClient(() => world.url, token);
const rest = () => `${world.issuer}/api/v1`;
const orders = 'https://orders.example/api';

describe('a client that an operator made', () => {
  it('gets tokens with the secret that was shown, until it is disabled; those it holds end at once', async () => {
    const { client, client_secret } = await makeClient({
      grant_types: ['client_credentials'],
      scopes: ['orders:read'],
    });
    const form = { grant_type: 'client_credentials', scope: 'orders:read', resource: orders };
    const first = await world.token(form, basic(client.client_id, client_secret));
    expect([first.status, first.body]).toMatchObject([200, { token_type: 'Bearer', expires_in: 600 }]);
    const [listed] = ok(await world.operator.get(`/api/v1/admin/oauth/tokens?client_id=${client.client_id}`)).items;
    expect(listed).toMatchObject({ state: 'active', format: 'jwt', scopes: ['orders:read'], resource: orders });
    ok(await world.operator.post(`${clientsPath}/${client.id}/disable`));
    const refused = await world.token(form, basic(client.client_id, client_secret));
    expect([refused.status, refused.body.error]).toEqual([401, 'invalid_client']);
    expect(ok(await world.operator.get(`/api/v1/admin/oauth/tokens/${listed.id}`)).state).toBe('revoked');
  });

  it('knows only its new secret after a rotation', async () => {
    const { client, client_secret } = await makeClient({
      grant_types: ['client_credentials'],
      scopes: ['orders:read'],
    });
    const rotated = ok(await world.operator.post(`${clientsPath}/${client.id}/rotate-secret`)).client_secret;
    const form = { grant_type: 'client_credentials', scope: 'orders:read', resource: orders };
    expect((await world.token(form, basic(client.client_id, client_secret))).status).toBe(401);
    expect((await world.token(form, basic(client.client_id, rotated))).status).toBe(200);
  });

  it('a revoked token is refused by the next call that carries it', async () => {
    const { client } = await makeClient({
      auth_method: 'none',
      redirect_uris: [redirect],
      scopes: ['inbox:read', 'org:read'],
    });
    const { access_token } = await world.tokensFor(client.client_id, { resource: rest(), scope: 'inbox:read' });
    expect((await withToken(access_token).get('/api/v1/me')).status).toBe(200);
    const [token] = ok(await world.operator.get(`/api/v1/admin/oauth/tokens?client_id=${client.client_id}`)).items;
    ok(await world.operator.post(`/api/v1/admin/oauth/tokens/${token.id}/revoke`));
    expect((await withToken(access_token).get('/api/v1/me')).status).toBe(401);
  });

  it('what happened is counted by the hour', async () => {
    const last = ok(await world.operator.get('/api/v1/admin/overview')).hours.at(-1);
    expect(last.tokens_issued).toBeGreaterThan(1);
    expect(last.client_failures).toBeGreaterThan(0);
  });
});

describe('situation 45: a scope alone opens nothing', () => {
  it('an admin scope in the hands of somebody who is no operator is refused and audited; an operator passes', async () => {
    const { client } = await makeClient({ auth_method: 'none', redirect_uris: [redirect], scopes: ['admin:read'] });
    const asked = { resource: rest(), scope: 'admin:read' };
    const person = await world.tokensFor(client.client_id, asked);
    expect(person.scope).toContain('admin:read');
    const refused = await withToken(person.access_token).get('/api/v1/admin/identity/users');
    expect([refused.status, refused.body.code]).toEqual([403, 'operator_required']);
    const lines = await until(async () => {
      const found = ok(await world.operator.get('/api/v1/admin/audit?action=operation.denied')).items;
      return found.length > 0 ? found : null;
    }, 'the refusal in the trail');
    expect(lines[0]).toMatchObject({ actor: { id: world.person.id }, details: { operation: 'users.list' } });
    const operator = await world.tokensFor(client.client_id, asked, world.operator);
    expect((await withToken(operator.access_token).get('/api/v1/admin/identity/users')).status).toBe(200);
    const writes = await withToken(operator.access_token).post(
      `/api/v1/admin/identity/users/${world.person.id}/disable`,
    );
    expect([writes.status, writes.body.code]).toEqual([403, 'insufficient_scope']);
  });

  it('an operator loses the right in open tokens when it is taken back', async () => {
    const deputy = await world.makePerson('Deputy');
    const role = `/api/v1/admin/identity/users/${deputy.id}/role`;
    ok(await world.operator.post(role, { is_operator: true }));
    const { client } = await makeClient({ auth_method: 'none', redirect_uris: [redirect], scopes: ['admin:read'] });
    const { access_token } = await world.tokensFor(client.client_id, { resource: rest(), scope: 'admin:read' }, deputy);
    expect((await withToken(access_token).get(clientsPath)).status).toBe(200);
    ok(await world.operator.post(role, { is_operator: false }));
    expect((await withToken(access_token).get(clientsPath)).status).toBe(403);
  });
});

describe('a registration token', () => {
  it('lets a client register itself with a web address, and one that was ended does not', async () => {
    const path = '/api/v1/admin/oauth/registration-tokens';
    const made = ok(await world.operator.post(path, { note: 'Partner' }));
    const register = (token: string) =>
      fetch(`${world.issuer}/oauth/register`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
        body: JSON.stringify({
          client_name: 'Partner',
          redirect_uris: ['https://partner.example/done'],
          token_endpoint_auth_method: 'client_secret_basic',
        }),
      });
    const answer = await register(made.token);
    expect(answer.status).toBe(201);
    const { client_id } = (await answer.json()) as Json;
    const [found] = ok(await world.operator.get(`${clientsPath}?q=${client_id}`)).items;
    expect(found).toMatchObject({ origin: 'registered', name: 'Partner', enabled: true });
    const ended = ok(await world.operator.post(path, { note: 'Ended' }));
    ok(await world.operator.delete(`${path}/${ended.registration_token.id}`));
    expect((await register(ended.token)).status).toBe(401);
  });
});

describe('situation 81 on a second replica', () => {
  it('a range that one replica denied gets no answer from the other, and is answered again without a restart', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'atrium-replica-'));
    const second = await startServer({
      dataDir,
      env: {
        DATABASE_URL: serverDatabaseUrl(world.server.dataDir),
        ATRIUM_MASTER_KEY: readFileSync(join(world.server.dataDir, 'master.key'), 'utf8').trim(),
        ATRIUM_TRUSTED_PROXIES: '127.0.0.1',
      },
    });
    try {
      const from = { headers: { 'x-forwarded-for': '2001:db8:bad::7' } };
      const stranger = createRestClient(() => second.url);
      expect((await stranger.get('/api/v1/setup', from)).status).toBe(200);
      const denied = ok(await world.operator.post('/api/v1/admin/ip-denylist', { range: '2001:db8:bad::/48' }));
      await until(
        async () => (await stranger.get('/api/v1/setup', from)).status === 403,
        'the other replica refuses',
        1000,
      );
      ok(await world.operator.delete(`/api/v1/admin/ip-denylist/${denied.id}`));
      await until(
        async () => (await stranger.get('/api/v1/setup', from)).status === 200,
        'the other answers again',
        1000,
      );
    } finally {
      await second.stop();
      removeDataDir(dataDir);
    }
  });
});
