import { expect, test } from 'vitest';
import { readProxyHeader, writeProxyHeader } from './proxy-protocol.ts';

const four = writeProxyHeader({ address: '203.0.113.7', port: 40_000 }, { address: '192.0.2.1', port: 443 });
const six = writeProxyHeader({ address: '2001:db8::7', port: 40_000 }, { address: '192.0.2.1', port: 443 });

test('what is written is read, also between families, and whatever follows stays', () => {
  expect(four.toString('hex')).toBe('0d0a0d0a000d0a515549540a2111000ccb007107c00002019c4001bb');
  const source = { address: '203.0.113.7', port: 40_000 };
  expect(readProxyHeader(Buffer.concat([four, Buffer.from('GET / HTTP/1.1')]))).toEqual({
    kind: 'header',
    length: 28,
    source,
  });
  expect(readProxyHeader(six)).toEqual({
    kind: 'header',
    length: 52,
    source: { address: '2001:db8::7', port: 40_000 },
  });
  const mapped = writeProxyHeader({ address: '::ffff:203.0.113.7', port: 40_000 }, { address: '::1', port: 443 });
  expect(readProxyHeader(mapped)).toMatchObject({ source });
});

test('a header that is not whole waits at every place, and additions are passed over', () => {
  for (let at = 0; at < four.length; at++) expect(readProxyHeader(four.subarray(0, at))).toEqual({ kind: 'more' });
  const more = Buffer.concat([four, Buffer.from('0400020000', 'hex')]);
  more.writeUInt16BE(17, 14);
  expect(readProxyHeader(more)).toMatchObject({ kind: 'header', length: 33 });
});

test('a proxy that speaks for itself names nobody', () => {
  const own = Buffer.from(four);
  own[12] = 0x20;
  expect(readProxyHeader(own)).toEqual({ kind: 'header', length: 28, source: null });
  const unspecified = Buffer.from(four);
  unspecified[13] = 0;
  expect(readProxyHeader(unspecified)).toMatchObject({ source: null });
});

test('what is no header is none, and a broken one is broken', () => {
  expect(readProxyHeader(Buffer.from('GET / HTTP/1.1\r\n'))).toEqual({ kind: 'none' });
  expect(readProxyHeader(Buffer.from('PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n'))).toEqual({ kind: 'none' });
  const changed = (at: number, value: number) => {
    const bytes = Buffer.from(four);
    bytes[at] = value;
    return readProxyHeader(bytes).kind;
  };
  expect([changed(12, 0x11), changed(12, 0x2f), changed(13, 0x31), changed(14, 0xff), changed(15, 4)]).toEqual(
    Array(5).fill('broken'),
  );
});
