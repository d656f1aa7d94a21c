import { once } from 'node:events';
import type { Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { connect as connectTls, createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeCertificate } from '../../../../test/support/make-certificate.ts';
import type { GateRequest } from '../gate.ts';
import { createAnswerRewriter } from '../rewriting/answer-rewriter.ts';
import {
  exchange,
  makeRoute,
  makeTarget,
  startLane,
  startRawUpstream,
  startUpstream,
  stranger,
  type TestLane,
  type Upstream,
} from './lane.testkit.ts';

const claim = (url: string, over: Partial<Parameters<typeof makeRoute>[0]> = {}) => ({
  host: '',
  path: '/apps/notes/',
  route: makeRoute({ slug: 'notes', targets: [makeTarget(url)], ...over }),
});
const get = (path: string, lines: readonly string[] = []): string =>
  `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`;
const last = ['Connection: close'];

let app: Upstream;
let connections = 0;
let l: TestLane;
/** Requests that came to the reader of Node. */
let nodes: string[] = [];
const asked: GateRequest[] = [];

beforeAll(async () => {
  app = await startUpstream((request, response) => {
    request
      .on('error', () => undefined)
      .resume()
      .on('end', () => response.end(`answer to ${request.url}`));
  });
  app.server.on('connection', () => {
    connections += 1;
  });
  l = await startLane([claim(app.url)], {
    config: { fast_lane: true },
    gate: {
      own: () => null,
      decide: (request) => {
        // By them each reader tells in its own way that it read the same lines again.
        asked.push({ ...request, fields: undefined });
        return { kind: 'allow', visitor: stranger };
      },
    },
  });
  for (const event of ['request', 'checkContinue'])
    l.t.host.app.server.on(event, (request: { url: string }) => nodes.push(request.url));
});
afterAll(async () => {
  await l.close();
  await app.close();
});

const bodiesOf = (answer: string): string[] => answer.match(/answer to [^\r\n]*?(?=HTTP\/1\.1|\r|\n|$)/g) ?? [];

describe('a connection', () => {
  it('keeps to the fast lane as long as its requests are plain, on one connection to the app', async () => {
    nodes = [];
    const before = connections;
    const answer = await l.raw(get('/apps/notes/a') + get('/apps/notes/b') + get('/apps/notes/c', last));
    expect(bodiesOf(answer)).toEqual(['answer to /a', 'answer to /b', 'answer to /c']);
    expect(nodes).toEqual([]);
    expect(connections - before).toBeLessThanOrEqual(1);
  });

  const odd: [string, string, RegExp][] = [
    ['a request for the product', get('/health'), /"status":"/],
    ['a field that comes twice', get('/apps/notes/twice', ['X-A: 1', 'X-A: 2']), /answer to \/twice/],
    ['a Connection field of its own', get('/apps/notes/own', ['Connection: keep-alive, X-App']), /answer to \/own/],
    ['a rare method', get('/apps/notes/rare').replace('GET', 'PROPFIND'), /answer to \/rare/],
    [
      'a client that waits to be told to go on',
      get('/apps/notes/waits', ['Expect: 100-continue', 'Content-Length: 0']).replace('GET', 'POST'),
      /100 Continue[\s\S]*answer to \/waits/,
    ],
    ['a head of 20 KiB', get('/apps/notes/wide', [`X-Wide: ${'a'.repeat(20_000)}`]), /answer to \/wide/],
  ];

  it.each(odd)(
    'goes to the reader of Node for good at %s, with every byte behind it',
    async (_name, middle, expected) => {
      const text = get('/apps/notes/before') + middle + get('/apps/notes/after', last);
      for (const parts of [[text], text.length > 1000 ? [text.slice(0, 300), text.slice(300)] : text.split('')]) {
        nodes = [];
        const answer = await exchange(l.port, parts);
        expect(answer).toMatch(/^HTTP\/1\.1 200 OK[\s\S]*answer to \/before/);
        expect(answer).toMatch(expected);
        expect(answer).toContain('answer to /after');
        expect(nodes).toHaveLength(2);
        expect(nodes.at(-1)).toBe('/apps/notes/after');
      }
    },
  );

  it.each([true, false])(
    'G20: that repeats its header lines is judged anew at each request, and the app is told what holds then (fast: %s)',
    async (fast) => {
      const told: Record<string, string | string[] | undefined>[] = [];
      const host = await startUpstream((request, response) => {
        told.push(request.headers);
        response.end(`answer to ${request.url}`);
      });
      const other = await startUpstream((request, response) => response.end(`answer of another to ${request.url}`));
      let asks = 0;
      const people = ['ada', 'ada', 'bob'];
      const visitors = new Map(
        people.map((name) => [name, { ...stranger, identity_headers: [['X-Atrium-User', name] as const] }]),
      );
      const lane = await startLane([claim(host.url)], {
        config: { fast_lane: fast },
        gate: {
          own: () => null,
          decide: () => {
            const name = people[asks++];
            if (name !== undefined) return { kind: 'allow', visitor: visitors.get(name)! };
            if (asks === 5) return { kind: 'allow', visitor: stranger };
            return { kind: 'refuse', status: 401, code: 'unauthorized', detail: 'No longer.' };
          },
        },
      });
      const socket = connect(lane.port, '127.0.0.1');
      let text = '';
      socket.on('data', (chunk) => {
        text += chunk.toString('latin1');
      });
      const answers = async (count: number): Promise<void> => {
        for (let tries = 0; text.split('HTTP/1.1 ').length <= count && tries < 1000; tries++) await delay(5);
      };
      for (let n = 1; n <= 4; n++) {
        socket.write(get('/apps/notes/x', ['Authorization: Bearer abc', 'X-App: 1']));
        await answers(n);
      }
      lane.swap([claim(other.url)]);
      socket.write(get('/apps/notes/y', ['Authorization: Bearer abc', 'X-App: 1']));
      await answers(5);
      socket.destroy();
      expect([...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)).toEqual([
        '200',
        '200',
        '200',
        '401',
        '200',
      ]);
      expect(text).toContain('answer of another to /y');
      expect(told.map((headers) => headers['x-atrium-user'])).toEqual(people);
      const ids = [...text.matchAll(/x-request-id: (\S+)/gi)].map(([, id]) => id);
      expect(new Set(ids).size).toBe(5);
      expect(told.map((headers) => headers['x-request-id'])).toEqual(ids.slice(0, 3));
      await Promise.all([lane.close(), host.close(), other.close()]);
    },
  );

  it('G15: asks the gate the same whichever reader reads it', async () => {
    const head = get('/apps/notes/who?x=1', [
      'Authorization: Bearer abc',
      'Cookie: a=1; atrium_session=x',
      'X-Forwarded-For: 1.2.3.4',
      'Accept: text/html',
      'X-Request-Id: of-this-request',
      ...last,
    ]);
    asked.length = 0;
    await l.raw(head);
    const slow = await startLane([claim(app.url)], {
      config: { fast_lane: false },
      gate: {
        own: () => null,
        decide: (request) => {
          asked.push({ ...request, fields: undefined });
          return { kind: 'allow', visitor: stranger };
        },
      },
    });
    await slow.raw(head);
    await slow.close();
    expect(asked).toHaveLength(2);
    expect({ ...asked[0], headers: { ...asked[0]!.headers } }).toEqual({
      ...asked[1],
      headers: { ...asked[1]!.headers },
    });
  });

  it('over TLS is read as well, and the app hears of https', async () => {
    const made = makeCertificate({ subject: { CN: 'localhost' } });
    const secure = createTlsServer({ key: made.key, cert: made.pem }, (socket) =>
      (l.t.host.app.server as Server).emit('connection', socket),
    ).listen(0, '127.0.0.1');
    await once(secure, 'listening');
    const { port } = secure.address() as { port: number };
    nodes = [];
    const socket: TLSSocket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false });
    socket.write(get('/apps/notes/tls') + get('/health') + get('/apps/notes/then', last));
    let text = '';
    for await (const part of socket) text += String(part);
    expect(text).toMatch(/answer to \/tls[\s\S]*"status":"[\s\S]*answer to \/then/);
    expect(app.seen.findLast(({ url }) => url === '/tls')?.headers['x-forwarded-proto']).toBe('https');
    expect(nodes).toEqual(['/health', '/apps/notes/then']);
    secure.close();
  });
});

describe('bodies', () => {
  it('G23: a body whose chunks turn bad is refused in the middle, and the app never sees its end', async () => {
    const before = app.seen.length;
    const answer = await exchange(l.port, [
      'POST /apps/notes/bad HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n',
      `zz\r\n${get('/apps/notes/smuggled')}`,
    ]);
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer.split('HTTP/1.1 ')).toHaveLength(2);
    expect(app.seen.slice(before).some(({ url }) => url.includes('smuggled'))).toBe(false);
    expect(l.lane.running()).toBe(0);
  });

  it('what is not read of a refused request does not become the next one', async () => {
    const small = await startLane([claim(app.url, { max_body: 3 })], { config: { fast_lane: true } });
    const body = get('/apps/notes/smuggled');
    const answer = await small.raw(
      `POST /apps/notes/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n\r\n${body}${get('/apps/notes/next', last)}`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 413 [\s\S]*answer to \/next$/);
    expect(app.seen.some(({ url }) => url === '/smuggled')).toBe(false);
    await small.close();
  });

  it('are rewritten below a path as in the other lane', async () => {
    const pages = await startUpstream((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/html', 'set-cookie': 'a=1; Path=/' });
      response.write('<html><head></head><body><a href="/x">');
      setImmediate(() => response.end('x</a></body></html>'));
    });
    const read = async (fast_lane: boolean) => {
      const lane = await startLane([claim(pages.url, { rewrite: true })], {
        config: { fast_lane },
        parts: {
          rewriter: createAnswerRewriter(null, () => new Date(0)),
          public_url: () => 'http://localhost',
        },
      });
      const answer = await lane.get('/apps/notes/page', { host: 'localhost' });
      const body = (await answer.text()).replaceAll(String(lane.port), 'PORT');
      await lane.close();
      return [answer.headers.get('set-cookie'), body];
    };
    const [fast, slow] = [await read(true), await read(false)];
    expect(fast).toEqual(slow);
    expect(fast[1]).toContain('href="/apps/notes/x"');
    await pages.close();
  });
});

describe('connections to an app', () => {
  const answering = async (write: (count: number) => string) => {
    const counts = { connections: 0, requests: 0 };
    const raw = await startRawUpstream((socket) => {
      counts.connections += 1;
      socket.on('data', () => {
        counts.requests += 1;
        socket.write(write(counts.requests));
      });
    });
    const lane = await startLane([claim(raw.url)], { config: { fast_lane: true } });
    return { counts, lane, close: () => Promise.all([lane.close(), raw.close()]) };
  };

  it('G23: are not used again when bytes come behind an answer, which nobody ever gets', async () => {
    const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
    const side = await answering((count) =>
      count === 1 ? `${ok}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil` : ok,
    );
    expect(await (await side.lane.get('/apps/notes/1')).text()).toBe('ok');
    expect(await (await side.lane.get('/apps/notes/2')).text()).toBe('ok');
    expect(side.counts.connections).toBe(2);
    await side.close();
  });

  it('are not used again after HEAD, whose answer some follow with a body', async () => {
    const side = await answering(() => 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n');
    const head = () => fetch(`http://127.0.0.1:${side.lane.port}/apps/notes/`, { method: 'HEAD' });
    expect([(await head()).status, (await head()).status, side.counts.connections]).toEqual([200, 200, 2]);
    await side.close();
  });

  it('pass interim answers and what is close-delimited', async () => {
    const raw = await startRawUpstream((socket) =>
      socket.once('data', () =>
        socket.end('HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\nHTTP/1.1 200 OK\r\n\r\nuntil the end'),
      ),
    );
    const lane = await startLane([claim(raw.url)], { config: { fast_lane: true } });
    const answer = await lane.raw(get('/apps/notes/', last));
    expect(answer).toMatch(/^HTTP\/1\.1 103 Early Hints\r\nLink: <\/a>; rel=preload\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
    expect(answer).toContain('d\r\nuntil the end\r\n0\r\n\r\n');
    await Promise.all([lane.close(), raw.close()]);
  });

  it('are encrypted where the target is, and made once', async () => {
    const made = makeCertificate({ subject: { CN: 'localhost' } });
    let count = 0;
    const server = createSecureServer({ key: made.key, cert: made.pem }, (_request, response) => response.end('safe'));
    server.on('secureConnection', () => {
      count += 1;
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const tls = { verify: false, ca: null, server_name: null };
    const lane = await startLane([claim(`https://127.0.0.1:${port}`, { upstream_tls: tls })], {
      config: { fast_lane: true },
    });
    for (let n = 0; n < 3; n++) expect(await (await lane.get('/apps/notes/')).text()).toBe('safe');
    expect(count).toBe(1);
    await lane.close();
    server.closeAllConnections();
    server.close();
  });

  it('a reason that is not ASCII is left out, in both lanes', async () => {
    const raw = await startRawUpstream((socket) =>
      socket.once('data', () =>
        socket.end(Buffer.from('HTTP/1.1 200 \xfcber\r\nContent-Length: 2\r\n\r\nok', 'latin1')),
      ),
    );
    for (const fast_lane of [true, false]) {
      const lane = await startLane([claim(raw.url)], { config: { fast_lane } });
      const answer = await lane.get('/apps/notes/');
      expect([answer.status, answer.statusText, await answer.text()]).toEqual([200, '', 'ok']);
      await lane.close();
    }
    await raw.close();
  });
});
