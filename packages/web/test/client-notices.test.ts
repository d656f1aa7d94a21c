import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { seriousViolations } from './support/axe.ts';
import { launchBrowser, newContext } from './support/browser.ts';
import { answerApi, problem } from './support/recorded-api.ts';
import { type ServedWeb, serveWeb } from './support/serve-web.ts';
import { clientId, clients, serverAnswers } from './support/server-answers.ts';

let web: ServedWeb;
let browser: Browser;

beforeAll(async () => {
  [web, browser] = await Promise.all([serveWeb(inject('web_folder')), launchBrowser()]);
}, 120_000);
afterAll(async () => {
  await browser?.close();
  await web?.close();
});

test('an operator says where a client hears of a logout; only that is sent, and a wrong address is named at its field', async () => {
  const context = await newContext(browser, { phone: true });
  const update = `PATCH /api/v1/admin/oauth/clients/${clientId}`;
  const { version } = clients.find(({ id }) => id === clientId)!;
  await answerApi(web, context, {
    ...serverAnswers,
    [update]: problem(422, 'validation_failed', 'Validation failed', 'Something is wrong.', {
      errors: [{ path: 'frontchannel_logout_uri', message: 'must be at the scheme of an address to return to' }],
    }),
  });
  const page = await context.newPage();
  await page.goto(`${web.url}/server/clients/${clientId}`);
  const form = page.locator('form', { has: page.getByLabel('Logout call') });
  await form.getByLabel('Logout call').fill('https://portal.northwind.example/backchannel');
  await form.getByLabel('Addresses after a logout').fill('https://portal.northwind.example/bye\n');
  await form.getByLabel('Logout frame').fill('https://elsewhere.example/out');
  const asked = page.waitForRequest((request) => request.method() === 'PATCH');
  await form.getByRole('button', { name: 'Save notices' }).click();
  expect((await asked).postDataJSON()).toEqual({
    version,
    backchannel_logout_uri: 'https://portal.northwind.example/backchannel',
    frontchannel_logout_uri: 'https://elsewhere.example/out',
    post_logout_redirect_uris: ['https://portal.northwind.example/bye'],
  });
  await page.waitForSelector('text=must be at the scheme');
  expect(await form.getByLabel('Logout frame').getAttribute('aria-invalid')).toBe('true');
  expect(await form.getByLabel('Logout call').inputValue()).toBe('https://portal.northwind.example/backchannel');
  expect(await seriousViolations(page)).toEqual([]);
  await context.close();
}, 60_000);
