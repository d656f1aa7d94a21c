import { expect, test } from 'vitest';
import { foundPrefix, paletteScore } from './palette-score.ts';

test('a word of the title counts more than one of the keywords, and its start more than its middle', () => {
  const score = (search: string) => paletteScore('x', search, ['Connect an agent', 'new key', 'mcp']);
  expect(score('conn')).toBe(1);
  expect(score('nect')).toBe(0.8);
  expect(score('mcp')).toBe(0.6);
  expect(score('ey')).toBe(0.4);
});

test('letters scattered over a command are no match', () => {
  expect(paletteScore('x', 'nord', ['Settings: Security', 'Password, sessions'])).toBe(0);
});

test('every typed word must be found, in any order', () => {
  expect(paletteScore('x', 'agent conn', ['Connect an agent'])).toBe(1);
  expect(paletteScore('x', 'agent mars', ['Connect an agent'])).toBe(0);
});

test('what the server found stands below a command that is named and above one that is merely meant', () => {
  const found = paletteScore(`${foundPrefix}1`, 'agent', ['Deploy bot']);
  expect(found).toBeLessThan(paletteScore('x', 'agent', ['Connect an agent']));
  expect(found).toBeGreaterThan(paletteScore('x', 'mcp', ['Connect an agent', 'mcp']));
});

test('without keywords the value itself is searched', () => {
  expect(paletteScore('Deploys', 'dep')).toBe(1);
});
