import type { Actor } from '@atrium/protocol';
import { type RawBuilder, sql } from 'kysely';
import type { Db } from './items-store.ts';

type Audience = (i: string, p: string) => RawBuilder<boolean>;

export interface PersonRow {
  id: string;
  type: string;
  name: string;
}

/** Teams among these with at least one person who sees the item. */
export const findTeamsWithAudience = async (
  db: Db,
  item_id: string,
  teams: readonly string[],
  audience: Audience,
): Promise<string[]> =>
  (
    await sql<{ team_id: string }>`select distinct tp.team_id from inbox_items i
      join identity_team_people tp on tp.org_id = i.org_id and tp.team_id = any(${[...teams]}::uuid[])
      join identity_principals p on p.org_id = i.org_id and p.id = tp.user_id
      where i.id = ${item_id} and ${audience('i', 'p')}`.execute(db)
  ).rows.map((row) => row.team_id);

/** People of a team who see the item. */
export const findTeamAudience = async (
  db: Db,
  item_id: string,
  team_id: string,
  audience: Audience,
): Promise<PersonRow[]> =>
  (
    await sql<PersonRow>`select p.id, p.type, p.name from inbox_items i
      join identity_team_people tp on tp.org_id = i.org_id and tp.team_id = ${team_id}
      join identity_principals p on p.org_id = i.org_id and p.id = tp.user_id
      where i.id = ${item_id} and ${audience('i', 'p')}`.execute(db)
  ).rows;

/** Listed members of a channel who see the item. */
export const findChannelMemberAudience = async (
  db: Db,
  item_id: string,
  channel_id: string,
  audience: Audience,
): Promise<PersonRow[]> =>
  (
    await sql<PersonRow>`select p.id, p.type, p.name from inbox_items i
      join inbox_channel_members cm on cm.org_id = i.org_id and cm.channel_id = ${channel_id}
      join identity_principals p on p.org_id = i.org_id and p.id = cm.user_id
      where i.id = ${item_id} and ${audience('i', 'p')}`.execute(db)
  ).rows;

/** Who owns an agent now; the item keeps who owned it when it asked. */
export const findOwner = async (db: Db, org_id: string, principal_id: string): Promise<string | null> =>
  (
    await sql<{ owner_id: string | null }>`select owner_id from identity_principals
      where org_id = ${org_id} and id = ${principal_id} and type <> 'user' limit 1`.execute(db)
  ).rows[0]?.owner_id ?? null;

export const findPrincipal = async (db: Db, org_id: string, id: string): Promise<PersonRow | null> =>
  (
    await sql<PersonRow>`select id, type, name from identity_principals where org_id = ${org_id} and id = ${id} limit 1`.execute(
      db,
    )
  ).rows[0] ?? null;

/** The note of somebody who hands an item on, kept as a comment. */
export const insertNote = async (
  db: Db,
  note: { id: string; org_id: string; item_id: string; author: Actor; body: string; mentions: string[]; at: Date },
): Promise<void> => {
  await sql`insert into inbox_comments (id, org_id, item_id, author_type, author_id, author_name, body, mentions, created_at)
    values (${note.id}, ${note.org_id}, ${note.item_id}, ${note.author.type}::actor_type, ${note.author.id}, ${note.author.name},
      ${note.body}, ${note.mentions}::uuid[], ${note.at})`.execute(db);
};
