import type {
  diariesDecideRelation,
  diariesListRelations,
  diariesRelate,
  OutputOf,
  ParsedInputOf,
  RelationView,
} from '@atrium/protocol';
import type { Transaction } from '../../platform/db/database.ts';
import { AppError, invalid } from '../../platform/errors/app-error.ts';
import { newId } from '../../platform/ids/ids.ts';
import type { Call } from '../../platform/operations/call.ts';
import { actorOf, type Caller } from '../../platform/operations/caller.ts';
import { timePosition, toPage } from '../../platform/paging/keyset.ts';
import { holdDiary, requireDiary, requireEntry } from './diaries-access.ts';
import { noEntry, noRelation } from './diaries-errors.ts';
import { auditEntry, emitEntry } from './diaries-events.ts';
import type { DiariesParts } from './diaries-parts.ts';
import { entryVisible } from './diaries-policy.ts';
import type { RelationRow } from './diaries-rows.ts';
import { relationViewOf } from './diaries-views.ts';
import { entriesStore } from './entries-store.ts';
import { holdWritable, requireNoCircle, retire } from './entry-writing.ts';
import { relationsStore } from './relations-store.ts';

/** How entries hang together. One says so, and it counts as a proposal until somebody who may write accepts it. */
export const createRelationsService = ({ database, clock }: DiariesParts) => {
  const require = async (tx: Transaction, caller: Caller, entry_id: string, id: string): Promise<RelationRow> => {
    const relation = await relationsStore.find(tx.db, entryVisible(caller, clock.now()), entry_id, id);
    if (relation === null) throw noRelation();
    return relation;
  };

  return {
    list: async (
      call: Call,
      input: ParsedInputOf<typeof diariesListRelations>,
    ): Promise<OutputOf<typeof diariesListRelations>> => {
      const now = clock.now();
      const diary = await requireDiary(database.read, call.caller, input.diary_ref, 'read', now);
      const entry = await requireEntry(database.read, call.caller, diary.id, input.entry_id, now);
      const page = { statuses: input.status, limit: input.limit + 1, after: timePosition(input.cursor) };
      const rows = await relationsStore.page(database.read, entryVisible(call.caller, now), entry.id, page);
      return toPage(rows, input.limit, (row) => ({ value: row.created_at, id: row.id }), relationViewOf);
    },

    relate: (call: Call, input: ParsedInputOf<typeof diariesRelate>): Promise<RelationView> =>
      database.transaction(call, async (tx) => {
        const now = clock.now();
        const diary = await holdDiary(tx, call, input.diary_ref, 'write', now);
        const from = await requireEntry(tx.db, call.caller, diary.id, input.entry_id, now);
        const to = await entriesStore.findSeen(tx.db, entryVisible(call.caller, now), input.to_entry_id);
        if (to === null) throw noEntry();
        if (to.id === from.id) throw invalid('to_entry_id', 'names the same entry');
        const by = actorOf(call.caller);
        const id = newId();
        const made = await relationsStore.insert(tx.db, {
          id,
          diary_id: diary.id,
          org_id: diary.org_id,
          kind: input.kind,
          status: 'proposed',
          from_id: from.id,
          to_id: to.id,
          from_content_id: from.content_id,
          to_content_id: to.content_id,
          proposed_by_kind: by.type,
          proposed_by_id: by.id,
          proposed_by_name: by.name,
          created_at: now,
        });
        if (!made)
          throw new AppError('relation_exists', 'The two entries are related so already.', {
            extensions: { relation_id: await relationsStore.between(tx.db, from.id, to.id, input.kind) },
          });
        emitEntry(tx, 'related', from, { relation_id: id, kind: input.kind, to_entry_id: to.id, relation: 'proposed' });
        auditEntry(tx, 'diaries.relate', from, { relation_id: id, kind: input.kind, to_entry_id: to.id });
        return relationViewOf(await require(tx, call.caller, from.id, id));
      }),

    decide: (call: Call, input: ParsedInputOf<typeof diariesDecideRelation>): Promise<RelationView> =>
      database.transaction(call, async (tx) => {
        const now = clock.now();
        const { caller } = call;
        const diary = await holdDiary(tx, call, input.diary_ref, 'write', now);
        const entry = await requireEntry(tx.db, caller, diary.id, input.entry_id, now);
        const relation = await require(tx, caller, entry.id, input.relation_id);
        // Whoever decides may write where it was proposed.
        await holdDiary(tx, call, relation.diary_id, 'write', now);
        const by = actorOf(caller);
        const decision = { status: input.decision, type: by.type, by: by.id, name: by.name, at: now };
        if (!(await relationsStore.decide(tx.db, relation.id, decision)))
          throw new AppError('relation_decided', `The relation is ${relation.status} already.`);
        if (input.decision === 'accepted' && relation.kind === 'supersedes') {
          const old = await holdWritable(tx, call, diary, relation.to_id, now);
          await holdWritable(tx, call, diary, relation.from_id, now);
          await requireNoCircle(tx, old.id, relation.from_id);
          await retire(tx, call, old, relation.from_id, now);
        }
        emitEntry(tx, 'related', entry, { relation_id: relation.id, kind: relation.kind, relation: input.decision });
        auditEntry(tx, 'diaries.decide_relation', entry, { relation_id: relation.id, decision: input.decision });
        return relationViewOf(await require(tx, caller, entry.id, relation.id));
      }),

    remove: (call: Call, input: { diary_ref: string; entry_id: string; relation_id: string }): Promise<void> =>
      database.transaction(call, async (tx) => {
        const now = clock.now();
        const diary = await holdDiary(tx, call, input.diary_ref, 'write', now);
        const entry = await requireEntry(tx.db, call.caller, diary.id, input.entry_id, now);
        const relation = await require(tx, call.caller, entry.id, input.relation_id);
        await holdDiary(tx, call, relation.diary_id, 'write', now);
        await relationsStore.delete(tx.db, relation.id);
        emitEntry(tx, 'related', entry, { relation_id: relation.id, kind: relation.kind, relation: 'removed' });
        auditEntry(tx, 'diaries.unrelate', entry, { relation_id: relation.id });
      }),
  };
};

export type RelationsService = ReturnType<typeof createRelationsService>;
