import { expect, test } from 'vitest';
import { fingerprintBytes, fingerprintShape, ridgePath } from './fingerprint-shape.ts';

const one = '21FE-31DF-A154-A261';

test('a fingerprint is read in either case, and nothing else is', () => {
  expect(fingerprintBytes(one)).toEqual([0x21, 0xfe, 0x31, 0xdf, 0xa1, 0x54, 0xa2, 0x61]);
  expect(fingerprintBytes(one.toLowerCase())).toEqual(fingerprintBytes(one));
  for (const wrong of ['', '21FE', `${one}-0000`, '21FE31DFA154A261', 'ZZZZ-31DF-A154-A261'])
    expect(fingerprintShape(wrong)).toBeNull();
});

test('the same fingerprint draws alike at any time', () => {
  expect(fingerprintShape(one)).toEqual(fingerprintShape(one.toLowerCase()));
  expect(fingerprintShape(one)?.ridges.map(ridgePath)).toEqual(fingerprintShape(one)?.ridges.map(ridgePath));
  expect(ridgePath({ radius: 10, width: 3, from: 0, sweep: 180 })).toBe('M60.00 50.00A10 10 0 0 1 40.00 50.00');
});

test('one other digit anywhere draws a ring that differs', () => {
  const paths = fingerprintShape(one)!.ridges.map(ridgePath);
  for (let at = 0; at < one.length; at += 1) {
    if (one[at] === '-') continue;
    const other = `${one.slice(0, at)}${one[at] === '0' ? '1' : '0'}${one.slice(at + 1)}`;
    expect(fingerprintShape(other)!.ridges.map(ridgePath), other).not.toEqual(paths);
  }
});

test('every ring stays within the field and is neither closed nor a dot', () => {
  for (const fingerprint of [one, '0000-0000-0000-0000', 'FFFF-FFFF-FFFF-FFFF']) {
    const { ridges, hue, otherHue } = fingerprintShape(fingerprint)!;
    expect(ridges).toHaveLength(8);
    for (const { radius, width, sweep } of ridges) {
      expect(radius + width / 2).toBeLessThan(50);
      expect(sweep).toBeGreaterThan(90);
      expect(sweep).toBeLessThan(360);
    }
    const apart = Math.abs(hue - otherHue);
    expect(Math.min(apart, 360 - apart)).toBeGreaterThanOrEqual(59);
  }
});
