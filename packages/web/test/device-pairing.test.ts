import { readPairingLink } from '@atrium/protocol';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../server/test/support/free-port.ts';
import { ok, openWorld, type Person, type World } from '../../server/test/support/people.ts';
import { seriousViolations } from './support/axe.ts';
import { launchBrowser } from './support/browser.ts';
import { readPicture } from './support/read-picture.ts';

let world: World;
let browser: Browser;
let origin: string;
let ada: Person;

beforeAll(async () => {
  const port = await freePort();
  // Browsers make keys for https and for this machine alone.
  origin = `http://localhost:${port}`;
  world = await openWorld({ port, web: true, env: { ATRIUM_PUBLIC_URL: origin } });
  ada = await world.makePerson('Ada');
  browser = await launchBrowser();
}, 180_000);
afterAll(async () => {
  await browser?.close();
  await world?.close();
});

interface Window {
  page: Page;
  context: BrowserContext;
  complaints: string[];
}

const open = async (options: Parameters<Browser['newContext']>[0] = {}): Promise<Window> => {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 900 },
    serviceWorkers: 'block',
    ...options,
  });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on(
    'console',
    (message) => message.text().includes('Content Security Policy') && complaints.push(message.text()),
  );
  page.on('pageerror', (error) => complaints.push(String(error)));
  return { page, context, complaints };
};

const inside = async (person: Person): Promise<Window> => {
  const window = await open();
  await window.context.addCookies([{ name: 'atrium_session', value: person.token, url: origin }]);
  return window;
};

describe('in two real browsers', () => {
  it('one shows a picture, the other reads it, joins with a key that never leaves it, and is shut out', async () => {
    const desk = await inside(ada);
    const phone = await open();
    await desk.page.goto(`${origin}/devices`);
    await desk.page.getByRole('button', { name: 'Pair the first device' }).click();
    const picture = desk.page.getByRole('img', { name: 'Picture with the pairing code' });
    await picture.waitFor();
    expect(await seriousViolations(desk.page)).toEqual([]);
    const link = await readPicture(await picture.screenshot(), phone.page);
    expect(readPairingLink(link!)).toMatchObject({ u: origin, c: expect.stringMatching(/^[2-9A-Z]{10}$/) });

    await phone.page.goto(link!);
    await phone.page.getByLabel('Name of this browser').fill('Kitchen tablet');
    expect(phone.page.url()).toBe(`${origin}/pair`);
    await phone.page.getByRole('button', { name: 'Join' }).click();
    await phone.page.getByText('Connected.').waitFor();
    const key = await phone.page.evaluate(
      () =>
        new Promise<{ extractable: boolean; type: string }>((resolve) => {
          const opening = indexedDB.open('atrium-device');
          opening.onsuccess = () => {
            const reading = opening.result.transaction('device').objectStore('device').get('this');
            reading.onsuccess = () =>
              resolve({ extractable: reading.result.key.extractable, type: reading.result.key.type });
          };
        }),
    );
    expect(key).toEqual({ extractable: false, type: 'private' });

    await desk.page.getByRole('heading', { name: 'Kitchen tablet is paired' }).waitFor();
    await desk.page.getByRole('button', { name: 'Open its page' }).click();
    await desk.page.getByText('Online', { exact: true }).first().waitFor();
    await desk.page.getByText('Open every app that you may open').waitFor();

    expect(await seriousViolations(desk.page)).toEqual([]);
    expect(await seriousViolations(phone.page)).toEqual([]);
    await desk.page.getByRole('textbox', { name: 'Name' }).fill('Tablet in the kitchen');
    await desk.page.getByRole('button', { name: 'Rename' }).click();
    await phone.page.getByText('Tablet in the kitchen').waitFor();

    // It comes back by itself, with what it kept.
    await phone.page.reload();
    await phone.page.getByText('Connected.').waitFor();

    await desk.page.getByRole('button', { name: 'Revoke' }).click();
    await desk.page.getByRole('button', { name: 'Revoke device' }).click();
    await phone.page.getByText('This browser was shut out.').waitFor();
    await desk.page.getByText('Pair the first device').waitFor();
    expect([...desk.complaints, ...phone.complaints]).toEqual([]);
    await desk.context.close();
    await phone.context.close();
  });

  it('a picture that somebody changed is refused before a key is made', async () => {
    const made = ok(await ada.post('/api/v1/devices/pairings', {}));
    const phone = await open();
    await phone.page.goto(made.url.replace(/v=.*/, 'v=AAAAAAAAAAAAAAAAAAAAAA'));
    await phone.page.getByRole('button', { name: 'Join' }).click();
    await phone.page.getByText('does not belong to this picture').waitFor();
    expect(ok(await ada.get(`/api/v1/devices/pairings/${made.id}`))).toMatchObject({ state: 'redeemed', device: null });
    await phone.context.close();
  });

  it('Undo on the screen of the creator throws out what joined, and closing it makes the code useless', async () => {
    const desk = await inside(ada);
    const phone = await open();
    await desk.page.goto(`${origin}/devices`);
    await desk.page.getByRole('button', { name: 'Pair a device' }).click();
    const code = await desk.page.locator('code', { hasText: /^[2-9A-Z]{5}-[2-9A-Z]{5}$/ }).textContent();
    await phone.page.goto(`${origin}/pair`);
    await phone.page.getByLabel('Code', { exact: true }).fill(code!.toLowerCase());
    await phone.page.getByRole('button', { name: 'Join' }).click();
    await phone.page.getByText('Connected.').waitFor();
    await desk.page.getByRole('button', { name: 'Undo' }).click();
    await phone.page.getByText('This browser was shut out.').waitFor();

    await desk.page.getByRole('button', { name: 'Pair a device' }).click();
    const other = await desk.page.locator('code', { hasText: /^[2-9A-Z]{5}-[2-9A-Z]{5}$/ }).textContent();
    await desk.page.getByRole('button', { name: 'Cancel' }).click();
    await phone.page.getByLabel('Code', { exact: true }).fill(other!);
    await phone.page.getByRole('button', { name: 'Join' }).click();
    await phone.page.getByText('This code is wrong, was used, or has expired.').waitFor();
    await desk.context.close();
    await phone.context.close();
  });

  it('without script a code is checked and the way by an app is told; a wrong one is refused', async () => {
    const made = ok(await ada.post('/api/v1/devices/pairings', {}));
    const { page, context } = await open({ javaScriptEnabled: false });
    await page.goto(`${origin}/pair`);
    await page.getByLabel('Code', { exact: true }).fill('AAAAA-AAAAA');
    await page.getByRole('button', { name: 'Join' }).click();
    await page.getByText('This code is wrong, was used, or has expired.').waitFor();
    await page.getByLabel('Code', { exact: true }).fill(made.code);
    await page.getByRole('button', { name: 'Join' }).click();
    await page.getByRole('heading', { name: 'This code is good' }).waitFor();
    await context.close();
  });
});
