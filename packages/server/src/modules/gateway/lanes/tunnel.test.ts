import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import WebSocket, { WebSocketServer } from 'ws';
import type { Caller } from '../../../platform/operations/caller.ts';
import type { Visitor } from '../gate.ts';
import {
  exchange,
  makeRoute,
  makeTarget,
  openGate,
  startLane,
  startRawUpstream,
  startUpstream,
  stranger,
  type TestLane,
  type Upstream,
} from './lane.testkit.ts';

const key = 'dGhlIHNhbXBsZSBub25jZQ==';
const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
const handshake = (path: string, lines: readonly string[] = [], host = 'localhost'): string =>
  `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`;

const ends: ((reason: string) => void)[] = [];
const ada: Visitor = {
  ...stranger,
  caller: { kind: 'user', id: '0199f2c6-0000-7000-8000-000000000001', name: 'Ada' } as Caller,
  watch: (end) => {
    ends.push(end);
    return () => undefined;
  },
};

let app: Upstream;
let sockets: WebSocketServer;
let l: TestLane;

beforeAll(async () => {
  app = await startUpstream((_request, response) => response.writeHead(403, { 'x-why': 'no' }).end('not here'));
  sockets = new WebSocketServer({ noServer: true });
  app.server.on('upgrade', (request, socket, head) => {
    app.seen.push({ method: 'UPGRADE', url: request.url ?? '', headers: request.headers, raw: request.rawHeaders });
    if (request.url === '/declined')
      socket.end('HTTP/1.1 429 Slow Down\r\nX-Why: busy\r\nContent-Length: 4\r\n\r\nwait');
    else
      sockets.handleUpgrade(request, socket, head, (ws) => {
        ws.on('message', (data, binary) => ws.send(data, { binary }));
      });
  });
  const target = [makeTarget(app.url)];
  l = await startLane(
    [
      { host: '', path: '/apps/s/', route: makeRoute({ slug: 's', targets: target, access: 'signed_in' }) },
      { host: '', path: '/apps/none/', route: makeRoute({ slug: 'none', targets: target, websockets: false }) },
      { host: 's.test', path: '/', route: makeRoute({ slug: 's-host', targets: target }) },
    ],
    { gate: openGate(ada) },
  );
});
afterAll(async () => {
  sockets.close();
  for (const client of sockets.clients) client.terminate();
  await l.close();
  await app.close();
});

const origin = () => `http://localhost:${l.port}`;
const opened = async (path = '/apps/s/x'): Promise<WebSocket> => {
  const ws = new WebSocket(`ws://localhost:${l.port}${path}`, { origin: origin(), maxPayload: 0 });
  await once(ws, 'open');
  return ws;
};

describe('a WebSocket through the gateway', () => {
  it('carries messages of all sizes both ways, and the app learns who is there', async () => {
    const ws = await opened('/apps/s/x?a=1');
    for (const message of ['hello', Buffer.alloc(4096, 1), Buffer.alloc(3_000_000, 2)]) {
      const [data] = await Promise.all([once(ws, 'message'), ws.send(message)]);
      expect(Buffer.compare(data[0] as Buffer, Buffer.from(message))).toBe(0);
    }
    expect(app.seen.at(-1)).toMatchObject({
      url: '/x?a=1',
      headers: {
        'x-forwarded-for': '127.0.0.1',
        'x-forwarded-proto': 'http',
        connection: 'Upgrade',
        upgrade: 'websocket',
      },
    });
    ws.close(4001, 'done');
    const [code, reason] = await once(ws, 'close');
    expect([code, String(reason)]).toEqual([4001, 'done']);
    const line = await l.line('/apps/s/x');
    expect(line).toMatchObject({ status: 101, outcome: 'ok', method: 'GET' });
    expect(line.bytes_in).toBeGreaterThan(3_000_000);
    expect(line.bytes_out).toBeGreaterThan(3_000_000);
  });

  it('what is sent behind the handshake in the same packet is not lost, on either side', async () => {
    const early = await startRawUpstream((socket) => {
      let text = '';
      socket.on('data', (chunk) => {
        text += chunk.toString('latin1');
        if (text.endsWith('first'))
          socket.write(
            `HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n\r\nsecond`,
          );
        else if (text.includes('\r\n\r\n') && !text.includes('first'))
          socket.write(
            `HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n\r\nsecond`,
          );
        if (text.endsWith('third')) socket.end();
      });
    });
    const e = await startLane([
      { host: '', path: '/apps/e/', route: makeRoute({ slug: 'e', targets: [makeTarget(early.url)] }) },
    ]);
    const socket = connect(e.port, '127.0.0.1');
    let answer = '';
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1');
    });
    socket.write(`${handshake('/apps/e/')}first`);
    await expect.poll(() => answer).toMatch(/^HTTP\/1\.1 101 [\s\S]*\r\n\r\nsecond$/);
    socket.write('third');
    await once(socket, 'end');
    socket.destroy();
    await e.close();
    await early.close();
  });

  it('half a connection that ends is told to the other side, and the rest is waited for a little', async () => {
    let seen: Socket | null = null;
    const half = await startRawUpstream((socket) => {
      seen = socket;
      socket.once('data', () => {
        socket.write(
          `HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
        );
        socket.on('end', () => socket.end('last words'));
      });
    });
    const e = await startLane([
      { host: '', path: '/apps/h/', route: makeRoute({ slug: 'h', targets: [makeTarget(half.url)] }) },
    ]);
    const socket = connect({ port: e.port, host: '127.0.0.1', allowHalfOpen: true });
    let answer = '';
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1');
    });
    socket.write(handshake('/apps/h/'));
    await expect.poll(() => answer).toMatch(/^HTTP\/1\.1 101 /);
    socket.end();
    await once(socket, 'end');
    expect(answer.endsWith('last words')).toBe(true);
    expect(seen).not.toBeNull();
    await e.close();
    await half.close();
  });

  it('G42: has no clock of silence', async () => {
    const quick = makeRoute({ slug: 'q', targets: [makeTarget(app.url)] });
    l.swap([
      ...[
        {
          host: '',
          path: '/apps/q/',
          route: {
            ...quick,
            timeouts: { ...quick.timeouts, head: 100, body_idle: 100, client_send_idle: 100, client_take_idle: 100 },
          },
        },
      ],
      { host: '', path: '/apps/s/', route: makeRoute({ slug: 's', targets: [makeTarget(app.url)] }) },
      {
        host: '',
        path: '/apps/none/',
        route: makeRoute({ slug: 'none', targets: [makeTarget(app.url)], websockets: false }),
      },
      { host: 's.test', path: '/', route: makeRoute({ slug: 's-host', targets: [makeTarget(app.url)] }) },
    ]);
    const ws = await opened('/apps/q/');
    await new Promise((resolve) => setTimeout(resolve, 500));
    const [data] = await Promise.all([once(ws, 'message'), ws.send('still here')]);
    expect(String(data[0])).toBe('still here');
    ws.terminate();
  });

  it('G20: ends at once when the right to it ends, and when its route is closed', async () => {
    ends.length = 0;
    const ws = await opened();
    await expect.poll(() => ends.length).toBe(1);
    const closed = once(ws, 'close');
    ends[0]!('signed out');
    expect((await closed)[0]).toBe(1006);
    await expect.poll(() => [...l.book.lines()][0]?.outcome).toBe('revoked');
    const other = await opened('/apps/s/drained');
    const gone = once(other, 'close');
    const running = l.lane.running();
    expect(running).toBe(1);
    const line = [...l.book.lines()].length;
    expect(line).toBeGreaterThan(0);
    const id = app.seen.at(-1)?.headers['x-request-id'];
    expect(id).toBeDefined();
    l.swap([], [...(await routeIds())]);
    await gone;
    expect((await l.line('/apps/s/drained')).outcome).toBe('drained');
    restore();
  });
});

/** Ids of the routes that are there now, as the access log tells them. */
const routeIds = async (): Promise<Set<string>> => {
  // A refused request is logged with its route, too.
  await exchange(l.port, [handshake('/apps/s/probe', ['Origin: http://evil.test'])]);
  return new Set([(await l.line('/apps/s/probe')).owner!.route_id]);
};
const restore = (): void =>
  l.swap([
    { host: '', path: '/apps/s/', route: makeRoute({ slug: 's', targets: [makeTarget(app.url)] }) },
    {
      host: '',
      path: '/apps/none/',
      route: makeRoute({ slug: 'none', targets: [makeTarget(app.url)], websockets: false }),
    },
    { host: 's.test', path: '/', route: makeRoute({ slug: 's-host', targets: [makeTarget(app.url)] }) },
  ]);

describe('an upgrade that is refused', () => {
  const refused = async (text: string): Promise<string> => {
    const before = app.seen.length;
    const answer = await exchange(l.port, [text]);
    expect(app.seen.length).toBe(before);
    return answer;
  };

  it('G28: a socket that a foreign page opens with the cookie of a person gets 403; a token needs no origin', async () => {
    for (const lines of [
      ['Origin: http://evil.test'],
      [],
      ['Origin: null'],
      [`Origin: http://localhost.evil.test`],
      ['Origin: https://localhost'],
    ]) {
      expect(await refused(handshake('/apps/s/', ['Cookie: atrium_session=x', ...lines]))).toMatch(/^HTTP\/1\.1 403 /);
      expect(await refused(handshake('/', [...lines], 's.test'))).toMatch(/^HTTP\/1\.1 403 /);
    }
    expect(await exchange(l.port, [handshake('/', ['Origin: http://s.test'], 's.test')], 300)).toMatch(
      /^HTTP\/1\.1 101 /,
    );
    expect(await exchange(l.port, [handshake('/apps/s/', ['Authorization: Bearer t'])], 300)).toMatch(
      /^HTTP\/1\.1 101 /,
    );
  });

  it('G39: anything but WebSocket is no upgrade, and CONNECT and TRACE are nothing at all', async () => {
    const h2c =
      'GET /apps/s/ HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n';
    expect(await refused(h2c)).toMatch(/^HTTP\/1\.1 400 /);
    expect(await refused('CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n')).toMatch(/^HTTP\/1\.1 405 /);
    expect(await refused('TRACE /apps/s/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')).toMatch(
      /^HTTP\/1\.1 405 /,
    );
    expect(await refused(handshake('/apps/s/', ['Authorization: Bearer t']).replace('GET', 'POST'))).toMatch(
      /^HTTP\/1\.1 400 /,
    );
  });

  it('has a body, whole or not', async () => {
    const bearer = 'Authorization: Bearer t';
    for (const [lines, body] of [
      [['Content-Length: 5'], 'whole'],
      [['Content-Length: 5'], ''],
      [['Transfer-Encoding: chunked'], '5\r\nwhole\r\n0\r\n\r\n'],
      [['Transfer-Encoding: chunked'], '5\r\nwh'],
    ] as const)
      expect(await refused(`${handshake('/apps/s/', [bearer, ...lines])}${body}`)).toMatch(/^HTTP\/1\.1 400 /);
    expect(await exchange(l.port, [handshake('/apps/s/', [bearer, 'Content-Length: 0'])], 300)).toMatch(
      /^HTTP\/1\.1 101 /,
    );
  });

  it('is over soon, whatever the client does with its side', async () => {
    for (const text of [
      handshake('/apps/unknown/'),
      handshake('/nowhere'),
      handshake('/apps/s/', ['Transfer-Encoding: chunked']),
      handshake('/', [], 'evil.test'),
    ]) {
      const socket = connect({ port: l.port, host: '127.0.0.1', allowHalfOpen: true });
      socket.on('error', () => undefined).resume();
      socket.write(text);
      await once(socket, 'end');
      // Only who writes learns that nobody is there.
      const closed = new Promise((resolve) => socket.once('close', resolve));
      const writing = setInterval(() => socket.write('x'), 100);
      await closed;
      clearInterval(writing);
    }
  });

  it('G25: hosts and paths are judged as for any request', async () => {
    expect(await refused(handshake('/', [], 'evil.test'))).toMatch(/^HTTP\/1\.1 421 /);
    expect(await refused(handshake('/apps/s/', ['Host: s.test']))).toMatch(/^HTTP\/1\.1 400 /);
    expect(await refused(handshake('/apps/s/../x'))).toMatch(/^HTTP\/1\.1 400 /);
    expect(await refused(handshake('/apps/unknown/'))).toMatch(/^HTTP\/1\.1 404 /);
    expect(await refused(handshake('/apps/none/', ['Authorization: Bearer t']))).toMatch(/^HTTP\/1\.1 403 /);
  });

  it('by the app reaches the client as the app said it', async () => {
    const answer = await exchange(l.port, [handshake('/apps/s/declined', ['Authorization: Bearer t'])]);
    expect(answer).toMatch(/^HTTP\/1\.1 429 Slow Down\r\n/);
    expect(answer).toMatch(/X-Why: busy/i);
    expect(answer.endsWith('wait')).toBe(true);
  });

  it.each([
    ['no Sec-WebSocket-Accept', 'Connection: Upgrade\r\nUpgrade: websocket\r\n'],
    [
      'a wrong one',
      `Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept.replace('s', 't')}\r\n`,
    ],
    ['another protocol', `Connection: Upgrade\r\nUpgrade: h2c\r\nSec-WebSocket-Accept: ${accept}\r\n`],
  ])('G39: an answer with %s is 502 and its connection is closed', async (_name, lines) => {
    let closed = false;
    const wrong = await startRawUpstream((socket) => {
      socket.on('end', () => {
        closed = true;
      });
      socket.once('data', () => socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines}\r\n`));
    });
    const e = await startLane([
      { host: '', path: '/apps/w/', route: makeRoute({ slug: 'w', targets: [makeTarget(wrong.url)] }) },
    ]);
    expect(await exchange(e.port, [handshake('/apps/w/')])).toMatch(/^HTTP\/1\.1 502 /);
    await expect.poll(() => closed).toBe(true);
    await e.close();
    await wrong.close();
  });

  it('a target that is gone or silent is told as for any request', async () => {
    const silent = await startRawUpstream((socket) => socket.resume());
    const route = makeRoute({ slug: 'w', targets: [makeTarget(silent.url)] });
    const e = await startLane([
      { host: '', path: '/apps/w/', route: { ...route, timeouts: { ...route.timeouts, head: 100 } } },
      { host: '', path: '/apps/v/', route: makeRoute({ slug: 'v', targets: [makeTarget('http://127.0.0.1:1')] }) },
    ]);
    expect(await exchange(e.port, [handshake('/apps/w/')])).toMatch(/^HTTP\/1\.1 504 /);
    expect(await exchange(e.port, [handshake('/apps/v/')])).toMatch(/^HTTP\/1\.1 502 /);
    expect((await e.line('/apps/v/')).outcome).toBe('connection_refused');
    await e.close();
    await silent.close();
  });
});

describe('an upgrade behind a request that is not answered yet', () => {
  it.each(['/apps/s/y', '/apps/none-here/', '/ws'])('to %s ends its connection, and nothing else', async (path) => {
    const slow = await startUpstream(() => undefined);
    const one = await startLane(
      [{ host: '', path: '/apps/s/', route: makeRoute({ slug: 's', targets: [makeTarget(slow.url)] }) }],
      { config: { fast_lane: false } },
    );
    const socket = connect(one.port, '127.0.0.1')
      .on('error', () => undefined)
      .resume();
    socket.write(`GET /apps/s/x HTTP/1.1\r\nHost: localhost\r\n\r\n${handshake(path)}`);
    await once(socket, 'close');
    expect((await one.get('/health')).status).toBe(200);
    await one.close();
    await slow.close();
  });

  it.each([true, false])(
    'is not answered in its place either when it has a body (fast lane: %s)',
    async (fast_lane) => {
      const slow = await startUpstream((_request, response) => void setTimeout(() => response.end('first'), 200));
      const one = await startLane(
        [{ host: '', path: '/apps/s/', route: makeRoute({ slug: 's', targets: [makeTarget(slow.url)] }) }],
        { config: { fast_lane } },
      );
      const first = 'GET /apps/s/x HTTP/1.1\r\nHost: localhost\r\n\r\n';
      for (const body of ['Transfer-Encoding: chunked', 'Transfer-Encoding: identity, chunked', 'Content-Length: 9']) {
        // Not whole yet when it arrives.
        const second = `${handshake('/apps/s/y', [body]).replace('websocket', 'h2c')}3\r\na`;
        const answer = await exchange(one.port, [first + second]);
        expect(answer === '' || answer.startsWith('HTTP/1.1 200 '), answer).toBe(true);
      }
      await one.close();
      await slow.close();
    },
  );
});
