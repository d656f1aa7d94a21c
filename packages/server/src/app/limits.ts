import type { Clock } from '../platform/clock/clock.ts';
import type { ConfigValues } from '../platform/config/config.ts';
import type { RequestLimiter } from '../platform/http/http-options.ts';
import { createFallbackLimiter } from '../platform/limits/fallback-limiter.ts';
import { createLocalLimiter, type LocalLimiter } from '../platform/limits/local-limiter.ts';
import { createPostgresLimiter } from '../platform/limits/postgres-limiter.ts';
import type { RateHit, RateLimiter } from '../platform/limits/rate-limiter.ts';
import type { Logger } from '../platform/telemetry/logger.ts';
import type { Metrics } from '../platform/telemetry/metrics.ts';
import type { Storage } from './storage.ts';

export interface Limits {
  /** Counted in PostgreSQL, so that a restart or a second replica gives no fresh guesses. */
  durable: RateLimiter;
  /** Decides from memory and exchanges counts with the other replicas once a second. */
  local: LocalLimiter;
  requests: RequestLimiter;
  close(): Promise<void>;
}

/** Limits that guard secrets stay in PostgreSQL; ordinary ones go through Redis when there is one. */
export const createLimits = async (
  values: ConfigValues,
  storage: Storage,
  clock: Clock,
  log: Logger,
  metrics?: Metrics,
): Promise<Limits> => {
  const postgres = createPostgresLimiter(storage.database.read, clock);
  const counted = <T extends { allowed: boolean }>(hit: RateHit, answer: T): T => {
    if (!answer.allowed) metrics?.limited(hit.bucket, hit.key);
    return answer;
  };
  const durable: RateLimiter = { ...postgres, hit: async (hit) => counted(hit, await postgres.hit(hit)) };
  const redis = await connectRedis(values, log);
  const shared =
    redis === null
      ? postgres
      : createFallbackLimiter({
          first: (await import('../platform/limits/redis-limiter.ts')).createRedisLimiter(
            redis,
            clock,
            metrics === undefined ? {} : { observe: metrics.redis },
          ),
          second: postgres,
          onChange: (working, error) =>
            working
              ? log.info('redis counts the rates again')
              : log.warn({ err: error }, 'redis cannot be reached; the rates are counted in PostgreSQL'),
        });
  const local = createLocalLimiter({
    shared,
    clock,
    onError: (error) => log.warn({ err: error }, 'rate counters could not be exchanged'),
  });
  metrics?.remaining(() => local.least());
  const requests: RequestLimiter = {
    take: (key, rule) => {
      const window_ms = rule.window_s * 1000;
      const hit = { bucket: 'http', key, limit: rule.limit, window_ms };
      const answer = counted(hit, local.hit(hit));
      const reset_s = Math.ceil(
        (answer.allowed ? window_ms - (clock.now().getTime() % window_ms) : answer.retry_after_ms) / 1000,
      );
      return { allowed: answer.allowed, limit: rule.limit, remaining: answer.remaining, reset_s };
    },
  };
  return {
    durable,
    local,
    requests,
    close: async () => {
      await local.stop();
      redis?.disconnect();
    },
  };
};

const connectRedis = async (values: ConfigValues, log: Logger) => {
  const url = values.secrets.redisUrl;
  if (url === null) return null;
  const { Redis } = await import('ioredis');
  const redis = new Redis(url.reveal(), { maxRetriesPerRequest: 2, enableOfflineQueue: false });
  // Whoever uses it is told of failures; this listener keeps them from ending the process.
  redis.on('error', (error) => log.debug({ err: error }, 'redis cannot be reached'));
  return redis;
};
