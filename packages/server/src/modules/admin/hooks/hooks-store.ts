import type { hookReceipt } from '@atrium/protocol';
import { type Kysely, sql } from 'kysely';
import type { z } from 'zod';
import type { Schema } from '../../../platform/db/schema.gen.ts';
import type { Position } from '../../../platform/paging/keyset.ts';

type Db = Kysely<Schema>;
export type Receipt = z.infer<typeof hookReceipt>;

export interface HookRow {
  id: string;
  org_id: string;
  name: string;
  kind: 'activity' | 'notify' | 'event';
  event: string | null;
  proof: 'signature' | 'secret';
  secret_sealed: string;
  channel_id: string | null;
  enabled: boolean;
  received: number;
  refused: number;
  last_at: Date | null;
  last_error: string | null;
  created_by_type: 'user' | 'agent' | 'device' | 'service' | 'system';
  created_by_id: string | null;
  created_by_name: string;
  created_at: Date;
}

export interface NoticeRow {
  id: string;
  type: string;
  data: Record<string, unknown>;
  from_name: string;
  created_at: Date;
  expires_at: Date;
}

const columns = sql`id, org_id, name, kind, event, proof, secret_sealed, channel_id, enabled, received, refused, last_at, last_error,
  created_by_type, created_by_id, created_by_name, created_at`;

export const hooksStore = {
  page: async (db: Db, orgId: string, after: Position<Date> | null, limit: number): Promise<HookRow[]> =>
    (
      await sql<HookRow>`select ${columns} from admin_hooks where org_id = ${orgId}
        and (${after?.value ?? null}::timestamptz is null or (created_at, id) < (${after?.value ?? null}, ${after?.id ?? null}::uuid))
        order by created_at desc, id desc limit ${limit}`.execute(db)
    ).rows,

  find: async (db: Db, orgId: string, id: string, lock = false): Promise<HookRow | null> =>
    (
      await sql<HookRow>`select ${columns} from admin_hooks where org_id = ${orgId} and id = ${id}
        ${lock ? sql`for update` : sql``}`.execute(db)
    ).rows[0] ?? null,

  /** By its address alone, for whoever sends to it. */
  findAddressed: async (db: Db, id: string): Promise<HookRow | null> =>
    (await sql<HookRow>`select ${columns} from admin_hooks where id = ${id} and enabled`.execute(db)).rows[0] ?? null,

  count: async (db: Db, orgId: string): Promise<number> =>
    (await sql<{ count: number }>`select count(*)::int as count from admin_hooks where org_id = ${orgId}`.execute(db))
      .rows[0]!.count,

  insert: async (db: Db, row: HookRow): Promise<void> => {
    await sql`insert into admin_hooks (id, org_id, name, kind, event, proof, secret_sealed, channel_id, created_by_type,
        created_by_id, created_by_name, created_at)
      values (${row.id}, ${row.org_id}, ${row.name}, ${row.kind}, ${row.event}, ${row.proof}, ${row.secret_sealed}, ${row.channel_id},
        ${row.created_by_type}, ${row.created_by_id}, ${row.created_by_name}, ${row.created_at})`.execute(db);
  },

  update: async (db: Db, row: Pick<HookRow, 'id' | 'name' | 'enabled' | 'secret_sealed'>): Promise<void> => {
    await sql`update admin_hooks set name = ${row.name}, enabled = ${row.enabled}, secret_sealed = ${row.secret_sealed}
      where id = ${row.id}`.execute(db);
  },

  remove: async (db: Db, orgId: string, id: string): Promise<void> => {
    await sql`delete from admin_hooks where org_id = ${orgId} and id = ${id}`.execute(db);
  },

  noteReceived: async (db: Db, id: string, at: Date): Promise<void> => {
    await sql`update admin_hooks set received = received + 1, last_at = ${at}, last_error = null where id = ${id}`.execute(
      db,
    );
  },
  noteRefused: async (db: Db, id: string, at: Date, error: string): Promise<void> => {
    await sql`update admin_hooks set refused = refused + 1, last_at = ${at}, last_error = ${error} where id = ${id}`.execute(
      db,
    );
  },

  /** Null when the message came before: its receipt is then what `receiptOf` tells. */
  takeMessage: async (db: Db, hookId: string, messageId: string, receipt: Receipt, at: Date): Promise<boolean> =>
    (
      await sql`insert into admin_hook_messages (hook_id, message_id, receipt, at)
        values (${hookId}, ${messageId}, ${JSON.stringify(receipt)}::jsonb, ${at}) on conflict do nothing returning 1`.execute(
        db,
      )
    ).rows.length > 0,
  setReceipt: async (db: Db, hookId: string, messageId: string, receipt: Receipt): Promise<void> => {
    await sql`update admin_hook_messages set receipt = ${JSON.stringify(receipt)}::jsonb
      where hook_id = ${hookId} and message_id = ${messageId}`.execute(db);
  },
  receiptOf: async (db: Db, hookId: string, messageId: string): Promise<Receipt> =>
    (
      await sql<{ receipt: Receipt }>`select receipt from admin_hook_messages
        where hook_id = ${hookId} and message_id = ${messageId}`.execute(db)
    ).rows[0]!.receipt,

  insertNotice: async (db: Db, row: NoticeRow & { org_id: string }, deviceIds: readonly string[]): Promise<void> => {
    await sql`insert into admin_hook_notices (id, org_id, type, data, from_name, created_at, expires_at)
      values (${row.id}, ${row.org_id}, ${row.type}, ${JSON.stringify(row.data)}::jsonb, ${row.from_name}, ${row.created_at},
        ${row.expires_at})`.execute(db);
    await sql`insert into admin_hook_targets (notice_id, device_id)
      select ${row.id}::uuid, d from unnest(${[...deviceIds]}::uuid[]) d on conflict do nothing`.execute(db);
  },

  pending: async (
    db: Db,
    deviceId: string,
    now: Date,
    after: Position<Date> | null,
    limit: number,
  ): Promise<NoticeRow[]> =>
    (
      await sql<NoticeRow>`select n.id, n.type, n.data, n.from_name, n.created_at, n.expires_at
        from admin_hook_targets t join admin_hook_notices n on n.id = t.notice_id
        where t.device_id = ${deviceId} and n.expires_at > ${now}
          and (${after?.value ?? null}::timestamptz is null
            or (n.created_at, n.id) > (${after?.value ?? null}, ${after?.id ?? null}::uuid))
        order by n.created_at, n.id limit ${limit}`.execute(db)
    ).rows,

  acknowledge: async (db: Db, deviceId: string, noticeId: string): Promise<boolean> =>
    (
      await sql`delete from admin_hook_targets where device_id = ${deviceId} and notice_id = ${noticeId} returning 1`.execute(
        db,
      )
    ).rows.length > 0,

  prune: async (db: Db, now: Date, messagesBefore: Date): Promise<void> => {
    await sql`delete from admin_hook_messages where at < ${messagesBefore}`.execute(db);
    await sql`delete from admin_hook_notices n where expires_at < ${now}
      or not exists (select from admin_hook_targets t where t.notice_id = n.id)`.execute(db);
  },

  sealed: async (db: Db): Promise<{ id: string; sealed: string }[]> =>
    (
      await sql<{
        id: string;
        sealed: string;
      }>`select id, secret_sealed as sealed from admin_hooks order by id`.execute(db)
    ).rows,
  reseal: async (db: Db, id: string, old: string, sealed: string): Promise<void> => {
    await sql`update admin_hooks set secret_sealed = ${sealed} where id = ${id} and secret_sealed = ${old}`.execute(db);
  },
};
