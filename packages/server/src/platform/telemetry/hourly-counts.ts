import { type Kysely, sql } from 'kysely';
import type { Clock } from '../clock/clock.ts';
import type { Schema } from '../db/schema.gen.ts';

/** What is counted for the operators' overview, beside the metrics of a process: over all replicas, and kept. */
export type CountedKind = 'token_issued' | 'token_revoked' | 'client_failed' | 'address_denied';

export interface HourlyCount {
  hour: Date;
  kind: CountedKind;
  count: number;
}

const hourMs = 60 * 60_000;
const keptMs = 90 * 24 * hourMs;

/**
 * Counts in memory and adds to the table every few seconds, so that no request waits for a row that all of them change.
 * A crash loses some seconds of figures.
 */
export class HourlyCounts {
  readonly #db: Kysely<Schema>;
  readonly #clock: Clock;
  readonly #delayMs: number;
  readonly #onError: (error: unknown) => void;
  #counts = new Map<string, number>();
  #timer: NodeJS.Timeout | null = null;
  #writing: Promise<void> = Promise.resolve();

  constructor(parts: {
    db: Kysely<Schema>;
    clock: Clock;
    onError: (error: unknown) => void;
    delay_ms?: number;
  }) {
    this.#db = parts.db;
    this.#clock = parts.clock;
    this.#onError = parts.onError;
    this.#delayMs = parts.delay_ms ?? 5000;
  }

  readonly count = (kind: CountedKind, by = 1): void => {
    const now = this.#clock.now().getTime();
    const key = `${now - (now % hourMs)} ${kind}`;
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + by);
    if (this.#timer !== null) return;
    this.#timer = setTimeout(() => void this.flush(), this.#delayMs);
    this.#timer.unref();
  };

  /** Writes what has gathered. Called by the timer and at shutdown. */
  flush(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#writing = this.#writing.then(() => this.#write()).catch(this.#onError);
    return this.#writing;
  }

  async #write(): Promise<void> {
    if (this.#counts.size === 0) return;
    // One order for all replicas, so that two flushes cannot deadlock.
    const entries = [...this.#counts].toSorted(([a], [b]) => (a < b ? -1 : 1));
    this.#counts = new Map();
    const hours = entries.map(([key]) => new Date(Number(key.split(' ')[0])).toISOString());
    const kinds = entries.map(([key]) => key.split(' ')[1]!);
    const counts = entries.map(([, count]) => count);
    await sql`insert into core_hourly_counts as c (hour, kind, count)
      select * from unnest(${hours}::timestamptz[], ${kinds}::text[], ${counts}::bigint[])
      on conflict (hour, kind) do update set count = c.count + excluded.count`.execute(this.#db);
  }

  /** From the hour of `since` on, oldest first. */
  async read(since: Date): Promise<HourlyCount[]> {
    await this.flush();
    const { rows } = await sql<HourlyCount>`select hour, kind, count from core_hourly_counts
      where hour >= date_trunc('hour', ${since}::timestamptz, 'UTC') order by hour`.execute(this.#db);
    return rows.map((row) => ({ ...row, count: Number(row.count) }));
  }

  async prune(): Promise<void> {
    const before = new Date(this.#clock.now().getTime() - keptMs);
    await sql`delete from core_hourly_counts where hour < ${before}`.execute(this.#db);
  }
}
