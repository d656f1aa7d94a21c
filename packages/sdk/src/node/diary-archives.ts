import { createReadStream, openAsBlob } from 'node:fs';
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import {
  type ArchivedEntry,
  type ArchiveHeader,
  type ArchiveProblem,
  type ArchiveReport,
  type ChainPosition,
  diariesExport,
  diariesImport,
  fingerprintForm,
  type InputOf,
  normaliseFingerprint,
  type OutputOf,
  verifyDiaryArchive,
} from '@atrium/protocol';
import { AgentError } from '../agent/agent-error.ts';
import type { Transport } from '../client.ts';
import { NetworkError } from '../errors.ts';

/* Diaries as files. Nothing here asks a server what it thinks of an archive: what is checked is checked by itself. */

/** Where a check stopped, and why; of the archive itself, or of how its parts fit together. */
export type PartProblem = ArchiveProblem | 'other_diary' | 'other_signer' | 'part_missing' | 'parts_do_not_meet';

export interface ArchiveCheck {
  ok: boolean;
  problem: PartProblem | null;
  /** In words. */
  detail: string;
  /** Where it is: the file, its line from one, and the first entry that is wrong. */
  file: string | null;
  line: number | null;
  entry_id: string | null;
  entries: number;
  /** Of which only the hashes are left. */
  erased: number;
  diary: { id: string; name: string; signed: boolean } | null;
  /** The server that wrote it. Whose key that is must be known from elsewhere. */
  signer: { public_key: string; fingerprint: string } | null;
  exported_at: string | null;
  /** Parts before the first or after the last that were not given. */
  missing: { before: boolean; after: string | null };
  /** In the order of their entries. */
  files: string[];
}

interface Part {
  file: string;
  header: ArchiveHeader | null;
  report: ArchiveReport;
  /** Where its chain ends. */
  end: ChainPosition | null;
}

const textOf = (path: string): AsyncIterable<string> => createReadStream(path, { encoding: 'utf8' });

const readPart = async (file: string, text: AsyncIterable<string>): Promise<Part> => {
  let header: ArchiveHeader | null = null;
  let end: ChainPosition | null = null;
  const report = await verifyDiaryArchive(text, {
    header: (read) => {
      header = read;
      end = read.diary.chain?.from ?? null;
    },
    entry: ({ proof }: ArchivedEntry) => {
      if (proof !== null) end = { seq: proof.seq, hash: proof.chain_hash };
    },
  });
  return { file, header, report, end };
};

/** Each behind the one whose last entry it names; what follows none comes first. */
const inOrder = (parts: readonly Part[]): Part[] => {
  const left = [...parts];
  const ordered: Part[] = [];
  while (left.length > 0) {
    const wanted = ordered.at(-1)?.report.next_after;
    const ends = new Set(left.map(({ report }) => report.next_after));
    const at = left.findIndex(({ header }) =>
      wanted == null ? !ends.has(header?.after ?? '') : header?.after === wanted,
    );
    ordered.push(...left.splice(Math.max(at, 0), 1));
  }
  return ordered;
};

const samePosition = (one: ChainPosition | null | undefined, other: ChainPosition | null): boolean =>
  one?.seq === other?.seq && one?.hash === other?.hash;

/** Why the second does not go on where the first ended. */
const seam = (first: Part, second: Part): [PartProblem, string] | null => {
  if (second.header!.diary.id !== first.header!.diary.id) return ['other_diary', 'It is of another diary.'];
  if (second.report.signer!.public_key !== first.report.signer!.public_key)
    return ['other_signer', 'Another server wrote it than the part before.'];
  if (first.report.next_after === null || second.header!.after !== first.report.next_after)
    return ['part_missing', 'It does not go on where the part before it ended.'];
  const { chain } = second.header!.diary;
  if (chain?.id !== first.header!.diary.chain?.id || !samePosition(chain?.from, first.end))
    return ['parts_do_not_meet', 'Its chain does not go on from the last entry of the part before.'];
  return null;
};

const isSigner = (wanted: string, { public_key, fingerprint }: NonNullable<ArchiveReport['signer']>): boolean =>
  fingerprintForm.test(wanted) ? normaliseFingerprint(wanted) === fingerprint : wanted === public_key;

/** What is wrong first, in the order of the parts. */
const findProblem = (parts: readonly Part[], signer: string | undefined): Partial<ArchiveCheck> | null => {
  for (const { file, report } of parts) {
    const { ok, problem, detail, line, entry_id } = report;
    if (!ok) return { file, problem, detail, line, entry_id };
    if (signer !== undefined && !isSigner(signer, report.signer!))
      return { file, problem: 'other_signer', detail: `It was written by ${report.signer!.fingerprint}.` };
  }
  for (const [at, part] of parts.entries()) {
    const broken = at === 0 ? null : seam(parts[at - 1]!, part);
    if (broken !== null) return { file: part.file, problem: broken[0], detail: broken[1], line: 1 };
  }
  return null;
};

const checkOf = (parts: readonly Part[], signer: string | undefined): ArchiveCheck => {
  const [first, last] = [parts[0]!, parts.at(-1)!];
  const found = findProblem(parts, signer);
  const diary = parts.find(({ header }) => header !== null)?.header?.diary ?? null;
  const sum = (member: 'entries' | 'erased') => parts.reduce((all, { report }) => all + report[member], 0);
  return {
    ok: found === null,
    problem: null,
    detail: 'Nothing is wrong with it.',
    file: null,
    line: null,
    entry_id: null,
    entries: sum('entries'),
    erased: sum('erased'),
    diary: diary && { id: diary.id, name: diary.name, signed: diary.chain !== null },
    signer: first.report.signer,
    exported_at: first.header?.exported_at ?? null,
    missing: { before: (first.header?.after ?? null) !== null, after: last.report.next_after },
    files: parts.map(({ file }) => file),
    ...found,
  };
};

/**
 * Checks an exported archive, or several parts of one in whatever order, with nothing but the files: content ids,
 * signatures, the chain and its tombstones, and that the parts meet. `signer` is the key or fingerprint of the server
 * that must have written it.
 */
export const verifyArchiveFiles = async (
  files: readonly string[],
  options: { signer?: string } = {},
): Promise<ArchiveCheck> => {
  const parts: Part[] = [];
  for (const file of files) parts.push(await readPart(file, textOf(file)));
  if (parts.length === 0) throw new TypeError('There is no file to check.');
  return checkOf(inOrder(parts), options.signer);
};

/* ---------- export ---------- */

export interface ExportProgress {
  file: string;
  bytes: number;
}

export interface ExportDiaryOptions {
  diary_ref: string;
  /** File of the first part; the next ones are called like it, with `.2`, `.3` behind. None may exist. */
  file: string;
  onProgress?: (progress: ExportProgress) => void;
  signal?: AbortSignal;
}

/** Writes what comes to a file while it is read on. */
async function* kept(
  body: AsyncIterable<Uint8Array>,
  file: FileHandle,
  onBytes: (bytes: number) => void,
): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let bytes = 0;
  for await (const piece of body) {
    await file.write(piece);
    bytes += piece.byteLength;
    onBytes(bytes);
    yield decoder.decode(piece, { stream: true });
  }
  yield decoder.decode();
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** A part that breaks off is not kept; one that came whole and is found wrong is, as what there is to look at. */
const exportPart = async (
  transport: Transport,
  file: string,
  after: string | null,
  options: ExportDiaryOptions,
): Promise<Part> => {
  if (await exists(file)) throw new AgentError('already_there', `${file} exists already.`);
  const call = options.signal === undefined ? {} : { signal: options.signal };
  const input = { diary_ref: options.diary_ref, ...(after === null ? {} : { after }) };
  const response = await transport.open(diariesExport, input, call);
  const draft = `${file}.partial`;
  const handle = await open(draft, 'w', 0o600);
  try {
    const body = response.body as AsyncIterable<Uint8Array> | null;
    if (body === null) throw new NetworkError('unreachable', `${transport.origin} sent nothing.`);
    let bytes = 0;
    const lines = kept(body, handle, (now) => {
      bytes = now;
      options.onProgress?.({ file, bytes });
    });
    const part = await readPart(file, whole(lines));
    if (part.report.problem === 'cut_off' || bytes === 0)
      throw new NetworkError('unreachable', `What ${transport.origin} sent breaks off.`);
    await handle.sync();
    await handle.close();
    await rename(draft, file);
    return part;
  } catch (error) {
    await handle.close().catch(() => {});
    await rm(draft, { force: true });
    options.signal?.throwIfAborted();
    if (error instanceof TypeError) throw NetworkError.unreachable(transport.origin, error);
    throw error;
  }
};

/** Reads to the end what somebody stops reading early, so that all of it is written. */
async function* whole(text: AsyncGenerator<string>): AsyncGenerator<string> {
  try {
    yield* { [Symbol.asyncIterator]: () => ({ next: () => text.next() }) };
  } finally {
    for await (const _rest of text);
  }
}

/** Writes a diary to files, a part of at most 1 GiB each, and checks each while it comes. */
export const exportDiary = async (transport: Transport, options: ExportDiaryOptions): Promise<ArchiveCheck> => {
  const parts: Part[] = [];
  let after: string | null = null;
  do {
    const file: string = parts.length === 0 ? options.file : `${options.file}.${parts.length + 1}`;
    const part = await exportPart(transport, file, after, options);
    parts.push(part);
    after = part.report.next_after;
  } while (after !== null);
  return checkOf(parts, undefined);
};

/* ---------- import ---------- */

export interface ImportDiaryOptions extends Pick<InputOf<typeof diariesImport>, 'diary_ref' | 'policy'> {
  files: readonly string[];
  /** Key or fingerprint of the server that must have written it. */
  signer?: string;
  onProgress?: (progress: { file: string; part: number; of: number; bytes: number }) => void;
  signal?: AbortSignal;
}

export type ImportedDiary = OutputOf<typeof diariesImport>;

/** Brings an archive in, part after part, once all of it was checked here. */
export const importDiary = async (transport: Transport, options: ImportDiaryOptions): Promise<ImportedDiary> => {
  const { files, signer, policy, signal, onProgress } = options;
  const check = await verifyArchiveFiles(files, signer === undefined ? {} : { signer });
  if (!check.ok) throw new AgentError('archive_damaged', `${basename(check.file ?? '')}: ${check.detail}`);
  const all = { entries: 0, added: 0, replaced: 0, skipped: 0 };
  let { diary_ref } = options;
  let last: ImportedDiary | null = null;
  for (const [at, file] of check.files.entries()) {
    const body = await openAsBlob(file, { type: 'application/jsonl' });
    onProgress?.({ file, part: at + 1, of: check.files.length, bytes: body.size });
    const input = {
      signer: check.signer!.fingerprint,
      ...(diary_ref === undefined ? {} : { diary_ref }),
      ...(policy === undefined ? {} : { policy }),
    };
    last = await transport.call(diariesImport, input, { body, ...(signal === undefined ? {} : { signal }) });
    for (const count of ['entries', 'added', 'replaced', 'skipped'] as const) all[count] += last[count];
    // All parts go into the diary that the first went into.
    diary_ref = last.diary.id;
  }
  return { ...last!, ...all };
};
