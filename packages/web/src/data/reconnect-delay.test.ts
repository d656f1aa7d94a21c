import { expect, test } from 'vitest';
import { reconnectDelay } from './reconnect-delay.ts';

test('waits longer each time, never more than fifteen seconds, and never all at the same moment', () => {
  expect(reconnectDelay(0, 0)).toBe(200);
  expect(reconnectDelay(0, 1)).toBe(400);
  expect(reconnectDelay(3, 1)).toBe(3200);
  expect(reconnectDelay(500, 1)).toBe(15_000);
  expect(reconnectDelay(500, 0)).toBe(7_500);
});
