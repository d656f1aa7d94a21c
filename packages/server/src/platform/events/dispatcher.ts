import { setTimeout as pause } from 'node:timers/promises';
import type { Kysely } from 'kysely';
import type { Client } from 'pg';
import { KeptConnection } from '../db/kept-connection.ts';
import type { Schema } from '../db/schema.gen.ts';
import type { StoredEvent } from '../module.ts';
import { findAfter, findHeads } from './event-store.ts';

/** May be asynchronous: the next event of the same organisation then waits for it. */
export type EventHandler = (event: StoredEvent) => void | Promise<void>;

export type Replay = { kind: 'events'; events: StoredEvent[]; cursor: number } | { kind: 'resync'; cursor: number };

export interface Dispatcher {
  start(): Promise<void>;
  stop(): Promise<void>;
  /**
   * Every event committed by any process from `start` on, per organisation in order of seq, once. Returns how to stop.
   * `onGap` hears of an organisation whose events were pruned before this process could read them.
   */
  subscribe(handler: EventHandler, onGap?: (orgId: string) => void): () => void;
  /** Events after `since`; `resync` when they are no longer, or not yet, in the log. */
  replay(orgId: string, since: number, limit: number): Promise<Replay>;
  /** The seq of the newest event. */
  cursor(orgId: string): Promise<number>;
  /**
   * The next event that satisfies the predicate, or null when time is up or the signal aborts. Start waiting before
   * looking at the state, or an event between the two is missed.
   */
  waitFor(
    orgId: string,
    predicate: (event: StoredEvent) => boolean,
    signal: AbortSignal,
    timeoutMs: number,
  ): Promise<StoredEvent | null>;
  /** Events this process has just committed; spares it the way through the database where order allows. */
  offer(events: readonly StoredEvent[]): void;
  /** False while the listening connection is down. Events are late then, never lost. */
  readonly connected: boolean;
}

export interface DispatcherOptions {
  db: Kysely<Schema>;
  /** For the listening connection; the pool of `db` serves the reads. */
  url: string;
  onError: (error: unknown, what: string) => void;
  heartbeat_ms?: number;
  /** Told of each event before its handlers are. */
  onDeliver?: (event: StoredEvent) => void;
}

const batchSize = 500;
/** Offered events ahead of a gap are kept up to this many; the rest is read from the database. */
const offeredLimit = 1000;
const retryMs = 250;

interface OrgState {
  /** Events up to here were given to the handlers. */
  delivered: number;
  /** Events up to here are known to be committed. */
  wanted: number;
  offered: Map<number, StoredEvent>;
  draining: boolean;
}

interface Waiter {
  predicate: (event: StoredEvent) => boolean;
  resolve: (event: StoredEvent | null) => void;
}

/** Carries committed events to the handlers of this process. */
export class EventDispatcher implements Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #listener: KeptConnection;
  readonly #handlers = new Map<EventHandler, ((orgId: string) => void) | undefined>();
  readonly #waiters = new Map<string, Set<Waiter>>();
  readonly #orgs = new Map<string, OrgState>();
  readonly #drains = new Set<Promise<void>>();
  readonly #stop = new AbortController();
  /** True once the positions at start are known; until then notices only raise `wanted`. */
  #known = false;

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#listener = new KeptConnection({
      url: options.url,
      name: 'atrium-events',
      prepare: (client) => this.#listen(client),
      onError: (error) => options.onError(error, 'listening for events'),
      ...(options.heartbeat_ms === undefined ? {} : { heartbeat_ms: options.heartbeat_ms }),
    });
  }

  get connected(): boolean {
    return this.#listener.connected;
  }

  start(): Promise<void> {
    return this.#listener.start();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    for (const waiters of this.#waiters.values()) for (const waiter of waiters) waiter.resolve(null);
    await this.#listener.stop();
    await Promise.all(this.#drains);
  }

  subscribe(handler: EventHandler, onGap?: (orgId: string) => void): () => void {
    this.#handlers.set(handler, onGap);
    return () => void this.#handlers.delete(handler);
  }

  async replay(orgId: string, since: number, limit: number): Promise<Replay> {
    const { head, events } = await findAfter(this.#options.db, orgId, since, limit);
    if (since < head.floor_seq || since > head.last_seq) return { kind: 'resync', cursor: head.last_seq };
    return { kind: 'events', events, cursor: events.at(-1)?.seq ?? since };
  }

  async cursor(orgId: string): Promise<number> {
    return (await findAfter(this.#options.db, orgId, Number.MAX_SAFE_INTEGER, 1)).head.last_seq;
  }

  waitFor(
    orgId: string,
    predicate: (event: StoredEvent) => boolean,
    signal: AbortSignal,
    timeoutMs: number,
  ): Promise<StoredEvent | null> {
    if (signal.aborted || this.#stop.signal.aborted) return Promise.resolve(null);
    const { promise, resolve } = Promise.withResolvers<StoredEvent | null>();
    const waiters = this.#waiters.get(orgId) ?? new Set<Waiter>();
    this.#waiters.set(orgId, waiters);
    const finish = (event: StoredEvent | null): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      waiters.delete(waiter);
      if (waiters.size === 0 && this.#waiters.get(orgId) === waiters) this.#waiters.delete(orgId);
      resolve(event);
    };
    const onAbort = (): void => finish(null);
    const waiter: Waiter = { predicate, resolve: finish };
    const timer = setTimeout(finish, timeoutMs, null);
    signal.addEventListener('abort', onAbort, { once: true });
    waiters.add(waiter);
    return promise;
  }

  offer(events: readonly StoredEvent[]): void {
    if (!this.#known || this.#stop.signal.aborted) return;
    for (const event of events) {
      const org = this.#org(event.org_id);
      if (event.seq > org.delivered && org.offered.size < offeredLimit) org.offered.set(event.seq, event);
      this.#want(event.org_id, event.seq);
    }
  }

  async #listen(client: Client): Promise<void> {
    client.on('notification', ({ payload = '' }) => {
      const colon = payload.indexOf(':');
      const seq = Number(payload.slice(colon + 1));
      if (colon > 0 && Number.isSafeInteger(seq)) this.#want(payload.slice(0, colon), seq);
    });
    // LISTEN before the heads are read: what commits in between is then heard, read, or both.
    await client.query('listen atrium_events');
    await this.#catchUp();
  }

  /** After each connect: whatever was committed unheard is found by comparing heads. */
  async #catchUp(): Promise<void> {
    const heads = await findHeads(this.#options.db);
    if (!this.#known) {
      // Delivery begins where the log stands now. An organisation without a head has no events yet and begins at 0.
      for (const head of heads) {
        const org = this.#org(head.org_id);
        org.delivered = head.last_seq;
      }
      this.#known = true;
      for (const [orgId, org] of this.#orgs) this.#want(orgId, org.wanted);
    } else {
      for (const head of heads) this.#want(head.org_id, head.last_seq);
    }
  }

  #org(orgId: string): OrgState {
    const org = this.#orgs.get(orgId) ?? { delivered: 0, wanted: 0, offered: new Map(), draining: false };
    this.#orgs.set(orgId, org);
    return org;
  }

  #want(orgId: string, seq: number): void {
    const org = this.#org(orgId);
    org.wanted = Math.max(org.wanted, seq);
    if (!this.#known || org.draining || org.wanted <= org.delivered || this.#stop.signal.aborted) return;
    org.draining = true;
    const drain = this.#drain(orgId, org).finally(() => void this.#drains.delete(drain));
    this.#drains.add(drain);
  }

  /** Delivers in order until nothing is wanted. Only one runs per organisation, which is what keeps the order. */
  async #drain(orgId: string, org: OrgState): Promise<void> {
    // Handlers never run inside the call that committed the event.
    await null;
    while (org.delivered < org.wanted && !this.#stop.signal.aborted) {
      const next = org.offered.get(org.delivered + 1);
      if (next !== undefined) await this.#deliver(org, next);
      else await this.#readOn(orgId, org);
    }
    org.draining = false;
  }

  async #readOn(orgId: string, org: OrgState): Promise<void> {
    let page: Awaited<ReturnType<typeof findAfter>>;
    try {
      page = await findAfter(this.#options.db, orgId, org.delivered, batchSize);
    } catch (error) {
      this.#options.onError(error, 'reading events');
      await pause(retryMs, null, { signal: this.#stop.signal, ref: false }).catch(() => {});
      return;
    }
    if (page.head.floor_seq > org.delivered) {
      org.delivered = page.head.floor_seq;
      for (const onGap of this.#handlers.values()) this.#guard(() => onGap?.(orgId));
    }
    for (const event of page.events) if (!this.#stop.signal.aborted) await this.#deliver(org, event);
    // A notice that names more than the log holds is not from this database; believing it would spin.
    if (page.events.length === 0) org.wanted = Math.min(org.wanted, Math.max(page.head.last_seq, org.delivered));
  }

  async #deliver(org: OrgState, event: StoredEvent): Promise<void> {
    org.delivered = event.seq;
    this.#options.onDeliver?.(event);
    org.offered.delete(event.seq);
    for (const waiter of [...(this.#waiters.get(event.org_id) ?? [])]) {
      this.#guard(() => {
        if (waiter.predicate(event)) waiter.resolve(event);
      });
    }
    for (const handler of [...this.#handlers.keys()]) {
      try {
        const pending = handler(event);
        if (pending !== undefined) await pending;
      } catch (error) {
        this.#options.onError(error, `handling ${event.kind}`);
      }
    }
  }

  #guard(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#options.onError(error, 'handling an event');
    }
  }
}
