import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { childrenOf } from '../packages/server/test/support/running-process.ts';

/** Servers run on one core; the load generator and the database share the other. */
const serverCore = 0;
const restCore = Math.min(1, cpus().length - 1);

const pin = (pid: number, core: number): void => {
  execFileSync('taskset', ['--all-tasks', '--cpu-list', '--pid', String(core), String(pid)], { stdio: 'ignore' });
};

export const pinServer = (pid: number): void => pin(pid, serverCore);

/** A process and those it started, such as the postmaster with its backends; later ones inherit the core. */
export const pinBesideServers = (pid: number): void => {
  pin(pid, restCore);
  for (const child of childrenOf(pid)) pin(child, restCore);
};

/** Processor time that a process has used so far, in microseconds; the kernel counts in hundredths of a second. */
export const cpuMicros = (pid: number): number => {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
};
