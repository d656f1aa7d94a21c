/** What the end of a transaction, event delivery, rate limits and idle jobs cost, on a PostgreSQL that syncs to disk. */
import { setTimeout as pause } from 'node:timers/promises';
import { type Kysely, sql } from 'kysely';
import { pino } from 'pino';
import { systemClock } from '../packages/server/src/platform/clock/clock.ts';
import { createDatabase, type KyselyDatabase } from '../packages/server/src/platform/db/kysely-database.ts';
import { createPool } from '../packages/server/src/platform/db/pool.ts';
import type { Schema } from '../packages/server/src/platform/db/schema.gen.ts';
import { EventDispatcher } from '../packages/server/src/platform/events/dispatcher.ts';
import { newId } from '../packages/server/src/platform/ids/ids.ts';
import { createJobsHost } from '../packages/server/src/platform/jobs/jobs-host.ts';
import { createLocalLimiter } from '../packages/server/src/platform/limits/local-limiter.ts';
import { createPostgresLimiter } from '../packages/server/src/platform/limits/postgres-limiter.ts';
import type { Call } from '../packages/server/src/platform/operations/call.ts';
import { applyMigrations } from '../packages/server/test/support/apply-migrations.ts';
import { makeCall } from '../packages/server/test/support/make-call.ts';
import { startTestServer } from '../packages/server/test/support/test-server.ts';

const print = (what: string, value: string): void => console.log(`${what.padEnd(58)} ${value}`);

const perSecond = async (
  what: string,
  workers: number,
  seconds: number,
  act: (worker: number) => Promise<unknown>,
): Promise<void> => {
  const times: number[] = [];
  const end = performance.now() + seconds * 1000;
  const work = async (worker: number): Promise<void> => {
    while (performance.now() < end) {
      const begin = performance.now();
      await act(worker);
      times.push(performance.now() - begin);
    }
  };
  await Promise.all(Array.from({ length: workers }, (_, worker) => work(worker)));
  times.sort((a, b) => a - b);
  const at = (share: number) => times[Math.floor(times.length * share)]!.toFixed(2);
  print(what, `${Math.round(times.length / seconds)}/s, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`);
};

const full = (database: KyselyDatabase, call: Call) =>
  database.transaction(call, async (tx) => {
    const id = newId();
    await sql`insert into bench_notes values (${id}, 'text')`.execute(tx.db);
    tx.emit({ kind: 'note.created', id, body: { title: 'a note' } });
    tx.audit({ action: 'note.create', target_type: 'note', target_id: id, details: { title: 'a note' } });
    tx.enqueue({ name: 'index-note', id: `note-${id}`, args: { id } });
  });

const bare = (read: Kysely<Schema>) =>
  read.transaction().execute((tx) => sql`insert into bench_notes values (${newId()}, 'text')`.execute(tx));

const transactions = async (database: KyselyDatabase): Promise<void> => {
  const calls = Array.from({ length: 16 }, () => makeCall());
  for (const workers of [1, 8]) {
    await perSecond(`bare insert, ${workers} writers`, workers, 3, () => bare(database.read));
    await perSecond(`insert + event + audit + job, ${workers} writers, one org`, workers, 3, () =>
      full(database, calls[0]!),
    );
    await perSecond(`insert + event + audit + job, ${workers} writers, own orgs`, workers, 3, (n) =>
      full(database, calls[n]!),
    );
  }
};

const latency = async (
  url: string,
  database: KyselyDatabase,
  onLocal: (dispatcher: EventDispatcher | null) => void,
): Promise<void> => {
  const onError = (error: unknown): void => console.error(error);
  for (const local of [true, false]) {
    const dispatcher = new EventDispatcher({ db: database.read, url, onError });
    await dispatcher.start();
    onLocal(local ? dispatcher : null);
    const call = makeCall();
    const times: number[] = [];
    for (let n = 0; n < 300; n += 1) {
      const { promise, resolve } = Promise.withResolvers<number>();
      const stop = dispatcher.subscribe(() => resolve(performance.now()));
      await database.transaction(call, async (tx) => tx.emit({ kind: 'note.created', id: newId() }));
      const committed = performance.now();
      times.push((await promise) - committed);
      stop();
    }
    times.sort((a, b) => a - b);
    print(
      `commit seen by the caller to handler, ${local ? 'same' : 'other'} process`,
      `p50 ${times[150]!.toFixed(2)} ms, p99 ${times[297]!.toFixed(2)} ms`,
    );
    onLocal(null);
    await dispatcher.stop();
  }
};

const limits = async (read: Kysely<Schema>): Promise<void> => {
  const shared = createPostgresLimiter(read, systemClock);
  const local = createLocalLimiter({ shared, clock: systemClock, onError: console.error });
  const begin = performance.now();
  for (let n = 0; n < 1_000_000; n += 1)
    local.hit({ bucket: 'rest', key: String(n % 1000), limit: 1e9, window_ms: 60_000 });
  print('limiter, first level', `${(((performance.now() - begin) / 1_000_000) * 1e6).toFixed(0)} ns a hit`);
  await local.stop();
  await perSecond('limiter, PostgreSQL, 1 caller', 1, 2, () =>
    shared.hit({ bucket: 'login', key: newId(), limit: 5, window_ms: 60_000 }),
  );
};

const idle = async (url: string, read: Kysely<Schema>): Promise<void> => {
  globalThis.gc?.();
  const before = process.memoryUsage().rss;
  const ran: ((at: number) => void)[] = [];
  const host = createJobsHost({
    url,
    db: read,
    clock: systemClock,
    log: pino({ level: 'silent' }),
    role: 'all',
    jobs: [{ name: 'ping', run: async () => ran.pop()?.(performance.now()) }],
  });
  await host.start();
  await pause(2000);
  const cpu = process.cpuUsage();
  await pause(10_000);
  const used = process.cpuUsage(cpu);
  print('idle jobs host, CPU of this process', `${(((used.user + used.system) / 10_000_000) * 100).toFixed(2)} %`);
  print(
    'idle jobs host, memory',
    `+${((process.memoryUsage().rss - before) / 1e6).toFixed(1)} MB RSS after gc at the start`,
  );
  const times: number[] = [];
  for (let n = 0; n < 20; n += 1) {
    const { promise, resolve } = Promise.withResolvers<number>();
    ran.push(resolve);
    const begin = performance.now();
    await sql`select dbos.enqueue_workflow(workflow_name => 'ping', queue_name => 'atrium-work', positional_args => array['{}'::json])`.execute(
      read,
    );
    times.push((await promise) - begin);
  }
  times.sort((a, b) => a - b);
  print('enqueue to start of a job', `p50 ${times[10]!.toFixed(0)} ms, worst of 20 ${times[19]!.toFixed(0)} ms`);
  const late: number[] = [];
  await Promise.all(
    Array.from({ length: 20 }, async (_, n) => {
      const { promise, resolve } = Promise.withResolvers<number>();
      ran.push(resolve);
      const due = Date.now() + 500 + n * 97;
      await sql`select dbos.enqueue_workflow(workflow_name => 'ping', queue_name => 'atrium-timers', positional_args => array['{}'::json], delay_until_epoch_ms => ${due}::bigint)`.execute(
        read,
      );
      await promise;
      late.push(Date.now() - due);
    }),
  );
  late.sort((a, b) => a - b);
  print('lateness of timers (paired with their jobs at random)', `p50 ${late[10]} ms, worst of 20 ${late[19]} ms`);
  await host.stop();
};

const server = await startTestServer({ durable: true });
const url = server.urlOf('postgres');
await applyMigrations(url);
const pool = createPool({ url, max: 10 });
let local: EventDispatcher | null = null;
const database = createDatabase({
  pool,
  clock: systemClock,
  cipher: { encrypt: (text) => text, decrypt: (text) => text },
  onCommitted: (events) => local?.offer(events),
});
await pool.query('create table bench_notes (id uuid primary key, text text not null)');
await latency(url, database, (dispatcher) => {
  local = dispatcher;
});
await limits(database.read);
await transactions(database);
await pool.query('delete from dbos.workflow_status');
await idle(url, database.read);
await pool.end();
await server.stop();
