import type { Actor } from '@atrium/protocol';
import { sql } from 'kysely';
import type { Decision, Json } from './items-rows.ts';
import type { Db } from './items-store.ts';

export interface NewResponse {
  id: string;
  org_id: string;
  item_id: string;
  by: Actor;
  source: string;
  values: Json | null;
  reply: Json | null;
  decision: Decision | null;
  generation: number;
  device: string | null;
  supersedes: string | null;
  at: Date;
}

const json = (value: Json | null) => (value === null ? sql`null` : sql`${JSON.stringify(value)}::jsonb`);

export const insertResponse = async (db: Db, response: NewResponse): Promise<void> => {
  const { by } = response;
  await sql`insert into inbox_responses
      (id, org_id, item_id, by_type, by_id, by_name, source, "values", reply, decision, generation, device, supersedes, created_at)
    values (${response.id}, ${response.org_id}, ${response.item_id}, ${by.type}::actor_type, ${by.id}, ${by.name}, ${response.source},
      ${json(response.values)}, ${json(response.reply)}, ${response.decision}, ${response.generation}, ${response.device},
      ${response.supersedes}, ${response.at})`.execute(db);
};

/** The newest reply of each person in one life of an item, oldest first. */
export const findNewestReplies = async (
  db: Db,
  item: { id: string; org_id: string; generation: number },
): Promise<{ by_id: string; decision: Decision; reply: Json | null }[]> =>
  (
    await sql<{ by_id: string; decision: Decision; reply: Json | null }>`select by_id, decision, reply from (
        select distinct on (r.by_id) r.id, r.by_id, coalesce(r.decision, 'accept') as decision, r.reply, r.created_at
        from inbox_responses r
        where r.org_id = ${item.org_id} and r.item_id = ${item.id} and r.generation = ${item.generation}
        order by r.by_id, r.created_at desc, r.id desc) newest
      order by created_at, id`.execute(db)
  ).rows;

export const findLatestResponseId = async (
  db: Db,
  item: { id: string; org_id: string },
  by_id: string,
): Promise<string | null> =>
  (
    await sql<{ id: string }>`select id from inbox_responses
      where org_id = ${item.org_id} and item_id = ${item.id} and by_id = ${by_id} order by created_at desc, id desc limit 1`.execute(
      db,
    )
  ).rows[0]?.id ?? null;

/** Reads the encrypted answer of the principal who asked and removes it, in one step. */
export const takeSealed = async (db: Db, item_id: string, created_by_id: string, at: Date): Promise<string | null> =>
  (
    await sql<{ sealed_values: string }>`with taken as (
        select i.id, i.sealed_values from inbox_items i
        where i.id = ${item_id} and i.created_by_id = ${created_by_id} and i.sealed_values is not null for update)
      update inbox_items i set sealed_values = null, sealed_taken_at = ${at} from taken
      where i.id = taken.id returning taken.sealed_values`.execute(db)
  ).rows[0]?.sealed_values ?? null;

export interface AttachmentFacts {
  id: string;
  name: string;
  size: number;
  mime: string;
}

export const findAttachmentFacts = async (
  db: Db,
  item: { id: string; org_id: string },
  ids: readonly string[],
): Promise<AttachmentFacts[]> =>
  (
    await sql<AttachmentFacts>`select id, name, size::float8 as size, mime from inbox_attachments
      where org_id = ${item.org_id} and item_id = ${item.id} and id = any(${[...ids]}::uuid[])`.execute(db)
  ).rows;
