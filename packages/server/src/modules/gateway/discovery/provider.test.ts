import { describe, expect, it } from 'vitest';
import { until } from '../../../../test/support/until.ts';
import { ManualClock } from '../../../platform/clock/clock.ts';
import { pauseAfter } from './back-off.ts';
import { createProviderLoop, type ProviderState } from './provider.ts';

it.each([
  [1, 1000, 1000],
  [2, 1000, 2000],
  [3, 2000, 4000],
  [6, 16_000, 32_000],
  [7, 30_000, 60_000],
  [500, 30_000, 60_000],
])('after %i failures the pause is between %i and %i ms', (failures, least, most) => {
  expect([pauseAfter(failures, () => 0), pauseAfter(failures, () => 1)]).toEqual([least, most]);
});

describe('a provider', () => {
  it('G5: goes on after ten failures in a row, says what the last one was, and runs when it can', async () => {
    const states: ProviderState[] = [];
    const pauses: number[] = [];
    let attempts = 0;
    const provider = createProviderLoop({
      ...{ name: 'toy', kind: 'docker', endpoint: 'nowhere', clock: new ManualClock('2026-03-01T12:00:00Z') },
      onState: (state) => states.push(state),
      hintOf: () => 'mount it',
      pause: async (ms) => void pauses.push(ms),
      attempt: async (run) => {
        attempts += 1;
        if (attempts <= 10) throw new Error(`refused ${attempts}`);
        run.up();
        await new Promise((stopped) => run.signal.addEventListener('abort', stopped, { once: true }));
      },
    });
    provider.start();
    await until(() => states.at(-1)?.state === 'running', 'the provider runs');
    const failed = states.filter(({ state }) => state === 'retrying');
    expect(failed.map(({ failures }) => failures)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(failed.at(-1)).toMatchObject({ last_error: 'refused 10', hint: 'mount it' });
    expect(pauses.every((ms) => ms >= 1000 && ms <= 60_000)).toBe(true);
    expect(states.at(-1)).toMatchObject({ failures: 0, last_error: null, next_attempt_at: null });
    await provider.stop();
    expect([attempts, states.at(-1)?.state]).toEqual([11, 'off']);
  });

  it('tries at once when it is asked to look again while it waits', async () => {
    let attempts = 0;
    const provider = createProviderLoop({
      ...{ name: 'toy', kind: 'docker', endpoint: null, clock: new ManualClock('2026-03-01T12:00:00Z') },
      onState: () => {},
      pause: (_ms, signal) => new Promise((woken) => signal.addEventListener('abort', () => woken(), { once: true })),
      attempt: async () => {
        attempts += 1;
        throw new Error('no');
      },
    });
    provider.start();
    await until(() => attempts === 1, 'the first attempt');
    provider.rescan();
    await until(() => attempts === 2, 'the second attempt');
    await provider.stop();
  });
});
