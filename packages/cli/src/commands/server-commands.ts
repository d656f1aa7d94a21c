import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { CliStatus, usageError } from '../exit-codes.ts';
import type { Session } from '../session.ts';
import { becomeServerProgram, requireWorkspace, runServerProgram } from '../workspace.ts';

const backupProgram = (what: string): string => join(requireWorkspace(what), 'packages/server/src/backup-main.ts');

const finish = (code: number): void => {
  if (code !== 0) throw new CliStatus(code);
};

const passphraseOf = (cwd: string, { passphraseFile }: { passphraseFile?: string }): string[] =>
  passphraseFile === undefined ? [] : ['--passphrase-file', resolve(cwd, passphraseFile)];

/** Commands that run a program of the server: they need a checkout, and the settings of the server's environment. */
export const addServerCommands = (program: Command, session: Session): void => {
  const { io } = session;
  program
    .command('serve')
    .summary('start the server of this checkout')
    .description(
      'Starts the server as "npm start" does. Settings come from the environment and atrium.yaml; see docs/configuration.md.',
    )
    .action(async () =>
      finish(await becomeServerProgram(io, join(requireWorkspace('serve'), 'scripts/start.mjs'), [])),
    );
  program
    .command('backup')
    .summary('write database, files and key into one verified file')
    .description(
      `Takes one consistent snapshot, also while the server runs, and verifies the file afterwards. It reads the settings of the server (ATRIUM_DATA_DIR, DATABASE_URL, atrium.yaml).
The ending chooses the form: .tar, .tar.gz, otherwise zstd. The file holds the master key unless --without-key: keep it like a password.`,
    )
    .argument('[file]', 'where to write it')
    .option('--verify <file>', 'only check a backup: every member against its hash')
    .option('--without-key', 'leave out master.key; stored secrets cannot be read without it')
    .option('--overwrite', 'replace an existing file')
    .option('--passphrase-file <file>', 'encrypt with the passphrase that this file holds')
    .action(
      async (
        file: string | undefined,
        options: { verify?: string; withoutKey?: boolean; overwrite?: boolean; passphraseFile?: string },
      ) => {
        if ((file === undefined) === (options.verify === undefined))
          throw usageError('Give a file to write, or --verify FILE.');
        const args =
          options.verify === undefined
            ? [
                'backup',
                resolve(io.cwd, file!),
                ...(options.withoutKey ? ['--without-key'] : []),
                ...(options.overwrite ? ['--overwrite'] : []),
              ]
            : ['verify', resolve(io.cwd, options.verify)];
        finish(await runServerProgram(io, backupProgram('backup'), [...args, ...passphraseOf(io.cwd, options)]));
      },
    );
  program
    .command('restore')
    .summary('put a backup back')
    .description(
      'Checks every byte of the backup, then restores database, files and key. The server must not run, and the target must be empty unless --force.',
    )
    .argument('<file>')
    .option('--force', 'replace what the target holds')
    .option('--passphrase-file <file>', 'holds the passphrase of an encrypted backup')
    .action(async (file: string, options: { force?: boolean; passphraseFile?: string }) =>
      finish(
        await runServerProgram(io, backupProgram('restore'), [
          'restore',
          resolve(io.cwd, file),
          ...(options.force ? ['--force'] : []),
          ...passphraseOf(io.cwd, options),
        ]),
      ),
    );
};
