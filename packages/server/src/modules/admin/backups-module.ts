import {
  backupsCreate,
  backupsDelete,
  backupsDownload,
  backupsGet,
  backupsGetSchedule,
  backupsList,
  backupsRestore,
  backupsRunSchedule,
  backupsSetSchedule,
  backupsTest,
  hasPermission,
  hasScope,
} from '@atrium/protocol';
import { eventFilter } from '../../platform/events/event-filter.ts';
import type { Module } from '../../platform/module.ts';
import { bind } from '../../platform/operations/binding.ts';
import type { RotationVisit } from '../../platform/secrets/secret-box.ts';
import { BackupDirectory } from './backups/backup-directory.ts';
import { type BackupParts, passphrasePlace, type RestoreOutcome } from './backups/backup-parts.ts';
import { BackupRunner } from './backups/backup-runner.ts';
import { createBackupsService } from './backups/backups-service.ts';
import { backupsStore } from './backups/backups-store.ts';
import { createScheduleService } from './backups/schedule-service.ts';

export type { BackupEngine, BackupParts, RestoreOutcome, RestoreRequest } from './backups/backup-parts.ts';

const tickMs = 5000;

export interface BackupsModule extends Module {
  rotate: RotationVisit;
  /** Told after the start that followed a restore. */
  settleRestore(outcome: RestoreOutcome): Promise<void>;
  stop(): Promise<void>;
}

/** Plug of backups: made, kept, tested and brought back, for operators. */
export const createBackupsModule = (parts: BackupParts): BackupsModule => {
  const directory = new BackupDirectory(() => parts.settings().directory);
  const runner = new BackupRunner(parts, directory);
  const backups = createBackupsService(parts, directory, runner);
  const schedule = createScheduleService(parts, directory, runner, backups);
  return {
    name: 'backups',
    bindings: [
      bind(backupsList, backups.list),
      bind(backupsCreate, backups.create),
      bind(backupsGet, backups.get),
      bind(backupsDelete, backups.remove),
      bind(backupsDownload, backups.download),
      bind(backupsTest, backups.test),
      bind(backupsRestore, backups.restore),
      bind(backupsGetSchedule, () => schedule.view()),
      bind(backupsSetSchedule, schedule.set),
      bind(backupsRunSchedule, (call) => schedule.run(call)),
    ],
    eventFilters: [
      eventFilter(
        'admin.backup.',
        (event, caller) =>
          caller.org_id === event.org_id &&
          caller.is_operator &&
          hasScope(caller.scopes, 'admin:read') &&
          hasPermission(caller.permissions, 'backups.manage'),
      ),
    ],
    sweeps: [{ name: 'backups', every_ms: tickMs, run: schedule.tick }],
    rotate: async (reencrypt) => {
      const { passphrase_sealed: sealed } = await backupsStore.schedule(parts.database.read);
      const renewed = sealed === null ? null : reencrypt(sealed, passphrasePlace);
      if (sealed !== null && renewed !== null) await backupsStore.reseal(parts.database.read, sealed, renewed);
    },
    settleRestore: backups.settleRestore,
    stop: () => runner.stop(),
  };
};
