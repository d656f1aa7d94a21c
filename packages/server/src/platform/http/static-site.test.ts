import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../../../test/support/until.ts';
import { startTestHost, type TestHost } from './http-host.testkit.ts';

let directory: string;
let t: TestHost;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'atrium-site-'));
  writeFileSync(join(directory, 'secret.txt'), 'outside');
  t = await startTestHost({ config: { web_root: join(directory, 'dist') } });
});
afterAll(async () => {
  await t.host.close();
  rmSync(directory, { recursive: true });
});

const page = { token: null, headers: { accept: 'text/html' } };

test('Before the build a page says how to make it, and afterwards the application appears without a restart', async () => {
  const before = await t.call('/', page);
  expect([before.status, await before.text()]).toEqual([503, expect.stringContaining('npm run build')]);
  const dist = join(directory, 'dist');
  mkdirSync(join(dist, 'assets'), { recursive: true });
  writeFileSync(join(dist, 'index.html'), '<!doctype html><style nonce="__CSP_NONCE__"></style><div id="root"></div>');
  writeFileSync(join(dist, 'assets/app-B1k9_xQz.js'), `// ${'x'.repeat(3000)}`);
  writeFileSync(join(dist, 'manifest.webmanifest'), '{}');
  expect(await (await t.call('/', page)).text()).toContain('id="root"');
});

test('Navigations get the application with a fresh nonce, and no other door does', async () => {
  const one = await t.call('/inbox/open', page);
  const nonce = /nonce="([^"]+)"/.exec(await one.text())?.[1];
  expect(one.headers.get('content-security-policy')).toContain(`'nonce-${nonce}'`);
  expect(await (await t.call('/inbox/open', page)).text()).not.toContain(nonce);
  for (const path of [
    '/api/v1/unknown',
    '/oauth/unknown',
    '/apps/x',
    '/mcp/x',
    '/.well-known/x',
    '/v1/x',
    '/ws',
    '/missing.js',
  ]) {
    expect((await t.call(path, page)).status).toBe(404);
  }
  expect((await t.call('/inbox/open', { token: null, headers: { accept: 'application/json' } })).status).toBe(404);
});

test('Hashed assets are kept for ever, others are asked for again', async () => {
  const script = await t.call('/assets/app-B1k9_xQz.js', { token: null, headers: { 'accept-encoding': 'br' } });
  expect(script.headers.get('cache-control')).toContain('immutable');
  expect(script.headers.get('content-encoding')).toBe('br');
  expect(await script.text()).toHaveLength(3003);
  const manifest = await t.call('/manifest.webmanifest', { token: null });
  expect(manifest.headers.get('cache-control')).toBe('no-cache');
  const again = await t.call('/manifest.webmanifest', {
    token: null,
    headers: { 'if-none-match': manifest.headers.get('etag')! },
  });
  expect(again.status).toBe(304);
});

test.each([
  '/../secret.txt',
  '/%2e%2e/secret.txt',
  '/assets/..%2f..%2fsecret.txt',
  '/..%5csecret.txt',
  '/assets/%00',
  '//etc/passwd',
])('The path %s leads nowhere outside the site', async (path) => {
  const answer = await t.call(path, { token: null });
  expect(await answer.text()).not.toContain('outside');
});

test('a server that started with old pages shows those of a build that ends later, and still has what open pages ask for', async () => {
  const dist = join(directory, 'old');
  const write = (name: string, text: string) => writeFileSync(join(dist, name), text);
  mkdirSync(join(dist, 'assets'), { recursive: true });
  write('index.html', 'the old page');
  write('assets/app-A1k9_xQz.js', 'the old script');
  write('.sources', 'one');
  const other = await startTestHost({ config: { web_root: dist } });
  try {
    const shown = async () => (await other.call('/', page)).text();
    expect(await shown()).toBe('the old page');
    rmSync(dist, { recursive: true });
    mkdirSync(dist);
    write('index.html', 'the new page');
    await new Promise((done) => setTimeout(done, 1100));
    expect(await shown()).toBe('the old page');
    write('.sources', 'two');
    await until(async () => (await shown()) === 'the new page', 'the new page');
    expect(await (await other.call('/assets/app-A1k9_xQz.js', { token: null })).text()).toBe('the old script');
  } finally {
    await other.host.close();
  }
});
