import { request } from 'node:http';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type FirstOwner, setUp } from '../support/first-owner.ts';
import { isRunning } from '../support/running-process.ts';
import { postmasterPid } from '../support/server-database.ts';
import { type RunningServer, removeDataDir, startServer } from '../support/start-server.ts';
import { until } from '../support/until.ts';

let server: RunningServer;
let people: FirstOwner;

const start = async (dataDir?: string) => {
  server = await startServer(dataDir === undefined ? { own_process: true } : { dataDir });
};

beforeAll(async () => {
  await start();
  people = await setUp(server, () => server.url);
}, 60_000);
afterAll(async () => {
  await server.stop();
  removeDataDir(server.dataDir);
});

/** A request that has begun and not ended: the server holds half of its body until the rest is sent. */
const beginNotify = (title: string) => {
  const body = JSON.stringify({ title });
  const sending = request(`${server.url}/api/v1/inbox/notify`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${people.agent.token}`,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
    },
  });
  sending.write(body.slice(0, 8));
  const status = new Promise<number>((done, fail) => {
    sending.on('response', (response) => done(response.statusCode!));
    sending.on('error', fail);
  });
  return { status, finish: () => sending.end(body.slice(8)) };
};

const metric = async (name: string): Promise<number> => {
  const text = await (await fetch(`${server.url}/metrics`)).text();
  return Number(new RegExp(`^${name}(?:\\{[^}]*\\})? ([\\d.]+)$`, 'm').exec(text)?.[1] ?? 0);
};

it('SIGTERM ends long polls as pending, finishes what is in flight, refuses what is new, and stops postgres', async () => {
  const item = await people.ask();
  const postgres = postmasterPid(server.dataDir);
  const waiting = people.agent.get(`/api/v1/inbox/items/${item}/wait?timeout_s=300`);
  const half = beginNotify('Sent in two halves');
  await until(async () => (await metric('atrium_http_requests_in_flight')) >= 2, 'both are in flight');

  const started = performance.now();
  server.process.kill('SIGTERM');
  const waited = await waiting;
  expect([waited.status, waited.body.status]).toEqual([200, 'pending']);
  half.finish();
  expect(await half.status).toBe(201);
  const code = await server.ended;
  console.log(`drained in ${((performance.now() - started) / 1000).toFixed(1)} s`);
  expect(code).toBe(0);
  expect(isRunning(postgres)).toBe(false);
  await expect(fetch(`${server.url}/health`)).rejects.toThrow();

  await start(server.dataDir);
  const titles = (await people.owner.get('/api/v1/inbox/items')).body.items.map(
    (each: { title: string }) => each.title,
  );
  expect(titles.toSorted()).toEqual(['Deploy to production?', 'Sent in two halves']);
}, 60_000);

it('SIGINT twice ends it at once, and the next start repairs what was left', async () => {
  const item = await people.ask();
  const half = beginNotify('Never finished');
  half.status.catch(() => {});
  await until(async () => (await metric('atrium_http_requests_in_flight')) >= 1, 'the request is in flight');
  server.process.kill('SIGINT');
  await until(() => server.output().includes('finishing what runs'), 'the first signal is heard');
  expect(isRunning(server.pid)).toBe(true);
  server.process.kill('SIGINT');
  expect(await server.ended).toBe(1);

  await start(server.dataDir);
  expect((await people.owner.get(`/api/v1/inbox/items/${item}`)).body).toMatchObject({
    title: 'Deploy to production?',
    status: 'open',
  });
}, 60_000);
