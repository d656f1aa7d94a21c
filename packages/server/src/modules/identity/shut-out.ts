import type { Clock } from '../../platform/clock/clock.ts';
import type { Transaction } from '../../platform/db/database.ts';
import { endDevices } from './device-endings.ts';
import { factorsStore } from './factors-store.ts';
import { identityEvents } from './identity-events.ts';
import type { IdentityHooks } from './identity-hooks.ts';
import { keysStore } from './keys-store.ts';
import { linksStore } from './links-store.ts';
import type { SessionsService } from './sessions-service.ts';
import { sessionsStore } from './sessions-store.ts';

/** Ends the sessions of a person and what was begun or remembered with what they held. Keys and factors stay. */
export const endSessions = async (
  tx: Transaction,
  { sessions, clock }: { sessions: SessionsService; clock: Clock },
  userId: string,
  keep: string | null = null,
): Promise<number> => {
  const revoked = await sessionsStore.revokeOthers(tx.db, userId, keep, clock.now());
  sessions.announceRevoked(tx, revoked);
  await factorsStore.forget(tx.db, userId);
  return revoked.length;
};

/** Ends everything that somebody could still come in with as this person. */
export const endEveryWayIn = async (
  tx: Transaction,
  parts: { sessions: SessionsService; clock: Clock; hooks: IdentityHooks },
  userId: string,
): Promise<void> => {
  await endSessions(tx, parts, userId);
  for (const { id, org_id } of await keysStore.revokeAllOfUser(tx.db, userId, parts.clock.now())) {
    tx.emit({ kind: identityEvents.keyRevoked, id, org_id, body: { user_id: userId } });
  }
  await endDevices(tx, parts, { user_id: userId }, 'owner_gone');
  await factorsStore.wipe(tx.db, userId);
  await linksStore.cancelAll(tx.db, userId, parts.clock.now());
};
