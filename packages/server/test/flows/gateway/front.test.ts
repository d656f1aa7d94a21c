import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { type Org, ok, openWorld, type Person, password, type World } from '../../support/people.ts';
import type { Json } from '../../support/rest-client.ts';
import { until } from '../../support/until.ts';

/** An app as people run them at home: a page, a socket, and something that tells what it was asked with. */
const startHomeApp = async (): Promise<{ server: Server; url: string; asked: IncomingMessage[] }> => {
  const asked: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    asked.push(request);
    if (request.url === '/slow') {
      response.writeHead(200, { 'content-type': 'text/plain' });
      response.write('begun');
      return;
    }
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ url: request.url, headers: request.headers }));
  });
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', (socket) => socket.on('message', (text) => socket.send(`heard ${String(text)}`)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
};

let world: World;
let org: Org;
let owner: Person;
let app: Awaited<ReturnType<typeof startHomeApp>>;
let route: string;

beforeAll(async () => {
  [world, app] = await Promise.all([openWorld({ env: { ATRIUM_TRUSTED_PROXIES: '' } }), startHomeApp()]);
  org = await world.makeOrg();
  owner = world.operator;
  const made = ok(
    await owner.post('/api/v1/apps', { slug: 'notes', route: { targets: [{ url: app.url }], health: { skip: true } } }),
  );
  route = made.routes[0].id;
  await until(
    async () => (await open('/apps/notes/', { authorization: `Bearer ${owner.token}` })).status === 200,
    'the app',
  );
});
afterAll(async () => {
  await world.close();
  app.server.closeAllConnections();
  app.server.close();
});

interface Answer {
  status: number;
  headers: IncomingMessage['headers'];
  text: string;
}

/** A request with the Host header that it likes, which `fetch` does not send. */
const open = (path: string, headers: Record<string, string> = {}): Promise<Answer> =>
  new Promise((answered, failed) => {
    const { port } = new URL(world.url);
    const asking = httpRequest({ host: '127.0.0.1', port, path, headers }, async (response) => {
      let text = '';
      for await (const chunk of response) text += String(chunk);
      answered({ status: response.statusCode!, headers: response.headers, text });
    });
    asking.on('error', failed).end();
  });
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

describe('an app behind a started server', () => {
  it('G1, G24: is reached within a second of being made, and hears who asks and nothing that a client says of that', async () => {
    const heard = JSON.parse(
      (
        await open('/apps/notes/board?x=1', {
          ...bearer(owner.token),
          'x-atrium-user': 'somebody else',
          'x-forwarded-for': '198.51.100.7',
          cookie: 'atrium_session=theirs; theme=dark',
        })
      ).text,
    ) as Json;
    expect(heard.url).toBe('/board?x=1');
    expect(heard.headers).toMatchObject({
      'x-atrium-user': owner.id,
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-prefix': '/apps/notes',
      cookie: 'theme=dark',
    });
    expect(heard.headers.authorization).toBeUndefined();
  });

  it('G16: is not there for a stranger on this very machine, nor for another organisation', async () => {
    expect((await open('/apps/notes/')).status).toBe(401);
    const page = await open('/apps/notes/', { accept: 'text/html', 'sec-fetch-mode': 'navigate' });
    expect([page.status, page.headers.location]).toEqual([303, '/login?return_to=%2Fapps%2Fnotes%2F']);
    const foreign = await open('/apps/notes/', bearer(org.owner.token));
    const unknown = await open('/apps/nothing/', bearer(org.owner.token));
    expect([foreign.status, unknown.status]).toEqual([404, 404]);
    const shape = ({ text }: Answer) => ({ ...JSON.parse(text), request_id: '', instance: '' });
    expect(shape(foreign)).toEqual(shape(unknown));
  });

  it('G21: is opened by a key with its scope alone, as bearer or X-API-Key, until the key is deleted', async () => {
    const made = ok(await owner.post('/api/v1/me/api-keys', { name: 'notes', scopes: ['access:notes'] }));
    const secret = made.api_key as string;
    expect((await open('/apps/notes/', bearer(secret))).status).toBe(200);
    expect((await open('/apps/notes/', { 'x-api-key': secret })).status).toBe(200);
    ok(
      await owner.post('/api/v1/apps', {
        slug: 'other',
        route: { targets: [{ url: app.url }], health: { skip: true } },
      }),
    );
    await until(async () => (await open('/apps/other/', bearer(owner.token))).status === 200, 'the other app');
    const refused = await open('/apps/other/', bearer(secret));
    expect([refused.status, JSON.parse(refused.text).required]).toEqual([403, 'access:other']);
    ok(await owner.delete(`/api/v1/me/api-keys/${made.key.id}`));
    expect((await open('/apps/notes/', bearer(secret))).status).toBe(401);
  });

  it('speaks over a socket, and both the socket and a long answer end with the session that opened them', async () => {
    const signedIn = await world.anonymous.post('/auth/login', { email: owner.email, password });
    const token = ok(signedIn).access_token as string;
    const socket = new WebSocket(`${world.url.replace('http', 'ws')}/apps/notes/live`, { headers: bearer(token) });
    await once(socket, 'open');
    socket.send('hello');
    expect(String((await once(socket, 'message'))[0])).toBe('heard hello');
    const closed = once(socket, 'close');
    const long = fetch(`${world.url}/apps/notes/slow`, { headers: bearer(token) }).then((answer) => answer.text());
    await until(() => app.asked.some(({ url }) => url === '/slow'), 'the long answer');
    const logout = await fetch(`${world.url}/auth/logout`, { method: 'POST', headers: bearer(token) });
    expect(logout.status).toBeLessThan(300);
    await closed;
    await expect(long).rejects.toThrow();
    expect((await open('/apps/notes/', bearer(token))).status).toBe(401);
  });

  it('G19: opens by a share link as often as it says, and nothing else does', async () => {
    const share = ok(
      await owner.post(`/api/v1/routes/${route}/shares`, { kind: 'link', max_uses: 2, expires_in: 3600 }),
    );
    const { pathname, search } = new URL(share.url);
    const first = await open(pathname + search);
    const cookie = first.headers['set-cookie']!.map((line) => line.split(';')[0]!).join('; ');
    expect((await open('/apps/notes/', { cookie })).status).toBe(200);
    expect((await open('/apps/other/', { cookie })).status).toBe(401);
    expect((await open('/api/v1/me', { cookie })).status).toBe(401);
    expect((await open(pathname + search)).headers['set-cookie']).toBeDefined();
    expect((await open(pathname + search)).headers['set-cookie']).toBeUndefined();
    ok(await owner.delete(`/api/v1/routes/${route}/shares/${share.id}`));
    expect((await open('/apps/notes/', { cookie })).status).toBe(401);
  });

  it('G17, G25: lives on a host of its own as well, and a name that is nobody’s gets nothing', async () => {
    ok(await owner.send('PATCH', `/api/v1/routes/${route}`, { mode: 'both', hosts: ['notes.home.example'] }));
    const at = { host: 'notes.home.example', ...bearer(owner.token) };
    await until(async () => (await open('/', at)).status === 200, 'the host');
    expect(JSON.parse((await open('/board', at)).text)).toMatchObject({ url: '/board' });
    expect((await open('/api/v1/me', at)).text).toContain('"url":"/api/v1/me"');
    expect((await open('/', { host: 'notes.elsewhere.example', ...bearer(owner.token) })).status).toBe(421);
  });

  it('G14, G60: is told of in the log, the sums and the metrics, and a test of the route connects to nothing', async () => {
    const before = app.asked.length;
    const url = `${world.url}/apps/notes/board`;
    expect(ok(await owner.post('/api/v1/routes/test', { url }))).toMatchObject({
      verdict: 'allow',
      target: `${app.url}/board`,
    });
    expect(app.asked.length).toBe(before);
    const log = ok(await owner.get('/api/v1/gateway/access-log?limit=200')).items as Json[];
    expect(log.find(({ path }) => path === '/apps/notes/board')).toMatchObject({
      app: 'notes',
      status: 200,
      outcome: 'ok',
    });
    await until(
      async () =>
        (ok(await owner.get('/api/v1/gateway/stats')).days as Json[]).some(({ app: slug }) => slug === 'notes'),
      'the sums',
    );
    expect(await (await fetch(`${world.url}/metrics`)).text()).toMatch(
      /atrium_proxy_requests_total\{app="notes",class="2xx"\} \d+/,
    );
  });
});
