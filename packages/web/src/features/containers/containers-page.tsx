import {
  type Container,
  type ContainerAction,
  containersList,
  containersListStats,
  containersStatus,
} from '@atrium/protocol';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { Download, MoreHorizontal, Play, RotateCw, Square } from 'lucide-react';
import { useMemo, useState } from 'react';
import { NoPermission } from '../../app/no-permission.tsx';
import { OperationTable } from '../../app/operation-table.tsx';
import { ProblemError } from '../../data/client.ts';
import { useOperation, useOperationList } from '../../data/operations.ts';
import { mayUse, useCan, useMe } from '../../data/session.ts';
import { Dot } from '../../ui/badge.tsx';
import { Button, IconButton } from '../../ui/button.tsx';
import { CopyLine } from '../../ui/copy-line.tsx';
import { ConfirmDialog } from '../../ui/dialog.tsx';
import { DropdownMenu } from '../../ui/dropdown-menu.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import { FilterChips } from '../../ui/filter-chips.tsx';
import { Notice } from '../../ui/notice.tsx';
import { PageHeader } from '../../ui/page-header.tsx';
import { SearchField } from '../../ui/search-field.tsx';
import type { Column } from '../../ui/table.tsx';
import { ServicesTabs } from '../gateway/gateway-tabs.tsx';
import { useContainerActs } from './container-acts.ts';
import { CpuMeter, MemoryMeter, StateMark } from './container-marks.tsx';
import type { ContainersSearch } from './container-search.ts';
import {
  actionWords,
  mayAct,
  memory,
  percent,
  portWords,
  shortImage,
  stateOrder,
  stateWords,
  toneOf,
  wordOf,
} from './container-words.ts';
import { ExportDialog } from './export-dialog.tsx';

const listEveryMs = 10_000;
const statsEveryMs = 4000;
const actions = ['start', 'stop', 'restart'] as const satisfies readonly ContainerAction[];
export const actionIcons = { start: <Play />, stop: <Square />, restart: <RotateCw /> };

/** What runs on the machine, with what it uses. */
export const ContainersPage = () => {
  const me = useMe();
  return mayUse(me, { permission: 'containers.read', operator: true }) ? <Containers /> : <ContainersClosed />;
};

const ContainersClosed = () => (
  <>
    <PageHeader title="Services" tabs={<ServicesTabs />} />
    <NoPermission what="containers, which are for people who run this server" permission="containers.read" />
  </>
);

const Containers = () => {
  const search = useSearch({ from: '/frame/containers' });
  const { q = '', state } = search;
  const navigate = useNavigate();
  const controls = useCan('containers.control');
  const [selection, setSelection] = useState<ReadonlySet<string>>(new Set());
  const [stopping, setStopping] = useState<readonly Container[] | null>(null);
  const [exporting, setExporting] = useState<readonly Container[] | null>(null);
  const acts = useContainerActs();
  const status = useOperation(containersStatus, {}, { refetchInterval: 30_000 });
  const list = useOperationList(
    containersList,
    { ...(q ? { q } : {}), ...(state ? { state } : {}), limit: 200 },
    { keepPrevious: true, refetchInterval: listEveryMs },
  );
  const measured = useOperation(containersListStats, { limit: 200 }, { refetchInterval: statsEveryMs });
  const stats = useMemo(() => new Map(measured.data?.items.map((one) => [one.id, one])), [measured.data]);
  const show = (change: ContainersSearch) =>
    void navigate({ to: '/containers', search: { ...search, ...change }, replace: true });
  const open = ({ id }: Container) => void navigate({ to: '/containers/$id', params: { id } });
  const may = status.data?.can.control !== false && controls;
  const chosen = list.items.filter(({ id }) => selection.has(id));
  const run = (action: ContainerAction, some: readonly Container[]) => {
    const ids = some.filter((one) => mayAct(one, action)).map(({ id }) => id);
    if (ids.length === 1) acts.act({ id: ids[0]! }, action);
    else if (ids.length > 1) acts.batch(ids.slice(0, 100), action);
    setSelection(new Set());
    setStopping(null);
  };
  const ask = (action: ContainerAction, some: readonly Container[]) =>
    action === 'stop' && some.filter((one) => mayAct(one, 'stop')).length > 1 ? setStopping(some) : run(action, some);
  const columns = useMemo(() => columnsWith(stats), [stats]);
  const withMenu: Column<Container>[] = [
    ...columns,
    {
      id: 'acts',
      header: '',
      width: '52px',
      cell: (one) => (
        <RowMenu
          container={one}
          may={may}
          onAct={(action) => ask(action, [one])}
          onExport={() => setExporting([one])}
        />
      ),
    },
  ];
  const unreachable = list.error instanceof ProblemError && list.error.code === 'container_runtime_unavailable';
  const running = list.items.filter((one) => one.state === 'running').length;
  return (
    <>
      <PageHeader
        title="Services"
        tabs={<ServicesTabs />}
        {...(list.items.length > 0 && { aside: <span className="tabular">{running} running</span> })}
        filters={
          !unreachable && (
            <div className="flex items-center gap-2">
              <SearchField label="Find a container" value={q} onChange={(next) => show({ q: next || undefined })} />
              <FilterChips
                filters={[
                  {
                    id: 'state',
                    label: 'State',
                    value: state ? [state] : [],
                    options: stateOrder.map((value) => ({ value, label: stateWords[value].label })),
                  },
                ]}
                onChange={(_id, [value]) => show({ state: value as ContainersSearch['state'] })}
              />
            </div>
          )
        }
      />
      {status.data?.state === 'limited' && (
        <MissingRights missing={status.data.missing_rights} hint={status.data.hint} />
      )}
      {unreachable && list.items.length === 0 ? (
        <NoEngine hint={status.data?.hint ?? (list.error as ProblemError).problem['hint']} error={status.data?.error} />
      ) : (
        <OperationTable
          id="containers"
          label="Containers"
          list={list}
          columns={withMenu}
          rowKey={({ id }) => id}
          onOpen={open}
          selection={selection}
          onSelectionChange={setSelection}
          bulk={
            <span className="flex items-center gap-1.5">
              {may &&
                actions.map((action) => {
                  const fit = chosen.filter((one) => mayAct(one, action)).length;
                  return (
                    <Button key={action} size="small" disabled={fit === 0} onClick={() => ask(action, chosen)}>
                      {actionWords[action].verb} {fit > 0 && fit}
                    </Button>
                  );
                })}
              <Button size="small" tone="ghost" onClick={() => setExporting(chosen)}>
                Export
              </Button>
            </span>
          }
          card={(one) => cardOf(one, stats.get(one.id))}
          empty={
            q || state ? (
              <EmptyState
                plain
                title="No container fits"
                action={<Button onClick={() => show({ q: undefined, state: undefined })}>Show all</Button>}
              />
            ) : (
              <EmptyState
                title="Nothing runs here yet"
                line={{ text: 'docker run -d --name hello -p 127.0.0.1:8080:80 nginx:1.29', prompt: '$' }}
              >
                Containers of the engine appear here by themselves, with what they use and what they write.
              </EmptyState>
            )
          }
        />
      )}
      <ConfirmDialog
        open={stopping !== null}
        onOpenChange={() => setStopping(null)}
        title={`Stop ${stopping?.filter((one) => mayAct(one, 'stop')).length ?? 0} containers`}
        verb="Stop them"
        onConfirm={() => run('stop', stopping ?? [])}
      >
        {stoppedApps(stopping ?? [])}
      </ConfirmDialog>
      <ExportDialog containers={exporting} onClose={() => setExporting(null)} />
    </>
  );
};

const stoppedApps = (some: readonly Container[]): string => {
  const apps = [...new Set(some.filter((one) => mayAct(one, 'stop')).flatMap(({ app }) => app?.name ?? []))];
  return apps.length === 0
    ? 'Each gets ten seconds to end by itself. They can be started again from here.'
    : `${apps.slice(0, 4).join(', ')}${apps.length > 4 ? ` and ${apps.length - 4} more` : ''} cannot be opened until they run again.`;
};

const columnsWith = (stats: ReadonlyMap<string, Parameters<typeof CpuMeter>[0]['stats']>): Column<Container>[] => [
  {
    id: 'name',
    header: 'Name',
    width: 'minmax(180px, 1.5fr)',
    cell: (one) => (
      <span className="flex min-w-0 items-center gap-2.5">
        <span dir="auto" className="truncate font-medium text-text">
          {one.name}
        </span>
        {one.own && <span className="shrink-0 text-12 text-text-3">Atrium itself</span>}
      </span>
    ),
    value: ({ name }) => name,
  },
  {
    id: 'state',
    header: 'State',
    width: '112px',
    cell: (one) => <StateMark container={one} />,
    value: ({ state }) => stateOrder.indexOf(state),
  },
  {
    id: 'image',
    header: 'Image',
    width: 'minmax(140px, 1.1fr)',
    wide: true,
    cell: ({ image }) => (
      <code className="text-12 text-text-2" title={image}>
        {shortImage(image)}
      </code>
    ),
    value: ({ image }) => image,
  },
  {
    id: 'group',
    header: 'Project',
    width: 'minmax(90px, 0.7fr)',
    wide: true,
    cell: ({ group }) => <span className="text-text-2">{group ?? '–'}</span>,
    value: ({ group }) => group,
  },
  {
    id: 'app',
    header: 'App',
    width: 'minmax(90px, 0.7fr)',
    wide: true,
    cell: ({ app }) =>
      app ? (
        <Link
          to="/services"
          search={{ q: app.name }}
          className="quiet-link"
          onClick={(event) => event.stopPropagation()}
        >
          {app.name}
        </Link>
      ) : (
        <span className="text-text-3">–</span>
      ),
    value: ({ app }) => app?.name ?? null,
  },
  {
    id: 'ports',
    header: 'Ports',
    width: 'minmax(96px, 0.7fr)',
    wide: true,
    cell: (one) => <span className="tabular text-text-2">{portWords(one) || '–'}</span>,
    value: (one) => portWords(one),
  },
  {
    id: 'cpu',
    header: 'Processor',
    width: '136px',
    cell: ({ id }) => <CpuMeter stats={stats.get(id)} />,
    value: ({ id }) => stats.get(id)?.cpu_percent ?? null,
  },
  {
    id: 'memory',
    header: 'Memory',
    width: '144px',
    cell: ({ id }) => <MemoryMeter stats={stats.get(id)} />,
    value: ({ id }) => stats.get(id)?.memory_bytes ?? null,
  },
];

const cardOf = (one: Container, stats: Parameters<typeof CpuMeter>[0]['stats']) => ({
  leading: <Dot tone={toneOf(one)} />,
  title: one.name,
  detail: [wordOf(one), shortImage(one.image), portWords(one)].filter(Boolean).join(' · '),
  trailing: stats && (
    <>
      <span className="tabular block text-13 text-text-2">
        {stats.cpu_percent === null ? '–' : percent(stats.cpu_percent)}
      </span>
      <span className="tabular">{stats.memory_bytes === null ? '–' : memory(stats.memory_bytes)}</span>
    </>
  ),
});

const RowMenu = ({
  container,
  may,
  onAct,
  onExport,
}: {
  container: Container;
  may: boolean;
  onAct: (action: ContainerAction) => void;
  onExport: () => void;
}) => (
  // biome-ignore lint/a11y/noStaticElementInteractions: what is pressed in the menu must not open the row.
  // biome-ignore lint/a11y/useKeyWithClickEvents: the menu within has the keys.
  <span onClick={(event) => event.stopPropagation()}>
    <DropdownMenu
      trigger={
        <IconButton label={`Acts on ${container.name}`} size="small" tooltip={false}>
          <MoreHorizontal />
        </IconButton>
      }
      entries={[
        ...(may
          ? actions
              .filter((action) => mayAct(container, action))
              .map((action) => ({
                label: actionWords[action].verb,
                icon: actionIcons[action],
                onSelect: () => onAct(action),
              }))
          : []),
        { label: 'Export', icon: <Download />, onSelect: onExport },
      ]}
    />
  </span>
);

/** The part of a hint before the colon is for people, the rest is to be pasted. */
const splitHint = (hint: unknown): [string, string | null] => {
  const text = typeof hint === 'string' ? hint : '';
  const at = text.indexOf(': ');
  return at < 0 ? [text, null] : [text.slice(0, at), text.slice(at + 2)];
};

const MissingRights = ({ missing, hint }: { missing: readonly string[]; hint: string | null }) => {
  const [words, line] = splitHint(hint);
  return (
    <div className="flex flex-col gap-2 border-b border-line px-4 py-3 md:px-6">
      <Notice tone="warning">
        The engine does not let everything through: {missing.join(', ')}. {words && `${words}.`}
      </Notice>
      {line && <CopyLine text={line} label="Copy rights" />}
    </div>
  );
};

const NoEngine = ({ hint, error }: { hint: unknown; error: string | null | undefined }) => {
  const [words, line] = splitHint(hint);
  return (
    <EmptyState title="No container engine answers" {...(line && { line: { text: line } })}>
      {words ? `${words}.` : 'Give Atrium the socket of Docker, or a kubeconfig.'} Then containers appear here, with
      what they use and what they write.
      {error && <span className="mt-2 block text-13 break-words text-text-3">{error}</span>}
    </EmptyState>
  );
};
