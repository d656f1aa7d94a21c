const pad = (value: number) => String(value).padStart(2, '0');

/** RFC 3339 to what `datetime-local` speaks, in the browser's zone. */
export const toLocalInput = (time: string): string => {
  const date = new Date(time);
  return Number.isNaN(date.getTime())
    ? ''
    : `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}T${pad(date.getHours())}:${pad(date.getMinutes())}`;
};

/** Back to RFC 3339 UTC; null for an empty or impossible entry. */
export const fromLocalInput = (text: string): string | null => {
  const time = Date.parse(text);
  return Number.isNaN(time) ? null : new Date(time).toISOString();
};

/** Useful moments ahead, each at a full hour or a morning. */
export const moments = (now: Date): { label: string; time: string }[] => {
  const at = (days: number, hour: number) => new Date(now.getFullYear(), now.getMonth(), now.getDate() + days, hour);
  const untilMonday = (8 - now.getDay()) % 7 || 7;
  const later = new Date(now.getTime() + 3 * 3_600_000);
  later.setMinutes(0, 0, 0);
  return [
    { label: 'Later today', time: later },
    { label: 'Tomorrow 09:00', time: at(1, 9) },
    { label: 'Monday 09:00', time: at(untilMonday, 9) },
    { label: 'In a week', time: at(7, 9) },
  ].map(({ label, time }) => ({ label, time: time.toISOString() }));
};
