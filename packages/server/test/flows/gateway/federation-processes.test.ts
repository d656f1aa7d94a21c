import { once } from 'node:events';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer, get as httpGet, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { setUp } from '../../support/first-owner.ts';
import { freePort } from '../../support/free-port.ts';
import { createRestClient, type Json, type RestClient } from '../../support/rest-client.ts';
import { isRunning } from '../../support/running-process.ts';
import { type RunningServer, removeDataDir, startServer } from '../../support/start-server.ts';
import { until } from '../../support/until.ts';

/*
 * `house` runs as two processes, of which any may take a connection. `farm` has the app and opens the link, so one of
 * the two holds it, and nobody chooses which.
 */

const api = '/api/v1/federation';
const patience = 40_000;

let app: Server;
let farm: RunningServer;
let house: RunningServer;
let farmer: RestClient & { token: string };
let owner: RestClient & { token: string };
let farmId: string;
let houseId: string;
let ruleId: string;
const sockets: WebSocket[] = [];

const common = {
  ATRIUM_FEDERATION_ENABLED: 'true',
  ATRIUM_FEDERATION_ALLOW_REMOTE_ROUTES: 'true',
  ATRIUM_RATE_LIMIT_REST: '100000/m',
};
const startFarm = (port: number, reachedAt: string, dataDir?: string): Promise<RunningServer> =>
  startServer({
    ...(dataDir === undefined ? {} : { dataDir }),
    port,
    env: { ...common, ATRIUM_FEDERATION_NAME: 'Farm', ATRIUM_PUBLIC_URL: reachedAt },
  });

const made = (answer: { status: number; body: Json }, status = 201): Json => {
  if (answer.status !== status) throw new Error(`${answer.status}: ${JSON.stringify(answer.body)}`);
  return answer.body;
};

/** Over a connection of its own, which either process may take. */
const ask = (server: RunningServer, token: string, path: string): Promise<number> =>
  new Promise((answered, failed) => {
    const headers = { authorization: `Bearer ${token}` };
    const asking = httpGet(`${server.url}${path}`, { headers, agent: false }, (response) => {
      response.resume();
      response.on('end', () => answered(response.statusCode!));
      response.on('error', failed);
    });
    asking.on('error', failed);
  });

let counted = 0;
/** What each process of the house answered to so many requests, by their lines in the files of the two. */
const askBoth = async (): Promise<{ first: number[]; further: number[] }> => {
  counted += 1;
  const mark = `/round-${counted}-`;
  const answers: number[] = [];
  const answered = (file: string): number[] => {
    const path = join(house.dataDir, 'logs', file);
    if (!existsSync(path)) return [];
    const lines = readFileSync(path, 'utf8').split('\n');
    return lines.flatMap((line) => (line.includes(mark) && line.endsWith('}') ? [JSON.parse(line).status] : []));
  };
  return until(
    async () => {
      for (let n = 0; n < 8; n += 1) answers.push(await ask(house, owner.token, `/apps/notes${mark}${answers.length}`));
      const [first, further] = [answered('access.ndjson'), answered('access-2.ndjson')];
      return first.length > 0 && further.length > 0 && { first, further };
    },
    'lines of both processes',
    patience,
  );
};
const kinds = (statuses: readonly number[]): number[] => [...new Set(statuses)].toSorted((a, b) => a - b);

const openTunnel = async (): Promise<WebSocket> => {
  const socket = new WebSocket(`${house.url.replace('http', 'ws')}/apps/notes/`, {
    headers: { authorization: `Bearer ${owner.token}` },
  });
  sockets.push(socket);
  await once(socket, 'open');
  return socket;
};

const further = (): number[] =>
  [...house.output().matchAll(/"process":\d+,"pid":(\d+),"msg":"a further process answers/g)].map((line) =>
    Number(line[1]),
  );
const letIn = async (): Promise<void> => {
  const rule = { peer_id: houseId, match: 'email', value: 'ada@example.org' };
  ruleId = made(await farmer.post(`${api}/rules`, rule)).id;
};
const bothOpen = () =>
  until(
    async () => {
      const { first, further: second } = await askBoth();
      return kinds([...first, ...second]).join() === '200';
    },
    'both processes open the app',
    patience,
  );
/** The process with the link opens the app; the other one says that it is not reached, or that it is known to be down. */
const oneOpens = () => {
  let both: Awaited<ReturnType<typeof askBoth>>;
  return until(
    async () => {
      both = await askBoth();
      const opens = [both.first, both.further].map((statuses) => statuses.every((status) => status === 200));
      const fails = [both.first, both.further].map((statuses) => statuses.every((one) => one === 502 || one === 503));
      return opens.includes(true) && fails.includes(true);
    },
    () => `one process opens the app: ${JSON.stringify(both)}`,
    patience,
  );
};

beforeAll(async () => {
  app = createServer((_asked, response) => response.end('from the farm'));
  new WebSocketServer({ server: app }).on('connection', (socket) =>
    socket.on('message', (text) => socket.send(`again ${String(text)}`)),
  );
  app.listen(0, '127.0.0.1');
  await once(app, 'listening');
  const farmPort = await freePort();
  [farm, house] = await Promise.all([
    startFarm(farmPort, `http://127.0.0.1:${farmPort}`),
    startServer({ env: { ...common, ATRIUM_PROCESSES: '2', ATRIUM_FEDERATION_NAME: 'House' } }),
  ]);
  await until(() => further().length === 1, 'the further process', 100_000);
  [farmer, owner] = await Promise.all([
    setUp(farm).then((people) => people.owner),
    setUp(house).then((people) => people.owner),
  ]);
  const { invitation } = made(await owner.post(`${api}/invitations`, {}));
  houseId = made(await farmer.post(`${api}/join`, { invitation })).id;
  farmId = (await farmer.get(`${api}/status`)).body.id;
  const targets = [{ url: `http://127.0.0.1:${(app.address() as AddressInfo).port}` }];
  const notes = made(
    await farmer.post('/api/v1/apps', { slug: 'notes', route: { targets, health: { skip: true } } }),
  ).id;
  made(await farmer.put(`${api}/publications/${notes}`, { peer_ids: null }), 200);
  await letIn();
  await until(
    async () => (await owner.post(`${api}/apps/${farmId}/${notes}/mount`, {})).status === 201,
    'the app is opened at the house',
  );
}, 240_000);

afterAll(async () => {
  for (const socket of sockets) socket.terminate();
  await Promise.all([farm?.stop(), house?.stop()]);
  for (const server of [farm, house]) if (server) removeDataDir(server.dataDir);
  app?.closeAllConnections();
  app?.close();
});

it('an address that only the peer itself said is not called where it is private and nobody allowed it', async () => {
  await oneOpens();
  const file = join(house.dataDir, 'atrium.yaml');
  writeFileSync(`${file}.new`, 'gateway: { targets: { allow: [127.0.0.0/8] } }\n');
  renameSync(`${file}.new`, file);
  await bothOpen();
});

it('an app of a peer opens at the process that holds the link and at the one that does not', async () => {
  const { first, further: second } = await askBoth();
  expect([kinds(first), kinds(second)]).toEqual([[200], [200]]);
});

it('what runs by a rule ends with it at every process', async () => {
  const tunnels = await Promise.all(Array.from({ length: 12 }, openTunnel));
  const heard = tunnels.map((socket) => once(socket, 'message'));
  for (const socket of tunnels) socket.send('hello');
  expect((await Promise.all(heard)).map(([text]) => String(text))).toEqual(tunnels.map(() => 'again hello'));
  const closed = tunnels.map((socket) => once(socket, 'close'));
  made(await farmer.delete(`${api}/rules/${ruleId}`), 204);
  await Promise.all(closed);
  const { first, further: second } = await askBoth();
  expect([kinds(first), kinds(second)]).toEqual([[404], [404]]);
  await letIn();
  await bothOpen();
});

it('an app of a server of two processes opens at a peer, and a rule made at either counts', async () => {
  const targets = [{ url: `http://127.0.0.1:${(app.address() as AddressInfo).port}` }];
  const wiki = made(await owner.post('/api/v1/apps', { slug: 'wiki', route: { targets, health: { skip: true } } })).id;
  made(await owner.put(`${api}/publications/${wiki}`, { peer_ids: null }), 200);
  await until(
    async () => (await farmer.post(`${api}/apps/${houseId}/${wiki}/mount`, {})).status === 201,
    'the app is opened at the farm',
  );
  const isAnswered = (status: number) =>
    until(async () => (await ask(farm, farmer.token, '/apps/wiki/')) === status, `the house answers ${status}`);
  await isAnswered(404);
  // Each call may be taken by the other process.
  for (let n = 0; n < 4; n += 1) {
    const rule = { peer_id: farmId, match: 'email', value: 'ada@example.org', app_id: wiki };
    const { id } = made(await owner.post(`${api}/rules`, rule));
    await isAnswered(200);
    made(await owner.delete(`${api}/rules/${id}`), 204);
    await isAnswered(404);
  }
});

it('a further process that is killed opens its way again when it is back', async () => {
  const before = further();
  process.kill(before.at(-1)!, 'SIGKILL');
  await until(() => !isRunning(before.at(-1)!), 'the end of the process');
  await until(() => further().length > before.length, 'its successor', patience);
  await bothOpen();
});

it('a peer that can only call opens at the process that it is connected to, and not at the other', async () => {
  await farm.stop();
  // Held, so that no server of another test is found there.
  const cuts = createTcpServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
  onTestFinished(() => void cuts.close());
  await once(cuts, 'listening');
  const nowhere = `http://127.0.0.1:${(cuts.address() as AddressInfo).port}`;
  // At another port: the process without the link may still try the old address before it hears of the new one.
  farm = await startFarm(0, nowhere, farm.dataDir);
  await until(async () => {
    const { address, state } = (await owner.get(`${api}/peers/${farmId}`)).body;
    return address === nowhere && state === 'online';
  }, 'the farm is back, at an address that leads nowhere');
  await oneOpens();
  const back = createRestClient(farm.url, farmer.token);
  expect((await back.get(`${api}/peers/${houseId}`)).body.state).toBe('online');
});
