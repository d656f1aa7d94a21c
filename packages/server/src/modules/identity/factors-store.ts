import { type Kysely, sql } from 'kysely';
import type { Schema } from '../../platform/db/schema.gen.ts';

type Db = Kysely<Schema>;

export interface TotpRow {
  secret: string;
  created_at: Date;
  confirmed_at: Date | null;
  last_step: number | null;
}

export interface HeldFactors {
  has_password: boolean;
  totp_since: Date | null;
  recovery_codes_left: number;
  passkeys: number;
}

export interface ChallengeRow {
  user_id: string;
  methods: string[];
}

/** Second factors of people: the secret of their authenticator, recovery codes, and steps that are under way. */
export const factorsStore = {
  held: async (db: Db, userId: string): Promise<HeldFactors> =>
    (
      await sql<HeldFactors>`select
        exists (select from identity_passwords where user_id = ${userId}) as has_password,
        (select confirmed_at from identity_totp where user_id = ${userId}) as totp_since,
        (select count(*)::int from identity_recovery_codes where user_id = ${userId} and used_at is null) as recovery_codes_left,
        (select count(*)::int from identity_passkeys where user_id = ${userId}) as passkeys`.execute(db)
    ).rows[0]!,

  totp: async (db: Db, userId: string): Promise<TotpRow | null> => {
    const found = await sql<Omit<TotpRow, 'last_step'> & { last_step: string | null }>`
      select secret, created_at, confirmed_at, last_step::text from identity_totp where user_id = ${userId}`.execute(
      db,
    );
    const row = found.rows[0];
    return row === undefined ? null : { ...row, last_step: row.last_step === null ? null : Number(row.last_step) };
  },

  /** Replaces an enrolment that was not confirmed; false when one is. */
  putTotp: async (db: Db, userId: string, secret: string, at: Date): Promise<boolean> =>
    (
      await sql`insert into identity_totp as t (user_id, secret, created_at) values (${userId}, ${secret}, ${at})
        on conflict (user_id) do update set secret = excluded.secret, created_at = excluded.created_at
        where t.confirmed_at is null returning user_id`.execute(db)
    ).rows.length > 0,

  confirmTotp: async (db: Db, userId: string, step: number, at: Date): Promise<boolean> =>
    (
      await sql`update identity_totp set confirmed_at = ${at}, last_step = ${step}
        where user_id = ${userId} and confirmed_at is null returning user_id`.execute(db)
    ).rows.length > 0,

  /** Accepts a time step once: of two that arrive together one finds that the other was sooner. */
  takeStep: async (db: Db, userId: string, step: number): Promise<boolean> =>
    (
      await sql`update identity_totp set last_step = ${step}
        where user_id = ${userId} and confirmed_at is not null and (last_step is null or last_step < ${step})
        returning user_id`.execute(db)
    ).rows.length > 0,

  deleteTotp: async (db: Db, userId: string): Promise<boolean> =>
    (await sql`delete from identity_totp where user_id = ${userId} returning user_id`.execute(db)).rows.length > 0,

  replaceCodes: async (db: Db, userId: string, hashes: readonly string[], at: Date): Promise<void> => {
    await sql`delete from identity_recovery_codes where user_id = ${userId}`.execute(db);
    await sql`insert into identity_recovery_codes (user_id, hash, created_at)
      select ${userId}, hash, ${at} from unnest(${hashes}::text[]) hash`.execute(db);
  },

  takeCode: async (db: Db, userId: string, hash: string, at: Date): Promise<boolean> =>
    (
      await sql`update identity_recovery_codes set used_at = ${at}
        where user_id = ${userId} and hash = ${hash} and used_at is null returning hash`.execute(db)
    ).rows.length > 0,

  deleteCodes: async (db: Db, userId: string): Promise<void> => {
    await sql`delete from identity_recovery_codes where user_id = ${userId}`.execute(db);
  },

  insertChallenge: async (
    db: Db,
    challenge: { hash: string; user_id: string; methods: readonly string[]; at: Date; expires_at: Date },
  ): Promise<void> => {
    await sql`insert into identity_factor_challenges (hash, user_id, methods, created_at, expires_at)
      values (${challenge.hash}, ${challenge.user_id}, ${challenge.methods}::text[], ${challenge.at}, ${challenge.expires_at})`.execute(
      db,
    );
  },

  /** The challenge, with this try counted; null when it is unknown, over, or was tried too often. */
  tryChallenge: async (db: Db, hash: string, now: Date, most: number): Promise<ChallengeRow | null> =>
    (
      await sql<ChallengeRow>`update identity_factor_challenges set tries = tries + 1
        where hash = ${hash} and expires_at > ${now} and tries < ${most} returning user_id, methods`.execute(db)
    ).rows[0] ?? null,

  takeChallenge: async (db: Db, hash: string): Promise<boolean> =>
    (await sql`delete from identity_factor_challenges where hash = ${hash} returning hash`.execute(db)).rows.length > 0,

  insertRemembered: async (
    db: Db,
    browser: { hash: string; user_id: string; user_agent: string | null; at: Date; expires_at: Date },
  ): Promise<void> => {
    await sql`insert into identity_remembered_browsers (hash, user_id, user_agent, created_at, expires_at)
      values (${browser.hash}, ${browser.user_id}, ${browser.user_agent}, ${browser.at}, ${browser.expires_at})`.execute(
      db,
    );
  },

  isRemembered: async (db: Db, hash: string, userId: string, now: Date): Promise<boolean> =>
    (
      await sql`select from identity_remembered_browsers
        where hash = ${hash} and user_id = ${userId} and expires_at > ${now}`.execute(db)
    ).rows.length > 0,

  remembered: async (db: Db, userId: string, now: Date): Promise<number> =>
    (
      await sql<{ count: number }>`select count(*)::int as count from identity_remembered_browsers
        where user_id = ${userId} and expires_at > ${now}`.execute(db)
    ).rows[0]!.count,

  /** Everything that was begun or remembered with what a person held before a change. */
  forget: async (db: Db, userId: string): Promise<void> => {
    await sql`delete from identity_remembered_browsers where user_id = ${userId}`.execute(db);
    await sql`delete from identity_factor_challenges where user_id = ${userId}`.execute(db);
  },

  forgetRemembered: async (db: Db, userId: string): Promise<number> =>
    (await sql`delete from identity_remembered_browsers where user_id = ${userId} returning hash`.execute(db)).rows
      .length,

  sealed: async (db: Db): Promise<{ user_id: string; secret: string }[]> =>
    (await sql<{ user_id: string; secret: string }>`select user_id, secret from identity_totp`.execute(db)).rows,

  reseal: async (db: Db, userId: string, from: string, to: string): Promise<void> => {
    await sql`update identity_totp set secret = ${to} where user_id = ${userId} and secret = ${from}`.execute(db);
  },

  deleteSecond: async (db: Db, userId: string): Promise<{ passkeys: number; authenticator: boolean }> => {
    const passkeys = await sql`delete from identity_passkeys where user_id = ${userId} returning id`.execute(db);
    const totp = await sql`delete from identity_totp where user_id = ${userId} returning user_id`.execute(db);
    await sql`delete from identity_recovery_codes where user_id = ${userId}`.execute(db);
    return { passkeys: passkeys.rows.length, authenticator: totp.rows.length > 0 };
  },

  /** Every way in that a person has, and what was begun with one. */
  wipe: async (db: Db, userId: string): Promise<void> => {
    await sql`delete from identity_passwords where user_id = ${userId}`.execute(db);
    await sql`delete from identity_passkeys where user_id = ${userId}`.execute(db);
    await sql`delete from identity_totp where user_id = ${userId}`.execute(db);
    await sql`delete from identity_recovery_codes where user_id = ${userId}`.execute(db);
    await sql`delete from identity_user_logins where user_id = ${userId}`.execute(db);
    await sql`delete from identity_ceremonies where user_id = ${userId}`.execute(db);
    await sql`delete from identity_social_states where user_id = ${userId}`.execute(db);
    await sql`delete from identity_remembered_browsers where user_id = ${userId}`.execute(db);
    await sql`delete from identity_factor_challenges where user_id = ${userId}`.execute(db);
  },

  purge: async (db: Db, now: Date): Promise<void> => {
    await sql`delete from identity_factor_challenges where expires_at < ${now}`.execute(db);
    await sql`delete from identity_remembered_browsers where expires_at < ${now}`.execute(db);
    await sql`delete from identity_ceremonies where expires_at < ${now}`.execute(db);
    await sql`delete from identity_social_states where expires_at < ${now}`.execute(db);
    await sql`delete from identity_totp where confirmed_at is null and created_at < ${now}::timestamptz - interval '1 day'`.execute(
      db,
    );
  },
};
