import type { Transaction } from '../../platform/db/database.ts';
import { newId } from '../../platform/ids/ids.ts';
import { type Call, internalCall } from '../../platform/operations/call.ts';
import { systemCaller } from '../../platform/operations/caller.ts';
import { auditDiary, emitDeleted, emitDiary } from './diaries-events.ts';
import type { DiariesParts } from './diaries-parts.ts';
import type { DiariesService } from './diaries-service.ts';
import { diariesStore } from './diaries-store.ts';
import type { InvitationBoard } from './invitation-board.ts';
import { peopleStore } from './people-store.ts';
import { sharesStore } from './shares-store.ts';
import { tuplesStore } from './tuples-store.ts';

const privateName = 'Private';

/** What this module does in identity's transactions: when an agent comes, a person is forgotten, a team is deleted. */
export const createHooksService = (
  { database, clock }: DiariesParts,
  { createIn }: Pick<DiariesService, 'createIn'>,
  invitations: InvitationBoard,
) => ({
  /** Every agent with a key has a diary of its own from the first moment; one that it made itself is as good. */
  agentRegistered: async (tx: Transaction, agent: { id: string; org_id: string; name: string }): Promise<void> => {
    const owner = { kind: 'agent', id: agent.id, name: agent.name } as const;
    const owned = await diariesStore.ofOwner(tx.db, owner);
    if (owned.some((diary) => diary.name === privateName)) return;
    await createIn(tx, {
      org_id: agent.org_id,
      owner,
      name: privateName,
      visibility: 'private',
      language: 'english',
      injection_policy: 'flag',
    });
  },

  /** A person's diaries are theirs and go with them; what they wrote into those of others stays, without their name. */
  personErasing: async (tx: Transaction, { id, name }: { id: string; name: string }): Promise<void> => {
    for (const diary of await diariesStore.ofOwner(tx.db, { kind: 'user', id })) {
      const call = internalCall(systemCaller({ id: diary.org_id }), newId());
      for (const share of await sharesStore.openToPeople(tx.db, diary.id))
        await invitations.settling(tx, call, share, 'gone');
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
