import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { newContext } from './support/browser.ts';
import { type Call, remembered } from './support/diary-answers.ts';
import {
  arriving,
  failedFeed,
  memberAnswers,
  moderatorAnswers,
  noFeed,
  noReports,
  publicEntry,
  reports,
  root,
  strangerFeed,
  streaming,
  upheldReports,
} from './support/feed-answers.ts';
import { describeStates, serveForTests } from './support/page-states.ts';
import { type Answers, problem, quietSocket, recorded } from './support/recorded-api.ts';

const web = serveForTests();

const row = '[role=row][data-row]';
const entryPath = `/feed/${publicEntry.id}`;
const queue = '/diaries/moderation';

const openReport = async (page: Page) => {
  await page.getByRole('button', { name: 'Report', exact: true }).click();
  await page.waitForSelector('[role=dialog]');
};
const openFirst = async (page: Page) => {
  await page.locator(row).first().click();
  await page.waitForSelector('[role=dialog]');
};

/** What stands on these pages by itself is looked at on a real server; here are the states that a seed cannot show. */
const states: [name: string, path: string, ready: string, answers: Answers, act?: (page: Page) => Promise<void>][] = [
  ['feed with long names', '/feed', '[data-public-entry]', strangerFeed],
  ['feed before the first entry', '/feed', 'text=Nothing is public here yet', noFeed],
  ['feed of a tag that nothing carries', '/feed?tag=kites', 'text=carries “kites”', noFeed],
  ['feed while the server fails', '/feed', 'text=Try again', failedFeed],
  ['public entry that is not public', '/feed/01980000-a000-7000-8000-0000000000ff', 'text=is not public', strangerFeed],
  ['reporting an entry', entryPath, 'article h2', strangerFeed, openReport],
  ['reports before the first', queue, 'text=No report waits', noReports],
  ['reports of an entry', queue, row, moderatorAnswers, openFirst],
  ['reports that were upheld', `${queue}?list=upheld`, row, upheldReports, openFirst],
  ['reports for whom they are not', queue, 'text=Your role does not include', memberAnswers],
];

describeStates(
  web,
  states.map(([name, path, ready, answers, act]) => ({ name, path, ready, act, answers })),
  ({ answers }) => recorded(answers),
);

/** A page that remembers what it asked. */
const watch = async (path: string, answers: Answers): Promise<{ page: Page; calls: Call[] }> => {
  const context = await newContext(web.browser);
  const { calls, handler } = remembered(answers);
  await web.served.answer(context, handler);
  await quietSocket(context);
  const page = await context.newPage();
  await page.goto(`${web.url}${path}`);
  return { page, calls };
};
const called = (calls: readonly Call[], method: string, path: string) =>
  calls.filter((call) => call.method === method && call.path === path);

describe('the public feed', () => {
  test('situation 47: is read without a sign-in, and asks nothing that needs one but who is there', async () => {
    const { page, calls } = await watch('/feed', strangerFeed);
    await page.waitForSelector('[data-public-entry]');
    await page.getByRole('link', { name: publicEntry.title! }).click();
    await page.waitForURL(`**${entryPath}`);
    await page.waitForSelector('article strong');
    await page.waitForSelector(`text=${publicEntry.author!.public_key}`);
    expect([...new Set(calls.map((call) => call.path))].filter((path) => !path.startsWith(root))).toEqual([
      '/api/v1/me',
    ]);
    // A stranger is asked once, and not again with every page.
    expect(called(calls, 'GET', '/api/v1/me')).toHaveLength(1);
    await page.getByRole('link', { name: 'Sign in' }).click();
    await page.waitForURL(/sign-in\?next=/);
    expect(new URL(page.url()).searchParams.get('next')).toBe(entryPath);
    await page.context().close();
  });

  test('shows what is written while one reads, once, and asks for what came since the newest it knows', async () => {
    const { page } = await watch('/feed', {
      ...strangerFeed,
      [`GET ${root}/feed/stream`]: streaming(publicEntry, arriving, arriving),
    });
    const asked = page.waitForRequest((request) => request.url().includes('/feed/stream'));
    await page.waitForSelector(`text=${arriving.title}`);
    expect(new URL((await asked).url()).searchParams.get('since')).toBe(`${publicEntry.created_at}/${publicEntry.id}`);
    await page.waitForSelector('text=Live');
    expect(await page.locator('[data-public-entry]').first().getAttribute('data-public-entry')).toBe(arriving.id);
    expect(await page.locator(`[data-public-entry="${arriving.id}"]`).count()).toBe(1);
    expect(await page.locator(`[data-public-entry="${publicEntry.id}"]`).count()).toBe(1);
    await page.context().close();
  });

  test('is narrowed by a tag of an entry, in the list and in the stream', async () => {
    const { page } = await watch('/feed', strangerFeed);
    await page.waitForSelector('[data-public-entry]');
    const list = page.waitForRequest(
      (request) => request.url().includes('/public/feed?') && request.url().includes('tag=rollback'),
    );
    const stream = page.waitForRequest((request) => request.url().includes('/feed/stream?tag=rollback'));
    await page.locator('[aria-label=Tags]').getByRole('link', { name: 'rollback' }).first().click();
    await Promise.all([list, stream]);
    expect(page.url()).toContain('tag=rollback');
    await page.context().close();
  });

  test('lets anybody report an entry, and keeps what was typed when that is refused', async () => {
    const path = `${root}/entries/${publicEntry.id}/report`;
    const answers: Answers = {
      ...strangerFeed,
      [`POST ${path}`]: problem(429, 'rate_limited', 'Too many', 'Too many reports; try again in 30 seconds.'),
    };
    const { page, calls } = await watch(entryPath, answers);
    await page.waitForSelector('article h2');
    await openReport(page);
    const send = page.getByRole('button', { name: 'Send report' });
    await page.getByRole('radio', { name: 'Something else' }).click();
    // That something is wrong is not enough: it must be said what.
    expect(await send.isDisabled()).toBe(true);
    await page.fill('[name=report-reason]', 'It is about me');
    await send.click();
    await page.waitForSelector('[role=alert]:has-text("Too many reports")');
    answers[`POST ${path}`] = { status: 201, body: { reported: true } };
    await page.getByRole('radio', { name: 'Spam' }).click();
    await send.click();
    await page.waitForSelector('text=The moderators look at it');
    expect(called(calls, 'POST', path).map(({ body }) => body['reason'])).toEqual([
      'It is about me',
      'Spam: It is about me',
    ]);
    await page.context().close();
  });

  test('stands within the frame for whoever is signed in', async () => {
    const { page } = await watch('/feed', moderatorAnswers);
    await page.waitForSelector('[data-public-entry]');
    expect(await page.getByRole('navigation', { name: 'Main' }).count()).toBe(1);
    expect(await page.getByRole('link', { name: 'Sign in' }).count()).toBe(0);
    await page.getByRole('navigation', { name: 'Diaries' }).getByRole('link', { name: 'Reports' }).click();
    await page.waitForURL(`**${queue}`);
    await page.context().close();
  });
});

describe('the queue of reports', () => {
  test('gathers the reports of an entry, says who reported it, and hides it with a way back', async () => {
    const { page, calls } = await watch(queue, moderatorAnswers);
    await page.waitForSelector(row);
    expect(await page.locator(row).count()).toBe(2);
    await page.locator(row).first().focus();
    await page.keyboard.press('Enter');
    const sheet = page.getByRole('dialog');
    await sheet.getByText('2 reports').waitFor();
    await sheet.getByText('Somebody without a sign-in').waitFor();
    await sheet.getByText(reports[2]!.reporter!.name).waitFor();
    await sheet.getByRole('button', { name: 'Hide entry' }).click();
    await expect.poll(() => called(calls, 'POST', `${root}/entries/${publicEntry.id}/hide`)).toHaveLength(1);
    await page.getByRole('button', { name: 'Undo' }).click();
    await expect.poll(() => called(calls, 'POST', `${root}/entries/${publicEntry.id}/restore`)).toHaveLength(1);
    await page.context().close();
  });

  test('dismisses reports only once nobody took that back', async () => {
    const { page, calls } = await watch(queue, moderatorAnswers);
    await page.locator(row).first().click();
    await page.getByRole('dialog').getByRole('button', { name: 'Dismiss' }).last().click();
    await page.waitForSelector('text=2 reports are dismissed');
    await expect.poll(() => page.locator(row).count()).toBe(1);
    await page.getByRole('button', { name: 'Undo' }).click();
    await expect.poll(() => page.locator(row).count()).toBe(2);
    await page.locator(row).first().click();
    await page.getByRole('dialog').getByRole('button', { name: 'Dismiss' }).last().click();
    await page.waitForSelector('text=2 reports are dismissed');
    expect(called(calls, 'POST', `${root}/entries/${publicEntry.id}/dismiss`)).toHaveLength(0);
    // Leaving the page sends what waits for the end of the ten seconds.
    await page.goto('about:blank');
    await expect.poll(() => called(calls, 'POST', `${root}/entries/${publicEntry.id}/dismiss`)).toHaveLength(1);
    await page.context().close();
  });
});
