import type { Actor } from '@atrium/protocol';
import { sql } from 'kysely';
import type { Db } from './items-store.ts';

export interface CommentRow {
  id: string;
  item_id: string;
  author_type: Actor['type'];
  author_id: string | null;
  author_name: string;
  body: string;
  created_at: Date;
}

/** Oldest first. */
export const listComments = async (
  db: Db,
  item: { id: string; org_id: string },
  page: { limit: number; after: { at: Date; id: string } | null },
): Promise<CommentRow[]> =>
  (
    await sql<CommentRow>`select m.id, m.item_id, m.author_type, m.author_id, m.author_name, m.body, m.created_at from inbox_comments m
      where m.org_id = ${item.org_id} and m.item_id = ${item.id}
        and ${page.after === null ? sql`true` : sql`(m.created_at, m.id) > (${page.after.at}, ${page.after.id}::uuid)`}
      order by m.created_at, m.id limit ${page.limit}`.execute(db)
  ).rows;
