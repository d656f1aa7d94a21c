import { mkdir, open, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type FileStore, isHash, type StoredFile, withTemporaryFile } from './file-store.ts';

const isMissing = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT';

/** A rename survives a power cut only when the directory that holds the name is on disk as well. */
const syncFolder = async (path: string): Promise<void> => {
  // Windows can neither open nor sync a directory.
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
};

const names = async (folder: string): Promise<string[]> => (await readdir(folder)).sort();

/** Files below `<folder>/ab/cd/<sha256>`; writes in progress lie in `<folder>/tmp`. */
export const createDiskStore = async (folder: string): Promise<FileStore> => {
  const temporary = join(folder, 'tmp');
  await mkdir(temporary, { recursive: true, mode: 0o700 });
  // What a killed process left half written belongs to nobody.
  const hourAgo = Date.now() - 60 * 60 * 1000;
  for (const name of await readdir(temporary)) {
    const left = await stat(join(temporary, name)).catch(() => null);
    if (left !== null && left.mtimeMs < hourAgo) await rm(join(temporary, name), { force: true });
  }
  const pathOf = (sha256: string): string => join(folder, sha256.slice(0, 2), sha256.slice(2, 4), sha256);

  const find = async (sha256: string): Promise<StoredFile | null> => {
    if (!isHash(sha256)) return null;
    try {
      const found = await stat(pathOf(sha256));
      return { sha256, size: found.size, modified: found.mtime };
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  };

  return {
    put: (stream, { max_bytes }) =>
      withTemporaryFile(temporary, stream, max_bytes, async (path, { sha256, size }) => {
        const target = pathOf(sha256);
        const known = await find(sha256);
        // Another size under this name is damage, which the new copy repairs.
        if (known?.size === size) {
          // The fresh time keeps the sweep for unreferenced files away until the reference is written.
          await utimes(target, new Date(), new Date());
          return;
        }
        await mkdir(dirname(target), { recursive: true, mode: 0o700 });
        await rename(path, target);
        await syncFolder(dirname(target));
      }),
    get: async (sha256) => {
      if (!isHash(sha256)) return null;
      try {
        const file = await open(pathOf(sha256), 'r');
        const { size } = await file.stat();
        return { stream: file.createReadStream(), size };
      } catch (error) {
        if (isMissing(error)) return null;
        throw error;
      }
    },
    stat: find,
    delete: async (sha256) => {
      if (isHash(sha256)) await rm(pathOf(sha256), { force: true });
    },
    async *list() {
      for (const first of await names(folder)) {
        if (!/^[0-9a-f]{2}$/.test(first)) continue;
        for (const second of await names(join(folder, first))) {
          for (const name of await names(join(folder, first, second))) {
            const found = await find(name);
            if (found !== null) yield found;
          }
        }
      }
    },
  };
};
