import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { makeCall } from '../../../../test/support/make-call.ts';
import { createTestDatabase, type TestDatabase, testCipher } from '../../../../test/support/test-database.ts';
import { createDatabase, type KyselyDatabase } from '../../db/kysely-database.ts';
import { newId } from '../../ids/ids.ts';
import type { Call } from '../../operations/call.ts';
import { pruneEvents } from '../event-store.ts';
import { kindFilter, type SinkAddress, type SinkMessage } from './event-sink.ts';
import { EventSinks } from './event-sinks.ts';

let test: TestDatabase;
let database: KyselyDatabase;
const running: EventSinks[] = [];

beforeAll(async () => {
  test = await createTestDatabase({ max: 10 });
  database = createDatabase({ pool: test.pool, clock: test.clock, cipher: testCipher });
});
afterEach(async () => {
  for (const sinks of running.splice(0)) await sinks.stop();
});
afterAll(() => test.drop());

/** A broker that keeps what it takes, and can be away. */
class Broker {
  readonly taken: SinkMessage[] = [];
  readonly address: SinkAddress;
  away = false;
  /** Batches that it takes before the answer is lost. */
  forgets = 0;
  opened = 0;

  constructor(name: string) {
    this.address = {
      name,
      open: async () => {
        if (this.away) throw new Error('nobody answers');
        this.opened += 1;
        return {
          send: async (messages) => {
            if (this.away) throw new Error('the connection is lost');
            this.taken.push(...messages);
            if (this.forgets-- > 0) throw new Error('the answer is lost');
          },
          close: async () => {},
        };
      },
    };
  }

  of(call: Call): number[] {
    return this.taken.filter(({ key }) => key === call.caller.org_id).map(({ seq }) => seq);
  }
}

const said: string[] = [];
const start = (brokers: readonly Broker[], wanted = kindFilter([], [])): EventSinks => {
  const sinks = new EventSinks({
    ...{ url: test.url, db: database.read, clock: test.clock, wanted, producer: () => 'https://atrium.test' },
    sinks: brokers.map(({ address }) => address),
    onError: (_error, what) => void said.push(what),
    turn_ms: 20,
    most_pause_ms: 40,
  });
  running.push(sinks);
  sinks.start();
  return sinks;
};
const registered = (name: string) =>
  vi.waitFor(async () => {
    const { rowCount } = await test.pool.query('select 1 from core_event_sinks where name = $1', [name]);
    expect(rowCount).toBe(1);
  }, 15_000);
const emit = (call: Call, kinds: readonly string[]): Promise<void> =>
  database.transaction(call, async (tx) => {
    for (const kind of kinds) tx.emit({ kind, id: newId(), body: { kind } });
  });
const upTo = (last: number): number[] => Array.from({ length: last }, (_, n) => n + 1);

it('a new sink begins with what happens then, and gets it in order, by organisation, as envelopes', async () => {
  const [old, young] = [makeCall(), makeCall()];
  await emit(old, ['note.created', 'note.created']);
  const broker = new Broker('begins');
  const sinks = start([broker]);
  await registered('begins');
  await emit(old, ['note.created']);
  await emit(
    young,
    Array.from({ length: 450 }, () => 'note.created'),
  );
  await vi.waitFor(() => expect([broker.of(old), broker.of(young)]).toEqual([[3], upTo(450)]), 15_000);
  const [first] = broker.taken.filter(({ key }) => key === young.caller.org_id);
  expect(first!.id).toBe(`${young.caller.org_id}:1`);
  expect(JSON.parse(first!.body)).toMatchObject({
    ...{ id: first!.id, idempotency_key: first!.id, kind: 'note.created', severity: 'info', seq: 1 },
    ...{ org_id: young.caller.org_id, producer: 'https://atrium.test', body: { kind: 'note.created' } },
    actor: { type: young.caller.kind },
  });
  await vi.waitFor(() => expect(sinks.states[0]).toMatchObject({ lag: 0, delivered: 451, up: true }), 15_000);
});

it('kinds that are not wanted are passed over, and count as done', async () => {
  const call = makeCall();
  const broker = new Broker('filtered');
  const sinks = start([broker], kindFilter(['oauth.*', 'note.created'], ['oauth.token.issued']));
  await registered('filtered');
  await emit(call, ['oauth.token.issued', 'oauth.token.revoked', 'note.updated', 'note.created']);
  await vi.waitFor(() => expect(broker.of(call)).toEqual([2, 4]), 15_000);
  await vi.waitFor(() => expect(sinks.states[0]!.lag).toBe(0), 15_000);
  const severity = broker.taken.map(({ body }) => (JSON.parse(body) as { severity: string }).severity);
  expect(severity).toEqual(['warning', 'info']);
});

it('situation 84, in small: a sink that is away gets everything once it is back, and the others go on', async () => {
  const call = makeCall();
  const [absent, present] = [new Broker('absent'), new Broker('present')];
  absent.away = true;
  const sinks = start([absent, present]);
  await registered('absent');
  await registered('present');
  await emit(call, ['note.created', 'note.created', 'note.created']);
  await vi.waitFor(() => expect(present.of(call)).toEqual(upTo(3)), 15_000);
  await vi.waitFor(() => expect(sinks.states[0]).toMatchObject({ lag: 3, up: false }), 15_000);
  expect(said.filter((what) => what.startsWith('events do not reach absent'))).toHaveLength(1);
  absent.away = false;
  await vi.waitFor(() => expect(absent.of(call)).toEqual(upTo(3)), 15_000);
  await vi.waitFor(() => expect(sinks.states[0]).toMatchObject({ lag: 0, up: true }), 15_000);
});

it('what a broker took without an answer is sent again under the same ids', async () => {
  const call = makeCall();
  const broker = new Broker('forgetful');
  broker.forgets = 1;
  start([broker]);
  await registered('forgetful');
  await emit(call, ['note.created', 'note.created']);
  await vi.waitFor(() => expect(broker.of(call)).toEqual([1, 2, 1, 2]), 15_000);
  expect(new Set(broker.taken.map(({ id }) => id)).size).toBe(2);
});

it('of two processes one sends; the other goes on when it is gone', async () => {
  const call = makeCall();
  const broker = new Broker('shared');
  const first = start([broker]);
  await registered('shared');
  start([broker]);
  await emit(call, ['note.created', 'note.created']);
  await vi.waitFor(() => expect(broker.of(call)).toEqual([1, 2]), 15_000);
  expect(broker.opened).toBe(1);
  await first.stop();
  await emit(call, ['note.created']);
  await vi.waitFor(() => expect(broker.of(call)).toEqual([1, 2, 3]), 15_000);
});

it('events stay while a sink has not had them, and no longer than they are held', async () => {
  const call = makeCall();
  const broker = new Broker('slow');
  broker.away = true;
  start([broker]);
  await registered('slow');
  await emit(call, ['note.created', 'note.created', 'note.created']);
  const left = async (sinks: readonly string[], until: Date) => {
    await pruneEvents(database.read, test.clock.now(), 0, { sinks, until });
    const { rowCount } = await test.pool.query('select 1 from core_events where org_id = $1', [call.caller.org_id]);
    return rowCount;
  };
  const [past, soon] = [new Date(test.clock.now().getTime() - 1000), new Date(test.clock.now().getTime() + 1000)];
  expect(await left(['slow'], past)).toBe(3);
  expect(await left(['slow'], soon)).toBe(0);
  broker.away = false;
  await vi.waitFor(() => expect(said.some((what) => what.includes('were pruned before slow'))).toBe(true), 15_000);
  expect(broker.of(call)).toEqual([]);
});
