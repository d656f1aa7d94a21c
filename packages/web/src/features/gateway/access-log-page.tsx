import { accessLog } from '@atrium/protocol';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { Pause, Play } from 'lucide-react';
import { useMemo, useState } from 'react';
import { OperationTable } from '../../app/operation-table.tsx';
import { useOperationList } from '../../data/operations.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { cx } from '../../ui/class-names.ts';
import { CopyLine } from '../../ui/copy-line.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import { Facts } from '../../ui/facts.tsx';
import { FilterChips } from '../../ui/filter-chips.tsx';
import { FormField } from '../../ui/form-field.tsx';
import { PrincipalMark } from '../../ui/identity-mark.tsx';
import { PageHeader } from '../../ui/page-header.tsx';
import { RecordSheet } from '../../ui/record-sheet.tsx';
import { RelativeTime } from '../../ui/relative-time.tsx';
import { SearchField } from '../../ui/search-field.tsx';
import { useShortcut } from '../../ui/shortcuts.tsx';
import type { Column } from '../../ui/table.tsx';
import { type AccessLine, useAccessTail } from './access-tail.ts';
import { TrafficTabs } from './gateway-tabs.tsx';
import { bytes, milliseconds, outcomeWord } from './gateway-words.ts';
import { type LogSearch, statusClasses } from './route-search.ts';

const statusWords: Record<(typeof statusClasses)[number], string> = {
  '2xx': 'Answered (2xx)',
  '3xx': 'Led elsewhere (3xx)',
  '4xx': 'Refused (4xx)',
  '5xx': 'Failed (5xx)',
};

/** Requests as they end, and the newest ten thousand before. */
export const AccessLogPage = () => {
  const search = useSearch({ from: '/frame/traffic/log' });
  const { q = '', app, status } = search;
  const navigate = useNavigate();
  const [paused, setPaused] = useState(false);
  const [opened, setOpened] = useState<AccessLine | null>(null);
  const list = useOperationList(
    accessLog,
    { ...(q ? { q } : {}), ...(app ? { app } : {}), ...(status ? { status } : {}), limit: 100 },
    { keepPrevious: true },
  );
  const tail = useAccessTail(app, paused);
  const items = useMemo(() => {
    const fits = (line: AccessLine): boolean =>
      (q === '' || line.path.toLowerCase().includes(q.toLowerCase())) &&
      (status === undefined || String(line.status).startsWith(status[0]!));
    const known = new Set(list.items.map(({ id }) => id));
    return [...tail.lines.filter((line) => !known.has(line.id) && fits(line)), ...list.items];
  }, [tail.lines, list.items, q, status]);
  const show = (change: LogSearch) =>
    void navigate({ to: '/traffic/log', search: { ...search, ...change }, replace: true });
  useShortcut('h', paused ? 'Go on' : 'Hold still', () => setPaused(!paused), { group: 'Access log' });
  const filtered = q !== '' || app !== undefined || status !== undefined;
  const apps = [...new Set([...(app ? [app] : []), ...items.flatMap((line) => line.app ?? [])])].toSorted();
  return (
    <>
      <PageHeader
        title="Traffic"
        tabs={<TrafficTabs />}
        aside={
          <Badge dot tone={paused ? 'warning' : tail.live ? 'success' : 'neutral'}>
            {paused ? 'Held' : tail.live ? 'Live' : 'Connecting'}
          </Badge>
        }
        tools={
          <Button
            size="small"
            tone={paused ? 'secondary' : 'ghost'}
            aria-pressed={paused}
            icon={paused ? <Play aria-hidden className="size-4" /> : <Pause aria-hidden className="size-4" />}
            onClick={() => setPaused(!paused)}
          >
            {paused ? (tail.held > 0 ? `Show ${tail.held} new` : 'Go on') : 'Hold still'}
          </Button>
        }
        filters={
          <div className="flex items-center gap-2">
            <SearchField label="Part of a path" value={q} onChange={(next) => show({ q: next || undefined })} />
            <FilterChips
              filters={[
                {
                  id: 'status',
                  label: 'Ended',
                  value: status ? [status] : [],
                  options: statusClasses.map((value) => ({ value, label: statusWords[value] })),
                },
                {
                  id: 'app',
                  label: 'App',
                  value: app ? [app] : [],
                  options: apps.map((value) => ({ value, label: value })),
                },
              ]}
              onChange={(id, [value]) => show({ [id]: value })}
            />
          </div>
        }
      />
      <OperationTable
        id="access-log"
        label="Access log"
        list={{ ...list, items }}
        columns={columns}
        rowKey={(line) => line.id}
        onOpen={setOpened}
        card={lineCard}
        empty={
          filtered ? (
            <EmptyState
              plain
              title="No request fits"
              action={
                <Button onClick={() => show({ q: undefined, app: undefined, status: undefined })}>Show all</Button>
              }
            >
              New ones that fit appear by themselves.
            </EmptyState>
          ) : (
            <EmptyState
              title="Nothing went through yet"
              docs={{ href: '/api/docs', label: 'What is kept, and for how long' }}
            >
              Each request to a service appears here the moment it ends: who, what and how long, never its content.
            </EmptyState>
          )
        }
      />
      <LineSheet line={opened} onClose={() => setOpened(null)} />
    </>
  );
};

const statusInk = (status: number): string =>
  status >= 500 ? 'text-danger-text font-medium' : status >= 400 ? 'text-warning-text font-medium' : 'text-text-2';

const clock = (at: string): string =>
  new Date(at).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });

const Who = ({ line }: { line: AccessLine }) =>
  line.principal ? (
    <span className="flex min-w-0 items-center gap-2 text-text-2">
      <PrincipalMark
        type={line.principal.type}
        id={line.principal.id ?? line.principal.name}
        name={line.principal.name}
        size={18}
      />
      <span dir="auto" className="truncate">
        {line.principal.name}
      </span>
    </span>
  ) : (
    <span className="truncate font-mono text-12 text-text-3">{line.address}</span>
  );

const columns: Column<AccessLine>[] = [
  {
    id: 'status',
    header: 'Status',
    width: '72px',
    cell: (line) => <span className={cx('tabular', statusInk(line.status))}>{line.status}</span>,
    value: (line) => line.status,
  },
  {
    id: 'app',
    header: 'App',
    width: 'minmax(100px, 0.7fr)',
    cell: (line) => <span className="text-text">{line.app ?? '–'}</span>,
    value: (line) => line.app,
  },
  {
    id: 'request',
    header: 'Request',
    width: 'minmax(220px, 2.6fr)',
    cell: (line) => (
      <span className="flex min-w-0 items-baseline gap-2">
        <span className="w-12 shrink-0 text-12 text-text-3">{line.method}</span>
        <code className="truncate text-12 text-text" title={line.path}>
          {line.path}
        </code>
      </span>
    ),
    value: (line) => line.path,
  },
  {
    id: 'who',
    header: 'Who',
    width: 'minmax(140px, 1fr)',
    cell: (line) => <Who line={line} />,
    value: (line) => line.principal?.name ?? line.address,
  },
  {
    id: 'outcome',
    header: 'Outcome',
    width: 'minmax(140px, 1fr)',
    initiallyHidden: true,
    cell: (line) => <span className="text-text-2">{outcomeWord(line.outcome)}</span>,
    value: (line) => line.outcome,
  },
  {
    id: 'size',
    header: 'Sent',
    width: '92px',
    align: 'right',
    wide: true,
    cell: (line) => <span className="text-text-2">{bytes(line.bytes_out)}</span>,
    value: (line) => line.bytes_out,
  },
  {
    id: 'duration',
    header: 'Took',
    width: '96px',
    align: 'right',
    cell: (line) => <span className="text-text-2">{milliseconds(line.duration_ms)}</span>,
    value: (line) => line.duration_ms,
  },
  {
    id: 'at',
    header: 'Ended',
    width: '104px',
    cell: (line) => (
      <time dateTime={line.at} className="tabular text-text-2">
        {clock(line.at)}
      </time>
    ),
    value: (line) => Date.parse(line.at),
  },
];

const lineCard = (line: AccessLine) => ({
  leading: <span className={cx('tabular block w-9 text-13', statusInk(line.status))}>{line.status}</span>,
  title: <code className="text-13 font-normal">{line.path}</code>,
  detail: `${line.method} · ${line.app ?? line.host} · ${line.principal?.name ?? line.address}`,
  trailing: (
    <>
      <span className="tabular block text-13 text-text-2">{milliseconds(line.duration_ms)}</span>
      <span className="tabular">{clock(line.at)}</span>
    </>
  ),
});

const LineSheet = ({ line, onClose }: { line: AccessLine | null; onClose: () => void }) => (
  <RecordSheet
    record={line}
    onClose={onClose}
    title={({ method, path }) => `${method} ${path}`}
    description={({ at, host }) => (
      <>
        {host}, ended <RelativeTime time={at} />
      </>
    )}
  >
    {(shown) => (
      <>
        <Facts
          roomy
          facts={[
            { label: 'Status', value: <span className={statusInk(shown.status)}>{shown.status}</span> },
            { label: 'Outcome', value: outcomeWord(shown.outcome) },
            { label: 'Who', value: <Who line={shown} /> },
            { label: 'From', value: <code className="text-13">{shown.address}</code> },
            { label: 'Took', value: milliseconds(shown.duration_ms) },
            { label: 'Sent and received', value: `${bytes(shown.bytes_out)} / ${bytes(shown.bytes_in)}` },
          ]}
        />
        {shown.target && (
          <FormField label="Target" group>
            <CopyLine text={shown.target} label="Copy target" />
          </FormField>
        )}
        <FormField label="Request id" group hint="The app got it as X-Request-Id.">
          <CopyLine text={shown.id} label="Copy request id" />
        </FormField>
        {shown.route_id && (
          <p className="text-13">
            <Link to="/routes/$id" params={{ id: shown.route_id }} className="quiet-link">
              The route it took
            </Link>
          </p>
        )}
      </>
    )}
  </RecordSheet>
);
