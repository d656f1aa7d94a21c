import { expect, it } from 'vitest';
import { ManualClock } from '../clock/clock.ts';
import { breakerDefaults, createCircuitBreakers } from './circuit-breaker.ts';

const start = () => {
  const clock = new ManualClock('2026-01-01T00:00:00Z');
  const breakers = createCircuitBreakers(clock);
  const fail = (dependency: string, times: number): void => {
    for (let n = 0; n < times; n++) breakers.enter(dependency)!('failure');
  };
  return { clock, breakers, fail };
};

it('five failures in a row open the circuit of that dependency and of no other', () => {
  const { breakers, fail } = start();
  fail('a', 4);
  breakers.enter('a')!('success');
  fail('a', 4);
  expect(breakers.open).toBe(0);
  fail('a', 1);
  expect(breakers.enter('a')).toBeNull();
  expect(breakers.enter('b')).not.toBeNull();
  expect([breakers.open, breakers.trips]).toEqual([1, 1]);
});

it('after half a minute three probes may go at once, and two successes close it', () => {
  const { clock, breakers, fail } = start();
  fail('a', 5);
  clock.advance(breakerDefaults.open_ms - 1);
  expect(breakers.enter('a')).toBeNull();
  clock.advance(1);
  const probes = [breakers.enter('a')!, breakers.enter('a')!, breakers.enter('a')!];
  expect(breakers.enter('a')).toBeNull();
  probes[0]!('success');
  probes[1]!('success');
  expect(breakers.open).toBe(0);
  expect(breakers.enter('a')).not.toBeNull();
});

it('a probe that fails opens it for another half minute', () => {
  const { clock, breakers, fail } = start();
  fail('a', 5);
  clock.advance(breakerDefaults.open_ms);
  breakers.enter('a')!('success');
  breakers.enter('a')!('failure');
  expect(breakers.enter('a')).toBeNull();
  expect(breakers.trips).toBe(2);
  clock.advance(breakerDefaults.open_ms);
  breakers.enter('a')!('success');
  expect(breakers.open).toBe(1);
  breakers.enter('a')!('success');
  expect(breakers.open).toBe(0);
});

it('a request that ends without saying anything gives its place as a probe back', () => {
  const { clock, breakers, fail } = start();
  fail('a', 5);
  clock.advance(breakerDefaults.open_ms);
  for (let n = 0; n < 10; n++) {
    const told = breakers.enter('a')!;
    told('neither');
    told('failure');
  }
  expect(breakers.trips).toBe(1);
});
