import { type Kysely, sql } from 'kysely';
import type { Clock } from '../clock/clock.ts';
import type { Schema } from '../db/schema.gen.ts';
import { answerOf, type RateLimiter, type RateWindow } from './rate-limiter.ts';

/** Counters in core_rate_counters: they survive a restart and are shared by all replicas. */
export const createPostgresLimiter = (db: Kysely<Schema>, clock: Clock): RateLimiter => ({
  hit: async (hit) => {
    const now = clock.now().getTime();
    const found = await sql<RateWindow & { allowed: boolean }>`
      select * from core_rate_hit(${hit.bucket}, ${hit.key}, ${now}, ${hit.window_ms}, ${hit.limit}, ${hit.cost ?? 1})`.execute(
      db,
    );
    const { allowed, ...window } = found.rows[0]!;
    return answerOf(window, hit, now, allowed);
  },
  add: async (deltas) => {
    // In one order for all processes, so that two batches cannot deadlock.
    const order = deltas.map((_, index) => index).sort((a, b) => (nameOf(deltas[a]!) < nameOf(deltas[b]!) ? -1 : 1));
    const found = await sql<RateWindow>`
      select * from core_rate_add(${clock.now().getTime()}, ${JSON.stringify(order.map((index) => deltas[index]))}::jsonb)`.execute(
      db,
    );
    const sums: RateWindow[] = [];
    for (const [position, index] of order.entries()) sums[index] = found.rows[position]!;
    return sums;
  },
});

const nameOf = (delta: { bucket: string; key: string }): string => `${delta.bucket}\n${delta.key}`;

/** Deletes counters that no window reaches any more. */
export const deleteExpiredCounters = async (db: Kysely<Schema>, now: Date): Promise<void> => {
  await sql`delete from core_rate_counters where expires_at < ${now}`.execute(db);
};
