import { expect, test } from 'vitest';
import { lengthOf, parseTsvector } from './lexemes.ts';

test('fields are counted apart, and a position without a label is content', () => {
  const lexemes = parseTsvector("'deploy':1A,4,9 'may':12C 'ops':2B 'plan':5,6,7");
  expect(lexemes.get('deploy')).toEqual({ title: 1, tags: 0, date: 0, content: 2 });
  expect(lexemes.get('may')).toEqual({ title: 0, tags: 0, date: 1, content: 0 });
  expect(lexemes.get('ops')).toEqual({ title: 0, tags: 1, date: 0, content: 0 });
  expect(lengthOf(lexemes)).toBe(7);
});

test('quotes, backslashes, spaces and colons in a lexeme survive', () => {
  const lexemes = parseTsvector(String.raw`'it''s':1 'back\\slash':2 'two words':3 'a:1,b':4`);
  expect([...lexemes.keys()]).toEqual(["it's", String.raw`back\slash`, 'two words', 'a:1,b']);
});

test('a stripped vector counts each lexeme once, an empty one none', () => {
  expect(parseTsvector("'alone' 'word'").get('word')?.content).toBe(1);
  expect(parseTsvector('').size).toBe(0);
});

test('lexemes that nobody wants are passed over', () => {
  const text = String.raw`'a':1 'it''s':2A,3 'b\\':4 'c':5B`;
  expect([...parseTsvector(text, (term) => term === "it's" || term === 'c').keys()]).toEqual(["it's", 'c']);
});
