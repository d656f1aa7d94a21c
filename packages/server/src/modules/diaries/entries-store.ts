import type { Actor, EntryFilter } from '@atrium/protocol';
import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { Schema } from '../../platform/db/schema.gen.ts';
import type { EntryAnalysis, EntryRow, RevisionRow } from './diaries-rows.ts';
import { toldStore } from './told-store.ts';

type Db = Kysely<Schema>;
/** Who may see entry `e` of diary `d`, made by the policy. */
export type SeesEntry = (e: string, d: string) => RawBuilder<boolean>;

const stored =
  `id diary_id org_id title content tags entry_type importance injection_risk injection_rules status confidence
  valid_from valid_to expires_at superseded_at hidden_at author_kind author_id author_name content_hash content_id chain_seq prev_hash
  chain_hash signature signer_key erased_at origin_id length embedding_state version created_at updated_at
  deleted_at`.split(/\s+/);
const columns = sql.raw(stored.map((column) => `e.${column}`).join(', '));

/** Of entry `e`, as it is for whoever may see all of it. */
export const entryColumns = sql`${columns}, e.superseded_by`;

/** What replaced an entry is named to those only who may see it. */
const replacedBy = (sees: SeesEntry) => sql`case when e.superseded_by is not null and exists (
  select 1 from diary_entries s join diary_diaries sd on sd.id = s.diary_id where s.id = e.superseded_by and ${sees('s', 'sd')})
  then e.superseded_by end as superseded_by`;

const selected = (sees: SeesEntry) => sql`select ${columns}, ${replacedBy(sees)}
  from diary_entries e join diary_diaries d on d.id = e.diary_id`;

export interface EntryQuery extends EntryFilter {
  ids?: readonly string[] | undefined;
  deleted?: boolean;
}

const indexColumns = sql.raw('tsv, tsv_language, words, asks');

/** One row of `indexColumns`. */
export const indexed = (a: EntryAnalysis | null): RawBuilder<unknown> => {
  if (a === null) return sql`select null::tsvector as tsv, null::text as tsv_language, 0 as words, false as asks`;
  const language = sql`${a.language}::text::regconfig`;
  return sql`select s.said || setweight(to_tsvector(${language}, ${a.date}), 'C') as tsv, ${a.language}::text as tsv_language,
      (select coalesce(sum(cardinality(w.positions)), 0)::int from unnest(s.said) w) as words, ${a.asks}::boolean as asks
    from (select setweight(to_tsvector(${language}, ${a.title}), 'A') || setweight(to_tsvector(${language}, ${a.tags}), 'B')
      || to_tsvector(${language}, ${a.content}) as said offset 0) s`;
};

const list = (values: readonly string[]) => sql`${[...values]}::text[]`;

/** Conditions of a filter on entry `e`; without superseded and expired ones unless it asks for them. */
export const matches = (filter: EntryQuery, now: Date): RawBuilder<unknown> => {
  const parts: RawBuilder<unknown>[] = [sql`e.status = any(${list(filter.status)})`];
  const at = filter.as_of === undefined ? now : new Date(filter.as_of);
  if (filter.as_of !== undefined) parts.push(sql`e.created_at <= ${at}`);
  if (!filter.include_superseded)
    parts.push(
      filter.as_of === undefined
        ? sql`e.superseded_at is null`
        : sql`(e.superseded_at is null or e.superseded_at > ${at})`,
    );
  if (!filter.include_expired) parts.push(sql`(e.expires_at is null or e.expires_at > ${at})`);
  if (filter.tags !== undefined && filter.tags.length > 0) parts.push(sql`e.tags @> ${list(filter.tags)}`);
  if (filter.tags_any !== undefined && filter.tags_any.length > 0) parts.push(sql`e.tags && ${list(filter.tags_any)}`);
  if (filter.exclude_tags !== undefined && filter.exclude_tags.length > 0)
    parts.push(sql`not (e.tags && ${list(filter.exclude_tags)})`);
  if (filter.entry_types !== undefined && filter.entry_types.length > 0)
    parts.push(sql`e.entry_type = any(${list(filter.entry_types)})`);
  if (filter.exclude_suspicious) parts.push(sql`not e.injection_risk`);
  if (filter.author_id !== undefined) parts.push(sql`e.author_id = ${filter.author_id}`);
  if (filter.min_importance !== undefined) parts.push(sql`e.importance >= ${filter.min_importance}`);
  if (filter.min_confidence !== undefined) parts.push(sql`e.confidence >= ${filter.min_confidence}`);
  if (filter.created_after !== undefined) parts.push(sql`e.created_at >= ${new Date(filter.created_after)}`);
  if (filter.created_before !== undefined) parts.push(sql`e.created_at < ${new Date(filter.created_before)}`);
  if (filter.valid_at !== undefined) {
    const when = new Date(filter.valid_at);
    parts.push(sql`(e.valid_from is null or e.valid_from <= ${when}) and (e.valid_to is null or e.valid_to > ${when})`);
  }
  if (filter.ids !== undefined) parts.push(sql`e.id = any(${[...filter.ids]}::uuid[])`);
  return sql.join(parts, sql` and `);
};

const one = <T>(rows: T[]): T | null => rows[0] ?? null;

export const entriesStore = {
  /** An entry that comes without its analysis is found by words once the index has caught up. */
  insert: async (db: Db, e: EntryRow, analysis: EntryAnalysis | null = null): Promise<void> => {
    await sql`insert into diary_entries (id, diary_id, org_id, title, content, tags, entry_type, importance, injection_risk,
        injection_rules, status, confidence, valid_from, valid_to, expires_at, author_kind, author_id, author_name,
        content_hash, content_id, chain_seq, prev_hash, chain_hash, signature, signer_key, erased_at, origin_id,
        superseded_at, deleted_at, length, embedding_state, version, created_at, updated_at, ${indexColumns})
      select ${e.id}::uuid, ${e.diary_id}::uuid, ${e.org_id}::uuid, ${e.title}::text, ${e.content}::text, ${list(e.tags)},
        ${e.entry_type}::text, ${e.importance}::smallint, ${e.injection_risk}::boolean, ${list(e.injection_rules)},
        ${e.status}::text, ${e.confidence}::real, ${e.valid_from}::timestamptz, ${e.valid_to}::timestamptz,
        ${e.expires_at}::timestamptz, ${e.author_kind}::actor_type, ${e.author_id}::uuid, ${e.author_name}::text,
        ${e.content_hash}::text, ${e.content_id}::text, ${e.chain_seq}::bigint, ${e.prev_hash}::text,
        ${e.chain_hash}::text, ${e.signature}::text, ${e.signer_key}::text, ${e.erased_at}::timestamptz,
        ${e.origin_id}::uuid, ${e.superseded_at}::timestamptz, ${e.deleted_at}::timestamptz, ${e.length}::int,
        ${e.embedding_state}::text, ${e.version}::int, ${e.created_at}::timestamptz, ${e.updated_at}::timestamptz,
        ${indexColumns} from (${indexed(analysis)}) i`.execute(db);
  },

  /** Writes everything that can change, as the next version; without an analysis the index of words stays as it is. */
  update: async (db: Db, e: EntryRow, analysis: EntryAnalysis | null = null): Promise<void> => {
    await sql`update diary_entries set title = ${e.title}, content = ${e.content}, tags = ${list(e.tags)},
      entry_type = ${e.entry_type}, importance = ${e.importance}, injection_risk = ${e.injection_risk},
      injection_rules = ${list(e.injection_rules)}, status = ${e.status}, confidence = ${e.confidence},
      valid_from = ${e.valid_from}, valid_to = ${e.valid_to}, expires_at = ${e.expires_at},
      content_hash = ${e.content_hash}, content_id = ${e.content_id}, length = ${e.length}, deleted_at = ${e.deleted_at},
      embedding_state = ${e.embedding_state}, version = version + 1, updated_at = ${e.updated_at}
      ${analysis === null ? sql`` : sql`, (${indexColumns}) = (${indexed(analysis)})`} where id = ${e.id}`.execute(db);
  },

  setStatus: async (db: Db, id: string, status: EntryRow['status'], at: Date): Promise<void> => {
    await sql`update diary_entries set status = ${status}, version = version + 1, updated_at = ${at} where id = ${id}`.execute(
      db,
    );
  },

  /** Retires an entry, or brings it back. */
  setSuperseded: async (db: Db, id: string, by: string | null, at: Date): Promise<void> => {
    await sql`update diary_entries set superseded_by = ${by}, superseded_at = ${by === null ? null : at},
      version = version + 1, updated_at = ${at} where id = ${id}`.execute(db);
  },

  /** Keeps what the entries are now as their newest version. */
  record: async (db: Db, ids: readonly string[], act: string, by: Actor, at: Date): Promise<void> => {
    await sql`insert into diary_entry_revisions (entry_id, version, act, actor_kind, actor_id, actor_name, at, title, content,
        tags, entry_type, importance, status, confidence, valid_from, valid_to, expires_at, superseded_by, content_id)
      select e.id, e.version, ${act}::text, ${by.type}::actor_type, ${by.id}::uuid, ${by.name}::text, ${at}::timestamptz, e.title, e.content, e.tags,
        e.entry_type, e.importance, e.status, e.confidence, e.valid_from, e.valid_to, e.expires_at, e.superseded_by,
        e.content_id
      from diary_entries e where e.id = any(${[...ids]}::uuid[])`.execute(db);
  },

  find: async (db: Db, sees: SeesEntry, diary_id: string, id: string): Promise<EntryRow | null> =>
    one(
      (
        await sql<EntryRow>`${selected(sees)} where e.id = ${id} and e.diary_id = ${diary_id} and ${sees('e', 'd')}`.execute(
          db,
        )
      ).rows,
    ),

  /** Wherever it lives, as long as the reader sees it. */
  findSeen: async (db: Db, sees: SeesEntry, id: string): Promise<EntryRow | null> =>
    one((await sql<EntryRow>`${selected(sees)} where e.id = ${id} and ${sees('e', 'd')}`.execute(db)).rows),

  /** Holds entries until the transaction ends, in the order of their ids. */
  lock: async (db: Db, ids: readonly string[]): Promise<void> => {
    await sql`select from diary_entries where id = any(${[...ids]}::uuid[]) order by id for update`.execute(db);
  },

  /** Deleted and not purged: what the history can bring back. */
  findDeleted: async (db: Db, diary_id: string, id: string): Promise<EntryRow | null> =>
    one(
      (
        await sql<EntryRow>`select ${columns}, null::uuid as superseded_by from diary_entries e
          where e.id = ${id} and e.diary_id = ${diary_id} and e.deleted_at is not null`.execute(db)
      ).rows,
    ),

  page: async (
    db: Db,
    sees: SeesEntry,
    diary_id: string,
    filter: EntryQuery,
    page: { now: Date; limit: number; after: { value: Date; id: string } | null },
  ): Promise<EntryRow[]> =>
    (
      await sql<EntryRow>`${selected(sees)} where e.diary_id = ${diary_id} and ${sees('e', 'd')} and ${matches(filter, page.now)}
        and ${page.after === null ? sql`true` : sql`(e.created_at, e.id) < (${page.after.value}, ${page.after.id}::uuid)`}
        order by e.created_at desc, e.id desc limit ${page.limit}`.execute(db)
    ).rows,

  count: async (db: Db, sees: SeesEntry, diary_id: string, filter: EntryQuery, now: Date): Promise<number> =>
    (
      await sql<{
        count: number;
      }>`select count(*)::int as count from diary_entries e join diary_diaries d on d.id = e.diary_id
        where e.diary_id = ${diary_id} and ${sees('e', 'd')} and ${matches(filter, now)}`.execute(db)
    ).rows[0]!.count,

  /** Ids of what a filter takes, oldest first; deleted ones only when ids are named for them. */
  matching: async (
    db: Db,
    sees: SeesEntry,
    diary_id: string,
    filter: EntryQuery,
    now: Date,
    limit: number,
  ): Promise<string[]> =>
    (
      await sql<{ id: string }>`select e.id from diary_entries e join diary_diaries d on d.id = e.diary_id
        where e.diary_id = ${diary_id} and ${
          filter.deleted === true
            ? sql`e.deleted_at is not null and e.id = any(${[...(filter.ids ?? [])]}::uuid[])`
            : sql`${sees('e', 'd')} and ${matches(filter, now)}`
        } order by e.created_at, e.id limit ${limit}`.execute(db)
    ).rows.map((row) => row.id),

  ofIds: async (db: Db, ids: readonly string[]): Promise<EntryRow[]> =>
    (
      await sql<EntryRow>`select ${columns}, e.superseded_by from diary_entries e where e.id = any(${[...ids]}::uuid[])
        order by e.id`.execute(db)
    ).rows,

  /** A current entry of the diary with the same text. */
  same: async (db: Db, sees: SeesEntry, diary_id: string, content_hash: string, now: Date): Promise<EntryRow | null> =>
    one(
      (
        await sql<EntryRow>`${selected(sees)} where e.diary_id = ${diary_id} and e.content_hash = ${content_hash}
          and ${sees('e', 'd')} and e.superseded_at is null and e.status in ('active', 'quarantined')
          and (e.expires_at is null or e.expires_at > ${now}) order by e.created_at limit 1`.execute(db)
      ).rows,
    ),

  /** Two who write the same text into one diary take turns. */
  takeTurn: async (db: Db, what: string): Promise<void> => {
    await sql`select pg_advisory_xact_lock(hashtextextended(${what}, 44))`.execute(db);
  },

  /** Does the chain of replacements that begins at `from` reach `to`? */
  reaches: async (db: Db, from: string, to: string): Promise<boolean> =>
    (
      await sql<{ found: boolean }>`with recursive chain(id) as (
          select ${from}::uuid union select e.superseded_by from diary_entries e join chain c on e.id = c.id
            where e.superseded_by is not null)
        select exists (select 1 from chain where id = ${to}::uuid) as found`.execute(db)
    ).rows[0]!.found,

  longerThan: async (db: Db, diary_id: string, length: number, limit: number): Promise<string[]> =>
    (
      await sql<{ id: string }>`select e.id from diary_entries e where e.diary_id = ${diary_id} and e.length > ${length}
        and e.deleted_at is null order by e.id limit ${limit}`.execute(db)
    ).rows.map((row) => row.id),

  /** Sets aside what the scanner flagged; answers which. */
  quarantineFlagged: async (db: Db, diary_id: string, at: Date): Promise<string[]> =>
    (
      await sql<{
        id: string;
      }>`update diary_entries set status = 'quarantined', version = version + 1, updated_at = ${at}
        where diary_id = ${diary_id} and injection_risk and status = 'active' and deleted_at is null returning id`.execute(
        db,
      )
    ).rows.map((row) => row.id),

  purge: async (db: Db, ids: readonly string[]): Promise<void> => {
    await toldStore.forgetEntries(db, ids);
    await sql`delete from diary_entries where id = any(${[...ids]}::uuid[])`.execute(db);
  },

  /** Takes away what signed entries say, how they came to say it, and what search made of it. Their place in the chain stays. */
  erase: async (db: Db, ids: readonly string[], by: Actor, at: Date): Promise<void> => {
    await toldStore.forgetEntries(db, ids);
    await sql`update diary_entries set title = null, content = '', tags = '{}', injection_rules = '{}', content_hash = '',
      length = 0, tsv = null, tsv_language = null, words = 0, asks = false, embedding_state = 'none',
      erased_at = ${at}, deleted_at = ${at}, version = version + 1, updated_at = ${at}
      where id = any(${[...ids]}::uuid[])`.execute(db);
    await sql`delete from diary_vector_codes where entry_id = any(${[...ids]}::uuid[])`.execute(db);
    await sql`delete from diary_entry_revisions where entry_id = any(${[...ids]}::uuid[])`.execute(db);
    await entriesStore.record(db, ids, 'erased', by, at);
  },

  /** Signed entries that ended before a time. */
  erasable: async (db: Db, before: Date, limit: number): Promise<string[]> =>
    (
      await sql<{ id: string }>`select id from diary_entries where expires_at < ${before} and signature is not null
        and erased_at is null limit ${limit} for update skip locked`.execute(db)
    ).rows.map((row) => row.id),

  /** Entries of the diary by the ids of what they are or were imported from, deleted ones among them; held. */
  ofOrigins: async (db: Db, diary_id: string, origins: readonly string[]): Promise<Map<string, EntryRow>> => {
    const { rows } =
      await sql<EntryRow>`select ${columns}, e.superseded_by from diary_entries e where e.diary_id = ${diary_id}
      and (e.id = any(${[...origins]}::uuid[]) or e.origin_id = any(${[...origins]}::uuid[])) order by e.id for update of e`.execute(
        db,
      );
    const wanted = new Set(origins);
    return new Map(rows.map((row) => [wanted.has(row.id) ? row.id : row.origin_id!, row]));
  },

  linkSuperseded: async (db: Db, links: readonly { id: string; by: string }[]): Promise<void> => {
    await sql`update diary_entries e set superseded_by = l.by
      from unnest(${links.map((link) => link.id)}::uuid[], ${links.map((link) => link.by)}::uuid[]) as l(id, by)
      where e.id = l.id and l.by <> l.id`.execute(db);
  },

  hasSignature: async (db: Db, diary_id: string, signature: string): Promise<string | null> =>
    (
      await sql<{
        id: string;
      }>`select id from diary_entries where diary_id = ${diary_id} and signature = ${signature}`.execute(db)
    ).rows[0]?.id ?? null,

  /** What was deleted or ended before a time, some at once. */
  purgeable: async (db: Db, before: Date, limit: number): Promise<string[]> =>
    (
      await sql<{ id: string }>`select id from diary_entries where (deleted_at < ${before} or expires_at < ${before})
        and signature is null limit ${limit} for update skip locked`.execute(db)
    ).rows.map((row) => row.id),

  history: async (db: Db, entry_id: string, page: { limit: number; before: number | null }): Promise<RevisionRow[]> =>
    (
      await sql<RevisionRow>`select version, act, actor_kind, actor_id, actor_name, at, title, content, tags, entry_type,
          importance, status, confidence, valid_from, valid_to, expires_at, superseded_by, content_id
        from diary_entry_revisions where entry_id = ${entry_id}
          and ${page.before === null ? sql`true` : sql`version < ${page.before}`}
        order by version desc limit ${page.limit}`.execute(db)
    ).rows,

  revision: async (db: Db, entry_id: string, version: number): Promise<RevisionRow | null> =>
    one(
      (
        await sql<RevisionRow>`select version, act, actor_kind, actor_id, actor_name, at, title, content, tags, entry_type,
            importance, status, confidence, valid_from, valid_to, expires_at, superseded_by, content_id
          from diary_entry_revisions where entry_id = ${entry_id} and version = ${version}`.execute(db)
      ).rows,
    ),
};
