/** Holes that this server's forerunner and another well-known server had. None may come back here. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stepOf, totpCode } from '../../../src/modules/identity/totp.ts';
import { type FormBrowser, formOf } from '../../support/form-browser.ts';
import { createMovedClock } from '../../support/moved-clock.ts';
import { basic, type OauthWorld, openOauthWorld, pkce, redirect } from '../../support/oauth-world.ts';
import { ok, password } from '../../support/people.ts';
import { createRestClient, type Json } from '../../support/rest-client.ts';

const clients = '/api/v1/admin/oauth/clients';
const clock = createMovedClock();
let world: OauthWorld;
let api: string;
beforeAll(async () => {
  world = await openOauthWorld({ env: clock.env });
  api = `${world.issuer}/api/v1`;
}, 120_000);
afterAll(() => world.close());

const signedIn = (token: string, headers?: Record<string, string>): FormBrowser => {
  const browser = world.browser(headers);
  browser.setCookie('atrium_session', token);
  return browser;
};

describe('hole 1: open registration', () => {
  it('makes nobody an administrator: neither by a scope that is asked for nor by a client that acts for itself', async () => {
    const body = { redirect_uris: [redirect], token_endpoint_auth_method: 'none' };
    const register = async (more: object, address: string) =>
      (
        await fetch(`${world.issuer}/oauth/register`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', 'x-forwarded-for': address },
          body: JSON.stringify({ ...body, ...more }),
        })
      ).status;
    expect(await register({ scope: 'admin' }, '10.61.0.1')).toBe(400);
    expect(await register({ scope: 'admin:oauth' }, '10.61.0.1')).toBe(400);
    expect(await register({ grant_types: ['client_credentials'] }, '10.61.0.1')).toBe(400);
    expect(await register({ token_endpoint_auth_method: 'client_secret_basic' }, '10.61.0.1')).toBe(400);
    expect(await register({}, '10.61.0.1')).toBe(201);
    // Nor does a token that holds such a scope in the hands of a person who is no operator.
    const made = await world.operatorClient({ scopes: ['account:read', 'admin:read', 'offline_access'] });
    const { code, verifier } = await world.codeFor(made.client_id, { resource: api, scope: 'account:read admin:read' });
    const form = { grant_type: 'authorization_code', code, code_verifier: verifier, redirect_uri: redirect };
    const { access_token } = (await world.token(form, basic(made.client_id, made.secret!))).body;
    expect((await createRestClient(world.issuer, access_token).get('/api/v1/admin/identity/users')).status).toBe(403);
  });
});

describe('hole 2: the device page', () => {
  it('shows markup in a code as text, in its address and in its form', async () => {
    const evil = '"><img src=x onerror=alert(1)><script>alert(1)</script>';
    const opened = await world.browser().get(`/device?user_code=${encodeURIComponent(evil)}`);
    expect(opened.text).not.toMatch(/<script|<img/);
    expect(opened.headers.get('content-security-policy')).toContain("default-src 'none'");
  });
});

describe('hole 3: logout', () => {
  it('leads nowhere that was not registered, and repeats nothing that could run', async () => {
    const made = await world.operatorClient({ metadata: { post_logout_redirect_uris: ['https://app.example/bye'] } });
    const evil = '"><script>alert(1)</script>';
    for (const target of [
      'https://evil.example/',
      'https://app.example/bye?x=1',
      'https://app.example.evil.example/bye',
      'javascript:alert(1)',
      'data:text/html,<script>alert(1)</script>',
      '//evil.example',
    ]) {
      const query = new URLSearchParams({ client_id: made.client_id, post_logout_redirect_uri: target, state: evil });
      const page = await signedIn(world.person.token).get(`/oauth/logout?${query}`);
      expect([target, page.status, page.leaves]).toEqual([target, 400, null]);
      expect(page.text).not.toMatch(/<script|<iframe|evil|javascript:/);
    }
    const asked = await signedIn(world.person.token).get(
      `/oauth/logout?${new URLSearchParams({ client_id: made.client_id, state: evil })}`,
    );
    expect(asked.text).not.toMatch(/<script|<iframe/);
  });
});

describe('hole 5: pages', () => {
  it('allow no script of their own making, no eval and nothing from elsewhere, and ask before anything is allowed', async () => {
    const client = await world.register();
    const url = world.authorizeUrl(client, pkce().challenge);
    const consent = await signedIn(world.person.token).get(url);
    expect(consent.text).toContain('name="decision"');
    for (const page of [
      consent,
      await world.browser().get(url),
      await world.browser().get('/login'),
      await world.browser().get('/device'),
      await world.browser().get('/oauth/logout'),
      await world.browser().get('/oauth/authorize?client_id=unknown'),
    ]) {
      const policy = page.headers.get('content-security-policy')!;
      expect([page.url, policy]).toEqual([page.url, expect.stringContaining("default-src 'none'")]);
      expect(policy).not.toMatch(/unsafe-inline|unsafe-eval|script-src[^;]*(https?:|\*)/);
      expect(page.text).not.toMatch(/<script|<style|\son\w+=|style=|src="https?:/);
    }
  });
});

describe('hole 6: the older code', () => {
  it('nobody is signed in or asked for by default: without a session there is no code, nor without a consent', async () => {
    const client = await world.register();
    const url = (more = {}) => world.authorizeUrl(client, pkce().challenge, more);
    const page = await world.browser().get(url());
    expect([page.leaves, page.text]).toEqual([null, expect.stringContaining('name="password"')]);
    const silent = async (browser: FormBrowser) => new URL((await browser.get(url({ prompt: 'none' }))).leaves!);
    expect((await silent(world.browser())).searchParams.get('error')).toBe('login_required');
    const unasked = await silent(signedIn(world.person.token));
    expect(unasked.searchParams.get('code')).toBeNull();
    // The browser has no session with the engine yet, so sign-in or consent is what lacks.
    expect(['consent_required', 'login_required', 'interaction_required']).toContain(unasked.searchParams.get('error'));
  });

  it('introspection and revocation ask who it is', async () => {
    const tokens = await world.tokensFor(await world.register(), { resource: api });
    for (const path of ['/oauth/introspect', '/oauth/revoke'])
      for (const [form, headers] of [
        [{}, {}],
        [{ client_id: 'nobody' }, {}],
        [{}, basic('nobody', 'secret')],
        [{}, { authorization: `Bearer ${tokens.access_token}` }],
      ] as [Record<string, string>, Record<string, string>][]) {
        const answer = await world.post(path, { token: tokens.access_token, ...form }, headers);
        expect([path, form, answer.body.error]).toEqual([
          path,
          form,
          expect.stringMatching(/invalid_(client|request)/),
        ]);
        expect([400, 401]).toContain(answer.status);
      }
    expect((await createRestClient(world.issuer, tokens.access_token).get('/api/v1/me')).status).toBe(200);
  });

  it('lists of operators show what there is, and a client that is deleted is gone with what it held', async () => {
    const back = 'https://books.example/done';
    const { client, client_secret } = ok(
      await world.operator.post(clients, { name: 'Hole six', redirect_uris: [back], scopes: ['inbox:read'] }),
    );
    // Neither in the table nor in what is shown again is the secret.
    const stored = await world.database.query('select c::text as row from oauth_clients c where id = $1', [client.id]);
    expect(stored.rows[0].row).toContain(client.client_id);
    expect(stored.rows[0].row).not.toContain(client_secret);
    const { code, verifier } = await world.codeFor(client.client_id, {
      resource: api,
      redirect_uri: back,
      scope: 'inbox:read',
    });
    const form = { grant_type: 'authorization_code', code, code_verifier: verifier, redirect_uri: back };
    const { access_token } = (await world.token(form, basic(client.client_id, client_secret))).body;
    const me = () => createRestClient(world.issuer, access_token).get('/api/v1/me');
    expect((await me()).status).toBe(200);
    const found = async (path: string) => ok(await world.operator.get(path)).items as Json[];
    expect(await found(`${clients}?q=Hole%20six`)).toHaveLength(1);
    expect(await found(`/api/v1/admin/oauth/tokens?client_id=${client.client_id}`)).toHaveLength(1);
    expect((await found('/api/v1/admin/identity/users')).length).toBeGreaterThan(2);

    ok(await world.operator.delete(`${clients}/${client.id}`));
    expect(await found(`${clients}?q=Hole%20six`)).toEqual([]);
    expect((await world.operator.get(`${clients}/${client.id}`)).status).toBe(404);
    expect((await me()).status).toBe(401);
    const again = await world.token({ grant_type: 'client_credentials' }, basic(client.client_id, client_secret));
    expect(again).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
  });

  it('discovery names this server alone, and no other origin is let at what needs a credential', async () => {
    const document = (await (await fetch(`${world.issuer}/.well-known/openid-configuration`)).json()) as Json;
    const addresses = JSON.stringify(document).match(/https?:\/\/[^"]+/g)!;
    expect(addresses.length).toBeGreaterThan(8);
    for (const address of addresses) expect(address.startsWith(world.issuer)).toBe(true);
    const origin = 'https://evil.example';
    const client_id = await world.register();
    const form = new URLSearchParams({ client_id, grant_type: 'refresh_token', refresh_token: 'x', token: 'x' });
    for (const path of ['/oauth/token', '/oauth/revoke', '/oauth/introspect', '/oauth/par', '/oauth/userinfo'])
      for (const method of ['OPTIONS', 'POST']) {
        const headers = { origin, 'access-control-request-method': 'POST' };
        const answer = await fetch(`${world.issuer}${path}`, {
          method,
          headers,
          ...(method === 'POST' ? { body: form } : {}),
        });
        expect([method, path, answer.headers.get('access-control-allow-credentials')]).toEqual([method, path, null]);
        if (method === 'OPTIONS' || path === '/oauth/token')
          expect([method, path, answer.headers.get('access-control-allow-origin')]).toEqual([method, path, null]);
      }
    for (const path of ['/api/v1/me', '/auth/login', '/api/v1/setup']) {
      const { headers } = await fetch(`${world.issuer}${path}`, { headers: { origin } });
      expect([path, headers.get('access-control-allow-origin')]).toEqual([path, null]);
      expect([path, headers.get('access-control-allow-credentials')]).toEqual([path, null]);
    }
  });
});

describe('holes of another server', () => {
  it('CVE-2025-61928: without a credential nobody makes a key, and with one only for oneself', async () => {
    const path = '/api/v1/me/api-keys';
    const victim = await world.org.member('Victim');
    const body = { name: 'mine', scopes: ['inbox:read'] };
    for (const more of [{}, { user_id: victim.id }, { userId: victim.id }, { user_id: victim.id, key: 'atk_chosen' }]) {
      const refused = await world.anonymous.post(path, { ...body, ...more });
      expect([more, refused.status]).toEqual([more, 401]);
    }
    for (const name of ['x-user-id', 'x-api-key', 'x-forwarded-user']) {
      const refused = await world.anonymous.post(path, body, { headers: { [name]: victim.id } });
      expect(refused.status).toBe(401);
    }
    const other = await world.org.member('Other');
    const foreign = await other.post(path, { ...body, user_id: victim.id });
    expect([foreign.status, foreign.body.errors[0].path]).toEqual([400, 'user_id']);
    const { api_key } = ok(await other.post(path, body));
    const me = await createRestClient(world.issuer, api_key).get('/api/v1/me');
    expect(me.body.user.id).toBe(other.id);
    expect(ok(await victim.get(path)).items).toEqual([]);
  });

  it('two-factor bypass by a cached cookie: what was a session, or is on the way to one, opens nothing', async () => {
    const person = await world.makePerson('Doubled');
    const login = () => world.anonymous.post('/auth/login', { email: person.email, password });
    const cached = ok(await login()).access_token as string;
    const { secret } = ok(await person.post('/api/v1/me/factors/totp'));
    ok(await person.post('/api/v1/me/factors/totp/confirm', { code: totpCode(secret, stepOf(new Date()) - 1) }));
    ok(await createRestClient(world.issuer, cached).post('/auth/logout', {}));
    const refused = await world.anonymous.post(
      '/auth/login',
      { email: person.email, password },
      { headers: { cookie: `atrium_session=${cached}` } },
    );
    expect([refused.status, refused.headers.get('set-cookie')]).toEqual([401, null]);
    const client = await world.register();
    for (const value of [cached, refused.body.challenge as string]) {
      const headers = { cookie: `atrium_session=${value}` };
      expect((await world.anonymous.get('/api/v1/me', { headers })).status).toBe(401);
      expect((await createRestClient(world.issuer, value).get('/api/v1/me')).status).toBe(401);
      const page = await signedIn(value).get(world.authorizeUrl(client, pkce().challenge));
      expect([page.leaves, page.text]).toEqual([null, expect.stringContaining('name="password"')]);
    }
    // The password alone, in the form of the page, leads to the second factor and not on.
    const browser = world.browser();
    const page = await browser.get(world.authorizeUrl(client, pkce().challenge));
    const next = await browser.submit(page, { email: person.email, password });
    expect(next.text).not.toContain('name="decision"');
    expect(browser.cookie('atrium_session')).toBeNull();
  });

  it('CVE-2026-45364: addresses of one /64 count as one, whichever of them asks and however it is written', async () => {
    const made = await world.operatorClient();
    const guess = async (address: string) =>
      (
        await world.token(
          { grant_type: 'client_credentials', resource: api },
          { ...basic(made.client_id, 'wrong'), 'x-forwarded-for': address },
        )
      ).status;
    const statuses: number[] = [];
    for (const address of [
      '2001:db8:1:2::1',
      '2001:db8:1:2:ffff:ffff:ffff:ffff',
      '2001:0db8:0001:0002:0000:0000:0000:0003',
      '2001:DB8:1:2::4',
      '2001:db8:1:2:5::',
      '2001:db8:1:2::6',
    ])
      statuses.push(await guess(address));
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429]);
    expect(await guess('2001:db8:1:3::1')).toBe(401);
    const mapped: number[] = [];
    for (let n = 0; n < 6; n += 1) mapped.push(await guess(n % 2 === 0 ? '198.51.100.7' : '::ffff:198.51.100.7'));
    expect(mapped).toEqual([401, 401, 401, 401, 401, 429]);
    const register = async (n: number) =>
      (
        await fetch(`${world.issuer}/oauth/register`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', 'x-forwarded-for': `2001:db8:9:9::${n.toString(16)}` },
          body: JSON.stringify({ redirect_uris: [redirect], token_endpoint_auth_method: 'none' }),
        })
      ).status;
    for (let n = 1; n <= 10; n += 1) expect(await register(n)).toBe(201);
    expect(await register(11)).toBe(429);
  });

  it('GHSA-cq3f-vc6p-68fh: nobody approves a device that another person has claimed, by any page or form', async () => {
    const grant_type = 'urn:ietf:params:oauth:grant-type:device_code';
    const made = await world.operatorClient({
      auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token', grant_type],
    });
    const start = { client_id: made.client_id, scope: 'inbox:read', resource: api };
    const device = (await world.post('/oauth/device_authorization', start)).body;
    const owner = signedIn(world.person.token, { 'x-forwarded-for': '10.62.0.1' });
    const confirm = await owner.submit(await owner.get('/device'), { user_code: device.user_code });
    const consent = await owner.submit(confirm, { confirm: 'yes' });
    const stranger = await world.org.member('Mallory');
    const thief = signedIn(stranger.token, { 'x-forwarded-for': '10.62.0.2' });
    const typed = await thief.submit(await thief.get('/device'), { user_code: device.user_code });
    expect(typed.text).toContain('already used');
    // The form of the other person, sent by this one.
    for (const page of [confirm, consent]) {
      const { action, fields } = formOf(page);
      const sent = await thief.post(new URL(action, page.url).href, [
        ...fields,
        ['confirm', 'yes'],
        ['decision', 'allow'],
      ]);
      expect(sent.text).not.toContain('The device is connected');
      expect(sent.text).not.toContain('name="decision"');
    }
    const poll = { grant_type, device_code: device.device_code, client_id: made.client_id };
    expect((await world.token(poll)).body.error).toBe('authorization_pending');
    expect((await owner.submit(consent, { decision: 'allow' })).text).toContain('The device is connected');
    clock.move(30_000);
    const tokens = await world.token(poll);
    clock.move(0);
    const me = await createRestClient(world.issuer, tokens.body.access_token).get('/api/v1/me');
    expect(me.body.principal.id ?? me.body.user.id).toBe(world.person.id);
  });
});

// Last: a server does not go back in time.
describe('hole 4: token exchange', () => {
  it('gives nothing for a subject token that has expired', async () => {
    const type = 'urn:ietf:params:oauth:grant-type:token-exchange';
    const relay = await world.operatorClient({ grant_types: [type], redirect_uris: [], scopes: ['inbox:read'] });
    await world.database.query('update oauth_clients set allowed_actors = $2 where client_id = $1', [
      relay.client_id,
      [relay.client_id],
    ]);
    const subject = await world.tokensFor(await world.register(), { resource: api, scope: 'inbox:read' });
    const exchange = () =>
      world.token(
        {
          grant_type: type,
          subject_token: subject.access_token,
          subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        },
        basic(relay.client_id, relay.secret!),
      );
    expect((await exchange()).status).toBe(200);
    clock.move((subject.expires_in + 6) * 1000);
    expect(await exchange()).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
  });
});
