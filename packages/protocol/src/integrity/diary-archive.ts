import { z } from 'zod';
import { concat, toHex, utf8 } from '../keys/bytes.ts';
import { fingerprintOf, parsePublicKey, publicKeyOf } from '../keys/public-key.ts';
import { signText, verifyText } from '../keys/signatures.ts';
import { entryContentId } from './content-id.ts';
import { type BrokenLink, type ChainedEntry, ChainWalk, chainProblems, chainStart } from './entry-chain.ts';

/*
 * A diary as a file: one JSON object a line. The first says which diary it is, the last carries a digest of all lines
 * before it, signed by the server that wrote it. A long diary is several files, of which each but the last names the
 * entry that the next one goes on after.
 */

const id = z.uuid();
const time = z.iso.datetime();
const hash = z.string().regex(/^[0-9a-f]{64}$/);
const publicKey = z.string().refine((text) => parsePublicKey(text).ok, 'is no public key');
const position = z.strictObject({ seq: z.int().min(0), hash });

const archiveHeader = z.strictObject({
  kind: z.literal('diary'),
  format: z.literal('atrium-diary'),
  version: z.literal(1),
  source: z.string().max(2000),
  exported_at: time,
  /** The entry that the part before this one ended with. */
  after: id.nullable(),
  diary: z.strictObject({
    id,
    name: z.string().min(1).max(255),
    visibility: z.enum(['private', 'network', 'public']),
    language: z.string().max(40),
    injection_policy: z.enum(['flag', 'quarantine', 'refuse']),
    created_at: time,
    /** Of a signed diary: where this part begins and where the whole chain stood. */
    chain: z.strictObject({ id, from: position, head: position }).nullable(),
  }),
});
export type ArchiveHeader = z.output<typeof archiveHeader>;

const archivedEntry = z.strictObject({
  kind: z.literal('entry'),
  id,
  title: z.string().max(255).nullable(),
  content: z.string().max(100_000),
  tags: z.array(z.string().trim().min(1).max(128)).max(20),
  entry_type: z.enum(['semantic', 'episodic', 'procedural', 'reflection', 'identity', 'soul']),
  importance: z.int().min(1).max(10),
  status: z.enum(['active', 'quarantined', 'archived', 'dead_end']),
  confidence: z.number().min(0).max(1).nullable(),
  valid_from: time.nullable(),
  valid_to: time.nullable(),
  expires_at: time.nullable(),
  superseded_by: id.nullable(),
  superseded_at: time.nullable(),
  author: z.strictObject({ type: z.enum(['user', 'agent', 'device', 'service', 'system']), name: z.string().max(255) }),
  content_id: z.string().max(100),
  created_at: time,
  updated_at: time,
  erased_at: time.nullable(),
  proof: z
    .strictObject({
      seq: z.int().min(1),
      prev_hash: hash,
      chain_hash: hash,
      signature: z.string().max(88),
      public_key: publicKey,
    })
    .nullable(),
});
export type ArchivedEntry = z.output<typeof archivedEntry>;

const archiveEnd = z.strictObject({
  kind: z.literal('end'),
  entries: z.int().min(0),
  /** The last entry of this part when another part follows. */
  next_after: id.nullable(),
  digest: hash,
  public_key: publicKey,
  signature: z.string().max(88),
});

/** Digest over lines: each is hashed together with the digest of those before it, so that a file need not fit in memory. */
export class LinesDigest {
  #value = new Uint8Array(32);

  async add(line: string): Promise<void> {
    this.#value = new Uint8Array(await crypto.subtle.digest('SHA-256', concat(this.#value, utf8(line))));
  }
  get hex(): string {
    return toHex(this.#value);
  }
}

const endText = (end: { entries: number; next_after: string | null; digest: string }): string =>
  ['atrium:archive:v1', end.digest, end.entries, end.next_after ?? ''].join('\n');

/** The last line of an archive. */
export const sealArchive = async (
  privateKey: string,
  public_key: string,
  end: { entries: number; next_after: string | null; digest: string },
): Promise<string> =>
  JSON.stringify({ kind: 'end', ...end, public_key, signature: await signText(privateKey, endText(end)) });

export type ArchiveProblem =
  | 'not_an_archive'
  | 'line_invalid'
  | 'cut_off'
  | 'text_after_end'
  | 'digest_mismatch'
  | 'archive_signature_invalid'
  | 'content_mismatch'
  | 'entry_twice'
  | 'chain_broken'
  | 'chain_incomplete';

export interface ArchiveReport {
  ok: boolean;
  problem: ArchiveProblem | null;
  /** In words. */
  detail: string;
  /** Where it is, from one. */
  line: number | null;
  /** The first entry that is wrong. */
  entry_id: string | null;
  chain: BrokenLink | null;
  entries: number;
  erased: number;
  diary: ArchiveHeader['diary'] | null;
  /** Another part follows after this entry. */
  next_after: string | null;
  /** Key of the server that wrote it, and its short name. Whose key that is must be known from elsewhere. */
  signer: { public_key: string; fingerprint: string } | null;
}

/** What a reader does with what was read. Nothing is certain before the report says so. */
export interface ArchiveVisitor {
  header?(header: ArchiveHeader): void | Promise<void>;
  entry?(entry: ArchivedEntry): void | Promise<void>;
}

const parseLine = (line: string): unknown => {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
};

const isChained = (entry: ArchivedEntry): entry is ArchivedEntry & ChainedEntry => entry.proof !== null;

class ArchiveReader {
  readonly #visitor: ArchiveVisitor;
  readonly #digest = new LinesDigest();
  readonly #seen = new Set<string>();
  #lines = 0;
  #erased = 0;
  #header: ArchiveHeader | null = null;
  #walk: ChainWalk | null = null;
  #last: string | null = null;
  #end: z.output<typeof archiveEnd> | null = null;

  constructor(visitor: ArchiveVisitor) {
    this.#visitor = visitor;
  }

  /** Null as long as nothing is wrong. */
  async take(line: string): Promise<ArchiveReport | null> {
    this.#lines += 1;
    if (this.#end !== null) return this.#fail('text_after_end', 'There is text after the last line.');
    const value = parseLine(line);
    if (this.#header === null) return this.#begin(line, value);
    const end = archiveEnd.safeParse(value);
    if (end.success) return JSON.stringify(value) === line ? this.#close(end.data) : this.#unreadable();
    const entry = archivedEntry.safeParse(value);
    if (!entry.success) return this.#unreadable();
    await this.#digest.add(line);
    return this.#check(entry.data);
  }

  async finish(): Promise<ArchiveReport> {
    if (this.#header === null) return this.#fail('not_an_archive', 'It is empty.');
    const end = this.#end;
    if (end === null) return this.#fail('cut_off', 'The last line is missing.');
    const { public_key } = end;
    const signer = { public_key, fingerprint: await fingerprintOf(publicKeyOf(public_key)) };
    return { ...this.#report(), ok: true, detail: 'Nothing is wrong with it.', next_after: end.next_after, signer };
  }

  async #begin(line: string, value: unknown): Promise<ArchiveReport | null> {
    const parsed = archiveHeader.safeParse(value);
    if (!parsed.success) return this.#fail('not_an_archive', 'The first line does not say which diary it is.');
    this.#header = parsed.data;
    await this.#digest.add(line);
    const { chain } = parsed.data.diary;
    if (chain !== null) {
      const start = await chainStart(chain.id);
      if (parsed.data.after === null && (chain.from.seq !== 0 || chain.from.hash !== start.hash))
        return this.#fail('chain_broken', 'The chain does not begin where a chain of that id begins.');
      this.#walk = new ChainWalk(chain.id, chain.from);
    }
    await this.#visitor.header?.(parsed.data);
    return null;
  }

  async #check(entry: ArchivedEntry): Promise<ArchiveReport | null> {
    if (this.#seen.has(entry.id)) return this.#fail('entry_twice', 'An entry is there twice.', entry.id);
    this.#seen.add(entry.id);
    this.#last = entry.id;
    if (entry.erased_at !== null) this.#erased += 1;
    if (this.#walk !== null) {
      if (!isChained(entry)) return this.#fail('chain_broken', 'An entry of a signed diary has no proof.', entry.id);
      if (!(await this.#walk.step(entry)))
        return this.#fail('chain_broken', `The entry ${chainProblems[this.#walk.broken!.problem]}.`, entry.id);
    } else if (entry.proof !== null || entry.erased_at !== null)
      return this.#fail('line_invalid', 'The diary is not signed, but an entry of it is.', entry.id);
    else if ((await entryContentId(entry)) !== entry.content_id)
      return this.#fail('content_mismatch', 'An entry says something else than its content id.', entry.id);
    await this.#visitor.entry?.(entry);
    return null;
  }

  async #close(end: z.output<typeof archiveEnd>): Promise<ArchiveReport | null> {
    this.#end = end;
    if (end.digest !== this.#digest.hex || end.entries !== this.#seen.size)
      return this.#fail('digest_mismatch', 'The lines are not those that were signed.');
    if (!(await verifyText(end.public_key, endText(end), end.signature)))
      return this.#fail('archive_signature_invalid', 'The archive is not signed by the key it names.');
    if (end.next_after !== null && end.next_after !== this.#last)
      return this.#fail('line_invalid', 'The part does not end where it says.');
    const head = this.#header!.diary.chain?.head;
    const position = this.#walk?.position;
    if (end.next_after === null && (head?.seq !== position?.seq || head?.hash !== position?.hash))
      return this.#fail('chain_incomplete', 'Entries at the end of the chain are missing.');
    return null;
  }

  #unreadable(): ArchiveReport {
    return this.#fail('line_invalid', `Line ${this.#lines} is not one that an archive has.`);
  }

  #report(): Omit<ArchiveReport, 'ok' | 'detail'> {
    return {
      problem: null,
      line: null,
      entry_id: null,
      chain: this.#walk?.broken ?? null,
      entries: this.#seen.size,
      erased: this.#erased,
      diary: this.#header?.diary ?? null,
      next_after: null,
      signer: null,
    };
  }

  #fail(problem: ArchiveProblem, detail: string, entry_id: string | null = null): ArchiveReport {
    return { ...this.#report(), ok: false, problem, detail, line: this.#lines, entry_id };
  }
}

/** Longer than any line of an archive, whose longest text is 100,000 characters with an escape for each. */
const longestLine = 2_000_000;

/** Lines of a text, however it is cut into pieces. The last line needs no line end. */
export async function* linesOf(text: AsyncIterable<string> | Iterable<string>): AsyncGenerator<string> {
  let rest = '';
  for await (const piece of text) {
    const lines = `${rest}${piece}`.split('\n');
    rest = lines.pop()!;
    yield* lines;
    // Not to be gathered for ever: whoever reads it finds out that it is none.
    if (rest.length > longestLine) break;
  }
  if (rest !== '') yield rest;
}

/**
 * Checks an exported archive with nothing but the archive: that no line was changed, that each entry says what its
 * content id names and, of a signed diary, that its author signed it and that the chain is whole. A visitor may read along.
 */
export const verifyDiaryArchive = async (
  text: string | AsyncIterable<string>,
  visitor: ArchiveVisitor = {},
): Promise<ArchiveReport> => {
  const reader = new ArchiveReader(visitor);
  for await (const line of linesOf(typeof text === 'string' ? [text] : text)) {
    const failed = await reader.take(line);
    if (failed !== null) return failed;
  }
  return reader.finish();
};
