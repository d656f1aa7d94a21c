import { expect, test } from 'vitest';
import { Circuits } from './circuits.ts';
import { makeRoute } from './lane.testkit.ts';

const filter = { kind: 'circuit', min_requests: 4, error_percent: 50, window_s: 10, open_s: 5 } as const;

test('it opens at its share of failures, tries one, and closes when that one fares well', () => {
  const circuits = new Circuits();
  const route = makeRoute({ slug: 'a', filters: [filter] });
  const run = (now: number, failed: boolean | null): number => {
    const { wait_ms, trial } = circuits.enter(route, now);
    if (wait_ms === 0) circuits.left(route, trial, failed, now);
    return wait_ms;
  };
  expect([run(0, true), run(0, false), run(0, false)]).toEqual([0, 0, 0]);
  // Half of four.
  expect([run(0, true), run(1000, false), run(4999, false)]).toEqual([0, 4000, 1]);
  const trial = circuits.enter(route, 5000);
  expect([trial, circuits.enter(route, 5000)]).toEqual([
    { wait_ms: 0, trial: true },
    { wait_ms: 1000, trial: false },
  ]);
  circuits.left(route, true, true, 5000);
  expect(run(9999, false)).toBe(1);
  // A client that went away proves nothing, and the next one is the trial.
  expect([run(10_000, null), run(10_000, false), run(10_000, true)]).toEqual([0, 0, 0]);
});

test('failures of an earlier window do not count, and neither do routes without a circuit', () => {
  const circuits = new Circuits();
  const route = makeRoute({ slug: 'a', filters: [filter] });
  for (let n = 0; n < 3; n++) circuits.left(route, false, true, 0);
  for (let n = 0; n < 3; n++) circuits.left(route, false, false, 10_001);
  circuits.left(route, false, true, 10_001);
  expect(circuits.enter(route, 10_001).wait_ms).toBe(0);
  const plain = makeRoute({ slug: 'b' });
  for (let n = 0; n < 30; n++) circuits.left(plain, false, true, 0);
  expect(circuits.enter(plain, 0).wait_ms).toBe(0);
});
