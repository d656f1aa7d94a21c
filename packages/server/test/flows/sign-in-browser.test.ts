import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openBrowser } from '../../../../scripts/open-browser.ts';
import { stepOf, totpCode } from '../../src/modules/identity/totp.ts';
import { type AppleIssuer, startAppleIssuer } from '../support/apple-issuer.ts';
import { freePort } from '../support/free-port.ts';
import type { ReadLetter } from '../support/letters.ts';
import { type OutsideAccount, startOidcIssuer, type TestIssuer } from '../support/oidc-issuer.ts';
import { ok, openWorld, type Person, password, type World } from '../support/people.ts';
import { startSmtpServer, type TestSmtpServer } from '../support/smtp-server.ts';
import { until } from '../support/until.ts';

let smtp: TestSmtpServer;
let issuer: TestIssuer;
let apple: AppleIssuer;
let world: World;
let browser: Browser;
let origin: string;

beforeAll(async () => {
  const port = await freePort();
  // A name and no address: passkeys are for names alone.
  origin = `http://localhost:${port}`;
  smtp = await startSmtpServer({ user: 'atrium', password: 'a mail secret' });
  issuer = await startOidcIssuer([`${origin}/auth/oauth/house/callback`]);
  apple = await startAppleIssuer({
    ...{ client_id: 'org.example.atrium', team_id: 'TEAM123456', key_id: 'KEY1234567' },
    now: () => new Date(),
  });
  world = await openWorld({
    port,
    web: true,
    env: {
      ATRIUM_PUBLIC_URL: origin,
      ATRIUM_SIGN_IN_ALLOW_PRIVATE: '127.0.0.1',
      SMTP_HOST: '127.0.0.1',
      SMTP_PORT: String(smtp.port),
      SMTP_SECURITY: 'none',
      SMTP_USER: 'atrium',
      SMTP_PASSWORD: 'a mail secret',
    },
  });
  const providers = '/api/v1/admin/identity/providers';
  ok(
    await world.operator.post(providers, {
      ...{ slug: 'house', preset: 'oidc', name: 'The House', client_id: issuer.client_id, may_vouch: true },
      ...{ client_secret: issuer.client_secret, settings: { issuer: issuer.issuer } },
    }),
  );
  ok(
    await world.operator.post(providers, {
      ...{ slug: 'apple', preset: 'apple', name: 'Apple', client_id: 'org.example.atrium', may_vouch: true },
      client_secret: apple.private_key,
      settings: { issuer: apple.issuer, team_id: 'TEAM123456', key_id: 'KEY1234567' },
    }),
  );
  browser = await openBrowser();
}, 180_000);
afterAll(async () => {
  await browser?.close();
  await world?.close();
  await issuer?.close();
  await apple?.close();
  await smtp?.close();
});

const pageOf = async (): Promise<{ page: Page; context: BrowserContext; refused: string[] }> => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, serviceWorkers: 'block' });
  const page = await context.newPage();
  const refused: string[] = [];
  page.on('console', (message) => message.text().includes('Content Security Policy') && refused.push(message.text()));
  return { page, context, refused };
};
const signIn = async (page: Page, person: { email: string }): Promise<void> => {
  await page.goto(`${origin}/sign-in`);
  await page.fill('[name=email]', person.email);
  await page.fill('[name=password]', password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
};
const inside = (page: Page) => page.waitForURL(/\/inbox/);
const letter = (email: string, subject: string): Promise<ReadLetter> =>
  until(
    () => smtp.letters.findLast((one) => one.to.includes(email) && one.subject === subject),
    `a letter to ${email}`,
  );
const confirmed = async (name: string): Promise<Person> => {
  const person = await world.makePerson(name);
  const { link } = await letter(person.email, 'Confirm your e-mail address');
  ok(await world.anonymous.post('/auth/verify', { token: new URL(link!).searchParams.get('token') }));
  return person;
};

describe('in a real browser', () => {
  it('a passkey is made under Security, signs in alone, and proves a person again', async () => {
    const { page, context, refused } = await pageOf();
    const cdp = await context.newCDPSession(page);
    await cdp.send('WebAuthn.enable');
    await cdp.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        ...{ protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true },
        ...{ isUserVerified: true, automaticPresenceSimulation: true },
      },
    });
    const person = await world.makePerson('Passkey Person');
    await signIn(page, person);
    await inside(page);
    await page.goto(`${origin}/settings/security`);
    await page.getByRole('button', { name: 'Add a passkey' }).click();
    await page.waitForSelector('text=On one device only');
    // The page goes to the sign-in by itself when its session ends; leave it first.
    await page.goto('about:blank');
    await context.clearCookies();
    await page.goto(`${origin}/sign-in`);
    await page.getByRole('button', { name: 'Use a passkey' }).click();
    await inside(page);
    expect(ok(await person.get('/api/v1/me/passkeys')).items[0].last_used_at).not.toBeNull();
    // A proof of long ago is asked for again, and the page goes on by itself, its live connection included.
    await world.database.query(
      `update identity_sessions set auth_time = now() - interval '1 hour' where user_id = $1`,
      [person.id],
    );
    await page.goto(`${origin}/settings/security`);
    await page.getByRole('button', { name: /^Remove the passkey/ }).click();
    await page.getByRole('button', { name: 'Remove passkey' }).click();
    await page
      .getByRole('dialog', { name: 'Is it still you?' })
      .getByRole('button', { name: 'Use your passkey' })
      .click();
    await page.waitForSelector('text=nothing that can be phished');
    expect(new URL(page.url()).pathname).toBe('/settings/security');
    expect(refused).toEqual([]);
    await context.close();
  });

  it('an authenticator is added with its recovery codes, and asked for at the next sign-in', async () => {
    const { page, context, refused } = await pageOf();
    const person = await world.makePerson('Totp Person');
    await signIn(page, person);
    await inside(page);
    await page.goto(`${origin}/settings/security`);
    await page.getByRole('button', { name: 'Add an authenticator' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('img', { name: /QR code/ }).waitFor();
    const secret = (await dialog.locator('code').textContent())!.trim();
    await dialog.getByLabel('Code of your authenticator app').fill(totpCode(secret, stepOf(new Date()) - 1));
    await dialog.getByRole('button', { name: 'Confirm' }).click();
    await dialog.getByRole('list').waitFor();
    const codes = await dialog.getByRole('listitem').allTextContents();
    expect(codes).toHaveLength(10);
    await dialog.getByRole('button', { name: 'I have kept them' }).click();
    await page.waitForSelector('text=10 of 10 left');
    // The page goes to the sign-in by itself when its session ends; leave it first.
    await page.goto('about:blank');
    await context.clearCookies();
    await signIn(page, person);
    await page.waitForURL(/\/sign-in\/factor$/);
    await page.getByLabel('Code of your authenticator app').fill('000000');
    await page.getByRole('button', { name: 'Go on' }).click();
    await page.waitForSelector('text=This code is wrong');
    await page.getByLabel('Code of your authenticator app').fill(totpCode(secret, stepOf(new Date())));
    await page.getByRole('button', { name: 'Go on' }).click();
    await inside(page);
    // The page goes to the sign-in by itself when its session ends; leave it first.
    await page.goto('about:blank');
    await context.clearCookies();
    await signIn(page, person);
    await page.getByRole('button', { name: 'Use a recovery code' }).click();
    await page.getByLabel('Recovery code').fill(codes[4]!);
    await page.getByRole('checkbox').click();
    await page.getByRole('button', { name: 'Go on' }).click();
    await inside(page);
    expect(ok(await person.get('/api/v1/me/factors'))).toMatchObject({
      recovery_codes_left: 9,
      remembered_browsers: 1,
    });
    expect(refused).toEqual([]);
    await context.close();
  });

  it('a mailed link signs in by a page without scripts', async () => {
    const person = await confirmed('Link Person');
    const { page, context } = await pageOf();
    await page.goto(`${origin}/sign-in`);
    await page.fill('[name=email]', person.email);
    await page.getByRole('button', { name: 'Mail me a sign-in link' }).click();
    await page.waitForSelector('text=Look into your mail');
    const { link } = await letter(person.email, 'Your sign-in link');
    await context.close();
    const plain = await browser.newContext({ javaScriptEnabled: false });
    const reader = await plain.newPage();
    await reader.goto(link!);
    await reader.waitForSelector(`text=${person.email}`);
    await reader.getByRole('button', { name: 'Sign in' }).click();
    await reader.waitForURL(`${origin}/**`);
    const cookies = await plain.cookies(origin);
    expect(cookies.find(({ name }) => name === 'atrium_session')).toMatchObject({ httpOnly: true, sameSite: 'Lax' });
    await reader.goto(link!);
    await reader.waitForSelector('text=This link is no longer good');
    await plain.close();
  });

  it('a forgotten password is replaced by the page that the letter leads to', async () => {
    const person = await confirmed('Reset Person');
    const { page, context } = await pageOf();
    await page.goto(`${origin}/sign-in`);
    await page.getByRole('link', { name: 'Forgotten?' }).click();
    // Both pages have such a field.
    await page.getByRole('heading', { name: 'Set a new password' }).waitFor();
    await page.fill('[name=email]', person.email);
    await page.getByRole('button', { name: 'Mail me a link' }).click();
    await page.waitForSelector('text=Look into your mail');
    await page.goto((await letter(person.email, 'Set a new password')).link!);
    await page.fill('[name=new-password]', 'a wholly different secret');
    expect(new URL(page.url()).hash).toBe('');
    await page.getByRole('button', { name: 'Set the password' }).click();
    await page.waitForSelector('text=Your password is set');
    await page.getByRole('link', { name: 'Sign in' }).click();
    await page.fill('[name=email]', person.email);
    await page.fill('[name=password]', 'a wholly different secret');
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await inside(page);
    await context.close();
  });

  it('an account elsewhere is linked under Security and then signs in', async () => {
    const person = await world.makePerson('Linked Person');
    const account: OutsideAccount = {
      sub: 'linked',
      email: 'linked@elsewhere.example',
      email_verified: false,
      name: 'L',
    };
    issuer.account = account;
    const { page, context } = await pageOf();
    await signIn(page, person);
    await inside(page);
    await page.goto(`${origin}/settings/security`);
    await page.getByRole('button', { name: 'Link The House' }).click();
    await page.waitForURL(/\/settings\/security/);
    await page.waitForSelector('text=linked@elsewhere.example');
    // The page goes to the sign-in by itself when its session ends; leave it first.
    await page.goto('about:blank');
    await context.clearCookies();
    await page.goto(`${origin}/sign-in?next=%2Fsettings%2Fprofile`);
    await page.getByRole('link', { name: 'Go on with The House' }).click();
    await page.waitForURL(/\/settings\/profile/);
    await page.waitForSelector(`text=${person.email}`);
    await context.close();
  });

  it('situation 66: an address that nobody vouches for leads back to the page, with what to do', async () => {
    const person = await world.makePerson('Guarded Person');
    issuer.account = { sub: 'guarded', email: person.email, email_verified: false, name: 'G' };
    const { page, context } = await pageOf();
    await page.goto(`${origin}/sign-in`);
    await page.getByRole('link', { name: 'Go on with The House' }).click();
    await page.waitForSelector('[role=alert]:has-text("Sign in to it first")');
    expect((await context.cookies(origin)).some(({ name }) => name === 'atrium_session')).toBe(false);
    await context.close();
  });

  it('situation 68: Apple’s form post arrives without cookies and signs in all the same', async () => {
    const { page, context } = await pageOf();
    await page.goto(`${origin}/sign-in`);
    await page.getByRole('link', { name: 'Go on with Apple' }).click();
    const posted = page.waitForRequest(
      (request) => request.method() === 'POST' && request.url().includes('/auth/oauth/apple/callback'),
    );
    await page.locator('#go').click();
    expect((await (await posted).allHeaders())['cookie'] ?? '').not.toContain('atrium_social');
    await inside(page);
    const me = (await (await context.request.get(`${origin}/api/v1/me`)).json()) as { user: unknown };
    expect(me.user).toMatchObject({ email: 'apple@example.org', name: 'Ada Apple', email_verified: true });
    await context.close();
  });
});
