import { spawn } from 'node:child_process';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { makeCall } from '../../../test/support/make-call.ts';
import { createTestDatabase, type TestDatabase } from '../../../test/support/test-database.ts';
import { systemClock } from '../clock/clock.ts';
import { newId } from '../ids/ids.ts';
import { createJobsHost, type JobsHost, type JobsHostOptions } from './jobs-host.ts';
import { createJobsPool } from './jobs-pool.ts';
import { withLease } from './lease.ts';

let test: TestDatabase;
let host: JobsHost | null = null;
const lines: { level: number; msg: string }[] = [];
const log = pino({ level: 'trace' }, { write: (line: string) => void lines.push(JSON.parse(line)) });

beforeAll(async () => {
  test = await createTestDatabase();
  await test.pool.query('create table job_runs (by text)');
});
afterEach(async () => {
  await host?.stop(2000);
  host = null;
});
afterAll(() => test.drop());

const start = async (options: Partial<JobsHostOptions>): Promise<void> => {
  host = createJobsHost({
    url: test.url,
    db: test.database.read,
    clock: systemClock,
    log,
    role: 'all',
    jobs: [],
    poll_ms: 50,
    ...options,
  });
  await host.start();
};

const enqueue = (name: string, id: string = newId(), run_at?: Date): Promise<void> =>
  test.database.transaction(makeCall(), async (tx) =>
    tx.enqueue({ name, id, args: { id, n: 1 }, ...(run_at === undefined ? {} : { run_at }) }),
  );

const statusOf = async (id: string): Promise<string | undefined> =>
  (await test.pool.query('select status from dbos.workflow_status where workflow_uuid = $1', [id])).rows[0]?.status;

describe('the jobs host', () => {
  it('runs an enqueued job with its arguments, once, and prints nothing', async () => {
    const printed = [
      vi.spyOn(console, 'log'),
      vi.spyOn(console, 'warn'),
      vi.spyOn(console, 'error'),
      vi.spyOn(process.stdout, 'write'),
    ];
    const seen: unknown[] = [];
    await start({ jobs: [{ name: 'note', run: async (args) => void seen.push(args) }] });
    await enqueue('note', 'job-1');
    await enqueue('note', 'job-1');
    await vi.waitFor(async () => expect(await statusOf('job-1')).toBe('SUCCESS'), 15_000);
    expect(seen).toEqual([{ id: 'job-1', n: 1 }]);
    await host!.stop();
    for (const spy of printed) expect(spy).not.toHaveBeenCalled();
    vi.restoreAllMocks();
    expect(lines.filter((line) => line.level >= 40)).toEqual([]);
  });

  it('starts a job with run_at when its time has come', async () => {
    const ran: string[] = [];
    await start({ jobs: [{ name: 'note', run: async (args) => void ran.push(String(args['id'])) }] });
    await enqueue('note', 'later', new Date(test.clock.now().getTime() + 1e11 * 2));
    await test.pool.query(`update dbos.workflow_status set delay_until_epoch_ms = $1 where workflow_uuid = 'later'`, [
      Date.now() + 300,
    ]);
    await vi.waitFor(() => expect(ran).toEqual(['later']), 15_000);
  });

  it('tries a failing job again with growing pauses', async () => {
    let runs = 0;
    await start({
      retry_after_s: 0.01,
      jobs: [
        {
          name: 'fails-twice',
          run: async () => {
            runs += 1;
            if (runs < 3) throw new Error('not yet');
          },
        },
        {
          name: 'fails',
          run: async () => {
            throw new Error('never');
          },
        },
      ],
      max_attempts: 3,
    });
    await enqueue('fails-twice', 'retry-1');
    await enqueue('fails', 'retry-2');
    await vi.waitFor(async () => expect(await statusOf('retry-1')).toBe('SUCCESS'), 15_000);
    await vi.waitFor(async () => expect(await statusOf('retry-2')).toBe('ERROR'), 15_000);
    expect(runs).toBe(3);
    expect(lines.some((line) => line.msg === 'a job failed for good')).toBe(true);
  });

  it('does not run jobs in the role api', async () => {
    await start({ role: 'api', jobs: [{ name: 'api-note', run: async () => {} }] });
    expect(host!.running).toBe(false);
    await enqueue('api-note', 'waits');
    expect(await statusOf('waits')).toBe('ENQUEUED');
  });

  it('waits for running jobs when it stops, and takes no new ones', async () => {
    const begun = Promise.withResolvers<void>();
    const finish = Promise.withResolvers<void>();
    await start({
      concurrency: 1,
      jobs: [
        {
          name: 'slow',
          run: async () => {
            begun.resolve();
            await finish.promise;
          },
        },
      ],
    });
    await enqueue('slow', 'slow-1');
    await begun.promise;
    await enqueue('slow', 'slow-2');
    const stopped = host!.stop(10_000);
    // A look at the queue that was under way may still take a job once there is room for it; by then it is over.
    await setTimeout(1000);
    finish.resolve();
    await stopped;
    expect(await statusOf('slow-1')).toBe('SUCCESS');
    expect(await statusOf('slow-2')).toBe('ENQUEUED');
    await test.pool.query(`delete from dbos.workflow_status where workflow_uuid = 'slow-2'`);
  });

  it('resumes at boot what a killed process was doing', { tags: ['long'] }, async () => {
    const child = spawn(
      process.execPath,
      [fileURLToPath(new URL('../../../test/support/jobs-process.ts', import.meta.url)), test.url],
      {
        stdio: 'inherit',
      },
    );
    await enqueue('hang', 'crash-1');
    await vi.waitFor(
      async () => expect((await test.pool.query('select 1 from job_runs')).rows).toHaveLength(1),
      40_000,
    );
    expect(await statusOf('crash-1')).toBe('PENDING');
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('exit', resolve));
    await start({
      recover_every_ms: 100,
      jobs: [
        { name: 'hang', run: async () => void (await test.pool.query(`insert into job_runs values ('survivor')`)) },
      ],
    });
    await vi.waitFor(async () => expect(await statusOf('crash-1')).toBe('SUCCESS'), 15_000);
    expect((await test.pool.query('select by from job_runs')).rows).toEqual([
      { by: 'killed process' },
      { by: 'survivor' },
    ]);
  });

  it('begins what it claimed while the database went away', { tags: ['long'] }, async () => {
    const ran: string[] = [];
    const begun = Promise.withResolvers<void>();
    const finish = Promise.withResolvers<void>();
    await start({
      recover_every_ms: 50,
      jobs: [
        { name: 'stranded', run: async (args) => void ran.push(String(args['id'])) },
        {
          name: 'in-hand',
          run: async () => {
            ran.push('in-hand');
            begun.resolve();
            await finish.promise;
          },
        },
      ],
    });
    await enqueue('in-hand', 'in-hand-1');
    await begun.promise;
    await enqueue('stranded', 'stranded-1', new Date(Date.now() + 3_600_000));
    // What DBOS leaves behind when it loses its connection between the claim and the start.
    await test.pool.query(
      `update dbos.workflow_status s set status = 'PENDING', executor_id = o.executor_id, owner_xid = 'lost',
         started_at_epoch_ms = 1, application_version = o.application_version, delay_until_epoch_ms = null
       from dbos.workflow_status o where s.workflow_uuid = 'stranded-1' and o.workflow_uuid = 'in-hand-1'`,
    );
    await vi.waitFor(async () => expect(await statusOf('stranded-1')).toBe('SUCCESS'), 15_000);
    finish.resolve();
    await vi.waitFor(async () => expect(await statusOf('in-hand-1')).toBe('SUCCESS'), 15_000);
    expect(ran.sort()).toEqual(['in-hand', 'stranded-1']);
  });

  it('leaves the work of a living process alone', async () => {
    await start({ jobs: [], recover_every_ms: 50 });
    const other = createJobsHost({
      url: test.url,
      db: test.database.read,
      clock: systemClock,
      log,
      role: 'api',
      jobs: [],
    });
    expect(other.running).toBe(false);
    const { createExecutorLock, findDeadExecutors } = await import('./executor-lock.ts');
    const lock = createExecutorLock(test.url, 'living', () => {});
    await lock.start();
    await test.pool.query(
      `insert into dbos.workflow_status (workflow_uuid, status, name, executor_id, application_version, queue_name, created_at, updated_at)
       values ('alive', 'PENDING', 'gone', 'living', 'other-version', 'atrium-work', 0, 0)`,
    );
    expect(await findDeadExecutors(test.database.read, 'self')).toEqual([]);
    await lock.stop();
    await vi.waitFor(
      async () => expect(await findDeadExecutors(test.database.read, 'self')).toEqual(['living']),
      15_000,
    );
    await test.pool.query(`delete from dbos.workflow_status where workflow_uuid = 'alive'`);
  });
});

describe('a sweep', () => {
  it('deletes workflows that finished more than a week ago', async () => {
    await test.pool.query(
      `insert into dbos.workflow_status (workflow_uuid, status, name, created_at, updated_at)
       values ('old', 'SUCCESS', 'x', 0, 0), ('old-open', 'ENQUEUED', 'x', 0, 0)`,
    );
    let turns = 0;
    const run = async (): Promise<void> => {
      turns += 1;
    };
    await start({ sweeps: [{ name: 'tick', every_ms: 20, run }] });
    await vi.waitFor(() => expect(turns).toBeGreaterThan(2), 15_000);
    const { deleteFinishedJobs } = await import('./jobs-host.ts');
    await deleteFinishedJobs(test.database.read, new Date());
    expect(await statusOf('old')).toBeUndefined();
    expect(await statusOf('old-open')).toBe('ENQUEUED');
  });

  it('runs in one process at a time and not more often than it should', async () => {
    const lease = (holder: string) => ({ db: test.database.read, clock: test.clock, holder });
    const inside = Promise.withResolvers<void>();
    const first = withLease(lease('a'), 'one', 1000, () => inside.promise);
    await vi.waitFor(async () =>
      expect((await test.pool.query(`select 1 from core_leases where name = 'one'`)).rows).toHaveLength(1),
    );
    test.clock.advance(2000);
    expect(await withLease(lease('b'), 'one', 1000, async () => {})).toBe(false);
    inside.resolve();
    expect(await first).toBe(true);
    expect(await withLease(lease('b'), 'one', 5000, async () => {})).toBe(false);
    test.clock.advance(5000);
    expect(await withLease(lease('b'), 'one', 5000, async () => {})).toBe(true);
  });

  it('is taken over when its holder died', async () => {
    await test.pool.query(`insert into core_leases values ('dead', 'ghost', $1, $2)`, [
      new Date(test.clock.now().getTime() + 60_000),
      test.clock.now(),
    ]);
    const take = () =>
      withLease({ db: test.database.read, clock: test.clock, holder: 'b' }, 'dead', 1000, async () => {});
    expect(await take()).toBe(false);
    test.clock.advance(60_000);
    expect(await take()).toBe(true);
  });
});

it('a pool that ends is silent about a database that stops at the same time, and before that it is not', async () => {
  const heard: unknown[] = [];
  const pool = createJobsPool(test.url, 2, (error) => heard.push(error));
  const stopped = () => new Error('terminating connection due to administrator command');
  const [first, second] = await Promise.all([pool.connect(), pool.connect()]);
  first.release();
  second.release();
  first.emit('error', stopped());
  expect(heard).toHaveLength(1);
  const ended = pool.end();
  second.emit('error', stopped());
  await ended;
  expect(heard).toHaveLength(1);
});
