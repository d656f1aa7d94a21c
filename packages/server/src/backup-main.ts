import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { backUp } from './app/backup.ts';
import { type RestoreReport, restore } from './app/restore.ts';
import { verifyArchive } from './platform/backup/archive-reader.ts';
import type { BackupManifest } from './platform/backup/manifest.ts';
import { ArchiveProblem } from './platform/backup/tar.ts';
import { systemClock } from './platform/clock/clock.ts';
import { type ConfigValues, formatProblems } from './platform/config/config.ts';
import { loadConfig } from './platform/config/load-config.ts';
import { StartupError } from './platform/errors/startup-error.ts';
import { createLogger } from './platform/telemetry/logger.ts';

const wrongConfiguration = 78;
const usage = `backup-main.ts backup FILE [--without-key] [--overwrite] [--passphrase-file FILE]
backup-main.ts restore FILE [--force] [--passphrase-file FILE]
backup-main.ts verify FILE [--passphrase-file FILE]
`;

const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../package.json'), 'utf8')) as {
  version: string;
};
const say = (line: string) => process.stdout.write(`${line}\n`);
const warn = (line: string) => process.stderr.write(`Warning: ${line}\n`);
const bytes = (size: number): string => {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = size === 0 ? 0 : Math.min(Math.floor(Math.log2(size) / 10), units.length - 1);
  return `${(size / 1024 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`;
};
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

const describe = (manifest: BackupManifest): void => {
  say(`  Made       ${manifest.created_at} by Atrium ${manifest.atrium_version}`);
  say(`  Database   ${sum(manifest.tables.map((table) => table.rows))} rows in ${manifest.tables.length} tables`);
  say(`  Files      ${manifest.files.length}, ${bytes(sum(manifest.files.map((file) => file.size)))}`);
  say(`  Key        ${manifest.master_key === null ? 'not included' : 'included'}`);
};

const warnOfGaps = (manifest: BackupManifest): void => {
  const lost = manifest.missing_files.length + manifest.damaged_files.length;
  if (lost > 0)
    warn(
      `${lost} stored files were already missing or damaged and are not in the backup: ${[...manifest.missing_files, ...manifest.damaged_files.map((file) => file.name)].slice(0, 5).join(', ')}`,
    );
  if (manifest.foreign_tables.length > 0)
    warn(`tables that are not Atrium's were left out: ${manifest.foreign_tables.join(', ')}`);
};

/** Never an argument: the list of processes shows those. */
const passphraseOf = (flags: Flags): string | null => {
  const path = flags['passphrase-file'];
  if (path === undefined) return null;
  const text = readFileSync(path, 'utf8').replace(/\r?\n$/, '');
  if (text.length < 8) throw new StartupError(`The passphrase in ${path} is shorter than 8 characters.`);
  return text;
};

const runBackup = async (values: ConfigValues, path: string, flags: Flags): Promise<void> => {
  const manifest = await backUp({
    values,
    path,
    with_key: flags['without-key'] !== true,
    overwrite: flags.overwrite === true,
    passphrase: passphraseOf(flags),
    version,
    clock: systemClock,
    log: createLogger('warn', process.stderr),
  });
  const checked = await verifyArchive(path, passphraseOf(flags));
  say(`${path} is written and verified, ${bytes(statSync(path).size)}`);
  describe(checked);
  warnOfGaps(manifest);
  if (manifest.master_key !== null)
    warn('the file holds the master key, so whoever reads it reads every stored secret. Keep it like a password.');
  else if (manifest.key_ids.length > 0)
    warn(
      `the master key ${manifest.key_ids[0]} is not in the file. Keep ${values.secrets.masterKey === null ? 'master.key' : 'ATRIUM_MASTER_KEY'} elsewhere: stored secrets cannot be read without it.`,
    );
};

const keySentence: Record<RestoreReport['key'], string> = {
  restored: 'master.key came with the backup',
  kept: 'the key that was here already fits',
  missing: 'MISSING',
};

const runRestore = async (values: ConfigValues, path: string, flags: Flags): Promise<number> => {
  const report = await restore({
    values,
    path,
    force: flags.force === true,
    passphrase: passphraseOf(flags),
    clock: systemClock,
    log: createLogger('warn', process.stderr),
  });
  say(`${path} is restored into ${report.place}`);
  describe(report.manifest);
  say(`  Counted    ${report.rows} rows and ${report.files} files, as in the backup`);
  say(`  Master key ${keySentence[report.key]}`);
  warnOfGaps(report.manifest);
  if (report.key === 'missing')
    warn(
      `the master key ${report.manifest.key_ids.join(', ')} is not here: put it into master.key or ATRIUM_MASTER_KEY.`,
    );
  const { checked, broken } = report.audit;
  say(`  Audit      ${checked - broken.length} of ${checked} chains intact`);
  for (const { org_id, seq, reason } of broken) warn(`the audit trail of ${org_id} breaks at ${seq}: ${reason}.`);
  return broken.length > 0 ? 1 : 0;
};

const options = {
  'without-key': { type: 'boolean' },
  overwrite: { type: 'boolean' },
  force: { type: 'boolean' },
  'passphrase-file': { type: 'string' },
} as const;
type Flags = { [name in Exclude<keyof typeof options, 'passphrase-file'>]?: boolean | undefined } & {
  'passphrase-file'?: string | undefined;
};

const main = async (): Promise<number> => {
  const { positionals, values: flags } = parseArgs({ options, allowPositionals: true });
  const [verb, path, more] = positionals;
  if (path === undefined || more !== undefined || !['backup', 'restore', 'verify'].includes(verb ?? '')) {
    process.stderr.write(usage);
    return 2;
  }
  if (verb === 'verify') {
    const manifest = await verifyArchive(path, passphraseOf(flags));
    say(`${path} is whole`);
    describe(manifest);
    warnOfGaps(manifest);
    return 0;
  }
  const config = await loadConfig();
  if (!config.ok) {
    process.stderr.write(formatProblems(config.problems));
    return wrongConfiguration;
  }
  if (verb === 'restore') return await runRestore(config.values, path, flags);
  await runBackup(config.values, path, flags);
  return 0;
};

/** Errors that the operator can do something about, without a stack. */
const isExpected = (error: unknown): error is Error =>
  error instanceof StartupError ||
  error instanceof ArchiveProblem ||
  (error instanceof Error &&
    /^(ENOENT|EACCES|EISDIR|ENOSPC|ECONNREFUSED|ERR_PARSE_ARGS_)/.test((error as NodeJS.ErrnoException).code ?? ''));

if (import.meta.main) {
  try {
    process.exitCode = await main();
  } catch (error) {
    process.stderr.write(`${isExpected(error) ? error.message : ((error as Error).stack ?? String(error))}\n`);
    process.exitCode = 1;
  }
}
