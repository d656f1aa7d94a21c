import { expect, it } from 'vitest';
import { cronWords } from './cron-words.ts';

it.each([
  ['* * * * *', 'Every minute'],
  ['*/15 * * * *', 'Every 15 minutes'],
  ['0 * * * *', 'Every full hour'],
  ['30 2 * * *', 'Every day at 02:30'],
  ['0 8,20 * * *', 'Every day at 08:00, 20:00'],
  ['0 9 * * 1-5', 'Monday to Friday at 09:00'],
  ['0 9 * * 7', 'Every Sunday at 09:00'],
  ['5 4 1 * *', 'On day 1 of the month at 04:05'],
  ['0 9 1 1 *', '0 9 1 1 *'],
])('%s is said as %s', (cron, words) => {
  expect(cronWords(cron)).toBe(words);
});
