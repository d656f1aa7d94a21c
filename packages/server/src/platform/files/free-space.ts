import { statfsSync } from 'node:fs';
import { AppError } from '../errors/app-error.ts';
import type { Logger } from '../telemetry/logger.ts';

/**
 * Four segments of PostgreSQL's log. Without room for the next one it ends at once and cannot start again until there is
 * some, so writes stop before that and reads go on.
 */
const reservedBytes = 64 * 2 ** 20;
/** Far less than the reserve is written in this time; a statfs for each transaction would be a needless system call. */
const askEveryMs = 500;

export interface FreeSpace {
  /** Throws `storage_full` while less than the reserve is free. */
  demand(): void;
}

/** Watches the disk that holds `directory`. */
export const createFreeSpace = (directory: string, log: Logger): FreeSpace => {
  let full = false;
  let askedAt = Number.NEGATIVE_INFINITY;

  const ask = (): void => {
    askedAt = performance.now();
    const { bavail, bsize } = statfsSync(directory);
    const free = bavail * bsize;
    if (full === free < reservedBytes) return;
    full = !full;
    const fields = { directory, free_bytes: free, reserved_bytes: reservedBytes };
    if (full) log.error(fields, 'the disk is full: nothing can be written until there is room, reading goes on');
    else log.info(fields, 'there is room on the disk again');
  };

  return {
    demand: () => {
      if (performance.now() - askedAt > askEveryMs) ask();
      if (full) throw new AppError('storage_full');
    },
  };
};
