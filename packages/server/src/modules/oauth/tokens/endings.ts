import type { Transaction } from '../../../platform/db/database.ts';
import { nilId, oauthEvents } from '../oauth-events.ts';
import { type AccessTokenRow, accessTokensStore } from '../stores/access-tokens-store.ts';
import { type ArtefactModel, artefactsStore } from '../stores/artefacts-store.ts';
import { grantsStore } from '../stores/grants-store.ts';
import { type RevocationRow, revocationsStore } from '../stores/revocations-store.ts';
import type { RevocationSet } from './revocation-set.ts';

/** Longer than any access token lives. */
const longestTokenMs = 24 * 60 * 60_000;

const ofGrants: readonly ArtefactModel[] = [
  'AuthorizationCode',
  'RefreshToken',
  'DeviceCode',
  'BackchannelAuthenticationRequest',
];

const remember = (at: Date): { before: Date; expires_at: Date } => ({
  before: at,
  expires_at: new Date(at.getTime() + longestTokenMs),
});

/** Ways in which tokens end. This process knows at the moment of commit, the others by notice. */
export const createEndings = (revocations: RevocationSet, count: (kind: 'token_revoked', by: number) => void) => {
  /** Marks tokens as ended, for the figures too. */
  const revoke = async (
    tx: Transaction,
    of: Parameters<typeof accessTokensStore.revoke>[1],
    at: Date,
  ): Promise<AccessTokenRow[]> => {
    const ended = await accessTokensStore.revoke(tx.db, of, at);
    if (ended.length > 0) tx.afterCommit(() => count('token_revoked', ended.length));
    return ended;
  };

  const remove = async (tx: Transaction, row: RevocationRow, at: Date): Promise<void> => {
    await revocationsStore.insert(tx.db, row, at);
    tx.afterCommit(() => revocations.add(row));
  };

  /** Ends one access token, known by its hash. */
  const token = async (tx: Transaction, hash: string, at: Date): Promise<void> => {
    for (const ended of await revoke(tx, { hash }, at)) {
      await remove(
        tx,
        { kind: 'jti', value: hash, before: at, expires_at: new Date(ended.expires_at.getTime() + 60_000) },
        at,
      );
      const { client_id, subject: of } = ended;
      tx.emit({
        kind: oauthEvents.tokenRevoked,
        id: ended.id,
        org_id: ended.org_id ?? nilId,
        body: { client_id, subject: of, what: 'token' },
      });
    }
  };

  /** Ends what one authorization gave: codes, the refresh token with all its rotations, access tokens, the grant itself. */
  const family = async (
    tx: Transaction,
    grantId: string,
    at: Date,
    why: 'replay' | 'revoked' | 'withdrawn',
  ): Promise<void> => {
    const [grant] = await grantsStore.revoke(tx.db, { id: grantId }, at);
    // Once ended it stays so; the engine asks once for each of its models.
    if (grant === undefined) return;
    await remove(tx, { kind: 'grant', value: grantId, ...remember(at) }, at);
    // Consumed rows of a replayed family stay until they expire, so that a later replay is still known as one.
    if (why !== 'replay') for (const model of ofGrants) await artefactsStore.deleteOfGrant(tx.db, model, grantId);
    await revoke(tx, { grant_id: grantId }, at);
    const { client_id, subject: of, org_id } = grant;
    const kind =
      why === 'replay'
        ? oauthEvents.familyReplayed
        : why === 'withdrawn'
          ? oauthEvents.consentWithdrawn
          : oauthEvents.tokenRevoked;
    tx.emit({ kind, id: grantId, org_id, body: { client_id, subject: of, what: 'family' } });
    tx.audit({
      action: why === 'replay' ? 'oauth.family.replayed' : 'oauth.grants.end',
      target_type: 'grant',
      target_id: grantId,
      org_id,
      details: { client_id, subject: of, why },
    });
  };

  /** Ends everything a client was given. */
  const client = async (tx: Transaction, clientId: string, at: Date): Promise<void> => {
    await remove(tx, { kind: 'client', value: clientId, ...remember(at) }, at);
    for (const grant of await grantsStore.revoke(tx.db, { client_id: clientId }, at))
      for (const model of ofGrants) await artefactsStore.deleteOfGrant(tx.db, model, grant.id);
    await revoke(tx, { client_id: clientId }, at);
  };

  /** Ends every token that acts for a principal. */
  const subject = async (tx: Transaction, id: string, at: Date): Promise<void> => {
    await remove(tx, { kind: 'subject', value: id, ...remember(at) }, at);
    for (const grant of await grantsStore.revoke(tx.db, { subject: id }, at))
      for (const model of ofGrants) await artefactsStore.deleteOfGrant(tx.db, model, grant.id);
    await revoke(tx, { subject: id }, at);
  };

  return { token, family, client, subject };
};

export type Endings = ReturnType<typeof createEndings>;
