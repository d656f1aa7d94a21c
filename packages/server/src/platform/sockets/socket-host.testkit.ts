import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ServerMessage } from '@atrium/protocol';
import { WebSocket } from 'ws';
import { UpgradeRouter } from '../http/upgrade-router.ts';
import type { EventFilter, StoredEvent } from '../module.ts';
import type { Caller } from '../operations/caller.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { EventFanOut } from './event-fan-out.ts';
import type { EventSource } from './event-source.ts';
import { EventVisibility } from './event-visibility.ts';
import type { PresenceBus } from './presence-board.ts';
import { SocketHost } from './socket-host.ts';
import type { SocketLimits } from './socket-options.ts';

const org = '0199f2c6-0000-7000-8000-00000000000a';

export const makeListener = (name: string, over: Partial<Caller> = {}): Caller => ({
  kind: 'user',
  id: `0199f2c6-0000-7000-8000-${Buffer.from(name).toString('hex').padStart(12, '0').slice(-12)}`,
  name,
  org_id: org,
  org_name: 'Org',
  system_role: 'member',
  role_id: null,
  permissions: ['items.read'],
  scopes: ['*'],
  item_scope: { kind: 'org' },
  owner_id: null,
  is_operator: false,
  credential: { kind: 'session', id: `s-${name}`, expires_at: null },
  ...over,
});

/** Events kept in order per organisation, with a floor below which they are gone; as the database keeps them. */
class EventLog implements EventSource {
  readonly events: StoredEvent[] = [];
  floor = 0;
  /** Set to fail reads, as a lost database does. */
  down = false;
  /** Awaited before each replay read returns, to force the races that a slow database causes. */
  beforeReplayReturns: () => Promise<void> = async () => {};
  readonly #listeners = new Set<{ listener: (event: StoredEvent) => void; onGap: (org_id: string) => void }>();

  subscribe(listener: (event: StoredEvent) => void, onGap: (org_id: string) => void): () => void {
    const entry = { listener, onGap };
    this.#listeners.add(entry);
    return () => this.#listeners.delete(entry);
  }

  async replay(org_id: string, since: number, limit: number): Promise<readonly StoredEvent[] | null> {
    this.#check();
    if (since < this.floor) return null;
    const found = this.events.filter((e) => e.org_id === org_id && e.seq > since).slice(0, limit);
    await this.beforeReplayReturns();
    return found;
  }

  async head(org_id: string): Promise<number> {
    this.#check();
    return this.events.findLast((e) => e.org_id === org_id)?.seq ?? 0;
  }

  /** Commits events that are pruned before anybody is told of them; gives the seq of the last. */
  commitAndPrune(count: number): number {
    for (let i = 0; i < count; i++) this.#append('inbox.item.created', {});
    this.floor = this.events.at(-1)!.seq;
    for (const { onGap } of this.#listeners) onGap(org);
    return this.floor;
  }

  commit(kind: string, body: Record<string, unknown> = {}): StoredEvent {
    const event = this.#append(kind, body);
    for (const { listener } of this.#listeners) listener(event);
    return event;
  }

  #append(kind: string, body: Record<string, unknown>): StoredEvent {
    const seq = (this.events.at(-1)?.seq ?? 0) + 1;
    const actor = { type: 'system', id: null, name: 'Atrium' } as const;
    const event: StoredEvent = { org_id: org, seq, kind, id: org, actor, at: new Date(0), body };
    this.events.push(event);
    return event;
  }

  #check(): void {
    if (this.down) throw new Error('the database is down');
  }
}

/** `body.for` names who may see an event; without it everybody does. Counts its questions. */
class NameFilter implements EventFilter {
  readonly prefix: string;
  asked = 0;
  down = false;
  constructor(prefix: string) {
    this.prefix = prefix;
  }
  async fanOut(event: StoredEvent, receivers: readonly Caller[]): Promise<(Record<string, unknown> | null)[]> {
    this.asked++;
    if (this.down) throw new Error('the database is down');
    return receivers.map((caller) => visible(event, caller));
  }
  async replay(caller: Caller, events: readonly StoredEvent[]): Promise<(Record<string, unknown> | null)[]> {
    if (this.down) throw new Error('the database is down');
    return events.map((event) => visible(event, caller));
  }
}

const visible = (event: StoredEvent, caller: Caller): Record<string, unknown> | null => {
  const names = event.body['for'];
  return !Array.isArray(names) || names.includes(caller.name) ? event.body : null;
};

export interface SocketBench {
  host: SocketHost;
  log: EventLog;
  filter: NameFilter;
  fanOut: EventFanOut;
  callers: Map<string, Caller>;
  now: { value: number };
  url: string;
  connect: (options?: { origin?: string; headers?: Record<string, string> }) => TestClient;
  signedIn: (token: string, first?: object) => Promise<TestClient>;
  close: () => Promise<void>;
}

/** A client that keeps what it hears and lets a test wait for it. */
class TestClient {
  readonly socket: WebSocket;
  readonly heard: ServerMessage[] = [];
  readonly closed: Promise<number>;
  readonly opened: Promise<void>;
  #waiting: (() => void)[] = [];

  constructor(url: string, options: { origin?: string; headers?: Record<string, string> }) {
    this.socket = new WebSocket(url, options);
    this.opened = new Promise((resolve, reject) => {
      this.socket.once('open', resolve);
      this.socket.once('error', reject);
    });
    this.opened.catch(() => {});
    this.closed = new Promise((resolve) => this.socket.once('close', resolve));
    this.socket.on('message', (data) => {
      this.heard.push(JSON.parse(String(data)) as ServerMessage);
      for (const wake of this.#waiting.splice(0)) wake();
    });
    this.socket.on('error', () => {});
  }

  say(message: object): void {
    this.socket.send(JSON.stringify(message));
  }

  /** The first message of a type, from the given position on; waits for it. */
  async hear<T extends ServerMessage['type']>(type: T, from = 0): Promise<Extract<ServerMessage, { type: T }>> {
    for (;;) {
      const found = this.heard.slice(from).find((m) => m.type === type);
      if (found !== undefined) return found as Extract<ServerMessage, { type: T }>;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  get seqs(): number[] {
    return this.heard.flatMap((m) => (m.type === 'event' ? [m.seq] : []));
  }

  async seqsUntil(seq: number): Promise<number[]> {
    while (!this.seqs.includes(seq)) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return this.seqs;
  }
}

export const startSocketBench = async (
  over: { limits?: Partial<SocketLimits>; bus?: PresenceBus; canSee?: (caller: Caller, item: string) => boolean } = {},
): Promise<SocketBench> => {
  const log = new EventLog();
  const filter = new NameFilter('inbox.');
  const callers = new Map<string, Caller>([
    ['ada', makeListener('Ada')],
    ['bob', makeListener('Bob')],
  ]);
  const tickets = new Map<string, string>([['ticket', 'ada']]);
  const now = { value: Date.now() };
  const logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
  const metrics = createMetrics({ processMetrics: false });
  const fanOut = new EventFanOut({
    source: log,
    visibility: new EventVisibility([filter, new NameFilter('member.')]),
    refresh: async (caller) => [...callers.values()].find((c) => c.id === caller.id) ?? null,
    logger,
    retry_ms: 5,
  });
  const server: Server = createServer();
  const upgrades = new UpgradeRouter((_request, response, error, status) => response.writeHead(status).end(error.code));
  upgrades.attach(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const host = new SocketHost({
    fan_out: fanOut,
    authenticate: async (token) => {
      const owner = tickets.get(token);
      tickets.delete(token);
      return callers.get(owner ?? token) ?? null;
    },
    can_see: async (caller, item) => over.canSee?.(caller, item) ?? true,
    public_url: () => `http://localhost:${port}`,
    cors_origins: [],
    presence_bus: over.bus ?? null,
    limits: { hold_ms: 10, ...over.limits },
    now: () => now.value,
    logger,
    metrics,
  });
  host.mount(upgrades);
  const url = `ws://127.0.0.1:${port}/ws`;
  const connect: SocketBench['connect'] = (options = {}) => new TestClient(url, options);
  const signedIn: SocketBench['signedIn'] = async (token, first) => {
    const client = connect();
    await client.opened;
    client.say({ type: 'auth', token });
    if (first !== undefined) client.say(first);
    await client.hear('ready');
    return client;
  };
  const close = async (): Promise<void> => {
    await host.close();
    fanOut.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { host, log, filter, fanOut, callers, now, url, connect, signedIn, close };
};
