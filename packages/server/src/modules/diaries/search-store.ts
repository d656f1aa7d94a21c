import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { Schema } from '../../platform/db/schema.gen.ts';
import type { DiaryRow, EntryAnalysis, EntryRow } from './diaries-rows.ts';
import { type EntryQuery, indexed, matches, type SeesEntry } from './entries-store.ts';

type Db = Kysely<Schema>;
type On = (alias: string) => RawBuilder<boolean>;

/** Where a search looks: diaries of one language. */
export interface Reach {
  language: string;
  diary_ids: string[];
  entries: number;
  words: number;
  /** Of each of the diaries, in their order. */
  codes: { version: number; last_position: number; entries: number }[];
}

/** What the words of a query are in this language, and what is known of them in reach. */
export interface QueryAnalysis {
  terms: string[];
  /** Words that stand somewhere in reach and begin as a term does, and in how many entries. */
  near: [term: string, frequency: number][];
}

/** Where a word stands in a diary, laid out as migration 005 tells. */
export interface ListRow {
  diary_id: string;
  term: string;
  postings: Buffer;
}

/** An entry by its place. */
export interface Place {
  diary_id: string;
  position: number;
}

/** An answer as far as filters and rights go. */
export interface WantedEntry {
  /** Which of the places it stands at. */
  at: number;
  id: string;
  importance: number;
  since: Date;
}

/** What ranking asks of an entry beside its words. */
export interface CloseRow {
  id: string;
  diary_id: string;
  position: number;
  author: string;
  author_name: string;
  asks: boolean;
  /** All of its words; null unless they were asked for. */
  lexemes: string | null;
}

export interface NearEntry extends Omit<WantedEntry, 'at'> {
  vector: Float32Array;
}

/** Codes one after another, and where each stands: which of the diaries in reach, and its position there. */
export interface NearestRows {
  places: { set: number; position: number }[];
  codes: Uint8Array;
}

/** What there is of the nearest, as far as it may be an answer. */
export interface NearAnswer {
  /** How many these are, also those whose vectors are being computed anew. */
  seen: number;
  entries: NearEntry[];
}

export interface FoundEntry extends EntryRow {
  diary_name: string;
  language: string;
}

export interface SearchPage {
  question: string;
  answer: string;
}

/** Of a word that stands nearly everywhere the newest parts are read, 256 postings each. */
const partsRead = 400;

const ids = (list: readonly string[]) => sql`${[...list]}::uuid[]`;
const regconfig = (language: string) => sql`${language}::text::regconfig`;

/** All phrases stand in entry `e`, and none of the excluded words. What consists of stop words alone is compared as it is written. */
const says = (language: string, phrases: readonly string[], excluded: readonly string[]): RawBuilder<unknown> => {
  const holds = (phrase: string) => sql`(case when numnode(phraseto_tsquery(${regconfig(language)}, ${phrase})) = 0
    then strpos(lower(concat_ws(' ', e.title, e.content)), ${phrase}) > 0
    else e.tsv @@ phraseto_tsquery(${regconfig(language)}, ${phrase}) end)`;
  return sql.join(
    [sql`true`, ...phrases.map(holds), ...excluded.map((phrase) => sql`not ${holds(phrase)}`)],
    sql` and `,
  );
};

export interface CandidateQuery {
  reach: Reach;
  sees: SeesEntry;
  filter: EntryQuery;
  now: Date;
  phrases: readonly string[];
  excluded: readonly string[];
}

/** Filters that are about the moment decide whether an entry is in sight at all, the others only whether it is an answer. */
const inSight = ({ filter, now }: CandidateQuery): RawBuilder<unknown> =>
  matches(
    {
      status: filter.status,
      include_superseded: filter.include_superseded,
      include_expired: filter.include_expired,
      exclude_suspicious: filter.exclude_suspicious,
      as_of: filter.as_of,
    },
    now,
  );

/**
 * Places as rows `p`, counted from 1, with their entries `e` and diaries `d`. Each entry is looked up by itself: planned as a
 * join, thousands of places were compared with every entry of a diary that PostgreSQL had no statistics of yet.
 */
const entriesAt = (places: readonly Place[]): RawBuilder<unknown> => {
  const diaries = [...new Set(places.map(({ diary_id }) => diary_id))];
  const numbers = new Map(diaries.map((diary, n) => [diary, n + 1]));
  return sql`(select w.at, w.position, (${ids(diaries)})[w.diary] as diary_id
      from unnest(${places.map(({ position }) => position)}::bigint[], ${places.map((place) => numbers.get(place.diary_id)!)}::int[])
        with ordinality w (position, diary, at)) p
    cross join lateral (
      select o.* from diary_entries o where o.diary_id = p.diary_id and o.position = p.position offset 0) e
    join diary_diaries d on d.id = e.diary_id`;
};

const epochOfPostgres = Date.UTC(2000, 0, 1);
const wantedBytes = 30;

const wantedOf = (place: string, id: string, importance: string, since: string): RawBuilder<unknown> =>
  sql.raw(`int4send(${place}::int) || uuid_send(${id}) || int2send(${importance}) || timestamptz_send(${since})`);

/** A thousand entries as rows would take ten times as long to read. */
const readWanted = (bytes: Buffer): WantedEntry[] => {
  const entries: WantedEntry[] = [];
  for (let from = 0; from < bytes.length; from += wantedBytes) {
    const id = bytes.toString('hex', from + 4, from + 20);
    entries.push({
      at: bytes.readInt32BE(from) - 1,
      id: `${id.slice(0, 8)}-${id.slice(8, 12)}-${id.slice(12, 16)}-${id.slice(16, 20)}-${id.slice(20)}`,
      importance: bytes.readInt16BE(from + 20),
      since: new Date(epochOfPostgres + Number(bytes.readBigInt64BE(from + 22)) / 1000),
    });
  }
  return entries;
};

export const searchStore = {
  /** The readable diaries that are looked at, by language. */
  reach: async (db: Db, readable: On, diary_id: string | null): Promise<Reach[]> =>
    (
      await sql<Reach>`select d.language, array_agg(d.id order by d.id) as diary_ids,
          coalesce(sum(t.entries), 0)::int as entries, coalesce(sum(t.words), 0)::float8 as words,
          json_agg(json_build_object('version', coalesce(c.version, 0), 'last_position', coalesce(t.last_position, 0),
            'entries', coalesce(t.entries, 0)) order by d.id) as codes
        from diary_diaries d left join diary_search_totals t on t.diary_id = d.id
          left join diary_vector_counts c on c.diary_id = d.id
        where ${readable('d')} and ${diary_id === null ? sql`true` : sql`d.id = ${diary_id}::uuid`}
        group by d.language order by d.language`.execute(db)
    ).rows,

  analyse: async (db: Db, { language, diary_ids }: Reach, text: string, sharedStart: number): Promise<QueryAnalysis> =>
    (
      await sql<QueryAnalysis>`with query as materialized (
          select coalesce(array_agg(lexeme), '{}') as terms from unnest(to_tsvector(${regconfig(language)}, ${text})) t
        ), near as (
          select s.diary_id, s.term, s.frequency from query, unnest(query.terms) q (term)
            join diary_term_stats s on s.diary_id = any(${ids(diary_ids)}) and s.term = q.term
          union
          select s.diary_id, s.term, s.frequency from query, unnest(query.terms) q (term)
            -- Kept from being planned as a join, which would read every word of the diaries.
            cross join lateral (select s.diary_id, s.term, s.frequency from diary_term_stats s
              where s.diary_id = any(${ids(diary_ids)}) and s.term >= left(q.term, ${sharedStart}::int)
                and s.term < left(q.term, ${sharedStart}::int) || U&'\\+10FFFF'
                and length(s.term) > ${sharedStart}::int and length(s.term) <= 3 * length(q.term) offset 0) s
            where length(q.term) > ${sharedStart}::int
        ), summed as (select term, sum(frequency)::int as frequency from near group by term)
        select (select terms from query) as terms,
          coalesce((select json_agg(json_build_array(term, frequency)) from summed), '[]') as near`.execute(db)
    ).rows[0]!,

  /** Words in reach that share half of their pieces with one that stands nowhere, the likest first. */
  mistyped: async (
    db: Db,
    diary_ids: readonly string[],
    grams: readonly (readonly string[])[],
    limit: number,
  ): Promise<[term: string, frequency: number][]> =>
    (
      await sql<{ term: string; frequency: number }>`select c.term, sum(s.frequency)::int as frequency
        from (
          select a.term, max(a.alike) as alike from (
            select g.term, 2.0 * count(*) / (g.pieces + cardinality(w.grams)) as alike
            from (select n, string_to_array(v, ' ') as grams
                from unnest(${grams.map((each) => each.join(' '))}::text[]) with ordinality t (v, n)) w
              cross join unnest(w.grams) p (gram) join diary_term_grams g on g.gram = p.gram
            group by w.n, w.grams, g.term, g.pieces having 4 * count(*) >= g.pieces + cardinality(w.grams)
          ) a group by a.term
        ) c
        join diary_term_stats s on s.diary_id = any(${ids(diary_ids)}) and s.term = c.term
        group by c.term, c.alike order by c.alike desc, c.term limit ${limit}`.execute(db)
    ).rows.map(({ term, frequency }) => [term, frequency]),

  /**
   * Where the words stand; `anyWord` is all of them as a tsquery. What is set aside or hidden is in no list of the diary; callers who may see it get it from the
   * entries themselves.
   */
  postings: async (
    db: Db,
    { reach, sees }: CandidateQuery,
    words: readonly string[],
    anyWord: string,
  ): Promise<ListRow[]> =>
    (
      await sql<{
        diary_id: string;
        term: string;
        postings: string;
      }>`select diary_id, term, encode(postings, 'base64') as postings
        from (
          select s.diary_id, s.term, coalesce((select string_agg(p.postings, '' order by p.part) from diary_postings p
            where p.diary_id = s.diary_id and p.term = s.term and p.part > s.moved / 4 - ${partsRead}::int), '') || s.recent as postings
          from diary_term_stats s where s.diary_id = any(${ids(reach.diary_ids)}) and s.term = any(${[...words]}::text[])
          union all
          select e.diary_id, l.term, string_agg(l.posting, '' order by e.position)
          from diary_entries e join diary_diaries d on d.id = e.diary_id, diary_postings_of(e.tsv, e.position, e.asks, e.words) l
          where e.deleted_at is null and (e.status = 'quarantined' or e.hidden_at is not null)
            and e.tsv @@ ${anyWord}::tsquery and array[e.diary_id] && ${ids(reach.diary_ids)}
            and ${sees('e', 'd')} and l.term = any(${[...words]}::text[])
          group by e.diary_id, l.term
        ) lists`.execute(db)
    ).rows.map((row) => ({ ...row, postings: Buffer.from(row.postings, 'base64') })),

  /** Those at the places that the caller may see and the filter takes. */
  wanted: async (db: Db, query: CandidateQuery, places: readonly Place[]): Promise<WantedEntry[]> => {
    const { reach, sees, filter, now } = query;
    const { rows } = await sql<{
      entries: string | null;
    }>`select encode(string_agg(
          ${wantedOf('p.at', 'e.id', 'e.importance', 'coalesce(e.valid_from, e.created_at)')}, ''), 'base64') as entries
        from ${entriesAt(places)}
        where ${sees('e', 'd')} and ${matches(filter, now)} and ${says(reach.language, query.phrases, query.excluded)}`.execute(
      db,
    );
    return readWanted(Buffer.from(rows[0]!.entries ?? '', 'base64')).sort((x, y) => x.at - y.at);
  },

  /** What stands at the places, in order, as far as it is in sight; all words of the first `whole` of them. */
  close: async (db: Db, query: CandidateQuery, places: readonly Place[], whole: number): Promise<CloseRow[]> =>
    (
      await sql<CloseRow>`select e.id, e.diary_id, e.position, coalesce(e.author_id::text, e.author_name) as author,
          e.author_name, e.asks, case when p.at <= ${whole}::int then e.tsv::text end as lexemes
        from ${entriesAt(places)}
        where e.tsv is not null and ${query.sees('e', 'd')} and ${inSight(query)}
        order by e.diary_id, e.position`.execute(db)
    ).rows.map((row) => ({ ...row, position: Number(row.position) })),

  /**
   * The first of those at the places that the caller may see and the filter takes, with their vectors. One that waits to be
   * embedded anew has none.
   */
  near: async (
    db: Db,
    query: CandidateQuery,
    places: readonly Place[],
    model: string,
    limit: number,
  ): Promise<NearAnswer> => {
    const { reach, sees, filter, now } = query;
    const { rows } = await sql<{
      seen: number;
      entries: string | null;
      vectors: string | null;
    }>`with seen as materialized (
        select p.at, e.id, e.importance, coalesce(e.valid_from, e.created_at) as since
        from ${entriesAt(places)}
        where ${sees('e', 'd')} and ${matches(filter, now)} and ${says(reach.language, query.phrases, query.excluded)}
        order by p.at limit ${limit}
      )
      select (select count(*)::int from seen) as seen,
        encode(string_agg(${wantedOf('s.at', 's.id', 's.importance', 's.since')}, '' order by s.at), 'base64') as entries,
        encode(string_agg(v.embedding, '' order by s.at), 'base64') as vectors
      from seen s cross join lateral (
          select o.embedding from diary_vectors o where o.entry_id = s.id and o.model = ${model} offset 0) v`.execute(
      db,
    );
    const { entries, vectors, seen } = rows[0]!;
    const numbers = new Float32Array(Uint8Array.from(Buffer.from(vectors ?? '', 'base64')).buffer);
    const found = readWanted(Buffer.from(entries ?? '', 'base64'));
    const length = numbers.length / found.length;
    return {
      seen,
      entries: found.map(({ at: _at, ...entry }, n) => ({
        ...entry,
        vector: numbers.subarray(length * n, length * (n + 1)),
      })),
    };
  },

  /**
   * The codes nearest to that of the query, as PostgreSQL compares them. They alone are compared, because they fill few pages;
   * `isWanted` joins their entries first, and takes those only that the caller may see and the filter takes.
   */
  nearest: async (
    db: Db,
    query: CandidateQuery,
    vector: { code: string; model: string },
    isWanted: boolean,
    limit: number,
  ): Promise<NearestRows> => {
    const { reach, sees, filter, now } = query;
    const wanted = sql`join diary_entries e on e.id = c.entry_id join diary_diaries d on d.id = e.diary_id
      where ${sees('e', 'd')} and ${matches(filter, now)} and ${says(reach.language, query.phrases, query.excluded)} and`;
    const { rows } = await sql<{ places: string | null; codes: string | null }>`
      select encode(string_agg(int4send(n.set::int) || int4send(n.position::int), '' order by n.distance, n.set, n.position),
          'base64') as places,
        encode(string_agg(substr(bit_send(n.code), 5), '' order by n.distance, n.set, n.position), 'base64') as codes
      from (
        select w.set, c.position, c.code, bit_count(c.code # ${vector.code}::bit(384)) as distance
        from diary_vector_codes c join unnest(${ids(reach.diary_ids)}) with ordinality w (diary_id, set)
          on w.diary_id = c.diary_id ${isWanted ? wanted : sql`where`} c.model = ${vector.model}
        order by distance, w.set, c.position limit ${limit}
      ) n`.execute(db);
    const { places, codes } = rows[0]!;
    const bytes = Buffer.from(places ?? '', 'base64');
    return {
      places: Array.from({ length: bytes.length / 8 }, (_, n) => ({
        set: bytes.readInt32BE(8 * n) - 1,
        position: bytes.readInt32BE(8 * n + 4),
      })),
      codes: Buffer.from(codes ?? '', 'base64'),
    };
  },

  /** Entries by their ids, as far as they are still in sight of the caller and still current. */
  found: async (
    db: Db,
    sees: SeesEntry,
    entry_ids: readonly string[],
    filter: EntryQuery,
    now: Date,
  ): Promise<FoundEntry[]> =>
    (
      await sql<FoundEntry>`select e.id, e.diary_id, e.org_id, e.title, e.content, e.tags, e.entry_type, e.importance,
          e.injection_risk, e.status, e.confidence, e.valid_from, e.valid_to, e.expires_at, e.superseded_at, e.author_kind,
          e.author_id, e.author_name, e.length, e.embedding_state, e.version, e.created_at, e.updated_at,
          d.name as diary_name, d.language,
          case when e.superseded_by is not null and exists (select 1 from diary_entries s
            join diary_diaries sd on sd.id = s.diary_id where s.id = e.superseded_by and ${sees('s', 'sd')})
            then e.superseded_by end as superseded_by
        from diary_entries e join diary_diaries d on d.id = e.diary_id
        where e.id = any(${ids(entry_ids)}) and ${sees('e', 'd')} and ${matches(filter, now)}`.execute(db)
    ).rows,

  /** Without words: by date. */
  newest: async (
    db: Db,
    { readable, sees }: { readable: On; sees: SeesEntry },
    diary_id: string | null,
    filter: EntryQuery,
    page: { now: Date; limit: number; after: { value: Date; id: string } | null },
  ): Promise<{ id: string; created_at: Date }[]> =>
    (
      await sql<{ id: string; created_at: Date }>`select e.id, e.created_at
        from diary_entries e join diary_diaries d on d.id = e.diary_id
        where ${readable('d')} and ${sees('e', 'd')} and ${matches(filter, page.now)}
          and ${diary_id === null ? sql`true` : sql`e.diary_id = ${diary_id}::uuid`}
          and ${page.after === null ? sql`true` : sql`(e.created_at, e.id) < (${page.after.value}, ${page.after.id}::uuid)`}
        order by e.created_at desc, e.id desc limit ${page.limit}`.execute(db)
    ).rows,

  countUpTo: async (
    db: Db,
    { readable, sees }: { readable: On; sees: SeesEntry },
    diary_id: string | null,
    filter: EntryQuery,
    now: Date,
    most: number,
  ): Promise<number> =>
    (
      await sql<{ count: number }>`select count(*)::int as count from (
          select from diary_entries e join diary_diaries d on d.id = e.diary_id
          where ${readable('d')} and ${sees('e', 'd')} and ${matches(filter, now)}
            and ${diary_id === null ? sql`true` : sql`e.diary_id = ${diary_id}::uuid`} limit ${most}) found`.execute(db)
    ).rows[0]!.count,

  /** For each text the lexemes it consists of. */
  lexemesOf: async (db: Db, language: string, texts: readonly string[]): Promise<string[][]> =>
    (
      await sql<{ lexemes: string[] }>`select tsvector_to_array(to_tsvector(${regconfig(language)}, text)) as lexemes
        from unnest(${[...texts]}::text[]) with ordinality t (text, n) order by n`.execute(db)
    ).rows.map(({ lexemes }) => lexemes),

  /** Whole vectors of words, for comparing entries with each other. */
  vectorsOf: async (db: Db, entry_ids: readonly string[]): Promise<Map<string, string>> =>
    new Map(
      (
        await sql<{ id: string; tsv: string }>`select id, tsv::text as tsv from diary_entries
          where id = any(${ids(entry_ids)}) and tsv is not null`.execute(db)
      ).rows.map(({ id, tsv }) => [id, tsv]),
    ),
};

/** What a search found, kept for a while so that its pages fit together. */
export const searchPagesStore = {
  keep: async (
    db: Db,
    page: SearchPage & { id: string; principal_id: string; org_id: string; at: Date },
  ): Promise<void> => {
    await sql`insert into diary_search_pages (id, principal_id, org_id, question, answer, created_at)
      values (${page.id}, ${page.principal_id}, ${page.org_id}, ${page.question}, ${page.answer}, ${page.at})`.execute(
      db,
    );
  },

  find: async (
    db: Db,
    id: string,
    by: { principal_id: string; org_id: string; since: Date },
  ): Promise<SearchPage | null> =>
    (
      await sql<SearchPage>`select question, answer from diary_search_pages where id = ${id}
        and principal_id = ${by.principal_id} and org_id = ${by.org_id} and created_at > ${by.since}`.execute(db)
    ).rows[0] ?? null,

  forget: async (db: Db, before: Date): Promise<void> => {
    await sql`delete from diary_search_pages where created_at < ${before}`.execute(db);
  },
};

/** Entries whose words are not in the index, or in that of another language. */
export const searchIndexStore = {
  /** Of a whole diary, when its language changes. */
  discard: async (db: Db, diary_id: string): Promise<void> => {
    await sql`update diary_entries set tsv_language = null where diary_id = ${diary_id} and deleted_at is null`.execute(
      db,
    );
  },

  missing: async (
    db: Db,
    limit: number,
  ): Promise<
    (Pick<EntryRow, 'id' | 'title' | 'content' | 'tags' | 'valid_from' | 'created_at'> & Pick<DiaryRow, 'language'>)[]
  > =>
    (
      await sql<
        Pick<EntryRow, 'id' | 'title' | 'content' | 'tags' | 'valid_from' | 'created_at'> & Pick<DiaryRow, 'language'>
      >`select e.id, e.title, e.content, e.tags, e.valid_from, e.created_at, d.language
        from diary_entries e join diary_diaries d on d.id = e.diary_id
        where e.tsv_language is null and e.deleted_at is null order by e.id limit ${limit} for update of e skip locked`.execute(
        db,
      )
    ).rows,

  put: async (db: Db, id: string, analysis: EntryAnalysis): Promise<void> => {
    await sql`update diary_entries set (tsv, tsv_language, words, asks) = (${indexed(analysis)}) where id = ${id}`.execute(
      db,
    );
  },

  /** Lists of words of which more than half is outdated. */
  compact: async (db: Db, limit: number): Promise<number> =>
    (
      await sql`select diary_postings_compact(diary_id, term) from (
          select diary_id, term from diary_term_stats where 64 * moved > 2 * frequency + 512
          order by diary_id, term limit ${limit}) outdated`.execute(db)
    ).rows.length,

  /** Words that no diary holds any more. */
  forgetWords: async (db: Db): Promise<void> => {
    await sql`delete from diary_term_grams g where not exists (select from diary_term_stats s where s.term = g.term)`.execute(
      db,
    );
  },
};
