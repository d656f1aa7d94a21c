import type { BackupSchedule, backupsSetSchedule, ParsedInputOf } from '@atrium/protocol';
import { Cron } from 'croner';
import { AppError, invalid } from '../../../platform/errors/app-error.ts';
import type { Call } from '../../../platform/operations/call.ts';
import type { BackupDirectory } from './backup-directory.ts';
import { type BackupParts, backupEvents, passphrasePlace } from './backup-parts.ts';
import type { BackupRunner } from './backup-runner.ts';
import type { BackupsService } from './backups-service.ts';
import { backupsStore, type ScheduleRow } from './backups-store.ts';

const weekMs = 7 * 86_400_000;
const hourMs = 3_600_000;
/** After a failure: sooner than the next turn, and later each time. */
const retryMs = [15 * 60_000, hourMs, 4 * hourMs];
/** The schedule is one, so its events need no id of their own. */
const scheduleId = '00000000-0000-0000-0000-000000000000';

const cronOf = (cron: string, time_zone: string): Cron =>
  new Cron(cron, { timezone: time_zone, mode: '5-part', paused: true });

const requireTiming = (cron: string | null, time_zone: string): void => {
  try {
    new Intl.DateTimeFormat('en', { timeZone: time_zone });
  } catch {
    throw invalid('time_zone', 'is no known time zone; write one such as Europe/Berlin');
  }
  if (cron === null) return;
  let next: Date | null;
  try {
    next = cronOf(cron, time_zone).nextRun();
  } catch (error) {
    throw invalid('cron', `cannot be read: ${(error as Error).message.replace(/^CronPattern: /, '')}`);
  }
  if (next === null) throw invalid('cron', 'never comes');
};

/** When backups are made by themselves, how many stay, and that they can be restored. */
export const createScheduleService = (
  parts: BackupParts,
  directory: BackupDirectory,
  runner: BackupRunner,
  backups: Pick<BackupsService, 'begin' | 'prune'>,
) => {
  const { database, clock, secrets, settings } = parts;

  /** The row with what the configuration says where it is silent. */
  const ruling = (row: ScheduleRow) => {
    const config = settings();
    const own = row.every_s !== null || row.cron !== null;
    const timing = own ? row : { every_s: null, cron: null, ...config.schedule };
    return {
      enabled: config.enabled && (row.enabled ?? true),
      every_s: timing.every_s,
      cron: timing.cron,
      time_zone: row.time_zone,
      retention: row.retention ?? config.retention,
    };
  };

  const nextAfter = (row: ScheduleRow, now: Date): Date | null => {
    const { every_s, cron, time_zone } = ruling(row);
    if (cron !== null) return cronOf(cron, time_zone).nextRun(now);
    return new Date(now.getTime() + every_s! * 1000);
  };

  const passphraseOf = ({ passphrase_sealed }: ScheduleRow): string | null =>
    passphrase_sealed === null ? null : secrets.decrypt(passphrase_sealed, passphrasePlace);

  const view = async (): Promise<BackupSchedule> => {
    const row = await backupsStore.schedule(database.read);
    const rules = ruling(row);
    return {
      ...rules,
      encrypted: row.passphrase_sealed !== null,
      test: row.test,
      directory: settings().directory,
      next_at: rules.enabled ? (row.next_at ?? nextAfter(row, clock.now()))!.toISOString() : null,
      last_at: row.last_at?.toISOString() ?? null,
      last_state: row.last_state,
      last_error: row.last_error,
      next_test_at: rules.enabled && row.test ? (row.next_test_at?.toISOString() ?? null) : null,
      version: row.version,
    };
  };

  const makeDue = async (): Promise<void> => {
    const row = await backupsStore.schedule(database.read);
    const now = clock.now();
    if (!ruling(row).enabled) return;
    if (row.next_at === null) return await backupsStore.planNext(database.read, row.version, nextAfter(row, now));
    if (row.next_at > now) return;
    let outcome: 'done' | 'failed';
    try {
      const begun = await backups.begin(await runner.systemCall(), 'schedule', passphraseOf(row), 'backups.schedule');
      outcome = await begun.ended;
    } catch (error) {
      // One that somebody makes by hand goes first; the next minute asks again.
      if (error instanceof AppError && error.code === 'backup_running') return;
      throw error;
    }
    const after = await backupsStore.schedule(database.read);
    const regular = nextAfter(row, now);
    const soon = new Date(clock.now().getTime() + retryMs[Math.min(after.failures, retryMs.length) - 1]!);
    const next = outcome === 'failed' && (regular === null || soon < regular) ? soon : regular;
    await backupsStore.planNext(database.read, row.version, next);
    if (outcome === 'done') await backups.prune(ruling(after).retention);
  };

  const testDue = async (): Promise<void> => {
    const row = await backupsStore.schedule(database.read);
    const now = clock.now();
    if (!ruling(row).enabled || !row.test) return;
    if (row.next_test_at !== null && row.next_test_at > now) return;
    const newest = await backupsStore.newestScheduled(database.read);
    if (newest === null || (await directory.size(newest.file_name)) === null) return;
    // The first one is tested at once, later ones each week.
    await backupsStore.planTest(database.read, new Date(now.getTime() + weekMs));
    try {
      await database.transaction(await runner.systemCall(), (tx) => runner.beginTest(tx, newest.id));
    } catch (error) {
      if (error instanceof AppError) return;
      throw error;
    }
    await runner.test(newest.id, newest.encrypted ? passphraseOf(row) : null);
  };

  return {
    view,

    set: async (call: Call, input: ParsedInputOf<typeof backupsSetSchedule>): Promise<BackupSchedule> => {
      if (input.every_s !== undefined && input.cron !== undefined)
        throw invalid('cron', 'or every_s is taken, and not both');
      await database.transaction(call, async (tx) => {
        const row = await backupsStore.schedule(tx.db, true);
        if (input.version !== undefined && input.version !== row.version)
          throw new AppError('generation_conflict', 'It was changed meanwhile; read it again.', {
            extensions: { version: row.version },
          });
        const next: ScheduleRow = {
          ...row,
          enabled: input.enabled ?? row.enabled,
          every_s: input.every_s ?? (input.cron === undefined ? row.every_s : null),
          cron: input.cron ?? (input.every_s === undefined ? row.cron : null),
          time_zone: input.time_zone ?? row.time_zone,
          retention: input.retention ?? row.retention,
          test: input.test ?? row.test,
          passphrase_sealed:
            input.passphrase === undefined
              ? row.passphrase_sealed
              : input.passphrase === null
                ? null
                : secrets.encrypt(input.passphrase, passphrasePlace),
        };
        requireTiming(next.cron, next.time_zone);
        next.next_at = nextAfter(next, clock.now());
        await backupsStore.setSchedule(tx.db, next);
        tx.emit({ kind: backupEvents.scheduleChanged, id: scheduleId, body: {} });
        const { passphrase, version, ...shown } = input;
        const details = { ...shown, ...(passphrase === undefined ? {} : { encrypted: passphrase !== null }) };
        tx.audit({ action: 'backups.set_schedule', target_type: 'backup_schedule', target_id: null, details });
      });
      return await view();
    },

    run: async (call: Call) => {
      const row = await backupsStore.schedule(database.read);
      const { view: made, ended } = await backups.begin(call, 'schedule', passphraseOf(row), 'backups.run_schedule');
      ended
        .then((outcome) => (outcome === 'done' ? backups.prune(ruling(row).retention) : undefined))
        .catch((error: unknown) => parts.onError(error, 'old backups could not be removed'));
      return made;
    },

    /** Each minute, in one process of all that share the database. */
    tick: async (): Promise<void> => {
      await runner.settleAbandoned();
      await makeDue();
      await testDue();
    },
  };
};

export type ScheduleService = ReturnType<typeof createScheduleService>;
