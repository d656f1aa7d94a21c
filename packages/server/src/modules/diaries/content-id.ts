import { createHash } from 'node:crypto';
import { canonicalEntry, cidOf, type SaidText } from '@atrium/protocol';

/** Names what an entry says, as `entryContentId` of the contract does, without waiting. */
export const contentIdOf = (entry: SaidText): string =>
  cidOf(createHash('sha256').update(canonicalEntry(entry)).digest());

/** Tells whether two entries hold the same text, whatever else is said of it. */
export const contentHashOf = (content: string): string =>
  createHash('sha256').update(content.normalize('NFC')).digest('base64url');
