import { decodeProtectedHeader, importJWK, type JWTPayload, jwtVerify, SignJWT } from 'jose';
import type { KeyRing } from '../keys/key-ring.ts';

/** A JWT of this server that is no access token, under the key that signs at the moment. */
export const signServerJwt = async (keys: KeyRing, typ: string, claims: JWTPayload): Promise<string> => {
  const jwk = keys.current.signing[0]!;
  return await new SignJWT(claims)
    .setProtectedHeader({ alg: jwk.alg!, kid: jwk.kid!, typ })
    .sign(await importJWK(jwk, jwk.alg));
};

/** Null for anything that is not a live JWT of ours, of one of these types and for this audience. */
export const verifyServerJwt = async (
  keys: KeyRing,
  token: string,
  expected: { types: readonly (string | undefined)[]; issuer: string; audience: string; now: Date },
): Promise<JWTPayload | null> => {
  try {
    const { kid, alg, typ } = decodeProtectedHeader(token);
    const key = keys.current.verify.get(kid ?? '');
    if (key === undefined || key.alg !== alg || !expected.types.includes(typ)) return null;
    const { payload } = await jwtVerify(token, key.key, {
      algorithms: [key.alg],
      issuer: expected.issuer,
      audience: expected.audience,
      requiredClaims: ['exp', 'iat', 'sub'],
      clockTolerance: 5,
      currentDate: expected.now,
    });
    return payload;
  } catch {
    return null;
  }
};
