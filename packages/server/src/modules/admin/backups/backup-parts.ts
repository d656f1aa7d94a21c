import type { BackupPart } from '@atrium/protocol';
import type { BackupManifest } from '../../../platform/backup/manifest.ts';
import type { PartCounts } from '../../../platform/backup/part-load.ts';
import type { Clock } from '../../../platform/clock/clock.ts';
import type { Database, Transaction } from '../../../platform/db/database.ts';
import type { Call } from '../../../platform/operations/call.ts';
import type { WriteProgress } from './backups-store.ts';

export interface BackupSettings {
  enabled: boolean;
  /** Absolute. */
  directory: string;
  schedule: { every_s: number } | { cron: string };
  retention: number;
}

/** Who asked the server to restore everything, and from which file. */
export interface RestoreRequest {
  backup_id: string;
  path: string;
  passphrase: string | null;
  by: { type: string; id: string | null; name: string };
  org_id: string;
}

/** What came of it, told after the start that follows. */
export interface RestoreOutcome extends Pick<RestoreRequest, 'backup_id' | 'by' | 'org_id'> {
  file_name: string;
  /** Null when it went well. */
  error: string | null;
  rows: number;
  files: number;
}

/** What reads and writes archives; the composition root has it, for it reaches the database and files of everybody. */
export interface BackupEngine {
  write(
    path: string,
    options: { passphrase: string | null; onProgress: (progress: WriteProgress) => void; signal: AbortSignal },
  ): Promise<BackupManifest>;
  /** Reads every byte; throws what is wrong with it, also when it does not fit the keys and the schema here. */
  check(path: string, passphrase: string | null, whole: boolean): Promise<BackupManifest>;
  /** Restores into a database that is made for it and dropped again. */
  rehearse(path: string, passphrase: string | null): Promise<{ rows: number }>;
  merge(
    path: string,
    passphrase: string | null,
    options: {
      manifest: BackupManifest;
      tables: readonly string[];
      overwrite: (table: string) => boolean;
      dry_run: boolean;
    },
  ): Promise<PartCounts[]>;
  /** The server stops after its answer, restores and starts again. */
  restart(request: RestoreRequest): void;
}

export interface BackupParts {
  database: Database;
  clock: Clock;
  secrets: { encrypt: (plain: string, aad: string) => string; decrypt: (sealed: string, aad: string) => string };
  settings: () => BackupSettings;
  engine: BackupEngine;
  /** Which organisation hears of what happens by itself; null while the server has none. */
  orgOf: () => Promise<string | null>;
  tellAdmins: (tx: Transaction, call: Call, notice: { title: string; message: string }) => Promise<void>;
  /** Counts how a backup or a test of one ended. */
  counted: (what: 'backup' | 'test', result: 'done' | 'failed') => void;
  onError: (error: unknown, what: string) => void;
  /** Unique to this process. */
  holder: string;
}

export const passphrasePlace = 'admin.backup_schedule';

/** Told to operators; the subject is the backup. */
export const backupEvents = {
  started: 'admin.backup.started',
  finished: 'admin.backup.finished',
  failed: 'admin.backup.failed',
  deleted: 'admin.backup.deleted',
  tested: 'admin.backup.tested',
  restored: 'admin.backup.restored',
  restoreFailed: 'admin.backup.restore_failed',
  scheduleChanged: 'admin.backup.schedule_changed',
} as const;

/** Tables of each part, each after those that it refers to. */
export const partTables: Readonly<Record<BackupPart, readonly string[]>> = {
  apps: ['gateway_apps', 'gateway_routes', 'gateway_claims', 'gateway_shares', 'gateway_cookie_jars'],
  certificates: ['gateway_certificate_authority', 'gateway_certificates', 'gateway_certificate_events'],
  scripts: ['gateway_scripts', 'gateway_script_chains', 'gateway_script_chain_steps', 'gateway_script_schedules'],
  api_keys: ['identity_api_keys'],
};

/** A key that was revoked since stays revoked. */
export const neverReplaced: ReadonlySet<string> = new Set(partTables.api_keys);
