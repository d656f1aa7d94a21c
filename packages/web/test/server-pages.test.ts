import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { describeStates, serveForTests } from './support/page-states.ts';
import { type Answers, problem, recorded } from './support/recorded-api.ts';
import { clientId, clients, ownerAnswers, quietServerAnswers, serverAnswers } from './support/server-answers.ts';

const web = serveForTests();
const { open } = web;

const row = '[role=row][data-row], ul[aria-label] > li > button';
const item = '[role=row][data-row], ul[aria-label] > li > div';
const press = (name: string) => async (page: Page) => {
  await page.getByRole('button', { name, exact: true }).first().click();
  await page.waitForSelector('[role=dialog]');
};
const openSecond = async (page: Page) => {
  await page.locator('[role=row][data-row="1"], ul[aria-label] > li:nth-child(2) > button').first().click();
  await page.waitForSelector('[role=dialog]');
};

/** What stands on these pages by itself is looked at on a real server; here are the states that a seed cannot show. */
const pages: [name: string, path: string, ready: string, act?: (page: Page) => Promise<void>, answers?: Answers][] = [
  ['overview of a quiet server', '/server/overview', 'text=No token was issued', undefined, quietServerAnswers],
  ['metrics of a busy server', '/server/metrics', '[data-route]'],
  ['metrics before the first request', '/server/metrics', 'text=Nothing was asked for', undefined, quietServerAnswers],
  ['security events', '/server/events', row, openSecond],
  ['clients before the first', '/server/clients', 'text=Register the first client', undefined, quietServerAnswers],
  ['new client', '/server/clients', row, press('New client')],
  ['tokens', '/server/tokens', row, openSecond],
  ['grants', '/server/grants', row, openSecond],
  ['registration tokens', '/server/registration', item, press('New token')],
  ['people', '/server/people', row, openSecond],
  ['sessions', '/server/sessions', row, openSecond],
  ['resources', '/server/resources', row, press('New resource')],
  ['trusted issuers', '/server/issuers', row, press('Trust an issuer')],
  ['denied addresses', '/server/denylist', item, press('Deny a range')],
  ['one-time secret', '/server/reveal#token', 'text=Show its secret'],
  [
    'connected apps before the first',
    '/settings/connected-apps',
    'text=No application acts',
    undefined,
    quietServerAnswers,
  ],
];

describeStates(
  web,
  pages.map(([name, path, ready, act, answers = serverAnswers]) => ({ name, path, ready, act, answers })),
  ({ answers }) => recorded(answers),
);

describe('the section of the server', () => {
  test('is in the rail of an operator and of nobody else, who is told what it is', async () => {
    const operator = await open('/settings/profile', serverAnswers);
    await operator.getByRole('link', { name: 'Server', exact: true }).waitFor();
    await operator.context().close();
    const owner = await open('/server/clients', ownerAnswers);
    await owner.waitForSelector('text=people who run the server');
    expect(await owner.getByRole('link', { name: 'Server', exact: true }).count()).toBe(0);
    await owner.context().close();
  });

  test('registers a client by keys alone and shows its secret once', async () => {
    const page = await open('/server/clients', serverAnswers);
    await page.waitForSelector(row);
    await page.keyboard.press('c');
    await page.waitForSelector('[name=client-name]');
    await page.fill('[name=client-name]', 'Customer portal');
    await page.fill('[name=redirect-uris]', 'https://portal.northwind.example/callback');
    const asked = page.waitForRequest(
      (request) => request.method() === 'POST' && request.url().endsWith('/oauth/clients'),
    );
    await page.getByRole('button', { name: 'Register client' }).click();
    expect((await asked).postDataJSON()).toMatchObject({
      name: 'Customer portal',
      auth_method: 'client_secret_basic',
      redirect_uris: ['https://portal.northwind.example/callback'],
    });
    await page.waitForSelector('text=Shown once');
    await page.getByRole('button', { name: 'Done' }).click();
    await page.waitForSelector('[role=dialog]', { state: 'detached' });
    expect(await page.content()).not.toContain('acs_xxx');
    await page.context().close();
  });

  test('situation 97: who saves after somebody else is told so, and keeps what was typed', async () => {
    const page = await open(`/server/clients/${clientId}`, {
      ...serverAnswers,
      [`PATCH /api/v1/admin/oauth/clients/${clientId}`]: problem(
        409,
        'generation_conflict',
        'Changed meanwhile',
        'The client was changed meanwhile; it is at version 4 now.',
        { current_version: 4 },
      ),
    });
    const field = page.getByRole('textbox', { name: 'Name' });
    await field.fill('My name for it');
    const asked = page.waitForRequest((request) => request.method() === 'PATCH');
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    expect((await asked).postDataJSON()).toEqual({ version: 3, name: 'My name for it' });
    await page.waitForSelector('text=Somebody else changed this client');
    expect(await field.inputValue()).toBe('My name for it');
    await page.getByRole('button', { name: 'Take theirs' }).click();
    expect(await field.inputValue()).toBe(clients[0]!.name);
    await page.context().close();
  });

  test('a one-time link leaves no token in the address and shows the secret when asked', async () => {
    const page = await open('/server/reveal#the-token', serverAnswers);
    await page.waitForSelector('text=Show its secret');
    expect(page.url()).not.toContain('the-token');
    const asked = page.waitForRequest((request) => request.url().endsWith('/secret-reveals/open'));
    await page.getByRole('button', { name: 'Show its secret' }).click();
    expect((await asked).postDataJSON()).toEqual({ token: 'the-token' });
    await page.waitForSelector('text=acs_yyy');
    await page.context().close();
  });

  test('an application that is withdrawn leaves the list at once', async () => {
    const page = await open('/settings/connected-apps', {
      ...serverAnswers,
      'DELETE /api/v1/me/grants/01980000-0043-7000-8000-000000000000': { status: 204, body: null },
    });
    await page.getByRole('button', { name: 'Withdraw the access of Customer portal' }).click();
    const sent = page.waitForRequest((request) => request.method() === 'DELETE');
    await page.getByRole('dialog').getByRole('button', { name: 'Withdraw access' }).click();
    await sent;
    await page.waitForSelector('text=Its access is ended');
    await page.context().close();
  });
});
