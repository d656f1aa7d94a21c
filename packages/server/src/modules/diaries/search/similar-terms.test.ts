import { expect, test } from 'vitest';
import { similarTerms } from './similar-terms.ts';

const vocabulary = [
  'therapist',
  'therapi',
  'photographi',
  'photograph',
  'deploy',
  'deployment',
  'banana',
  '2023',
  'cat',
];
const known = (term: string) => vocabulary.includes(term);

test('other forms of a word that was used begin alike', () => {
  expect([...similarTerms(['photograph'], vocabulary, known).get('photograph')!.keys()]).toEqual(['photographi']);
  expect(similarTerms(['therapi'], vocabulary, known).get('therapi')?.get('therapist')).toBeCloseTo(0.75, 1);
});

test('a word nobody used may be mistyped from its first letter on', () => {
  expect([...similarTerms(['pdeployment'], vocabulary, known).get('pdeployment')!.keys()]).toEqual(['deployment']);
  expect([...similarTerms(['bananna'], vocabulary, known).get('bananna')!.keys()]).toEqual(['banana']);
});

test('short words, numbers and words of the query itself have no look-alikes', () => {
  expect(similarTerms(['car', '2024', 'deploy', 'deployment'], vocabulary, known).size).toBe(0);
});

test('no more than the limit are taken, the likest first and the same each time', () => {
  const many = Array.from({ length: 26 }, (_, n) => `connection${String.fromCharCode(97 + n)}`);
  const found = similarTerms(['connection'], many, () => false, 3).get('connection')!;
  expect(found.size).toBe(3);
  expect(similarTerms(['connection'], [...many].reverse(), () => false, 3).get('connection')).toEqual(found);
});
