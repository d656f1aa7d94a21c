import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import {
  type BackupEngine,
  type BackupParts,
  type BackupsModule,
  createBackupsModule,
  type RestoreOutcome,
  type RestoreRequest,
} from '../modules/admin/backups-module.ts';
import { readArchive, verifyArchive } from '../platform/backup/archive-reader.ts';
import { listMigrations } from '../platform/backup/catalogue.ts';
import type { BackupManifest } from '../platform/backup/manifest.ts';
import { PartLoad } from '../platform/backup/part-load.ts';
import type { Clock } from '../platform/clock/clock.ts';
import type { ConfigValues } from '../platform/config/config.ts';
import { createClient } from '../platform/db/pool.ts';
import { StartupError } from '../platform/errors/startup-error.ts';
import { newId } from '../platform/ids/ids.ts';
import { addCounter, addGauge, Tally } from '../platform/telemetry/families.ts';
import type { Logger } from '../platform/telemetry/logger.ts';
import type { Metrics } from '../platform/telemetry/metrics.ts';
import { backUp } from './backup.ts';
import { assertKeys, inTransaction, presentKeys, rehearse, restore } from './restore.ts';
import type { Storage } from './storage.ts';

export interface BackupOptions {
  values: ConfigValues;
  storage: Storage;
  clock: Clock;
  log: Logger;
  version: string;
  metrics: Pick<Metrics, 'registry'>;
  /** Stops this server, restores, starts it again. */
  restart?: ((request: RestoreRequest) => void) | undefined;
}

/** Marks databases that are dropped again; what a killed process left is dropped by the next. */
const scratchPrefix = 'atrium_restore_test_';
/** One rehearsal at a time on one PostgreSQL. */
const rehearsalLock = 4400000013;

const scratchUrl = (url: string, name: string): string => {
  const changed = new URL(url);
  changed.pathname = `/${name}`;
  return changed.href;
};

/** Runs `act` on a database of its own. */
const onScratch = async <T>(url: string, act: (url: string) => Promise<T>): Promise<T> => {
  const client = createClient(url, 'atrium-restore');
  client.on('error', () => {});
  await client.connect();
  const name = `${scratchPrefix}${randomBytes(6).toString('hex')}`;
  const drop = (one: string) => client.query(`drop database if exists "${one}" with (force)`);
  try {
    const { rows } = await client.query<{ mine: boolean }>(`select pg_try_advisory_lock(${rehearsalLock}) as mine`);
    if (!rows[0]!.mine) throw new StartupError('Another server tests a backup at the moment.');
    const left = await client.query<{ datname: string }>(
      `select datname from pg_database where starts_with(datname, '${scratchPrefix}')`,
    );
    for (const { datname } of left.rows) await drop(datname);
    try {
      await client.query(`create database "${name}" template template0`);
    } catch (error) {
      if ((error as { code?: string }).code !== '42501') throw error;
      throw new StartupError(
        'The database user may not create databases, so a restore cannot be tested. Grant it CREATEDB, or switch the test off.',
      );
    }
    try {
      return await act(scratchUrl(url, name));
    } finally {
      await drop(name);
    }
  } finally {
    await client.end();
  }
};

/** A restore in place needs the very schema that is here. */
const assertSchema = async ({ pool }: Storage, manifest: BackupManifest, whole: boolean): Promise<void> => {
  const client = await pool.connect();
  try {
    const here = await listMigrations(client);
    const key = (one: (typeof here)[number]) => `${one.source} ${one.number} ${one.sha256}`;
    const [mine, theirs] = [new Set(here.map(key)), new Set(manifest.migrations.map(key))];
    const newer = [...theirs].some((one) => !mine.has(one));
    if (newer)
      throw new StartupError(
        `The backup was made by another version of Atrium (${manifest.atrium_version}), whose schema this one does not have. Nothing was changed.`,
      );
    if (whole && mine.size !== theirs.size)
      throw new StartupError(
        `The backup was made by an older Atrium (${manifest.atrium_version}), and this database has been upgraded since. Restore it into an empty data directory with \`atrium restore\`: it is upgraded at the next start. Nothing was changed.`,
      );
  } finally {
    client.release();
  }
};

const createEngine = (options: BackupOptions): BackupEngine => {
  const { values, storage, clock, log, version } = options;
  const check: BackupEngine['check'] = async (path, passphrase, whole) => {
    const manifest = await verifyArchive(path, passphrase);
    assertKeys(manifest, presentKeys({ values }));
    await assertSchema(storage, manifest, whole);
    return manifest;
  };
  return {
    check,
    write: (path, { passphrase, onProgress, signal }) =>
      backUp({
        ...{ values, path, passphrase, onProgress, signal, version, clock, log },
        ...{ with_key: false, overwrite: false },
      }),
    rehearse: async (path, passphrase) => {
      const manifest = await verifyArchive(path, passphrase);
      assertKeys(manifest, presentKeys({ values }));
      return await onScratch(storage.url, (url) => rehearse(url, manifest, { values, path, passphrase, clock, log }));
    },
    merge: async (path, passphrase, { manifest, tables, overwrite, dry_run }) => {
      class Tried extends Error {}
      let counts: Awaited<ReturnType<PartLoad['finish']>> = [];
      try {
        await inTransaction(storage.pool, async (client) => {
          const load = await PartLoad.begin(client, manifest, tables);
          for await (const member of readArchive(path, passphrase)) await load.take(member.name, member.content);
          counts = await load.finish(overwrite);
          // Checked at the end of a transaction otherwise, which a dry run never reaches.
          await client.query('set constraints all immediate');
          if (dry_run) throw new Tried();
        });
      } catch (error) {
        if (!(error instanceof Tried)) throw error;
      }
      return counts;
    },
    restart: (request) => options.restart?.(request),
  };
};

export type BackupWiring = Pick<BackupParts, 'orgOf' | 'tellAdmins'>;

/** Backups live by the newest configuration: it is read at each use. */
export const openBackups = (
  options: BackupOptions,
  wiring: BackupWiring,
  current: () => ConfigValues,
): BackupsModule => {
  const { storage, clock, log, metrics } = options;
  const [made, tested] = [new Tally(), new Tally()];
  let last: number | null = null;
  addCounter(metrics.registry, 'atrium_backups_total', 'Backups that ended, by result.', () => made.as('result'));
  addCounter(metrics.registry, 'atrium_backup_tests_total', 'Restores into a scratch database, by result.', () =>
    tested.as('result'),
  );
  addGauge(metrics.registry, 'atrium_backup_last_success_time_seconds', 'When a backup last went well here.', [], () =>
    last === null ? [] : [{ value: last }],
  );
  return createBackupsModule({
    ...{ database: storage.database, clock, secrets: storage.secrets, holder: newId(), ...wiring },
    settings: () => {
      const { backup, server } = current().config;
      return { ...backup, directory: resolve(server.dataDir, backup.directory) };
    },
    engine: createEngine(options),
    counted: (what, result) => {
      (what === 'backup' ? made : tested).add(result);
      if (what === 'backup' && result === 'done') last = clock.now().getTime() / 1000;
    },
    onError: (error, what) => log.error({ err: error }, what),
  });
};

/** Between two starts: replaces everything by what is in the backup. What fails leaves the rows as they were. */
export const restoreBetween = async (
  request: RestoreRequest,
  options: { values: ConfigValues; clock: Clock; log: Logger },
): Promise<RestoreOutcome> => {
  const { backup_id, by, org_id, path, passphrase } = request;
  const told = { backup_id, by, org_id, file_name: path.replace(/^.*[\\/]/, '') };
  try {
    const { rows, files } = await restore({ ...options, path, passphrase, force: true });
    options.log.warn({ file: told.file_name, rows, files }, 'everything was restored from a backup');
    return { ...told, error: null, rows, files };
  } catch (error) {
    options.log.error({ err: error }, 'a restore failed; the server starts with what it had');
    return { ...told, error: (error as Error).message, rows: 0, files: 0 };
  }
};
