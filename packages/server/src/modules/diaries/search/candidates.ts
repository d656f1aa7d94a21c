import type { Postings, PostingLists } from './postings.ts';
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

interface Scored {
  diary_id: string;
  /** Position of the first place. */
  first: number;
  /** Places with a score, as indexes of the others. */
  touched: number[];
  scores: Float64Array;
  /** Bit 0: holds a word. Bit 1: asks. */
  marks: Uint8Array;
}

/** The scores of `rankEntries` without what only the entries themselves tell: who wrote them and whether they are in sight. */
const scoreDiary = (
  diary_id: string,
  lists: PostingLists,
  terms: readonly RankedTerm[],
  stats: TermStats,
  parameters: RankingParameters,
): Scored | null => {
  const { k1, b, context, answer, question, date } = parameters;
  let [first, last] = [Number.POSITIVE_INFINITY, -1];
  for (const { positions } of lists.values()) {
    if (positions.length === 0) continue;
    first = Math.min(first, positions[0]!);
    last = Math.max(last, positions.at(-1)!);
  }
  if (last < 0) return null;
  first -= roughReach;
  const size = last - first + 1 + roughReach;
  const scores = new Float64Array(size);
  const counts = new Float64Array(size);
  const marks = new Uint8Array(size);
  const touched: number[] = [];
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
    for (let n = 0; n < positions.length; n += 1) {
      const at = positions[n]! - first;
      for (let place = at - roughReach; place <= at + roughReach; place += 1) {
        const value = counts[place]!;
        if (value === 0) continue;
        counts[place] = 0;
        if (scores[place] === 0) touched.push(place);
        scores[place]! += (weight * value * (k1 + 1)) / (value + k1);
      }
    }
  };
  for (const { weight, forms } of terms) {
    const own = forms.flatMap(([form, likeness]) => {
      const postings = lists.get(form);
      return postings === undefined ? [] : [{ postings, likeness }];
    });
    for (const { postings, likeness } of own) count(postings, likeness);
    for (const { postings } of own) settle(postings, weight);
  }
  for (const place of touched) if ((marks[place]! & 2) === 2) scores[place]! *= 1 - question;
  return { diary_id, first, touched, scores, marks };
};

const byPlace = (x: RoughCandidate, y: RoughCandidate): number =>
  x.diary_id === y.diary_id ? x.position - y.position : x.diary_id < y.diary_id ? -1 : 1;

/** Takes the best first without sorting the others. */
const takerOf = (diaries: readonly Scored[], holds: boolean) => {
  const isMeant = (marks: number) => (marks & 1) === (holds ? 1 : 0);
  let most = 0;
  for (const { touched, scores } of diaries) for (const place of touched) most = Math.max(most, scores[place]!);
  const binOf = (score: number) => Math.floor((score / most) * (bins - 1));
  const sizes = new Uint32Array(bins);
  for (const { touched, scores, marks } of diaries)
    for (const place of touched) if (isMeant(marks[place]!)) sizes[binOf(scores[place]!)]! += 1;
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
      for (const place of touched) {
        const score = scores[place]!;
        const bin = binOf(score);
        if (bin >= above && bin < end && isMeant(marks[place]!))
          found.push({ diary_id, position: place + first, score, holds });
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
  const scored = [...diaries].flatMap(([diary_id, lists]) => scoreDiary(diary_id, lists, terms, stats, parameters) ?? []);
  return { near: takerOf(scored, false)(near), take: takerOf(scored, true) };
};
