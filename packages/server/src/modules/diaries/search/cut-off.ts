import type { Ranking } from './ranking.ts';

/**
 * How sure it is that the best entry answers the query at all, from 0 to 1: what share of the attainable score it reached, less what the query
 * asks in words nobody ever wrote. Both are relative, so diaries of any size and queries of any length share one cut-off.
 */
export const confidenceOf = ({ entries, attainable, known }: Ranking): number =>
  entries[0] === undefined ? 0 : (entries[0].score / attainable) * Math.sqrt(known);

/** Silences one of twenty questions that LoCoMo's dialogues answer. */
export const confidenceCutOff = 0.134;

export const abstains = (ranking: Ranking, cutOff = confidenceCutOff): boolean => confidenceOf(ranking) < cutOff;
