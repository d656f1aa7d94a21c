import { type Kysely, sql } from 'kysely';
import type { Schema } from '../../platform/db/schema.gen.ts';

type Db = Kysely<Schema>;

export interface PersonalKeyRow {
  id: string;
  user_id: string;
  public_key: string;
  fingerprint: string;
  label: string;
  created_at: Date;
  last_used_at: Date | null;
  revoked_at: Date | null;
}

const columns = sql`id, user_id, public_key, fingerprint, label, created_at, last_used_at, revoked_at`;

/** Keys that people sign with, those that were revoked among them. */
export const personalKeysStore = {
  /** False when the key or its fingerprint is another person's already. */
  insert: async (
    db: Db,
    key: Pick<PersonalKeyRow, 'id' | 'user_id' | 'public_key' | 'fingerprint' | 'label' | 'created_at'>,
  ): Promise<boolean> =>
    (
      await sql`insert into identity_personal_keys (id, user_id, public_key, fingerprint, label, created_at)
        values (${key.id}, ${key.user_id}, ${key.public_key}, ${key.fingerprint}, ${key.label}, ${key.created_at})
        on conflict do nothing returning id`.execute(db)
    ).rows.length > 0,

  ofUser: async (db: Db, userId: string): Promise<PersonalKeyRow[]> =>
    (
      await sql<PersonalKeyRow>`select ${columns} from identity_personal_keys where user_id = ${userId}
        order by revoked_at is not null, created_at desc, id desc`.execute(db)
    ).rows,

  /** Two registrations of one person wait for each other, so that their keys are counted. */
  lock: async (db: Db, userId: string): Promise<void> => {
    await sql`select pg_advisory_xact_lock(hashtextextended(${`identity personal keys ${userId}`}, 0))`.execute(db);
  },

  countActive: async (db: Db, userId: string): Promise<number> =>
    (
      await sql<{ n: number }>`select count(*)::int as n from identity_personal_keys
        where user_id = ${userId} and revoked_at is null`.execute(db)
    ).rows[0]!.n,

  /** Held, so that a key that is being revoked either signs before or not at all. */
  lockActive: async (db: Db, userId: string, fingerprint: string): Promise<PersonalKeyRow | null> =>
    (
      await sql<PersonalKeyRow>`select ${columns} from identity_personal_keys
        where user_id = ${userId} and fingerprint = ${fingerprint} and revoked_at is null for update`.execute(db)
    ).rows[0] ?? null,

  markUsed: async (db: Db, userId: string, id: string, at: Date): Promise<void> => {
    await sql`update identity_personal_keys set last_used_at = ${at} where user_id = ${userId} and id = ${id}`.execute(
      db,
    );
  },

  /** Null when it is not a key of this person that can still sign. */
  revoke: async (db: Db, userId: string, id: string, at: Date): Promise<PersonalKeyRow | null> =>
    (
      await sql<PersonalKeyRow>`update identity_personal_keys set revoked_at = ${at}
        where user_id = ${userId} and id = ${id} and revoked_at is null returning ${columns}`.execute(db)
    ).rows[0] ?? null,

  /** Signatures are still known as made by these keys, which say nothing of whose they were. */
  forget: async (db: Db, userId: string, at: Date): Promise<void> => {
    await sql`update identity_personal_keys set label = '', revoked_at = coalesce(revoked_at, ${at})
      where user_id = ${userId}`.execute(db);
  },
};
