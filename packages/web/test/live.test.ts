import type { Browser, BrowserContext, WebSocketRoute } from 'playwright-core';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { launchBrowser, newContext } from './support/browser.ts';
import { me, recorded, signedInAnswers, socketReady } from './support/recorded-api.ts';
import { type ServedWeb, serveWeb } from './support/serve-web.ts';

let web: ServedWeb;
let browser: Browser;

beforeAll(async () => {
  [web, browser] = await Promise.all([serveWeb(inject('web_folder')), launchBrowser()]);
}, 120_000);
afterAll(async () => {
  await browser?.close();
  await web?.close();
});

/** Plays the socket's other side: each connection gets `ready` as soon as it may; what the page says is kept. */
const playSocket = async (context: BrowserContext, cursors: number[], mayAgain: Promise<void> = Promise.resolve()) => {
  const connections: { socket: WebSocketRoute; said: unknown[] }[] = [];
  await context.routeWebSocket(/\/ws$/, (socket) => {
    const said: unknown[] = [];
    connections.push({ socket, said });
    socket.onMessage((text) => {
      const message = JSON.parse(String(text)) as { type: string };
      // Who it is comes first, and goes without saying.
      if (message.type !== 'auth') said.push(message);
    });
    const first = connections.length === 1;
    const cursor = cursors[connections.length - 1] ?? cursors.at(-1)!;
    if (first) socket.send(socketReady(cursor));
    else void mayAgain.then(() => socket.send(socketReady(cursor)));
  });
  return connections;
};

test('a lost connection shows the thin line, comes back by itself and replays from the last event heard', async () => {
  const context = await newContext(browser);
  await web.answer(context, recorded(signedInAnswers));
  const seen = Promise.withResolvers<void>();
  const connections = await playSocket(context, [10, 15], seen.promise);
  const page = await context.newPage();
  await page.goto(`${web.url}/settings/preferences`);
  await expect.poll(() => connections[0]?.said).toEqual([{ type: 'subscribe' }]);
  const event = {
    type: 'event',
    seq: 12,
    org_id: me.org.id,
    kind: 'test.thing.happened',
    id: me.org.id,
    actor: me.principal,
    at: '2026-11-20T09:00:00Z',
    body: {},
  };
  connections[0]!.socket.send(JSON.stringify(event));
  await connections[0]!.socket.close({ code: 1012 });
  await page.getByText('Reconnecting').waitFor({ state: 'attached' });
  seen.resolve();
  await expect.poll(() => connections[1]?.said).toEqual([{ type: 'subscribe', since: 12 }]);
  await page.getByText('Reconnecting').waitFor({ state: 'detached' });
  await context.close();
}, 30_000);

test('when the replay window is exceeded, what is on screen is fetched afresh', async () => {
  const context = await newContext(browser);
  await web.answer(context, recorded(signedInAnswers));
  const connections = await playSocket(context, [10]);
  const page = await context.newPage();
  let fetched = 0;
  page.on('request', (request) => {
    if (request.url().endsWith('/api/v1/me')) fetched += 1;
  });
  await page.goto(`${web.url}/settings/preferences`);
  await page.waitForSelector('fieldset');
  await expect.poll(() => fetched).toBe(2);
  connections[0]!.socket.send(JSON.stringify({ type: 'resync', cursor: 900 }));
  await expect.poll(() => fetched).toBe(3);
  await context.close();
}, 30_000);

test('a session that ended elsewhere leads to sign-in with the way back', async () => {
  const context = await newContext(browser);
  await web.answer(context, recorded(signedInAnswers));
  const connections = await playSocket(context, [10]);
  const page = await context.newPage();
  await page.goto(`${web.url}/settings/preferences`);
  await expect.poll(() => connections.length).toBe(1);
  await connections[0]!.socket.close({ code: 4401 });
  await page.waitForURL(/\/sign-in\?next=/);
  expect(new URL(page.url()).searchParams.get('next')).toBe('/settings/preferences');
  await context.close();
}, 30_000);
