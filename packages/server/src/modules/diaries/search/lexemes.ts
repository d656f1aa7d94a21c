/**
 * The text form of a tsvector, which is how an analysed entry leaves PostgreSQL. Labels name the field: A title, B tags, C words of the date,
 * none (D) content.
 */
export interface Lexeme {
  title: number;
  tags: number;
  date: number;
  content: number;
}

export type Lexemes = ReadonlyMap<string, Lexeme>;

const quote = 39;
const backslash = 92;
const colon = 58;
const space = 32;

/** After the closing quote; quotes inside are doubled, and so are backslashes. */
const endOfLexeme = (text: string, start: number): number => {
  let at = start;
  for (; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === backslash) at += 1;
    else if (code === quote) {
      if (text.charCodeAt(at + 1) !== quote) break;
      at += 1;
    }
  }
  return at;
};

const fieldOf: Record<string, keyof Lexeme> = { A: 'title', B: 'tags', C: 'date' };

/** `positions` looks like `3A,7,12C`; none at all is one word of the content. */
const countFields = (positions: string): Lexeme => {
  const counts: Lexeme = { title: 0, tags: 0, date: 0, content: 0 };
  for (const position of positions.split(',')) counts[fieldOf[position.at(-1) ?? ''] ?? 'content'] += 1;
  return counts;
};

/** `wants` picks the lexemes that matter: a search reads a thousand vectors for ten words. */
export const parseTsvector = (text: string, wants: (term: string) => boolean = () => true): Lexemes => {
  const lexemes = new Map<string, Lexeme>();
  let at = 0;
  while (at < text.length) {
    const end = endOfLexeme(text, at + 1);
    const quoted = text.slice(at + 1, end);
    const term = /['\\]/u.test(quoted)
      ? quoted.replace(/''|\\(.)/gu, (pair, char?: string) => char ?? pair[0]!)
      : quoted;
    let rest = end + 1;
    while (rest < text.length && text.charCodeAt(rest) !== space) rest += 1;
    if (wants(term)) {
      lexemes.set(term, countFields(text.charCodeAt(end + 1) === colon ? text.slice(end + 2, rest) : ''));
    }
    at = rest + 1;
  }
  return lexemes;
};

/** Words that count for the length of an entry. Its date does not: every entry has one. */
export const lengthOf = (lexemes: Lexemes): number => {
  let length = 0;
  for (const { title, tags, content } of lexemes.values()) length += title + tags + content;
  return length;
};
