import { expect, it } from 'vitest';
import { SteadyClock } from './steady-clock.ts';

const minute = 60_000;
const begin = Date.parse('2026-03-01T12:00:00Z');

const makeClock = () => {
  const time = { wall: begin, steady: 0 };
  const clock = new SteadyClock({ wall: () => time.wall, steady: () => time.steady });
  const jumps: number[] = [];
  clock.onMovedBack((ms) => void jumps.push(ms));
  return {
    clock,
    jumps,
    pass: (ms: number) => {
      time.wall += ms;
      time.steady += ms;
    },
    set: (ms: number) => {
      time.wall += ms;
    },
    at: () => clock.now().getTime() - begin,
    wall: () => time.wall - begin,
  };
};

it('follows the clock of the machine, forward jumps included', () => {
  const { at, pass, set, jumps } = makeClock();
  pass(1234);
  expect(at()).toBe(1234);
  set(10 * minute);
  expect(at()).toBe(10 * minute + 1234);
  expect(jumps).toEqual([]);
});

it('goes on when the machine is set back, says so once, and meets it again later', () => {
  const { at, pass, set, jumps, wall, clock } = makeClock();
  pass(minute);
  expect(at()).toBe(minute);
  set(-5 * minute);
  expect(at()).toBe(minute);
  expect(jumps).toEqual([5 * minute]);
  pass(minute);
  const later = at();
  expect(later).toBeGreaterThan(minute);
  expect(later).toBeCloseTo(minute + minute * 0.95, -1);
  for (let n = 0; n < 110; n += 1) {
    pass(minute);
    const now = at();
    expect(now).toBeGreaterThan(later);
  }
  expect(clock.ahead_ms).toBe(0);
  expect(at()).toBe(wall());
  expect(jumps).toHaveLength(1);
});

it('takes a jump that sets the clock right again for just that', () => {
  const { at, pass, set, wall, jumps } = makeClock();
  at();
  set(-5 * minute);
  at();
  pass(1000);
  set(5 * minute);
  expect(at()).toBe(wall());
  expect(jumps).toHaveLength(1);
});

it('never goes back by what is too little for a jump', () => {
  const { at, pass, set, jumps } = makeClock();
  pass(minute);
  at();
  set(-900);
  expect(at()).toBe(minute);
  pass(500);
  expect(at()).toBe(minute);
  pass(1000);
  expect(at()).toBe(minute + 600);
  expect(jumps).toEqual([]);
});
