import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { stepOf, totpCode } from '../../server/src/modules/identity/totp.ts';
import { startHttp } from '../../server/test/support/oauth-gate.ts';
import { type OauthWorld, ok, openOauthWorld } from '../../server/test/support/oauth-world.ts';
import { type Person, password } from '../../server/test/support/people.ts';
import { authorizeAddress, type PlainJourney, visitPlainPages } from '../../server/test/support/plain-pages.ts';
import { seriousViolations } from './support/axe.ts';
import { launchBrowser } from './support/browser.ts';

const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code';
const knownRedirect = 'https://grafana.northwind.example/login/generic_oauth';

/** The client's own little server, which hears where browsers say that they come from. */
let client: Awaited<ReturnType<typeof startHttp>>;
let heard: (string | undefined)[] = [];
let world: OauthWorld;
let browser: Browser;
let app: string;
let known: string;
let device: string;
let frame = '';

beforeAll(async () => {
  [world, browser, client] = await Promise.all([
    openOauthWorld(),
    launchBrowser(),
    startHttp(({ url = '', headers }, response) => {
      if (url.startsWith('/callback')) heard.push(headers.referer);
      response.setHeader('content-type', 'text/html').end(url.startsWith('/frame') ? frame : 'Done.');
    }),
  ]);
  app = await world.register({ client_name: 'Claude Code' });
  known = (await world.operatorClient({ name: 'Grafana', auth_method: 'none', redirect_uris: [knownRedirect] }))
    .client_id;
  device = (
    await world.operatorClient({
      ...{ name: 'Warehouse scanner', auth_method: 'none' },
      grant_types: ['refresh_token', deviceGrant],
    })
  ).client_id;
}, 120_000);
afterAll(async () => {
  await browser?.close();
  client?.close();
  await world?.close();
});
vi.setConfig({ testTimeout: 120_000 });

/** Pages with a colour that the others lack. */
const colourful = new Set([
  'plain-sign-in',
  'plain-sign-in-refused',
  'consent',
  'consent-of-a-known-client',
  'device-confirm',
]);
const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };

/** A browser with all that it was refused by a policy, and all that it told of where it came from. */
const open = async (options: Parameters<Browser['newContext']>[0] = {}) => {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const told: string[] = [];
  const refused: string[] = [];
  page.on('console', (message) => message.text().includes('Content Security Policy') && refused.push(message.text()));
  page.on('request', (request) => {
    const from = request.headers()['referer'];
    if (from?.startsWith(world.issuer)) told.push(`${request.url()} from ${from}`);
  });
  return { context, page, told, refused };
};

const withTotp = async (name: string): Promise<PlainJourney['person']> => {
  const person = await world.org.member(name);
  const { secret } = ok(await person.post('/api/v1/me/factors/totp'));
  const confirmed = { code: totpCode(secret, stepOf(new Date()) - 1) };
  ok(await person.post('/api/v1/me/factors/totp/confirm', confirmed));
  return { email: person.email, password, code: () => totpCode(secret, stepOf(new Date())) };
};

const asApp = (scope = 'openid inbox:read inbox:write') => ({
  ...{ client_id: app, scope },
  redirect_uri: `${client.url}/callback`,
});
const answered = async (page: Page): Promise<URLSearchParams> => {
  await page.waitForURL(`${client.url}/callback**`);
  return new URL(page.url()).searchParams;
};
const signIn = async (page: Page, person: Person): Promise<void> => {
  await page.getByLabel('E-mail').fill(person.email);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
};
const signedIn = (context: BrowserContext, person: Person): Promise<void> =>
  context.addCookies([{ name: 'atrium_session', value: person.token, url: world.issuer }]);
const focused = (page: Page): Promise<string> =>
  page.evaluate(() => {
    const { tagName, textContent, name, type } = document.activeElement as HTMLInputElement;
    return type === 'submit' || tagName === 'A' ? String(textContent) : name;
  });

describe('pages of the server', () => {
  test('79: without script a person signs in, proves a second factor, consents, and connects a device on a phone; no page has a serious violation, and none tells where it came from', async () => {
    const { page, context, told, refused } = await open({ ...phone, javaScriptEnabled: false });
    const answers: [status: number, to: string | undefined][] = [];
    page.on('response', (response) => {
      if (response.request().method() === 'POST') answers.push([response.status(), response.headers()['location']]);
    });
    // Axe is a script, so it judges a copy: same text, same style, same address and policy.
    const judge = await browser.newContext(phone);
    const copy = await judge.newPage();
    await copy.goto(`${world.issuer}/login`);
    heard = [];
    const wrong: Record<string, unknown> = {};
    const seen: string[] = [];
    const end = await visitPlainPages(
      page,
      {
        origin: world.issuer,
        person: await withTotp('Adaeze Okonkwo-Lindqvist'),
        app: asApp(),
        known: { client_id: known, redirect_uri: knownRedirect, scope: 'openid profile email org' },
        device: { client_id: device, scope: 'openid inbox:write' },
      },
      async (name) => {
        seen.push(name);
        const content = await page.content();
        await copy.setContent(content);
        await copy.emulateMedia({ colorScheme: 'light' });
        const light = await seriousViolations(copy);
        await copy.emulateMedia({ colorScheme: 'dark' });
        const dark = colourful.has(name) ? await seriousViolations(copy, 'colours') : [];
        const styled = await copy.evaluate(() => getComputedStyle(document.querySelector('.court')!).width);
        const sideways = await copy.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        // The page on which a browser becomes a device has one, and does without it as well.
        const script = content.includes('<script') !== name.startsWith('pair');
        if (light.length + dark.length + sideways > 0 || script || styled !== '22px')
          wrong[name] = { light, dark, sideways, script, styled };
      },
    );
    expect(wrong).toEqual({});
    expect(seen).toHaveLength(16);
    expect(end.allowed.searchParams.get('code')).toMatch(/^.{20,}$/);
    expect(end.allowed.searchParams.get('iss')).toBe(world.issuer);
    const tokens = await world.token({ grant_type: deviceGrant, device_code: end.device_code, client_id: device });
    expect(tokens.body).toMatchObject({ token_type: 'Bearer', scope: 'inbox:write' });
    const grants = await world.database.query('select scopes from oauth_grants where client_id = $1', [app]);
    expect(grants.rows).toEqual([{ scopes: ['openid', 'inbox:read'] }]);

    expect(answers.filter(([, to]) => to !== undefined).length).toBeGreaterThan(4);
    for (const [status, to] of answers) if (to !== undefined) expect(status).toBe(303);
    expect(heard).toEqual([undefined]);
    expect(told).toEqual([]);
    expect(refused).toEqual([]);
    await judge.close();
    await context.close();
  });

  test('the keyboard reaches everything in the order that it is read, and Enter alone allows nothing', async () => {
    const { page, context } = await open();
    const person = await world.org.member('Keyboard Person');
    await page.goto(authorizeAddress(world.issuer, asApp()));
    const order = async (count: number): Promise<string[]> => {
      const found: string[] = [];
      for (let n = 0; n < count; n += 1) {
        await page.keyboard.press('Tab');
        found.push(await focused(page));
      }
      return found;
    };
    expect(await order(5)).toEqual([
      'email',
      'password',
      'Sign in',
      'Use a passkey or a mailed link',
      'Forgotten your password?',
    ]);
    await page.getByLabel('E-mail').focus();
    await page.keyboard.type(person.email);
    await page.keyboard.press('Tab');
    await page.keyboard.type(password);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: /asks for access/ }).waitFor();
    expect(await order(6)).toEqual(['scope', 'scope', 'Use another account', 'org', 'Deny', 'Allow']);
    await page.getByRole('checkbox').first().focus();
    await page.keyboard.press('Enter');
    expect((await answered(page)).get('error')).toBe('access_denied');
    await page.goto(authorizeAddress(world.issuer, asApp()));
    await order(1);
    await page.keyboard.press('Space');
    expect(await page.getByRole('checkbox').first().isChecked()).toBe(false);
    await order(5);
    await page.keyboard.press('Enter');
    expect((await answered(page)).get('code')).not.toBeNull();
    await context.close();
  });

  test('76: another site that frames the consent shows nothing of it', async () => {
    const { page, context } = await open();
    await signedIn(context, world.person);
    const consent = authorizeAddress(world.issuer, asApp());
    frame = `<iframe src="${consent.replaceAll('&', '&amp;')}"></iframe>`;
    await page.goto(`${client.url}/frame`);
    await expect.poll(() => page.frames()[1]?.url()).toBe('chrome-error://chromewebdata/');
    expect(await page.frames()[1]!.content()).not.toContain('asks for access');
    await page.goto(consent);
    await page.getByRole('heading', { name: /asks for access/ }).waitFor();
    await context.close();
  });

  test('somebody else takes over a request from its beginning, and a page of the one before goes in no circle', async () => {
    const { page, context } = await open({ javaScriptEnabled: false });
    const [ada, bob] = [await world.org.member('Ada Second'), await world.org.member('Bob Second')];
    await signedIn(context, ada);
    await page.goto(authorizeAddress(world.issuer, asApp()));
    await page.getByText(ada.email).waitFor();
    const before = page.url();
    await page.getByRole('link', { name: 'Use another account' }).click();
    await signIn(page, bob);
    await page.getByText(bob.email).waitFor();
    await page.getByRole('button', { name: 'Allow' }).click();
    await answered(page);
    const { rows } = await world.database.query('select subject from oauth_grants where subject = any($1)', [
      [ada.id, bob.id],
    ]);
    expect(rows).toEqual([{ subject: bob.id }]);
    await page.goto(before);
    await page.getByRole('heading', { name: 'This request has ended' }).waitFor();

    await page.goto(authorizeAddress(world.issuer, asApp('openid inbox:read org:read')));
    await page.getByText(bob.email).waitFor();
    const waiting = page.url();
    await signedIn(context, ada);
    expect((await page.goto(waiting))!.status()).toBe(409);
    await page.getByRole('heading', { name: 'Somebody else is signed in now' }).waitFor();
    await context.close();
  });

  test('who never met a client is asked before they are signed out, and may stay', async () => {
    const { page, context } = await open({ javaScriptEnabled: false });
    const person = await world.makePerson('Leaving Person');
    await signedIn(context, person);
    await page.goto(`${world.issuer}/oauth/logout`);
    await page.getByRole('button', { name: 'Stay signed in' }).click();
    await page.getByRole('heading', { name: 'You are still signed in' }).waitFor();
    expect((await person.get('/api/v1/me')).status).toBe(200);
    await page.goto(`${world.issuer}/oauth/logout`);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'You are signed out' }).waitFor();
    expect((await person.get('/api/v1/me')).status).toBe(401);
    await page.goto(`${world.issuer}/oauth/logout`);
    await page.getByRole('heading', { name: 'You are signed out' }).waitFor();
    await context.close();
  });
});
