import { createHash } from 'node:crypto';
import { diariesSearch, diaryLimits, type OutputOf, type ParsedInputOf } from '@atrium/protocol';
import { AppError, invalid } from '../../platform/errors/app-error.ts';
import { isUuid, newId } from '../../platform/ids/ids.ts';
import type { Call } from '../../platform/operations/call.ts';
import { timePosition, toPage } from '../../platform/paging/keyset.ts';
import type { AccessService } from './access-service.ts';
import { readerOf, requireDiary } from './diaries-access.ts';
import { noEntry } from './diaries-errors.ts';
import type { DiariesParts } from './diaries-parts.ts';
import { diaryPublic, entryPublic, entryVisible, permitted } from './diaries-policy.ts';
import { counterKeyOf, tooMany, waitFor } from './diaries-rates.ts';
import { EmbeddingError } from './embedder.ts';
import { entriesStore, type SeesEntry } from './entries-store.ts';
import { searchText } from './entry-analysis.ts';
import { relationsStore } from './relations-store.ts';
import { diversify } from './search/diversity.ts';
import { type Channel, fuse } from './search/fusion.ts';
import { parseTsvector } from './search/lexemes.ts';
import { parseSearchQuery, type SearchQuery } from './search/query-parser.ts';
import { wordsOf } from './search/snippet.ts';
import { weighEntries } from './search/weights.ts';
import { createSearchCodes } from './search-codes.ts';
import { type Candidate, type LexicalAnswer, searchLexically } from './search-lexical.ts';
import { type FoundEntry, type Reach, searchPagesStore, searchStore } from './search-store.ts';
import { searchByMeaning } from './search-vector.ts';
import { type Hit, hitViewOf, type Marking, tokensOf } from './search-views.ts';
import { vectorsStore } from './vectors-store.ts';

type Input = ParsedInputOf<typeof diariesSearch>;
type Answer = OutputOf<typeof diariesSearch>;
type How = Pick<Answer, 'search_type' | 'meaning' | 'abstained' | 'total'>;

/** What was found, in order, kept as one while its pages are read. */
interface Findings extends How {
  hits: Hit[];
}

/** Short, because most of what a search finds is kept for pages that nobody turns to. */
const packed = ({ hits, ...how }: Findings): string =>
  JSON.stringify([how, hits.map(({ id, score, relevance, found_by }) => [id, score, relevance, found_by])]);
const unpacked = (text: string): Findings => {
  const [how, hits] = JSON.parse(text) as [How, [string, number | null, number | null, Hit['found_by']][]];
  return { ...how, hits: hits.map(([id, score, relevance, found_by]) => ({ id, score, relevance, found_by })) };
};

/** How far relations are followed, and to how many entries at most. */
const relatedReach = { hops: 3, most: 1000 };
const pagesKeptMs = 15 * 60_000;
const diversified = 100;

const badCursor = (): AppError =>
  new AppError('bad_request', 'The cursor is not one of this search, or older than a quarter of an hour.');

/** All that decides what is found; how much of it is shown may differ from page to page. */
const questionOf = ({ cursor: _c, limit: _l, content: _t, token_budget: _b, ...question }: Input): string =>
  createHash('sha256').update(JSON.stringify(question)).digest('base64url');

const cursorOf = (id: string, at: number): string => Buffer.from(JSON.stringify([id, at])).toString('base64url');
const readCursor = (cursor: string): { id: string; at: number } => {
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    throw badCursor();
  }
  const [id, at] = Array.isArray(parsed) && parsed.length === 2 ? (parsed as unknown[]) : [];
  if (typeof id !== 'string' || !isUuid(id) || !Number.isInteger(at) || (at as number) < 0) throw badCursor();
  return { id, at: at as number };
};

const parsed = (query: string): SearchQuery => {
  const result = parseSearchQuery(query);
  if (!result.ok) throw invalid('query', `holds at most ${diaryLimits.query} characters, none of them U+0000`);
  return result.query;
};

const channelOf = (finds: readonly { id: string; score: number }[]): Channel =>
  finds.map(({ id, score }) => ({ id, score }));

/** Whoever asks: what they see, and under what their use of the model is counted. */
interface Asker {
  sees: SeesEntry;
  key: string;
}

/** Finds entries by words, by meaning, or by both. */
export const createSearchService = (
  { database, clock, limiter, rates, embedder = null, codes_bytes = 64 * 2 ** 20 }: DiariesParts,
  access: Pick<AccessService, 'found'>,
) => {
  const db = database.read;
  const codes = createSearchCodes(codes_bytes);

  /** A model costs more than all else of a search. */
  const waitOf = (key: string): Promise<number | null> => waitFor(limiter, 'diaries.meaning', key, rates.meaning);

  /** The query as a vector of the model whose vectors are complete. Null when no model answers. */
  const vectorOf = async (query: string): Promise<{ values: Float32Array; model: string } | null> => {
    if (embedder === null) return null;
    const serving = (await vectorsStore.serving(db)) ?? embedder.model;
    // While entries are embedded anew the former model goes on answering, where it still can.
    for (const model of new Set([serving, embedder.model])) {
      try {
        const [values] = await embedder.embed([query], 'query', model);
        return values === undefined ? null : { values, model };
      } catch (error) {
        if (!(error instanceof EmbeddingError)) throw error;
      }
    }
    return null;
  };

  const channelsOf = async (asker: Asker, input: Input, reach: readonly Reach[], query: SearchQuery, now: Date) => {
    const wantsMeaning = input.mode !== 'lexical';
    const asksModel = wantsMeaning && query.words !== '';
    const wait = asksModel && embedder !== null ? await waitOf(asker.key) : null;
    if (input.mode === 'vector' && wait !== null) throw tooMany(wait);

    const byWords = async () => {
      const answers: LexicalAnswer[] = [];
      if (input.mode === 'vector') return answers;
      for (const part of reach) {
        const asked = { reach: part, sees: asker.sees, filter: input, now };
        const answer = await searchLexically(db, query, input.query ?? '', asked);
        if (!input.abstain || !answer.abstains) answers.push(answer);
      }
      return answers;
    };
    const byMeaning = async () => {
      const near: (Candidate & { score: number })[] = [];
      const vector = asksModel && wait === null ? await vectorOf(query.words) : null;
      if (vector === null) return { vector, near };
      const phrases = query.phrases.map(searchText);
      const excluded = query.excluded.map(searchText);
      for (const part of reach) {
        const asked = { reach: part, sees: asker.sees, filter: input, now, phrases, excluded };
        near.push(...(await searchByMeaning(db, codes, vector, asked)));
      }
      return { vector, near };
    };
    const [lexical, { vector, near }] = await Promise.all([byWords(), byMeaning()]);
    if (input.mode === 'vector' && vector === null)
      throw new AppError('diary_search_unavailable', 'No model is configured, or it did not answer.');
    const meaning: How['meaning'] = !wantsMeaning
      ? 'not_asked'
      : embedder === null
        ? 'not_configured'
        : wait !== null
          ? 'limited'
          : vector === null
            ? 'unavailable'
            : 'used';
    return { lexical, near, meaning };
  };

  const searchTypeOf = (input: Input, meaning: How['meaning']): How['search_type'] =>
    input.mode === 'vector' ? 'vector' : meaning === 'used' ? 'hybrid' : 'lexical';

  /** Holds back what says the same as an answer above it. */
  const spread = async (hits: readonly Hit[], diversity: number): Promise<Hit[]> => {
    const first = hits.slice(0, diversified);
    const vectors = await searchStore.vectorsOf(
      db,
      first.map(({ id }) => id),
    );
    const best = Math.max(...first.map(({ score }) => score ?? 0), Number.EPSILON);
    const entries = first.map(({ id, score }) => ({
      id,
      score: (score ?? 0) / best,
      lexemes: parseTsvector(vectors.get(id) ?? ''),
    }));
    const byId = new Map(first.map((hit) => [hit.id, hit]));
    const order = diversify(entries, first.length, 1 - diversity).map((id) => byId.get(id)!);
    return [...order, ...hits.slice(diversified)];
  };

  const findingsOf = async (asker: Asker, input: Input, reach: readonly Reach[], now: Date): Promise<Findings> => {
    const query = parsed(input.query ?? '');
    const { lexical, near, meaning } = await channelsOf(asker, input, reach, query, now);
    const byWords = lexical.flatMap(({ found }) => found).sort((x, y) => y.score - x.score || (x.id < y.id ? -1 : 1));
    const byMeaning = near.sort((x, y) => y.score - x.score || (x.id < y.id ? -1 : 1));
    const known = new Map<string, Candidate>([...byMeaning, ...byWords].map((find) => [find.id, find]));
    const words = new Map(byWords.map((find) => [find.id, find]));
    const meant = new Set(byMeaning.map(({ id }) => id));
    const fused = fuse(channelOf(byWords), channelOf(byMeaning));
    const relevance = new Map(fused.map((one) => [one.id, one.relevance]));
    const hops =
      input.near_entry_id === undefined || input.w_relation === 0
        ? null
        : await relationsStore.hops(db, asker.sees, input.near_entry_id, relatedReach);
    const weighed = weighEntries(
      fused.map((one) => ({ ...one, ...known.get(one.id)!, hops: hops?.get(one.id) ?? null })),
      now,
      {
        ...{ relevance: input.w_relevance, recency: input.w_recency, importance: input.w_importance },
        relation: input.w_relation,
      },
    );
    const hits = weighed.slice(0, diaryLimits.found).map(({ id, score }): Hit => {
      const found = words.get(id);
      const ways: Hit['found_by'] = found === undefined ? [] : [found.holdsWords ? 'words' : 'neighbours'];
      if (meant.has(id)) ways.push('meaning');
      return { id, score, relevance: relevance.get(id)!, found_by: ways };
    });
    return {
      hits: input.diversity > 0 ? await spread(hits, input.diversity) : hits,
      total: Math.min(weighed.length, diaryLimits.found),
      search_type: searchTypeOf(input, meaning),
      meaning,
      abstained: hits.length === 0,
    };
  };

  /** Which words of the entries stand for which of the query. */
  const markingFor = async (entries: readonly FoundEntry[], query: string | undefined): Promise<Marking> => {
    const asked = query === undefined || query === '' ? null : parsed(query);
    if (asked === null) return () => null;
    const marks = new Map<string, ReadonlyMap<string, string>>();
    for (const language of new Set(entries.map((entry) => entry.language))) {
      const [terms = []] = await searchStore.lexemesOf(db, language, [searchText(asked.words)]);
      const starts = new Set(terms.map((term) => term.slice(0, 2)));
      const words = new Map<string, string>();
      for (const entry of entries)
        if (entry.language === language)
          for (const word of wordsOf(entry.content)) {
            const folded = searchText(word);
            // Stemmers change ends of words; looking up every word of long entries would cost more than it tells.
            if (starts.has(folded.trimStart().slice(0, 2))) words.set(word, folded);
          }
      const lexemes = await searchStore.lexemesOf(db, language, [...words.values()]);
      const found = [...words.keys()].flatMap((word, at): [string, string][] => {
        const term = lexemes[at]?.find((lexeme) => terms.includes(lexeme));
        return term === undefined ? [] : [[word, term]];
      });
      marks.set(language, new Map(found));
    }
    return (entry) => marks.get(entry.language) ?? null;
  };

  /** Views of hits until the page or the budget is full; how many hits were used up. */
  const shown = async (call: Call, input: Input, hits: readonly Hit[], now: Date) => {
    const sees = entryVisible(call.caller, now);
    const rows = await searchStore.found(
      db,
      sees,
      hits.map(({ id }) => id),
      input,
      now,
    );
    const entries = new Map(rows.map((row) => [row.id, row]));
    const marking = await markingFor(rows, input.query);
    const mode = input.content ?? (call.door === 'mcp' ? 'snippet' : 'full');
    const items: Answer['items'] = [];
    let tokens = 0;
    for (const [at, hit] of hits.entries()) {
      const entry = entries.get(hit.id);
      // Deleted, corrected or out of the caller's sight since it was found.
      if (entry === undefined) continue;
      const item = hitViewOf(call, entry, hit, mode, marking(entry));
      tokens += tokensOf(item);
      if (input.token_budget !== undefined && tokens > input.token_budget && items.length > 0)
        return { items, used: at };
      items.push(item);
    }
    return { items, used: hits.length };
  };

  const reachOf = async (call: Call, input: Input, now: Date) => {
    if (input.diary_ref === undefined) {
      const { readable } = readerOf(call.caller, now, input.scope);
      return { readable, diary_id: null };
    }
    const diary = await requireDiary(db, call.caller, input.diary_ref, 'read', now);
    return { readable: permitted(call.caller, 'read', now), diary_id: diary.id };
  };

  const listed = async (call: Call, input: Input, now: Date): Promise<Answer> => {
    if (input.mode === 'vector') throw invalid('query', 'is needed to search by meaning');
    const { readable, diary_id } = await reachOf(call, input, now);
    const reader = { readable, sees: entryVisible(call.caller, now) };
    const after = timePosition(input.cursor);
    const rows = await searchStore.newest(db, reader, diary_id, input, { now, limit: input.limit + 1, after });
    const page = rows.slice(0, input.limit);
    const hits = page.map(({ id }): Hit => ({ id, score: null, relevance: null, found_by: [] }));
    const { items, used } = await shown(call, input, hits, now);
    const cut = toPage(
      rows,
      Math.min(used, input.limit),
      (row) => ({ value: row.created_at, id: row.id }),
      () => null,
    );
    const total = await searchStore.countUpTo(db, reader, diary_id, input, now, diaryLimits.found);
    return {
      items,
      next_cursor: cut.next_cursor,
      total,
      search_type: 'list',
      meaning: 'not_asked',
      abstained: false,
    };
  };

  const kept = async (call: Call, input: Input, cursor: string, now: Date) => {
    const { id, at } = readCursor(cursor);
    const by = {
      principal_id: call.caller.id,
      org_id: call.caller.org_id,
      since: new Date(now.getTime() - pagesKeptMs),
    };
    const page = await searchPagesStore.find(db, id, by);
    if (page === null || page.question !== questionOf(input)) throw badCursor();
    return { id, at, findings: unpacked(page.answer) };
  };

  const begun = async (call: Call, input: Input, now: Date) => {
    const { readable, diary_id } = await reachOf(call, input, now);
    const reach = await searchStore.reach(db, readable, diary_id);
    const asker = { sees: entryVisible(call.caller, now), key: counterKeyOf(call) };
    if (
      input.near_entry_id !== undefined &&
      (await entriesStore.findSeen(db, asker.sees, input.near_entry_id)) === null
    )
      throw noEntry();
    return { id: newId(), at: 0, findings: await findingsOf(asker, input, reach, now) };
  };

  return {
    search: async (call: Call, input: Input): Promise<Answer> => {
      const now = clock.now();
      if (input.query === undefined || input.query === '') return listed(call, input, now);
      const isFirst = input.cursor === undefined;
      const { id, at, findings } =
        input.cursor === undefined ? await begun(call, input, now) : await kept(call, input, input.cursor, now);
      const { hits, ...how } = findings;
      const { items, used } = await shown(call, input, hits.slice(at, at + input.limit), now);
      access.found(items.map((item) => item.id));
      const next = at + used;
      const goesOn = next < hits.length;
      if (isFirst && goesOn)
        await searchPagesStore.keep(db, {
          id,
          principal_id: call.caller.id,
          org_id: call.caller.org_id,
          question: questionOf(input),
          answer: packed(findings),
          at: now,
        });
      return { ...how, items, next_cursor: goesOn ? cursorOf(id, next) : null };
    },

    /** What strangers may find, best first: the same engine, over what everybody reads. */
    searchPublic: async (call: Call, asked: { query: string; tag?: string | undefined; limit: number }) => {
      const now = clock.now();
      const { query, tag, limit } = asked;
      const input = diariesSearch.input.parse({ query, limit, ...(tag === undefined ? {} : { tags: [tag] }) });
      const asker = { sees: entryPublic(now), key: counterKeyOf(call) };
      const { hits, ...how } = await findingsOf(asker, input, await searchStore.reach(db, diaryPublic, null), now);
      // Neighbours in the feed are of authors who know nothing of each other; a diary's own tell what it is about.
      const fitting = hits.filter(
        ({ found_by }) => found_by.length === 0 || found_by.some((way) => way !== 'neighbours'),
      );
      return { ...how, ids: fitting.slice(0, limit).map(({ id }) => id) };
    },

    sweep: (): Promise<void> => searchPagesStore.forget(db, new Date(clock.now().getTime() - pagesKeptMs)),
  };
};

export type SearchService = ReturnType<typeof createSearchService>;
