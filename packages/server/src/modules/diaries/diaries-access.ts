import type { DiaryPermit, DiaryScope } from '@atrium/protocol';
import type { Kysely } from 'kysely';
import type { Transaction } from '../../platform/db/database.ts';
import type { Schema } from '../../platform/db/schema.gen.ts';
import { isUuid } from '../../platform/ids/ids.ts';
import type { Call } from '../../platform/operations/call.ts';
import type { Caller } from '../../platform/operations/caller.ts';
import { ambiguousRef, denied, noDiary, noEntry } from './diaries-errors.ts';
import { entryVisible, grantOf, levelFor, permitted, readableAmong } from './diaries-policy.ts';
import type { EntryRow, SeenDiary } from './diaries-rows.ts';
import { diariesStore } from './diaries-store.ts';
import { entriesStore } from './entries-store.ts';

type Db = Kysely<Schema>;

export const readerOf = (caller: Caller, now: Date, scopes?: readonly DiaryScope[]) => ({
  readable: scopes === undefined ? permitted(caller, 'read', now) : readableAmong(caller, scopes, now),
  grant: grantOf(caller, now),
});

const namesShown = 20;

/**
 * The diary that a reference names. Among several of one name those that were given to the caller count first: a
 * stranger must not make a name ambiguous, or stand in for it, by opening a diary of that name to everybody.
 */
export const diaryIdOf = async (db: Db, caller: Caller, ref: string, now: Date): Promise<string> => {
  if (isUuid(ref)) return ref.toLowerCase();
  const found = await diariesStore.named(db, readerOf(caller, now), ref, namesShown);
  const given = found.filter((one) => one.given);
  const candidates = given.length > 0 ? given : found;
  if (candidates.length > 1)
    throw ambiguousRef(
      ref,
      candidates.map(({ id }) => id),
    );
  const [only] = candidates;
  if (only === undefined) throw noDiary();
  return only.id;
};

const seenDiary = async (db: Db, caller: Caller, id: string, permit: DiaryPermit, now: Date): Promise<SeenDiary> => {
  const diary = await diariesStore.find(db, readerOf(caller, now), id);
  if (diary === null) throw noDiary();
  if (permit !== 'read' && (diary.level ?? 0) < levelFor[permit]) throw denied(permit);
  return diary;
};

export const requireDiary = async (
  db: Db,
  caller: Caller,
  ref: string,
  permit: DiaryPermit,
  now: Date,
): Promise<SeenDiary> => seenDiary(db, caller, await diaryIdOf(db, caller, ref, now), permit, now);

/**
 * The same in a transaction that changes something. The diary is held first and asked about in a statement of its own:
 * who waited for a change of rights must be judged by the rights that came out of it, and one statement would go on with
 * those it saw when it began to wait.
 */
export const holdDiary = async (
  tx: Transaction,
  call: Call,
  ref: string,
  permit: DiaryPermit,
  now: Date,
): Promise<SeenDiary> => {
  const id = await diaryIdOf(tx.db, call.caller, ref, now);
  if (permit === 'manage') {
    await seenDiary(tx.db, call.caller, id, permit, now);
    await diariesStore.lock(tx.db, id, 'update');
  } else await diariesStore.lock(tx.db, id, 'key share');
  return seenDiary(tx.db, call.caller, id, permit, now);
};

export const requireEntry = async (
  db: Db,
  caller: Caller,
  diary_id: string,
  id: string,
  now: Date,
): Promise<EntryRow> => {
  const entry = await entriesStore.find(db, entryVisible(caller, now), diary_id, id);
  if (entry === null) throw noEntry();
  return entry;
};

/** Seen, then held: what is returned is what the entry is while it is held. */
export const holdEntry = async (
  tx: Transaction,
  caller: Caller,
  diary_id: string,
  id: string,
  now: Date,
): Promise<EntryRow> => {
  await requireEntry(tx.db, caller, diary_id, id, now);
  await entriesStore.lock(tx.db, [id]);
  return requireEntry(tx.db, caller, diary_id, id, now);
};
