import type { HostLogger } from '../http/http-options.ts';
import type { StoredEvent } from '../module.ts';
import type { Caller } from '../operations/caller.ts';
import type { EventSource } from './event-source.ts';
import type { EventVisibility } from './event-visibility.ts';

/** One listening client, whatever its door. `text` is the JSON of the event, made once for all who get the same. */
export interface Receiver {
  deliver(text: Buffer, seq: number): void;
  /** The catch-up is complete; everything up to `cursor` was delivered or is not for this receiver. */
  replayed(cursor: number): void;
  /** Some events are gone: fetch afresh. Live delivery goes on after `cursor`. */
  resync(cursor: number): void;
  /** The principal may no longer listen at all. */
  revoked(): void;
  /** The principal may see something else than before. */
  changed?(caller: Caller): void;
  /** Resolves when what was delivered has left; the catch-up waits for it, so it needs no memory. */
  flushed(): Promise<void>;
}

export interface FanOutOptions {
  source: EventSource;
  visibility: EventVisibility;
  /** The caller as it is now; null when the credential or the principal is no longer good. */
  refresh: (caller: Caller) => Promise<Caller | null>;
  /** Events after which what people may see can differ. */
  refresh_on?: (event: StoredEvent) => boolean;
  logger: HostLogger;
  delivered?: (count: number) => void;
  /** Pause before a failed read is tried again. */
  retry_ms?: number;
}

const changesRights =
  /(?:^|\.)(?:member|channel|role|team|agent|device|user|session|key|org|token|family|consent)s?\.(?:updated|removed|deleted|deactivated|revoked|archived|changed|replayed|withdrawn|recovered)$/;
const batchSize = 200;
/** A catch-up hands over this much, then waits until it has left. */
const flushBytes = 256 * 1024;

interface Room {
  subscriptions: Set<Subscription>;
  /** Events wait here for the one before them, so that every receiver sees them in order. */
  tail: Promise<void>;
  /** A failed re-evaluation of rights is repeated before the next event. */
  stale: boolean;
}

/** The place of one receiver in its organisation's stream. */
export class Subscription {
  caller: Caller;
  readonly receiver: Receiver;
  state: 'held' | 'replaying' | 'live' | 'left' = 'held';
  /** Everything up to here was handed over or decided. */
  cursor: number;
  /** Greatest seq that passed while the subscription was not live. */
  seen = 0;
  channels: ReadonlySet<string> | null = null;
  /** Grows with each restart; a delivery that began before it is void. */
  epoch = 0;

  constructor(caller: Caller, receiver: Receiver, cursor: number) {
    this.caller = caller;
    this.receiver = receiver;
    this.cursor = cursor;
  }

  /** Events that name no channel are for everybody. */
  wants(event: StoredEvent): boolean {
    const channel = event.body['channel_id'];
    return this.channels === null || typeof channel !== 'string' || this.channels.has(channel);
  }
}

const eventText = (event: StoredEvent, body: Record<string, unknown>): Buffer =>
  Buffer.from(
    JSON.stringify({
      type: 'event',
      seq: event.seq,
      org_id: event.org_id,
      kind: event.kind,
      id: event.id,
      actor: event.actor,
      at: event.at.toISOString(),
      body,
    }),
  );

/**
 * Brings each committed event to every receiver that may see it: one question to the module's filter for an event, one
 * serialisation for each distinct body. A receiver that was away reads the store until it has caught up; the switch to
 * live happens without an await in between, which is why nothing is lost or sent twice.
 */
export class EventFanOut {
  readonly #options: FanOutOptions;
  readonly #rooms = new Map<string, Room>();
  readonly #refreshOn: (event: StoredEvent) => boolean;
  readonly #stop: () => void;

  constructor(options: FanOutOptions) {
    this.#options = options;
    this.#refreshOn = options.refresh_on ?? ((event) => changesRights.test(event.kind));
    this.#stop = options.source.subscribe(
      (event) => this.#enqueue(event),
      (org) => this.#gap(org),
    );
  }

  close(): void {
    this.#stop();
    for (const room of this.#rooms.values()) for (const subscription of room.subscriptions) this.leave(subscription);
  }

  /** Joins at the head of the stream, held: nothing is delivered before `start`. */
  async join(caller: Caller, receiver: Receiver): Promise<Subscription> {
    const subscription = new Subscription(caller, receiver, 0);
    // Joined before the head is read: an event between the two is counted in `seen`, never missed.
    this.#room(caller.org_id).subscriptions.add(subscription);
    try {
      subscription.cursor = await this.#options.source.head(caller.org_id);
    } catch (error) {
      this.leave(subscription);
      throw error;
    }
    return subscription;
  }

  /** Goes on after `since`, or where the receiver is when none is given. */
  start(subscription: Subscription, since: number | null, announce: boolean): void {
    if (subscription.state === 'left') return;
    if (since === null && subscription.state === 'live') {
      if (announce) subscription.receiver.replayed(subscription.cursor);
      return;
    }
    subscription.epoch++;
    if (since === null && subscription.state === 'held' && subscription.seen <= subscription.cursor) {
      subscription.state = 'live';
      if (announce) subscription.receiver.replayed(subscription.cursor);
      return;
    }
    subscription.state = 'replaying';
    void this.#catchUp(subscription, subscription.epoch, since, announce);
  }

  leave(subscription: Subscription): void {
    subscription.state = 'left';
    const org = subscription.caller.org_id;
    const room = this.#rooms.get(org);
    room?.subscriptions.delete(subscription);
    if (room?.subscriptions.size === 0) this.#rooms.delete(org);
  }

  /** Asks again what the callers of these subscriptions may, for changes that come without an event. */
  async refresh(which: (caller: Caller) => boolean): Promise<void> {
    for (const room of this.#rooms.values()) {
      await this.#refreshAll([...room.subscriptions].filter((s) => which(s.caller)));
    }
  }

  #room(org: string): Room {
    let room = this.#rooms.get(org);
    if (room === undefined) {
      room = { subscriptions: new Set(), tail: Promise.resolve(), stale: false };
      this.#rooms.set(org, room);
    }
    return room;
  }

  #enqueue(event: StoredEvent): void {
    const room = this.#rooms.get(event.org_id);
    if (room === undefined) return;
    room.tail = room.tail.then(() => this.#deliver(room, event));
  }

  /** Events of this organisation were pruned before they came here: everybody reads the log, and hears of the resync. */
  #gap(org: string): void {
    for (const subscription of this.#rooms.get(org)?.subscriptions ?? []) this.#restart(subscription, 0);
  }

  async #deliver(room: Room, event: StoredEvent): Promise<void> {
    const live: Subscription[] = [];
    try {
      if (room.stale || this.#refreshOn(event)) {
        room.stale = true;
        await this.#refreshAll([...room.subscriptions]);
        room.stale = false;
      }
      for (const subscription of room.subscriptions) {
        if (subscription.state !== 'live') subscription.seen = Math.max(subscription.seen, event.seq);
        else if (event.seq > subscription.cursor) live.push(subscription);
      }
      if (live.length > 0) await this.#deliverLive(event, live);
    } catch (error) {
      this.#options.logger.warn(
        { err: error, kind: event.kind, seq: event.seq },
        'event fan-out failed; receivers read it again',
      );
      for (const subscription of live.length > 0 ? live : room.subscriptions) this.#restart(subscription, event.seq);
    }
  }

  async #deliverLive(event: StoredEvent, live: readonly Subscription[]): Promise<void> {
    const epochs = live.map((s) => s.epoch);
    const callers = live.map((s) => s.caller);
    const index = new Map<Caller, number>();
    for (const caller of callers) if (!index.has(caller)) index.set(caller, index.size);
    const bodies = await this.#options.visibility.fanOut(event, [...index.keys()]);
    const texts = new Map<Record<string, unknown>, Buffer>();
    let delivered = 0;
    for (const [i, subscription] of live.entries()) {
      if (subscription.state !== 'live' || subscription.epoch !== epochs[i]) {
        subscription.seen = Math.max(subscription.seen, event.seq);
        continue;
      }
      if (subscription.caller !== callers[i]) {
        // The answer is about rights that meanwhile changed: ask again for this receiver alone.
        this.#restart(subscription, event.seq);
        continue;
      }
      subscription.cursor = event.seq;
      const body = bodies[index.get(subscription.caller)!] ?? null;
      if (body === null || !subscription.wants(event)) continue;
      let text = texts.get(body);
      if (text === undefined) {
        text = eventText(event, body);
        texts.set(body, text);
      }
      subscription.receiver.deliver(text, event.seq);
      delivered++;
    }
    this.#options.delivered?.(delivered);
  }

  #restart(subscription: Subscription, seen: number): void {
    subscription.seen = Math.max(subscription.seen, seen);
    if (subscription.state !== 'live') return;
    subscription.epoch++;
    subscription.state = 'replaying';
    void this.#catchUp(subscription, subscription.epoch, null, false);
  }

  async #catchUp(subscription: Subscription, epoch: number, since: number | null, announce: boolean): Promise<void> {
    const current = (): boolean => subscription.epoch === epoch && subscription.state === 'replaying';
    let from = since;
    while (current()) {
      try {
        if (from === null) await this.#nextBatch(subscription, current, announce);
        else {
          await this.#rewind(subscription, from, current);
          from = null;
        }
      } catch (error) {
        this.#options.logger.warn({ err: error }, 'replay failed; trying again');
        await new Promise((resolve) => setTimeout(resolve, this.#options.retry_ms ?? 500).unref());
      }
    }
  }

  /** A `since` beyond the head comes from another database (a restored backup): the client's state is not ours. */
  async #rewind(subscription: Subscription, since: number, current: () => boolean): Promise<void> {
    const head = await this.#options.source.head(subscription.caller.org_id);
    if (!current()) return;
    subscription.cursor = Math.min(since, head);
    if (since > head) subscription.receiver.resync(head);
  }

  async #nextBatch(subscription: Subscription, current: () => boolean, announce: boolean): Promise<void> {
    const { source } = this.#options;
    const seenBefore = subscription.seen;
    const events = await source.replay(subscription.caller.org_id, subscription.cursor, batchSize);
    if (!current()) return;
    if (events === null) {
      const head = await source.head(subscription.caller.org_id);
      if (!current()) return;
      subscription.cursor = head;
      subscription.receiver.resync(head);
    } else if (events.length > 0) await this.#handOver(subscription, events, current);
    // An event that passed during the read may be missing from it: read once more.
    else if (subscription.seen <= Math.max(subscription.cursor, seenBefore)) {
      subscription.cursor = Math.max(subscription.cursor, seenBefore);
      subscription.state = 'live';
      if (announce) subscription.receiver.replayed(subscription.cursor);
    }
  }

  async #handOver(subscription: Subscription, events: readonly StoredEvent[], current: () => boolean): Promise<void> {
    const wanted = events.filter((event) => subscription.wants(event));
    const bodies = wanted.length === 0 ? [] : await this.#options.visibility.replay(subscription.caller, wanted);
    let bytes = 0;
    for (const [i, event] of wanted.entries()) {
      if (!current()) return;
      const body = bodies[i] ?? null;
      subscription.cursor = event.seq;
      if (body === null) continue;
      const text = eventText(event, body);
      bytes += text.length;
      subscription.receiver.deliver(text, event.seq);
      if (bytes < flushBytes) continue;
      await subscription.receiver.flushed();
      bytes = 0;
    }
    if (!current()) return;
    subscription.cursor = events.at(-1)!.seq;
    await subscription.receiver.flushed();
  }

  async #refreshAll(subscriptions: readonly Subscription[]): Promise<void> {
    const byCaller = Map.groupBy(
      subscriptions,
      (s) => `${s.caller.org_id} ${s.caller.kind} ${s.caller.id} ${s.caller.credential.id}`,
    );
    await Promise.all(
      [...byCaller.values()].map(async (same) => {
        const caller = await this.#options.refresh(same[0]!.caller);
        for (const subscription of same) this.#apply(subscription, caller);
      }),
    );
  }

  #apply(subscription: Subscription, caller: Caller | null): void {
    if (subscription.state === 'left') return;
    if (caller === null || caller.org_id !== subscription.caller.org_id) {
      this.leave(subscription);
      subscription.receiver.revoked();
      return;
    }
    subscription.caller = caller;
    subscription.receiver.changed?.(caller);
  }
}
