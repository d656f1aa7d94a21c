import { createHash, randomUUID } from 'node:crypto';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';

export interface Proof {
  method: string;
  url: string;
  nonce?: string;
  access_token?: string;
  /** Seconds; by default now. */
  iat?: number;
}

/** A key of a client and the proofs it makes with it (RFC 9449). */
export const createProver = async (): Promise<(proof: Proof) => Promise<string>> => {
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  const jwk = await exportJWK(publicKey);
  return async ({ method, url, nonce, access_token, iat = Math.floor(Date.now() / 1000) }) =>
    await new SignJWT({
      htm: method,
      htu: url,
      jti: randomUUID(),
      ...(nonce === undefined ? {} : { nonce }),
      ...(access_token === undefined ? {} : { ath: createHash('sha256').update(access_token).digest('base64url') }),
    })
      .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk })
      .setIssuedAt(iat)
      .sign(privateKey);
};
