import { expect, test } from 'vitest';
import { dateWords, foldText } from './search-text.ts';

test('accents of Latin letters are dropped, marks of other scripts stay', () => {
  expect(foldText('Café Zoë naïve Ångström')).toBe('Cafe Zoe naive Angstrom');
  expect(foldText('чай й हिन्दी')).toBe('чай й हिन्दी');
});

test('slashes part words and curly apostrophes become plain', () => {
  expect(foldText('tea/coffee it’s')).toBe("tea coffee it's");
});

test('writing without spaces is split into characters', () => {
  expect(foldText('日本語').trim().split(/\s+/u)).toEqual(['日', '本', '語']);
});

test('full-width letters and NUL bytes are made harmless', () => {
  expect(foldText('Ａｔｒｉｕｍ\0x')).toBe('Atrium x');
});

test('a date is told in the words of the language', () => {
  const date = new Date('2023-05-08T13:56:00Z');
  expect(dateWords(date, 'english').split(' ').sort()).toEqual(['2023', '8', 'May', 'Monday']);
  expect(dateWords(date, 'german')).toContain('Mai');
  expect(dateWords(date, 'simple')).toBe('2023');
});
