import { toRequest } from '@atrium/protocol';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newContext } from './support/browser.ts';
import { type Call, remembered } from './support/diary-answers.ts';
import { keyTo } from './support/keys.ts';
import { describeStates, serveForTests } from './support/page-states.ts';
import { me, quietSocket, recorded } from './support/recorded-api.ts';
import { forgejo, noEngine, paperless, toolboxAnswers, toolboxRecords } from './support/toolbox-answers.ts';
import { toolboxPages } from './support/toolbox-pages.ts';

test('every recorded answer of the toolbox is one that the contract allows, to a call that it allows', () => {
  expect(toolboxRecords.length).toBeGreaterThan(15);
  for (const { operation, input, body } of toolboxRecords) {
    expect(() => operation.input.parse(input), operation.name).not.toThrow();
    expect(operation.output.parse(body), operation.name).toEqual(body);
    expect(toRequest(operation, input as Record<string, unknown>).method).toBe(operation.method);
  }
});

const web = serveForTests();

/** Pages as they simply open are looked at among all pages. */
describeStates(
  web,
  toolboxPages.filter(({ answers, act }) => answers !== toolboxAnswers || act),
  ({ answers }) => recorded(answers),
);

describe('by keys alone', () => {
  let page: Page;
  let calls: Call[];
  beforeAll(async () => {
    const context = await newContext(web.browser);
    const { calls: heard, handler } = remembered({ ...toolboxAnswers });
    calls = heard;
    await web.served.answer(context, handler);
    await quietSocket(context);
    page = await context.newPage();
  });
  afterAll(() => page?.context().close());

  const sent = async (method: string, path: string): Promise<Call> => {
    await expect.poll(() => calls.findLast((one) => one.method === method && one.path === path)).toBeDefined();
    return calls.findLast((one) => one.method === method && one.path === path)!;
  };

  test('an application is installed with passwords that were made up', async () => {
    await page.goto(`${web.url}/toolbox/templates/paperless-ngx`);
    await keyTo(page, 'Make up all 3 passwords');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Install', exact: true }).focus();
    await page.keyboard.press('Enter');
    const { body } = await sent('POST', '/api/v1/toolbox/deployments');
    expect(body).toMatchObject({ template: 'paperless-ngx', name: 'paperless-ngx', route: true, accept: [] });
    const variables = (body as { variables: Record<string, string> }).variables;
    expect(Object.keys(variables).toSorted()).toEqual(
      paperless.variables
        .filter(({ required }) => required)
        .map(({ name }) => name)
        .toSorted(),
    );
    for (const value of Object.values(variables)) expect(value).toMatch(/^[A-Za-z0-9]{24}$/);
    await page.waitForSelector('text=Pull images');
  });

  test('it is removed with its data only when somebody says so', async () => {
    await page.goto(`${web.url}/toolbox/installed/${forgejo.id}`);
    await keyTo(page, 'Remove');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').getByText('finds its volume again').waitFor();
    await page.getByRole('radio', { name: 'Delete its data' }).focus();
    await page.keyboard.press('Space');
    await keyTo(page, 'Remove with data');
    await page.keyboard.press('Enter');
    const { query } = await sent('DELETE', `/api/v1/toolbox/deployments/${forgejo.id}`);
    expect(query['volumes']).toBe('remove');
    await page.waitForURL('**/toolbox/installed');
  });
});

test('who does not run the server looks, and orders nothing', async () => {
  const answers = { ...noEngine, 'GET /api/v1/me': { body: { ...me, is_operator: false } } };
  const page = await web.open('/toolbox/templates/paperless-ngx', answers);
  await page.getByText('Installing is for people who run this server').waitFor();
  expect(await page.getByRole('button', { name: 'Install', exact: true }).isDisabled()).toBe(true);
  await page.goto(`${web.url}/toolbox/installed/${forgejo.id}`);
  await page.getByText('Made of').first().waitFor();
  expect(await page.getByRole('button', { name: 'Remove', exact: true }).count()).toBe(0);
  await page.context().close();
});
