import { sql } from 'kysely';
import type { Db } from './items-store.ts';

export const insertSystemChannel = async (
  db: Db,
  channel: {
    id: string;
    org_id: string;
    name: string;
    description: string;
    mode: 'open' | 'private';
    purpose: string | null;
    at: Date;
  },
): Promise<boolean> =>
  (
    await sql<{
      id: string;
    }>`insert into inbox_channels (id, org_id, name, description, mode, purpose, created_by_type, created_by_name, created_at)
      values (${channel.id}, ${channel.org_id}, ${channel.name}, ${channel.description}, ${channel.mode}, ${channel.purpose}, 'system', 'Atrium', ${channel.at})
      on conflict do nothing returning id`.execute(db)
  ).rows.length === 1;

export const findChannelByPurpose = async (db: Db, org_id: string, purpose: string): Promise<string | null> =>
  (
    await sql<{
      id: string;
    }>`select id from inbox_channels where org_id = ${org_id} and purpose = ${purpose} for update`.execute(db)
  ).rows[0]?.id ?? null;

/** Makes the members of a channel exactly the Owners and Admins of now. */
export const setAdminsAsMembers = async (db: Db, org_id: string, channel_id: string, at: Date): Promise<void> => {
  const admins = sql`select p.id from identity_principals p where p.org_id = ${org_id} and p.type = 'user' and p.active and p.system_role in ('owner', 'admin')`;
  await sql`delete from inbox_channel_members where channel_id = ${channel_id} and user_id not in (${admins})`.execute(
    db,
  );
  await sql`insert into inbox_channel_members (org_id, channel_id, user_id, added_at)
    select ${org_id}, ${channel_id}, a.id, ${at} from (${admins}) a on conflict do nothing`.execute(db);
};

/**
 * Channels of a team lose it. Those that the team saw become private with these people in them; private ones keep their
 * own members, or the team would gain access by being deleted. Returns all of them.
 */
export const closeTeamChannels = async (
  db: Db,
  team: { org_id: string; id: string; member_ids: readonly string[] },
  at: Date,
): Promise<{ id: string; name: string }[]> => {
  const closed = (
    await sql<{ id: string; name: string }>`update inbox_channels c set team_id = null, mode = 'private'
      where c.org_id = ${team.org_id} and c.team_id = ${team.id} and c.mode = 'open' returning c.id, c.name`.execute(db)
  ).rows;
  await sql`insert into inbox_channel_members (org_id, channel_id, user_id, added_at)
    select ${team.org_id}, c.id, m.id, ${at}
    from unnest(${closed.map((channel) => channel.id)}::uuid[]) as c(id), unnest(${[...team.member_ids]}::uuid[]) as m(id)
    on conflict do nothing`.execute(db);
  const others = await sql<{ id: string; name: string }>`update inbox_channels c set team_id = null
    where c.org_id = ${team.org_id} and c.team_id = ${team.id} returning c.id, c.name`.execute(db);
  return [...closed, ...others.rows];
};

/** Every stored file of an organisation, once for each attachment that refers to it. */
export const findOrgBlobs = async (db: Db, org_id: string): Promise<string[]> =>
  (
    await sql<{
      sha256: string;
    }>`select sha256 from inbox_attachments where org_id = ${org_id} order by sha256`.execute(db)
  ).rows.map((row) => row.sha256);

export const sumAttachmentBytes = async (db: Db, org_id: string): Promise<number> =>
  (
    await sql<{
      bytes: number;
    }>`select coalesce(sum(size), 0)::float8 as bytes from inbox_attachments where org_id = ${org_id}`.execute(db)
  ).rows[0]!.bytes;
