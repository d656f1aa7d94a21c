import { type Kysely, sql } from 'kysely';
import type { Schema } from '../db/schema.gen.ts';
import { AppError } from '../errors/app-error.ts';
import {
  type AuditCheckpoint,
  type AuditRedaction,
  type AuditRow,
  auditHash,
  canonicalAudit,
  checkpointHolds,
  contentHash,
  redactionHolds,
  signCheckpoint,
  signRedaction,
} from './audit-chain.ts';

export interface AuditFilter {
  actor_id?: string;
  /** Exact, or a prefix that ends in `.*`. */
  action?: string;
  target_type?: string;
  target_id?: string;
  item_id?: string;
  /** Type or id of the target, whichever it is. */
  target?: string;
  since?: Date;
  until?: Date;
  /** Text anywhere in action, names and details. */
  q?: string;
}

export interface AuditPage {
  items: AuditRow[];
  next_cursor: string | null;
}

/** What the verifier found. `broken` names the first row that does not fit, or the end of the trail. */
export type AuditVerdict =
  | { ok: true; rows: number; pruned_through: number }
  | { ok: false; broken: { seq: number; id: string | null; reason: string } };

export interface AuditStore {
  /** Newest first. `keep` says which rows the reader may see; pages are filled up with rows that pass it. */
  list(
    orgId: string,
    filter: AuditFilter,
    page: { limit: number; cursor?: string | undefined },
    keep?: (rows: readonly AuditRow[]) => Promise<readonly boolean[]>,
  ): Promise<AuditPage>;
  /** All rows of the filter, oldest first, in batches; memory stays flat. */
  rows(orgId: string, filter: AuditFilter): AsyncGenerator<AuditRow[]>;
  verifyAudit(orgId: string): Promise<AuditVerdict>;
  /** Where the last pruning ended; null when nothing was pruned. */
  checkpoint(orgId: string): Promise<{ seq: number; at: Date } | null>;
  /** Deletes the beginning of the trail that is older than `before` and leaves a signed checkpoint. */
  prune(orgId: string, before: Date, now: Date): Promise<number>;
  /** Signs the checkpoints and redactions of earlier keys with the current one; says how many. Forged ones stay. */
  renewCheckpoints(): Promise<number>;
}

/** Current key first; checkpoints that an earlier one signed are good as well. */
type CheckpointKeys = readonly [Uint8Array, ...Uint8Array[]];

type CheckpointRow = AuditCheckpoint & { signature: string };
type RedactionRow = AuditRedaction & { signature: string };

const columns = sql.raw(
  'id, org_id, seq, at, actor_type, actor_id, actor_name, action, target_type, target_id, item_id, details, ip, user_agent, trace_id, request_id, prev_hash, hash',
);
const batchSize = 500;

const conditions = (orgId: string, filter: AuditFilter) => {
  const parts = [sql`org_id = ${orgId}`];
  if (filter.actor_id !== undefined) parts.push(sql`actor_id = ${filter.actor_id}`);
  if (filter.action?.endsWith('.*')) parts.push(sql`starts_with(action, ${filter.action.slice(0, -1)})`);
  else if (filter.action !== undefined) parts.push(sql`action = ${filter.action}`);
  if (filter.target_type !== undefined) parts.push(sql`target_type = ${filter.target_type}`);
  if (filter.target_id !== undefined) parts.push(sql`target_id = ${filter.target_id}`);
  if (filter.item_id !== undefined) parts.push(sql`item_id = ${filter.item_id}`);
  if (filter.target !== undefined) parts.push(sql`${filter.target} in (target_type, target_id)`);
  if (filter.q !== undefined && filter.q !== '') {
    const like = `%${filter.q.replace(/[\\%_]/g, '\\$&')}%`;
    parts.push(sql`concat_ws(' ', action, actor_name, target_id, details::text) ilike ${like}`);
  }
  if (filter.since !== undefined) parts.push(sql`at >= ${filter.since}`);
  if (filter.until !== undefined) parts.push(sql`at < ${filter.until}`);
  return sql.join(parts, sql` and `);
};

const seqOf = (cursor: string | undefined): number => {
  if (cursor === undefined) return Number.MAX_SAFE_INTEGER;
  const seq = Number(Buffer.from(cursor, 'base64url').toString());
  if (!Number.isSafeInteger(seq) || seq < 1) throw new AppError('bad_request', 'The cursor is not one of this list.');
  return seq;
};

const cursorOf = (seq: number): string => Buffer.from(String(seq)).toString('base64url');

/** The audit trail as readers, the verifier and the pruning job see it. Lines are appended by transactions alone. */
export const createAuditStore = (db: Kysely<Schema>, checkpointKeys: CheckpointKeys): AuditStore => ({
  list: async (orgId, filter, page, keep) => {
    const items: AuditRow[] = [];
    let before = seqOf(page.cursor);
    for (;;) {
      const found = await sql<AuditRow>`select ${columns} from core_audit
        where ${conditions(orgId, filter)} and seq < ${before} order by seq desc limit ${page.limit + 1}`.execute(db);
      const seen = keep === undefined ? null : await keep(found.rows);
      for (const [index, row] of found.rows.entries()) {
        if (seen !== null && seen[index] !== true) continue;
        if (items.length === page.limit) return { items, next_cursor: cursorOf(items.at(-1)!.seq) };
        items.push(row);
      }
      if (found.rows.length <= page.limit) return { items, next_cursor: null };
      before = found.rows.at(-1)!.seq;
    }
  },

  async *rows(orgId, filter) {
    let after = 0;
    for (;;) {
      const found = await sql<AuditRow>`select ${columns} from core_audit
        where ${conditions(orgId, filter)} and seq > ${after} order by seq limit ${batchSize}`.execute(db);
      if (found.rows.length > 0) yield found.rows;
      if (found.rows.length < batchSize) return;
      after = found.rows.at(-1)!.seq;
    }
  },

  // One snapshot for the whole walk, so that lines appended or pruned meanwhile do not look like damage.
  verifyAudit: (orgId) =>
    db
      .transaction()
      .setIsolationLevel('repeatable read')
      .setAccessMode('read only')
      .execute((snapshot) => verify(snapshot, orgId, checkpointKeys)),

  checkpoint: async (orgId) => {
    const found = await sql<{ seq: number; at: Date }>`
      select through_seq as seq, at from core_audit_checkpoints where org_id = ${orgId}
      order by through_seq desc limit 1`.execute(db);
    return found.rows[0] ?? null;
  },

  prune: async (orgId, before, now) => {
    // The first row young enough to stay decides, since `at` need not grow with seq to the millisecond.
    const found = await sql<{ seq: number; hash: string }>`
      select seq, hash from core_audit where org_id = ${orgId} and seq < coalesce(
        (select min(seq) from core_audit where org_id = ${orgId} and at >= ${before}), ${Number.MAX_SAFE_INTEGER})
      order by seq desc limit 1`.execute(db);
    const last = found.rows[0];
    if (last === undefined) return 0;
    const signature = signCheckpoint(checkpointKeys[0], {
      org_id: orgId,
      through_seq: last.seq,
      hash: last.hash,
      at: now,
    });
    const pruned = await sql<{ count: number }>`
      select core_audit_prune(${orgId}, ${last.seq}, ${last.hash}, ${now}, ${signature}) as count`.execute(db);
    await sql`delete from core_audit_redactions where org_id = ${orgId} and seq <= ${last.seq}`.execute(db);
    return pruned.rows[0]!.count;
  },

  renewCheckpoints: async () => {
    const [current, ...previous] = checkpointKeys;
    const found = await sql<CheckpointRow>`select * from core_audit_checkpoints`.execute(db);
    const old = found.rows.filter((row) => previous.some((key) => checkpointHolds(key, row, row.signature)));
    for (const row of old) {
      await sql`update core_audit_checkpoints set signature = ${signCheckpoint(current, row)}
        where org_id = ${row.org_id} and through_seq = ${row.through_seq}`.execute(db);
    }
    const redactions = await sql<RedactionRow>`select r.org_id, r.seq, a.hash, r.content_hash, r.signature
      from core_audit_redactions r join core_audit a on a.org_id = r.org_id and a.seq = r.seq`.execute(db);
    const outdated = redactions.rows.filter((row) => previous.some((key) => redactionHolds(key, row, row.signature)));
    for (const row of outdated) {
      await sql`update core_audit_redactions set signature = ${signRedaction(current, row)}
        where org_id = ${row.org_id} and seq = ${row.seq}`.execute(db);
    }
    return old.length + outdated.length;
  },
});

const broken = (seq: number, id: string | null, reason: string): AuditVerdict => ({
  ok: false,
  broken: { seq, id, reason },
});

/** Signatures of the lines that somebody was taken out of, by seq. */
const redactionsOf = async (
  db: Kysely<Schema>,
  orgId: string,
  rows: readonly AuditRow[],
): Promise<Map<number, string>> => {
  if (rows.length === 0) return new Map();
  const found = await sql<{ seq: number; signature: string }>`select seq, signature from core_audit_redactions
    where org_id = ${orgId} and seq between ${rows[0]!.seq} and ${rows.at(-1)!.seq}`.execute(db);
  return new Map(found.rows.map(({ seq, signature }) => [seq, signature]));
};

const vouched = (row: AuditRow, signature: string | undefined, keys: CheckpointKeys): boolean =>
  signature !== undefined &&
  keys.some((key) => redactionHolds(key, { ...row, content_hash: contentHash(canonicalAudit(row)) }, signature));

const verify = async (db: Kysely<Schema>, orgId: string, keys: CheckpointKeys): Promise<AuditVerdict> => {
  const checkpoints = await sql<CheckpointRow>`
    select * from core_audit_checkpoints where org_id = ${orgId} order by through_seq desc limit 1`.execute(db);
  const checkpoint = checkpoints.rows[0];
  if (checkpoint !== undefined && !keys.some((key) => checkpointHolds(key, checkpoint, checkpoint.signature))) {
    return broken(checkpoint.through_seq, null, 'the checkpoint is not signed by this server');
  }
  const start = checkpoint?.through_seq ?? 0;
  let seq = start;
  let hash = checkpoint?.hash ?? '';
  for (;;) {
    const found = await sql<AuditRow>`select ${columns} from core_audit
      where org_id = ${orgId} and seq > ${seq === start ? 0 : seq} order by seq limit ${batchSize}`.execute(db);
    const redactions = await redactionsOf(db, orgId, found.rows);
    for (const row of found.rows) {
      if (row.seq !== seq + 1) return broken(seq + 1, null, `row ${seq + 1} is missing`);
      if (row.prev_hash !== hash) return broken(row.seq, row.id, 'it does not follow the row before');
      if (row.hash !== auditHash(hash, row.seq, canonicalAudit(row)) && !vouched(row, redactions.get(row.seq), keys))
        return broken(row.seq, row.id, 'its content was changed');
      seq = row.seq;
      hash = row.hash;
    }
    if (found.rows.length < batchSize) break;
  }
  const heads = await sql<{ audit_seq: number; audit_hash: string }>`
    select audit_seq, audit_hash from core_event_heads where org_id = ${orgId}`.execute(db);
  const head = heads.rows[0] ?? { audit_seq: 0, audit_hash: '' };
  if (head.audit_seq !== seq || head.audit_hash !== hash)
    return broken(seq + 1, null, 'the end of the trail is cut off');
  return { ok: true, rows: seq - start, pruned_through: start };
};
