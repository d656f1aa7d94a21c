/**
 * The final score of an entry from its relevance, its age, its importance and how near it is to an entry by relations,
 * each from 0 to 1 so that the weights mean what they say.
 */

export interface ScoreWeights {
  relevance: number;
  recency: number;
  importance: number;
  relation: number;
}

export const defaultWeights: ScoreWeights = { relevance: 1, recency: 0, importance: 0, relation: 0 };

export interface WeighedEntry {
  id: string;
  /** From 0 to 1, the best of the answer being 1. */
  relevance: number;
  /** When it began to hold, or was written; never when it was last read. */
  since: Date;
  /** From 1 to 10. */
  importance: number;
  /** Relations that lie between it and the entry asked about; null when none lead there. */
  hops?: number | null;
}

const hour = 3_600_000;

/** Falls by a hundredth each hour; what lies in the future counts as now. */
const recencyOf = (since: Date, now: Date): number => 0.99 ** Math.max(0, (now.getTime() - since.getTime()) / hour);

/** One relation counts whole, each further one half as much. */
const nearnessOf = (hops: number | null): number => (hops === null ? 0 : 0.5 ** Math.max(0, hops - 1));

export const weighEntries = (
  entries: readonly WeighedEntry[],
  now: Date,
  weights: ScoreWeights = defaultWeights,
): { id: string; score: number }[] =>
  entries
    .map(({ id, relevance, since, importance, hops = null }) => ({
      id,
      score:
        weights.relevance * relevance +
        weights.recency * recencyOf(since, now) +
        (weights.importance * importance) / 10 +
        weights.relation * nearnessOf(hops),
    }))
    .sort((x, y) => y.score - x.score || (x.id < y.id ? -1 : 1));
