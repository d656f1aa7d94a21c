import { authTicket, type ClientMessage, closeCodes, type DeliveredEvent, type ServerMessage } from '@atrium/protocol';
import { createExternalStore, useExternalStore } from '../ui/external-store.ts';
import { call, ProblemError } from './client.ts';
import { queryClient } from './query-client.ts';
import { reconnectDelay } from './reconnect-delay.ts';

export type ConnectionState = 'idle' | 'connecting' | 'live' | 'reconnecting';

type EventHandler = (event: DeliveredEvent) => void;
type PresenceMessage = Extract<ServerMessage, { type: 'presence' }>;
export type LogMessage = Extract<ServerMessage, { type: 'logs.lines' | 'logs.paused' | 'logs.ended' }>;

const state = createExternalStore<ConnectionState>('idle');
const handlers = new Set<{ prefix: string; handler: EventHandler }>();
const presenceHandlers = new Set<(message: PresenceMessage) => void>();
const logHandlers = new Set<(message: LogMessage) => void>();
const readyHandlers = new Set<() => void>();

const pingEvery = 25_000;
const pongWithin = 10_000;

let socket: WebSocket | undefined;
let cursor: number | undefined;
let attempts = 0;
let wanted = false;
let retryTimer: ReturnType<typeof setTimeout> | undefined;
let pingTimer: ReturnType<typeof setInterval> | undefined;
let pongTimer: ReturnType<typeof setTimeout> | undefined;
let onRefused: () => void = () => undefined;

export const useConnectionState = (): ConnectionState => useExternalStore(state);

/** Hears every event whose kind begins with the prefix. Returns the end of hearing. */
export const onEvent = (prefix: string, handler: EventHandler): (() => void) => {
  const entry = { prefix, handler };
  handlers.add(entry);
  return () => handlers.delete(entry);
};

/** The usual handler: events of a kind make these operations' cached answers stale. Several events in one frame cost one refetch. */
export const invalidateOn = (prefix: string, names: readonly string[]): (() => void) =>
  onEvent(prefix, () => staleSoon(names));

const stale = new Set<string>();
const staleSoon = (names: readonly string[]): void => {
  if (stale.size === 0) {
    setTimeout(() => {
      const due = new Set(stale);
      stale.clear();
      void queryClient.invalidateQueries({ predicate: ({ queryKey }) => due.has(String(queryKey[0])) });
    }, 50);
  }
  for (const name of names) stale.add(name);
};

export const onPresence = (handler: (message: PresenceMessage) => void): (() => void) => {
  presenceHandlers.add(handler);
  return () => presenceHandlers.delete(handler);
};

/** Runs at each (re)connection: say again what the server forgot. */
/** Hears of the logs that were opened on the connection, all of them. Returns the end of hearing. */
export const onLogMessage = (handler: (message: LogMessage) => void): (() => void) => {
  logHandlers.add(handler);
  return () => logHandlers.delete(handler);
};

export const onReady = (handler: () => void): (() => void) => {
  readyHandlers.add(handler);
  return () => readyHandlers.delete(handler);
};

/** Sends when connected; what was not sent is said again by `onReady`. */
export const sendLive = (message: ClientMessage): void => {
  if (socket?.readyState === WebSocket.OPEN && state.get() === 'live') socket.send(JSON.stringify(message));
};

/** Opens the one connection of this page and keeps it. `refused` runs when the session is no longer good. */
export const connectLive = (refused: () => void): void => {
  onRefused = refused;
  if (wanted) return;
  wanted = true;
  addEventListener('online', reconnectNow);
  document.addEventListener('visibilitychange', onVisible);
  open();
};

/** Closes it and forgets how far it had heard: after signing out or switching organisation. */
export const disconnectLive = (): void => {
  wanted = false;
  cursor = undefined;
  removeEventListener('online', reconnectNow);
  document.removeEventListener('visibilitychange', onVisible);
  clearTimeout(retryTimer);
  socket?.close(1000);
  state.set('idle');
};

/** Runs an act that replaces the session. The connection of the old session ends with it, and one of the new follows. */
export const acrossSessions = async <T>(act: () => Promise<T>): Promise<T> => {
  const old = socket;
  // Forgotten first: that it is closed is then no sign that the person was signed out.
  socket = undefined;
  clearInterval(pingTimer);
  clearTimeout(pongTimer);
  try {
    return await act();
  } finally {
    old?.close(1000);
    if (wanted) open();
  }
};

const onVisible = () => document.visibilityState === 'visible' && reconnectNow();

function reconnectNow(): void {
  if (!wanted || (socket && socket.readyState <= WebSocket.OPEN)) return;
  clearTimeout(retryTimer);
  attempts = 0;
  open();
}

function open(): void {
  clearTimeout(retryTimer);
  state.set(attempts === 0 && cursor === undefined ? 'connecting' : 'reconnecting');
  const current = new WebSocket(new URL('/ws', location.href.replace(/^http/, 'ws')));
  socket = current;
  current.onopen = () => void identify(current);
  current.onmessage = (message) => {
    if (typeof message.data === 'string' && socket === current) receive(JSON.parse(message.data) as ServerMessage);
  };
  current.onclose = ({ code }) => {
    if (socket !== current) return;
    clearInterval(pingTimer);
    clearTimeout(pongTimer);
    if (!wanted) return;
    if (code === closeCodes.unauthorized || code === closeCodes.forbidden) {
      disconnectLive();
      onRefused();
    } else if (code === closeCodes.unsupported_version) {
      // The server is newer than this page; the page it serves now speaks its version.
      location.reload();
    } else {
      state.set('reconnecting');
      retryTimer = setTimeout(open, reconnectDelay(attempts++, Math.random()));
    }
  };
}

/** The cookie does not count here, since apps at this origin have it, too: a ticket does, which they cannot get. */
const identify = async (current: WebSocket): Promise<void> => {
  try {
    const { ticket } = await call(authTicket, {});
    if (socket === current) current.send(JSON.stringify({ type: 'auth', token: ticket }));
  } catch (error) {
    // Who is signed out is told so by the server; anything else is worth another try.
    const refused = error instanceof ProblemError && error.code === 'unauthorized';
    if (socket !== current) return;
    if (refused) {
      disconnectLive();
      onRefused();
    } else current.close(4000);
  }
};

const receive = (message: ServerMessage): void => {
  switch (message.type) {
    case 'ready':
      ready(message.cursor);
      return;
    case 'event': {
      cursor = message.seq;
      const { type: _type, ...event } = message;
      for (const { prefix, handler } of handlers) if (event.kind.startsWith(prefix)) handler(event);
      return;
    }
    case 'replayed':
      cursor = message.cursor;
      return;
    case 'resync':
      cursor = message.cursor;
      void queryClient.invalidateQueries();
      return;
    case 'presence':
      for (const handler of presenceHandlers) handler(message);
      return;
    case 'logs.lines':
    case 'logs.paused':
    case 'logs.ended':
      for (const handler of logHandlers) handler(message);
      return;
    case 'pong':
      clearTimeout(pongTimer);
      return;
    case 'error':
      console.warn(`live: ${message.code} ${message.detail}`);
      return;
    default:
      // A newer server may say more than this page understands.
      message satisfies never;
  }
};

const ready = (at: number): void => {
  const since = cursor;
  attempts = 0;
  state.set('live');
  sendLive({ type: 'subscribe', ...(since === undefined ? {} : { since }) });
  if (since === undefined) {
    cursor = at;
    // What was fetched before this moment may have missed a change that no replay will tell.
    void queryClient.invalidateQueries({ predicate: (query) => query.state.dataUpdatedAt > 0 });
  }
  clearInterval(pingTimer);
  pingTimer = setInterval(() => {
    sendLive({ type: 'ping' });
    clearTimeout(pongTimer);
    // A dead link reports nothing for minutes; the missing pong does.
    pongTimer = setTimeout(() => socket?.close(4000), pongWithin);
  }, pingEvery);
  for (const handler of readyHandlers) handler();
};
