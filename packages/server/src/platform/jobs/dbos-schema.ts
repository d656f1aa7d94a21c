import { migrateSystemDatabase } from '@dbos-inc/dbos-sdk/internal/system_database';
import { GlobalLogger } from '@dbos-inc/dbos-sdk/internal/telemetry/logs';
import type { Logger } from 'pino';

type DbosLogger = NonNullable<NonNullable<ConstructorParameters<typeof GlobalLogger>[1]>['logger']>;

const endedByUs = (entry: unknown): boolean =>
  String(entry).includes('terminating connection due to administrator command');

/**
 * Sends what DBOS has to say to the log. Its chatter about starting and stopping is of interest only at debug, and so
 * is what it meets with once the signal has taken its database away.
 */
export const dbosLogger = (log: Logger, signal?: AbortSignal): DbosLogger => ({
  info: (entry) => log.debug({ part: 'dbos' }, String(entry)),
  debug: (entry) => log.trace({ part: 'dbos' }, String(entry)),
  // The pool of DBOS lets go of its connections without waiting, so the stop of PostgreSQL is news to it each time.
  warn: (entry) =>
    log[signal?.aborted === true || endedByUs(entry) ? 'debug' : 'warn']({ part: 'dbos' }, String(entry)),
  error: (entry, metadata) => log.error({ part: 'dbos', err: metadata?.error }, String(entry)),
});

/**
 * Creates or upgrades the schema `dbos`. Every role needs it, since a transaction of an `api` process enqueues too.
 * `DBOS.migrate` does the same but prints to the console, hence the internal function.
 */
export const migrateJobsSchema = (url: string, log: Logger, signal?: AbortSignal): Promise<void> =>
  migrateSystemDatabase(url, new GlobalLogger(undefined, { logger: dbosLogger(log, signal) }));
