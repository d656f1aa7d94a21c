import { setTimeout as pause } from 'node:timers/promises';
import { createClient } from '../../db/pool.ts';
import type { SinkAddress } from './event-sink.ts';
import { SinkPump, type SinkPumpOptions, type SinkState } from './sink-pump.ts';

export interface EventSinksOptions extends Omit<SinkPumpOptions, 'address'> {
  url: string;
  sinks: readonly SinkAddress[];
  /** How often a process asks whether the one that sends is gone. */
  turn_ms?: number;
}

/** First half of the advisory lock keys that stand for sinks ("atrs"). */
const lockClass = 0x61747273;

/**
 * Sends events to the brokers that the operator named. For each of them one process of all sends, so that the order
 * holds; PostgreSQL drops its lock the moment it is gone, and another one goes on where the positions stand.
 */
export class EventSinks {
  readonly #options: EventSinksOptions;
  readonly #pumps: readonly SinkPump[];
  readonly #stop = new AbortController();
  #running: Promise<unknown> = Promise.resolve();

  constructor(options: EventSinksOptions) {
    this.#options = options;
    this.#pumps = options.sinks.map((address) => new SinkPump({ ...options, address }));
  }

  get states(): readonly SinkState[] {
    return this.#pumps.map(({ state }) => state);
  }

  start(): void {
    this.#running = Promise.all(this.#pumps.map((pump) => this.#keep(pump)));
  }

  wake(): void {
    for (const pump of this.#pumps) pump.wake();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #keep(pump: SinkPump): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await this.#turn(pump).catch((error: unknown) => {
        if (!signal.aborted) this.#options.onError(error, `sending events to ${pump.state.name} stopped`);
      });
      await pause(this.#options.turn_ms ?? 2000, null, { signal, ref: false }).catch(() => {});
    }
  }

  /** Sends while this process holds the lock; returns at once when another one does. */
  async #turn(pump: SinkPump): Promise<void> {
    const client = createClient(this.#options.url, 'atrium-sink');
    const lost = new AbortController();
    client.on('error', () => lost.abort());
    client.on('end', () => lost.abort());
    try {
      await client.connect();
      const { rows } = await client.query<{ held: boolean }>('select pg_try_advisory_lock($1, hashtext($2)) as held', [
        lockClass,
        pump.state.name,
      ]);
      if (rows[0]?.held === true) await pump.run(AbortSignal.any([this.#stop.signal, lost.signal]));
    } finally {
      await client.end().catch(() => {});
    }
  }
}
