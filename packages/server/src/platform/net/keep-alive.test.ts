import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { expect, it } from 'vitest';
import { keepAlive } from './keep-alive.ts';

/** Seconds until the system asks, by the local port; from Linux, where a keep-alive timer is of kind 2. */
const timers = (): Map<number, number> =>
  new Map(
    readFileSync('/proc/net/tcp', 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter((words) => words[5]?.startsWith('02:'))
      .map((words) => [Number.parseInt(words[1]!.split(':')[1]!, 16), Number.parseInt(words[5]!.slice(3), 16) / 100]),
  );

it.runIf(process.platform === 'linux')(
  'connections that were opened together are asked at different times',
  async () => {
    const accepted: Socket[] = [];
    const server = createServer((socket) => accepted.push(socket)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const sockets = Array.from({ length: 60 }, () => connect(port, '127.0.0.1'));
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));
    for (const socket of sockets) keepAlive(socket);
    const found = timers();
    const waits = sockets.map((socket) => found.get(socket.localPort!)!);
    expect(Math.min(...waits)).toBeGreaterThan(25);
    expect(Math.max(...waits)).toBeLessThan(62);
    expect(Math.max(...waits) - Math.min(...waits)).toBeGreaterThan(10);
    for (const socket of [...sockets, ...accepted]) socket.destroy();
    server.close();
  },
);
