import { expect, test } from 'vitest';
import { passwordStrength } from './password-strength.ts';
import { safeNext } from './safe-next.ts';

test('the rule of ten characters counts what is missing', () => {
  expect(passwordStrength('abc', []).level).toBe(0);
  expect(passwordStrength('ninechars', []).say).toBe('1 more character');
  expect(passwordStrength('🙂🙂🙂🙂🙂🙂🙂🙂🙂', []).level).toBe(0);
});

test('runs, known words and usual beginnings are weak; a sentence is strong', () => {
  expect(passwordStrength('aaaaaaaaaaaa', []).level).toBe(1);
  expect(passwordStrength('1234567890', []).level).toBe(1);
  expect(passwordStrength('password12', []).level).toBe(1);
  expect(passwordStrength('lindqvist1', ['Mara Lindqvist', 'mara@northwind.example']).level).toBe(1);
  expect(passwordStrength('a quiet court at noon', []).level).toBe(4);
});

test('after signing in the way leads to a path of this origin and nowhere else', () => {
  expect(safeNext('/members?q=tom#x')).toBe('/members?q=tom#x');
  for (const bad of [
    '//evil.example',
    'https://evil.example',
    '/\\evil.example',
    '/\t/evil.example',
    'javascript:1',
    '',
    7,
    undefined,
  ]) {
    expect(safeNext(bad)).toBeUndefined();
  }
});
