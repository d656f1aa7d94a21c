import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type pg from 'pg';
import { createAuditStore } from '../platform/audit/audit-store.ts';
import { readArchive, verifyArchive } from '../platform/backup/archive-reader.ts';
import { holdsData, jobsSchemaVersion, listMigrations } from '../platform/backup/catalogue.ts';
import { DatabaseLoad } from '../platform/backup/database-load.ts';
import { type BackupManifest, fileMember, masterKeyName } from '../platform/backup/manifest.ts';
import { ArchiveProblem } from '../platform/backup/tar.ts';
import type { Clock } from '../platform/clock/clock.ts';
import type { ConfigValues } from '../platform/config/config.ts';
import { createDatabase } from '../platform/db/kysely-database.ts';
import { migrate } from '../platform/db/migrate.ts';
import { createPool } from '../platform/db/pool.ts';
import { StartupError } from '../platform/errors/startup-error.ts';
import type { FileStore } from '../platform/files/file-store.ts';
import { migrateJobsSchema } from '../platform/jobs/dbos-schema.ts';
import { loadKeyRing } from '../platform/secrets/master-key.ts';
import { type KeyRing, keyId } from '../platform/secrets/secret-box.ts';
import type { Logger } from '../platform/telemetry/logger.ts';
import { reachForWriting } from './backup-source.ts';
import { openFiles } from './files.ts';
import { deriveKeys, migrationSources } from './storage.ts';

export interface RestoreOptions {
  values: ConfigValues;
  path: string;
  force: boolean;
  passphrase?: string | null;
  clock: Clock;
  log: Logger;
}

export interface RestoreReport {
  manifest: BackupManifest;
  place: string;
  rows: number;
  files: number;
  /** Organisations whose audit chain was walked, and the first thing found broken in each that was. */
  audit: { checked: number; broken: { org_id: string; seq: number; reason: string }[] };
  key: 'restored' | 'kept' | 'missing';
}

/** Refuses what would be overwritten, and databases that another process works on. */
const assertTarget = async (pool: pg.Pool, force: boolean): Promise<void> => {
  const client = await pool.connect();
  try {
    const others = await client.query<{ count: number }>(
      `select count(*)::int as count from pg_stat_activity where datname = current_database()
         and pid <> pg_backend_pid() and application_name like 'atrium%' and application_name <> 'atrium-restore'`,
    );
    if (others.rows[0]!.count > 0)
      throw new StartupError('A server is working on this database. Stop it, then restore.');
    if (!force && (await holdsData(client)))
      throw new StartupError(
        'The target already holds data. Restore into an empty data directory or database, or pass --force to replace what is there.',
      );
  } finally {
    client.release();
  }
};

/** Brings an empty database to the schema of the backup; refuses one that stands elsewhere. */
const prepareSchema = async (pool: pg.Pool, url: string, manifest: BackupManifest, log: Logger): Promise<void> => {
  await migrateJobsSchema(url, log);
  await migrate(pool, migrationSources(), { only: manifest.migrations });
  const client = await pool.connect();
  try {
    const key = (one: { source: string; number: number; sha256: string }) =>
      `${one.source} ${one.number} ${one.sha256}`;
    const present = (await listMigrations(client)).map(key).sort();
    if (JSON.stringify(present) !== JSON.stringify(manifest.migrations.map(key).sort()))
      throw new StartupError(
        `This Atrium cannot take a backup of version ${manifest.atrium_version}: their migrations differ. Restore with that version, or with a newer one.`,
      );
    const jobs = await jobsSchemaVersion(client);
    if (manifest.jobs_schema !== null && (jobs === null || manifest.jobs_schema > jobs))
      throw new StartupError(`The backup holds durable work of a newer Atrium (${manifest.atrium_version}).`);
  } finally {
    client.release();
  }
};

/** The keys of the backup first: they decrypt what comes with it. Those that were here stay behind them. */
const placeKey = (dataDir: string, saved: Buffer): void => {
  const lines = (text: string) => text.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#'));
  mkdirSync(dataDir, { recursive: true });
  const path = join(dataDir, masterKeyName);
  const present = existsSync(path) ? lines(readFileSync(path, 'utf8')) : [];
  const keys = [...new Set([...lines(saved.toString('utf8')), ...present])];
  const draft = `${path}.restore`;
  writeFileSync(draft, `${keys.join('\n')}\n`, { mode: 0o600 });
  chmodSync(draft, 0o600);
  renameSync(draft, path);
};

const collect = async (content: AsyncIterable<Buffer>): Promise<Buffer> => {
  const parts: Buffer[] = [];
  for await (const part of content) parts.push(part);
  return Buffer.concat(parts);
};

const restoreFile = async (store: FileStore, sha256: string, size: number, content: AsyncIterable<Buffer>) => {
  const put = await store.put(Readable.from(content, { objectMode: false }), { max_bytes: size });
  if (put.sha256 !== sha256) throw new StartupError(`The file ${sha256} changed while it was restored.`);
};

/** Everything but the schema, in one transaction. Returns the rows and files taken. */
const restoreContent = async (
  client: pg.ClientBase,
  store: FileStore,
  manifest: BackupManifest,
  options: RestoreOptions,
) => {
  const files = new Map(manifest.files.map((file) => [fileMember(file.sha256), file]));
  let key: Buffer | null = null;
  const load = await DatabaseLoad.begin(client, manifest);
  for await (const member of readArchive(options.path, options.passphrase ?? null)) {
    const file = files.get(member.name);
    if (file !== undefined) await restoreFile(store, file.sha256, file.size, member.content);
    else if (member.name === masterKeyName) key = await collect(member.content);
    else await load.take(member.name, member.content);
  }
  const rows = await load.finish();
  if (key !== null) placeKey(options.values.config.server.dataDir, key);
  return { rows, files: files.size };
};

export const inTransaction = async <T>(pool: pg.Pool, act: (client: pg.ClientBase) => Promise<T>): Promise<T> => {
  const client = await pool.connect();
  let broken = true;
  try {
    await client.query('begin');
    const result = await act(client);
    await client.query('commit');
    broken = false;
    return result;
  } finally {
    // A connection in the middle of a COPY takes no rollback; closing it undoes the transaction.
    client.release(broken);
  }
};

/** The keys that are here. Null when there are none: a restore makes none, so that the right one can still be put in place. */
export const presentKeys = ({ values }: Pick<RestoreOptions, 'values'>): KeyRing | null => {
  const { dataDir } = values.config.server;
  const { masterKey } = values.secrets;
  return masterKey === null && !existsSync(join(dataDir, masterKeyName)) ? null : loadKeyRing({ dataDir, masterKey });
};

const verifyAudit = async (
  pool: pg.Pool,
  options: Omit<RestoreOptions, 'force' | 'path'>,
): Promise<RestoreReport['audit']> => {
  const ring: KeyRing = presentKeys(options) ?? [Buffer.alloc(32)];
  const database = createDatabase({
    pool,
    clock: options.clock,
    cipher: { encrypt: (plain) => plain, decrypt: (sealed) => sealed },
    onError: (error) => options.log.error({ err: error }, 'database'),
  });
  const audit = createAuditStore(database.read, deriveKeys(ring, 'audit checkpoints'));
  const heads = await pool.query<{ org_id: string }>('select org_id from public.core_event_heads order by org_id');
  const broken: RestoreReport['audit']['broken'] = [];
  for (const { org_id } of heads.rows) {
    const verdict = await audit.verifyAudit(org_id);
    if (!verdict.ok) broken.push({ org_id, seq: verdict.broken.seq, reason: verdict.broken.reason });
  }
  return { checked: heads.rows.length, broken };
};

const keyState = (manifest: BackupManifest, options: RestoreOptions): RestoreReport['key'] => {
  if (manifest.master_key !== null) return 'restored';
  const present = (presentKeys(options) ?? []).map(keyId);
  return manifest.key_ids.every((id) => present.includes(id)) ? 'kept' : 'missing';
};

/** A key that is here and fits nothing in the backup would leave every secret unreadable. Without any, the right one can still come. */
export const assertKeys = (manifest: BackupManifest, present: KeyRing | null): void => {
  if (manifest.master_key !== null || present === null) return;
  const here = present.map(keyId);
  const lost = manifest.key_ids.filter((id) => !here.includes(id));
  if (lost.length > 0)
    throw new StartupError(
      `The backup was made under the master key ${lost.join(', ')}, and the key here is ${here.join(', ')}. Put the right key into master.key or ATRIUM_MASTER_KEY, then restore. Nothing was changed.`,
    );
};

/** Checks the whole file, then puts everything in place. A failure leaves the rows of the target as they were. */
export const restore = async (options: RestoreOptions): Promise<RestoreReport> => {
  const manifest = await verifyArchive(options.path, options.passphrase ?? null);
  assertKeys(manifest, presentKeys(options));
  const database = await reachForWriting(options.values, options.log);
  const pool = createPool({ url: database.url, application_name: 'atrium-restore', max: 4 });
  try {
    await assertTarget(pool, options.force);
    await prepareSchema(pool, database.url, manifest, options.log);
    const store = await openFiles(options.values);
    const taken = await inTransaction(pool, (client) => restoreContent(client, store, manifest, options));
    const key = keyState(manifest, options);
    return { manifest, place: database.place, ...taken, audit: await verifyAudit(pool, options), key };
  } finally {
    await pool.end();
    await database.close();
  }
};

/** Loads the rows of a checked archive into an empty database at `url`, and walks its audit trail. */
export const rehearse = async (
  url: string,
  manifest: BackupManifest,
  options: Omit<RestoreOptions, 'force'>,
): Promise<{ rows: number }> => {
  const pool = createPool({ url, application_name: 'atrium-restore', max: 4 });
  try {
    await prepareSchema(pool, url, manifest, options.log);
    const rows = await inTransaction(pool, async (client) => {
      const load = await DatabaseLoad.begin(client, manifest);
      for await (const member of readArchive(options.path, options.passphrase ?? null))
        await load.take(member.name, member.content);
      return await load.finish();
    });
    const [broken] = (await verifyAudit(pool, options)).broken;
    if (broken !== undefined)
      throw new ArchiveProblem(`The audit trail of ${broken.org_id} breaks at ${broken.seq}: ${broken.reason}.`);
    return { rows };
  } finally {
    await pool.end();
  }
};
