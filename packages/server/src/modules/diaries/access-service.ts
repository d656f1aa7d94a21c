import type { diariesListAccess, OutputOf, ParsedInputOf } from '@atrium/protocol';
import type { Call } from '../../platform/operations/call.ts';
import { countPosition, toPage } from '../../platform/paging/keyset.ts';
import { accessStore, type EntryUse } from './access-store.ts';
import { requireDiary } from './diaries-access.ts';
import type { DiariesParts } from './diaries-parts.ts';
import { entryVisible } from './diaries-policy.ts';

const dayMs = 86_400_000;
const keptMs = 400 * dayMs;
const writtenAfterMs = 5000;
/** More than this in memory is written at once. */
const gatheredAtMost = 5000;

const dayOf = (at: Date): string => at.toISOString().slice(0, 10);

/**
 * Counts how often entries are used, in memory, and adds to the table every few seconds: no reader waits for it, and what
 * ranks never sees it. A crash loses some seconds of figures.
 */
export const createAccessService = ({ database, clock, onError }: DiariesParts) => {
  let gathered = new Map<string, EntryUse>();
  let timer: NodeJS.Timeout | null = null;
  let writing: Promise<void> = Promise.resolve();

  const write = async (): Promise<void> => {
    if (gathered.size === 0) return;
    const uses = [...gathered.values()];
    gathered = new Map();
    await accessStore.add(database.read, uses);
  };

  /** Writes what has gathered. Called by the timer and at shutdown. */
  const flush = (): Promise<void> => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    writing = writing.then(write).catch((error: unknown) => onError(error, 'uses of entries could not be counted'));
    return writing;
  };

  const count = (ids: readonly string[], what: 'reads' | 'searches'): void => {
    const day = dayOf(clock.now());
    for (const entry_id of ids) {
      const key = `${entry_id} ${day}`;
      const use = gathered.get(key) ?? { entry_id, day, reads: 0, searches: 0 };
      use[what] += 1;
      gathered.set(key, use);
    }
    if (gathered.size >= gatheredAtMost) void flush();
    if (gathered.size === 0 || timer !== null) return;
    timer = setTimeout(() => void flush(), writtenAfterMs);
    timer.unref();
  };

  return {
    flush,
    read: (id: string): void => count([id], 'reads'),
    found: (ids: readonly string[]): void => count(ids, 'searches'),

    list: async (
      call: Call,
      input: ParsedInputOf<typeof diariesListAccess>,
    ): Promise<OutputOf<typeof diariesListAccess>> => {
      const now = clock.now();
      const diary = await requireDiary(database.read, call.caller, input.diary_ref, 'manage', now);
      const rows = await accessStore.page(database.read, entryVisible(call.caller, now), diary.id, {
        since: dayOf(new Date(now.getTime() - (input.days - 1) * dayMs)),
        limit: input.limit + 1,
        after: countPosition(input.cursor),
      });
      return toPage(
        rows,
        input.limit,
        (row) => ({ value: String(row.reads + row.searches), id: row.entry_id }),
        (row) => row,
      );
    },

    sweep: (): Promise<void> => accessStore.forget(database.read, dayOf(new Date(clock.now().getTime() - keptMs))),
  };
};

export type AccessService = ReturnType<typeof createAccessService>;
