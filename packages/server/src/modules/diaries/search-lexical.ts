import type { Kysely } from 'kysely';
import type { Schema } from '../../platform/db/schema.gen.ts';
import { searchText } from './entry-analysis.ts';
import { abstains } from './search/cut-off.ts';
import { anyOf, essentialForms, formsOf } from './search/forms.ts';
import { parseTsvector } from './search/lexemes.ts';
import type { SearchQuery } from './search/query-parser.ts';
import {
  inverseFrequency,
  type RankingQuery,
  rankEntries,
  type SearchEntry,
  type TermStats,
} from './search/ranking.ts';
import { sharedStart, similarTerms, trigrams } from './search/similar-terms.ts';
import { timeLexemes } from './search/time-words.ts';
import { type CandidateQuery, type CandidateRow, type Reach, searchStore } from './search-store.ts';

type Db = Kysely<Schema>;

/** What a search needs to know of an entry to order it. */
export interface Candidate {
  id: string;
  importance: number;
  since: Date;
}

export interface LexicalFind extends Candidate {
  score: number;
  /** False when only entries beside it hold the words. */
  holdsWords: boolean;
}

export interface LexicalAnswer {
  found: LexicalFind[];
  /** Nothing found is a good answer. */
  abstains: boolean;
  /** For snippets: the terms of the query, the forms they took, and how rare they are. */
  termOf: ReadonlyMap<string, string>;
  weightOf: (term: string) => number;
}

/** Entries that the rarest words may bring, twice that many are looked at for the words that come with them. */
const candidateBudget = 4000;
/** Fewer than that, and the words left out to stay in the budget are asked for after all. */
const enough = 200;
const mistypedShown = 50;
const restShown = 1000;
/** Entries further apart than what was fetched around each do not help each other. */
const runGap = 4;

/** Lexemes of the names of authors; there are few of them and they are asked for again and again. */
const authorLexemes = new Map<string, ReadonlySet<string>>();
const authorsRemembered = 5000;

const learnAuthors = async (db: Db, language: string, names: readonly string[]): Promise<void> => {
  const unknown = [...new Set(names)].filter((name) => !authorLexemes.has(`${language} ${name}`));
  if (unknown.length === 0) return;
  const lexemes = await searchStore.lexemesOf(db, language, unknown.map(searchText));
  if (authorLexemes.size + unknown.length > authorsRemembered) authorLexemes.clear();
  for (const [at, name] of unknown.entries()) authorLexemes.set(`${language} ${name}`, new Set(lexemes[at]));
};

/** Words of quarantined entries are not counted; who asks for these asks for words that seem to stand nowhere. */
const statsOf = (
  { entries, words }: Reach,
  frequencies: ReadonlyMap<string, number>,
  uncounted: ReadonlySet<string>,
): TermStats => ({
  entries: Math.max(entries, 1),
  averageLength: entries === 0 || words === 0 ? 1 : words / entries,
  frequency: (term) => frequencies.get(term) ?? (uncounted.has(term) ? 1 : 0),
});

const runsOf = (rows: readonly CandidateRow[], wants: (term: string) => boolean): SearchEntry[][] => {
  const runs: SearchEntry[][] = [];
  let last: CandidateRow | null = null;
  for (const row of rows) {
    const continues = last?.diary_id === row.diary_id && Number(row.position) - Number(last.position) < runGap;
    if (!continues) runs.push([]);
    runs.at(-1)!.push({
      id: row.id,
      position: Number(row.position),
      author: row.author,
      asks: row.asks,
      length: row.words,
      lexemes: parseTsvector(row.lexemes ?? '', wants),
    });
    last = row;
  }
  return runs;
};

/** Those that were looked at closely, then the rest, whose rough scores only order them. */
const inOrder = (
  ranked: readonly { id: string; score: number }[],
  rows: ReadonlyMap<string, CandidateRow>,
  rest: readonly CandidateRow[],
  holds: (id: string) => boolean,
): LexicalFind[] => {
  const found: LexicalFind[] = [];
  const add = (row: CandidateRow, score: number, holdsWords: boolean) =>
    found.push({ id: row.id, importance: row.importance, since: row.valid_from ?? row.created_at, score, holdsWords });
  for (const { id, score } of ranked) {
    const row = rows.get(id)!;
    add(row, score, holds(id));
  }
  const last = found.at(-1)?.score ?? 1;
  const best = rest[0]?.rough ?? 1;
  for (const row of rest) add(row, best > 0 ? (last * row.rough) / best : last, true);
  return found;
};

const nothing: LexicalAnswer = { found: [], abstains: true, termOf: new Map(), weightOf: () => 1 };

/** The search by words in diaries of one language. */
export const searchLexically = async (
  db: Db,
  asked: SearchQuery,
  text: string,
  query: Omit<CandidateQuery, 'phrases' | 'excluded'>,
): Promise<LexicalAnswer> => {
  const { reach } = query;
  const analysis = await searchStore.analyse(db, reach, searchText(asked.words), sharedStart);
  const frequencies = new Map(analysis.near);
  const { terms } = analysis;
  const unknown = terms.filter((term) => !frequencies.has(term) && term.length > sharedStart);
  if (unknown.length > 0) {
    const grams = unknown.map((term) => [...trigrams(term)]);
    for (const [term, frequency] of await searchStore.mistyped(db, reach.diary_ids, grams, mistypedShown))
      frequencies.set(term, frequency);
  }
  const uncounted = new Set(query.filter.status.includes('quarantined') ? terms : []);
  const stats = statsOf(reach, frequencies, uncounted);
  const similar = similarTerms(terms, frequencies.keys(), (term) => stats.frequency(term) > 0);
  const forms = formsOf(terms, similar, stats);
  if (forms.length === 0) return nothing;

  const parts = {
    phrases: asked.phrases.map(searchText),
    excluded: asked.excluded.map(searchText),
  };
  const limits = { hits: 2 * candidateBudget, rest: restShown };
  const find = (words: string) =>
    searchStore.candidates(db, { ...query, ...parts }, forms, words, stats.averageLength, limits);
  const essential = essentialForms(forms, candidateBudget);
  let rows = await find(anyOf(essential));
  if (essential.length < forms.length && (rows.find((row) => row.lexemes !== null)?.hits ?? 0) < enough)
    rows = await find(anyOf(forms));
  const close = rows.filter((row) => row.lexemes !== null);

  await learnAuthors(
    db,
    reach.language,
    close.map((row) => row.author_name),
  );
  const ranking: RankingQuery = {
    terms,
    similar,
    authors: new Map(
      close.map((row) => [row.author, authorLexemes.get(`${reach.language} ${row.author_name}`) ?? new Set()]),
    ),
    timeLexemes: timeLexemes(text, reach.language),
  };
  const wanted = new Set([...terms, ...[...similar.values()].flatMap((alike) => [...alike.keys()])]);
  const wants = (term: string) => wanted.has(term) || ranking.timeLexemes?.(term) === true;
  const runs = runsOf(close, wants);
  const ranked = rankEntries(runs, ranking, stats);
  const holding = new Set(
    runs.flat().flatMap(({ id, lexemes }) => ([...lexemes.keys()].some((term) => wanted.has(term)) ? [id] : [])),
  );
  const byId = new Map(close.map((row) => [row.id, row]));
  const answers = ranked.entries.filter(({ id }) => byId.get(id)!.wanted);
  const found = inOrder(
    answers,
    byId,
    rows.filter((row) => row.lexemes === null),
    (id) => holding.has(id),
  );
  const termOf = new Map<string, string>();
  for (const [term, alike] of similar) for (const form of alike.keys()) termOf.set(form, term);
  for (const term of terms) termOf.set(term, term);
  return {
    found,
    // Whoever quotes words says that nothing else will do.
    abstains: found.length === 0 || (asked.phrases.length === 0 && abstains({ ...ranked, entries: answers })),
    termOf,
    weightOf: (term) => inverseFrequency(stats.entries, stats.frequency(term)),
  };
};
