import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type pg from 'pg';
import { ArchiveWriter } from '../platform/backup/archive-writer.ts';
import { jobsSchemaVersion, listMigrations } from '../platform/backup/catalogue.ts';
import { dumpDatabase } from '../platform/backup/database-dump.ts';
import { sealStream } from '../platform/backup/envelope.ts';
import { type BackupManifest, fileMember, masterKeyName } from '../platform/backup/manifest.ts';
import type { Clock } from '../platform/clock/clock.ts';
import type { ConfigValues } from '../platform/config/config.ts';
import { createClient } from '../platform/db/pool.ts';
import { StartupError } from '../platform/errors/startup-error.ts';
import type { FileStore } from '../platform/files/file-store.ts';
import { loadKeyRing } from '../platform/secrets/master-key.ts';
import { keyId } from '../platform/secrets/secret-box.ts';
import type { Logger } from '../platform/telemetry/logger.ts';
import { reachForReading } from './backup-source.ts';
import { openFiles } from './files.ts';
import { moduleOrder } from './module-order.ts';

export interface BackupOptions {
  values: ConfigValues;
  path: string;
  with_key: boolean;
  overwrite: boolean;
  version: string;
  clock: Clock;
  log: Logger;
  /** Encrypts the file; the name should then end in `.enc`. */
  passphrase?: string | null;
  onProgress?: (progress: BackupProgress) => void;
  /** An abort leaves nothing behind. */
  signal?: AbortSignal;
}

export interface BackupProgress {
  step: 'database' | 'files';
  done: number;
  total: number;
  /** Before they are compressed. */
  bytes: number;
}

/** Where tables are not named as their module is. */
const ownPrefix: Readonly<Record<string, string>> = { diaries: 'diary' };
const tablePrefixes = ['core', ...moduleOrder.map((name) => ownPrefix[name] ?? name)];

/** Runs `act` on one snapshot of the database, which sees nothing of what commits meanwhile. */
const onSnapshot = async <T>(url: string, act: (client: pg.Client) => Promise<T>): Promise<T> => {
  const client = createClient(url, 'atrium-backup');
  client.on('error', () => {});
  await client.connect();
  try {
    await client.query('begin transaction isolation level repeatable read, read only');
    const result = await act(client);
    await client.query('commit');
    return result;
  } finally {
    await client.end();
  }
};

const copyFiles = async (
  store: FileStore,
  wanted: readonly { sha256: string; size: number }[],
  archive: ArchiveWriter,
  onFile: (done: number) => void,
): Promise<Pick<BackupManifest, 'files' | 'missing_files' | 'damaged_files'>> => {
  const result: Pick<BackupManifest, 'files' | 'missing_files' | 'damaged_files'> = {
    files: [],
    missing_files: [],
    damaged_files: [],
  };
  for (const [index, { sha256, size }] of wanted.entries()) {
    onFile(index);
    const stored = await store.get(sha256);
    if (stored === null || stored.size !== size) {
      stored?.stream.destroy();
      result.missing_files.push(sha256);
      continue;
    }
    const member = await archive.addStream(fileMember(sha256), size, stored.stream);
    if (member.sha256 === sha256) result.files.push({ sha256, size });
    else result.damaged_files.push(member);
  }
  return result;
};

/** `master.key` as it is, and the fingerprints of all keys in use. Never makes a key. */
const copyKey = async (options: BackupOptions, archive: ArchiveWriter) => {
  const { dataDir } = options.values.config.server;
  const { masterKey } = options.values.secrets;
  const path = join(dataDir, masterKeyName);
  if (masterKey === null && !existsSync(path)) return { master_key: null, key_ids: [] };
  const key_ids = loadKeyRing({ dataDir, masterKey }).map(keyId);
  const included = options.with_key && existsSync(path);
  return { master_key: included ? await archive.add(masterKeyName, readFileSync(path)) : null, key_ids };
};

const writeBackup = async (
  url: string,
  archive: ArchiveWriter,
  options: BackupOptions,
  report: (part: Partial<BackupProgress>) => void,
): Promise<BackupManifest> => {
  const created_at = options.clock.now().toISOString();
  const dumped = await onSnapshot(url, async (client) => {
    const migrations = await listMigrations(client);
    if (migrations.length === 0) throw new StartupError('The database is not one of Atrium: nothing to back up.');
    const { rows } = await client.query<{ server_version: string }>('show server_version');
    const { files, ...database } = await dumpDatabase(client, archive, tablePrefixes, (done, total) =>
      report({ done, total }),
    );
    const jobs_schema = await jobsSchemaVersion(client);
    return { database: { ...database, migrations, jobs_schema, postgres_version: rows[0]!.server_version }, files };
  });
  // A file that the snapshot refers to stays for an hour after its last reference has gone.
  report({ step: 'files', done: 0, total: dumped.files.length });
  const files = await copyFiles(await openFiles(options.values), dumped.files, archive, (done) => report({ done }));
  const manifest: BackupManifest = {
    format: 'atrium-backup',
    format_version: 1,
    atrium_version: options.version,
    created_at,
    ...dumped.database,
    ...files,
    ...(await copyKey(options, archive)),
  };
  await archive.finish(manifest);
  return manifest;
};

/** Writes database, files and key into one file, beside a running server or without one. */
export const backUp = async (options: BackupOptions): Promise<BackupManifest> => {
  const path = resolve(options.path);
  if (!existsSync(dirname(path))) throw new StartupError(`The folder ${dirname(path)} does not exist.`);
  if (existsSync(path) && !options.overwrite)
    throw new StartupError(`${path} exists already. Choose another name, or pass --overwrite.`);
  const database = await reachForReading(options.values, options.log);
  try {
    const progress: BackupProgress = { step: 'database', done: 0, total: 0, bytes: 0 };
    const report = (part: Partial<BackupProgress>) => {
      options.signal?.throwIfAborted();
      options.onProgress?.(Object.assign(progress, part));
    };
    const passphrase = options.passphrase ?? null;
    const archive = await ArchiveWriter.create(path, options.clock.now(), {
      seal: passphrase === null ? null : await sealStream(passphrase),
      watch: (bytes) => report({ bytes }),
    });
    try {
      return await writeBackup(database.url, archive, options, report);
    } catch (error) {
      await archive.abandon();
      throw error;
    }
  } finally {
    await database.close();
  }
};
