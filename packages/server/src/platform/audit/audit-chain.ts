import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** The part of an audit line that its hash covers beside the position in the chain. */
export interface AuditContent {
  id: string;
  org_id: string;
  at: Date;
  actor_type: string;
  actor_id: string | null;
  actor_name: string;
  action: string;
  target_type: string | null;
  target_id: string | null;
  item_id: string | null;
  details: Record<string, unknown>;
  ip: string | null;
  user_agent: string | null;
  trace_id: string | null;
  request_id: string;
}

export interface AuditRow extends AuditContent {
  seq: number;
  prev_hash: string;
  hash: string;
}

/** JSON with members in code unit order, so that the text survives PostgreSQL's own ordering of jsonb. */
export const canonicalJson = (value: unknown): string => {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`).join(',')}}`;
};

/** The text that is hashed. Adding a column to the trail must not change it for rows without that column. */
export const canonicalAudit = (row: AuditContent): string =>
  canonicalJson({
    id: row.id,
    org_id: row.org_id,
    at: row.at.toISOString(),
    actor_type: row.actor_type,
    actor_id: row.actor_id,
    actor_name: row.actor_name,
    action: row.action,
    target_type: row.target_type,
    target_id: row.target_id,
    item_id: row.item_id,
    details: row.details,
    ip: row.ip,
    user_agent: row.user_agent,
    trace_id: row.trace_id,
    request_id: row.request_id,
  });

/** Hash of one line; core_commit in 001-core.sql computes the same. */
export const auditHash = (prevHash: string, seq: number, canonical: string): string =>
  createHash('sha256').update(`${prevHash}\n${seq}\n${canonical}`).digest('hex');

export interface AuditCheckpoint {
  org_id: string;
  through_seq: number;
  hash: string;
  at: Date;
}

/** `key` is derived from the master key, so that the database alone cannot make a checkpoint. */
export const signCheckpoint = (key: Uint8Array, checkpoint: AuditCheckpoint): string =>
  createHmac('sha256', key)
    .update(`${checkpoint.org_id}\n${checkpoint.through_seq}\n${checkpoint.hash}\n${checkpoint.at.toISOString()}`)
    .digest('hex');

const sameText = (expected: string, given: string): boolean => {
  const [one, other] = [Buffer.from(expected), Buffer.from(given)];
  return one.length === other.length && timingSafeEqual(one, other);
};

export const checkpointHolds = (key: Uint8Array, checkpoint: AuditCheckpoint, signature: string): boolean =>
  sameText(signCheckpoint(key, checkpoint), signature);

/** What stands in a line after somebody was taken out of it. */
export interface AuditRedaction {
  org_id: string;
  seq: number;
  /** The hash that the line was given when it was written; the chain goes on from it. */
  hash: string;
  content_hash: string;
}

export const contentHash = (canonical: string): string => createHash('sha256').update(canonical).digest('hex');

export const signRedaction = (key: Uint8Array, { org_id, seq, hash, content_hash }: AuditRedaction): string =>
  createHmac('sha256', key).update(`redaction\n${org_id}\n${seq}\n${hash}\n${content_hash}`).digest('hex');

export const redactionHolds = (key: Uint8Array, redaction: AuditRedaction, signature: string): boolean =>
  sameText(signRedaction(key, redaction), signature);
