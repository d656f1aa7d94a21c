import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Secret } from '../config/secret.ts';
import { StartupError } from '../errors/startup-error.ts';
import type { KeyRing } from './secret-box.ts';

const fileName = 'master.key';

/**
 * The ring from ATRIUM_MASTER_KEY and `master.key` of the data directory, which is created (0600) when there is neither.
 * With the variable set, keys of the file only decrypt, so a key can move from the file to the variable.
 */
export function loadKeyRing(options: {
  dataDir: string;
  masterKey: Secret | null;
  /** Id of the key that the database was written with: there is something to read, so no new key is made. */
  recorded?: string | null;
}): KeyRing {
  const path = join(options.dataDir, fileName);
  const given = options.masterKey === null ? [] : parseKeys(options.masterKey.reveal().split(','), 'ATRIUM_MASTER_KEY');
  if (given.length === 0 && !exists(path)) {
    if (options.recorded != null) throw missing(path, options.recorded);
    createKeyFile(options.dataDir);
  }
  const stored = exists(path) ? readKeyFile(path) : [];
  const [current, ...previous] = [...given, ...stored];
  return [current!, ...previous];
}

/** Puts a new key first in `master.key`; the earlier ones stay behind it until their secrets are rotated. */
export function addMasterKey(dataDir: string): void {
  const path = join(dataDir, fileName);
  const lines = readKeyFile(path).map((key) => key.toString('base64'));
  const draft = writeDraft(dataDir, [randomBytes(32).toString('base64'), ...lines]);
  renameSync(draft, path);
}

const missing = (path: string, id: string): StartupError =>
  new StartupError(
    `${path} is missing, and the secrets in the database are encrypted under its key (${id}). Restore the file from a backup, or set ATRIUM_MASTER_KEY to that key. A new key would not read them.`,
  );

function createKeyFile(dataDir: string): void {
  mkdirSync(dataDir, { recursive: true });
  const draft = writeDraft(dataDir, [randomBytes(32).toString('base64')]);
  try {
    // link() refuses to replace, so of two first starts one wins and both read its key.
    linkSync(draft, join(dataDir, fileName));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'EPERM' || code === 'ENOTSUP' || code === 'ENOSYS') renameSync(draft, join(dataDir, fileName));
    else if (code !== 'EEXIST') throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Written whole and synced before it gets its name: half a key would make every secret unreadable. */
function writeDraft(dataDir: string, lines: readonly string[]): string {
  const draft = join(dataDir, `${fileName}.${randomBytes(6).toString('hex')}`);
  const file = openSync(draft, 'wx', 0o600);
  try {
    writeSync(file, `${lines.join('\n')}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  return draft;
}

function readKeyFile(path: string): [Buffer, ...Buffer[]] {
  if (process.platform !== 'win32' && (statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o600);
  const lines = readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('#'));
  const keys = parseKeys(lines, path);
  if (keys.length === 0)
    throw new StartupError(`${path} holds no key. Restore it from a backup: stored secrets cannot be read without it.`);
  return keys as [Buffer, ...Buffer[]];
}

const parseKeys = (texts: readonly string[], source: string): Buffer[] =>
  texts.map((text) => {
    const key = Buffer.from(text.trim(), 'base64');
    if (key.length !== 32) throw new StartupError(`${source} holds a key that is not 32 bytes in base64.`);
    return key;
  });

const exists = (path: string): boolean => statSync(path, { throwIfNoEntry: false }) !== undefined;
