import { foldText } from './search-text.ts';
import { likeness, trigrams } from './similar-terms.ts';

/** Fewer words say too little to be taken for the same. */
export const shortestCompared = 4;

/** Texts whose pieces of three letters agree so far are proposed. */
const leastLikeness = 0.8;
/** Longer texts are compared by their words alone. */
const longestCompared = 20_000;
/** Words of which a text must hold one to be looked at. */
const longestPrefix = 24;
/** Share of the words of two texts that both must hold to be compared more closely; what `prefixOf` promises rests on it. */
export const leastAlike = 0.7;

/**
 * Two sets that share at least 0.7 of all their words share one of the first n - 0.7 n + 1 words of either, whatever the
 * order; by rarity these bring the fewest others along.
 */
export const prefixOf = (wordsByRarity: readonly string[]): string[] => {
  const n = wordsByRarity.length;
  const length = Math.min(n - Math.ceil(leastAlike * n) + 1, longestPrefix);
  return wordsByRarity.slice(0, length);
};

const numbersOf = (text: string): string => [...new Set(text.match(/\p{N}+/gu) ?? [])].sort().join(' ');

const folded = (text: string): string => foldText(text).toLowerCase().replace(/\s+/g, ' ').trim();

/**
 * How alike two texts are, 0 to 1; null when they are no duplicates. Two reports that differ in a version or a count say
 * different things, however alike they are.
 */
export const similarityOf = (left: string, right: string, alike: number): number | null => {
  if (numbersOf(left) !== numbersOf(right)) return null;
  if (Math.max(left.length, right.length) > longestCompared) return alike >= leastLikeness ? alike : null;
  const likely = likeness(trigrams(folded(left)), trigrams(folded(right)));
  return likely >= leastLikeness ? likely : null;
};
