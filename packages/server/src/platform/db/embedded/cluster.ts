import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chownSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { childEnvironment } from '../../config/env.ts';
import { StartupError } from '../../errors/startup-error.ts';
import { diskFull } from './disk-full.ts';
import { commandLine } from './leftover.ts';
import type { Placement } from './placement.ts';

export const databaseUser = 'atrium';

const passwordFile = 'atrium.password';
const settingsFile = 'atrium.conf';
const pidFile = 'initdb.pid';
const neededForNewCluster = 120 * 2 ** 20;

/** For a small machine that runs other things too. A commit is on disk before it is acknowledged (fsync stays on). */
const settings = `# Written by Atrium at every start. Settings of your own go into postgresql.conf, below its include line, and win.
shared_buffers = 64MB
effective_cache_size = 512MB
work_mem = 8MB
maintenance_work_mem = 64MB
max_connections = 100
wal_level = minimal
max_wal_senders = 0
max_logical_replication_workers = 0
max_wal_size = 256MB
io_method = sync
jit = off
autovacuum_max_workers = 2
password_encryption = 'scram-sha-256'
timezone = 'UTC'
log_timezone = 'UTC'
lc_messages = 'C'
log_destination = 'stderr'
logging_collector = off
log_line_prefix = ''
log_checkpoints = off
# Statements and row contents of users stay out of the log.
log_min_messages = log
log_min_error_statement = panic
log_error_verbosity = terse
`;

/** Makes the cluster when there is none and refuses one that this PostgreSQL cannot open. Gives the password of the database. */
export async function prepareCluster(placement: Placement, signal?: AbortSignal): Promise<string> {
  const { cluster, link, binaries } = placement;
  await sweepInterrupted(cluster);
  const fresh = !existsSync(cluster) || readable(() => readdirSync(cluster), cluster).length === 0;
  if (fresh) await createCluster(placement, signal);
  if (link !== null) symlinkSync(cluster, link);

  const versionPath = join(cluster, 'PG_VERSION');
  if (!existsSync(versionPath)) {
    throw new StartupError(
      `${cluster} is not a PostgreSQL cluster: it has no PG_VERSION. Move it away to begin with an empty database, or restore it from a backup.`,
    );
  }
  const major = readable(() => readFileSync(versionPath, 'utf8'), cluster).trim();
  if (major !== binaries.major) {
    throw new StartupError(
      `${cluster} was made by PostgreSQL ${major}, but this Atrium brings PostgreSQL ${binaries.major}, which cannot open it. Start the Atrium release that made it, take a backup, and restore it here into an empty data directory.`,
    );
  }
  writeSettings(cluster);
  return readPassword(cluster);
}

/**
 * initdb works in a directory with a random name, which gets its real name when all is done and on disk. A killed start
 * therefore leaves no half cluster, and an initdb that outlived its parent never meets the next one.
 */
async function createCluster(placement: Placement, signal?: AbortSignal): Promise<void> {
  const { cluster, account } = placement;
  const draft = `${cluster}.init-${randomBytes(4).toString('hex')}`;
  const data = join(draft, 'cluster');
  const pwfile = join(draft, 'password');
  assertSpace(dirname(cluster));
  const own = (path: string) => account !== null && chownSync(path, account.uid, account.gid);
  try {
    mkdirSync(draft, { recursive: true, mode: 0o700 });
    own(draft);
    const password = randomBytes(24).toString('base64url');
    writeFileSync(pwfile, password, { mode: 0o600 });
    own(pwfile);
    await initdbWithLocale(placement, data, pwfile, signal);
    writeFileSync(join(data, passwordFile), password, { mode: 0o600 });
    writeFileSync(
      join(data, 'postgresql.conf'),
      `include_if_exists = '${settingsFile}'\n# Settings of your own win when they stand below:\n`,
    );
    own(join(data, passwordFile));
    for (const path of [join(data, passwordFile), join(data, 'postgresql.conf'), data]) sync(path);
    renameSync(data, cluster);
    sync(dirname(cluster));
  } catch (error) {
    throw diskFull(error, cluster) ?? error;
  } finally {
    rmSync(draft, { recursive: true, force: true, maxRetries: 10, retryDelay: 20 });
  }
}

/**
 * Sorting and case rules come from PostgreSQL's built-in C.UTF-8, so that an index never depends on the C library of a
 * machine. The text search parser still asks the C library what a letter is, hence a UTF-8 LC_CTYPE where one exists.
 */
async function initdbWithLocale(
  placement: Placement,
  data: string,
  pwfile: string,
  signal?: AbortSignal,
): Promise<void> {
  const ctypes = process.platform === 'win32' ? ['C'] : ['C.UTF-8', 'en_US.UTF-8', 'C'];
  for (const [index, ctype] of ctypes.entries()) {
    const args = [
      `--pgdata=${data}`,
      `--pwfile=${pwfile}`,
      `--username=${databaseUser}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
      '--locale=C',
      `--lc-ctype=${ctype}`,
    ];
    const output = await initdb(placement, dirname(data), args, signal);
    signal?.throwIfAborted();
    if (output === null) return;
    const last = index === ctypes.length - 1;
    if (last || !/invalid locale/i.test(output)) throw new StartupError(`initdb failed: ${output}`);
  }
}

/** Null on success, else what initdb said. */
function initdb(
  placement: Placement,
  draft: string,
  args: readonly string[],
  signal?: AbortSignal,
): Promise<string | null> {
  const { binaries, account } = placement;
  return new Promise((resolve, reject) => {
    const child = spawn(binaries.initdb, args, {
      cwd: '/',
      env: { ...childEnvironment(), LC_ALL: 'C' },
      stdio: ['ignore', 'ignore', 'pipe'],
      windowsHide: true,
      // The leader of a process group, so that the next start can end it together with the postgres that it runs.
      detached: true,
      ...(account === null ? {} : { uid: account.uid, gid: account.gid }),
    });
    if (child.pid !== undefined) writeFileSync(join(draft, pidFile), String(child.pid));
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    const interrupt = () => killGroup(child.pid!);
    if (child.pid !== undefined) signal?.addEventListener('abort', interrupt, { once: true });
    child.once('error', reject);
    child.once('close', (code) => {
      signal?.removeEventListener('abort', interrupt);
      resolve(code === 0 ? null : said.trim());
    });
  });
}

/** Only when they changed: on a full disk a start that needs no room must not ask for any. */
function writeSettings(cluster: string): void {
  const path = join(cluster, settingsFile);
  if (existsSync(path) && readFileSync(path, 'utf8') === settings) return;
  try {
    writeFileSync(`${path}.new`, settings);
    renameSync(`${path}.new`, path);
  } catch (error) {
    throw diskFull(error, cluster) ?? error;
  }
}

/** Ends the initdb of a start that was killed, and removes what it made. What cannot be removed harms nobody. */
async function sweepInterrupted(cluster: string): Promise<void> {
  const parent = dirname(cluster);
  const prefix = `${basename(cluster)}.init-`;
  for (const name of existsSync(parent) ? readdirSync(parent) : []) {
    if (!name.startsWith(prefix)) continue;
    const draft = join(parent, name);
    killInitdb(draft);
    await rm(draft, { recursive: true, force: true, maxRetries: 10, retryDelay: 20 }).catch(() => undefined);
  }
}

function killInitdb(draft: string): void {
  const path = join(draft, pidFile);
  const pid = existsSync(path) ? Number(readFileSync(path, 'utf8')) : 0;
  if (!(pid > 0) || !commandLine(pid).includes(`--pgdata=${join(draft, 'cluster')}`)) return;
  killGroup(pid);
}

/** initdb and the postgres that it runs. */
function killGroup(pid: number): void {
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, 'SIGKILL');
  } catch {
    // It ended meanwhile.
  }
}

function assertSpace(directory: string): void {
  const { bavail, bsize } = statfsSync(directory);
  if (bavail * bsize >= neededForNewCluster) return;
  const free = Math.floor((bavail * bsize) / 2 ** 20);
  throw new StartupError(
    `The disk of ${directory} is full: ${free} MiB are free, and a new database needs ${neededForNewCluster / 2 ** 20} MiB.`,
  );
}

function readPassword(cluster: string): string {
  const path = join(cluster, passwordFile);
  if (existsSync(path)) return readFileSync(path, 'utf8').trim();
  throw new StartupError(
    `${path} is missing: it holds the password of the database. Restore it from a backup of the data directory.`,
  );
}

function readable<T>(read: () => T, cluster: string): T {
  try {
    return read();
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EACCES') throw cause;
    throw new StartupError(
      `The database in ${cluster} belongs to another user, probably because Atrium ran as root before. Start it as root, or give the directory to yourself with chown -R.`,
      { cause },
    );
  }
}

function sync(path: string): void {
  if (process.platform === 'win32') return;
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
