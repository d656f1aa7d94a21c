import { createServer, type Socket } from 'node:net';

export interface ConnectionTrap {
  port: number;
  /** How many connected, and what they sent. */
  connections: () => number;
  received: () => number;
  close: () => void;
}

/** Something that only counts who comes: for requests that must not be made. */
export const startConnectionTrap = async (host = '127.0.0.1', port = 0): Promise<ConnectionTrap> => {
  let [connections, received] = [0, 0];
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    connections += 1;
    open.add(socket);
    socket.on('data', (chunk) => {
      received += chunk.length;
      socket.destroy();
    });
    socket.on('error', () => {});
    socket.on('close', () => open.delete(socket));
  });
  await new Promise<void>((done, fail) => {
    server.once('error', fail);
    server.listen(port, host, done);
  });
  return {
    port: (server.address() as { port: number }).port,
    connections: () => connections,
    received: () => received,
    close: () => {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
};
