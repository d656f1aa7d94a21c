import { createPrivateKey, type KeyObject, sign } from 'node:crypto';
import { decodeProtectedHeader, importJWK, type JWK, type JWTPayload, jwtVerify, SignJWT } from 'jose';
import type { KeyRing } from '../keys/key-ring.ts';

/** A JWT of this server that is no access token, under the key that signs at the moment. */
export const signServerJwt = async (keys: KeyRing, typ: string, claims: JWTPayload): Promise<string> => {
  const jwk = keys.current.signing[0]!;
  return await new SignJWT(claims)
    .setProtectedHeader({ alg: jwk.alg!, kid: jwk.kid!, typ })
    .sign(await importJWK(jwk, jwk.alg));
};

/** By key id: making a key object of a JWK costs as much as a signature. */
const keyObjects = new Map<string, KeyObject>();

const keyObjectOf = (kid: string, jwk: JWK): KeyObject => {
  const known = keyObjects.get(kid);
  if (known !== undefined) return known;
  const made = createPrivateKey({ key: jwk as never, format: 'jwk' });
  if (keyObjects.size > 20) keyObjects.clear();
  keyObjects.set(kid, made);
  return made;
};

const inBase64url = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** The same without a promise, for where an extra turn of the event loop would be paid on every request. */
export const signServerJwtNow = (keys: KeyRing, typ: string, claims: JWTPayload): string => {
  const jwk = keys.current.signing[0]!;
  const [alg, kid] = [jwk.alg!, jwk.kid!];
  const content = `${inBase64url({ alg, kid, typ })}.${inBase64url(claims)}`;
  const key = keyObjectOf(kid, jwk);
  // Ed25519 takes the message as it is; the signature of RFC 7518 for ECDSA is the two numbers side by side.
  const signature = sign(alg === 'EdDSA' ? null : 'sha256', Buffer.from(content), { key, dsaEncoding: 'ieee-p1363' });
  return `${content}.${signature.toString('base64url')}`;
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
