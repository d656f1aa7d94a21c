import { sql } from 'kysely';
import type { Db } from './items-store.ts';

export interface PublishChannel {
  id: string;
  org_id: string;
  name: string;
  publish_principal: string;
}

/** The principal of a channel stays the same over all its tokens, so that what was published keeps one author. */
export const setPublishToken = async (db: Db, channel_id: string, hash: string, principal: string): Promise<void> => {
  await sql`update inbox_channels set publish_token_hash = ${hash}, publish_principal = coalesce(publish_principal, ${principal}::uuid)
    where id = ${channel_id}`.execute(db);
};

export const clearPublishToken = async (db: Db, channel_id: string): Promise<boolean> =>
  (
    await sql<{ id: string }>`update inbox_channels set publish_token_hash = null
      where id = ${channel_id} and publish_token_hash is not null returning id`.execute(db)
  ).rows.length === 1;

export const findPublishChannel = async (db: Db, hash: string): Promise<PublishChannel | null> =>
  (
    await sql<PublishChannel>`select c.id, c.org_id, c.name, c.publish_principal from inbox_channels c
      where c.publish_token_hash = ${hash} and c.deleted_at is null`.execute(db)
  ).rows[0] ?? null;
