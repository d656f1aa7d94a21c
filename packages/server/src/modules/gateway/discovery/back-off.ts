const shortestMs = 1000;
const longestMs = 60_000;

/** How long to wait after so many failures in a row: from one second to a minute, never quite the same twice. */
export const pauseAfter = (failures: number, random: () => number = Math.random): number => {
  const whole = Math.min(longestMs, shortestMs * 2 ** Math.min(failures - 1, 10));
  // Half fixed, half by chance: servers that lost the same engine do not all come back at the same instant.
  return Math.max(shortestMs, Math.round(whole * (0.5 + random() / 2)));
};
