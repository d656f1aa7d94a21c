import { calculateJwkThumbprint, importJWK } from 'jose';

export interface DeviceKey {
  jwk: Record<string, string>;
  /** RFC 7638. */
  jkt: string;
}

const kinds = [
  { kty: 'EC', crv: 'P-256', members: ['x', 'y'], alg: 'ES256' },
  { kty: 'OKP', crv: 'Ed25519', members: ['x'], alg: 'EdDSA' },
] as const;

/** The public key of a device, with nothing beside it; null for any other, above all for one that holds the private part. */
export const readDeviceKey = async (given: Readonly<Record<string, string>>): Promise<DeviceKey | null> => {
  const kind = kinds.find(({ kty, crv }) => given['kty'] === kty && given['crv'] === crv);
  if (kind === undefined || 'd' in given) return null;
  const jwk: Record<string, string> = { kty: kind.kty, crv: kind.crv };
  for (const member of kind.members) jwk[member] = given[member] ?? '';
  try {
    // Throws for a point that is not on the curve.
    await importJWK(jwk, kind.alg);
    return { jwk, jkt: await calculateJwkThumbprint(jwk) };
  } catch {
    return null;
  }
};
