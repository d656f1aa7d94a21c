import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../test/support/test-database.ts';
import { createPostgresLimiter, deleteExpiredCounters } from './postgres-limiter.ts';
import { rateLimiterSuite } from './rate-limiter.testsuite.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

rateLimiterSuite('PostgreSQL', (clock) => createPostgresLimiter(test.database.read, clock));

it('forgets counters that no window reaches any more', async () => {
  await createPostgresLimiter(test.database.read, test.clock).hit({
    bucket: 'old',
    key: 'k',
    limit: 1,
    window_ms: 1000,
  });
  const count = async () =>
    (await test.pool.query(`select 1 from core_rate_counters where bucket = 'old'`)).rows.length;
  await deleteExpiredCounters(test.database.read, test.clock.now());
  expect(await count()).toBe(1);
  test.clock.advance(2001);
  await deleteExpiredCounters(test.database.read, test.clock.now());
  expect(await count()).toBe(0);
});
