import { expect, test } from 'vitest';
import { meanPooled } from './pooling.ts';

test('the tokens of a text are averaged, and what fills it up is not heard', () => {
  const hidden = [
    [
      [1, 2],
      [3, 6],
      [5, 1],
    ],
    [
      [4, -2],
      [100, 100],
      [100, 100],
    ],
  ].flat(2);
  expect(meanPooled(hidden, [3, 1], 3, 2)).toEqual([
    [3, 3],
    [4, -2],
  ]);
});
