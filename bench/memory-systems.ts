/** What is compared: each system turns a question, put to a dialogue, into the places of turns, best first, and says how sure it is. */
import { confidenceOf } from '../packages/server/src/modules/diaries/search/cut-off.ts';
import {
  inverseFrequency,
  type RankingParameters,
  rankEntries,
} from '../packages/server/src/modules/diaries/search/ranking.ts';
import { type AnalysedDialogue, type AnalysedQuestion, type PlainDocuments, similarIn } from './memory-analysis.ts';

export interface Answer {
  places: number[];
  confidence: number;
}

export type System = (dialogue: AnalysedDialogue, question: AnalysedQuestion) => Answer;

const byScore = (scores: readonly number[]): Answer => {
  const places = scores.map((_, place) => place).filter((place) => scores[place]! > 0);
  places.sort((a, b) => scores[b]! - scores[a]! || a - b);
  return { places, confidence: places[0] === undefined ? 0 : scores[places[0]]! };
};

const bm25Scores = ({ documents, stats }: PlainDocuments, terms: readonly string[]): number[] =>
  documents.map((document) => {
    let length = 0;
    for (const count of document.values()) length += count;
    const norm = 1.2 * (0.25 + (0.75 * length) / stats.averageLength);
    let score = 0;
    for (const term of terms) {
      const count = document.get(term) ?? 0;
      if (count > 0) score += (inverseFrequency(stats.entries, stats.frequency(term)) * count * 2.2) / (count + norm);
    }
    return score;
  });

export const bm25: System = ({ plain }, { plainTerms }) => byScore(bm25Scores(plain, plainTerms));

export const bm25WithNeighbours: System = ({ plain }, { plainTerms }) => {
  const own = bm25Scores(plain, plainTerms);
  return byScore(own.map((score, at) => score + 0.35 * ((own[at - 1] ?? 0) + (own[at + 1] ?? 0))));
};

/** Only for the dialogue that the question is about: its rankings come from PostgreSQL at once. */
export const seedSearch: System = (_, { seedRanking }) => ({ places: seedRanking, confidence: seedRanking.length });

/** Without parameters as it is delivered. */
export const ours =
  (parameters?: RankingParameters): System =>
  (dialogue, { terms, timeLexemes }) => {
    const { entries, authors, stats } = dialogue;
    const query = { terms, similar: similarIn(dialogue, terms), authors, timeLexemes };
    const ranking = rankEntries([entries], query, stats, parameters);
    return { places: ranking.entries.map(({ id }) => Number(id)), confidence: confidenceOf(ranking) };
  };
