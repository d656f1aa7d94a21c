import fc from 'fast-check';
import { expect, test } from 'vitest';
import { maxQueryLength, parseSearchQuery } from './query-parser.ts';

const parsed = (text: string) => {
  const result = parseSearchQuery(text);
  if (!result.ok) throw new Error(result.problem);
  return result.query;
};

test('bare words all rank and none is required', () => {
  expect(parsed('  deploy   production ')).toEqual({ words: 'deploy production', phrases: [], excluded: [] });
});

test('a phrase is required and its words rank as well', () => {
  expect(parsed('notes "release plan" may')).toEqual({
    words: 'notes release plan may',
    phrases: ['release plan'],
    excluded: [],
  });
});

test('typographic quotes make phrases too', () => {
  expect(parsed('“release plan” „am Montag“ «le plan»').phrases).toEqual(['release plan', 'am Montag', 'le plan']);
});

test('a minus before a word or a phrase excludes it', () => {
  expect(parsed('deploy -staging -"dry run"')).toEqual({
    words: 'deploy',
    phrases: [],
    excluded: ['staging', 'dry run'],
  });
});

test('a minus inside a word, alone or doubled is literal', () => {
  expect(parsed('well-known - --force').words).toBe('well-known - --force');
  expect(parsed('well-known - --force').excluded).toEqual([]);
});

test('a quote that nothing closes is literal', () => {
  expect(parsed('5" pipe')).toEqual({ words: '5" pipe', phrases: [], excluded: [] });
  expect(parsed('say "hello there').phrases).toEqual([]);
});

test('empty quotes and blank queries ask for nothing', () => {
  expect(parsed('"" -"" " "')).toEqual({ words: '', phrases: [], excluded: [] });
  expect(parsed('   ').words).toBe('');
});

test('five hundred characters are taken, one more is not, and neither is a NUL byte', () => {
  expect(parseSearchQuery('x'.repeat(maxQueryLength)).ok).toBe(true);
  expect(parseSearchQuery('x'.repeat(maxQueryLength + 1))).toEqual({ ok: false, problem: 'too_long' });
  expect(parseSearchQuery('a\0b')).toEqual({ ok: false, problem: 'nul_byte' });
});

test('any text parses, loses no word and keeps excluded words out of those that rank', () => {
  const piece = fc.oneof(
    fc.stringMatching(/^[a-z'%;()|&!:*\\-]{1,8}$/u),
    fc.constantFrom('"', '-', '“', '”', "'; drop table diary_entries; --"),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
      const text = pieces.join(' ').slice(0, maxQueryLength);
      const { words, phrases, excluded } = parsed(text);
      const letters = (value: string) => value.replace(/[\s"“”„«»-]/gu, '');
      const kept = [words, ...excluded].reduce((sum, part) => sum + letters(part).length, 0);
      expect(kept).toBe(letters(text).length);
      for (const phrase of phrases) expect(words).toContain(phrase);
    }),
  );
});
