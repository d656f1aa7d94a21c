import { createPrivateKey, type KeyObject, sign } from 'node:crypto';
import type { JWK } from 'jose';
import type { LoadedKeys } from '../keys/key-ring.ts';

interface Signer {
  key: KeyObject;
  header: string;
}

/** Signatures that are quick enough to be made without leaving the thread. */
const hashes: Readonly<Record<string, string | null>> = { ES256: 'sha256', EdDSA: null };

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

const signerOf = (jwk: JWK): Signer => ({
  key: createPrivateKey({ key: jwk as Record<string, unknown>, format: 'jwk' }),
  header: encode({ alg: jwk.alg, typ: 'at+jwt', kid: jwk.kid }),
});

const known = new WeakMap<LoadedKeys, Map<string, Signer>>();

/** An access token by RFC 9068, signed by the first key of the algorithm as the engine does; null for other algorithms. */
export const signAccessToken = (keys: LoadedKeys, alg: string, claims: Record<string, unknown>): string | null => {
  const hash = hashes[alg];
  if (hash === undefined) return null;
  let signers = known.get(keys);
  if (signers === undefined) {
    signers = new Map();
    known.set(keys, signers);
  }
  let signer = signers.get(alg);
  if (signer === undefined) {
    const jwk = keys.signing.find((one) => one.alg === alg);
    if (jwk === undefined) return null;
    signer = signerOf(jwk);
    signers.set(alg, signer);
  }
  const content = `${signer.header}.${encode(claims)}`;
  const signature = sign(hash, Buffer.from(content), { key: signer.key, dsaEncoding: 'ieee-p1363' });
  return `${content}.${signature.toString('base64url')}`;
};
