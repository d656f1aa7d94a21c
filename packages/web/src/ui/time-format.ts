import { createExternalStore, useExternalStore } from './external-store.ts';
import { readRemembered, writeRemembered } from './remembered.ts';

const units: [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 31_557_600],
  ['month', 2_629_800],
  ['week', 604_800],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
];

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto', style: 'long' });
const narrow: Partial<Record<Intl.RelativeTimeFormatUnit, string>> = {
  year: 'y',
  month: 'mo',
  week: 'w',
  day: 'd',
  hour: 'h',
  minute: 'm',
};

/** "3 minutes ago", "in 2 hours", "just now". */
export const relativeTime = (time: number, now: number): string => {
  const seconds = (time - now) / 1000;
  for (const [unit, size] of units) {
    if (Math.abs(seconds) >= size) return relative.format(Math.trunc(seconds / size), unit);
  }
  return seconds > 20 ? 'in less than a minute' : 'just now';
};

/** "3m", "2h", "now": for the right edge of dense rows. */
export const shortAge = (time: number, now: number): string => {
  const seconds = Math.abs(time - now) / 1000;
  for (const [unit, size] of units) {
    if (seconds >= size) return `${Math.trunc(seconds / size)}${narrow[unit]}`;
  }
  return 'now';
};

/** "1 h 20 min", "45 s": how long something took or lasts. Two units at most. */
export const duration = (milliseconds: number): string => {
  const seconds = Math.round(milliseconds / 1000);
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  if (seconds < 60) return `${seconds} s`;
  const parts: [number, string][] = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor((seconds % 86_400) / 3600), 'h'],
    [Math.floor((seconds % 3600) / 60), 'min'],
    [seconds % 60, 's'],
  ];
  const first = parts.findIndex(([amount]) => amount > 0);
  return parts
    .slice(first, first + 2)
    .filter(([amount]) => amount > 0)
    .map(([amount, unit]) => `${amount} ${unit}`)
    .join(' ');
};

/** IANA zone in which exact times are shown; empty = the browser's own. */
export const timeZone = createExternalStore<string>(readRemembered('time-zone', ''));
export const chooseTimeZone = (zone: string): void => {
  timeZone.set(zone);
  writeRemembered('time-zone', zone);
};
export const useTimeZone = (): string => useExternalStore(timeZone);

/** "Thu 20 Nov 2026, 12:31:05 GMT+1" in the chosen zone. */
export const exactTime = (time: number, zone: string): string =>
  new Intl.DateTimeFormat('en-GB', {
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    timeZoneName: 'short',
    ...(zone ? { timeZone: zone } : {}),
  }).format(time);
