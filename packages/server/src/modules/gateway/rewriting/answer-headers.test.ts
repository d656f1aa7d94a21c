import { describe, expect, test } from 'vitest';
import { createAddressMap } from './address-map.ts';
import { type HeadOptions, rewriteHead } from './answer-headers.ts';
import { applyToJar, mergeCookies } from './cookie-jar.ts';
import { insertionsFor } from './page-insertions.ts';

const place = {
  base: '/apps/x/',
  host: 'atrium.local:4400',
  target: { hostname: '10.0.0.5', port: 3000, base_path: '' },
};
const options = (more: Partial<HeadOptions> = {}): HeadOptions => ({
  map: createAddressMap(place),
  mode: 'path',
  path: '/login/form',
  rewrite_cookie_paths: true,
  strip_response_cookies: false,
  persist_cookies: false,
  has_jar: false,
  now: new Date('2026-11-28T00:00:00Z'),
  insertions: null,
  changes_body: false,
  ...more,
});
const one = (name: string, value: string, more: Partial<HeadOptions> = {}): string | undefined =>
  rewriteHead([name, value], options(more)).headers[1];

describe('addresses', () => {
  const forms: [given: string, expected: string][] = [
    ['/login', '/apps/x/login'],
    ['/', '/apps/x/'],
    ['/?a=/b#c', '/apps/x/?a=/b#c'],
    ['http://10.0.0.5:3000/login?a', '/apps/x/login?a'],
    ['http://10.0.0.5/login', '/apps/x/login'],
    ['https://10.0.0.5:3000', '/apps/x/'],
    ['//10.0.0.5:3000/login', '/apps/x/login'],
    ['http://atrium.local:4400/login', '/apps/x/login'],
    ['https://atrium.local/login', '/apps/x/login'],
    ['HTTP://Atrium.Local:4400?a', '/apps/x/?a'],
    ['http://atrium.local:3000/login?a#b', '/apps/x/login?a#b'],
    ['//atrium.local:3000', '/apps/x/'],
  ];
  test.each(forms)('G47: Location %s gains the base once', (given, expected) => {
    for (const name of ['Location', 'Content-Location']) {
      expect(one(name, given)).toBe(expected);
      expect(one(name, expected)).toBe(expected);
    }
    expect(one('Refresh', `5; url=${given}`)).toBe(`5; url=${expected}`);
    expect(one('Link', `<${given}>; rel=preload; title="</a>", <b.css>`)).toBe(
      `<${expected}>; rel=preload; title="</a>", <b.css>`,
    );
  });
  test.each([
    '/apps/x/login',
    '/apps/x',
    'http://atrium.local:4400/apps/x/login',
    'https://example.org/login',
    '//example.org/',
    'http://atrium.local:9999/',
    'http://10.0.0.5:81/',
    'http://user@10.0.0.5:3000/',
    'login',
    '../a',
    '?a',
    '',
    'mailto:a@b',
    'http:///login',
    '/\\example.org',
    'http://10.0.0.5:3000//example.org/',
  ])('G47: Location %j stays as it is', (given) => {
    expect(one('Location', given)).toBe(given);
  });
  test.each([
    ['of a host of its own', '/', 'notes.example.org:4400', 'http://notes.example.org:3000/login', '/login'],
    ['at the default port', '/apps/x/', 'atrium.example.org', 'http://atrium.example.org:3000/login', '/apps/x/login'],
    ['at an IPv6 address', '/apps/x/', '[::1]:4400', 'http://[::1]:3000/login', '/apps/x/login'],
  ])('G47: the port of the app at the host of a visitor %s leads to the app', (_what, base, host, given, expected) => {
    const map = createAddressMap({ ...place, base, host });
    expect(one('Location', given, { map })).toBe(expected);
    const other = given.replace(':3000/', ':3001/');
    expect(one('Location', other, { map })).toBe(other);
  });
  test('a loopback target is known by each of its names', () => {
    const map = createAddressMap({ ...place, target: { hostname: '127.0.0.1', port: 8080, base_path: '' } });
    expect(one('Location', 'http://localhost:8080/a', { map })).toBe('/apps/x/a');
    expect(one('Location', 'http://localhost:8081/a', { map })).toBe('http://localhost:8081/a');
  });
  test('the path of the target is taken away', () => {
    const map = createAddressMap({ ...place, target: { ...place.target, base_path: '/sub' } });
    expect(one('Location', '/sub/a', { map })).toBe('/apps/x/a');
    expect(one('Location', 'http://10.0.0.5:3000/sub', { map })).toBe('/apps/x/');
    expect(one('Location', '/subway', { map })).toBe('/apps/x/subway');
  });
  test('on a host of its own an app keeps its paths, and the name of its target is taken away', () => {
    const map = createAddressMap({ ...place, base: '/', host: 'x.example.org' });
    expect(one('Location', '/a', { map, mode: 'host' })).toBe('/a');
    expect(one('Location', 'http://10.0.0.5:3000/a', { map, mode: 'host' })).toBe('/a');
    expect(one('Strict-Transport-Security', 'max-age=1', { map, mode: 'host' })).toBe('max-age=1');
  });
});

describe('policies', () => {
  const map = createAddressMap(place);
  const insertions = insertionsFor(map);
  const hash = `'${insertions.inline_hash}'`;
  const csp = (value: string, more: Partial<HeadOptions> = {}) =>
    rewriteHead(['Content-Security-Policy', value], options({ insertions, ...more }));
  test('G47: sources of our own host and of the target gain the base, foreign ones do not', () => {
    expect(
      one(
        'Content-Security-Policy',
        "img-src 'self' http://10.0.0.5:3000/pics/ atrium.local:4400/a https://cdn.example.org/a data:; report-uri /csp",
      ),
    ).toBe(
      "img-src 'self' http://atrium.local:4400/apps/x/pics/ atrium.local:4400/apps/x/a https://cdn.example.org/a data:; report-uri /apps/x/csp",
    );
    const once = 'img-src http://atrium.local:4400/apps/x/a; report-uri /apps/x/csp';
    expect(one('Content-Security-Policy-Report-Only', once)).toBe(once);
  });
  test.each([
    ["script-src 'self'", `script-src 'self' ${hash}`],
    ["script-src 'none'", `script-src atrium.local:4400/apps/x/.atrium/rewrite.js ${hash}`],
    ["default-src 'self'; img-src *", `default-src 'self'; img-src *; script-src 'self' ${hash}`],
    ["default-src 'none'", `default-src 'none'; script-src atrium.local:4400/apps/x/.atrium/rewrite.js ${hash}`],
    ["script-src 'self' 'unsafe-inline'", "script-src 'self' 'unsafe-inline'"],
    [
      "script-src https://cdn.example.org; script-src-elem 'self'",
      `script-src https://cdn.example.org; script-src-elem 'self' ${hash}`,
    ],
    ["img-src 'self'", "img-src 'self'"],
  ])('G47: %s lets our script in and nothing else', (given, expected) => {
    expect(csp(given).headers[1]).toBe(expected);
  });
  test('G47: the nonce of the app is used for our tags, and its policy stays as it is', () => {
    const found = csp("script-src 'nonce-abc123' 'strict-dynamic'");
    expect(found.headers[1]).toBe("script-src 'nonce-abc123' 'strict-dynamic'");
    expect(found.policy).toEqual({ nonce: 'abc123', hashed: false, pins_text: false });
  });
  test('a policy that trusts hashes alone gets those of our script and map', () => {
    const found = csp("script-src 'sha256-AAAA' 'strict-dynamic'");
    expect(found.headers[1]).toBe(`script-src 'sha256-AAAA' 'strict-dynamic' '${insertions.script_hash}' ${hash}`);
    expect(found.policy).toEqual({ nonce: null, hashed: true, pins_text: true });
  });
});

describe('cookies', () => {
  test.each([
    ['a=b', 'a=b; Path=/apps/x/login'],
    ['a=b; Path=/', 'a=b; Path=/apps/x/'],
    ['a=b; path=/sub; HttpOnly; SameSite=Lax', 'a=b; HttpOnly; SameSite=Lax; Path=/apps/x/sub'],
    ['a=b; Path=/apps/x/y', 'a=b; Path=/apps/x/y'],
    ['a=b; Domain=atrium.local; Path=/; Secure', 'a=b; Secure; Path=/apps/x/'],
    ['a=b; Domain=.internal', 'a=b; Path=/apps/x/login'],
    ['__Secure-a=b; Path=/; Secure', '__Secure-a=b; Secure; Path=/apps/x/'],
  ])('G32: %s stays with its app', (given, expected) => {
    expect(one('Set-Cookie', given)).toBe(expected);
  });
  test.each([
    'atrium_session=x; Path=/',
    'Atrium_session=x',
    '__Host-atrium_app=x; Secure; Path=/',
    ' \tatrium_app=x',
    '=atrium_session=x',
    'atrium_session',
  ])('G32: %j is dropped in both modes', (given) => {
    for (const mode of ['path', 'host'] as const)
      expect(rewriteHead(['Set-Cookie', given], options({ mode, has_jar: true, persist_cookies: true }))).toMatchObject(
        {
          headers: [],
          jar: [],
        },
      );
  });
  test('a cookie that must have the path / goes to the jar, or nowhere', () => {
    const line = ['Set-Cookie', '__Host-sid=1; Path=/; Secure; Max-Age=60'];
    expect(rewriteHead(line, options()).headers).toEqual([]);
    expect(rewriteHead(line, options({ has_jar: true }))).toMatchObject({
      headers: [],
      jar: [
        {
          kind: 'keep',
          cookie: { name: '__Host-sid', value: '1', path: '/', expires_at: new Date('2026-11-28T00:01:00Z') },
        },
      ],
    });
    expect(rewriteHead(line, options({ mode: 'host' })).headers[1]).toContain('__Host-sid=1; Path=/');
  });
  test('with persistence cookies are kept here; those that script may read go on as well', () => {
    const more = { has_jar: true, persist_cookies: true };
    const found = rewriteHead(['Set-Cookie', 'a=1; HttpOnly', 'Set-Cookie', 'b=2; Path=/'], options(more));
    expect(found.headers).toEqual(['Set-Cookie', 'b=2; Path=/apps/x/']);
    expect(found.jar.map((change) => change.kind === 'keep' && change.cookie.name)).toEqual(['a', 'b']);
  });
  test('a jar follows expiry and paths, and what the browser sends wins', () => {
    const now = new Date('2026-11-28T00:00:00Z');
    const keep = (name: string, value: string, path: string, expires_at: Date | null = null) =>
      ({ kind: 'keep', cookie: { name, value, path, expires_at } }) as const;
    let jar = applyToJar(
      [],
      [keep('a', '1', '/'), keep('b', '2', '/sub'), keep('c', '3', '/'), keep('d', '4', '/', now)],
    );
    expect(mergeCookies('c=9', jar, '/sub/x', now)).toBe('c=9; b=2; a=1');
    expect(mergeCookies(undefined, jar, '/subway', now)).toBe('a=1; c=3');
    jar = applyToJar(jar, [keep('a', '5', '/'), { kind: 'forget', name: 'c', path: '/' }]);
    expect(mergeCookies('', jar, '/', now)).toBe('a=5');
    expect(mergeCookies(undefined, [], '/', now)).toBeUndefined();
  });
  test('strip removes every cookie', () => {
    expect(one('Set-Cookie', 'a=b', { strip_response_cookies: true })).toBeUndefined();
  });
});

test('what acts on the whole origin is dropped in path mode', () => {
  const raw = [
    'Service-Worker-Allowed',
    '/',
    'Clear-Site-Data',
    '"*"',
    'Strict-Transport-Security',
    'a',
    'Alt-Svc',
    'b',
  ];
  expect(rewriteHead(raw, options()).headers).toEqual([]);
  expect(rewriteHead(raw, options({ mode: 'host' })).headers).toEqual(raw);
});

test('a body that changes loses its length, ranges and digests, and its tag becomes weak', () => {
  const raw = ['Content-Length', '5', 'ETag', '"a"', 'Accept-Ranges', 'bytes', 'Content-MD5', 'x', 'X-A', '1'];
  expect(rewriteHead(raw, options({ changes_body: true })).headers).toEqual(['ETag', 'W/"a"', 'X-A', '1']);
  expect(rewriteHead(raw, options()).headers).toEqual(raw);
});
