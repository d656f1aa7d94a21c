import { Redis } from 'ioredis';
import type { EventSink } from './event-sink.ts';

/**
 * Adds what the stream has not yet seen of this organisation, in one step, so that a repeat after a lost answer adds
 * nothing twice.
 */
const script = `
local last = tonumber(redis.call('HGET', KEYS[2], ARGV[1]) or '0')
if tonumber(ARGV[2]) <= last then return 0 end
redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[3], '*', 'id', ARGV[4], 'kind', ARGV[5], 'event', ARGV[6])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
return 1`;

const mostKept = 1_000_000;

/** A stream of Redis: `redis://host:6379/0?stream=atrium:events`. */
export const openRedisSink = async (url: URL): Promise<EventSink> => {
  const stream = url.searchParams.get('stream') ?? 'atrium:events';
  const address = new URL(url);
  address.search = '';
  const redis = new Redis(address.href, {
    lazyConnect: true,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
    connectTimeout: 5000,
    commandTimeout: 10_000,
  });
  // The pump hears of a lost connection by the failure of what it sends.
  redis.on('error', () => {});
  await redis.connect();
  return {
    send: async (messages) => {
      const batch = redis.pipeline();
      for (const { id, key, seq, kind, body } of messages)
        batch.eval(script, 2, stream, `${stream}:positions`, key, seq, mostKept, id, kind, body);
      for (const [error] of (await batch.exec()) ?? []) if (error !== null) throw error;
    },
    close: async () => redis.disconnect(),
  };
};
