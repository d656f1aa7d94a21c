import { expect, test } from 'vitest';
import { bytes, metersOf, shareOf } from './usage-words.ts';

const usage = {
  plan: 'team',
  seats: 7,
  teams: 2,
  agents: 10,
  notifications_this_month: 1200,
  storage_bytes: 1_430_000_000,
  limits: { max_seats: 10, agents: 10, monthly_notifications: null },
};

test('bytes are said in the unit that keeps them short', () => {
  expect([0, 999, 1000, 1_430_000, 14_300_000_000].map(bytes)).toEqual(['0 B', '999 B', '1 kB', '1.4 MB', '14 GB']);
});

test('a limit that is null or absent is no limit', () => {
  const shares = Object.fromEntries(metersOf(usage).map((meter) => [meter.id, shareOf(meter)]));
  expect(shares).toEqual({ seats: 0.7, agents: 1, teams: null, items: null, storage: null });
});

test('a limit of zero is used up', () => {
  expect(shareOf({ id: 'x', label: 'x', used: 0, limit: 0, say: String })).toBe(1);
});
