import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { frameOf } from './text-frame.ts';

test('Texts of every form of length arrive whole, between messages that the library sends', async () => {
  const sizes = [0, 1, 125, 126, 65_535, 65_536, 300_000];
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  const server = createServer().on('upgrade', (request, wire, head) =>
    sockets.handleUpgrade(request, wire, head, (socket) => {
      for (const size of sizes) {
        wire.write(frameOf(Buffer.alloc(size, 'x')));
        socket.send(`after ${size}`);
      }
      socket.close();
    }),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const heard: string[] = [];
  client.on('message', (data, isBinary) => heard.push(isBinary ? 'binary' : String(data)));
  await once(client, 'close');
  server.close();
  expect(heard).toEqual(sizes.flatMap((size) => ['x'.repeat(size), `after ${size}`]));
});

test('A buffer is framed once, whoever gets it', () => {
  const text = Buffer.from('{"type":"pong"}');
  expect(frameOf(text)).toBe(frameOf(text));
});
