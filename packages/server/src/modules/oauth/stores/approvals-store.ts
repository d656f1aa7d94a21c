import { sql } from 'kysely';
import type { Db } from './db.ts';

export type ApprovalKind = 'transaction' | 'ciba';
export type ApprovalState = 'pending' | 'approved' | 'denied' | 'expired' | 'withdrawn';

export interface ApprovalProof {
  auth_time: string;
  acr: string;
  amr: string[];
}

export interface ApprovalRow {
  id: string;
  id_hash: string;
  kind: ApprovalKind;
  client_id: string;
  org_id: string;
  subject: string;
  details: Record<string, unknown>[];
  scopes: string[];
  resources: string[];
  binding_message: string | null;
  state: ApprovalState;
  decided_by: string | null;
  decided_at: Date | null;
  proof: ApprovalProof | null;
  consumed_at: Date | null;
  poll_interval_s: number;
  created_at: Date;
  expires_at: Date;
}

export type ApprovalDraft = Omit<
  ApprovalRow,
  'state' | 'decided_by' | 'decided_at' | 'proof' | 'consumed_at' | 'poll_interval_s'
>;

const one = async <T>(rows: Promise<{ rows: T[] }>): Promise<T | null> => (await rows).rows[0] ?? null;

/** What clients asked people to approve, until an hour after it is over. */
export const approvalsStore = {
  insert: async (db: Db, draft: ApprovalDraft): Promise<void> => {
    const d = draft;
    await sql`insert into oauth_approvals (id, id_hash, kind, client_id, org_id, subject, details, scopes, resources,
        binding_message, created_at, expires_at)
      values (${d.id}, ${d.id_hash}, ${d.kind}, ${d.client_id}, ${d.org_id}, ${d.subject},
        ${JSON.stringify(d.details)}::jsonb, ${d.scopes}::text[], ${d.resources}::text[], ${d.binding_message},
        ${d.created_at}, ${d.expires_at})`.execute(db);
  },

  /** How many wait for a person. Others that count for the same person wait here for the end of this transaction. */
  countOpen: async (
    db: Db,
    of: { subject: string; client_id: string },
    now: Date,
  ): Promise<{ all: number; of_client: number }> => {
    await sql`select pg_advisory_xact_lock(hashtextextended(${`oauth_approvals ${of.subject}`}, 0))`.execute(db);
    const counted = await sql<{ all: number; of_client: number }>`select count(*)::int as all,
        (count(*) filter (where client_id = ${of.client_id}))::int as of_client
      from oauth_approvals where subject = ${of.subject} and state = 'pending' and expires_at > ${now}`.execute(db);
    return counted.rows[0]!;
  },

  find: (db: Db, of: { id: string; client_id: string }): Promise<ApprovalRow | null> =>
    one(
      sql<ApprovalRow>`select * from oauth_approvals
        where id = ${of.id} and client_id = ${of.client_id} and kind = 'transaction'`.execute(db),
    ),

  byId: (db: Db, id: string): Promise<ApprovalRow | null> =>
    one(sql<ApprovalRow>`select * from oauth_approvals where id = ${id}`.execute(db)),

  findPolled: (db: Db, of: { id_hash: string; client_id: string }): Promise<ApprovalRow | null> =>
    one(
      sql<ApprovalRow>`select * from oauth_approvals
        where id_hash = ${of.id_hash} and client_id = ${of.client_id} and kind = 'transaction'`.execute(db),
    ),

  /** Counts a poll; false when it came before its time, which makes the interval five seconds longer. */
  paceByHash: async (db: Db, hash: string, now: Date): Promise<boolean> => {
    const { rows } = await sql<{ early: boolean }>`update oauth_approvals a set polled_at = ${now},
        poll_interval_s = a.poll_interval_s + case when o.early then 5 else 0 end
      from (select id, coalesce(polled_at > ${now}::timestamptz - make_interval(secs => poll_interval_s), false) as early
            from oauth_approvals where id_hash = ${hash} for update) o
      where a.id = o.id returning o.early`.execute(db);
    return rows[0]?.early !== true;
  },

  /** The decision of the person asked, while the request waits; null for everybody and everything else. */
  decide: (
    db: Db,
    of: { id: string; subject: string; org_id: string },
    decision: { state: 'approved' | 'denied'; proof: ApprovalProof | null },
    now: Date,
  ): Promise<ApprovalRow | null> =>
    one(
      sql<ApprovalRow>`update oauth_approvals set state = ${decision.state}, decided_by = ${of.subject},
          decided_at = ${now}, proof = ${JSON.stringify(decision.proof)}::jsonb
        where id = ${of.id} and subject = ${of.subject} and org_id = ${of.org_id} and state = 'pending'
          and expires_at > ${now} returning *`.execute(db),
    ),

  /** True when it still waited. */
  withdraw: async (db: Db, id: string, now: Date): Promise<boolean> =>
    (
      await sql`update oauth_approvals set state = 'withdrawn', decided_at = ${now}
        where id = ${id} and state = 'pending' and expires_at > ${now}`.execute(db)
    ).numAffectedRows === 1n,

  /** True for the one who spends it. */
  consume: async (db: Db, id: string, now: Date): Promise<boolean> =>
    (await sql`update oauth_approvals set consumed_at = ${now} where id = ${id} and consumed_at is null`.execute(db))
      .numAffectedRows === 1n,

  sweep: async (db: Db, before: Date, batch = 5000): Promise<boolean> => {
    const swept = await sql`delete from oauth_approvals where id in (
        select id from oauth_approvals where expires_at < ${before} limit ${batch} for update skip locked)`.execute(db);
    return Number(swept.numAffectedRows ?? 0n) === batch;
  },
};
