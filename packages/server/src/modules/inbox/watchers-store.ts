import type { Actor } from '@atrium/protocol';
import { sql } from 'kysely';
import type { Db } from './items-store.ts';

export interface WatcherRow {
  id: string;
  type: Actor['type'];
  name: string;
  created_at: Date;
}

/** In the order in which they came. Those who left the organisation are not shown. */
export const listWatchers = async (
  db: Db,
  item: { id: string; org_id: string },
  page: { limit: number; after: { at: Date; id: string } | null },
): Promise<WatcherRow[]> =>
  (
    await sql<WatcherRow>`select p.id, p.type, p.name, w.added_at as created_at from inbox_watchers w
      join identity_principals p on p.org_id = w.org_id and p.id = w.principal_id
      where w.org_id = ${item.org_id} and w.item_id = ${item.id}
        and ${page.after === null ? sql`true` : sql`(w.added_at, w.principal_id) > (${page.after.at}, ${page.after.id}::uuid)`}
      order by w.added_at, w.principal_id limit ${page.limit}`.execute(db)
  ).rows;

export const countWatchers = async (db: Db, item_id: string): Promise<number> =>
  (
    await sql<{ count: number }>`select count(*)::int as count from inbox_watchers where item_id = ${item_id}`.execute(
      db,
    )
  ).rows[0]!.count;

export const isWatching = async (db: Db, item_id: string, principal_id: string): Promise<boolean> =>
  (await sql`select 1 from inbox_watchers where item_id = ${item_id} and principal_id = ${principal_id}`.execute(db))
    .rows.length === 1;

export const removeWatcher = async (db: Db, item_id: string, principal_id: string): Promise<boolean> =>
  (
    await sql`delete from inbox_watchers where item_id = ${item_id} and principal_id = ${principal_id} returning 1`.execute(
      db,
    )
  ).rows.length === 1;
