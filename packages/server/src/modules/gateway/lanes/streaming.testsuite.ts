import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { livingMemory } from '../../../../test/support/living-memory.ts';
import {
  exchange,
  makeRoute,
  makeTarget,
  startLane,
  startUpstream,
  type TestLane,
  type Upstream,
  useLane,
} from './lane.testkit.ts';

/** For both lanes: what holds of one holds of the other. */
export const streamingTests = (lane: 'fast' | 'slow'): void => {
  beforeAll(() => useLane(lane));

  const mebibyte = 1024 * 1024;
  const block = randomBytes(mebibyte);
  const timeouts = makeRoute({ slug: 'x' }).timeouts;

  /** How the app behaves, by path. */
  const app = {
    aborted: 0,
    /** Bytes that the app could get rid of. */
    given: 0,
    /** The most that was held while long bodies were taken; null when nobody looks. */
    held: null as number | null,
    go: new Map<string, () => void>(),
  };
  let upstream: Upstream;
  let l: TestLane;

  const digestOf = async (stream: AsyncIterable<Buffer>): Promise<{ digest: string; bytes: number }> => {
    const hash = createHash('sha256');
    let bytes = 0;
    let looked = 0;
    for await (const chunk of stream) {
      hash.update(chunk);
      bytes += chunk.length;
      if (app.held === null || bytes - looked < 8 * mebibyte) continue;
      looked = bytes;
      app.held = Math.max(app.held, livingMemory());
    }
    return { digest: hash.digest('hex'), bytes };
  };

  beforeAll(async () => {
    upstream = await startUpstream(async (request, response) => {
      const path = request.url ?? '';
      response.setMaxListeners(0).on('close', () => {
        if (!response.writableFinished) app.aborted += 1;
      });
      request.on('error', () => undefined);
      if (path.startsWith('/give/')) {
        const count = Number(path.slice(6));
        response.writeHead(200, { 'content-length': count * mebibyte });
        for (let n = 0; n < count && !response.destroyed; n++) {
          app.given += mebibyte;
          if (!response.write(block))
            await new Promise((resolve) => response.once('drain', resolve).once('close', resolve));
        }
        response.end();
      } else if (path === '/take')
        await digestOf(request).then(
          (taken) => response.end(JSON.stringify(taken)),
          () => undefined,
        );
      else if (path === '/ignore') app.go.set(path, () => request.resume());
      else if (path === '/events' || path === '/stall') {
        response.writeHead(200, { 'content-type': path === '/events' ? 'text/event-stream' : 'text/plain' });
        response.write('data: 1\n\n');
        app.go.set(path, () => response.end('data: 2\n\n'));
      } else if (path === '/parts') {
        response.writeHead(200, { 'content-type': 'text/html' });
        response.write('<html><head>');
        app.go.set(path, () => response.end('</head></html>'));
      } else if (path === '/poll') app.go.set(path, () => response.end('at last'));
      else response.end('ok');
    });
    const target = [makeTarget(upstream.url)];
    l = await startLane([
      { host: '', path: '/apps/a/', route: makeRoute({ slug: 'a', targets: target }) },
      {
        host: '',
        path: '/apps/quick/',
        route: makeRoute({
          slug: 'quick',
          targets: target,
          timeouts: { ...timeouts, body_idle: 150, client_send_idle: 150, client_take_idle: 150, head: 2000 },
        }),
      },
    ]);
  });
  afterAll(async () => {
    await l.close();
    await upstream.close();
  });

  const open = (path: string, headers: Record<string, string> = {}): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      httpRequest({ port: l.port, host: '127.0.0.1', path, headers, agent: false }, resolve).on('error', reject).end();
    });
  const released = async (path: string): Promise<void> => {
    await expect.poll(() => app.go.has(path)).toBe(true);
    app.go.get(path)!();
    app.go.delete(path);
  };
  /** Waits until a number stands still. */
  const settled = async (read: () => number): Promise<number> => {
    let before = -1;
    await expect
      .poll(
        () => {
          const same = read() === before && before > 0;
          before = read();
          return same;
        },
        { interval: 200 },
      )
      .toBe(true);
    return before;
  };

  describe('G41: what is long', () => {
    it('comes through whole in both directions, and is held nowhere', { tags: ['long'] }, async () => {
      const count = 128;
      const whole = createHash('sha256');
      for (let n = 0; n < count; n++) whole.update(block);
      const digest = whole.digest('hex');
      const before = livingMemory();
      app.held = 0;
      const down = await digestOf(await open(`/apps/a/give/${count}`));
      expect(down).toEqual({ digest, bytes: count * mebibyte });
      const up = await new Promise<string>((resolve, reject) => {
        const asking = httpRequest(
          { port: l.port, host: '127.0.0.1', path: '/apps/a/take', method: 'POST', agent: false },
          async (answer) => {
            let text = '';
            for await (const chunk of answer) text += String(chunk);
            resolve(text);
          },
        ).on('error', reject);
        void (async () => {
          for (let n = 0; n < count; n++) if (!asking.write(block)) await once(asking, 'drain');
          asking.end();
        })();
      });
      expect(JSON.parse(up)).toEqual({ digest, bytes: count * mebibyte });
      // Of 128 MiB each way; the client and the app in this process hold their part of it as well.
      expect(app.held - before).toBeLessThan(48 * mebibyte);
      app.held = null;
      expect(await l.line('/apps/a/take')).toMatchObject({ bytes_in: count * mebibyte, status: 200 });
    });

    it('waits at its source while the client takes nothing', async () => {
      app.given = 0;
      const answer = await open('/apps/a/give/128');
      const held = await settled(() => app.given);
      expect(held).toBeLessThan(48 * mebibyte);
      answer.resume();
      await once(answer, 'end');
      expect(app.given).toBe(128 * mebibyte);
    });

    it('waits at the client while the app takes nothing', async () => {
      const asking = httpRequest({
        port: l.port,
        host: '127.0.0.1',
        path: '/apps/a/ignore',
        method: 'POST',
        agent: false,
      });
      asking.on('error', () => undefined);
      let sent = 0;
      const push = (): void => {
        while (sent < 128 * mebibyte) {
          sent += mebibyte;
          if (!asking.write(block)) {
            asking.once('drain', push);
            return;
          }
        }
      };
      push();
      expect(await settled(() => sent)).toBeLessThan(48 * mebibyte);
      asking.destroy();
      // A connection that is not read from does not tell that it has ended.
      await released('/ignore');
      expect((await l.line('/apps/a/ignore')).outcome).toBe('client_closed');
    });
  });

  describe('what is slow', () => {
    it('G42: an event stream may be silent, and so may an answer that is waited for', async () => {
      const events = await open('/apps/quick/events');
      const [first] = await once(events, 'data');
      expect(String(first)).toBe('data: 1\n\n');
      const poll = open('/apps/quick/poll');
      // Longer than every clock of silence of this route but that of the head.
      await new Promise((resolve) => setTimeout(resolve, 600));
      const [second] = await Promise.all([once(events, 'data'), released('/events')]);
      expect(String(second)).toBe('data: 2\n\n');
      await released('/poll');
      expect((await poll).statusCode).toBe(200);
    });

    it('G42: any other answer that falls silent is cut off', async () => {
      const answer = await open('/apps/quick/stall');
      const failed = once(answer, 'error');
      answer.resume();
      await failed;
      expect(await l.line('/apps/quick/stall')).toMatchObject({ outcome: 'timeout', status: 200 });
      app.go.delete('/stall');
    });

    it('G43: the first byte is with the client before the rest exists', async () => {
      const answer = await open('/apps/a/parts');
      const [first] = await once(answer, 'data');
      expect(String(first)).toBe('<html><head>');
      const [rest] = await Promise.all([once(answer, 'data'), released('/parts')]);
      expect(String(rest)).toBe('</head></html>');
    });

    it('G29: a body that stops coming is given up, one that goes on is not', async () => {
      const trickle = exchange(l.port, [
        'POST /apps/quick/take HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n',
        'ab',
      ]);
      expect(await trickle).toMatch(/^HTTP\/1\.1 408 /);
      expect((await l.line('/apps/quick/take')).outcome).toBe('client_timeout');
      const socket = connect(l.port, '127.0.0.1');
      socket.write('POST /apps/quick/take HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n');
      const timer = setInterval(() => socket.write('a'), 60);
      const [answer] = await once(socket, 'data');
      clearInterval(timer);
      expect(String(answer)).toMatch(/^HTTP\/1\.1 200 /);
      socket.destroy();
    });

    it('a client that takes nothing for long is given up', async () => {
      const answer = await open('/apps/quick/give/128');
      const failed = once(answer, 'error');
      await expect.poll(() => [...l.book.lines()].some(({ path }) => path === '/apps/quick/give/128')).toBe(true);
      answer.resume();
      await failed;
    });
  });

  describe('G44: a client that goes away', () => {
    it('takes the request to the app with it, without an alarm', async () => {
      for (const path of ['/apps/a/stall', '/apps/a/poll']) {
        const before = app.aborted;
        const asking = httpRequest({ port: l.port, host: '127.0.0.1', path, agent: false }).on(
          'error',
          () => undefined,
        );
        asking.end();
        await expect.poll(() => app.go.size).toBe(1);
        const started = performance.now();
        asking.destroy();
        await expect.poll(() => app.aborted, { interval: 5 }).toBe(before + 1);
        expect(performance.now() - started).toBeLessThan(1000);
        expect(await l.line(path)).toMatchObject({ status: 499, outcome: 'client_closed' });
        app.go.clear();
      }
      expect(l.errors).toEqual([]);
      expect(l.health.failures.size).toBe(0);
      expect(l.lane.running()).toBe(0);
    });
  });

  describe('ends', () => {
    it('G51: a route that is removed lets short requests finish and ends its streams within its time', async () => {
      const route = makeRoute({ slug: 'old', targets: [makeTarget(upstream.url)] });
      const kept = { host: '', path: '/apps/a/', route: makeRoute({ slug: 'a', targets: [makeTarget(upstream.url)] }) };
      const d = await startLane([{ host: '', path: '/apps/old/', route }, kept], { parts: { drain_ms: 400 } });
      const from = async (path: string): Promise<IncomingMessage> => {
        const asking = httpRequest({ port: d.port, host: '127.0.0.1', path, agent: false }).end();
        const [answer] = await once(asking, 'response');
        return answer as IncomingMessage;
      };
      const events = await from('/apps/old/events');
      const stall = await from('/apps/old/stall');
      const failed = once(stall, 'error');
      stall.resume();
      events.resume();
      const ended = once(events, 'end');
      const load = Array.from({ length: 20 }, async () => {
        for (let n = 0; n < 20; n++) expect((await d.get('/apps/a/ok')).status).toBe(200);
      });
      d.swap([kept], [route.id]);
      await Promise.all([ended, failed, ...load]);
      expect((await d.get('/apps/old/ok')).status).toBe(404);
      expect((await d.line('/apps/old/events')).outcome).toBe('drained');
      app.go.clear();
      await d.close();
    });

    it('G61: a stop refuses what is new, ends event streams cleanly and lets downloads finish', async () => {
      const d = await startLane([
        { host: '', path: '/apps/a/', route: makeRoute({ slug: 'a', targets: [makeTarget(upstream.url)] }) },
      ]);
      const from = async (path: string): Promise<IncomingMessage> => {
        const asking = httpRequest({ port: d.port, host: '127.0.0.1', path, agent: false }).end();
        const [answer] = await once(asking, 'response');
        return answer as IncomingMessage;
      };
      const events = await from('/apps/a/events');
      events.resume();
      const parts = await from('/apps/a/parts');
      let text = '';
      parts.on('data', (chunk) => {
        text += String(chunk);
      });
      const ended = Promise.all([once(events, 'end'), once(parts, 'end')]);
      const closing = d.close();
      await expect(d.get('/apps/a/ok')).rejects.toThrow();
      await released('/parts');
      await ended;
      expect(text).toBe('<html><head></head></html>');
      await closing;
      app.go.clear();
    });

    it('routes.drain tells how much it ends', async () => {
      const route = makeRoute({ slug: 'd', targets: [makeTarget(upstream.url)] });
      l.swap([{ host: '', path: '/apps/d/', route }]);
      const stall = await open('/apps/d/stall');
      const failed = once(stall, 'error');
      stall.resume();
      expect(l.lane.drain(route.id, 0)).toBe(1);
      await failed;
      expect(l.lane.drain(route.id, 0)).toBe(0);
      app.go.clear();
    });
  });

  describe('connections', () => {
    it('G29: a silent one beyond what an address may hold is closed, one to an app is refused, and there is room when one ends', async () => {
      const few = await startLane([], { config: { max_connections_per_address: 3 } });
      const opened = await Promise.all(
        [0, 1, 2].map(async () => {
          const socket = connect(few.port, '127.0.0.1');
          await once(socket, 'connect');
          return socket;
        }),
      );
      const fourth = connect(few.port, '127.0.0.1').resume();
      await once(fourth, 'close');
      const ask = (path: string) =>
        exchange(few.port, [`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`]);
      expect(await ask('/apps/notes/')).toMatch(/^HTTP\/1\.1 429 /);
      // The product has limits of its own: a thousand sockets of one machine are welcome.
      expect(await ask('/health')).toMatch(/^HTTP\/1\.1 200 /);
      opened[0]!.destroy();
      await expect.poll(() => ask('/apps/notes/')).toMatch(/^HTTP\/1\.1 404 /);
      for (const socket of opened) socket.destroy();
      await few.close();
    });

    it('G29: heads that come a byte at a time are closed after ten seconds, and others do not notice', {
      tags: ['long'],
      timeout: 40_000,
    }, async () => {
      const many = await startLane([], { config: { max_connections_per_address: 0 } });
      const started = performance.now();
      const closed = Array.from(
        { length: 200 },
        () =>
          new Promise<number>((resolve) => {
            const socket = connect(many.port, '127.0.0.1', () =>
              socket.write('GET / HTTP/1.1\r\nHost: localhost\r\nX-A: '),
            );
            const timer = setInterval(() => socket.write('a'), 1000);
            socket.resume().on('error', () => undefined);
            socket.on('close', () => {
              clearInterval(timer);
              resolve(performance.now() - started);
            });
          }),
      );
      const others: number[] = [];
      const look = async (): Promise<void> => {
        const before = performance.now();
        await (await many.get('/health')).text();
        others.push(performance.now() - before);
      };
      const looks: Promise<void>[] = [];
      const watch = setInterval(() => looks.push(look()), 200);
      const times = await Promise.all(closed);
      clearInterval(watch);
      await Promise.all(looks);
      expect(Math.min(...times)).toBeGreaterThan(9000);
      expect(Math.max(...times)).toBeLessThan(20_000);
      expect(others.sort((a, b) => a - b)[Math.floor(others.length / 2)]).toBeLessThan(50);
      await many.close();
    });
  });
};
