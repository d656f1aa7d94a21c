import { expect, test } from 'vitest';
import {
  ageAtArrival,
  directivesOf,
  isUnchanged,
  keepingOf,
  lifetimeOf,
  mayServe,
  mayStandIn,
  varyKey,
} from './cache-policy.ts';

const keeping = (headers: string[], more: Partial<Parameters<typeof keepingOf>[0]> = {}) =>
  keepingOf({ status: 200, headers, request: {}, known: true, jar: false, stands_in: false, ...more });
const control = (value: string, ...more: string[]) => ['Cache-Control', value, ...more];

test('directives have names in any case, values with and without quotes, and the first counts', () => {
  const read = directivesOf('Max-Age=5, private="set-cookie, x", max-age="9",no-store ,foo=bar');
  expect([...read]).toEqual([
    ['max-age', '5'],
    ['private', 'set-cookie, x'],
    ['no-store', null],
    ['foo', 'bar'],
  ]);
});

test('what is kept, for whom and how long', () => {
  expect(keeping(control('max-age=60'))).toEqual({ shared: false, vary: [], lifetime: 60 });
  expect(keeping(control('public, max-age=60, s-maxage=90', 'Vary', 'B, a'))).toEqual({
    ...{ shared: true, vary: ['a', 'b'], lifetime: 90 },
  });
  // For one person the limit for everybody says nothing.
  expect(keeping(control('max-age=60, s-maxage=90'))).toMatchObject({ shared: false, lifetime: 60 });
  expect(keeping(control('public, max-age=60', 'Vary', 'X-Atrium-User'))).toMatchObject({ shared: false });
  expect(keeping(['ETag', '"1"'])).toMatchObject({ lifetime: 0 });
  expect(keeping(control('no-cache, max-age=60', 'Last-Modified', 'x'))).toMatchObject({ lifetime: 0 });
  expect(keeping(control('private, max-age=60'))).toMatchObject({ shared: false });
  expect(keeping(control('max-age=0'), { stands_in: true })).toMatchObject({ lifetime: 0 });
  expect(keeping(control('max-age=60'), { status: 404 })).toMatchObject({ lifetime: 60 });
});

test.each([
  ['it says so', control('no-store, max-age=60'), {}],
  ['the client says so', control('max-age=60'), { request: { 'cache-control': 'no-store' } }],
  ['it sets a cookie', control('public, max-age=60', 'Set-Cookie', 'a=1'), {}],
  ['it differs by everything', control('max-age=60', 'Vary', '*'), {}],
  ['it differs by what this server tells', control('max-age=60', 'Vary', 'X-Forwarded-For'), {}],
  ['it is a part', control('max-age=60', 'Content-Range', 'bytes 0-1/9'), {}],
  ['it is an event stream', control('max-age=60', 'Content-Type', 'text/event-stream'), {}],
  ['it says nothing and cannot be asked about again', ['Content-Type', 'text/plain'], {}],
  ['it is an error', control('max-age=60'), { status: 500 }],
  ['it is private and nobody is known', control('private, max-age=60'), { known: false }],
  ['cookies that are kept here made it', control('max-age=60'), { jar: true }],
])('nothing is kept when %s', (_why, headers, more) => {
  expect(keeping(headers, more)).toBeNull();
});

test('how long it is fresh and how old it was', () => {
  const at = Date.parse('Sat, 28 Nov 2026 10:00:00 GMT');
  const dated = ['Date', 'Sat, 28 Nov 2026 10:00:00 GMT'];
  const life = (headers: string[]) => lifetimeOf(headers, directivesOf(headers[1]), false);
  expect(life(['Cache-Control', '', ...dated, 'Expires', 'Sat, 28 Nov 2026 10:01:00 GMT'])).toBe(60);
  expect(life(['Cache-Control', '', ...dated, 'Expires', '0'])).toBe(0);
  expect(life(['Cache-Control', 'max-age=1.5'])).toBe(0);
  expect(life(['Cache-Control', 'must-revalidate'])).toBeNull();
  expect(ageAtArrival(dated, at, at + 2000)).toBe(2);
  expect(ageAtArrival([...dated, 'Age', '30'], at, at + 2000)).toBe(32);
  expect(ageAtArrival([], at, at + 2000)).toBe(2);
});

test('whether it will do', () => {
  const serve = (request: Record<string, string>, age: number, directives = '') =>
    mayServe(request, { age, lifetime: 60, directives: directivesOf(directives) });
  expect([serve({}, 59), serve({}, 60), serve({}, 1, 'no-cache')]).toEqual(['yes', 'stale', 'stale']);
  const asked = (value: string, age: number, directives = '') => serve({ 'cache-control': value }, age, directives);
  expect([asked('no-cache', 1), asked('max-age=5', 6), asked('max-age=5', 5), asked('min-fresh=30', 31)]).toEqual([
    ...['request', 'request', 'yes', 'request'],
  ]);
  expect([asked('max-stale', 1e6), asked('max-stale=10', 70), asked('max-stale=10', 71)]).toEqual([
    ...['yes', 'yes', 'stale'],
  ]);
  expect(asked('max-stale', 70, 'must-revalidate')).toBe('stale');
  expect([serve({ pragma: 'no-cache' }, 1), serve({ pragma: 'no-cache', 'cache-control': 'max-age=9' }, 1)]).toEqual([
    ...['request', 'yes'],
  ]);
});

test('whether it may stand in for an app that fails', () => {
  const stands = (directives: string, age: number, route_s = 0, request = {}) =>
    mayStandIn(request, { age, lifetime: 60, directives: directivesOf(directives) }, route_s);
  expect([stands('', 61), stands('', 160, 100), stands('', 161, 100)]).toEqual([false, true, false]);
  expect([stands('stale-if-error=5', 65), stands('stale-if-error=5', 66)]).toEqual([true, false]);
  expect(stands('', 65, 0, { 'cache-control': 'stale-if-error=5' })).toBe(true);
  expect([stands('must-revalidate', 61, 100), stands('no-cache', 61, 100)]).toEqual([false, false]);
});

test('conditions of the client', () => {
  const head = ['ETag', 'W/"1"', 'Last-Modified', 'Sat, 28 Nov 2026 10:00:00 GMT'];
  expect(isUnchanged({ 'if-none-match': '"0", "1"' }, head)).toBe(true);
  expect(isUnchanged({ 'if-none-match': '*' }, head)).toBe(true);
  const later = 'Sat, 28 Nov 2026 10:00:01 GMT';
  expect(isUnchanged({ 'if-none-match': '"2"', 'if-modified-since': later }, head)).toBe(false);
  expect(isUnchanged({ 'if-modified-since': later }, head)).toBe(true);
  expect(isUnchanged({}, head)).toBe(false);
});

test('the key of what an answer differs by takes spaces alike and tells absence from nothing else', () => {
  const key = (value?: string) => varyKey(['accept'], value === undefined ? {} : { accept: value });
  expect([key('a,  b') === key('a, b'), key() === key(''), key('a') === key('b')]).toEqual([true, true, false]);
});
