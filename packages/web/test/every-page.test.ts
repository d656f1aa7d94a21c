import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type SeededIds, type SeededPage, seededPages } from '../../../scripts/seed/pages.ts';
import { seed, seedEnvironment } from '../../../scripts/seed.ts';
import { serverDatabaseUrl } from '../../server/test/support/server-database.ts';
import { type RunningServer, removeDataDir, startServer } from '../../server/test/support/start-server.ts';
import { seriousViolations } from './support/axe.ts';
import { launchBrowser } from './support/browser.ts';

let server: RunningServer;
let browser: Browser;
let origin: string;

beforeAll(async () => {
  [server, browser] = await Promise.all([startServer({ web: true, env: seedEnvironment }), launchBrowser()]);
  origin = server.url.replace('127.0.0.1', 'localhost');
}, 120_000);
afterAll(async () => {
  await browser?.close();
  await server?.stop();
  if (server) removeDataDir(server.dataDir);
});

// Half a minute each on idle cores; on busy ones a single page takes seconds.
vi.setConfig({ testTimeout: 600_000 });

const sizes = {
  desk: { viewport: { width: 1440, height: 900 } },
  phone: { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true },
} as const;

interface Visit {
  page: Page;
  context: BrowserContext;
  /** What the console said that a clean page does not say, since it was last asked. */
  complaints: () => string[];
}

const visit = async (size: keyof typeof sizes, token: string | null): Promise<Visit> => {
  const context = await browser.newContext({ ...sizes[size], reducedMotion: 'reduce' });
  if (token !== null) await context.addCookies([{ name: 'atrium_session', value: token, url: origin }]);
  const page = await context.newPage();
  const said: string[] = [];
  page.on('console', (message) => {
    const { url } = message.location();
    // A stranger is asked who they are; the browser writes down that they are nobody.
    if (token === null && url.endsWith('/api/v1/me')) return;
    if (message.type() === 'error' || message.type() === 'warning') said.push(`${message.text()} ${url}`);
  });
  page.on('pageerror', (error) => said.push(String(error)));
  return { page, context, complaints: () => said.splice(0) };
};

/**
 * What is wrong with a page; an empty object when nothing is. Its colours are asked for by night as well on the desk: a
 * phone lays things out in another way, with the same colours.
 */
const faults = async (
  { page, complaints }: Visit,
  { path, ready, night }: { path: string; ready: string; night: boolean },
): Promise<Record<string, unknown>> => {
  await page.emulateMedia({ colorScheme: 'light' });
  await page.goto(origin + path);
  await page.locator(ready).first().waitFor({ state: 'attached' });
  await page.evaluate(() => document.fonts.ready);
  const light = await seriousViolations(page);
  let dark: string[] = [];
  if (night) {
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.waitForFunction(() => document.documentElement.dataset['theme'] === 'night');
    dark = await seriousViolations(page, true);
  }
  const sideways = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  const said = complaints();
  return {
    ...(light.length > 0 && { light }),
    ...(dark.length > 0 && { dark }),
    ...(sideways !== 0 && { sideways }),
    ...(said.length > 0 && { said }),
  };
};

const walk = async (
  pages: readonly SeededPage[],
  size: keyof typeof sizes,
  token: string | null,
  ids: SeededIds,
): Promise<Record<string, unknown>> => {
  const visited = await visit(size, token);
  const found: Record<string, unknown> = {};
  for (const { name, path, ready } of pages) {
    const wrong = await faults(visited, { path: path(ids), ready, night: size === 'desk' });
    if (Object.keys(wrong).length > 0) found[`${name} on a ${size}`] = wrong;
  }
  await visited.context.close();
  return found;
};

/** Both sizes side by side, since a page that loads leaves the processor to another one. */
const walkAll = async (
  viewer: NonNullable<SeededPage['viewer']>,
  token: string | null,
  ids: SeededIds,
): Promise<Record<string, unknown>> => {
  const pages = seededPages.filter((page) => (page.viewer ?? 'owner') === viewer);
  const walks = await Promise.all([walk(pages, 'desk', token, ids), walk(pages, 'phone', token, ids)]);
  return Object.assign({}, ...walks);
};

describe('on a real server no page has a serious violation, sideways scroll or a complaint in its console', () => {
  let token: string;
  let ids: SeededIds;

  test('the setup of a fresh server', async () => {
    expect(await walkAll('first', null, {} as SeededIds)).toEqual({});
  });

  test('the pages of a stranger', async () => {
    const org = await seed({
      url: server.url,
      setupToken: server.setupToken,
      databaseUrl: serverDatabaseUrl(server.dataDir),
    });
    ({ ids } = org);
    ({ token } = org.owner);
    expect(await walkAll('stranger', null, ids)).toEqual({});
  });

  test('the pages of an owner', async () => {
    expect(await walkAll('owner', token, ids)).toEqual({});
  });
});

test('every route of the router is among the pages that are looked at', async () => {
  const { page, context } = await visit('desk', null);
  await page.goto(`${origin}/sign-in`);
  await page.locator('[name=password]').waitFor();
  const routes = await page.evaluate(() => {
    const { __TSR_ROUTER__: router } = self as unknown as { __TSR_ROUTER__: { routesByPath: object } };
    return Object.keys(router.routesByPath);
  });
  const covered = new Set(seededPages.map(({ route }) => route));
  expect(routes.length).toBeGreaterThan(20);
  expect(routes.filter((route) => !covered.has(route))).toEqual([]);
  expect([...covered].filter((route) => route !== '*' && !routes.includes(route))).toEqual([]);
  await context.close();
});
