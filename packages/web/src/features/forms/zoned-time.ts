const pad = (value: number, length = 2): string => String(value).padStart(length, '0');

/** Parts of a moment as a clock in the zone shows them; the browser's own zone for ''. */
const clockParts = (time: number, zone: string): Record<string, number> => {
  const parts = new Intl.DateTimeFormat('en-CA', {
    ...(zone ? { timeZone: zone } : {}),
    calendar: 'gregory',
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  }).formatToParts(time);
  return Object.fromEntries(parts.map(({ type, value }) => [type, Number(value)]));
};

/** Milliseconds by which the zone's clock is ahead of UTC at that moment. */
const offsetAt = (time: number, zone: string): number => {
  const { year, month, day, hour, minute, second } = clockParts(time, zone);
  return Date.UTC(year!, month! - 1, day!, hour!, minute!, second!) - Math.floor(time / 1000) * 1000;
};

/** RFC 3339 to what `datetime-local` speaks, as the zone's clock shows it. */
export const toZonedInput = (time: string, zone: string): string => {
  const at = Date.parse(time);
  if (Number.isNaN(at)) return '';
  const { year, month, day, hour, minute } = clockParts(at, zone);
  return `${pad(year!, 4)}-${pad(month!)}-${pad(day!)}T${pad(hour!)}:${pad(minute!)}`;
};

/**
 * The moment at which the zone's clock shows the text, RFC 3339 UTC; null for an empty or impossible one. A time that
 * daylight saving skips moves forward, one that comes twice is the first.
 */
export const fromZonedInput = (text: string, zone: string): string | null => {
  const asUtc = Date.parse(`${text}Z`);
  if (Number.isNaN(asUtc)) return null;
  // The offsets a day before and after: one of them is in force unless the clock skips this very time.
  const guesses = [asUtc - 86_400_000, asUtc + 86_400_000].map((near) => asUtc - offsetAt(near, zone));
  const guess = guesses.find((time) => offsetAt(time, zone) === asUtc - time) ?? guesses[0]!;
  return new Date(guess).toISOString();
};

/** "Europe/Berlin", also when the browser's own zone is meant. */
export const zoneName = (zone: string): string =>
  (zone || Intl.DateTimeFormat().resolvedOptions().timeZone).replaceAll('_', ' ');
