import { createSocket, type Socket as Datagrams } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer, type Server as HttpServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readProxyHeader, writeProxyHeader } from '../../../src/platform/net/proxy-protocol.ts';
import { freePort } from '../../support/free-port.ts';
import { mmdbFile } from '../../support/mmdb-file.ts';
import { type Org, ok, openWorld, type Person, type World } from '../../support/people.ts';
import type { Json } from '../../support/rest-client.ts';
import { certificateFor, testAuthority } from '../../support/tls-certificates.ts';
import { until } from '../../support/until.ts';

const folder = mkdtempSync(join(tmpdir(), 'atrium-streams-'));
let world: World;
let operator: Person;
let org: Org;
const closers: (() => void)[] = [];
const conversations: Socket[] = [];

/** A proxy in front of the server: what comes from there is told of by the PROXY protocol. */
const proxyAddress = '127.0.0.2';

beforeAll(async () => {
  const geoip = join(folder, 'countries.mmdb');
  writeFileSync(geoip, mmdbFile({ '203.0.113.0/24': 'NZ', '198.51.100.0/24': 'DE' }));
  world = await openWorld({
    env: { ATRIUM_TRUSTED_PROXIES: proxyAddress, ATRIUM_PROXY_PROTOCOL: 'true', ATRIUM_GATEWAY_GEOIP_FILE: geoip },
  });
  operator = world.operator;
  org = await world.makeOrg();
});
afterAll(async () => {
  for (const close of closers) close();
  await world.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A server that tells its name, the bytes that it was sent first, and then gives back what it gets. */
const startEcho = async (
  name: string,
  over: { tls?: string } = {},
): Promise<{ url: string; server: Server; sockets: Set<Socket> }> => {
  const sockets = new Set<Socket>();
  const serve = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket));
    socket.write(`${name}:`);
    socket.on('data', (chunk) => socket.write(chunk)).on('end', () => socket.end(`:${name} is done`));
  };
  const made = over.tls === undefined ? null : certificateFor([over.tls]);
  const server =
    made === null
      ? createServer({ allowHalfOpen: true }, serve)
      : createTlsServer({ cert: made.chain, key: made.key, allowHalfOpen: true }, serve);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { url: `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`, server, sockets };
};

class Conversation {
  text = '';
  /** The other side says no more. */
  closed = false;
  readonly socket: Socket;
  constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding('latin1');
    const over = (): void => {
      this.closed = true;
      socket.end();
    };
    socket.on('data', (chunk) => {
      this.text += String(chunk);
    });
    socket.on('error', () => undefined);
    socket.on('end', over).on('close', over);
    conversations.push(socket);
  }
  hears(text: string): Promise<boolean> {
    return until(() => this.text.includes(text), `it hears ${text}; it heard ${this.text}`);
  }
  ends(): Promise<boolean> {
    return until(() => this.closed, 'the connection ends');
  }
}
const call = (port: number): Conversation =>
  new Conversation(connect({ port, host: '127.0.0.1', allowHalfOpen: true }));

let counted = 0;
const streamRoute = async (
  stream: Json,
  targets: readonly (string | { url: string; weight: number })[],
  more: Json = {},
): Promise<{ id: string; slug: string; status: number; body: Json }> => {
  counted += 1;
  const slug = `stream-${counted}`;
  const app = ok(await operator.post('/api/v1/apps', { slug }));
  const { status, body } = await operator.post('/api/v1/routes', {
    ...{ app_id: app.id, slug, kind: 'stream', access: 'public', stream: { protocol: 'tcp', ...stream } },
    targets: targets.map((one) => (typeof one === 'string' ? { url: one } : one)),
    ...more,
  });
  return { id: body.id, slug, status, body };
};
const isOpen = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('close', () => resolve(false));
    conversations.push(socket);
  });
const opens = (port: number): Promise<boolean> => until(() => isOpen(port), `port ${port} opens`);
const shuts = (port: number): Promise<boolean> => until(async () => !(await isOpen(port)), `port ${port} shuts`);

describe('TCP', () => {
  it('passes on both ways, with halves of connections, tells the target who it is, and keeps a line', async () => {
    const echo = await startEcho('one');
    const port = await freePort();
    const route = await streamRoute({ port, proxy_protocol: true }, [echo.url]);
    expect([route.status, route.body.mode, route.body.path_base]).toEqual([201, 'host', null]);
    expect(route.body.addresses).toEqual([`tcp://localhost:${port}`]);
    await opens(port);
    const talk = call(port);
    await talk.hears('one:');
    talk.socket.write('hello');
    talk.socket.end();
    await talk.hears(':one is done');
    await talk.ends();
    // Before the first byte of the client stands who that is.
    const given = Buffer.from(talk.text.slice('one:'.length), 'latin1');
    const header = readProxyHeader(given);
    expect(header).toMatchObject({ kind: 'header', source: { address: '127.0.0.1' } });
    expect(given.subarray((header as { length: number }).length).toString()).toBe('hello:one is done');
    const line = await until(
      async () =>
        ok(await operator.get(`/api/v1/gateway/access-log?app=${route.slug}`)).items.find(
          (one: Json) => one.bytes_in === 5,
        ),
      'a line of it',
    );
    expect(line).toMatchObject({
      ...{ method: 'TCP', path: `:${port}`, status: 200, outcome: 'ok', bytes_in: 5, address: '127.0.0.1' },
      target: echo.url,
    });
    const metrics = await (await fetch(`${world.url}/metrics`)).text();
    expect(metrics).toMatch(/^atrium_stream_ports\{protocol="tcp"\} [1-9]/m);
    expect(metrics).toMatch(/^atrium_stream_connections_total\{protocol="tcp"\} [1-9]/m);
  });

  it('G51: a change of the route touches nothing that runs; a port that no route wants is closed', async () => {
    const [old, fresh] = [await startEcho('old'), await startEcho('fresh')];
    const [port, moved] = [await freePort(), await freePort()];
    const route = await streamRoute({ port }, [old.url]);
    await opens(port);
    const before = call(port);
    await before.hears('old:');
    ok(await operator.patch(`/api/v1/routes/${route.id}`, { targets: [{ url: fresh.url }] }));
    await until(async () => {
      const talk = call(port);
      await until(() => talk.text !== '' || talk.closed, 'an answer');
      return talk.text.startsWith('fresh:');
    }, 'new connections reach the new target');
    ok(await operator.patch(`/api/v1/routes/${route.id}`, { stream: { protocol: 'tcp', port: moved } }));
    await opens(moved);
    await shuts(port);
    before.socket.write('still here');
    await before.hears('still here');
    ok(await operator.post(`/api/v1/routes/${route.id}/drain`, { within_s: 0 }));
    await before.ends();
    expect((await operator.delete(`/api/v1/routes/${route.id}`)).status).toBe(204);
    await shuts(moved);
  });

  it('G46: a target that cannot be reached is left out, and weights are kept', async () => {
    const [alive, other] = [await startEcho('alive'), await startEcho('other')];
    const dead = `tcp://127.0.0.1:${await freePort()}`;
    const port = await freePort();
    await streamRoute({ port }, [
      { url: dead, weight: 5 },
      { url: alive.url, weight: 2 },
      { url: other.url, weight: 1 },
    ]);
    await opens(port);
    const heard: string[] = [];
    for (let n = 0; n < 12; n++) {
      const talk = call(port);
      await until(() => talk.text !== '' || talk.closed, 'an answer');
      heard.push(talk.text);
      talk.socket.destroy();
    }
    expect(heard.every((text) => text === 'alive:' || text === 'other:')).toBe(true);
    const [a, o] = ['alive:', 'other:'].map((name) => heard.filter((text) => text === name).length);
    expect(a).toBeGreaterThan(o!);
    expect(o).toBeGreaterThan(0);
  });

  it('passes TLS through unopened, by the name that is asked for, with several routes on one port', async () => {
    const [a, b, rest] = [
      await startEcho('a', { tls: 'a.example.test' }),
      await startEcho('b', { tls: 'x.b.example.test' }),
      await startEcho('rest'),
    ];
    const port = await freePort();
    const routes = [
      await streamRoute({ port, names: ['a.example.test'] }, [a.url]),
      await streamRoute({ port, names: ['*.b.example.test'] }, [b.url]),
    ];
    expect(routes.map(({ status }) => status)).toEqual([201, 201]);
    await opens(port);
    const talkTo = async (servername: string): Promise<string> => {
      const socket = connectTls({ port, host: '127.0.0.1', servername, ca: testAuthority });
      const talk = new Conversation(socket);
      await until(() => talk.text !== '' || talk.closed, 'an answer');
      return talk.text;
    };
    // Checked by the client against the name: nobody stood between.
    await until(async () => (await talkTo('a.example.test')) === 'a:', 'the first name');
    await until(async () => (await talkTo('x.b.example.test')) === 'b:', 'the second name');
    expect(await talkTo('nobody.example.test')).toBe('');
    const taken = await streamRoute({ port, names: ['a.example.test'] }, [a.url]);
    expect([taken.status, taken.body.code]).toEqual([409, 'gateway_route_conflict']);
    expect(taken.body.detail).toBe(`Another route has the name a.example.test on TCP port ${port}.`);
    // What asks for no known name, or is no TLS, goes to the route without names.
    await streamRoute({ port }, [rest.url]);
    await until(async () => {
      const talk = call(port);
      talk.socket.write('GET / HTTP/1.1\r\n\r\n');
      await until(() => talk.text !== '' || talk.closed, 'an answer');
      return talk.text.startsWith('rest:');
    }, 'the rest');
  });

  it('keeps the limits of connections, of addresses and of silence', async () => {
    const echo = await startEcho('few');
    const [few, nobody, idle] = [await freePort(), await freePort(), await freePort()];
    await streamRoute({ port: few, max_connections: 5, max_per_address: 2 }, [echo.url]);
    const denied = await streamRoute({ port: nobody }, [echo.url], {
      filters: [{ kind: 'ip_allow', cidrs: ['10.0.0.0/8'] }],
    });
    await streamRoute({ port: idle, idle_ms: 1 }, [echo.url]);
    await until(async () => (await call(few).hears('few:')) === true, 'the port opens');
    const second = await until(async () => {
      const talk = call(few);
      await until(() => talk.text !== '' || talk.closed, 'an answer');
      return talk.text === 'few:' ? talk : null;
    }, 'a second one');
    const third = call(few);
    await third.ends();
    expect(third.text).toBe('');
    second.socket.destroy();
    await until(async () => {
      const talk = call(few);
      await until(() => talk.text !== '' || talk.closed, 'an answer');
      return talk.text === 'few:';
    }, 'one that left makes room');
    await until(async () => {
      const talk = call(nobody);
      await talk.ends();
      const { items } = ok(await operator.get(`/api/v1/gateway/access-log?app=${denied.slug}`));
      return items[0]?.outcome === 'denied' && items[0].status === 403 && talk.text === '';
    }, 'an address that is not allowed is sent away');
    const quiet = await until(async () => {
      const talk = call(idle);
      await until(() => talk.text !== '' || talk.closed, 'an answer');
      return talk.text === 'few:' ? talk : null;
    }, 'the port opens');
    await quiet.ends();
  });
});

describe('who may, and where', () => {
  it('only operators make and change one, and it asks nobody to sign in', async () => {
    const port = await freePort();
    const app = ok(await org.owner.post('/api/v1/apps', { slug: 'of-a-tenant' }));
    const body = {
      ...{ app_id: app.id, slug: 'of-a-tenant', kind: 'stream', access: 'public', stream: { protocol: 'tcp', port } },
      targets: [{ url: 'tcp://203.0.114.7:22' }],
    };
    const refused = await org.owner.post('/api/v1/routes', body);
    expect([refused.status, refused.body.code]).toEqual([403, 'operator_required']);
    const { status, body: signed } = await streamRoute({ port }, ['tcp://203.0.114.7:22'], { access: 'signed_in' });
    expect([status, signed.errors[0].path]).toEqual([422, 'access']);
    const web = await streamRoute({ port }, ['http://203.0.114.7:22'], {
      filters: [{ kind: 'redirect', from: '/', to: '/x' }],
    });
    expect(web.body.errors.map(({ path }: Json) => path)).toEqual(['targets.0.url', 'filters.0']);
    const plain = await operator.post('/api/v1/routes', {
      ...body,
      app_id: ok(await operator.post('/api/v1/apps', { slug: 'plain' })).id,
      kind: 'http',
      stream: null,
    });
    expect(plain.body.errors[0].path).toBe('targets.0.url');
  });

  it('G14: a port that somebody else has is refused with 409 and says whose it is, as far as that is known', async () => {
    const echo = await startEcho('taken');
    const mine = await freePort();
    const first = await streamRoute({ port: mine }, [echo.url]);
    expect(first.status).toBe(201);
    const again = await streamRoute({ port: mine }, [echo.url]);
    expect([again.status, again.body.detail]).toEqual([409, `Another route has TCP port ${mine}.`]);
    const foreign = Number(new URL(echo.url).port);
    const other = await streamRoute({ port: foreign }, [echo.url]);
    expect([other.status, other.body.code, other.body.address]).toEqual([
      409,
      'gateway_route_conflict',
      `tcp:${foreign}`,
    ]);
    expect(other.body.detail).toContain('is taken by another program of this machine');
    const own = await streamRoute({ port: Number(new URL(world.url).port) }, [echo.url]);
    expect([own.status, own.body.detail]).toEqual([409, `TCP port ${new URL(world.url).port} is the server's own.`]);
    // UDP is another port of the same number.
    expect((await streamRoute({ protocol: 'udp', port: mine }, ['udp://127.0.0.1:9'])).status).toBe(201);
  });

  it('G27: targets are judged when they are saved and again when they are dialled', async () => {
    const port = await freePort();
    for (const url of [
      'tcp://169.254.169.254:80',
      'tcp://0.0.0.0:22',
      'tcp://[fd00:ec2::254]:80',
      'tcp://2852039166:80',
    ]) {
      const { status, body } = await streamRoute({ port }, [url]);
      expect([url, status, body.code]).toEqual([url, 422, 'gateway_target_refused']);
    }
    // Its own port: a circle, which only shows when it is dialled.
    const { status, slug } = await streamRoute({ port }, [`tcp://127.0.0.1:${port}`]);
    expect(status).toBe(201);
    await until(async () => {
      const talk = call(port);
      await talk.ends();
      const { items } = ok(await operator.get(`/api/v1/gateway/access-log?app=${slug}`));
      return items[0]?.outcome === 'target_refused';
    }, 'it is refused when it is dialled');
  });
});

describe('UDP', () => {
  const startDatagrams = async (name: string): Promise<{ url: string; socket: Datagrams; from: Set<number> }> => {
    const from = new Set<number>();
    const socket = createSocket('udp4');
    socket.on('message', (datagram, { port, address }) => {
      from.add(port);
      socket.send(`${name} heard ${datagram}`, port, address);
    });
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    closers.push(() => socket.close());
    return { url: `udp://127.0.0.1:${socket.address().port}`, socket, from };
  };
  const client = (): { socket: Datagrams; heard: string[] } => {
    const socket = createSocket('udp4');
    const heard: string[] = [];
    socket.on('message', (datagram) => heard.push(String(datagram)));
    closers.push(() => socket.close());
    return { socket, heard };
  };

  it('gives each client a session of its own, which ends by silence, and no more of them than the route has', async () => {
    const echo = await startDatagrams('it');
    const port = await freePort();
    const route = await streamRoute({ protocol: 'udp', port, idle_ms: 1500, max_connections: 2 }, [echo.url]);
    expect([route.status, route.body.addresses[0].slice(0, 6)]).toEqual([201, 'udp://']);
    const [one, two, three] = [client(), client(), client()];
    const says = (who: typeof one, text: string) =>
      until(() => {
        who.socket.send(text, port, '127.0.0.1');
        return who.heard.some((answer) => answer.endsWith(` ${text}`));
      }, `an answer to ${text}`);
    await says(one, 'first');
    await says(two, 'second');
    expect(one.heard.every((text) => text === 'it heard first')).toBe(true);
    expect(echo.from.size).toBe(2);
    three.socket.send('third', port, '127.0.0.1');
    await says(one, 'again');
    expect([three.heard, echo.from.size]).toEqual([[], 2]);
    // Both sessions fall silent; then there is room.
    await says(three, 'late');
    const { items } = await until(async () => {
      const lines = ok(await operator.get(`/api/v1/gateway/access-log?app=${route.slug}`));
      return lines.items.length >= 2 ? lines : null;
    }, 'lines of the sessions');
    expect(items[0]).toMatchObject({ method: 'UDP', path: `:${port}`, status: 200, outcome: 'ok', target: echo.url });
  });

  it('wants an end of silence, and neither names nor headers', async () => {
    const port = await freePort();
    const { body } = await streamRoute({ protocol: 'udp', port, idle_ms: 0, names: ['a.test'], proxy_protocol: true }, [
      'udp://127.0.0.1:9',
    ]);
    expect(body.errors.map(({ path }: Json) => path)).toEqual([
      'stream.names',
      'stream.proxy_protocol',
      'stream.idle_ms',
    ]);
  });
});

describe('a proxy that passes bytes on', () => {
  let app: { server: HttpServer; url: string; asked: IncomingMessage[] };
  beforeAll(async () => {
    const asked: IncomingMessage[] = [];
    const server = createHttpServer((request, response) => {
      asked.push(request);
      response.writeHead(200, { 'cache-control': 'public, max-age=600' }).end(`answer ${asked.length}`);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    closers.push(() => server.close());
    app = { server, asked, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
    const route = { access: 'public', targets: [{ url: app.url }], health: { skip: true }, cache: true };
    ok(await operator.post('/api/v1/apps', { slug: 'web', route }));
    await until(async () => (await fetch(`${world.url}/apps/web/ready`)).status === 200, 'the app');
  });

  const port = () => Number(new URL(world.url).port);
  const says = (from: string, bytes: readonly (Buffer | string)[]): Promise<string> => {
    const socket = connect({ port: port(), host: '127.0.0.1', localAddress: from });
    const talk = new Conversation(socket);
    for (const part of bytes) socket.write(part);
    return talk.ends().then(() => talk.text);
  };
  const get = (path: string, lines: readonly string[] = []): string =>
    `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${lines.map((line) => `${line}\r\n`).join('')}Connection: close\r\n\r\n`;
  const header = (address: string): Buffer =>
    writeProxyHeader({ address, port: 4711 }, { address: '127.0.0.1', port: port() });

  it('G24, G49: its PROXY header tells who the client is; from anybody else it is no HTTP, and without it the proxy is refused', async () => {
    for (const path of ['/apps/web/told', '/health']) {
      const told = await says(proxyAddress, [header('203.0.113.7'), get(path, ['X-Forwarded-For: 9.9.9.9'])]);
      expect(told).toMatch(/^HTTP\/1\.1 200 /);
    }
    expect(app.asked.at(-1)!.headers['x-forwarded-for']).toBe('203.0.113.7');
    const { items } = ok(await operator.get('/api/v1/gateway/access-log?app=web&q=told'));
    expect(items[0].address).toBe('203.0.113.7');
    const bare = await says(proxyAddress, [get('/apps/web/bare')]);
    expect(bare).toMatch(/^HTTP\/1\.1 400 /);
    // In the fast lane and in Node's reader alike.
    for (const path of ['/apps/web/forged', '/health'])
      expect(await says('127.0.0.1', [header('203.0.113.7'), get(path)])).toMatch(/^HTTP\/1\.1 400 /);
    expect(app.asked.some(({ url }) => url === '/forged' || url === '/bare')).toBe(false);
  });

  it('countries are told by the address of the client', async () => {
    const route = ok(await operator.get('/api/v1/routes?q=web')).items.find(({ slug }: Json) => slug === 'web');
    const filters = [{ kind: 'geoblock', mode: 'allow', countries: ['nz'] }];
    const changed = ok(await operator.patch(`/api/v1/routes/${route.id}`, { filters }));
    expect(changed.filters).toEqual([{ kind: 'geoblock', mode: 'allow', countries: ['NZ'], unknown: 'deny' }]);
    const status = async (address: string) =>
      (await says(proxyAddress, [header(address), get('/apps/web/')])).slice(9, 12);
    await until(async () => (await status('198.51.100.7')) === '403', 'the filter counts');
    expect([await status('203.0.113.7'), await status('192.0.2.7')]).toEqual(['200', '403']);
    ok(await operator.patch(`/api/v1/routes/${route.id}`, { filters: [] }));
  });

  it('what is kept of an app is forgotten by purging, and changes of the route forget it as well', async () => {
    const route = ok(await operator.get('/api/v1/routes?q=web')).items.find(({ slug }: Json) => slug === 'web');
    await until(
      async () => (await fetch(`${world.url}/apps/web/kept`)).headers.get('cache-status')?.includes('hit'),
      'a hit',
    );
    const other = await org.owner.post(`/api/v1/routes/${route.id}/purge-cache`, {});
    expect(other.status).toBe(404);
    const purged = ok(await operator.post(`/api/v1/routes/${route.id}/purge-cache`, { path: '/kept' }));
    expect(purged).toEqual({ removed: 1 });
    expect((await fetch(`${world.url}/apps/web/kept`)).headers.get('cache-status')).toContain('fwd=uri-miss');
    ok(await operator.patch(`/api/v1/routes/${route.id}`, { cache: false }));
    await until(
      async () => (await fetch(`${world.url}/apps/web/kept`)).headers.get('cache-status') === null,
      'the cache is off',
    );
  });
});

it('ports are open again after a restart', async () => {
  const echo = await startEcho('later');
  const port = await freePort();
  await streamRoute({ port }, [echo.url]);
  await opens(port);
  // What still talks would be waited for.
  for (const socket of conversations) socket.destroy();
  await world.server.stop();
  expect(await isOpen(port)).toBe(false);
  await world.restart();
  const talk = call(port);
  await talk.hears('later:');
});
