import {
  type diariesDecideRelation,
  type diariesListRelations,
  type diariesRelate,
  diaryLimits,
  type OutputOf,
  type ParsedInputOf,
  type RelationView,
} from '@atrium/protocol';
import type { Transaction } from '../../platform/db/database.ts';
import { AppError, invalid } from '../../platform/errors/app-error.ts';
import { newId } from '../../platform/ids/ids.ts';
import type { Call } from '../../platform/operations/call.ts';
import { actorOf, type Caller } from '../../platform/operations/caller.ts';
import { timePosition, toPage } from '../../platform/paging/keyset.ts';
import { holdDiary, requireDiary, requireEntry } from './diaries-access.ts';
import { changedMeanwhile, noEntry, noRelation, superseded } from './diaries-errors.ts';
import { auditEntry, emitEntry } from './diaries-events.ts';
import type { DiariesParts } from './diaries-parts.ts';
import { entryVisible } from './diaries-policy.ts';
import type { EntryRow, RelationRow } from './diaries-rows.ts';
import { isSigned, relationViewOf } from './diaries-views.ts';
import type { EntriesService } from './entries-service.ts';
import { entriesStore } from './entries-store.ts';
import { holdWritable, requireNoCircle, retire } from './entry-writing.ts';
import { relationsStore } from './relations-store.ts';

/** How entries hang together. One says so, and it counts as a proposal until somebody who may write accepts it. */
export const createRelationsService = (
  { database, clock }: DiariesParts,
  { rewrite }: Pick<EntriesService, 'rewrite'>,
) => {
  /** Nothing of the entry that goes is lost: its tags, as far as there is room, and its importance. What is signed stays as it is. */
  const merge = async (
    tx: Transaction,
    call: Call,
    relation: RelationRow,
    kept: EntryRow,
    old: EntryRow,
    now: Date,
  ): Promise<void> => {
    if (kept.content_id !== relation.from_content_id) throw changedMeanwhile(kept.version);
    if (old.content_id !== relation.to_content_id) throw changedMeanwhile(old.version);
    if (kept.superseded_at !== null) throw superseded(kept);
    const tags = [...new Set([...kept.tags, ...old.tags])].slice(0, diaryLimits.tags);
    const importance = Math.max(kept.importance, old.importance);
    if (isSigned(kept) || (tags.length === kept.tags.length && importance === kept.importance)) return;
    const diary = await holdDiary(tx, call, kept.diary_id, 'write', now);
    await rewrite(tx, call, diary, kept, { ...kept, tags, importance }, 'updated', now);
  };

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
          const kept = await holdWritable(tx, call, diary, relation.from_id, now);
          await requireNoCircle(tx, old.id, relation.from_id);
          if (relation.reason !== null) await merge(tx, call, relation, kept, old, now);
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
