import { readdirSync, readFileSync } from 'node:fs';
import { childrenOf } from '../packages/server/test/support/running-process.ts';

const threadMs = (pid: number, thread: string): number =>
  Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]) / 1e6;

/** Milliseconds of processor time that a process has used; 0 when it is gone, or where Linux does not tell. */
const ofProcess = (pid: number): number => {
  try {
    return readdirSync(`/proc/${pid}/task`).reduce((sum, thread) => sum + threadMs(pid, thread), 0);
  } catch {
    return 0;
  }
};

/** The same of a process and those that it started. */
export const processorMs = (pid: number): number =>
  [pid, ...childrenOf(pid)].reduce((sum, one) => sum + ofProcess(one), 0);
