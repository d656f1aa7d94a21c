export const maxQueryLength = 500;

export interface SearchQuery {
  /** Everything that ranks: bare words and the words of the phrases, as they were written. */
  words: string;
  /** Each must stand in an entry, word after word. */
  phrases: string[];
  /** No entry that holds one of these words or phrases is answered. Applied after ranking, so they cost no recall of others. */
  excluded: string[];
}

export type QueryProblem = 'too_long' | 'nul_byte';

export type ParsedQuery = { ok: true; query: SearchQuery } | { ok: false; problem: QueryProblem };

const quotes = new Map([
  ['"', '"'],
  ['“', '”'],
  ['„', '“'],
  ['«', '»'],
]);

const isSpace = (char: string | undefined): boolean => char === undefined || /\s/u.test(char);

/** Where the phrase that opens at `start` closes; null when it never does, so that the quote is an ordinary character. */
const closingQuote = (text: string, start: number): number | null => {
  const closing = quotes.get(text[start] ?? '');
  if (closing === undefined) return null;
  const end = text.indexOf(closing, start + 1);
  return end < 0 ? null : end;
};

const endOfWord = (text: string, start: number): number => {
  let end = start;
  while (end < text.length && !isSpace(text[end])) end += 1;
  return end;
};

/** Bare words are OR-ed, `"phrases"` are required, `-word` and `-"phrase"` exclude; whatever does not fit that is literal. */
export const parseSearchQuery = (text: string): ParsedQuery => {
  if (text.length > maxQueryLength) return { ok: false, problem: 'too_long' };
  if (text.includes('\0')) return { ok: false, problem: 'nul_byte' };
  const words: string[] = [];
  const phrases: string[] = [];
  const excluded: string[] = [];
  let at = 0;
  while (at < text.length) {
    if (isSpace(text[at])) {
      at += 1;
      continue;
    }
    const minus = text[at] === '-' && !isSpace(text[at + 1]) && text[at + 1] !== '-';
    const start = minus ? at + 1 : at;
    const close = closingQuote(text, start);
    const end = close ?? endOfWord(text, start);
    const part = text.slice(close === null ? start : start + 1, end).trim();
    if (part !== '') {
      if (minus) excluded.push(part);
      else {
        words.push(part);
        if (close !== null) phrases.push(part);
      }
    }
    at = close === null ? end : end + 1;
  }
  return { ok: true, query: { words: words.join(' '), phrases, excluded } };
};
