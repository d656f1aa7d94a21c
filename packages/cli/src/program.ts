import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, CommanderError } from 'commander';
import { addAgentCommands } from './commands/agent-commands.ts';
import { addAskCommand, addNotifyCommand, addWaitCommand } from './commands/ask-command.ts';
import { addClaudeHookCommand } from './commands/claude-hook-command.ts';
import { addCompletionCommand } from './commands/completion-command.ts';
import { addDiaryCommands } from './commands/diary-commands.ts';
import { addDoctorCommand } from './commands/doctor-command.ts';
import { addLoginCommands } from './commands/login-command.ts';
import { addServerCommands } from './commands/server-commands.ts';
import { withNamesOfHere } from './earlier-names.ts';
import { withExamples } from './examples.ts';
import { CliStatus, describeError, exitCodes } from './exit-codes.ts';
import type { Io } from './io.ts';
import { addOperationCommands } from './operation-commands.ts';
import { createSession } from './session.ts';

const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../package.json'), 'utf8')) as {
  version: string;
};

const exitHelp = (): string =>
  [
    'Exit status:',
    ...Object.values(exitCodes).map(({ code, meaning }) => `  ${String(code).padEnd(4)} ${meaning}`),
  ].join('\n');

const examples: Readonly<Record<string, readonly string[]>> = {
  ask: ['atrium ask "Deploy to production?" --yesno && ./deploy.sh'],
  wait: ['atrium wait 0190a000-0000-7000-8000-000000000000 --timeout 10m'],
  notify: ['atrium notify "Backup finished" --level success', 'make test 2>&1 | atrium notify "Test run" -m -'],
  login: ['atrium login --url https://atrium.example', 'atrium login --device'],
  logout: ['atrium logout'],
  whoami: ['atrium whoami --json'],
  profiles: ['atrium profiles'],
  serve: ['ATRIUM_PORT=4400 atrium serve'],
  backup: ['atrium backup nightly.tar.zst', 'atrium backup --verify nightly.tar.zst'],
  restore: ['atrium restore nightly.tar.zst'],
  doctor: ['atrium doctor'],
  'claude-hook': ['atrium claude-hook --print-config --timeout 5m'],
  completion: ['eval "$(atrium completion bash)"'],
};

/** The command tree: whole for the reference and for completion, else as much of it as the command line names. */
export const createProgram = (io: Io, signal: AbortSignal, words?: readonly string[]): Command => {
  const program = new Command('atrium');
  const session = createSession(io, signal);
  program
    .description('Ask people, tell people, and run an Atrium server.')
    .version(version)
    .option('--profile <name>', 'credential to use, as kept by "atrium login"')
    .option('--url <url>', 'server to talk to; default: the one of the profile, ATRIUM_URL, http://localhost:4400')
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
    })
    .exitOverride()
    .showHelpAfterError('(--help says more)')
    .commandsGroup('Commands:')
    .addHelpText('after', `\n${exitHelp()}`);
  addAskCommand(program, session);
  addWaitCommand(program, session);
  addNotifyCommand(program, session);
  addLoginCommands(program, session);
  addServerCommands(program, session);
  addDoctorCommand(program, session);
  addAgentCommands(program, session);
  addDiaryCommands(program, session, words?.includes('completion') ? undefined : words);
  addClaudeHookCommand(program, session);
  addCompletionCommand(program, session);
  for (const command of program.commands) {
    const lines = examples[command.name()];
    if (lines !== undefined) withExamples(command, ...lines);
  }
  addOperationCommands(program, session, words?.includes('completion') ? undefined : words);
  inheritSettings(program);
  return program;
};

/** Commands that are added whole do not take over how the program writes and exits. */
const inheritSettings = (command: Command): void => {
  for (const one of command.commands) {
    one.copyInheritedSettings(command);
    inheritSettings(one);
  }
};

/** Runs one command line and resolves to the exit status. */
export const runCli = async (given: readonly string[], io: Io, signal: AbortSignal): Promise<number> => {
  const args = withNamesOfHere(given);
  try {
    await createProgram(io, signal, args).parseAsync(args, { from: 'user' });
    return exitCodes.success.code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitCodes.usage.code;
    if (error instanceof CliStatus) return error.code;
    if (signal.aborted) return exitCodes.interrupted.code;
    const { exit, text } = describeError(error);
    if (text !== '') io.stderr.write(`${text}\n`);
    return exitCodes[exit].code;
  }
};
