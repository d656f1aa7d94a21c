export interface Measures {
  'R@5': number;
  'R@10': number;
  'R@20': number;
  'hit@10': number;
  'nDCG@10': number;
  MRR: number;
  empty: number;
}

export const measureNames = ['R@5', 'R@10', 'R@20', 'hit@10', 'nDCG@10', 'MRR', 'empty'] as const;

const gain = (rank: number): number => 1 / Math.log2(rank + 2);

/** Of one ranking, best first, against the places that hold the answer. */
export const measure = (ranking: readonly number[], evidence: ReadonlySet<number>): Measures => {
  const ranks = ranking.flatMap((place, rank) => (evidence.has(place) ? [rank] : []));
  const within = (k: number) => ranks.filter((rank) => rank < k).length;
  const ideal = Array.from({ length: Math.min(10, evidence.size) }, (_, rank) => gain(rank));
  const sum = (gains: number[]) => gains.reduce((total, value) => total + value, 0);
  return {
    'R@5': within(5) / evidence.size,
    'R@10': within(10) / evidence.size,
    'R@20': within(20) / evidence.size,
    'hit@10': within(10) > 0 ? 1 : 0,
    'nDCG@10': sum(ranks.filter((rank) => rank < 10).map(gain)) / sum(ideal),
    MRR: ranks[0] === undefined ? 0 : 1 / (ranks[0] + 1),
    empty: ranking.length === 0 ? 1 : 0,
  };
};

export const mean = (list: readonly Measures[]): Measures =>
  Object.fromEntries(
    measureNames.map((name) => [name, list.reduce((total, one) => total + one[name], 0) / list.length]),
  ) as unknown as Measures;

/** The value below which a share of the values lies. */
export const quantile = (values: readonly number[], share: number): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length * share)]!;

/** Deterministic, so that two runs of the bench print the same interval. */
const randomSource = (seed: number) => {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
};

/** 95 % interval of a mean by resampling dialogues: their questions are not independent of one another. */
export const interval = (groups: readonly (readonly number[])[]): [number, number] => {
  const random = randomSource(7);
  const means = Array.from({ length: 2000 }, () => {
    let total = 0;
    let count = 0;
    for (let n = 0; n < groups.length; n += 1) {
      const group = groups[Math.floor(random() * groups.length)]!;
      for (const value of group) total += value;
      count += group.length;
    }
    return total / count;
  });
  return [quantile(means, 0.025), quantile(means, 0.975)];
};
