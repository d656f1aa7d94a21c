import { diaryLimits } from '@atrium/protocol';
import type { Transaction } from '../../platform/db/database.ts';
import { AppError, invalid } from '../../platform/errors/app-error.ts';
import type { Call } from '../../platform/operations/call.ts';
import { actorOf } from '../../platform/operations/caller.ts';
import { contentHashOf, contentIdOf } from './content-id.ts';
import { holdDiary } from './diaries-access.ts';
import { denied, noEntry, superseded } from './diaries-errors.ts';
import { auditEntry, emitEntry } from './diaries-events.ts';
import { entryVisible } from './diaries-policy.ts';
import type { DiaryRow, EntryFields, EntryRow, SeenDiary, TupleRow } from './diaries-rows.ts';
import { effectivePolicy } from './diaries-service.ts';
import { entriesStore } from './entries-store.ts';
import type { InjectionScanner } from './injection-scanner.ts';

/* What every way of writing an entry goes through. */

const isPinned = ({ entry_type, tags }: EntryFields): boolean =>
  (entry_type === 'identity' || entry_type === 'soul') && tags.includes('system');

/** Limits that depend on where the entry is and what it is. */
const requireFits = (diary: Pick<DiaryRow, 'visibility'>, fields: EntryFields): void => {
  const limits: [boolean, number, string][] = [
    [diary.visibility === 'public', diaryLimits.public_content, 'in a public diary'],
    [isPinned(fields), diaryLimits.pinned_content, 'of an identity or soul entry with the tag system'],
  ];
  for (const [applies, most, where] of limits)
    if (applies && fields.content.length > most) throw invalid('content', `holds at most ${most} characters ${where}`);
  if (fields.valid_from !== null && fields.valid_to !== null && fields.valid_from >= fields.valid_to)
    throw invalid('valid_to', 'must be later than valid_from');
};

/** What the policy of the diary makes of what the scanner found. */
const statusAfter = (
  diary: SeenDiary,
  before: EntryRow | null,
  fields: EntryFields,
  flagged: boolean,
): EntryRow['status'] => {
  const quarantines = flagged && effectivePolicy(diary) === 'quarantine';
  const released = diary.level === 3 && before?.status === 'quarantined' && fields.status !== 'quarantined';
  if (before?.status === 'quarantined' && flagged && fields.status !== 'quarantined' && !released)
    throw denied('manage');
  if (!flagged && fields.status === 'quarantined') return 'active';
  // Its owner has looked at it, and what it says is what they looked at.
  const looked =
    before?.status === 'active' &&
    before.injection_risk &&
    before.content === fields.content &&
    before.title === fields.title;
  if (quarantines && fields.status === 'active' && !released && !looked) return 'quarantined';
  return fields.status;
};

/** Everything that follows from what an entry says. Refuses what the diary does not take. */
export const judged = (
  scan: InjectionScanner,
  diary: SeenDiary,
  before: EntryRow | null,
  fields: EntryFields,
): EntryFields & Pick<EntryRow, 'injection_risk' | 'injection_rules' | 'content_hash' | 'content_id' | 'length'> => {
  requireFits(diary, fields);
  const rules = [...scan(fields.title === null ? fields.content : `${fields.title}\n${fields.content}`)];
  const flagged = rules.length > 0;
  const changed = before === null || before.content !== fields.content || before.title !== fields.title;
  if (flagged && changed && diary.injection_policy === 'refuse')
    throw new AppError('entry_refused', 'The policy of the diary refuses text that reads like orders to a model.', {
      extensions: { rules },
    });
  return {
    ...fields,
    status: statusAfter(diary, before, fields, flagged),
    injection_risk: flagged,
    injection_rules: rules,
    content_hash: contentHashOf(fields.content),
    content_id: contentIdOf(fields),
    length: fields.content.length,
  };
};

export const parentTuple = (entry: Pick<EntryRow, 'id' | 'diary_id' | 'org_id'>, revision: number): TupleRow => ({
  namespace: 'DiaryEntry',
  object_id: entry.id,
  relation: 'parent',
  subject_namespace: 'Diary',
  subject_id: entry.diary_id,
  subject_relation: '',
  diary_id: entry.diary_id,
  org_id: entry.org_id,
  expires_at: null,
  revision,
});

/** An entry that the caller sees and whose diary they may write, held. */
export const holdWritable = async (
  tx: Transaction,
  call: Call,
  diary: SeenDiary,
  entry_id: string,
  now: Date,
): Promise<EntryRow> => {
  const sees = entryVisible(call.caller, now);
  const found = await entriesStore.findSeen(tx.db, sees, entry_id);
  if (found === null) throw noEntry();
  if (found.diary_id !== diary.id) await holdDiary(tx, call, found.diary_id, 'write', now);
  await entriesStore.lock(tx.db, [found.id]);
  const entry = await entriesStore.findSeen(tx.db, sees, entry_id);
  if (entry === null) throw noEntry();
  return entry;
};

/** Retires `old`, which is held, in favour of `by`. Of two who correct one entry the second is refused. */
export const retire = async (tx: Transaction, call: Call, old: EntryRow, by: string, now: Date): Promise<void> => {
  if (old.superseded_at !== null) throw superseded(old);
  await entriesStore.setSuperseded(tx.db, old.id, by, now);
  await entriesStore.record(tx.db, [old.id], 'superseded', actorOf(call.caller), now);
  emitEntry(tx, 'superseded', { ...old, version: old.version + 1 }, { superseded_by: by });
  auditEntry(tx, 'diaries.supersede_entry', old, { superseded_by: by });
};

/**
 * Refuses what would make an entry replace itself in the end. Everybody who ties two entries that exist already takes
 * turns, because two chains that are each free of circles can close one together.
 */
export const requireNoCircle = async (tx: Transaction, old: string, by: string): Promise<void> => {
  await entriesStore.takeTurn(tx.db, 'diary_entries.superseded_by');
  if (old === by || (await entriesStore.reaches(tx.db, by, old)))
    throw invalid('superseded_by', 'would make an entry replace itself');
};
