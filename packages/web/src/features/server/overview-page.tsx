import { type OutputOf, serverCapabilities, serverOverview } from '@atrium/protocol';
import { Link } from '@tanstack/react-router';
import { type ReactNode, useMemo, useState } from 'react';
import { LoadError } from '../../app/load-error.tsx';
import { useOperation } from '../../data/operations.ts';
import { Dot } from '../../ui/badge.tsx';
import { Chart } from '../../ui/chart.tsx';
import { cx } from '../../ui/class-names.ts';
import { AgentMark } from '../../ui/identity-mark.tsx';
import { useNow } from '../../ui/now.ts';
import { RelativeTime } from '../../ui/relative-time.tsx';
import { Skeleton } from '../../ui/skeleton.tsx';
import { Segmented } from '../../ui/tabs.tsx';
import { duration } from '../../ui/time-format.ts';
import { ServerHeader } from './server-header.tsx';
import { shortId } from './server-words.ts';

type Overview = OutputOf<typeof serverOverview>;
type Period = '24' | '168' | '720';

const periods = [
  { value: '24', label: '24 h' },
  { value: '168', label: '7 days' },
  { value: '720', label: '30 days' },
] as const;

/** Tokens come and go without an event for each. */
const askAgainMs = 15_000;

/** The server at one glance: what lives on it, what happened, what runs. */
export const OverviewPage = () => {
  const [hours, setHours] = useState<Period>('24');
  const overview = useOperation(
    serverOverview,
    { hours: Number(hours) },
    { keepPrevious: true, refetchInterval: askAgainMs },
  );
  return (
    <div className="min-h-0 flex-1 overflow-y-auto">
      <ServerHeader
        title="Overview"
        tools={<Segmented label="Period" value={hours} onChange={setHours} options={periods} />}
      />
      <div
        className={cx(
          'mx-auto max-w-[1240px] px-4 py-6 transition-opacity md:px-6 md:py-7',
          overview.isPlaceholderData && 'opacity-60',
        )}
      >
        {overview.data ? (
          <Body overview={overview.data} />
        ) : overview.error ? (
          <LoadError error={overview.error} retry={overview.refetch} />
        ) : (
          <BodySkeleton />
        )}
      </div>
    </div>
  );
};

const Body = ({ overview }: { overview: Overview }) => {
  const { totals } = overview;
  const series = useSeries(overview.hours);
  const last = overview.hours.at(-1);
  const issued = overview.hours.reduce((sum, hour) => sum + hour.tokens_issued, 0);
  const failed = overview.hours.reduce((sum, hour) => sum + hour.client_failures + hour.sign_ins_failed, 0);
  return (
    <div className="flex flex-col gap-9">
      <dl className="grid grid-cols-2 gap-px overflow-hidden rounded-card border border-line bg-line md:grid-cols-3 xl:grid-cols-6">
        <Figure
          to="/server/tokens"
          label="Live tokens"
          value={totals.live_tokens}
          detail={`${last?.tokens_issued ?? 0} this hour`}
        />
        <Figure
          to="/server/clients"
          label="Clients"
          value={totals.clients}
          detail={
            totals.clients === totals.clients_enabled
              ? 'all enabled'
              : `${totals.clients - totals.clients_enabled} disabled`
          }
        />
        <Figure to="/server/grants" label="Grants" value={totals.live_grants} detail="allowed by people" />
        <Figure
          to="/server/people"
          label="People"
          value={totals.users}
          detail={`${totals.operators} ${totals.operators === 1 ? 'operator' : 'operators'}, ${totals.orgs} orgs`}
        />
        <Figure to="/server/sessions" label="Sessions" value={totals.live_sessions} detail="signed in now" />
        <Figure
          to="/server/device-codes"
          label="Device codes"
          value={totals.pending_device_codes}
          detail="waiting for a person"
        />
      </dl>
      <div className="grid gap-x-10 gap-y-9 lg:grid-cols-[minmax(0,1fr)_320px]">
        <div className="flex min-w-0 flex-col gap-9">
          <Panel title="Tokens issued" aside={`${issued.toLocaleString('en')} in this period`}>
            {issued === 0 ? (
              <Nothing>No token was issued in this period.</Nothing>
            ) : (
              <Chart
                label="Tokens issued by the hour"
                times={series.times}
                series={series.tokens}
                kind="bars"
                height={200}
                sync="server"
              />
            )}
          </Panel>
          <Panel title="Sign-ins" aside="good and refused">
            <Chart
              label="Sign-ins by the hour"
              times={series.times}
              series={series.signIns}
              height={170}
              sync="server"
            />
          </Panel>
          <Panel title="Refused" aside={failed === 0 ? 'nothing failed' : `${failed.toLocaleString('en')} failures`}>
            <Chart
              label="Refusals by the hour"
              times={series.times}
              series={series.refused}
              height={170}
              sync="server"
            />
          </Panel>
        </div>
        <div className="flex min-w-0 flex-col gap-8">
          <Process overview={overview} />
          {overview.signing_key && <SigningKey signingKey={overview.signing_key} />}
          <TopClients rows={overview.top_clients} />
          <Capabilities />
        </div>
      </div>
    </div>
  );
};

const useSeries = (hours: Overview['hours']) =>
  useMemo(() => {
    const of = (member: Exclude<keyof Overview['hours'][number], 'at'>) => hours.map((hour) => hour[member]);
    return {
      times: hours.map((hour) => Date.parse(hour.at) / 1000),
      tokens: [{ label: 'Issued', values: of('tokens_issued'), tone: 'accent' as const }],
      signIns: [
        { label: 'Good', values: of('sign_ins'), tone: 'success' as const },
        { label: 'Refused', values: of('sign_ins_failed'), tone: 'danger' as const },
      ],
      refused: [
        { label: 'Clients', values: of('client_failures'), tone: 'warning' as const },
        { label: 'Revoked', values: of('tokens_revoked'), tone: 'quiet' as const },
        { label: 'Denied', values: of('refused'), tone: 'danger' as const },
      ],
    };
  }, [hours]);

const Figure = ({ to, label, value, detail }: { to: string; label: string; value: number; detail: string }) => (
  <div className="relative bg-surface transition-colors hover:bg-hover">
    <dt className="px-4 pt-3.5 text-12 text-text-3">
      <Link to={to} className="-outline-offset-2 rounded-[3px] after:absolute after:inset-0">
        {label}
      </Link>
    </dt>
    <dd className="tabular px-4 pt-0.5 text-28 font-semibold">{value.toLocaleString('en')}</dd>
    <dd className="tabular truncate px-4 pb-3.5 text-12 text-text-3">{detail}</dd>
  </div>
);

const Panel = ({ title, aside, children }: { title: string; aside?: ReactNode; children: ReactNode }) => (
  <section aria-label={title} className="min-w-0">
    <div className="mb-2.5 flex items-baseline justify-between gap-3">
      <h2 className="text-14 font-semibold">{title}</h2>
      {aside && <span className="tabular text-12 text-text-3">{aside}</span>}
    </div>
    {children}
  </section>
);

const Nothing = ({ children }: { children: ReactNode }) => (
  <p className="grid h-28 place-items-center rounded-card border border-dashed border-line text-13 text-text-3">
    {children}
  </p>
);

const Line = ({ label, value }: { label: string; value: ReactNode }) => (
  <div className="flex items-baseline justify-between gap-3 py-1.5 text-13">
    <dt className="text-text-2">{label}</dt>
    <dd className="tabular min-w-0 truncate font-medium text-text">{value}</dd>
  </div>
);

const Process = ({ overview }: { overview: Overview }) => {
  const now = useNow();
  return (
    <Panel title="This server">
      <dl className="divide-y divide-line border-y border-line">
        <Line
          label="State"
          value={
            <span className="inline-flex items-center gap-1.5">
              <Dot tone="success" /> Running
            </span>
          }
        />
        <Line label="Up for" value={duration(Math.max(1000, now - Date.parse(overview.started_at)))} />
        <Line label="Version" value={overview.version} />
        <Line label="Denied ranges" value={overview.totals.denied_ranges.toLocaleString('en')} />
        <Line label="Agents" value={overview.totals.agents.toLocaleString('en')} />
      </dl>
    </Panel>
  );
};

const SigningKey = ({ signingKey }: { signingKey: NonNullable<Overview['signing_key']> }) => {
  const now = useNow();
  const [from, until] = [Date.parse(signingKey.activated_at), Date.parse(signingKey.rotates_at)];
  const share = Math.min(1, Math.max(0.01, (now - from) / (until - from)));
  return (
    <Panel
      title="Signing key"
      aside={
        <Link to="/server/keys" className="quiet-link">
          All keys
        </Link>
      }
    >
      <div className="rounded-card border border-line px-4 py-3">
        <p className="flex items-baseline justify-between gap-3 text-13">
          <code className="truncate text-text">{shortId(signingKey.kid)}</code>
          <span className="text-text-3">{signingKey.alg}</span>
        </p>
        <div aria-hidden className="mt-2.5 h-1.5 overflow-hidden rounded-full bg-active">
          <div className="h-full rounded-full bg-accent" style={{ width: `${share * 100}%` }} />
        </div>
        <p className="mt-2 text-12 text-text-3">
          Signs since <RelativeTime time={signingKey.activated_at} />, rotates{' '}
          <RelativeTime time={signingKey.rotates_at} />
        </p>
      </div>
    </Panel>
  );
};

const TopClients = ({ rows }: { rows: Overview['top_clients'] }) => {
  const most = Math.max(1, ...rows.map((row) => row.live_tokens));
  return (
    <Panel title="Most live tokens">
      {rows.length === 0 ? (
        <p className="text-13 text-text-3">No client holds a token now.</p>
      ) : (
        <ul className="flex flex-col gap-2.5">
          {rows.map((row) => (
            <li key={row.client_id}>
              <Link to="/server/tokens" search={{ client: row.client_id }} className="group block rounded-control">
                <span className="flex items-center gap-2 text-13">
                  <AgentMark id={row.client_id} name={row.name} size={18} />
                  <span dir="auto" className="min-w-0 flex-1 truncate text-start text-text group-hover:underline">
                    {row.name}
                  </span>
                  <span className="tabular text-text-2">{row.live_tokens.toLocaleString('en')}</span>
                </span>
                <span aria-hidden className="mt-1 block h-1 rounded-full bg-active">
                  <span
                    className="block h-full rounded-full bg-accent"
                    style={{ width: `${Math.max(2, (row.live_tokens / most) * 100)}%` }}
                  />
                </span>
              </Link>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
};

const Capabilities = () => {
  const { data } = useOperation(serverCapabilities, {});
  if (!data) return null;
  return (
    <Panel title="Optional parts">
      <ul className="divide-y divide-line border-y border-line">
        {data.items.map((item) => (
          <li key={item.name} className="flex items-start gap-2.5 py-2 text-13">
            <Dot tone={item.on ? 'success' : 'neutral'} className="mt-[7px]" />
            <span className="min-w-0">
              <span className="block font-medium text-text">
                {item.name}
                <span className="sr-only">{item.on ? ', on' : ', off'}</span>
              </span>
              <span className="block text-12 text-text-3">{item.detail}</span>
              {item.setting && !item.on && <code className="block truncate text-12 text-text-3">{item.setting}</code>}
            </span>
          </li>
        ))}
      </ul>
    </Panel>
  );
};

const BodySkeleton = () => (
  <div role="status" aria-label="Loading" className="flex flex-col gap-9">
    <Skeleton className="h-[98px] w-full" />
    <div className="grid gap-10 lg:grid-cols-[minmax(0,1fr)_320px]">
      <div className="flex flex-col gap-9">
        <Skeleton className="h-[200px] w-full" />
        <Skeleton className="h-[170px] w-full" />
      </div>
      <div className="flex flex-col gap-3">
        {['a', 'b', 'c', 'd', 'e', 'f'].map((key) => (
          <Skeleton key={key} className="h-8 w-full" />
        ))}
      </div>
    </div>
  </div>
);
