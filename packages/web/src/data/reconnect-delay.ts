const first = 400;
const longest = 15_000;

/** Doubling from 0.4 s to 15 s, each between half and all of it, so that a thousand pages do not return at once. */
export const reconnectDelay = (attempt: number, random: number): number =>
  Math.min(longest, first * 2 ** Math.min(attempt, 10)) * (0.5 + random / 2);
