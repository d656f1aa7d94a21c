import { type Kysely, sql } from 'kysely';
import type { Schema } from '../../platform/db/schema.gen.ts';

type Db = Kysely<Schema>;

export interface PairingRow {
  id: string;
  org_id: string;
  user_id: string;
  name: string | null;
  scopes: string[];
  token_hash: string;
  wrong_completions: number;
  device_id: string | null;
  created_at: Date;
  expires_at: Date;
  redeemed_at: Date | null;
  completed_at: Date | null;
  ended_at: Date | null;
}

const columns = sql`id, org_id, user_id, name, scopes, token_hash, wrong_completions, device_id, created_at, expires_at,
  redeemed_at, completed_at, ended_at`;

/** After this many wrong completions a code is dead. */
const mostWrong = 5;

/** Codes that let one device join. */
export const pairingsStore = {
  /** Held until the transaction ends, so that two calls of a person cannot both take the last place. */
  lockPerson: async (db: Db, userId: string): Promise<void> => {
    await sql`select pg_advisory_xact_lock(hashtextextended(${`identity pairings ${userId}`}, 0))`.execute(db);
  },

  countOpen: async (db: Db, userId: string, now: Date): Promise<number> =>
    (
      await sql<{ n: number }>`select count(*)::int as n from identity_pairings
        where user_id = ${userId} and expires_at > ${now} and completed_at is null and ended_at is null`.execute(db)
    ).rows[0]!.n,

  insert: async (
    db: Db,
    pairing: {
      id: string;
      org_id: string;
      user_id: string;
      name: string | null;
      scopes: readonly string[];
      code_hash: string;
      token_hash: string;
      at: Date;
      expires_at: Date;
    },
  ): Promise<void> => {
    const p = pairing;
    await sql`insert into identity_pairings (id, org_id, user_id, name, scopes, code_hash, token_hash, created_at, expires_at)
      values (${p.id}, ${p.org_id}, ${p.user_id}, ${p.name}, ${p.scopes}::text[], ${p.code_hash}, ${p.token_hash}, ${p.at},
        ${p.expires_at})`.execute(db);
  },

  find: async (db: Db, orgId: string, userId: string, id: string): Promise<PairingRow | null> =>
    (
      await sql<PairingRow>`select ${columns} from identity_pairings
        where org_id = ${orgId} and user_id = ${userId} and id = ${id}`.execute(db)
    ).rows[0] ?? null,

  byCode: async (db: Db, hash: string): Promise<PairingRow | null> =>
    (await sql<PairingRow>`select ${columns} from identity_pairings where code_hash = ${hash}`.execute(db)).rows[0] ??
    null,

  byToken: async (db: Db, hash: string): Promise<PairingRow | null> =>
    (await sql<PairingRow>`select ${columns} from identity_pairings where token_hash = ${hash}`.execute(db)).rows[0] ??
    null,

  /** With the row locked: of two devices that complete together, the second waits and finds it done. */
  lockByToken: async (db: Db, hash: string): Promise<PairingRow | null> =>
    (await sql<PairingRow>`select ${columns} from identity_pairings where token_hash = ${hash} for update`.execute(db))
      .rows[0] ?? null,

  /** True for the first time. */
  markRedeemed: async (db: Db, id: string, at: Date): Promise<boolean> =>
    (
      await sql`update identity_pairings set redeemed_at = ${at}
        where id = ${id} and redeemed_at is null and completed_at is null and ended_at is null`.execute(db)
    ).numAffectedRows === 1n,

  markCompleted: async (db: Db, id: string, deviceId: string, at: Date): Promise<void> => {
    await sql`update identity_pairings set completed_at = ${at}, device_id = ${deviceId} where id = ${id}`.execute(db);
  },

  /** Counts a wrong completion of a pairing that is still open; with the last one the code dies. */
  countWrong: async (db: Db, hash: string, at: Date): Promise<void> => {
    await sql`update identity_pairings set wrong_completions = wrong_completions + 1,
        ended_at = case when wrong_completions + 1 >= ${mostWrong} then ${at}::timestamptz end
      where token_hash = ${hash} and completed_at is null and ended_at is null`.execute(db);
  },

  /** True when it was open. */
  end: async (db: Db, orgId: string, userId: string, id: string, at: Date): Promise<boolean> =>
    (
      await sql`update identity_pairings set ended_at = ${at} where org_id = ${orgId} and user_id = ${userId} and id = ${id}
        and completed_at is null and ended_at is null and expires_at > ${at}`.execute(db)
    ).numAffectedRows === 1n,

  /** Counts a use of an enrolment token; false when it has been used up. */
  useEnrolment: async (db: Db, token: { hash: string; name: string; most: number; at: Date }): Promise<boolean> =>
    (
      await sql`insert into identity_enrolment_tokens as t (hash, name, uses, last_used_at)
        values (${token.hash}, ${token.name}, 1, ${token.at})
        on conflict (hash) do update set uses = t.uses + 1, name = excluded.name, last_used_at = excluded.last_used_at
          where t.uses < ${token.most}`.execute(db)
    ).numAffectedRows === 1n,

  purge: async (db: Db, before: Date): Promise<void> => {
    await sql`delete from identity_pairings where expires_at < ${before}`.execute(db);
  },
};
