import { type RawBuilder, sql } from 'kysely';
import type { Db } from './items-store.ts';

type Between = (subject: string, p: string) => RawBuilder<boolean>;
type On = (alias: string) => RawBuilder<boolean>;

/** For each principal that sees any of the items: which. */
export const findItemAudiences = async (
  db: Db,
  org_id: string,
  item_ids: readonly string[],
  principals: readonly string[],
  audience: Between,
): Promise<{ id: string; item_ids: string[] }[]> =>
  (
    await sql<{ id: string; item_ids: string[] }>`select p.id, array_agg(i.id) as item_ids from inbox_items i
      join identity_principals p on p.org_id = i.org_id and p.id = any(${[...principals]}::uuid[])
      where i.org_id = ${org_id} and i.id = any(${[...item_ids]}::uuid[]) and ${audience('i', 'p')} group by p.id`.execute(
      db,
    )
  ).rows;

export const findChannelAudience = async (
  db: Db,
  org_id: string,
  channel_id: string,
  principals: readonly string[],
  audience: Between,
): Promise<string[]> =>
  (
    await sql<{ id: string }>`select p.id from inbox_channels c
      join identity_principals p on p.org_id = c.org_id and p.id = any(${[...principals]}::uuid[])
      where c.org_id = ${org_id} and c.id = ${channel_id} and ${audience('c', 'p')}`.execute(db)
  ).rows.map((row) => row.id);

/** Items and channels among these that a reader sees, in one statement. */
export const findSeen = async (
  db: Db,
  ids: { items: readonly string[]; channels: readonly string[] },
  visible: { item: On; channel: On },
): Promise<Set<string>> =>
  new Set(
    (
      await sql<{
        id: string;
      }>`select i.id from inbox_items i where i.id = any(${[...ids.items]}::uuid[]) and ${visible.item('i')}
        union all
        select c.id from inbox_channels c where c.id = any(${[...ids.channels]}::uuid[]) and ${visible.channel('c')}`.execute(
        db,
      )
    ).rows.map((row) => row.id),
  );

/** Who asked something that the reader sees, with how much of it is open. */
export const findAskingAgents = async (
  db: Db,
  visible: On,
): Promise<{ id: string; type: string; name: string; items: number; open: number; last_item_at: Date }[]> =>
  (
    await sql<{ id: string; type: string; name: string; items: number; open: number; last_item_at: Date }>`
      select i.created_by_id as id, max(i.created_by_type::text) as type, max(i.created_by_name) as name, count(*)::int as items,
        (count(*) filter (where i.status = 'open'))::int as open, max(i.created_at) as last_item_at
      from inbox_items i where ${visible('i')} and i.created_by_type in ('agent', 'device', 'service')
      group by i.created_by_id order by max(i.created_at) desc limit 200`.execute(db)
  ).rows;
