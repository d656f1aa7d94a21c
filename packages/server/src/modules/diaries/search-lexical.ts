import type { Kysely } from 'kysely';
import type { Schema } from '../../platform/db/schema.gen.ts';
import { searchText } from './entry-analysis.ts';
import { type Candidates, findCandidates, type RoughCandidate } from './search/candidates.ts';
import { abstains } from './search/cut-off.ts';
import { anyOf, essentialForms, type Form, formsOf } from './search/forms.ts';
import { parseTsvector } from './search/lexemes.ts';
import { entriesAround, type ListedEntry, type PostingLists, type Postings, readPostings } from './search/postings.ts';
import type { SearchQuery } from './search/query-parser.ts';
import {
  contextReach,
  type Ranked,
  type RankingQuery,
  rankEntries,
  rankedTerms,
  rankingParameters,
  type SearchEntry,
  type TermStats,
} from './search/ranking.ts';
import { sharedStart, similarTerms, trigrams } from './search/similar-terms.ts';
import { timeLexemes } from './search/time-words.ts';
import {
  type CandidateQuery,
  type CloseRow,
  type ListRow,
  type Place,
  type Reach,
  searchStore,
  type WantedEntry,
} from './search-store.ts';

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
}

/** Postings that are read; of words beyond only the finalists tell. */
const postingsBudget = 30_000;
const mistypedShown = 50;
/** Candidates that are ranked as closely as can be, and how many at most of those that hold no word themselves. */
const finalists = 120;
const nearShown = 60;
/** How many answers there are at most, and how many candidates are looked up to find as many. */
const answersShown = 1000;
const lookedUp = [1050, 6000, 24_000];
/** Fewer answers than that, and the words left out to stay in the budget are asked for after all. */
const enough = 200;

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

/** The lists by diary. A word may have two in one: what is set aside comes apart. */
const readLists = (rows: readonly ListRow[]): Map<string, Map<string, Postings>> => {
  const bytes = new Map<string, Map<string, Buffer>>();
  for (const { diary_id, term, postings } of rows) {
    const lists = bytes.get(diary_id) ?? new Map<string, Buffer>();
    const known = lists.get(term);
    lists.set(term, known === undefined ? postings : Buffer.concat([known, postings]));
    bytes.set(diary_id, lists);
  }
  const read = (lists: Map<string, Buffer>) => new Map([...lists].map(([term, list]) => [term, readPostings(list)]));
  return new Map([...bytes].map(([diary_id, lists]) => [diary_id, read(lists)]));
};

interface Answerable extends RoughCandidate {
  entry: WantedEntry;
}

/** The best that rights and filters leave, in order. */
const answerable = async (db: Db, query: CandidateQuery, candidates: Candidates): Promise<Answerable[]> => {
  const found: Answerable[] = [];
  for (const [round, count] of lookedUp.entries()) {
    const taken = candidates.take(count);
    const places = round === 0 ? [...candidates.near, ...taken].sort((x, y) => y.score - x.score) : taken;
    if (places.length === 0) break;
    for (const entry of await searchStore.wanted(db, query, places)) found.push({ ...places[entry.at]!, entry });
    if (found.length >= answersShown || taken.length < count) break;
  }
  return found.slice(0, answersShown);
};

const keyOf = ({ diary_id, position }: Place): string => `${diary_id} ${position}`;
const placeOf = (key: string): Place => {
  const [diary_id, position] = key.split(' ');
  return { diary_id: diary_id!, position: Number(position) };
};

/** The finalists with all beside them that holds one of the words. */
const listedAround = (lists: ReadonlyMap<string, PostingLists>, places: readonly Place[]): Map<string, ListedEntry> => {
  const listed = new Map<string, ListedEntry>();
  for (const [diary_id, own] of lists) {
    const positions = places.filter((place) => place.diary_id === diary_id).map(({ position }) => position);
    for (const [position, entry] of entriesAround(own, positions, contextReach))
      listed.set(keyOf({ diary_id, position }), entry);
  }
  return listed;
};

/** Entries that may lend each other words, together. */
const runsOf = (
  rows: readonly CloseRow[],
  listed: ReadonlyMap<string, ListedEntry>,
  wants: (term: string) => boolean,
): SearchEntry[][] => {
  const runs: SearchEntry[][] = [];
  let last: CloseRow | null = null;
  for (const row of rows) {
    if (last?.diary_id !== row.diary_id || row.position - last.position > contextReach) runs.push([]);
    const entry = listed.get(keyOf(row));
    const more = row.lexemes === null ? [] : parseTsvector(row.lexemes, wants);
    runs.at(-1)!.push({
      id: row.id,
      position: row.position,
      author: row.author,
      asks: row.asks,
      length: entry?.length ?? 0,
      lexemes: new Map([...(entry?.lexemes ?? []), ...more]),
    });
    last = row;
  }
  return runs;
};

const findOf = ({ id, importance, since }: WantedEntry, score: number, holdsWords: boolean): LexicalFind => ({
  id,
  importance,
  since,
  score,
  holdsWords,
});

/** Those that were ranked, then the rest, whose rough scores only order them. */
const inOrder = (ranked: readonly Ranked[], answers: readonly Answerable[]): LexicalFind[] => {
  const byId = new Map(answers.slice(0, finalists).map((answer) => [answer.entry.id, answer]));
  const found = ranked.map(({ id, score }) => {
    const { entry, holds } = byId.get(id)!;
    return findOf(entry, score, holds);
  });
  const rest = answers.slice(finalists).filter(({ holds }) => holds);
  const last = found.at(-1)?.score ?? 1;
  const best = rest[0]?.score ?? 1;
  return [...found, ...rest.map(({ entry, score }) => findOf(entry, (last * score) / best, true))];
};

const nothing: LexicalAnswer = { found: [], abstains: true };

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

  const narrowed: CandidateQuery = {
    ...query,
    phrases: asked.phrases.map(searchText),
    excluded: asked.excluded.map(searchText),
  };
  const look = async (chosen: readonly Form[]) => {
    const words = [...new Set(chosen.flatMap((form) => form.words))];
    const lists = readLists(await searchStore.postings(db, narrowed, words, anyOf(words)));
    const weighed = rankedTerms({ terms, similar }, stats, rankingParameters);
    const candidates = findCandidates(lists, weighed, stats, rankingParameters, nearShown);
    return { lists, answers: await answerable(db, narrowed, candidates) };
  };
  const essential = essentialForms(forms, postingsBudget, answersShown);
  let { lists, answers } = await look(essential);
  let isWhole = essential.length === forms.length;
  if (!isWhole && answers.length < enough) {
    ({ lists, answers } = await look(forms));
    isWhole = true;
  }

  const tellsTime = timeLexemes(text, reach.language);
  const first = answers.slice(0, finalists);
  const listed = listedAround(lists, first);
  const own = new Set(first.map(keyOf));
  const beside = [...listed.keys()].filter((key) => !own.has(key)).map(placeOf);
  const rows = await searchStore.close(
    db,
    narrowed,
    [...first, ...beside],
    isWhole && tellsTime === null ? 0 : first.length,
  );
  const names = rows.map(({ author_name }) => author_name);
  await learnAuthors(db, reach.language, names);
  const ranking: RankingQuery = {
    terms,
    similar,
    authors: new Map(
      rows.map(({ author, author_name }) => [
        author,
        authorLexemes.get(`${reach.language} ${author_name}`) ?? new Set(),
      ]),
    ),
    timeLexemes: tellsTime,
  };
  const wanted = new Set([...terms, ...[...similar.values()].flatMap((alike) => [...alike.keys()])]);
  const runs = runsOf(rows, listed, (term) => wanted.has(term) || tellsTime?.(term) === true);
  const ranked = rankEntries(runs, ranking, stats);
  const ids = new Set(first.map(({ entry }) => entry.id));
  const entries = ranked.entries.filter(({ id }) => ids.has(id));
  const found = inOrder(entries, answers);
  return {
    found,
    // Whoever quotes words says that nothing else will do.
    abstains: found.length === 0 || (asked.phrases.length === 0 && abstains({ ...ranked, entries })),
  };
};
