import { expect, test } from 'vitest';
import { chosenCoding, compressed } from './compressing.ts';
import { headerOf } from './response-headers.ts';

const asked = (accept_encoding: string | undefined, more = {}) => ({
  ...{ accept_encoding, cache_control: undefined, if_none_match: undefined },
  ...more,
});
const text = ['Content-Type', 'text/html; charset=utf-8', 'Content-Length', '5000'];

test.each([
  [undefined, null],
  ['', null],
  ['identity', null],
  ['gzip', 'gzip'],
  ['gzip, deflate, br, zstd', 'zstd'],
  ['gzip, deflate, br', 'br'],
  ['br;q=0.5, gzip;q=0.8', 'gzip'],
  ['br;q=0, gzip;q=0', null],
  ['*', 'zstd'],
  ['*;q=0', null],
  ['zstd;q=0, *', 'br'],
  ['gzip;q=0.5, identity', null],
  ['GZIP;q=nonsense', null],
])('%j asks for %j', (accept, coding) => {
  expect(chosenCoding(accept)).toBe(coding);
});

test('what is compressed has no length, no ranges, no digest, a weak tag and a Vary', () => {
  const { headers, body } = compressed(
    200,
    [...text, 'ETag', '"1"', 'Accept-Ranges', 'bytes', 'Repr-Digest', 'x', 'Vary', 'Cookie'],
    asked('gzip'),
  );
  expect(headers).toEqual([
    ...['Content-Type', 'text/html; charset=utf-8', 'ETag', 'W/"1"', 'Vary', 'Cookie, Accept-Encoding'],
    ...['content-encoding', 'gzip'],
  ]);
  expect(body).not.toBeNull();
});

test('who takes no coding hears that others might', () => {
  const { headers, body } = compressed(200, text, asked(undefined));
  expect([body, headerOf(headers, 'vary'), headerOf(headers, 'content-length')]).toEqual([
    null,
    'Accept-Encoding',
    '5000',
  ]);
  expect(headerOf(compressed(200, [...text, 'Vary', 'accept-encoding'], asked('br')).headers, 'vary')).toBe(
    'accept-encoding',
  );
});

test.each([
  ['a picture', 200, ['Content-Type', 'image/png']],
  ['what is compressed', 200, [...text, 'Content-Encoding', 'br']],
  ['what must not be changed', 200, [...text, 'Cache-Control', 'public, no-transform']],
  ['a part', 206, [...text, 'Content-Range', 'bytes 0-4999/9999']],
  ['what is small', 200, ['Content-Type', 'text/plain', 'Content-Length', '255']],
  ['what has no type', 200, ['Content-Length', '5000']],
])('%s stays as it is', (_what, status, headers) => {
  expect(compressed(status, headers, asked('gzip'))).toEqual({ headers, body: null });
});

test('a client may forbid it as well', () => {
  expect(compressed(200, text, asked('gzip', { cache_control: 'no-transform' })).body).toBeNull();
});

test('a tag that was weakened comes back weak', () => {
  const head = ['ETag', '"1"'];
  const weak = compressed(304, head, asked('gzip', { if_none_match: 'W/"1"' })).headers;
  const strong = compressed(304, head, asked('gzip', { if_none_match: '"1"' })).headers;
  expect([headerOf(weak, 'etag'), headerOf(strong, 'etag')]).toEqual(['W/"1"', '"1"']);
});
