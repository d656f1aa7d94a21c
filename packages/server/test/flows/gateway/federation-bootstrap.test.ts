import { randomBytes } from 'node:crypto';
import { renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import { answer } from '../../../src/modules/gateway/federation/handshake.ts';
import { PeerSocket } from '../../../src/modules/gateway/federation/peer-socket.ts';
import { newPeerKey } from '../../support/federation-peer.ts';
import { setUp } from '../../support/first-owner.ts';
import { freePort } from '../../support/free-port.ts';
import type { Json, RestClient } from '../../support/rest-client.ts';
import { type RunningServer, removeDataDir, startServer } from '../../support/start-server.ts';
import { until } from '../../support/until.ts';

/* Two servers of one house that share a secret. `barn` is named in the list of `house`, later also the other way round. */

const api = '/api/v1/federation';
const secret = randomBytes(24).toString('hex');
const patience = 30_000;

let barn: RunningServer;
let house: RunningServer;
let barnPort: number;
/** What the house's list says, which is not what the barn calls itself. */
let barnNamed: string;
let farmer: RestClient;
let owner: RestClient;

const common = {
  ATRIUM_FEDERATION_ENABLED: 'true',
  ATRIUM_FEDERATION_CLUSTER_SECRET: secret,
  ATRIUM_RATE_LIMIT_REST: '100000/m',
};
const barnEnv = (): Record<string, string> => ({
  ...common,
  ATRIUM_FEDERATION_NAME: 'Barn',
  ATRIUM_PUBLIC_URL: `http://localhost:${barnPort}`,
});

const peers = async (client: RestClient): Promise<Json[]> => (await client.get(`${api}/peers`)).body.items;
const online = (client: RestClient, count = 1) =>
  until(
    async () => {
      const all = await peers(client);
      return all.length === count && all.every(({ state }) => state === 'online') && all;
    },
    `${count} peers are online`,
    patience,
  );
const trail = async (client: RestClient, action: string): Promise<Json[]> =>
  (await client.get('/api/v1/audit?limit=100')).body.items.filter((line: Json) => line.action === action);
const isRefused = (client: RestClient, reason: string) =>
  until(
    async () => (await trail(client, 'federation.refused')).some(({ details }) => details.reason === reason),
    `${reason} is in the audit trail`,
    patience,
  );

/** The house reads its list while it runs. */
const name = (list: readonly string[]): void => {
  const file = join(house.dataDir, 'atrium.yaml');
  writeFileSync(`${file}.new`, `federation: { bootstrap_peers: ${JSON.stringify(list)} }\n`);
  renameSync(`${file}.new`, file);
};

beforeAll(async () => {
  barnPort = await freePort();
  barnNamed = `http://127.0.0.1:${barnPort}`;
  [barn, house] = await Promise.all([
    startServer({ port: barnPort, env: barnEnv() }),
    startServer({ env: { ...common, ATRIUM_FEDERATION_NAME: 'House' } }),
  ]);
  owner = (await setUp(house)).owner;
}, 120_000);
afterAll(async () => {
  await Promise.all([barn?.stop(), house?.stop()]);
  for (const server of [barn, house]) if (server) removeDataDir(server.dataDir);
});

it('a server of the list that nobody has set up is no peer yet', async () => {
  name([barnNamed]);
  await isRefused(owner, 'told: refused');
  expect(await peers(owner)).toEqual([]);
});

it('a server of the list is joined without an invitation as soon as it can be', async () => {
  farmer = (await setUp(barn)).owner;
  const [[seen], [known]] = await Promise.all([online(owner), online(farmer)]);
  expect(seen).toMatchObject({ name: 'Barn', address: barnNamed, dials: true, joined_by: 'cluster_secret' });
  expect(known).toMatchObject({ name: 'House', dials: false, joined_by: 'cluster_secret' });
  const [status, theirs] = [await farmer.get(`${api}/status`), await owner.get(`${api}/status`)];
  expect([seen?.fingerprint, known?.fingerprint]).toEqual([status.body.fingerprint, theirs.body.fingerprint]);
  expect(status.body.cluster).toBe(true);
});

it('servers that name each other are one peer each, at the address that its own operator named', async () => {
  await barn.stop();
  barn = await startServer({
    ...{ port: barnPort, dataDir: barn.dataDir },
    env: { ...barnEnv(), ATRIUM_FEDERATION_BOOTSTRAP_PEERS: house.url },
  });
  await until(async () => (await peers(farmer))[0]?.dials === true, 'the barn has joined the house as well', patience);
  const [[seen], [known]] = await Promise.all([online(owner), online(farmer)]);
  expect(seen).toMatchObject({ address: barnNamed, dials: true });
  expect(known).toMatchObject({ address: house.url, dials: true });
  for (const client of [owner, farmer]) expect(await trail(client, 'federation.joined')).toHaveLength(1);
});

it('a server of the list that does not know the secret is refused and audited, and does not learn it', async () => {
  const heard: string[] = [];
  const key = newPeerKey();
  const rogue = createServer();
  new WebSocketServer({ server: rogue }).on('connection', (socket) => {
    socket.on('message', (data) => heard.push(String(data)));
    const peer = new PeerSocket(socket, () => '127.0.0.1');
    const parts = {
      ...{ key, own: { name: 'Rogue', address: null, pins: [] }, cluster_secret: 'x'.repeat(48) },
      ...{ keyOf: async () => null, admit: async () => false, adopt: async () => {} },
    };
    peer.greeting((exchange) => answer(exchange, parts)).catch(() => socket.close());
  });
  await new Promise<void>((done) => rogue.listen(0, '127.0.0.1', done));
  try {
    name([barnNamed, `http://127.0.0.1:${(rogue.address() as AddressInfo).port}`]);
    await isRefused(owner, 'told: bad_secret');
    expect((await online(owner)).map((peer) => peer.name)).toEqual(['Barn']);
    expect(heard.length).toBeGreaterThan(0);
    expect(heard.join()).not.toContain(secret);
  } finally {
    rogue.closeAllConnections();
    rogue.close();
  }
});
