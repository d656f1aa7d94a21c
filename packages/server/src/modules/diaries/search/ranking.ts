import type { Lexeme, Lexemes } from './lexemes.ts';

export interface SearchEntry {
  id: string;
  /** Place in its diary. Entries that are out of sight (superseded, expired) leave a gap. */
  position: number;
  /** Who wrote or said it. */
  author: string;
  lexemes: Lexemes;
  /** In words, as `lengthOf` counts them. */
  length: number;
  /** Whether it ends as a question, so that what follows is likely its answer. */
  asks: boolean;
}

export interface TermStats {
  entries: number;
  averageLength: number;
  /** In how many entries a lexeme stands. */
  frequency: (term: string) => number;
}

export interface RankingQuery {
  /** Lexemes of the query. */
  terms: readonly string[];
  /** Words of the corpus that look like a term of the query, with their likeness from 0 to 1. */
  similar?: ReadonlyMap<string, ReadonlyMap<string, number>>;
  /** Lexemes of the names of every author in reach. */
  authors?: ReadonlyMap<string, ReadonlySet<string>>;
  /** Lexemes that tell a time, when the question asks for one. */
  timeLexemes?: ((term: string) => boolean) | null;
}

export interface RankingParameters {
  /** Saturation and length normalisation of BM25. */
  k1: number;
  b: number;
  /** What a word counts at distance 1; at distance n it counts this to the power of n. */
  context: number;
  /** What a question adds to that for the entry that follows it. */
  answer: number;
  /** What being itself a question takes away. */
  question: number;
  /** What being by an author whom the query names adds. */
  author: number;
  /** What the name of an author counts where it stands in a text: there it mostly addresses the other one. */
  authorName: number;
  /** What a word of the date counts, against a word of the content. */
  date: number;
  /** What telling a time adds when the query asks for one. */
  time: number;
  /** What a word that only looks like the one asked for counts. */
  similar: number;
}

/**
 * Chosen on LoCoMo by `npm run bench:memory -- --tune`, which also tells how dialogues fare that had no part in the choice. Each may be off by
 * half without costing more than a hundredth of the recall.
 */
export const rankingParameters: RankingParameters = {
  k1: 0.9,
  b: 0.5,
  context: 0.4,
  answer: 0.3,
  question: 0.2,
  author: 0.75,
  authorName: 0.5,
  date: 1,
  time: 0.2,
  similar: 0.4,
};

/** How far the words of an entry reach. Beyond, they would count less than a hundredth. */
export const contextReach = 4;

const titleWeight = 2;

export interface Ranked {
  id: string;
  score: number;
}

export interface Ranking {
  /** Best first; entries that share no word with the query are not in it. */
  entries: Ranked[];
  /** The score of an entry that holds nothing but the whole query over and over. */
  attainable: number;
  /** Share of the query, weighed by how rare each word is, that was ever written; a mistyped word counts as far as it looks like one that was. */
  known: number;
}

export const inverseFrequency = (entries: number, frequency: number): number =>
  Math.log(1 + (entries - frequency + 0.5) / (frequency + 0.5));

/** A word of the query as it counts. */
export interface RankedTerm {
  weight: number;
  /** Lexemes that stand for it, and what each counts. */
  forms: readonly (readonly [string, number])[];
  /** From 0, nobody ever wrote it or anything like it, to 1. */
  known: number;
}

/**
 * Fewer entries tell little of words: one that stands there has had no chance to show that it is rare, one that does not
 * may be missing by chance. Otherwise an only entry would answer no question of two words.
 */
const entriesThatTell = 200;

export const rankedTerms = (query: RankingQuery, stats: TermStats, parameters: RankingParameters): RankedTerm[] => {
  const names = new Set<string>();
  for (const lexemes of query.authors?.values() ?? []) for (const lexeme of lexemes) names.add(lexeme);
  const terms: RankedTerm[] = [];
  for (const term of new Set(query.terms)) {
    const isAuthor = names.has(term);
    const similar = isAuthor || parameters.similar === 0 ? undefined : query.similar?.get(term);
    const forms: [string, number][] = [[term, 1]];
    let frequency = stats.frequency(term);
    for (const [form, likeness] of similar ?? []) {
      forms.push([form, parameters.similar * likeness]);
      // A word nobody used is no rarer than the one it was taken for.
      if (stats.frequency(term) === 0) frequency = Math.max(frequency, stats.frequency(form));
    }
    const rarity = inverseFrequency(
      frequency > 0 ? Math.max(stats.entries, entriesThatTell) : stats.entries,
      frequency,
    );
    terms.push({
      weight: isAuthor ? rarity * parameters.authorName : rarity,
      forms,
      known: isAuthor || stats.frequency(term) > 0 ? 1 : Math.max(0, ...(similar?.values() ?? [])),
    });
  }
  return terms;
};

const contentOf = ({ title, tags, content }: Lexeme): number => titleWeight * title + tags + content;

/** Which terms a lexeme stands for, and what it counts for each. */
const formsOf = (terms: readonly RankedTerm[]): Map<string, [term: number, likeness: number][]> => {
  const forms = new Map<string, [number, number][]>();
  for (const [term, { forms: own }] of terms.entries()) {
    for (const [form, likeness] of own) {
      const known = forms.get(form);
      if (known) known.push([term, likeness]);
      else forms.set(form, [[term, likeness]]);
    }
  }
  return forms;
};

/** Scores of consecutive entries of one diary, in order. Each word counts in the entry and, less, in its neighbours, before it saturates. */
const scoreRun = (
  run: readonly SearchEntry[],
  terms: readonly RankedTerm[],
  stats: TermStats,
  parameters: RankingParameters,
): Float64Array => {
  const { k1, b, context, answer, date } = parameters;
  const forms = formsOf(terms);
  const counts = terms.map(() => new Float64Array(run.length));
  for (const [from, { lexemes, length, position, asks }] of run.entries()) {
    const norm = 1 - b + (b * length) / stats.averageLength;
    for (const [form, lexeme] of lexemes) {
      for (const [term, likeness] of forms.get(form) ?? []) {
        const own = (likeness * contentOf(lexeme)) / norm;
        counts[term]![from]! += own + likeness * date * lexeme.date;
        if (own === 0) continue;
        for (const step of [-1, 1]) {
          for (let to = from + step; run[to] !== undefined; to += step) {
            const distance = Math.abs(run[to]!.position - position);
            if (distance > contextReach) break;
            const isAnswer = asks && step === 1 && distance === 1;
            counts[term]![to]! += own * (context ** distance + (isAnswer ? answer : 0));
          }
        }
      }
    }
  }
  const scores = new Float64Array(run.length);
  for (const [term, { weight }] of terms.entries()) {
    for (const [at, count] of counts[term]!.entries()) {
      if (count > 0) scores[at]! += (weight * count * (k1 + 1)) / (count + k1);
    }
  }
  return scores;
};

const weightOf = (terms: readonly RankedTerm[]): number => terms.reduce((sum, { weight }) => sum + weight, 0);

export const rankEntries = (
  runs: readonly (readonly SearchEntry[])[],
  query: RankingQuery,
  stats: TermStats,
  parameters: RankingParameters = rankingParameters,
): Ranking => {
  const terms = rankedTerms(query, stats, parameters);
  const asked = new Set<string>();
  for (const [author, lexemes] of query.authors ?? []) {
    if (query.terms.some((term) => lexemes.has(term))) asked.add(author);
  }
  const tellsTime = query.timeLexemes ?? null;
  const entries: Ranked[] = [];
  for (const run of runs) {
    for (const [at, score] of scoreRun(run, terms, stats, parameters).entries()) {
      if (score === 0) continue;
      const { id, author, asks, lexemes } = run[at]!;
      let factor = asks ? 1 - parameters.question : 1;
      if (asked.has(author)) factor *= 1 + parameters.author;
      if (tellsTime && [...lexemes].some(([term, { content }]) => content > 0 && tellsTime(term)))
        factor *= 1 + parameters.time;
      entries.push({ id, score: score * factor });
    }
  }
  entries.sort((x, y) => y.score - x.score || (x.id < y.id ? -1 : 1));
  const weight = weightOf(terms);
  return {
    entries,
    attainable:
      weight *
      (parameters.k1 + 1) *
      (asked.size > 0 ? 1 + parameters.author : 1) *
      (tellsTime ? 1 + parameters.time : 1),
    known: weight === 0 ? 0 : terms.reduce((sum, term) => sum + term.weight * term.known, 0) / weight,
  };
};
