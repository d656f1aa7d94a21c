import { type Bytes, toBase64, utf8 } from '@atrium/protocol';

/** The key of a device. The private half may be one that never leaves where it was made. */
export interface DeviceKey {
  private_key: CryptoKey;
  public_jwk: Record<string, string>;
}

const curve = { name: 'ECDSA', namedCurve: 'P-256' } as const;

const base64url = (bytes: Uint8Array): string =>
  toBase64(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');

const encode = (value: unknown): string => base64url(utf8(JSON.stringify(value)));

/** A new P-256 key; `extractable` for devices that keep keys in a file of theirs. */
export const makeDeviceKey = async (options: { extractable?: boolean } = {}): Promise<DeviceKey> => {
  const pair = await crypto.subtle.generateKey(curve, options.extractable === true, ['sign', 'verify']);
  const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', pair.publicKey);
  return { private_key: pair.privateKey, public_jwk: { kty: kty!, crv: crv!, x: x!, y: y! } };
};

/** What a proof is about (RFC 9449). */
export interface ProofOf {
  method: string;
  /** Whole address; query and fragment do not count. */
  url: string;
  /** The token that goes with it. */
  token?: string;
}

/** A DPoP proof, good once and for about a minute. */
export const proveKey = async (key: DeviceKey, { method, url, token }: ProofOf): Promise<string> => {
  const target = new URL(url);
  const hash = async (text: string): Promise<Bytes> =>
    new Uint8Array(await crypto.subtle.digest('SHA-256', utf8(text)));
  const header = { typ: 'dpop+jwt', alg: 'ES256', jwk: key.public_jwk };
  const claims = {
    jti: crypto.randomUUID(),
    htm: method,
    htu: `${target.origin}${target.pathname}`,
    iat: Math.floor(Date.now() / 1000),
    ...(token === undefined ? {} : { ath: base64url(await hash(token)) }),
  };
  const content = `${encode(header)}.${encode(claims)}`;
  const signature = await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, key.private_key, utf8(content));
  return `${content}.${base64url(new Uint8Array(signature))}`;
};
