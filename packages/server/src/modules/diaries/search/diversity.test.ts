import fc from 'fast-check';
import { expect, test } from 'vitest';
import { diversify, type Selectable } from './diversity.ts';
import type { Lexeme } from './lexemes.ts';

const entry = (id: string, score: number, words: string[], dated: string[] = []): Selectable => ({
  id,
  score,
  lexemes: new Map<string, Lexeme>([
    ...words.map((word) => [word, { title: 0, tags: 0, date: 0, content: 1 }] as [string, Lexeme]),
    ...dated.map((word) => [word, { title: 0, tags: 0, date: 1, content: 0 }] as [string, Lexeme]),
  ]),
});

test('an entry that repeats a better one yields to one that says something else', () => {
  const entries = [
    entry('first', 1, ['deploy', 'friday']),
    entry('repeats', 0.95, ['deploy', 'friday']),
    entry('other', 0.8, ['rollback', 'plan']),
  ];
  expect(diversify(entries, 3)).toEqual(['first', 'other', 'repeats']);
  expect(diversify(entries, 3, 1)).toEqual(['first', 'repeats', 'other']);
});

test('a date in common is no repetition', () => {
  const entries = [
    entry('a', 1, ['x'], ['may', '2023']),
    entry('b', 0.9, ['y'], ['may', '2023']),
    entry('c', 0.8, ['z']),
  ];
  expect(diversify(entries, 3)).toEqual(['a', 'b', 'c']);
});

test('the best entry stays first, and each comes once', () => {
  const words = fc.subarray(['a', 'b', 'c', 'd', 'e', 'f']);
  fc.assert(
    fc.property(
      fc.array(words, { minLength: 1, maxLength: 12 }),
      fc.double({ min: 0.01, max: 1, noNaN: true }),
      (lists, relevance) => {
        const entries = lists.map((list, at) => entry(String(at), 1 - at / 20, list));
        const taken = diversify(entries, entries.length, relevance);
        expect(taken[0]).toBe('0');
        expect([...taken].sort()).toEqual(entries.map(({ id }) => id).sort());
      },
    ),
  );
});
