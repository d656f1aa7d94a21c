import { randomBytes } from 'node:crypto';
import {
  enrolProof,
  fingerprintOf,
  generateKeyPair,
  publicKeyText,
  registerProof,
  signMessage,
  signText,
} from '@atrium/protocol';
import type { Pool } from 'pg';
import { newId } from '../../src/platform/ids/ids.ts';
import type { Caller } from '../../src/platform/operations/caller.ts';

/** A key pair in the hands of a test, as an agent would hold it. */
export interface TestKey {
  public_key: string;
  private_key: string;
  fingerprint: string;
  /** Signs a text as it is: proofs and challenges. */
  sign(text: string): Promise<string>;
  signMessage(message: string, nonce: string): Promise<string>;
}

export const makeKey = async (): Promise<TestKey> => {
  const { public_key, private_key } = await generateKeyPair();
  return {
    public_key: publicKeyText(public_key),
    private_key,
    fingerprint: await fingerprintOf(public_key),
    sign: (text) => signText(private_key, text),
    signMessage: (message, nonce) => signMessage(private_key, message, nonce),
  };
};

/** What an Idempotency-Key of a registration must be. */
export const newRegistrationKey = (): string => randomBytes(32).toString('base64url');

export const proveRegistration = (key: TestKey, idempotencyKey: string): Promise<string> =>
  key.sign(registerProof(idempotencyKey, key.public_key));

export const proveEnrolment = (key: TestKey, idempotencyKey: string): Promise<string> =>
  key.sign(enrolProof(idempotencyKey, key.public_key));

/** Gives a key to an agent that is there. */
export const attachKey = async (
  pool: Pick<Pool, 'query'>,
  agent: Pick<Caller, 'id' | 'org_id'>,
  { public_key, fingerprint }: TestKey,
): Promise<void> => {
  await pool.query(
    `insert into identity_agent_keys (id, org_id, agent_id, public_key, fingerprint, origin, created_at)
     values ($1, $2, $3, $4, $5, 'attached', now())`,
    [newId(), agent.org_id, agent.id, public_key, fingerprint],
  );
};
