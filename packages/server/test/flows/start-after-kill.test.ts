import { afterAll, beforeAll, expect, it } from 'vitest';
import { type FirstOwner, setUp } from '../support/first-owner.ts';
import { isRunning } from '../support/running-process.ts';
import { openServerDatabase, postmasterPid } from '../support/server-database.ts';
import { type RunningServer, removeDataDir, startServer } from '../support/start-server.ts';
import { until } from '../support/until.ts';

const env = { ATRIUM_RATE_LIMIT_REST: '1000000' };
let server: RunningServer;
let people: FirstOwner;
beforeAll(async () => {
  server = await startServer({ own_process: true, env });
  people = await setUp(server, () => server.url);
}, 60_000);
afterAll(async () => {
  await server.stop();
  removeDataDir(server.dataDir);
});

/** Writes as fast as four clients can until `stop`; gives the ids that were acknowledged. */
const writeOn = () => {
  const acknowledged: string[] = [];
  let stopped = false;
  const client = async (): Promise<void> => {
    for (let n = 0; !stopped; n += 1) {
      const answer = await people.agent.post('/api/v1/inbox/notify', { title: `Note ${n}` }).catch(() => null);
      if (answer?.status === 201) acknowledged.push(answer.body.id);
      else if (answer === null) await new Promise((later) => setTimeout(later, 20));
    }
  };
  const clients = [client(), client(), client(), client()];
  return {
    acknowledged,
    stop: async () => {
      stopped = true;
      await Promise.all(clients);
    },
  };
};

const allThere = async (ids: readonly string[]): Promise<void> => {
  const pool = openServerDatabase(server.dataDir);
  const { rows } = await pool.query<{ count: number }>(
    'select count(*)::int as count from inbox_items where id = any($1::uuid[])',
    [ids],
  );
  await pool.end();
  expect(rows[0]!.count).toBe(new Set(ids).size);
};

const enough = (writes: { acknowledged: string[] }, count: number) =>
  until(() => writes.acknowledged.length >= count, `${count} writes are acknowledged`, 30_000);

it('kill -9 of the server under writes: the postgres it left is dealt with, and every acknowledged write is there', async () => {
  const postgres = postmasterPid(server.dataDir);
  const writes = writeOn();
  await enough(writes, 50);
  await server.kill();
  await writes.stop();
  expect(isRunning(postgres)).toBe(true);
  server = await startServer({ dataDir: server.dataDir, env });
  expect(isRunning(postgres)).toBe(false);
  expect(postmasterPid(server.dataDir)).not.toBe(postgres);
  await allThere(writes.acknowledged);
  expect((await people.owner.get('/ready')).status).toBe(200);
}, 120_000);

it('kill -9 of postgres under writes: the server stays, tells 503 meanwhile, starts it again, and nothing acknowledged is lost', async () => {
  const postgres = postmasterPid(server.dataDir);
  const writes = writeOn();
  await enough(writes, 50);
  process.kill(postgres, 'SIGKILL');
  await until(() => !isRunning(postgres), 'it is gone');
  await until(async () => (await people.owner.get('/ready')).status === 200, 'it is ready again', 30_000);
  await enough(writes, writes.acknowledged.length + 50);
  await writes.stop();
  expect(isRunning(server.pid)).toBe(true);
  expect(postmasterPid(server.dataDir)).not.toBe(postgres);
  await allThere(writes.acknowledged);
  // Events and jobs came back as well, not only the pool.
  const item = await people.ask({ ttl_ms: 1000 });
  await until(
    async () => (await people.owner.get(`/api/v1/inbox/items/${item}`)).body.status === 'expired',
    'its timer runs',
    30_000,
  );
}, 120_000);

it('kill -9 of both, postgres first: the next start recovers, and a timer that was running ends its item', async () => {
  const item = await people.ask({ ttl_ms: 3000 });
  const writes = writeOn();
  await enough(writes, 50);
  process.kill(postmasterPid(server.dataDir), 'SIGKILL');
  await server.kill();
  await writes.stop();
  server = await startServer({ dataDir: server.dataDir, env });
  await allThere(writes.acknowledged);
  await until(
    async () => (await people.owner.get(`/api/v1/inbox/items/${item}`)).body.status === 'expired',
    'the timer ended the item',
    30_000,
  );
}, 120_000);
