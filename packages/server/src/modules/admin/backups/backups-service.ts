import { createReadStream } from 'node:fs';
import type {
  BackupPart,
  BackupView,
  backupsCreate,
  backupsList,
  backupsRestore,
  OutputOf,
  ParsedInputOf,
} from '@atrium/protocol';
import { PassphraseProblem } from '../../../platform/backup/envelope.ts';
import { ArchiveProblem } from '../../../platform/backup/tar.ts';
import { AppError, invalid, notFound } from '../../../platform/errors/app-error.ts';
import { StartupError } from '../../../platform/errors/startup-error.ts';
import { newId } from '../../../platform/ids/ids.ts';
import type { FileAnswer } from '../../../platform/operations/binding.ts';
import { type Call, internalCall } from '../../../platform/operations/call.ts';
import { actorOf, systemCaller } from '../../../platform/operations/caller.ts';
import { timePosition, toPage } from '../../../platform/paging/keyset.ts';
import type { BackupDirectory } from './backup-directory.ts';
import { type BackupParts, backupEvents, neverReplaced, partTables, type RestoreOutcome } from './backup-parts.ts';
import type { BackupRunner } from './backup-runner.ts';
import { type BackupRow, backupsStore } from './backups-store.ts';

type Report = OutputOf<typeof backupsRestore>;

export const requireBackups = ({ settings }: Pick<BackupParts, 'settings'>): void => {
  if (settings().enabled) return;
  throw new AppError(
    'feature_disabled',
    'Backups are switched off. An operator switches them on with `backup.enabled: true` in atrium.yaml, or ATRIUM_BACKUP_ENABLED=true.',
    { extensions: { key: 'backup.enabled' } },
  );
};

/** What is wrong with an archive, as callers are told. */
const refusal = (error: unknown): unknown => {
  if (error instanceof PassphraseProblem) return new AppError('backup_passphrase', error.message);
  if (error instanceof ArchiveProblem || error instanceof StartupError)
    return new AppError('backup_unusable', error.message);
  const { code, detail } = error as { code?: string; detail?: string };
  if (code === '23505' || code === '23503')
    return new AppError(
      'backup_conflict',
      `What is here and what is in the backup exclude each other. ${detail ?? ''}`,
    );
  return error;
};

const refused = async <T>(work: Promise<T>): Promise<T> => {
  try {
    return await work;
  } catch (error) {
    throw refusal(error);
  }
};

export const createBackupsService = (parts: BackupParts, directory: BackupDirectory, runner: BackupRunner) => {
  const { database, clock, engine } = parts;

  const viewOf = async (row: BackupRow): Promise<BackupView> => ({
    ...{ id: row.id, state: row.state, cause: row.cause, file_name: row.file_name, encrypted: row.encrypted },
    present: row.state === 'done' && (await directory.size(row.file_name)) !== null,
    ...{ size: row.size, sha256: row.sha256, tables: row.table_count, rows: row.row_count, files: row.file_count },
    ...{ lost_files: row.lost_files, version: row.version, key_ids: row.key_ids },
    progress: row.progress,
    error: row.error,
    test:
      row.test_state === null || row.tested_at === null
        ? null
        : { state: row.test_state, at: row.tested_at.toISOString(), error: row.test_error },
    created_by: { type: row.created_by_type, id: row.created_by_id, name: row.created_by_name },
    created_at: row.created_at.toISOString(),
    ended_at: row.ended_at?.toISOString() ?? null,
  });

  const found = async (id: string): Promise<BackupRow> => {
    const row = await backupsStore.find(database.read, id);
    if (row === null) throw notFound('The backup');
    return row;
  };

  /** One whose file is here and whole. */
  const readable = async (id: string): Promise<BackupRow> => {
    const row = await found(id);
    if (row.state === 'running') throw new AppError('backup_running');
    if (row.state !== 'done' || (await directory.size(row.file_name)) === null)
      throw new AppError('not_found', 'The file of this backup is not in the directory of this server.');
    return row;
  };

  /** Files that somebody put into the directory, or that a restored database does not know. */
  const takeFound = async (): Promise<void> => {
    const known = await backupsStore.fileNames(database.read);
    for (const { file_name, size, encrypted, made_at, card } of await directory.list())
      if (!known.has(file_name))
        await backupsStore.insertFound(database.read, {
          ...{ id: newId(), file_name, size, encrypted, created_at: made_at },
          ...(card ?? {}),
        });
  };

  const begin = async (
    call: Call,
    cause: 'manual' | 'schedule',
    passphrase: string | null,
    action: string,
  ): Promise<{ view: BackupView; ended: Promise<'done' | 'failed'> }> => {
    requireBackups(parts);
    let begun = false;
    const view = await database.transaction(call, async (tx) => {
      const id = await runner.begin(tx, { cause, by: actorOf(call.caller), passphrase });
      begun = true;
      const row = (await backupsStore.find(tx.db, id))!;
      const details = { file_name: row.file_name, encrypted: row.encrypted };
      tx.audit({ action, target_type: 'backup', target_id: id, details });
      return await viewOf(row);
    });
    // A repeat under the same Idempotency-Key gets the first answer, and nothing is made anew.
    return { view, ended: begun ? runner.run(view.id, passphrase) : Promise.resolve('done') };
  };

  const summary = (
    manifest: Awaited<ReturnType<BackupParts['engine']['check']>>,
  ): Pick<Report, 'made_at' | 'version' | 'rows' | 'files'> => ({
    made_at: manifest.created_at,
    version: manifest.atrium_version,
    rows: manifest.tables.reduce((sum, table) => sum + table.rows, 0),
    files: manifest.files.length,
  });

  const restorePart = async (
    call: Call,
    row: BackupRow,
    passphrase: string | null,
    input: ParsedInputOf<typeof backupsRestore> & { parts: BackupPart[] },
  ): Promise<Report> => {
    const path = directory.pathOf(row.file_name);
    const manifest = await refused(engine.check(path, passphrase, false));
    const wanted = new Set(input.parts.flatMap((part) => partTables[part]));
    const tables = Object.values(partTables)
      .flat()
      .filter((table) => wanted.has(table));
    const counts = await refused(
      engine.merge(path, passphrase, {
        ...{ manifest, tables, dry_run: input.dry_run },
        overwrite: (table) => input.overwrite && !neverReplaced.has(table),
      }),
    );
    if (!input.dry_run)
      await database.transaction(call, async (tx) => {
        const { file_name } = row;
        tx.emit({ kind: backupEvents.restored, id: row.id, body: { file_name, parts: input.parts } });
        const details = { file_name, parts: input.parts, overwrite: input.overwrite, tables: counts };
        tx.audit({ action: 'backups.restore', target_type: 'backup', target_id: row.id, details });
      });
    return { outcome: input.dry_run ? 'checked' : 'restored', ...summary(manifest), tables: counts };
  };

  return {
    begin,
    takeFound,

    list: async (_call: Call, input: ParsedInputOf<typeof backupsList>) => {
      const { limit, cursor, state } = input;
      if (cursor === undefined) await takeFound();
      const rows = await backupsStore.page(database.read, { state, after: timePosition(cursor), limit: limit + 1 });
      const views = new Map(await Promise.all(rows.map(async (row) => [row.id, await viewOf(row)] as const)));
      return toPage(
        rows,
        limit,
        (row) => ({ value: row.created_at, id: row.id }),
        (row) => views.get(row.id)!,
      );
    },

    get: async (_call: Call, { id }: { id: string }) => await viewOf(await found(id)),

    create: async (call: Call, input: ParsedInputOf<typeof backupsCreate>) =>
      (await begin(call, 'manual', input.passphrase ?? null, 'backups.create')).view,

    remove: async (call: Call, { id }: { id: string }): Promise<null> => {
      const row = await found(id);
      if (row.state === 'running' || row.test_state === 'running') throw new AppError('backup_running');
      await database.transaction(call, async (tx) => {
        await backupsStore.remove(tx.db, id);
        tx.emit({ kind: backupEvents.deleted, id, body: { file_name: row.file_name } });
        const details = { file_name: row.file_name };
        tx.audit({ action: 'backups.delete', target_type: 'backup', target_id: id, details });
      });
      await directory.remove(row.file_name);
      return null;
    },

    download: async (call: Call, { id }: { id: string }): Promise<FileAnswer> => {
      const row = await readable(id);
      await database.transaction(call, async (tx) => {
        const details = { file_name: row.file_name };
        tx.audit({ action: 'backups.download', target_type: 'backup', target_id: id, details });
      });
      return {
        stream: createReadStream(directory.pathOf(row.file_name)),
        content_type: 'application/octet-stream',
        length: await directory.size(row.file_name),
        file_name: row.file_name,
        inline: false,
      };
    },

    test: async (call: Call, { id, passphrase }: { id: string; passphrase?: string | undefined }) => {
      const row = await readable(id);
      if (row.encrypted && passphrase === undefined)
        throw new AppError('backup_passphrase', 'The backup is encrypted: its passphrase is needed.');
      const view = await database.transaction(call, async (tx) => {
        await runner.beginTest(tx, id);
        const details = { file_name: row.file_name };
        tx.audit({ action: 'backups.test', target_type: 'backup', target_id: id, details });
        return await viewOf((await backupsStore.find(tx.db, id))!);
      });
      runner.test(id, passphrase ?? null).catch((error: unknown) => parts.onError(error, 'a test of a backup'));
      return view;
    },

    restore: async (call: Call, input: ParsedInputOf<typeof backupsRestore>): Promise<Report> => {
      const row = await readable(input.id);
      const passphrase = input.passphrase ?? null;
      if (input.parts !== undefined) return await restorePart(call, row, passphrase, { ...input, parts: input.parts });
      if (!input.dry_run && input.confirm !== row.file_name)
        throw invalid('confirm', `must be ${row.file_name}: everything that came after it is lost`);
      const path = directory.pathOf(row.file_name);
      const manifest = await refused(engine.check(path, passphrase, true));
      const report = { ...summary(manifest), tables: [] };
      if (input.dry_run) return { outcome: 'checked', ...report };
      await database.transaction(call, async (tx) => {
        const details = { file_name: row.file_name };
        tx.audit({ action: 'backups.restore', target_type: 'backup', target_id: row.id, details });
      });
      const by = actorOf(call.caller);
      engine.restart({ backup_id: row.id, path, passphrase, by, org_id: call.caller.org_id });
      return { outcome: 'restarting', ...report };
    },

    /** After the start that followed a restore: what came of it, in the database that is there now. */
    settleRestore: async (outcome: RestoreOutcome): Promise<void> => {
      const { file_name, error, by } = outcome;
      const there = await backupsStore.orgExists(database.read, outcome.org_id);
      const call = there ? internalCall(systemCaller({ id: outcome.org_id }), newId()) : await runner.systemCall();
      // Nobody else worked on the database: what it says to run does not, above all the backup that was restored.
      if (error === null) await runner.settleAbandoned(0);
      await takeFound();
      await database.transaction(call, async (tx) => {
        const kind = error === null ? backupEvents.restored : backupEvents.restoreFailed;
        tx.emit({ kind, id: outcome.backup_id, body: { file_name, by: by.name, error } });
        const details = { file_name, asked_by: by, error, rows: outcome.rows, files: outcome.files };
        const action = error === null ? 'backups.restored' : 'backups.restore_failed';
        tx.audit({ action, target_type: 'backup', target_id: outcome.backup_id, details });
      });
    },

    /** Scheduled ones that are too many, and what failed a month ago. */
    prune: async (kept: number): Promise<void> => {
      const failedBefore = new Date(clock.now().getTime() - 30 * 86_400_000);
      for (const row of await backupsStore.surplus(database.read, kept, failedBefore)) {
        if (row.test_state === 'running') continue;
        await directory.remove(row.file_name);
        const call = await runner.systemCall();
        await database.transaction(call, async (tx) => {
          await backupsStore.remove(tx.db, row.id);
          tx.emit({ kind: backupEvents.deleted, id: row.id, body: { file_name: row.file_name } });
        });
      }
    },
  };
};

export type BackupsService = ReturnType<typeof createBackupsService>;
