import { createHash } from 'node:crypto';
import type { EntryFields } from './diaries-rows.ts';

const alphabet = 'abcdefghijklmnopqrstuvwxyz234567';

/** RFC 4648 without padding, in lower case. */
const base32 = (bytes: Uint8Array): string => {
  let text = '';
  let buffer = 0;
  let bits = 0;
  for (const byte of bytes) {
    buffer = (buffer << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += alphabet[(buffer >>> bits) & 31];
    }
    buffer &= (1 << bits) - 1;
  }
  return bits === 0 ? text : text + alphabet[(buffer << (5 - bits)) & 31];
};

/** CIDv1, codec raw (0x55), multihash sha2-256 (0x12) of 32 bytes. */
const cidPrefix = Uint8Array.of(0x01, 0x55, 0x12, 0x20);

/** Names what an entry says. The members and their order are those that signers of such entries elsewhere hash. */
export const contentIdOf = (entry: Pick<EntryFields, 'content' | 'title' | 'tags' | 'entry_type'>): string => {
  const said = {
    c: entry.content,
    t: entry.title ?? '',
    tags: [...entry.tags].sort(),
    type: entry.entry_type,
    v: 'moltnet:diary:v1',
  };
  const digest = createHash('sha256').update(JSON.stringify(said)).digest();
  return `b${base32(Buffer.concat([cidPrefix, digest]))}`;
};

/** Tells whether two entries hold the same text, whatever else is said of it. */
export const contentHashOf = (content: string): string =>
  createHash('sha256').update(content.normalize('NFC')).digest('base64url');
