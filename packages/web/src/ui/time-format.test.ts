import { expect, test } from 'vitest';
import { fromLocalInput, moments, toLocalInput } from './local-time.ts';
import { duration, exactTime, relativeTime, shortAge } from './time-format.ts';

const now = Date.parse('2026-11-20T12:00:00Z');

test('times are said as people say them, in both directions', () => {
  expect(relativeTime(now - 5_000, now)).toBe('just now');
  expect(relativeTime(now + 40_000, now)).toBe('in less than a minute');
  expect(relativeTime(now - 3 * 60_000, now)).toBe('3 minutes ago');
  expect(relativeTime(now + 2 * 3_600_000, now)).toBe('in 2 hours');
  expect(relativeTime(now - 26 * 3_600_000, now)).toBe('yesterday');
  expect(shortAge(now - 59_000, now)).toBe('now');
  expect(shortAge(now - 3 * 86_400_000, now)).toBe('3d');
});

test('durations show two units at most and never a zero', () => {
  expect(duration(250)).toBe('250 ms');
  expect(duration(45_000)).toBe('45 s');
  expect(duration(3_600_000)).toBe('1 h');
  expect(duration(4_800_000)).toBe('1 h 20 min');
  expect(duration(90_061_000)).toBe('1 d 1 h');
});

test('an exact time is shown in the chosen zone', () => {
  expect(exactTime(now, 'Asia/Tokyo')).toContain('21:00:00');
  expect(exactTime(now, 'America/New_York')).toContain('07:00:00');
});

test('a local entry survives the way to UTC and back; an impossible one is nothing', () => {
  const utc = fromLocalInput('2026-11-21T10:30');
  expect(toLocalInput(utc!)).toBe('2026-11-21T10:30');
  expect(fromLocalInput('')).toBeNull();
  expect(toLocalInput('never')).toBe('');
});

test('the moments offered lie ahead, Monday being the next one even on a Monday', () => {
  for (let day = 16; day <= 22; day += 1) {
    const today = new Date(2026, 10, day, 15, 20);
    for (const { time } of moments(today)) expect(Date.parse(time)).toBeGreaterThan(today.getTime());
    expect(new Date(moments(today)[2]!.time).getDay()).toBe(1);
  }
});
