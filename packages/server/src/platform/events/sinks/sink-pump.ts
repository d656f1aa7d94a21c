import { setTimeout as pause } from 'node:timers/promises';
import type { Kysely } from 'kysely';
import type { Clock } from '../../clock/clock.ts';
import type { Schema } from '../../db/schema.gen.ts';
import { findAfter } from '../event-store.ts';
import { type EventSink, type SinkAddress, toMessage } from './event-sink.ts';
import { sinkStore } from './sink-store.ts';

export interface SinkPumpOptions {
  db: Kysely<Schema>;
  clock: Clock;
  address: SinkAddress;
  wanted: (kind: string) => boolean;
  /** Who sends, for the envelope. */
  producer: () => string;
  onError: (error: unknown, what: string) => void;
  /** Longest pause between two attempts. */
  most_pause_ms?: number;
}

export interface SinkState {
  name: string;
  /** Events that wait, of those that this process knows of; null before it first looked. */
  lag: number | null;
  delivered: number;
  failures: number;
  /** Whether the broker took what it was last given. */
  up: boolean;
}

const batchSize = 200;
const firstPauseMs = 250;
const answerMs = 10_000;

/** Clients differ in how long they hope for a broker that is away; the pump asks again by itself. */
const withinTime = async <T>(act: Promise<T>): Promise<T> => {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`no answer within ${answerMs / 1000} s`)), answerMs);
  try {
    return await Promise.race([act, late.promise]);
  } finally {
    clearTimeout(timer);
  }
};

/**
 * Gives one broker what it has not had, organisation by organisation and in order. What the broker has taken is written
 * down afterwards, so that a crash between the two repeats a batch and never drops one.
 */
export class SinkPump {
  readonly state: SinkState;
  readonly #options: SinkPumpOptions;
  #sink: EventSink | null = null;
  #wake = Promise.withResolvers<void>();

  constructor(options: SinkPumpOptions) {
    this.#options = options;
    this.state = { name: options.address.name, lag: null, delivered: 0, failures: 0, up: true };
  }

  /** Something happened; look again without waiting for the next turn. */
  wake(): void {
    this.#wake.resolve();
  }

  /** Until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { db, clock, most_pause_ms = 30_000, onError } = this.#options;
    await sinkStore.register(db, this.state.name, clock.now());
    let wait = firstPauseMs;
    while (!signal.aborted) {
      this.#wake = Promise.withResolvers();
      try {
        await this.#deliverAll(signal);
        if (!this.state.up) onError(null, `events reach ${this.state.name} again`);
        this.state.up = true;
        wait = firstPauseMs;
        await this.#sleep(most_pause_ms, signal);
      } catch (error) {
        if (signal.aborted) break;
        this.state.failures += 1;
        if (this.state.up) onError(error, `events do not reach ${this.state.name}; they wait and will be sent`);
        this.state.up = false;
        await this.#close();
        await pause(wait, null, { signal, ref: false }).catch(() => {});
        wait = Math.min(wait * 2, most_pause_ms);
      }
    }
    await this.#close();
  }

  async #deliverAll(signal: AbortSignal): Promise<void> {
    const backlog = await this.#look();
    for (const { org_id, seq, last_seq } of backlog) {
      let position = seq;
      while (position < last_seq && !signal.aborted) position = await this.#deliver(org_id, position);
    }
    if (backlog.length > 0) await this.#look();
  }

  async #look() {
    const backlog = await sinkStore.backlog(this.#options.db, this.state.name);
    this.state.lag = backlog.reduce((sum, { seq, last_seq }) => sum + last_seq - seq, 0);
    return backlog;
  }

  /** One batch; answers up to where the organisation's events are done with. */
  async #deliver(orgId: string, after: number): Promise<number> {
    const { db, wanted, producer, onError } = this.#options;
    const { events, head } = await findAfter(db, orgId, after, batchSize);
    // Asked of the same statement as the events: pruned between two questions, they would be passed over in silence.
    if (head.floor_seq > after) {
      const lost = head.floor_seq - after;
      onError(null, `${lost} events of an organisation were pruned before ${this.state.name} could have them`);
    }
    const through = events.at(-1)?.seq ?? head.last_seq;
    const messages = events.filter(({ kind }) => wanted(kind)).map((event) => toMessage(event, producer()));
    if (messages.length > 0) {
      this.#sink ??= await withinTime(this.#options.address.open());
      await withinTime(this.#sink.send(messages));
    }
    await sinkStore.advance(db, this.state.name, orgId, through);
    this.state.delivered += messages.length;
    this.state.lag = Math.max(0, (this.state.lag ?? 0) - (through - after));
    return through;
  }

  async #sleep(ms: number, signal: AbortSignal): Promise<void> {
    const timer = new AbortController();
    const either = AbortSignal.any([signal, timer.signal]);
    await Promise.race([this.#wake.promise, pause(ms, null, { signal: either, ref: false }).catch(() => {})]);
    timer.abort();
  }

  async #close(): Promise<void> {
    const sink = this.#sink;
    this.#sink = null;
    await sink?.close().catch(() => {});
  }
}
