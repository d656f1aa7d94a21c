import { type Kysely, sql, type Transaction } from 'kysely';
import type { Schema } from '../../platform/db/schema.gen.ts';
import type { ConnectionRow, SignInRow } from './tools-rows.ts';

type Db = Kysely<Schema> | Transaction<Schema>;

const of = (serverId: string, userId: string | null) =>
  sql`server_id = ${serverId} and user_id is not distinct from ${userId}::uuid`;

export const connectionsStore = {
  find: async (db: Db, serverId: string, userId: string | null): Promise<ConnectionRow | null> =>
    (await sql<ConnectionRow>`select * from tools_connections where ${of(serverId, userId)}`.execute(db)).rows[0] ??
    null,

  lock: async (db: Db, serverId: string, userId: string | null): Promise<ConnectionRow | null> =>
    (await sql<ConnectionRow>`select * from tools_connections where ${of(serverId, userId)} for update`.execute(db))
      .rows[0] ?? null,

  insert: async (db: Db, row: ConnectionRow, at: Date): Promise<void> => {
    await sql`insert into tools_connections (id, org_id, server_id, user_id, sealed, connected, created_at, updated_at)
      values (${row.id}, ${row.org_id}, ${row.server_id}, ${row.user_id}, ${row.sealed}, ${row.connected}, ${at}, ${at})
      on conflict do nothing`.execute(db);
  },

  update: async (db: Db, id: string, sealed: string, connected: boolean, at: Date): Promise<void> => {
    await sql`update tools_connections set sealed = ${sealed}, connected = ${connected}, updated_at = ${at}
      where id = ${id}`.execute(db);
  },

  remove: async (db: Db, serverId: string, userId: string | null): Promise<void> => {
    await sql`delete from tools_connections where ${of(serverId, userId)}`.execute(db);
  },

  removeAll: async (db: Db, serverId: string): Promise<void> => {
    await sql`delete from tools_connections where server_id = ${serverId}`.execute(db);
  },

  /** Servers at which somebody, or the organisation, has signed in. */
  connected: async (db: Db, orgId: string, userId: string | null): Promise<Set<string>> => {
    const { rows } = await sql<{ server_id: string }>`select server_id from tools_connections
      where org_id = ${orgId} and connected and (user_id is null or user_id = ${userId}::uuid)`.execute(db);
    return new Set(rows.map((row) => row.server_id));
  },

  putSignIn: async (db: Db, row: SignInRow): Promise<void> => {
    await sql`insert into tools_sign_ins (state_hash, org_id, server_id, user_id, started_by, sealed, expires_at)
      values (${row.state_hash}, ${row.org_id}, ${row.server_id}, ${row.user_id}, ${row.started_by}, ${row.sealed},
        ${row.expires_at})`.execute(db);
  },

  /** Once only. */
  takeSignIn: async (db: Db, hash: string, startedBy: string, now: Date): Promise<SignInRow | null> =>
    (
      await sql<SignInRow>`delete from tools_sign_ins where state_hash = ${hash} and started_by = ${startedBy}
        and expires_at > ${now} returning *`.execute(db)
    ).rows[0] ?? null,

  pruneSignIns: async (db: Db, now: Date): Promise<void> => {
    await sql`delete from tools_sign_ins where expires_at < ${now}`.execute(db);
  },

  sealed: async (db: Db): Promise<{ id: string; sealed: string }[]> =>
    (await sql<{ id: string; sealed: string }>`select id, sealed from tools_connections`.execute(db)).rows,

  reseal: async (db: Db, id: string, before: string, after: string): Promise<void> => {
    await sql`update tools_connections set sealed = ${after} where id = ${id} and sealed = ${before}`.execute(db);
  },
};
