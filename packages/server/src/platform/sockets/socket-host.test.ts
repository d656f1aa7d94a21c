import { afterEach, expect, test } from 'vitest';
import type { PresenceBus, PresenceNote } from './presence-board.ts';
import { makeListener, type SocketBench, startSocketBench } from './socket-host.testkit.ts';

const benches: SocketBench[] = [];
const start = async (over: Parameters<typeof startSocketBench>[0] = {}): Promise<SocketBench> => {
  const bench = await startSocketBench(over);
  benches.push(bench);
  return bench;
};
afterEach(async () => {
  for (const bench of benches.splice(0)) await bench.close();
});
const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);

test('A socket that does not say who it is is closed with 4401', async () => {
  const bench = await start({ limits: { auth_ms: 20 } });
  expect(await bench.connect().closed).toBe(4401);
});

test.each([
  ['a wrong token', '{"type":"auth","token":"nobody"}'],
  ['something else first', '{"type":"ping"}'],
  ['no JSON', 'hello'],
  ['an unknown member', '{"type":"auth","token":"ada","admin":true}'],
])('A socket that begins with %s is closed with 4401', async (_name, text) => {
  const bench = await start();
  const client = bench.connect();
  await client.opened;
  client.socket.send(text);
  expect(await client.closed).toBe(4401);
});

test('A foreign Origin is refused even with a valid ticket or cookie', async () => {
  const bench = await start();
  const client = bench.connect({ origin: 'https://evil.example', headers: { cookie: 'atrium_session=ada' } });
  await expect(client.opened).rejects.toThrow('403');
});

test('A ticket opens one socket and no second', async () => {
  const bench = await start();
  expect((await (await bench.signedIn('ticket')).hear('ready')).user.name).toBe('Ada');
  const second = bench.connect();
  await second.opened;
  second.say({ type: 'auth', token: 'ticket' });
  expect(await second.closed).toBe(4401);
});

test('A same-origin session cookie signs in at the upgrade, a dead one leaves room for a token', async () => {
  const bench = await start();
  const byCookie = bench.connect({ headers: { cookie: 'atrium_session=bob' } });
  expect((await byCookie.hear('ready')).user.name).toBe('Bob');
  const dead = bench.connect({ headers: { cookie: 'atrium_session=dead' } });
  await dead.opened;
  dead.say({ type: 'auth', token: 'ada' });
  expect((await dead.hear('ready')).user.name).toBe('Ada');
});

test('Live events reach those who may see them, with one question an event', async () => {
  const bench = await start();
  const [ada, bob, bob2] = [
    await bench.signedIn('ada', { type: 'subscribe' }),
    await bench.signedIn('bob', { type: 'subscribe' }),
    await bench.signedIn('bob', { type: 'subscribe' }),
  ];
  await Promise.all([ada, bob, bob2].map((c) => c.hear('replayed')));
  bench.log.commit('inbox.item.created', { title: 'all' });
  bench.log.commit('inbox.item.created', { title: 'Ada only', for: ['Ada'] });
  bench.log.commit('unknown.kind');
  bench.log.commit('inbox.item.updated', { title: 'all again' });
  expect(await ada.seqsUntil(4)).toEqual([1, 2, 4]);
  expect(await bob.seqsUntil(4)).toEqual([1, 4]);
  expect(await bob2.seqsUntil(4)).toEqual([1, 4]);
  expect(bench.filter.asked).toBe(3);
});

test('Without a subscribe events come all the same', async () => {
  const bench = await start();
  const client = await bench.signedIn('ada');
  bench.log.commit('inbox.item.created');
  expect(await client.seqsUntil(1)).toEqual([1]);
});

test('A client that was away replays what it missed and goes on live, without gap, repetition or disorder', async () => {
  const bench = await start();
  for (let i = 0; i < 450; i++) bench.log.commit('inbox.item.created', i % 3 === 0 ? { for: ['Bob'] } : {});
  // Events are committed while the store is being read, before and after the read sees them.
  let during = 0;
  bench.log.beforeReplayReturns = async () => {
    if (during++ < 20) bench.log.commit('inbox.item.created');
    await new Promise((resolve) => setImmediate(resolve));
  };
  const client = await bench.signedIn('ada', { type: 'subscribe', since: 100 });
  await client.hear('replayed');
  bench.log.commit('inbox.item.created');
  const expected = bench.log.events.filter((e) => e.seq > 100 && e.body['for'] === undefined).map((e) => e.seq);
  expect(await client.seqsUntil(expected.at(-1)!)).toEqual(expected);
});

test('A random mixture of commits, reconnections and slow reads loses and repeats nothing', async () => {
  const bench = await start();
  bench.log.beforeReplayReturns = () => new Promise((resolve) => setImmediate(resolve));
  const seen: number[] = [];
  for (let round = 0; round < 25; round++) {
    const client = await bench.signedIn('ada', { type: 'subscribe', since: seen.at(-1) ?? 0 });
    const target = (round + 1) * 7;
    while (bench.log.events.length < target) {
      bench.log.commit('inbox.item.created');
      if (bench.log.events.length % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    seen.push(...(await client.seqsUntil(target)));
    client.socket.terminate();
  }
  expect(seen).toEqual(range(1, 175));
});

test('Older than the window, or newer than the log, means resync and then live', async () => {
  const bench = await start();
  for (let i = 0; i < 10; i++) bench.log.commit('inbox.item.created');
  bench.log.floor = 5;
  for (const since of [2, 99]) {
    const client = await bench.signedIn('ada', { type: 'subscribe', since });
    expect((await client.hear('resync')).cursor).toBe(bench.log.events.length);
    await client.hear('replayed');
    const event = bench.log.commit('inbox.item.created');
    expect(await client.seqsUntil(event.seq)).toEqual([event.seq]);
  }
});

test('When events are pruned before they could be told, the receivers resync', async () => {
  const bench = await start();
  const client = await bench.signedIn('ada', { type: 'subscribe' });
  await client.hear('replayed');
  const last = bench.log.commitAndPrune(3);
  expect((await client.hear('resync')).cursor).toBe(last);
  bench.log.commit('inbox.item.created');
  expect(await client.seqsUntil(last + 1)).toEqual([last + 1]);
});

test('While the database is lost sockets stay, and everything follows once it is back', async () => {
  const bench = await start();
  const client = await bench.signedIn('ada', { type: 'subscribe' });
  await client.hear('replayed');
  bench.filter.down = bench.log.down = true;
  for (let i = 0; i < 5; i++) bench.log.commit('inbox.item.created');
  await expect.poll(() => bench.filter.asked).toBeGreaterThan(0);
  bench.filter.down = bench.log.down = false;
  bench.log.commit('inbox.item.created');
  expect(await client.seqsUntil(6)).toEqual(range(1, 6));
});

test('A subscription to channels leaves the others out', async () => {
  const bench = await start();
  const channel = '0199f2c6-0000-7000-8000-0000000000cc';
  const client = await bench.signedIn('ada', { type: 'subscribe', channels: [channel] });
  await client.hear('replayed');
  bench.log.commit('inbox.item.created', { channel_id: channel });
  bench.log.commit('inbox.item.created', { channel_id: org2 });
  bench.log.commit('inbox.channel.renamed');
  expect(await client.seqsUntil(3)).toEqual([1, 3]);
});
const org2 = '0199f2c6-0000-7000-8000-0000000000dd';

test('A deactivated principal is closed with 4403 at the event that says so, and hears nothing of it', async () => {
  const bench = await start();
  const [ada, bob] = [
    await bench.signedIn('ada', { type: 'subscribe' }),
    await bench.signedIn('bob', { type: 'subscribe' }),
  ];
  await Promise.all([ada.hear('replayed'), bob.hear('replayed')]);
  bench.callers.delete('bob');
  bench.log.commit('member.updated');
  expect(await bob.closed).toBe(4403);
  expect(bob.seqs).toEqual([]);
  expect(await ada.seqsUntil(1)).toEqual([1]);
});

test('Changed rights count from the event that changes them', async () => {
  const bench = await start();
  const ada = await bench.signedIn('ada', { type: 'subscribe' });
  await ada.hear('replayed');
  bench.callers.set('ada', makeListener('Eve', { id: bench.callers.get('ada')!.id }));
  bench.log.commit('member.updated');
  bench.log.commit('inbox.item.created', { for: ['Ada'] });
  bench.log.commit('inbox.item.created', { for: ['Eve'] });
  expect(await ada.seqsUntil(3)).toEqual([1, 3]);
});

test('Sockets can be closed by a rule at once', async () => {
  const bench = await start();
  const ada = await bench.signedIn('ada');
  expect(bench.host.closeFor((caller) => caller.name === 'Ada')).toBe(1);
  expect(await ada.closed).toBe(4403);
});

test('Ping is answered, silence ends with 4408, an expired credential with 4401', async () => {
  const bench = await start();
  const client = await bench.signedIn('ada');
  client.say({ type: 'ping' });
  await client.hear('pong');
  bench.now.value += 80_000;
  bench.host.sweep();
  expect(await client.closed).toBe(4408);
  const caller = bench.callers.get('ada')!;
  bench.callers.set('ada', {
    ...caller,
    credential: { ...caller.credential, expires_at: new Date(bench.now.value + 1000) },
  });
  const expiring = await bench.signedIn('ada');
  bench.now.value += 2000;
  bench.host.sweep();
  expect(await expiring.closed).toBe(4401);
});

test('A receiver that does not read is closed and its memory freed', { tags: ['long'] }, async () => {
  const bench = await start({ limits: { max_buffered: 1_000_000 } });
  const slow = await bench.signedIn('ada', { type: 'subscribe' });
  await slow.hear('replayed');
  slow.socket.pause();
  const body = { text: 'x'.repeat(200_000) };
  for (let i = 0; i < 100; i++) {
    bench.log.commit('inbox.item.created', body);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await expect.poll(() => bench.host.size, { timeout: 5000 }).toBe(0);
});

test('Too large, too many and too frequent are refused', async () => {
  const bench = await start({ limits: { max_message: 1000, messages_per_second: 5, per_principal: 1 } });
  const client = await bench.signedIn('ada');
  const second = bench.connect();
  await second.opened;
  second.say({ type: 'auth', token: 'ada' });
  expect(await second.closed).toBe(4403);
  for (let i = 0; i < 20; i++) client.say({ type: 'ping' });
  expect((await client.hear('error')).code).toBe('rate_limited');
  client.say({ type: 'auth', token: 'x'.repeat(2000) });
  expect(await client.closed).toBe(1009);
});

test('Viewers of an item hear of each other, over two processes, and only when they may see it', async () => {
  const listeners = new Set<(note: PresenceNote) => void>();
  const bus: PresenceBus = {
    publish: (note) => listeners.forEach((l) => void l(structuredClone(note))),
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  const item = '0199f2c6-0000-7000-8000-0000000000ee';
  const canSee = (_caller: unknown, wanted: string) => wanted === item;
  const [one, two] = [await start({ bus, canSee }), await start({ bus, canSee })];
  const [ada, bob] = [await one.signedIn('ada'), await two.signedIn('bob')];
  ada.say({ type: 'presence', item });
  expect((await ada.hear('presence')).principals).toMatchObject([{ name: 'Ada', state: 'viewing' }]);
  const from = ada.heard.length;
  bob.say({ type: 'presence', item, state: 'answering' });
  expect((await ada.hear('presence', from)).principals).toMatchObject([
    { name: 'Ada' },
    { name: 'Bob', state: 'answering' },
  ]);
  const later = ada.heard.length;
  bob.socket.terminate();
  expect((await ada.hear('presence', later)).principals).toMatchObject([{ name: 'Ada' }]);
  ada.say({ type: 'presence', item: org2 });
  expect((await ada.hear('error')).code).toBe('not_found');
});

test('A stopping server says goodbye with 1001', async () => {
  const bench = await start();
  const client = await bench.signedIn('ada');
  const closed = bench.host.close();
  expect(await client.closed).toBe(1001);
  await closed;
});
