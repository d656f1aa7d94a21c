import type { agentsWhoami, OutputOf, Settings } from '@atrium/protocol';
import type { Clock } from '../../platform/clock/clock.ts';
import type { Rate } from '../../platform/config/value-types.ts';
import type { Database } from '../../platform/db/database.ts';
import type { RateLimiter } from '../../platform/limits/rate-limiter.ts';
import type { Call } from '../../platform/operations/call.ts';
import type { Embedder } from './embedder.ts';
import type { InjectionScanner } from './injection-scanner.ts';

/** Settings of an organisation that this module reads. */
export type DiarySettings = Pick<Settings, 'diary_max_visibility'>;

/** What the composition root gives to the module. */
export interface DiariesParts {
  database: Database;
  clock: Clock;
  settingsOf: (org_id: string) => Promise<DiarySettings>;
  /** Who calls, with their key. */
  identityOf: (call: Call) => Promise<OutputOf<typeof agentsWhoami>>;
  /** What exported diaries are signed with, and where they say they come from. */
  archive: {
    key: () => Promise<{ private_key: string; public_key: string }>;
    source: () => string;
    /** Where an import lies while it is checked. */
    folder: string;
  };
  export_bytes?: number;
  /** What strangers are told of keys, beside the diaries. */
  discovery: {
    version: string;
    info: () => Promise<{
      public_url: string;
      identity: Record<string, string>;
      register: readonly string[];
      recover: readonly string[];
      sign: readonly string[];
    }>;
  };
  /** Exact, because strangers are counted by it. */
  limiter: RateLimiter;
  rates: {
    /** Searches of what is public. */
    public_search: Rate;
    /** Searches that ask the model. */
    meaning: Rate;
  };
  onError: (error: unknown, what: string) => void;
  /** Another judge of text than the rules of this module. */
  scan?: InjectionScanner;
  /** Makes vectors of texts; without one, diaries are searched by words alone. */
  embedder?: Embedder | null;
  /** How much memory the codes of vectors may take; PostgreSQL compares what does not fit. */
  codes_bytes?: number;
}
