import { type Kysely, sql } from 'kysely';
import type { Schema } from '../../platform/db/schema.gen.ts';

type Db = Kysely<Schema>;

/** What this module holds about a person, across all organisations. */
export const peopleStore = {
  /** Puts another name in the place of each copy. */
  rename: async (db: Db, userId: string, name: string): Promise<void> => {
    const copies = [
      ['diary_entries', 'author'],
      ['diary_entry_revisions', 'actor'],
      ['diary_shares', 'invited_by'],
      ['diary_relations', 'proposed_by'],
      ['diary_relations', 'decided_by'],
    ] as const;
    for (const [table, column] of copies) {
      const [id, copy] = [sql.ref(`${column}_id`), sql.ref(`${column}_name`)];
      await sql`update ${sql.table(table)} set ${copy} = ${name} where ${id} = ${userId} and ${copy} <> ${name}`.execute(
        db,
      );
    }
  },

  /** What was given to a subject ends, and offers to it go. */
  withdraw: async (db: Db, subject: { kind: 'user' | 'team'; id: string }): Promise<void> => {
    const namespace = subject.kind === 'user' ? 'User' : 'Team';
    await sql`delete from diary_tuples where subject_namespace = ${namespace} and subject_id = ${subject.id}
      and relation <> 'owner'`.execute(db);
    await sql`delete from diary_shares where subject_kind = ${subject.kind} and shared_with = ${subject.id}`.execute(
      db,
    );
  },

  /** Diaries a person owns, and what they wrote anywhere. */
  export: async (db: Db, userId: string): Promise<Record<string, unknown>> =>
    (
      await sql<{ document: Record<string, unknown> }>`select jsonb_build_object(
        'owned', (select coalesce(jsonb_agg(jsonb_build_object('id', d.id, 'org_id', d.org_id, 'name', d.name,
            'visibility', d.visibility, 'language', d.language, 'created_at', d.created_at,
            'shares', (select coalesce(jsonb_agg(jsonb_build_object('subject_kind', s.subject_kind, 'shared_with', s.shared_with,
                'role', s.role, 'status', s.status, 'invited_at', s.invited_at) order by s.invited_at), '[]')
              from diary_shares s where s.diary_id = d.id))
            order by d.created_at), '[]') from diary_diaries d where d.owner_kind = 'user' and d.owner_id = ${userId}),
        'entries', (select coalesce(jsonb_agg(jsonb_build_object('id', e.id, 'diary_id', e.diary_id, 'title', e.title,
            'content', e.content, 'tags', e.tags, 'entry_type', e.entry_type, 'importance', e.importance, 'status', e.status,
            'valid_from', e.valid_from, 'valid_to', e.valid_to, 'expires_at', e.expires_at, 'superseded_by', e.superseded_by,
            'content_id', e.content_id, 'created_at', e.created_at, 'updated_at', e.updated_at, 'deleted_at', e.deleted_at)
            order by e.created_at), '[]') from diary_entries e
          where (e.author_kind = 'user' and e.author_id = ${userId})
            or e.diary_id in (select d.id from diary_diaries d where d.owner_kind = 'user' and d.owner_id = ${userId})),
        'shared_with_me', (select coalesce(jsonb_agg(jsonb_build_object('diary_id', s.diary_id, 'role', s.role, 'status', s.status,
            'invited_at', s.invited_at, 'responded_at', s.responded_at) order by s.invited_at), '[]')
          from diary_shares s where s.subject_kind = 'user' and s.shared_with = ${userId})
      ) as document`.execute(db)
    ).rows[0]!.document,
};
