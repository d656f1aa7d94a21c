import type { SystemRole } from '@atrium/protocol';
import { type Kysely, sql } from 'kysely';
import type { Schema } from '../../platform/db/schema.gen.ts';
import type { ItemScope } from '../../platform/operations/caller.ts';
import type { Position } from '../../platform/paging/keyset.ts';

type Db = Kysely<Schema>;

export interface AgentRow {
  id: string;
  name: string;
  description: string;
  kind: 'agent' | 'device' | 'service';
  client_id: string;
  role_id: string;
  role_name: string;
  role_system: SystemRole | null;
  role_permissions: string[];
  scopes: string[];
  item_scope: ItemScope;
  owner_id: string | null;
  owner_name: string | null;
  key_prefix: string | null;
  fingerprint: string | null;
  created_at: Date;
  first_seen_at: Date | null;
  last_seen_at: Date | null;
  last_tool: string | null;
  last_client: string | null;
  calls_total: number;
  calls_today: number;
  calls_day: string | null;
  deactivated_at: Date | null;
}

const select = (orgId: string, now: Date) => sql`
  select a.id, a.name, a.description, a.kind::text as kind, a.client_id, r.id as role_id, r.name as role_name,
         r.system as role_system, r.permissions as role_permissions, a.scopes, a.item_scope, a.owner_id, u.name as owner_name,
         (select k.prefix from identity_api_keys k
           where k.agent_id = a.id and k.revoked_at is null and (k.expires_at is null or k.expires_at > ${now})
           order by k.created_at desc, k.id desc limit 1) as key_prefix,
         (select i.fingerprint from identity_agent_keys i where i.agent_id = a.id and i.replaced_at is null) as fingerprint,
         a.created_at, a.first_seen_at, a.last_seen_at, a.last_tool, a.last_client, a.calls_total, a.calls_today, a.calls_day,
         a.deactivated_at
    from identity_agents a
    join identity_roles r on r.id = a.role_id
    left join identity_users u on u.id = a.owner_id
   where a.org_id = ${orgId} and a.deleted_at is null`;

/** Agents, devices and services. */
export const agentsStore = {
  find: async (db: Db, orgId: string, id: string, now: Date): Promise<AgentRow | null> =>
    (await sql<AgentRow>`${select(orgId, now)} and a.id = ${id}`.execute(db)).rows[0] ?? null,

  lock: async (db: Db, orgId: string, id: string, now: Date): Promise<AgentRow | null> =>
    (await sql<AgentRow>`${select(orgId, now)} and a.id = ${id} for update of a`.execute(db)).rows[0] ?? null,

  page: async (
    db: Db,
    orgId: string,
    filter: { q?: string | undefined; after: Position<Date> | null; limit: number; now: Date },
  ): Promise<AgentRow[]> => {
    const { q, after, limit, now } = filter;
    const like = q === undefined || q === '' ? null : `%${q.replace(/[\\%_]/g, '\\$&')}%`;
    return (
      await sql<AgentRow>`${select(orgId, now)} and (${like}::text is null or a.name ilike ${like})
           and (${after?.value ?? null}::timestamptz is null or (a.created_at, a.id) < (${after?.value ?? null}, ${after?.id ?? null}::uuid))
         order by a.created_at desc, a.id desc limit ${limit}`.execute(db)
    ).rows;
  },

  insert: async (
    db: Db,
    agent: {
      id: string;
      org_id: string;
      kind: 'agent' | 'device' | 'service';
      name: string;
      description: string;
      client_id: string;
      client_secret_hash: string;
      role_id: string;
      scopes: readonly string[];
      item_scope: ItemScope;
      owner_id: string | null;
      at: Date;
    },
  ): Promise<void> => {
    const a = agent;
    await sql`insert into identity_agents (id, org_id, kind, name, description, client_id, client_secret_hash, role_id, scopes,
        item_scope, owner_id, created_at)
      values (${a.id}, ${a.org_id}, ${a.kind}, ${a.name}, ${a.description}, ${a.client_id}, ${a.client_secret_hash}, ${a.role_id},
        ${a.scopes}::text[], ${JSON.stringify(a.item_scope)}::jsonb, ${a.owner_id}, ${a.at})`.execute(db);
  },

  update: async (
    db: Db,
    orgId: string,
    id: string,
    changes: {
      name?: string | undefined;
      description?: string | undefined;
      role_id?: string | undefined;
      scopes?: readonly string[] | undefined;
      item_scope?: ItemScope | undefined;
    },
  ): Promise<void> => {
    const itemScope = changes.item_scope === undefined ? null : JSON.stringify(changes.item_scope);
    await sql`update identity_agents set name = coalesce(${changes.name ?? null}, name),
        description = coalesce(${changes.description ?? null}, description),
        role_id = coalesce(${changes.role_id ?? null}::uuid, role_id),
        scopes = coalesce(${changes.scopes ?? null}::text[], scopes),
        item_scope = coalesce(${itemScope}::jsonb, item_scope)
      where org_id = ${orgId} and id = ${id}`.execute(db);
  },

  setSecret: async (db: Db, orgId: string, id: string, hash: string): Promise<void> => {
    await sql`update identity_agents set client_secret_hash = ${hash} where org_id = ${orgId} and id = ${id}`.execute(
      db,
    );
  },

  setDeactivated: async (db: Db, orgId: string, id: string, at: Date | null): Promise<void> => {
    await sql`update identity_agents set deactivated_at = ${at} where org_id = ${orgId} and id = ${id}`.execute(db);
  },

  /** The row stays, since items name it; `fallbackRole` frees the role it had. */
  markDeleted: async (db: Db, orgId: string, id: string, fallbackRole: string, at: Date): Promise<void> => {
    await sql`update identity_agents set deleted_at = ${at}, role_id = ${fallbackRole}, scopes = '{}'
      where org_id = ${orgId} and id = ${id}`.execute(db);
  },

  /** For the token endpoint: the live agent that a client id and the hash of its secret belong to. */
  findClient: async (db: Db, clientId: string) =>
    (
      await sql<{ id: string; org_id: string; client_secret_hash: string }>`
        select id, org_id, client_secret_hash from identity_agents
        where client_id = ${clientId} and deactivated_at is null and deleted_at is null`.execute(db)
    ).rows[0] ?? null,
};
