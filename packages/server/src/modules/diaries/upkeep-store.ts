import type { EntryType } from '@atrium/protocol';
import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { Schema } from '../../platform/db/schema.gen.ts';
import { type EntryQuery, matches, type SeesEntry } from './entries-store.ts';

type Db = Kysely<Schema>;
type On = (alias: string) => RawBuilder<boolean>;

export type DigestPeriod = 'day' | 'week' | 'month';

export interface DigestRow {
  begins_at: Date;
  entries: number;
  by_type: Partial<Record<EntryType, number>>;
  tags: { tag: string; entries: number }[];
  top: string[];
}

/** Two entries of a diary that hold the same words, the older one second. */
export interface AlikeRow {
  id: string;
  older_id: string;
  same_text: boolean;
  /** Shared words out of all of both. */
  alike: number;
}

const tagsShown = 10;
const candidatesOfEntry = 100;
/** Places at which one of the named words stands, the newest of them; where each is common, a text is said all the time. */
const placesOfEntry = 2000;
const keptOfEntry = 5;

const current = (now: Date) =>
  matches({ status: ['active'], include_superseded: false, include_expired: false, exclude_suspicious: false }, now);

/** Words of the text itself, without title, tags and date. */
const wordsOf = (e: string) => sql`tsvector_to_array(ts_filter(${sql.ref(`${e}.tsv`)}, '{d}'))`;

/** A pair that somebody related, or judged, is no news; a proposal about what one of them said before is. */
const unrelated = sql`not exists (select from diary_relations r
  where ((r.from_id = n.id and r.to_id = e.id) or (r.from_id = e.id and r.to_id = n.id))
    and not (r.reason is not null and r.status = 'proposed'
      and (r.from_content_id, r.to_content_id) is distinct from (n.content_id, e.content_id)))`;

export const upkeepStore = {
  /** Periods of UTC in which something was written, newest first. Each is found by the index, so that those of the page alone are read. */
  digest: async (
    db: Db,
    sees: SeesEntry,
    diary_id: string,
    filter: EntryQuery,
    page: { now: Date; period: DigestPeriod; before: Date; limit: number; top: number },
  ): Promise<DigestRow[]> => {
    const period = sql`${page.period}::text`;
    const wanted = sql`e.diary_id = ${diary_id} and ${sees('e', 'd')} and ${matches(filter, page.now)}`;
    const newestBefore = (before: RawBuilder<unknown>) => sql`select date_trunc(${period}, e.created_at, 'UTC')
      from diary_entries e join diary_diaries d on d.id = e.diary_id
      where ${wanted} and e.created_at < ${before} order by e.created_at desc limit 1`;
    return (
      await sql<DigestRow>`with recursive periods (begins_at, n) as (
          select (${newestBefore(sql`${page.before}::timestamptz`)}), 1
          union all
          select (${newestBefore(sql`p.begins_at`)}), p.n + 1 from periods p
            where p.begins_at is not null and p.n < ${page.limit}::int
        ), kept as materialized (
          select e.id, e.entry_type, e.tags, e.importance, e.created_at, date_trunc(${period}, e.created_at, 'UTC') as begins_at
          from diary_entries e join diary_diaries d on d.id = e.diary_id
          where ${wanted} and e.created_at < ${page.before}::timestamptz and e.created_at >= (select min(begins_at) from periods)
        )
        select p.begins_at,
          (select count(*)::int from kept k where k.begins_at = p.begins_at) as entries,
          (select jsonb_object_agg(t.entry_type, t.n) from (
            select k.entry_type, count(*)::int as n from kept k where k.begins_at = p.begins_at group by k.entry_type) t) as by_type,
          (select coalesce(jsonb_agg(jsonb_build_object('tag', t.tag, 'entries', t.n) order by t.n desc, t.tag), '[]') from (
            select tag, count(*)::int as n from kept k, unnest(k.tags) tag where k.begins_at = p.begins_at
            group by tag order by n desc, tag limit ${tagsShown}) t) as tags,
          (select coalesce(array_agg(t.id order by t.importance desc, t.created_at desc, t.id desc), '{}') from (
            select k.id, k.importance, k.created_at from kept k where k.begins_at = p.begins_at
            order by k.importance desc, k.created_at desc, k.id desc limit ${page.top}) t) as top
        from periods p where p.begins_at is not null order by p.begins_at desc`.execute(db)
    ).rows;
  },

  /** Of each entry its words, the rarest of the diary first. */
  rareWords: async (db: Db, ids: readonly string[]): Promise<Map<string, string[]>> =>
    new Map(
      (
        await sql<{ id: string; words: string[] }>`select e.id, w.words from diary_entries e
          cross join lateral (select array_agg(u.word order by coalesce(s.frequency, 0), u.word) as words
            from unnest(${wordsOf('e')}) u (word)
            left join diary_term_stats s on s.diary_id = e.diary_id and s.term = u.word) w
          where e.id = any(${[...ids]}::uuid[]) and e.tsv is not null and w.words is not null`.execute(db)
      ).rows.map(({ id, words }) => [id, words]),
    ),

  /** Older current entries of the diary with the very same text, unless the two are related already. */
  sameText: async (db: Db, sees: SeesEntry, ids: readonly string[], now: Date): Promise<AlikeRow[]> =>
    (
      await sql<AlikeRow>`select n.id, e.id as older_id, true as same_text, 1::float8 as alike
        from diary_entries n cross join lateral (
          select e.id from diary_entries e join diary_diaries d on d.id = e.diary_id
          where e.diary_id = n.diary_id and e.content_hash = n.content_hash and (e.created_at, e.id) < (n.created_at, n.id)
            and ${sees('e', 'd')} and ${current(now)} and ${unrelated}
          order by e.created_at desc, e.id desc limit ${keptOfEntry}) e
        where n.id = any(${[...ids]}::uuid[])`.execute(db)
    ).rows,

  /** Older current entries that hold one of the named words of an entry, and then most of all words of both. */
  similarText: async (
    db: Db,
    sees: SeesEntry,
    asked: readonly { id: string; words: readonly string[] }[],
    least_alike: number,
    now: Date,
  ): Promise<AlikeRow[]> =>
    (
      await sql<AlikeRow>`select n.id, c.id as older_id, false as same_text, c.alike
        from jsonb_to_recordset(${JSON.stringify(asked)}::jsonb) q (id uuid, words text[])
        join diary_entries n on n.id = q.id
        cross join lateral (
          select f.id, f.alike from (
            select h.id, h.shared::float8 / nullif(cardinality(${wordsOf('n')}) + h.held - h.shared, 0) as alike from (
              select e.id, cardinality(${wordsOf('e')}) as held,
                (select count(*)::int from unnest(${wordsOf('e')}) w where w = any(${wordsOf('n')})) as shared
              from (
                select distinct ('x' || encode(substr(l.postings, at, 4), 'hex'))::bit(32)::int as position
                from (
                  select p.postings from diary_postings p where p.diary_id = n.diary_id and p.term = any(q.words)
                  union all
                  select s.recent from diary_term_stats s where s.diary_id = n.diary_id and s.term = any(q.words)
                ) l, generate_series(1, octet_length(l.postings), 8) at
                order by position desc limit ${placesOfEntry}) place
              join diary_entries e on e.diary_id = n.diary_id and e.position = place.position
              join diary_diaries d on d.id = e.diary_id
              where e.deleted_at is null and (e.created_at, e.id) < (n.created_at, n.id) and e.content_hash <> n.content_hash
                and e.words between n.words * ${least_alike}::float8 and n.words / ${least_alike}::float8
                and ${sees('e', 'd')} and ${current(now)} and ${unrelated}
              limit ${candidatesOfEntry}) h) f
          where f.alike >= ${least_alike}::float8 order by f.alike desc, f.id limit ${keptOfEntry}) c`.execute(db)
    ).rows,

  /** How often each tag is used in the entries that the reader sees. */
  tags: async (
    db: Db,
    { readable, sees }: { readable: On; sees: SeesEntry },
    diary_id: string | null,
    page: { now: Date; prefix: string; limit: number; after: { value: number; id: string } | null },
  ): Promise<{ tag: string; entries: number }[]> =>
    (
      await sql<{ tag: string; entries: number }>`select u.tag, u.entries from (
          select tag collate "C" as tag, count(*)::int as entries
          from diary_entries e join diary_diaries d on d.id = e.diary_id, unnest(e.tags) tag
          where ${readable('d')} and ${sees('e', 'd')} and ${current(page.now)}
            and ${diary_id === null ? sql`true` : sql`e.diary_id = ${diary_id}::uuid`}
            and ${page.prefix === '' ? sql`true` : sql`starts_with(lower(tag), lower(${page.prefix}))`}
          group by tag) u
        where ${
          page.after === null
            ? sql`true`
            : sql`(u.entries < ${page.after.value}::int or (u.entries = ${page.after.value}::int and u.tag > ${page.after.id}))`
        }
        order by u.entries desc, u.tag limit ${page.limit}`.execute(db)
    ).rows,
};
