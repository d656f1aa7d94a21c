import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../platform/clock/clock.ts';
import { TargetStates } from './target-states.ts';

const open = () => {
  const clock = new ManualClock('2026-03-01T12:00:00Z');
  const ejected: string[] = [];
  return { clock, ejected, states: new TargetStates(clock, (outcome) => ejected.push(outcome)) };
};

describe('what a process knows of targets', () => {
  it('three failed connections within 30 s put a target out for 10 s', () => {
    const { clock, ejected, states } = open();
    states.failed('r', 'http://a', 'connection_refused');
    clock.advance(14_000);
    states.failed('r', 'http://a', 'connection_refused');
    expect(states.status('r', 'http://a')).toBe('unknown');
    clock.advance(14_000);
    states.failed('r', 'http://a', 'connection_refused');
    expect(states.status('r', 'http://a')).toBe('unhealthy');
    expect(states.status('r', 'http://b')).toBe('unknown');
    expect(ejected).toEqual(['connection_refused']);
    clock.advance(9_999);
    expect(states.status('r', 'http://a')).toBe('unhealthy');
    clock.advance(1);
    expect(states.status('r', 'http://a')).toBe('unknown');
  });

  it('failures that are further apart, or have a success between them, put nothing out', () => {
    const { clock, states } = open();
    for (let n = 0; n < 5; n += 1) {
      states.failed('r', 'http://a', 'timeout');
      clock.advance(15_001);
    }
    expect(states.status('r', 'http://a')).toBe('unknown');
    for (let n = 0; n < 5; n += 1) {
      states.failed('r', 'http://b', 'timeout');
      states.failed('r', 'http://b', 'timeout');
      states.succeeded('r', 'http://b');
    }
    expect(states.status('r', 'http://b')).toBe('unknown');
  });

  it('probes decide otherwise, and a success ends an ejection at once', () => {
    const { states } = open();
    states.probed('r', 'http://a', 'healthy');
    for (let n = 0; n < 3; n += 1) states.failed('r', 'http://a', 'timeout');
    expect(states.status('r', 'http://a')).toBe('unhealthy');
    states.succeeded('r', 'http://a');
    expect(states.status('r', 'http://a')).toBe('healthy');
    states.keepOnly(() => false);
    expect(states.status('r', 'http://a')).toBe('unknown');
  });
});
