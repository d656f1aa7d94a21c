import { setTimeout as pause } from 'node:timers/promises';
import type { Client } from 'pg';
import { createClient } from './pool.ts';

export interface KeptConnectionOptions {
  url: string;
  /** Shown by pg_stat_activity. */
  name: string;
  /** Takes the connection into use (LISTEN, locks), after each connect. A failure counts as a lost connection. */
  prepare: (client: Client) => Promise<void>;
  onError: (error: unknown) => void;
  /** How often an idle connection is asked whether it is alive; a dead network would otherwise look like silence. */
  heartbeat_ms?: number;
}

const firstDelayMs = 50;
const longestDelayMs = 5000;

/**
 * A connection apart from the pool that lives as long as the process, for LISTEN and session locks. Connects again by
 * itself, with growing pauses, until it is stopped.
 */
export class KeptConnection {
  readonly #options: KeptConnectionOptions;
  readonly #stop = new AbortController();
  #running: Promise<void> | null = null;
  #connected = false;

  constructor(options: KeptConnectionOptions) {
    this.#options = options;
  }

  get connected(): boolean {
    return this.#connected;
  }

  /** Resolves when prepared; rejects when the very first attempt fails. */
  async start(): Promise<void> {
    const session = await this.#connect();
    this.#running = this.#keep(session);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  /** `lost` resolves with the reason when the connection is over. */
  async #connect(): Promise<{ client: Client; lost: Promise<unknown> }> {
    const client = createClient(this.#options.url, this.#options.name);
    const { promise: lost, resolve } = Promise.withResolvers<unknown>();
    client.on('error', resolve);
    client.on('end', () => resolve(new Error('the kept connection ended')));
    try {
      await client.connect();
      await this.#options.prepare(client);
    } catch (error) {
      client.end().catch(() => {});
      throw error;
    }
    this.#connected = true;
    return { client, lost };
  }

  async #keep(first: { client: Client; lost: Promise<unknown> }): Promise<void> {
    let session: typeof first | null = first;
    let delay = firstDelayMs;
    while (!this.#stop.signal.aborted) {
      try {
        session ??= await this.#connect();
        delay = firstDelayMs;
        const reason = await this.#watch(session);
        this.#connected = false;
        session.client.end().catch(() => {});
        session = null;
        if (reason !== null) this.#options.onError(reason);
      } catch (error) {
        this.#options.onError(error);
      }
      // Replicas that lost the same database must not all come back at the same instant.
      await pause(delay * (0.5 + Math.random() / 2), null, { signal: this.#stop.signal, ref: false }).catch(() => {});
      delay = Math.min(delay * 2, longestDelayMs);
    }
  }

  /** Waits for the end of the session: its reason, or null when `stop` was called. */
  async #watch({ client, lost }: { client: Client; lost: Promise<unknown> }): Promise<unknown> {
    const { promise: dead, resolve } = Promise.withResolvers<unknown>();
    let asked = false;
    const beat = (): void => {
      if (asked) {
        resolve(new Error('the kept connection does not answer'));
        return;
      }
      asked = true;
      client.query('select 1').then(() => {
        asked = false;
      }, resolve);
    };
    const timer = setInterval(beat, this.#options.heartbeat_ms ?? 15_000).unref();
    const onStop = (): void => resolve(null);
    this.#stop.signal.addEventListener('abort', onStop, { once: true });
    try {
      return this.#stop.signal.aborted ? null : await Promise.race([lost, dead]);
    } finally {
      clearInterval(timer);
      this.#stop.signal.removeEventListener('abort', onStop);
    }
  }
}
