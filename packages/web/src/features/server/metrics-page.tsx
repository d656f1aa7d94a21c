import { type OutputOf, serverLoad } from '@atrium/protocol';
import { type ReactNode, useMemo, useState } from 'react';
import { LoadError } from '../../app/load-error.tsx';
import { useOperation } from '../../data/operations.ts';
import { Dot } from '../../ui/badge.tsx';
import { Chart } from '../../ui/chart.tsx';
import { cx } from '../../ui/class-names.ts';
import { SearchField } from '../../ui/search-field.tsx';
import { Skeleton } from '../../ui/skeleton.tsx';
import { Segmented } from '../../ui/tabs.tsx';
import { ServerHeader } from './server-header.tsx';

type Load = OutputOf<typeof serverLoad>;
type Route = Load['routes'][number];
type Order = 'requests' | 'slowest' | 'failing';

const askAgainMs = 5000;
/** From here on an objective of the token endpoint is missed. */
const slowMs = 500;
const firstRoutes = 15;

const count = (value: number): string => value.toLocaleString('en');
const perSecond = (value: number): string =>
  value.toLocaleString('en', { maximumFractionDigits: value < 10 ? 1 : 0, minimumFractionDigits: 0 });
const ms = (value: number | null): string =>
  value === null ? '–' : value < 10 ? `${value.toFixed(1)} ms` : `${count(Math.round(value))} ms`;
const share = (part: number, whole: number): string =>
  whole === 0 ? '0 %' : `${((part / whole) * 100).toLocaleString('en', { maximumFractionDigits: 2 })} %`;

/** How busy this process is, and what it turns away. */
export const MetricsPage = () => {
  const load = useOperation(serverLoad, {}, { keepPrevious: true, refetchInterval: askAgainMs });
  return (
    <div className="min-h-0 flex-1 overflow-y-auto">
      <ServerHeader title="Metrics" />
      <div className="mx-auto max-w-[1240px] px-4 py-6 md:px-6 md:py-7">
        {load.data ? (
          <Body load={load.data} />
        ) : load.error ? (
          <LoadError error={load.error} retry={load.refetch} />
        ) : (
          <BodySkeleton />
        )}
      </div>
    </div>
  );
};

const Body = ({ load }: { load: Load }) => {
  const last = load.steps.at(-1);
  const { in_flight: flight, total } = load;
  const turnedAway = flight.rejected + load.bulkheads.reduce((sum, one) => sum + one.rejected, 0);
  const limited = load.limits.reduce((sum, one) => sum + one.count, 0);
  return (
    <div className="flex flex-col gap-9">
      <dl className="grid grid-cols-2 gap-px overflow-hidden rounded-card border border-line bg-line md:grid-cols-3 xl:grid-cols-6">
        <Figure
          label="Requests a second"
          value={perSecond((last?.requests ?? 0) / load.step_s)}
          detail={`${count(total.requests)} since the start`}
        />
        <Figure
          label="Slowest 5 %"
          value={ms(total.latency.p95_ms)}
          detail={`half within ${ms(total.latency.p50_ms)}`}
          bad={(total.latency.p95_ms ?? 0) > slowMs}
        />
        <Figure
          label="Failed"
          value={share(total.failed, total.requests)}
          detail={`${count(total.failed)} answers 5xx`}
          bad={total.failed > total.requests / 1000}
        />
        <Figure label="In flight" value={count(flight.now)} detail={`of ${count(flight.most)} at once`} />
        <Figure label="Waiting" value={count(flight.waiting)} detail="streams and calls" />
        <Figure
          label="Turned away"
          value={count(turnedAway)}
          detail={`${count(limited)} by rate limits`}
          bad={turnedAway > 0}
        />
      </dl>
      <div className="grid gap-x-10 gap-y-9 lg:grid-cols-[minmax(0,1fr)_320px]">
        <div className="flex min-w-0 flex-col gap-9">
          <Charts load={load} />
        </div>
        <Bulkheads load={load} />
      </div>
      <Routes routes={load.routes} />
      <div className="grid gap-x-10 gap-y-9 md:grid-cols-2 xl:grid-cols-3">
        <Counts
          title="Rate limits"
          aside="refusals"
          rows={load.limits}
          nothing="No limit has refused anybody since the start."
        />
        <Counts title="Problems" aside="answers by code" rows={load.errors} nothing="No problem was answered." />
        <Database load={load} />
      </div>
      <p className="max-w-[72ch] text-12 text-pretty text-text-3">
        Figures of the process that answered, since it started. All of them, for Prometheus, stand at{' '}
        <code>/metrics</code>; alert rules and dashboards lie in <code>deploy</code>.
      </p>
    </div>
  );
};

const Charts = ({ load }: { load: Load }) => {
  const series = useMemo(
    () => ({
      times: load.steps.map((step) => Date.parse(step.at) / 1000),
      requests: [
        { label: 'Answered', values: load.steps.map((step) => step.requests / load.step_s), tone: 'accent' as const },
        { label: 'Failed', values: load.steps.map((step) => step.failed / load.step_s), tone: 'danger' as const },
      ],
      latency: [{ label: 'Slowest 5 %', values: load.steps.map((step) => step.p95_ms), tone: 'info' as const }],
    }),
    [load.steps, load.step_s],
  );
  if (load.steps.length < 2)
    return (
      <Panel title="The last half hour">
        <p className="grid h-28 place-items-center rounded-card border border-dashed border-line text-13 text-text-3">
          The first figures come half a minute after the start.
        </p>
      </Panel>
    );
  return (
    <>
      <Panel title="Requests" aside="a second, the last half hour">
        <Chart label="Requests a second" times={series.times} series={series.requests} height={180} sync="load" />
      </Panel>
      <Panel title="Latency" aside="95 of 100 are faster">
        <Chart
          label="Latency that 95 of 100 requests stay below"
          times={series.times}
          series={series.latency}
          height={150}
          unit="ms"
          sync="load"
        />
      </Panel>
    </>
  );
};

const orders = [
  { value: 'requests', label: 'Busiest' },
  { value: 'slowest', label: 'Slowest' },
  { value: 'failing', label: 'Failing' },
] as const;

const sorted = (routes: readonly Route[], order: Order): Route[] => {
  const by: Record<Order, (route: Route) => number> = {
    requests: (route) => route.requests,
    slowest: (route) => route.latency.p95_ms ?? 0,
    failing: (route) => route.failed + route.refused / 1_000_000,
  };
  return routes.toSorted((a, b) => by[order](b) - by[order](a));
};

const Routes = ({ routes }: { routes: readonly Route[] }) => {
  const [order, setOrder] = useState<Order>('requests');
  const [q, setQ] = useState('');
  const [all, setAll] = useState(false);
  const found = sorted(routes, order).filter(({ method, route }) =>
    `${method} ${route}`.toLowerCase().includes(q.trim().toLowerCase()),
  );
  const shown = all ? found : found.slice(0, firstRoutes);
  return (
    <Panel
      title="Routes"
      aside={`${count(routes.length)} asked for`}
      tools={
        <div className="mb-3 flex flex-wrap items-center gap-3">
          <Segmented label="Order" value={order} onChange={setOrder} options={orders} />
          <SearchField label="Find a route" value={q} onChange={setQ} className="max-md:w-full" />
        </div>
      }
    >
      {found.length === 0 ? (
        <p className="py-6 text-13 text-text-3">
          {routes.length === 0 ? 'Nothing was asked for since the start.' : `No route fits “${q}”.`}
        </p>
      ) : (
        <div className="overflow-hidden rounded-card border border-line">
          <table className="w-full text-13">
            <thead className="text-12 text-text-3">
              <tr className="border-b border-line">
                <th scope="col" className="px-4 py-2 text-start font-medium">
                  Route
                </th>
                <Heading>Requests</Heading>
                <Heading wide>Refused</Heading>
                <Heading>Failed</Heading>
                <Heading wide>p50</Heading>
                <Heading>p95</Heading>
                <Heading wide>p99</Heading>
              </tr>
            </thead>
            <tbody className="divide-y divide-line">
              {shown.map((route) => (
                <RouteRow key={`${route.method} ${route.route}`} route={route} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {found.length > shown.length && (
        <button type="button" onClick={() => setAll(true)} className="quiet-link mt-3 text-13">
          Show {count(found.length - shown.length)} more
        </button>
      )}
    </Panel>
  );
};

const Heading = ({ wide, children }: { wide?: boolean; children: ReactNode }) => (
  <th scope="col" className={cx('px-3 py-2 text-end font-medium last:pe-4', wide && 'max-xl:hidden')}>
    {children}
  </th>
);

const Cell = ({ wide, bad, children }: { wide?: boolean; bad?: boolean; children: ReactNode }) => (
  <td
    className={cx(
      'tabular px-3 py-2 text-end whitespace-nowrap last:pe-4',
      bad ? 'font-medium text-danger-text' : 'text-text-2',
      wide && 'max-xl:hidden',
    )}
  >
    {children}
  </td>
);

const RouteRow = ({ route }: { route: Route }) => (
  <tr data-route={route.route}>
    <th scope="row" className="max-w-0 min-w-40 px-4 py-2 text-start font-normal md:w-full">
      <span className="flex min-w-0 items-baseline gap-2">
        <span className="w-14 shrink-0 text-12 text-text-3 max-md:hidden">{route.method}</span>
        {route.route === 'unmatched' ? (
          <span className="truncate text-text-2">Files and unknown paths</span>
        ) : (
          <code className="truncate text-text" title={`${route.method} ${route.route}`}>
            {route.route}
          </code>
        )}
      </span>
    </th>
    <Cell>{count(route.requests)}</Cell>
    <Cell wide>{count(route.refused)}</Cell>
    <Cell bad={route.failed > 0}>{count(route.failed)}</Cell>
    <Cell wide>{ms(route.latency.p50_ms)}</Cell>
    <Cell bad={(route.latency.p95_ms ?? 0) > slowMs}>{ms(route.latency.p95_ms)}</Cell>
    <Cell wide>{ms(route.latency.p99_ms)}</Cell>
  </tr>
);

const bulkheadWords: Readonly<Record<string, string>> = {
  oauth: 'Authorization',
  api: 'REST',
  mcp: 'MCP',
  auth: 'Sign-in',
  v1: 'Models',
  apps: 'Apps',
  web: 'Pages and the rest',
};

const Bulkheads = ({ load }: { load: Load }) => (
  <Panel title="In flight" aside={`at most ${count(load.bulkheads[0]?.most ?? 0)} each`}>
    <ul className="flex flex-col gap-2.5">
      {load.bulkheads.map((one) => (
        <li key={one.name}>
          <span className="flex items-baseline gap-2 text-13">
            <span className="min-w-0 flex-1 truncate text-text">{bulkheadWords[one.name] ?? one.name}</span>
            {one.rejected > 0 && (
              <span className="tabular inline-flex items-center gap-1.5 text-12 text-text-2">
                <Dot tone="danger" /> {count(one.rejected)} turned away
              </span>
            )}
            <span className="tabular text-text-2">{count(one.now)}</span>
          </span>
          <span aria-hidden className="mt-1 block h-1 rounded-full bg-active">
            <span
              className={cx('block h-full rounded-full', one.now >= one.most ? 'bg-danger' : 'bg-accent')}
              style={{ width: `${Math.min(100, (one.now / Math.max(1, one.most)) * 100)}%` }}
            />
          </span>
        </li>
      ))}
    </ul>
  </Panel>
);

const Counts = ({
  title,
  aside,
  rows,
  nothing,
}: {
  title: string;
  aside: string;
  rows: Load['limits'];
  nothing: string;
}) => (
  <Panel title={title} aside={aside}>
    {rows.length === 0 ? (
      <p className="text-13 text-pretty text-text-3">{nothing}</p>
    ) : (
      <dl className="divide-y divide-line border-y border-line">
        {rows.slice(0, 12).map((row) => (
          <Line key={row.name} label={<code>{row.name}</code>} value={count(row.count)} />
        ))}
      </dl>
    )}
  </Panel>
);

const Database = ({ load }: { load: Load }) => (
  <Panel title="Database">
    <dl className="divide-y divide-line border-y border-line">
      <Line label="Statements" value={count(load.database.queries)} />
      <Line label="Half within" value={ms(load.database.latency.p50_ms)} />
      <Line label="95 of 100 within" value={ms(load.database.latency.p95_ms)} />
    </dl>
  </Panel>
);

const Figure = ({ label, value, detail, bad }: { label: string; value: string; detail: string; bad?: boolean }) => (
  <div className="bg-surface">
    <dt className="px-4 pt-3.5 text-12 text-text-3">{label}</dt>
    <dd className={cx('tabular px-4 pt-0.5 text-28 font-semibold', bad && 'text-danger-text')}>{value}</dd>
    <dd className="tabular truncate px-4 pb-3.5 text-12 text-text-3">{detail}</dd>
  </div>
);

const Panel = ({
  title,
  aside,
  tools,
  children,
}: {
  title: string;
  aside?: ReactNode;
  tools?: ReactNode;
  children: ReactNode;
}) => (
  <section aria-label={title} className="min-w-0">
    <div className="mb-2.5 flex items-baseline justify-between gap-3">
      <h2 className="text-14 font-semibold">{title}</h2>
      {aside && <span className="tabular text-12 text-text-3">{aside}</span>}
    </div>
    {tools}
    {children}
  </section>
);

const Line = ({ label, value }: { label: ReactNode; value: ReactNode }) => (
  <div className="flex items-baseline justify-between gap-3 py-1.5 text-13">
    <dt className="min-w-0 truncate text-text-2">{label}</dt>
    <dd className="tabular font-medium text-text">{value}</dd>
  </div>
);

const BodySkeleton = () => (
  <div role="status" aria-label="Loading" className="flex flex-col gap-9">
    <Skeleton className="h-[98px] w-full" />
    <div className="grid gap-10 lg:grid-cols-[minmax(0,1fr)_320px]">
      <div className="flex flex-col gap-9">
        <Skeleton className="h-[180px] w-full" />
        <Skeleton className="h-[150px] w-full" />
      </div>
      <div className="flex flex-col gap-3">
        {['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((key) => (
          <Skeleton key={key} className="h-7 w-full" />
        ))}
      </div>
    </div>
  </div>
);
