import { type Kysely, sql } from 'kysely';
import type { Schema } from '../../platform/db/schema.gen.ts';
import type { Position } from '../../platform/paging/keyset.ts';

type Db = Kysely<Schema>;

export interface SessionRow {
  id: string;
  org_id: string;
  org_name: string;
  ip: string | null;
  user_agent: string | null;
  created_at: Date;
  last_used_at: Date;
  expires_at: Date;
}

/** How sure a sign-in was: one factor, or two of them (a passkey that asks for its owner counts as two). */
export type Assurance = 'aal1' | 'aal2';

export interface SessionProof {
  auth_time: Date;
  acr: Assurance;
  amr: string[];
}

export interface RevokedSession {
  id: string;
  org_id: string;
  user_id: string;
}

/** Sessions of people. Only the hash of a token is stored. */
export const sessionsStore = {
  insert: async (
    db: Db,
    session: {
      id: string;
      hash: string;
      user_id: string;
      org_id: string;
      amr: readonly string[];
      acr: Assurance;
      auth_time: Date;
      ip: string | null;
      user_agent: string | null;
      at: Date;
      expires_at: Date;
    },
  ): Promise<void> => {
    await sql`insert into identity_sessions
        (id, hash, user_id, org_id, amr, acr, auth_time, ip, user_agent, created_at, last_used_at, expires_at)
      values (${session.id}, ${session.hash}, ${session.user_id}, ${session.org_id}, ${session.amr}::text[], ${session.acr}, ${session.auth_time},
              ${session.ip}, ${session.user_agent}, ${session.at}, ${session.at}, ${session.expires_at})`.execute(db);
  },

  page: async (db: Db, userId: string, now: Date, after: Position<Date> | null, limit: number): Promise<SessionRow[]> =>
    (
      await sql<SessionRow>`
        select s.id, s.org_id, o.name as org_name, s.ip, s.user_agent, s.created_at, s.last_used_at, s.expires_at
          from identity_sessions s join identity_orgs o on o.id = s.org_id
         where s.user_id = ${userId} and s.revoked_at is null and s.expires_at > ${now}
           and (${after?.value ?? null}::timestamptz is null or (s.created_at, s.id) < (${after?.value ?? null}, ${after?.id ?? null}::uuid))
         order by s.created_at desc, s.id desc limit ${limit}`.execute(db)
    ).rows,

  /** The live session, locked. */
  lock: async (db: Db, id: string, userId: string, now: Date) =>
    (
      await sql<{ id: string; org_id: string; auth_time: Date; amr: string[]; acr: Assurance; expires_at: Date }>`
        select id, org_id, auth_time, amr, acr, expires_at from identity_sessions
         where id = ${id} and user_id = ${userId} and revoked_at is null and expires_at > ${now} for update`.execute(db)
    ).rows[0] ?? null,

  /** How and when the person of a live session proved who they are. */
  proof: async (db: Db, id: string, now: Date): Promise<SessionProof | null> =>
    (
      await sql<SessionProof>`select auth_time, acr, amr from identity_sessions
        where id = ${id} and revoked_at is null and expires_at > ${now}`.execute(db)
    ).rows[0] ?? null,

  /** Notes a further proof in a session that goes on. */
  strengthen: async (db: Db, id: string, proof: SessionProof): Promise<void> => {
    await sql`update identity_sessions set auth_time = ${proof.auth_time}, acr = ${proof.acr}, amr = ${proof.amr}::text[]
      where id = ${id} and revoked_at is null`.execute(db);
  },

  revoke: async (db: Db, userId: string, id: string, now: Date): Promise<RevokedSession[]> =>
    (
      await sql<RevokedSession>`update identity_sessions set revoked_at = ${now}
        where user_id = ${userId} and id = ${id} and revoked_at is null and expires_at > ${now}
        returning id, org_id, user_id`.execute(db)
    ).rows,

  revokeOthers: async (db: Db, userId: string, keep: string | null, now: Date): Promise<RevokedSession[]> =>
    (
      await sql<RevokedSession>`update identity_sessions set revoked_at = ${now}
        where user_id = ${userId} and id is distinct from ${keep}::uuid and revoked_at is null and expires_at > ${now}
        returning id, org_id, user_id`.execute(db)
    ).rows,

  revokeInOrg: async (db: Db, orgId: string, userId: string, now: Date): Promise<RevokedSession[]> =>
    (
      await sql<RevokedSession>`update identity_sessions set revoked_at = ${now}
        where org_id = ${orgId} and user_id = ${userId} and revoked_at is null and expires_at > ${now}
        returning id, org_id, user_id`.execute(db)
    ).rows,

  /** Rows that are of no use to anybody any more. */
  purge: async (db: Db, before: Date): Promise<void> => {
    await sql`delete from identity_sessions where expires_at < ${before} or revoked_at < ${before}`.execute(db);
    await sql`delete from identity_tickets where expires_at < ${before}`.execute(db);
    await sql`delete from identity_api_keys where expires_at < ${before} or revoked_at < ${before}`.execute(db);
  },
};
