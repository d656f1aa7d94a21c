import type { Clock } from '../../../platform/clock/clock.ts';
import type { Database } from '../../../platform/db/database.ts';
import type { Caller } from '../../../platform/operations/caller.ts';
import type { Engine } from './engine.ts';

export interface ContainersParts {
  database: Database;
  clock: Clock;
  engine: Engine;
  /** Ids of the container that this server runs in. */
  own_ids: readonly string[];
  /** A caller as they are now; null when they are nobody any more. */
  refresh: (caller: Caller) => Promise<Caller | null>;
  onError: (error: unknown, what: string) => void;
}
