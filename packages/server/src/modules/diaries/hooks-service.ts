import type { Transaction } from '../../platform/db/database.ts';
import type { Call } from '../../platform/operations/call.ts';
import { auditDiary, emitDeleted, emitDiary } from './diaries-events.ts';
import type { DiariesParts } from './diaries-parts.ts';
import { diariesStore } from './diaries-store.ts';
import { peopleStore } from './people-store.ts';
import { tuplesStore } from './tuples-store.ts';

/** What this module does when identity forgets a person or deletes a team, in identity's transaction. */
export const createHooksService = ({ database, clock }: DiariesParts) => ({
  /** A person's diaries are theirs and go with them; what they wrote into those of others stays, without their name. */
  personErasing: async (tx: Transaction, { id, name }: { id: string; name: string }): Promise<void> => {
    for (const diary of await diariesStore.ofOwner(tx.db, { kind: 'user', id })) {
      await diariesStore.delete(tx.db, diary.id);
      emitDeleted(tx, diary, { everybody: diary.visibility !== 'private', ids: [] });
      auditDiary(tx, 'diaries.delete', diary, { reason: 'account deleted' });
    }
    await peopleStore.withdraw(tx.db, { kind: 'user', id });
    await peopleStore.rename(tx.db, id, name);
  },

  personExporting: async (userId: string): Promise<Record<string, unknown>> => ({
    diaries: await peopleStore.export(database.read, userId),
  }),

  /** What a team was given ends with it. */
  teamDeleting: async (tx: Transaction, _call: Call, team: { id: string; org_id: string }): Promise<void> => {
    const touched = await tuplesStore.diariesOf(tx.db, { subject_namespace: 'Team', subject_id: team.id });
    for (const { id } of touched) {
      await diariesStore.lock(tx.db, id, 'update');
      const diary = await diariesStore.findAny(tx.db, id);
      if (diary === null) continue;
      await diariesStore.nextRevision(tx.db, id, clock.now());
      emitDiary(tx, 'updated', diary, { changed: ['shares'] });
      auditDiary(tx, 'diaries.revoke_share', diary, { subject: { kind: 'team', id: team.id }, reason: 'team deleted' });
    }
    await peopleStore.withdraw(tx.db, { kind: 'team', id: team.id });
  },
});
