import { type RawBuilder, sql } from 'kysely';
import type { Db } from './items-store.ts';

type On = (alias: string) => RawBuilder<boolean>;

export interface ChannelName {
  id: string;
  name: string;
}

/** Channels the caller may name, by id or by name, among these words. */
export const findNamedChannels = async (db: Db, visible: On, words: readonly string[]): Promise<ChannelName[]> =>
  (
    await sql<ChannelName>`select c.id, c.name from inbox_channels c where ${visible('c')}
      and (c.id::text = any(${words.map((word) => word.toLowerCase())}::text[]) or lower(c.name) = any(${words.map((word) => word.toLowerCase())}::text[]))`.execute(
      db,
    )
  ).rows;

export const findChannelNames = async (db: Db, visible: On, limit: number): Promise<string[]> =>
  (
    await sql<{
      name: string;
    }>`select c.name from inbox_channels c where ${visible('c')} order by c.name limit ${limit}`.execute(db)
  ).rows.map((row) => row.name);

/** Null when a channel of that name exists, whether or not the caller could see it. */
export const insertOpenChannel = async (
  db: Db,
  channel: {
    id: string;
    org_id: string;
    name: string;
    at: Date;
    by: { type: string; id: string | null; name: string };
  },
): Promise<ChannelName | null> =>
  (
    await sql<ChannelName>`insert into inbox_channels (id, org_id, name, created_by_type, created_by_id, created_by_name, created_at)
      values (${channel.id}, ${channel.org_id}, ${channel.name}, ${channel.by.type}::actor_type, ${channel.by.id}, ${channel.by.name}, ${channel.at})
      on conflict do nothing returning id, name`.execute(db)
  ).rows[0] ?? null;
