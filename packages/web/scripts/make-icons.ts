/** Draws the PNG icons from their SVG with chromium: `node packages/web/scripts/make-icons.ts`. Run it when a mark changes. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { launchBrowser } from '../test/support/browser.ts';

const folder = fileURLToPath(new URL('../public/icons/', import.meta.url));
const icons = [
  { from: 'app.svg', to: 'icon-192.png', size: 192 },
  { from: 'app.svg', to: 'icon-512.png', size: 512 },
  { from: 'app.svg', to: 'icon-32.png', size: 32 },
  { from: 'app-maskable.svg', to: 'maskable-512.png', size: 512 },
  { from: 'app-maskable.svg', to: 'apple-touch-icon.png', size: 180 },
  { from: 'badge.svg', to: 'badge-96.png', size: 96 },
];

const browser = await launchBrowser();
for (const { from, to, size } of icons) {
  const page = await browser.newPage({ viewport: { width: size, height: size } });
  const svg = readFileSync(`${folder}${from}`, 'utf8').replace('<svg ', `<svg width="${size}" height="${size}" `);
  await page.setContent(`<body style="margin:0;background:transparent">${svg}</body>`);
  writeFileSync(`${folder}${to}`, await page.screenshot({ omitBackground: true }));
  await page.close();
}
await browser.close();
