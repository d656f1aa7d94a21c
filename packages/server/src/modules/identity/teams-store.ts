import { type Kysely, sql } from 'kysely';
import type { Schema } from '../../platform/db/schema.gen.ts';
import type { Position } from '../../platform/paging/keyset.ts';

type Db = Kysely<Schema>;

export interface TeamRow {
  id: string;
  name: string;
  slug: string;
  description: string;
  members: number;
  created_at: Date;
}

export interface TeamMemberRow {
  user_id: string;
  name: string;
  email: string;
  role: 'lead' | 'member';
  added_at: Date;
}

const columns = sql`t.id, t.name, t.slug, t.description, t.created_at,
  (select count(*)::int from identity_team_memberships tm where tm.team_id = t.id) as members`;
const memberColumns = sql`tm.user_id, u.name, e.address as email, tm.role, tm.added_at`;
const memberJoins = sql`identity_team_memberships tm join identity_users u on u.id = tm.user_id
  join identity_emails e on e.user_id = u.id and e.is_primary`;

/** Teams and who is in them. */
export const teamsStore = {
  find: async (db: Db, orgId: string, id: string): Promise<TeamRow | null> =>
    (await sql<TeamRow>`select ${columns} from identity_teams t where t.org_id = ${orgId} and t.id = ${id}`.execute(db))
      .rows[0] ?? null,

  lock: async (db: Db, orgId: string, id: string): Promise<TeamRow | null> =>
    (
      await sql<TeamRow>`select ${columns} from identity_teams t where t.org_id = ${orgId} and t.id = ${id} for update of t`.execute(
        db,
      )
    ).rows[0] ?? null,

  page: async (db: Db, orgId: string, after: Position<Date> | null, limit: number): Promise<TeamRow[]> =>
    (
      await sql<TeamRow>`select ${columns} from identity_teams t where t.org_id = ${orgId}
           and (${after?.value ?? null}::timestamptz is null or (t.created_at, t.id) < (${after?.value ?? null}, ${after?.id ?? null}::uuid))
         order by t.created_at desc, t.id desc limit ${limit}`.execute(db)
    ).rows,

  slugs: async (db: Db, orgId: string, slug: string): Promise<string[]> =>
    (
      await sql<{ slug: string }>`select slug from identity_teams
        where org_id = ${orgId} and (slug = ${slug} or slug like ${`${slug}-%`})`.execute(db)
    ).rows.map((row) => row.slug),

  insert: async (
    db: Db,
    team: { id: string; org_id: string; name: string; slug: string; description: string; at: Date },
  ): Promise<void> => {
    await sql`insert into identity_teams (id, org_id, name, slug, description, created_at)
      values (${team.id}, ${team.org_id}, ${team.name}, ${team.slug}, ${team.description}, ${team.at})`.execute(db);
  },

  update: async (
    db: Db,
    orgId: string,
    id: string,
    changes: { name?: string | undefined; description?: string | undefined },
  ): Promise<void> => {
    await sql`update identity_teams set name = coalesce(${changes.name ?? null}, name),
        description = coalesce(${changes.description ?? null}, description) where org_id = ${orgId} and id = ${id}`.execute(
      db,
    );
  },

  delete: async (db: Db, orgId: string, id: string): Promise<void> => {
    await sql`delete from identity_teams where org_id = ${orgId} and id = ${id}`.execute(db);
  },

  memberIds: async (db: Db, teamId: string): Promise<string[]> =>
    (
      await sql<{ user_id: string }>`select user_id from identity_team_memberships where team_id = ${teamId}`.execute(
        db,
      )
    ).rows.map((row) => row.user_id),

  membersPage: async (
    db: Db,
    orgId: string,
    teamId: string,
    after: Position<Date> | null,
    limit: number,
  ): Promise<TeamMemberRow[]> =>
    (
      await sql<TeamMemberRow>`select ${memberColumns} from ${memberJoins}
         where tm.org_id = ${orgId} and tm.team_id = ${teamId}
           and (${after?.value ?? null}::timestamptz is null or (tm.added_at, tm.user_id) < (${after?.value ?? null}, ${after?.id ?? null}::uuid))
         order by tm.added_at desc, tm.user_id desc limit ${limit}`.execute(db)
    ).rows,

  findMember: async (db: Db, orgId: string, teamId: string, userId: string): Promise<TeamMemberRow | null> =>
    (
      await sql<TeamMemberRow>`select ${memberColumns} from ${memberJoins}
        where tm.org_id = ${orgId} and tm.team_id = ${teamId} and tm.user_id = ${userId}`.execute(db)
    ).rows[0] ?? null,

  putMember: async (
    db: Db,
    member: { org_id: string; team_id: string; user_id: string; role: 'lead' | 'member'; at: Date },
  ): Promise<void> => {
    await sql`insert into identity_team_memberships (org_id, team_id, user_id, role, added_at)
      values (${member.org_id}, ${member.team_id}, ${member.user_id}, ${member.role}, ${member.at})
      on conflict (team_id, user_id) do update set role = excluded.role`.execute(db);
  },

  deleteMember: async (db: Db, orgId: string, teamId: string, userId: string): Promise<boolean> =>
    (
      await sql`delete from identity_team_memberships
        where org_id = ${orgId} and team_id = ${teamId} and user_id = ${userId} returning user_id`.execute(db)
    ).rows.length > 0,
};
