import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { asLostConnection, createJobsPool } from './jobs-pool.ts';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});
const socketFolder = (): string => {
  folders.push(mkdtempSync(join(tmpdir(), 'atrium-jobs-pool-')));
  return folders.at(-1)!;
};
const poolAt = (folder: string) =>
  createJobsPool(`postgresql://nobody@/none?host=${encodeURIComponent(folder)}`, 1, () => {});

it('a socket file that is missing reads as a refused connection', async () => {
  const pool = poolAt(socketFolder());
  await expect(pool.query('select 1')).rejects.toMatchObject({ code: 'ECONNREFUSED', syscall: 'connect' });
  await expect(pool.connect()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  await pool.end();
});

it('a server that hangs up is a lost connection', async () => {
  const folder = socketFolder();
  const server = createServer((socket) => socket.destroy()).listen(join(folder, '.s.PGSQL.5432'));
  await once(server, 'listening');
  const pool = poolAt(folder);
  const failed = await pool.query('select 1').catch((error: NodeJS.ErrnoException) => error);
  // By what comes first, the end or the failed write; DBOS repeats after either.
  expect(failed).toSatisfy(
    ({ code, message }) => code === 'ECONNRESET' || message === 'Connection terminated unexpectedly',
  );
  await pool.end();
  server.close();
});

it('other errors stay what they are', () => {
  const broken = Object.assign(new Error('write EPIPE'), { code: 'EPIPE', syscall: 'write' });
  expect(asLostConnection(broken)).toMatchObject({ code: 'ECONNRESET' });
  const sql = Object.assign(new Error('relation does not exist'), { code: '42P01' });
  expect(asLostConnection(sql)).toMatchObject({ code: '42P01' });
  expect(asLostConnection(null)).toBeNull();
});
