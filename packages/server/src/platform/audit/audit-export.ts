import { Readable } from 'node:stream';
import type { AuditRow } from './audit-chain.ts';

const columns = [
  'seq',
  'at',
  'actor_type',
  'actor_id',
  'actor_name',
  'action',
  'target_type',
  'target_id',
  'item_id',
  'details',
  'ip',
  'user_agent',
  'trace_id',
  'request_id',
  'prev_hash',
  'hash',
] as const satisfies readonly (keyof AuditRow)[];

/**
 * One CSV cell (RFC 4180). A spreadsheet runs cells that begin with one of `= + - @`, tab or line break as formulas,
 * even when quoted, so such text gets an apostrophe in front.
 */
export const csvCell = (value: unknown): string => {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number') return String(value);
  const text =
    value instanceof Date ? value.toISOString() : typeof value === 'object' ? JSON.stringify(value) : String(value);
  const guarded = /^[=+\-@\t\r\n]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(guarded) || guarded !== text ? `"${guarded.replaceAll('"', '""')}"` : guarded;
};

async function* csvChunks(batches: AsyncIterable<AuditRow[]>): AsyncGenerator<string> {
  yield `${columns.join(',')}\r\n`;
  for await (const rows of batches) {
    yield rows.map((row) => `${columns.map((column) => csvCell(row[column])).join(',')}\r\n`).join('');
  }
}

async function* ndjsonChunks(batches: AsyncIterable<AuditRow[]>): AsyncGenerator<string> {
  for await (const rows of batches) yield rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}

/** Audit rows for a spreadsheet. */
export const auditCsv = (batches: AsyncIterable<AuditRow[]>): Readable => Readable.from(csvChunks(batches));

/** Audit rows for programs, one JSON object a line; with these the chain can be verified outside. */
export const auditNdjson = (batches: AsyncIterable<AuditRow[]>): Readable => Readable.from(ndjsonChunks(batches));
