import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../test/support/test-database.ts';
import { HourlyCounts } from './hourly-counts.ts';

let test: TestDatabase;
const failures: unknown[] = [];
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

const counts = (): HourlyCounts =>
  new HourlyCounts({ db: test.database.read, clock: test.clock, onError: (error) => void failures.push(error) });

const hourMs = 3_600_000;

describe('hourly counts', () => {
  it('of several processes add up, hour by hour', async () => {
    const [one, other] = [counts(), counts()];
    one.count('token_issued');
    one.count('token_issued', 4);
    other.count('token_issued', 2);
    other.count('client_failed');
    await Promise.all([one.flush(), other.flush()]);
    test.clock.advance(hourMs);
    one.count('token_issued');
    const since = new Date(test.clock.now().getTime() - hourMs);
    const read = (await one.read(since)).map(({ hour, kind, count }) => [
      hour.toISOString().slice(11, 13),
      kind,
      count,
    ]);
    expect(read.toSorted()).toEqual([
      ['12', 'client_failed', 1],
      ['12', 'token_issued', 7],
      ['13', 'token_issued', 1],
    ]);
    expect(failures).toEqual([]);
  });

  it('are kept for ninety days', async () => {
    const one = counts();
    const long = new Date(0);
    expect((await one.read(long)).length).toBeGreaterThan(0);
    test.clock.advance(91 * 24 * hourMs);
    await one.prune();
    expect(await one.read(long)).toEqual([]);
  });
});
