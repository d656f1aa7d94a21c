import { accessSync, constants, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { StartupError } from '../../errors/startup-error.ts';
import { diskFull } from './disk-full.ts';

export interface DataDirectoryLock {
  release(): void;
}

const sqliteBusy = 5;

/**
 * Makes this process the only server on a data directory. SQLite is used for nothing but its file lock: Node has no
 * flock(), and only a lock of the kernel vanishes with a SIGKILL, is free of races between two starters and holds
 * between containers that share a volume, where process ids mean nothing.
 */
export function lockDataDirectory(dataDir: string): DataDirectoryLock {
  const pidPath = join(dataDir, 'server.pid');
  const held = acquire(dataDir, join(dataDir, 'server.lock'), pidPath);
  try {
    writeFileSync(pidPath, `${process.pid}\n`);
  } catch (error) {
    held.close();
    throw refusal(dataDir, error);
  }
  return {
    release: () => {
      if (!held.isOpen) return;
      rmSync(pidPath, { force: true });
      held.close();
    },
  };
}

function acquire(dataDir: string, path: string, pidPath: string): DatabaseSync {
  let lock: DatabaseSync | undefined;
  try {
    // SQLite would open a file that it may not write, and then lock nothing. NOTE: Never open and close the lock file by
    // other means in this process: POSIX drops all locks that a process holds on a file when it closes any handle of it.
    accessSync(existsSync(path) ? path : dataDir, constants.W_OK);
    lock = new DatabaseSync(path, { timeout: 0 });
    lock.exec('pragma locking_mode = exclusive; begin exclusive');
    return lock;
  } catch (error) {
    if (lock?.isOpen) lock.close();
    if ((error as { errcode?: number }).errcode !== sqliteBusy) throw refusal(dataDir, error);
    throw new StartupError(
      `Another Atrium server${processIn(pidPath)} already uses the data directory ${dataDir}. Stop it, or give this one its own ATRIUM_DATA_DIR.`,
    );
  }
}

function refusal(dataDir: string, error: unknown): StartupError {
  const { code, message } = error as NodeJS.ErrnoException;
  const reason =
    code === 'EACCES' || code === 'EPERM' || code === 'EROFS'
      ? `cannot be written by this user (${code}); it may belong to root because Atrium ran as root before. Start Atrium as its owner, or give it to yourself with chown -R`
      : `cannot be locked: ${message}`;
  return diskFull(error, dataDir) ?? new StartupError(`The data directory ${dataDir} ${reason}.`, { cause: error });
}

function processIn(pidPath: string): string {
  try {
    return ` (process ${readFileSync(pidPath, 'utf8').trim()})`;
  } catch {
    return '';
  }
}
