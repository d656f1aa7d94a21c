import { sql } from 'kysely';
import type { Db } from './db.ts';

export interface TransactionRow {
  id: string;
  /** Of the token that it began with. */
  client_id: string;
  subject: string;
  org_id: string | null;
  grant_id: string | null;
  participants: string[];
  created_at: Date;
  expires_at: Date;
}

/** Beyond that many services nobody can say any more who takes part. */
export const mostParticipants = 50;

/** Call chains for which transaction tokens were given. */
export const transactionsStore = {
  insert: async (db: Db, row: TransactionRow): Promise<void> => {
    await sql`insert into oauth_transactions (id, client_id, subject, org_id, grant_id, participants, created_at, expires_at)
      values (${row.id}, ${row.client_id}, ${row.subject}, ${row.org_id}, ${row.grant_id}, ${row.participants}::text[],
        ${row.created_at}, ${row.expires_at})`.execute(db);
  },

  find: async (db: Db, id: string, now: Date): Promise<TransactionRow | null> =>
    (await sql<TransactionRow>`select * from oauth_transactions where id = ${id} and expires_at > ${now}`.execute(db))
      .rows[0] ?? null,

  /** False when it is full. */
  join: async (db: Db, id: string, clientId: string): Promise<boolean> => {
    const result = await sql`update oauth_transactions
      set participants = case when ${clientId} = any (participants) then participants else participants || ${clientId}::text end
      where id = ${id} and (cardinality(participants) < ${mostParticipants} or ${clientId} = any (participants))`.execute(
      db,
    );
    return result.numAffectedRows === 1n;
  },

  sweep: async (db: Db, before: Date): Promise<void> => {
    await sql`delete from oauth_transactions where id in (
        select id from oauth_transactions where expires_at < ${before} limit 20000)`.execute(db);
  },
};
