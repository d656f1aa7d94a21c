import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openBrowser } from '../../../../../scripts/open-browser.ts';
import { startConnectionTrap } from '../../support/connection-trap.ts';
import { FormBrowser } from '../../support/form-browser.ts';
import { type OauthWorld, openOauthWorld, pkce, redirect } from '../../support/oauth-world.ts';
import { password } from '../../support/people.ts';
import { createRestClient } from '../../support/rest-client.ts';

let world: OauthWorld;
let client: string;
beforeAll(async () => {
  world = await openOauthWorld({ shared: true });
  client = await world.register();
}, 120_000);
afterAll(() => world.close());

const claimsOf = (token: string) => JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString());

const redeem = (code: string, verifier: string, more: Record<string, string> = {}) =>
  world.token({
    grant_type: 'authorization_code',
    code,
    code_verifier: verifier,
    redirect_uri: redirect,
    client_id: client,
    ...more,
  });

const me = (token: string) => createRestClient(world.issuer, token).get('/api/v1/me');

describe('authorization code', () => {
  it('1, 38: a public client that registered itself finishes code and PKCE on a loopback port it did not register', async () => {
    const { verifier, challenge } = pkce();
    const other = 'http://127.0.0.1:61234/callback';
    const url = world.authorizeUrl(client, challenge, { redirect_uri: other, resource: `${world.issuer}/api/v1` });
    const answer = await world.browser().authorize(url, { email: world.person.email, password });
    expect(`${answer.origin}${answer.pathname}`).toBe(other);
    expect(answer.searchParams.get('iss')).toBe(world.issuer);
    expect(answer.searchParams.get('state')).toBe('state-1');
    const tokens = await redeem(answer.searchParams.get('code')!, verifier, { redirect_uri: other });
    expect(tokens).toMatchObject({ status: 200, body: { token_type: 'Bearer', expires_in: 3600 } });
    expect(tokens.headers.get('cache-control')).toBe('no-store');
    expect(claimsOf(tokens.body.access_token)).toMatchObject({
      iss: world.issuer,
      aud: `${world.issuer}/api/v1`,
      sub: world.person.id,
      org: world.org.id,
      client_id: client,
      actor_type: 'user',
    });
    const answered = await me(tokens.body.access_token);
    expect(answered.status).toBe(200);
    expect(answered.body.principal).toMatchObject({ type: 'user', id: world.person.id });
    expect(answered.body.org.id).toBe(world.org.id);
  });

  it('a request may be sent as a form, and goes on like one in the address (OpenID Connect Core 3.1.2.1)', async () => {
    const { verifier, challenge } = pkce();
    const url = new URL(world.authorizeUrl(client, challenge, { resource: `${world.issuer}/api/v1` }));
    const browser = world.browser();
    const page = await browser.post('/oauth/authorize', url.searchParams);
    const asked = await browser.submit(page, { email: world.person.email, password });
    const answer = asked.leaves === null ? await browser.submit(asked, { decision: 'allow' }) : asked;
    const code = new URL(answer.leaves!).searchParams.get('code')!;
    expect((await redeem(code, verifier)).status).toBe(200);

    const refused = await browser.post(url.href, url.searchParams);
    expect(refused.leaves).toBeNull();
    const foreign = await browser.post('/oauth/authorize', [['client_id', 'nobody']]);
    expect([foreign.status, foreign.leaves]).toEqual([400, null]);
    const large = await browser.post('/oauth/authorize', [['state', 'x'.repeat(9000)]]);
    expect([large.status, large.text]).toEqual([413, expect.stringContaining('/oauth/par')]);
  });

  it('the form of another site finds the person signed in, as its link would', async () => {
    const browser = await openBrowser();
    const context = await browser.newContext();
    const { token } = await world.org.member('Form From Elsewhere');
    await context.addCookies([{ name: 'atrium_session', value: token, url: world.issuer, sameSite: 'Lax' }]);
    const page = await context.newPage();
    const fields = [...new URL(world.authorizeUrl(client, pkce().challenge)).searchParams]
      .map(([name, value]) => `<input name="${name}" value="${value}">`)
      .join('');
    await page.route('http://elsewhere.example/', (route) =>
      route.fulfill({
        contentType: 'text/html',
        body: `<form method="post" action="${world.issuer}/oauth/authorize">${fields}<button>Go</button></form>`,
      }),
    );
    await page.goto('http://elsewhere.example/');
    await page.getByRole('button', { name: 'Go' }).click();
    await page.getByRole('button', { name: 'Allow' }).waitFor();
    expect(new URL(page.url()).origin).toBe(world.issuer);
    await browser.close();
  });

  it('2: without a code challenge, or with a plain one, there is no code, for confidential clients too', async () => {
    const confidential = await world.operatorClient();
    for (const client_id of [client, confidential.client_id]) {
      for (const more of [{ code_challenge: '', code_challenge_method: '' }, { code_challenge_method: 'plain' }]) {
        const url = new URL(world.authorizeUrl(client_id, pkce().challenge, more));
        for (const [name, value] of [...url.searchParams]) if (value === '') url.searchParams.delete(name);
        const page = await world.browser().get(url.href);
        const answer = new URL(page.leaves!);
        expect(answer.searchParams.get('error')).toBe('invalid_request');
        expect(answer.searchParams.get('code')).toBeNull();
        expect(answer.searchParams.get('iss')).toBe(world.issuer);
      }
    }
  });

  it('3: a client that names neither scope nor resource gets the usual scopes of /mcp', async () => {
    const tokens = await world.tokensFor(client);
    const usual = ['account:read', 'diary:read', 'diary:write', 'inbox:read', 'inbox:write', 'org:read'];
    expect(tokens.scope.split(' ').sort()).toEqual(usual);
    expect(claimsOf(tokens.access_token).aud).toBe(`${world.issuer}/mcp`);
    expect(tokens.refresh_token).toMatch(/^[\w-]{43}$/);
  });

  it('4: an unknown resource is refused at both ends, and a slash makes another one', async () => {
    for (const resource of ['https://elsewhere.example/mcp', `${world.issuer}/mcp/`]) {
      const page = await world.browser().get(world.authorizeUrl(client, pkce().challenge, { resource }));
      expect(new URL(page.leaves!).searchParams.get('error')).toBe('invalid_target');
    }
    const { code, verifier } = await world.codeFor(client, { resource: `${world.issuer}/mcp` });
    const answer = await redeem(code, verifier, { resource: `${world.issuer}/api/v1` });
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_target' } });
  });

  it('5: a redirect that differs in one parameter ends on a page that repeats nothing of it', async () => {
    const marker = 'x-marker-9';
    const page = await world
      .browser()
      .get(world.authorizeUrl(client, pkce().challenge, { redirect_uri: `${redirect}?${marker}=1` }));
    expect(page.leaves).toBeNull();
    expect(page.status).toBe(400);
    expect(page.text).toContain('invalid_redirect_uri');
    expect(page.text).not.toContain(marker);
  });

  it('6: a repeated parameter is refused', async () => {
    const url = `${world.authorizeUrl(client, pkce().challenge, { scope: 'inbox:read' })}&scope=inbox:write`;
    const page = await world.browser().get(url);
    expect(page.leaves ?? page.text).toContain('invalid_request');
    const twice = await fetch(`${world.issuer}/oauth/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: `grant_type=authorization_code&code=a&code=b&client_id=${client}`,
    });
    expect(((await twice.json()) as { error: string }).error).toBe('invalid_request');
  });

  it('7: a code redeemed twice ends the tokens of its first redemption', async () => {
    const { code, verifier } = await world.codeFor(client, { resource: `${world.issuer}/api/v1` });
    const first = await redeem(code, verifier);
    expect((await me(first.body.access_token)).status).toBe(200);
    expect(await redeem(code, verifier)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    expect((await me(first.body.access_token)).status).toBe(401);
    const refreshed = await world.token({
      grant_type: 'refresh_token',
      refresh_token: first.body.refresh_token,
      client_id: client,
    });
    expect(refreshed).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
  });

  it('8: one code in fifty requests at once has exactly one success, and its family ends', async () => {
    const { code, verifier } = await world.codeFor(client, { resource: `${world.issuer}/api/v1` });
    const answers = await Promise.all(Array.from({ length: 50 }, () => redeem(code, verifier)));
    const won = answers.filter(({ status }) => status === 200);
    expect(won).toHaveLength(1);
    expect(answers.filter(({ body }) => body.error === 'invalid_grant')).toHaveLength(49);
    expect((await me(won[0]!.body.access_token)).status).toBe(401);
  }, 60_000);

  it('9: another client, redirect or verifier gets nothing, and the code stays good for its owner', async () => {
    const other = await world.register();
    const { code, verifier } = await world.codeFor(client, { resource: `${world.issuer}/api/v1` });
    for (const more of [
      { client_id: other },
      { redirect_uri: 'http://127.0.0.1:1/callback' },
      { code_verifier: pkce().verifier },
    ])
      expect(await redeem(code, verifier, more)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    expect((await redeem(code, verifier)).status).toBe(200);
  });

  it('95: an unknown parameter changes nothing; an unknown member of a body is named', async () => {
    const refused = await world.person.post('/api/v1/orgs', { name: 'Third home', nonsense: 1 });
    expect([refused.status, refused.body.code]).toEqual([400, 'bad_request']);
    expect(refused.body.errors).toEqual([{ path: 'nonsense', message: 'Unknown field.' }]);
    const { code, verifier } = await world.codeFor(client, { utm_source: 'x' });
    expect((await redeem(code, verifier, { foo: 'bar' })).status).toBe(200);
  });

  it('a token of one door is no good at another', async () => {
    const forMcp = await world.tokensFor(client, { resource: `${world.issuer}/mcp` });
    const refused = await me(forMcp.access_token);
    expect(refused.status).toBe(401);
    expect(refused.headers.get('www-authenticate')).toContain(
      `resource_metadata="${world.issuer}/.well-known/oauth-protected-resource/api/v1"`,
    );
  });

  it('a scope that the token lacks is named in the refusal', async () => {
    const tokens = await world.tokensFor(client, { scope: 'org:read', resource: `${world.issuer}/api/v1` });
    const refused = await createRestClient(world.issuer, tokens.access_token).get('/api/v1/inbox/items');
    expect(refused.status).toBe(403);
    expect(refused.headers.get('www-authenticate')).toContain('error="insufficient_scope"');
    expect(refused.headers.get('www-authenticate')).toContain('scope="inbox:read"');
  });
});

describe('consent', () => {
  const atConsent = async (browser: FormBrowser, more: Record<string, string> = {}, client_id = client) => {
    const page = await browser.get(world.authorizeUrl(client_id, pkce().challenge, more));
    return page.text.includes('name="password"')
      ? await browser.submit(page, { email: world.person.email, password })
      : page;
  };

  it('43, 96: an unverified client is shown as one, by its host, with when it registered', async () => {
    const impostor = await world.register({ client_name: 'Atrium', logo_uri: 'https://example.org/logo.png' });
    const page = await atConsent(world.browser(), {}, impostor);
    expect(page.text).toContain('<span class="host">127.0.0.1:53682</span> asks for access');
    expect(page.text).toContain('Unverified.');
    expect(page.text).toContain(`registered itself on ${new Date().toISOString().slice(0, 10)}`);
    expect(page.text).not.toContain('<img');
    expect(page.text).not.toContain('<script');
  });

  it('96: in a real browser, no logo of the client is loaded from anywhere', async () => {
    const trap = await startConnectionTrap();
    const logo = `http://127.0.0.1:${trap.port}/logo.png`;
    const impostor = await world.register({
      client_name: `Claude <img src=${logo}>`,
      logo_uri: logo,
      client_uri: logo,
      policy_uri: logo,
      tos_uri: logo,
    });
    const browser = await openBrowser();
    try {
      const context = await browser.newContext();
      await context.addCookies([{ name: 'atrium_session', value: world.person.token, url: world.issuer }]);
      const page = await context.newPage();
      const asked: string[] = [];
      page.on('request', (request) => asked.push(new URL(request.url()).origin));
      await page.goto(world.authorizeUrl(impostor, pkce().challenge), { waitUntil: 'networkidle' });
      const text = await page.textContent('main');
      expect(text).toContain('127.0.0.1:53682 asks for access');
      expect(text).toContain('Unverified.');
      expect(text).toContain(`registered itself on ${new Date().toISOString().slice(0, 10)}`);
      expect(text).toContain(`Claude <img src=${logo}>`);
      expect(await page.locator('img, picture, iframe, script, object, svg image, svg use').count()).toBe(0);
      expect(new Set(asked)).toEqual(new Set([world.issuer]));
      expect(trap.connections()).toBe(0);
      // Even markup that got there could load nothing; elsewhere the same browser loads it.
      const add = `document.body.append(Object.assign(document.createElement('img'), { src: ${JSON.stringify(logo)} }))`;
      const refused = page.waitForEvent('console', (message) => message.text().includes('Content Security Policy'));
      await page.evaluate(add);
      await refused;
      expect(trap.connections()).toBe(0);
      const elsewhere = await context.newPage();
      await elsewhere.evaluate(add);
      await expect.poll(trap.connections).toBeGreaterThan(0);
    } finally {
      await browser.close();
      trap.close();
    }
  }, 60_000);

  it('76: the page is not framed, and its form needs the cookie of the interaction and the value in the form', async () => {
    const browser = world.browser();
    const page = await atConsent(browser);
    expect(page.headers.get('x-frame-options')).toBe('DENY');
    expect(page.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    expect((await browser.submit(page, { csrf: 'wrong', decision: 'allow' })).status).toBe(403);
    expect((await browser.submit(page, { csrf: null, decision: 'allow' })).status).toBe(403);
    const stranger = new FormBrowser(world.issuer);
    stranger.setCookie('atrium_session', browser.cookie('atrium_session')!);
    expect((await stranger.submit(page, { decision: 'allow' })).status).toBe(400);
    expect((await browser.submit(page, { decision: 'allow' })).leaves).toContain('code=');
  });

  it('denying answers access_denied, and nothing is kept', async () => {
    const fresh = await world.register();
    const answer = await world
      .browser()
      .authorize(world.authorizeUrl(fresh, pkce().challenge), { email: world.person.email, password, allow: false });
    expect(answer.searchParams.get('error')).toBe('access_denied');
    const rows = await world.database.query('select 1 from oauth_grants where client_id = $1', [fresh]);
    expect(rows.rowCount).toBe(0);
  });

  it('a scope that the person unticks is not in the token', async () => {
    const { verifier, challenge } = pkce();
    const answer = await world
      .browser()
      .authorize(world.authorizeUrl(client, challenge, { scope: 'inbox:read inbox:write' }), {
        email: world.person.email,
        password,
        consent: { scope: 'inbox:read' },
      });
    const tokens = await redeem(answer.searchParams.get('code')!, verifier);
    expect(tokens.body.scope).toBe('inbox:read');
  });

  it('a person chooses the organisation that the token is for', async () => {
    const other = (await world.person.post('/api/v1/orgs', { name: 'Second home' })).body;
    const { verifier, challenge } = pkce();
    const answer = await world.browser().authorize(world.authorizeUrl(client, challenge), {
      email: world.person.email,
      password,
      consent: { org: other.id },
    });
    const tokens = await redeem(answer.searchParams.get('code')!, verifier);
    expect(claimsOf(tokens.body.access_token).org).toBe(other.id);
    const { challenge: again } = pkce();
    const refused = await world.browser().authorize(world.authorizeUrl(client, again), {
      email: world.person.email,
      password,
      consent: { org: world.operator.org_id },
    });
    expect(refused.searchParams.get('error')).toBe('access_denied');
  });

  it('a web client that was allowed before is not asked again; a wider request is', async () => {
    const web = await world.operatorClient({ redirect_uris: ['https://app.example/cb'] });
    const browser = world.browser();
    const request = (scope: string) =>
      world.authorizeUrl(web.client_id, pkce().challenge, { redirect_uri: 'https://app.example/cb', scope });
    await browser.authorize(request('inbox:read'), { email: world.person.email, password });
    expect((await browser.get(request('inbox:read'))).leaves).toContain('code=');
    expect((await browser.get(request('inbox:read inbox:write'))).text).toContain('name="decision"');
  });

  it('another account in the same browser is asked for itself', async () => {
    const other = await world.org.member('Grace');
    const browser = world.browser();
    await browser.authorize(world.authorizeUrl(client, pkce().challenge), { email: world.person.email, password });
    browser.setCookie('atrium_session', other.token);
    const { verifier, challenge } = pkce();
    const answer = await browser.authorize(world.authorizeUrl(client, challenge), { email: other.email, password });
    const tokens = await redeem(answer.searchParams.get('code')!, verifier);
    expect(claimsOf(tokens.body.access_token).sub).toBe(other.id);
  });

  it('prompt=login asks for the password again', async () => {
    const browser = world.browser();
    await browser.authorize(world.authorizeUrl(client, pkce().challenge), { email: world.person.email, password });
    const page = await browser.get(world.authorizeUrl(client, pkce().challenge, { prompt: 'login' }));
    expect(page.text).toContain('name="password"');
  });

  it('the form of the sign-in page goes on only within this server', async () => {
    for (const evil of ['https://evil.example/', '//evil.example', '/\\evil.example', 'javascript:alert(1)']) {
      const browser = world.browser();
      const page = await browser.get(`/login?return_to=${encodeURIComponent(evil)}`);
      expect(page.text).not.toContain('evil');
      const done = await browser.submit(page, { email: world.person.email, password });
      expect(done.leaves).toBeNull();
      expect(new URL(done.url).origin).toBe(world.issuer);
    }
    const wrong = await world.browser().post('/auth/login', [
      ['email', world.person.email],
      ['password', 'not the password'],
      ['return_to', '/device'],
    ]);
    expect(wrong.status).toBe(401);
    expect(wrong.text).toContain('do not belong to an account');
  });
});
