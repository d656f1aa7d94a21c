import { statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';

const enough = 4 * 1024 ** 3;

const hasRoom = (path: string): boolean => {
  try {
    const { bavail, bsize } = statfsSync(path);
    return bavail * bsize >= enough;
  } catch {
    return false;
  }
};

/**
 * Where tests keep databases that nobody needs afterwards: in memory where there is room. Each is a thousand small files,
 * which cost a disk more time than the tests themselves. What a killed process leaves is the same in both places.
 */
export const scratchRoot = hasRoom('/dev/shm') ? '/dev/shm' : tmpdir();
