import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, expect, it } from 'vitest';
import { createRestClient } from '../support/rest-client.ts';
import { residentMegabytes } from '../support/running-process.ts';
import { removeDataDir, startServer } from '../support/start-server.ts';
import { until } from '../support/until.ts';

const root = resolve(import.meta.dirname, '../../../..');
const checkout = mkdtempSync(join(tmpdir(), 'atrium-checkout-'));
afterAll(() => rmSync(checkout, { recursive: true, force: true }));

/** The tree as a user has it after `npm ci`: no built pages, and no compiled code kept from an earlier start. */
const makeCheckout = (): void => {
  for (const name of ['package.json', 'tsconfig.json', 'scripts', 'packages']) {
    cpSync(join(root, name), join(checkout, name), {
      recursive: true,
      filter: (source) => !/[/\\](dist|node_modules)$/.test(source),
    });
  }
  // Not one link for all of it: packages must resolve to the copy, and the cache of compiled code must be its own.
  const modules = join(checkout, 'node_modules');
  mkdirSync(join(modules, '@atrium'), { recursive: true });
  for (const name of readdirSync(join(root, 'node_modules')))
    if (name !== '@atrium' && name !== '.cache') symlinkSync(join(root, 'node_modules', name), join(modules, name));
  for (const name of ['protocol', 'server', 'sdk', 'cli', 'web'])
    symlinkSync(join(checkout, 'packages', name), join(modules, '@atrium', name));
};

/** Seconds until /ready says so, and until the pages are there too. */
const startTimed = async (dataDir?: string) => {
  const started = performance.now();
  const since = () => (performance.now() - started) / 1000;
  const server = await startServer({
    ...{ web: true, root: checkout, as_users_start: true },
    ...(dataDir === undefined ? {} : { dataDir }),
  });
  const rest = createRestClient(server.url);
  await until(async () => (await rest.get('/ready')).status === 200, 'it is ready', 60_000);
  const ready = since();
  await until(async () => (await rest.get('/')).status === 200, 'its pages are built', 60_000);
  return { server, ready, pages: since() };
};

/** What runs of the server and of these tests leave there. */
const caches = ['.cache', '.vite', '.vitest-cache'].map((name) => `--exclude=${name}`);

it('an install stays under 600 MB', () => {
  const answer = execFileSync('du', ['-sm', ...caches, join(root, 'node_modules')], { encoding: 'utf8' });
  const megabytes = Number.parseInt(answer, 10);
  console.log(`node_modules: ${megabytes} MB`);
  expect(megabytes).toBeLessThan(600);
});

// The budgets are 8 s, 3 s and 200 MB. The bounds of the times are wider, because other tests run at the same time.
it('the first start ever builds the pages, a second one is quick, and an idle server stays small', async () => {
  makeCheckout();
  const first = await startTimed();
  expect((await createRestClient(first.server.url).get('/')).headers.get('content-type')).toContain('text/html');
  expect(await first.server.stop()).toBe(0);

  const second = await startTimed(first.server.dataDir);
  // The budget speaks of an idle server: what the start left behind is collected by then.
  await delay(20_000);
  const megabytes = residentMegabytes(second.server.pid);
  expect(await second.server.stop()).toBe(0);
  removeDataDir(first.server.dataDir);

  console.log(
    `first start: ready after ${first.ready.toFixed(1)} s, pages after ${first.pages.toFixed(1)} s; second start: ready after ${second.ready.toFixed(1)} s; idle ${megabytes.toFixed(0)} MB`,
  );
  expect(first.pages).toBeLessThan(40);
  expect(second.ready).toBeLessThan(15);
  expect(megabytes).toBeLessThan(200);
}, 180_000);
