import type { PublicEntry } from '@atrium/protocol';
import { afterEach, expect, it } from 'vitest';
import type { StoredEvent } from '../../platform/module.ts';
import { FeedHub, type FeedHubOptions, feedEventId } from './feed-hub.ts';

const entries = new Map<string, PublicEntry>();
const open: AbortController[] = [];
afterEach(() => {
  for (const controller of open.splice(0)) controller.abort();
  entries.clear();
});

const idOf = (n: number): string => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}`;
const publish = (hub: FeedHub, n: number, tags: string[] = []): PublicEntry => {
  const created_at = new Date(Date.UTC(2026, 0, 1) + n * 1000).toISOString();
  const entry = { id: idOf(n), title: null, content: `${n}`, tags, injection_risk: false, created_at, author: null };
  entries.set(entry.id, entry);
  hub.onEvent({ kind: 'diary.entry.created', id: entry.id, body: { status: 'active' } } as unknown as StoredEvent);
  return entry;
};

/** A hub over a table in memory, which counts the questions to it. */
const makeHub = (options: Partial<FeedHubOptions> = {}) => {
  const asked = { load: 0, after: 0, errors: [] as unknown[] };
  const hub = new FeedHub({
    load: async (ids) => {
      asked.load += 1;
      return ids.flatMap((id) => entries.get(id) ?? []);
    },
    after: async ({ value }, limit) => {
      asked.after += 1;
      return [...entries.values()].filter((entry) => new Date(entry.created_at) > value).slice(0, limit);
    },
    onError: (error) => void asked.errors.push(error),
    ...options,
  });
  return { hub, asked };
};

const follow = async (hub: FeedHub, address: string, options: { tag?: string; since?: PublicEntry } = {}) => {
  const controller = new AbortController();
  open.push(controller);
  const { tag, since } = options;
  const stream = hub.follow(address, {
    tag,
    since: since === undefined ? null : { value: new Date(since.created_at), id: since.id },
    signal: controller.signal,
  });
  const started = await stream.next();
  expect(started.value).toMatchObject({ retry_ms: 5000 });
  return {
    controller,
    ids: async (count: number): Promise<string[]> => {
      const ids: string[] = [];
      while (ids.length < count) {
        const { value, done } = await stream.next();
        if (done === true) break;
        if (value !== undefined && 'data' in value) ids.push(JSON.parse(value.data).id);
      }
      return ids;
    },
    ended: async () => (await stream.next()).done,
  };
};

it('49: two hundred readers cost as many questions as one', async () => {
  const costOf = async (count: number): Promise<{ load: number; after: number }> => {
    const { hub, asked } = makeHub();
    const readers = [];
    for (let n = 0; n < count; n += 1) readers.push(await follow(hub, `address ${n}`));
    for (let n = 1; n <= 10; n += 1) {
      publish(hub, n);
      // Next to the one before, as they come from the dispatcher one by one.
      for (const reader of readers) expect(await reader.ids(1)).toEqual([idOf(n)]);
    }
    return { load: asked.load, after: asked.after };
  };
  const alone = await costOf(1);
  expect(alone).toEqual({ load: 10, after: 0 });
  expect(await costOf(200)).toEqual(alone);
});

it('49: what comes while the database is asked is asked for together, and nothing before the first reader', async () => {
  const { hub, asked } = makeHub();
  publish(hub, 1);
  expect(asked.load).toBe(0);
  const reader = await follow(hub, 'a');
  for (let n = 2; n <= 101; n += 1) publish(hub, n);
  expect(await reader.ids(100)).toEqual(Array.from({ length: 100 }, (_, n) => idOf(n + 2)));
  expect(asked.load).toBeLessThanOrEqual(2);
});

it('49: a sixth of one address is refused until one has gone, even one that never read', async () => {
  const { hub } = makeHub();
  const five = [];
  for (let n = 0; n < 4; n += 1) five.push(await follow(hub, 'a'));
  const unread = new AbortController();
  hub.follow('a', { tag: undefined, since: null, signal: unread.signal });
  const sixth = () => hub.follow('a', { tag: undefined, since: null, signal: new AbortController().signal });
  expect(sixth).toThrow('At most 5 streams');
  await follow(hub, 'b');
  unread.abort();
  await follow(hub, 'a');
  expect(sixth).toThrow('At most 5 streams');
  five[0]!.controller.abort();
  expect(await five[0]!.ended()).toBe(true);
  await follow(hub, 'a');
});

it('49: who comes back gets what was missed in the order of sending, each once, also what came while it was asked for', async () => {
  let release = () => {};
  let held: Promise<void> | null = null;
  const { hub, asked } = makeHub({
    load: async (ids) => {
      asked.load += 1;
      if (held !== null && ids.length > 1) await held;
      return ids.flatMap((id) => entries.get(id) ?? []);
    },
  });
  const first = await follow(hub, 'a');
  // Committed later than one that was written after it.
  const [five, three, four] = [publish(hub, 5), publish(hub, 3), publish(hub, 4)];
  expect(await first.ids(3)).toEqual([five.id, three.id, four.id]);
  held = new Promise((resolve) => {
    release = resolve;
  });
  const back = await follow(hub, 'b', { since: five });
  const missed = back.ids(3);
  const six = publish(hub, 6);
  release();
  expect(await missed).toEqual([three.id, four.id, six.id]);
  expect(asked.after).toBe(0);
});

it('49: one that this process does not know gets what is stored, with those of the minute before', async () => {
  const { hub, asked } = makeHub();
  const [one, two, three] = [publish(hub, 10), publish(hub, 100), publish(hub, 130)];
  const reader = await follow(hub, 'a', { since: two });
  expect(await reader.ids(1)).toEqual([three.id]);
  expect(asked.after).toBe(1);
  expect(feedEventId(one)).toBe(`${one.created_at}/${one.id}`);
});

it('a reader that falls behind, or whose time is over, is ended', async () => {
  const { hub } = makeHub();
  const slow = await follow(hub, 'a');
  const quick = await follow(hub, 'b');
  for (let n = 1; n <= 700; n += 1) {
    publish(hub, n);
    if (n % 100 === 0) await quick.ids(100);
  }
  expect(await slow.ids(1000)).toHaveLength(501);
  const { hub: short } = makeHub({ longest_ms: 1 });
  expect(await (await follow(short, 'a')).ended()).toBe(true);
});

it('when the database fails everybody is ended, and comes back for what was missed', async () => {
  let failing = true;
  const { hub, asked } = makeHub({
    load: async (ids) => {
      if (failing) throw new Error('down');
      return ids.flatMap((id) => entries.get(id) ?? []);
    },
  });
  const reader = await follow(hub, 'a');
  const lost = publish(hub, 1);
  expect(await reader.ended()).toBe(true);
  expect(asked.errors).toHaveLength(1);
  failing = false;
  const known = { ...lost, id: idOf(0), created_at: new Date(Date.UTC(2026, 0, 1)).toISOString() };
  expect(await (await follow(hub, 'a', { since: known })).ids(1)).toEqual([lost.id]);
});
