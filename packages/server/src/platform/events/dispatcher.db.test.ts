import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { makeCall } from '../../../test/support/make-call.ts';
import { createTestDatabase, type TestDatabase, testCipher } from '../../../test/support/test-database.ts';
import { createDatabase, type KyselyDatabase } from '../db/kysely-database.ts';
import { createPool } from '../db/pool.ts';
import { newId } from '../ids/ids.ts';
import type { StoredEvent } from '../module.ts';
import type { Call } from '../operations/call.ts';
import { EventDispatcher } from './dispatcher.ts';
import { pruneEvents } from './event-store.ts';

let test: TestDatabase;
const closing: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  test = await createTestDatabase({ max: 20 });
});
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});
afterAll(() => test.drop());

/** One process: a pool, a database that short-cuts into its dispatcher, and what the dispatcher delivered. */
const startProcess = async () => {
  const pool = createPool({ url: test.url });
  const errors: unknown[] = [];
  const seen: StoredEvent[] = [];
  const database: KyselyDatabase = createDatabase({
    pool,
    clock: test.clock,
    cipher: testCipher,
    onCommitted: (events) => dispatcher.offer(events),
  });
  const dispatcher = new EventDispatcher({
    db: database.read,
    url: test.url,
    onError: (error) => void errors.push(error),
  });
  dispatcher.subscribe((event) => void seen.push(event));
  await dispatcher.start();
  closing.push(async () => {
    await dispatcher.stop();
    await pool.end();
  });
  return { pool, database, dispatcher, seen, errors };
};

const emit = (database: KyselyDatabase, call: Call, count = 1): Promise<void> =>
  database.transaction(call, async (tx) => {
    for (let n = 0; n < count; n += 1) tx.emit({ kind: 'note.created', id: newId(), body: { n } });
  });

const seqs = (events: readonly StoredEvent[], call: Call): number[] =>
  events.filter((event) => event.org_id === call.caller.org_id).map((event) => event.seq);
const upTo = (last: number): number[] => Array.from({ length: last }, (_, n) => n + 1);
const killListeners = () =>
  test.pool.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'atrium-events' and datname = current_database()`,
  );

describe('the dispatcher', () => {
  it('delivers every event once and in order to two processes while both write concurrently', {
    tags: ['long'],
  }, async () => {
    const [one, two] = [await startProcess(), await startProcess()];
    const calls = [makeCall(), makeCall()];
    const writes = Array.from({ length: 120 }, (_, n) =>
      emit(n % 2 === 0 ? one.database : two.database, calls[n % 3 === 0 ? 0 : 1]!, 1 + (n % 2)),
    );
    await Promise.all(writes);
    const totals = await test.pool.query('select org_id, last_seq from core_event_heads');
    for (const call of calls) {
      const last = totals.rows.find((row) => row.org_id === call.caller.org_id).last_seq;
      await vi.waitFor(() => expect(seqs(one.seen, call)).toEqual(upTo(last)), 15_000);
      await vi.waitFor(() => expect(seqs(two.seen, call)).toEqual(upTo(last)), 15_000);
    }
    expect([...one.errors, ...two.errors]).toEqual([]);
  });

  it('does not skip an event of a transaction that commits late', async () => {
    const { database, seen } = await startProcess();
    const call = makeCall();
    const [begun, others] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const slow = database.transaction(call, async (tx) => {
      tx.emit({ kind: 'note.slow', id: newId() });
      await sql`select 1`.execute(tx.db);
      begun.resolve();
      await others.promise;
    });
    await begun.promise;
    await emit(database, call, 2);
    others.resolve();
    await slow;
    await vi.waitFor(() => expect(seqs(seen, call)).toEqual([1, 2, 3]), 15_000);
    expect(seen.filter((event) => event.org_id === call.caller.org_id).at(-1)!.kind).toBe('note.slow');
  });

  it('catches up after its connection was killed, in order and without repeats', async () => {
    const { dispatcher, seen, errors } = await startProcess();
    const call = makeCall();
    await emit(test.database, call);
    await vi.waitFor(() => expect(seqs(seen, call)).toEqual([1]), 15_000);
    await killListeners();
    await vi.waitFor(() => expect(errors).toHaveLength(1), 15_000);
    for (let n = 0; n < 20; n += 1) await emit(test.database, call);
    await vi.waitFor(() => expect(seqs(seen, call)).toEqual(upTo(21)), 15_000);
    expect(dispatcher.connected).toBe(true);
  });

  it('keeps order when it is killed again and again under load', { tags: ['long'] }, async () => {
    const [one, two] = [await startProcess(), await startProcess()];
    const call = makeCall();
    const writing = Promise.all([
      (async () => {
        for (let n = 0; n < 100; n += 1) await emit(one.database, call);
      })(),
      (async () => {
        for (let n = 0; n < 100; n += 1) await emit(two.database, call);
      })(),
    ]);
    for (let n = 0; n < 5; n += 1) await killListeners();
    await writing;
    await killListeners();
    await vi.waitFor(() => expect(seqs(one.seen, call)).toEqual(upTo(200)), 15_000);
    await vi.waitFor(() => expect(seqs(two.seen, call)).toEqual(upTo(200)), 15_000);
  });

  it('begins where the log stands, not at its beginning', async () => {
    const call = makeCall();
    await emit(test.database, call, 3);
    const { seen } = await startProcess();
    await emit(test.database, call);
    await vi.waitFor(() => expect(seqs(seen, call)).toEqual([4]), 15_000);
  });

  it('goes on after a handler throws and waits for one that is asynchronous', async () => {
    const { dispatcher, database, seen, errors } = await startProcess();
    const call = makeCall();
    const order: string[] = [];
    dispatcher.subscribe(async (event) => {
      if (event.org_id !== call.caller.org_id) return;
      order.push(`begin ${event.seq}`);
      await new Promise((resolve) => setImmediate(resolve));
      order.push(`end ${event.seq}`);
      throw new Error('handler');
    });
    await emit(database, call, 2);
    await vi.waitFor(() => expect(order).toEqual(['begin 1', 'end 1', 'begin 2', 'end 2']), 15_000);
    await vi.waitFor(() => expect(errors).toHaveLength(2), 15_000);
    expect(seqs(seen, call)).toEqual([1, 2]);
  });

  it('wakes a waiter at the event it waits for, and gives null at the end of time or by signal', async () => {
    const { dispatcher } = await startProcess();
    const call = makeCall();
    const stop = new AbortController();
    const never = new AbortController().signal;
    const hit = dispatcher.waitFor(call.caller.org_id, (event) => event.seq === 2, never, 15_000);
    const timeout = dispatcher.waitFor(call.caller.org_id, () => false, never, 20);
    const aborted = dispatcher.waitFor(call.caller.org_id, () => false, stop.signal, 15_000);
    await emit(test.database, call, 3);
    expect((await hit)?.seq).toBe(2);
    expect(await timeout).toBeNull();
    stop.abort();
    expect(await aborted).toBeNull();
  });
});

describe('replay', () => {
  it('pages through the log and asks for a resync outside of it', async () => {
    const { dispatcher } = await startProcess();
    const call = makeCall();
    const org = call.caller.org_id;
    await emit(test.database, call, 5);
    const first = await dispatcher.replay(org, 1, 2);
    expect(first).toMatchObject({ kind: 'events', cursor: 3, events: [{ seq: 2, body: { n: 1 } }, { seq: 3 }] });
    expect(await dispatcher.replay(org, 5, 2)).toEqual({ kind: 'events', cursor: 5, events: [] });
    expect(await dispatcher.replay(org, 6, 2)).toEqual({ kind: 'resync', cursor: 5 });
    expect(await dispatcher.replay(newId(), 0, 2)).toEqual({ kind: 'events', cursor: 0, events: [] });
    expect(await dispatcher.cursor(org)).toBe(5);
  });

  it('forgets events by number and by age and then resyncs from below the floor', async () => {
    const { dispatcher } = await startProcess();
    const call = makeCall();
    const org = call.caller.org_id;
    await emit(test.database, call, 10);
    test.clock.advance(1000);
    await emit(test.database, call, 2);
    await pruneEvents(test.database.read, new Date(0), 5);
    expect(await dispatcher.replay(org, 6, 50)).toEqual({ kind: 'resync', cursor: 12 });
    expect(await dispatcher.replay(org, 7, 50)).toMatchObject({ kind: 'events', cursor: 12 });
    await pruneEvents(test.database.read, test.clock.now(), 5);
    expect(await dispatcher.replay(org, 9, 50)).toMatchObject({ kind: 'resync' });
    expect(await dispatcher.replay(org, 10, 50)).toMatchObject({ kind: 'events', events: [{ seq: 11 }, { seq: 12 }] });
  });

  it('tells the subscribers when it lost events to pruning while it was cut off', async () => {
    const { dispatcher, seen } = await startProcess();
    const call = makeCall();
    const gaps: string[] = [];
    dispatcher.subscribe(
      () => {},
      (orgId) => void gaps.push(orgId),
    );
    // As if this process had been cut off while events 1 to 3 came and 1 and 2 were pruned.
    await test.pool.query(`insert into core_event_heads (org_id, last_seq, floor_seq) values ($1, 3, 2)`, [
      call.caller.org_id,
    ]);
    await test.pool.query(
      `insert into core_events values ($1, 3, 'note.created', $2, 'user', null, 'x', '{}', now())`,
      [call.caller.org_id, newId()],
    );
    await test.pool.query(`select pg_notify('atrium_events', $1 || ':3')`, [call.caller.org_id]);
    await vi.waitFor(() => expect(seqs(seen, call)).toEqual([3]), 15_000);
    expect(gaps).toEqual([call.caller.org_id]);
  });
});
