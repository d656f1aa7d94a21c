/** WebSocket echo: 32 sockets, one message each under way. */
import { once } from 'node:events';
import WebSocket from 'ws';
import { processorMs } from './processor-time.ts';

export interface EchoFigures {
  rate: number;
  /** Of the proxy, for a message there and back. */
  micros: number;
}

export const runEcho = async (
  url: string,
  origin: string,
  token: string,
  pid: number,
  bytes: number,
  seconds: number,
): Promise<EchoFigures> => {
  const headers = { authorization: `Bearer ${token}` };
  const sockets = await Promise.all(
    Array.from({ length: 32 }, async () => {
      const socket = new WebSocket(url, { origin, headers, perMessageDeflate: false });
      await once(socket, 'open');
      return socket;
    }),
  );
  const message = Buffer.alloc(bytes, 97);
  let count = 0;
  let running = true;
  for (const socket of sockets)
    socket.on('message', () => {
      count += 1;
      if (running) socket.send(message);
    });
  for (const socket of sockets) socket.send(message);
  await new Promise((resolve) => setTimeout(resolve, 300));
  const [from, started, before] = [count, performance.now(), processorMs(pid)];
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const [messages, took, used] = [count - from, performance.now() - started, processorMs(pid) - before];
  running = false;
  for (const socket of sockets) socket.terminate();
  return { rate: (messages * 1000) / took, micros: (used * 1000) / messages };
};
