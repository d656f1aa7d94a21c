import { sql } from 'kysely';
import type { Db } from './db.ts';

export type KeyState = 'next' | 'active' | 'grace' | 'retired';

export interface KeyRow {
  kid: string;
  alg: string;
  public_jwk: Record<string, unknown>;
  private_sealed: string;
  state: KeyState;
  created_at: Date;
  not_before: Date;
  activated_at: Date | null;
  retire_at: Date | null;
}

/** One number for every Atrium, so that replicas that rotate together make one key. */
const rotationLock = '4400000301';

/** Signing keys; the private part is encrypted. */
export const keysStore = {
  lockRotation: async (db: Db): Promise<void> => {
    await sql`select pg_advisory_xact_lock(${sql.lit(rotationLock)}::bigint)`.execute(db);
  },

  all: async (db: Db): Promise<KeyRow[]> =>
    (await sql<KeyRow>`select * from oauth_keys order by created_at desc, kid`.execute(db)).rows,

  published: async (db: Db): Promise<KeyRow[]> =>
    (
      await sql<KeyRow>`select * from oauth_keys where state <> 'retired'
        order by case state when 'active' then 0 when 'next' then 1 else 2 end, created_at desc, kid`.execute(db)
    ).rows,

  insert: async (db: Db, key: KeyRow): Promise<void> => {
    const k = key;
    await sql`insert into oauth_keys (kid, alg, public_jwk, private_sealed, state, created_at, not_before, activated_at, retire_at)
      values (${k.kid}, ${k.alg}, ${JSON.stringify(k.public_jwk)}::jsonb, ${k.private_sealed}, ${k.state}, ${k.created_at},
        ${k.not_before}, ${k.activated_at}, ${k.retire_at})`.execute(db);
  },

  setState: async (
    db: Db,
    kid: string,
    state: KeyState,
    at: { activated_at?: Date; retire_at?: Date | null },
  ): Promise<void> => {
    await sql`update oauth_keys set state = ${state}, activated_at = coalesce(${at.activated_at ?? null}, activated_at),
        retire_at = case when ${at.retire_at !== undefined} then ${at.retire_at ?? null}::timestamptz else retire_at end
      where kid = ${kid}`.execute(db);
  },

  /** Retires keys whose grace is over; their private parts go. */
  retire: async (db: Db, now: Date): Promise<string[]> =>
    (
      await sql<{ kid: string }>`update oauth_keys set state = 'retired', private_sealed = ''
        where state = 'grace' and retire_at <= ${now} returning kid`.execute(db)
    ).rows.map((row) => row.kid),

  replaceSealed: async (db: Db, kid: string, from: string, to: string): Promise<void> => {
    await sql`update oauth_keys set private_sealed = ${to} where kid = ${kid} and private_sealed = ${from}`.execute(db);
  },
};
