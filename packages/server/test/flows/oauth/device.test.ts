import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FormBrowser } from '../../support/form-browser.ts';
import { type OauthWorld, openOauthWorld } from '../../support/oauth-world.ts';
import type { Person } from '../../support/people.ts';
import type { Json } from '../../support/rest-client.ts';

let world: OauthWorld;
let client: string;
const grant = 'urn:ietf:params:oauth:grant-type:device_code';
beforeAll(async () => {
  world = await openOauthWorld({ shared: true });
  const made = await world.operatorClient({
    auth_method: 'none',
    grant_types: ['authorization_code', 'refresh_token', grant],
  });
  client = made.client_id;
}, 120_000);
afterAll(() => world.close());

const begin = async (): Promise<Json> => {
  const answer = await world.post('/oauth/device_authorization', { client_id: client, scope: 'inbox:read' });
  expect(answer.status).toBe(200);
  return answer.body;
};
const poll = (device_code: string) => world.token({ grant_type: grant, device_code, client_id: client });
let counted = 0;
const browserOf = (person: Person): FormBrowser => {
  counted += 1;
  const browser = world.browser({ 'x-forwarded-for': `10.40.0.${counted}` });
  browser.setCookie('atrium_session', person.token);
  return browser;
};
const type = async (browser: FormBrowser, user_code: string) =>
  browser.submit(await browser.get('/device'), { user_code });

describe('device codes', () => {
  it('48, hole 2: a code with markup is shown as text', async () => {
    const browser = browserOf(world.person);
    const evil = '"><script>alert(1)</script>';
    const opened = await browser.get(`/device?user_code=${encodeURIComponent(evil)}`);
    expect(opened.text).not.toContain('<script');
    expect(opened.text).toContain('&lt;script&gt;');
    const sent = await browser.submit(opened, { user_code: evil });
    expect(sent.text).not.toContain('<script');
    expect(sent.text).toContain('There is no such code');
    expect(sent.headers.get('content-security-policy')).toContain("default-src 'none'");
  });

  it('49: a device that asks too often is slowed down, and no other', async () => {
    const [one, two] = [await begin(), await begin()];
    expect((await poll(one.device_code)).body.error).toBe('authorization_pending');
    expect((await poll(one.device_code)).body.error).toBe('slow_down');
    expect((await poll(two.device_code)).body.error).toBe('authorization_pending');
    const rows = await world.database.query('select poll_interval_s from oauth_device_codes order by poll_interval_s');
    expect(rows.rows.map((row) => row.poll_interval_s)).toEqual(expect.arrayContaining([5, 10]));
  });

  it('50: a person sees client, place and scopes first, and approving binds the device to them', async () => {
    const device = await begin();
    const browser = browserOf(world.person);
    const confirm = await type(browser, device.user_code);
    expect(confirm.text).toContain('Operator client');
    expect(confirm.text).toContain('Is this your device?');
    expect((await poll(device.device_code)).body.error).toBe('authorization_pending');
    const consent = await browser.submit(confirm, { confirm: 'yes' });
    expect(consent.text).toContain('Read items, channels and templates');
    const third = browserOf(await world.org.member('Mallory'));
    expect((await type(third, device.user_code)).text).toContain('already used');
    await browser.submit(consent, { decision: 'allow' });
    const row = await world.database.query('select subject from oauth_device_codes where grant_id is not null');
    expect(row.rows.map(({ subject }) => subject)).toContain(world.person.id);
  });

  it('52: of two people who type and approve one code at the same time one wins, and the other sees that it is used', async () => {
    const others = [await world.org.member('Left'), await world.org.member('Right')];
    for (let count = 0; count < 5; count += 1) {
      const device = await begin();
      const browsers = others.map(browserOf);
      const typed = await Promise.all(browsers.map((browser) => type(browser, device.user_code)));
      for (const page of typed) expect(page.text).toContain('Is this your device?');
      const pages = await Promise.all(
        browsers.map((browser, index) => browser.submit(typed[index]!, { confirm: 'yes' })),
      );
      const winner = pages.findIndex((page) => page.text.includes('name="decision"'));
      expect(pages[1 - winner]!.text).toContain('already used');
      expect(pages[1 - winner]!.text).not.toContain('name="decision"');
      const consent = pages[winner]!;
      // The same person, in two tabs.
      const done = await Promise.all([1, 2].map(() => browsers[winner]!.submit(consent, { decision: 'allow' })));
      const texts = done.map((page) => page.text);
      expect(texts.filter((text) => text.includes('The device is connected'))).toHaveLength(1);
      const lost = texts.find((text) => !text.includes('The device is connected'));
      expect(lost).toMatch(/already used|has ended/);
      const row = await world.database.query(
        'select subject from oauth_device_codes where grant_id is not null and consumed_at is null',
      );
      expect(row.rows.map(({ subject }) => subject)).toContain(others[winner]!.id);
      const late = await type(browserOf(others[1 - winner]!), device.user_code);
      expect(late.text).toContain('already used');
      expect((await poll(device.device_code)).status).toBe(200);
    }
  });

  it('denying tells the device', async () => {
    const device = await begin();
    const browser = browserOf(world.person);
    const denied = await browser.submit(await type(browser, device.user_code), { abort: 'yes' });
    expect(denied.text).toContain('You denied the request');
    expect((await poll(device.device_code)).body.error).toBe('access_denied');
  });

  it('51: the sixth wrong code in a minute waits; codes have more than 40 bits', async () => {
    const browser = browserOf(world.person);
    const page = await browser.get('/device');
    let last = page;
    for (let count = 0; count < 5; count += 1) {
      last = await browser.submit(await browser.get('/device'), { user_code: 'BBBBB-BBBBB' });
      expect(last.text).toContain('There is no such code');
    }
    last = await browser.submit(await browser.get('/device'), { user_code: 'BBBBB-BBBBB' });
    expect(last.status).toBe(429);
    const { user_code } = await begin();
    expect(Math.log2(20) * user_code.replace('-', '').length).toBeGreaterThan(40);
  });

  it('one device code in fifty requests at once: exactly one wins', async () => {
    const device = await begin();
    const browser = browserOf(world.person);
    const consent = await browser.submit(await type(browser, device.user_code), { confirm: 'yes' });
    await browser.submit(consent, { decision: 'allow' });
    const answers = await Promise.all(Array.from({ length: 50 }, () => poll(device.device_code)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    for (const { status, body } of answers)
      if (status !== 200) expect(['slow_down', 'invalid_grant']).toContain(body.error);
  });

  it('neither code lies in the table in readable form', async () => {
    const device = await begin();
    const rows = await world.database.query('select d::text as row from oauth_device_codes d');
    const text = rows.rows.map(({ row }) => row).join('\n');
    expect(text).not.toContain(device.device_code);
    expect(text).not.toContain(device.user_code.replace('-', ''));
  });
});
