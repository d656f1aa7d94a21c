import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Channel, fuse } from './fusion.ts';

const channel = (...scores: [id: string, score: number][]): Channel => scores.map(([id, score]) => ({ id, score }));
const ids = (list: readonly { id: string }[]) => list.map(({ id }) => id);

const anyChannel: fc.Arbitrary<Channel> = fc
  .uniqueArray(
    fc.record({ id: fc.integer({ min: 0, max: 60 }).map(String), score: fc.integer({ min: 1, max: 1000 }) }),
    {
      selector: ({ id }) => id,
      maxLength: 40,
    },
  )
  .map((list) => list.sort((x, y) => y.score - x.score || (x.id < y.id ? -1 : 1)));

const many = (prefix: string, scoreOf: (at: number) => number): Channel =>
  Array.from({ length: 100 }, (_, at) => ({ id: `${prefix}${String(at).padStart(3, '0')}`, score: scoreOf(at) }));

test('one empty channel leaves the other as it is', () => {
  fc.assert(
    fc.property(anyChannel, (list) => {
      expect(ids(fuse(list, []))).toEqual(ids(list));
      expect(ids(fuse([], list))).toEqual(ids(list));
    }),
  );
});

test('what stands before another in both channels stands before it in both together', () => {
  fc.assert(
    fc.property(anyChannel, anyChannel, (lexical, vector) => {
      const fused = ids(fuse(lexical, vector));
      const before = (list: Channel, x: string, y: string) => {
        const [a, b] = [list.find(({ id }) => id === x), list.find(({ id }) => id === y)];
        return (a?.score ?? 0) > (b?.score ?? 0);
      };
      for (const [at, x] of fused.entries())
        for (const y of fused.slice(at + 1)) expect(before(lexical, y, x) && before(vector, y, x)).toBe(false);
    }),
  );
});

test('each entry comes once, the best has relevance 1 and none falls outside 0 to 1', () => {
  fc.assert(
    fc.property(anyChannel, anyChannel, (lexical, vector) => {
      const fused = fuse(lexical, vector);
      expect(ids(fused).sort()).toEqual([...new Set([...ids(lexical), ...ids(vector)])].sort());
      if (fused.length > 0) expect(fused[0]!.relevance).toBe(1);
      for (const [at, { relevance }] of fused.entries()) {
        expect(relevance).toBeGreaterThanOrEqual(0);
        expect(relevance).toBeLessThanOrEqual(fused[at - 1]?.relevance ?? 1);
      }
    }),
  );
});

test('vectors that find something else altogether do not displace what the words found', () => {
  const lexical = many('a', (at) => 100 / (1 + at));
  const vector = many('b', (at) => 0.5 - at / 1000);
  expect(ids(fuse(lexical, vector)).slice(0, 20)).toEqual(ids(lexical).slice(0, 20));
});

test('vectors that the words confirm bring up what the words placed low', () => {
  const lexical = many('a', (at) => 10 / (1 + at));
  const vector = channel(
    ['a000', 0.9],
    ['a040', 0.88],
    ['a001', 0.86],
    ...many('b', (at) => 0.3 - at / 1000).map(({ id, score }) => [id, score] as [string, number]),
  );
  const fused = ids(fuse(lexical, vector));
  expect(fused[0]).toBe('a000');
  expect(fused.indexOf('a040')).toBeLessThan(3);
});

test('scores of any scale fuse alike', () => {
  fc.assert(
    fc.property(anyChannel, anyChannel, (lexical, vector) => {
      const scaled = vector.map(({ id, score }) => ({ id, score: score * 1024 }));
      expect(ids(fuse(lexical, scaled))).toEqual(ids(fuse(lexical, vector)));
    }),
  );
});

test('both channels with one find each, or with finds all alike, still answer', () => {
  expect(ids(fuse(channel(['x', 3]), channel(['x', 0.7])))).toEqual(['x']);
  expect(ids(fuse(channel(['x', 3], ['y', 3]), channel(['y', 0.7])))).toEqual(['y', 'x']);
});
