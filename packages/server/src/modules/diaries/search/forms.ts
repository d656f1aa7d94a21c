import { inverseFrequency, type TermStats } from './ranking.ts';

/** A word of the query and its look-alikes, as PostgreSQL looks for them. */
export interface Form {
  /** A tsquery. */
  words: string;
  frequency: number;
  /** How much one hit counts, by how rare it is. */
  weight: number;
}

/** A word as the text of a tsquery. */
export const quoted = (term: string): string => `'${term.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;

/** Each word of the query that stands anywhere, itself or by look-alikes, the rarest first. */
export const formsOf = (
  terms: readonly string[],
  similar: ReadonlyMap<string, ReadonlyMap<string, number>>,
  { entries, frequency }: TermStats,
): Form[] =>
  terms
    .map((term) => {
      const words = [term, ...(similar.get(term)?.keys() ?? [])].filter((word) => frequency(word) > 0);
      const sum = words.reduce((total, word) => total + frequency(word), 0);
      return {
        words: words.map(quoted).join(' | '),
        frequency: sum,
        weight: inverseFrequency(entries, Math.min(sum, entries)),
      };
    })
    .filter(({ frequency: sum }) => sum > 0)
    .sort((x, y) => x.frequency - y.frequency || (x.words < y.words ? -1 : 1));

/** The rarest words, as many as bring no more entries than the budget; beyond, only words too common to decide anything are left. */
export const essentialForms = (forms: readonly Form[], budget: number): Form[] => {
  let left = budget;
  return forms.filter((form, at) => {
    left -= form.frequency;
    return at === 0 || left >= 0;
  });
};

export const anyOf = (forms: readonly Form[]): string => forms.map(({ words }) => words).join(' | ');
