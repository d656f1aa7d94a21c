import { expect, test } from 'vitest';
import { lifetimeTone, shareLeft } from './lifetime-share.ts';
import { safeUrl } from './safe-url.ts';
import { rangeBetween, toCsv } from './table-selection.ts';

test('only addresses that are safe to follow pass', () => {
  const base = 'https://atrium.example/inbox';
  expect(safeUrl('https://example.test/a', base)).toBe('https://example.test/a');
  expect(safeUrl('/inbox/1', base)).toBe('https://atrium.example/inbox/1');
  expect(safeUrl('mailto:a@b.example', base)).toBe('mailto:a@b.example');
  for (const bad of [
    'javascript:alert(1)',
    'JaVa\tScript:alert(1)',
    ' javascript:1',
    'data:text/html,x',
    'vbscript:x',
    'file:///etc/passwd',
    'http://',
  ]) {
    expect(safeUrl(bad, base)).toBeNull();
  }
});

test('an exported cell never begins like a formula, and quotes are doubled', () => {
  expect(toCsv([['=1+1', 'a"b', 'x,y', 3, null]])).toBe('\'=1+1,"a""b","x,y",3,\r\n');
});

test('a range of rows counts both ends in either direction', () => {
  expect(rangeBetween(2, 4)).toEqual([2, 3, 4]);
  expect(rangeBetween(4, 2)).toEqual([2, 3, 4]);
});

test('a lifetime is green above half, amber above a fifth, red below', () => {
  expect(lifetimeTone(shareLeft(0, 100, 49))).toBe('success');
  expect(lifetimeTone(shareLeft(0, 100, 50))).toBe('warning');
  expect(lifetimeTone(shareLeft(0, 100, 80))).toBe('danger');
  expect(shareLeft(0, 100, 500)).toBe(0);
  expect(shareLeft(100, 100, 0)).toBe(0);
});
