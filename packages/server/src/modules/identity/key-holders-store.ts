import { type Kysely, sql } from 'kysely';
import type { Schema } from '../../platform/db/schema.gen.ts';

type Db = Kysely<Schema>;

/** Keys of agents and of people together: one key stands for one of them. */
export const keyHoldersStore = {
  /** Two who come with keys of one name wait for each other, whichever table each goes to. */
  lock: async (db: Db, fingerprint: string): Promise<void> => {
    await sql`select pg_advisory_xact_lock(hashtextextended(${`identity key ${fingerprint}`}, 0))`.execute(db);
  },

  /** The key itself before another one that shares its fingerprint. */
  findTaken: async (db: Db, publicKey: string, fingerprint: string): Promise<{ public_key: string } | null> =>
    (
      await sql<{ public_key: string }>`select k.public_key from (
          select public_key, fingerprint from identity_agent_keys
          union all select public_key, fingerprint from identity_personal_keys) k
        where k.public_key = ${publicKey} or k.fingerprint = ${fingerprint}
        order by k.public_key = ${publicKey} desc limit 1`.execute(db)
    ).rows[0] ?? null,

  /** Whether anybody ever had a key of that name. */
  isKnown: async (db: Db, fingerprint: string): Promise<boolean> =>
    (
      await sql`select 1 from identity_agent_keys k
          join identity_agents a on a.id = k.agent_id and a.deleted_at is null where k.fingerprint = ${fingerprint}
        union all select 1 from identity_personal_keys where fingerprint = ${fingerprint}`.execute(db)
    ).rows.length > 0,
};
