import type { TermStats } from './ranking.ts';

/** A word of the query and its look-alikes. */
export interface Form {
  words: string[];
  /** In how many entries they stand, those that hold several counted each time. */
  frequency: number;
}

/** A word as the text of a tsquery. */
const quoted = (term: string): string => `'${term.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;

/** Each word of the query that stands anywhere, itself or by look-alikes, the rarest first. */
export const formsOf = (
  terms: readonly string[],
  similar: ReadonlyMap<string, ReadonlyMap<string, number>>,
  { frequency }: Pick<TermStats, 'frequency'>,
): Form[] =>
  terms
    .map((term) => {
      const words = [term, ...(similar.get(term)?.keys() ?? [])].filter((word) => frequency(word) > 0);
      return { words, frequency: words.reduce((total, word) => total + frequency(word), 0) };
    })
    .filter(({ frequency: sum }) => sum > 0)
    .sort((x, y) => x.frequency - y.frequency || (x.words[0]! < y.words[0]! ? -1 : 1));

/**
 * The rarest words: as many as stand in no more entries than the budget, and until they stand in `enough`. Left out are words
 * too common to decide anything.
 */
export const essentialForms = (forms: readonly Form[], budget: number, enough: number): Form[] => {
  let sum = 0;
  return forms.filter(({ frequency }) => {
    if (sum >= enough && sum + frequency > budget) return false;
    sum += frequency;
    return true;
  });
};

/** As a tsquery. */
export const anyOf = (words: readonly string[]): string => words.map(quoted).join(' | ');
