/** Parameters chosen by coordinate ascent on some dialogues, so that the others can judge them. */
import type { RankingParameters } from '../packages/server/src/modules/diaries/search/ranking.ts';

/** BM25 as everybody sets it, with the neighbour weight of the specification and nothing else. */
const neutral: RankingParameters = {
  k1: 1.2,
  b: 0.75,
  context: 0.35,
  answer: 0,
  question: 0,
  author: 0,
  authorName: 1,
  date: 0,
  time: 0,
  similar: 0,
};

/** Few and coarse, since ten dialogues cannot tell finer ones apart. */
const grid: { [name in keyof RankingParameters]: readonly number[] } = {
  author: [0, 0.5, 0.75, 1],
  context: [0.3, 0.4, 0.5],
  date: [0, 0.5, 1],
  b: [0.25, 0.5, 0.75],
  k1: [0.6, 0.9, 1.2],
  authorName: [0, 0.5, 1],
  answer: [0, 0.3, 0.6],
  question: [0, 0.2, 0.4],
  time: [0, 0.2, 0.4],
  similar: [0, 0.4, 0.8],
};

/** Sum and number of what is maximised, of one dialogue. */
export type Objective = (dialogue: number, parameters: RankingParameters) => { sum: number; count: number };

/** One round over the grid, what matters most first. The caller remembers values: the folds ask for most of them again. */
export const tune = (training: readonly number[], objective: Objective): RankingParameters => {
  const worthOf = (parameters: RankingParameters): number => {
    const parts = training.map((dialogue) => objective(dialogue, parameters));
    return parts.reduce((total, { sum }) => total + sum, 0) / parts.reduce((total, { count }) => total + count, 0);
  };
  let best = neutral;
  let value = worthOf(best);
  for (const [name, values] of Object.entries(grid)) {
    for (const candidate of values) {
      const changed = { ...best, [name]: candidate };
      const worth = worthOf(changed);
      if (worth > value) [best, value] = [changed, worth];
    }
  }
  return best;
};
