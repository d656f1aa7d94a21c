import type { Actor } from '@atrium/protocol';
import type { Transaction } from '../../../platform/db/database.ts';
import { AppError } from '../../../platform/errors/app-error.ts';
import { newId } from '../../../platform/ids/ids.ts';
import { type Call, internalCall } from '../../../platform/operations/call.ts';
import { systemCaller } from '../../../platform/operations/caller.ts';
import type { BackupDirectory } from './backup-directory.ts';
import { type BackupParts, backupEvents } from './backup-parts.ts';
import { type BackupRow, backupsStore, type Finished, type WriteProgress } from './backups-store.ts';

const nobodys = '00000000-0000-0000-0000-000000000000';
const beatMs = 5000;
/** A process that did not say for so long that it lives is gone. */
const abandonedMs = 60_000;

/** In words for the operator; what nobody expected stays in the log. */
export const wordsOf = (error: unknown): string => {
  const { name, message, code } = error as NodeJS.ErrnoException;
  if (error instanceof AppError) return message;
  if (name === 'ArchiveProblem' || name === 'PassphraseProblem' || name === 'StartupError') return message;
  if (name === 'AbortError') return 'The server stopped meanwhile.';
  if (code === 'ENOSPC') return 'The disk is full.';
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') return 'The directory of backups cannot be written.';
  return 'It failed unexpectedly; the log of the server says why.';
};

export interface BackupStart {
  cause: 'manual' | 'schedule';
  by: Actor;
  passphrase: string | null;
}

/** Makes and tests backups in this process. Passphrases live in its memory alone. */
export class BackupRunner {
  readonly #parts: BackupParts;
  readonly #directory: BackupDirectory;
  readonly #stopping = new AbortController();
  readonly #running = new Set<Promise<unknown>>();
  #testing = false;

  constructor(parts: BackupParts, directory: BackupDirectory) {
    this.#parts = parts;
    this.#directory = directory;
  }

  async systemCall(): Promise<Call> {
    return internalCall(systemCaller({ id: (await this.#parts.orgOf()) ?? nobodys }), newId());
  }

  /** Takes the turn, in the caller's transaction; `run` does the work once that is committed. */
  async begin(tx: Transaction, start: BackupStart): Promise<string> {
    const { clock, holder } = this.#parts;
    const id = newId();
    const at = clock.now();
    const stamp = at.toISOString().replace(/[-:]|\.\d+/g, '');
    const file_name = `atrium-${stamp}-${id.slice(-8)}.tar.zst${start.passphrase === null ? '' : '.enc'}`;
    const taken = await backupsStore.begin(tx.db, {
      ...{ id, cause: start.cause, file_name, encrypted: start.passphrase !== null, holder, created_at: at },
      ...{ created_by_type: start.by.type, created_by_id: start.by.id, created_by_name: start.by.name },
    });
    if (!taken) throw new AppError('backup_running');
    tx.emit({ kind: backupEvents.started, id, body: { file_name, cause: start.cause } });
    return id;
  }

  /** Resolves when it has ended, one way or the other. */
  run(id: string, passphrase: string | null): Promise<'done' | 'failed'> {
    return this.#track(this.#write(id, passphrase));
  }

  #track<T>(work: Promise<T>): Promise<T> {
    const kept = work.finally(() => this.#running.delete(kept));
    this.#running.add(kept);
    kept.catch(() => {});
    return kept;
  }

  async #write(id: string, passphrase: string | null): Promise<'done' | 'failed'> {
    const { database, clock, engine, holder, onError } = this.#parts;
    const { signal } = this.#stopping;
    const row = (await backupsStore.find(database.read, id))!;
    let progress: WriteProgress | null = null;
    const beat = setInterval(() => {
      backupsStore.beat(database.read, id, holder, clock.now(), progress).catch(() => {});
    }, beatMs);
    beat.unref();
    try {
      await this.#directory.prepare();
      const path = this.#directory.pathOf(row.file_name);
      const onProgress = (next: WriteProgress) => {
        progress = { ...next };
      };
      const manifest = await engine.write(path, { passphrase, onProgress, signal });
      progress = { step: 'check', done: 0, total: 1, bytes: 0 };
      // What cannot be read back is no backup.
      await engine.check(path, passphrase, false);
      const done: Finished = {
        size: (await this.#directory.size(row.file_name))!,
        sha256: await this.#directory.hash(row.file_name),
        table_count: manifest.tables.length,
        row_count: manifest.tables.reduce((sum, table) => sum + table.rows, 0),
        file_count: manifest.files.length,
        lost_files: manifest.missing_files.length + manifest.damaged_files.length,
        version: manifest.atrium_version,
        key_ids: manifest.key_ids,
      };
      await this.#directory.writeCard(row.file_name, done);
      await this.#finish(row, done);
      return 'done';
    } catch (error) {
      if (!signal.aborted) onError(error, 'a backup failed');
      await this.#directory.remove(row.file_name).catch(() => {});
      await this.fail(row, wordsOf(signal.aborted ? { name: 'AbortError' } : error));
      return 'failed';
    } finally {
      clearInterval(beat);
    }
  }

  async #finish(row: BackupRow, done: Finished): Promise<void> {
    const { database, clock, counted } = this.#parts;
    const call = await this.systemCall();
    await database.transaction(call, async (tx) => {
      if (!(await backupsStore.finish(tx.db, row.id, done, clock.now()))) throw new Error('the backup was given up');
      const { file_name, cause } = row;
      if (cause === 'schedule') await backupsStore.ended(tx.db, { at: clock.now(), state: 'done', error: null });
      tx.emit({ kind: backupEvents.finished, id: row.id, body: { file_name, cause, size: done.size } });
      const details = { file_name, cause, sha256: done.sha256, rows: done.row_count, files: done.file_count };
      tx.audit({ action: 'backups.made', target_type: 'backup', target_id: row.id, details });
    });
    counted('backup', 'done');
  }

  async fail(row: BackupRow, error: string): Promise<void> {
    const { database, clock, counted, tellAdmins } = this.#parts;
    const call = await this.systemCall();
    await database.transaction(call, async (tx) => {
      if (!(await backupsStore.fail(tx.db, row.id, error, clock.now()))) return;
      const { file_name, cause } = row;
      if (cause === 'schedule') await backupsStore.ended(tx.db, { at: clock.now(), state: 'failed', error });
      tx.emit({ kind: backupEvents.failed, id: row.id, body: { file_name, cause, error } });
      tx.audit({
        action: 'backups.failed',
        target_type: 'backup',
        target_id: row.id,
        details: { file_name, cause, error },
      });
      if (cause === 'schedule' && call.caller.org_id !== nobodys)
        await tellAdmins(tx, call, { title: 'The scheduled backup failed', message: error });
      counted('backup', 'failed');
    });
  }

  /** Of processes that died while they wrote: their halves go, and their rows say so. `after_ms` without a sign of life. */
  async settleAbandoned(after_ms = abandonedMs): Promise<void> {
    const { database, clock } = this.#parts;
    const now = clock.now().getTime();
    for (const row of await backupsStore.abandoned(database.read, new Date(now - after_ms))) {
      await this.#directory.removeDrafts(row.file_name);
      // In a restored database its own backup still runs, for it was read after the row was written.
      const whole = await this.#directory.cardOf(row.file_name);
      if (whole !== null) {
        await backupsStore.settleFound(database.read, row.file_name, whole, clock.now());
        continue;
      }
      await this.#directory.remove(row.file_name);
      await this.fail(row, 'The server ended while the backup was written.');
    }
    await backupsStore.settleTests(database.read, new Date(now - 6 * 3_600_000));
  }

  /** Marks it as tested from now on; `test` does the work. */
  async beginTest(tx: Transaction, id: string): Promise<void> {
    if (this.#testing || !(await backupsStore.beginTest(tx.db, id, this.#parts.clock.now())))
      throw new AppError('backup_running', 'A backup is being tested.');
  }

  test(id: string, passphrase: string | null): Promise<boolean> {
    return this.#track(this.#rehearse(id, passphrase));
  }

  async #rehearse(id: string, passphrase: string | null): Promise<boolean> {
    const { database, clock, engine, onError, counted, tellAdmins } = this.#parts;
    const row = (await backupsStore.find(database.read, id))!;
    let problem: string | null = null;
    this.#testing = true;
    try {
      await engine.rehearse(this.#directory.pathOf(row.file_name), passphrase);
    } catch (error) {
      onError(error, 'a backup could not be restored into a scratch database');
      problem = wordsOf(error);
    } finally {
      this.#testing = false;
    }
    const call = await this.systemCall();
    await database.transaction(call, async (tx) => {
      await backupsStore.endTest(tx.db, id, problem, clock.now());
      const { file_name } = row;
      tx.emit({ kind: backupEvents.tested, id, body: { file_name, error: problem } });
      tx.audit({
        action: 'backups.tested',
        target_type: 'backup',
        target_id: id,
        details: { file_name, error: problem },
      });
      if (problem !== null && call.caller.org_id !== nobodys)
        await tellAdmins(tx, call, {
          title: `The backup ${file_name} could not be restored in a test`,
          message: problem,
        });
    });
    counted('test', problem === null ? 'done' : 'failed');
    return problem === null;
  }

  /** Ends what is written here; its row says so. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.allSettled([...this.#running]);
  }
}
