/** `npm run screenshots`: every page of a lived-in server, at 1440 and 390 px, light and dark, into docs/screenshots. */
import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import type { BrowserContext } from 'playwright-core';
import { startHttp } from '../packages/server/test/support/oauth-gate.ts';
import { visitPlainPages } from '../packages/server/test/support/plain-pages.ts';
import { serverDatabaseUrl } from '../packages/server/test/support/server-database.ts';
import { removeDataDir, startServer } from '../packages/server/test/support/start-server.ts';
import { type Answers, answerWithin } from '../packages/web/test/support/recorded-api.ts';
import { openBrowser } from './open-browser.ts';
import { root } from './run-steps.ts';
import { answersOf, type SeededIds, type SeededPage, seededPages } from './seed/pages.ts';
import { plainJourney } from './seed/plain-journey.ts';
import { seed, seedEnvironment } from './seed.ts';

const folder = resolve(root, 'docs/screenshots');
const sizes = [
  { viewport: { width: 1440, height: 900 } },
  { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true },
];
const only = process.argv.slice(2);

const shoot = async (
  context: BrowserContext,
  origin: string,
  pages: readonly (Pick<SeededPage, 'name' | 'ready' | 'streams'> & {
    address: string;
    /** Made for each picture: some of what they say holds for minutes. */
    answers: () => Answers | undefined;
  })[],
  suffix: string,
): Promise<void> => {
  const page = await context.newPage();
  for (const { name, address, ready, streams, answers } of pages) {
    if (only.length > 0 && !only.includes(name)) continue;
    const given = answers();
    const forget = given && (await answerWithin(page, given));
    await page.goto(origin + address);
    await page.locator(ready).first().waitFor({ state: 'attached' });
    if (!streams) await page.waitForLoadState('networkidle');
    await page.screenshot({ path: resolve(folder, `${name}-${suffix}.png`) });
    await forget?.();
  }
  await page.close();
};

/** The pages that the server draws itself, as somebody without script goes through them. */
const shootPlain = async (origin: string, org: Parameters<typeof plainJourney>[1]): Promise<void> => {
  const client = await startHttp((_request, response) => void response.end('Done.'));
  const journey = await plainJourney(origin, org, `${client.url}/callback`);
  for (const size of sizes)
    for (const colorScheme of ['light', 'dark'] as const) {
      const context = await browser.newContext({ ...size, colorScheme, javaScriptEnabled: false });
      await visitPlainPages(await context.newPage(), await journey.fresh(), async (name, page) => {
        if (only.length > 0 && !only.includes(name)) return;
        const path = resolve(folder, `${name}-${size.viewport.width}-${colorScheme}.png`);
        await page.screenshot({ path, fullPage: true });
      });
      await context.close();
    }
  client.close();
};

mkdirSync(folder, { recursive: true });
const server = await startServer({
  web: true,
  env: seedEnvironment,
});
const browser = await openBrowser();
try {
  const origin = server.url.replace('127.0.0.1', 'localhost');
  const visit = async (
    viewer: NonNullable<SeededPage['viewer']>,
    token: string | null,
    ids: SeededIds | null,
  ): Promise<void> => {
    const pages = seededPages
      .filter((page) => (page.viewer ?? 'owner') === viewer)
      .map(({ path, ...page }) => ({
        ...page,
        address: path(ids ?? ({} as SeededIds)),
        answers: () => answersOf(page, ids ?? ({} as SeededIds)),
      }));
    for (const size of sizes) {
      for (const colorScheme of ['light', 'dark'] as const) {
        const context = await browser.newContext({ ...size, colorScheme, serviceWorkers: 'block' });
        if (token !== null) await context.addCookies([{ name: 'atrium_session', value: token, url: origin }]);
        await shoot(context, origin, pages, `${size.viewport.width}-${colorScheme}`);
        await context.close();
      }
    }
  };
  await visit('first', null, null);
  const org = await seed({
    url: server.url,
    setupToken: server.setupToken,
    databaseUrl: serverDatabaseUrl(server.dataDir),
  });
  await visit('stranger', null, org.ids);
  await visit('owner', org.owner.token, org.ids);
  await shootPlain(origin, org);
} finally {
  await browser.close();
  await server.stop();
  removeDataDir(server.dataDir);
}
