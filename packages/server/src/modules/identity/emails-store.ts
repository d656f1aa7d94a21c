import { type Kysely, sql } from 'kysely';
import type { Schema } from '../../platform/db/schema.gen.ts';

type Db = Kysely<Schema>;

export interface EmailRow {
  id: string;
  user_id: string;
  address: string;
  verified_at: Date | null;
  is_primary: boolean;
  added_at: Date;
}

const columns = sql`id, user_id, address, verified_at, is_primary, added_at`;

/** Addresses of people. */
export const emailsStore = {
  ofUser: async (db: Db, userId: string): Promise<EmailRow[]> =>
    (
      await sql<EmailRow>`select ${columns} from identity_emails where user_id = ${userId}
        order by is_primary desc, added_at, id`.execute(db)
    ).rows,

  /** Of an active person. An added address counts only once it is verified: until then anybody could have typed it. */
  findReachable: async (db: Db, address: string): Promise<EmailRow | null> =>
    (
      await sql<EmailRow>`select e.id, e.user_id, e.address, e.verified_at, e.is_primary, e.added_at from identity_emails e
        join identity_users u on u.id = e.user_id and u.state = 'active'
        where lower(e.address) = lower(${address}) and (e.is_primary or e.verified_at is not null)`.execute(db)
    ).rows[0] ?? null,

  findByAddress: async (db: Db, address: string): Promise<EmailRow | null> =>
    (await sql<EmailRow>`select ${columns} from identity_emails where lower(address) = lower(${address})`.execute(db))
      .rows[0] ?? null,

  insert: async (db: Db, email: { id: string; user_id: string; address: string; at: Date }): Promise<void> => {
    await sql`insert into identity_emails (id, user_id, address, is_primary, added_at)
      values (${email.id}, ${email.user_id}, ${email.address}, false, ${email.at})`.execute(db);
  },

  /** True when this was the first proof of the address. */
  verify: async (db: Db, userId: string, address: string, at: Date): Promise<boolean> =>
    (
      await sql`update identity_emails set verified_at = ${at}
        where user_id = ${userId} and lower(address) = lower(${address}) and verified_at is null returning id`.execute(
        db,
      )
    ).rows.length > 0,

  makePrimary: async (db: Db, userId: string, id: string): Promise<void> => {
    // The index on primary addresses is checked row by row, so the old one steps down first.
    await sql`update identity_emails set is_primary = false where user_id = ${userId} and is_primary`.execute(db);
    await sql`update identity_emails set is_primary = true where user_id = ${userId} and id = ${id}`.execute(db);
  },

  delete: async (db: Db, userId: string, id: string): Promise<void> => {
    await sql`delete from identity_emails where user_id = ${userId} and id = ${id} and not is_primary`.execute(db);
  },

  /** Added addresses that nobody proved: they must not keep their real owner from using them. */
  purge: async (db: Db, before: Date): Promise<void> => {
    await sql`delete from identity_emails where not is_primary and verified_at is null and added_at < ${before}`.execute(
      db,
    );
  },
};
