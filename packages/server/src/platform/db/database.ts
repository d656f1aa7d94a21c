import type { Kysely, Transaction as KyselyTransaction, RawBuilder } from 'kysely';
import type { Call } from '../operations/call.ts';
import type { Schema } from './schema.gen.ts';

/** A past-tense fact, written with the change it reports. `seq` is given at the end of the transaction. */
export interface NewEvent {
  /** For example `inbox.item.created`. */
  kind: string;
  /** Id of the subject. */
  id: string;
  body?: Record<string, unknown>;
  /** Organisation when it differs from the caller's. */
  org_id?: string;
}

/** A line of the audit trail. Actor, address, agent and trace id come from the call. */
export interface NewAudit {
  /** Operation or act: `inbox.answer`, `auth.login`, `operation.denied`. */
  action: string;
  target_type?: string;
  target_id?: string | null;
  /** Set for acts on an item, so that readers who may not see the item do not see the line. */
  item_id?: string | null;
  details?: Record<string, unknown>;
  org_id?: string;
}

/** Durable work that starts if and only if the transaction commits. Inputs are ids, never text or secrets. */
export interface NewJob {
  /** Imperative, as registered: `expire-item`. */
  name: string;
  /** Deterministic, for example `inbox-expire-<item>-<generation>`: a second enqueue with it is ignored. */
  id: string;
  args: Record<string, string | number>;
  run_at?: Date;
}

/** What a service holds while its transaction is open. Events, audit lines and jobs are written just before commit. */
export interface Transaction {
  db: KyselyTransaction<Schema>;
  emit(event: NewEvent): void;
  audit(entry: NewAudit): void;
  enqueue(job: NewJob): void;
  /** Runs after a successful commit, in order; for in-process wake-ups only, never for effects that must happen. */
  afterCommit(act: () => void): void;
}

export interface Database {
  /** For reads outside a transaction. Writes go through `transaction`. */
  read: Kysely<Schema>;
  /**
   * Runs `act` in one READ COMMITTED transaction, then writes its events (with per-org sequence numbers), audit lines
   * (hash chain) and jobs, and commits. Retries up to three times on deadlock (40P01) and serialization failure
   * (40001), so `act` must have no effect outside the transaction. When `call.idempotency` is set, the result of `act`
   * is kept (encrypted) under the key and a repeat gets it back without running `act`.
   */
  transaction<T>(call: Call, act: (tx: Transaction) => Promise<T>): Promise<T>;
  /**
   * A transaction that is one statement, an insert, and its events: one round trip instead of four. For rows that are
   * written so often that this counts.
   */
  append(call: Call, insert: RawBuilder<unknown>, events: readonly NewEvent[]): Promise<void>;
}
