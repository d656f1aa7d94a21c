import fc from 'fast-check';
import { expect, test } from 'vitest';
import { defaultWeights, type WeighedEntry, weighEntries } from './weights.ts';

const now = new Date('2026-03-01T12:00:00Z');
const hoursAgo = (hours: number) => new Date(now.getTime() - hours * 3_600_000);
const entry = (id: string, relevance: number, more: Partial<WeighedEntry> = {}): WeighedEntry => ({
  id,
  relevance,
  since: now,
  importance: 5,
  ...more,
});

test('importance at 0.2 cannot lift an irrelevant entry above the best match', () => {
  const weights = { ...defaultWeights, importance: 0.2 };
  const best = entry('best', 1, { importance: 1 });
  const loud = entry('loud', 0.05, { importance: 10 });
  expect(weighEntries([loud, best], now, weights)[0]!.id).toBe('best');
});

test('recency halves in sixty-nine hours, and the future counts as now', () => {
  const weights = { ...defaultWeights, relevance: 0, recency: 1 };
  const score = (since: Date) => weighEntries([entry('e', 1, { since })], now, weights)[0]!.score;
  expect(score(hoursAgo(69))).toBeCloseTo(0.5, 2);
  expect(score(hoursAgo(24 * 7))).toBeCloseTo(0.18, 2);
  expect(score(hoursAgo(-5))).toBe(1);
});

test('what relations lead to counts whole after one of them, and half as much after each further one', () => {
  const score = (hops: number | null) =>
    weighEntries([entry('e', 0, { hops })], now, { ...defaultWeights, relation: 0.8 })[0]!.score;
  expect([null, 0, 1, 2, 3].map(score)).toEqual([0, 0.8, 0.8, 0.4, 0.2]);
});

test('with the default weights the order is that of relevance, ties by id', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.integer({ min: 0, max: 999 })),
      fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
      (ids, values) => {
        const entries = ids.map((id) =>
          entry(String(id), values.next().value as number, { importance: (id % 10) + 1 }),
        );
        const ranked = weighEntries(entries, now).map(({ id }) => entries.find((one) => one.id === id)!);
        for (const [at, one] of ranked.entries()) {
          const next = ranked[at + 1];
          if (next)
            expect(one.relevance > next.relevance || (one.relevance === next.relevance && one.id < next.id)).toBe(true);
        }
      },
    ),
  );
});
