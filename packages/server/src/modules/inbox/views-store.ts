import { sql } from 'kysely';
import type { Db } from './items-store.ts';

export interface ViewRow {
  id: string;
  org_id: string;
  user_id: string;
  name: string;
  filter: Record<string, unknown>;
  position: number;
  created_at: Date;
}

const columns = sql.raw('v.id, v.org_id, v.user_id, v.name, v.filter, v.position, v.created_at');
type Owner = Pick<ViewRow, 'org_id' | 'user_id'>;

export const listViews = async (
  db: Db,
  owner: Owner,
  page: { limit: number; after: { key: string; id: string } | null },
): Promise<ViewRow[]> =>
  (
    await sql<ViewRow>`select ${columns} from inbox_views v where v.org_id = ${owner.org_id} and v.user_id = ${owner.user_id}
      and ${page.after === null ? sql`true` : sql`(v.position, v.id) > (${Number(page.after.key)}::int, ${page.after.id}::uuid)`}
      order by v.position, v.id limit ${page.limit}`.execute(db)
  ).rows;

/** Behind the views that the person has. */
export const insertView = async (db: Db, view: Omit<ViewRow, 'position'>): Promise<ViewRow> =>
  (
    await sql<ViewRow>`insert into inbox_views as v (id, org_id, user_id, name, filter, position, created_at)
      select ${view.id}::uuid, ${view.org_id}::uuid, ${view.user_id}::uuid, ${view.name}, ${JSON.stringify(view.filter)}::jsonb,
        least(coalesce(max(o.position) + 1, 0), 10000), ${view.created_at}::timestamptz
      from inbox_views o where o.org_id = ${view.org_id} and o.user_id = ${view.user_id} returning ${columns}`.execute(
      db,
    )
  ).rows[0]!;

export const updateView = async (
  db: Db,
  owner: Owner,
  id: string,
  change: { name: string | null; filter: Record<string, unknown> | null; position: number | null },
): Promise<ViewRow | null> =>
  (
    await sql<ViewRow>`update inbox_views v set name = coalesce(${change.name}, v.name), position = coalesce(${change.position}::int, v.position),
        filter = coalesce(${change.filter === null ? null : JSON.stringify(change.filter)}::jsonb, v.filter)
      where v.id = ${id} and v.org_id = ${owner.org_id} and v.user_id = ${owner.user_id} returning ${columns}`.execute(
      db,
    )
  ).rows[0] ?? null;

export const deleteView = async (db: Db, owner: Owner, id: string): Promise<boolean> =>
  (
    await sql<{
      id: string;
    }>`delete from inbox_views where id = ${id} and org_id = ${owner.org_id} and user_id = ${owner.user_id} returning id`.execute(
      db,
    )
  ).rows.length === 1;
