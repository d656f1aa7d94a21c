import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { expect, it } from 'vitest';
import { AccessBook, type AccessRecord } from './access-book.ts';
import { AccessFile } from './access-file.ts';
import { ProxyMetrics } from './proxy-metrics.ts';

const noon = Date.UTC(2026, 3, 1, 12);
const owner = { org_id: 'o1', app_id: 'a1', app: 'notes', route_id: 'r1' };
const ada = { type: 'user', id: 'p1', name: 'Ada' } as const;
const makeLine = (over: Partial<AccessRecord> = {}): AccessRecord => ({
  ...{ id: 'q', at: noon, owner, principal: ada, address: '127.0.0.1', method: 'GET', host: 'localhost', path: '/x' },
  ...{ status: 200, outcome: 'ok', bytes_in: 1, bytes_out: 10, duration_ms: 2.5, target: 'http://app' },
  ...over,
});

it('the newest ten thousand lines are there, newest first and as they were', () => {
  const book = new AccessBook();
  for (let n = 0; n < 10_050; n++) book.record(makeLine({ id: `q${n}`, status: 200 + (n % 300), path: `/${n}` }));
  const lines = [...book.lines()];
  expect(lines).toHaveLength(10_000);
  expect(lines[0]).toEqual(makeLine({ id: 'q10049', status: 200 + (10_049 % 300), path: '/10049' }));
  expect(lines.at(-1)).toEqual(makeLine({ id: 'q50', status: 250, path: '/50' }));
});

it('a path that is long, or not of ASCII, is kept as it was, and so is the one that takes its place', () => {
  const book = new AccessBook();
  const paths = ['/a', `/${'b'.repeat(119)}`, `/${'c'.repeat(120)}`, '/ä€', '/d', ''];
  for (let turn = 0; turn < 10_000; turn++) book.record(makeLine({ path: paths[turn % 6]! }));
  const read = (): string[] => [...book.lines()].slice(0, 6).map(({ path }) => path);
  expect(read()).toEqual(Array.from({ length: 6 }, (_, by) => paths[(9999 - by) % 6]));
  for (let turn = 1; turn <= 10_000; turn++) book.record(makeLine({ path: paths[turn % 6]! }));
  expect(read()).toEqual(Array.from({ length: 6 }, (_, by) => paths[(10_000 - by) % 6]));
});

it('a follower hears lines until it stops', () => {
  const book = new AccessBook();
  const heard: string[] = [];
  const stop = book.follow(({ id }) => heard.push(id));
  book.record(makeLine({ id: 'a' }));
  stop();
  book.record(makeLine({ id: 'b' }));
  expect(heard).toEqual(['a']);
});

it('sums by app, principal and day are handed out once, and again when they could not be stored', () => {
  const book = new AccessBook();
  book.record(makeLine());
  book.record(makeLine({ status: 502 }));
  book.record(makeLine({ principal: null }));
  book.record(makeLine({ owner: null }));
  book.record(makeLine({ at: noon + 86_400_000 }));
  const sum = {
    org_id: 'o1',
    app_id: 'a1',
    day: '2026-04-01',
    principal: ada,
    requests: 2,
    errors: 1,
    bytes_in: 2,
    bytes_out: 20,
    duration_ms: 5,
  };
  const one = { requests: 1, errors: 0, bytes_in: 1, bytes_out: 10, duration_ms: 2.5 };
  const deltas = book.flushDeltas();
  expect(deltas).toEqual([sum, { ...sum, ...one, principal: null }, { ...sum, ...one, day: '2026-04-02' }]);
  expect(book.flushDeltas()).toEqual([]);
  book.restore(deltas);
  book.record(makeLine());
  expect(book.flushDeltas()).toHaveLength(4);
});

it('principals beyond what can be counted apart are counted together', () => {
  const book = new AccessBook();
  for (let n = 0; n < 50_010; n++) book.record(makeLine({ principal: { ...ada, id: `p${n}` } }));
  const deltas = book.flushDeltas();
  expect(deltas.length).toBe(50_001);
  expect(deltas.find(({ principal }) => principal === null)?.requests).toBe(10);
});

it('the file has one object a line, is private, and turns over into numbered ones of which the oldest goes', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'access-'));
  const path = join(folder, 'logs', 'access.ndjson');
  const file = new AccessFile({ path, files: 3, max_bytes: 1000, on_error: (error) => expect(error).toBeNull() });
  for (let n = 0; n < 30; n++) {
    file.write(makeLine({ id: `q${n}` }));
    await file.flush();
  }
  await file.close();
  expect((await readdir(join(folder, 'logs'))).sort()).toEqual(['access.ndjson', 'access.ndjson.1', 'access.ndjson.2']);
  expect((await stat(path)).mode & 0o077).toBe(0);
  const ids: string[] = [];
  for (const name of ['access.ndjson.2', 'access.ndjson.1', 'access.ndjson']) {
    const text = await readFile(join(folder, 'logs', name), 'utf8');
    expect(text.length).toBeLessThanOrEqual(1000);
    for (const line of text.trimEnd().split('\n')) ids.push(JSON.parse(line).id);
  }
  expect(ids).toEqual(Array.from({ length: ids.length }, (_none, n) => `q${30 - ids.length + n}`));
  const [last] = (await readFile(path, 'utf8')).trimEnd().split('\n').slice(-1);
  expect(JSON.parse(last!)).toMatchObject({
    at: '2026-04-01T12:00:00.000Z',
    app: 'notes',
    principal: 'p1',
    path: '/x',
  });
  await rm(folder, { recursive: true });
});

it('a file that cannot be written is told once, and nothing waits for it', async () => {
  const errors: unknown[] = [];
  const path = join(import.meta.filename, 'access.ndjson');
  const file = new AccessFile({ path, on_error: (error) => errors.push(error) });
  for (let n = 0; n < 3; n++) {
    file.write(makeLine());
    await file.flush();
  }
  await file.close();
  expect(errors).toHaveLength(1);
});

it('G60: 2,000 apps and outcomes of all kinds make a bounded number of series, with neither titles nor addresses', async () => {
  const registry = new Registry();
  const metrics = new ProxyMetrics(registry, () => 3);
  for (let n = 0; n < 2000; n++) {
    metrics.request(`app-${n}`, 200 + 100 * (n % 4), n % 2 === 0 ? 'ok' : `label-${n}`, 0.01, 5, 5);
    metrics.verdict(`verdict-${n}`);
  }
  metrics.tunnelOpened();
  metrics.tunnelClosed(1, 5, 5, true);
  const text = await registry.metrics();
  const series = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  expect(series.length).toBeLessThan(501 * 24 + 200);
  expect(text).toContain('atrium_proxy_requests_total{app="other"');
  expect(text).toContain('atrium_tunnel_revocations_total 1');
  const again = text.length;
  for (let n = 2000; n < 4000; n++) metrics.request(`app-${n}`, 200, `label-${n}`, 0.01, 5, 5);
  expect(Math.abs((await registry.metrics()).length - again)).toBeLessThan(200);
});
