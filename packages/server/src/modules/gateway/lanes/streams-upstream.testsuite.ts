import { once } from 'node:events';
import { createServer as createPlainServer } from 'node:http';
import {
  createSecureServer,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answerTo, ask, openStreams } from '../../../../test/support/stream-client.ts';
import { certificateFor, TestCertificates, testAuthority } from '../../../../test/support/tls-certificates.ts';
import { until } from '../../../../test/support/until.ts';
import { systemResolve } from '../../../platform/net/address-guard.ts';
import { probe } from '../health/probe.ts';
import { makeRoute, makeTarget, startLane, startUpstream, type TestLane, useLane } from './lane.testkit.ts';

interface Streams {
  port: number;
  /** Heads of its requests. */
  seen: IncomingHttpHeaders[];
  /** Codes with which its streams ended. */
  codes: number[];
  sessions: number;
  close(): void;
}

type Serve = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;

/** An app that speaks HTTP/2 and nothing else. */
const startStreams = async (serve: Serve, tls?: { chain: string; key: string }): Promise<Streams> => {
  const options = { settings: { maxConcurrentStreams: 5 }, maxSessionMemory: 100 };
  const server: Http2Server =
    tls === undefined ? createServer(options) : createSecureServer({ cert: tls.chain, key: tls.key, ...options });
  const open = new Set<{ destroy(): void }>();
  const made: Streams = {
    port: 0,
    seen: [],
    codes: [],
    sessions: 0,
    close: () => {
      for (const session of open) session.destroy();
      server.close();
    },
  };
  server.on('session', (session) => {
    made.sessions += 1;
    open.add(session);
  });
  server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    made.seen.push(headers);
    stream.on('error', () => undefined).on('close', () => made.codes.push(stream.rstCode ?? -1));
    serve(stream, headers);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  made.port = (server.address() as AddressInfo).port;
  return made;
};

/** For both lanes: targets that speak TLS or HTTP/2. */
export const streamsUpstreamTests = (lane: 'fast' | 'slow'): void => {
  const tls = { verify: true, ca: testAuthority, server_name: null };
  let l: TestLane;
  let plain: Streams;
  let secure: Streams;
  const held: ServerHttp2Stream[] = [];
  const large = Buffer.alloc(3_000_000, 'large ');

  const serve: Serve = (stream, headers) => {
    const path = headers[':path'];
    if (path === '/echo') {
      stream.respond({ ':status': 200, 'content-type': 'application/json', 'set-cookie': ['a=1', 'b=2'] });
      stream.end(JSON.stringify(headers));
    } else if (path === '/large') {
      stream.respond({ ':status': 200 });
      stream.end(large);
    } else if (path === '/length') {
      let bytes = 0;
      stream.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
      });
      stream.on('end', () => {
        stream.respond({ ':status': 201 });
        stream.end(String(bytes));
      });
    } else if (path === '/early') {
      stream.additionalHeaders({ ':status': 103, link: '</a.css>; rel=preload' });
      stream.respond({ ':status': 204 }, { endStream: true });
    } else if (path === '/trailers') {
      stream.respond({ ':status': 200 }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '3' }));
      stream.end('abc');
    } else if (path === '/reset') stream.close(2);
    else if (path === '/held') {
      stream.respond({ ':status': 200 });
      stream.write('begun');
      held.push(stream);
    }
  };

  beforeAll(async () => {
    useLane(lane);
    const certificates = new TestCertificates();
    certificates.add(['localhost', 'notes.example.org']);
    [plain, secure] = await Promise.all([
      startStreams(serve),
      startStreams(serve, certificateFor(['inner.test'], { ip: '127.0.0.1' })),
    ]);
    const h2c = makeRoute({ slug: 'plain', targets: [makeTarget(`h2c://127.0.0.1:${plain.port}`)] });
    const alpn = makeRoute({
      slug: 'secure',
      targets: [makeTarget(`https://127.0.0.1:${secure.port}`)],
      upstream_tls: tls,
    });
    l = await startLane(
      [
        { host: '', path: '/apps/plain/', route: h2c },
        { host: '', path: '/apps/secure/', route: alpn },
      ],
      { config: { fast_lane: lane === 'fast' } },
    );
  });
  afterAll(async () => {
    await l.close();
    plain.close();
    secure.close();
  });

  describe.each(['plain', 'secure'])('an app that speaks HTTP/2 alone, %s', (slug) => {
    const app = () => (slug === 'plain' ? plain : secure);

    it('is asked by its authority, with the headers of any app, and answers a client of HTTP/1.1', async () => {
      const answer = await l.get(`/apps/${slug}/echo`, { cookie: 'c=1; atrium_session=x', 'x-a': '1' });
      expect([answer.status, answer.headers.getSetCookie()]).toEqual([200, ['a=1', 'b=2']]);
      expect(await answer.json()).toMatchObject({
        ':method': 'GET',
        ':scheme': slug === 'plain' ? 'http' : 'https',
        ':authority': `127.0.0.1:${l.port}`,
        cookie: 'c=1',
        'x-a': '1',
        'x-forwarded-proto': 'http',
        'x-forwarded-prefix': `/apps/${slug}`,
      });
      expect(Object.keys(app().seen.at(-1)!)).not.toContain('host');
    });

    it('gives and takes long bodies whole, over as few connections as it allows', async () => {
      const url = `http://127.0.0.1:${l.port}/apps/${slug}`;
      const given = await Promise.all(
        Array.from({ length: 12 }, async () => Buffer.from(await (await fetch(`${url}/large`)).arrayBuffer())),
      );
      expect(given.every((body) => body.equals(large))).toBe(true);
      const taken = await fetch(`${url}/length`, { method: 'POST', body: large });
      expect([taken.status, await taken.text()]).toEqual([201, String(large.length)]);
      expect(app().sessions).toBeLessThanOrEqual(3);
    });

    it('G48: hints, an empty answer and trailers come through', async () => {
      const last = 'Connection: close\r\n\r\n';
      const early = await l.raw(`GET /apps/${slug}/early HTTP/1.1\r\nHost: localhost\r\n${last}`);
      expect(early).toMatch(/^HTTP\/1\.1 103 Early Hints\r\nLink: <\/a\.css>; rel=preload\r\n\r\nHTTP\/1\.1 204 /);
      const trailed = await l.raw(`GET /apps/${slug}/trailers HTTP/1.1\r\nHost: localhost\r\n${last}`);
      expect(trailed).toMatch(/\r\n3\r\nabc\r\n0\r\nx-sum: 3\r\n\r\n$/i);
    });

    it('G45: a reset is 502 with its label, and others on the connection go on', async () => {
      const going = await fetch(`http://127.0.0.1:${l.port}/apps/${slug}/held`);
      const answer = await l.get(`/apps/${slug}/reset`);
      expect([answer.status, (await l.line(`/apps/${slug}/reset`)).outcome]).toEqual([502, 'connection_reset']);
      held.pop()!.end(' ended');
      expect(await going.text()).toBe('begun ended');
    });

    it('G44: hears at once that its client went away', async () => {
      const before = app().codes.filter((code) => code === 8).length;
      const socket = connect(l.port, '127.0.0.1');
      socket.write(`GET /apps/${slug}/held HTTP/1.1\r\nHost: localhost\r\n\r\n`);
      await once(socket, 'data');
      socket.destroy();
      await until(() => app().codes.filter((code) => code === 8).length === before + 1, 'the end of the stream');
    });

    it('has no WebSockets', async () => {
      const lines = ['Host: localhost', 'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13'];
      const key = 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==';
      const answer = await l.raw(`GET /apps/${slug}/echo HTTP/1.1\r\n${[...lines, key].join('\r\n')}\r\n\r\n`);
      expect(answer).toMatch(/^HTTP\/1\.1 502 /);
    });

    it('is asked for its health over HTTP/2', async () => {
      const protocol = slug === 'plain' ? 'h2c' : 'https';
      const target = { ...makeTarget(`${protocol}://127.0.0.1:${app().port}`), base_path: '' };
      const health = { ...makeRoute({ slug: 'x' }).health, path: '/early' };
      const rules = { allow: [], deny: [], own_ports: [] };
      const parts = { rules, resolve: systemResolve, cookies: new Map<string, string>() };
      const route = makeRoute({ slug: 'x', health, upstream_tls: tls });
      expect(await probe(route, target, parts)).toMatchObject({ healthy: true, error: null });
      const reset = { ...route, health: { ...health, path: '/reset' } };
      expect((await probe(reset, target, parts)).healthy).toBe(false);
    });
  });

  it('an app that speaks no HTTP/2 where that was said is 502', async () => {
    const old = await startUpstream((_request, response) => response.end('old'));
    const targets = [makeTarget(old.url.replace('http:', 'h2c:'))];
    l.swap([{ host: '', path: '/apps/old/', route: makeRoute({ slug: 'old', targets }) }]);
    expect((await l.get('/apps/old/')).status).toBe(502);
    await old.close();
  });

  describe('the certificate of a target', () => {
    const apps: { close(): void }[] = [];
    afterAll(() => {
      for (const app of apps) app.close();
    });
    const names: (string | false | null)[] = [];
    const secured = async (names_: string[], ip?: string): Promise<number> => {
      const made = certificateFor(names_, ip === undefined ? {} : { ip });
      const server = createTlsServer({ cert: made.chain, key: made.key }, (_request, response) => response.end('safe'));
      server.on('secureConnection', (socket) => names.push(socket.servername));
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      apps.push({
        close: () => {
          server.closeAllConnections();
          server.close();
        },
      });
      return (server.address() as AddressInfo).port;
    };
    const statusOf = async (target: string, server_name: string | null, host: string): Promise<number> => {
      const route = makeRoute({ slug: 'tls', targets: [makeTarget(target)], upstream_tls: { ...tls, server_name } });
      l.swap([
        { host: '', path: '/apps/tls/', route },
        { host: 'visited.example.org', path: '/apps/tls/', route },
      ]);
      const answer = await l.raw(`GET /apps/tls/ HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
      return Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1]);
    };

    it('at an address has to name the address, whatever the visitor calls us', async () => {
      const [right, wrong] = await Promise.all([
        secured(['inner.test'], '127.0.0.1'),
        secured(['visited.example.org', 'localhost']),
      ]);
      for (const host of ['visited.example.org', 'localhost', '127.0.0.1']) {
        expect([host, await statusOf(`https://127.0.0.1:${right}`, null, host)]).toEqual([host, 200]);
        expect([host, await statusOf(`https://127.0.0.1:${wrong}`, null, host)]).toEqual([host, 502]);
      }
    });

    it('has to name `server_name` where that is set, and is asked for by it', async () => {
      const port = await secured(['inner.test']);
      names.length = 0;
      for (const host of ['visited.example.org', 'localhost'])
        expect([host, await statusOf(`https://127.0.0.1:${port}`, 'inner.test', host)]).toEqual([host, 200]);
      expect(new Set(names)).toEqual(new Set(['inner.test']));
      expect(await statusOf(`https://127.0.0.1:${port}`, 'other.test', 'localhost')).toBe(502);
    });

    it('costs one connection for visitors who call us by several names', async () => {
      const port = await secured(['inner.test'], '127.0.0.1');
      names.length = 0;
      const route = makeRoute({ slug: 'tls', targets: [makeTarget(`https://127.0.0.1:${port}`)], upstream_tls: tls });
      l.swap([
        { host: '', path: '/apps/tls/', route },
        { host: 'visited.example.org', path: '/apps/tls/', route },
      ]);
      for (const host of ['localhost', 'visited.example.org', 'localhost'])
        await l.raw(`GET /apps/tls/ HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
      expect(names).toHaveLength(1);
    });
  });

  it('an app at an IPv6 address is asked there', async () => {
    const server = createPlainServer((request, response) => response.end(request.headers.host));
    server.listen(0, '::1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    // As the tables give it: without brackets.
    const target = { ...makeTarget(`http://[::1]:${port}`), hostname: '::1' };
    const route = makeRoute({ slug: 'six', targets: [target], preserve_host: false });
    l.swap([{ host: '', path: '/apps/six/', route }]);
    expect(await (await l.get('/apps/six/')).text()).toBe(`[::1]:${port}`);
    server.closeAllConnections();
    server.close();
  });

  describe('gRPC', () => {
    it('is 502 from an https app that speaks HTTP/1.1 alone, which goes on to answer the rest', async () => {
      const made = certificateFor(['inner.test'], { ip: '127.0.0.1' });
      const server = createTlsServer({ cert: made.chain, key: made.key }, (_request, response) => response.end('old'));
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const targets = [makeTarget(`https://127.0.0.1:${(server.address() as AddressInfo).port}`)];
      l.swap([{ host: '', path: '/apps/old/', route: makeRoute({ slug: 'old', targets, upstream_tls: tls }) }]);
      const url = `http://127.0.0.1:${l.port}/apps/old/`;
      const asked = async (type: string) =>
        (await fetch(url, { method: 'POST', body: 'x', headers: { 'content-type': type } })).status;
      expect([await asked('application/grpc+proto'), await asked('application/grpc-web+proto')]).toEqual([502, 200]);
      server.closeAllConnections();
      server.close();
    });

    it('gets a stream each way and its trailers, over TLS to an app that speaks HTTP/1.1 as well', async () => {
      const made = certificateFor(['inner.test'], { ip: '127.0.0.1' });
      const server = createSecureServer({ cert: made.chain, key: made.key, allowHTTP1: true });
      server.on('request', (request, response) => {
        if (request.httpVersionMajor === 1) {
          response.end('over HTTP/1.1');
          return;
        }
        response.writeHead(200, { 'content-type': 'application/grpc' });
        request.on('data', (chunk) => response.write(chunk));
        request.on('end', () => {
          response.addTrailers({ 'grpc-status': '0', 'grpc-message': 'fine' });
          response.end();
        });
      });
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const certificates = new TestCertificates();
      certificates.add(['localhost']);
      const targets = [makeTarget(`https://127.0.0.1:${(server.address() as AddressInfo).port}`)];
      const secured = await startLane(
        [{ host: '', path: '/apps/grpc/', route: makeRoute({ slug: 'grpc', targets, upstream_tls: tls }) }],
        { tls: { certificates, redirect: null }, config: { fast_lane: lane === 'fast' } },
      );
      const session = await openStreams(secured.port);
      expect((await ask(session, '/apps/grpc/page')).text).toBe('over HTTP/1.1');
      const stream = session.request({
        ...{ ':method': 'POST', ':path': '/apps/grpc/pkg.Echo/Both', te: 'trailers' },
        'content-type': 'application/grpc',
      });
      const answer = answerTo(stream);
      stream.write('one ');
      await once(stream, 'response');
      stream.end('two');
      expect(await answer).toMatchObject({
        status: 200,
        text: 'one two',
        trailers: { 'grpc-status': '0', 'grpc-message': 'fine' },
      });
      session.destroy();
      await secured.close();
      server.close();
    });
  });
};
