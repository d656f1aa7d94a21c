import { deserialize, serialize } from 'node:v8';
import {
  CompiledQuery,
  Kysely,
  type Transaction as KyselyTransaction,
  PostgresDialect,
  type RawBuilder,
  sql,
} from 'kysely';
import type { Pool } from 'pg';
import type { Clock } from '../clock/clock.ts';
import { AppError } from '../errors/app-error.ts';
import type { StoredEvent } from '../module.ts';
import type { Call } from '../operations/call.ts';
import type { Database, NewAudit, NewEvent, NewJob, Transaction } from './database.ts';
import { isRetryable, translateDatabaseError } from './database-errors.ts';
import type { Schema } from './schema.gen.ts';
import { type AuditOfCall, buildEnding, type EventOfCall } from './transaction-ending.ts';

/** Encrypts what must not lie in the database in the clear. Given by the secrets part. */
export interface Cipher {
  encrypt(plain: string): string;
  decrypt(sealed: string): string;
}

export interface DatabaseOptions {
  pool: Pool;
  clock: Clock;
  cipher: Cipher;
  /** Hears of this process's own events right after their commit. The dispatcher's short cut. */
  onCommitted?: (events: readonly StoredEvent[]) => void;
  /** Failures that must not reach the caller: a throwing afterCommit, a lost line about a denied attempt. */
  onError?: (error: unknown, what: string) => void;
  /** Called before each transaction; what it throws reaches the caller. For a disk that is filling up. */
  onBegin?: () => void;
  /** How long a repeat of an Idempotency-Key gets the first answer. */
  idempotency_ttl_ms?: number;
}

export interface KyselyDatabase extends Database {
  /**
   * Records a refused attempt, whose own transaction was rolled back or never began, and tells of it by an event when
   * one is given. Returns at once.
   */
  auditDenied(call: Call, entry: NewAudit, event?: NewEvent): void;
  /** Resolves when all lines given to `auditDenied` are written. */
  flush(): Promise<void>;
}

const attempts = 4;
const dayMs = 24 * 60 * 60 * 1000;
/** A flood of refusals must not fill the memory of the process; what exceeds this is counted in the log instead. */
const deniedLimit = 1000;

const keepResponse = (cipher: Cipher, result: unknown): string =>
  // V8's own format keeps dates and undefined, so that a repeat is indistinguishable from the first answer.
  cipher.encrypt(serialize(result).toString('base64'));

const readResponse = (cipher: Cipher, response: string): unknown =>
  deserialize(Buffer.from(cipher.decrypt(response), 'base64'));

/** Either the right to run (the key is now ours) or the answer of an earlier run. */
const claimKey = async (
  db: KyselyTransaction<Schema>,
  call: Call & { idempotency: NonNullable<Call['idempotency']> },
  now: Date,
  expires: Date,
): Promise<{ response: string | null } | null> => {
  const { operation, key, request_hash, owner } = call.idempotency;
  const { org_id, id } = owner ?? call.caller;
  // A concurrent duplicate waits here for the first transaction, on the unique index.
  const claimed = await db.executeQuery(
    CompiledQuery.raw(
      `insert into core_idempotency_keys as k
         (org_id, principal_id, operation, key, request_hash, response, created_at, expires_at)
       values ($1, $2, $3, $4, $5, null, $6, $7)
       on conflict (org_id, principal_id, operation, key) do update
         set request_hash = excluded.request_hash, response = null,
             created_at = excluded.created_at, expires_at = excluded.expires_at
         where k.expires_at <= excluded.created_at
       returning 1`,
      [org_id, id, operation, key, request_hash, now, expires],
    ),
  );
  if (claimed.rows.length === 1) return null;
  const kept = await sql<{ request_hash: string; response: string | null }>`
    select request_hash, response from core_idempotency_keys
    where org_id = ${org_id} and principal_id = ${id} and operation = ${operation} and key = ${key}`.execute(db);
  const row = kept.rows[0];
  if (row === undefined || row.request_hash !== request_hash) throw new AppError('idempotency_key_reused');
  return { response: row.response };
};

interface Collected {
  events: EventOfCall[];
  audit: AuditOfCall[];
  jobs: NewJob[];
  after: (() => void)[];
}

const collect = (call: Call, db: KyselyTransaction<Schema>): { tx: Transaction; collected: Collected } => {
  const collected: Collected = { events: [], audit: [], jobs: [], after: [] };
  const tx: Transaction = {
    db,
    emit: (event) => void collected.events.push({ call, event }),
    audit: (entry) => void collected.audit.push({ call, entry }),
    enqueue: (job) => void collected.jobs.push(job),
    afterCommit: (act) => void collected.after.push(act),
  };
  return { tx, collected };
};

const endTransaction = async (db: Kysely<Schema>, payload: string): Promise<readonly (number | string)[]> => {
  const result = await db.executeQuery<{ seqs: (number | string)[] }>(
    CompiledQuery.raw('select core_commit($1::jsonb) as seqs', [payload]),
  );
  return result.rows[0]!.seqs;
};

/** PostgreSQL behind the `Database` face. */
export const createDatabase = (options: DatabaseOptions): KyselyDatabase => {
  const { clock, cipher } = options;
  const read = new Kysely<Schema>({ dialect: new PostgresDialect({ pool: options.pool }) });
  const ttl = options.idempotency_ttl_ms ?? dayMs;

  const attempt = async <T>(call: Call, act: (tx: Transaction) => Promise<T>) => {
    let stored: StoredEvent[] = [];
    let after: (() => void)[] = [];
    const result = await read
      .transaction()
      .setIsolationLevel('read committed')
      .execute(async (db) => {
        const now = clock.now();
        if (call.idempotency !== null) {
          const kept = await claimKey(
            db,
            { ...call, idempotency: call.idempotency },
            now,
            new Date(now.getTime() + (call.idempotency.ttl_ms ?? ttl)),
          );
          if (kept !== null) return (kept.response === null ? undefined : readResponse(cipher, kept.response)) as T;
        }
        const { tx, collected } = collect(call, db);
        const answer = await act(tx);
        const { events, audit, jobs } = collected;
        after = collected.after;
        if (events.length + audit.length + jobs.length > 0 || call.idempotency !== null) {
          const ending = await buildEnding({
            call,
            at: clock.now(),
            events,
            audit,
            jobs,
            ...(call.idempotency === null ? {} : { response: keepResponse(cipher, answer) }),
          });
          stored = ending.storedEvents(await endTransaction(db, ending.payload));
        }
        return answer;
      });
    return { result, stored, after };
  };

  const announce = (stored: readonly StoredEvent[], after: readonly (() => void)[]): void => {
    const acts = stored.length > 0 ? [() => options.onCommitted?.(stored), ...after] : after;
    for (const act of acts) {
      try {
        act();
      } catch (error) {
        options.onError?.(error, 'after commit');
      }
    }
  };

  const retried = async <T>(once: () => Promise<T>): Promise<T> => {
    for (let count = 1; ; count += 1) {
      try {
        options.onBegin?.();
        return await once();
      } catch (error) {
        if (count < attempts && isRetryable(error)) continue;
        throw translateDatabaseError(error);
      }
    }
  };

  const denied = createDeniedAudit(read, clock, options, (stored) => announce(stored, []));

  const transaction = <T>(call: Call, act: (tx: Transaction) => Promise<T>): Promise<T> =>
    retried(async () => {
      const { result, stored, after } = await attempt(call, act);
      announce(stored, after);
      return result;
    });

  const append = (call: Call, insert: RawBuilder<unknown>, events: readonly NewEvent[]): Promise<void> =>
    retried(async () => {
      const ofCall = events.map((event) => ({ call, event }));
      const ending = await buildEnding({ call, at: clock.now(), events: ofCall, audit: [], jobs: [] });
      const { rows } = await sql<{ seqs: (number | string)[] }>`with written as (${insert})
        select core_commit(${ending.payload}::jsonb) as seqs`.execute(read);
      announce(ending.storedEvents(rows[0]!.seqs), []);
    });

  return { read, transaction, append, ...denied };
};

/** Writes lines about refused attempts in the background, many at a time, so that refusals stay cheap. */
const createDeniedAudit = (
  db: Kysely<Schema>,
  clock: Clock,
  options: DatabaseOptions,
  announce: (stored: readonly StoredEvent[]) => void,
): Pick<KyselyDatabase, 'auditDenied' | 'flush'> => {
  let waiting: { line: AuditOfCall; event: EventOfCall | null }[] = [];
  let dropped = 0;
  let running: Promise<void> | null = null;

  const writeAll = async (): Promise<void> => {
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      if (dropped > 0) options.onError?.(new Error(`${dropped} lines about denied attempts were dropped`), 'audit');
      dropped = 0;
      try {
        options.onBegin?.();
        const ending = await buildEnding({
          call: null,
          at: clock.now(),
          events: batch.flatMap(({ event }) => event ?? []),
          audit: batch.map(({ line }) => line),
          jobs: [],
        });
        announce(ending.storedEvents(await endTransaction(db, ending.payload)));
      } catch (error) {
        options.onError?.(error, 'audit of denied attempts');
      }
    }
    running = null;
  };

  return {
    auditDenied: (call, entry, event) => {
      if (waiting.length >= deniedLimit) {
        dropped += 1;
        return;
      }
      waiting.push({ line: { call, entry }, event: event === undefined ? null : { call, event } });
      running ??= Promise.resolve().then(writeAll);
    },
    flush: async () => {
      await running;
    },
  };
};
