import { expect, test } from 'vitest';
import { chordOf, createMatcher } from './shortcut-matcher.ts';

const press = (key: string, at = 0, more: Partial<Parameters<typeof chordOf>[0]> = {}) => ({
  key,
  timeStamp: at,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  shiftKey: false,
  ...more,
});

test('a chord names its modifiers, and shift only where the key does not say it already', () => {
  expect(chordOf(press('k', 0, { ctrlKey: true }))).toBe('mod+k');
  expect(chordOf(press('k', 0, { metaKey: true }))).toBe('mod+k');
  expect(chordOf(press('?', 0, { shiftKey: true }))).toBe('?');
  expect(chordOf(press('A', 0, { shiftKey: true }))).toBe('shift+a');
  expect(chordOf(press('ArrowDown', 0, { shiftKey: true }))).toBe('shift+down');
});

test('a sequence matches within a second and wins over its last key alone', () => {
  const matcher = createMatcher();
  const shortcuts = [{ keys: 'i' }, { keys: 'g i' }];
  expect(matcher.press(press('g', 0), shortcuts)).toBeUndefined();
  expect(matcher.press(press('i', 400), shortcuts)).toEqual({ keys: 'g i' });
  matcher.press(press('g', 1000), shortcuts);
  expect(matcher.press(press('i', 2500), shortcuts)).toEqual({ keys: 'i' });
});

test('a key that begins no sequence does not linger', () => {
  const matcher = createMatcher();
  const shortcuts = [{ keys: 'g i' }];
  matcher.press(press('g', 0), shortcuts);
  matcher.press(press('x', 100), shortcuts);
  expect(matcher.press(press('i', 200), shortcuts)).toBeUndefined();
});
