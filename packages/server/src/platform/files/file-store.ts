import { createHash, randomBytes } from 'node:crypto';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { AppError } from '../errors/app-error.ts';

export interface PutResult {
  sha256: string;
  size: number;
  /** The first bytes, enough to recognise a type by. */
  head: Buffer;
}

export interface StoredFile {
  sha256: string;
  size: number;
  modified: Date;
}

/** Bytes by their SHA-256. The same bytes are stored once; who may read them is not this store's question. */
export interface FileStore {
  /** Throws `too_large` past `max_bytes` and `storage_full`, leaving nothing behind. */
  put(stream: Readable, options: { max_bytes: number }): Promise<PutResult>;
  /** Null when unknown. */
  get(sha256: string): Promise<{ stream: Readable; size: number } | null>;
  stat(sha256: string): Promise<StoredFile | null>;
  delete(sha256: string): Promise<void>;
  /** Everything stored, in order of hash; for backups. */
  list(): AsyncIterable<StoredFile>;
}

const headSize = 4100;
const hashForm = /^[0-9a-f]{64}$/;

/** Hashes come out of the database, but a path is never built from anything that only ought to be one. */
export const isHash = (text: string): boolean => hashForm.test(text);

const writeAll = async (stream: Readable, file: FileHandle, maxBytes: number): Promise<PutResult> => {
  const hash = createHash('sha256');
  const head: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk as string);
    if (size < headSize) head.push(bytes.subarray(0, headSize - size));
    size += bytes.length;
    if (size > maxBytes) throw new AppError('too_large', `The file exceeds ${maxBytes} bytes.`);
    hash.update(bytes);
    await file.writeFile(bytes);
  }
  await file.sync();
  return { sha256: hash.digest('hex'), size, head: Buffer.concat(head) };
};

/** A full disk or a used-up quota is the operator's problem to solve, not a bug. */
export const translateFileError = (error: unknown): unknown => {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ENOSPC' || code === 'EDQUOT' ? new AppError('storage_full', undefined, { cause: error }) : error;
};

/** Writes the stream to a temporary file, durably, and hands it to `use`, which may move it away. */
export const withTemporaryFile = async (
  folder: string,
  stream: Readable,
  maxBytes: number,
  use: (path: string, result: PutResult) => Promise<void>,
): Promise<PutResult> => {
  const path = join(folder, `put-${randomBytes(12).toString('hex')}`);
  try {
    const file = await open(path, 'wx', 0o600);
    let result: PutResult;
    try {
      result = await writeAll(stream, file, maxBytes);
    } finally {
      await file.close();
    }
    await use(path, result);
    return result;
  } catch (error) {
    stream.destroy();
    throw translateFileError(error);
  } finally {
    await rm(path, { force: true });
  }
};
