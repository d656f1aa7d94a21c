import type { Clock } from '../../../platform/clock/clock.ts';
import type { Database, Transaction } from '../../../platform/db/database.ts';
import type { Call } from '../../../platform/operations/call.ts';
import type { Caller } from '../../../platform/operations/caller.ts';
import type { DockerEndpoint } from '../runtime/docker-api.ts';

export interface ScriptsSettings {
  enabled: boolean;
  /** Absolute. */
  directory: string;
  /** The same folder as the container engine sees it. */
  host_directory: string;
  default_timeout_s: number;
  max_output_bytes: number;
  allow_host: boolean;
}

export interface ScriptsParts {
  database: Database;
  clock: Clock;
  /** Encryption under the master key; `aad` binds a text to its row. */
  secrets: { encrypt: (plain: string, aad: string) => string; decrypt: (sealed: string, aad: string) => string };
  /** Asked at each use, for the configuration changes while the server runs. */
  settings: () => ScriptsSettings;
  engine: () => DockerEndpoint;
  /** Folder for what runs, of this process alone to write. */
  scratch: string;
  /** A principal of an organisation as they act now; null when they are not active in it. */
  principalIn: (orgId: string, id: string) => Promise<Caller | null>;
  onError: (error: unknown, what: string) => void;
  /** Unique to this process. */
  holder: string;
}

/** A run that waits for a person to agree, as whoever shows it gets it. */
export interface RunQuestion {
  id: string;
  org_id: string;
  person_id: string;
  script: string;
  asked_by: string;
  dry_run: boolean;
  /** Passwords are masked. */
  parameters: Record<string, unknown>;
  expires_at: Date;
}

/** Who shows questions to people. Both run in the transaction of the act they are about. */
export interface RunApprovalAsker {
  ask(tx: Transaction, call: Call, question: RunQuestion): Promise<void>;
  /** The question needs no answer any more. */
  withdraw(tx: Transaction, call: Call, question: { id: string; org_id: string }): Promise<void>;
  /** Somebody who could answer. */
  canDecide(orgId: string, personId: string): Promise<boolean>;
}

export const scriptPlace = (id: string): string => `gateway.script:${id}`;
export const runPlace = (id: string): string => `gateway.script_run:${id}`;
export const stepPlace = (chainId: string, position: number): string => `gateway.script_step:${chainId}:${position}`;
export const schedulePlace = (id: string): string => `gateway.script_schedule:${id}`;
