import { createHash, randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { newId } from '../../../src/platform/ids/ids.ts';
import { joinAs, newPeerKey, openSocket, shownPin } from '../../support/federation-peer.ts';
import { setUp } from '../../support/first-owner.ts';
import { freePort } from '../../support/free-port.ts';
import { createRestClient, type Json, type RestClient } from '../../support/rest-client.ts';
import { serverDatabaseUrl } from '../../support/server-database.ts';
import { type RunningServer, removeDataDir, startServer } from '../../support/start-server.ts';
import { until } from '../../support/until.ts';

/*
 * Two servers. `garden` has the app and TLS with an authority of its own; `house` joins it by an invitation and is where
 * people come in.
 */

const secret = randomBytes(24).toString('hex');
const api = '/api/v1/federation';
const before = getCACertificates('default');

let app: Server;
let appUrl: string;
let garden: RunningServer;
let house: RunningServer;
let gardenUrl: string;
let gardenPort: number;
let gardener: RestClient & { token: string };
let owner: RestClient & { token: string };
let pool: pg.Pool;
let appId: string;
let gardenId: string;
let houseId: string;

const common = {
  ATRIUM_FEDERATION_ENABLED: 'true',
  ATRIUM_FEDERATION_ALLOW_REMOTE_ROUTES: 'true',
  ATRIUM_RATE_LIMIT_REST: '100000/m',
};
const gardenEnv = {
  ...common,
  ATRIUM_TLS_MODE: 'internal',
  ATRIUM_FEDERATION_NAME: 'Garden',
  ATRIUM_FEDERATION_CLUSTER_SECRET: secret,
};

/** Says what it was asked with, and repeats what a socket tells it. */
const startApp = async (): Promise<void> => {
  app = createServer((request, response) => {
    const hash = createHash('sha256');
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      hash.update(chunk);
      bytes += chunk.length;
    });
    request.on('end', () => {
      if (request.url === '/large') response.end(Buffer.alloc(3 * 1024 * 1024, 'x'));
      else {
        response.setHeader('content-type', 'application/json');
        const { method, url, headers } = request;
        response.end(JSON.stringify({ method, url, headers, bytes, digest: hash.digest('hex') }));
      }
    });
  });
  const sockets = new WebSocketServer({ server: app });
  sockets.on('connection', (socket) => socket.on('message', (data) => socket.send(`again ${data}`)));
  await new Promise<void>((done) => app.listen(0, '127.0.0.1', done));
  appUrl = `http://127.0.0.1:${(app.address() as AddressInfo).port}`;
};

const made = (answer: { status: number; body: Json }, status = 201): Json => {
  if (answer.status !== status) throw new Error(`${answer.status}: ${JSON.stringify(answer.body)}`);
  return answer.body;
};

const catalogue = async (): Promise<Json[]> => (await owner.get(`${api}/apps`)).body.items;
const peerOf = async (client: RestClient, id: string): Promise<Json> => (await client.get(`${api}/peers/${id}`)).body;
/** Reasons of refusals, newest first. */
const refusals = async (client: RestClient): Promise<string[]> =>
  (await client.get('/api/v1/audit?limit=100')).body.items
    .filter(({ action }: Json) => action === 'federation.refused')
    .map(({ details }: Json) => details.reason);
const isRefused = (client: RestClient, reason: string) =>
  until(async () => (await refusals(client)).includes(reason), `${reason} is in the audit trail`);

beforeAll(async () => {
  await startApp();
  gardenPort = await freePort();
  gardenUrl = `https://localhost:${gardenPort}`;
  [garden, house] = await Promise.all([
    startServer({ port: gardenPort, env: gardenEnv }),
    startServer({ env: common }),
  ]);
  pool = new pg.Pool({ connectionString: serverDatabaseUrl(garden.dataDir), max: 2 });
  pool.on('error', () => {});
  const root = (await pool.query('select certificate from gateway_certificate_authority')).rows[0].certificate;
  setDefaultCACertificates([...before, root]);
  gardener = (await setUp({ url: gardenUrl, setupToken: garden.setupToken })).owner;
  owner = (await setUp(house)).owner;
  appId = made(
    await gardener.post('/api/v1/apps', { slug: 'notes', name: 'Notes', route: { targets: [{ url: appUrl }] } }),
  ).id;
}, 120_000);

afterAll(async () => {
  await pool?.end();
  await Promise.all([garden?.stop(), house?.stop()]);
  if (garden) removeDataDir(garden.dataDir);
  if (house) removeDataDir(house.dataDir);
  app?.closeAllConnections();
  app?.close();
  setDefaultCACertificates([...before]);
});

it('a server joins by an invitation that is shown once and good once', async () => {
  made(await gardener.put(`${api}/publications/${appId}`, { peer_ids: null }), 200);
  const { invitation, ...shown } = made(await gardener.post(`${api}/invitations`, { note: 'for the house' }));
  const listed = (await gardener.get(`${api}/invitations`)).body.items;
  expect(listed).toEqual([shown]);
  const joined = made(await owner.post(`${api}/join`, { invitation }));
  gardenId = joined.id;
  houseId = (await owner.get(`${api}/status`)).body.id;
  expect(joined).toMatchObject({ name: 'Garden', address: gardenUrl, dials: true, joined_by: 'invitation' });
  expect(joined.pins).toContain(await shownPin(gardenUrl));
  expect(joined.fingerprint).toBe((await gardener.get(`${api}/status`)).body.fingerprint);
  await until(async () => (await peerOf(gardener, houseId)).state === 'online', 'the garden sees the house');
  expect((await gardener.get(`${api}/invitations`)).body.items[0].used_by).toBe(houseId);
  const tokenOf = (text: string): string => JSON.parse(Buffer.from(text.slice(12), 'base64url').toString()).token;
  const again = joinAs(gardenUrl, newPeerKey(), { kind: 'invitation', token: tokenOf(invitation) }, null);
  await expect(again).rejects.toThrow('bad_invitation');
  await isRefused(gardener, 'bad_invitation');
});

it('published apps are seen at the other server, and changes of them', async () => {
  await until(async () => (await catalogue()).some(({ slug }) => slug === 'notes'), 'the app arrives');
  made(await gardener.patch('/api/v1/apps/notes', { name: 'Garden notes' }), 200);
  await until(async () => (await catalogue())[0].name === 'Garden notes', 'its new name arrives');
  expect((await catalogue())[0]).toMatchObject({ peer_id: gardenId, app: appId, openable: true, local_app_id: null });
});

it('G40: a remote request for an app that the principal may not open is answered 404 by the owner', async () => {
  const mounted = made(await owner.post(`${api}/apps/${gardenId}/${appId}/mount`, { slug: 'notes' }));
  expect(mounted.local_slug).toBe('notes');
  const audited = async (): Promise<boolean> => {
    const answer = await owner.get('/apps/notes/hello');
    expect([answer.status, answer.body.code]).toEqual([404, 'not_found']);
    return (await gardener.get('/api/v1/audit?limit=100')).body.items.some(
      ({ action, details }: Json) => action === 'federation.request_refused' && details.peer_id === houseId,
    );
  };
  await until(audited, 'the owner was asked, and has written it down');
  const stranger = await createRestClient(house.url).get('/apps/notes/hello');
  expect(stranger.status).toBe(401);
});

it('a rule of the owner lets a person of the peer in, who goes on as a stranger with a name', async () => {
  const rule = { peer_id: houseId, match: 'email', value: 'ada@example.org', app_id: appId };
  made(await gardener.post(`${api}/rules`, rule));
  const answer = await owner.get('/apps/notes/hello?a=1', {
    headers: { 'x-atrium-user': 'root', 'x-atrium-peer-assertion': 'forged', 'x-atrium-email': 'root@example.org' },
  });
  expect([answer.status, answer.body.url]).toEqual([200, '/hello?a=1']);
  const { headers } = answer.body;
  expect(headers['x-atrium-user']).toMatch(new RegExp(`^${houseId}/[0-9a-f-]{36}$`));
  expect(headers).toMatchObject({ 'x-atrium-peer': houseId, 'x-atrium-email': 'ada@example.org' });
  expect(headers['x-atrium-peer-assertion']).toBeUndefined();
  expect(headers['authorization']).toBeUndefined();
});

it('large bodies and sockets pass through the link, many at once', async () => {
  const body = randomBytes(2 * 1024 * 1024);
  const sent = async (): Promise<Json> => {
    const answer = await fetch(`${house.url}/apps/notes/upload`, {
      method: 'POST',
      body,
      headers: { authorization: `Bearer ${owner.token}` },
    });
    return answer.json();
  };
  const large = async (): Promise<number> => {
    const answer = await fetch(`${house.url}/apps/notes/large`, {
      headers: { authorization: `Bearer ${owner.token}` },
    });
    return (await answer.arrayBuffer()).byteLength;
  };
  const digest = createHash('sha256').update(body).digest('hex');
  const [first, second, ...sizes] = await Promise.all([sent(), sent(), large(), large(), large()]);
  expect([first, second]).toEqual([expect.objectContaining({ digest }), expect.objectContaining({ digest })]);
  expect(sizes).toEqual([3 * 1024 * 1024, 3 * 1024 * 1024, 3 * 1024 * 1024]);
});

const openTunnel = async (): Promise<WebSocket> => {
  const socket = new WebSocket(`${house.url.replace('http', 'ws')}/apps/notes/socket`, {
    headers: { authorization: `Bearer ${owner.token}` },
  });
  await new Promise((done, fail) => {
    socket.once('open', done);
    socket.once('error', fail);
  });
  return socket;
};

it('what runs by a rule ends with the rule', async () => {
  const socket = await openTunnel();
  const heard = new Promise((done) => socket.once('message', (data) => done(String(data))));
  socket.send('hello');
  expect(await heard).toBe('again hello');
  const closed = new Promise((done) => socket.once('close', done));
  const [rule] = (await gardener.get(`${api}/rules`)).body.items;
  made(await gardener.delete(`${api}/rules/${rule.id}`), 204);
  await closed;
  expect((await owner.get('/apps/notes/hello')).status).toBe(404);
});

it('G40: a wrong secret, and a handshake that is said again, are refused and audited', async () => {
  const pin = await shownPin(gardenUrl);
  const wrong = joinAs(gardenUrl, newPeerKey(), { kind: 'cluster', secret: 'x'.repeat(48) }, pin);
  await expect(wrong).rejects.toThrow('bad_secret');
  await isRefused(gardener, 'bad_secret');
  await expect(joinAs(gardenUrl, newPeerKey(), null, pin)).rejects.toThrow('unknown_peer');
  // Somebody in the middle shows another certificate.
  const middle = joinAs(gardenUrl, newPeerKey(), { kind: 'cluster', secret }, `sha256/${'A'.repeat(43)}=`);
  await expect(middle).rejects.toThrow('pin_mismatch');

  const peer = await joinAs(gardenUrl, newPeerKey(), { kind: 'cluster', secret }, pin);
  const { socket, peer: replay } = await openSocket(gardenUrl);
  const answer = await replay.greeting(async (exchange) => {
    exchange.send(peer.sent[0]!);
    await exchange.next();
    exchange.send(peer.sent[1]!);
    return exchange.next();
  });
  expect(JSON.parse(answer)).toEqual({ type: 'refused', reason: 'bad_signature' });
  await isRefused(gardener, 'bad_signature');
  socket.terminate();
  peer.socket.terminate();
});

it('G40: an update for an app that the peer does not own is refused and audited', async () => {
  const pin = await shownPin(gardenUrl);
  const key = newPeerKey();
  const peer = await joinAs(gardenUrl, key, { kind: 'cluster', secret }, pin);
  const shown = { slug: 'wiki', name: 'Wiki', icon: 'W', description: '', tags: [], path: '/apps/wiki/' };
  const app = newId();
  const say = (owner: string, clock: number, more: object = {}) =>
    peer.socket.send(
      JSON.stringify({
        ...{ type: 'catalogue', full: false, remote_routes: true },
        entries: [{ owner, app, clock: { [owner]: clock }, shown: { ...shown, ...more } }],
      }),
    );
  const theirs = async (): Promise<Json[]> =>
    (await gardener.get(`${api}/apps`)).body.items.filter(({ app: id }: Json) => id === app);
  say(houseId, 1);
  await isRefused(gardener, 'foreign_entry');
  expect(await theirs()).toEqual([]);
  say(key.id, 5);
  await until(async () => (await theirs()).length === 1, 'its own app is taken');
  say(key.id, 4, { name: 'An older name' });
  say(key.id, 6, { name: 'A newer name' });
  await until(async () => (await theirs())[0].name === 'A newer name', 'what is newer is taken');
  peer.socket.send(JSON.stringify({ type: 'catalogue', entries: 'all of them' }));
  await isRefused(gardener, 'malformed');
  made(await gardener.delete(`${api}/peers/${key.id}`), 204);
  expect(await theirs()).toEqual([]);
});

it('G40: a peer that shows another certificate key is refused until an operator accepts it', async () => {
  const [certificate] = (await gardener.get('/api/v1/certificates')).body.items;
  const known = await shownPin(gardenUrl);
  made(await gardener.post(`/api/v1/certificates/${certificate.id}/renew`, {}), 200);
  await until(async () => (await shownPin(gardenUrl)) !== known, 'the renewed certificate is served');
  await garden.stop();
  garden = await startServer({ port: gardenPort, dataDir: garden.dataDir, env: gardenEnv });
  await isRefused(owner, 'pin_changed');
  const refused = await peerOf(owner, gardenId);
  expect(refused).toMatchObject({ state: 'offline', last_error: 'pin_changed' });
  expect(refused.offered_pin).toBe(await shownPin(gardenUrl));
  expect((await owner.get('/apps/notes/hello')).status).toBeGreaterThanOrEqual(502);
  made(await owner.post(`${api}/peers/${gardenId}/trust`, { pin: refused.offered_pin }), 200);
  await until(async () => (await peerOf(owner, gardenId)).state === 'online', 'the link is back');
});

it('what is taken back is gone at the peer, with the app that opened it', async () => {
  made(await gardener.delete(`${api}/publications/${appId}`), 204);
  await until(async () => (await catalogue()).length === 0, 'the app is gone from the catalogue');
  await until(async () => (await owner.get('/api/v1/apps/notes')).status === 404, 'and from the launcher');
  expect((await owner.post(`${api}/sync`, {})).body.peers).toBe(1);
});

it('secrets of the federation are in no log and no table in clear', async () => {
  const output = garden.output() + house.output();
  expect(output).not.toContain(secret);
  // The restart has ended the connections of before.
  await pool.end();
  pool = new pg.Pool({ connectionString: serverDatabaseUrl(garden.dataDir), max: 1 });
  const { rows } = await pool.query('select * from gateway_federation_identity');
  expect(rows).toEqual([expect.objectContaining({ key_sealed: expect.stringMatching(/^v1\./) })]);
});
