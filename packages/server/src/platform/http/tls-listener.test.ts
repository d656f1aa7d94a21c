import { request as httpRequest, type IncomingMessage } from 'node:http';
import type { ClientHttp2Session } from 'node:http2';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../../test/support/free-port.ts';
import { answerTo, ask, openStreams, shakeHands } from '../../../test/support/stream-client.ts';
import { TestCertificates, testAuthority } from '../../../test/support/tls-certificates.ts';
import { until } from '../../../test/support/until.ts';
import type { FrontDoor } from './front-door.ts';
import { startTestHost, type TestHost } from './http-host.testkit.ts';
import type { PassedResponse } from './passing.ts';

const certificates = new TestCertificates();
let t: TestHost;
let redirectPort: number;

beforeAll(async () => {
  certificates.add(['localhost'], { ip: '127.0.0.1' });
  certificates.add(['notes.example.org']);
  certificates.add(['*.example.org']);
  redirectPort = await freePort();
  t = await startTestHost({
    options: { tls: { certificates, redirect: { host: '127.0.0.1', port: redirectPort } } },
    config: {
      extra_hosts: () => ['notes.example.org'],
      drain_grace_ms: 50,
      public_url: () => 'https://localhost:8443',
    },
  });
});
afterAll(() => t.host.close());

const nameShown = (socket: TLSSocket): string => {
  const { subjectaltname } = socket.getPeerCertificate();
  socket.destroy();
  return subjectaltname ?? '';
};

interface Plain {
  status: number;
  headers: IncomingMessage['headers'];
  text: string;
}
const read = (asking: ReturnType<typeof httpRequest>): Promise<Plain> =>
  new Promise((answered, failed) => {
    asking.on('response', async (response) => {
      let text = '';
      for await (const chunk of response) text += String(chunk);
      answered({ status: response.statusCode!, headers: response.headers, text });
    });
    asking.on('error', failed).end();
  });
const plainly = (path: string, headers: Record<string, string> = {}, port = t.port, method = 'GET') =>
  read(httpRequest({ host: '127.0.0.1', port, path, headers, method, agent: false }));
const securely = (path: string, headers: Record<string, string> = {}) =>
  read(
    httpsRequest({
      host: '127.0.0.1',
      port: t.port,
      path,
      headers,
      ca: testAuthority,
      agent: false,
      servername: 'localhost',
    }),
  );

describe('a port with TLS', () => {
  it('shows the certificate of the name that is asked for, an exact one before a wildcard, and else its own', async () => {
    const shown = async (servername?: string) =>
      nameShown(await shakeHands(t.port, { servername, checkServerIdentity: () => undefined } as never));
    expect(await shown('notes.example.org')).toBe('DNS:notes.example.org');
    expect(await shown('NOTES.example.org')).toBe('DNS:notes.example.org');
    expect(await shown('board.example.org')).toBe('DNS:*.example.org');
    expect(await shown('unknown.example.net')).toContain('DNS:localhost');
    expect(await shown()).toContain('DNS:localhost');
  });

  it('G25: answers an unknown name with 421 over HTTP/1.1 and HTTP/2, and sends no HSTS for it', async () => {
    const first = await securely('/health', { host: 'unknown.example.net' });
    expect([first.status, first.headers['strict-transport-security']]).toEqual([421, undefined]);
    const session = await openStreams(t.port);
    const second = await ask(session, '/health', { ':authority': 'unknown.example.net' });
    expect([second.status, second.headers['strict-transport-security']]).toEqual([421, undefined]);
    expect((await ask(session, '/health', { ':authority': 'notes.example.org' })).status).toBe(200);
    session.close();
  });

  it('speaks TLS 1.3 and 1.2 and nothing older, with HTTP/2 where the client can', async () => {
    const protocols = async (options: object) => {
      const socket = await shakeHands(t.port, options);
      const found = [socket.getProtocol(), socket.alpnProtocol];
      socket.destroy();
      return found;
    };
    expect(await protocols({ ALPNProtocols: ['h2', 'http/1.1'] })).toEqual(['TLSv1.3', 'h2']);
    expect(await protocols({ ALPNProtocols: ['http/1.1'], maxVersion: 'TLSv1.2' })).toEqual(['TLSv1.2', 'http/1.1']);
    expect(await protocols({})).toEqual(['TLSv1.3', false]);
    await expect(
      protocols({ maxVersion: 'TLSv1.1', minVersion: 'TLSv1', ciphers: 'ALL:@SECLEVEL=0' }),
    ).rejects.toThrow();
    await expect(protocols({ ALPNProtocols: ['spdy/3'] })).rejects.toThrow();
  });

  it('answers the challenge of an authority by its protocol alone, and only while an order waits', async () => {
    await expect(
      shakeHands(t.port, { servername: 'new.example.org', ALPNProtocols: ['acme-tls/1'] }),
    ).rejects.toThrow();
    const made = certificates.challenge('new.example.org');
    const socket = await shakeHands(t.port, { servername: 'new.example.org', ALPNProtocols: ['acme-tls/1'] });
    expect(socket.alpnProtocol).toBe('acme-tls/1');
    expect(socket.getPeerCertificate().raw.equals(made.der)).toBe(true);
    socket.destroy();
    const other = await shakeHands(t.port, { servername: 'new.example.org', ALPNProtocols: ['h2'] });
    expect(nameShown(other)).toBe('DNS:*.example.org');
  });

  it('sends plain HTTP to https at the same port, whatever its method, and answers no route there', async () => {
    const page = await plainly('/a?b=c', { host: `localhost:${t.port}` });
    expect([page.status, page.headers.location]).toEqual([308, `https://localhost:${t.port}/a?b=c`]);
    const posted = await plainly(
      '/api/v1/things',
      { host: 'localhost', authorization: 'Bearer owner' },
      t.port,
      'POST',
    );
    expect([posted.status, posted.headers.location]).toEqual([308, 'https://localhost/api/v1/things']);
    expect((await plainly('/', { host: 'unknown.example.net' })).status).toBe(421);
    expect((await plainly('/health')).status).toBe(200);
    expect(page.headers['strict-transport-security']).toBeUndefined();
  });

  it('does the same at the address for redirects, towards the port that the public knows, and proves names there', async () => {
    const page = await plainly('/a', { host: 'localhost' }, redirectPort);
    expect([page.status, page.headers.location]).toEqual([308, 'https://localhost:8443/a']);
    certificates.answers.set('token-1', 'token-1.print');
    const proof = await plainly('/.well-known/acme-challenge/token-1', { host: 'new.example.org' }, redirectPort);
    expect([proof.status, proof.text]).toEqual([200, 'token-1.print']);
    expect((await plainly('/.well-known/acme-challenge/token-1', { host: 'new.example.org' })).status).toBe(200);
    expect((await plainly('/.well-known/acme-challenge/token-2', {}, redirectPort)).status).toBe(404);
  });
});

describe('the product’s own routes over HTTP/2', () => {
  let session: ClientHttp2Session;
  beforeAll(async () => {
    session = await openStreams(t.port);
  });
  afterAll(() => session.destroy());
  const bearer = { authorization: 'Bearer owner' };

  it('answer an operation with its headers, HSTS among them, and no header of a single connection', async () => {
    const answer = await ask(session, '/api/v1/things?limit=3', bearer);
    expect([answer.status, JSON.parse(answer.text).input.limit]).toEqual([200, 3]);
    expect(answer.headers['strict-transport-security']).toContain('max-age=31536000');
    expect(answer.headers.connection).toBeUndefined();
    expect((await ask(session, '/api/v1/things')).status).toBe(401);
  });

  it('read bodies of known and of unknown length, and refuse what is too large', async () => {
    const json = { ...bearer, 'content-type': 'application/json', ':method': 'POST' };
    const body = JSON.stringify({ title: 'Over a stream' });
    const known = await ask(session, '/api/v1/things', { ...json, 'content-length': String(body.length) }, body);
    expect([known.status, JSON.parse(known.text).input.title]).toEqual([201, 'Over a stream']);
    expect((await ask(session, '/api/v1/things', json, body)).status).toBe(201);
    const raw = { ...bearer, ':method': 'POST', 'content-type': 'application/octet-stream' };
    const sent = await ask(session, '/api/v1/upload', raw, Buffer.alloc(1_500_000));
    expect(JSON.parse(sent.text)).toEqual({ bytes: 1_500_000, type: 'application/octet-stream' });
    expect((await ask(session, '/api/v1/upload', raw, Buffer.alloc(2_500_000))).status).toBe(413);
  });

  it('G48: answer HEAD and 204 without a body', async () => {
    const head = await ask(session, '/api/v1/things', { ...bearer, ':method': 'HEAD' });
    expect([head.status, head.text, Number(head.headers['content-length']) > 0]).toEqual([200, '', true]);
    const gone = await ask(session, '/api/v1/things/0199f2c6-0000-7000-8000-000000000001', {
      ...bearer,
      ':method': 'DELETE',
    });
    expect([gone.status, gone.text]).toEqual([204, '']);
  });

  it('G48: tell a client to continue when it waits for that', async () => {
    const stream = session.request({
      ...{ ':path': '/api/v1/upload', ':method': 'POST', expect: '100-continue', 'content-type': 'text/plain' },
    });
    let continued = false;
    stream.on('continue', () => {
      continued = true;
    });
    const answer = await answerTo(stream);
    expect([answer.status, continued]).toEqual([401, true]);
  });

  it('stream events as they come, and hear when the client leaves', async () => {
    const stream = session.request({ ':path': '/api/v1/stream', ...bearer, accept: 'text/event-stream' });
    let heard = '';
    stream.on('data', (chunk) => {
      heard += String(chunk);
    });
    await until(() => heard.includes('event: tick'), 'the event');
    const { signal } = t.calls.at(-1)!;
    const left = new Promise((aborted) => signal.addEventListener('abort', aborted));
    stream.close(8);
    await left;
  });

  it('refuse two hosts, foreign methods, CONNECT, TRACE and heads that are too large, one stream at a time', async () => {
    const status = async (headers: Record<string, string>) => (await ask(session, '/api/v1/things', headers)).status;
    expect(await status({ ':authority': 'localhost', host: 'notes.example.org' })).toBe(400);
    expect(await status({ ':method': 'BREW' })).toBe(400);
    expect(await status({ ':method': 'TRACE' })).toBe(405);
    const many = Object.fromEntries(Array.from({ length: 270 }, (_, at) => [`x-${at}`, '1']));
    expect(await status(many)).toBe(431);
    const tunnel = session.request({ ':method': 'CONNECT', ':authority': 'localhost:22' });
    expect((await answerTo(tunnel)).status).toBe(405);
    expect(await status(bearer)).toBe(200);
    const roomy = await openStreams(t.port, { maxSendHeaderBlockLength: 200_000 } as never);
    const long = { 'x-a': 'x'.repeat(33_000), 'x-b': 'x'.repeat(33_000) };
    expect((await ask(roomy, '/health', long)).status).toBe(431);
    await expect(ask(roomy, '/health', { ...long, 'x-c': 'x'.repeat(33_000) })).rejects.toThrow('ENHANCE_YOUR_CALM');
    expect((await ask(roomy, '/health')).status).toBe(200);
    roomy.destroy();
  });

  it('do not offer sockets inside of a stream: clients open one over HTTP/1.1', () => {
    expect(session.remoteSettings.enableConnectProtocol).not.toBe(true);
    expect(session.remoteSettings.maxConcurrentStreams).toBe(128);
  });
});

describe('abuse of the port', () => {
  it('G29: many streams that are begun to be ended cost their client the connection', async () => {
    const session = await openStreams(t.port);
    const closed = new Promise<void>((over) => session.once('close', () => over()));
    let over = false;
    void closed.then(() => {
      over = true;
    });
    while (!over) {
      for (let at = 0; at < 50 && !session.destroyed && !session.closed; at++) {
        const stream = session.request({ ':path': '/api/v1/wait', authorization: 'Bearer owner' });
        stream.on('error', () => undefined);
        stream.close(8);
      }
      await new Promise((turn) => setImmediate(turn));
    }
    await closed;
  });

  const frame = (type: number, flags: number, id: number, payload: readonly number[]): Buffer => {
    const head = Buffer.alloc(9);
    head.writeUIntBE(payload.length, 0, 3);
    head[3] = type;
    head[4] = flags;
    head.writeUInt32BE(id, 5);
    return Buffer.concat([head, Buffer.from(payload)]);
  };
  const preface = Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), frame(4, 0, 0, [])]);
  const literal = [0, 1, 0x78, 1, 0x79];
  const post = [0x83, 0x87, 0x84, 0x41, 9, ...Buffer.from('localhost')];

  it.each([
    ['PING', [], frame(6, 0, 0, new Array(8).fill(0))],
    ['SETTINGS', [], frame(4, 0, 0, [])],
    ['PRIORITY', [], frame(2, 0, 1, [0, 0, 0, 0, 1])],
    ['CONTINUATION', [frame(1, 0, 1, [0x82])], frame(9, 0, 1, literal)],
    ['empty DATA', [frame(1, 4, 1, post)], frame(0, 0, 1, [])],
  ])('G29: a flood of %s frames ends the connection, and nothing else', async (_name, first, more) => {
    const socket = await shakeHands(t.port, { ALPNProtocols: ['h2'], servername: 'localhost' });
    const ended = new Promise<void>((over) => socket.once('close', () => over()));
    socket.on('error', () => undefined).resume();
    socket.write(Buffer.concat([preface, ...first]));
    const many = Buffer.concat(new Array(1000).fill(more));
    const flood = (): void => {
      while (!socket.destroyed && socket.write(many));
    };
    socket.on('drain', flood);
    flood();
    await ended;
    expect((await securely('/health')).status).toBe(200);
  });

  it('garbage after the first byte of TLS ends the connection, and nothing else does', async () => {
    const socket = connect({ port: t.port, host: '127.0.0.1' });
    const ended = new Promise<void>((over) => socket.once('close', () => over()));
    socket.on('error', () => undefined);
    socket.write(Buffer.from([0x16, 3, 1, 0, 5, 1, 2, 3, 4, 5]));
    socket.resume();
    await ended;
    expect((await securely('/health')).status).toBe(200);
  });
});

describe('connections that say nothing', () => {
  let small: TestHost;
  beforeAll(async () => {
    small = await startTestHost({
      options: { tls: { certificates, redirect: null } },
      config: { max_connections_per_address: 2, handshake_ms: 300, public_url: () => 'https://localhost' },
    });
  });
  afterAll(() => small.host.close());

  const silent = (bytes: number[]) => {
    const socket = connect({ port: small.port, host: '127.0.0.1' });
    socket.on('error', () => undefined).resume();
    socket.write(Buffer.from(bytes));
    return new Promise<void>((over) => socket.once('close', () => over()));
  };

  it('G29: are closed before the first byte, in the middle of a record and in the middle of a handshake', async () => {
    await Promise.all([silent([]), silent([0x16, 3]), silent([0x16, 3, 1, 0, 4, 1, 0, 3, 232])]);
  });

  it('G29: are counted by their address before TLS is agreed on, and are none of it once they ask for the product', async () => {
    const socket = await shakeHands(small.port);
    socket.write('GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n');
    await new Promise((heard) => socket.once('data', heard));
    const session = await openStreams(small.port);
    expect((await ask(session, '/health')).status).toBe(200);
    const held = [await shakeHands(small.port), await shakeHands(small.port)];
    const third = await shakeHands(small.port);
    await new Promise<void>((over) =>
      third
        .on('error', () => undefined)
        .once('close', () => over())
        .resume(),
    );
    expect(held.map(({ destroyed }) => destroyed)).toEqual([false, false]);
    expect((await ask(session, '/health')).status).toBe(200);
    for (const one of [socket, ...held]) one.destroy();
    session.destroy();
  });
});

describe('requests to apps over HTTP/2', () => {
  it('G29: are counted by their address: one connection carries many, and gets no more than many connections would', async () => {
    const held: PassedResponse[] = [];
    const front: FrontDoor = {
      ...{ knowsHost: () => false, upgrade: () => false, drain: async () => undefined },
      request: (request, response) => request.url!.startsWith('/apps/') && held.push(response) > 0,
    };
    const small = await startTestHost({
      options: { front, tls: { certificates, redirect: null } },
      config: { max_connections_per_address: 2, public_url: () => 'https://localhost' },
    });
    const session = await openStreams(small.port);
    const running = Array.from({ length: 8 }, () => ask(session, '/apps/notes/'));
    await until(() => held.length === 8, 'all of them');
    expect((await ask(session, '/apps/notes/')).status).toBe(429);
    expect((await ask(session, '/health')).status).toBe(200);
    for (const response of held.splice(0)) response.end();
    await Promise.all(running);
    const again = ask(session, '/apps/notes/');
    await until(() => held.length === 1, 'the next one');
    held[0]!.end();
    expect((await again).status).toBe(200);
    session.destroy();
    await small.host.close();
  });
});

describe('the end', () => {
  it('G61: requests of HTTP/2 get their answer, and new ones are refused', async () => {
    const session = await openStreams(t.port);
    const waiting = ask(session, '/api/v1/wait', { authorization: 'Bearer owner' });
    const before = t.calls.length;
    while (t.calls.length === before) await new Promise((turn) => setImmediate(turn));
    const goaway = new Promise((told) => session.once('goaway', told));
    expect(t.host.in_flight.size).toBe(1);
    const closing = t.host.close();
    await goaway;
    expect((await waiting).status).toBe(503);
    await closing;
    await expect(shakeHands(t.port)).rejects.toThrow();
  });
});
