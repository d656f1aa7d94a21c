import { expect, it } from 'vitest';
import { Durations, durationBuckets } from './durations.ts';

it('counts into the bucket whose bound is not exceeded, and keeps what exceeds all', () => {
  const durations = new Durations();
  for (const seconds of [0.001, 0.0011, 0.5, 31]) durations.observe(seconds);
  expect(durations.counts[0]).toBe(1);
  expect(durations.counts[1]).toBe(1);
  expect(durations.counts[durationBuckets.indexOf(0.5)]).toBe(1);
  expect(durations.counts.at(-1)).toBe(1);
  expect([durations.count, durations.sum]).toEqual([4, 31.5021]);
});

it('tells quantiles between the bounds of a bucket, and of a span of time', () => {
  const durations = new Durations();
  expect(durations.quantile(0.5)).toBeNull();
  for (let n = 0; n < 100; n += 1) durations.observe(0.2);
  // All lie between 0.1 and 0.25.
  expect(durations.quantile(0.5)).toBeCloseTo(0.175, 6);
  expect(durations.quantile(1)).toBeCloseTo(0.25, 6);
  const before = new Durations();
  before.add(durations);
  durations.observe(4);
  const lately = durations.since(before);
  expect([lately.count, lately.sum]).toEqual([1, 4]);
  expect(lately.quantile(1)).toBe(5);
});

it('what is slower than every bound reads as the greatest bound', () => {
  const durations = new Durations();
  durations.observe(60);
  expect(durations.quantile(0.99)).toBe(30);
});
