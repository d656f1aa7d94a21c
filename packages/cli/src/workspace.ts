import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { newPassphraseVariable, passphraseVariable } from './agent-home.ts';
import { CliExit } from './exit-codes.ts';
import type { Io } from './io.ts';

/** The checkout that this CLI is part of, or null when it was installed without the server. */
export const findWorkspace = (): string | null => {
  const root = resolve(import.meta.dirname, '../../..');
  return existsSync(join(root, 'packages/server/src/main.ts')) && existsSync(join(root, 'scripts/start.mjs'))
    ? root
    : null;
};

export const requireWorkspace = (what: string): string => {
  const root = findWorkspace();
  if (root !== null) return root;
  throw new CliExit(
    'refused',
    `"atrium ${what}" works inside a checkout of Atrium, where the server is. This is the client alone.`,
  );
};

/** The client's own variables would be unknown settings to the server, which refuses those. */
const clientVariables = new Set([
  ...['ATRIUM_URL', 'ATRIUM_TOKEN', 'ATRIUM_PROFILE'],
  ...['ATRIUM_API_URL', 'ATRIUM_CLIENT_ID', 'ATRIUM_CLIENT_SECRET'],
  ...[passphraseVariable, newPassphraseVariable],
]);

export const serverEnvironment = (io: Io): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(io.environment).filter(([name]) => !clientVariables.has(name)));

/** Runs a program of the server as a child and resolves to its exit status. Signals are passed on. */
export const runServerProgram = (io: Io, script: string, args: readonly string[]): Promise<number> => {
  const child = spawn(process.execPath, [script, ...args], {
    cwd: io.cwd,
    env: serverEnvironment(io),
    stdio: ['inherit', 'pipe', 'pipe'],
  });
  child.stdout.pipe(io.stdout, { end: false });
  child.stderr.pipe(io.stderr, { end: false });
  return ending(child);
};

/** The same with the terminal handed over whole, for a program that stays. */
export const becomeServerProgram = (io: Io, script: string, args: readonly string[]): Promise<number> =>
  ending(spawn(process.execPath, [script, ...args], { cwd: io.cwd, env: serverEnvironment(io), stdio: 'inherit' }));

const ending = (child: ChildProcess): Promise<number> => {
  // Ctrl-C in a terminal reaches the child by itself; a signal sent to this process alone does not.
  const pass = (signal: NodeJS.Signals) => void child.kill(signal);
  process.on('SIGTERM', pass);
  process.on('SIGHUP', pass);
  return new Promise((done, fail) => {
    child.once('error', fail);
    child.once('close', (code, signal) => {
      process.off('SIGTERM', pass);
      process.off('SIGHUP', pass);
      done(code ?? (signal === 'SIGINT' ? 130 : 1));
    });
  });
};
