import type { RateLimiter } from './rate-limiter.ts';

export interface FallbackOptions {
  first: RateLimiter;
  second: RateLimiter;
  /** Told when the first one fails, and when it counts again. */
  onChange: (working: boolean, error: unknown) => void;
  /** How long the first one is left alone after a failure. */
  pause_ms?: number;
}

/**
 * Counts in the first limiter while that can be reached, else in the second. Those who spent their attempts in one may
 * have them once more in the other, so limits that guard secrets use the durable one alone.
 */
export const createFallbackLimiter = ({ first, second, onChange, pause_ms = 5000 }: FallbackOptions): RateLimiter => {
  let working = true;
  let again = 0;

  const either = async <T>(act: (limiter: RateLimiter) => Promise<T>): Promise<T> => {
    // The steady time of the process: a moved clock must not keep it from trying again.
    if (working || performance.now() >= again) {
      try {
        const answer = await act(first);
        if (!working) onChange(true, null);
        working = true;
        return answer;
      } catch (error) {
        again = performance.now() + pause_ms;
        if (working) onChange(false, error);
        working = false;
      }
    }
    return await act(second);
  };

  return {
    hit: (hit) => either((limiter) => limiter.hit(hit)),
    add: (deltas) => either((limiter) => limiter.add(deltas)),
  };
};
