import { sql } from 'kysely';
import type { Json } from './items-rows.ts';
import type { Db } from './items-store.ts';

export interface DraftRow {
  values: Json;
  sealed_values: string | null;
  page: string | null;
  updated_at: Date;
}

export const findDraft = async (db: Db, item_id: string, user_id: string): Promise<DraftRow | null> =>
  (
    await sql<DraftRow>`select "values", sealed_values, page, updated_at from inbox_drafts
      where item_id = ${item_id} and user_id = ${user_id}`.execute(db)
  ).rows[0] ?? null;

export const saveDraft = async (
  db: Db,
  org_id: string,
  item_id: string,
  user_id: string,
  draft: DraftRow,
): Promise<void> => {
  await sql`insert into inbox_drafts (org_id, item_id, user_id, "values", sealed_values, page, updated_at)
    values (${org_id}, ${item_id}, ${user_id}, ${JSON.stringify(draft.values)}::jsonb, ${draft.sealed_values}, ${draft.page}, ${draft.updated_at})
    on conflict (item_id, user_id) do update set "values" = excluded."values", sealed_values = excluded.sealed_values,
      page = excluded.page, updated_at = excluded.updated_at`.execute(db);
};

export const deleteDraft = async (db: Db, item_id: string, user_id: string): Promise<void> => {
  await sql`delete from inbox_drafts where item_id = ${item_id} and user_id = ${user_id}`.execute(db);
};

/** Drafts nobody needs any more: of items that closed before `before`. */
export const deleteOldDrafts = async (db: Db, before: Date): Promise<void> => {
  await sql`delete from inbox_drafts d using inbox_items i
    where i.id = d.item_id and i.status <> 'open' and i.updated_at < ${before}`.execute(db);
};
