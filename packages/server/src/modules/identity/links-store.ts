import { type Kysely, sql } from 'kysely';
import type { Schema } from '../../platform/db/schema.gen.ts';

type Db = Kysely<Schema>;

export type LinkPurpose = 'magic' | 'verify' | 'reset';

export interface LinkRow {
  id: string;
  purpose: LinkPurpose;
  user_id: string;
  email: string;
}

const live = (now: Date) =>
  sql`used_at is null and cancelled_at is null and user_id is not null and expires_at > ${now}`;

/** Links sent by mail. Only the hash of a token stays once its letter is sent. */
export const linksStore = {
  insert: async (
    db: Db,
    link: {
      id: string;
      hash: string;
      purpose: LinkPurpose;
      user_id: string | null;
      email: string | null;
      token: string;
      requested_ip: string | null;
      at: Date;
      expires_at: Date;
    },
  ): Promise<void> => {
    const l = link;
    await sql`insert into identity_magic_links (id, hash, purpose, user_id, email, token, requested_ip, created_at, expires_at)
      values (${l.id}, ${l.hash}, ${l.purpose}, ${l.user_id}, ${l.email}, ${l.token}, ${l.requested_ip}, ${l.at}, ${l.expires_at})`.execute(
      db,
    );
  },

  /** Ends links of one purpose; those of one address when it is given. */
  cancel: async (
    db: Db,
    userId: string | null,
    purpose: LinkPurpose,
    email: string | null,
    at: Date,
  ): Promise<void> => {
    await sql`update identity_magic_links set cancelled_at = ${at}, token = null
      where user_id = ${userId} and purpose = ${purpose} and used_at is null and cancelled_at is null
        and (${email}::text is null or lower(email) = lower(${email}))`.execute(db);
  },

  cancelAll: async (db: Db, userId: string, at: Date): Promise<void> => {
    await sql`update identity_magic_links set cancelled_at = ${at}, token = null
      where user_id = ${userId} and used_at is null and cancelled_at is null`.execute(db);
  },

  findLive: async (db: Db, hash: string, now: Date): Promise<LinkRow | null> =>
    (
      await sql<LinkRow>`select id, purpose, user_id, email from identity_magic_links
        where hash = ${hash} and ${live(now)}`.execute(db)
    ).rows[0] ?? null,

  /** Spends a link: of two that come together the second finds nothing. */
  take: async (db: Db, hash: string, now: Date): Promise<LinkRow | null> =>
    (
      await sql<LinkRow>`update identity_magic_links set used_at = ${now}, token = null
        where hash = ${hash} and ${live(now)} returning id, purpose, user_id, email`.execute(db)
    ).rows[0] ?? null,

  /** What a letter needs, while it still has to be sent. */
  toSend: async (db: Db, id: string, now: Date): Promise<(LinkRow & { token: string; name: string }) | null> =>
    (
      await sql<LinkRow & { token: string; name: string }>`
        select l.id, l.purpose, l.user_id, l.email, l.token, u.name from identity_magic_links l
          join identity_users u on u.id = l.user_id and u.state = 'active'
         where l.id = ${id} and l.token is not null and l.sent_at is null
           and l.used_at is null and l.cancelled_at is null and l.expires_at > ${now}`.execute(db)
    ).rows[0] ?? null,

  markSent: async (db: Db, id: string, at: Date): Promise<void> => {
    await sql`update identity_magic_links set sent_at = ${at}, token = null where id = ${id}`.execute(db);
  },

  sealed: async (db: Db): Promise<{ id: string; token: string }[]> =>
    (
      await sql<{
        id: string;
        token: string;
      }>`select id, token from identity_magic_links where token is not null`.execute(db)
    ).rows,

  reseal: async (db: Db, id: string, from: string, to: string): Promise<void> => {
    await sql`update identity_magic_links set token = ${to} where id = ${id} and token = ${from}`.execute(db);
  },

  purge: async (db: Db, before: Date): Promise<void> => {
    await sql`delete from identity_magic_links where expires_at < ${before}`.execute(db);
  },
};
