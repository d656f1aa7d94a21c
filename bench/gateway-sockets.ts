/** WebSocket echo: 32 sockets, one message each under way. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
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

/** Memory that one idle socket costs the proxy, in KiB. */
export const idleSocketCost = async (url: string, origin: string, token: string, pid: number): Promise<number> => {
  const resident = (): number => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  const before = resident();
  const sockets: WebSocket[] = [];
  for (let n = 0; n < 1000; n++) {
    const socket = new WebSocket(url, { origin, headers: { authorization: `Bearer ${token}` } });
    sockets.push(socket);
    await once(socket, 'open');
  }
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const cost = (resident() - before) / sockets.length;
  for (const socket of sockets) socket.terminate();
  return cost;
};
