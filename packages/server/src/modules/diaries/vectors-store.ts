import { type Kysely, sql } from 'kysely';
import type { Schema } from '../../platform/db/schema.gen.ts';
import type { EntryRow } from './diaries-rows.ts';

type Db = Kysely<Schema>;

/** What a vector is made of, and where it belongs. */
export type EmbeddableRow = Pick<EntryRow, 'id' | 'diary_id' | 'org_id' | 'title' | 'content' | 'tags' | 'version'>;

const columns = sql.raw('e.id, e.diary_id, e.org_id, e.title, e.content, e.tags, e.version');
const ids = (list: readonly string[]) => sql`${[...list]}::uuid[]`;

export const vectorsStore = {
  /** An entry that waits for its vector. */
  pending: async (db: Db, id: string): Promise<EmbeddableRow | null> =>
    (
      await sql<EmbeddableRow>`select ${columns} from diary_entries e
        where e.id = ${id} and e.embedding_state = 'pending' and e.deleted_at is null`.execute(db)
    ).rows[0] ?? null,

  /** Entries that have waited since before a time, the longest first. */
  waiting: async (db: Db, before: Date, limit: number): Promise<EmbeddableRow[]> =>
    (
      await sql<EmbeddableRow>`select ${columns} from diary_entries e
        where e.embedding_state = 'pending' and e.deleted_at is null and e.updated_at < ${before}
        order by e.updated_at limit ${limit}`.execute(db)
    ).rows,

  /** Those among them that still say what they said, held. */
  unchanged: async (db: Db, entries: readonly EmbeddableRow[]): Promise<Set<string>> =>
    new Set(
      (
        await sql<{ id: string }>`select e.id from diary_entries e
          join unnest(${ids(entries.map(({ id }) => id))}, ${entries.map(({ version }) => version)}::int[]) w (id, version)
            on w.id = e.id and w.version = e.version
          where e.embedding_state = 'pending' and e.deleted_at is null order by e.id for update of e`.execute(db)
      ).rows.map(({ id }) => id),
    ),

  put: async (
    db: Db,
    vectors: readonly { entry_id: string; diary_id: string; code: string; embedding: Buffer }[],
    model: string,
  ): Promise<void> => {
    await sql`with given as (
        select * from unnest(${ids(vectors.map(({ entry_id }) => entry_id))}, ${ids(vectors.map(({ diary_id }) => diary_id))},
          ${vectors.map(({ code }) => code)}::text[], ${vectors.map(({ embedding }) => embedding)}::bytea[])
          v (entry_id, diary_id, code, embedding)
      ), numbered as (
        insert into diary_vector_counts as c (diary_id, version)
          select diary_id, count(*) from given group by diary_id order by diary_id
          on conflict (diary_id) do update set version = c.version + excluded.version
          returning c.diary_id, c.version
      ), codes as (
        insert into diary_vector_codes (entry_id, diary_id, model, code, position, version)
          select g.entry_id, g.diary_id, ${model}::text, g.code::bit(384), e.position,
            n.version + 1 - row_number() over (partition by g.diary_id order by e.position desc)
          from given g join numbered n on n.diary_id = g.diary_id join diary_entries e on e.id = g.entry_id
          on conflict (entry_id, model) do update set code = excluded.code, version = excluded.version
      )
      insert into diary_vectors (entry_id, model, embedding) select entry_id, ${model}::text, embedding from given
        on conflict (entry_id, model) do update set embedding = excluded.embedding`.execute(db);
  },

  /**
   * Codes of each diary that came after a version, the first of them: position, length and code of each, one after another.
   * The versions tell how far that reaches, over other models too.
   */
  codesSince: async (
    db: Db,
    model: string,
    diaries: readonly { diary_id: string; version: number }[],
    limit: number,
  ): Promise<{ diary_id: string; version: number | null; rows: number; codes: Buffer }[]> =>
    (
      await sql<{ diary_id: string; version: number | null; rows: number; codes: string | null }>`select w.diary_id,
          n.version, n.rows, n.codes
        from unnest(${ids(diaries.map(({ diary_id }) => diary_id))}, ${diaries.map(({ version }) => version)}::bigint[])
          w (diary_id, version)
        cross join lateral (
          select max(c.version)::float8 as version, count(*)::int as rows, encode(string_agg(
            int4send(c.position::int) || bit_send(c.code), '') filter (where c.model = ${model}), 'base64') as codes
          from (select version, model, position, code from diary_vector_codes
            where diary_id = w.diary_id and version > w.version order by version limit ${limit}) c
        ) n`.execute(db)
    ).rows.map((row) => ({ ...row, codes: Buffer.from(row.codes ?? '', 'base64') })),

  /** What an entry meant before its text was changed. */
  forget: async (db: Db, entry_id: string): Promise<void> => {
    await sql`delete from diary_vector_codes where entry_id = ${entry_id}`.execute(db);
  },

  setState: async (db: Db, entry_ids: readonly string[], state: EntryRow['embedding_state']): Promise<void> => {
    await sql`update diary_entries set embedding_state = ${state} where id = any(${ids(entry_ids)})`.execute(db);
  },

  /** Has every current entry wait that lacks a vector of the model, also one that a former model did not take. */
  requireModel: async (db: Db, model: string): Promise<void> => {
    await sql`update diary_entries e set embedding_state = 'pending'
      where e.deleted_at is null and e.embedding_state in ('none', 'ready', 'failed')
        and not exists (select from diary_vector_codes v where v.entry_id = e.id and v.model = ${model})`.execute(db);
  },

  isAnyPending: async (db: Db): Promise<boolean> =>
    (
      await sql<{ pending: boolean }>`select exists (
        select from diary_entries where embedding_state = 'pending' and deleted_at is null) as pending`.execute(db)
    ).rows[0]!.pending,

  serving: async (db: Db): Promise<string | null> =>
    (await sql<{ serving: string }>`select serving from diary_vector_models`.execute(db)).rows[0]?.serving ?? null,

  setServing: async (db: Db, model: string): Promise<void> => {
    await sql`insert into diary_vector_models (serving) values (${model})
      on conflict (only_row) do update set serving = excluded.serving`.execute(db);
    await sql`delete from diary_vector_codes where model <> ${model}`.execute(db);
  },
};
