export interface Snippet {
  text: string;
  /** Matched words as ranges of UTF-16 units in `text`; ranges instead of markup, so that content cannot forge a mark. */
  marks: [start: number, end: number][];
  /** Whether content was left out before and after. */
  clipped: { before: boolean; after: boolean };
}

const word = /[\p{L}\p{N}]+(?:['’][\p{L}\p{N}]+)*/gu;

/** The different words of a content, lower-cased: what the caller has to have analysed before a snippet can be made. */
export const wordsOf = (content: string): Set<string> =>
  new Set(Array.from(content.matchAll(word), ([found]) => found.toLowerCase()));

interface Hit {
  start: number;
  end: number;
  term: string;
}

/** Moves a cut out of the middle of a word and off the surrogates of one character. */
const toBoundary = (content: string, at: number, step: 1 | -1): number => {
  let cut = at;
  while (cut > 0 && cut < content.length && /[\p{L}\p{N}\p{M}\p{Cs}]/u.test(content[cut - (step === 1 ? 1 : 0)]!)) {
    if (Math.abs(cut - at) >= 24) return /[\udc00-\udfff]/.test(content[cut]!) ? cut + 1 : cut;
    cut += step;
  }
  return cut;
};

/**
 * The stretch of at most `length` units that holds the most weight of different matched words. `termOf` tells which term of the query a
 * lower-cased word stands for, `weightOf` how rare that term is.
 */
export const makeSnippet = (
  content: string,
  termOf: (word: string) => string | null,
  weightOf: (term: string) => number = () => 1,
  length = 240,
): Snippet => {
  const hits: Hit[] = [];
  for (const found of content.matchAll(word)) {
    const term = termOf(found[0].toLowerCase());
    if (term !== null) hits.push({ start: found.index, end: found.index + found[0].length, term });
  }
  const { first, last } = bestStretch(hits, weightOf, length);
  const hitStart = hits[first]?.start ?? 0;
  const hitEnd = hits[last]?.end ?? 0;
  const margin = Math.max(0, Math.floor((length - (hitEnd - hitStart)) / 2));
  const latest = Math.max(0, content.length - length);
  const from = Math.max(0, Math.min(hitStart - margin, latest));
  const start = from === 0 ? 0 : Math.min(toBoundary(content, from, 1), hitStart);
  const to = Math.min(content.length, from + length);
  const end = to === content.length ? to : Math.max(toBoundary(content, to, -1), Math.min(hitEnd, to));
  return {
    text: content.slice(start, end),
    marks: hits
      .filter((hit) => hit.start >= start && hit.end <= end)
      .map((hit) => [hit.start - start, hit.end - start]),
    clipped: { before: start > 0, after: end < content.length },
  };
};

/** Two pointers over the hits, so that a content with a hundred thousand of them costs one pass. */
const bestStretch = (hits: readonly Hit[], weightOf: (term: string) => number, length: number) => {
  const inside = new Map<string, number>();
  let weight = 0;
  let best = { first: 0, last: 0, weight: 0 };
  let first = 0;
  for (const [last, hit] of hits.entries()) {
    const count = inside.get(hit.term) ?? 0;
    if (count === 0) weight += weightOf(hit.term);
    inside.set(hit.term, count + 1);
    while (first < last && hit.end - hits[first]!.start > length) {
      const left = hits[first]!.term;
      const rest = inside.get(left)! - 1;
      inside.set(left, rest);
      if (rest === 0) weight -= weightOf(left);
      first += 1;
    }
    if (weight > best.weight) best = { first, last, weight };
  }
  return best;
};
