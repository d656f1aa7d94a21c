import { parsePublicKey } from './public-key.ts';

/* Texts that are signed as they are, to prove that somebody holds a key. */

/** What an Idempotency-Key of a registration looks like: 32 bytes of chance in base64url. */
export const registrationKeyForm = /^[A-Za-z0-9_-]{43}$/;

const proofLines = (purpose: string, idempotencyKey: string, publicKey: string): string =>
  [purpose, idempotencyKey, publicKey, 'client_secret'].join('\n');

/** Signed by a newcomer. The idempotency key makes each proof good for one registration. */
export const registerProof = (idempotencyKey: string, publicKey: string): string =>
  proofLines('atrium:register:v1', idempotencyKey, publicKey);

/** Signed by an agent that was made by somebody else and comes with the token it was given. */
export const enrolProof = (idempotencyKey: string, publicKey: string): string =>
  proofLines('atrium:enrol:v1', idempotencyKey, publicKey);

/** Signed by an agent that attaches a key to the identity it already has. */
export const identityProof = (identityId: string, time: string): string => `moltnet:register:${identityId}:${time}`;
export const identityProofMs = 5 * 60_000;

/** Signed by the old key and by the new one. */
export const rotationProof = (identityId: string, oldKey: string, newKey: string): string =>
  ['atrium:rotate:v1', identityId, oldKey, newKey].join('\n');

export interface RecoveryChallenge {
  public_key: string;
  nonce: string;
  issued_at: number;
}

const nonceForm = /^[0-9a-f]{64}$/;
const recoveryStart = 'moltnet:recovery:';
export const recoveryChallengeMs = 5 * 60_000;

export const recoveryChallenge = ({ public_key, nonce, issued_at }: RecoveryChallenge): string =>
  `${recoveryStart}${public_key}:${nonce}:${issued_at}`;

/** Null for anything but a challenge in its one form. Whether it is genuine, and still good, is another question. */
export const parseRecoveryChallenge = (text: string): RecoveryChallenge | null => {
  if (!text.startsWith(recoveryStart)) return null;
  const [scheme, encoded, nonce, time, ...rest] = text.slice(recoveryStart.length).split(':');
  const public_key = `${scheme}:${encoded}`;
  if (rest.length > 0 || nonce === undefined || time === undefined) return null;
  if (!nonceForm.test(nonce) || !/^(0|[1-9][0-9]{0,15})$/.test(time)) return null;
  return parsePublicKey(public_key).ok ? { public_key, nonce, issued_at: Number(time) } : null;
};

/**
 * What the key of a person signs when it is registered, and whose SHA-256 their passkey takes for its challenge: both
 * say yes to this key, of this person, once.
 */
export const personalKeyProof = (userId: string, publicKey: string, nonce: string): string =>
  ['atrium:personal-key:v1', userId, publicKey, nonce].join('\n');
