import { createReadStream } from 'node:fs';
import {
  type ArchivedEntry,
  type ArchiveReport,
  chainStart,
  type DiaryView,
  type diariesImport,
  diaryLanguages,
  diaryLimits,
  linesOf,
  normaliseFingerprint,
  type OutputOf,
  type ParsedInputOf,
  verifyDiaryArchive,
} from '@atrium/protocol';
import type { Transaction } from '../../platform/db/database.ts';
import { AppError, invalid } from '../../platform/errors/app-error.ts';
import { withTemporaryFile } from '../../platform/files/file-store.ts';
import { newId } from '../../platform/ids/ids.ts';
import type { Call } from '../../platform/operations/call.ts';
import { actorOf } from '../../platform/operations/caller.ts';
import { unstorableMembers } from '../../platform/operations/storable-input.ts';
import { type ChainRow, chainsStore } from './chains-store.ts';
import { holdDiary, readerOf, requireDiary } from './diaries-access.ts';
import { limitReached } from './diaries-errors.ts';
import { auditDiary, emitEntries } from './diaries-events.ts';
import type { DiariesParts } from './diaries-parts.ts';
import type { EntryFields, EntryRow, SeenDiary } from './diaries-rows.ts';
import type { DiariesService } from './diaries-service.ts';
import { diariesStore, subjectsStore } from './diaries-store.ts';
import { diaryViewOf } from './diaries-views.ts';
import type { EntriesService } from './entries-service.ts';
import { entriesStore } from './entries-store.ts';
import { analysisOf } from './entry-analysis.ts';
import { judged, parentTuple } from './entry-writing.ts';
import { scanForInjection } from './injection-scanner.ts';
import { tuplesStore } from './tuples-store.ts';

type Input = ParsedInputOf<typeof diariesImport>;
type Source = NonNullable<ArchiveReport['diary']>;

const atOnce = 200;

const notWhole = (detail: string, extensions: Record<string, unknown>): AppError =>
  new AppError('archive_invalid', detail, { extensions });

const textOf = (path: string): AsyncIterable<string> => createReadStream(path, { encoding: 'utf8' });

/** Nothing goes on before the whole archive was looked at. */
const checked = async (path: string, input: Input): Promise<ArchiveReport & { diary: Source }> => {
  let count = 0;
  const report = await verifyDiaryArchive(textOf(path), {
    entry: (entry) => {
      count += 1;
      if (count > diaryLimits.import_entries)
        throw limitReached('import_entries', diaryLimits.import_entries, 'The archive holds too many entries.');
      if (unstorableMembers(entry).length > 0)
        throw notWhole('An entry holds U+0000, which no diary does.', { problem: 'line_invalid', entry_id: entry.id });
    },
  });
  const { problem, line, entry_id, chain, diary, signer } = report;
  if (!report.ok || diary === null)
    throw notWhole(report.detail, { problem, line, entry_id, ...(chain === null ? {} : { chain: chain.problem }) });
  if (input.signer !== undefined && normaliseFingerprint(input.signer) !== signer?.fingerprint)
    throw notWhole('Another server signed the archive.', { problem: 'other_signer', signer: signer?.fingerprint });
  return { ...report, diary };
};

/** The entries of an archive that was looked at, some at once. */
async function* batchesOf(path: string): AsyncGenerator<ArchivedEntry[]> {
  let batch: ArchivedEntry[] = [];
  for await (const line of linesOf(textOf(path))) {
    const value = JSON.parse(line) as { kind: string };
    if (value.kind !== 'entry') continue;
    batch.push(value as ArchivedEntry);
    if (batch.length < atOnce) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

const date = (text: string | null): Date | null => (text === null ? null : new Date(text));

const fieldsOf = (entry: ArchivedEntry): EntryFields => ({
  title: entry.title,
  content: entry.content,
  tags: entry.tags,
  entry_type: entry.entry_type,
  importance: entry.importance,
  status: entry.status,
  confidence: entry.confidence,
  valid_from: date(entry.valid_from),
  valid_to: date(entry.valid_to),
  expires_at: date(entry.expires_at),
});

const marked = (name: string): string => (name.endsWith(' (imported)') ? name : `${name} (imported)`);

/** What an import did so far. */
interface Tally {
  added: number;
  replaced: number;
  skipped: number;
  /** Ids here of entries in the archive. */
  here: Map<string, string>;
  retired: { id: string; by: string }[];
}

/** Diaries from files. Everything of an archive comes in, or nothing. */
export const createImportService = (
  { database, clock, archive, scan = scanForInjection, embedder = null }: DiariesParts,
  { createIn }: Pick<DiariesService, 'createIn'>,
  { rewrite }: Pick<EntriesService, 'rewrite'>,
) => {
  const makeDiary = async (tx: Transaction, call: Call, source: Source): Promise<SeenDiary> => {
    const { caller } = call;
    const { chain } = source;
    return createIn(tx, {
      org_id: caller.org_id,
      owner: { kind: caller.kind === 'user' ? 'user' : 'agent', id: caller.id, name: caller.name },
      name: source.name,
      // Who reads it is for its new owner to say.
      visibility: 'private',
      language: diaryLanguages.find((known) => known === source.language) ?? 'simple',
      injection_policy: source.injection_policy,
      signed: chain !== null,
      origin: {
        id: source.id,
        chain_id: chain?.id ?? null,
        chain: chain === null ? null : await chainStart(chain.id),
      },
    });
  };

  const targetOf = async (tx: Transaction, call: Call, input: Input, source: Source): Promise<SeenDiary> => {
    const { caller } = call;
    const owner = { org_id: caller.org_id, kind: caller.kind === 'user' ? 'user' : 'agent', id: caller.id } as const;
    const known = input.policy === 'copy' ? null : await diariesStore.ownedCopy(tx.db, owner, source.id);
    const ref = input.diary_ref ?? known;
    if (ref === null) return makeDiary(tx, call, source);
    // A chain is its owner's to go on with; entries that nobody signed are like those that a writer writes.
    const permit = source.chain === null ? 'write' : 'manage';
    const diary = await holdDiary(tx, call, ref, permit, clock.now());
    if (diary.chain_id !== (source.chain?.id ?? null))
      throw invalid('diary_ref', 'a signed diary takes its own archive alone, and no other diary takes it');
    if (diary.chain_id !== null && input.policy === 'copy')
      throw invalid('policy', 'a chain holds each of its entries once');
    return diary;
  };

  const rowOf = (
    diary: SeenDiary,
    entry: ArchivedEntry,
    signer: { id: string; name: string } | undefined,
    origin_id: string | null,
  ): EntryRow => {
    const erased_at = date(entry.erased_at);
    const said = judged(scan, diary, null, fieldsOf(entry));
    return {
      ...said,
      ...(erased_at === null ? {} : { content_hash: '' }),
      id: newId(),
      diary_id: diary.id,
      org_id: diary.org_id,
      content_id: entry.content_id,
      chain_seq: entry.proof?.seq ?? null,
      prev_hash: entry.proof?.prev_hash ?? null,
      chain_hash: entry.proof?.chain_hash ?? null,
      signature: entry.proof?.signature ?? null,
      signer_key: entry.proof?.public_key ?? null,
      erased_at,
      deleted_at: erased_at,
      origin_id,
      superseded_by: null,
      superseded_at: date(entry.superseded_at),
      embedding_state: embedder === null || erased_at !== null ? 'none' : 'pending',
      hidden_at: null,
      // Only a signature says who wrote it; a name in a file does not.
      author_kind: signer === undefined ? entry.author.type : 'agent',
      author_id: signer?.id ?? null,
      author_name: signer?.name ?? marked(entry.author.name),
      version: 1,
      created_at: new Date(entry.created_at),
      updated_at: new Date(entry.updated_at),
    };
  };

  const insert = async (tx: Transaction, call: Call, diary: SeenDiary, rows: readonly EntryRow[]): Promise<void> => {
    if (rows.length === 0) return;
    for (const row of rows) await entriesStore.insert(tx.db, row, analysisOf(row, diary.language));
    const living = rows.filter((row) => row.deleted_at === null);
    await tuplesStore.putAll(
      tx.db,
      living.map((row) => parentTuple(row, diary.revision)),
    );
    await entriesStore.record(
      tx.db,
      rows.map((row) => row.id),
      'imported',
      actorOf(call.caller),
      clock.now(),
    );
    emitEntries(
      tx,
      diary,
      'import',
      living.map((row) => row.id),
    );
  };

  const noteRetired = (tally: Tally, entry: ArchivedEntry, id: string): void => {
    if (entry.superseded_by !== null && entry.superseded_by !== entry.id)
      tally.retired.push({ id, by: entry.superseded_by });
  };

  /** The next entries of a chain. What is there already must be what the archive says. */
  const appendSigned = async (
    tx: Transaction,
    call: Call,
    diary: SeenDiary,
    batch: readonly ArchivedEntry[],
    head: ChainRow,
    tally: Tally,
  ): Promise<ChainRow> => {
    const known = await chainsStore.links(
      tx.db,
      diary.id,
      batch.map((entry) => entry.proof!.seq),
    );
    const agents = await subjectsStore.agentsOfKeys(tx.db, [...new Set(batch.map((entry) => entry.proof!.public_key))]);
    let at = head;
    const rows: EntryRow[] = [];
    for (const entry of batch) {
      const { seq, prev_hash, chain_hash, public_key } = entry.proof!;
      const there = known.get(seq);
      if (there !== undefined) {
        if (there.chain_hash !== chain_hash)
          throw new AppError('entry_immutable', 'The diary has gone on otherwise than the archive says.', {
            extensions: { entry_id: there.id },
          });
        tally.here.set(entry.id, there.id);
        tally.skipped += 1;
        continue;
      }
      if (seq !== at.seq + 1 || prev_hash !== at.hash)
        throw invalid(
          '',
          'the archive goes on after entries that the diary does not have; bring in its parts in order',
        );
      const row = rowOf(diary, entry, agents.get(public_key), entry.id);
      rows.push(row);
      tally.here.set(entry.id, row.id);
      noteRetired(tally, entry, row.id);
      at = { seq, hash: chain_hash };
    }
    await insert(tx, call, diary, rows);
    tally.added += rows.length;
    return at;
  };

  const isSame = (row: EntryRow, entry: ArchivedEntry): boolean => {
    const said = fieldsOf(entry);
    const members = ['importance', 'status', 'confidence'] as const;
    const times = ['valid_from', 'valid_to', 'expires_at'] as const;
    return (
      row.deleted_at === null &&
      row.content_id === entry.content_id &&
      members.every((member) => row[member] === said[member]) &&
      times.every((member) => row[member]?.getTime() === said[member]?.getTime())
    );
  };

  const merge = async (
    tx: Transaction,
    call: Call,
    diary: SeenDiary,
    batch: readonly ArchivedEntry[],
    policy: Input['policy'],
    tally: Tally,
  ): Promise<void> => {
    const known =
      policy === 'copy'
        ? new Map<string, EntryRow>()
        : await entriesStore.ofOrigins(
            tx.db,
            diary.id,
            batch.map(({ id }) => id),
          );
    const rows: EntryRow[] = [];
    for (const entry of batch) {
      const there = known.get(entry.id);
      if (there === undefined) {
        const row = rowOf(diary, entry, undefined, policy === 'copy' ? null : entry.id);
        rows.push(row);
        tally.here.set(entry.id, row.id);
        noteRetired(tally, entry, row.id);
        continue;
      }
      tally.here.set(entry.id, there.id);
      if (policy === 'skip' || isSame(there, entry)) {
        tally.skipped += 1;
        continue;
      }
      const after = await rewrite(tx, call, diary, there, fieldsOf(entry), 'updated', clock.now());
      await tuplesStore.put(tx.db, parentTuple(after, diary.revision));
      tally.replaced += 1;
    }
    await insert(tx, call, diary, rows);
    tally.added += rows.length;
  };

  const fill = async (tx: Transaction, call: Call, diary: SeenDiary, path: string, input: Input): Promise<Tally> => {
    const tally: Tally = { added: 0, replaced: 0, skipped: 0, here: new Map(), retired: [] };
    let head = diary.chain_id === null ? null : await chainsStore.hold(tx.db, diary.id);
    for await (const batch of batchesOf(path)) {
      if (head === null) await merge(tx, call, diary, batch, input.policy, tally);
      else head = await appendSigned(tx, call, diary, batch, head, tally);
    }
    if (head !== null) await chainsStore.advance(tx.db, diary.id, head);
    const links = tally.retired.flatMap(({ id, by }) => {
      const here = tally.here.get(by);
      return here === undefined ? [] : [{ id, by: here }];
    });
    await entriesStore.linkSuperseded(tx.db, links);
    return tally;
  };

  const bringIn = (call: Call, input: Input, path: string, report: ArchiveReport & { diary: Source }) =>
    database.transaction(call, async (tx): Promise<OutputOf<typeof diariesImport>> => {
      const diary = await targetOf(tx, call, input, report.diary);
      const { added, replaced, skipped } = await fill(tx, call, diary, path, input);
      const signer = report.signer!.fingerprint;
      auditDiary(tx, 'diaries.import', diary, { policy: input.policy, added, replaced, skipped, signer });
      const seen = await diariesStore.find(tx.db, readerOf(call.caller, clock.now()), diary.id);
      const view: DiaryView = diaryViewOf(seen ?? diary);
      return { diary: view, entries: report.entries, added, replaced, skipped, signer, next_after: report.next_after };
    });

  return {
    import: async (call: Call, input: Input): Promise<OutputOf<typeof diariesImport>> => {
      if (call.raw === null) throw new AppError('bad_request', 'Send the archive as the body.');
      // Who may not write there need not send it all to hear of it.
      if (input.diary_ref !== undefined)
        await requireDiary(database.read, call.caller, input.diary_ref, 'write', clock.now());
      let done: OutputOf<typeof diariesImport> | null = null;
      await withTemporaryFile(archive.folder, call.raw.stream, diaryLimits.export_bytes * 1.01, async (path) => {
        done = await bringIn(call, input, path, await checked(path, input));
      });
      return done!;
    },
  };
};
