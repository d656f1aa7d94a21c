import { toRequest } from '@atrium/protocol';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newContext } from './support/browser.ts';
import { containerAnswers, containerRecords, opened } from './support/container-answers.ts';
import { containerPages } from './support/container-pages.ts';
import { type Call, remembered } from './support/diary-answers.ts';
import { describeStates, serveForTests } from './support/page-states.ts';
import { me, quietSocket, recorded } from './support/recorded-api.ts';

test('every recorded answer of containers is one that the contract allows, to a call that it allows', () => {
  expect(containerRecords.length).toBeGreaterThan(8);
  for (const { operation, input, body } of containerRecords) {
    expect(() => operation.input.parse(input), operation.name).not.toThrow();
    expect(operation.output.parse(body), operation.name).toEqual(body);
    expect(toRequest(operation, input as Record<string, unknown>).method).toBe(operation.method);
  }
});

const web = serveForTests();

/** Pages as they simply open are looked at among all pages; here are the states that they do not get into by themselves. */
const states = containerPages.filter(({ variant, answers, act }) => !variant && (answers !== containerAnswers || act));

describeStates(web, states, ({ answers }) => recorded(answers));

describe('58: containers by keys alone', () => {
  let page: Page;
  let calls: Call[];

  beforeAll(async () => {
    const context = await newContext(web.browser);
    const { calls: heard, handler } = remembered({
      ...containerAnswers,
      [`POST /api/v1/containers/${opened.id}/restart`]: { body: opened },
    });
    calls = heard;
    await web.served.answer(context, handler);
    await quietSocket(context);
    page = await context.newPage();
    page.setDefaultTimeout(15_000);
  }, 60_000);
  afterAll(async () => {
    await page?.context().close();
  });

  test('rows are selected by x, and a batch that would stop several is asked about first', async () => {
    await page.goto(`${web.served.url}/containers`);
    await page.locator('[role=row][data-row="0"]').focus();
    for (const key of ['j', 'x', 'j', 'j', 'x']) await page.keyboard.press(key);
    await page.getByRole('button', { name: 'Stop 2' }).press('Enter');
    await page.getByRole('button', { name: 'Stop them' }).press('Enter');
    await page.waitForSelector('text=Stopped 1');
    const { body } = calls.find(({ path }) => path === '/api/v1/containers/batch')!;
    expect(body).toMatchObject({ action: 'stop', ids: [expect.any(String), expect.any(String)] });
  });

  test('who wants no questions is asked none before what can be made good again', async () => {
    const preferences = { ...me.preferences, confirmations: false };
    await page.route('**/api/v1/me', (route) => route.fulfill({ json: { ...me, preferences } }));
    calls.splice(0);
    await page.goto(`${web.served.url}/containers`);
    await page.locator('[role=row][data-row="0"]').focus();
    for (const key of ['j', 'x', 'j', 'j', 'x']) await page.keyboard.press(key);
    await page.getByRole('button', { name: 'Stop 2' }).press('Enter');
    await expect.poll(() => calls.filter(({ path }) => path === '/api/v1/containers/batch').length).toBe(1);
    expect(await page.getByRole('dialog').count()).toBe(0);
    await page.unroute('**/api/v1/me');
  });

  test('a row opens by Enter on its log, which is searched and held', async () => {
    await page.goto(`${web.served.url}/containers/${opened.id}`);
    const lines = page.getByRole('region', { name: 'Lines' });
    await page.waitForSelector('text=job digest');
    await lines.focus();
    await page.keyboard.press('p');
    await page.waitForSelector('text=Held');
    await page.keyboard.press('p');
    await page.waitForSelector('text=Following');
    await page.getByLabel('Search the log').fill('slow query');
    await page.waitForSelector('text=20 lines');
    expect(await page.locator('mark').first().textContent()).toBe('slow query');
    await page.getByRole('button', { name: 'Restart' }).press('Enter');
    await page.waitForSelector('text=notes-web-1 is restarted');
  });
});
