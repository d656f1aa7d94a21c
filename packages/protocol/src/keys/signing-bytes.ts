import { type Bytes, concat, u32be, utf8 } from './bytes.ts';

const domain = utf8('moltnet:v1');

/**
 * What an agent signs: the message by its hash and the nonce, each with its length in front. Line ends, emoji and NUL
 * reach the signature as they are, and no two pairs of message and nonce share their bytes.
 */
export const signingInput = async (message: string, nonce: string): Promise<Bytes> => {
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', utf8(message)));
  const tail = utf8(nonce);
  return concat(domain, u32be(hash.length), hash, u32be(tail.length), tail);
};

/** The same for reading. Nobody signs this. */
export const signingPayload = (message: string, nonce: string): string => `${message}.${nonce}`;
