import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { AuditRow } from '../../platform/audit/audit-chain.ts';
import type { Schema } from '../../platform/db/schema.gen.ts';

type Db = Kysely<Schema>;

export interface SecurityEventRow {
  org_id: string;
  seq: number;
  kind: string;
  subject_id: string;
  actor_type: string;
  actor_id: string | null;
  actor_name: string;
  at: Date;
  body: Record<string, unknown>;
}

/** Where a page of events ended: several share a moment. */
export interface EventPosition {
  at: Date;
  org_id: string;
  seq: number;
}

/** The very words of the partial index, so that it is used. */
const security = sql`(starts_with(kind, 'identity.') or starts_with(kind, 'oauth.'))`;

const all = (parts: readonly RawBuilder<unknown>[]): RawBuilder<unknown> => sql.join(parts, sql` and `);

/** What operators read across organisations: facts of identity and OAuth, and lines about anything but items. */
export const serverStore = {
  events: async (
    db: Db,
    filter: { kind: string | undefined; after: EventPosition | null; limit: number },
  ): Promise<SecurityEventRow[]> => {
    const { kind, after, limit } = filter;
    const parts = [security, sql`kind <> 'oauth.admin.changed'`];
    if (kind !== undefined) parts.push(sql`starts_with(kind, ${kind})`);
    if (after !== null)
      parts.push(sql`(at, org_id, seq) < (${after.at}::timestamptz, ${after.org_id}::uuid, ${after.seq}::bigint)`);
    return (
      await sql<SecurityEventRow>`select org_id, seq, kind, subject_id, actor_type, actor_id, actor_name, at, body
        from core_events where ${all(parts)} order by at desc, org_id desc, seq desc limit ${limit}`.execute(db)
    ).rows;
  },

  /** Lines that sign-in leaves, good ones and refused ones, by hour. */
  signIns: async (db: Db, since: Date): Promise<{ hour: Date; failed: boolean; count: number }[]> =>
    (
      await sql<{ hour: Date; failed: boolean; count: number }>`
        select date_trunc('hour', at, 'UTC') as hour, action in ('auth.login_failed', 'auth.factor_failed') as failed, count(*)::int as count
          from core_audit
         where item_id is null and at >= ${since} and action in ('auth.login', 'auth.register', 'auth.login_failed', 'auth.factor_failed')
         group by 1, 2 order by 1`.execute(db)
    ).rows,

  audit: async (
    db: Db,
    filter: {
      action: string | undefined;
      actor_id: string | undefined;
      org_id: string | undefined;
      after: { value: Date; id: string } | null;
      limit: number;
    },
  ): Promise<AuditRow[]> => {
    const { action, actor_id, org_id, after, limit } = filter;
    const parts = [sql`item_id is null`];
    if (action !== undefined) parts.push(sql`starts_with(action, ${action})`);
    if (actor_id !== undefined) parts.push(sql`actor_id = ${actor_id}`);
    if (org_id !== undefined) parts.push(sql`org_id = ${org_id}`);
    if (after !== null) parts.push(sql`(at, id) < (${after.value}::timestamptz, ${after.id}::uuid)`);
    return (
      await sql<AuditRow>`select * from core_audit where ${all(parts)} order by at desc, id desc limit ${limit}`.execute(
        db,
      )
    ).rows;
  },
};
