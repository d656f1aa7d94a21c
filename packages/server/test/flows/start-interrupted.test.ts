import { existsSync, mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, it } from 'vitest';
import { commandsNaming } from '../support/running-process.ts';
import { beginServer, removeDataDir, type StartingServer, startServer } from '../support/start-server.ts';
import { until } from '../support/until.ts';

// One data directory for all: each start meets what the one before left behind.
const dataDir = mkdtempSync(join(tmpdir(), 'atrium-test-'));
let server: StartingServer;
afterEach(() => server.kill());
afterAll(() => removeDataDir(dataDir));

const leftover = 'stopping the postgres that an earlier Atrium left running';
const drafts = () => readdirSync(dataDir).filter((name) => name.startsWith('postgres.'));
const inCluster = (name: string) => existsSync(join(dataDir, 'postgres', name));

const interrupt = async (signal: NodeJS.Signals, stage: string, reached: () => boolean): Promise<void> => {
  server = beginServer({ dataDir });
  await until(reached, stage, 30_000);
  server.process.kill(signal);
  expect([await server.ended, server.output()]).toEqual([0, expect.stringContaining('then stopping')]);
  expect(server.output()).not.toContain(leftover);
  // PostgreSQL remarks on connections that its own shutdown cut; that is no fault of the start.
  const said = server
    .output()
    .split('then stopping')[1]!
    .split('\n')
    .filter((line) => !line.includes('"part":"postgres"'));
  expect(said.join('\n')).not.toMatch(/"level":(40|50|60)/);
  expect(commandsNaming(dataDir)).toEqual([]);
  expect(drafts()).toEqual([]);
  expect(inCluster('postmaster.pid')).toBe(false);
};

const stages: [stage: string, reached: () => boolean][] = [
  ['initdb makes the cluster', () => drafts().length > 0],
  ['postgres starts', () => inCluster('postmaster.pid')],
  ['the schema is migrated', () => inCluster('.s.PGSQL.5432')],
  ['the server is put together', () => server.output().includes('migrated the database')],
];

it.each(stages)('a signal while %s ends the start with status 0 and leaves nothing running', async (stage, reached) => {
  await interrupt('SIGTERM', stage, reached);
  expect(server.output()).toContain('giving up the start');
  expect(server.output()).not.toContain('is ready');
});

it('so does one at any later moment of the start, and the next start is good', async () => {
  for (const wait_ms of [0, 50, 100, 150, 200]) {
    let since: number | null = null;
    await interrupt('SIGINT', `${wait_ms} ms have passed since postgres began`, () => {
      if (inCluster('postmaster.pid')) since ??= performance.now();
      return since !== null && performance.now() - since >= wait_ms;
    });
  }
  const next = await startServer({ dataDir });
  server = next;
  expect(next.output()).not.toContain(leftover);
  expect((await fetch(`${next.url}/ready`)).status).toBe(200);
  expect(await next.stop()).toBe(0);
}, 180_000);
