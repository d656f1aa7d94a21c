import type { Clock } from '../../../platform/clock/clock.ts';
import type { Database } from '../../../platform/db/database.ts';
import type { RateLimiter } from '../../../platform/limits/rate-limiter.ts';
import type { IdentityService } from '../../identity/index.ts';
import type { Oauth } from '../../oauth/index.ts';
import type { SnapshotSource } from '../snapshot.ts';

/** What the gate is built from. */
export interface GateParts {
  database: Database;
  clock: Clock;
  /** The one shared by all processes: a restart must not reset guesses. */
  limiter: RateLimiter;
  identity: Pick<IdentityService, 'resolve' | 'callerOfSession' | 'subjects' | 'onChanged'>;
  oauth: Pick<Oauth, 'refresh' | 'sign' | 'onTokenEnded'>;
  snapshots: SnapshotSource;
  /** The server's own origin, without a slash at the end. */
  public_url: () => string;
  /** How long a verdict counts while the database cannot be asked; 0 = not at all. */
  stale_verdict_ms: () => number;
  /** Counts a bad credential of an address; false when there were too many of them lately. */
  guess: (address: string) => boolean | Promise<boolean>;
  /** Sends Remote-User as well, for apps that know no other. */
  remote_user: () => boolean;
  onError: (error: unknown, what: string) => void;
}
