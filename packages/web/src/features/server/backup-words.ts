import type { BackupSchedule, BackupView } from '@atrium/protocol';
import { cronWords } from '../scripts/cron-words.ts';

export const backupReads = ['backups.list', 'backups.get', 'backups.get_schedule'];

/** "840 B", "12 KB", "3.4 MB", "1.2 GB": backups are often larger than other files. */
export const archiveSize = (bytes: number): string => {
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  const power = bytes < 1000 ? 0 : Math.min(Math.floor(Math.log10(bytes) / 3), units.length - 1);
  const value = bytes / 1000 ** power;
  return `${value < 10 && power > 0 ? Number(value.toFixed(1)) : Math.round(value)} ${units[power]}`;
};

const spans = [
  [86_400, 'day'],
  [3600, 'hour'],
  [60, 'minute'],
] as const;

/** "Every day", "Every 6 hours", or what a cron line says. */
export const scheduleWords = ({ every_s, cron }: Pick<BackupSchedule, 'every_s' | 'cron'>): string => {
  if (cron !== null) return cronWords(cron);
  const [span, word] = spans.find(([seconds]) => every_s! % seconds === 0) ?? [1, 'second'];
  const count = every_s! / span;
  return count === 1 ? `Every ${word}` : `Every ${count} ${word}s`;
};

const steps = { database: 'Reading tables', files: 'Copying files', check: 'Reading it back' } as const;

/** What a backup that is being made does now. */
export const progressWords = ({ progress }: BackupView): string => {
  if (progress === null) return 'Beginning';
  const { step, done, total } = progress;
  return total > 1 ? `${steps[step]}, ${done} of ${total}` : steps[step];
};

export const partWords = {
  apps: { label: 'Apps and routes', hint: 'With their shares and kept cookies' },
  certificates: { label: 'Certificates', hint: 'And the authority of this server' },
  scripts: { label: 'Scripts', hint: 'With chains and schedules, without their runs' },
  api_keys: { label: 'API keys', hint: 'Those that are gone; revoked ones stay revoked' },
} as const;
