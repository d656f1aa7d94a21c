import { describe, expect, test } from 'vitest';
import { adminAnswers, emptyAnswers, freshAgent, ids, memberAnswers } from './support/admin-answers.ts';
import { adminPages } from './support/admin-pages.ts';
import { describeStates, serveForTests } from './support/page-states.ts';
import { problem, recorded } from './support/recorded-api.ts';

const web = serveForTests();
const { open } = web;

/** Pages as they simply open are looked at on a real server; here are the states that it does not get into by itself. */
const states = adminPages.filter(({ variant, answers, act }) => !variant && (answers !== adminAnswers || act));

describeStates(web, states, ({ answers }) => recorded(answers));

describe('connecting an agent', () => {
  test('shows the key once and turns the light green by itself at the first call, with the name of the client', async () => {
    const page = await open('/welcome', emptyAnswers);
    await page.fill('[name=agent-name]', 'Release agent');
    await page.keyboard.press('Enter');
    await page.waitForSelector('text=Waiting for the first call');
    expect(await page.locator('code:has-text("claude mcp add")').first().textContent()).toContain('Bearer atk_');
    const seen = new Date().toISOString();
    await web.served.answer(
      page.context(),
      recorded({
        ...emptyAnswers,
        [`GET /api/v1/agents/${ids.freshAgent}`]: {
          body: { ...freshAgent, first_seen_at: seen, last_seen_at: seen, last_client: 'claude-code 2.1.4' },
        },
      }),
    );
    await page.waitForSelector('text=claude-code 2.1.4 is connected');
    await page.context().close();
  });

  test('is a palette command that works on any page by keys alone', async () => {
    const page = await open('/settings/profile', adminAnswers);
    await page.waitForSelector('text=You are here');
    await page.keyboard.press('Control+k');
    await page.locator('[cmdk-input]:focus').waitFor();
    await page.keyboard.type('conn');
    // What the server found meanwhile does not push the named command from its place.
    await page.waitForSelector('[cmdk-item]:has-text("Mara Lindqvist")');
    await page.keyboard.type('ect an agent');
    await page.waitForSelector('[cmdk-item][data-selected=true]:has-text("Connect an agent")');
    await page.keyboard.press('Enter');
    await page.waitForSelector('[name=agent-name]:focus');
    await page.context().close();
  });
});

describe('what a person may not do', () => {
  test('a Member finds no button that makes agents, and is told why a page is closed', async () => {
    const page = await open('/agents', memberAnswers);
    await page.waitForSelector('[role=row][data-row]');
    expect(await page.getByRole('button', { name: 'Connect an agent' }).count()).toBe(0);
    await page.goto(`${web.url}/audit`);
    await page.waitForSelector('text=audit.read');
    await page.context().close();
  });

  test('the refusal to change the last Owner says what to do instead, and the role stays', async () => {
    const page = await open('/members', {
      ...adminAnswers,
      'POST /api/v1/orgs/current/members/01980000-0000-7000-8000-000000000001/role': problem(
        409,
        'last_owner',
        'The last Owner stays',
        'cannot demote the last Owner',
      ),
    });
    await page.locator('[role=row][data-row="0"]').click();
    await page.getByRole('combobox', { name: 'Role' }).click();
    await page.getByRole('option', { name: /^Member/ }).click();
    await page.waitForSelector('[role=alert]:has-text("is the last Owner")');
    expect(await page.getByRole('combobox', { name: 'Role' }).textContent()).toContain('Owner');
    await page.context().close();
  });
});

describe('the audit trail', () => {
  test('keeps its filters in the address and sends them to the server', async () => {
    const page = await open('/audit', adminAnswers);
    await page.waitForSelector('[role=row][data-row]');
    const asked = page.waitForRequest((request) => request.url().includes('action=members.*'));
    await page.getByRole('button', { name: 'Action', exact: true }).click();
    await page.getByRole('menuitem', { name: 'Members' }).click();
    await asked;
    expect(decodeURIComponent(new URL(page.url()).search)).toContain('action=members.*');
    await page.context().close();
  });
});

test('what cannot be undone waits until the name is typed', async () => {
  const page = await open('/settings/organisation', adminAnswers);
  await page.getByRole('button', { name: 'Delete organisation' }).click();
  const confirm = page.getByRole('dialog').getByRole('button', { name: 'Delete organisation' });
  expect(await confirm.isDisabled()).toBe(true);
  await page.keyboard.type('Northwind Trading');
  expect(await confirm.isEnabled()).toBe(true);
  await page.context().close();
});
