import { type Kysely, sql } from 'kysely';
import type { Schema } from '../../platform/db/schema.gen.ts';
import type { TupleRow } from './diaries-rows.ts';

/** A transaction or the pool. */
export type Db = Kysely<Schema>;

type Key = Pick<TupleRow, 'subject_namespace' | 'subject_id' | 'subject_relation'>;

/** Relation tuples: who is what to a diary, and which diary an entry belongs to. */
export const tuplesStore = {
  /** Writes a tuple; one that is there already gets the new end and revision. */
  put: async (db: Db, tuple: TupleRow): Promise<void> => {
    await sql`insert into diary_tuples (namespace, object_id, relation, subject_namespace, subject_id, subject_relation,
        diary_id, org_id, expires_at, revision)
      values (${tuple.namespace}, ${tuple.object_id}, ${tuple.relation}, ${tuple.subject_namespace}, ${tuple.subject_id},
        ${tuple.subject_relation}, ${tuple.diary_id}, ${tuple.org_id}, ${tuple.expires_at}, ${tuple.revision})
      on conflict (namespace, object_id, relation, subject_namespace, subject_id, subject_relation)
        do update set expires_at = excluded.expires_at, revision = excluded.revision`.execute(db);
  },

  /** Takes every right on a diary from a subject, or those of some relations. */
  removeSubject: async (
    db: Db,
    diary_id: string,
    subject: Key,
    relations: readonly string[] = ['owner', 'writers', 'readers'],
  ): Promise<void> => {
    await sql`delete from diary_tuples where namespace = 'Diary' and object_id = ${diary_id}
      and relation = any(${[...relations]}::text[]) and subject_namespace = ${subject.subject_namespace}
      and subject_id = ${subject.subject_id} and subject_relation = ${subject.subject_relation}`.execute(db);
  },

  /** Every tuple about these entries. */
  removeEntries: async (db: Db, ids: readonly string[]): Promise<void> => {
    await sql`delete from diary_tuples where namespace = 'DiaryEntry' and object_id = any(${[...ids]}::uuid[])`.execute(
      db,
    );
  },

  /** Diaries that name the subject, each once. */
  diariesOf: async (
    db: Db,
    subject: Pick<TupleRow, 'subject_namespace' | 'subject_id'>,
  ): Promise<{ id: string; org_id: string }[]> =>
    (
      await sql<{ id: string; org_id: string }>`select distinct diary_id as id, org_id from diary_tuples
        where namespace = 'Diary' and subject_namespace = ${subject.subject_namespace} and subject_id = ${subject.subject_id}
        order by diary_id`.execute(db)
    ).rows,
};
