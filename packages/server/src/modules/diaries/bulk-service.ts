import { type diariesBulk, diaryLimits, hasScope, type OutputOf, type ParsedInputOf } from '@atrium/protocol';
import type { Transaction } from '../../platform/db/database.ts';
import { AppError, invalid } from '../../platform/errors/app-error.ts';
import type { Call } from '../../platform/operations/call.ts';
import { holdDiary } from './diaries-access.ts';
import { limitReached } from './diaries-errors.ts';
import { auditDiary, emitEntries } from './diaries-events.ts';
import type { DiariesParts } from './diaries-parts.ts';
import { entryVisible } from './diaries-policy.ts';
import type { EntryFields, EntryRow, SeenDiary } from './diaries-rows.ts';
import type { EntriesService } from './entries-service.ts';
import { entriesStore } from './entries-store.ts';

type Bulk = ParsedInputOf<typeof diariesBulk>;

/** Entries with what they say are long; so many are held in memory at once. */
const atOnce = 100;

const retagged = (entry: EntryRow, { add_tags = [], remove_tags = [] }: Bulk): string[] => {
  const tags = [...new Set([...entry.tags.filter((tag) => !remove_tags.includes(tag)), ...add_tags])];
  if (tags.length > diaryLimits.tags)
    throw invalid('add_tags', `would give the entry ${entry.id} more than ${diaryLimits.tags} tags`);
  return tags;
};

/** What the act makes of an entry. */
const fieldsAfter = (entry: EntryRow, input: Bulk): EntryFields => {
  const { set = {} } = input;
  switch (input.action) {
    case 'tag':
      return { ...entry, tags: retagged(entry, input) };
    case 'archive':
      return { ...entry, status: 'archived' };
    default:
      return {
        ...entry,
        importance: set.importance ?? entry.importance,
        entry_type: set.entry_type ?? entry.entry_type,
        status: set.status ?? entry.status,
        confidence: set.confidence === undefined ? entry.confidence : set.confidence,
        expires_at:
          set.expires_at === undefined ? entry.expires_at : set.expires_at === null ? null : new Date(set.expires_at),
      };
  }
};

const requireSense = (call: Call, input: Bulk): void => {
  if (input.action === 'update' && Object.values(input.set ?? {}).every((member) => member === undefined))
    throw invalid('set', 'says nothing to change');
  if (input.action === 'tag' && [...(input.add_tags ?? []), ...(input.remove_tags ?? [])].length === 0)
    throw invalid('add_tags', 'add_tags or remove_tags must name a tag');
  if (input.action === 'restore' && input.filter.ids === undefined)
    throw invalid('filter.ids', 'must name the deleted entries');
  if (input.action === 'delete' && !hasScope(call.caller.scopes, 'diary:delete'))
    throw new AppError('insufficient_scope', 'The token lacks the scope diary:delete.', {
      extensions: { error: 'insufficient_scope', required: 'diary:delete' },
    });
};

/** One act on all entries that a filter takes. */
export const createBulkService = (
  { database, clock }: DiariesParts,
  entries: Pick<EntriesService, 'rewrite' | 'remove' | 'restore'>,
) => {
  const act = async (tx: Transaction, call: Call, diary: SeenDiary, entry: EntryRow, input: Bulk, now: Date) => {
    if (input.action === 'delete') return entries.remove(tx, call, entry, now);
    if (input.action === 'restore') return entries.restore(tx, call, diary, entry, undefined, now);
    return entries.rewrite(tx, call, diary, entry, fieldsAfter(entry, input), 'updated', now);
  };

  return {
    run: (call: Call, input: Bulk): Promise<OutputOf<typeof diariesBulk>> =>
      database.transaction(call, async (tx) => {
        requireSense(call, input);
        const now = clock.now();
        const diary = await holdDiary(tx, call, input.diary_ref, 'write', now);
        const sees = entryVisible(call.caller, now);
        const filter = { ...input.filter, deleted: input.action === 'restore' };
        const ids = await entriesStore.matching(tx.db, sees, diary.id, filter, now, diaryLimits.bulk + 1);
        if (ids.length > diaryLimits.bulk)
          throw limitReached('bulk', diaryLimits.bulk, `The filter takes more than ${diaryLimits.bulk} entries.`);
        if (input.dry_run || ids.length === 0) return { dry_run: input.dry_run, matched: ids.length, ids };
        await entriesStore.lock(tx.db, ids);
        // What somebody else changed before these were held no longer counts.
        const held = await entriesStore.matching(tx.db, sees, diary.id, { ...filter, ids }, now, diaryLimits.bulk);
        for (let from = 0; from < held.length; from += atOnce) {
          const rows = await entriesStore.ofIds(tx.db, held.slice(from, from + atOnce));
          for (const entry of rows) await act(tx, call, diary, entry, input, now);
        }
        emitEntries(tx, diary, input.action, held);
        auditDiary(tx, 'diaries.bulk', diary, { action: input.action, entries: held.length });
        return { dry_run: false, matched: held.length, ids: held };
      }),
  };
};

export type BulkService = ReturnType<typeof createBulkService>;
