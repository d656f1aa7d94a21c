import fc from 'fast-check';
import { expect, test } from 'vitest';
import { batchesOf } from './token-batches.ts';

test('texts of like length go together', () => {
  expect(batchesOf([9, 2, 8, 2, 1], 16)).toEqual([[4, 1, 3], [2], [0]]);
  expect(batchesOf([8, 8, 8], 16)).toEqual([[0, 1], [2]]);
  expect(batchesOf([], 16)).toEqual([]);
});

test('each text is in one batch, and only a text alone is larger than a batch may be', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 50 })), fc.integer({ min: 1, max: 100 }), (lengths, most) => {
      const batches = batchesOf(lengths, most);
      expect(batches.flat().sort((x, y) => x - y)).toEqual([...lengths.keys()]);
      for (const batch of batches.filter(({ length }) => length > 1))
        expect(batch.length * Math.max(...batch.map((at) => lengths[at]!))).toBeLessThanOrEqual(most);
    }),
  );
});
