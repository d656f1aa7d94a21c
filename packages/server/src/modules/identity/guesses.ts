import type { Rate } from '../../platform/config/value-types.ts';
import { AppError } from '../../platform/errors/app-error.ts';
import type { RateLimiter } from '../../platform/limits/rate-limiter.ts';
import { hashToken } from '../../platform/secrets/tokens.ts';

/** What is counted: attempts at a secret, by the address they come from or the account they aim at. */
export type GuessBucket =
  | 'setup'
  | 'login'
  | 'login_account'
  | 'register'
  | 'factor'
  | 'mail'
  | 'mail_from'
  | 'ceremony'
  | 'registration'
  | 'vouch'
  | 'signing'
  | 'recovery_challenge'
  | 'recovery_verify'
  | 'recovery_reset'
  | 'verify'
  | 'pairing';

const hit = (bucket: GuessBucket, key: string, rate: Rate, cost: number) => ({
  ...{ bucket: `identity.${bucket}`, key, limit: rate.max, window_ms: rate.windowMs, cost },
});

/**
 * Counts an attempt, or refuses with 429. It counts before the secret is looked at, so that many attempts at once do
 * not all pass.
 */
export const requireGuess = async (
  limiter: RateLimiter,
  bucket: GuessBucket,
  key: string,
  rate: Rate,
): Promise<void> => {
  const { allowed, retry_after_ms } = await limiter.hit(hit(bucket, key, rate, 1));
  if (allowed) return;
  const retry_after = Math.ceil(retry_after_ms / 1000);
  throw new AppError('rate_limited', `Too many attempts; try again in ${retry_after} seconds.`, {
    extensions: { retry_after },
  });
};

/** The attempt turned out to be no guess: people who know their password are not locked out by using it. */
export const giveGuessBack = async (
  limiter: RateLimiter,
  bucket: GuessBucket,
  key: string,
  rate: Rate,
): Promise<void> => {
  await limiter.hit(hit(bucket, key, rate, -1));
};

/** Key of an account, whether it exists or not; hashed, so that the counters hold no addresses. */
export const guessedAccount = (email: string): string => hashToken(email.trim().toLowerCase());
