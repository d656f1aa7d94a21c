import type { Settings } from '@atrium/protocol';
import type { Clock } from '../../platform/clock/clock.ts';
import type { Database, Transaction } from '../../platform/db/database.ts';
import type { GuardedFetch } from '../../platform/net/guarded-fetch.ts';
import type { Call } from '../../platform/operations/call.ts';
import type { Caller } from '../../platform/operations/caller.ts';
import type { OutsideDecision } from './items-rows.ts';

/** Settings of an organisation that this module reads. */
export type InboxSettings = Pick<
  Settings,
  'auto_create_channels' | 'correction_window_s' | 'archive_after_days' | 'elicitation_mirror'
>;

/** What the composition root gives to the module. */
export interface InboxParts {
  database: Database;
  clock: Clock;
  /** Encryption under the master key; `aad` binds a text to its row. */
  secrets: { encrypt: (plain: string, aad: string) => string; decrypt: (sealed: string, aad: string) => string };
  settingsOf: (org_id: string) => Promise<InboxSettings>;
  /** Counts one notification of the organisation; throws `plan_limit_exceeded`. */
  meterNotification: (tx: Transaction, call: Call) => Promise<void>;
  /** The caller as they are now; null when they are shut out. For calls that outlive what was checked when they began. */
  refreshCaller: (caller: Caller) => Promise<Caller | null>;
  /** Decides, in the module that asked, what an item asks for that stands for a request of another module. */
  decideOutside: (tx: Transaction, call: Call, decision: OutsideDecision & { approved: boolean }) => Promise<void>;
  /** A person as they act in an organisation now; null when they are no active member. */
  personIn: (org_id: string, id: string) => Promise<Caller | null>;
  guardedFetch: GuardedFetch;
  /** Failures after commit that must not reach a caller. */
  onError: (error: unknown, what: string) => void;
}
