import { createHash } from 'node:crypto';

/** One text for one meaning: members in order of name, undefined ones left out. */
const canonical = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(canonical);
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(
    entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, member]) => [name, canonical(member)]),
  );
};

/** Tells a repeat of a call from another call under the same key. */
export const requestHash = (input: Record<string, unknown>): string =>
  createHash('sha256')
    .update(JSON.stringify(canonical(input)))
    .digest('base64url');
