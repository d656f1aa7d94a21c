import { type Browser, type BrowserContext, chromium } from 'playwright-core';

export const launchBrowser = (): Promise<Browser> =>
  chromium.launch({
    executablePath: process.env['ATRIUM_TEST_CHROMIUM'] ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });

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
