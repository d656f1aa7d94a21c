import type {
  diariesDigest,
  diariesFindDuplicates,
  diariesListDuplicates,
  diariesListTags,
  OutputOf,
  ParsedInputOf,
} from '@atrium/protocol';
import type { Transaction } from '../../platform/db/database.ts';
import { newId } from '../../platform/ids/ids.ts';
import type { Call } from '../../platform/operations/call.ts';
import { actorOf } from '../../platform/operations/caller.ts';
import { countPosition, timePosition, toPage } from '../../platform/paging/keyset.ts';
import { holdDiary, readerOf, requireDiary } from './diaries-access.ts';
import { auditDiary, emitEntry } from './diaries-events.ts';
import type { DiariesParts } from './diaries-parts.ts';
import { entryVisible, permitted } from './diaries-policy.ts';
import type { EntryRow, SeenDiary } from './diaries-rows.ts';
import { entryViewOf, mergeViewOf } from './diaries-views.ts';
import { entriesStore } from './entries-store.ts';
import { relationsStore } from './relations-store.ts';
import { leastAlike, prefixOf, shortestCompared, similarityOf } from './search/near-duplicates.ts';
import { type AlikeRow, type DigestPeriod, upkeepStore } from './upkeep-store.ts';

const dayMs = 86_400_000;
const currentOnly = { status: ['active' as const], include_superseded: false, include_expired: false };

const endOf = (begins: Date, period: DigestPeriod): Date =>
  period === 'month'
    ? new Date(Date.UTC(begins.getUTCFullYear(), begins.getUTCMonth() + 1, 1))
    : new Date(begins.getTime() + (period === 'day' ? 1 : 7) * dayMs);

/** Clocks differ; what came in with a later time than ours is there as well. */
const endOfTime = new Date('9999-12-31T00:00:00Z');
const anyId = (): boolean => true;

/** Keeping a memory in order: what was written when, what is said twice, which tags are in use. */
export const createUpkeepService = ({ database, clock }: DiariesParts) => {
  /** Pairs that are alike by their words, looked at as texts. */
  const compared = async (
    tx: Transaction,
    rows: readonly AlikeRow[],
  ): Promise<(AlikeRow & { similarity: number })[]> => {
    const ids = [...new Set(rows.flatMap(({ id, older_id }) => [id, older_id]))];
    const entries = new Map((await entriesStore.ofIds(tx.db, ids)).map((entry) => [entry.id, entry]));
    return rows.flatMap((row) => {
      if (row.same_text) return [{ ...row, similarity: 1 }];
      const [newer, older] = [entries.get(row.id), entries.get(row.older_id)];
      if (newer === undefined || older === undefined) return [];
      const similarity = similarityOf(newer.content, older.content, row.alike);
      return similarity === null ? [] : [{ ...row, similarity }];
    });
  };

  const propose = async (
    tx: Transaction,
    call: Call,
    diary: SeenDiary,
    pair: AlikeRow & { similarity: number },
    entries: ReadonlyMap<string, EntryRow>,
    now: Date,
  ): Promise<string | null> => {
    const [newer, older] = [entries.get(pair.id)!, entries.get(pair.older_id)!];
    const by = actorOf(call.caller);
    const id = await relationsStore.propose(tx.db, {
      ...{ id: newId(), diary_id: diary.id, org_id: diary.org_id, kind: 'supersedes', status: 'proposed' },
      ...{ from_id: newer.id, to_id: older.id, from_content_id: newer.content_id, to_content_id: older.content_id },
      ...{ proposed_by_kind: by.type, proposed_by_id: by.id, proposed_by_name: by.name, created_at: now },
      ...{ reason: pair.same_text ? 'same_text' : 'similar_text', similarity: pair.similarity },
    });
    if (id === null) return null;
    const told = { relation_id: id, kind: 'supersedes', to_entry_id: older.id, relation: 'proposed' };
    emitEntry(tx, 'related', newer, told);
    return id;
  };

  return {
    digest: async (call: Call, input: ParsedInputOf<typeof diariesDigest>): Promise<OutputOf<typeof diariesDigest>> => {
      const now = clock.now();
      const diary = await requireDiary(database.read, call.caller, input.diary_ref, 'read', now);
      const before = timePosition(input.cursor, anyId)?.value ?? endOfTime;
      const filter = { ...currentOnly, exclude_suspicious: input.exclude_suspicious };
      const page = { now, period: input.period, before, limit: input.limit + 1, top: input.top };
      const rows = await upkeepStore.digest(database.read, entryVisible(call.caller, now), diary.id, filter, page);
      const shown = await entriesStore.ofIds(
        database.read,
        rows.slice(0, input.limit).flatMap(({ top }) => top),
      );
      const entries = new Map(shown.map((entry) => [entry.id, entry]));
      return toPage(
        rows,
        input.limit,
        (row) => ({ value: row.begins_at, id: input.period }),
        ({ begins_at, top, ...row }) => ({
          begins_at: begins_at.toISOString(),
          ends_at: endOf(begins_at, input.period).toISOString(),
          ...row,
          most_important: top.flatMap((id) => {
            const entry = entries.get(id);
            if (entry === undefined) return [];
            const view = entryViewOf(call, entry, input.content);
            const { title, content, tags, importance, entry_type, injection_risk, untrusted, created_at } = view;
            return [{ id, title, content, tags, importance, entry_type, injection_risk, untrusted, created_at }];
          }),
        }),
      );
    },

    findDuplicates: (
      call: Call,
      input: ParsedInputOf<typeof diariesFindDuplicates>,
    ): Promise<OutputOf<typeof diariesFindDuplicates>> =>
      database.transaction(call, async (tx) => {
        const now = clock.now();
        const diary = await holdDiary(tx, call, input.diary_ref, 'write', now);
        const sees = entryVisible(call.caller, now);
        const filter = { ...currentOnly, exclude_suspicious: false };
        const after = timePosition(input.cursor);
        const rows = await entriesStore.page(tx.db, sees, diary.id, filter, { now, limit: input.limit + 1, after });
        const looked = rows.slice(0, input.limit);
        const ids = looked.map(({ id }) => id);
        const words = await upkeepStore.rareWords(tx.db, ids);
        const asked = [...words]
          .filter(([, all]) => all.length >= shortestCompared)
          .map(([id, all]) => ({ id, words: prefixOf(all) }));
        const same = await upkeepStore.sameText(tx.db, sees, ids, now);
        const similar = asked.length === 0 ? [] : await upkeepStore.similarText(tx.db, sees, asked, leastAlike, now);
        const pairs = await compared(tx, [...same, ...similar]);
        const named = [...new Set(pairs.flatMap(({ id, older_id }) => [id, older_id]))];
        const entries = new Map((await entriesStore.ofIds(tx.db, named)).map((entry) => [entry.id, entry]));
        const made: string[] = [];
        for (const pair of pairs) {
          const id = await propose(tx, call, diary, pair, entries, now);
          if (id !== null) made.push(id);
        }
        if (made.length > 0) auditDiary(tx, 'diaries.find_duplicates', diary, { proposed: made.length });
        const proposed = await relationsStore.mergesOf(tx.db, sees, made);
        const { next_cursor } = toPage(
          rows,
          input.limit,
          (row) => ({ value: row.created_at, id: row.id }),
          () => null,
        );
        return { looked_at: looked.length, proposed: proposed.map(mergeViewOf), next_cursor };
      }),

    listDuplicates: async (
      call: Call,
      input: ParsedInputOf<typeof diariesListDuplicates>,
    ): Promise<OutputOf<typeof diariesListDuplicates>> => {
      const now = clock.now();
      const diary = await requireDiary(database.read, call.caller, input.diary_ref, 'read', now);
      const page = { statuses: input.status, now, limit: input.limit + 1, after: timePosition(input.cursor) };
      const rows = await relationsStore.merges(database.read, entryVisible(call.caller, now), diary.id, page);
      return toPage(rows, input.limit, (row) => ({ value: row.created_at, id: row.id }), mergeViewOf);
    },

    tags: async (
      call: Call,
      input: ParsedInputOf<typeof diariesListTags>,
    ): Promise<OutputOf<typeof diariesListTags>> => {
      const now = clock.now();
      const { diary_ref, prefix = '', limit } = input;
      const diary =
        diary_ref === undefined ? null : await requireDiary(database.read, call.caller, diary_ref, 'read', now);
      const readable =
        diary === null ? readerOf(call.caller, now, input.scope).readable : permitted(call.caller, 'read', now);
      const rows = await upkeepStore.tags(
        database.read,
        { readable, sees: entryVisible(call.caller, now) },
        diary?.id ?? null,
        { now, prefix, limit: limit + 1, after: countPosition(input.cursor, anyId) },
      );
      return toPage(
        rows,
        limit,
        (row) => ({ value: String(row.entries), id: row.tag }),
        (row) => row,
      );
    },
  };
};

export type UpkeepService = ReturnType<typeof createUpkeepService>;
