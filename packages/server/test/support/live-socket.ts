import type { DeliveredEvent } from '@atrium/protocol';
import { WebSocket } from 'ws';
import { until } from './until.ts';

// biome-ignore lint/suspicious/noExplicitAny: a test reads what the wire holds
type Message = any;

export interface LiveSocket {
  messages: Message[];
  readonly events: DeliveredEvent[];
  /** Seq of the last thing heard; where a later subscription goes on. */
  readonly cursor: number;
  /** Code of the close, null while it is open. */
  readonly closed: number | null;
  send(message: unknown): void;
  event(which: (event: DeliveredEvent) => boolean, what?: string, patience_ms?: number): Promise<DeliveredEvent>;
  message(which: (message: Message) => boolean, what?: string, patience_ms?: number): Promise<Message>;
  /** Resolves when everything the server had to say up to a mark event has arrived. */
  closing(patience_ms?: number): Promise<number>;
  close(): void;
}

export interface SocketPlan {
  since?: number;
  channels?: string[];
  origin?: string;
  /** False: connect, say nothing. */
  auth?: boolean;
}

/** A client of /ws: signs in with the token and subscribes. */
export const openSocket = async (url: string, token: string, plan: SocketPlan = {}): Promise<LiveSocket> => {
  const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/ws`, {
    ...(plan.origin === undefined ? {} : { origin: plan.origin }),
  });
  const messages: Message[] = [];
  let closed: number | null = null;
  let refused: Error | null = null;
  socket.on('message', (data) => messages.push(JSON.parse(String(data))));
  socket.on('close', (code) => {
    closed = code;
  });
  socket.on('error', (error) => {
    refused = error;
  });
  const send = (message: unknown): void => socket.send(JSON.stringify(message));
  const events = (): DeliveredEvent[] => messages.filter((message) => message.type === 'event');
  const live: LiveSocket = {
    messages,
    get events() {
      return events();
    },
    get cursor() {
      return Math.max(0, ...messages.map((message) => message.seq ?? message.cursor ?? 0));
    },
    get closed() {
      return closed;
    },
    send,
    event: (which, what = 'an event', patience_ms = 10_000) => until(() => events().find(which), what, patience_ms),
    message: (which, what = 'a message', patience_ms = 10_000) => until(() => messages.find(which), what, patience_ms),
    closing: async (patience_ms = 10_000) => {
      await until(() => closed !== null, 'the socket closes', patience_ms);
      return closed!;
    },
    close: () => socket.terminate(),
  };
  await until(() => socket.readyState === WebSocket.OPEN || refused !== null || closed !== null, 'the socket opens');
  if (refused !== null) throw refused;
  if (plan.auth === false) return live;
  send({ type: 'auth', token });
  send({
    type: 'subscribe',
    ...(plan.since === undefined ? {} : { since: plan.since }),
    ...(plan.channels === undefined ? {} : { channels: plan.channels }),
  });
  await until(() => closed !== null || messages.some((message) => message.type === 'ready'), 'the socket is ready');
  return live;
};

/** A client of the event stream, as an agent without WebSocket would follow it. */
export const openStream = async (url: string, token: string, since?: number) => {
  const ending = new AbortController();
  const response = await fetch(`${url}/api/v1/events/stream`, {
    headers: { authorization: `Bearer ${token}`, ...(since === undefined ? {} : { 'last-event-id': String(since) }) },
    signal: ending.signal,
  });
  const events: (DeliveredEvent & { name: string })[] = [];
  const read = async () => {
    let rest = '';
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      rest += chunk;
      for (let end = rest.indexOf('\n\n'); end >= 0; end = rest.indexOf('\n\n')) {
        const lines = rest.slice(0, end).split('\n');
        rest = rest.slice(end + 2);
        const field = (name: string) => lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
        const data = field('data');
        if (data?.startsWith('{')) events.push({ ...JSON.parse(data), name: field('event') ?? '' });
      }
    }
  };
  const reading = read().catch(() => {});
  return {
    status: response.status,
    events,
    event: (which: (event: DeliveredEvent) => boolean, patience_ms = 10_000) =>
      until(() => events.find(which), 'an event on the stream', patience_ms),
    close: async () => {
      ending.abort();
      await reading;
    },
  };
};
