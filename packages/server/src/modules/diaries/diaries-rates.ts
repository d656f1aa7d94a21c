import type { Rate } from '../../platform/config/value-types.ts';
import { AppError } from '../../platform/errors/app-error.ts';
import { addressKey, type RateLimiter } from '../../platform/limits/rate-limiter.ts';
import type { Call } from '../../platform/operations/call.ts';

/** By who asks, so that two behind one address do not use each other's up; a stranger is their address. */
export const counterKeyOf = ({ caller, ip }: Call): string =>
  caller.credential.id === null ? addressKey(ip) : caller.id;

/** Counts one act. Null when it may be, otherwise in how many milliseconds it may. */
export const waitFor = async (
  limiter: RateLimiter,
  bucket: string,
  key: string,
  { max, windowMs }: Rate,
): Promise<number | null> => {
  const { allowed, retry_after_ms } = await limiter.hit({ bucket, key, limit: max, window_ms: windowMs });
  return allowed ? null : retry_after_ms;
};

export const tooMany = (retry_after_ms: number, what = 'searches'): AppError => {
  const retry_after = Math.ceil(retry_after_ms / 1000);
  return new AppError('rate_limited', `Too many ${what}; try again in ${retry_after} seconds.`, {
    extensions: { retry_after },
  });
};
