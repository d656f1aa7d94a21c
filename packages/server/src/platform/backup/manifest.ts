import { z } from 'zod';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const stored = z.strictObject({ name: z.string(), size: z.int().min(0), sha256 });
const migration = z.strictObject({
  source: z.string(),
  number: z.int().min(1),
  name: z.string(),
  sha256: z.string(),
});

/** What a backup holds; the last member but one, so that it can list what was written before it. */
export const backupManifest = z.strictObject({
  format: z.literal('atrium-backup'),
  format_version: z.literal(1),
  atrium_version: z.string(),
  created_at: z.iso.datetime(),
  postgres_version: z.string(),
  migrations: z.array(migration),
  /** Version of the schema of DBOS; null when the database had none. */
  jobs_schema: z.int().nullable(),
  tables: z.array(
    z.strictObject({
      schema: z.string(),
      name: z.string(),
      columns: z.array(z.string()),
      rows: z.int().min(0),
      /** Text output of COPY, in pieces whose size was known before they were written. */
      parts: z.array(stored),
    }),
  ),
  sequences: z.array(
    z.strictObject({ schema: z.string(), name: z.string(), last_value: z.string(), is_called: z.boolean() }),
  ),
  /** Tables beside those of Atrium, which were left out. */
  foreign_tables: z.array(z.string()),
  files: z.array(z.strictObject({ sha256, size: z.int().min(0) })),
  /** Files that the database knows and the storage did not have in their full size. */
  missing_files: z.array(sha256),
  /** Members whose bytes were not those of their name any more; kept in the archive, left out by a restore. */
  damaged_files: z.array(stored),
  /** Fingerprints of the master keys in use, the current one first; the keys themselves are in `master.key`. */
  key_ids: z.array(z.string()),
  master_key: stored.nullable(),
});
export type BackupManifest = z.infer<typeof backupManifest>;
export type BackupTable = BackupManifest['tables'][number];
export type StoredMember = z.infer<typeof stored>;

export const manifestName = 'manifest.json';
export const manifestHashName = 'manifest.sha256';
export const masterKeyName = 'master.key';
export const fileMember = (hash: string): string => `files/${hash}`;

/** Every member that must be there beside the manifest itself, with its size and hash. */
export const expectedMembers = (manifest: BackupManifest): Map<string, { size: number; sha256: string }> =>
  new Map([
    ...manifest.tables.flatMap((table) => table.parts.map((part) => [part.name, part] as const)),
    ...manifest.files.map((file) => [fileMember(file.sha256), file] as const),
    ...manifest.damaged_files.map((file) => [file.name, file] as const),
    ...(manifest.master_key === null ? [] : [[manifest.master_key.name, manifest.master_key] as const]),
  ]);
