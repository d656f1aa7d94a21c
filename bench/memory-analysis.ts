/** Dialogues as the module will see diaries: analysed by PostgreSQL, an entry for each turn. */
import type pg from 'pg';
import { type Lexemes, lengthOf, parseTsvector } from '../packages/server/src/modules/diaries/search/lexemes.ts';
import type { SearchEntry, TermStats } from '../packages/server/src/modules/diaries/search/ranking.ts';
import { dateWords, foldText } from '../packages/server/src/modules/diaries/search/search-text.ts';
import { similarTerms } from '../packages/server/src/modules/diaries/search/similar-terms.ts';
import { asksQuestion, timeLexemes } from '../packages/server/src/modules/diaries/search/time-words.ts';
import { answerable, type Dialogue, type Question } from './memory-dialogues.ts';

const language = 'english';

export interface AnalysedQuestion extends Question {
  terms: string[];
  /** As the peers take it: without folding. */
  plainTerms: string[];
  /** What the seed's own search finds, best first. */
  seedRanking: number[];
  timeLexemes: ((term: string) => boolean) | null;
}

/** Lexemes and how often each stands in a turn. */
export interface PlainDocuments {
  documents: Map<string, number>[];
  stats: TermStats;
}

export interface AnalysedDialogue {
  entries: SearchEntry[];
  stats: TermStats;
  vocabulary: string[];
  authors: Map<string, Set<string>>;
  questions: AnalysedQuestion[];
  /** Speaker, text and caption as one text, as the peers take a turn. */
  plain: PlainDocuments;
}

const vectorsOf = async (client: pg.Client, texts: string[]): Promise<Lexemes[]> => {
  const { rows } = await client.query<{ vector: string }>(
    `select to_tsvector('${language}', text)::text vector from unnest($1::text[]) with ordinality t (text, n) order by n`,
    [texts],
  );
  return rows.map(({ vector }) => parseTsvector(vector));
};

const labelledVectorsOf = async (client: pg.Client, texts: string[], dates: string[]): Promise<Lexemes[]> => {
  const { rows } = await client.query<{ vector: string }>(
    `select (to_tsvector('${language}', text) || setweight(to_tsvector('${language}', day), 'C'))::text vector
     from unnest($1::text[], $2::text[]) with ordinality t (text, day, n) order by n`,
    [texts, dates],
  );
  return rows.map(({ vector }) => parseTsvector(vector));
};

const statsOf = (
  documents: readonly { terms: Iterable<string>; length: number }[],
): TermStats & { terms: string[] } => {
  const frequencies = new Map<string, number>();
  let length = 0;
  for (const document of documents) {
    length += document.length;
    for (const term of document.terms) frequencies.set(term, (frequencies.get(term) ?? 0) + 1);
  }
  return {
    entries: documents.length,
    averageLength: length / documents.length,
    frequency: (term) => frequencies.get(term) ?? 0,
    terms: [...frequencies.keys()],
  };
};

/** MoltNet's lexical search: a GIN-indexed tsvector, web-search syntax that ANDs bare words, ts_rank. */
const seedRankings = async (client: pg.Client, turns: string[], questions: string[]): Promise<number[][]> => {
  await client.query('create temp table seed_turns (n int, tsv tsvector)');
  await client.query(
    `insert into seed_turns select n - 1, to_tsvector('${language}', text) from unnest($1::text[]) with ordinality t (text, n)`,
    [turns],
  );
  const { rows } = await client.query<{ found: number[] }>(
    `select array(
       select s.n from seed_turns s where s.tsv @@ websearch_to_tsquery('${language}', q.text)
       order by ts_rank(s.tsv, websearch_to_tsquery('${language}', q.text)) desc, s.n
     ) found from unnest($1::text[]) with ordinality q (text, n) order by q.n`,
    [questions],
  );
  await client.query('drop table seed_turns');
  return rows.map(({ found }) => found);
};

const entriesOf = async (client: pg.Client, { turns }: Dialogue): Promise<SearchEntry[]> => {
  const vectors = await labelledVectorsOf(
    client,
    turns.map(({ text, caption }) => foldText(`${text}\n${caption}`)),
    turns.map(({ date }) => foldText(dateWords(date, language))),
  );
  return turns.map(({ speaker, text }, position) => ({
    id: String(position).padStart(6, '0'),
    position,
    author: speaker,
    lexemes: vectors[position]!,
    length: lengthOf(vectors[position]!),
    asks: asksQuestion(text),
  }));
};

export const analyse = async (client: pg.Client, dialogue: Dialogue): Promise<AnalysedDialogue> => {
  const { turns, speakers } = dialogue;
  const questions = answerable(dialogue);
  const entries = await entriesOf(client, dialogue);
  const stats = statsOf(entries.map(({ lexemes, length }) => ({ terms: lexemes.keys(), length })));
  const plainTexts = turns.map(({ speaker, text, caption }) => `${speaker}: ${text} ${caption}`);
  const plainVectors = await vectorsOf(client, plainTexts);
  const documents = plainVectors.map(
    (lexemes) => new Map([...lexemes].map(([term, { content }]) => [term, content] as const)),
  );
  const names = await vectorsOf(client, speakers.map(foldText));
  const terms = await vectorsOf(
    client,
    questions.map(({ text }) => foldText(text)),
  );
  const plainTerms = await vectorsOf(
    client,
    questions.map(({ text }) => text),
  );
  const seed = await seedRankings(
    client,
    plainTexts,
    questions.map(({ text }) => text),
  );
  return {
    entries,
    stats,
    vocabulary: stats.terms,
    authors: new Map(speakers.map((speaker, at) => [speaker, new Set(names[at]!.keys())])),
    questions: questions.map((question, at) => ({
      ...question,
      terms: [...terms[at]!.keys()],
      plainTerms: [...plainTerms[at]!.keys()],
      seedRanking: seed[at]!,
      timeLexemes: timeLexemes(question.text, language),
    })),
    plain: {
      documents,
      stats: statsOf(plainVectors.map((lexemes) => ({ terms: lexemes.keys(), length: lengthOf(lexemes) }))),
    },
  };
};

const lookAlikes = new WeakMap<AnalysedDialogue, Map<string, ReturnType<typeof similarTerms>>>();

/** Look-alikes of the terms in the dialogue that is searched, which need not be the one that the question is about. Remembered: tuning asks often. */
export const similarIn = (dialogue: AnalysedDialogue, terms: readonly string[]): ReturnType<typeof similarTerms> => {
  const known = lookAlikes.get(dialogue) ?? new Map<string, ReturnType<typeof similarTerms>>();
  lookAlikes.set(dialogue, known);
  const key = terms.join(' ');
  const { vocabulary, stats } = dialogue;
  const similar = known.get(key) ?? similarTerms(terms, vocabulary, (term) => stats.frequency(term) > 0);
  known.set(key, similar);
  return similar;
};

/** The question as if it were about the speakers of another dialogue, so that their names cannot give away that it is not. */
export const withSpeakersOf = (
  question: AnalysedQuestion,
  own: AnalysedDialogue,
  other: AnalysedDialogue,
): AnalysedQuestion => {
  const names = ({ authors }: AnalysedDialogue) => [...authors.values()].flatMap((lexemes) => [...lexemes]);
  const [from, to] = [names(own), names(other)];
  const swap = (terms: readonly string[]) => [
    ...new Set(terms.map((term) => (from.includes(term) ? to[from.indexOf(term) % to.length]! : term))),
  ];
  return { ...question, terms: swap(question.terms), plainTerms: swap(question.plainTerms) };
};
