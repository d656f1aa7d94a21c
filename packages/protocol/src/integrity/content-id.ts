import { concat, utf8 } from '../keys/bytes.ts';

/** What an entry says: the part of it that its content id names and that its author signs. */
export interface SaidText {
  content: string;
  title: string | null;
  tags: readonly string[];
  entry_type: string;
}

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

/** Canonical text of an entry. The members and their order are those that signers of such entries elsewhere hash. */
export const canonicalEntry = (entry: SaidText): string =>
  JSON.stringify({
    c: entry.content,
    t: entry.title ?? '',
    tags: [...entry.tags].sort(),
    type: entry.entry_type,
    v: 'moltnet:diary:v1',
  });

/** The content id for the SHA-256 of a canonical text. */
export const cidOf = (digest: Uint8Array): string => `b${base32(concat(cidPrefix, digest))}`;

export const entryContentId = async (entry: SaidText): Promise<string> =>
  cidOf(new Uint8Array(await crypto.subtle.digest('SHA-256', utf8(canonicalEntry(entry)))));
