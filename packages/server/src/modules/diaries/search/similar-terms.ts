/** Words of the corpus that look like a word of the query: other forms that the stemmer keeps apart, and typing mistakes. */

/** Shorter words have no look-alikes, and words that were used must begin alike, which an index on the words finds. */
export const sharedStart = 3;

const shortestTerm = 4;

/** Below this, words share a syllable and no more. */
const leastLikeness = 0.5;

/** Pieces of three letters, the ends of the word among them; also what the index on rare spellings holds. */
export const trigrams = (term: string): Set<string> => {
  const padded = `^${term}$`;
  const grams = new Set<string>();
  for (let at = 0; at + 3 <= padded.length; at += 1) grams.add(padded.slice(at, at + 3));
  return grams;
};

/** Dice coefficient of the trigrams. */
export const likeness = (left: ReadonlySet<string>, right: ReadonlySet<string>): number => {
  let shared = 0;
  for (const gram of left) if (right.has(gram)) shared += 1;
  return (2 * shared) / (left.size + right.size);
};

/** The same with those of a word, without a set of its own: hundreds of words are compared for each question. */
const likenessTo = (grams: ReadonlySet<string>, word: string): number => {
  const padded = `^${word}$`;
  let shared = 0;
  let size = 0;
  for (let at = 0; at + 3 <= padded.length; at += 1) {
    const gram = padded.slice(at, at + 3);
    if (padded.indexOf(gram) < at) continue;
    size += 1;
    if (grams.has(gram)) shared += 1;
  }
  return (2 * shared) / (grams.size + size);
};

const isComparable = (term: string): boolean => term.length >= shortestTerm && !/\d/u.test(term);

/**
 * For each term its look-alikes among `vocabulary`, at most `limit` each, the likest first. A term that nobody used may be mistyped from its
 * first letter on; any other has to begin as its look-alike does.
 */
export const similarTerms = (
  terms: readonly string[],
  vocabulary: Iterable<string>,
  isKnown: (term: string) => boolean,
  limit = 10,
): Map<string, Map<string, number>> => {
  const asked = new Set(terms);
  const wanted = [...asked].filter(isComparable).map((term) => ({
    term,
    start: isKnown(term) ? term.slice(0, sharedStart) : '',
    grams: trigrams(term),
    found: [] as [string, number][],
  }));
  for (const word of vocabulary) {
    if (asked.has(word) || !isComparable(word)) continue;
    for (const { term, start, grams, found } of wanted) {
      // Two words whose lengths differ by more can never share half of their trigrams.
      if (!word.startsWith(start) || word.length > 3 * term.length || term.length > 3 * word.length) continue;
      const alike = likenessTo(grams, word);
      if (alike >= leastLikeness) found.push([word, alike]);
    }
  }
  return new Map(
    wanted
      .filter(({ found }) => found.length > 0)
      .map(({ term, found }) => [
        term,
        new Map(found.sort((x, y) => y[1] - x[1] || (x[0] < y[0] ? -1 : 1)).slice(0, limit)),
      ]),
  );
};
