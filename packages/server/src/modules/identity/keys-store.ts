import { type Kysely, sql } from 'kysely';
import type { Schema } from '../../platform/db/schema.gen.ts';
import type { Position } from '../../platform/paging/keyset.ts';

type Db = Kysely<Schema>;

export interface KeyRow {
  id: string;
  name: string;
  prefix: string;
  scopes: string[];
  org_id: string;
  created_at: Date;
  expires_at: Date | null;
  last_used_at: Date | null;
}

/** API keys of people and agents. Only the hash of a key is stored. */
export const keysStore = {
  insert: async (
    db: Db,
    key: {
      id: string;
      hash: string;
      prefix: string;
      name: string;
      org_id: string;
      owner: { user_id: string } | { agent_id: string };
      scopes: readonly string[];
      at: Date;
      expires_at: Date | null;
    },
  ): Promise<void> => {
    const userId = 'user_id' in key.owner ? key.owner.user_id : null;
    const agentId = 'agent_id' in key.owner ? key.owner.agent_id : null;
    await sql`insert into identity_api_keys (id, hash, prefix, name, org_id, user_id, agent_id, scopes, created_at, expires_at)
      values (${key.id}, ${key.hash}, ${key.prefix}, ${key.name}, ${key.org_id}, ${userId}, ${agentId}, ${key.scopes}::text[],
              ${key.at}, ${key.expires_at})`.execute(db);
  },

  pageOfUser: async (
    db: Db,
    userId: string,
    now: Date,
    after: Position<Date> | null,
    limit: number,
  ): Promise<KeyRow[]> =>
    (
      await sql<KeyRow>`select id, name, prefix, scopes, org_id, created_at, expires_at, last_used_at from identity_api_keys
         where user_id = ${userId} and revoked_at is null and (expires_at is null or expires_at > ${now})
           and (${after?.value ?? null}::timestamptz is null or (created_at, id) < (${after?.value ?? null}, ${after?.id ?? null}::uuid))
         order by created_at desc, id desc limit ${limit}`.execute(db)
    ).rows,

  revokeOfUser: async (
    db: Db,
    userId: string,
    id: string,
    now: Date,
  ): Promise<{ id: string; org_id: string; name: string } | null> =>
    (
      await sql<{ id: string; org_id: string; name: string }>`update identity_api_keys set revoked_at = ${now}
        where user_id = ${userId} and id = ${id} and revoked_at is null returning id, org_id, name`.execute(db)
    ).rows[0] ?? null,

  revokeOfMember: async (db: Db, orgId: string, userId: string, now: Date): Promise<{ id: string }[]> =>
    (
      await sql<{ id: string }>`update identity_api_keys set revoked_at = ${now}
        where org_id = ${orgId} and user_id = ${userId} and revoked_at is null returning id`.execute(db)
    ).rows,

  revokeAllOfUser: async (db: Db, userId: string, now: Date): Promise<{ id: string; org_id: string }[]> =>
    (
      await sql<{ id: string; org_id: string }>`update identity_api_keys set revoked_at = ${now}
        where user_id = ${userId} and revoked_at is null returning id, org_id`.execute(db)
    ).rows,

  setScopesOfAgent: async (db: Db, orgId: string, agentId: string, scopes: readonly string[]): Promise<void> => {
    await sql`update identity_api_keys set scopes = ${scopes}::text[]
      where org_id = ${orgId} and agent_id = ${agentId} and revoked_at is null`.execute(db);
  },

  /** Ends all keys of an agent at the time given; a later one leaves them good until then. */
  endOfAgent: async (db: Db, orgId: string, agentId: string, at: Date, now: Date): Promise<void> => {
    await sql`update identity_api_keys set
        revoked_at = case when ${at}::timestamptz <= ${now}::timestamptz then ${now}::timestamptz end,
        expires_at = least(expires_at, ${at}::timestamptz)
      where org_id = ${orgId} and agent_id = ${agentId} and revoked_at is null`.execute(db);
  },
};
