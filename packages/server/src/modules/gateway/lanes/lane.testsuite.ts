import { createServer as createTcpServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Caller } from '../../../platform/operations/caller.ts';
import type { Visitor } from '../gate.ts';
import {
  makeRoute,
  makeTarget,
  openGate,
  startLane,
  startRawUpstream,
  startUpstream,
  stranger,
  type TestLane,
  type Upstream,
  useLane,
} from './lane.testkit.ts';

/** For both lanes: what holds of one holds of the other. */
export const laneTests = (lane: 'fast' | 'slow'): void => {
  beforeAll(() => useLane(lane));

  const bodyOf = async (request: AsyncIterable<Buffer>): Promise<string> => {
    let text = '';
    for await (const chunk of request) text += chunk.toString('latin1');
    return text;
  };

  let app: Upstream;
  let l: TestLane;

  beforeAll(async () => {
    app = await startUpstream(async (request, response) => {
      const path = request.url?.split('?')[0];
      if (path === '/204') response.writeHead(204).end();
      else if (path === '/304') response.writeHead(304, { etag: '"x"' }).end();
      else if (path === '/empty') response.writeHead(200, { 'transfer-encoding': 'chunked' }).end();
      else if (path === '/trailers') {
        response.writeHead(200, { trailer: 'X-Sum' });
        response.write('abc');
        response.addTrailers({ 'X-Sum': '3' });
        response.end();
      } else if (path === '/headers') {
        response.writeHead(200, [
          ...['Connection', 'close, X-Hop', 'X-Hop', '1', 'X-Kept', '2', 'Keep-Alive', 'timeout=3'],
          ...['Set-Cookie', 'a=1; Path=/', 'Set-Cookie', 'atrium_session=x', 'Set-Cookie', '__Host-atrium_app=y'],
          ...[
            'Service-Worker-Allowed',
            '/',
            'Clear-Site-Data',
            '"*"',
            'Atrium-Error',
            'nothing',
            'X-Twice',
            'a',
            'X-Twice',
            'b',
          ],
          ...['Proxy-Authenticate', 'Basic'],
        ]);
        response.end('x');
      } else if (path === '/far') response.writeHead(302, { location: 'http://127.0.0.1:1/secret' }).end();
      else {
        const body = await bodyOf(request);
        const text = JSON.stringify({ method: request.method, url: request.url, headers: request.headers, body });
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
        response.end(text);
      }
    });
    const target = [makeTarget(app.url)];
    l = await startLane([
      { host: '', path: '/apps/notes/', route: makeRoute({ slug: 'notes', targets: target }) },
      { host: '', path: '/apps/bare', route: makeRoute({ slug: 'bare', targets: target }) },
      { host: '', path: '/apps/whole/', route: makeRoute({ slug: 'whole', targets: target, strip_prefix: false }) },
      {
        host: 'notes.test',
        path: '/',
        route: makeRoute({ slug: 'notes-host', targets: [makeTarget(`${app.url}/base/`)] }),
      },
      {
        host: '',
        path: '/apps/own-host/',
        route: makeRoute({ slug: 'own-host', targets: target, preserve_host: false }),
      },
      { host: '', path: '/apps/gone/', route: makeRoute({ slug: 'gone', kind: 'not_found' }) },
      {
        host: '',
        path: '/apps/moved/',
        route: makeRoute({ slug: 'moved', kind: 'redirect', redirect_to: 'https://x.test/' }),
      },
      {
        host: '',
        path: '/apps/small/',
        route: makeRoute({
          slug: 'small',
          targets: target,
          max_body: 10,
          upstream_auth: { kind: 'header', value: 'Bearer app' },
        }),
      },
      {
        host: '',
        path: '/apps/pass/',
        route: makeRoute({ slug: 'pass', targets: target, upstream_auth: { kind: 'pass' } }),
      },
    ]);
  });
  afterAll(async () => {
    await l.close();
    await app.close();
  });

  it('header lines of the request before on the same connection are not taken for those of the next one', async () => {
    const values = ['1', '1', '2', '1'];
    const got = await l.raw(
      values
        .map(
          (value, at) =>
            `GET /apps/notes/${at} HTTP/1.1\r\nHost: localhost\r\nX-App: ${value}\r\nCookie: a=${value}\r\n` +
            `${at === values.length - 1 ? 'Connection: close\r\n' : ''}\r\n`,
        )
        .join(''),
    );
    const told = [...got.matchAll(/\{"method.*\}/g)].map(([text]) => JSON.parse(text));
    expect(told.map(({ url, headers }) => [url, headers['x-app'], headers.cookie])).toEqual(
      values.map((value, at) => [`/${at}`, value, `a=${value}`]),
    );
  });

  const seenBy = async (path: string, init: RequestInit & { headers?: Record<string, string> } = {}) => {
    const answer = await fetch(`http://127.0.0.1:${l.port}${path}`, init);
    expect(answer.status).toBe(200);
    return (await answer.json()) as { method: string; url: string; headers: Record<string, string>; body: string };
  };

  const wire = (lines: readonly string[], path = '/apps/notes/x', host = 'localhost'): Promise<string> =>
    l.raw(
      `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n${lines.map((line) => `${line}\r\n`).join('')}Connection: close\r\n\r\n`,
    );

  const heardBy = async (lines: readonly string[], path?: string, host?: string): Promise<Record<string, string>> => {
    const answer = await wire(lines, path, host);
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    return JSON.parse(answer.slice(answer.indexOf('{'), answer.lastIndexOf('}') + 1)).headers;
  };

  describe('addresses', () => {
    it('G13: a path without the slash of its route is sent to the one with it, query kept', async () => {
      const answer = await l.get('/apps/notes?a=1');
      expect([answer.status, answer.headers.get('location')]).toEqual([308, '/apps/notes/?a=1']);
      expect((await l.get('/apps/bareb')).status).toBe(404);
    });

    it('the prefix is taken from the path where the route says so, and nothing else is changed', async () => {
      expect((await seenBy('/apps/notes/a//b/%2F%C3%A4?x=%20&y')).url).toBe('/a//b/%2F%C3%A4?x=%20&y');
      expect((await seenBy('/apps/notes/')).url).toBe('/');
      expect((await seenBy('/apps/bare')).url).toBe('/');
      expect((await seenBy('/apps/bare/c')).url).toBe('/c');
      expect((await seenBy('/apps/whole/c')).url).toBe('/apps/whole/c');
      expect((await heardBy([], '/q', 'Notes.Test.:80'))['host']).toBe('Notes.Test.:80');
      expect(app.seen.at(-1)?.url).toBe('/base/q');
    });

    it.each([
      '/apps/notes/../../api/v1/routes',
      '/apps/notes/%2e%2e/x',
      '/apps/notes/%2E%2e%2fx',
      '/apps/notes/..%5cx',
      '/apps/notes/%00',
    ])('G26: %s gets 400 and reaches no app', async (path) => {
      const before = app.seen.length;
      const answer = await wire([], path);
      expect(answer).toMatch(/^HTTP\/1\.1 400 /);
      expect(answer).toContain('atrium-error: gateway_bad_path');
      expect(app.seen.length).toBe(before);
    });

    it('G26: what is escaped twice goes on as it is', async () => {
      await wire([], '/apps/notes/%252e%252e/x');
      expect(app.seen.at(-1)?.url).toBe('/%252e%252e/x');
    });

    it('an unknown app is 404 in our form, a page for browsers; other paths are the product’s', async () => {
      const answer = await l.get('/apps/nothing/x');
      expect([answer.status, answer.headers.get('atrium-error')]).toEqual([404, 'not_found']);
      expect(await answer.json()).toMatchObject({ code: 'not_found', instance: '/apps/nothing/x' });
      const page = await l.get('/apps/nothing/x', { accept: 'text/html' });
      expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
      expect((await l.get('/health')).status).toBe(200);
      expect((await l.get('/apps/gone/')).headers.get('atrium-error')).toBe('not_found');
      const moved = await l.get('/apps/moved/');
      expect([moved.status, moved.headers.get('location')]).toEqual([302, 'https://x.test/']);
    });

    it('G25: a host that is nobody’s, two hosts, or another host in the target get nothing', async () => {
      const before = app.seen.length;
      for (const path of ['/apps/notes/', '/api/v1/things', '/health']) {
        const answer = await wire([], path, 'rebound.example');
        expect(answer).toMatch(/^HTTP\/1\.1 421 /);
        expect(answer).toContain('ATRIUM_EXTRA_HOSTS');
        expect(await wire(['Host: notes.test'], path)).toMatch(/^HTTP\/1\.1 400 /);
        expect(await wire(['Host : notes.test'], path)).toMatch(/^HTTP\/1\.1 400 /);
        expect(await wire([], `http://notes.test${path}`)).toMatch(/^HTTP\/1\.1 400 /);
        expect(await wire([], path, 'localhost\rx')).toMatch(/^HTTP\/1\.1 400 /);
        expect(await wire([], path, 'localhost:80@notes.test')).toMatch(/^HTTP\/1\.1 421 /);
      }
      expect(app.seen.length).toBe(before);
      const page = await wire(['Accept: text/html'], '/', 'rebound.example');
      expect(page).toContain('<h1>Unknown host</h1>');
    });
  });

  describe('headers towards the app', () => {
    it('G24: what a client says about itself is replaced by what we know', async () => {
      const heard = await heardBy([
        'X-Forwarded-For: 1.2.3.4',
        'X-Real-IP: 1.2.3.4',
        'Forwarded: for=1.2.3.4',
        'X-Forwarded-Host: evil.test',
        'X_Forwarded_For: 1.2.3.4',
        'X-Forwarded-User: root',
        'X-Atrium-User: root',
        'X_Atrium_User: root',
        'Remote-User: root',
        'Remote_User: root',
        'Content_Length: 5',
        'X-Own_name: stays',
      ]);
      expect(heard).toMatchObject({
        'x-forwarded-for': '127.0.0.1',
        'x-real-ip': '127.0.0.1',
        forwarded: 'for=127.0.0.1;host="localhost";proto=http',
        'x-forwarded-host': 'localhost',
        'x-forwarded-proto': 'http',
        'x-forwarded-prefix': '/apps/notes',
        'x-own_name': 'stays',
        via: '1.1 atrium (test0001)',
      });
      for (const name of [
        'x_forwarded_for',
        'x-forwarded-user',
        'x-atrium-user',
        'x_atrium_user',
        'remote-user',
        'remote_user',
        'content_length',
      ])
        expect(heard[name]).toBeUndefined();
      expect((await l.line('/apps/notes/x')).address).toBe('127.0.0.1');
    });

    it('G24: a Connection header removes what it names, and not what our rules are about', async () => {
      const heard = await heardBy([
        'Connection: Cookie, X-Atrium-Assertion, Host',
        'Cookie: a=1; atrium_session=s; b=2',
        'X-Atrium-Assertion: x',
      ]);
      expect(heard['cookie']).toBe('a=1; b=2');
      expect(heard['x-atrium-assertion']).toBeUndefined();
      expect(heard['host']).toBe('localhost');
      const other = await heardBy(['Connection: close, X-App', 'X-App: 1', 'X-Other: 2']);
      expect([other['x-app'], other['x-other']]).toEqual([undefined, '2']);
    });

    it('credentials of ours do not reach apps, and the secret of a route replaces them', async () => {
      const heard = await seenBy('/apps/notes/', {
        headers: { authorization: 'Bearer ours', cookie: 'atrium_session=1', te: 'trailers' },
      });
      expect([heard.headers['authorization'], heard.headers['cookie'], heard.headers['te']]).toEqual([
        undefined,
        undefined,
        'trailers',
      ]);
      expect(
        (await seenBy('/apps/small/', { headers: { authorization: 'Bearer ours' } })).headers['authorization'],
      ).toBe('Bearer app');
      expect((await seenBy('/apps/pass/', { headers: { authorization: 'Basic YTpi' } })).headers['authorization']).toBe(
        'Basic YTpi',
      );
    });

    it('the host is the client’s or the target’s, as the route says', async () => {
      expect((await seenBy('/apps/notes/')).headers['host']).toBe(`127.0.0.1:${l.port}`);
      expect((await seenBy('/apps/own-host/')).headers['host']).toBe(`127.0.0.1:${app.port}`);
    });

    it('G24: only a trusted proxy is believed, and of its list the right-most address that it did not trust', async () => {
      const behind = await startLane(
        [{ host: 'notes.test', path: '/', route: makeRoute({ slug: 'behind', targets: [makeTarget(app.url)] }) }],
        { config: { trusted_proxies: ['127.0.0.0/8', '10.0.0.0/8'] } },
      );
      const answer = await behind.raw(
        'GET / HTTP/1.1\r\nHost: inner\r\nX-Forwarded-Host: notes.test\r\nX-Forwarded-Proto: https\r\nX-Forwarded-For: 6.6.6.6, 203.0.113.9, 10.1.1.1\r\nConnection: close\r\n\r\n',
      );
      expect(answer).toMatch(/^HTTP\/1\.1 200 /);
      expect(app.seen.at(-1)?.headers).toMatchObject({
        'x-forwarded-for': '203.0.113.9, 127.0.0.1',
        'x-real-ip': '203.0.113.9',
        'x-forwarded-proto': 'https',
        'x-forwarded-host': 'notes.test',
      });
      expect((await behind.line('/')).address).toBe('203.0.113.9');
      await behind.close();
    });
  });

  describe('headers back to the client', () => {
    it('lose what belongs to one connection, and what could pass for ours', async () => {
      const answer = await wire([], '/apps/notes/headers');
      const [head] = answer.split('\r\n\r\n');
      expect(head).toMatch(/^X-Kept: 2$/im);
      expect(head).toMatch(/^X-Twice: a$/im);
      expect(head).toMatch(/^X-Twice: b$/im);
      expect(head).toMatch(/^Set-Cookie: a=1; Path=\/$/im);
      expect(head).not.toMatch(
        /x-hop|atrium_session|__host-atrium|timeout=3|atrium-error|service-worker|clear-site|proxy-auth/i,
      );
      const byHost = await wire([], '/headers', 'notes.test');
      expect(byHost).not.toMatch(/atrium_session/i);
    });

    it('a redirect of the app is the client’s to follow', async () => {
      const answer = await l.get('/apps/notes/far');
      expect([answer.status, answer.headers.get('location')]).toEqual([302, 'http://127.0.0.1:1/secret']);
    });

    it('G48: HEAD, 204, 304, an empty chunked body and trailers keep their framing to the byte', async () => {
      const shape = async (method: string, path: string): Promise<[string, string]> => {
        const answer = await l.raw(
          `${method} /apps/notes${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
        );
        const end = answer.indexOf('\r\n\r\n');
        return [answer.slice(0, end).toLowerCase(), answer.slice(end + 4)];
      };
      const [head, none] = await shape('HEAD', '/x');
      expect(head).toMatch(/content-length: \d+/);
      expect(none).toBe('');
      const [head204, none204] = await shape('GET', '/204');
      expect(head204).not.toMatch(/transfer-encoding|content-length/);
      expect(none204).toBe('');
      const [head304, none304] = await shape('GET', '/304');
      expect(head304).toContain('etag: "x"');
      expect(none304).toBe('');
      const [headEmpty, empty] = await shape('GET', '/empty');
      expect(headEmpty).toContain('transfer-encoding: chunked');
      expect(empty).toBe('0\r\n\r\n');
      const [headTrailers, trailers] = await shape('GET', '/trailers');
      expect(headTrailers).toContain('trailer: x-sum');
      expect(trailers).toBe('3\r\nabc\r\n0\r\nX-Sum: 3\r\n\r\n');
    });
  });

  describe('bodies', () => {
    it('pass in both framings, and beyond the limit of a route get 413', async () => {
      expect((await seenBy('/apps/notes/', { method: 'POST', body: 'hello' })).body).toBe('hello');
      const chunked = await l.raw(
        'POST /apps/notes/ HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n',
      );
      expect(chunked).toContain('\\"body\\":\\"abcde\\"'.replaceAll('\\', ''));
      const posted = (body: string) => fetch(`http://127.0.0.1:${l.port}/apps/small/`, { method: 'POST', body });
      expect((await posted('0123456789')).status).toBe(200);
      expect((await posted('0123456789a')).status).toBe(413);
      const streamed = await l.raw(
        `POST /apps/small/ HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\nb\r\n0123456789a\r\n0\r\n\r\n`,
      );
      expect(streamed).toMatch(/^HTTP\/1\.1 413 /);
    });

    it('G48: a stranger who asks before sending a body is refused without a byte of it; who may is told to go on', async () => {
      const closed = await startLane(
        [
          { host: '', path: '/apps/shut/', route: makeRoute({ slug: 'shut', targets: [makeTarget(app.url)] }) },
          { host: '', path: '/apps/open/', route: makeRoute({ slug: 'open', targets: [makeTarget(app.url)] }) },
        ],
        {
          gate: {
            own: () => null,
            decide: (_request, route) =>
              route.slug === 'open'
                ? { kind: 'allow', visitor: stranger }
                : { kind: 'refuse', status: 401, code: 'unauthorized', detail: 'Sign in.' },
          },
        },
      );
      const before = app.seen.length;
      const ask = (slug: string) =>
        closed.raw(
          `POST /apps/${slug}/ HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n`,
          500,
        );
      const refused = await ask('shut');
      expect(refused).toMatch(/^HTTP\/1\.1 401 /);
      expect(refused).not.toContain('100 Continue');
      expect(app.seen.length).toBe(before);
      expect(await ask('open')).toMatch(/^HTTP\/1\.1 100 Continue/);
      await closed.close();
    });
  });

  describe('a client that does not wait for its answers', () => {
    it('and asks for an upgrade behind a request loses its connection, and nobody else anything', async () => {
      let answer = (): void => undefined;
      const late = await startUpstream((_request, response) => {
        answer = () => response.end('late');
      });
      const p = await startLane([
        { host: '', path: '/apps/late/', route: makeRoute({ slug: 'late', targets: [makeTarget(late.url)] }) },
      ]);
      const upgrade =
        'GET /apps/late/socket HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';
      // Two fields of a name, so that Node reads both requests in either lane.
      const both = `GET /apps/late/a HTTP/1.1\r\nHost: localhost\r\nX-A: 1\r\nX-A: 2\r\n\r\n${upgrade}`;
      expect(await p.raw(both)).toBe('');
      const one = p.get('/apps/late/b');
      await expect.poll(() => late.seen.some(({ url }) => url === '/b')).toBe(true);
      answer();
      expect(await (await one).text()).toBe('late');
      await p.close();
      await late.close();
    });

    it('and waits to be told to go on in such a row finds no such word in the middle of another answer', async () => {
      const get = (path: string, more = '') => `GET /apps/notes/${path} HTTP/1.1\r\nHost: localhost\r\n${more}\r\n`;
      const answer = await l.raw(get('a', 'X-A: 1\r\nX-A: 2\r\n') + get('b', 'Expect: 100-continue\r\n'));
      expect(answer.split('HTTP/1.1 200')).toHaveLength(3);
      expect(answer).not.toContain('100 Continue');
    });
  });

  describe('limits of heads', () => {
    it('G30: a head of 65 KiB and a 257th field are 431, a path of 60 KiB works', async () => {
      expect(await wire([`X-Long: ${'a'.repeat(66_000)}`])).toMatch(/^HTTP\/1\.1 431 /);
      const fields = (count: number) => Array.from({ length: count }, (_none, n) => `X-${n}: 1`);
      expect(await wire(fields(255))).toMatch(/^HTTP\/1\.1 431 /);
      expect(await wire(fields(254))).toMatch(/^HTTP\/1\.1 200 /);
      expect(await wire([], `/apps/notes/${'a'.repeat(60_000)}`)).toMatch(/^HTTP\/1\.1 200 /);
    });

    it('G30: a head of the app above 64 KiB is 502', async () => {
      const wide = await startUpstream((_request, response) =>
        response.writeHead(200, { 'x-wide': 'a'.repeat(70_000) }).end('x'),
      );
      l.swap([{ host: '', path: '/apps/wide/', route: makeRoute({ slug: 'wide', targets: [makeTarget(wide.url)] }) }]);
      const answer = await l.get('/apps/wide/');
      expect([answer.status, answer.headers.get('atrium-error')]).toEqual([502, 'gateway_bad_gateway']);
      await wide.close();
    });

    it('G30: a target that leads back here is seen at the second pass', async () => {
      let rounds = 0;
      const loop = await startLane([], { parts: { guard: { refusal: () => null } } });
      const route = makeRoute({ slug: 'loop', targets: [makeTarget(`http://127.0.0.1:${loop.port}/apps/loop`)] });
      loop.swap([{ host: '', path: '/apps/loop/', route }]);
      const answer = await loop.get('/apps/loop/');
      for (const _line of loop.book.lines()) rounds += 1;
      expect([answer.status, answer.headers.get('x-request-id') !== null]).toEqual([508, true]);
      expect(rounds).toBeLessThanOrEqual(3);
      await loop.close();
    });
  });

  describe('targets', () => {
    const only = (over: Partial<Parameters<typeof makeRoute>[0]>) => {
      const route = makeRoute({ slug: 'one', ...over });
      l.swap([{ host: '', path: '/apps/one/', route }]);
      return route;
    };
    const closedPort = async (): Promise<number> => {
      const server = createTcpServer();
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const { port } = server.address() as { port: number };
      await new Promise((resolve) => server.close(resolve));
      return port;
    };
    const labelled = async (path: string) => {
      const answer = await l.get(path);
      const line = await l.line(path);
      return [
        answer.status,
        ((await answer.json()) as { code: string }).code,
        line.outcome,
        answer.headers.get('atrium-error') !== null,
      ];
    };

    it('G45: what goes wrong with an app has a status and a label', async () => {
      only({ targets: [makeTarget(`http://127.0.0.1:${await closedPort()}`)] });
      expect(await labelled('/apps/one/a')).toEqual([502, 'gateway_bad_gateway', 'connection_refused', true]);
      const resets = await startRawUpstream((socket) => socket.once('data', () => socket.resetAndDestroy()));
      only({ targets: [makeTarget(resets.url)] });
      expect(await labelled('/apps/one/b')).toEqual([502, 'gateway_bad_gateway', 'connection_reset', true]);
      const silent = await startRawUpstream((socket) => socket.resume());
      only({ targets: [makeTarget(silent.url)], timeouts: { ...makeRoute({ slug: 'x' }).timeouts, head: 60 } });
      expect(await labelled('/apps/one/c')).toEqual([504, 'gateway_upstream_timeout', 'timeout', true]);
      only({ targets: [makeTarget('http://name.invalid:80')] });
      expect(await labelled('/apps/one/d')).toEqual([502, 'gateway_bad_gateway', 'dns_error', true]);
      const nonsense = await startRawUpstream((socket) => socket.once('data', () => socket.end('SSH-2.0-x\r\n')));
      only({ targets: [makeTarget(nonsense.url)] });
      expect(await labelled('/apps/one/e')).toEqual([502, 'gateway_bad_gateway', 'bad_gateway', true]);
      await Promise.all([resets.close(), silent.close(), nonsense.close()]);
    });

    it('G45: an app that cannot be reached is 503 with Retry-After when it is known', async () => {
      const target = makeTarget(app.url);
      only({ targets: [target] });
      l.health.down.add(target.url);
      const answer = await l.get('/apps/one/f');
      expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '10']);
      l.health.down.clear();
      expect((await l.get('/apps/one/f')).status).toBe(200);
    });

    it('G23: an answer with two lengths, or with a length and chunks, is 502 and its connection is not used again', async () => {
      let [connections, requests] = [0, 0];
      const doubtful = await startRawUpstream((socket) => {
        connections += 1;
        socket.on('data', () => {
          requests += 1;
          socket.write(
            requests === 1
              ? 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc'
              : 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
          );
        });
      });
      only({ targets: [makeTarget(doubtful.url)] });
      expect((await l.get('/apps/one/g')).status).toBe(502);
      const before = connections;
      expect((await l.get('/apps/one/h')).status).toBe(502);
      expect(connections).toBeGreaterThan(before);
      await doubtful.close();
    });

    it('G46: a dead target is passed over, and a request whose bytes were sent is not sent twice', async () => {
      const dead = makeTarget(`http://127.0.0.1:${await closedPort()}`);
      only({ targets: [dead, makeTarget(app.url)] });
      for (let n = 0; n < 4; n++) expect((await l.get(`/apps/one/${n}`)).status).toBe(200);
      const post = await fetch(`http://127.0.0.1:${l.port}/apps/one/p`, { method: 'POST', body: 'abc' });
      expect([post.status, ((await post.json()) as { body: string }).body]).toEqual([200, 'abc']);
      let posts = 0;
      const half = await startRawUpstream((socket) =>
        socket.once('data', () => {
          posts += 1;
          socket.destroy();
        }),
      );
      only({ targets: [makeTarget(half.url), makeTarget(half.url.replace('127.0.0.1', '127.0.0.2'))] });
      const lost = await fetch(`http://127.0.0.1:${l.port}/apps/one/q`, { method: 'POST', body: 'abc' });
      expect([lost.status, posts]).toEqual([502, 1]);
      await half.close();
    });

    it('G46: a sticky client stays where it is and moves once when that dies', async () => {
      const [a, b] = await Promise.all(
        ['a', 'b'].map((name) => startUpstream((_request, response) => response.end(name))),
      );
      const targets = [makeTarget(a!.url), makeTarget(b!.url)];
      only({ targets, strategy: 'sticky' });
      const first = await l.get('/apps/one/s');
      const cookie = first.headers.get('set-cookie')!.split(';')[0]!;
      const home = await first.text();
      for (let n = 0; n < 5; n++) {
        const again = await l.get('/apps/one/s', { cookie });
        expect([await again.text(), again.headers.get('set-cookie')]).toEqual([home, null]);
      }
      expect(await (await l.get('/apps/one/s', { cookie: `${cookie}x` })).text()).toMatch(/[ab]/);
      const [dying, other] = home === 'a' ? [targets[0]!, 'b'] : [targets[1]!, 'a'];
      l.health.down.add(dying.url);
      const moved = await l.get('/apps/one/s', { cookie });
      expect(await moved.text()).toBe(other);
      const now = moved.headers.get('set-cookie')!.split(';')[0]!;
      l.health.down.clear();
      expect(await (await l.get('/apps/one/s', { cookie: now })).text()).toBe(other);
      await Promise.all([a!.close(), b!.close()]);
    });

    it('weights are kept to exactly, and the target with least to do is asked first', async () => {
      const names: string[] = [];
      const [a, b] = await Promise.all(
        ['a', 'b'].map((name) =>
          startUpstream((request, response) => {
            names.push(name);
            if (request.url !== '/slow') response.end(name);
          }),
        ),
      );
      const targets = [makeTarget(a!.url, 3), makeTarget(b!.url, 1)];
      only({ targets });
      for (let n = 0; n < 8; n++) await (await l.get('/apps/one/')).text();
      expect(names.filter((name) => name === 'a')).toHaveLength(6);
      only({ targets: [makeTarget(a!.url), makeTarget(b!.url)], strategy: 'least_requests' });
      names.length = 0;
      const stop = new AbortController();
      const held = fetch(`http://127.0.0.1:${l.port}/apps/one/slow`, { signal: stop.signal }).catch(() => undefined);
      await expect.poll(() => names.length).toBe(1);
      for (let n = 0; n < 3; n++) await (await l.get('/apps/one/')).text();
      expect(new Set(names.slice(1)).size).toBe(1);
      expect(names[1]).not.toBe(names[0]);
      stop.abort();
      await held;
      await Promise.all([a!.close(), b!.close()]);
    });

    it('G27: addresses that are never allowed are not dialled, nor private ones for those who may not', async () => {
      for (const [index, url] of [
        'http://169.254.169.254',
        'http://0.0.0.0:80',
        `http://127.0.0.1:${l.port}`,
        `http://localhost:${l.port}`,
      ].entries()) {
        only({ targets: [makeTarget(url)] });
        expect(await labelled(`/apps/one/t${index}`)).toEqual([502, 'gateway_bad_gateway', 'target_refused', true]);
      }
      only({ targets: [makeTarget(app.url.replace('127.0.0.1', 'localhost'))], allow_private: false });
      const before = app.seen.length;
      expect(await labelled('/apps/one/u')).toEqual([502, 'gateway_bad_gateway', 'target_refused', true]);
      expect(app.seen.length).toBe(before);
      expect(l.refused.length).toBe(5);
    });
  });

  describe('filters', () => {
    it('are applied in their order: addresses, rates, headers, redirects, passwords', async () => {
      const targets = [makeTarget(app.url)];
      const claim = (slug: string, filters: Parameters<typeof makeRoute>[0]['filters']) => ({
        host: '',
        path: `/apps/${slug}/`,
        route: makeRoute({ slug, targets, filters: filters ?? [] }),
      });
      l.swap([
        claim('near', [{ kind: 'ip_allow', cidrs: ['10.0.0.0/8', '::1'] }]),
        claim('here', [{ kind: 'ip_allow', cidrs: ['127.0.0.0/8'] }]),
        claim('rate', [{ kind: 'rate', requests: 2, window_s: 60, by: 'address' }]),
        claim('head', [
          {
            kind: 'headers',
            request: { 'X-Set': '1', Accept: null },
            response: { 'X-Back': '2', 'Content-Type': null },
          },
        ]),
        claim('move', [{ kind: 'redirect', from: '/old/*', to: '/new/*', status: 308 }]),
        claim('word', [{ kind: 'basic_auth', users: [{ name: 'ada', password: 'hash of secret:word' }] }]),
      ]);
      expect((await l.get('/apps/near/')).status).toBe(403);
      expect((await l.get('/apps/here/')).status).toBe(200);
      const rates = await Promise.all([
        l.get('/apps/rate/'),
        l.get('/apps/rate/', { 'x-forwarded-for': '9.9.9.9' }),
        l.get('/apps/rate/'),
      ]);
      const limited = rates.filter(({ status }) => status === 429);
      expect(limited).toHaveLength(1);
      expect([limited[0]!.headers.get('ratelimit-limit'), limited[0]!.headers.get('retry-after')]).toEqual(['2', '2']);
      const changed = await l.get('/apps/head/', { accept: 'x/y' });
      expect([changed.headers.get('x-back'), changed.headers.get('content-type')]).toEqual(['2', null]);
      expect(JSON.parse(await changed.text()).headers).toMatchObject({ 'x-set': '1' });
      const moved = await l.get('/apps/move/old//evil.test/x?q=1');
      expect([moved.status, moved.headers.get('location')]).toEqual([308, '/apps/move/new//evil.test/x?q=1']);
      const word = (text: string) =>
        l.get('/apps/word/', { authorization: `Basic ${Buffer.from(text).toString('base64')}` });
      expect((await l.get('/apps/word/')).headers.get('www-authenticate')).toContain('Basic realm="word"');
      expect([
        (await word('ada:wrong')).status,
        (await word('ada:secret:word')).status,
        (await word('eve:secret:word')).status,
      ]).toEqual([401, 200, 401]);
      expect(app.seen.at(-1)?.headers.authorization).toBeUndefined();
    });
  });

  describe('the gate', () => {
    const caller = { kind: 'user', id: '0199f2c6-0000-7000-8000-000000000001', name: 'Ada' } as Caller;
    const ada: Visitor = { ...stranger, caller, identity_headers: [['x-atrium-user', 'ada']] };

    it('may take its time, redirect, show a page, refuse or break, and no app hears of it', async () => {
      const verdicts = {
        slow: new Promise((resolve) =>
          setTimeout(() => resolve({ kind: 'allow', visitor: ada, set_headers: [['set-cookie', 'share=1']] }), 20),
        ),
        away: { kind: 'redirect', location: '/login?to=x', status: 302 },
        page: { kind: 'page', status: 200, html: '<p>PIN</p>' },
        scope: {
          kind: 'refuse',
          status: 403,
          code: 'insufficient_scope',
          detail: 'No.',
          required: 'access:scope',
          headers: [['www-authenticate', 'Bearer']],
        },
        bad: Promise.reject(new Error('the gate broke')),
      };
      verdicts.bad.catch(() => undefined);
      const g = await startLane(
        Object.keys(verdicts).map((slug) => ({
          host: '',
          path: `/apps/${slug}/`,
          route: makeRoute({ slug, targets: [makeTarget(app.url)] }),
        })),
        {
          gate: {
            own: () => null,
            decide: (_request, route) => verdicts[route.slug as keyof typeof verdicts] as never,
          },
        },
      );
      const slow = await g.get('/apps/slow/');
      expect(slow.headers.get('set-cookie')).toBe('share=1');
      expect(((await slow.json()) as { headers: Record<string, string> }).headers['x-atrium-user']).toBe('ada');
      expect((await g.line('/apps/slow/')).principal).toEqual({ type: 'user', id: caller.id, name: 'Ada' });
      const before = app.seen.length;
      const away = await g.get('/apps/away/');
      expect([away.status, away.headers.get('location')]).toEqual([302, '/login?to=x']);
      expect(await (await g.get('/apps/page/')).text()).toBe('<p>PIN</p>');
      const scope = await g.get('/apps/scope/');
      expect([scope.status, scope.headers.get('www-authenticate'), await scope.json()]).toMatchObject([
        403,
        'Bearer',
        { required: 'access:scope' },
      ]);
      expect((await g.get('/apps/bad/')).status).toBe(500);
      expect(g.errors).toHaveLength(1);
      expect(app.seen.length).toBe(before);
      await g.close();
    });

    it('G20: a right that ends ends what was opened with it', async () => {
      const ends: ((reason: string) => void)[] = [];
      const watched: Visitor = {
        ...ada,
        watch: (end) => {
          ends.push(end);
          return () => undefined;
        },
      };
      const streaming = await startUpstream((_request, response) =>
        response.writeHead(200, { 'content-length': 100 }).write('x'),
      );
      const g = await startLane(
        [{ host: '', path: '/apps/w/', route: makeRoute({ slug: 'w', targets: [makeTarget(streaming.url)] }) }],
        { gate: openGate(watched) },
      );
      const answer = await g.get('/apps/w/');
      await expect.poll(() => ends.length).toBe(1);
      ends[0]!('member removed');
      await expect(answer.text()).rejects.toThrow();
      expect((await g.line('/apps/w/')).outcome).toBe('revoked');
      await g.close();
      await streaming.close();
    });
  });
};
