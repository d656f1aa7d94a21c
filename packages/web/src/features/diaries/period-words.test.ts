import { expect, test } from 'vitest';
import { parseDigest, periodWords } from './period-words.ts';

test('periods are named by their days in UTC', () => {
  expect(periodWords('2026-03-02T00:00:00Z', '2026-03-03T00:00:00Z', 'day')).toBe('Monday, 2 March 2026');
  expect(periodWords('2026-03-02T00:00:00Z', '2026-03-09T00:00:00Z', 'week')).toBe('2 to 8 March 2026');
  expect(periodWords('2026-03-30T00:00:00Z', '2026-04-06T00:00:00Z', 'week')).toBe('30 March to 5 April 2026');
  expect(periodWords('2025-12-29T00:00:00Z', '2026-01-05T00:00:00Z', 'week')).toBe(
    '29 December 2025 to 4 January 2026',
  );
  expect(periodWords('2026-03-01T00:00:00Z', '2026-04-01T00:00:00Z', 'month')).toBe('March 2026');
});

test('an address that says something else shows weeks', () => {
  expect(parseDigest({ by: 'day' })).toEqual({ by: 'day' });
  expect(parseDigest({ by: 'week' })).toEqual({});
  expect(parseDigest({ by: 'year' })).toEqual({});
});
