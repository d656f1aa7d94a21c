import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { violationsByTheme } from './axe.ts';
import { type ContextOptions, launchBrowser, newContext } from './browser.ts';
import { type Answers, answerApi } from './recorded-api.ts';
import { type ServedWeb, serveWeb } from './serve-web.ts';

export interface WebHost {
  readonly browser: Browser;
  readonly url: string;
  /** A page in a fresh profile whose requests get recorded answers. */
  open(path: string, answers: Answers, options?: ContextOptions): Promise<Page>;
}

/** The built app and a browser for the tests of one file. */
export const serveForTests = (): WebHost => {
  let web: ServedWeb;
  let browser: Browser;
  beforeAll(async () => {
    [web, browser] = await Promise.all([serveWeb(), launchBrowser()]);
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await web?.close();
  });
  return {
    get browser() {
      return browser;
    },
    get url() {
      return web.url;
    },
    open: async (path, answers, options = {}) => {
      const context = await newContext(browser, options);
      await answerApi(context, answers);
      const page = await context.newPage();
      await page.goto(`${web.url}${path}`);
      return page;
    },
  };
};

export interface PageState {
  name: string;
  path: string;
  /** What stands on the page once it is ready. */
  ready: string;
  act?: ((page: Page) => Promise<void>) | undefined;
  /** Themes instead of the one by day. */
  themes?: readonly string[] | undefined;
}

const sidewaysScroll = (page: Page): Promise<number> =>
  page.evaluate(() => document.documentElement.scrollWidth - innerWidth);

/**
 * A test for each state. The pages beneath are judged at both widths, by day and night, on a real server, and every piece
 * of the kit in every theme; so a state is judged once, and the narrow width asked only whether everything fits.
 */
export const describeStates = <S extends PageState>(
  states: readonly S[],
  open: (state: S, options: ContextOptions) => Promise<Page>,
): void => {
  test.each(states)(
    '$name: no serious accessibility violation, no sideways scroll at either width',
    async (state) => {
      const page = await open(state, {});
      await page.waitForSelector(state.ready, { state: 'attached' });
      await state.act?.(page);
      const found = await violationsByTheme(page, state.themes ?? ['daylight']);
      const wide = await sidewaysScroll(page);
      await page.setViewportSize({ width: 390, height: 844 });
      await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
      const narrow = await sidewaysScroll(page);
      await page.context().close();
      expect({ found, wide, narrow }).toEqual({ found: {}, wide: 0, narrow: 0 });
    },
    120_000,
  );
};
