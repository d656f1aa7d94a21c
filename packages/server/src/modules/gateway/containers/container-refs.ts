import { createHash } from 'node:crypto';

/** Whether a route means this container: by its id, the beginning of one as people copy it, or its name. */
export const isMeant = (ref: string, { id, name }: { id: string; name: string }): boolean =>
  ref === id || ref === name || (/^[0-9a-f]{12,63}$/.test(ref) && id.startsWith(ref));

/** Events name their subject by a UUID, and engines do not: one that is always the same for a container (RFC 9562, version 8). */
export const subjectOf = (runtime: string, id: string): string => {
  const bytes = createHash('sha256').update(`${runtime} ${id}`).digest().subarray(0, 16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x80;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
};
