/**
 * Takes the pages of the web app at two sizes and in chosen themes, with recorded answers in place of a server:
 * `node packages/web/scripts/web-shots.ts FOLDER [name…]`.
 */
import { mkdir } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import { adminPages } from '../test/support/admin-pages.ts';
import { boardPages } from '../test/support/board-pages.ts';
import { launchBrowser, newContext } from '../test/support/browser.ts';
import { containerPages } from '../test/support/container-pages.ts';
import { gatewayPages } from '../test/support/gateway-pages.ts';
import {
  type Answers,
  answerApi,
  me,
  problem,
  signedInAnswers,
  strangerAnswers,
} from '../test/support/recorded-api.ts';
import { buildKitchen, serveWeb } from '../test/support/serve-web.ts';

interface Shot {
  name: string;
  path: string;
  answers: Answers;
  act?: (page: Page) => Promise<void>;
  full?: boolean;
}

const invitation = {
  body: {
    org_name: 'Northwind Trading',
    role: 'member',
    team_name: 'Release',
    inviter_name: 'Tom Okafor',
    email: null,
  },
};
const fresh: Answers = {
  ...strangerAnswers,
  'GET /api/v1/setup': { body: { done: false, registration: 'invitation', version: '0.1.0' } },
};

const shots: Shot[] = [
  { name: 'sign-in', path: '/sign-in', answers: strangerAnswers },
  { name: 'sign-in-factor', path: '/sign-in/factor#challenge=abc', answers: strangerAnswers },
  { name: 'forgot-password', path: '/forgot-password', answers: strangerAnswers },
  { name: 'reset-password', path: '/reset-password#token=abc', answers: strangerAnswers },
  { name: 'reset-password-dead', path: '/reset-password', answers: strangerAnswers },
  {
    name: 'sign-in-refused',
    path: '/sign-in',
    answers: {
      ...strangerAnswers,
      'POST /auth/login': problem(
        401,
        'invalid_credentials',
        'Wrong e-mail or password',
        'The e-mail or the password is wrong.',
      ),
    },
    async act(page) {
      await page.fill('[name=email]', 'mara@northwind.example');
      await page.fill('[name=password]', 'wrong');
      await page.click('button[type=submit]');
      await page.waitForSelector('[role=alert]');
    },
  },
  {
    name: 'setup',
    path: '/setup?token=abc',
    answers: fresh,
    async act(page) {
      await page.fill('[name=name]', 'Mara Lindqvist');
      await page.fill('[name=email]', 'mara@northwind.example');
      await page.fill('[name=new-password]', 'a quiet court at noon');
    },
  },
  {
    name: 'setup-errors',
    path: '/setup',
    answers: {
      ...fresh,
      'POST /api/v1/setup': problem(422, 'validation_failed', 'Validation failed', 'Two fields are wrong.', {
        errors: [
          { path: 'email', message: 'This is not an e-mail address.' },
          { path: 'token', message: 'This token is not the one that the server printed.' },
        ],
      }),
    },
    async act(page) {
      await page.fill('[name=token]', 'abc');
      await page.fill('[name=name]', 'Mara');
      await page.fill('[name=email]', 'mara@northwind');
      await page.fill('[name=new-password]', 'a quiet court at noon');
      await page.click('button[type=submit]');
      await page.waitForSelector('[aria-invalid=true]');
    },
  },
  { name: 'invite', path: '/invite/abc', answers: { ...strangerAnswers, 'GET /auth/invitations/abc': invitation } },
  {
    name: 'invite-accept',
    path: '/invite/abc',
    answers: { ...signedInAnswers, 'GET /auth/invitations/abc': invitation },
  },
  { name: 'invite-dead', path: '/invite/gone', answers: strangerAnswers },
  { name: 'preferences', path: '/settings/preferences', answers: signedInAnswers },
  { name: 'frame', path: '/inbox', answers: signedInAnswers },
  { name: 'not-found', path: '/nowhere', answers: signedInAnswers },
  {
    name: 'palette',
    path: '/inbox',
    answers: signedInAnswers,
    async act(page) {
      await page.waitForSelector('nav');
      await page.keyboard.press('Control+k');
      await page.waitForSelector('[cmdk-root]');
    },
  },
  {
    name: 'shortcuts',
    path: '/inbox',
    answers: signedInAnswers,
    async act(page) {
      await page.waitForSelector('nav');
      await page.keyboard.press('?');
      await page.waitForSelector('[role=dialog]');
    },
  },
  {
    name: 'more',
    path: '/inbox',
    answers: signedInAnswers,
    async act(page) {
      const more = page.getByRole('button', { name: 'More' });
      if (await more.isVisible()) await more.click();
      else await page.getByRole('button', { name: 'Mara Lindqvist' }).click();
      await page.waitForSelector('[data-state=open]');
    },
  },
  { name: 'kitchen', path: '/dev/kitchen', answers: strangerAnswers, full: true },
  ...[...adminPages, ...gatewayPages, ...boardPages, ...containerPages].map(
    ({ ready, act, ...shot }): Shot => ({
      ...shot,
      async act(page) {
        await page.waitForSelector(ready, { timeout: 8000 });
        await act?.(page);
      },
    }),
  ),
];

/** The account's own theme rules once somebody is signed in. */
const inTheme = (answers: Answers, theme: string): Answers =>
  answers['GET /api/v1/me'] === signedInAnswers['GET /api/v1/me']
    ? { ...answers, 'GET /api/v1/me': { body: { ...me, preferences: { ...me.preferences, theme } } } }
    : answers;

const [folder = '/tmp/web-shots', ...wanted] = process.argv.slice(2);
const themes = (process.env['SHOT_THEMES'] ?? 'daylight,night').split(',');
await mkdir(folder, { recursive: true });
const built = await buildKitchen();
const web = await serveWeb(built.folder);
const browser = await launchBrowser();
for (const shot of shots.filter(({ name }) => wanted.length === 0 || wanted.includes(name))) {
  for (const phone of [false, true]) {
    for (const theme of themes) {
      const context = await newContext(browser, { theme, phone });
      await answerApi(web, context, inTheme(shot.answers, theme));
      const page = await context.newPage();
      page.on('console', (message) => {
        if (message.type() === 'error' || message.type() === 'warning') console.log(`${shot.name}: ${message.text()}`);
      });
      page.on('pageerror', (error) => console.log(`${shot.name}: ${error.message}`));
      await page.goto(`${web.url}${shot.path}`, { waitUntil: 'load' });
      await page.waitForSelector('main');
      await page.waitForLoadState('networkidle');
      await page.evaluate(() => document.fonts.ready);
      try {
        await shot.act?.(page);
      } catch (error) {
        console.log(`${shot.name} ${theme} ${phone ? 390 : 1440}: ${String(error).split('\n')[0]}`);
      }
      const file = `${folder}/${shot.name}-${phone ? 390 : 1440}-${theme}`;
      if (shot.full) {
        const height = await page.evaluate(() => document.querySelector('main')!.parentElement!.scrollHeight);
        await page.setViewportSize({ width: phone ? 390 : 1440, height });
        for (let y = 0, part = 1; y < height; y += 1000, part += 1) {
          await page.screenshot({
            path: `${file}-${part}.png`,
            clip: { x: 0, y, width: phone ? 390 : 1440, height: Math.min(1000, height - y) },
          });
        }
      } else await page.screenshot({ path: `${file}.png` });
      await context.close();
    }
  }
}
await browser.close();
await web.close();
await built.remove();
