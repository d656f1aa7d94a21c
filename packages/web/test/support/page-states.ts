import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { violationsByTheme } from './axe.ts';
import { type ContextOptions, launchBrowser, newContext } from './browser.ts';
import { type Answers, answerApi, quietSocket } from './recorded-api.ts';
import { type ApiHandler, type ServedWeb, serveWeb } from './serve-web.ts';

export interface WebHost {
  readonly browser: Browser;
  readonly url: string;
  readonly served: ServedWeb;
  /** A page in a fresh profile whose requests get recorded answers. */
  open(path: string, answers: Answers, options?: ContextOptions): Promise<Page>;
}

/** The built app and a browser for the tests of one file. */
export const serveForTests = (): WebHost => {
  let web: ServedWeb;
  let browser: Browser;
  beforeAll(async () => {
    [web, browser] = await Promise.all([serveWeb(inject('web_folder')), launchBrowser()]);
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
    get served() {
      return web;
    },
    open: async (path, answers, options = {}) => {
      const context = await newContext(browser, options);
      await answerApi(web, context, answers);
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

const desk = { width: 1440, height: 900 };

/**
 * A test for each state. The pages beneath are judged at both widths, by day and night, on a real server, and every piece
 * of the kit in every theme; so a state is judged once, and the narrow width asked only whether everything fits. One page
 * goes from state to state, each a document of its own with nothing stored: a process for each would cost more than all
 * that is looked at.
 */
export const describeStates = <S extends PageState>(
  web: WebHost,
  states: readonly S[],
  handlerOf: (state: S) => ApiHandler,
): void => {
  let page: Page | undefined;
  const openPage = async (): Promise<Page> => {
    const context = await newContext(web.browser);
    await quietSocket(context);
    const opened = await context.newPage();
    opened.on('dialog', (dialog) => dialog.accept());
    return opened;
  };
  afterAll(async () => {
    await page?.context().close();
  });
  test.each(states)(
    '$name: no serious accessibility violation, no sideways scroll at either width',
    async (state) => {
      if (page === undefined) page = await openPage();
      else
        await page.evaluate(() => {
          localStorage.clear();
          sessionStorage.clear();
        });
      await web.served.answer(page.context(), handlerOf(state));
      await page.setViewportSize(desk);
      const address = new URL(state.path, web.url);
      // An address that differs in its fragment alone would be no new document.
      const same = new URL(page.url(), address);
      if (same.pathname === address.pathname && same.search === address.search) await page.goto('about:blank');
      await page.goto(address.href);
      await page.waitForSelector(state.ready, { state: 'attached' });
      // When the parser comes, what stands below moves: between the two halves of a press it would be no click.
      await page.waitForSelector('[data-unparsed]', { state: 'detached' });
      await state.act?.(page);
      const found = await violationsByTheme(page, state.themes ?? ['daylight']);
      const wide = await sidewaysScroll(page);
      await page.setViewportSize({ width: 390, height: desk.height });
      await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
      const narrow = await sidewaysScroll(page);
      expect({ found, wide, narrow }).toEqual({ found: {}, wide: 0, narrow: 0 });
    },
    120_000,
  );
};
