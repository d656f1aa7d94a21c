import type { Actor } from '@atrium/protocol';
import { type RawBuilder, sql } from 'kysely';
import type { Db } from './items-store.ts';

type On = (alias: string) => RawBuilder<boolean>;
export type ChannelMode = 'open' | 'private' | 'direct';

export interface ChannelRow {
  id: string;
  org_id: string;
  name: string;
  description: string;
  mode: ChannelMode;
  team_id: string | null;
  critical: boolean;
  purpose: string | null;
  created_at: Date;
}

/** A channel as one reader sees it. */
export interface ChannelDetails extends ChannelRow {
  team_name: string | null;
  open_items: number;
  members: number;
  muted: boolean | null;
  min_level: 'info' | 'success' | 'warning' | 'error' | null;
  sound: 'default' | 'none' | 'alert' | null;
  email_enabled: boolean | null;
  email_digest: boolean | null;
}

export interface ChannelReader {
  id: string;
  org_id: string;
  /** Items the reader sees; what is open in a channel is counted among them. */
  item: On;
}

const columns = sql.raw(
  'c.id, c.org_id, c.name, c.description, c.mode, c.team_id, c.critical, c.purpose, c.created_at',
);

/** Channels chosen by `rest`, which ends with their order and limit. What is open is counted in one pass for all of them. */
const presentable = async (db: Db, reader: ChannelReader, rest: RawBuilder<unknown>): Promise<ChannelDetails[]> =>
  (
    await sql<ChannelDetails>`
      with page as materialized (select ${columns} from inbox_channels c ${rest}),
      open as (select i.channel_id, count(*)::int as items from inbox_items i
        where i.org_id = ${reader.org_id}::uuid and i.status = 'open' and i.archived_at is null and i.deleted_at is null
          and i.channel_id = any(array(select page.id from page)) and ${reader.item('i')} group by i.channel_id)
      select c.*, team.name as team_name, coalesce(open.items, 0) as open_items,
        (case when c.mode <> 'open' then (select count(*) from inbox_channel_members cm where cm.channel_id = c.id)
          when c.team_id is not null then (select count(*) from identity_team_people tp where tp.org_id = c.org_id and tp.team_id = c.team_id)
          else (select count(*) from identity_principals p where p.org_id = ${reader.org_id}::uuid and p.type = 'user' and p.active) end)::int as members,
        r.muted, r.min_level, r.sound, r.email_enabled, r.email_digest
      from page c
      left join open on open.channel_id = c.id
      left join identity_team_names team on team.org_id = c.org_id and team.id = c.team_id
      left join inbox_channel_rules r on r.channel_id = c.id and r.user_id = ${reader.id}::uuid
      order by lower(c.name), c.id`.execute(db)
  ).rows;

export const listChannels = (
  db: Db,
  reader: ChannelReader,
  visible: On,
  page: { limit: number; after: { key: string; id: string } | null; q: string | undefined },
): Promise<ChannelDetails[]> =>
  presentable(
    db,
    reader,
    sql`where ${visible('c')}
      and ${page.q === undefined || page.q === '' ? sql`true` : sql`strpos(lower(c.name), lower(${page.q})) > 0`}
      and ${page.after === null ? sql`true` : sql`(lower(c.name), c.id) > (${page.after.key}, ${page.after.id}::uuid)`}
      order by lower(c.name), c.id limit ${page.limit}`,
  );

/** Whoever may see it was decided before: also for the answer to an act that cost the caller their sight. */
export const findChannelDetails = async (db: Db, reader: ChannelReader, id: string): Promise<ChannelDetails | null> =>
  (await presentable(db, reader, sql`where c.org_id = ${reader.org_id}::uuid and c.id = ${id}`))[0] ?? null;

export const findChannel = async (db: Db, visible: On, id: string): Promise<ChannelRow | null> =>
  (await sql<ChannelRow>`select ${columns} from inbox_channels c where c.id = ${id} and ${visible('c')}`.execute(db))
    .rows[0] ?? null;

/** The same, locked until the transaction ends; all changes of a channel queue here. */
export const lockChannel = async (db: Db, visible: On, id: string): Promise<ChannelRow | null> =>
  (
    await sql<ChannelRow>`select ${columns} from inbox_channels c where c.id = ${id} and ${visible('c')} for update of c`.execute(
      db,
    )
  ).rows[0] ?? null;

export const insertChannel = async (db: Db, channel: ChannelRow & { created_by: Actor }): Promise<void> => {
  const { created_by: by } = channel;
  await sql`insert into inbox_channels (id, org_id, name, description, mode, team_id, critical, created_by_type, created_by_id, created_by_name, created_at)
    values (${channel.id}, ${channel.org_id}, ${channel.name}, ${channel.description}, ${channel.mode}::inbox_channel_mode, ${channel.team_id},
      ${channel.critical}, ${by.type}::actor_type, ${by.id}, ${by.name}, ${channel.created_at})`.execute(db);
};

export const updateChannel = async (
  db: Db,
  channel: Pick<ChannelRow, 'id' | 'name' | 'description' | 'mode' | 'team_id' | 'critical'>,
): Promise<void> => {
  await sql`update inbox_channels set name = ${channel.name}, description = ${channel.description}, mode = ${channel.mode}::inbox_channel_mode,
    team_id = ${channel.team_id}, critical = ${channel.critical} where id = ${channel.id}`.execute(db);
};

/** The row stays, because it still says who sees the items in it. Returns how many items were archived. */
export const deleteChannel = async (db: Db, channel: { id: string; org_id: string }, at: Date): Promise<number> => {
  await sql`update inbox_channels set deleted_at = ${at}, publish_token_hash = null where id = ${channel.id}`.execute(
    db,
  );
  const archived = await sql`update inbox_items set archived_at = ${at}, updated_at = ${at}
    where org_id = ${channel.org_id} and channel_id = ${channel.id} and archived_at is null and deleted_at is null`.execute(
    db,
  );
  return Number(archived.numAffectedRows ?? 0);
};

/** Is the team one of this organisation, and is the person in it? */
export const findTeam = async (
  db: Db,
  org_id: string,
  team_id: string,
  user_id: string,
): Promise<{ name: string; is_member: boolean } | null> =>
  (
    await sql<{ name: string; is_member: boolean }>`select t.name, exists (select 1 from identity_team_people tp
        where tp.org_id = t.org_id and tp.team_id = t.id and tp.user_id = ${user_id}) as is_member
      from identity_team_names t where t.org_id = ${org_id} and t.id = ${team_id}`.execute(db)
  ).rows[0] ?? null;

/** Takes open items of the channel from people who see them no longer. Returns the items. */
export const unassignBlind = async (
  db: Db,
  channel: { id: string; org_id: string },
  audience: (i: string, p: string) => RawBuilder<boolean>,
  at: Date,
): Promise<string[]> =>
  (
    await sql<{ id: string }>`update inbox_items i set assignee_id = null, updated_at = ${at}
      where i.org_id = ${channel.org_id} and i.channel_id = ${channel.id} and i.status = 'open' and i.deleted_at is null
        and i.assignee_id is not null and not exists (
          select 1 from identity_principals p where p.org_id = i.org_id and p.id = i.assignee_id and ${audience('i', 'p')})
      returning i.id`.execute(db)
  ).rows.map((row) => row.id);

export interface MemberRow {
  id: string;
  name: string;
  created_at: Date;
}

/** Who belongs to a channel: the people listed in a private one, the team, or everybody. Oldest first. */
export const listChannelPeople = async (
  db: Db,
  channel: ChannelRow,
  page: { limit: number; after: { at: Date; id: string } | null },
): Promise<MemberRow[]> => {
  const people =
    channel.mode !== 'open'
      ? sql`select cm.user_id as id, cm.added_at as created_at from inbox_channel_members cm where cm.channel_id = ${channel.id}`
      : channel.team_id !== null
        ? sql`select tp.user_id as id, ${channel.created_at}::timestamptz as created_at from identity_team_people tp
            where tp.org_id = ${channel.org_id} and tp.team_id = ${channel.team_id}`
        : sql`select p.id, ${channel.created_at}::timestamptz as created_at from identity_principals p
            where p.org_id = ${channel.org_id} and p.type = 'user' and p.active`;
  return (
    await sql<MemberRow>`select m.id, p.name, m.created_at from (${people}) m
      join identity_principals p on p.org_id = ${channel.org_id} and p.id = m.id
      where ${page.after === null ? sql`true` : sql`(m.created_at, m.id) > (${page.after.at}, ${page.after.id}::uuid)`}
      order by m.created_at, m.id limit ${page.limit}`.execute(db)
  ).rows;
};

/** People of the organisation among these who are not deactivated. */
export const findActivePeople = async (
  db: Db,
  org_id: string,
  ids: readonly string[],
): Promise<{ id: string; name: string }[]> =>
  (
    await sql<{ id: string; name: string }>`select p.id, p.name from identity_principals p
      where p.org_id = ${org_id} and p.type = 'user' and p.active and p.id = any(${[...ids]}::uuid[])`.execute(db)
  ).rows;

/** Returns when each of them was added, now or earlier. */
export const addChannelMembers = async (
  db: Db,
  channel: { id: string; org_id: string },
  ids: readonly string[],
  at: Date,
): Promise<Date> => {
  if (ids.length === 0) return at;
  const added = await sql<{
    added_at: Date;
  }>`insert into inbox_channel_members as cm (org_id, channel_id, user_id, added_at)
    select ${channel.org_id}::uuid, ${channel.id}::uuid, id, ${at}::timestamptz from unnest(${[...ids]}::uuid[]) as id
    on conflict (channel_id, user_id) do update set added_at = cm.added_at returning added_at`.execute(db);
  return added.rows[0]?.added_at ?? at;
};

export const removeChannelMember = async (db: Db, channel_id: string, user_id: string): Promise<boolean> =>
  (
    await sql<{
      user_id: string;
    }>`delete from inbox_channel_members where channel_id = ${channel_id} and user_id = ${user_id} returning user_id`.execute(
      db,
    )
  ).rows.length === 1;

export const countChannelMembers = async (db: Db, channel_id: string): Promise<number> =>
  (
    await sql<{
      count: number;
    }>`select count(*)::int as count from inbox_channel_members where channel_id = ${channel_id}`.execute(db)
  ).rows[0]!.count;
