import type { Browser, BrowserContext } from 'playwright-core';
import { openBrowser } from '../../../../scripts/open-browser.ts';

/** Documents of tests live for a second: code that V8 optimises for them is hardly ever run. */
export const launchBrowser = (): Promise<Browser> =>
  openBrowser(['--js-flags=--no-maglev --no-turbofan --min-semi-space-size=16']);

export interface ContextOptions {
  theme?: string;
  phone?: boolean;
  dense?: boolean;
}

/** A fresh browser profile with a chosen theme. */
export const newContext = async (
  browser: Browser,
  { theme = 'daylight', phone = false, dense = false }: ContextOptions = {},
): Promise<BrowserContext> => {
  const context = await browser.newContext({
    viewport: phone ? { width: 390, height: 844 } : { width: 1440, height: 900 },
    hasTouch: phone,
    isMobile: phone,
    reducedMotion: 'reduce',
    serviceWorkers: 'block',
    timezoneId: 'Europe/Berlin',
  });
  await context.addInitScript(
    ([chosen, density]) => {
      localStorage.setItem('atrium.theme', chosen!);
      localStorage.setItem('atrium.density', density!);
    },
    [theme, dense ? 'dense' : 'comfortable'],
  );
  return context;
};
