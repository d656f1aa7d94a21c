import type { PrincipalKind, SystemRole } from '@atrium/protocol';
import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { Schema } from '../../platform/db/schema.gen.ts';
import type { ItemScope } from '../../platform/operations/caller.ts';

type Db = Kysely<Schema>;

/** Everything a Caller is made of, for a credential that is good now. */
export interface CallerRow {
  kind: PrincipalKind;
  id: string;
  name: string;
  org_id: string;
  org_name: string;
  system_role: SystemRole | null;
  role_id: string;
  permissions: string[];
  scopes: string[];
  item_scope: ItemScope;
  owner_id: string | null;
  is_operator: boolean;
  credential_id: string | null;
  expires_at: Date | null;
}

const first = async (query: RawBuilder<CallerRow>, db: Db): Promise<CallerRow | null> =>
  (await query.execute(db)).rows[0] ?? null;

/** Rights of an operator need a sign-in within twelve hours. */
const sessionQuery = (match: RawBuilder<unknown>, now: Date) => sql<CallerRow>`
  select 'user' as kind, u.id, u.name, o.id as org_id, o.name as org_name, r.system as system_role, r.id as role_id,
         r.permissions, array['*'] as scopes, '{"kind":"org"}'::jsonb as item_scope, null as owner_id,
         (u.is_operator and s.auth_time > ${now}::timestamptz - interval '12 hours') as is_operator,
         s.id as credential_id, s.expires_at
    from identity_sessions s
    join identity_users u on u.id = s.user_id and u.state = 'active'
    join identity_orgs o on o.id = s.org_id
    join identity_members m on m.org_id = s.org_id and m.user_id = s.user_id and m.deactivated_at is null
    join identity_roles r on r.id = m.role_id
   where ${match} and s.revoked_at is null and s.expires_at > ${now}`;

const keyQuery = (match: RawBuilder<unknown>, now: Date) => sql<CallerRow>`
  select coalesce(a.kind::text, 'user') as kind, coalesce(a.id, u.id) as id, coalesce(a.name, u.name) as name,
         o.id as org_id, o.name as org_name, r.system as system_role, r.id as role_id, r.permissions,
         case when a.id is null then k.scopes
              else array(
                select s from unnest(k.scopes) s
                 where s = any(a.scopes) or (s like 'access:%' and 'access:*' = any(a.scopes))
              ) || array(
                select s from unnest(a.scopes) s
                 where s like 'access:%' and 'access:*' = any(k.scopes) and s <> all(k.scopes)
              ) end as scopes,
         coalesce(a.item_scope, '{"kind":"org"}'::jsonb) as item_scope, coalesce(a.owner_id, u.id) as owner_id,
         false as is_operator, k.id as credential_id, k.expires_at
    from identity_api_keys k
    join identity_orgs o on o.id = k.org_id
    left join identity_agents a on a.id = k.agent_id and a.deactivated_at is null and a.deleted_at is null
    left join identity_members m on m.org_id = k.org_id and m.user_id = k.user_id and m.deactivated_at is null
    left join identity_users u on u.id = m.user_id and u.state = 'active'
    join identity_roles r on r.id = case when k.agent_id is null then m.role_id else a.role_id end
   where ${match} and k.revoked_at is null and (k.expires_at is null or k.expires_at > ${now})
     and coalesce(a.id, u.id) is not null`;

/** Live credentials and principals, each in one query. */
export const credentialsStore = {
  sessionByHash: (db: Db, hash: string, now: Date) => first(sessionQuery(sql`s.hash = ${hash}`, now), db),
  sessionById: (db: Db, id: string, now: Date) => first(sessionQuery(sql`s.id = ${id}`, now), db),
  keyByHash: (db: Db, hash: string, now: Date) => first(keyQuery(sql`k.hash = ${hash}`, now), db),
  keyById: (db: Db, id: string, now: Date) => first(keyQuery(sql`k.id = ${id}`, now), db),

  member: (db: Db, orgId: string, userId: string) =>
    first(
      sql<CallerRow>`
        select 'user' as kind, u.id, u.name, o.id as org_id, o.name as org_name, r.system as system_role,
               r.id as role_id, r.permissions, array['*'] as scopes, '{"kind":"org"}'::jsonb as item_scope,
               null as owner_id, false as is_operator, null as credential_id, null as expires_at
          from identity_members m
          join identity_users u on u.id = m.user_id and u.state = 'active'
          join identity_orgs o on o.id = m.org_id
          join identity_roles r on r.id = m.role_id
         where m.org_id = ${orgId} and m.user_id = ${userId} and m.deactivated_at is null`,
      db,
    ),

  agent: (db: Db, orgId: string, agentId: string) =>
    first(
      sql<CallerRow>`
        select a.kind::text as kind, a.id, a.name, o.id as org_id, o.name as org_name, r.system as system_role,
               r.id as role_id, r.permissions, a.scopes, a.item_scope, a.owner_id, false as is_operator,
               null as credential_id, null as expires_at
          from identity_agents a
          join identity_orgs o on o.id = a.org_id
          join identity_roles r on r.id = a.role_id
         where a.org_id = ${orgId} and a.id = ${agentId} and a.deactivated_at is null and a.deleted_at is null`,
      db,
    ),

  /** With the role that its owner holds now; null as soon as the owner is no active member. */
  device: (db: Db, orgId: string, deviceId: string) =>
    first(
      sql<CallerRow>`
        select 'device' as kind, d.id, d.name, o.id as org_id, o.name as org_name, r.system as system_role,
               r.id as role_id, r.permissions, d.scopes, '{"kind":"own"}'::jsonb as item_scope, d.user_id as owner_id,
               false as is_operator, null as credential_id, null as expires_at
          from identity_devices d
          join identity_users u on u.id = d.user_id and u.state = 'active'
          join identity_members m on m.org_id = d.org_id and m.user_id = d.user_id and m.deactivated_at is null
          join identity_orgs o on o.id = d.org_id
          join identity_roles r on r.id = m.role_id
         where d.org_id = ${orgId} and d.id = ${deviceId} and d.revoked_at is null`,
      db,
    ),

  /** A live principal. Agents may be called devices too: those that were made with an API key and no code. */
  principal: async (db: Db, orgId: string, kind: PrincipalKind, id: string): Promise<CallerRow | null> => {
    if (kind === 'user') return credentialsStore.member(db, orgId, id);
    const device = kind === 'device' ? await credentialsStore.device(db, orgId, id) : null;
    return device ?? credentialsStore.agent(db, orgId, id);
  },

  /** Deletes the ticket and gives what it stood for, so that a second use finds nothing. */
  takeTicket: async (db: Db, hash: string, now: Date) => {
    const taken = await sql<{ credential_kind: 'session' | 'api_key'; credential_id: string }>`
      delete from identity_tickets where hash = ${hash} and expires_at > ${now}
      returning credential_kind, credential_id`.execute(db);
    return taken.rows[0] ?? null;
  },

  insertTicket: async (
    db: Db,
    ticket: { hash: string; credential_kind: 'session' | 'api_key'; credential_id: string; expires_at: Date },
  ): Promise<void> => {
    await sql`insert into identity_tickets (hash, credential_kind, credential_id, expires_at)
      values (${ticket.hash}, ${ticket.credential_kind}, ${ticket.credential_id}, ${ticket.expires_at})`.execute(db);
  },
};
