import { type Kysely, sql } from 'kysely';
import type { Schema } from '../../platform/db/schema.gen.ts';
import type { Position } from '../../platform/paging/keyset.ts';

type Db = Kysely<Schema>;

export type KeyOrigin = 'registered' | 'attached';

export interface AgentKeyRow {
  id: string;
  org_id: string;
  agent_id: string;
  public_key: string;
  fingerprint: string;
  origin: KeyOrigin;
  created_at: Date;
  replaced_at: Date | null;
}

/** A key together with the agent that it stands for. */
export interface KeyedAgentRow extends AgentKeyRow {
  name: string;
  client_id: string;
  owner_id: string | null;
  active: boolean;
}

export interface DirectoryRow {
  agent_id: string;
  public_key: string;
  fingerprint: string;
  replaced_by: string | null;
  display_name: string | null;
  description: string | null;
  listed: boolean | null;
}

export interface ListedRow {
  agent_id: string;
  public_key: string;
  fingerprint: string;
  display_name: string;
  description: string;
  since: Date;
}

const columns = sql`k.id, k.org_id, k.agent_id, k.public_key, k.fingerprint, k.origin, k.created_at, k.replaced_at`;

/** Keys of agents, those that were replaced among them. */
export const agentKeysStore = {
  /** False when the key or its fingerprint is somebody's already. */
  insert: async (
    db: Db,
    key: {
      id: string;
      org_id: string;
      agent_id: string;
      public_key: string;
      fingerprint: string;
      origin: KeyOrigin;
      continuity?: Record<string, string>;
      at: Date;
    },
  ): Promise<boolean> => {
    const continuity = key.continuity === undefined ? null : JSON.stringify(key.continuity);
    const { rows } = await sql`insert into identity_agent_keys
        (id, org_id, agent_id, public_key, fingerprint, origin, continuity, created_at)
      values (${key.id}, ${key.org_id}, ${key.agent_id}, ${key.public_key}, ${key.fingerprint}, ${key.origin},
        ${continuity}::jsonb, ${key.at})
      on conflict do nothing returning id`.execute(db);
    return rows.length > 0;
  },

  currentOf: async (db: Db, orgId: string, agentId: string): Promise<AgentKeyRow | null> =>
    (
      await sql<AgentKeyRow>`select ${columns} from identity_agent_keys k
        where k.org_id = ${orgId} and k.agent_id = ${agentId} and k.replaced_at is null`.execute(db)
    ).rows[0] ?? null,

  /** The agent whose key this is now. */
  agentOf: async (db: Db, publicKey: string): Promise<KeyedAgentRow | null> =>
    (
      await sql<KeyedAgentRow>`select ${columns}, a.name, a.client_id, a.owner_id,
          (a.deactivated_at is null and a.deleted_at is null) as active
        from identity_agent_keys k join identity_agents a on a.id = k.agent_id
        where k.public_key = ${publicKey} and k.replaced_at is null`.execute(db)
    ).rows[0] ?? null,

  /** False when it is not the key of the agent any more. */
  replace: async (db: Db, orgId: string, id: string, at: Date): Promise<boolean> =>
    (
      await sql`update identity_agent_keys set replaced_at = ${at}
        where org_id = ${orgId} and id = ${id} and replaced_at is null returning id`.execute(db)
    ).rows.length > 0,

  /** For everybody: agents that were deleted are left out. */
  lookUp: async (db: Db, fingerprint: string): Promise<DirectoryRow | null> =>
    (
      await sql<DirectoryRow>`select k.agent_id, k.public_key, k.fingerprint,
          case when k.replaced_at is not null then c.fingerprint end as replaced_by,
          p.display_name, p.description, p.listed
        from identity_agent_keys k
        join identity_agents a on a.id = k.agent_id and a.deleted_at is null
        left join identity_agent_keys c on c.agent_id = k.agent_id and c.replaced_at is null
        left join identity_agent_profiles p on p.agent_id = k.agent_id
        where k.fingerprint = ${fingerprint}`.execute(db)
    ).rows[0] ?? null,

  pageListed: async (
    db: Db,
    filter: { q?: string | undefined; after: Position<Date> | null; limit: number },
  ): Promise<ListedRow[]> => {
    const { q, after, limit } = filter;
    const like = q === undefined || q === '' ? null : `%${q.replace(/[\\%_]/g, '\\$&')}%`;
    return (
      await sql<ListedRow>`select k.agent_id, k.public_key, k.fingerprint, p.display_name, p.description,
          a.created_at as since
        from identity_agent_profiles p
        join identity_agents a on a.id = p.agent_id and a.deactivated_at is null and a.deleted_at is null
        join identity_agent_keys k on k.agent_id = p.agent_id and k.replaced_at is null
        where p.listed
          and (${like}::text is null or p.display_name ilike ${like} or p.description ilike ${like} or k.fingerprint ilike ${like})
          and (${after?.value ?? null}::timestamptz is null or (a.created_at, a.id) < (${after?.value ?? null}, ${after?.id ?? null}::uuid))
        order by a.created_at desc, a.id desc limit ${limit}`.execute(db)
    ).rows;
  },
};
