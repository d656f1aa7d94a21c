import { gatewayStats, type OutputOf } from '@atrium/protocol';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { X } from 'lucide-react';
import { type ReactNode, useMemo } from 'react';
import { LoadError } from '../../app/load-error.tsx';
import { useOperation } from '../../data/operations.ts';
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
import { byApp, byPrincipal, daySeries, lastDays, type Sum, total } from './traffic-figures.ts';

type Stats = OutputOf<typeof gatewayStats>;

const count = (value: number): string => value.toLocaleString('en');
const share = (part: number, whole: number): string =>
  whole === 0 ? '0 %' : `${((part / whole) * 100).toLocaleString('en', { maximumFractionDigits: 1 })} %`;
const spanWords: Record<Span, string> = { 1: 'Today', 7: '7 days', 30: '30 days', 90: '90 days' };
const askAgainMs = 30_000;
const mostRows = 8;

/** How much went through to which app, and by whom. */
export const TrafficPage = () => {
  const { days = usualSpan, app } = useSearch({ from: '/frame/traffic' });
  const navigate = useNavigate();
  const stats = useOperation(
    gatewayStats,
    { days, ...(app ? { app } : {}) },
    { keepPrevious: true, refetchInterval: askAgainMs },
  );
  const show = (next: { days?: Span; app?: string | undefined }) => {
    const search = { days, app, ...next };
    void navigate({
      to: '/traffic',
      search: { days: search.days === usualSpan ? undefined : search.days, app: search.app },
      replace: true,
    });
  };
  return (
    <>
      <PageHeader
        title="Traffic"
        tabs={<TrafficTabs />}
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
          <Body stats={stats.data} days={days} onApp={(next) => show({ app: next })} />
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

const Body = ({ stats, days, onApp }: { stats: Stats; days: Span; onApp: (app: string) => void }) => {
  const sum = total(stats.days);
  const dates = useMemo(() => lastDays(days, Date.now()), [days]);
  const chart = useMemo(() => daySeries(stats.days, dates), [stats.days, dates]);
  const errors = useMemo(() => [{ label: 'Failed', values: chart.errors, tone: 'danger' as const }], [chart.errors]);
  const apps = byApp(stats.days);
  const people = byPrincipal(stats.days);
  if (stats.routes === 0 && sum.requests === 0)
    return (
      <EmptyState title="Nothing leads anywhere yet" docs={{ href: '/api/docs', label: 'How routes are made' }}>
        Once there is a route, what goes through it is counted here by day, app and person. No path and no content is
        kept.
      </EmptyState>
    );
  return (
    <div className="flex max-w-[1240px] flex-col gap-9 px-4 py-6 md:px-6">
      <dl className="grid grid-cols-2 gap-px overflow-hidden rounded-card border border-line bg-line xl:grid-cols-4">
        <Figure
          label="Requests"
          value={count(sum.requests)}
          detail={`to ${apps.length === 1 ? 'one app' : `${apps.length} apps`}`}
        />
        <Figure
          label="Failed"
          value={share(sum.errors, sum.requests)}
          detail={`${count(sum.errors)} answers 5xx`}
          bad={sum.errors > sum.requests / 50}
        />
        <Figure label="Sent" value={bytes(sum.bytes_out)} detail={`${bytes(sum.bytes_in)} received`} />
        <Figure
          label="Targets"
          value={
            stats.targets.unhealthy > 0 ? `${stats.targets.unhealthy} down` : `${count(stats.targets.healthy)} healthy`
          }
          detail={`${stats.routes === 1 ? 'one route' : `${count(stats.routes)} routes`}, ${milliseconds(sum.mean_ms)} on average`}
          bad={stats.targets.unhealthy > 0}
        />
      </dl>
      {sum.requests === 0 ? (
        <p className="grid h-40 place-items-center rounded-card border border-dashed border-line px-4 text-center text-13 text-text-3">
          Nothing went through in this time.
        </p>
      ) : (
        <>
          {days > 1 && (
            <>
              <Panel title="Requests" aside="a day, by app">
                <Chart
                  label="Requests a day by app"
                  times={chart.times}
                  series={chart.series}
                  height={200}
                  sync="traffic"
                />
              </Panel>
              {sum.errors > 0 && (
                <Panel title="Failed" aside="answers 5xx a day">
                  <Chart
                    label="Failed requests a day"
                    times={chart.times}
                    series={errors}
                    height={110}
                    sync="traffic"
                  />
                </Panel>
              )}
            </>
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

const Figure = ({ label, value, detail, bad }: { label: string; value: string; detail: string; bad?: boolean }) => (
  <div className="min-w-0 bg-surface">
    <dt className="px-4 pt-3.5 text-12 text-text-3">{label}</dt>
    <dd className={cx('tabular truncate px-4 pt-0.5 text-28 font-semibold max-sm:text-20', bad && 'text-danger-text')}>
      {value}
    </dd>
    <dd className="tabular truncate px-4 pb-3.5 text-12 text-text-3">{detail}</dd>
  </div>
);

const Panel = ({ title, aside, children }: { title: string; aside?: ReactNode; children: ReactNode }) => (
  <section aria-label={title} className="min-w-0">
    <div className="mb-2 flex items-baseline justify-between gap-3">
      <h2 className="text-14 font-semibold">{title}</h2>
      {aside && <span className="tabular text-12 text-text-3">{aside}</span>}
    </div>
    {children}
  </section>
);
