import { expect, test } from 'vitest';
import { identityGlyph, identityHue, initials } from './identity-hash.ts';

const ids = Array.from({ length: 500 }, (_, index) => `01980000-0000-7000-8000-${String(index).padStart(12, '0')}`);

test('a glyph is mirrored, neither empty nor full, and the same every time', () => {
  for (const id of ids) {
    const glyph = identityGlyph(id);
    const set = glyph.flat().filter(Boolean).length;
    expect(set).toBeGreaterThanOrEqual(7);
    expect(set).toBeLessThanOrEqual(18);
    for (const row of glyph) expect(row).toEqual(row.toReversed());
    expect(identityGlyph(id)).toEqual(glyph);
  }
});

test('ids of the same millisecond look different: few glyphs and hues repeat', () => {
  expect(new Set(ids.map((id) => JSON.stringify(identityGlyph(id)))).size).toBeGreaterThan(480);
  expect(new Set(ids.map(identityHue)).size).toBeGreaterThan(220);
});

test('initials take the first letter of the first and last word, whatever the script', () => {
  expect(initials('Mara Lindqvist')).toBe('ML');
  expect(initials('  jo ')).toBe('J');
  expect(initials('release-pilot')).toBe('RP');
  expect(initials('محمد الفارس')).toBe('ما');
  expect(initials('')).toBe('?');
});
