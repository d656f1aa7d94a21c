import { type Bytes, concat, fromBase64, sameBytes, toBase64, utf8 } from './bytes.ts';
import { publicKeyOf } from './public-key.ts';
import { signingInput } from './signing-bytes.ts';

const signatureBytes = 64;
/** 64 bytes in base64. */
export const signatureLength = 88;
const seedBytes = 32;
const ed25519 = 'Ed25519';

/** PKCS8 around the seed of an Ed25519 key, the only form in which WebCrypto takes one. */
const pkcs8Header = Uint8Array.from([48, 46, 2, 1, 0, 48, 5, 6, 3, 43, 101, 112, 4, 34, 4, 32]);

/** A key pair as an agent keeps it: both halves raw, the private one as base64 of its seed. */
export interface KeyPair {
  public_key: Bytes;
  /** Base64 of the 32-byte seed. Never leaves the client. */
  private_key: string;
}

export const parseSignature = (text: string): Bytes | null => {
  const bytes = text.length === signatureLength ? fromBase64(text) : null;
  return bytes?.length === signatureBytes ? bytes : null;
};

const seedOf = (privateKey: string): Bytes => {
  const seed = fromBase64(privateKey);
  if (seed?.length !== seedBytes) throw new TypeError(`The private key must be base64 of ${seedBytes} bytes.`);
  return seed;
};

const importPrivate = (privateKey: string, extractable: boolean): Promise<CryptoKey> =>
  crypto.subtle.importKey('pkcs8', concat(pkcs8Header, seedOf(privateKey)), ed25519, extractable, ['sign']);

const fromBase64Url = (text: string): Bytes =>
  fromBase64(
    text
      .replaceAll('-', '+')
      .replaceAll('_', '/')
      .padEnd(Math.ceil(text.length / 4) * 4, '='),
  )!;

/** The public half of a private key. */
export const publicKeyOfPrivate = async (privateKey: string): Promise<Bytes> => {
  const { x } = await crypto.subtle.exportKey('jwk', await importPrivate(privateKey, true));
  return fromBase64Url(x!);
};

export const generateKeyPair = async (): Promise<KeyPair> => {
  const private_key = toBase64(crypto.getRandomValues(new Uint8Array(seedBytes)));
  return { public_key: await publicKeyOfPrivate(private_key), private_key };
};

/** Signature text over bytes as they are. Messages of signing requests go through `signMessage`. */
export const signBytes = async (privateKey: string, bytes: Bytes): Promise<string> =>
  toBase64(new Uint8Array(await crypto.subtle.sign(ed25519, await importPrivate(privateKey, false), bytes)));

/** Proofs and challenges are signed as the text they are, without framing. */
export const signText = (privateKey: string, text: string): Promise<string> => signBytes(privateKey, utf8(text));

export const signMessage = async (privateKey: string, message: string, nonce: string): Promise<string> =>
  signBytes(privateKey, await signingInput(message, nonce));

/** False for every text that is no signature by that key; never throws for what somebody sent. */
export const verifyBytes = async (publicKey: string, bytes: Bytes, signature: string): Promise<boolean> => {
  const given = parseSignature(signature);
  if (given === null) return false;
  try {
    const key = await crypto.subtle.importKey('raw', publicKeyOf(publicKey), ed25519, false, ['verify']);
    return await crypto.subtle.verify(ed25519, key, given, bytes);
  } catch {
    // Bytes that are no point of the curve.
    return false;
  }
};

export const verifyText = (publicKey: string, text: string, signature: string): Promise<boolean> =>
  verifyBytes(publicKey, utf8(text), signature);

export const verifyMessage = async (
  publicKey: string,
  message: string,
  nonce: string,
  signature: string,
): Promise<boolean> => verifyBytes(publicKey, await signingInput(message, nonce), signature);

/** Whether both halves belong together. */
export const isKeyPair = async (publicKey: Bytes, privateKey: string): Promise<boolean> =>
  sameBytes(publicKey, await publicKeyOfPrivate(privateKey));
