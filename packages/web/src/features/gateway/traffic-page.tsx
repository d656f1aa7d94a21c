// biome-ignore-all lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard.
import { gatewayHours, gatewayStats, type OutputOf } from '@atrium/protocol';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { X } from 'lucide-react';
import { type ReactNode, useMemo } from 'react';
import { LoadError } from '../../app/load-error.tsx';
import { useOperation } from '../../data/operations.ts';
import { Badge } from '../../ui/badge.tsx';
import { Chart } from '../../ui/chart.tsx';
import { cx } from '../../ui/class-names.ts';
import { EmptyState } from '../../ui/empty-state.tsx';
import { PrincipalMark } from '../../ui/identity-mark.tsx';
import { PageHeader } from '../../ui/page-header.tsx';
import { Skeleton } from '../../ui/skeleton.tsx';
import { Segmented } from '../../ui/tabs.tsx';
import { TrafficTabs } from './gateway-tabs.tsx';
import { bytes, milliseconds } from './gateway-words.ts';
import { type Span, spans, usualSpan } from './route-search.ts';
import {
  byApp,
  byPrincipal,
  type DaySeries,
  daySeries,
  lastDays,
  type Metric,
  ofHours,
  type Sum,
  total,
} from './traffic-figures.ts';

type Stats = OutputOf<typeof gatewayStats>;

const count = (value: number): string => value.toLocaleString('en');
const share = (part: number, whole: number): string =>
  whole === 0 ? '0 %' : `${((part / whole) * 100).toLocaleString('en', { maximumFractionDigits: 1 })} %`;
const spanWords: Record<Span, string> = { 1: 'Today', 7: '7 days', 30: '30 days', 90: '90 days' };
const askAgainMs = 30_000;
const mostRows = 8;
const none: readonly string[] = [];

/** How much went through to which app, and by whom. */
export const TrafficPage = () => {
  const { days = usualSpan, app, show: metric = 'requests' } = useSearch({ from: '/frame/traffic' });
  const navigate = useNavigate();
  const stats = useOperation(
    gatewayStats,
    { days, ...(app ? { app } : {}) },
    { keepPrevious: true, refetchInterval: askAgainMs },
  );
  const show = (next: { days?: Span; app?: string | undefined; metric?: Metric }) => {
    const search = { days, app, metric, ...next };
    void navigate({
      to: '/traffic',
      search: {
        days: search.days === usualSpan ? undefined : search.days,
        app: search.app,
        show: search.metric === 'requests' ? undefined : search.metric,
      },
      replace: true,
    });
  };
  const targets = stats.data?.targets;
  return (
    <>
      <PageHeader
        title="Traffic"
        tabs={<TrafficTabs />}
        tools={
          targets &&
          targets.healthy + targets.unhealthy > 0 && (
            <Badge dot tone={targets.unhealthy > 0 ? 'danger' : 'success'}>
              <span className="tabular">
                {targets.unhealthy > 0
                  ? `${targets.unhealthy} of ${targets.healthy + targets.unhealthy}`
                  : targets.healthy}
              </span>{' '}
              {targets.unhealthy > 0 ? 'targets down' : 'targets healthy'}
            </Badge>
          )
        }
        filters={
          <div className="flex items-center gap-2">
            <Segmented
              label="Span"
              value={String(days)}
              onChange={(next) => show({ days: Number(next) as Span })}
              options={spans.map((span) => ({ value: String(span), label: spanWords[span] }))}
            />
            {app && (
              <button
                type="button"
                onClick={() => show({ app: undefined })}
                className="inline-flex h-7 shrink-0 items-center gap-1 rounded-full border border-accent-line bg-accent-soft px-2.5 text-13 font-medium text-text touch:h-9"
              >
                <span className="sr-only">Take off the filter: </span>
                {app}
                <X aria-hidden className="size-3.5 text-text-3" />
              </button>
            )}
          </div>
        }
      />
      <div className="min-h-0 flex-1 overflow-y-auto">
        {stats.data ? (
          <Body
            stats={stats.data}
            days={days}
            app={app}
            metric={metric}
            onMetric={(next) => show({ metric: next })}
            onApp={(next) => show({ app: next })}
          />
        ) : stats.error ? (
          <LoadError error={stats.error} retry={stats.refetch} />
        ) : (
          <div role="status" aria-label="Loading" className="flex max-w-[1240px] flex-col gap-8 px-4 py-6 md:px-6">
            <Skeleton className="h-[98px] w-full" />
            <Skeleton className="h-[200px] w-full" />
            <Skeleton className="h-[240px] w-full" />
          </div>
        )}
      </div>
    </>
  );
};

const metricWords: Record<Metric, { title: string; unit: string; say: (value: number) => string }> = {
  requests: { title: 'Requests', unit: 'by app', say: count },
  errors: { title: 'Failed', unit: 'answers 5xx by app', say: count },
  sent: { title: 'Sent', unit: 'bytes by app', say: bytes },
  latency: { title: 'Latency', unit: 'mean in ms by app', say: milliseconds },
};
const hoursShown = 24;

const Body = ({
  stats,
  days,
  app,
  metric,
  onMetric,
  onApp,
}: {
  stats: Stats;
  days: Span;
  app: string | undefined;
  metric: Metric;
  onMetric: (metric: Metric) => void;
  onApp: (app: string) => void;
}) => {
  const sum = total(stats.days);
  const dates = useMemo(() => lastDays(days, Date.now()), [days]);
  const byHour = days === 1;
  const hours = useOperation(
    gatewayHours,
    { hours: hoursShown, ...(app ? { app } : {}) },
    { enabled: byHour, keepPrevious: true, refetchInterval: askAgainMs },
  ).data;
  const steps = byHour ? (hours?.hours ?? none) : dates;
  const chart = useMemo(
    () => daySeries(byHour ? ofHours(hours?.items ?? []) : stats.days, steps, metric),
    [byHour, hours, stats.days, steps, metric],
  );
  const apps = byApp(stats.days);
  const people = byPrincipal(stats.days);
  const { title, unit, say } = metricWords[metric];
  const aside = byHour ? `${unit} and hour` : `${unit} and day`;
  if (stats.routes === 0 && sum.requests === 0)
    return (
      <EmptyState title="Nothing leads anywhere yet" docs={{ href: '/api/docs', label: 'How routes are made' }}>
        Once there is a route, what goes through it is counted here by day, app and person. No path and no content is
        kept.
      </EmptyState>
    );
  return (
    <div className="flex max-w-[1240px] flex-col gap-9 px-4 py-6 md:px-6">
      <Choice
        label="Figure of the chart"
        value={metric}
        onChange={onMetric}
        options={[
          {
            value: 'requests',
            label: 'Requests',
            figure: count(sum.requests),
            detail: `to ${apps.length === 1 ? 'one app' : `${apps.length} apps`}`,
          },
          {
            value: 'errors',
            label: 'Failed',
            figure: share(sum.errors, sum.requests),
            detail: `${count(sum.errors)} answers 5xx`,
            bad: sum.errors > sum.requests / 50,
          },
          { value: 'sent', label: 'Sent', figure: bytes(sum.bytes_out), detail: `${bytes(sum.bytes_in)} received` },
          {
            value: 'latency',
            label: 'Latency',
            figure: milliseconds(sum.mean_ms),
            detail: `on average over ${stats.routes === 1 ? 'one route' : `${count(stats.routes)} routes`}`,
          },
        ]}
      />
      {sum.requests === 0 ? (
        <p className="grid h-40 place-items-center rounded-card border border-dashed border-line px-4 text-center text-13 text-text-3">
          Nothing went through in this time.
        </p>
      ) : (
        <>
          {steps.length > 0 && (
            <div className="grid gap-x-10 gap-y-6 xl:grid-cols-[minmax(0,1fr)_minmax(0,360px)]">
              <Panel title={title} aside={aside}>
                {chart.series.length === 0 ? (
                  <p className="grid h-[240px] place-items-center text-13 text-text-3">Nothing failed in this time.</p>
                ) : (
                  <Chart
                    label={`${title}, ${aside}`}
                    times={chart.times}
                    series={chart.series}
                    height={240}
                    sync="traffic"
                  />
                )}
              </Panel>
              <StepTable title={title} first={byHour ? 'Hour' : 'Day'} steps={steps} chart={chart} say={say} />
            </div>
          )}
          <div className="grid gap-x-10 gap-y-9 lg:grid-cols-[minmax(0,1.35fr)_minmax(0,1fr)]">
            <Panel
              title="Apps"
              aside={
                <Link to="/traffic/log" className="quiet-link">
                  Access log
                </Link>
              }
            >
              <Sums
                first="App"
                rows={apps.map((row) => ({
                  key: row.app,
                  ...row,
                  name: (
                    <button
                      type="button"
                      onClick={() => onApp(row.app)}
                      className="max-w-full truncate rounded-[3px] text-left text-text hover:underline"
                    >
                      {row.app}
                    </button>
                  ),
                }))}
              />
            </Panel>
            <Panel title="Who">
              <Sums
                first="Who"
                few
                rows={people.map(({ principal, ...row }) => ({
                  key: principal?.id ?? principal?.type ?? 'stranger',
                  ...row,
                  name: principal ? (
                    <span className="flex min-w-0 items-center gap-2">
                      <PrincipalMark
                        type={principal.type}
                        id={principal.id ?? principal.name}
                        name={principal.name}
                        size={18}
                      />
                      <span dir="auto" className="truncate">
                        {principal.name}
                      </span>
                    </span>
                  ) : (
                    <span className="text-text-2">Strangers</span>
                  ),
                }))}
              />
            </Panel>
          </div>
        </>
      )}
    </div>
  );
};

const Sums = ({
  first,
  rows,
  few,
}: {
  first: string;
  rows: readonly (Sum & { key: string; name: ReactNode })[];
  few?: boolean;
}) => {
  const most = Math.max(1, ...rows.map(({ requests }) => requests));
  return (
    <table className="w-full table-fixed text-13">
      <thead className="text-12 text-text-3">
        <tr className="border-b border-line">
          <th scope="col" className="py-2 text-start font-medium">
            {first}
          </th>
          <Heading>Requests</Heading>
          <Heading narrow={!few}>Failed</Heading>
          <Heading narrow>Sent</Heading>
          {!few && <Heading narrow>Mean</Heading>}
        </tr>
      </thead>
      <tbody className="divide-y divide-line">
        {rows.slice(0, mostRows).map((row) => (
          <tr key={row.key}>
            <th scope="row" className="py-1.5 pr-3 text-start font-normal">
              <span className="flex min-w-0">{row.name}</span>
              <span aria-hidden className="mt-1 block h-0.5 rounded-full bg-active">
                <span
                  className="block h-full rounded-full bg-accent"
                  style={{ width: `${(row.requests / most) * 100}%` }}
                />
              </span>
            </th>
            <Cell>{count(row.requests)}</Cell>
            <Cell narrow={!few} bad={row.errors > row.requests / 50}>
              {share(row.errors, row.requests)}
            </Cell>
            <Cell narrow>{bytes(row.bytes_out)}</Cell>
            {!few && <Cell narrow>{milliseconds(row.mean_ms)}</Cell>}
          </tr>
        ))}
      </tbody>
      {rows.length > mostRows && (
        <tfoot>
          <tr>
            <td colSpan={5} className="pt-2 text-12 text-text-3">
              and {rows.length - mostRows} more
            </td>
          </tr>
        </tfoot>
      )}
    </table>
  );
};

const Heading = ({ narrow, children }: { narrow?: boolean; children: ReactNode }) => (
  <th scope="col" className={cx('w-[88px] py-2 pl-3 text-end font-medium', narrow && 'max-sm:hidden')}>
    {children}
  </th>
);
const Cell = ({ narrow, bad, children }: { narrow?: boolean; bad?: boolean; children: ReactNode }) => (
  <td
    className={cx(
      'tabular py-1.5 pl-3 text-end align-top whitespace-nowrap',
      bad ? 'font-medium text-danger-text' : 'text-text-2',
      narrow && 'max-sm:hidden',
    )}
  >
    {children}
  </td>
);

interface ChoiceOption {
  value: Metric;
  label: string;
  figure: string;
  detail: string;
  bad?: boolean;
}

/** The sums, each of which is also the choice of what the chart tells. */
const Choice = ({
  options,
  value,
  onChange,
  label,
}: {
  options: readonly ChoiceOption[];
  value: Metric;
  onChange: (value: Metric) => void;
  label: string;
}) => (
  <fieldset className="grid grid-cols-2 gap-px overflow-hidden rounded-card border border-line bg-line xl:grid-cols-4">
    <legend className="sr-only">{label}</legend>
    {options.map((option) => (
      <label
        key={option.value}
        className="relative min-w-0 bg-surface px-4 py-3.5 transition-colors before:absolute before:inset-x-0 before:top-0 before:h-0.5 hover:bg-raised has-checked:before:bg-accent has-focus-visible:outline-2 has-focus-visible:-outline-offset-2 has-focus-visible:outline-focus"
      >
        <input
          type="radio"
          name="traffic-figure"
          className="sr-only"
          value={option.value}
          checked={option.value === value}
          onChange={() => onChange(option.value)}
        />
        <span className={cx('block text-12', option.value === value ? 'font-medium text-text' : 'text-text-3')}>
          {option.label}
        </span>
        <span
          className={cx(
            'tabular block truncate pt-0.5 text-28 font-semibold max-sm:text-20',
            option.bad && 'text-danger-text',
          )}
        >
          {option.figure}
        </span>
        <span className="tabular block truncate text-12 text-text-3">{option.detail}</span>
      </label>
    ))}
  </fieldset>
);

/** The chart in numbers, the newest first. */
const StepTable = ({
  title,
  first,
  steps,
  chart,
  say,
}: {
  title: string;
  first: string;
  steps: readonly string[];
  chart: DaySeries;
  say: (value: number) => string;
}) => {
  const shown = (value: number | null | undefined): string => (value == null ? '–' : say(value));
  return (
    <section
      tabIndex={0}
      aria-label={`${title} in numbers`}
      className="max-h-[276px] min-w-0 overflow-auto rounded-card"
    >
      <table className="w-full text-12">
        <thead className="sticky top-0 bg-surface text-text-3">
          <tr className="hairline-b">
            <th scope="col" className="py-2 pr-3 text-start font-medium">
              {first}
            </th>
            <th scope="col" className="py-2 pl-3 text-end font-medium">
              All
            </th>
            {chart.series.map(({ label }) => (
              <th key={label} scope="col" className="max-w-24 truncate py-2 pl-3 text-end font-medium">
                {label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody className="divide-y divide-line">
          {steps
            .map((step, index) => (
              <tr key={step}>
                <th scope="row" className="py-1.5 pr-3 text-start font-normal whitespace-nowrap text-text-2">
                  {stepName(step)}
                </th>
                <td className="py-1.5 pl-3 text-end font-medium whitespace-nowrap text-text">
                  {shown(chart.all[index])}
                </td>
                {chart.series.map(({ label, values }) => (
                  <td key={label} className="py-1.5 pl-3 text-end whitespace-nowrap text-text-2">
                    {shown(values[index])}
                  </td>
                ))}
              </tr>
            ))
            .toReversed()}
        </tbody>
      </table>
    </section>
  );
};

const stepName = (step: string): string =>
  step.includes('T')
    ? new Date(step).toLocaleString('en-GB', { weekday: 'short', hour: '2-digit', minute: '2-digit' })
    : new Date(`${step}T00:00:00`).toLocaleDateString('en-GB', { weekday: 'short', day: 'numeric', month: 'short' });

const Panel = ({ title, aside, children }: { title: string; aside?: ReactNode; children: ReactNode }) => (
  <section aria-label={title} className="min-w-0">
    <div className="mb-2 flex items-baseline justify-between gap-3">
      <h2 className="text-14 font-semibold">{title}</h2>
      {aside && <span className="tabular text-12 text-text-3">{aside}</span>}
    </div>
    {children}
  </section>
);
