import { afterEach, expect, test } from 'vitest';
import { eventsFor } from './event-stream.ts';
import { type SocketBench, startSocketBench } from './socket-host.testkit.ts';

let bench: SocketBench;
afterEach(() => bench.close());

test('A stream replays after since, goes on live, and ends with its signal', async () => {
  bench = await startSocketBench();
  for (let i = 0; i < 3; i++) bench.log.commit('inbox.item.created', { n: i });
  const stop = new AbortController();
  const ids: string[] = [];
  for await (const event of eventsFor(bench.fanOut, bench.callers.get('ada')!, { since: 1, signal: stop.signal })) {
    if ('comment' in event) bench.log.commit('inbox.item.created');
    else {
      expect(event.event).toBe('notifications/klaxon');
      expect(JSON.parse(event.data)).toMatchObject({ type: 'event', seq: Number(event.id) });
      ids.push(event.id!);
    }
    if (ids.length === 3) stop.abort();
  }
  expect(ids).toEqual(['2', '3', '4']);
});

test('A stream of a principal that lost its rights ends', async () => {
  bench = await startSocketBench();
  const caller = bench.callers.get('bob')!;
  const stream = eventsFor(bench.fanOut, caller, { signal: new AbortController().signal });
  expect((await stream.next()).value).toMatchObject({ comment: 'replayed 0' });
  bench.callers.delete('bob');
  bench.log.commit('member.updated');
  expect((await stream.next()).done).toBe(true);
});
