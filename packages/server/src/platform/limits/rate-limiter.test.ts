import { describe, expect, it } from 'vitest';
import { ManualClock } from '../clock/clock.ts';
import { createLocalLimiter } from './local-limiter.ts';
import { addressKey, type RateLimiter } from './rate-limiter.ts';

describe('the key of an address', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2:ffff::1', '2001:db8:1:2::/64'],
    ['not an address', 'unknown'],
    [null, 'unknown'],
  ])('of %s is %s', (ip, key) => {
    expect(addressKey(ip)).toBe(key);
  });
});

describe('the first level', () => {
  const hit = { bucket: 'rest', key: 'u', limit: 3, window_ms: 1000 };

  it('keeps its counts for the next exchange when the shared counters cannot be reached', async () => {
    const clock = new ManualClock('2026-03-01T12:00:00Z');
    const errors: unknown[] = [];
    let down = true;
    let added = 0;
    const shared: RateLimiter = {
      hit: () => Promise.reject(new Error('unused')),
      add: async (deltas) => {
        if (down) throw new Error('down');
        added += deltas[0]!.cost;
        return [{ window_start: clock.now().getTime(), current: added, previous: 0 }];
      },
    };
    const limiter = createLocalLimiter({ shared, clock, flush_ms: 1e9, onError: (error) => void errors.push(error) });
    for (let n = 0; n < 5; n += 1) limiter.hit(hit);
    await limiter.flush();
    expect(errors).toHaveLength(1);
    expect(limiter.hit(hit).allowed).toBe(false);
    down = false;
    await limiter.stop();
    expect(added).toBe(3);
  });
});
