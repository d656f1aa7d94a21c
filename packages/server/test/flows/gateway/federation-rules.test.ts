import { once } from 'node:events';
import { Agent, createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import {
  assertionHeader,
  type RemotePrincipal,
  signAssertion,
} from '../../../src/modules/gateway/federation/assertion.ts';
import { Mux } from '../../../src/modules/gateway/federation/mux.ts';
import { joinAs, newPeerKey } from '../../support/federation-peer.ts';
import { ok, openWorld, type Person, type World } from '../../support/people.ts';
import type { Json } from '../../support/rest-client.ts';
import { until } from '../../support/until.ts';

/* `farm` owns two apps, `house` opens them; who of the house gets in is said by rules of the farm. */

const api = '/api/v1/federation';
const secret = 'a cluster secret of more than 32 characters';
const teams = '/api/v1/orgs/current/teams';

let app: Server;
let farm: World;
let house: World;
let houseId: string;
let ann: Person;
let ben: Person;
let growers: string;
const apps: Record<string, string> = {};
const sockets: WebSocket[] = [];

const env = {
  ATRIUM_FEDERATION_ENABLED: 'true',
  ATRIUM_FEDERATION_ALLOW_REMOTE_ROUTES: 'true',
  ATRIUM_FEDERATION_CLUSTER_SECRET: secret,
};

const open = async (person: Person, slug: string): Promise<Json> => person.get(`/apps/${slug}/`);
const statusOf = async (person: Person, slug: string): Promise<number> => (await open(person, slug)).status;
const rule = async (more: object): Promise<string> =>
  ok(await farm.operator.post(`${api}/rules`, { peer_id: houseId, match: 'group', ...more })).id;
const unrule = async (id: string) => ok(await farm.operator.delete(`${api}/rules/${id}`));

const tunnel = async (person: Person, slug: string): Promise<WebSocket> => {
  const socket = new WebSocket(`${house.url.replace('http', 'ws')}/apps/${slug}/`, {
    headers: { authorization: `Bearer ${person.token}` },
  });
  sockets.push(socket);
  await once(socket, 'open');
  return socket;
};
const echo = async (socket: WebSocket, text: string): Promise<string> => {
  const heard = once(socket, 'message');
  socket.send(text);
  return String((await heard)[0]);
};

beforeAll(async () => {
  app = createServer((asked, response) => response.end(JSON.stringify(asked.headers)));
  new WebSocketServer({ server: app }).on('connection', (socket) =>
    socket.on('message', (text) => socket.send(`again ${String(text)}`)),
  );
  app.listen(0, '127.0.0.1');
  await once(app, 'listening');
  [farm, house] = await Promise.all([openWorld({ env }), openWorld({ env })]);
  const { invitation } = ok(await farm.operator.post(`${api}/invitations`, {}));
  const { id: farmId } = ok(await house.operator.post(`${api}/join`, { invitation }));
  houseId = ok(await house.operator.get(`${api}/status`)).id;
  const target = { url: `http://127.0.0.1:${(app.address() as AddressInfo).port}` };
  for (const slug of ['herbs', 'roots']) {
    const route = { targets: [target], health: { skip: true } };
    apps[slug] = ok(await farm.operator.post('/api/v1/apps', { slug, route })).id;
    ok(await farm.operator.put(`${api}/publications/${apps[slug]}`, { peer_ids: null }));
    await until(
      async () => (await house.operator.post(`${api}/apps/${farmId}/${apps[slug]}/mount`, {})).status === 201,
      'the app is opened here',
    );
  }
  const invited = async (name: string): Promise<Person> => {
    const { invite_code } = ok(
      await house.operator.post('/api/v1/orgs/current/invitations', { role: 'member', max_uses: 1 }),
    );
    return house.makePerson(name, invite_code);
  };
  [ann, ben] = [await invited('Ann'), await invited('Ben')];
  growers = ok(await house.operator.post(teams, { name: 'Growers' })).id;
  const cooks = ok(await house.operator.post(teams, { name: 'Cooks' })).id;
  for (const team of [growers, cooks]) ok(await house.operator.post(`${teams}/${team}/members`, { user_id: ann.id }));
});
afterAll(async () => {
  for (const socket of sockets) socket.terminate();
  await Promise.all([farm?.close(), house?.close()]);
  app?.closeAllConnections();
  app?.close();
});

it('without a rule nobody of the peer gets in, also not with the address of an owner of the app', async () => {
  expect(house.operator.email).toBe(farm.operator.email);
  for (const person of [house.operator, ann, ben]) {
    // The route may be a moment younger at the gate than in the answer.
    await until(async () => (await statusOf(person, 'herbs')) !== 502, 'the link');
    const answer = await open(person, 'herbs');
    expect([answer.status, answer.body.code]).toEqual([404, 'not_found']);
  }
});

it('a rule that names a team lets its people in, and the app is told of that team alone', async () => {
  const id = await rule({ value: 'Growers', app_id: apps['herbs'] });
  const { status, body } = await open(ann, 'herbs');
  expect(status).toBe(200);
  expect(body).toMatchObject({ 'x-atrium-user': `${houseId}/${ann.id}`, 'x-atrium-groups': 'growers' });
  expect(body).not.toHaveProperty('x-atrium-email');
  expect([await statusOf(ben, 'herbs'), await statusOf(house.operator, 'herbs')]).toEqual([404, 404]);
  await unrule(id);
  expect(await statusOf(ann, 'herbs')).toBe(404);
});

it('a team of the owner with the name of one of the peer lets nobody of the peer in', async () => {
  const team = ok(await farm.operator.post(teams, { name: 'Growers' })).id;
  const [route] = ok(await farm.operator.get('/api/v1/routes?limit=100')).items.filter(
    ({ slug }: Json) => slug === 'herbs',
  );
  ok(await farm.operator.patch(`/api/v1/routes/${route.id}`, { access: 'people', people: { team_ids: [team] } }));
  expect(await statusOf(ann, 'herbs')).toBe(404);
});

it('a rule for one app is none for another, and one without an app is for all that are published', async () => {
  const one = await rule({ value: 'growers', app_id: apps['herbs'] });
  expect([await statusOf(ann, 'herbs'), await statusOf(ann, 'roots')]).toEqual([200, 404]);
  const every = await rule({ value: 'growers' });
  expect([await statusOf(ann, 'herbs'), await statusOf(ann, 'roots')]).toEqual([200, 200]);
  const again = await farm.operator.post(`${api}/rules`, { peer_id: houseId, match: 'group', value: 'GROWERS' });
  expect([again.status, again.body.code]).toEqual([409, 'name_taken']);
  for (const id of [one, every]) await unrule(id);
});

it('who joins the team is in, and who leaves it is out', async () => {
  const id = await rule({ value: 'growers', app_id: apps['roots'] });
  expect(await statusOf(ben, 'roots')).toBe(404);
  ok(await house.operator.post(`${teams}/${growers}/members`, { user_id: ben.id }));
  await until(async () => (await statusOf(ben, 'roots')) === 200, 'ben is in');
  ok(await house.operator.delete(`${teams}/${growers}/members/${ben.id}`));
  await until(async () => (await statusOf(ben, 'roots')) === 404, 'ben is out');
  expect(await statusOf(ann, 'roots')).toBe(200);
  await unrule(id);
});

it('what runs by the rule of a team ends with it, and what runs by another rule goes on', async () => {
  const team = await rule({ value: 'growers', app_id: apps['roots'] });
  const address = await rule({ match: 'email', value: house.operator.email, app_id: apps['roots'] });
  const [hers, his] = [await tunnel(ann, 'roots'), await tunnel(house.operator, 'roots')];
  expect(await echo(hers, 'hello')).toBe('again hello');
  const closed = once(hers, 'close');
  await unrule(team);
  await closed;
  expect(await echo(his, 'still here')).toBe('again still here');
  await unrule(address);
});

it('an address that nobody verified is no way in', async () => {
  const id = await rule({ match: 'email', value: ben.email, app_id: apps['roots'] });
  expect(await statusOf(ben, 'roots')).toBe(404);
  await unrule(id);
});

/** A peer that says what it likes about who asks. */
const asPeer = async () => {
  const key = newPeerKey();
  const { socket, who } = await joinAs(farm.url, key, { kind: 'cluster', secret }, null);
  sockets.push(socket);
  const mux = new Mux({
    ...{ caller: true, remote_address: '', opened: () => false },
    send: (frame) => socket.send(frame, { binary: true }),
  });
  socket.on('message', (data, binary) => {
    if (binary) mux.take(data as Buffer);
  });
  const agent = new Agent();
  agent.createConnection = () => mux.open();
  const ask = (slug: string, said: Partial<RemotePrincipal>): Promise<{ status: number; headers: Json }> =>
    new Promise((done, fail) => {
      const principal = { subject: 'somebody', name: 'Somebody', email: null, groups: [], ...said };
      const asking = request(
        {
          agent,
          path: `/apps/${slug}/`,
          headers: { host: 'peer', [assertionHeader]: signAssertion(key, who.id, principal, new Date()) },
        },
        async (response) => {
          let text = '';
          for await (const chunk of response) text += String(chunk);
          done({ status: response.statusCode!, headers: JSON.parse(text) });
        },
      );
      asking.on('error', fail);
      asking.end();
    });
  return { id: key.id, ask };
};

it('a rule for one peer says nothing about the same team of another', async () => {
  const ids = [await rule({ value: 'growers' })];
  const other = await asPeer();
  const status = async (said: Partial<RemotePrincipal>) => (await other.ask('roots', said)).status;
  expect(await status({ groups: ['growers'] })).toBe(404);
  ids.push(await rule({ peer_id: other.id, value: 'growers' }));
  expect(await status({ groups: ['cooks', 'GROWERS'] })).toBe(200);
  for (const groups of [[], ['growers2'], ['grow'], ['growers,cooks'], ['*']])
    expect([groups, await status({ groups })]).toEqual([groups, 404]);
  // A name of a team is no address, and the other way round.
  expect(await status({ email: 'growers', subject: 'growers', name: 'growers' })).toBe(404);

  ids.push(await rule({ peer_id: other.id, match: 'email', value: 'eve@example.org' }));
  const both = await other.ask('roots', { email: 'Eve@example.org', groups: ['growers', 'admins'] });
  expect([both.status, both.headers['x-atrium-email']]).toEqual([200, 'eve@example.org']);
  expect(both.headers).not.toHaveProperty('x-atrium-groups');
  for (const id of ids) await unrule(id);
});

it('a public app needs no rule, and is told of no team', async () => {
  const [route] = ok(await farm.operator.get('/api/v1/routes?limit=100')).items.filter(
    ({ slug }: Json) => slug === 'roots',
  );
  ok(await farm.operator.patch(`/api/v1/routes/${route.id}`, { access: 'public' }));
  await until(async () => (await statusOf(ben, 'roots')) === 200, 'it is public');
  const { body } = await open(ann, 'roots');
  expect(body['x-atrium-user']).toBe(`${houseId}/${ann.id}`);
  for (const header of ['x-atrium-groups', 'x-atrium-email']) expect(body).not.toHaveProperty(header);
});
