import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose';

export const signingAlgs = ['ES256', 'EdDSA', 'RS256'] as const;
export type SigningAlg = (typeof signingAlgs)[number];

export interface KeyMaterial {
  kid: string;
  public_jwk: JWK;
  private_jwk: JWK;
}

const parameters: Record<SigningAlg, Parameters<typeof generateKeyPair>[1]> = {
  ES256: { extractable: true },
  EdDSA: { extractable: true, crv: 'Ed25519' },
  RS256: { extractable: true, modulusLength: 2048 },
};

/** A fresh key; its id is the thumbprint of RFC 7638, so that nobody else's key can have it. */
export const generateSigningKey = async (alg: SigningAlg): Promise<KeyMaterial> => {
  const { publicKey, privateKey } = await generateKeyPair(alg, parameters[alg]);
  const [public_jwk, private_jwk] = [await exportJWK(publicKey), await exportJWK(privateKey)];
  const kid = await calculateJwkThumbprint(public_jwk);
  const common = { kid, alg, use: 'sig' };
  return { kid, public_jwk: { ...public_jwk, ...common }, private_jwk: { ...private_jwk, ...common } };
};

export const importVerifyKey = async (jwk: JWK): Promise<CryptoKey> => {
  const key = await importJWK(jwk, jwk.alg);
  if (key instanceof Uint8Array) throw new Error('A signing key is not symmetric.');
  return key;
};
