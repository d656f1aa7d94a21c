import { expect, test } from 'vitest';
import { parseDiff } from './diff-lines.ts';
import { lineDiff } from './line-diff.ts';

const numbered = (count: number): string[] => Array.from({ length: count }, (_, index) => `line ${index + 1}`);

test('a changed line stands among three of those around it, with the right numbers', () => {
  const before = numbered(20);
  const after = before.with(9, 'line ten');
  expect(lineDiff(before.join('\n'), after.join('\n')).split('\n')).toEqual([
    '@@ -7 +7 @@',
    ' line 7',
    ' line 8',
    ' line 9',
    '-line 10',
    '+line ten',
    ' line 11',
    ' line 12',
    ' line 13',
  ]);
});

test('changes far apart come in parts of their own, read back by the view of diffs', () => {
  const before = numbered(40);
  const after = [...before.slice(0, 2), 'new', ...before.slice(2, 35), ...before.slice(36)];
  const lines = parseDiff(lineDiff(before.join('\n'), after.join('\n')));
  expect(lines.filter(({ kind }) => kind === 'hunk')).toHaveLength(2);
  expect(lines.filter(({ kind }) => kind === 'added')).toEqual([
    { kind: 'added', text: 'new', before: null, after: 3 },
  ]);
  expect(lines.filter(({ kind }) => kind === 'removed')).toEqual([
    { kind: 'removed', text: 'line 36', before: 36, after: null },
  ]);
});

test('equal texts differ in nothing, and what was empty is all new', () => {
  expect(lineDiff('a\nb', 'a\nb')).toBe('');
  expect(lineDiff('', 'a\nb')).toBe('@@ -1 +1 @@\n+a\n+b');
  expect(lineDiff('a', '')).toBe('@@ -1 +1 @@\n-a');
});

test('moved lines among long texts lose nothing', () => {
  const before = numbered(3000);
  const after = before.toReversed();
  const lines = parseDiff(lineDiff(before.join('\n'), after.join('\n')));
  const of = (sign: 'removed' | 'added') =>
    lines.flatMap((line) => (line.kind === sign || line.kind === 'context' ? [line.text] : []));
  expect(of('removed')).toEqual(before);
  expect(of('added')).toEqual(after);
});
