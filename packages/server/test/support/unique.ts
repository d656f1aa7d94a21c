import { randomBytes } from 'node:crypto';

/** A short word that no other test has. */
export const ids = (): string => randomBytes(6).toString('hex');
