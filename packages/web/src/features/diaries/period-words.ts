export const digestPeriods = ['day', 'week', 'month'] as const;
export type DigestPeriod = (typeof digestPeriods)[number];

/** What the address of a digest says. */
export const parseDigest = (search: Record<string, unknown>): { by?: DigestPeriod | undefined } => {
  const by = digestPeriods.find((period) => period === search['by'] && period !== 'week');
  return by === undefined ? {} : { by };
};

const dayMs = 86_400_000;
const write = (time: number, form: Intl.DateTimeFormatOptions): string =>
  new Intl.DateTimeFormat('en-GB', { ...form, timeZone: 'UTC' }).format(time);

/** A period in words; periods are those of UTC. The end is the first moment that no longer belongs to it. */
export const periodWords = (begins_at: string, ends_at: string, by: DigestPeriod): string => {
  const [from, to] = [Date.parse(begins_at), Date.parse(ends_at) - dayMs];
  if (by === 'day') return write(from, { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' });
  if (by === 'month') return write(from, { month: 'long', year: 'numeric' });
  const sameMonth = new Date(from).getUTCMonth() === new Date(to).getUTCMonth();
  const sameYear = new Date(from).getUTCFullYear() === new Date(to).getUTCFullYear();
  const first = write(from, {
    day: 'numeric',
    ...(sameMonth ? {} : { month: 'long' }),
    ...(sameYear ? {} : { year: 'numeric' }),
  });
  return `${first} to ${write(to, { day: 'numeric', month: 'long', year: 'numeric' })}`;
};
