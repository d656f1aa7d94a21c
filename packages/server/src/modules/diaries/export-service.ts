import { Readable } from 'node:stream';
import {
  type ArchivedEntry,
  type ArchiveHeader,
  type ChainPosition,
  chainStart,
  type diariesExport,
  diaryLimits,
  LinesDigest,
  type ParsedInputOf,
  sealArchive,
} from '@atrium/protocol';
import { invalid } from '../../platform/errors/app-error.ts';
import type { FileAnswer } from '../../platform/operations/binding.ts';
import type { Call } from '../../platform/operations/call.ts';
import { chainsStore } from './chains-store.ts';
import { requireDiary } from './diaries-access.ts';
import { auditDiary } from './diaries-events.ts';
import type { DiariesParts } from './diaries-parts.ts';
import type { EntryRow, SeenDiary } from './diaries-rows.ts';
import { isSigned, proofOf } from './diaries-views.ts';

type Input = ParsedInputOf<typeof diariesExport>;

/** Entries with what they say are long; so many are held in memory at once. */
const atOnce = 200;

const text = (at: Date | null): string | null => at?.toISOString() ?? null;

const lineOf = (entry: EntryRow): ArchivedEntry => ({
  kind: 'entry',
  id: entry.id,
  title: entry.title,
  content: entry.content,
  tags: entry.tags,
  entry_type: entry.entry_type,
  importance: entry.importance,
  status: entry.status,
  confidence: entry.confidence,
  valid_from: text(entry.valid_from),
  valid_to: text(entry.valid_to),
  expires_at: text(entry.expires_at),
  superseded_by: entry.superseded_by,
  superseded_at: text(entry.superseded_at),
  author: { type: entry.author_kind, name: entry.author_name },
  content_id: entry.content_id,
  created_at: entry.created_at.toISOString(),
  updated_at: entry.updated_at.toISOString(),
  erased_at: text(entry.erased_at),
  proof: proofOf(entry),
});

/** Where a part begins and what it may hold: everything that was there when it was asked for. */
interface Extent {
  after: { value: Date; id: string } | null;
  from: ChainPosition | null;
  head: ChainPosition | null;
  until: Date;
}

/** Diaries as files. */
export const createExportService = ({
  database,
  clock,
  archive,
  export_bytes = diaryLimits.export_bytes,
}: DiariesParts) => {
  const extentOf = async (diary: SeenDiary, after: string | undefined): Promise<Extent> => {
    const until = clock.now();
    const place = after === undefined ? null : await chainsStore.placeOf(database.read, diary.id, after);
    if (after !== undefined && place === null) throw invalid('after', 'is no entry of the diary');
    const from = place?.chain_seq == null ? null : { seq: place.chain_seq, hash: place.chain_hash! };
    if (diary.chain_id === null)
      return { after: place && { value: place.created_at, id: after! }, from: null, head: null, until };
    const head = await chainsStore.find(database.read, diary.id);
    return { after: null, from: from ?? (await chainStart(diary.chain_id)), head, until };
  };

  async function* entriesOf(diary: SeenDiary, extent: Extent): AsyncGenerator<EntryRow> {
    let { after } = extent;
    let seq = extent.from?.seq ?? 0;
    for (;;) {
      const rows: EntryRow[] =
        extent.head === null
          ? await chainsStore.oldest(database.read, diary.id, { after, until: extent.until, limit: atOnce })
          : await chainsStore.after(database.read, diary.id, { seq, to: extent.head.seq }, atOnce);
      yield* rows;
      const last = rows.at(-1);
      if (last === undefined || rows.length < atOnce) return;
      after = { value: last.created_at, id: last.id };
      if (isSigned(last)) seq = last.chain_seq;
    }
  }

  const headerOf = (diary: SeenDiary, extent: Extent, after: string | undefined): ArchiveHeader => ({
    kind: 'diary',
    format: 'atrium-diary',
    version: 1,
    source: archive.source(),
    exported_at: extent.until.toISOString(),
    after: after ?? null,
    diary: {
      id: diary.id,
      name: diary.name,
      visibility: diary.visibility,
      language: diary.language,
      injection_policy: diary.injection_policy,
      created_at: diary.created_at.toISOString(),
      chain: extent.head === null ? null : { id: diary.chain_id!, from: extent.from!, head: extent.head },
    },
  });

  async function* linesOf(diary: SeenDiary, extent: Extent, input: Input): AsyncGenerator<string> {
    const sealed = input.format === 'archive';
    const digest = new LinesDigest();
    let [bytes, entries] = [0, 0];
    let next_after: string | null = null;
    let last: string | null = null;
    const put = async (line: string): Promise<string> => {
      await digest.add(line);
      bytes += Buffer.byteLength(line) + 1;
      return `${line}\n`;
    };
    if (sealed) yield await put(JSON.stringify(headerOf(diary, extent, input.after)));
    for await (const entry of entriesOf(diary, extent)) {
      if (bytes >= export_bytes && last !== null) {
        next_after = last;
        break;
      }
      yield await put(JSON.stringify(lineOf(entry)));
      entries += 1;
      last = entry.id;
    }
    if (!sealed) return;
    const { private_key, public_key } = await archive.key();
    yield `${await sealArchive(private_key, public_key, { entries, next_after, digest: digest.hex })}\n`;
  }

  return {
    export: async (call: Call, input: Input): Promise<FileAnswer> => {
      const diary = await requireDiary(database.read, call.caller, input.diary_ref, 'manage', clock.now());
      const extent = await extentOf(diary, input.after);
      await database.transaction({ ...call, idempotency: null }, async (tx) =>
        auditDiary(tx, 'diaries.export', diary, { format: input.format, after: input.after ?? null }),
      );
      return {
        stream: Readable.from(linesOf(diary, extent, input)),
        content_type: 'application/jsonl; charset=utf-8',
        length: null,
        file_name: `${diary.name.replaceAll(/[^\p{L}\p{N} ._-]/gu, '_')}.jsonl`,
        inline: false,
      };
    },
  };
};
