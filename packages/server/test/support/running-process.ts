import { readdirSync, readFileSync } from 'node:fs';

/**
 * Whether a process runs; a zombie that nobody reaped does not. After SIGKILL the first thread may be one while another
 * still holds the files, and so the sockets, of the process.
 */
export const isRunning = (pid: number): boolean => {
  try {
    return readdirSync(`/proc/${pid}/task`).some((thread) => isAlive(pid, thread));
  } catch {
    return false;
  }
};

const isAlive = (pid: number, thread: string): boolean => {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8'));
  } catch {
    return false;
  }
};

/** Resident memory in MB. */
export const residentMegabytes = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024;

/** Processes that this one started and that still run. */
export const childrenOf = (pid: number): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((child) => isRunning(child) && parentOf(child) === pid);

const parentOf = (pid: number): number | null => {
  try {
    return Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  } catch {
    return null;
  }
};

/** Command lines of running processes in which `text` occurs, those of this one left out. */
export const commandsNaming = (text: string): string[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid && isRunning(Number(name)))
    .map((name) => {
      try {
        return readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ');
      } catch {
        return '';
      }
    })
    .filter((command) => command.includes(text));
