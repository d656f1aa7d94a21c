import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GateBrowser, type GateDoor, openGateDoor } from '../../../../test/support/gate-door.ts';
import { insertRoute, makeRequest, makeRoute } from '../../../../test/support/make-gate.ts';
import { callOf, makeOrg, type TestOrg, testPassword } from '../../../../test/support/make-org.ts';
import type { RouteSnapshot } from '../snapshot.ts';
import { createSharesService } from './shares-service.ts';

let door: GateDoor;
let org: TestOrg<'Ada' | 'Ben'>;
let notes: RouteSnapshot;
let wiki: RouteSnapshot;
let shares: ReturnType<typeof createSharesService>;
const app = 'http://notes.example.org';

beforeAll(async () => {
  door = await openGateDoor();
  org = await makeOrg(door.identity, { members: { Ada: {}, Ben: {} } });
  notes = makeRoute({ org_id: org.id, slug: 'notes' });
  wiki = makeRoute({ org_id: org.id, slug: 'wiki' });
  door.routes.set(notes, 'notes.example.org');
  door.routes.set(wiki, 'wiki.example.org');
  await insertRoute(door, notes, 'notes.example.org');
  await insertRoute(door, wiki);
  shares = createSharesService({
    ...{ database: door.database, clock: door.clock, public_url: () => door.origin },
    forget: (fact) => door.part.gate.book.changed(fact),
  });
});
afterAll(() => door.drop());

const signIn = async (browser: GateBrowser, url: string) => {
  const form = await browser.go(url);
  expect(form.text).toContain('name="password"');
  return browser.submit(form, { email: org.members.Ada.email, password: testPassword });
};

describe('G17: a private app on a host of its own', () => {
  it('is opened by signing in at the own origin, and the browser comes back to where it was', async () => {
    const browser = new GateBrowser(door);
    const arrived = await signIn(browser, `${app}/board/7?view=all&x=%20`);
    expect([arrived.url, arrived.status]).toEqual([`${app}/board/7?view=all&x=%20`, 200]);
    // The session stays at the own origin; what the host got is something else.
    const own = browser.cookiesOf(new URL(door.origin).hostname);
    expect(browser.cookiesOf('notes.example.org').has('atrium_session')).toBe(false);
    const session = own.get('atrium_session')!;
    expect(browser.visited.join(' ')).not.toContain(session);
    expect([...browser.cookiesOf('notes.example.org').values()]).not.toContain(session);
    // The second app needs no second sign-in.
    expect(await browser.go('http://wiki.example.org/')).toMatchObject({ status: 200 });
  });

  it('is closed again when the session ends, within a second', async () => {
    const browser = new GateBrowser(door);
    await signIn(browser, `${app}/`);
    const session = browser.cookiesOf(new URL(door.origin).hostname).get('atrium_session')!;
    const caller = (await door.identity.resolve(session))!;
    await door.identity.services.sessions.logout(callOf(caller));
    const again = await browser.step(`${app}/`);
    expect(again.location).toContain('/auth/gate?');
    const tool = makeRequest({
      url: '/',
      host: 'notes.example.org',
      headers: { cookie: [...browser.cookiesOf('notes.example.org')].map((c) => c.join('=')).join('; ') },
    });
    expect(await door.part.gate.decide(tool, notes)).toMatchObject({ kind: 'refuse', status: 401 });
  });

  it('takes a code once, on its host, in the browser that left from there, within a minute', async () => {
    const codeFor = async (browser: GateBrowser, url: string): Promise<string> => {
      let step = await browser.step(url);
      while (step.location !== null && !step.location.includes('/.well-known/atrium-gate'))
        step = await browser.step(step.location);
      return step.location!;
    };
    const browser = new GateBrowser(door);
    await signIn(browser, `${app}/`);
    browser.cookiesOf('notes.example.org').delete('atrium_app');

    const landing = await codeFor(browser, `${app}/`);
    const other = new GateBrowser(door);
    await other.step(`${app}/`);
    expect(await other.step(landing), 'another browser').toMatchObject({ status: 400 });
    const nobody = new GateBrowser(door);
    expect(await nobody.step(landing), 'a browser that never left').toMatchObject({ status: 400 });
    const elsewhere = landing.replace('notes.example.org', 'wiki.example.org');
    browser
      .cookiesOf('wiki.example.org')
      .set('atrium_browser', browser.cookiesOf('notes.example.org').get('atrium_browser')!);
    expect(await browser.step(elsewhere), 'another host').toMatchObject({ status: 400 });
    expect(await browser.step(landing)).toMatchObject({ status: 303 });
    expect(await browser.step(landing), 'twice').toMatchObject({ status: 400 });

    browser.cookiesOf('notes.example.org').delete('atrium_app');
    const late = await codeFor(browser, `${app}/`);
    door.clock.advance(61_000);
    expect(await browser.step(late), 'late').toMatchObject({ status: 400 });
  });

  it('leads nowhere but to hosts of routes, and there to paths', async () => {
    const browser = new GateBrowser(door);
    await signIn(browser, `${app}/`);
    const code = 'x'.repeat(43);
    for (const to of [
      'https://evil.example/',
      'http://notes.example.org.evil.example/',
      '//evil.example',
      'javascript:alert(1)',
      '/apps/notes/',
    ]) {
      const query = new URLSearchParams({ to, browser: code });
      expect((await browser.step(`${door.origin}/auth/gate?${query}`)).status, to).toBe(404);
    }
    const landing = new URLSearchParams({ code, to: '//evil.example/' });
    expect(await browser.step(`${app}/.well-known/atrium-gate?${landing}`)).toMatchObject({ status: 400 });
  });

  it('is no place for somebody of another organisation, who is told nothing', async () => {
    const foreign = await makeOrg(door.identity);
    const browser = new GateBrowser(door);
    browser.cookiesOf(new URL(door.origin).hostname).set('atrium_session', foreign.owner.token);
    expect(await browser.go(`${app}/`)).toMatchObject({ status: 404, verdict: { code: 'not_found' } });
  });
});

describe.each([
  ['at the own origin', 'wiki'],
  ['on a host', 'notes'],
] as const)('G19: a share link %s', (_where, slug) => {
  const routeOf = () => (slug === 'wiki' ? wiki : notes);
  const share = (more: Partial<Parameters<typeof shares.create>[1]> = {}) =>
    shares.create(org.owner.call, {
      ...{ id: routeOf().id, name: 'for Zoe', kind: 'link', max_uses: null, expires_in: 3600 },
      ...more,
    });

  it('with a PIN, three uses and an hour works three times, and not a fourth', async () => {
    const made = await share({ kind: 'pin', max_uses: 3 });
    expect(made.secret).toMatch(/^\d{6}$/);
    const opened: GateBrowser[] = [];
    for (let use = 1; use <= 3; use += 1) {
      const browser = new GateBrowser(door);
      const page = await browser.go(made.url);
      expect(page.text).toContain('Enter the PIN');
      const arrived = await browser.submit(page, { secret: made.secret! });
      expect(arrived).toMatchObject({
        status: 200,
        verdict: { kind: 'allow', visitor: { caller: null, share_id: made.id } },
      });
      expect(arrived.url).not.toContain('atrium_share');
      opened.push(browser);
    }
    const fourth = await new GateBrowser(door).go(made.url);
    expect(fourth.status).toBe(404);
    expect((await opened[0]!.go(made.url)).status, 'who came in goes on').toBe(200);
    const { items } = await shares.list(org.owner.call, { id: routeOf().id, limit: 200 });
    expect(items.find(({ id }) => id === made.id)).toMatchObject({ uses: 3, max_uses: 3 });
    door.clock.advance(3_600_000);
    expect((await opened[0]!.step(new URL(made.url).href.split('?')[0]!)).status, 'an hour later').not.toBe(200);
  });

  it('takes five wrong PINs, and the sixth try is one too many even when it is right', async () => {
    const made = await share({ kind: 'pin', secret: '4711' });
    const browser = new GateBrowser(door);
    const page = await browser.go(made.url);
    for (let wrong = 1; wrong <= 5; wrong += 1)
      expect((await browser.submit(page, { secret: `${wrong}000` })).status).toBe(403);
    expect((await browser.submit(page, { secret: '4711' })).status).toBe(429);
    door.clock.advance(31 * 60_000);
    expect((await browser.submit(page, { secret: '4711' })).status).toBe(200);
  });

  it('opens no second app, and gives its last use to one of many who ask at once', async () => {
    const made = await share({ kind: 'link', max_uses: 1 });
    const browsers = Array.from({ length: 6 }, () => new GateBrowser(door));
    const arrived = await Promise.all(browsers.map((browser) => browser.go(made.url)));
    expect(arrived.filter(({ status }) => status === 200)).toHaveLength(1);
    const winner = browsers[arrived.findIndex(({ status }) => status === 200)]!;
    const [own, other] =
      slug === 'wiki' ? [door.origin, 'http://notes.example.org/'] : [app, `${door.origin}/apps/wiki/`];
    const cookies = winner.cookiesOf(new URL(own).hostname);
    winner.cookiesOf(new URL(other).hostname).clear();
    for (const [name, value] of cookies) winner.cookiesOf(new URL(other).hostname).set(name, value);
    const elsewhere = await winner.step(other);
    expect(elsewhere.status).toBe(303);
    expect(elsewhere.location).toMatch(/\/(?:login|auth\/gate)\?/);
  });

  it('ends with what was opened by it when it is taken back', async () => {
    const made = await share({ kind: 'passcode' });
    const browser = new GateBrowser(door);
    const arrived = await browser.submit(await browser.go(made.url), { secret: made.secret! });
    if (arrived.verdict?.kind !== 'allow') throw new Error('it did not open');
    const reasons: string[] = [];
    arrived.verdict.visitor.watch((reason) => reasons.push(reason));
    await shares.revoke(org.owner.call, { id: routeOf().id, share_id: made.id });
    expect((await browser.step(arrived.url)).status).toBe(303);
    await expect.poll(() => reasons).toEqual(['signed out']);
    expect((await new GateBrowser(door).go(made.url)).status).toBe(404);
    await expect(shares.revoke(org.owner.call, { id: routeOf().id, share_id: made.id })).rejects.toMatchObject({
      code: 'not_found',
    });
  });

  it('spends no use of somebody who may open the app anyway', async () => {
    const made = await share({ max_uses: 1 });
    const browser = new GateBrowser(door);
    browser.cookiesOf(new URL(door.origin).hostname).set('atrium_session', org.members.Ben.token);
    if (slug === 'notes') await browser.go(`${app}/`);
    const arrived = await browser.go(made.url);
    expect(arrived).toMatchObject({ status: 200, verdict: { visitor: { caller: { id: org.members.Ben.id } } } });
    const { items } = await shares.list(org.owner.call, { id: routeOf().id, limit: 200 });
    expect(items.find(({ id }) => id === made.id)).toMatchObject({ uses: 0 });
  });
});

it('share links are made for routes of the own organisation alone, and keep no secret in the clear', async () => {
  const foreign = await makeOrg(door.identity);
  const input = { id: notes.id, name: '', kind: 'pin' as const, max_uses: null, expires_in: 60 };
  await expect(shares.create(foreign.owner.call, input)).rejects.toMatchObject({ code: 'not_found' });
  await expect(shares.create(org.owner.call, { ...input, secret: 'abcd' })).rejects.toMatchObject({
    code: 'validation_failed',
  });
  await expect(shares.create(org.owner.call, { ...input, kind: 'link', secret: '1234' })).rejects.toMatchObject({
    code: 'validation_failed',
  });
  const made = await shares.create(org.owner.call, { ...input, secret: '987654321' });
  const token = new URL(made.url).searchParams.get('atrium_share')!;
  for (const table of ['gateway_shares', 'gateway_visits', 'core_events', 'core_audit']) {
    const rows = JSON.stringify((await door.pool.query(`select * from ${table}`)).rows);
    expect(rows.includes(token), `${table} holds the token`).toBe(false);
    expect(rows.includes('987654321'), `${table} holds the PIN`).toBe(false);
  }
});
