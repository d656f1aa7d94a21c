import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { compileCache } from '../support/compile-cache.ts';
import { setUp } from '../support/first-owner.ts';
import { runServer } from '../support/run-server.ts';
import { openServerDatabase } from '../support/server-database.ts';
import { type RunningServer, removeDataDir, startServer } from '../support/start-server.ts';
import { until } from '../support/until.ts';

const program = 'src/rotate-main.ts';
const form = { fields: [{ type: 'text', id: 'password', sealed: true, required: true }] };
const sealed = 'hunter2-the-password';

let server: RunningServer;
afterEach(async () => {
  await server.stop();
  removeDataDir(server.dataDir);
});

/** A server that holds one sealed answer and one answer kept under an Idempotency-Key. */
const startWithSecrets = async (env: Record<string, string> = {}) => {
  server = await startServer({ own_process: true, env });
  const people = await setUp(server, () => server.url);
  const item = await people.ask({ form });
  expect((await people.owner.post(`/api/v1/inbox/items/${item}/answer`, { values: { password: sealed } })).status).toBe(
    200,
  );
  const repeat = () =>
    people.owner.post('/api/v1/agents', { name: 'Kept' }, { headers: { 'idempotency-key': 'once' } });
  const kept = await repeat();
  expect(kept.status).toBe(201);
  return { people, item, repeat, kept };
};

const restart = async (env: Record<string, string> = {}) => {
  server = await startServer({ dataDir: server.dataDir, env });
};

const rotate = (env: Record<string, string> = {}) =>
  runServer({ program, cwd: server.dataDir, env: { ATRIUM_DATA_DIR: server.dataDir, ...env } });

const keysIn = (dataDir: string): string[] => readFileSync(join(dataDir, 'master.key'), 'utf8').trim().split('\n');

const everythingReads = async (held: Awaited<ReturnType<typeof startWithSecrets>>) => {
  const again = await held.repeat();
  expect(again.body).toEqual(held.kept.body);
  const outcome = await held.people.agent.post(`/api/v1/inbox/items/${held.item}/outcome`, {});
  expect(outcome.body.values).toEqual({ password: sealed });
  expect((await held.people.owner.get('/api/v1/audit/verify')).body).toMatchObject({ intact: true });
};

/** Every envelope of the database, whichever column it lies in. */
const keyIdsInUse = async (dataDir: string): Promise<string[]> => {
  const pool = openServerDatabase(dataDir);
  try {
    const { rows } = await pool.query<{ id: string }>(
      `select distinct split_part(envelope, '.', 2) as id from (
         select sealed_values as envelope from inbox_items union all select sealed_values from inbox_drafts
         union all select response from core_idempotency_keys) e where envelope is not null`,
    );
    return rows.map((row) => row.id);
  } finally {
    await pool.end();
  }
};

it('a new key in master.key takes over every stored secret, and the old one can leave the file', async () => {
  const held = await startWithSecrets();
  const [before] = await keyIdsInUse(server.dataDir);
  const live = await rotate();
  expect(live.code).toBe(1);
  expect(live.output).toContain('already uses the data directory');

  await server.stop();
  const { code, output } = await rotate();
  // Those of this test, and the two signing keys that every server has.
  expect(output).toMatch(/^The master key is [0-9a-f]{8}\. Renewed 4 of 4 stored secrets\./m);
  expect(code).toBe(0);
  const [current, ...earlier] = keysIn(server.dataDir);
  expect(earlier).toHaveLength(1);

  writeFileSync(join(server.dataDir, 'master.key'), `${current}\n`);
  await restart();
  const ids = await keyIdsInUse(server.dataDir);
  expect(ids).toHaveLength(1);
  expect(ids).not.toContain(before);
  await everythingReads(held);
}, 120_000);

it('a rotation that is killed half way is ended by the next one, without a third key', async () => {
  const held = await startWithSecrets();
  await server.stop();
  const child = spawn(process.execPath, [resolve(import.meta.dirname, '../..', program)], {
    cwd: server.dataDir,
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: process.env['HOME'] ?? '',
      ATRIUM_DATA_DIR: server.dataDir,
      ...compileCache,
    },
    stdio: 'ignore',
  });
  const gone = new Promise((done) => child.once('exit', done));
  await until(() => keysIn(server.dataDir).length === 2, 'the new key is there', 30_000);
  child.kill('SIGKILL');
  await gone;

  // A server may run in between: it writes under the new key and reads both.
  await restart();
  expect((await held.repeat()).body).toEqual(held.kept.body);
  await server.stop();

  const { code, output } = await rotate();
  expect(code).toBe(0);
  expect(output).toContain('stored secrets');
  const [current] = keysIn(server.dataDir);
  expect(keysIn(server.dataDir)).toHaveLength(2);
  writeFileSync(join(server.dataDir, 'master.key'), `${current}\n`);
  await restart();
  await everythingReads(held);
}, 120_000);

it('keys of ATRIUM_MASTER_KEY are replaced by putting the new one first', async () => {
  const [old, current] = [randomBytes(32).toString('base64'), randomBytes(32).toString('base64')];
  const held = await startWithSecrets({ ATRIUM_MASTER_KEY: old });
  await server.stop();
  const nothing = await rotate({ ATRIUM_MASTER_KEY: old });
  expect(nothing.code).toBe(1);
  expect(nothing.output).toContain('Put a new key before it');

  expect((await rotate({ ATRIUM_MASTER_KEY: `${current},${old}` })).code).toBe(0);
  await restart({ ATRIUM_MASTER_KEY: current });
  await everythingReads(held);
}, 120_000);
