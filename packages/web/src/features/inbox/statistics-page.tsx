import { agentsList, inboxStats, itemLevels, type OutputOf } from '@atrium/protocol';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { type ReactNode, useMemo } from 'react';
import { sayError } from '../../data/client.ts';
import { useOperation } from '../../data/operations.ts';
import { Dot } from '../../ui/badge.tsx';
import { Chart } from '../../ui/chart.tsx';
import { cx } from '../../ui/class-names.ts';
import { FormError } from '../../ui/form-field.tsx';
import { Avatar, PrincipalMark } from '../../ui/identity-mark.tsx';
import { PageHeader } from '../../ui/page-header.tsx';
import { Skeleton } from '../../ui/skeleton.tsx';
import { Segmented } from '../../ui/tabs.tsx';
import { duration, useTimeZone } from '../../ui/time-format.ts';
import { levelTones, levelWords } from './item-words.ts';

type Stats = OutputOf<typeof inboxStats>;
type Tally = Stats['per_agent'][number];

const periods = [
  { value: '7', label: '7 days' },
  { value: '30', label: '30 days' },
  { value: '90', label: '90 days' },
] as const;

/** How much is asked, and how fast people answer. */
export const StatisticsPage = () => {
  const { days = 30 } = useSearch({ from: '/frame/statistics' });
  const navigate = useNavigate();
  const zone = useTimeZone();
  const time_zone = zone || Intl.DateTimeFormat().resolvedOptions().timeZone;
  const stats = useOperation(inboxStats, { days, time_zone }, { keepPrevious: true });
  return (
    <div className="min-h-0 flex-1 overflow-y-auto">
      <PageHeader
        title="Statistics"
        tools={
          <Segmented
            label="Period"
            value={String(days) as '7' | '30' | '90'}
            onChange={(next) =>
              void navigate({
                to: '/statistics',
                search: { days: next === '30' ? undefined : (Number(next) as 7 | 90) },
                replace: true,
              })
            }
            options={periods}
          />
        }
      />
      <div
        className={cx(
          'mx-auto max-w-[1180px] px-4 py-6 transition-opacity md:px-6 md:py-8',
          stats.isPlaceholderData && 'opacity-60',
        )}
      >
        {stats.data ? (
          <Body stats={stats.data} days={days} />
        ) : stats.error ? (
          <FormError>{sayError(stats.error)}</FormError>
        ) : (
          <BodySkeleton />
        )}
      </div>
    </div>
  );
};

const Body = ({ stats, days }: { stats: Stats; days: number }) => {
  const open = itemLevels.reduce((sum, level) => sum + (stats.open_by_level[level] ?? 0), 0);
  const { times, created, answered, expired } = useDays(stats, days);
  const agents = useOperation(agentsList, { limit: 200 });
  const kinds = new Map<string | null, 'agent' | 'device' | 'service'>(
    agents.data?.items.map(({ id, kind }) => [id, kind]),
  );
  const total = created.reduce<number>((sum, value) => sum + (value ?? 0), 0);
  const series = useMemo(
    () => [
      { label: 'Created', values: created, tone: 'quiet' as const },
      { label: 'Answered', values: answered, tone: 'accent' as const },
      { label: 'Expired', values: expired, tone: 'danger' as const },
    ],
    [created, answered, expired],
  );
  return (
    <div className="flex flex-col gap-10">
      <dl className="grid grid-cols-2 gap-x-8 gap-y-6 lg:grid-cols-4">
        <Figure label="Open now" value={open} detail={<OpenLevels stats={stats} />} />
        <Figure label="Answered today" value={stats.answered_today} />
        <Figure
          label="Median time to answer"
          value={stats.median_answer_s === null ? '–' : duration(stats.median_answer_s * 1000)}
          detail={
            stats.median_answer_s === null ? 'Nothing was answered in this period' : 'Half of all answers came faster'
          }
        />
        <Figure
          label="Nine of ten within"
          value={stats.p90_answer_s === null ? '–' : duration(stats.p90_answer_s * 1000)}
        />
      </dl>
      <Panel title="Items per day">
        {total === 0 ? (
          <Nothing>No items were created in these {days} days.</Nothing>
        ) : (
          <Chart label={`Items per day over ${days} days`} times={times} series={series} height={220} sync="inbox" />
        )}
      </Panel>
      <div className="grid gap-x-10 gap-y-10 lg:grid-cols-3">
        <Panel title="By agent">
          <Bars
            rows={stats.per_agent}
            mark={(row) => (
              <PrincipalMark type={kinds.get(row.id) ?? 'agent'} id={row.id ?? row.name} name={row.name} size={18} />
            )}
          />
        </Panel>
        <Panel title="By channel">
          <Bars
            rows={stats.per_channel}
            unnamed="Without a channel"
            mark={() => <span className="w-[18px] text-center text-text-3">#</span>}
          />
        </Panel>
        <Panel title="By person">
          <Bars
            rows={stats.per_person}
            answersOnly
            mark={(row) => <Avatar id={row.id ?? row.name} name={row.name} size={18} />}
          />
        </Panel>
      </div>
    </div>
  );
};

/** Every day of the period, those without anything as zero: a gap in the data is no gap in time. */
const useDays = (stats: Stats, days: number) =>
  useMemo(() => {
    const byDay = new Map(stats.per_day.map((entry) => [entry.day.slice(0, 10), entry]));
    const latest = stats.per_day.at(-1)?.day.slice(0, 10) ?? new Date().toISOString().slice(0, 10);
    const end = Date.parse(`${latest}T12:00:00Z`) / 1000;
    const times = Array.from({ length: days }, (_, index) => end - (days - 1 - index) * 86_400);
    const of = (member: 'created' | 'answered' | 'expired') =>
      times.map((time) => byDay.get(new Date(time * 1000).toISOString().slice(0, 10))?.[member] ?? 0);
    return { times, created: of('created'), answered: of('answered'), expired: of('expired') };
  }, [stats.per_day, days]);

const Figure = ({ label, value, detail }: { label: string; value: ReactNode; detail?: ReactNode }) => (
  <div>
    <dt className="text-13 text-text-3">{label}</dt>
    <dd className="tabular mt-1 text-28 font-semibold">{value}</dd>
    {detail && <dd className="mt-1 text-12 text-text-3">{detail}</dd>}
  </div>
);

const OpenLevels = ({ stats }: { stats: Stats }) => (
  <span className="flex flex-wrap gap-x-3 gap-y-1">
    {itemLevels.toReversed().flatMap((level) => {
      const count = stats.open_by_level[level] ?? 0;
      return count === 0
        ? []
        : [
            <span key={level} className="tabular inline-flex items-center gap-1.5 text-text-2">
              <Dot tone={levelTones[level]} />
              {count} {levelWords[level].toLowerCase()}
            </span>,
          ];
    })}
  </span>
);

const Panel = ({ title, children }: { title: string; children: ReactNode }) => (
  <section aria-label={title} className="min-w-0">
    <h2 className="mb-3 text-14 font-semibold">{title}</h2>
    {children}
  </section>
);

const Nothing = ({ children }: { children: ReactNode }) => (
  <p className="grid h-28 place-items-center rounded-card border border-dashed border-line text-13 text-text-3">
    {children}
  </p>
);

const mostRows = 8;

/** Horizontal bars from zero, the answered part in the accent, each labelled where it stands. */
const Bars = ({
  rows,
  mark,
  answersOnly,
  unnamed = 'Nobody in particular',
}: {
  rows: readonly Tally[];
  mark: (row: Tally) => ReactNode;
  answersOnly?: boolean;
  unnamed?: string;
}) => {
  const amount = (row: Tally) => (answersOnly ? row.answered : row.asked);
  const sorted = rows.toSorted((first, second) => amount(second) - amount(first)).filter((row) => amount(row) > 0);
  const top = sorted.slice(0, mostRows);
  const most = Math.max(1, ...top.map(amount));
  if (top.length === 0) return <Nothing>Nothing in this period.</Nothing>;
  return (
    <ul className="flex flex-col gap-3">
      {top.map((row) => (
        <li key={row.id ?? row.name}>
          <div className="flex items-center gap-2 text-13">
            {mark(row)}
            <span dir="auto" className="min-w-0 flex-1 truncate text-start">
              {row.name || unnamed}
            </span>
            <span className="tabular text-text-2">
              {answersOnly ? row.answered : `${row.answered} of ${row.asked}`}
            </span>
            <span className="tabular w-20 text-right text-12 text-text-3">
              {row.median_answer_s === null ? '–' : duration(row.median_answer_s * 1000)}
            </span>
          </div>
          <div
            aria-hidden
            className="mt-1.5 h-1.5 overflow-hidden rounded-full bg-active"
            style={{ width: `${(amount(row) / most) * 100}%` }}
          >
            <div
              className="h-full rounded-full bg-accent"
              style={{ width: `${answersOnly ? 100 : (row.answered / Math.max(1, row.asked)) * 100}%` }}
            />
          </div>
        </li>
      ))}
      {sorted.length > mostRows && <li className="text-12 text-text-3">and {sorted.length - mostRows} more</li>}
    </ul>
  );
};

const BodySkeleton = () => (
  <div role="status" aria-label="Loading" className="flex flex-col gap-10">
    <div className="grid grid-cols-2 gap-8 lg:grid-cols-4">
      {['a', 'b', 'c', 'd'].map((key) => (
        <div key={key} className="space-y-2">
          <Skeleton className="h-3 w-24" />
          <Skeleton className="h-8 w-20" />
        </div>
      ))}
    </div>
    <Skeleton className="h-[220px] w-full" />
  </div>
);
