import type { Clock } from '../../platform/clock/clock.ts';
import type { Database, Transaction } from '../../platform/db/database.ts';
import type { Resolve } from '../../platform/net/address-guard.ts';
import type { TargetGuard } from '../../platform/net/target-guard.ts';
import type { Call } from '../../platform/operations/call.ts';
import type { Caller } from '../../platform/operations/caller.ts';

export interface ToolsSettings {
  /** Programs of this machine may be started as MCP servers. */
  stdio: boolean;
  /** How long rows of calls are kept. */
  calls_kept_ms: number;
}

export interface ToolsParts {
  database: Database;
  clock: Clock;
  /** Encryption under the master key; `aad` binds a text to its row. */
  secrets: { encrypt: (plain: string, aad: string) => string; decrypt: (sealed: string, aad: string) => string };
  /** Of keyed digests of arguments. */
  digest_key: Uint8Array;
  settings: () => ToolsSettings;
  guard: TargetGuard;
  resolve: Resolve;
  public_url: () => string;
  version: string;
  /** Folder for programs to begin in. */
  scratch: string;
  /** A principal of an organisation as they act now; null when they are not active in it. */
  principalIn: (orgId: string, id: string) => Promise<Caller | null>;
  onError: (error: unknown, what: string) => void;
  /** Unique to this process. */
  holder: string;
}

/** A call that waits for a person to agree, as whoever shows it gets it. */
export interface ToolCallQuestion {
  id: string;
  org_id: string;
  person_id: string;
  tool: string;
  server: string;
  asked_by: string;
  arguments: Record<string, unknown>;
  expires_at: Date;
}

/** Who shows questions to people. Both run in the transaction of the act they are about. */
export interface ToolCallAsker {
  ask(tx: Transaction, call: Call, question: ToolCallQuestion): Promise<void>;
  /** The question needs no answer any more. */
  withdraw(tx: Transaction, call: Call, question: { id: string; org_id: string }): Promise<void>;
  /** Somebody who could answer. */
  canDecide(orgId: string, personId: string): Promise<boolean>;
}

export const serverPlace = (id: string): string => `tools.server:${id}`;
export const connectionPlace = (id: string): string => `tools.connection:${id}`;
export const signInPlace = (hash: string): string => `tools.sign_in:${hash}`;
export const callPlace = (id: string): string => `tools.call:${id}`;
