import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { isAlive } from '../db/embedded/leftover.ts';

/**
 * URL of the built-in PostgreSQL of a data directory while a server runs it, or null when none runs. The running server
 * keeps its lock on the directory: only reading is safe beside it.
 */
export const runningCluster = (dataDir: string): string | null => {
  const linked = join(dataDir, 'postgres');
  if (!existsSync(join(linked, 'PG_VERSION'))) return null;
  const cluster = realpathSync(linked);
  const pidFile = join(cluster, 'postmaster.pid');
  if (!existsSync(pidFile)) return null;
  // Lines: pid, data directory, start time, port, socket directory, first listening address, …
  const [pid, , , port, socket, address] = readFileSync(pidFile, 'utf8')
    .split('\n')
    .map((line) => line.trim());
  if (!isAlive(Number(pid))) return null;
  const password = readFileSync(join(cluster, 'atrium.password'), 'utf8').trim();
  const host = socket === undefined || socket === '' ? (address ?? '127.0.0.1') : socket;
  return `postgresql://atrium:${password}@localhost:${port}/atrium?host=${encodeURIComponent(host)}`;
};
