import { sql } from 'kysely';
import type { Db } from './db.ts';

export type RevocationKind = 'jti' | 'grant' | 'client' | 'subject';

export interface RevocationRow {
  kind: RevocationKind;
  /** Hash of a jti; id of a grant, client or subject. */
  value: string;
  /** Tokens issued until then are ended. */
  before: Date;
  expires_at: Date;
}

/** What must no longer be honoured although it is unexpired. */
export const revocationsStore = {
  insert: async (db: Db, revocation: RevocationRow, at: Date): Promise<void> => {
    const { kind, value, before, expires_at } = revocation;
    await sql`insert into oauth_revocations (kind, value, before, created_at, expires_at)
      values (${kind}, ${value}, ${before}, ${at}, ${expires_at})
      on conflict (kind, value) do update set before = greatest(oauth_revocations.before, excluded.before),
        expires_at = greatest(oauth_revocations.expires_at, excluded.expires_at)`.execute(db);
  },

  all: async (db: Db, now: Date): Promise<RevocationRow[]> =>
    (
      await sql<RevocationRow>`select kind, value, before, expires_at from oauth_revocations
        where expires_at > ${now}`.execute(db)
    ).rows,

  /** Those of one token: pairs of kind and value. */
  among: async (db: Db, facts: readonly (readonly [RevocationKind, string])[], now: Date): Promise<RevocationRow[]> =>
    (
      await sql<RevocationRow>`select r.kind, r.value, r.before, r.expires_at from oauth_revocations r
        join unnest(${facts.map(([kind]) => kind)}::text[], ${facts.map(([, value]) => value)}::text[]) as f (kind, value)
          on f.kind = r.kind and f.value = r.value
        where r.expires_at > ${now}`.execute(db)
    ).rows,

  /** Answers whether there may be more. */
  sweep: async (db: Db, before: Date, batch = 5000): Promise<boolean> => {
    const result = await sql`delete from oauth_revocations where (kind, value) in (
        select kind, value from oauth_revocations where expires_at < ${before} limit ${batch} for update skip locked)`.execute(
      db,
    );
    return Number(result.numAffectedRows ?? 0n) === batch;
  },
};

/** What may be seen once. */
export const replaysStore = {
  /** True for the first one, on whichever replica. */
  claim: async (
    db: Db,
    replay: { issuer: string; jti_hash: string; kind: string; expires_at: Date },
  ): Promise<boolean> => {
    const result = await sql`insert into oauth_replays (issuer, jti_hash, kind, expires_at)
      values (${replay.issuer}, ${replay.jti_hash}, ${replay.kind}, ${replay.expires_at})
      on conflict do nothing`.execute(db);
    return result.numAffectedRows === 1n;
  },

  /** Answers whether there may be more. */
  sweep: async (db: Db, before: Date, batch = 5000): Promise<boolean> => {
    const result = await sql`delete from oauth_replays where (issuer, jti_hash) in (
        select issuer, jti_hash from oauth_replays where expires_at < ${before} limit ${batch} for update skip locked)`.execute(
      db,
    );
    return Number(result.numAffectedRows ?? 0n) === batch;
  },
};
