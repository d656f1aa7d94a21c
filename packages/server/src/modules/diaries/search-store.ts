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
}

/** What the words of a query are in this language, and what is known of them in reach. */
export interface QueryAnalysis {
  terms: string[];
  /** Words that stand somewhere in reach and begin as a term does, and in how many entries. */
  near: [term: string, frequency: number][];
}

/** A word of the query with its look-alikes, as a tsquery, and what it counts. */
export interface RankedForm {
  words: string;
  weight: number;
}

interface Dated {
  id: string;
  diary_id: string;
  importance: number;
  created_at: Date;
  valid_from: Date | null;
}

/** `lexemes` is null where an entry was too far behind to be looked at closely. */
export interface CandidateRow extends Dated {
  position: string;
  author: string;
  author_name: string;
  asks: boolean;
  words: number;
  lexemes: string | null;
  wanted: boolean;
  rough: number;
  hits: number;
}

export interface NearRow extends Dated {
  embedding: Buffer;
}

export interface FoundEntry extends EntryRow {
  diary_name: string;
  language: string;
}

export interface SearchPage {
  question: string;
  answer: unknown;
}

/** Best candidates that are ranked in full, with so many entries on each side. */
const finalists = 60;
const fetchedReach = 3;

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

export const searchStore = {
  /** The readable diaries that are looked at, by language. */
  reach: async (db: Db, readable: On, diary_id: string | null): Promise<Reach[]> =>
    (
      await sql<Reach>`select d.language, array_agg(d.id) as diary_ids, coalesce(sum(t.entries), 0)::int as entries,
          coalesce(sum(t.words), 0)::float8 as words
        from diary_diaries d left join diary_search_totals t on t.diary_id = d.id
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
            join diary_term_stats s on s.diary_id = any(${ids(diary_ids)}) and s.term >= left(q.term, ${sharedStart}::int)
              and s.term < left(q.term, ${sharedStart}::int) || U&'\\+10FFFF'
            where length(q.term) > ${sharedStart}::int and length(s.term) > ${sharedStart}::int
              and length(s.term) <= 3 * length(q.term)
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
          select g.term, max(2.0 * (select count(*) from unnest(g.grams) a where a = any(w.grams))
              / (cardinality(g.grams) + cardinality(w.grams))) as alike
          from (select string_to_array(v, ' ') as grams from unnest(${grams.map((each) => each.join(' '))}::text[]) v) w
          join diary_term_grams g on g.grams && w.grams
          where cardinality(g.grams) between cardinality(w.grams) / 3 and 3 * cardinality(w.grams)
          group by g.term
        ) c
        join diary_term_stats s on s.diary_id = any(${ids(diary_ids)}) and s.term = c.term
        where c.alike >= 0.5 group by c.term, c.alike order by c.alike desc, c.term limit ${limit}`.execute(db)
    ).rows.map(({ term, frequency }) => [term, frequency]),

  /**
   * Entries that hold one of the words. A rough score, with that of near entries, picks those that are worth a close look;
   * they come with what stands beside them, in order. The others follow with their rough score alone.
   */
  candidates: async (
    db: Db,
    query: CandidateQuery,
    forms: readonly RankedForm[],
    essential: string,
    averageLength: number,
    limits: { hits: number; rest: number },
  ): Promise<CandidateRow[]> => {
    const { reach, sees, filter, now } = query;
    const wanted = sql`(${matches(filter, now)} and ${says(reach.language, query.phrases, query.excluded)})`;
    const score = sql.join(
      forms.map(
        ({ words, weight }) => sql`${weight}::float4 * ts_rank('{0.1, 0.1, 0.1, 0.2}', e.tsv, ${words}::tsquery)`,
      ),
      sql` + `,
    );
    const dated = sql.raw('e.id, e.diary_id, e.importance, e.created_at, e.valid_from');
    const shown = sql`${dated}, e.position, coalesce(e.author_id::text, e.author_name) as author, e.author_name, e.asks, e.words`;
    return (
      await sql<CandidateRow>`with hits as materialized (
          select e.id, e.diary_id, e.position, (${score}) / (0.5 + 0.5 * e.words / ${averageLength}::float8) as score
          from diary_entries e join diary_diaries d on d.id = e.diary_id
          where e.deleted_at is null and e.tsv @@ ${essential}::tsquery and array[e.diary_id] && ${ids(reach.diary_ids)}
            and ${sees('e', 'd')} and ${wanted}
          limit ${limits.hits}
        ), smoothed as materialized (
          select id, diary_id, position,
            0.6 * score
            + 0.24 * sum(score) over (partition by diary_id order by position range between 1 preceding and 1 following)
            + 0.16 * sum(score) over (partition by diary_id order by position range between 2 preceding and 2 following) as score
          from hits
        ), finalists as (
          select diary_id, position from smoothed order by score desc, id limit ${finalists}
        ), places as materialized (
          select distinct f.diary_id, place
          from finalists f, generate_series(f.position - ${fetchedReach}::int, f.position + ${fetchedReach}::int) place
        ), rest as (
          select s.id, s.score from smoothed s
          where not exists (select from places p where p.diary_id = s.diary_id and p.place = s.position)
          order by s.score desc, s.id limit ${limits.rest}
        )
        select ${shown}, e.tsv::text as lexemes, ${wanted} as wanted, 0::float8 as rough,
            (select count(*)::int from hits) as hits
          from places p join diary_entries e on e.diary_id = p.diary_id and e.position = p.place
            join diary_diaries d on d.id = e.diary_id
          where e.tsv is not null and ${sees('e', 'd')} and ${inSight(query)}
        union all
        select ${shown}, null, true, r.score, 0 from rest r join diary_entries e on e.id = r.id
        order by rough desc, diary_id, position`.execute(db)
    ).rows;
  },

  /**
   * Entries whose sign codes differ least from that of the query. The codes alone are compared first, because they fill few
   * pages; only what the caller may see, and what the filter takes, is handed on. `wide` looks at all of them.
   */
  nearest: async (
    db: Db,
    query: CandidateQuery,
    vector: { code: string; model: string },
    limits: { codes: number; rows: number; wide: boolean },
  ): Promise<NearRow[]> => {
    const { reach, sees, filter, now } = query;
    const distance = sql`bit_count(v.code # ${vector.code}::bit(384))`;
    const near = sql`select v.entry_id, ${distance} as distance from diary_vectors v
      where v.model = ${vector.model} and v.diary_id = any(${ids(reach.diary_ids)})`;
    return (
      await sql<NearRow>`with near as materialized (
          ${limits.wide ? near : sql`${near} order by distance limit ${limits.codes}`}
        ), seen as (
          select e.id, e.diary_id, e.importance, e.created_at, e.valid_from, n.distance
          from near n join diary_entries e on e.id = n.entry_id join diary_diaries d on d.id = e.diary_id
          where ${sees('e', 'd')} and ${matches(filter, now)} and ${says(reach.language, query.phrases, query.excluded)}
          order by n.distance limit ${limits.rows}
        )
        select s.id, s.diary_id, s.importance, s.created_at, s.valid_from, v.embedding
        from seen s join diary_vectors v on v.entry_id = s.id and v.model = ${vector.model}`.execute(db)
    ).rows;
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
      values (${page.id}, ${page.principal_id}, ${page.org_id}, ${page.question}, ${JSON.stringify(page.answer)}::jsonb,
        ${page.at})`.execute(db);
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

  /** Words that no diary holds any more. */
  forgetWords: async (db: Db): Promise<void> => {
    await sql`delete from diary_term_grams g where not exists (select from diary_term_stats s where s.term = g.term)`.execute(
      db,
    );
  },
};
