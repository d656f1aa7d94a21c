import { type Kysely, sql } from 'kysely';
import type { Schema } from '../../platform/db/schema.gen.ts';

type Db = Kysely<Schema>;

export interface UserRow {
  id: string;
  name: string;
  email: string;
  email_verified: boolean;
  created_at: Date;
}

/** With what decides whether they may come in. */
export interface PersonRow extends UserRow {
  state: 'active' | 'disabled' | 'erased';
  is_operator: boolean;
}

export interface SignInRow {
  user_id: string;
  phc: string | null;
}

const columns = sql`u.id, u.name, e.address as email, e.verified_at is not null as email_verified, u.created_at`;

/** People, their addresses and passwords. */
export const usersStore = {
  exists: async (db: Db): Promise<boolean> =>
    (await sql<{ found: boolean }>`select exists (select from identity_users) as found`.execute(db)).rows[0]!.found,

  insert: async (
    db: Db,
    user: {
      id: string;
      name: string;
      email: string;
      verified: boolean;
      is_operator: boolean;
      created_by: string;
      /** Null for accounts that sign in by an account elsewhere. */
      phc: string | null;
      email_id: string;
      at: Date;
    },
  ): Promise<void> => {
    await sql`insert into identity_users (id, name, is_operator, created_by, created_at, last_login_at)
      values (${user.id}, ${user.name}, ${user.is_operator}, ${user.created_by}, ${user.at}, ${user.at})`.execute(db);
    await sql`insert into identity_emails (id, user_id, address, verified_at, added_at)
      values (${user.email_id}, ${user.id}, ${user.email}, ${user.verified ? user.at : null}, ${user.at})`.execute(db);
    if (user.phc === null) return;
    await sql`insert into identity_passwords (user_id, phc, changed_at) values (${user.id}, ${user.phc}, ${user.at})`.execute(
      db,
    );
  },

  find: async (db: Db, id: string): Promise<PersonRow | null> =>
    (
      await sql<PersonRow>`select ${columns}, u.state, u.is_operator from identity_users u
        join identity_emails e on e.user_id = u.id and e.is_primary where u.id = ${id}`.execute(db)
    ).rows[0] ?? null,

  /** What remains is an id with a word in place of the name, so that older rows still refer to somebody. */
  erase: async (db: Db, id: string, name: string): Promise<void> => {
    await sql`delete from identity_emails where user_id = ${id}`.execute(db);
    await sql`delete from identity_magic_links where user_id = ${id}`.execute(db);
    await sql`delete from identity_sessions where user_id = ${id}`.execute(db);
    await sql`delete from identity_api_keys where user_id = ${id}`.execute(db);
    await sql`update identity_agents set owner_id = null where owner_id = ${id}`.execute(db);
    await sql`update identity_invitations set created_by_name = ${name}
      where created_by_type = 'user' and created_by_id = ${id}`.execute(db);
    await sql`update identity_users set name = ${name}, state = 'erased', is_operator = false, preferences = '{}',
      last_login_at = null where id = ${id}`.execute(db);
  },

  findForSignIn: async (db: Db, email: string): Promise<SignInRow | null> =>
    (
      await sql<SignInRow>`select u.id as user_id, p.phc from identity_emails e
        join identity_users u on u.id = e.user_id and u.state = 'active'
        left join identity_passwords p on p.user_id = u.id
        where lower(e.address) = lower(${email})`.execute(db)
    ).rows[0] ?? null,

  password: async (db: Db, id: string): Promise<string | null> =>
    (await sql<{ phc: string }>`select phc from identity_passwords where user_id = ${id}`.execute(db)).rows[0]?.phc ??
    null,

  setPassword: async (db: Db, id: string, phc: string, at: Date): Promise<void> => {
    await sql`insert into identity_passwords (user_id, phc, changed_at) values (${id}, ${phc}, ${at})
      on conflict (user_id) do update set phc = excluded.phc, changed_at = excluded.changed_at, must_change = false`.execute(
      db,
    );
  },

  /** Leaves a password alone that somebody changed meanwhile. */
  renewHash: async (db: Db, id: string, from: string, to: string): Promise<void> => {
    await sql`update identity_passwords set phc = ${to} where user_id = ${id} and phc = ${from}`.execute(db);
  },

  markLogin: async (db: Db, id: string, at: Date): Promise<void> => {
    await sql`update identity_users set last_login_at = ${at} where id = ${id}`.execute(db);
  },

  rename: async (db: Db, id: string, name: string): Promise<void> => {
    await sql`update identity_users set name = ${name} where id = ${id}`.execute(db);
  },

  hasVerifiedEmail: async (db: Db, id: string, email: string): Promise<boolean> =>
    (
      await sql`select from identity_emails
        where user_id = ${id} and lower(address) = lower(${email}) and verified_at is not null`.execute(db)
    ).rows.length > 0,

  preferences: async (db: Db, id: string): Promise<Record<string, unknown>> =>
    (
      await sql<{
        preferences: Record<string, unknown>;
      }>`select preferences from identity_users where id = ${id}`.execute(db)
    ).rows[0]?.preferences ?? {},

  preferencesOf: async (db: Db, orgId: string, ids: readonly string[]) =>
    (
      await sql<{ id: string; preferences: Record<string, unknown> }>`
        select u.id, u.preferences from identity_members m join identity_users u on u.id = m.user_id
        where m.org_id = ${orgId} and m.user_id = any(${ids}::uuid[])`.execute(db)
    ).rows,

  mergePreferences: async (db: Db, id: string, changes: Record<string, unknown>): Promise<Record<string, unknown>> =>
    (
      await sql<{ preferences: Record<string, unknown> }>`
        update identity_users set preferences = preferences || ${JSON.stringify(changes)}::jsonb where id = ${id}
        returning preferences`.execute(db)
    ).rows[0]!.preferences,

  /** Serializes attempts to be the first user until the end of the transaction. */
  lockSetup: async (db: Db): Promise<void> => {
    await sql`select pg_advisory_xact_lock(hashtext('identity.setup'))`.execute(db);
  },
  insertSetupToken: async (db: Db, hash: string, at: Date): Promise<void> => {
    await sql`insert into identity_setup_tokens (hash, created_at) values (${hash}, ${at})`.execute(db);
  },
  setupTokenHashes: async (db: Db): Promise<string[]> =>
    (await sql<{ hash: string }>`select hash from identity_setup_tokens`.execute(db)).rows.map((row) => row.hash),
  deleteSetupTokens: async (db: Db): Promise<void> => {
    await sql`delete from identity_setup_tokens`.execute(db);
  },
};
