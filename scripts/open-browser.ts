import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

/** The first is the same engine without a window and costs half as much for each page. */
const places = ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium'];

const executable = (): string => {
  const found = process.env['CHROMIUM'] ?? places.find((place) => existsSync(place));
  if (found === undefined)
    throw new Error(`browser tests need Chromium: install it (${places.join(' or ')}) or name it in CHROMIUM`);
  return found;
};

/** The Chromium of the machine, or the one that CHROMIUM names. */
export const openBrowser = (flags: readonly string[] = []): Promise<Browser> =>
  chromium.launch({
    executablePath: executable(),
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      ...flags,
    ],
  });
