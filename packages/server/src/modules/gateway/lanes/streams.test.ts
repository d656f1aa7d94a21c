import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ClientHttp2Session } from 'node:http2';
import { request as httpsRequest } from 'node:https';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { answerTo, ask, headOf, openStreams, toLoopback } from '../../../../test/support/stream-client.ts';
import { TestCertificates, testAuthority } from '../../../../test/support/tls-certificates.ts';
import { until } from '../../../../test/support/until.ts';
import type { Gate } from '../gate.ts';
import {
  exchange,
  makeRoute,
  makeTarget,
  openGate,
  startLane,
  startRawUpstream,
  startUpstream,
  type TestLane,
  type Upstream,
} from './lane.testkit.ts';

const digest = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex');
const large = randomBytes(6 * 1024 * 1024);

let uploads = 0;
let aborted = 0;
let written = 0;
const serve: Record<string, (request: IncomingMessage, response: ServerResponse) => void> = {
  '/echo': (request, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ method: request.method, url: request.url, raw: request.rawHeaders }));
  },
  '/length': (_request, response) => response.setHeader('content-length', '5').end('hello'),
  '/nothing': (_request, response) => response.writeHead(204).end(),
  '/same': (_request, response) => response.writeHead(304, { etag: '"1"' }).end(),
  '/empty': (_request, response) => response.writeHead(200, { 'transfer-encoding': 'chunked' }).end(),
  '/early': (_request, response) => {
    response.writeEarlyHints({ link: '</a.css>; rel=preload' });
    response.end('after');
  },
  '/trailers': (_request, response) => {
    response.writeHead(200, {
      trailer: 'x-sum',
      'x-two': ['a', 'b'],
      'set-cookie': ['a=1', 'b=2'],
      'keep-alive': 'timeout=9',
    });
    response.write('body');
    response.addTrailers({ 'x-sum': '4' });
    response.end();
  },
  '/digest': async (request, response) => {
    uploads += 1;
    const hash = createHash('sha256');
    for await (const chunk of request) hash.update(chunk as Buffer);
    response.setHeader('x-framing', request.headers['transfer-encoding'] ?? request.headers['content-length'] ?? '');
    response.end(hash.digest('hex'));
  },
  '/large': (_request, response) => response.end(large),
  '/forever': (_request, response) => {
    response.on('close', () => {
      aborted += 1;
    });
    response.write('begun');
  },
  '/flood': (_request, response) => {
    const more = (): void => {
      while (!response.destroyed && response.write(Buffer.alloc(64 * 1024))) written += 64 * 1024;
    };
    response.on('drain', more);
    more();
  },
  '/events': (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('data: one\n\n');
  },
  '/web': async (request, response) => {
    const parts: Buffer[] = [];
    for await (const chunk of request) parts.push(chunk as Buffer);
    const trailer = Buffer.from('grpc-status:0\r\n');
    const head = Buffer.alloc(5);
    head[0] = 0x80;
    head.writeUInt32BE(trailer.length, 1);
    response.writeHead(200, { 'content-type': 'application/grpc-web+proto' });
    response.end(Buffer.concat([...parts, head, trailer]));
  },
};

let upstream: Upstream;
let broken: Awaited<ReturnType<typeof startRawUpstream>>;
let t: TestLane;
let session: ClientHttp2Session;
const asked: string[] = [];
/** Shuts one route. */
const gate: Gate = {
  ...openGate(),
  decide: (request, route) => {
    asked.push(request.scheme);
    if (route.slug === 'shut') return { kind: 'refuse', status: 401, code: 'unauthorized', detail: 'Sign in.' };
    return openGate().decide(request, route);
  },
};

beforeAll(async () => {
  upstream = await startUpstream((request, response) => {
    const act = serve[request.url!.split('?', 1)[0]!];
    if (act === undefined) response.writeHead(404).end();
    else act(request, response);
  });
  const sockets = new WebSocketServer({ server: upstream.server });
  sockets.on('connection', (socket) => socket.on('message', (text) => socket.send(`heard ${String(text)}`)));
  broken = await startRawUpstream((socket) =>
    socket.once('data', () => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nonly this');
      setImmediate(() => socket.destroy());
    }),
  );
  const targets = [makeTarget(upstream.url)];
  const certificates = new TestCertificates();
  certificates.add(['localhost', 'notes.example.org']);
  const timeouts = { ...makeRoute({ slug: 'x' }).timeouts, client_take_idle: 200 };
  t = await startLane(
    [
      { host: '', path: '/apps/notes/', route: makeRoute({ slug: 'notes', targets }) },
      { host: 'notes.example.org', path: '/', route: makeRoute({ slug: 'hosted', targets }) },
      { host: '', path: '/apps/shut/', route: makeRoute({ slug: 'shut', targets }) },
      { host: '', path: '/apps/broken/', route: makeRoute({ slug: 'broken', targets: [makeTarget(broken.url)] }) },
      { host: '', path: '/apps/impatient/', route: makeRoute({ slug: 'impatient', targets, timeouts }) },
    ],
    { gate, tls: { certificates, redirect: null } },
  );
  session = await openStreams(t.port, { maxSessionMemory: 1000 } as never);
});
afterAll(async () => {
  session.destroy();
  await Promise.all([t.close(), upstream.close(), broken.close()]);
});

const overOne = (path: string, method = 'GET') =>
  new Promise<{ status: number; headers: IncomingMessage['headers']; text: string; trailers: object; early: number[] }>(
    (answered, failed) => {
      const early: number[] = [];
      const asking = httpsRequest({
        host: '127.0.0.1',
        port: t.port,
        path,
        method,
        ca: testAuthority,
        servername: 'localhost',
        agent: false,
      });
      asking.on('information', ({ statusCode }) => early.push(statusCode));
      asking.on('response', async (response) => {
        let text = '';
        for await (const chunk of response) text += String(chunk);
        answered({ status: response.statusCode!, headers: response.headers, text, trailers: response.trailers, early });
      });
      asking.on('error', failed).end();
    },
  );

/** What is the connection's own in HTTP/1.1, or differs with every answer. */
const comparable = (headers: object) =>
  Object.fromEntries(
    Object.entries(headers).filter(
      ([name]) => !/^(?::status|connection|keep-alive|transfer-encoding|date|x-request-id)$/.test(name),
    ),
  );

describe('an app over HTTP/2', () => {
  it.each([
    ['GET', '/length'],
    ['HEAD', '/length'],
    ['GET', '/nothing'],
    ['GET', '/same'],
    ['GET', '/empty'],
    ['GET', '/early'],
    ['GET', '/trailers'],
    ['GET', '/missing'],
  ])('G48: %s %s is answered as over HTTP/1.1', async (method, path) => {
    const url = `/apps/notes${path}`;
    const [one, two] = await Promise.all([overOne(url, method), ask(session, url, { ':method': method })]);
    const shape = ({ status, headers, text, trailers, early }: typeof one | typeof two) => ({
      ...{ status, text, early, headers: comparable(headers), trailers: Object.fromEntries(Object.entries(trailers)) },
    });
    expect(shape(two)).toEqual(shape(one));
    expect(Object.keys(two.headers)).not.toContain('keep-alive');
  });

  it('G48: an app that is not there and a path that is none are answered as over HTTP/1.1', async () => {
    for (const path of ['/apps/nothing/', '/apps/notes/%2e%2e/x', '/apps/shut/']) {
      const [one, two] = await Promise.all([overOne(path), ask(session, path)]);
      const plain = (text: string) => ({ ...JSON.parse(text), request_id: '' });
      expect([two.status, plain(two.text)]).toEqual([one.status, plain(one.text)]);
      expect(two.headers['atrium-error']).toBe(one.headers['atrium-error']);
      expect(two.headers['strict-transport-security']).toBeUndefined();
    }
  });

  it('G24: is told of the client by this server alone, with the crumbs of a cookie put together', async () => {
    const stream = session.request({
      ...{ ':path': '/apps/notes/echo?x=1', 'x-forwarded-for': '198.51.100.7', te: 'trailers' },
      cookie: ['a=1', 'b=2; atrium_session=theirs'],
    });
    const { raw, url } = JSON.parse((await answerTo(stream)).text) as { raw: string[]; url: string };
    const lines = raw.flatMap((name, at) => (at % 2 === 0 ? [`${name.toLowerCase()}: ${raw[at + 1]}`] : []));
    expect(url).toBe('/echo?x=1');
    expect(lines).toContain('cookie: a=1; b=2');
    expect(lines).toContain('x-forwarded-proto: https');
    expect(lines).toContain('x-forwarded-for: 127.0.0.1');
    expect(lines).toContain(`host: localhost:${t.port}`);
    expect(lines).toContain('te: trailers');
    expect(lines.filter((line) => line.startsWith('host:'))).toHaveLength(1);
    expect(lines.filter((line) => /^(?::|transfer-encoding|expect|upgrade)/.test(line))).toEqual([]);
    expect(asked).not.toContain('http');
  });

  it('lives on a host of its own, by the authority of the stream', async () => {
    const { text } = await ask(session, '/echo', { ':authority': 'notes.example.org' });
    expect(JSON.parse(text).raw).toContain('notes.example.org');
  });

  it('takes bodies of known and unknown length whole, and gives long ones whole', async () => {
    const post = { ':method': 'POST' };
    const [known, unknown, given] = await Promise.all([
      ask(session, '/apps/notes/digest', { ...post, 'content-length': String(large.length) }, large),
      ask(session, '/apps/notes/digest', post, large),
      (async () => {
        const stream = session.request({ ':path': '/apps/notes/large' });
        const hash = createHash('sha256');
        for await (const chunk of stream) hash.update(chunk as Buffer);
        return hash.digest('hex');
      })(),
    ]);
    expect([known.text, known.headers['x-framing']]).toEqual([digest(large), String(large.length)]);
    expect([unknown.text, unknown.headers['x-framing']]).toEqual([digest(large), 'chunked']);
    expect(given).toBe(digest(large));
  });

  it('G23: never hears a request whose length is a lie', async () => {
    const before = uploads;
    const stream = session.request({ ':path': '/apps/notes/digest', ':method': 'POST', 'content-length': '10' });
    stream.end('abc');
    await expect(answerTo(stream)).rejects.toThrow();
    const { text } = await ask(session, '/apps/notes/digest', { ':method': 'POST' }, 'abc');
    expect(text).toBe(digest('abc'));
    expect(uploads - before).toBeLessThanOrEqual(2);
  });

  it('G48: a stranger who waits to continue is refused before any of the body is read', async () => {
    const expecting = { ':method': 'POST', expect: '100-continue' };
    const refused = session.request({ ':path': '/apps/shut/digest', ...expecting }, { endStream: false });
    let continued = false;
    refused.on('continue', () => {
      continued = true;
    });
    expect([(await answerTo(refused)).status, continued]).toEqual([401, false]);
    const taken = session.request({ ':path': '/apps/notes/digest', ...expecting }, { endStream: false });
    await once(taken, 'continue');
    taken.end('abc');
    expect((await answerTo(taken)).text).toBe(digest('abc'));
  });

  it('G44: hears at once when the client leaves', async () => {
    const before = aborted;
    const stream = session.request({ ':path': '/apps/notes/forever' });
    await headOf(stream);
    stream.close(8);
    await until(() => aborted > before, 'the abort', 2000);
    expect(await t.line('/apps/notes/forever')).toMatchObject({ status: 499, outcome: 'client_closed' });
    const other = await openStreams(t.port);
    await headOf(other.request({ ':path': '/apps/notes/forever' }));
    other.destroy();
    await until(() => aborted > before + 1, 'the abort of a lost connection', 2000);
  });

  it('an answer that the app cuts off is no whole answer', async () => {
    await expect(ask(session, '/apps/broken/')).rejects.toThrow('NGHTTP2_INTERNAL_ERROR');
    expect((await ask(session, '/apps/notes/length')).text).toBe('hello');
  });

  it('a client that takes nothing holds up its own stream alone, and not for ever', async () => {
    const slow = await openStreams(t.port);
    const stuck = slow.request({ ':path': '/apps/impatient/flood' });
    stuck.on('error', () => undefined);
    await headOf(stuck);
    stuck.pause();
    let last = -1;
    await until(() => {
      const still = last === written;
      last = written;
      return still;
    }, 'the app to be held back');
    expect(written).toBeLessThan(32 * 1024 * 1024);
    expect((await ask(slow, '/apps/notes/length')).text).toBe('hello');
    await until(async () => (await t.line('/apps/impatient/flood')).outcome === 'client_closed', 'the end of it');
    expect((await ask(slow, '/apps/notes/length')).text).toBe('hello');
    slow.destroy();
  });

  it('answers five hundred requests that are asked at once over one connection', async () => {
    const all = await Promise.all(
      Array.from({ length: 500 }, (_, at) =>
        ask(session, `/apps/notes/echo?n=${at}`).then(({ text }) => JSON.parse(text).url),
      ),
    );
    expect(new Set(all).size).toBe(500);
  });

  it('serves gRPC-web, whose trailers are a part of the body', async () => {
    const message = Buffer.from([0, 0, 0, 0, 3, 1, 2, 3]);
    const stream = session.request({
      ...{
        ':path': '/apps/notes/web',
        ':method': 'POST',
        'content-type': 'application/grpc-web+proto',
        'x-grpc-web': '1',
      },
    });
    stream.end(message);
    const parts: Buffer[] = [];
    for await (const chunk of stream) parts.push(chunk as Buffer);
    const body = Buffer.concat(parts);
    expect(body.subarray(0, message.length)).toEqual(message);
    expect(body.subarray(message.length + 5).toString()).toBe('grpc-status:0\r\n');
  });

  it('speaks over sockets, which clients open over HTTP/1.1', async () => {
    const socket = new WebSocket(`wss://localhost:${t.port}/apps/notes/live`, {
      ca: testAuthority,
      lookup: toLoopback as never,
    });
    await once(socket, 'open');
    socket.send('hello');
    expect(String((await once(socket, 'message'))[0])).toBe('heard hello');
    socket.terminate();
  });

  it('G39: neither an upgrade to HTTP/2 nor HTTP/2 without TLS is spoken', async () => {
    const asking = httpsRequest({
      ...{ host: '127.0.0.1', port: t.port, path: '/apps/notes/echo', ca: testAuthority, servername: 'localhost' },
      headers: { connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c', 'http2-settings': '' },
      agent: false,
    });
    asking.end();
    const [answer] = (await once(asking, 'response')) as [IncomingMessage];
    expect(answer.statusCode).toBe(400);
    answer.destroy();
    const plain = await exchange(t.port, ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n']);
    expect(plain).toMatch(/^HTTP\/1\.1 400 /);
  });

  it('G61: ends event streams cleanly when the server stops', async () => {
    const stream = session.request({ ':path': '/apps/notes/events' });
    let text = '';
    stream.on('data', (chunk) => {
      text += String(chunk);
    });
    await until(() => text.includes('one'), 'the event');
    const ended = once(stream, 'close');
    const goaway = once(session, 'goaway');
    const closing = t.t.host.close();
    await Promise.all([ended, goaway, closing]);
    expect(stream.rstCode).toBe(0);
    expect(t.errors).toEqual([]);
  });
});
