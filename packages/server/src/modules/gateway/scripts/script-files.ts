import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, readdir, realpath } from 'node:fs/promises';
import { basename, extname, join, relative, sep } from 'node:path';
import { AppError } from '../../../platform/errors/app-error.ts';

export type ScriptKind = 'sh' | 'bash' | 'python' | 'program';

export interface ScriptFile {
  digest: string;
  size: number;
  kind: ScriptKind;
}

export type FileState =
  | { state: 'found'; file: ScriptFile }
  | { state: 'missing' }
  /** `why` is a sentence. */
  | { state: 'refused'; why: string };

const largest = 64 * 1024 * 1024;
const mostListed = 1000;
const mostSeen = 20_000;
const deepest = 8;
const mostRemembered = 2000;

const byExtension: Record<string, ScriptKind> = { '.sh': 'sh', '.bash': 'bash', '.py': 'python' };

const isElf = (head: Buffer): boolean => head.length > 4 && head.readUInt32BE(0) === 0x7f454c46;

/** A file says by its first bytes what runs it; one that does not is known by its name. */
export const startsItself = (bytes: Buffer): boolean =>
  bytes.subarray(0, 2).toString('latin1') === '#!' || isElf(bytes);

const kindOf = (path: string, bytes: Buffer): ScriptKind | null => {
  if (isElf(bytes)) return 'program';
  const known = byExtension[extname(path).toLowerCase()] ?? null;
  if (!startsItself(bytes)) return known;
  const line = bytes.subarray(0, 256).toString('latin1').split('\n')[0]!;
  if (/\bpython[0-9.]*\b/.test(line)) return 'python';
  if (/\bbash\b/.test(line)) return 'bash';
  if (/\b(?:a|da)?sh\b/.test(line)) return 'sh';
  return 'program';
};

const outside = 'It is not below the directory of scripts.';

/** The path as it is kept, or why it names nothing below the directory. */
const problemOf = (path: string): string | null => {
  const parts = path.split('/');
  if (path.includes('\0') || path.includes('\\')) return 'Its path has a character that no script may have.';
  if (path.startsWith('/') || parts.some((part) => part === '..')) return outside;
  if (parts.some((part) => part === '' || part === '.')) return 'Its path has an empty part or a dot.';
  return null;
};

const codeOf = (error: unknown): string => String((error as { code?: unknown }).code);

export class ScriptRefused extends Error {}
class ScriptMissing extends Error {}

/** Files below one directory. What is read is what was looked at: one open file from the check to the last byte. */
export class ScriptFiles {
  readonly #directory: () => string;
  readonly #known = new Map<string, { mark: string; state: FileState }>();

  constructor(directory: () => string) {
    this.#directory = directory;
  }

  get directory(): string {
    return this.#directory();
  }

  /** The bytes of a file with what they are. Throws `script_file_refused` in words. */
  async read(path: string): Promise<ScriptFile & { bytes: Buffer }> {
    try {
      return await this.#opened(path, (file, size) => this.#content(path, file, size));
    } catch (error) {
      throw new AppError('script_file_refused', this.#words(path, error));
    }
  }

  /** How a file is now. Bytes that were looked at before and bear the same marks are not read again. */
  async state(path: string): Promise<FileState> {
    try {
      return await this.#opened(path, async (file, size) => {
        const { mtimeNs, ctimeNs, ino, dev } = await file.stat({ bigint: true });
        const mark = [this.directory, mtimeNs, ctimeNs, ino, dev, size].join(' ');
        const known = this.#known.get(path);
        if (known?.mark === mark) return known.state;
        const { bytes: _bytes, ...found } = await this.#content(path, file, size);
        const state: FileState = { state: 'found', file: found };
        this.#known.delete(path);
        this.#known.set(path, { mark, state });
        if (this.#known.size > mostRemembered) this.#known.delete(this.#known.keys().next().value!);
        return state;
      });
    } catch (error) {
      if (error instanceof ScriptMissing) return { state: 'missing' };
      return { state: 'refused', why: this.#words(path, error) };
    }
  }

  /** Everything below the directory that is a file, in order of its path. */
  async list(): Promise<{ files: { path: string; state: FileState }[]; left_out: number }> {
    const found: string[] = [];
    let seen = 0;
    const walk = async (folder: string, depth: number): Promise<void> => {
      const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
      for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
        seen += 1;
        if (seen > mostSeen) return;
        if (entry.name.startsWith('.')) continue;
        const path = join(folder, entry.name);
        if (!entry.isDirectory()) found.push(relative(this.directory, path).split(sep).join('/'));
        else if (depth < deepest) await walk(path, depth + 1);
      }
    };
    await walk(this.directory, 0);
    const files = [];
    for (const path of found.slice(0, mostListed)) files.push({ path, state: await this.state(path) });
    return { files, left_out: found.length - files.length };
  }

  async #opened<T>(path: string, act: (file: FileHandle, size: number) => Promise<T>): Promise<T> {
    const problem = problemOf(path);
    if (problem !== null) throw new ScriptRefused(problem);
    const file = await this.#open(path);
    try {
      const stat = await file.stat();
      if (!stat.isFile()) throw new ScriptRefused('It is no regular file.');
      if (stat.size > largest) throw new ScriptRefused('It is larger than 64 MiB.');
      if (stat.size === 0) throw new ScriptRefused('It is empty.');
      return await act(file, stat.size);
    } finally {
      await file.close();
    }
  }

  async #open(path: string): Promise<FileHandle> {
    try {
      const root = await realpath(this.directory);
      const real = await realpath(join(root, path));
      if (!real.startsWith(root.endsWith(sep) ? root : root + sep)) throw new ScriptRefused(outside);
      // Links were followed by the line above; one that took the place of the file since is not. A pipe must not hold this up.
      return await open(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    } catch (error) {
      if (error instanceof ScriptRefused) throw error;
      if (['ENOENT', 'ENOTDIR'].includes(codeOf(error))) throw new ScriptMissing();
      if (codeOf(error) === 'ENXIO') throw new ScriptRefused('It is no regular file.');
      throw error;
    }
  }

  async #content(path: string, file: FileHandle, size: number): Promise<ScriptFile & { bytes: Buffer }> {
    const bytes = Buffer.alloc(size);
    let length = 0;
    while (length < size) {
      const { bytesRead } = await file.read(bytes, length, size - length, length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    const kind = kindOf(path, bytes);
    if (kind === null)
      throw new ScriptRefused(
        'Nothing says what runs it: it needs a first line such as #!/bin/sh, or a name that ends in .sh, .bash or .py.',
      );
    const read = bytes.subarray(0, length);
    return { bytes: read, kind, size: length, digest: createHash('sha256').update(read).digest('hex') };
  }

  #words(path: string, error: unknown): string {
    const name = basename(path);
    if (error instanceof ScriptRefused) return `${name} cannot be a script. ${error.message}`;
    if (error instanceof ScriptMissing) return `${name} is not in ${this.directory}.`;
    const code = codeOf(error);
    if (code === 'EACCES' || code === 'EPERM') return `${name} cannot be read by this server. Change its rights.`;
    if (code === 'ELOOP') return `${name} cannot be a script. It is a link.`;
    throw error;
  }
}
