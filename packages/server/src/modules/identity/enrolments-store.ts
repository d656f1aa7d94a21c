import { type Kysely, sql } from 'kysely';
import type { Schema } from '../../platform/db/schema.gen.ts';

type Db = Kysely<Schema>;

interface EnrolmentRow {
  org_id: string;
  agent_id: string;
}

/** Tokens with which an agent attaches its first key, known by their hash. One an agent. */
export const enrolmentsStore = {
  put: async (
    db: Db,
    enrolment: EnrolmentRow & { hash: string; created_at: Date; expires_at: Date },
  ): Promise<void> => {
    const e = enrolment;
    await sql`insert into identity_agent_enrolments (hash, org_id, agent_id, created_at, expires_at)
      values (${e.hash}, ${e.org_id}, ${e.agent_id}, ${e.created_at}, ${e.expires_at})
      on conflict (agent_id) do update set hash = excluded.hash, created_at = excluded.created_at,
        expires_at = excluded.expires_at, used_at = null`.execute(db);
  },

  /** Whatever its state: a repeat of the request that used it must find it. */
  find: async (db: Db, hash: string): Promise<EnrolmentRow | null> =>
    (await sql<EnrolmentRow>`select org_id, agent_id from identity_agent_enrolments where hash = ${hash}`.execute(db))
      .rows[0] ?? null,

  take: async (db: Db, hash: string, at: Date): Promise<EnrolmentRow | null> =>
    (
      await sql<EnrolmentRow>`update identity_agent_enrolments set used_at = ${at}
        where hash = ${hash} and used_at is null and expires_at > ${at} returning org_id, agent_id`.execute(db)
    ).rows[0] ?? null,

  purge: async (db: Db, before: Date): Promise<void> => {
    await sql`delete from identity_agent_enrolments where expires_at < ${before}`.execute(db);
  },
};
