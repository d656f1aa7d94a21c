import { type Kysely, sql } from 'kysely';
import type { Schema } from '../../platform/db/schema.gen.ts';
import type { Position } from '../../platform/paging/keyset.ts';

type Db = Kysely<Schema>;

export interface ServerUserRow {
  id: string;
  name: string;
  email: string | null;
  email_verified: boolean;
  state: 'active' | 'disabled' | 'erased';
  is_operator: boolean;
  created_by: 'setup' | 'signup' | 'invite' | 'jit';
  created_at: Date;
  last_login_at: Date | null;
  orgs: { id: string; name: string; role: string; is_personal: boolean }[];
  live_sessions: number;
}

export interface ServerSessionRow {
  id: string;
  user_id: string;
  user_name: string;
  email: string | null;
  is_operator: boolean;
  org_id: string;
  org_name: string;
  amr: string[];
  auth_time: Date;
  ip: string | null;
  user_agent: string | null;
  created_at: Date;
  last_used_at: Date;
  expires_at: Date;
}

const like = (q: string | undefined): string | null =>
  q === undefined || q === '' ? null : `%${q.replace(/[\\%_]/g, '\\$&')}%`;

const users = (now: Date) => sql`
  select u.id, u.name, e.address as email, e.verified_at is not null as email_verified, u.state, u.is_operator, u.created_by,
         u.created_at, u.last_login_at,
         coalesce((select jsonb_agg(jsonb_build_object('id', o.id, 'name', o.name, 'role', r.name, 'is_personal', o.is_personal)
                          order by o.is_personal, m.joined_at)
                     from identity_members m join identity_orgs o on o.id = m.org_id join identity_roles r on r.id = m.role_id
                    where m.user_id = u.id and m.deactivated_at is null), '[]'::jsonb) as orgs,
         (select count(*)::int from identity_sessions s
           where s.user_id = u.id and s.revoked_at is null and s.expires_at > ${now}) as live_sessions
    from identity_users u
    left join identity_emails e on e.user_id = u.id and e.is_primary`;

/** People and sessions of the whole server, for operators. */
export const usersAdminStore = {
  page: async (
    db: Db,
    filter: {
      q?: string | undefined;
      state?: string | undefined;
      operators?: boolean | undefined;
      after: Position<Date> | null;
      limit: number;
      now: Date;
    },
  ): Promise<ServerUserRow[]> => {
    const { after, limit, now } = filter;
    const q = like(filter.q);
    return (
      await sql<ServerUserRow>`${users(now)}
       where (${q}::text is null or u.name ilike ${q} or e.address ilike ${q})
         and (${filter.state ?? null}::text is null or u.state = ${filter.state ?? null})
         and (not ${filter.operators ?? false}::boolean or u.is_operator)
         and (${after?.value ?? null}::timestamptz is null
              or (u.created_at, u.id) < (${after?.value ?? null}, ${after?.id ?? null}::uuid))
       order by u.created_at desc, u.id desc limit ${limit}`.execute(db)
    ).rows;
  },

  find: async (db: Db, id: string, now: Date): Promise<ServerUserRow | null> =>
    (await sql<ServerUserRow>`${users(now)} where u.id = ${id}`.execute(db)).rows[0] ?? null,

  /** Two operators who take each other's rights at once wait for one another here. */
  lockOperators: async (db: Db): Promise<string[]> =>
    (
      await sql<{ id: string }>`select id from identity_users
        where is_operator and state = 'active' order by id for update`.execute(db)
    ).rows.map((row) => row.id),

  lock: async (db: Db, id: string): Promise<{ state: string; is_operator: boolean; name: string } | null> =>
    (
      await sql<{ state: string; is_operator: boolean; name: string }>`
        select state, is_operator, name from identity_users where id = ${id} for update`.execute(db)
    ).rows[0] ?? null,

  setState: async (db: Db, id: string, state: 'active' | 'disabled'): Promise<void> => {
    await sql`update identity_users set state = ${state} where id = ${id}`.execute(db);
  },

  setOperator: async (db: Db, id: string, operator: boolean): Promise<void> => {
    await sql`update identity_users set is_operator = ${operator} where id = ${id}`.execute(db);
  },

  isOperator: async (db: Db, id: string): Promise<boolean> =>
    (await sql`select from identity_users where id = ${id} and is_operator and state = 'active'`.execute(db)).rows
      .length > 0,

  /** Where operators may be listening. */
  operatorOrgs: async (db: Db): Promise<string[]> =>
    (
      await sql<{ org_id: string }>`select distinct m.org_id from identity_users u
        join identity_members m on m.user_id = u.id and m.deactivated_at is null
        join identity_orgs o on o.id = m.org_id and o.deleting_at is null
        where u.is_operator and u.state = 'active' order by 1`.execute(db)
    ).rows.map((row) => row.org_id),

  sessions: async (
    db: Db,
    filter: {
      q?: string | undefined;
      user_id?: string | undefined;
      after: Position<Date> | null;
      limit: number;
      now: Date;
    },
  ): Promise<ServerSessionRow[]> => {
    const { after, limit, now } = filter;
    const q = like(filter.q);
    return (
      await sql<ServerSessionRow>`
        select s.id, s.user_id, u.name as user_name, e.address as email, u.is_operator, s.org_id, o.name as org_name, s.amr,
               s.auth_time, s.ip, s.user_agent, s.created_at, s.last_used_at, s.expires_at
          from identity_sessions s
          join identity_users u on u.id = s.user_id
          join identity_orgs o on o.id = s.org_id
          left join identity_emails e on e.user_id = u.id and e.is_primary
         where s.revoked_at is null and s.expires_at > ${now}
           and (${filter.user_id ?? null}::uuid is null or s.user_id = ${filter.user_id ?? null}::uuid)
           and (${q}::text is null or u.name ilike ${q} or e.address ilike ${q} or s.ip ilike ${q})
           and (${after?.value ?? null}::timestamptz is null
                or (s.created_at, s.id) < (${after?.value ?? null}, ${after?.id ?? null}::uuid))
         order by s.created_at desc, s.id desc limit ${limit}`.execute(db)
    ).rows;
  },

  ownerOfSession: async (db: Db, id: string): Promise<string | null> =>
    (await sql<{ user_id: string }>`select user_id from identity_sessions where id = ${id}`.execute(db)).rows[0]
      ?.user_id ?? null,

  orgNames: async (db: Db, ids: readonly string[]): Promise<{ id: string; name: string }[]> =>
    (
      await sql<{
        id: string;
        name: string;
      }>`select id, name from identity_orgs where id = any(${ids}::uuid[])`.execute(db)
    ).rows,

  principalNames: async (
    db: Db,
    ids: readonly string[],
  ): Promise<{ id: string; name: string; type: 'user' | 'agent' | 'device' | 'service' }[]> =>
    (
      await sql<{ id: string; name: string; type: 'user' | 'agent' | 'device' | 'service' }>`
        select id, name, 'user' as type from identity_users where id = any(${ids}::uuid[])
        union all select id, name, kind::text from identity_agents where id = any(${ids}::uuid[])
        union all select id, name, 'device' from identity_devices where id = any(${ids}::uuid[])`.execute(db)
    ).rows,

  /** Ids of people and agents whose name has this text, for lists that keep ids alone. */
  principalsCalled: async (db: Db, q: string, most: number): Promise<string[]> =>
    (
      await sql<{ id: string }>`
        (select u.id from identity_users u left join identity_emails e on e.user_id = u.id and e.is_primary
          where u.name ilike ${like(q)} or e.address ilike ${like(q)} limit ${most})
        union all (select id from identity_agents where name ilike ${like(q)} limit ${most})
        union all (select id from identity_devices where name ilike ${like(q)} limit ${most})`.execute(db)
    ).rows.map((row) => row.id),

  totals: async (db: Db, now: Date) =>
    (
      await sql<{ users: number; operators: number; orgs: number; agents: number; live_sessions: number }>`
        select (select count(*)::int from identity_users where state = 'active') as users,
               (select count(*)::int from identity_users where state = 'active' and is_operator) as operators,
               (select count(*)::int from identity_orgs where deleting_at is null) as orgs,
               (select count(*)::int from identity_agents where deleted_at is null and deactivated_at is null) as agents,
               (select count(*)::int from identity_sessions where revoked_at is null and expires_at > ${now}) as live_sessions`.execute(
        db,
      )
    ).rows[0]!,
};
