import type { gatewayStats, OutputOf } from '@atrium/protocol';

type Day = OutputOf<typeof gatewayStats>['days'][number];
type Principal = NonNullable<Day['principal']>;

export interface Sum {
  requests: number;
  errors: number;
  bytes_in: number;
  bytes_out: number;
  mean_ms: number;
}

const nothing: Sum = { requests: 0, errors: 0, bytes_in: 0, bytes_out: 0, mean_ms: 0 };

/** Means are weighed by how many requests each stands for. */
const add = (sum: Sum, day: Day): Sum => {
  const requests = sum.requests + day.requests;
  return {
    requests,
    errors: sum.errors + day.errors,
    bytes_in: sum.bytes_in + day.bytes_in,
    bytes_out: sum.bytes_out + day.bytes_out,
    mean_ms: requests === 0 ? 0 : (sum.mean_ms * sum.requests + day.mean_ms * day.requests) / requests,
  };
};

export const total = (days: readonly Day[]): Sum => days.reduce(add, nothing);

const busiest = <Row extends Sum>(rows: Row[]): Row[] => rows.toSorted((a, b) => b.requests - a.requests);

export const byApp = (days: readonly Day[]): (Sum & { app: string })[] =>
  busiest([...Map.groupBy(days, ({ app }) => app)].map(([app, own]) => ({ app, ...total(own) })));

export const byPrincipal = (days: readonly Day[]): (Sum & { principal: Principal | null })[] =>
  busiest(
    [...Map.groupBy(days, ({ principal }) => principal?.id ?? principal?.type ?? '')].map(([, own]) => ({
      principal: own[0]!.principal,
      ...total(own),
    })),
  );

/** The last days up to today in UTC, as the server counts them; one without traffic is among them. */
export const lastDays = (count: number, now: number): string[] =>
  Array.from({ length: count }, (_, index) =>
    new Date(now - (count - 1 - index) * 86_400_000).toISOString().slice(0, 10),
  );

type LineTone = 'accent' | 'info' | 'success' | 'quiet';
export interface DaySeries {
  times: number[];
  series: { label: string; values: number[]; tone: LineTone }[];
  errors: number[];
}

/** Red and amber would say that something is wrong with an app. */
const tones = ['accent', 'info', 'success', 'quiet'] as const;
const mostLines = 3;

/** Requests a day of the busiest apps, what is left over as one line, and errors of all. */
export const daySeries = (days: readonly Day[], dates: readonly string[]): DaySeries => {
  const apps = byApp(days).map(({ app }) => app);
  // A fourth app gets its own line rather than one called "others" that holds it alone.
  const named = apps.length === mostLines + 1 ? apps : apps.slice(0, mostLines);
  const sums = new Map<string, number>();
  const errors = new Map<string, number>();
  for (const day of days) {
    const line = named.includes(day.app) ? day.app : '';
    const key = `${day.day} ${line}`;
    sums.set(key, (sums.get(key) ?? 0) + day.requests);
    errors.set(day.day, (errors.get(day.day) ?? 0) + day.errors);
  }
  const valuesOf = (app: string) => dates.map((date) => sums.get(`${date} ${app}`) ?? 0);
  return {
    // A day of the server stands at the midnight of who looks at it: the axis tells dates, no hours.
    times: dates.map((date) => Date.parse(`${date}T00:00:00`) / 1000),
    series: [
      ...named.map((app, index) => ({ label: app, values: valuesOf(app), tone: tones[index]! })),
      ...(apps.length > named.length ? [{ label: 'others', values: valuesOf(''), tone: 'quiet' as const }] : []),
    ],
    errors: dates.map((date) => errors.get(date) ?? 0),
  };
};
