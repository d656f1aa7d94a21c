import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createAuthenticator } from '../../server/test/support/authenticator.ts';
import { freePort } from '../../server/test/support/free-port.ts';
import { type KeyedAgent, type KeyWorld, openKeyWorld } from '../../server/test/support/key-world.ts';
import { makeSigner } from '../../server/test/support/make-signer.ts';
import { ok, type Person, password } from '../../server/test/support/people.ts';
import type { Json } from '../../server/test/support/rest-client.ts';
import { seriousViolations } from './support/axe.ts';
import { launchBrowser } from './support/browser.ts';

// Several pages, each judged by axe, on a machine that does other things as well.
vi.setConfig({ testTimeout: 240_000 });

let world: KeyWorld;
let browser: Browser;
let origin: string;
let agent: KeyedAgent;
beforeAll(async () => {
  const port = await freePort();
  // A name and no address: passkeys are for names alone.
  origin = `http://localhost:${port}`;
  world = await openKeyWorld({ port, web: true, env: { ATRIUM_PUBLIC_URL: origin } });
  agent = await world.agent();
  browser = await launchBrowser();
}, 180_000);
afterAll(async () => {
  await browser?.close();
  await world?.close();
});

const path = '/api/v1/crypto/signing-requests';

const itemOf = async (person: Person, requestId: string): Promise<Json> => {
  const { id } = await world.row('select id from inbox_items where decides_id = $1', [requestId]);
  return ok(await person.get(`/api/v1/inbox/items/${id}`));
};

describe('in a real browser', () => {
  const open = async (person: Person): Promise<{ page: Page; context: BrowserContext; refused: string[] }> => {
    const viewport = { width: 1280, height: 900 };
    const context = await browser.newContext({ viewport, serviceWorkers: 'block', reducedMotion: 'reduce' });
    context.setDefaultTimeout(90_000);
    const page = await context.newPage();
    const refused: string[] = [];
    page.on('console', (line) => line.text().includes('Content Security Policy') && refused.push(line.text()));
    const cdp = await context.newCDPSession(page);
    await cdp.send('WebAuthn.enable');
    await cdp.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        ...{ protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true },
        ...{ isUserVerified: true, automaticPresenceSimulation: true },
      },
    });
    await page.goto(`${origin}/sign-in`);
    await page.fill('[name=email]', person.email);
    await page.fill('[name=password]', password);
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await page.waitForURL(/\/inbox/);
    return { page, context, refused };
  };

  it('a person makes a key that a passkey approves, signs what an agent asks, and revokes it', async () => {
    const person = await world.org.member('Browser Signer');
    const { page, context, refused } = await open(person);
    await page.goto(`${origin}/settings/security`);
    // It says what is needed first.
    await page.waitForSelector('text=Add a passkey above first');
    expect(await page.getByRole('button', { name: 'Make a signing key' }).isDisabled()).toBe(true);
    await page.getByRole('button', { name: 'Add a passkey' }).click();
    await page.waitForSelector('text=On one device only');
    await page.getByRole('button', { name: 'Make a signing key' }).click();
    const dialog = page.getByRole('dialog', { name: 'Make a signing key' });
    await dialog.getByLabel('Name').fill('Workshop');
    await dialog.getByRole('button', { name: 'Approve with your passkey' }).click();
    await page.waitForSelector('text=In this browser');
    expect(await seriousViolations(page, 'all')).toEqual([]);
    const [held] = ok(await person.get('/api/v1/me/personal-keys')).items;
    expect(held.label).toBe('Workshop');
    // No script of this origin can read what the browser keeps.
    const kept = await page.evaluate(
      () =>
        new Promise<unknown>((resolve, reject) => {
          const opening = indexedDB.open('atrium-signing-keys', 1);
          opening.onsuccess = () => {
            const all = opening.result.transaction('keys').objectStore('keys').getAll();
            all.onsuccess = async () => {
              const { key } = all.result[0];
              const exported = await crypto.subtle.exportKey('pkcs8', key).catch((error: Error) => error.name);
              opening.result.close();
              resolve([all.result.length, key.extractable, exported]);
            };
          };
          opening.onerror = () => reject(opening.error);
        }),
    );
    expect(kept).toEqual([1, false, 'InvalidAccessError']);

    const message = '# Release 1.4.1\n\n[a link](https://example.org) and \u202ehidden';
    const asked = ok(await agent.post(path, { message, person: person.id }));
    const { id } = await itemOf(person, asked.id);
    await page.goto(`${origin}/inbox/${id}`);
    await page.getByRole('link', { name: 'Read and sign' }).click();
    await page.waitForURL(new RegExp(`/sign/${asked.id}`));
    await page.getByRole('button', { name: 'Sign', exact: true }).waitFor();
    const shown = page.getByRole('figure', { name: 'Message' });
    // As it is: no heading, no link, and what does not show is said.
    expect(await shown.textContent()).toBe(message.replace('\u202e', 'U+202E'));
    expect(await shown.getByRole('link').count()).toBe(0);
    expect(await seriousViolations(page, 'all')).toEqual([]);
    await page.getByRole('button', { name: 'Sign', exact: true }).click();
    await page
      .getByRole('status')
      .filter({ hasText: /^Signed$/ })
      .waitFor();
    const done = ok(await agent.get(`${path}/${asked.id}`));
    expect(done).toMatchObject({ status: 'completed', valid: true, fingerprint: held.fingerprint });
    expect(ok(await world.anonymous.post('/api/v1/crypto/verify', { signature: done.signature }))).toEqual({
      ...{ valid: true, signer: { fingerprint: held.fingerprint } },
    });

    const unwanted = ok(await agent.post(path, { message: 'unwanted', person: person.id }));
    await page.goto(`${origin}/settings/security`);
    await page.getByRole('list', { name: 'Waiting for your signature' }).getByRole('link').click();
    await page.getByRole('button', { name: 'Decline' }).click();
    await page.waitForSelector('text=Declined. No signature');
    expect(ok(await agent.get(`${path}/${unwanted.id}`)).status).toBe('declined');

    await page.goto(`${origin}/settings/security`);
    await page.getByRole('button', { name: 'Revoke the key Workshop' }).click();
    await page.getByRole('button', { name: 'Revoke key', exact: true }).click();
    await page.waitForSelector('text=Revoked');
    const refusedAsk = await agent.post(path, { message: 'x', person: person.id });
    expect([refusedAsk.status, refusedAsk.body.code]).toEqual([409, 'personal_key_missing']);
    expect(refused).toEqual([]);
    await context.close();
  });

  it('a key stays where it is while the list is asked for again', async () => {
    const { person } = await makeSigner(world, origin, 'Steady Signer');
    const { page, context } = await open(person);
    await page.goto(`${origin}/settings/security`);
    const row = page.getByRole('button', { name: 'Revoke the key Software' });
    const shown = await row.elementHandle();
    // What the live connection misses while it opens is asked for as well.
    await page.waitForLoadState('networkidle');
    const again = page.waitForResponse((response) => response.url().endsWith('/me/personal-keys'));
    const { ceremony_id, options } = ok(await person.post('/api/v1/me/passkeys/options'));
    const credential = createAuthenticator(origin).create(options);
    ok(await person.post('/api/v1/me/passkeys', { ceremony_id, credential }));
    await (await again).finished();
    await expect.poll(() => page.getByRole('button', { name: 'Rename the passkey' }).count()).toBe(2);
    await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
    expect(await shown!.evaluate((button) => button.isConnected)).toBe(true);
    expect(await row.count()).toBe(1);
    await context.close();
  });

  it('another browser has no key and says so, with the message still to be read and declined', async () => {
    const { person } = await makeSigner(world, origin, 'Elsewhere Signer');
    const { page, context } = await open(person);
    const asked = ok(await agent.post(path, { message: 'from elsewhere', person: person.id }));
    await page.goto(`${origin}/sign/${asked.id}`);
    await page.waitForSelector('text=Your key is in another browser: Software');
    expect(await page.getByRole('button', { name: 'Sign', exact: true }).count()).toBe(0);
    await page.getByRole('button', { name: 'Decline' }).waitFor();
    expect(await seriousViolations(page, 'all')).toEqual([]);
    await context.close();
  });
});
