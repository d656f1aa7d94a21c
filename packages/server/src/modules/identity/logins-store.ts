import { type Kysely, sql } from 'kysely';
import type { Schema } from '../../platform/db/schema.gen.ts';
import type { Position } from '../../platform/paging/keyset.ts';

type Db = Kysely<Schema>;

export interface LoginRow {
  id: string;
  user_id: string;
  provider_id: string;
  slug: string;
  provider_name: string;
  preset: string;
  subject: string;
  label: string;
  created_at: Date;
  last_used_at: Date | null;
}

const select = sql`
  select l.id, l.user_id, l.provider_id, p.slug, p.name as provider_name, p.preset, l.subject, l.label, l.created_at, l.last_used_at
    from identity_user_logins l join identity_providers p on p.id = l.provider_id`;

/** Accounts elsewhere that sign people in, and sign-ins with one that are under way. */
export const loginsStore = {
  find: async (db: Db, providerId: string, subject: string): Promise<LoginRow | null> =>
    (await sql<LoginRow>`${select} where l.provider_id = ${providerId} and l.subject = ${subject}`.execute(db))
      .rows[0] ?? null,

  page: async (db: Db, userId: string, after: Position<Date> | null, limit: number): Promise<LoginRow[]> =>
    (
      await sql<LoginRow>`${select} where l.user_id = ${userId}
           and (${after?.value ?? null}::timestamptz is null or (l.created_at, l.id) < (${after?.value ?? null}, ${after?.id ?? null}::uuid))
         order by l.created_at desc, l.id desc limit ${limit}`.execute(db)
    ).rows,

  count: async (db: Db, userId: string): Promise<number> =>
    (
      await sql<{ count: number }>`select count(*)::int as count from identity_user_logins l
        join identity_providers p on p.id = l.provider_id and p.enabled where l.user_id = ${userId}`.execute(db)
    ).rows[0]!.count,

  /** False when the account elsewhere is linked already, here or to somebody else. */
  insert: async (
    db: Db,
    login: {
      id: string;
      provider_id: string;
      subject: string;
      user_id: string;
      email: string | null;
      label: string;
      at: Date;
    },
  ): Promise<boolean> =>
    (
      await sql`insert into identity_user_logins (id, provider_id, subject, user_id, email_at_link, label, created_at)
        values (${login.id}, ${login.provider_id}, ${login.subject}, ${login.user_id}, ${login.email}, ${login.label}, ${login.at})
        on conflict (provider_id, subject) do nothing returning id`.execute(db)
    ).rows.length > 0,

  markUsed: async (db: Db, id: string, label: string, at: Date): Promise<void> => {
    await sql`update identity_user_logins set last_used_at = ${at}, label = ${label} where id = ${id}`.execute(db);
  },

  delete: async (db: Db, userId: string, id: string): Promise<LoginRow | null> => {
    const found =
      (await sql<LoginRow>`${select} where l.user_id = ${userId} and l.id = ${id}`.execute(db)).rows[0] ?? null;
    if (found !== null) await sql`delete from identity_user_logins where id = ${id}`.execute(db);
    return found;
  },

  insertState: async (
    db: Db,
    state: {
      hash: string;
      provider_id: string;
      browser: string;
      sealed: string;
      user_id: string | null;
      next: string | null;
      expires_at: Date;
    },
  ): Promise<void> => {
    await sql`insert into identity_social_states (hash, provider_id, browser, sealed, user_id, next, expires_at)
      values (${state.hash}, ${state.provider_id}, ${state.browser}, ${state.sealed}, ${state.user_id}, ${state.next}, ${state.expires_at})`.execute(
      db,
    );
  },

  /** The name that Apple tells in its first form post and never again. */
  noteName: async (db: Db, hash: string, name: string): Promise<void> => {
    await sql`update identity_social_states set name_given = ${name} where hash = ${hash}`.execute(db);
  },

  /** What a callback belongs to; gone with that, so that the same answer does not come in twice. */
  takeState: async (db: Db, hash: string, browser: string, now: Date) =>
    (
      await sql<{
        provider_id: string;
        sealed: string;
        user_id: string | null;
        next: string | null;
        name_given: string | null;
      }>`delete from identity_social_states where hash = ${hash} and browser = ${browser} and expires_at > ${now}
        returning provider_id, sealed, user_id, next, name_given`.execute(db)
    ).rows[0] ?? null,
};
