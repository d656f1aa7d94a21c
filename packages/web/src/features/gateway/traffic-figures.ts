import type { gatewayHours, gatewayStats, OutputOf } from '@atrium/protocol';

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

const metrics = ['requests', 'errors', 'sent', 'latency'] as const;
export type Metric = (typeof metrics)[number];
const figureOf: Record<Metric, (sum: Sum) => number> = {
  requests: ({ requests }) => requests,
  errors: ({ errors }) => errors,
  sent: ({ bytes_out }) => bytes_out,
  latency: ({ mean_ms }) => mean_ms,
};

type LineTone = 'accent' | 'info' | 'success' | 'quiet';
export interface DaySeries {
  times: number[];
  /** A value is null where there was nothing to measure. */
  series: { label: string; values: (number | null)[]; tone: LineTone }[];
  /** Of all apps together. */
  all: (number | null)[];
}

/** Red and amber would say that something is wrong with an app. */
const tones = ['accent', 'info', 'success', 'quiet'] as const;
const mostLines = 3;

/** Hours take the shape of days: who asked is not kept for them. */
export const ofHours = (items: OutputOf<typeof gatewayHours>['items']): Day[] =>
  items.map(({ hour, ...row }) => ({ ...row, day: hour, principal: null }));

/** One figure a day, or an hour: lines of the apps that have most of it, what is left over as one line, and all together. */
export const daySeries = (days: readonly Day[], dates: readonly string[], metric: Metric = 'requests'): DaySeries => {
  const of = figureOf[metric];
  const apps = byApp(days)
    .filter((sum) => of(sum) > 0)
    .toSorted((a, b) => of(b) - of(a))
    .map(({ app }) => app);
  // A fourth app gets its own line rather than one called "others" that holds it alone.
  const named = apps.length === mostLines + 1 ? apps : apps.slice(0, mostLines);
  const byDate = Map.groupBy(days, ({ day }) => day);
  const valuesOf = (takes: (app: string) => boolean): (number | null)[] =>
    dates.map((date) => {
      const sum = total((byDate.get(date) ?? []).filter(({ app }) => takes(app)));
      return metric === 'latency' && sum.requests === 0 ? null : of(sum);
    });
  return {
    // A day of the server stands at the midnight of who looks at it: the axis tells dates, no hours.
    times: dates.map((date) => Date.parse(date.includes('T') ? date : `${date}T00:00:00`) / 1000),
    series: [
      ...named.map((app, index) => ({ label: app, values: valuesOf((one) => one === app), tone: tones[index]! })),
      ...(apps.length > named.length
        ? [{ label: 'others', values: valuesOf((app) => !named.includes(app)), tone: 'quiet' as const }]
        : []),
    ],
    all: valuesOf(() => true),
  };
};
