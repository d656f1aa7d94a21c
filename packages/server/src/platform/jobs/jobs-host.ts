import { DBOS } from '@dbos-inc/dbos-sdk';
import { getExecutor } from '@dbos-inc/dbos-sdk/internal/dbos';
import { type Kysely, sql } from 'kysely';
import type { Logger } from 'pino';
import type { Clock } from '../clock/clock.ts';
import type { Schema } from '../db/schema.gen.ts';
import { newId } from '../ids/ids.ts';
import type { Tracing } from '../telemetry/tracing.ts';
import { dbosLogger } from './dbos-schema.ts';
import { createExecutorLock, findDeadExecutors } from './executor-lock.ts';
import { type JobDefinition, jobQueues } from './job.ts';
import { createJobsPool } from './jobs-pool.ts';
import { createStrandedClaims } from './stranded-claims.ts';
import { createSweeper, type Sweep } from './sweeper.ts';

export interface JobsHostOptions {
  url: string;
  db: Kysely<Schema>;
  clock: Clock;
  log: Logger;
  /** `api` runs neither jobs nor sweeps; its transactions enqueue for the workers. */
  role: 'all' | 'api' | 'worker';
  jobs: readonly JobDefinition[];
  /** A span for each run of a job. */
  tracing?: Tracing | null;
  sweeps?: readonly Sweep[];
  /** How often a queue is looked at. Bounds how late a job starts; timers add up to another second. */
  poll_ms?: number;
  /** How many jobs of one queue run at once in this process. */
  concurrency?: number;
  /** Seconds before the first repeat of a failing job; each further pause is twice as long. */
  retry_after_s?: number;
  max_attempts?: number;
  /** How often this process looks for work of processes that died, and for work it claimed and never began. */
  recover_every_ms?: number;
}

export interface JobsHost {
  start(): Promise<void>;
  /** Takes no new jobs, waits for the running ones up to the time given, and leaves the rest to be resumed. */
  stop(drainMs?: number): Promise<void>;
  readonly running: boolean;
}

const retentionMs = 7 * 24 * 60 * 60 * 1000;
const hourMs = 60 * 60 * 1000;
const deleteBatch = 1000;
/** One of them listens. */
const poolSize = 7;
/**
 * One version for all releases. DBOS resumes work only under the version that began it, which protects workflows of
 * many steps from changed code; a job is one step, so any release may finish what an older one began.
 */
const applicationVersion = 'atrium';

const register = (options: JobsHostOptions): void => {
  const { log } = options;
  for (const job of options.jobs) {
    const step = {
      name: job.name,
      retriesAllowed: true,
      intervalSeconds: options.retry_after_s ?? 1,
      backoffRate: 2,
      maxAttempts: options.max_attempts ?? 8,
      shouldRetry: (error: unknown) => {
        log.warn({ job: job.name, job_id: DBOS.workflowID, err: error }, 'a job failed and will be tried again');
        return true;
      },
    };
    const workflow = async (args: Record<string, string | number>): Promise<void> => {
      const span = options.tracing?.start(`job ${job.name}`, 'internal', null, { 'job.id': DBOS.workflowID ?? '' });
      try {
        await DBOS.runStep(() => job.run(args), step);
        span?.end({ failed: false });
      } catch (error) {
        span?.end({ failed: true });
        log.error({ job: job.name, job_id: DBOS.workflowID, err: error }, 'a job failed for good');
        throw error;
      }
    };
    DBOS.registerWorkflow(workflow, { name: job.name });
  }
};

/** Forgets jobs that ended more than a week before `now`. */
export const deleteFinishedJobs = async (db: Kysely<Schema>, now: Date): Promise<void> => {
  const before = now.getTime() - retentionMs;
  for (;;) {
    const found = await sql<{ workflow_uuid: string }>`
      select workflow_uuid from dbos.workflow_status
      where status not in ('PENDING', 'ENQUEUED', 'DELAYED') and updated_at < ${before} limit ${deleteBatch}`.execute(
      db,
    );
    if (found.rows.length === 0) return;
    await DBOS.deleteWorkflows(found.rows.map((row) => row.workflow_uuid));
  }
};

/** Runs durable jobs and sweeps in this process. DBOS keeps global state, so there is one host a process. */
export const createJobsHost = (options: JobsHostOptions): JobsHost => {
  const { log, db } = options;
  const executorId = newId();
  const reporter = (what: string) => (error: unknown) => log.error({ err: error }, what);
  const lock = createExecutorLock(options.url, executorId, reporter('the connection of the jobs host failed'));
  const sweeper = createSweeper(
    { db, clock: options.clock, holder: executorId },
    [
      ...(options.sweeps ?? []),
      { name: 'finished-jobs', every_ms: hourMs, run: () => deleteFinishedJobs(db, options.clock.now()) },
    ],
    (error, name) => log[running ? 'error' : 'debug']({ err: error, sweep: name }, 'a sweep failed'),
  );
  const strandedClaims = createStrandedClaims({
    db,
    executorId,
    isRunning: (id) => getExecutor().systemDatabase.checkForRunningWorkflow(id),
  });
  let recovery: NodeJS.Timeout | null = null;
  let running = false;
  let pool: ReturnType<typeof createJobsPool> | null = null;

  const recover = async (): Promise<void> => {
    const dead = await findDeadExecutors(db, executorId);
    if (dead.length > 0) {
      const resumed = await getExecutor().recoverPendingWorkflows(dead);
      log.info({ executors: dead, jobs: resumed.length }, 'resumed the work of processes that are gone');
    }
    const released = await strandedClaims.release();
    if (released.length > 0) log.warn({ jobs: released }, 'put back jobs that were claimed and never begun');
  };

  const start = async (): Promise<void> => {
    if (options.role === 'api') return;
    // The lock comes first: no other process may take this one for dead while it already runs jobs.
    await lock.start();
    register(options);
    pool = createJobsPool(options.url, poolSize, reporter('a connection of the jobs host broke'));
    DBOS.setConfig({
      name: 'atrium',
      systemDatabaseUrl: options.url,
      systemDatabasePool: pool,
      logger: dbosLogger(log),
      executorID: executorId,
      applicationVersion,
      runMigrations: false,
    });
    await DBOS.launch();
    for (const name of Object.values(jobQueues)) {
      await DBOS.registerQueue(name, {
        minPollingIntervalMs: options.poll_ms ?? 250,
        workerConcurrency: options.concurrency ?? 20,
        onConflict: 'always_update',
      });
    }
    await recover();
    // Every process looks, not only a lease holder: the update behind it gives each job to one of them.
    const every = options.recover_every_ms ?? 10_000;
    recovery = setInterval(() => void (lock.connected && recover().catch(reporter('recovery failed'))), every).unref();
    sweeper.start();
    running = true;
  };

  const stop = async (drainMs = 10_000): Promise<void> => {
    if (!running) return;
    running = false;
    if (recovery !== null) clearInterval(recovery);
    // Together, for a long sweep must not keep the queues open. What a sweep leaves undone comes with its next turn.
    await Promise.all([DBOS.shutdown({ workflowCompletionTimeoutMS: drainMs, deregister: true }), sweeper.stop()]);
    // Only now, for a job cut off by the end of the drain is resumed elsewhere as soon as the lock is gone.
    await lock.stop();
    await pool?.end();
  };

  return {
    start,
    stop,
    get running() {
      return running;
    },
  };
};
