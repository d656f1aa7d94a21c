import type { Clock } from '../clock/clock.ts';
import {
  answerOf,
  type RateAnswer,
  type RateHit,
  type RateLimiter,
  type RateWindow,
  roll,
  usage,
} from './rate-limiter.ts';

export interface LocalLimiter {
  /** Decides at once, from this process's memory. */
  hit(hit: RateHit): RateAnswer;
  /** The least that any key has left, of each bucket that counts something now. */
  least(): Iterable<[bucket: string, remaining: number]>;
  /** Exchanges counts with the other processes. Runs by itself every `flush_ms`. */
  flush(): Promise<void>;
  stop(): Promise<void>;
}

export interface LocalLimiterOptions {
  shared: RateLimiter;
  clock: Clock;
  onError: (error: unknown) => void;
  flush_ms?: number;
}

interface Counter {
  bucket: string;
  key: string;
  window_ms: number;
  window: RateWindow;
  /** Counted here and not yet in the shared sums. */
  pending: number;
  limit: number;
}

/**
 * First level for ordinary request limits: no round trip a request. Counts are exact within one process. Between
 * replicas they are exchanged every `flush_ms`, so a caller that spreads its requests over n replicas can exceed the
 * limit by what n - 1 of them admit between two exchanges. Limits that guard secrets use the shared limiter itself.
 */
export const createLocalLimiter = (options: LocalLimiterOptions): LocalLimiter => {
  const { shared, clock } = options;
  const counters = new Map<string, Counter>();
  let flushing: Promise<void> = Promise.resolve();

  const counterOf = (hit: RateHit, now: number): Counter => {
    const name = `${hit.bucket}\n${hit.key}`;
    const known = counters.get(name);
    if (known !== undefined && known.window_ms === hit.window_ms) {
      known.window = roll(known.window, hit.window_ms, now);
      return known;
    }
    const window = roll({ window_start: 0, current: 0, previous: 0 }, hit.window_ms, now);
    const counter = {
      bucket: hit.bucket,
      key: hit.key,
      window_ms: hit.window_ms,
      window,
      pending: 0,
      limit: hit.limit,
    };
    counters.set(name, counter);
    return counter;
  };

  const exchange = async (): Promise<void> => {
    const now = clock.now().getTime();
    for (const [name, counter] of counters) {
      if (now - counter.window.window_start >= 2 * counter.window_ms) counters.delete(name);
    }
    const changed = [...counters.values()].filter((counter) => counter.pending > 0);
    if (changed.length === 0) return;
    const deltas = changed.map(({ bucket, key, window_ms, pending }) => ({ bucket, key, window_ms, cost: pending }));
    for (const counter of changed) counter.pending = 0;
    try {
      const sums = await shared.add(deltas);
      const later = clock.now().getTime();
      for (const [index, counter] of changed.entries()) {
        const sum = roll(sums[index]!, counter.window_ms, later);
        // What was admitted during the exchange is not in the sum yet.
        counter.window = { ...sum, current: sum.current + counter.pending };
      }
    } catch (error) {
      for (const [index, counter] of changed.entries()) counter.pending += deltas[index]!.cost;
      options.onError(error);
    }
  };

  const flush = (): Promise<void> => {
    flushing = flushing.then(exchange);
    return flushing;
  };
  const timer = setInterval(() => void flush(), options.flush_ms ?? 1000).unref();

  return {
    hit: (hit) => {
      const now = clock.now().getTime();
      const cost = hit.cost ?? 1;
      const counter = counterOf(hit, now);
      counter.limit = hit.limit;
      const allowed = usage(counter.window, hit.window_ms, now) + cost <= hit.limit;
      if (allowed) {
        counter.window = { ...counter.window, current: counter.window.current + cost };
        counter.pending += cost;
      }
      return answerOf(counter.window, hit, now, allowed);
    },
    least: () => {
      const now = clock.now().getTime();
      const least = new Map<string, number>();
      for (const { bucket, window, window_ms, limit } of counters.values()) {
        const left = Math.max(0, Math.floor(limit - usage(window, window_ms, now)));
        least.set(bucket, Math.min(least.get(bucket) ?? left, left));
      }
      return least;
    },
    flush,
    stop: () => {
      clearInterval(timer);
      return flush();
    },
  };
};
