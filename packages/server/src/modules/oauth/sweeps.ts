import type { Clock } from '../../platform/clock/clock.ts';
import type { Database } from '../../platform/db/database.ts';
import { newId } from '../../platform/ids/ids.ts';
import { internalCall } from '../../platform/operations/call.ts';
import { systemCaller } from '../../platform/operations/caller.ts';
import { nilId, oauthEvents } from './oauth-events.ts';
import { accessTokensStore } from './stores/access-tokens-store.ts';
import { approvalsStore } from './stores/approvals-store.ts';
import { type ArtefactModel, artefactsStore, artefactTables } from './stores/artefacts-store.ts';
import { clientDocumentsStore } from './stores/client-documents-store.ts';
import { clientsStore } from './stores/clients-store.ts';
import type { Db } from './stores/db.ts';
import { grantsStore } from './stores/grants-store.ts';
import { replaysStore, revocationsStore } from './stores/revocations-store.ts';
import { transactionsStore } from './stores/transactions-store.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
/** Batches of one table in one run; what is left waits for the next, so that nobody waits for the sweeper. */
const mostBatches = 20;

const inBatches = async (sweep: () => Promise<boolean>): Promise<void> => {
  for (let count = 0; count < mostBatches; count += 1) if (!(await sweep())) return;
};

/** Removes what has expired. Nothing depends on it: readers treat an expired row as absent. */
export const sweepOauth = async (database: Database, clock: Clock): Promise<void> => {
  const db: Db = database.read;
  const call = internalCall(systemCaller({ id: nilId }), newId());
  const now = clock.now();
  const ago = (ms: number): Date => new Date(now.getTime() - ms);
  for (const model of Object.keys(artefactTables) as ArtefactModel[])
    if (model !== 'AuthorizationCode') await inBatches(() => artefactsStore.sweep(db, model, now));
  await inBatches(() =>
    database.transaction(call, async (tx) => {
      const { more, unused } = await artefactsStore.sweepCodes(tx.db, now);
      for (const body of unused)
        tx.emit({ kind: oauthEvents.codeExpired, id: newId(), org_id: nilId, body: { ...body } });
      return more;
    }),
  );
  await inBatches(() =>
    database.transaction(call, async (tx) => {
      const { more, expired } = await accessTokensStore.sweep(tx.db, ago(hourMs));
      for (const { client_id, org_id, count } of expired)
        tx.emit({
          kind: oauthEvents.tokenExpired,
          id: newId(),
          org_id: org_id ?? nilId,
          body: { client_id, count },
        });
      return more;
    }),
  );
  await inBatches(() => approvalsStore.sweep(db, ago(hourMs)));
  await inBatches(() => revocationsStore.sweep(db, now));
  await inBatches(() => replaysStore.sweep(db, now));
  await transactionsStore.sweep(db, now);
  await grantsStore.sweep(db, ago(30 * dayMs));
  await clientsStore.sweep(db, { unconsented: ago(dayMs), unused: ago(30 * dayMs) });
  await inBatches(() => artefactsStore.sweepOrphans(db));
  await clientDocumentsStore.sweep(db, ago(30 * dayMs));
};
