import type { channelRules } from '@atrium/protocol';
import { sql } from 'kysely';
import type { z } from 'zod';
import type { Db } from './items-store.ts';

export type ChannelRules = z.infer<typeof channelRules>;

export const findChannelRules = async (db: Db, channel_id: string, user_id: string): Promise<ChannelRules | null> =>
  (
    await sql<ChannelRules>`select muted, min_level, sound, email_enabled, email_digest from inbox_channel_rules
      where channel_id = ${channel_id} and user_id = ${user_id}`.execute(db)
  ).rows[0] ?? null;

export const saveChannelRules = async (
  db: Db,
  of: { org_id: string; channel_id: string; user_id: string },
  rules: ChannelRules,
): Promise<void> => {
  await sql`insert into inbox_channel_rules (org_id, channel_id, user_id, muted, min_level, sound, email_enabled, email_digest)
    values (${of.org_id}, ${of.channel_id}, ${of.user_id}, ${rules.muted}, ${rules.min_level}::inbox_item_level, ${rules.sound}, ${rules.email_enabled}, ${rules.email_digest})
    on conflict (channel_id, user_id) do update set muted = excluded.muted, min_level = excluded.min_level, sound = excluded.sound,
      email_enabled = excluded.email_enabled, email_digest = excluded.email_digest`.execute(db);
};
