import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline, type Readable } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { type BackupManifest, backupManifest, expectedMembers, manifestHashName, manifestName } from './manifest.ts';
import { ArchiveProblem, readTar, type TarMember } from './tar.ts';

const largestManifest = 512 * 2 ** 20;

const decompressorFor = async (path: string) => {
  const file = await open(path, 'r');
  const { buffer } = await file.read(Buffer.alloc(4), 0, 4, 0).finally(() => file.close());
  if (buffer.readUInt32LE(0) === 0xfd2fb528) return createZstdDecompress();
  return buffer.readUInt16BE(0) === 0x1f8b ? createGunzip() : null;
};

async function* decoded(path: string): AsyncGenerator<Buffer> {
  const decompressor = await decompressorFor(path);
  const file = createReadStream(path, { highWaterMark: 256 * 1024 });
  // The iteration reports the error of either stream.
  const bytes: Readable = decompressor === null ? file : pipeline(file, decompressor, () => {});
  try {
    yield* bytes;
  } catch (error) {
    // What the file system refuses names the call that failed; the rest comes from the decoder.
    if ('syscall' in (error as Error)) throw error;
    throw new ArchiveProblem('The file is damaged or cut off.', { cause: error });
  }
}

/** The members of a backup file, whatever it is compressed with. */
export const readArchive = (path: string): AsyncGenerator<TarMember> => readTar(decoded(path));

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
export const verifyArchive = async (path: string): Promise<BackupManifest> => {
  const found = new Map<string, { size: number; sha256: string }>();
  let manifest: Buffer | null = null;
  let hashLine: string | null = null;
  for await (const member of readArchive(path)) {
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
