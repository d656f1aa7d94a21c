import { type Bytes, concat, toBase64, u32be, utf8 } from './bytes.ts';

/** What a device must get from the very server whose picture it saw. */
export interface PairingFacts {
  code: string;
  base_url: string;
  server_id: string;
  pairing_token: string;
  spki_pins: readonly string[];
}

const domain = 'atrium:pairing:v1';

/** Each field with its length in front, so that no letter can move from one to the next. */
const bytesOf = (fields: readonly string[]): Bytes =>
  concat(...fields.map(utf8).flatMap((field) => [u32be(field.length), field]));

/**
 * The `v` of a pairing picture: 16 bytes of SHA-256 as base64url. A device computes it over what the server answered;
 * another value means that somebody stands in between.
 */
export const pairingCheck = async ({
  code,
  base_url,
  server_id,
  pairing_token,
  spki_pins,
}: PairingFacts): Promise<string> => {
  const input = bytesOf([domain, code, base_url, server_id, pairing_token, ...spki_pins]);
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', input)).subarray(0, 16);
  return toBase64(hash).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
};

/** What stands in the picture: the address of a page, with code and check behind `#`, where no server or log sees them. */
export const pairingLink = ({ u, c, v }: { u: string; c: string; v: string }): string => `${u}/pair#c=${c}&v=${v}`;

/** The content of a picture; null when it is no pairing picture. */
export const readPairingLink = (text: string): { u: string; c: string; v: string } | null => {
  if (!URL.canParse(text)) return null;
  const url = new URL(text);
  if (!['http:', 'https:'].includes(url.protocol) || url.pathname !== '/pair') return null;
  const given = new URLSearchParams(url.hash.slice(1));
  const [c, v] = [given.get('c'), given.get('v')];
  return c === null || v === null ? null : { u: url.origin, c, v };
};
