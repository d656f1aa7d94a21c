import { readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';

/** How to reach the PostgreSQL that a started server keeps in its data directory. */
export const serverDatabaseUrl = (dataDir: string): string => {
  const cluster = realpathSync(join(dataDir, 'postgres'));
  const lines = readFileSync(join(cluster, 'postmaster.pid'), 'utf8').split('\n');
  const [port, socketDirectory, listen] = [lines[3]!.trim(), lines[4]!.trim(), lines[5]!.trim()];
  const password = readFileSync(join(cluster, 'atrium.password'), 'utf8').trim();
  const host = socketDirectory === '' ? '' : `?host=${encodeURIComponent(socketDirectory)}`;
  return `postgresql://atrium:${password}@${listen === '' ? 'localhost' : listen}:${port}/atrium${host}`;
};

export const postmasterPid = (dataDir: string): number =>
  Number(readFileSync(join(realpathSync(join(dataDir, 'postgres')), 'postmaster.pid'), 'utf8').split('\n')[0]);

/** A pool of the test's own, beside the server's. Losing it is the test's business, not an error. */
export const openServerDatabase = (dataDir: string): pg.Pool => {
  const pool = new pg.Pool({ connectionString: serverDatabaseUrl(dataDir), max: 3 });
  pool.on('error', () => {});
  return pool;
};
