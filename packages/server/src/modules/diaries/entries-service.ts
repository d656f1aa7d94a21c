import type {
  Actor,
  diariesCreateEntry,
  diariesEntryHistory,
  diariesListEntries,
  diariesReflect,
  diariesSupersedeEntry,
  diariesUpdateEntry,
  EntryView,
  OutputOf,
  ParsedInputOf,
} from '@atrium/protocol';
import type { Transaction } from '../../platform/db/database.ts';
import { AppError, invalid } from '../../platform/errors/app-error.ts';
import { newId } from '../../platform/ids/ids.ts';
import type { Call } from '../../platform/operations/call.ts';
import { actorOf } from '../../platform/operations/caller.ts';
import { textPosition, timePosition, toPage } from '../../platform/paging/keyset.ts';
import type { AccessService } from './access-service.ts';
import { holdDiary, holdEntry, requireDiary, requireEntry } from './diaries-access.ts';
import { changedMeanwhile, denied, noEntry } from './diaries-errors.ts';
import { auditEntry, emitEntry } from './diaries-events.ts';
import type { DiariesParts } from './diaries-parts.ts';
import { entryVisible, levels } from './diaries-policy.ts';
import type { EntryFields, EntryRow, SeenDiary } from './diaries-rows.ts';
import { entryViewOf, revisionViewOf, withinBudget } from './diaries-views.ts';
import { embeddingJob, meansElse } from './embedding-text.ts';
import { entriesStore } from './entries-store.ts';
import { analysisOf } from './entry-analysis.ts';
import { linkFor, requireMutable } from './entry-signing.ts';
import { holdWritable, judged, parentTuple, requireNoCircle, retire } from './entry-writing.ts';
import { scanForInjection } from './injection-scanner.ts';
import { tuplesStore } from './tuples-store.ts';
import { vectorsStore } from './vectors-store.ts';

type NewEntry = Omit<ParsedInputOf<typeof diariesSupersedeEntry>, 'diary_ref' | 'entry_id'>;

const dayMs = 86_400_000;
const purgeAfterMs = 30 * dayMs;
const purgedAtOnce = 500;

const date = (text: string | null | undefined): Date | null => (text == null ? null : new Date(text));
const unique = (tags: readonly string[]): string[] => [...new Set(tags)];
const orNull = (title: string | null | undefined): string | null => (title == null || title === '' ? null : title);

const fieldsOf = (input: NewEntry): EntryFields => ({
  title: orNull(input.title),
  content: input.content,
  tags: unique(input.tags),
  entry_type: input.entry_type,
  importance: input.importance,
  status: 'active',
  confidence: input.confidence ?? null,
  valid_from: date(input.valid_from),
  valid_to: date(input.valid_to),
  expires_at: date(input.expires_at),
});

/** What a change makes of an entry; members that were not given stay. */
const changedFields = (entry: EntryRow, input: ParsedInputOf<typeof diariesUpdateEntry>): EntryFields => ({
  title: input.title === undefined ? entry.title : orNull(input.title),
  content: input.content ?? entry.content,
  tags: input.tags === undefined ? entry.tags : unique(input.tags),
  entry_type: input.entry_type ?? entry.entry_type,
  importance: input.importance ?? entry.importance,
  status: input.status ?? entry.status,
  confidence: input.confidence === undefined ? entry.confidence : input.confidence,
  valid_from: input.valid_from === undefined ? entry.valid_from : date(input.valid_from),
  valid_to: input.valid_to === undefined ? entry.valid_to : date(input.valid_to),
  expires_at: input.expires_at === undefined ? entry.expires_at : date(input.expires_at),
});

/** A signed entry that was set aside, and nothing else is asked for than to let it be seen. */
const isRelease = (entry: EntryRow, input: ParsedInputOf<typeof diariesUpdateEntry>): boolean => {
  const { diary_ref: _diary, entry_id: _entry, version: _version, status, ...others } = input;
  const alone = Object.values(others).every((member) => member === undefined);
  return entry.signature !== null && entry.status === 'quarantined' && status === 'active' && alone;
};

/** Entries of diaries: written, corrected, read, deleted and brought back. */
export const createEntriesService = (
  { database, clock, scan = scanForInjection, embedder = null }: DiariesParts,
  access: Pick<AccessService, 'read'>,
) => {
  const unembedded = embedder === null ? 'none' : 'pending';

  /** Nobody waits for a model: the entry is found by its words until the job has run. */
  const requestEmbedding = (tx: Transaction, entry: EntryRow): void => {
    if (embedder !== null) tx.enqueue(embeddingJob(entry));
  };

  const write = async (
    tx: Transaction,
    call: Call,
    diary: SeenDiary,
    fields: EntryFields,
    signature: string | undefined,
    at: Date,
  ) => {
    const by = actorOf(call.caller);
    const said = judged(scan, diary, null, fields);
    const entry: EntryRow = {
      ...said,
      ...(await linkFor(tx, call, diary, { ...said, created_at: at }, signature)),
      erased_at: null,
      origin_id: null,
      id: newId(),
      diary_id: diary.id,
      org_id: diary.org_id,
      superseded_by: null,
      superseded_at: null,
      embedding_state: unembedded,
      hidden_at: null,
      author_kind: by.type,
      author_id: by.id,
      author_name: by.name,
      version: 1,
      created_at: at,
      updated_at: at,
      deleted_at: null,
    };
    await entriesStore.insert(tx.db, entry, analysisOf(entry, diary.language));
    requestEmbedding(tx, entry);
    await tuplesStore.put(tx.db, parentTuple(entry, diary.revision));
    await entriesStore.record(tx.db, [entry.id], 'created', by, at);
    emitEntry(tx, 'created', entry);
    if (entry.injection_risk) emitEntry(tx, 'flagged', entry, { rules: entry.injection_rules });
    auditEntry(tx, 'diaries.create_entry', entry, { status: entry.status, injection_risk: entry.injection_risk });
    return entry;
  };

  /** Writes `after` over what is held as `before`. */
  const rewrite = async (
    tx: Transaction,
    call: Call,
    diary: SeenDiary,
    before: EntryRow,
    fields: EntryFields,
    act: 'updated' | 'restored',
    at: Date,
  ): Promise<EntryRow> => {
    requireMutable(before);
    const embedAnew = meansElse(before, fields);
    const after: EntryRow = {
      ...before,
      ...judged(scan, diary, before, fields),
      deleted_at: null,
      embedding_state: embedAnew ? unembedded : before.embedding_state,
      version: before.version + 1,
      updated_at: at,
    };
    await entriesStore.update(tx.db, after, analysisOf(after, diary.language));
    if (embedAnew) {
      await vectorsStore.forget(tx.db, after.id);
      requestEmbedding(tx, after);
    }
    await entriesStore.record(tx.db, [after.id], act, actorOf(call.caller), at);
    emitEntry(tx, act, after);
    if (after.injection_risk && !before.injection_risk)
      emitEntry(tx, 'flagged', after, { rules: after.injection_rules });
    auditEntry(tx, act === 'restored' ? 'diaries.restore_entry' : 'diaries.update_entry', after, {
      version: after.version,
      status: after.status,
    });
    return after;
  };

  const requireFutureEnd = (fields: EntryFields, now: Date): void => {
    if (fields.expires_at !== null && fields.expires_at <= now) throw invalid('expires_at', 'must lie in the future');
  };

  /** The entry that is there already, when the call wants to know of one. */
  const duplicateOf = async (
    tx: Transaction,
    call: Call,
    diary: SeenDiary,
    fields: EntryFields,
    mode: 'keep' | 'return' | 'refuse',
    now: Date,
  ): Promise<EntryRow | null> => {
    if (mode === 'keep') return null;
    const { content_hash } = judged(scan, diary, null, fields);
    await entriesStore.takeTurn(tx.db, `${diary.id} ${content_hash}`);
    const same = await entriesStore.same(tx.db, entryVisible(call.caller, now), diary.id, content_hash, now);
    if (same !== null && mode === 'refuse')
      throw new AppError('entry_duplicate', 'The diary holds an entry with that text.', {
        extensions: { entry_id: same.id },
      });
    return same;
  };

  const create = async (
    tx: Transaction,
    call: Call,
    diary: SeenDiary,
    input: NewEntry,
    supersedes: string | undefined,
    now: Date,
  ): Promise<EntryRow> => {
    const fields = fieldsOf(input);
    requireFutureEnd(fields, now);
    const old = supersedes === undefined ? null : await holdWritable(tx, call, diary, supersedes, now);
    const entry = await write(tx, call, diary, fields, input.signature, now);
    if (old !== null) await retire(tx, call, old, entry.id, now);
    return entry;
  };

  const setSuperseded = async (
    tx: Transaction,
    call: Call,
    diary: SeenDiary,
    entry: EntryRow,
    by: string | null,
    now: Date,
  ): Promise<EntryRow> => {
    if (by === null) {
      if (entry.superseded_at === null) return entry;
      await entriesStore.setSuperseded(tx.db, entry.id, null, now);
      await entriesStore.record(tx.db, [entry.id], 'reinstated', actorOf(call.caller), now);
      const after = { ...entry, superseded_by: null, superseded_at: null, version: entry.version + 1 };
      emitEntry(tx, 'updated', after);
      auditEntry(tx, 'diaries.update_entry', after, { superseded_by: null });
      return after;
    }
    if (by === entry.id) throw invalid('superseded_by', 'would make an entry replace itself');
    await holdWritable(tx, call, diary, by, now);
    await requireNoCircle(tx, entry.id, by);
    await retire(tx, call, entry, by, now);
    return { ...entry, superseded_by: by, superseded_at: now, version: entry.version + 1, updated_at: now };
  };

  /** The owner has looked at what was set aside. What was signed stays what it is; only where it is seen changes. */
  const release = async (
    tx: Transaction,
    call: Call,
    diary: SeenDiary,
    entry: EntryRow,
    now: Date,
  ): Promise<EntryRow> => {
    if (diary.level !== levels.owner) throw denied('manage');
    await entriesStore.setStatus(tx.db, entry.id, 'active', now);
    await entriesStore.record(tx.db, [entry.id], 'updated', actorOf(call.caller), now);
    const after: EntryRow = { ...entry, status: 'active', version: entry.version + 1, updated_at: now };
    emitEntry(tx, 'updated', after);
    auditEntry(tx, 'diaries.update_entry', after, { version: after.version, status: after.status });
    return after;
  };

  const remove = async (tx: Transaction, call: Call, entry: EntryRow, now: Date): Promise<void> => {
    requireMutable(entry);
    const gone = { ...entry, deleted_at: now, updated_at: now };
    await entriesStore.update(tx.db, gone);
    await entriesStore.record(tx.db, [entry.id], 'deleted', actorOf(call.caller), now);
    await tuplesStore.removeEntries(tx.db, [entry.id]);
    emitEntry(tx, 'deleted', { ...gone, version: entry.version + 1 });
    auditEntry(tx, 'diaries.delete_entry', entry);
  };

  const restore = async (
    tx: Transaction,
    call: Call,
    diary: SeenDiary,
    entry: EntryRow,
    version: number | undefined,
    now: Date,
  ): Promise<EntryRow> => {
    const wanted = version === undefined ? null : await entriesStore.revision(tx.db, entry.id, version);
    if (version !== undefined && wanted === null) throw invalid('version', 'is none of the history');
    const was = wanted ?? entry;
    const fields: EntryFields = {
      title: was.title,
      content: was.content,
      tags: was.tags,
      entry_type: was.entry_type,
      importance: was.importance,
      // What was set aside stays so: a former version is no way around the owner.
      status: entry.status === 'quarantined' ? 'quarantined' : was.status,
      confidence: was.confidence,
      valid_from: was.valid_from,
      valid_to: was.valid_to,
      expires_at: was.expires_at !== null && was.expires_at <= now ? null : was.expires_at,
    };
    const after = await rewrite(tx, call, diary, entry, fields, 'restored', now);
    await tuplesStore.put(tx.db, parentTuple(after, diary.revision));
    return after;
  };

  return {
    rewrite,
    remove,
    restore,

    create: (
      call: Call,
      input: ParsedInputOf<typeof diariesCreateEntry>,
    ): Promise<OutputOf<typeof diariesCreateEntry>> =>
      database.transaction(call, async (tx) => {
        const now = clock.now();
        const diary = await holdDiary(tx, call, input.diary_ref, 'write', now);
        const same = await duplicateOf(tx, call, diary, fieldsOf(input), input.on_duplicate, now);
        if (same !== null) return { ...entryViewOf(call, same), duplicate: true };
        const entry = await create(tx, call, diary, input, input.supersedes, now);
        return { ...entryViewOf(call, entry), duplicate: false };
      }),

    supersede: (call: Call, input: ParsedInputOf<typeof diariesSupersedeEntry>): Promise<EntryView> =>
      database.transaction(call, async (tx) => {
        const now = clock.now();
        const diary = await holdDiary(tx, call, input.diary_ref, 'write', now);
        await requireEntry(tx.db, call.caller, diary.id, input.entry_id, now);
        return entryViewOf(call, await create(tx, call, diary, input, input.entry_id, now));
      }),

    list: async (
      call: Call,
      input: ParsedInputOf<typeof diariesListEntries>,
    ): Promise<OutputOf<typeof diariesListEntries>> => {
      const now = clock.now();
      // A model that lists wants to know what there is; it reads one entry at a time.
      const {
        diary_ref,
        content = call.door === 'mcp' ? 'snippet' : 'full',
        limit,
        cursor,
        token_budget,
        count,
        ...filter
      } = input;
      const diary = await requireDiary(database.read, call.caller, diary_ref, 'read', now);
      const page = { now, limit: limit + 1, after: timePosition(cursor) };
      const sees = entryVisible(call.caller, now);
      const rows = await entriesStore.page(database.read, sees, diary.id, filter, page);
      const total = count ? await entriesStore.count(database.read, sees, diary.id, filter, now) : null;
      const views = rows.slice(0, limit).map((row) => entryViewOf(call, row, content));
      const kept = withinBudget(views, token_budget);
      const { next_cursor } = toPage(
        rows,
        kept.length,
        (row) => ({ value: row.created_at, id: row.id }),
        () => null,
      );
      return { items: kept, next_cursor, total };
    },

    get: async (
      call: Call,
      input: { diary_ref: string; entry_id: string; include_expired: boolean },
    ): Promise<EntryView> => {
      const now = clock.now();
      const diary = await requireDiary(database.read, call.caller, input.diary_ref, 'read', now);
      const entry = await requireEntry(database.read, call.caller, diary.id, input.entry_id, now);
      if (!input.include_expired && entry.expires_at !== null && entry.expires_at <= now) throw noEntry();
      access.read(entry.id);
      return entryViewOf(call, entry);
    },

    /** Wherever it lives, for whoever has nothing but its id. */
    findAnywhere: async (call: Call, id: string): Promise<EntryView | null> => {
      const now = clock.now();
      const entry = await entriesStore.findSeen(database.read, entryVisible(call.caller, now), id);
      if (entry === null || (entry.expires_at !== null && entry.expires_at <= now)) return null;
      access.read(entry.id);
      return entryViewOf(call, entry);
    },

    update: (call: Call, input: ParsedInputOf<typeof diariesUpdateEntry>): Promise<EntryView> =>
      database.transaction(call, async (tx) => {
        const now = clock.now();
        const diary = await holdDiary(tx, call, input.diary_ref, 'write', now);
        let entry = await holdEntry(tx, call.caller, diary.id, input.entry_id, now);
        const { diary_ref: _diary, entry_id: _entry, version, superseded_by, ...members } = input;
        if (version !== undefined && version !== entry.version) throw changedMeanwhile(entry.version);
        if (isRelease(entry, input)) return entryViewOf(call, await release(tx, call, diary, entry, now));
        requireMutable(entry);
        if (Object.values(members).some((member) => member !== undefined))
          entry = await rewrite(tx, call, diary, entry, changedFields(entry, input), 'updated', now);
        if (superseded_by !== undefined) entry = await setSuperseded(tx, call, diary, entry, superseded_by, now);
        return entryViewOf(call, entry);
      }),

    delete: (call: Call, input: { diary_ref: string; entry_id: string; purge: boolean }): Promise<void> =>
      database.transaction(call, async (tx) => {
        const now = clock.now();
        const diary = await holdDiary(tx, call, input.diary_ref, 'write', now);
        const deleted = input.purge ? await entriesStore.findDeleted(tx.db, diary.id, input.entry_id) : null;
        const entry = deleted ?? (await holdEntry(tx, call.caller, diary.id, input.entry_id, now));
        if (!input.purge) return remove(tx, call, entry, now);
        if (diary.level !== levels.owner) throw denied('manage');
        await tuplesStore.removeEntries(tx.db, [entry.id]);
        if (entry.signature === null) await entriesStore.purge(tx.db, [entry.id]);
        else if (entry.erased_at === null) await entriesStore.erase(tx.db, [entry.id], actorOf(call.caller), now);
        if (deleted === null) emitEntry(tx, 'deleted', { ...entry, title: null, tags: [] });
        auditEntry(tx, entry.signature === null ? 'diaries.purge_entry' : 'diaries.erase_entry', entry);
      }),

    history: async (
      call: Call,
      input: ParsedInputOf<typeof diariesEntryHistory>,
    ): Promise<OutputOf<typeof diariesEntryHistory>> => {
      const now = clock.now();
      const diary = await requireDiary(database.read, call.caller, input.diary_ref, 'read', now);
      const deleted =
        (diary.level ?? 0) >= levels.writer
          ? await entriesStore.findDeleted(database.read, diary.id, input.entry_id)
          : null;
      const entry = deleted ?? (await requireEntry(database.read, call.caller, diary.id, input.entry_id, now));
      const point = textPosition(input.cursor);
      const before = point === null ? null : Number(point.value);
      if (before !== null && !Number.isInteger(before))
        throw new AppError('bad_request', 'The cursor is not one of this list.');
      const rows = await entriesStore.history(database.read, entry.id, { limit: input.limit + 1, before });
      return toPage(
        rows,
        input.limit,
        (row) => ({ value: String(row.version), id: entry.id }),
        (row) => ({
          ...revisionViewOf(call, entry.id, row),
          // Named to those only who may see what it names, as in the entry itself.
          superseded_by: row.superseded_by === entry.superseded_by ? row.superseded_by : null,
        }),
      );
    },

    restoreOne: (
      call: Call,
      input: { diary_ref: string; entry_id: string; version?: number | undefined },
    ): Promise<EntryView> =>
      database.transaction(call, async (tx) => {
        const now = clock.now();
        const diary = await holdDiary(tx, call, input.diary_ref, 'write', now);
        await entriesStore.lock(tx.db, [input.entry_id]);
        const deleted = await entriesStore.findDeleted(tx.db, diary.id, input.entry_id);
        const entry = deleted ?? (await requireEntry(tx.db, call.caller, diary.id, input.entry_id, now));
        requireMutable(entry);
        return entryViewOf(call, await restore(tx, call, diary, entry, input.version, now));
      }),

    reflect: async (
      call: Call,
      input: ParsedInputOf<typeof diariesReflect>,
    ): Promise<OutputOf<typeof diariesReflect>> => {
      const now = clock.now();
      const diary = await requireDiary(database.read, call.caller, input.diary_ref, 'read', now);
      const sees = entryVisible(call.caller, now);
      const filter = {
        status: ['active' as const],
        include_superseded: false,
        include_expired: false,
        exclude_suspicious: input.exclude_suspicious,
        entry_types: input.entry_types,
        created_after: new Date(now.getTime() - input.days * dayMs).toISOString(),
      };
      const [rows, total_entries] = await Promise.all([
        entriesStore.page(database.read, sees, diary.id, filter, { now, limit: input.max_entries, after: null }),
        entriesStore.count(database.read, sees, diary.id, filter, now),
      ]);
      const views = rows.map((row) => entryViewOf(call, row, input.content));
      const entries = withinBudget(views, input.token_budget).map((view) => {
        return {
          id: view.id,
          title: view.title,
          content: view.content,
          tags: view.tags,
          importance: view.importance,
          entry_type: view.entry_type,
          injection_risk: view.injection_risk,
          untrusted: view.untrusted,
          created_at: view.created_at,
        };
      });
      return { entries, total_entries, period_days: input.days, generated_at: now.toISOString() };
    },

    /** Takes away for good what was deleted or ended a month ago; of what was signed the hashes stay. */
    sweep: async (): Promise<void> => {
      const now = clock.now();
      const before = new Date(now.getTime() - purgeAfterMs);
      const nobody: Actor = { type: 'system', id: null, name: 'Atrium' };
      for (;;) {
        const done = await database.read.transaction().execute(async (db) => {
          const found = await entriesStore.purgeable(db, before, purgedAtOnce);
          const signed = await entriesStore.erasable(db, before, purgedAtOnce);
          await tuplesStore.removeEntries(db, [...found, ...signed]);
          await entriesStore.purge(db, found);
          await entriesStore.erase(db, signed, nobody, now);
          return Math.max(found.length, signed.length);
        });
        if (done < purgedAtOnce) return;
      }
    },
  };
};

export type EntriesService = ReturnType<typeof createEntriesService>;
