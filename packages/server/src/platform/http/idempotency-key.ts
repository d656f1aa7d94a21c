import { createHash } from 'node:crypto';
import { AppError } from '../errors/app-error.ts';

const keyForm = /^[\x21-\x7e]{1,255}$/;

/** The Idempotency-Key header, checked: up to 255 visible ASCII characters. */
export const readIdempotencyKey = (header: string | string[] | undefined): string | null => {
  if (header === undefined) return null;
  if (Array.isArray(header) || !keyForm.test(header)) {
    throw new AppError('bad_request', 'Idempotency-Key must be 1 to 255 visible ASCII characters.');
  }
  return header;
};

/** JSON with sorted members, so that the same input has the same text whatever order it was written in. */
const canonicalJson = (value: unknown): string => {
  if (value instanceof Date) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((v) => (v === undefined ? 'null' : canonicalJson(v))).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).filter(([, v]) => v !== undefined);
    members.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    return `{${members.map(([k, v]) => `${JSON.stringify(k)}:${canonicalJson(v)}`).join(',')}}`;
  }
  return JSON.stringify(value) ?? 'null';
};

export const requestHash = (input: unknown): string => createHash('sha256').update(canonicalJson(input)).digest('hex');
