/** Budget: an event reaches 1,000 WebSocket clients within 150 ms of its commit at p99. */
import { WebSocket } from 'ws';
import { startBarePeer } from './bare-peer.ts';
import type { BenchLine, BenchServer } from './bench-server.ts';
import { median, percentile } from './measure.ts';

const clients = 1000;
const events = 20;
const runs = 5;
const perPrincipal = 50;
const limitMs = 150;

interface Event {
  kind: string;
  id: string;
  at: string;
}

interface Listener {
  socket: WebSocket;
  /** Milliseconds from the time that an event bears until it was parsed here, by its id. */
  delays: Map<string, number>;
}

const listen = (url: string, token: string | null): Promise<Listener> =>
  new Promise((done, fail) => {
    const socket = new WebSocket(url);
    const delays = new Map<string, number>();
    socket.on('open', () => {
      if (token === null) done({ socket, delays });
      else socket.send(JSON.stringify({ type: 'auth', token }));
    });
    socket.on('error', fail);
    socket.on('message', (data) => {
      const message = JSON.parse(String(data)) as ({ type: 'event' } & Event) | { type: 'ready' };
      if (message.type === 'ready') done({ socket, delays });
      else if (message.kind === 'inbox.item.created') delays.set(message.id, Date.now() - Date.parse(message.at));
    });
  });

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));

const p99Of = async (listeners: readonly Listener[], send: (n: number) => Promise<string>): Promise<number> => {
  const delays: number[] = [];
  for (let n = 0; n < events; n++) {
    const id = await send(n);
    while (listeners.some((listener) => !listener.delays.has(id))) await pause(5);
    for (const listener of listeners) delays.push(listener.delays.get(id)!);
    await pause(50);
  }
  return percentile(delays, 99);
};

/** As long as an event of an item is. */
const filler = { actor: 'x'.repeat(100), body: 'x'.repeat(700) };

const broadcast = async (url: string): Promise<string> => {
  const id = crypto.randomUUID();
  const event = { type: 'event', kind: 'inbox.item.created', id, ...filler };
  await fetch(url, { method: 'POST', body: JSON.stringify(event) });
  return id;
};

/** An event bears the time just before its commit, so the span measured is no shorter than that of the budget. */
export const benchFanOut = async (server: BenchServer, tokens: readonly string[]): Promise<BenchLine> => {
  const peer = await startBarePeer('bare-sockets.ts');
  const ours: Listener[] = [];
  const bare: Listener[] = [];
  try {
    for (const token of tokens)
      for (let n = 0; n < perPrincipal && ours.length < clients; n++)
        ours.push(await listen(`${server.url.replace('http', 'ws')}/ws`, token));
    for (let n = 0; n < clients; n++) bare.push(await listen(peer.url.replace('http', 'ws'), null));
    await pause(1500);
    const p99s: { ours: number; bare: number }[] = [];
    // The first run of each compiles the code and does not count.
    for (let run = 0; run <= runs; run++)
      p99s.push({
        ours: await p99Of(ours, (n) => server.createItem(`Event ${run}.${n}`)),
        bare: await p99Of(bare, () => broadcast(peer.url)),
      });
    const counted = p99s.slice(1);
    const of = (who: 'ours' | 'bare') => counted.map((p99) => p99[who]);
    const p99 = median(of('ours'));
    return {
      what: `event to ${clients} WebSocket clients (from just before its commit, clients in one process)`,
      ours: `p99 ${p99} ms`,
      peer: `limit: ${limitMs} ms; a bare \`ws\` server sending the same: p99 ${median(of('bare'))} ms`,
      result: `runs: ${of('ours').join(', ')} ms (bare: ${of('bare').join(', ')} ms)`,
      budget: `p99 under ${limitMs} ms`,
      met: p99 < limitMs,
    };
  } finally {
    for (const { socket } of [...ours, ...bare]) socket.terminate();
    peer.stop();
  }
};
