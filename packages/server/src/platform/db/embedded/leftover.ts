import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { StartupError } from '../../errors/startup-error.ts';
import type { Logger } from '../../telemetry/logger.ts';

/** Of the socket that postgres makes inside the cluster. */
export const socketName = '.s.PGSQL.5432';

/** No system gives out a process id this high. */
const deadPid = 2_147_483_646;

/**
 * Deals with what a killed server left in the cluster. A postgres that still runs is stopped rather than adopted: that
 * ends the sessions and locks of the dead server too, and the next one is our own child again. The caller holds the
 * lock of the data directory, so no live server uses that postgres.
 */
export async function clearLeftover(cluster: string, logger: Logger): Promise<void> {
  const path = join(cluster, 'postmaster.pid');
  if (!existsSync(path)) return;
  const lines = readFileSync(path, 'utf8').split('\n');
  const pid = Number.parseInt(lines[0] ?? '', 10);
  if (!(pid > 0)) {
    // Cut off by a full disk before postgres could write its id, so that postgres never ran.
    rmSync(path);
  } else if (isPostgresOf(pid, lines[1] ?? '', cluster)) {
    logger.warn({ pid }, 'stopping the postgres that an earlier Atrium left running');
    await stopProcess(pid);
  } else if (isListed(pid)) {
    // Postgres would refuse to start while any process has this id, be it a zombie. The file stays because it also
    // names the shared memory by which postgres notices backends that outlived their postmaster.
    writeFileSync(path, [deadPid, ...lines.slice(1)].join('\n'));
  }
  // The socket has a lock file with the same id. It guards nothing more: the socket lies inside the cluster.
  rmSync(join(cluster, `${socketName}.lock`), { force: true });
}

/** Fast shutdown, then immediate shutdown (which recovery repairs) when sessions do not end. */
export async function stopProcess(pid: number, patienceMs = 20_000): Promise<void> {
  for (const [signal, wait] of [
    ['SIGINT', patienceMs],
    ['SIGQUIT', 10_000],
  ] as const) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ESRCH') return;
      throw new StartupError(
        `A PostgreSQL of an earlier Atrium (process ${pid}) still runs and cannot be stopped: it belongs to another user. Stop it, then start again.`,
        { cause: error },
      );
    }
    for (const end = Date.now() + wait; Date.now() < end; await delay(10)) if (!isAlive(pid)) return;
  }
  throw new StartupError(
    `A PostgreSQL of an earlier Atrium (process ${pid}) does not stop. End it by hand, then start again.`,
  );
}

/** Also false for a zombie, which stays where no init process reaps it (a container whose first process is npm). */
export function isAlive(pid: number): boolean {
  if (!isListed(pid)) return false;
  if (process.platform !== 'linux') return true;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return !/^\) [ZX]/.test(stat.slice(stat.lastIndexOf(')')));
  } catch {
    return false;
  }
}

function isListed(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Judged by the command line: the ids of processes are used again, and /proc/PID/cwd is closed to root in a container. */
function isPostgresOf(pid: number, recorded: string, cluster: string): boolean {
  if (!isAlive(pid)) return false;
  // A data directory copied from a live one names the postgres of the original, which is none of our business.
  if (existsSync(recorded) && realpathSync(recorded) !== realpathSync(cluster)) return false;
  const args = commandLine(pid);
  return basename(args[0] ?? '').startsWith('postgres') && args.join(' ').includes(`-D ${recorded}`);
}

/** Empty when there is no such process. */
export function commandLine(pid: number): string[] {
  try {
    if (process.platform === 'linux') return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    return execFileSync('ps', ['-ww', '-o', 'command=', '-p', String(pid)], { encoding: 'utf8' })
      .trim()
      .split(' ');
  } catch {
    return [];
  }
}
