import type { Redis } from 'ioredis';
import type { Clock } from '../clock/clock.ts';
import { answerOf, type RateLimiter, type RateWindow } from './rate-limiter.ts';

/**
 * The same arithmetic as core_rate_roll and core_rate_hit. A limit below zero means: add without asking.
 * Redis runs a script alone, so nothing comes between reading and counting.
 */
const script = `
local now, window, limit, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local stored = redis.call('HMGET', KEYS[1], 's', 'c', 'p', 'w')
local start = now - now % window
local s, c, p = tonumber(stored[1]) or start, tonumber(stored[2]) or 0, tonumber(stored[3]) or 0
if tonumber(stored[4]) ~= window then s, c, p = start, 0, 0
elseif s < start then
  if s == start - window then p = c else p = 0 end
  s, c = start, 0
end
local allowed = 0
if limit < 0 or p * (1 - math.max(now - s, 0) / window) + c + cost <= limit then
  allowed = 1
  c = c + cost
end
redis.call('HSET', KEYS[1], 's', string.format('%.0f', s), 'c', string.format('%.0f', c), 'p', string.format('%.0f', p), 'w', window)
redis.call('PEXPIRE', KEYS[1], 2 * window)
return { allowed, string.format('%.0f', s), string.format('%.0f', c), string.format('%.0f', p) }`;

type ScriptAnswer = [allowed: number, start: string, current: string, previous: string];

/** Counters in Redis, for installations that have one. They are as durable as that Redis. */
export const createRedisLimiter = (
  redis: Redis,
  clock: Clock,
  options: { prefix?: string; observe?: (ok: boolean, seconds: number) => void } = {},
): RateLimiter => {
  const { prefix = 'atrium:rate:', observe } = options;
  const evaluate = async (name: string, args: readonly number[]): Promise<ScriptAnswer> => {
    const started = performance.now();
    let ok = false;
    try {
      const answer = (await redis.eval(script, 1, name, ...args)) as ScriptAnswer;
      ok = true;
      return answer;
    } finally {
      observe?.(ok, (performance.now() - started) / 1000);
    }
  };
  const run = async (bucket: string, key: string, windowMs: number, limit: number, cost: number) => {
    const name = `${prefix}${bucket}:${key}`;
    const answer = await evaluate(name, [clock.now().getTime(), windowMs, limit, cost]);
    const window: RateWindow = {
      window_start: Number(answer[1]),
      current: Number(answer[2]),
      previous: Number(answer[3]),
    };
    return { allowed: answer[0] === 1, window };
  };
  return {
    hit: async (hit) => {
      const { allowed, window } = await run(hit.bucket, hit.key, hit.window_ms, hit.limit, hit.cost ?? 1);
      return answerOf(window, hit, clock.now().getTime(), allowed);
    },
    add: (deltas) =>
      Promise.all(
        deltas.map(async (delta) => (await run(delta.bucket, delta.key, delta.window_ms, -1, delta.cost)).window),
      ),
  };
};
