import { expect, test } from 'vitest';
import { byApp, byPrincipal, daySeries, lastDays, total } from './traffic-figures.ts';

const mara = { type: 'user' as const, id: '01980000-0000-7000-8000-000000000001', name: 'Mara' };
const day = (date: string, app: string, requests: number, change = {}) => ({
  day: date,
  app,
  principal: mara,
  requests,
  errors: 0,
  bytes_in: 10,
  bytes_out: 100,
  mean_ms: 10,
  ...change,
});

test('means are weighed by the requests behind them', () => {
  const sum = total([
    day('2026-11-20', 'notes', 90, { mean_ms: 10 }),
    day('2026-11-20', 'media', 10, { mean_ms: 110 }),
  ]);
  expect(sum).toEqual({ requests: 100, errors: 0, bytes_in: 20, bytes_out: 200, mean_ms: 20 });
  expect(total([])).toMatchObject({ requests: 0, mean_ms: 0 });
});

test('sums by app and by who stand with the busiest first, and strangers are one', () => {
  const days = [
    day('2026-11-20', 'notes', 5),
    day('2026-11-21', 'media', 20, { principal: null }),
    day('2026-11-21', 'notes', 7, { principal: null }),
  ];
  expect(byApp(days).map(({ app, requests }) => [app, requests])).toEqual([
    ['media', 20],
    ['notes', 12],
  ]);
  expect(byPrincipal(days).map(({ principal, requests }) => [principal?.name ?? null, requests])).toEqual([
    [null, 27],
    ['Mara', 5],
  ]);
});

test('a day without traffic is a zero, and apps beyond the busiest are one line', () => {
  const dates = lastDays(3, Date.parse('2026-11-21T23:59:00Z'));
  expect(dates).toEqual(['2026-11-19', '2026-11-20', '2026-11-21']);
  const days = ['a', 'b', 'c', 'd', 'e'].map((app, index) => day('2026-11-21', app, 50 - index, { errors: 1 }));
  const { series, all, times } = daySeries(days, dates);
  expect(series.map(({ label, values }) => [label, values])).toEqual([
    ['a', [0, 0, 50]],
    ['b', [0, 0, 49]],
    ['c', [0, 0, 48]],
    ['others', [0, 0, 47 + 46]],
  ]);
  expect(all).toEqual([0, 0, 50 + 49 + 48 + 47 + 46]);
  expect(daySeries(days, dates, 'errors').all).toEqual([0, 0, 5]);
  expect(times).toHaveLength(3);
  expect(daySeries(days.slice(0, 4), dates).series.map(({ label }) => label)).toEqual(['a', 'b', 'c', 'd']);
});

test('a latency is a mean, and nothing on a day without a request', () => {
  const dates = ['2026-11-20', '2026-11-21'];
  const days = [
    day('2026-11-21', 'slow', 10, { mean_ms: 110 }),
    day('2026-11-21', 'fast', 90, { mean_ms: 10 }),
    day('2026-11-21', 'slow', 30, { mean_ms: 30, principal: null }),
  ];
  const { series, all } = daySeries(days, dates, 'latency');
  expect(series.map(({ label, values }) => [label, values])).toEqual([
    ['slow', [null, 50]],
    ['fast', [null, 10]],
  ]);
  expect(all).toEqual([null, (110 * 10 + 90 * 10 + 30 * 30) / 130]);
});
