import { z } from 'zod';
import { actor, byId, defineOperation, id, noInput, nothing, page, pageInput, time } from './operation.ts';

/* Backups of the whole server: every table and file in one archive. They belong to the server, not to an organisation. */

export const backupStates = ['running', 'done', 'failed'] as const;
export const backupCauses = ['manual', 'schedule', 'found'] as const;

/** What of a backup can be brought back among what is there now. */
export const backupParts = ['apps', 'certificates', 'scripts', 'api_keys'] as const;
export type BackupPart = (typeof backupParts)[number];

/** Short ones are guessed; scrypt makes that slow, not impossible. */
const newPassphrase = z.string().min(12).max(1024);
const passphrase = z.string().min(1).max(1024).describe('of an encrypted backup; kept nowhere');

export const backupView = z.object({
  id,
  state: z.enum(backupStates),
  cause: z.enum(backupCauses).describe('`found`: its file lay in the directory'),
  file_name: z.string(),
  present: z.boolean().describe('the file is in the directory of this server'),
  encrypted: z.boolean(),
  size: z.number().nullable().describe('bytes of the file'),
  sha256: z.string().nullable().describe('of the file'),
  tables: z.int().nullable(),
  rows: z.number().nullable(),
  files: z.int().nullable(),
  lost_files: z.int().nullable().describe('stored files that were missing or damaged, and are not in it'),
  version: z.string().nullable().describe('of the server that made it'),
  key_ids: z.array(z.string()).describe('fingerprints of the master keys that its secrets need'),
  progress: z
    .object({
      step: z.enum(['database', 'files', 'check']),
      done: z.int(),
      total: z.int(),
      bytes: z.number().describe('so far, before they are compressed'),
    })
    .nullable()
    .describe('while it runs'),
  error: z.string().nullable(),
  test: z
    .object({ state: z.enum(['running', 'passed', 'failed']), at: time, error: z.string().nullable() })
    .nullable()
    .describe('of the last restore into a scratch database'),
  created_by: actor,
  created_at: time,
  ended_at: time.nullable(),
});
export type BackupView = z.infer<typeof backupView>;

export const backupSchedule = z.object({
  enabled: z.boolean(),
  every_s: z.int().nullable().describe('null when a cron line rules'),
  cron: z.string().nullable(),
  time_zone: z.string(),
  retention: z.int().describe('how many scheduled backups are kept; those made by hand stay until they are deleted'),
  encrypted: z.boolean().describe('a passphrase is kept, encrypted under the master key'),
  test: z.boolean().describe('whether the newest one is restored into a scratch database each week'),
  directory: z.string(),
  next_at: time.nullable(),
  last_at: time.nullable(),
  last_state: z.enum(['done', 'failed']).nullable(),
  last_error: z.string().nullable(),
  next_test_at: time.nullable(),
  version: z.int(),
});
export type BackupSchedule = z.infer<typeof backupSchedule>;

export const restoreReport = z.object({
  outcome: z
    .enum(['checked', 'restored', 'restarting'])
    .describe('`checked`: a dry run; `restarting`: the server stops, restores everything and starts again'),
  made_at: time,
  version: z.string(),
  tables: z
    .array(
      z.object({
        table: z.string(),
        added: z.int(),
        replaced: z.int(),
        kept: z.int().describe('there already, and left as they are'),
        skipped: z.int().describe('of somebody or something that is not here any more'),
      }),
    )
    .describe('of a selective restore'),
  rows: z.number().describe('in the backup'),
  files: z.int().describe('in the backup'),
});

const manages = { access: 'signed_in', permission: 'backups.manage', operator: true } as const;
const reads = { ...manages, scope: 'admin:read' } as const;
const writes = { ...manages, scope: 'admin:write' } as const;

export const backupsList = defineOperation({
  ...reads,
  name: 'backups.list',
  summary: 'List backups, newest first',
  description: 'Files that lie in the directory of backups appear by themselves.',
  method: 'GET',
  path: '/api/v1/backups',
  input: z.strictObject({ state: z.enum(backupStates).optional(), ...pageInput }),
  output: page(backupView),
  status: 200,
  errors: ['bad_request'],
  mcp: { tool: 'backups_list', title: 'Backups', read_only: true },
});
export const backupsCreate = defineOperation({
  ...writes,
  name: 'backups.create',
  summary: 'Make a backup now',
  description: 'The answer comes at once; `backups.get` tells its progress. Everything is in it but the master key.',
  method: 'POST',
  path: '/api/v1/backups',
  input: z.strictObject({ passphrase: newPassphrase.optional().describe('encrypts the file; kept nowhere') }),
  output: backupView,
  status: 201,
  errors: ['backup_running', 'feature_disabled'],
  idempotency: 'header',
  mcp: { tool: 'backups_create', title: 'Make a backup' },
});
export const backupsGet = defineOperation({
  ...reads,
  name: 'backups.get',
  summary: 'Show one backup',
  method: 'GET',
  path: '/api/v1/backups/{id}',
  input: byId,
  output: backupView,
  status: 200,
  errors: ['not_found'],
  mcp: { tool: 'backups_get', title: 'One backup', read_only: true },
});
export const backupsDelete = defineOperation({
  ...writes,
  name: 'backups.delete',
  summary: 'Delete a backup and its file',
  method: 'DELETE',
  path: '/api/v1/backups/{id}',
  input: byId,
  output: nothing,
  status: 204,
  errors: ['not_found', 'backup_running'],
});
export const backupsDownload = defineOperation({
  ...reads,
  name: 'backups.download',
  summary: 'Download the file of a backup',
  method: 'GET',
  path: '/api/v1/backups/{id}/download',
  input: byId,
  output: z.unknown(),
  status: 200,
  errors: ['not_found', 'backup_running'],
  answer: 'file',
});
export const backupsTest = defineOperation({
  ...writes,
  name: 'backups.test',
  summary: 'Restore a backup into a scratch database, and throw that away',
  description: 'Proves that it can be restored. The answer comes at once; `backups.get` tells the result.',
  method: 'POST',
  path: '/api/v1/backups/{id}/test',
  input: z.strictObject({ id, passphrase: passphrase.optional() }),
  output: backupView,
  status: 200,
  errors: ['not_found', 'backup_running', 'backup_passphrase'],
});
export const backupsRestore = defineOperation({
  ...writes,
  name: 'backups.restore',
  summary: 'Bring a backup back, whole or in parts',
  description:
    'The whole file is checked first. Without `parts` the server stops, replaces everything by what is in the backup and starts again: what came after the backup is lost. With `parts` their rows join what is here, while the server runs.',
  method: 'POST',
  path: '/api/v1/backups/{id}/restore',
  input: z.strictObject({
    id,
    passphrase: passphrase.optional(),
    dry_run: z.boolean().default(false).describe('tells what would happen, and changes nothing'),
    parts: z.array(z.enum(backupParts)).min(1).max(backupParts.length).optional(),
    overwrite: z
      .boolean()
      .default(false)
      .describe('rows of the parts that are here are replaced by those of the backup; API keys never are'),
    confirm: z.string().max(300).optional().describe('the name of the file, for a whole restore'),
  }),
  output: restoreReport,
  status: 200,
  errors: [
    'not_found',
    'backup_running',
    'backup_passphrase',
    'backup_unusable',
    'backup_conflict',
    'validation_failed',
  ],
});
export const backupsGetSchedule = defineOperation({
  ...reads,
  name: 'backups.get_schedule',
  summary: 'Show when backups are made',
  method: 'GET',
  path: '/api/v1/backups/schedule',
  input: noInput,
  output: backupSchedule,
  status: 200,
  errors: [],
});
export const backupsSetSchedule = defineOperation({
  ...writes,
  name: 'backups.set_schedule',
  summary: 'Change when backups are made',
  description: 'What is left out stays. A passphrase is kept encrypted under the master key, and shown to nobody.',
  method: 'POST',
  path: '/api/v1/backups/schedule',
  input: z.strictObject({
    version: z.int().min(0).optional().describe('refused when it is no longer this one'),
    enabled: z.boolean().optional(),
    every_s: z
      .int()
      .min(300)
      .max(31 * 86_400)
      .optional()
      .describe('seconds between backups; takes the place of a cron line'),
    cron: z.string().trim().min(9).max(200).optional().describe('five fields; takes the place of an interval'),
    time_zone: z.string().trim().min(1).max(64).optional(),
    retention: z.int().min(1).max(1000).optional(),
    passphrase: newPassphrase.nullable().optional().describe('null: backups are no longer encrypted'),
    test: z.boolean().optional(),
  }),
  output: backupSchedule,
  status: 200,
  errors: ['validation_failed', 'generation_conflict'],
});
export const backupsRunSchedule = defineOperation({
  ...writes,
  name: 'backups.run_schedule',
  summary: 'Make the next scheduled backup now',
  method: 'POST',
  path: '/api/v1/backups/schedule/run',
  input: noInput,
  output: backupView,
  status: 201,
  errors: ['backup_running', 'feature_disabled'],
  idempotency: 'header',
});

export const backupOperations = [
  backupsList,
  backupsCreate,
  backupsGetSchedule,
  backupsSetSchedule,
  backupsRunSchedule,
  backupsGet,
  backupsDelete,
  backupsDownload,
  backupsTest,
  backupsRestore,
] as const;
