import type { Lexemes } from './lexemes.ts';

export interface Selectable {
  id: string;
  /** From 0 to 1. */
  score: number;
  lexemes: Lexemes;
}

/** Share of words in common (Jaccard), the words of the date left out. */
const likeness = (left: ReadonlySet<string>, right: ReadonlySet<string>): number => {
  let shared = 0;
  for (const term of left) if (right.has(term)) shared += 1;
  const all = left.size + right.size - shared;
  return all === 0 ? 0 : shared / all;
};

const wordsOf = (lexemes: Lexemes): Set<string> => {
  const words = new Set<string>();
  for (const [term, { title, tags, content }] of lexemes) if (title + tags + content > 0) words.add(term);
  return words;
};

/**
 * Maximal marginal relevance: takes the best entry each time, less what an entry already taken says as well. `relevance` 1 keeps the order,
 * 0 looks at the difference only.
 */
export const diversify = (entries: readonly Selectable[], limit: number, relevance = 0.7): string[] => {
  const left = entries.map((entry) => ({ ...entry, words: wordsOf(entry.lexemes), repeats: 0 }));
  const taken: string[] = [];
  while (taken.length < limit && left.length > 0) {
    let best = 0;
    const worth = (at: number) => relevance * left[at]!.score - (1 - relevance) * left[at]!.repeats;
    for (let at = 1; at < left.length; at += 1) if (worth(at) > worth(best)) best = at;
    const [next] = left.splice(best, 1);
    taken.push(next!.id);
    for (const entry of left) entry.repeats = Math.max(entry.repeats, likeness(entry.words, next!.words));
  }
  return taken;
};
