import { createHash, hash, randomBytes, timingSafeEqual } from 'node:crypto';

/** SHA-256 in hex: all that is stored of a token. Fit for random tokens only; passwords take argon2. */
export const hashToken = (token: string): string => hash('sha256', token, 'hex');

/** `prefix` and 32 random bytes as 43 base64url characters. */
export const newToken = (prefix = ''): string => prefix + randomBytes(32).toString('base64url');

/** Compares in a time that does not depend on where the texts differ, nor on their lengths. */
export const timingSafeEqualText = (a: string, b: string): boolean =>
  timingSafeEqual(createHash('sha256').update(a, 'utf8').digest(), createHash('sha256').update(b, 'utf8').digest());
