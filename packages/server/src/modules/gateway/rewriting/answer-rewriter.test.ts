import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PassThrough, Readable, type Transform, type Writable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import {
  brotliCompressSync,
  brotliDecompressSync,
  constants,
  createBrotliCompress,
  createDeflate,
  createGzip,
  createZstdCompress,
  deflateRawSync,
  deflateSync,
  gunzipSync,
  gzipSync,
  inflateSync,
  zstdCompressSync,
  zstdDecompressSync,
} from 'node:zlib';
import { afterEach, expect, test } from 'vitest';
import { livingMemory } from '../../../../test/support/living-memory.ts';
import type { RewriteFacts } from '../lanes/answer-rewriter.ts';
import type { RouteSnapshot, TargetSnapshot } from '../snapshot.ts';
import { createAnswerRewriter } from './answer-rewriter.ts';
import { applyToJar, type JarCookie } from './cookie-jar.ts';

const rewriter = createAnswerRewriter(null, () => new Date(0));
const route = {
  id: 'route',
  rewrite: true,
  strip_prefix: true,
  exclude_paths: ['/raw/**'],
  rewrite_cookie_paths: true,
  strip_response_cookies: false,
  persist_cookies: false,
} as unknown as RouteSnapshot;
const facts = (more: Partial<RewriteFacts> = {}): RewriteFacts => ({
  route,
  base: '/apps/x/',
  prefix: '/apps/x',
  shared_origin: true,
  method: 'GET',
  path: '/',
  query: '',
  authority: 'atrium.local',
  scheme: 'http',
  target: { hostname: '10.0.0.5', port: 3000, base_path: '' } as TargetSnapshot,
  principal_id: null,
  request_id: 'request',
  ...more,
});
const send = async (
  headers: string[],
  body: Buffer | string,
  more: Partial<RewriteFacts> = {},
  status = 200,
  asked: string[] = [],
): Promise<{ headers: string[]; body: Buffer; changed: boolean }> => {
  const exchange = facts(more);
  rewriter.request(asked, exchange);
  const head = rewriter.head(status, headers, exchange);
  const change = rewriter.body(status, head, exchange);
  if (change === null) return { headers: head, body: Buffer.from(body), changed: false };
  return {
    headers: head,
    body: Buffer.concat(
      await Readable.from([Buffer.from(body)])
        .pipe(change)
        .toArray(),
    ),
    changed: true,
  };
};
const bodyOf = (headers: string[]): Transform => {
  const exchange = facts();
  return rewriter.body(200, rewriter.head(200, headers, exchange), exchange)!;
};
const page = '<a href="/b">gr\u00fc\u00df</a>';
const moved = '<a href="/apps/x/b">gr\u00fc\u00df</a>';
const html = ['Content-Type', 'text/html; charset=utf-8'];

test.each([
  ['gzip', gzipSync, gunzipSync],
  ['x-gzip', gzipSync, gunzipSync],
  ['deflate', deflateSync, inflateSync],
  ['deflate', deflateRawSync, inflateSync],
  ['br', brotliCompressSync, brotliDecompressSync],
  ['zstd', zstdCompressSync, zstdDecompressSync],
])('G47: a page in %s is opened, rewritten and closed again', async (coding, close, open) => {
  const found = await send([...html, 'Content-Encoding', coding], close(page));
  expect(open(found.body).toString()).toBe(moved);
  expect(found.headers).toContain(coding);
});

test.each<[string, string[], Partial<RewriteFacts>, number?]>([
  ['no-transform', [...html, 'Cache-Control', 'public, no-transform'], {}],
  ['an excluded path', html, { path: '/raw/a/b' }],
  ['a part of a file', [...html, 'Content-Range', 'bytes 0-1/9'], {}, 206],
  ['a coding that nobody knows', [...html, 'Content-Encoding', 'snappy'], {}],
  ['two codings at once', [...html, 'Content-Encoding', 'gzip, br'], {}],
  ['no content', html, {}, 204],
  ['nothing new', html, {}, 304],
  ['UTF-16', ['Content-Type', 'text/html; charset=UTF-16LE'], {}],
  ['a file to keep', [...html, 'Content-Disposition', 'attachment'], {}],
  ['another type', ['Content-Type', 'text/plain'], {}],
  ['a host of its own', html, { shared_origin: false, base: '/', prefix: '' }],
  ['a route without rewriting', html, { route: { ...route, rewrite: false } }],
  ['HEAD', html, { method: 'HEAD' }],
  ['nothing in it', [...html, 'Content-Encoding', 'gzip', 'Content-Length', '0'], {}],
  ['a script of unknown length', ['Content-Type', 'text/javascript'], {}],
  ['a large script', ['Content-Type', 'text/javascript', 'Content-Length', '60000'], {}],
  [
    'settings that a form writes back',
    ['Content-Type', 'application/json', 'Content-Length', '20'],
    { path: '/api/v3/config/host' },
  ],
])('G47: the body stays as it is with %s', async (_what, headers, more, status) => {
  expect((await send(headers, page, more, status)).changed).toBe(false);
});
test('UTF-16 that only its first bytes tell of stays as it is', async () => {
  const body = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from('<a href="/b">', 'utf16le')]);
  expect((await send(['Content-Type', 'text/html'], body)).body).toEqual(body);
});

test('G47: HEAD tells the same headers as GET', () => {
  const headers = [...html, 'Content-Length', '20', 'ETag', '"a"'];
  const of = (method: string) => rewriter.head(200, headers, facts({ method }));
  expect(of('HEAD')).toEqual(of('GET'));
  expect(of('HEAD')).toEqual([...html, 'ETag', 'W/"a"', 'vary', 'sec-fetch-dest, x-requested-with, hx-request']);
});

test.each([
  ['text/css', 'a{b:url(/c)}', 'a{b:url(/apps/x/c)}'],
  ['application/json', '{"urlBase":""}', '{"urlBase":"/apps/x"}'],
  ['application/javascript', 'a.urlBase=""', 'a.urlBase="/apps/x"'],
  ['application/manifest+json', '{"start_url":"/"}', '{"start_url":"/apps/x/"}'],
])('G47: %s is rewritten', async (type, body, expected) => {
  expect((await send(['Content-Type', type, 'Content-Length', String(body.length)], body)).body.toString()).toBe(
    expected,
  );
});

test('a worker begins with the script that moves its addresses', async () => {
  const found = await send(['Content-Type', 'text/javascript'], 'fetch("/a")', {}, 200, ['Sec-Fetch-Dest', 'worker']);
  expect(found.body.toString()).toMatch(/^self\.__atriumBase=\["\/apps\/x",""\];[\s\S]*\nfetch\("\/a"\)$/);
});

test('a page tells its own address as its base, so that relative addresses and anchors lead where they led', async () => {
  const found = await send(html, '<!doctype html><head></head><a href="#b">', {
    path: '/deep/page',
    query: '?a=1&b="',
  });
  expect(found.body.toString()).toMatch(
    /^<!doctype html><head><script src="\/apps\/x\/\.atrium\/rewrite\.js\?v=[0-9a-f]{12}" data-atrium><\/script><base href="\/apps\/x\/deep\/page\?a=1&#38;b=&#34;" data-atrium><script type="importmap">/,
  );
});

test('the script is a file below the base and nowhere else', () => {
  const asked = (path: string, method = 'GET') => rewriter.own(facts({ path, method }));
  expect(asked('/.atrium/rewrite.js')?.body.toString()).toContain("Symbol.for('atrium.rewrite')");
  // Who sends it says how long it is, and leaves it out for HEAD; a second length ends the answer over HTTP/2.
  expect(asked('/.atrium/rewrite.js', 'HEAD')).toEqual(asked('/.atrium/rewrite.js'));
  expect(asked('/.atrium/rewrite.js')?.headers).not.toContain('content-length');
  expect(asked('/.atrium/rewrite.js', 'POST')).toBeNull();
  expect(asked('/rewrite.js')).toBeNull();
  expect(rewriter.own(facts({ path: '/.atrium/rewrite.js', shared_origin: false }))).toBeNull();
});

test('apps are asked only for codings that can be opened, where their pages are rewritten', () => {
  const asked = (value: string, more: Partial<RewriteFacts> = {}) =>
    rewriter.request(['Accept', '*/*', 'Accept-Encoding', value], facts(more))[3];
  expect(asked('gzip, deflate;q=0.5, br, zstd, dcb, *;q=0.1')).toBe('gzip, deflate;q=0.5, br, zstd');
  expect(asked('*')).toBe('identity');
  expect(asked('dcb', { path: '/raw/a' })).toBe('dcb');
});

test('a jar takes what the app sets and gives it back to the app alone', () => {
  const jars = new Map<string, JarCookie[]>();
  const kept = createAnswerRewriter(
    {
      read: (principal, id) => jars.get(`${principal} ${id}`) ?? [],
      apply: (principal, id, changes) =>
        jars.set(`${principal} ${id}`, applyToJar(jars.get(`${principal} ${id}`) ?? [], changes)),
    },
    () => new Date(0),
  );
  const one = facts({ principal_id: 'one' });
  expect(kept.head(200, ['Set-Cookie', '__Host-sid=1; Path=/; Secure'], one)).toEqual([]);
  expect(kept.request(['Accept', 'a', 'Cookie', 'b=2'], one)).toEqual(['Accept', 'a', 'cookie', 'b=2; __Host-sid=1']);
  expect(kept.request(['Accept', 'a'], facts({ principal_id: 'two' }))).toEqual(['Accept', 'a']);
  expect(kept.request(['Accept', 'a'], facts())).toEqual(['Accept', 'a']);
});

const open: (() => void)[] = [];
afterEach(() => {
  for (const close of open.splice(0)) close();
});
/** A server that answers with a rewritten body from `write`. */
const serve = async (headers: string[], write: (body: Writable) => void): Promise<string> => {
  const server = createServer((_request, response) => {
    const exchange = facts();
    const head = rewriter.head(200, headers, exchange);
    const body = rewriter.body(200, head, exchange)!;
    response.writeHead(200, head);
    body.on('error', () => response.destroy());
    response.on('close', () => body.destroy());
    body.pipe(response);
    write(body);
  }).listen(0, '127.0.0.1');
  open.push(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise((done) => server.once('listening', done));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
};

/** An app that compresses as it writes. */
const compressors: Record<string, () => Transform> = {
  '': () => new PassThrough(),
  gzip: () => createGzip({ flush: constants.Z_SYNC_FLUSH }),
  deflate: () => createDeflate({ flush: constants.Z_SYNC_FLUSH }),
  br: () => createBrotliCompress({ flush: constants.BROTLI_OPERATION_FLUSH }),
  zstd: () => createZstdCompress({ flush: constants.ZSTD_e_flush }),
};
test.each(Object.keys(compressors))(
  'G43: with coding %j the first piece of a page reaches the client while the rest does not exist yet',
  async (coding) => {
    const app = compressors[coding]!();
    const url = await serve([...html, ...(coding === '' ? [] : ['Content-Encoding', coding])], (body) => {
      app.pipe(body);
      app.write('<!doctype html><html><head><title>a');
    });
    const answer = await fetch(url);
    const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
    let seen = '';
    while (!seen.includes('<title>a')) seen += (await reader.read()).value;
    expect(seen).toContain('<head><script');
    app.end('b</title></head><body><a href="/end">');
    for (let part = await reader.read(); !part.done; part = await reader.read()) seen += part.value;
    expect(seen).toMatch(/<title>ab<\/title><base .*<body><a href="\/apps\/x\/end">$/);
  },
);

test('G31: ten gibibytes of a page from a small gzip body go at the pace of who reads them', {
  tags: ['long'],
  timeout: 60_000,
}, async () => {
  const mebibyte = Buffer.alloc(1024 * 1024, 'a');
  // 256 MiB in 260 KB; forty of these make the ten gibibytes, of which a slow reader sees some.
  const member: Buffer[] = [];
  const gzip = createGzip({ level: 9 });
  gzip.on('data', (part) => member.push(part));
  for (let count = 0; count < 256; count += 1)
    if (!gzip.write(mebibyte)) await new Promise((done) => gzip.once('drain', done));
  gzip.end();
  await finished(gzip);
  const bomb = Buffer.concat(member);
  const body = bodyOf([...html, 'Content-Encoding', 'gzip']);
  const source = Readable.from(
    (function* () {
      for (let count = 0; count < 40; count += 1)
        for (let at = 0; at < bomb.length; at += 16_384) yield bomb.subarray(at, at + 16_384);
    })(),
  );
  const gone = pipeline(source, body).catch(() => undefined);
  const before = livingMemory();
  let seen = 0;
  let looked = 0;
  let most = 0;
  for await (const part of body) {
    seen += (part as Buffer).length;
    if (seen - looked > 50_000) {
      looked = seen;
      most = Math.max(most, livingMemory());
    }
    if (seen > 400_000) break;
  }
  await gone;
  expect(looked).toBeGreaterThan(0);
  expect(source.destroyed).toBe(true);
  expect((most - before) / 1024 / 1024).toBeLessThan(16);
});

test.each(['gzip', 'deflate', 'br', 'zstd'])('an empty answer in %s ends without an error', async (coding) => {
  const found = await send([...html, 'Content-Encoding', coding], '');
  expect(found).toMatchObject({ changed: true, body: Buffer.alloc(0) });
});

test('an answer that ends in the middle of its coding ends with an error, not as if it were whole', async () => {
  const body = bodyOf([...html, 'Content-Encoding', 'gzip']);
  const parts = Readable.from([gzipSync(page).subarray(0, 20)]);
  await expect(
    pipeline(parts, body, async (given) => {
      for await (const _ of given);
    }),
  ).rejects.toThrow();
});

test('an answer that it says to leave comes out of it as it went in, whatever was asked for', () => {
  const names = [
    ...[
      'content-type',
      'content-type',
      'content-type',
      'content-length',
      'content-encoding',
      'etag',
      'vary',
      'x-other',
    ],
    ...[
      'Set-Cookie',
      'Location',
      'Link',
      'Refresh',
      'Content-Security-Policy',
      'Clear-Site-Data',
      'SourceMap',
      'Alt-Svc',
    ],
    ...['content-disposition', 'cache-control', 'content-range', 'accept-ranges', 'digest', 'Set-Cookie2'],
  ];
  const values: Record<string, string[]> = {
    'content-type': [
      ...[
        'text/html',
        'Text/HTML; charset=utf-16',
        'application/xhtml+xml',
        'text/css',
        'text/javascript',
        'image/png',
      ],
      ...['application/json', 'application/manifest+json', 'application/vnd.api+json;q=1', 'text/plain', '', 'x'],
    ],
    'content-length': ['0', '10', '99999999'],
    'content-encoding': ['gzip', 'x-unknown'],
    'Set-Cookie': ['a=b; Path=/', 'atrium_session=x'],
    Location: ['/there', 'http://10.0.0.5:3000/'],
  };
  let state = 7;
  const pick = <T>(list: readonly T[]): T => {
    state = (state * 48_271) % 2_147_483_647;
    return list[state % list.length]!;
  };
  let left = 0;
  for (let round = 0; round < 20_000; round += 1) {
    const raw = Array.from({ length: pick([0, 1, 2, 3]) }, () => pick(names)).flatMap((name) => [
      name,
      pick(values[name] ?? ['</a>; rel=next', 'none', '5; url=/x']),
    ]);
    const rewrite = pick([true, false]);
    const more = {
      shared_origin: pick([true, false]),
      path: pick(['/', '/app.webmanifest', '/raw/x', '/api/v1/config/x.json', '/manifest.json']),
      method: pick(['GET', 'HEAD', 'POST']),
      principal_id: pick([null, 'ada']),
      route: { ...route, rewrite, persist_cookies: pick([true, false]) },
    };
    const exchange = facts(more);
    if (!rewriter.leaves(raw, { shared_origin: more.shared_origin, rewrite })) continue;
    left += raw.length > 0 ? 1 : 0;
    const asked = pick([[], ['sec-fetch-dest', 'document'], ['sec-fetch-dest', 'worker'], ['x-requested-with', 'x']]);
    rewriter.request(asked, exchange);
    const status = pick([200, 206, 304, 404, 301]);
    expect(rewriter.head(status, raw, exchange)).toEqual(raw);
    expect(rewriter.body(status, raw, exchange)).toBeNull();
  }
  expect(left).toBeGreaterThan(2000);
});
