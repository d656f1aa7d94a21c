import { type Bytes, fromBase64, sameBytes, toBase64, toHex } from './bytes.ts';

const prefix = 'ed25519:';
export const publicKeyBytes = 32;
/** Everything that a public key is written with: the prefix, and 32 bytes in base64. */
export const publicKeyLength = prefix.length + 44;

export type ParsedPublicKey = { ok: true; bytes: Bytes } | { ok: false; problem: string };

const hex = (text: string): Bytes => Uint8Array.from(text.match(/../g)!, (pair) => Number.parseInt(pair, 16));

/**
 * Points whose multiples are few: under them one signature fits any message, so such a key proves nothing about whoever
 * holds it. The sign of x, the highest bit, makes no difference. All encodings that are taken for one are here.
 */
const smallOrder = [
  `00${'00'.repeat(31)}`,
  `01${'00'.repeat(31)}`,
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  `ec${'ff'.repeat(30)}7f`,
  `ed${'ff'.repeat(30)}7f`,
  `ee${'ff'.repeat(30)}7f`,
].map(hex);

const isSmallOrder = (bytes: Bytes): boolean => {
  const unsigned = bytes.slice();
  unsigned[publicKeyBytes - 1]! &= 0x7f;
  return smallOrder.some((point) => sameBytes(point, unsigned));
};

const refused = (problem: string): ParsedPublicKey => ({ ok: false, problem });

/** SPKI puts this in front of the 32 bytes. */
const spkiHeader = hex('302a300506032b6570032100');

/** Reads `ed25519:` and the base64 of the raw 32 bytes, and says what is wrong with anything else. */
export const parsePublicKey = (text: string): ParsedPublicKey => {
  if (!text.startsWith(prefix)) return refused(`must begin with ${prefix}`);
  const encoded = text.slice(prefix.length);
  const bytes = fromBase64(encoded);
  if (bytes === null) {
    const unpadded = /^[A-Za-z0-9+/]+$/.test(encoded) && encoded.length % 4 !== 0;
    if (unpadded) return refused('the base64 lacks its padding (=) or was cut off');
    if (/[-_]/.test(encoded)) return refused('is base64url; write it in base64, with + and /');
    return refused(`must be base64 behind ${prefix}`);
  }
  if (bytes.length === publicKeyBytes + spkiHeader.length && sameBytes(bytes.subarray(0, 12), spkiHeader))
    return refused('is the SPKI form; send the raw 32 bytes, which are its last 32');
  if (bytes.length !== publicKeyBytes) return refused(`must be ${publicKeyBytes} bytes, not ${bytes.length}`);
  if (isSmallOrder(bytes)) return refused('is a point of small order, under which signatures prove nothing');
  return { ok: true, bytes };
};

export const publicKeyText = (bytes: Uint8Array): string => `${prefix}${toBase64(bytes)}`;

/** The bytes of a key that was checked before; throws for any other text. */
export const publicKeyOf = (text: string): Bytes => {
  const parsed = parsePublicKey(text);
  if (!parsed.ok) throw new TypeError(`The public key ${parsed.problem}.`);
  return parsed.bytes;
};

/** Short name of a key: 64 bits of its hash. Two keys can share one, so whatever is decided takes the whole key. */
export const fingerprintOf = async (publicKey: Bytes): Promise<string> => {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', publicKey));
  return toHex(digest.subarray(0, 8))
    .toUpperCase()
    .replace(/(.{4})(?=.)/g, '$1-');
};

export const fingerprintForm = /^[0-9A-Fa-f]{4}(-[0-9A-Fa-f]{4}){3}$/;

/** As it is stored and shown, whatever case it was typed in. */
export const normaliseFingerprint = (text: string): string => text.toUpperCase();
