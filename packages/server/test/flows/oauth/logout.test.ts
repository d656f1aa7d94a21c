import { createServer } from 'node:http';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openBrowser } from '../../../../../scripts/open-browser.ts';
import { freePort } from '../../support/free-port.ts';
import { startHttp } from '../../support/oauth-gate.ts';
import { type OauthWorld, openOauthWorld, pkce } from '../../support/oauth-world.ts';
import { ok, password } from '../../support/people.ts';
import { createRestClient } from '../../support/rest-client.ts';
import { until } from '../../support/until.ts';

const backChannelEvent = 'http://schemas.openid.net/event/backchannel-logout';

let world: OauthWorld;
let browser: Browser;
/** The client's own pages, and what browsers asked of them. */
let client: Awaited<ReturnType<typeof startHttp>>;
let asked: string[] = [];
let framing = '';

beforeAll(async () => {
  const port = await freePort();
  [world, browser, client] = await Promise.all([
    openOauthWorld({
      port,
      env: {
        ATRIUM_PUBLIC_URL: `http://localhost:${port}`,
        ATRIUM_OAUTH_ALLOW_PRIVATE: '127.0.0.1',
        ATRIUM_OAUTH_FRONTCHANNEL_LOGOUT: 'true',
        ATRIUM_OAUTH_SESSION_IFRAME: 'true',
      },
    }),
    openBrowser(),
    startHttp(({ url = '' }, response) => {
      asked.push(url);
      response.setHeader('content-type', 'text/html').end(url.startsWith('/watch') ? framing : 'Done.');
    }),
  ]);
}, 120_000);
afterAll(async () => {
  await browser?.close();
  client?.close();
  await world?.close();
});

const makeClient = async (metadata: Record<string, unknown>) =>
  (await world.operatorClient({ auth_method: 'none', redirect_uris: [`${client.url}/callback`], metadata })).client_id;
const authorizeUrl = (client_id: string) =>
  world.authorizeUrl(client_id, pkce().challenge, { scope: 'openid', redirect_uri: `${client.url}/callback` });

describe('front-channel logout', () => {
  it('77, hole 3: only addresses at a registered origin are framed, escaped, and nothing else may be', async () => {
    const query = `/out?a=1&b="><script>alert(1)</script>`;
    const clients = [
      await makeClient({
        frontchannel_logout_uri: `${client.url}${query}`,
        frontchannel_logout_session_required: true,
      }),
      await makeClient({ frontchannel_logout_uri: 'javascript:alert(1)' }),
      await makeClient({ frontchannel_logout_uri: 'data:text/html,<script>alert(1)</script>' }),
      await makeClient({ frontchannel_logout_uri: 'https://evil.example/out' }),
      await makeClient({ post_logout_redirect_uris: [`${client.url}/bye`] }),
    ];
    const person = await world.org.member('Front Person');
    const form = world.browser();
    for (const id of clients) await form.authorize(authorizeUrl(id), { email: person.email, password });
    const leaving = `/oauth/logout?${new URLSearchParams({
      client_id: clients.at(-1)!,
      post_logout_redirect_uri: `${client.url}/bye`,
      state: 'x"><script>',
    })}`;
    const page = await form.submit(await form.get(leaving), { logout: 'yes' });
    expect(page.status).toBe(200);
    const frames = [...page.text.matchAll(/<iframe src="([^"]*)"/g)].map(([, src]) => src!.replaceAll('&amp;', '&'));
    expect(frames).toHaveLength(1);
    const [frame] = frames.map((src) => new URL(src));
    expect(frame!.origin).toBe(client.url);
    expect(frame!.searchParams.get('iss')).toBe(world.issuer);
    expect(frame!.searchParams.get('sid')).toMatch(/^.{20,}$/);
    expect(page.text).not.toMatch(/<script|javascript:|data:|evil/);
    const policy = page.headers.get('content-security-policy')!.split('; ');
    expect(policy).toContain(`frame-src ${client.url}`);
    expect(policy).toContain("default-src 'none'");
    expect(page.headers.get('refresh')).toMatch(new RegExp(`^2; url=${client.url}/bye\\?state=x%22`));
    expect((await createRestClient(world.issuer, form.cookie('atrium_session')).get('/api/v1/me')).status).toBe(401);
  });

  it('an application may send the request as a form (OpenID Connect RP-Initiated Logout 2)', async () => {
    const id = await makeClient({ post_logout_redirect_uris: [`${client.url}/bye`] });
    const person = await world.org.member('Form Person');
    const form = world.browser();
    await form.authorize(authorizeUrl(id), { email: person.email, password });
    const page = await form.post('/oauth/logout', [
      ['client_id', id],
      ['post_logout_redirect_uri', `${client.url}/bye`],
      ['state', 'state-7'],
    ]);
    expect((await createRestClient(world.issuer, form.cookie('atrium_session')).get('/api/v1/me')).status).toBe(200);
    const done = await form.submit(page, { logout: 'yes' });
    expect(done.leaves ?? done.headers.get('refresh')).toContain(`${client.url}/bye?state=state-7`);
    expect(form.cookie('atrium_session') ?? '').toBe('');
  });

  it('a real browser loads the frame of a client that an operator set up, and goes back to the application by itself', async () => {
    const clients = '/api/v1/admin/oauth/clients';
    const plan = { name: 'Framed', auth_method: 'none', redirect_uris: [`${client.url}/callback`] };
    const elsewhere = await world.operator.post(clients, {
      ...plan,
      frontchannel_logout_uri: 'https://evil.example/out',
    });
    expect([elsewhere.status, elsewhere.body.errors[0].path]).toEqual([422, 'frontchannel_logout_uri']);
    const made = ok(
      await world.operator.post(clients, { ...plan, post_logout_redirect_uris: [`${client.url}/bye`] }),
    ).client;
    const frontchannel_logout_uri = `${client.url}/out`;
    const { id: row, version } = made;
    const changed = ok(await world.operator.patch(`${clients}/${row}`, { version, frontchannel_logout_uri }));
    expect(changed).toMatchObject({ frontchannel_logout_uri, post_logout_redirect_uris: [`${client.url}/bye`] });
    const id = made.client_id;
    const context = await browser.newContext({ javaScriptEnabled: false });
    await context.addCookies([
      { name: 'atrium_session', value: (await world.org.member('Out')).token, url: world.issuer },
    ]);
    const page = await context.newPage();
    await page.goto(authorizeUrl(id));
    await page.getByRole('button', { name: 'Allow' }).click();
    await page.waitForURL(/\/callback/);
    asked = [];
    const query = new URLSearchParams({ client_id: id, post_logout_redirect_uri: `${client.url}/bye` });
    await page.goto(`${world.issuer}/oauth/logout?${query}`);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.waitForURL(`${client.url}/bye`);
    const heard = asked.filter((path) => path !== '/favicon.ico');
    expect(heard[0]).toMatch(/^\/out\?iss=http.+&sid=.{20,}$/);
    expect(heard.slice(1)).toEqual(['/bye']);
    await context.close();
  });

  it('an address elsewhere is refused at registration', async () => {
    const register = (frontchannel_logout_uri: string) =>
      world.register({ frontchannel_logout_uri }).catch((error: Error) => error.message);
    expect(await register('https://evil.example/out')).toContain('invalid_client_metadata');
  });
});

describe('the session frame', () => {
  it('tells the client that asks whether the session changed, and nobody else anything', async () => {
    const id = await makeClient({});
    const context = await browser.newContext();
    const person = await world.org.member('Watched');
    await context.addCookies([{ name: 'atrium_session', value: person.token, url: world.issuer }]);
    const page = await context.newPage();
    // Browsers keep cookies from frames of another site: the client is asked for by the name of this one.
    const own = client.url.replace('127.0.0.1', 'localhost');
    await world.database.query('update oauth_clients set redirect_uris = $2 where client_id = $1', [
      id,
      [`${own}/callback`],
    ]);
    const url = world.authorizeUrl(id, pkce().challenge, { scope: 'openid', redirect_uri: `${own}/callback` });
    await page.goto(url);
    await page.getByRole('button', { name: 'Allow' }).click();
    await page.waitForURL(/\/callback/);
    const state = new URL(page.url()).searchParams.get('session_state')!;
    expect(state).toMatch(/^[\w-]{43}\.[\w-]{16}$/);
    framing = `<iframe src="${world.issuer}/oauth/check_session"></iframe>`;
    await page.goto(`${own}/watch`);
    const ask = (message: string): Promise<string> =>
      page.evaluate(`new Promise((answer) => {
        addEventListener('message', ({ data }) => answer(data), { once: true });
        document.querySelector('iframe').contentWindow.postMessage(${JSON.stringify(message)}, ${JSON.stringify(world.issuer)});
      })`);
    expect(await ask(`${id} ${state}`)).toBe('unchanged');
    expect(await ask(`other ${state}`)).toBe('changed');
    expect(await ask('nonsense')).toBe('error');
    const leaving = await context.newPage();
    await leaving.goto(`${world.issuer}/oauth/logout`);
    await leaving.getByRole('button', { name: 'Sign out' }).click();
    await leaving.getByRole('heading', { name: 'You are signed out' }).waitFor();
    expect(await ask(`${id} ${state}`)).toBe('changed');
    const document = (await createRestClient(world.issuer, null).get('/.well-known/openid-configuration')).body;
    expect(document).toMatchObject({
      check_session_iframe: `${world.issuer}/oauth/check_session`,
      frontchannel_logout_supported: true,
      frontchannel_logout_session_supported: true,
    });
    await context.close();
  });
});

it('78: a client that is down learns of a logout after all, across a kill, while the logout waits for nobody', async () => {
  const port = await freePort();
  const made = await world.operatorClient({
    auth_method: 'none',
    metadata: {
      backchannel_logout_uri: `http://127.0.0.1:${port}/logout`,
      backchannel_logout_session_required: true,
    },
  });
  const person = await world.org.member('Back Person');
  const form = world.browser();
  const { challenge } = pkce();
  const url = world.authorizeUrl(made.client_id, challenge, { scope: 'openid' });
  await form.authorize(url, { email: person.email, password });
  const session = form.cookie('atrium_session');
  const done = await form.submit(await form.get('/oauth/logout'), { logout: 'yes' });
  expect(done.text).toContain('You are signed out');
  expect((await createRestClient(world.issuer, session).get('/api/v1/me')).status).toBe(401);
  await until(() => world.server.output().includes('failed and will be tried again'), 'the first attempt fails');
  const stored = await world.database.query<{ job: string }>(
    "select i::text as job from dbos.workflow_input i where workflow_uuid like 'oauth-logout-%'",
  );
  const jobs = stored.rows.map(({ job }) => job).join();
  expect(jobs).toContain(made.client_id);
  expect(jobs).not.toMatch(/eyJ|logout_token/);

  await world.server.kill();
  const tokens: string[] = [];
  const receiver = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      tokens.push(new URLSearchParams(body).get('logout_token') ?? '');
      response.end();
    });
  }).listen(port, '127.0.0.1');
  const upAgain = Math.floor(Date.now() / 1000);
  await world.restart();
  await until(() => tokens.length > 0, 'the client is told');
  const keys = createRemoteJWKSet(new URL(`${world.issuer}/oauth/jwks`));
  const { payload, protectedHeader } = await jwtVerify(tokens[0]!, keys, {
    issuer: world.issuer,
    audience: made.client_id,
  });
  expect(protectedHeader.typ).toBe('logout+jwt');
  expect(payload).toMatchObject({ sub: person.id, sid: expect.any(String), events: { [backChannelEvent]: {} } });
  expect(payload).not.toHaveProperty('nonce');
  // Made when it was sent: one of the time of the logout would have run out for a client that was down for long.
  expect(payload.iat).toBeGreaterThanOrEqual(upAgain);
  receiver.close();
});
