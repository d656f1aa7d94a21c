import { sql } from 'kysely';
import type { ItemRow, OutsideDecision } from './items-rows.ts';
import { type Db, itemColumnsOf } from './items-store.ts';

/** The open item that stands for a request, locked. */
export const lockOpenQuestion = async (
  db: Db,
  org_id: string,
  { kind, id }: OutsideDecision,
): Promise<ItemRow | null> =>
  (
    await sql<ItemRow>`select ${itemColumnsOf('i')} from inbox_items i
      where i.org_id = ${org_id} and i.status = 'open' and i.deleted_at is null
        and ${kind === 'oauth_approval' ? sql`i.oauth_approval_id = ${id}` : sql`i.decides_kind = ${kind} and i.decides_id = ${id}`}
      for update`.execute(db)
  ).rows[0] ?? null;

/** Makes one person the only member of a channel, whoever was let in since. */
export const setOnlyMember = async (
  db: Db,
  channel: { id: string; org_id: string },
  user_id: string,
  at: Date,
): Promise<void> => {
  await sql`delete from inbox_channel_members where channel_id = ${channel.id} and user_id <> ${user_id}`.execute(db);
  await sql`insert into inbox_channel_members (org_id, channel_id, user_id, added_at)
    values (${channel.org_id}, ${channel.id}, ${user_id}, ${at}) on conflict do nothing`.execute(db);
};
