import type { Settings } from '@atrium/protocol';
import type { Clock } from '../../platform/clock/clock.ts';
import type { Database } from '../../platform/db/database.ts';
import type { Embedder } from './embedder.ts';
import type { InjectionScanner } from './injection-scanner.ts';

/** Settings of an organisation that this module reads. */
export type DiarySettings = Pick<Settings, 'diary_max_visibility'>;

/** What the composition root gives to the module. */
export interface DiariesParts {
  database: Database;
  clock: Clock;
  settingsOf: (org_id: string) => Promise<DiarySettings>;
  /** Another judge of text than the rules of this module. */
  scan?: InjectionScanner;
  /** Makes vectors of texts; without one, diaries are searched by words alone. */
  embedder?: Embedder | null;
}
