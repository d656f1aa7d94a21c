import type { Actor } from '@atrium/protocol';
import type { Clock } from '../../../platform/clock/clock.ts';
import type { Database, Transaction } from '../../../platform/db/database.ts';
import { AppError } from '../../../platform/errors/app-error.ts';
import type { Call } from '../../../platform/operations/call.ts';
import type { SecretBox } from '../../../platform/secrets/secret-box.ts';
import type { IdentityNames, IdentityService } from '../../identity/index.ts';
import type { ApprovalsService } from '../approvals-service.ts';
import type { ClientCertificates } from '../clients/client-certificates.ts';
import type { ClientRegistry } from '../clients/client-registry.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import { nilId } from '../oauth-events.ts';
import type { Endings } from '../tokens/endings.ts';
import type { DeniedRanges } from './denied-ranges.ts';

/** What the services behind the operators' operations share. */
export interface OperatorsContext {
  database: Database;
  clock: Clock;
  secrets: SecretBox;
  identity: Pick<IdentityService, 'names' | 'requireOperator' | 'emitToOperators'>;
  public_url: () => string;
  endings: Endings;
  clients: Pick<ClientRegistry, 'facts'>;
  approvals: Pick<ApprovalsService, 'cancel'>;
  keys: KeyRing;
  /** Takes the published keys into use as they are now. */
  readKeys: () => Promise<void>;
  /** Null: client certificates are not taken. */
  certificates: ClientCertificates | null;
  key_grace_ms: number;
  key_rotation_ms: number;
  ranges: DeniedRanges;
  /** What this process remembers of a client is no longer so. */
  forgetClient: (clientId: string) => void;
}

/** Told to operators' pages: what kind of thing changed, so that they read it again. */
export const adminChanged = 'oauth.admin.changed';
export type AdminThing =
  | 'client'
  | 'token'
  | 'grant'
  | 'device_code'
  | 'approval_request'
  | 'key'
  | 'resource'
  | 'issuer'
  | 'denied_range'
  | 'registration_token';

const taken: Readonly<Record<string, string>> = {
  oauth_resources_audience_key: 'This audience is registered already.',
  oauth_trusted_issuers_issuer_key: 'This issuer is trusted already.',
  oauth_ip_denylist_range_key: 'This range is on the list already.',
};

const nameTaken = (error: unknown): AppError | null => {
  if (!(error instanceof Error) || !('code' in error) || error.code !== '23505' || !('constraint' in error))
    return null;
  const message = taken[String(error.constraint)];
  return message === undefined ? null : new AppError('name_taken', message, { cause: error });
};

export interface AdminAct {
  tx: Transaction;
  now: Date;
  /** Tells operators' pages to read again. */
  nudge: (thing: AdminThing) => Promise<void>;
  /** The audit line of the whole server, the fact, and the nudge to operators' pages. */
  done: (
    thing: AdminThing,
    action: string,
    target: { type: string; id: string },
    details?: Record<string, unknown>,
  ) => Promise<void>;
}

/** Runs what an operator does to the whole server: in one transaction, after asking whether they still are one. */
export const createOperatorAct =
  ({ database, clock, identity }: OperatorsContext) =>
  async <T>(call: Call, act: (parts: AdminAct) => Promise<T>): Promise<T> => {
    try {
      return await database.transaction(call, async (tx) => {
        await identity.requireOperator(tx, call.caller);
        const nudge = (thing: AdminThing) =>
          identity.emitToOperators(tx, { kind: adminChanged, id: nilId, body: { thing } });
        return await act({
          tx,
          now: clock.now(),
          nudge,
          done: async (thing, action, target, details = {}) => {
            // The server is nobody's organisation: its line stands in the trail that operators alone read.
            tx.audit({ action, target_type: target.type, target_id: target.id, org_id: nilId, details });
            await nudge(thing);
          },
        });
      });
    } catch (cause) {
      throw nameTaken(cause) ?? cause;
    }
  };

/** Actors behind ids that rows keep. A person who is gone keeps their id. */
export const actorsOf = async (
  names: IdentityNames,
  ids: readonly (string | null)[],
): Promise<(id: string | null) => Actor | null> => {
  const known = await names.principals(ids.filter((id) => id !== null));
  return (id) =>
    id === null ? null : { type: known.get(id)?.type ?? 'user', id, name: known.get(id)?.name ?? 'somebody gone' };
};

export const time = (at: Date): string => at.toISOString();
export const timeOrNull = (at: Date | null): string | null => at?.toISOString() ?? null;

/** What two people who edit the same thing are told: the slower one reads it again. */
export const changedMeanwhile = (what: string, version: number): AppError =>
  new AppError('generation_conflict', `${what} was changed meanwhile; it is at version ${version} now.`, {
    extensions: { current_version: version },
  });
