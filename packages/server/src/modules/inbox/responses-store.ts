import type { Actor } from '@atrium/protocol';
import { sql } from 'kysely';
import type { Json } from './items-rows.ts';
import type { Db } from './items-store.ts';

export interface ResponseRow {
  id: string;
  item_id: string;
  by_type: Actor['type'];
  by_id: string | null;
  by_name: string;
  source: string;
  values: Json | null;
  reply: Json | null;
  device: string | null;
  supersedes: string | null;
  created_at: Date;
}

/** Newest first. */
export const findResponses = async (
  db: Db,
  item: { id: string; org_id: string },
  page: { limit: number; before: { at: Date; id: string } | null },
): Promise<ResponseRow[]> =>
  (
    await sql<ResponseRow>`select id, item_id, by_type, by_id, by_name, source, "values", reply, device, supersedes, created_at
      from inbox_responses r where r.org_id = ${item.org_id} and r.item_id = ${item.id}
        and ${page.before === null ? sql`true` : sql`(r.created_at, r.id) < (${page.before.at}, ${page.before.id}::uuid)`}
      order by r.created_at desc, r.id desc limit ${page.limit}`.execute(db)
  ).rows;
