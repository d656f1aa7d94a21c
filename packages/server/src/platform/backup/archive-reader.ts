import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline, Readable } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { envelopeMagic, openEnvelope } from './envelope.ts';
import { type BackupManifest, backupManifest, expectedMembers, manifestHashName, manifestName } from './manifest.ts';
import { ArchiveProblem, readTar, type TarMember } from './tar.ts';

const largestManifest = 512 * 2 ** 20;

/** By the first bytes of what was compressed. */
const decompressorFor = (head: Buffer) => {
  if (head.length >= 4 && head.readUInt32LE(0) === 0xfd2fb528) return createZstdDecompress();
  return head.length >= 2 && head.readUInt16BE(0) === 0x1f8b ? createGunzip() : null;
};

/** At least `size` bytes of the beginning, unless there are fewer, and everything with them in front. */
const peek = async (
  source: AsyncIterable<Buffer>,
  size: number,
): Promise<{ head: Buffer; all: AsyncGenerator<Buffer> }> => {
  const iterator = source[Symbol.asyncIterator]();
  let head = Buffer.alloc(0);
  while (head.length < size) {
    const next = await iterator.next();
    if (next.done) break;
    head = Buffer.concat([head, next.value]);
  }
  const all = async function* (): AsyncGenerator<Buffer> {
    try {
      if (head.length > 0) yield head;
      for (;;) {
        const next = await iterator.next();
        if (next.done) return;
        yield next.value;
      }
    } finally {
      await iterator.return?.();
    }
  };
  return { head, all: all() };
};

async function* after(source: AsyncIterable<Buffer>, skipped: number): AsyncGenerator<Buffer> {
  let left = skipped;
  for await (const chunk of source) {
    if (left < chunk.length) yield chunk.subarray(left);
    left = Math.max(0, left - chunk.length);
  }
}

async function* decoded(path: string, passphrase: string | null): AsyncGenerator<Buffer> {
  const file = createReadStream(path, { highWaterMark: 256 * 1024 });
  try {
    const outer = await peek(file, envelopeMagic.length);
    const encrypted = outer.head.subarray(0, envelopeMagic.length).equals(envelopeMagic);
    const opened = encrypted ? openEnvelope(after(outer.all, envelopeMagic.length), passphrase) : outer.all;
    const { head, all } = await peek(opened, 4);
    const decompressor = decompressorFor(head);
    // The iteration reports the error of either stream.
    const bytes: AsyncIterable<Buffer> =
      decompressor === null ? all : pipeline(Readable.from(all, { objectMode: false }), decompressor, () => {});
    yield* bytes;
  } catch (error) {
    // What the file system refuses names the call that failed; the rest comes from the decoder.
    if (error instanceof ArchiveProblem || 'syscall' in (error as Error)) throw error;
    throw new ArchiveProblem('The file is damaged or cut off.', { cause: error });
  } finally {
    file.destroy();
  }
}

/** Whether a file needs a passphrase. */
export const isEncrypted = async (path: string): Promise<boolean> => {
  const file = await open(path, 'r');
  const { buffer, bytesRead } = await file
    .read(Buffer.alloc(envelopeMagic.length), 0, envelopeMagic.length, 0)
    .finally(() => file.close());
  return bytesRead === envelopeMagic.length && buffer.equals(envelopeMagic);
};

/** The members of a backup file, whatever it is compressed or encrypted with. */
export const readArchive = (path: string, passphrase: string | null = null): AsyncGenerator<TarMember> =>
  readTar(decoded(path, passphrase));

const collect = async (member: TarMember): Promise<Buffer> => {
  if (member.size > largestManifest) throw new ArchiveProblem('The file is damaged: its manifest has no end.');
  const parts: Buffer[] = [];
  for await (const part of member.content) parts.push(part);
  return Buffer.concat(parts);
};

const parseManifest = (text: Buffer | null, hashLine: string | null): BackupManifest => {
  if (text === null || hashLine === null)
    throw new ArchiveProblem('The file has no manifest: it is not a whole backup.');
  const actual = createHash('sha256').update(text).digest('hex');
  if (hashLine !== `${actual}  ${manifestName}\n`) throw new ArchiveProblem('The manifest was changed.');
  const parsed = backupManifest.safeParse(JSON.parse(text.toString('utf8')));
  if (parsed.success) return parsed.data;
  throw new ArchiveProblem('The manifest is of another format: a newer Atrium made this backup.');
};

/** Reads the whole file and compares every member with the manifest. Nothing of it is kept but the manifest. */
export const verifyArchive = async (path: string, passphrase: string | null = null): Promise<BackupManifest> => {
  const found = new Map<string, { size: number; sha256: string }>();
  let manifest: Buffer | null = null;
  let hashLine: string | null = null;
  for await (const member of readArchive(path, passphrase)) {
    if (found.has(member.name)) throw new ArchiveProblem(`The file holds ${member.name} twice.`);
    if (member.name === manifestName) manifest = await collect(member);
    else if (member.name === manifestHashName) hashLine = (await collect(member)).toString('utf8');
    else {
      const hash = createHash('sha256');
      for await (const part of member.content) hash.update(part);
      found.set(member.name, { size: member.size, sha256: hash.digest('hex') });
    }
  }
  const parsed = parseManifest(manifest, hashLine);
  const expected = expectedMembers(parsed);
  for (const [name, { size, sha256 }] of expected) {
    const actual = found.get(name);
    if (actual === undefined) throw new ArchiveProblem(`${name} is missing.`);
    if (actual.size !== size || actual.sha256 !== sha256) throw new ArchiveProblem(`${name} is damaged.`);
  }
  for (const name of found.keys()) {
    if (!expected.has(name)) throw new ArchiveProblem(`${name} does not belong to the backup.`);
  }
  return parsed;
};
