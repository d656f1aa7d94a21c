import { expect, it } from 'vitest';
import { createFallbackLimiter } from './fallback-limiter.ts';
import type { RateAnswer, RateLimiter } from './rate-limiter.ts';

const hit = { bucket: 'http', key: 'k', limit: 5, window_ms: 1000 };
const answer: RateAnswer = { allowed: true, remaining: 4, retry_after_ms: 0 };

const counting = () => {
  const limiter = { asked: 0, down: false };
  const ask = async () => {
    limiter.asked += 1;
    if (limiter.down) throw new Error('down');
  };
  const face: RateLimiter = {
    hit: async () => {
      await ask();
      return answer;
    },
    add: async () => {
      await ask();
      return [];
    },
  };
  return Object.assign(limiter, { face });
};

it('goes to the second while the first fails, says so once, and comes back', async () => {
  const [first, second] = [counting(), counting()];
  const changes: boolean[] = [];
  const make = (pause_ms: number) =>
    createFallbackLimiter({
      ...{ first: first.face, second: second.face, pause_ms },
      onChange: (working) => void changes.push(working),
    });
  const eager = make(0);
  await eager.hit(hit);
  expect([first.asked, second.asked]).toEqual([1, 0]);
  first.down = true;
  expect(await eager.hit(hit)).toEqual(answer);
  await eager.add([]);
  expect([first.asked, second.asked, changes]).toEqual([3, 2, [false]]);
  first.down = false;
  await eager.hit(hit);
  expect([second.asked, changes]).toEqual([2, [false, true]]);
});

it('leaves the first alone for a while, so that nobody waits for it at each request', async () => {
  const [first, second] = [counting(), counting()];
  first.down = true;
  const limiter = createFallbackLimiter({
    ...{ first: first.face, second: second.face, pause_ms: 1_000_000 },
    onChange: () => {},
  });
  for (let n = 0; n < 5; n += 1) await limiter.hit(hit);
  expect([first.asked, second.asked]).toEqual([1, 5]);
});

it('a failure of the second is a failure', async () => {
  const [first, second] = [counting(), counting()];
  first.down = true;
  second.down = true;
  const limiter = createFallbackLimiter({ first: first.face, second: second.face, onChange: () => {} });
  await expect(limiter.hit(hit)).rejects.toThrow('down');
});
