import { once } from 'node:events';
import { createServer, get as httpGet, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { ok, openWorld, type World } from '../../support/people.ts';
import { runServer } from '../../support/run-server.ts';
import { isRunning } from '../../support/running-process.ts';
import { until } from '../../support/until.ts';

const tunnels = 40;

let world: World;
let app: Server;
const sockets: WebSocket[] = [];

const startApp = async (): Promise<Server> => {
  const server = createServer((_request, response) => response.end('from the app'));
  new WebSocketServer({ server }).on('connection', (socket) =>
    socket.on('message', (text) => socket.send(`heard ${String(text)}`)),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
};

beforeAll(async () => {
  [world, app] = await Promise.all([openWorld({ env: { ATRIUM_PROCESSES: '3' } }), startApp()]);
  // The first process is ready before the others are.
  await until(() => further().length === 2, 'the further processes', 100_000);
  const { port } = app.address() as AddressInfo;
  const route = { targets: [{ url: `http://127.0.0.1:${port}` }], health: { skip: true } };
  ok(await world.operator.post('/api/v1/apps', { slug: 'notes', route }));
  // A route made at one process reaches the others by its event; each answer may be of another one.
  let good = 0;
  await until(async () => {
    good = (await ask('/apps/notes/')).status === 200 ? good + 1 : 0;
    return good >= 12;
  }, 'the route at every process');
}, 240_000);
afterAll(async () => {
  for (const socket of sockets) socket.terminate();
  await world.close();
  app.closeAllConnections();
  app.close();
});

const bearer = () => ({ authorization: `Bearer ${world.operator.token}` });

/** Over a connection of its own, which any of the processes may take. */
const ask = (path: string, headers: Record<string, string> = bearer()): Promise<{ status: number; text: string }> =>
  new Promise((answered, failed) => {
    const asking = httpGet(`${world.url}${path}`, { headers, agent: false }, async (response) => {
      let text = '';
      for await (const chunk of response as IncomingMessage) text += String(chunk);
      answered({ status: response.statusCode!, text });
    });
    asking.on('error', failed);
  });

/** Further processes as they said that they are ready, oldest first. */
const further = (): number[] =>
  [...world.server.output().matchAll(/"process":\d+,"pid":(\d+),"msg":"a further process answers/g)].map((line) =>
    Number(line[1]),
  );

const openTunnel = (): Promise<WebSocket> =>
  new Promise((opened, failed) => {
    const socket = new WebSocket(`${world.url.replace('http', 'ws')}/apps/notes/`, { headers: bearer() });
    socket.once('open', () => opened(socket));
    socket.once('error', failed);
  });

const echo = async (socket: WebSocket, text: string): Promise<string> => {
  const heard = once(socket, 'message');
  socket.send(text);
  return String((await heard)[0]);
};

describe('a server of three processes', () => {
  it('serves at one port, and keeps one log and one set of counters', async () => {
    expect(further().length).toBe(2);
    const wanted = Array.from({ length: 30 }, (_, n) => `/apps/notes/line-${n}`);
    for (const path of wanted) expect((await ask(path)).text).toBe('from the app');
    const lines = await until(async () => {
      const page = ok(await world.operator.get('/api/v1/gateway/access-log?app=notes&q=/line-&limit=100'));
      return page.items.length >= wanted.length && (page.items as { path: string }[]);
    }, 'every line in the log of whichever process answers');
    expect(new Set(lines.map(({ path }) => path))).toEqual(new Set(wanted));

    const counts = () =>
      Promise.all(
        Array.from({ length: 8 }, async () => {
          const { text } = await ask('/metrics', {});
          return Number(/^atrium_proxy_requests_total\{[^}]*app="notes"[^}]*\} (\d+)/m.exec(text)?.[1] ?? 0);
        }),
      );
    // Who asks for the figures does not wait long for a process that is busy.
    await until(
      async () => Math.min(...(await counts())) >= wanted.length,
      'the requests in the counts of every process',
    );
  });

  it('follows the log over all processes', async () => {
    const stop = new AbortController();
    const tail = await fetch(`${world.url}/api/v1/gateway/access-log/stream?app=notes`, {
      headers: bearer(),
      signal: stop.signal,
    });
    let heard = '';
    const reading = (async () => {
      for await (const chunk of tail.body!) heard += Buffer.from(chunk).toString();
    })().catch(() => {});
    await until(() => heard.includes('open'), 'the stream');
    await until(async () => {
      for (let n = 0; n < 12; n += 1) await ask(`/apps/notes/tail-${n}`);
      return Array.from({ length: 12 }, (_, n) => `/apps/notes/tail-${n}"`).every((path) => heard.includes(path));
    }, 'the lines of all processes');
    stop.abort();
    await reading;
  });

  it('goes on when one of them is killed, which is started again', async () => {
    sockets.push(...(await Promise.all(Array.from({ length: tunnels }, openTunnel))));
    const before = further();
    const victim = before.at(-1)!;
    const load = { running: true, answered: 0, gone: false, lost_since: [] as string[] };
    const clients = Array.from({ length: 12 }, async () => {
      while (load.running) {
        const { gone } = load;
        const got = await ask('/apps/notes/').then(
          (answer) => String(answer.status),
          (error: unknown) => String(error),
        );
        if (got === '200') load.answered += 1;
        else if (gone) load.lost_since.push(got);
      }
    });
    await until(() => load.answered >= 50, 'the load');
    process.kill(victim, 'SIGKILL');
    await until(() => !isRunning(victim), 'the end of the process');
    load.gone = true;
    // No connection that is open by now belongs to the one that is gone.
    await until(() => further().length > before.length, 'its successor', 40_000);
    const answered = load.answered;
    await until(() => load.answered >= answered + 50, 'the load with the successor');
    load.running = false;
    await Promise.all(clients);
    // What the process had taken, or what waited in its queue, may be lost with it; nothing that was asked since.
    expect(load.lost_since).toEqual([]);
    const alive = sockets.filter((socket) => socket.readyState === WebSocket.OPEN);
    expect(alive.length).toBeGreaterThan(0);
    expect(alive.length).toBeLessThan(tunnels);
    for (const socket of alive) expect(await echo(socket, 'still here')).toBe('heard still here');
    for (let n = 0; n < 20; n += 1) expect((await ask('/apps/notes/')).status).toBe(200);
    expect(isRunning(further().at(-1)!)).toBe(true);
  });

  it('keeps its port from a second server', async () => {
    const { code, output } = await runServer({
      cwd: world.server.dataDir,
      env: {
        ATRIUM_DATA_DIR: `${world.server.dataDir}/another`,
        ATRIUM_PORT: new URL(world.url).port,
        ATRIUM_PROCESSES: '2',
      },
    });
    expect(code).toBe(1);
    expect(output).toMatch(/Something else already listens on 127\.0\.0\.1 port \d+/);
  });

  it('ends with all of its processes', async () => {
    const pids = further().slice(-2);
    expect(await world.server.stop()).toBe(0);
    expect(pids.filter(isRunning)).toEqual([]);
  });
});
