import { afterAll, beforeAll, describe } from 'vitest';
import { startRedis } from '../../../test/support/redis-server.ts';
import { rateLimiterSuite } from './rate-limiter.testsuite.ts';
import { createRedisLimiter } from './redis-limiter.ts';

let server: Awaited<ReturnType<typeof startRedis>>;

describe.runIf(process.env['ATRIUM_TEST_SERVICES'] === '1')('with a Redis server', () => {
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server?.stop());
  rateLimiterSuite('Redis', (clock) => createRedisLimiter(server.redis, clock));
});
