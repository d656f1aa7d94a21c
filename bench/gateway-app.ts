/** The app behind `bench/gateway-load.ts`: small answers, endless sockets and event streams, and bodies of any size. */
import { createHash } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { announce } from './peer.ts';

const guid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const streams = new Set<ServerResponse>();
const block = Buffer.alloc(64 * 1024, 'atrium ');
let sent = 0;

setInterval(() => {
  sent += 1;
  for (const stream of streams) stream.write(`data: ${sent}\n\n`);
}, 1000);

const download = async (response: ServerResponse, bytes: number): Promise<void> => {
  response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': bytes });
  for (let left = bytes; left > 0; left -= block.length) {
    const chunk = left < block.length ? block.subarray(0, left) : block;
    if (!response.write(chunk)) await new Promise((resolve) => response.once('drain', resolve));
  }
  response.end();
};

const server = createServer((request, response) => {
  const url = new URL(request.url ?? '/', 'http://app');
  if (url.pathname === '/events') {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    streams.add(response);
    response.on('close', () => streams.delete(response));
    response.write(': open\n\n');
  } else if (url.pathname === '/download') void download(response, Number(url.searchParams.get('bytes')));
  else if (url.pathname === '/upload') {
    const digest = createHash('sha256');
    request.on('data', (chunk: Buffer) => digest.update(chunk));
    request.on('end', () => response.end(digest.digest('hex')));
  } else response.end('a'.repeat(100));
});
// Frames are sent back as they came, masks and all: only their bytes are counted at the other end.
server.on('upgrade', (request, socket: Socket) => {
  const accept = createHash('sha1').update(`${request.headers['sec-websocket-key']}${guid}`).digest('base64');
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  socket.on('data', (data) => socket.write(data));
  socket.on('error', () => socket.destroy());
});
server.requestTimeout = 0;
server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => announce(server.address()));
