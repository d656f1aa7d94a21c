import { request as ask, createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { pipeline } from 'node:stream';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { openBrowser } from '../../../../scripts/open-browser.ts';
import type { RewriteFacts } from '../../src/modules/gateway/lanes/answer-rewriter.ts';
import { createAnswerRewriter } from '../../src/modules/gateway/rewriting/answer-rewriter.ts';
import type { RouteSnapshot, TargetSnapshot } from '../../src/modules/gateway/snapshot.ts';
import { type SinglePageApp, startSinglePageApp } from '../support/single-page-app.ts';

const rewriter = createAnswerRewriter(null, () => new Date());
const route = {
  rewrite: true,
  strip_prefix: true,
  exclude_paths: [],
  rewrite_cookie_paths: true,
  strip_response_cookies: false,
  persist_cookies: false,
} as unknown as RouteSnapshot;

/** The least that a lane does: one route, its prefix taken away, its answers rewritten, its sockets tunnelled. */
const serveBelow = async (app: SinglePageApp) => {
  const outside: string[] = [];
  const server = createServer((request, response) => {
    const url = request.url!;
    if (!url.startsWith('/apps/x/')) {
      if (url !== '/favicon.ico') outside.push(url);
      response.writeHead(404).end('outside');
      return;
    }
    const query = url.includes('?') ? url.slice(url.indexOf('?')) : '';
    const facts: RewriteFacts = {
      route,
      target: { hostname: '127.0.0.1', port: app.port, base_path: '' } as TargetSnapshot,
      base: '/apps/x/',
      prefix: '/apps/x',
      shared_origin: true,
      method: request.method!,
      path: url.slice('/apps/x'.length, url.length - query.length),
      query,
      authority: request.headers.host!,
      scheme: 'http',
      principal_id: null,
      request_id: '',
    };
    const own = rewriter.own(facts);
    if (own !== null) {
      response.writeHead(own.status, own.headers).end(own.body);
      return;
    }
    const upstream = ask({
      port: app.port,
      host: '127.0.0.1',
      method: request.method,
      path: url.slice('/apps/x'.length),
      headers: rewriter.request(request.rawHeaders, facts),
    });
    upstream.on('response', (answer) => {
      const raw = answer.rawHeaders.filter(
        (_, at, all) => !/^(?:connection|keep-alive|transfer-encoding)$/i.test(all[at - (at % 2)]!),
      );
      const head = rewriter.head(answer.statusCode!, raw, facts);
      const body = rewriter.body(answer.statusCode!, head, facts);
      response.writeHead(answer.statusCode!, head);
      if (body === null) pipeline(answer, response, () => undefined);
      else pipeline(answer, body, response, () => undefined);
    });
    upstream.on('error', () => response.destroy());
    pipeline(request, upstream, () => undefined);
  });
  server.on('upgrade', (request, client, head) => {
    if (!request.url!.startsWith('/apps/x/')) {
      outside.push(request.url!);
      client.destroy();
      return;
    }
    const upstream = connect(app.port, '127.0.0.1', () => {
      const lines = request.rawHeaders.map((text, at) => text + (at % 2 === 0 ? ': ' : '\r\n')).join('');
      upstream.write(`GET ${request.url!.slice('/apps/x'.length)} HTTP/1.1\r\n${lines}\r\n`);
      upstream.write(head);
      pipeline(client, upstream, client, () => undefined);
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    outside,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
};

let app: SinglePageApp;
let served: Awaited<ReturnType<typeof serveBelow>>;
let browser: Browser;
let context: BrowserContext;
let page: Page;
const complaints: string[] = [];
beforeAll(async () => {
  app = await startSinglePageApp();
  [served, browser] = await Promise.all([serveBelow(app), openBrowser()]);
  context = await browser.newContext();
  page = await context.newPage();
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
});
afterAll(async () => {
  await browser?.close();
  served?.close();
  app?.close();
});

beforeEach(() => {
  complaints.length = 0;
});

/* The page's own names; this file is checked without the library of browsers. */
type Script = { checks: Record<string, () => Promise<string>>; go(path: string): void; ready?: boolean };
const open = async (path: string): Promise<void> => {
  await page.goto(served.url + path);
  await page.waitForFunction(() => (globalThis as unknown as Script).ready === true);
};
const check = (name: string): Promise<string> =>
  page.evaluate((wanted) => (globalThis as unknown as Script).checks[wanted]!(), name);

test('G47: a real single-page app below /apps/x/ opens, and everything it asks for is asked below its base', async () => {
  await open('/apps/x/');
  await page.getByText('route /', { exact: true }).waitFor();
  const found: Record<string, string> = {};
  for (const name of await page.evaluate(() => Object.keys((globalThis as unknown as Script).checks)))
    found[name] = await check(name).catch((error: Error) => error.message);
  expect(found).toEqual({
    fetch: 'answer',
    fetch_of_url: 'answer',
    fetch_of_request: 'answer',
    fetch_of_origin: 'answer',
    xhr: 'answer',
    events: 'event',
    socket: 'pong to ping',
    worker: 'answer library',
    module_worker: 'answer',
    shared_worker: 'answer',
    service_worker: '/apps/x/',
    dynamic_import: 'late',
    relative_import: 'late',
    script_element: 'classic',
    picture_property: '7',
    picture_attribute: '/img/d.svg 1x, /img/e.svg 2x',
    markup: '/about /apps/x/about',
    inner_markup: 'in a frame',
    style_property: '/apps/x/img/g.svg',
    beacon: 'true',
    cookie: 'set',
    relative: 'answer',
    anchor: '/apps/x/#below',
    computed_style: `url("${served.url}/apps/x/img/bg.svg") rgb(1, 2, 3)`,
  });
  expect(served.outside).toEqual([]);
  expect(complaints).toEqual([]);
  expect((await context.cookies()).map(({ name, path }) => `${name} ${path}`).toSorted()).toEqual([
    'app_cookie /apps/x/',
    'script_cookie /apps/x/',
  ]);
});

test('G47: it navigates by history, by links, forms and location, and comes back after a reload', async () => {
  await open('/apps/x/');
  await page.evaluate(() => (globalThis as unknown as Script).go('/settings/people'));
  await page.getByText('route /settings/people').waitFor();
  expect(new URL(page.url()).pathname).toBe('/apps/x/settings/people');
  expect(await check('anchor')).toBe('/apps/x/settings/people#below');
  await page.reload();
  await page.getByText('route /settings/people').waitFor();
  expect(await check('anchor')).toBe('/apps/x/settings/people#below');
  expect(await check('socket')).toBe('pong to ping');
  await page.evaluate(() => (globalThis as unknown as Script).go('/away'));
  await page.getByText('route /away').waitFor();
  await page.goBack();
  await page.getByText('route /settings/people').waitFor();

  await page.click('#link');
  await page.waitForURL('**/apps/x/about');
  await page.click('#search button');
  await page.waitForURL('**/apps/x/search?q=x');
  for (const [by, path] of [
    ['href', '/one'],
    ['assign', '/two'],
    ['replace', '/three'],
    ['redirect', '/about'],
  ] as const) {
    await page.waitForFunction(() => (globalThis as unknown as Script).ready === true);
    await page.evaluate(
      ([how, to]) => {
        const { location } = globalThis as unknown as {
          location: { href: string; assign(to: string): void; replace(to: string): void };
        };
        if (how === 'href') location.href = to;
        else if (how === 'redirect') location.assign('/old');
        else location[how](to);
      },
      [by, path] as const,
    );
    await page.waitForURL(`**/apps/x${path}`);
  }
  await page.getByText('route /about').waitFor();
  expect(served.outside).toEqual([]);
  expect(complaints).toEqual([]);
});

const policies: [policy: string, path: string][] = [
  ['one that trusts a nonce', '/policy/nonce'],
  ['one that trusts a nonce and what it loads', '/policy/nonce-dynamic'],
  ['one that trusts a hash and what it loads', '/policy/hash-dynamic'],
  ['one that trusts a hash', '/policy/hash'],
  ['one that trusts anything inside the page', '/policy/inline'],
  ['one inside the page', '/policy/meta'],
];
test.each(policies)('G47: our script runs under a policy of the app: %s', async (_title, path) => {
  await page.goto(`${served.url}/apps/x${path}`);
  await page.waitForFunction(
    () => (globalThis as unknown as { document: { title: string } }).document.title === 'answer late',
  );
  expect(served.outside).toEqual([]);
  expect(complaints).toEqual([]);
});
