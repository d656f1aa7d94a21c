import { expect, it } from 'vitest';
import { compareClocks, mergeClocks, replaces, tickClock } from './clocks.ts';

const [low, high] = ['01900000-0000-7000-8000-00000000000a', '01900000-0000-7000-8000-00000000000b'];
const version = (clock: Record<string, number>, writer = low, deleted = false) => ({ clock, writer, deleted });

it('orders clocks by what each has seen of the other', () => {
  expect(compareClocks({}, {})).toBe('equal');
  expect(compareClocks({ a: 1 }, { a: 1, b: 0 })).toBe('equal');
  expect(compareClocks({ a: 1 }, { a: 2 })).toBe('before');
  expect(compareClocks({ a: 2, b: 1 }, { a: 2 })).toBe('after');
  expect(compareClocks({ a: 2 }, { a: 1, b: 1 })).toBe('concurrent');
});

it('a merged clock is after both, once it has been ticked', () => {
  const [a, b] = [
    { x: 3, y: 1 },
    { y: 4, z: 1 },
  ];
  const merged = tickClock(mergeClocks(a, b), 'x');
  expect(merged).toEqual({ x: 4, y: 4, z: 1 });
  expect([compareClocks(merged, a), compareClocks(merged, b)]).toEqual(['after', 'after']);
});

it('G40: a newer version replaces, an older or equal one never does', () => {
  expect(replaces(version({ a: 2 }), version({ a: 1 }))).toBe(true);
  expect(replaces(version({ a: 1 }), version({ a: 1 }))).toBe(false);
  expect(replaces(version({ a: 1 }, high, true), version({ a: 2 }))).toBe(false);
});

it('of concurrent versions the one that deletes wins, else the one of the higher peer, whichever comes first', () => {
  const [a, b] = [version({ [low]: 2, [high]: 1 }, low), version({ [low]: 1, [high]: 2 }, high)];
  expect([replaces(b, a), replaces(a, b)]).toEqual([true, false]);
  const gone = version({ [low]: 2, [high]: 1 }, low, true);
  expect([replaces(gone, b), replaces(b, gone)]).toEqual([true, false]);
});
