import { describe, expect, test } from 'vitest';
import { kitThemes } from './support/axe.ts';
import { newContext } from './support/browser.ts';
import { describeStates, type PageState, serveForTests } from './support/page-states.ts';
import { type Answers, answerApi, me, recorded, signedInAnswers, strangerAnswers } from './support/recorded-api.ts';

const web = serveForTests();
const { open } = web;

interface Looked extends PageState {
  answers: Answers;
}

/** States of pages, and every piece of the kit in every theme; pages as they simply open are looked at on a real server. */
const pages: Looked[] = [
  { name: 'sign-in', path: '/sign-in', answers: strangerAnswers, ready: 'text=House of Northwind' },
  { name: 'second factor', path: '/sign-in/factor#challenge=abc', answers: strangerAnswers, ready: '[name=code]' },
  { name: 'forgotten password', path: '/forgot-password', answers: strangerAnswers, ready: '[name=email]' },
  { name: 'new password', path: '/reset-password#token=abc', answers: strangerAnswers, ready: '[name=new-password]' },
  {
    name: 'setup',
    path: '/setup',
    answers: { ...strangerAnswers, 'GET /api/v1/setup': { body: { done: false, registration: 'open', version: '0' } } },
    ready: '[name=new-password]',
    async act(page) {
      await page.fill('[name=token]', 'abc');
      await page.fill('[name=name]', 'Mara');
      await page.fill('[name=email]', 'mara@example.test');
      await page.fill('[name=new-password]', 'short');
    },
  },
  {
    name: 'palette',
    path: '/settings/preferences',
    answers: signedInAnswers,
    ready: 'fieldset',
    async act(page) {
      await page.keyboard.press('Control+k');
      await page.waitForSelector('[cmdk-item]');
    },
  },
  {
    name: 'kitchen',
    themes: kitThemes,
    path: '/dev/kitchen',
    answers: strangerAnswers,
    ready: '.u-over',
    act: async (page) => void (await page.waitForSelector('input[type=checkbox][disabled]')),
  },
];

describeStates(web, pages, ({ answers }) => recorded(answers));

describe('the built app', () => {
  test('runs under a policy without inline scripts and eval, and asks no other host', async () => {
    const context = await newContext(web.browser);
    await answerApi(web.served, context, signedInAnswers);
    const page = await context.newPage();
    const refused: string[] = [];
    const foreign: string[] = [];
    page.on('console', (message) => message.text().includes('Content Security Policy') && refused.push(message.text()));
    page.on('request', (request) => new URL(request.url()).origin !== web.url && foreign.push(request.url()));
    await page.goto(`${web.url}/dev/kitchen`);
    await page.waitForSelector('.u-over');
    for (const name of ['Dialog', 'Sheet']) {
      await page.getByRole('button', { name, exact: true }).click();
      await page.waitForSelector('[role=dialog]');
      await page.keyboard.press('Escape');
      await page.waitForSelector('[role=dialog]', { state: 'detached' });
    }
    await page.getByRole('combobox', { name: 'Level' }).click();
    await page.waitForSelector('[role=option]');
    await page.keyboard.press('Escape');
    await page.goto(`${web.url}/settings/preferences`);
    await page.waitForSelector('fieldset');
    await page.keyboard.press('Control+k');
    await page.waitForSelector('[cmdk-item]');
    await context.close();
    expect({ refused, foreign }).toEqual({ refused: [], foreign: [] });
  }, 60_000);

  test('has the chosen theme before anything is painted', async () => {
    const context = await newContext(web.browser, { theme: 'dracula' });
    await answerApi(web.served, context, strangerAnswers);
    const page = await context.newPage();
    // Without its modules nothing but the boot script can have set it.
    await page.route(/\/assets\/.*\.js$/, (route) => route.abort());
    await page.goto(`${web.url}/sign-in`);
    expect(await page.evaluate(() => document.documentElement.dataset['theme'])).toBe('dracula');
    await context.close();
  }, 30_000);

  test('sends a stranger to sign-in with the way back, and a stranger of a fresh server to its setup', async () => {
    const stranger = await open('/members?q=tom', strangerAnswers);
    await stranger.waitForSelector('[name=password]');
    expect(new URL(stranger.url()).pathname).toBe('/sign-in');
    expect(new URL(stranger.url()).searchParams.get('next')).toBe('/members?q=tom');
    await stranger.context().close();
    const first = await open('/', {
      ...strangerAnswers,
      'GET /api/v1/setup': { body: { done: false, registration: 'open', version: '0' } },
    });
    await first.waitForURL(/\/setup$/);
    await first.context().close();
  }, 30_000);

  test('is driven by keys alone: a sequence goes to a place, the palette finds a theme, folding the rail is remembered', async () => {
    const page = await open('/settings/preferences', {
      ...signedInAnswers,
      'PATCH /api/v1/me/preferences': { body: { ...me.preferences, theme: 'nord' } },
    });
    await page.waitForSelector('fieldset');
    await page.keyboard.press('g');
    await page.keyboard.press('a');
    await page.waitForURL(/\/agents$/);
    await page.keyboard.press('Control+k');
    await page.locator('[cmdk-input]:focus').waitFor();
    await page.keyboard.type('nord');
    await page.waitForSelector('[cmdk-item][data-selected=true]:has-text("Nord")');
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => document.documentElement.dataset['theme'] === 'nord');
    await page.keyboard.press('Control+b');
    await page.waitForFunction(() => localStorage.getItem('atrium.rail') === 'folded');
    await page.context().close();
  }, 30_000);

  test('shows a chosen theme at once and puts the former one back when the account refuses it', async () => {
    const page = await open('/settings/preferences', signedInAnswers);
    await page.waitForSelector('fieldset');
    let answer: () => void = () => undefined;
    const asked = new Promise<void>((resolve) => {
      answer = resolve;
    });
    await page.route('**/api/v1/me/preferences', async (route) => {
      await asked;
      await route.fallback();
    });
    const theme = () => page.evaluate(() => document.documentElement.dataset['theme']);
    await page.getByText('Solarized Dark', { exact: true }).click();
    await expect.poll(theme).toBe('solarized-dark');
    answer();
    await page.getByText('Your preferences are as they were.', { exact: true }).waitFor();
    await expect.poll(theme).toBe('daylight');
    await page.context().close();
  }, 30_000);

  test('keeps the focus on the first wrong field of a refused form and says why beside it', async () => {
    const page = await open('/setup?token=t', {
      ...strangerAnswers,
      'GET /api/v1/setup': { body: { done: false, registration: 'open', version: '0' } },
      'POST /api/v1/setup': {
        status: 422,
        body: {
          type: 'about:blank',
          title: 'Validation failed',
          status: 422,
          code: 'validation_failed',
          detail: 'One field is wrong.',
          instance: '/',
          request_id: 'r',
          errors: [{ path: 'email', message: 'Another account has this address.' }],
        },
      },
    });
    await page.fill('[name=name]', 'Mara');
    await page.fill('[name=email]', 'mara@example.test');
    await page.fill('[name=new-password]', 'a quiet court at noon');
    await page.keyboard.press('Enter');
    const email = page.locator('[name=email][aria-invalid=true]');
    await email.waitFor();
    const described = await email.getAttribute('aria-describedby');
    expect(await page.locator(`[id="${described}"]`).textContent()).toContain('Another account has this address.');
    expect(await email.evaluate((element) => element === document.activeElement)).toBe(true);
    await page.context().close();
  }, 30_000);
});
