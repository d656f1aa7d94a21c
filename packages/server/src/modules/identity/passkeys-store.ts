import { type Kysely, sql } from 'kysely';
import type { Schema } from '../../platform/db/schema.gen.ts';

type Db = Kysely<Schema>;

export interface PasskeyRow {
  id: string;
  credential_id: string;
  user_id: string;
  public_key: string;
  counter: number;
  transports: string[];
  aaguid: string;
  backed_up: boolean;
  name: string;
  created_at: Date;
  last_used_at: Date | null;
  regressed_at: Date | null;
}

const columns = sql`id, credential_id, user_id, public_key, counter::float8 as counter, transports, aaguid, backed_up, name,
  created_at, last_used_at, regressed_at`;

/** Passkeys of people, and the ceremonies that make or use one. */
export const passkeysStore = {
  insert: async (db: Db, passkey: Omit<PasskeyRow, 'last_used_at' | 'regressed_at'>): Promise<boolean> => {
    const p = passkey;
    const inserted = await sql`insert into identity_passkeys
        (id, credential_id, user_id, public_key, counter, transports, aaguid, backed_up, name, created_at)
      values (${p.id}, ${p.credential_id}, ${p.user_id}, ${p.public_key}, ${p.counter}, ${p.transports}::text[], ${p.aaguid},
              ${p.backed_up}, ${p.name}, ${p.created_at})
      on conflict (credential_id) do nothing returning id`.execute(db);
    return inserted.rows.length > 0;
  },

  ofUser: async (db: Db, userId: string): Promise<PasskeyRow[]> =>
    (
      await sql<PasskeyRow>`select ${columns} from identity_passkeys where user_id = ${userId}
        order by created_at desc, id desc`.execute(db)
    ).rows,

  find: async (db: Db, userId: string, id: string): Promise<PasskeyRow | null> =>
    (
      await sql<PasskeyRow>`select ${columns} from identity_passkeys where user_id = ${userId} and id = ${id}`.execute(
        db,
      )
    ).rows[0] ?? null,

  findByCredential: async (db: Db, credentialId: string): Promise<PasskeyRow | null> =>
    (await sql<PasskeyRow>`select ${columns} from identity_passkeys where credential_id = ${credentialId}`.execute(db))
      .rows[0] ?? null,

  /** Locked, so that two answers at once cannot both move the counter from the same value. */
  lockByCredential: async (db: Db, credentialId: string): Promise<PasskeyRow | null> =>
    (
      await sql<PasskeyRow>`select ${columns} from identity_passkeys where credential_id = ${credentialId} for update`.execute(
        db,
      )
    ).rows[0] ?? null,

  markUsed: async (db: Db, id: string, use: { counter: number; backed_up: boolean; at: Date }): Promise<void> => {
    await sql`update identity_passkeys set counter = ${use.counter}, backed_up = ${use.backed_up}, last_used_at = ${use.at}
      where id = ${id}`.execute(db);
  },

  markRegressed: async (db: Db, id: string, at: Date): Promise<void> => {
    await sql`update identity_passkeys set regressed_at = ${at} where id = ${id}`.execute(db);
  },

  rename: async (db: Db, userId: string, id: string, name: string): Promise<PasskeyRow | null> =>
    (
      await sql<PasskeyRow>`update identity_passkeys set name = ${name} where user_id = ${userId} and id = ${id}
        returning ${columns}`.execute(db)
    ).rows[0] ?? null,

  delete: async (db: Db, userId: string, id: string): Promise<PasskeyRow | null> =>
    (
      await sql<PasskeyRow>`delete from identity_passkeys where user_id = ${userId} and id = ${id} returning ${columns}`.execute(
        db,
      )
    ).rows[0] ?? null,

  insertCeremony: async (
    db: Db,
    ceremony: { id: string; challenge: string; user_id: string | null; expires_at: Date } & (
      | { purpose: 'add' | 'sign_in' }
      | { purpose: 'personal_key'; public_key: string; nonce: string }
    ),
  ): Promise<void> => {
    const c = { public_key: null, nonce: null, ...ceremony };
    await sql`insert into identity_ceremonies (id, challenge, purpose, user_id, public_key, nonce, expires_at)
      values (${c.id}, ${c.challenge}, ${c.purpose}, ${c.user_id}, ${c.public_key}, ${c.nonce},
        ${c.expires_at})`.execute(db);
  },

  /** The challenge, which is gone with that: a second answer to it finds nothing. */
  takeCeremony: async (
    db: Db,
    id: string,
    purpose: 'add' | 'sign_in',
    now: Date,
  ): Promise<{ challenge: string; user_id: string | null } | null> =>
    (
      await sql<{ challenge: string; user_id: string | null }>`delete from identity_ceremonies
        where id = ${id} and purpose = ${purpose} and expires_at > ${now} returning challenge, user_id`.execute(db)
    ).rows[0] ?? null,

  /** The same for the approval of a key, of that person alone. */
  takeApproval: async (
    db: Db,
    id: string,
    userId: string,
    now: Date,
  ): Promise<{ challenge: string; public_key: string; nonce: string } | null> =>
    (
      await sql<{ challenge: string; public_key: string; nonce: string }>`delete from identity_ceremonies
        where id = ${id} and purpose = 'personal_key' and user_id = ${userId} and expires_at > ${now}
        returning challenge, public_key, nonce`.execute(db)
    ).rows[0] ?? null,
};
