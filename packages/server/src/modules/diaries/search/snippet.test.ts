import fc from 'fast-check';
import { expect, test } from 'vitest';
import { makeSnippet, wordsOf } from './snippet.ts';

const terms =
  (...list: string[]) =>
  (word: string) =>
    list.includes(word) ? word : null;
const marked = ({ text, marks }: ReturnType<typeof makeSnippet>) => marks.map(([from, to]) => text.slice(from, to));

test('marks are ranges of the words as they were written', () => {
  const snippet = makeSnippet('We DEPLOYED to <b>production</b> on Friday.', (word) =>
    word === 'deployed' ? 'deploy' : word === 'production' ? 'product' : null,
  );
  expect(marked(snippet)).toEqual(['DEPLOYED', 'production']);
  expect(snippet.clipped).toEqual({ before: false, after: false });
});

test('the stretch with most weight of different words is shown', () => {
  const filler = 'nothing of note here. '.repeat(40);
  const content = `deploy deploy deploy ${filler} the rollback of the deploy ${filler}`;
  const snippet = makeSnippet(content, terms('deploy', 'rollback'), (term) => (term === 'rollback' ? 5 : 1), 80);
  expect(marked(snippet)).toEqual(['rollback', 'deploy']);
  expect(snippet.clipped).toEqual({ before: true, after: true });
  expect(snippet.text.length).toBeLessThanOrEqual(80);
});

test('without a match the beginning is shown', () => {
  const snippet = makeSnippet(
    'one two three '.repeat(50),
    () => null,
    () => 1,
    30,
  );
  expect(snippet.text.startsWith('one two three')).toBe(true);
  expect(snippet).toMatchObject({ marks: [], clipped: { before: false, after: true } });
});

test('words are told apart as the reader does', () => {
  expect([...wordsOf('Don’t stop, DON’T! Zoë 42')]).toEqual(['don’t', 'stop', 'zoë', '42']);
});

test('any content gives a stretch of it with marks on whole matched words and no half character', () => {
  const word = fc.constantFrom('deploy', 'plan', 'ümlaut', '👩‍🚀', '𝒜𝒷', '日本語', '-', '\n', 'x'.repeat(300), 'and');
  fc.assert(
    fc.property(fc.array(word, { maxLength: 120 }), fc.integer({ min: 10, max: 200 }), (words, length) => {
      const content = words.join(' ');
      const snippet = makeSnippet(content, terms('deploy', 'plan'), () => 1, length);
      expect(content).toContain(snippet.text);
      expect(snippet.text.length).toBeLessThanOrEqual(length);
      expect(snippet.text.isWellFormed()).toBe(true);
      for (const text of marked(snippet)) expect(['deploy', 'plan']).toContain(text);
      if (/deploy|plan/u.test(content)) expect(snippet.marks.length).toBeGreaterThan(0);
    }),
  );
});
