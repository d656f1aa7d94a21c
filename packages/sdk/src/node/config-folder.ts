import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Where programs of this user keep their settings. */
export const configFolder = (environment: Environment): string => {
  const home = environment['HOME'] || homedir();
  return (
    environment['XDG_CONFIG_HOME'] ||
    (process.platform === 'win32' ? environment['APPDATA'] || home : join(home, '.config'))
  );
};

/** The text of a file, or null when there is none. */
export const readText = async (path: string): Promise<string | null> => {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
};

/** Replaces a file in one step; others can read it at no moment, unless `mode` says so. */
export const replaceFile = async (path: string, text: string, mode = 0o600): Promise<void> => {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const draft = `${path}.${process.pid}.draft`;
  await rm(draft, { force: true });
  await writeFile(draft, text, { mode, flag: 'wx' });
  await rename(draft, path);
};
