import { expect, it } from 'vitest';
import { partsOfMessage } from './shown-message.ts';

const shown = (message: string): string =>
  partsOfMessage(message)
    .map(({ text, hidden }) => (hidden ? `[${text}]` : text))
    .join('');

it('what a reader would not see is shown by its code point', () => {
  expect(shown('pay 100\u202e001\u202c to A')).toBe('pay 100[U+202E]001[U+202C] to A');
  expect(shown('a\u200bb\r\nc\u2028d\ufeff')).toBe('a[U+200B]b[U+000D]\nc[U+2028]d[U+FEFF]');
  expect(shown('zero\u200djoined')).toBe('zero[U+200D]joined');
});

it('lines, tabs, other scripts and emoji stay as they are', () => {
  for (const text of ['one\n\ttwo', 'שלום עולם', '👩‍💻 ❤️‍🔥 done', '']) expect(shown(text)).toBe(text);
});
