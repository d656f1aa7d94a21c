import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';

/* The Ed25519 key by which servers know each other. Keys travel as base64url of their 32 bytes. */

export interface InstanceKey {
  id: string;
  public_key: string;
  sign(bytes: Buffer): Buffer;
}

const jwkOf = (publicKey: string) => ({ kty: 'OKP', crv: 'Ed25519', x: publicKey });

export const newKeyPair = (): { public_key: string; seed: string } => {
  const { privateKey } = generateKeyPairSync('ed25519');
  const { x, d } = privateKey.export({ format: 'jwk' });
  return { public_key: x!, seed: d! };
};

export const instanceKeyOf = (id: string, publicKey: string, seed: string): InstanceKey => {
  const key = createPrivateKey({ key: { ...jwkOf(publicKey), d: seed }, format: 'jwk' });
  return { id, public_key: publicKey, sign: (bytes) => sign(null, bytes, key) };
};

const known = new Map<string, KeyObject>();
const publicKeyOf = (publicKey: string): KeyObject => {
  const key = known.get(publicKey) ?? createPublicKey({ key: jwkOf(publicKey), format: 'jwk' });
  if (known.size < 500) known.set(publicKey, key);
  return key;
};

export const verifies = (publicKey: string, bytes: Buffer, signature: Buffer): boolean => {
  try {
    return verify(null, bytes, publicKeyOf(publicKey), signature);
  } catch {
    // No point of the curve.
    return false;
  }
};

/** What people compare over another channel. */
export const fingerprintOf = (publicKey: string): string =>
  createHash('sha256').update(Buffer.from(publicKey, 'base64url')).digest('hex');
