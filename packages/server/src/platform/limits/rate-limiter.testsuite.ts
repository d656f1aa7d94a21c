import { describe, expect, it } from 'vitest';
import { ManualClock } from '../clock/clock.ts';
import { newId } from '../ids/ids.ts';
import { createLocalLimiter } from './local-limiter.ts';
import type { RateLimiter } from './rate-limiter.ts';

/** What every shared limiter must do. `make` gives one more limiter over the same counters. */
export const rateLimiterSuite = (name: string, make: (clock: ManualClock) => RateLimiter): void => {
  describe(`the limiter in ${name}`, () => {
    const begin = '2026-03-01T12:00:00.000Z';
    const hitOf = (parts: { limit?: number; cost?: number; key?: string } = {}) => ({
      bucket: 'test',
      key: newId(),
      limit: 5,
      window_ms: 60_000,
      ...parts,
    });

    it('admits up to the limit, then says how long to wait, and is right about it', async () => {
      const clock = new ManualClock(begin);
      const limiter = make(clock);
      const hit = hitOf();
      for (let left = 4; left >= 0; left -= 1) {
        expect(await limiter.hit(hit)).toEqual({ allowed: true, remaining: left, retry_after_ms: 0 });
      }
      const refused = await limiter.hit(hit);
      expect(refused).toMatchObject({ allowed: false, remaining: 0 });
      clock.advance(refused.retry_after_ms - 1);
      expect((await limiter.hit(hit)).allowed).toBe(false);
      clock.advance(1);
      expect((await limiter.hit(hit)).allowed).toBe(true);
    });

    it('slides: half a window later half of the previous one still counts', async () => {
      const clock = new ManualClock(begin);
      const limiter = make(clock);
      const hit = hitOf({ limit: 10 });
      for (let n = 0; n < 10; n += 1) await limiter.hit(hit);
      clock.advance(90_000);
      expect((await limiter.hit(hit)).remaining).toBe(4);
      clock.advance(120_000);
      expect((await limiter.hit(hit)).remaining).toBe(9);
    });

    it('counts cost, keys and buckets apart, and never admits what exceeds the limit alone', async () => {
      const limiter = make(new ManualClock(begin));
      const hit = hitOf();
      expect(await limiter.hit({ ...hit, cost: 4 })).toMatchObject({ allowed: true, remaining: 1 });
      expect((await limiter.hit({ ...hit, cost: 2 })).allowed).toBe(false);
      expect((await limiter.hit({ ...hit, cost: 1 })).allowed).toBe(true);
      expect((await limiter.hit({ ...hit, key: newId() })).remaining).toBe(4);
      expect((await limiter.hit({ ...hit, bucket: 'other' })).remaining).toBe(4);
      expect(await limiter.hit({ ...hitOf(), cost: 6 })).toMatchObject({ allowed: false, retry_after_ms: 60_000 });
    });

    it('admits exactly the limit when many ask at once from two processes', async () => {
      const clock = new ManualClock(begin);
      const [one, two] = [make(clock), make(clock)];
      const hit = hitOf({ limit: 20 });
      const answers = await Promise.all(Array.from({ length: 60 }, (_, n) => (n % 2 === 0 ? one : two).hit(hit)));
      expect(answers.filter((answer) => answer.allowed)).toHaveLength(20);
    });

    it('adds what processes counted by themselves and returns the sums in the order given', async () => {
      const limiter = make(new ManualClock(begin));
      const [a, b] = [newId(), newId()];
      const delta = (key: string, cost: number) => ({ bucket: 'test', key, window_ms: 60_000, cost });
      await limiter.add([delta(b, 3), delta(a, 7)]);
      const sums = await limiter.add([delta(b, 1), delta(a, 0)]);
      expect(sums.map((sum) => sum.current)).toEqual([4, 7]);
    });

    it('lets two first levels in front of it agree after an exchange', async () => {
      const clock = new ManualClock(begin);
      const local = () =>
        createLocalLimiter({
          shared: make(clock),
          clock,
          flush_ms: 1e9,
          onError: (error) => {
            throw error;
          },
        });
      const [one, two] = [local(), local()];
      const hit = hitOf({ limit: 10 });
      for (let n = 0; n < 6; n += 1) expect(one.hit(hit).allowed).toBe(true);
      expect(two.hit(hit).remaining).toBe(9);
      await one.flush();
      await two.flush();
      expect(two.hit(hit).remaining).toBe(2);
      await two.flush();
      one.hit(hit);
      await one.flush();
      expect(one.hit(hit).remaining).toBe(0);
      expect(one.hit(hit).allowed).toBe(false);
      await one.stop();
      await two.stop();
    });
  });
};
