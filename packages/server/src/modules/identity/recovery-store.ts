import { type Kysely, sql } from 'kysely';
import type { Schema } from '../../platform/db/schema.gen.ts';

type Db = Kysely<Schema>;

export interface GrantRow {
  org_id: string;
  agent_id: string;
}

/** Nonces of challenges that were used, and the rights to a new secret that came of them. */
export const recoveryStore = {
  /** False when the nonce was used before. */
  takeNonce: async (db: Db, nonce: string, expires_at: Date): Promise<boolean> =>
    (
      await sql`insert into identity_recovery_nonces (nonce, expires_at) values (${nonce}, ${expires_at})
        on conflict do nothing returning nonce`.execute(db)
    ).rows.length > 0,

  /** One an agent: a newer one ends the one before. */
  putGrant: async (
    db: Db,
    grant: GrantRow & { hash: string; public_key: string; created_at: Date; expires_at: Date },
  ): Promise<void> => {
    const g = grant;
    await sql`insert into identity_recovery_grants (hash, org_id, agent_id, public_key, created_at, expires_at)
      values (${g.hash}, ${g.org_id}, ${g.agent_id}, ${g.public_key}, ${g.created_at}, ${g.expires_at})
      on conflict (agent_id) do update set hash = excluded.hash, public_key = excluded.public_key,
        created_at = excluded.created_at, expires_at = excluded.expires_at`.execute(db);
  },

  /** Deletes the grant and gives what it stood for, so that a second use finds nothing. */
  takeGrant: async (db: Db, hash: string, publicKey: string, now: Date): Promise<GrantRow | null> =>
    (
      await sql<GrantRow>`delete from identity_recovery_grants
        where hash = ${hash} and public_key = ${publicKey} and expires_at > ${now}
        returning org_id, agent_id`.execute(db)
    ).rows[0] ?? null,

  /** The key that earned it is no longer the agent's. */
  endGrants: async (db: Db, orgId: string, agentId: string): Promise<void> => {
    await sql`delete from identity_recovery_grants where org_id = ${orgId} and agent_id = ${agentId}`.execute(db);
  },

  purge: async (db: Db, now: Date): Promise<void> => {
    await sql`delete from identity_recovery_nonces where expires_at < ${now}`.execute(db);
    await sql`delete from identity_recovery_grants where expires_at < ${now}`.execute(db);
  },
};
