import makeMdns from 'multicast-dns';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { newId } from '../../../src/platform/ids/ids.ts';
import { newPeerKey } from '../../support/federation-peer.ts';
import { setUp } from '../../support/first-owner.ts';
import { freePort } from '../../support/free-port.ts';
import type { Json, RestClient } from '../../support/rest-client.ts';
import { type RunningServer, removeDataDir, startServer } from '../../support/start-server.ts';
import { until } from '../../support/until.ts';

/* Two servers of one network, which hear of each other by multicast alone. */

const api = '/api/v1/federation';
const secret = 'a cluster secret of more than 32 characters';

let barn: RunningServer;
let house: RunningServer;
let farmer: RestClient & { token: string };
let owner: RestClient & { token: string };

const start = async (name: string): Promise<RunningServer> => {
  const port = await freePort();
  return startServer({
    port,
    env: {
      ATRIUM_FEDERATION_ENABLED: 'true',
      ATRIUM_FEDERATION_MDNS: 'true',
      ATRIUM_FEDERATION_NAME: name,
      ATRIUM_RATE_LIMIT_REST: '100000/m',
      ATRIUM_FEDERATION_CLUSTER_SECRET: secret,
      ATRIUM_PUBLIC_URL: `http://127.0.0.1:${port}`,
    },
  });
};
const idOf = async (client: RestClient): Promise<string> => (await client.get(`${api}/status`)).body.id;
const neighbours = async (client: RestClient): Promise<Json[]> => (await client.get(`${api}/neighbours`)).body.items;
const neighbour = async (client: RestClient, id: string): Promise<Json | undefined> =>
  (await neighbours(client)).find((one) => one.id === id);

beforeAll(async () => {
  [barn, house] = await Promise.all([start('Barn'), start('House')]);
  [farmer, owner] = await Promise.all([
    setUp(barn).then((made) => made.owner),
    setUp(house).then((made) => made.owner),
  ]);
}, 120_000);
afterAll(async () => {
  await Promise.all([barn?.stop(), house?.stop()]);
  for (const server of [barn, house]) if (server) removeDataDir(server.dataDir);
});

it('servers that announce themselves are listed at each other, and neither is a peer by it', async () => {
  const [barnId, houseId] = [await idOf(farmer), await idOf(owner)];
  const seen = await until(() => neighbour(owner, barnId), 'the barn at the house');
  await until(() => neighbour(farmer, houseId), 'the house at the barn');
  const { fingerprint, address } = (await farmer.get(`${api}/status`)).body;
  expect(seen).toMatchObject({ name: 'Barn', state: 'new', address, fingerprint });
  expect((await neighbours(owner)).map(({ id }) => id)).not.toContain(houseId);
  expect((await owner.get(`${api}/peers`)).body.items).toEqual([]);
  expect((await farmer.get(`${api}/peers`)).body.items).toEqual([]);
});

it('who announces the address of another server with a key of its own is not paired with', async () => {
  const [id, key] = [newId(), newPeerKey()];
  const responder = makeMdns({ interface: '127.0.0.1', reuseAddr: true });
  await new Promise<void>((ready) => responder.once('ready', () => ready()));
  const [instance, host] = [`${id}._atrium._tcp.local`, `${id}.local`];
  const announce = (ttl: number) =>
    responder.respond({
      answers: [{ type: 'PTR', name: '_atrium._tcp.local', ttl, data: instance }],
      additionals: [
        { type: 'SRV', name: instance, ttl, data: { target: host, port: 80 } },
        {
          type: 'TXT',
          name: instance,
          ttl,
          data: ['v=1', `id=${id}`, `key=${key.public_key}`, `url=${barn.url}`, 'name=Ba\u0007rn'],
        },
        { type: 'A', name: host, ttl, data: '127.0.0.1' },
      ],
    });
  try {
    announce(120);
    const impostor = await until(() => neighbour(owner, id), 'the impostor');
    expect(impostor).toMatchObject({ name: 'Barn', state: 'new' });
    const refused = await owner.post(`${api}/neighbours/${id}/pair`, {});
    expect(refused.status).toBe(502);
    expect(refused.body).toMatchObject({ code: 'federation_refused', reason: 'key_changed' });
    expect((await owner.get(`${api}/peers`)).body.items).toEqual([]);
    announce(0);
    await until(async () => (await neighbour(owner, id)) === undefined, 'its goodbye');
    expect((await owner.post(`${api}/neighbours/${id}/pair`, {})).status).toBe(404);
  } finally {
    await new Promise<void>((closed) => responder.destroy(() => closed()));
  }
});

it('an operator pairs with one that knows the cluster secret, and its goodbye takes it off the list', async () => {
  const barnId = await idOf(farmer);
  const paired = await owner.post(`${api}/neighbours/${barnId}/pair`, {});
  expect(paired.status).toBe(201);
  expect(paired.body).toMatchObject({ id: barnId, name: 'Barn', joined_by: 'cluster_secret' });
  expect(await neighbour(owner, barnId)).toMatchObject({ state: 'peer' });
  await until(
    async () => (await farmer.get(`${api}/peers`)).body.items.length === 1,
    'the house as a peer of the barn',
  );
  await barn.stop();
  await until(async () => (await neighbour(owner, barnId)) === undefined, 'the goodbye');
  expect((await owner.get(`${api}/peers`)).body.items).toHaveLength(1);
});
