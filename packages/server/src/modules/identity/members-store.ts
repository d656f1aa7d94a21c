import type { SystemRole } from '@atrium/protocol';
import { type Kysely, sql } from 'kysely';
import type { Schema } from '../../platform/db/schema.gen.ts';
import type { Position } from '../../platform/paging/keyset.ts';

type Db = Kysely<Schema>;

export interface MemberRow {
  user_id: string;
  email: string;
  name: string;
  role_id: string;
  role_name: string;
  role_system: SystemRole | null;
  role_permissions: string[];
  teams: { id: string; name: string }[];
  joined_at: Date;
  last_seen_at: Date | null;
  deactivated_at: Date | null;
}

export interface PersonRow {
  id: string;
  kind: 'user' | 'agent';
  name: string;
}

const select = (orgId: string) => sql`
  select m.user_id, e.address as email, u.name, r.id as role_id, r.name as role_name, r.system as role_system,
         r.permissions as role_permissions, m.joined_at, m.last_seen_at, m.deactivated_at,
         coalesce((select jsonb_agg(jsonb_build_object('id', t.id, 'name', t.name) order by lower(t.name))
                     from identity_team_memberships tm join identity_teams t on t.id = tm.team_id
                    where tm.org_id = m.org_id and tm.user_id = m.user_id), '[]') as teams
    from identity_members m
    join identity_users u on u.id = m.user_id
    join identity_emails e on e.user_id = u.id and e.is_primary
    join identity_roles r on r.id = m.role_id
   where m.org_id = ${orgId}`;

/** Text that LIKE takes literally. */
const pattern = (q: string | undefined): string | null =>
  q === undefined || q === '' ? null : `%${q.replace(/[\\%_]/g, '\\$&')}%`;

/** People in an organisation. */
export const membersStore = {
  find: async (db: Db, orgId: string, userId: string): Promise<MemberRow | null> =>
    (await sql<MemberRow>`${select(orgId)} and m.user_id = ${userId}`.execute(db)).rows[0] ?? null,

  page: async (
    db: Db,
    orgId: string,
    q: string | undefined,
    after: Position<Date> | null,
    limit: number,
  ): Promise<MemberRow[]> =>
    (
      await sql<MemberRow>`${select(orgId)}
         and (${pattern(q)}::text is null or u.name ilike ${pattern(q)} or e.address ilike ${pattern(q)})
         and (${after?.value ?? null}::timestamptz is null or (m.joined_at, m.user_id) < (${after?.value ?? null}, ${after?.id ?? null}::uuid))
       order by m.joined_at desc, m.user_id desc limit ${limit}`.execute(db)
    ).rows,

  people: async (
    db: Db,
    orgId: string,
    q: string | undefined,
    after: Position<string> | null,
    limit: number,
  ): Promise<PersonRow[]> =>
    (
      await sql<PersonRow>`
        select p.id, p.type::text as kind, p.name from identity_principals p
         where p.org_id = ${orgId} and p.active and p.type in ('user', 'agent')
           and (${pattern(q)}::text is null or p.name ilike ${pattern(q)})
           and (${after?.value ?? null}::text is null or (p.name, p.id) > (${after?.value ?? null}, ${after?.id ?? null}::uuid))
         order by p.name, p.id limit ${limit}`.execute(db)
    ).rows,

  /** False when the person is a member already. */
  insert: async (db: Db, member: { org_id: string; user_id: string; role_id: string; at: Date }): Promise<boolean> =>
    (
      await sql`insert into identity_members (org_id, user_id, role_id, joined_at)
        values (${member.org_id}, ${member.user_id}, ${member.role_id}, ${member.at})
        on conflict (org_id, user_id) do nothing returning user_id`.execute(db)
    ).rows.length > 0,

  /** Owners who can act, without the one given. Counted under the lock of the organisation. */
  otherOwners: async (db: Db, orgId: string, userId: string): Promise<number> =>
    (
      await sql<{ count: number }>`
        select count(*)::int as count from identity_members m
          join identity_roles r on r.id = m.role_id and r.system = 'owner'
          join identity_users u on u.id = m.user_id and u.state = 'active'
         where m.org_id = ${orgId} and m.user_id <> ${userId} and m.deactivated_at is null`.execute(db)
    ).rows[0]!.count,

  setRole: async (db: Db, orgId: string, userId: string, roleId: string): Promise<void> => {
    await sql`update identity_members set role_id = ${roleId} where org_id = ${orgId} and user_id = ${userId}`.execute(
      db,
    );
  },
  setDeactivated: async (db: Db, orgId: string, userId: string, at: Date | null): Promise<void> => {
    await sql`update identity_members set deactivated_at = ${at} where org_id = ${orgId} and user_id = ${userId}`.execute(
      db,
    );
  },
  delete: async (db: Db, orgId: string, userId: string): Promise<void> => {
    await sql`delete from identity_members where org_id = ${orgId} and user_id = ${userId}`.execute(db);
  },
  orgIds: async (db: Db, userId: string): Promise<string[]> =>
    (await sql<{ org_id: string }>`select org_id from identity_members where user_id = ${userId}`.execute(db)).rows.map(
      (row) => row.org_id,
    ),
};
