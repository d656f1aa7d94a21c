import type { ForgetInAudit } from '../../platform/audit/audit-redaction.ts';
import type { Clock } from '../../platform/clock/clock.ts';
import type { EnrolmentToken, Rate } from '../../platform/config/value-types.ts';
import type { Database, NewAudit, NewEvent, Transaction } from '../../platform/db/database.ts';
import { AppError } from '../../platform/errors/app-error.ts';
import type { RateLimiter } from '../../platform/limits/rate-limiter.ts';
import type { MailTransport } from '../../platform/mail/mail.ts';
import type { GuardedFetch } from '../../platform/net/guarded-fetch.ts';
import type { Call } from '../../platform/operations/call.ts';
import type { SecretBox } from '../../platform/secrets/secret-box.ts';
import type { ChangedFact } from './caller-cache.ts';
import { nameTaken } from './identity-errors.ts';
import type { IdentityHooks } from './identity-hooks.ts';
import type { Passwords } from './passwords.ts';

export interface IdentityOptions {
  /** Base of invitation links; a function, because port 0 is known only after listening. */
  public_url: () => string;
  registration: 'open' | 'invitation';
  session_ttl_ms: number;
  /** ATRIUM_SETUP_TOKEN, or null: then one is made at start. */
  setup_token: string | null;
  version: string;
  login: Rate;
  login_account: Rate;
  /** Letters of one kind to one address. */
  magic_link: Rate;
  devices: {
    /** Of the certificates that devices meet: `sha256/` and the base64 of the hash of their public key. */
    pins: () => readonly string[];
    /** With which several devices may join. */
    enrolment_tokens: readonly EnrolmentToken[];
    /** How long a device may have no connection before it counts as offline. */
    offline_after_ms: number;
    offline_check_ms: number;
  };
  /** Agents with keys: how often a minute. */
  agent_keys: { registration: Rate; vouch: Rate; signing: Rate; recovery: Rate; verify: Rate };
}

/** The database with the way to record refused attempts, whose own transaction was rolled back. */
export interface IdentityDatabase extends Database {
  auditDenied(call: Call, entry: NewAudit, event?: NewEvent): void;
}

/**
 * Runs a service's act in a transaction. A refusal is audited, and what the act announces is known to the caches of
 * this process before the act is answered.
 */
export type Transact = <T>(call: Call, operation: string, act: (tx: Transaction) => Promise<T>) => Promise<T>;

/** What the services of this module share. */
export interface IdentityContext {
  database: IdentityDatabase;
  clock: Clock;
  transact: Transact;
  hooks: IdentityHooks;
  passwords: Passwords;
  /** The one shared by all processes: a restart must not reset guesses. */
  limiter: RateLimiter;
  secrets: SecretBox;
  mail: MailTransport;
  /** For sign-in providers, whose addresses operators give. */
  fetch: GuardedFetch;
  forgetInAudit: ForgetInAudit;
  /** Sign the challenges of recovery, current first. */
  challenge_keys: readonly [Uint8Array, ...Uint8Array[]];
  options: IdentityOptions;
}

const refusals = new Set(['escalation_denied', 'permission_denied']);

export const createTransact =
  (database: IdentityDatabase, changed: (fact: ChangedFact) => void): Transact =>
  async (call, operation, act) => {
    try {
      return await database.transaction(call, (tx) =>
        act({
          ...tx,
          emit: (event) => {
            tx.emit(event);
            const { kind, id, org_id = call.caller.org_id } = event;
            tx.afterCommit(() => changed({ kind, id, org_id }));
          },
        }),
      );
    } catch (cause) {
      const error = nameTaken(cause) ?? cause;
      if (error instanceof AppError && refusals.has(error.code)) {
        database.auditDenied(call, {
          action: 'operation.denied',
          details: { operation, code: error.code, ...error.extensions },
        });
      }
      throw error;
    }
  };
