import type { Clock } from '../../../platform/clock/clock.ts';
import type { Database, Transaction } from '../../../platform/db/database.ts';
import type { RateLimiter } from '../../../platform/limits/rate-limiter.ts';
import type { Call } from '../../../platform/operations/call.ts';
import type { AppMaker } from './app-maker.ts';

export interface DiscoveryParts {
  database: Database;
  clock: Clock;
  limiter: RateLimiter;
  maker: AppMaker;
  /** Which organisation is told of what is found; null before there is one. */
  orgOf: () => Promise<string | null>;
  onError: (error: unknown, what: string) => void;
}

/** Something that the people who run the organisation should read, told with the act that it is about. */
export type TellAdmins = (tx: Transaction, call: Call, notice: { title: string; message: string }) => Promise<void>;

export interface AutoApproval {
  enabled: boolean;
  threshold: number;
}
