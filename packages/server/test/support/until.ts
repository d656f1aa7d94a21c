import { setTimeout as delay } from 'node:timers/promises';

/** Asks again until the answer is neither null, undefined nor false; then gives it. */
export const until = async <T>(
  ask: () => Promise<T | null | undefined | false> | T | null | undefined | false,
  what: string | (() => string),
  patience_ms = 15_000,
): Promise<T> => {
  const end = Date.now() + patience_ms;
  for (;;) {
    const answer = await ask();
    if (answer !== null && answer !== undefined && answer !== false) return answer;
    if (Date.now() > end)
      throw new Error(`waited ${patience_ms} ms in vain: ${typeof what === 'string' ? what : what()}`);
    await delay(20);
  }
};
