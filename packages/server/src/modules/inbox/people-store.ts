import { sql } from 'kysely';
import type { Db } from './items-store.ts';

/** Copies of a person's name and what stands for them alone, across all organisations. */
export const peopleStore = {
  /** Puts another name in the place of each copy, and drops what only they could see. */
  erase: async (db: Db, userId: string, name: string): Promise<void> => {
    const copies = [
      ['inbox_channels', 'created_by'],
      ['inbox_items', 'created_by'],
      ['inbox_items', 'claimed_by'],
      ['inbox_items', 'answered_by'],
      ['inbox_responses', 'by'],
      ['inbox_comments', 'author'],
      ['inbox_attachments', 'uploaded_by'],
    ] as const;
    for (const [table, column] of copies) {
      const [id, copy] = [sql.ref(`${column}_id`), sql.ref(`${column}_name`)];
      await sql`update ${sql.table(table)} set ${copy} = ${name} where ${id} = ${userId} and ${copy} <> ${name}`.execute(
        db,
      );
    }
    await sql`update inbox_responses set device = null where by_id = ${userId} and device is not null`.execute(db);
    await sql`delete from inbox_watchers where principal_id = ${userId}`.execute(db);
    await sql`delete from inbox_item_views where principal_id = ${userId}`.execute(db);
    await sql`delete from inbox_channel_members where user_id = ${userId}`.execute(db);
  },

  /** What a person wrote and answered. Sealed answers are secrets of their items and stay out. */
  export: async (db: Db, userId: string): Promise<Record<string, unknown>> =>
    (
      await sql<{ document: Record<string, unknown> }>`select jsonb_build_object(
        'items_asked', (select coalesce(jsonb_agg(jsonb_build_object('id', i.id, 'org_id', i.org_id, 'title', i.title, 'created_at', i.created_at)
            order by i.created_at), '[]') from inbox_items i where i.created_by_type = 'user' and i.created_by_id = ${userId} and i.deleted_at is null),
        'answers', (select coalesce(jsonb_agg(jsonb_build_object('item_id', r.item_id, 'values', r.values, 'reply', r.reply, 'decision', r.decision,
            'created_at', r.created_at) order by r.created_at), '[]') from inbox_responses r where r.by_type = 'user' and r.by_id = ${userId}),
        'comments', (select coalesce(jsonb_agg(jsonb_build_object('item_id', c.item_id, 'body', c.body, 'created_at', c.created_at)
            order by c.created_at), '[]') from inbox_comments c where c.author_type = 'user' and c.author_id = ${userId}),
        'files', (select coalesce(jsonb_agg(jsonb_build_object('id', a.id, 'item_id', a.item_id, 'name', a.name, 'size', a.size,
            'created_at', a.created_at) order by a.created_at), '[]') from inbox_attachments a where a.uploaded_by_type = 'user' and a.uploaded_by_id = ${userId})
      ) as document`.execute(db)
    ).rows[0]!.document,
};
