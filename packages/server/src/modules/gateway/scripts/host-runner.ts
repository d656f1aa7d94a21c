import { spawn } from 'node:child_process';
import { chmod, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { setPriority } from 'node:os';
import { join } from 'node:path';
import { exited, failed, type RunEnding, type RunOrder, type Stop, stopped } from './run-ending.ts';
import { startsItself } from './script-files.ts';

const searchPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const niceness = 10;
/** Between the request to end and the end by force. */
const graceMs = 2000;
const interpreters = { sh: ['/bin/sh'], bash: ['bash'], python: ['python3'], program: [] } as const;

const homeOf = (scratch: string, id: string): string => join(scratch, id, 'home');

const signalGroup = (pid: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(-pid, signal);
  } catch {
    // Nobody of the group is left.
  }
};

/** Processes that left the group of their run are still known by the home that only this run had. */
const killByHome = async (home: string): Promise<void> => {
  if (process.platform !== 'linux') return;
  for (let round = 0; round < 3; round += 1) {
    let found = 0;
    for (const entry of await readdir('/proc').catch(() => [])) {
      if (!/^\d+$/.test(entry)) continue;
      const environment = await readFile(`/proc/${entry}/environ`, 'latin1').catch(() => '');
      if (!environment.split('\0').includes(`HOME=${home}`)) continue;
      found += 1;
      try {
        process.kill(Number(entry), 'SIGKILL');
      } catch {
        // It ended by itself.
      }
    }
    if (found === 0) return;
  }
};

const settle = async (scratch: string, id: string): Promise<void> => {
  await killByHome(homeOf(scratch, id));
  await rm(join(scratch, id), { recursive: true, force: true });
};

/** Runs scripts as processes of this machine: a copy of the bytes that were checked, in a folder that goes with the run. */
export const createHostRunner = (scratch: string) => ({
  /** Ends what a run left behind whose server is gone. */
  clear: (id: string): Promise<void> => settle(scratch, id),

  run: async (order: RunOrder): Promise<RunEnding> => {
    const home = homeOf(scratch, order.id);
    const folder = join(scratch, order.id, 'script');
    const file = join(folder, order.name);
    await mkdir(home, { recursive: true, mode: 0o700 });
    await mkdir(folder, { recursive: true, mode: 0o700 });
    try {
      await writeFile(file, order.bytes, { mode: 0o500 });
      await chmod(file, 0o500);
      const plain = startsItself(order.bytes) ? [file] : [...interpreters[order.kind], file];
      const command = order.command?.map((part) => part.replaceAll('{script}', file)) ?? plain;
      return await runProcess(command, home, order);
    } finally {
      await settle(scratch, order.id);
    }
  },
});

const runProcess = (command: readonly string[], home: string, order: RunOrder): Promise<RunEnding> =>
  new Promise((ended) => {
    const { signal, timeout_s, onOutput } = order;
    if (signal.aborted) return ended(stopped(signal.reason as Stop, timeout_s));
    const child = spawn(command[0]!, command.slice(1), {
      cwd: home,
      env: { PATH: searchPath, LANG: 'C.UTF-8', HOME: home, ...order.variables },
      // A group of its own, which is ended as a whole.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let force: NodeJS.Timeout | null = null;
    const { pid } = child;
    if (pid !== undefined) {
      try {
        setPriority(pid, niceness);
      } catch {
        // It has ended already.
      }
    }
    child.stdout.on('data', (chunk: Buffer) => onOutput('stdout', chunk));
    child.stderr.on('data', (chunk: Buffer) => onOutput('stderr', chunk));
    const onStop = (): void => {
      if (pid === undefined) return;
      signalGroup(pid, 'SIGTERM');
      force = setTimeout(() => signalGroup(pid, 'SIGKILL'), graceMs);
    };
    signal.addEventListener('abort', onStop, { once: true });
    const done = (ending: RunEnding): void => {
      if (force !== null) clearTimeout(force);
      signal.removeEventListener('abort', onStop);
      ended(signal.aborted ? stopped(signal.reason as Stop, timeout_s) : ending);
    };
    child.once('error', (error: NodeJS.ErrnoException) => {
      const hint = error.code === 'EACCES' ? ' The folder for runs may be on a file system that runs no programs.' : '';
      const what = command[0] === undefined ? 'The script' : command[0];
      done(failed('not_started', `${what} could not be started: ${error.code ?? error.message}.${hint}`));
    });
    // What it started in the background goes with it, or its output would never end.
    child.once('exit', () => {
      if (pid === undefined) return;
      signalGroup(pid, 'SIGKILL');
      void killByHome(home);
    });
    child.once('close', (code, killer) => {
      if (code !== null) return done(exited(code));
      done(failed('signal', `It was ended by ${killer ?? 'a signal'}.`));
    });
  });
