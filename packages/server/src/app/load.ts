import type { OutputOf, serverLoad } from '@atrium/protocol';
import type { Durations } from '../platform/telemetry/durations.ts';
import type { LoadHistory } from '../platform/telemetry/load-history.ts';
import type { Metrics } from '../platform/telemetry/metrics.ts';

type Load = OutputOf<typeof serverLoad>;

const mostRoutes = 200;
const mostWords = 50;

const ms = (seconds: number | null): number | null => (seconds === null ? null : Math.round(seconds * 10_000) / 10);

const latency = (durations: Durations): Load['total']['latency'] => ({
  p50_ms: ms(durations.quantile(0.5)),
  p95_ms: ms(durations.quantile(0.95)),
  p99_ms: ms(durations.quantile(0.99)),
});

const counted = (entries: readonly [string, number][]) =>
  entries
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, mostWords)
    .map(([name, count]) => ({ name, count }));

/** What this process does and refuses, since it started. */
export const loadOf = ({ readings }: Metrics, history: LoadHistory): Load => {
  const { requests, queries } = readings;
  const total = requests.total();
  const classes = requests.byClass();
  const flying = readings.in_flight();
  return {
    total: {
      requests: total.durations.count,
      refused: classes.get('4xx') ?? 0,
      failed: total.failed,
      latency: latency(total.durations),
    },
    in_flight: {
      now: flying?.load ?? 0,
      most: flying?.limits.all ?? 0,
      waiting: flying?.waiting ?? 0,
      most_waiting: flying?.limits.waiting ?? 0,
      rejected: flying?.turnedAway ?? 0,
    },
    bulkheads: (flying?.bulkheads() ?? []).map((one) => ({ ...one, most: flying?.limits.each ?? 0 })),
    routes: requests
      .byRoute()
      .slice(0, mostRoutes)
      .map(({ method, route, refused, failed, durations }) => ({
        ...{ method, route, requests: durations.count, refused, failed },
        latency: latency(durations),
      })),
    limits: counted(readings.limited.entries()),
    errors: counted(readings.errors.entries()),
    alerts: counted(readings.alerts.entries()),
    database: { queries: queries.count, latency: latency(queries) },
    step_s: history.step_s,
    steps: history.steps.map(({ at, requests: count, failed, p95_s }) => ({
      ...{ at: at.toISOString(), requests: count, failed },
      p95_ms: ms(p95_s),
    })),
  };
};
