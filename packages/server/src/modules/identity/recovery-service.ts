import { createHmac, randomBytes } from 'node:crypto';
import {
  parseRecoveryChallenge,
  type RecoveryChallenge,
  recoveryChallenge,
  recoveryChallengeMs,
  verifyText,
} from '@atrium/protocol';
import { AppError } from '../../platform/errors/app-error.ts';
import { addressKey } from '../../platform/limits/rate-limiter.ts';
import { type Call, callAs } from '../../platform/operations/call.ts';
import { hashToken, newToken, timingSafeEqualText } from '../../platform/secrets/tokens.ts';
import { provenAgent } from './agent-keys.ts';
import { agentKeysStore, type KeyedAgentRow } from './agent-keys-store.ts';
import { agentsStore } from './agents-store.ts';
import { tokenPrefixes } from './credentials.ts';
import { requireGuess } from './guesses.ts';
import type { IdentityContext } from './identity-context.ts';
import { identityEvents } from './identity-events.ts';
import { keysStore } from './keys-store.ts';
import { recoveryStore } from './recovery-store.ts';

export interface SignedChallenge {
  challenge: string;
  hmac: string;
  signature: string;
  public_key: string;
}

const codeMs = 15 * 60_000;

const invalidChallenge = (): AppError => new AppError('invalid_challenge');
const deadCode = (): AppError => new AppError('recovery_code_dead');

/** From nothing but its key to a new secret. */
export const createRecoveryService = (context: IdentityContext) => {
  const { challenge_keys, clock, database, hooks, limiter, options, transact } = context;

  const hmacWith = (key: Uint8Array, challenge: string): string =>
    createHmac('sha256', key).update(challenge, 'utf8').digest('hex');

  const isOurs = ({ challenge, hmac }: SignedChallenge): boolean =>
    challenge_keys.map((key) => timingSafeEqualText(hmacWith(key, challenge), hmac)).includes(true);

  /** In the order of the specification: its form and key, its origin, its age. */
  const readChallenge = (input: SignedChallenge): RecoveryChallenge => {
    const read = parseRecoveryChallenge(input.challenge);
    if (read === null || read.public_key !== input.public_key) throw invalidChallenge();
    if (!isOurs(input)) throw invalidChallenge();
    const age = clock.now().getTime() - read.issued_at;
    if (age < 0 || age > recoveryChallengeMs) throw invalidChallenge();
    return read;
  };

  const noteFailure = (call: Call, { agent_id: id, org_id, name, fingerprint }: KeyedAgentRow): void =>
    database.auditDenied(
      call,
      { action: 'recovery.failed', org_id, target_type: 'agent', target_id: id, details: { name, fingerprint } },
      { kind: identityEvents.agentRecoveryFailed, id, org_id, body: { name, fingerprint } },
    );

  /** A key that nobody has, and one whose agent is shut out, fail as a wrong signature does. */
  const requireHolder = async (call: Call, input: SignedChallenge): Promise<KeyedAgentRow> => {
    const agent = await agentKeysStore.agentOf(database.read, input.public_key);
    const signed = await verifyText(input.public_key, input.challenge, input.signature);
    if (agent?.active === true && signed) return agent;
    if (agent !== null && !signed) noteFailure(call, agent);
    throw new AppError('invalid_signature');
  };

  return {
    /** Asks nothing of the database, so that it tells nothing about who is in it. */
    challenge: async (call: Call, input: { public_key: string }) => {
      await requireGuess(limiter, 'recovery_challenge', addressKey(call.ip), options.agent_keys.recovery);
      const issued_at = clock.now().getTime();
      const { public_key } = input;
      const challenge = recoveryChallenge({ public_key, nonce: randomBytes(32).toString('hex'), issued_at });
      return {
        challenge,
        hmac: hmacWith(challenge_keys[0], challenge),
        expires_at: new Date(issued_at + recoveryChallengeMs).toISOString(),
      };
    },

    verify: async (call: Call, input: SignedChallenge) => {
      await requireGuess(limiter, 'recovery_verify', addressKey(call.ip), options.agent_keys.recovery);
      const read = readChallenge(input);
      const holder = await requireHolder(call, input);
      const { agent_id: id, org_id, name, fingerprint, public_key } = holder;
      const acting = callAs(call, provenAgent({ id, org_id, name, owner_id: holder.owner_id }));
      return transact(acting, 'recovery.verify', async (tx) => {
        const now = clock.now();
        // Kept as long as the challenge could come again.
        const until = new Date(read.issued_at + recoveryChallengeMs);
        if (!(await recoveryStore.takeNonce(tx.db, read.nonce, until))) throw invalidChallenge();
        const recovery_code = newToken(tokenPrefixes.recovery);
        const expires_at = new Date(now.getTime() + codeMs);
        await recoveryStore.putGrant(tx.db, {
          ...{ hash: hashToken(recovery_code), org_id, agent_id: id, public_key, created_at: now, expires_at },
        });
        tx.audit({
          ...{ action: 'recovery.verify', target_type: 'agent', target_id: id },
          details: { name, fingerprint, challenged_at: new Date(read.issued_at).toISOString() },
        });
        return {
          recovery_code,
          recovery_flow_url: `${options.public_url()}/api/v1/recovery/reset-secret`,
          expires_at: expires_at.toISOString(),
        };
      });
    },

    resetSecret: async (call: Call, input: { recovery_code: string; public_key: string }) => {
      await requireGuess(limiter, 'recovery_reset', addressKey(call.ip), options.agent_keys.recovery);
      const holder = await agentKeysStore.agentOf(database.read, input.public_key);
      if (holder === null) throw deadCode();
      const { agent_id: id, org_id, name, fingerprint, client_id } = holder;
      const acting = callAs(call, provenAgent({ id, org_id, name, owner_id: holder.owner_id }));
      return transact(acting, 'recovery.reset_secret', async (tx) => {
        const now = clock.now();
        const agent = await agentsStore.lock(tx.db, org_id, id, now);
        if (agent === null || agent.deactivated_at !== null) throw deadCode();
        const grant = await recoveryStore.takeGrant(tx.db, hashToken(input.recovery_code), input.public_key, now);
        if (grant?.agent_id !== id) throw deadCode();
        const client_secret = newToken(tokenPrefixes.clientSecret);
        await agentsStore.setSecret(tx.db, org_id, id, hashToken(client_secret));
        // Whoever recovers has lost the rest, perhaps to somebody.
        await keysStore.endOfAgent(tx.db, org_id, id, now, now);
        for (const hook of hooks.agentShutOut) await hook(tx, { id, client_id });
        tx.emit({ kind: identityEvents.agentRecovered, id, body: { name, fingerprint } });
        tx.audit({
          ...{ action: 'recovery.reset_secret', target_type: 'agent', target_id: id },
          details: { name, fingerprint },
        });
        return { client_id, client_secret };
      });
    },
  };
};

export type RecoveryService = ReturnType<typeof createRecoveryService>;
