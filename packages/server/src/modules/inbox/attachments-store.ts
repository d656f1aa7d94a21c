import type { Actor } from '@atrium/protocol';
import { type RawBuilder, sql } from 'kysely';
import type { Db } from './items-store.ts';

type On = (alias: string) => RawBuilder<boolean>;

export interface AttachmentRow {
  id: string;
  org_id: string;
  item_id: string;
  name: string;
  size: number;
  mime: string;
  sha256: string;
  uploaded_by_type: Actor['type'];
  uploaded_by_id: string | null;
  uploaded_by_name: string;
  created_at: Date;
}

const columns = sql.raw(
  'a.id, a.org_id, a.item_id, a.name, a.size::float8 as size, a.mime, a.sha256, a.uploaded_by_type, a.uploaded_by_id, a.uploaded_by_name, a.created_at',
);

/** Oldest first. */
export const listAttachments = async (
  db: Db,
  item: { id: string; org_id: string },
  page: { limit: number; after: { at: Date; id: string } | null },
): Promise<AttachmentRow[]> =>
  (
    await sql<AttachmentRow>`select ${columns} from inbox_attachments a where a.org_id = ${item.org_id} and a.item_id = ${item.id}
        and ${page.after === null ? sql`true` : sql`(a.created_at, a.id) > (${page.after.at}, ${page.after.id}::uuid)`}
      order by a.created_at, a.id limit ${page.limit}`.execute(db)
  ).rows;

export const countAttachments = async (db: Db, item: { id: string; org_id: string }): Promise<number> =>
  (
    await sql<{ count: number }>`select count(*)::int as count from inbox_attachments a
      where a.org_id = ${item.org_id} and a.item_id = ${item.id}`.execute(db)
  ).rows[0]!.count;

/** A file is seen by whoever sees its item. */
export const findAttachment = async (db: Db, visible: On, id: string): Promise<AttachmentRow | null> =>
  (
    await sql<AttachmentRow>`select ${columns} from inbox_attachments a join inbox_items i on i.org_id = a.org_id and i.id = a.item_id
      where a.id = ${id} and ${visible('i')}`.execute(db)
  ).rows[0] ?? null;

export const insertAttachment = async (db: Db, row: AttachmentRow): Promise<void> => {
  await sql`insert into inbox_attachments (id, org_id, item_id, name, size, mime, sha256, uploaded_by_type, uploaded_by_id, uploaded_by_name, created_at)
    values (${row.id}, ${row.org_id}, ${row.item_id}, ${row.name}, ${row.size}, ${row.mime}, ${row.sha256}, ${row.uploaded_by_type}::actor_type,
      ${row.uploaded_by_id}, ${row.uploaded_by_name}, ${row.created_at})`.execute(db);
};

export const deleteAttachment = async (db: Db, id: string): Promise<boolean> =>
  (await sql`delete from inbox_attachments where id = ${id} returning 1`.execute(db)).rows.length === 1;

/** Takes the files of deleted items away, a batch at a time. Returns their hashes, one for each row. */
export const takeOrphans = async (db: Db, limit: number): Promise<string[]> =>
  (
    await sql<{ sha256: string }>`delete from inbox_attachments where id in (
        select a.id from inbox_attachments a join inbox_items i on i.org_id = a.org_id and i.id = a.item_id
        where i.deleted_at is not null limit ${limit} for update of a skip locked)
      returning sha256`.execute(db)
  ).rows.map((row) => row.sha256);
