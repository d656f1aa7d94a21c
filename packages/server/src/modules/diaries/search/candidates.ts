import { type PostingLists, type Postings, readPostings } from './postings.ts';
import type { RankedTerm, RankingParameters, TermStats } from './ranking.ts';

export interface RoughCandidate {
  diary_id: string;
  position: number;
  score: number;
  /** False when only entries beside it hold the words. */
  holds: boolean;
}

export interface Candidates {
  /** The best of those that hold no word themselves. */
  near: RoughCandidate[];
  /** The next best of those that hold one, about `count` of them; none when all were taken. */
  take: (count: number) => RoughCandidate[];
}

/** Words reach further in the ranking; there they count too little to decide what is looked at. */
const roughReach = 2;
const bins = 2048;
const noPostings = readPostings(new Uint8Array());

interface Scored {
  diary_id: string;
  /** Position of the first place. */
  first: number;
  /** Places with a score, as indexes of the others. */
  touched: Int32Array;
  scores: Float64Array;
  /** Bit 0: holds a word. Bit 1: asks. */
  marks: Uint8Array;
}

interface Bounds {
  first: number;
  last: number;
}

const boundsOf = (lists: PostingLists): Bounds | null => {
  let [first, last] = [Number.POSITIVE_INFINITY, -1];
  for (const { positions } of lists.values()) {
    if (positions.length === 0) continue;
    first = Math.min(first, positions[0]!);
    last = Math.max(last, positions[positions.length - 1]!);
  }
  return last < 0 ? null : { first: first - roughReach, last: last + roughReach };
};

/** The scores of `rankEntries` without what only the entries themselves tell: who wrote them and whether they are in sight. */
const scoreDiary = (
  diary_id: string,
  lists: PostingLists,
  { first, last }: Bounds,
  terms: readonly RankedTerm[],
  stats: TermStats,
  { k1, b, context, answer, question, date }: RankingParameters,
): Scored => {
  const size = last - first + 1;
  const scores = new Float64Array(size);
  const counts = new Float64Array(size);
  const marks = new Uint8Array(size);
  const touched = new Int32Array(size);
  let touches = 0;
  const second = context * context;

  const count = ({ positions, held, dated, asks, lengths }: Postings, likeness: number): void => {
    for (let n = 0; n < positions.length; n += 1) {
      const at = positions[n]! - first;
      const own = (likeness * held[n]!) / (1 - b + (b * lengths[n]!) / stats.averageLength);
      counts[at]! += own + likeness * date * dated[n]!;
      marks[at]! |= 1 | (asks[n]! << 1);
      if (own === 0) continue;
      counts[at - 2]! += own * second;
      counts[at - 1]! += own * context;
      counts[at + 1]! += own * (asks[n] === 1 ? context + answer : context);
      counts[at + 2]! += own * second;
    }
  };
  const settle = ({ positions }: Postings, weight: number): void => {
    const most = weight * (k1 + 1);
    let place = 0;
    for (let n = 0; n < positions.length; n += 1) {
      const at = positions[n]! - first;
      for (place = Math.max(place, at - roughReach); place <= at + roughReach; place += 1) {
        const value = counts[place]!;
        if (value === 0) continue;
        counts[place] = 0;
        if (scores[place] === 0) {
          touched[touches] = place;
          touches += 1;
        }
        scores[place]! += (most * value) / (value + k1);
      }
    }
  };
  for (const { weight, forms } of terms) {
    for (const [form, likeness] of forms) count(lists.get(form) ?? noPostings, likeness);
    for (const [form] of forms) settle(lists.get(form) ?? noPostings, weight);
  }
  for (let n = 0; n < touches; n += 1) {
    const place = touched[n]!;
    if ((marks[place]! & 2) === 2) scores[place]! *= 1 - question;
  }
  return { diary_id, first, touched: touched.subarray(0, touches), scores, marks };
};

const byPlace = (x: RoughCandidate, y: RoughCandidate): number =>
  x.diary_id === y.diary_id ? x.position - y.position : x.diary_id < y.diary_id ? -1 : 1;

/** How many places there are of each kind (beside a word, with one) and size of score. */
const binsOf = (diaries: readonly Scored[]) => {
  let most = 0;
  for (const { touched, scores } of diaries)
    for (let n = 0; n < touched.length; n += 1) if (scores[touched[n]!]! > most) most = scores[touched[n]!]!;
  const scale = (bins - 1) / most;
  const sizes = [new Uint32Array(bins), new Uint32Array(bins)] as const;
  for (const { touched, scores, marks } of diaries)
    for (let n = 0; n < touched.length; n += 1) {
      const place = touched[n]!;
      sizes[(marks[place]! & 1) as 0 | 1][Math.floor(scores[place]! * scale)]! += 1;
    }
  return { scale, sizes };
};

/** Takes the best first without sorting the others. */
const takerOf = (diaries: readonly Scored[], scale: number, sizes: Uint32Array, kind: 0 | 1) => {
  let above = bins;
  let ready: RoughCandidate[] = [];
  const refill = (count: number): void => {
    const end = above;
    let size = 0;
    while (above > 0 && size < count) {
      above -= 1;
      size += sizes[above]!;
    }
    const found: RoughCandidate[] = [];
    for (const { diary_id, first, touched, scores, marks } of diaries)
      for (let n = 0; n < touched.length; n += 1) {
        const place = touched[n]!;
        const score = scores[place]!;
        const bin = Math.floor(score * scale);
        if (bin < above || bin >= end || (marks[place]! & 1) !== kind) continue;
        found.push({ diary_id, position: place + first, score, holds: kind === 1 });
      }
    found.sort((x, y) => y.score - x.score || byPlace(x, y));
    ready = ready.concat(found);
  };
  return (count: number): RoughCandidate[] => {
    if (ready.length < count && above > 0) refill(count - ready.length);
    const taken = ready.slice(0, count);
    ready = ready.slice(count);
    return taken;
  };
};

/** Every entry that holds one of the words, and those beside them, by how well they seem to fit. */
export const findCandidates = (
  diaries: ReadonlyMap<string, PostingLists>,
  terms: readonly RankedTerm[],
  stats: TermStats,
  parameters: RankingParameters,
  near: number,
): Candidates => {
  const scored = [...diaries].flatMap(([diary_id, lists]) => {
    const bounds = boundsOf(lists);
    return bounds === null ? [] : [scoreDiary(diary_id, lists, bounds, terms, stats, parameters)];
  });
  const { scale, sizes } = binsOf(scored);
  return { near: takerOf(scored, scale, sizes[0], 0)(near), take: takerOf(scored, scale, sizes[1], 1) };
};
