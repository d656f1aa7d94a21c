import { createHash } from 'node:crypto';
import { calculateJwkThumbprint, EmbeddedJWK, jwtVerify } from 'jose';

/** What a proof must be about. */
export interface ProofTarget {
  method: string;
  url: string;
  /** What the proof goes with; null where it comes alone. */
  access_token: string | null;
  /** Thumbprint of the key it must be of. */
  jkt: string;
  now: Date;
}

/** Seconds that a proof may be old, or ahead. */
export const proofWindow = 60;

const sameUrl = (given: string, wanted: string): boolean => {
  if (!URL.canParse(given)) return false;
  const url = new URL(given);
  url.search = '';
  url.hash = '';
  return url.href === new URL(wanted).href;
};

/** The jti of a good proof (RFC 9449 section 4.3); null for any other. Whether it was seen before is the caller's question. */
export const verifyProof = async (proof: string, target: ProofTarget): Promise<string | null> => {
  try {
    const { payload, protectedHeader } = await jwtVerify(proof, EmbeddedJWK, {
      typ: 'dpop+jwt',
      algorithms: ['ES256', 'EdDSA', 'Ed25519'],
      clockTolerance: 5,
      currentDate: target.now,
    });
    const { iat, jti, htm, htu, ath } = payload as Record<string, unknown>;
    if (typeof iat !== 'number' || Math.abs(target.now.getTime() / 1000 - iat) > proofWindow) return null;
    if (typeof jti !== 'string' || jti === '' || jti.length > 200) return null;
    if (htm !== target.method || typeof htu !== 'string' || !sameUrl(htu, target.url)) return null;
    const wanted = target.access_token;
    if (wanted !== null && ath !== createHash('sha256').update(wanted).digest('base64url')) return null;
    return (await calculateJwkThumbprint(protectedHeader.jwk!)) === target.jkt ? jti : null;
  } catch {
    return null;
  }
};
