import { Socket, type Server as TcpServer } from 'node:net';
import { readProxyHeader } from '../net/proxy-protocol.ts';
import { cutOffSoon } from './cut-off.ts';

const refusal = 'HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n';

/** The other end of the connection itself, whoever its proxy speaks for. */
export const realEnd = (socket: Socket): string => {
  const own = (name: string): unknown => Reflect.get(Socket.prototype, name, socket);
  return `${own('remoteAddress')} ${own('remotePort')} ${own('localAddress')} ${own('localPort')}`;
};

/** From now on the socket has the address that another one was told. */
export const tellPeer = (socket: Socket, from: Socket): void => {
  for (const name of ['remoteAddress', 'remotePort'])
    if (Object.hasOwn(from, name)) Object.defineProperty(socket, name, { value: Reflect.get(from, name) });
};

/**
 * Connections of trusted proxies begin with a header of the PROXY protocol, and are from then on those of the client that
 * it names. One without is refused: behind a proxy that only passes bytes on, it would be the client who wrote it. Other
 * peers are left alone, and a header of theirs is no HTTP.
 */
export const acceptToldPeers = (
  server: TcpServer,
  { trusted, within_ms, http }: { trusted: (address: string) => boolean; within_ms: number; http: boolean },
): void => {
  const listeners = server.listeners('connection') as ((this: TcpServer, socket: Socket) => void)[];
  server.removeAllListeners('connection');
  const go = (socket: Socket): void => {
    for (const listener of listeners) listener.call(server, socket);
  };
  server.on('connection', (socket: Socket) => {
    if (!trusted(socket.remoteAddress ?? '')) {
      go(socket);
      return;
    }
    const refuse = (): void => {
      if (http) {
        socket.end(refusal);
        cutOffSoon(socket);
      } else socket.destroy();
    };
    const end = () => socket.destroy();
    const late = setTimeout(end, within_ms).unref();
    let bytes: Buffer = Buffer.alloc(0);
    const hear = (chunk: Buffer): void => {
      bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk]);
      const read = readProxyHeader(bytes);
      if (read.kind === 'more') return;
      clearTimeout(late);
      socket.off('data', hear);
      if (read.kind !== 'header') {
        socket.resume();
        refuse();
        return;
      }
      socket.off('end', end).off('error', end);
      socket.pause();
      if (read.source !== null) {
        Object.defineProperty(socket, 'remoteAddress', { value: read.source.address });
        Object.defineProperty(socket, 'remotePort', { value: read.source.port });
      }
      if (bytes.length > read.length) socket.unshift(bytes.subarray(read.length));
      go(socket);
      process.nextTick(() => socket.resume());
    };
    socket.on('data', hear).on('end', end).on('error', end);
    socket.once('close', () => clearTimeout(late));
  });
};
