import { healthStates, type RouteView, routeSources, routesGet, routesList } from '@atrium/protocol';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { Lock } from 'lucide-react';
import { OperationTable } from '../../app/operation-table.tsx';
import { prefetchOperation, useOperationList } from '../../data/operations.ts';
import { useCan } from '../../data/session.ts';
import { Button } from '../../ui/button.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import { FilterChips } from '../../ui/filter-chips.tsx';
import { PageHeader } from '../../ui/page-header.tsx';
import { RelativeTime } from '../../ui/relative-time.tsx';
import { SearchField } from '../../ui/search-field.tsx';
import { useShortcut } from '../../ui/shortcuts.tsx';
import type { Column } from '../../ui/table.tsx';
import { openAddApp } from './add-app-store.ts';
import { RoutesTabs } from './gateway-tabs.tsx';
import { accessWords, healthWords, kindWords, pathAddress, shortAddress, sourceWords } from './gateway-words.ts';
import { HealthMark } from './health-mark.tsx';
import type { RoutesSearch } from './route-search.ts';

/** Every rule that leads from an address to something that answers. */
export const RoutesPage = () => {
  const search = useSearch({ from: '/frame/routes' });
  const { q = '', source, status } = search;
  const navigate = useNavigate();
  const mayWrite = useCan('routes.write');
  const list = useOperationList(
    routesList,
    { ...(q ? { q } : {}), ...(source ? { source } : {}), ...(status ? { status } : {}) },
    { keepPrevious: true },
  );
  const show = (change: RoutesSearch) =>
    void navigate({ to: '/routes', search: { ...search, ...change }, replace: true });
  useShortcut('c', 'Add an app', openAddApp, { enabled: mayWrite });
  const filtered = q !== '' || source !== undefined || status !== undefined;
  return (
    <>
      <PageHeader
        title="Routes"
        tabs={<RoutesTabs />}
        action={
          mayWrite && (
            <Button tone="primary" size="small" onClick={openAddApp}>
              Add app
            </Button>
          )
        }
        filters={
          <div className="flex items-center gap-2">
            <SearchField label="Find a route" value={q} onChange={(next) => show({ q: next || undefined })} />
            <FilterChips
              filters={[
                {
                  id: 'status',
                  label: 'Health',
                  value: status ? [status] : [],
                  options: healthStates.map((value) => ({ value, label: healthWords[value].label })),
                },
                {
                  id: 'source',
                  label: 'Kept in',
                  value: source ? [source] : [],
                  options: routeSources.map((value) => ({ value, label: sourceWords[value] })),
                },
              ]}
              onChange={(id, [value]) => show({ [id]: value })}
            />
          </div>
        }
      />
      <OperationTable
        id="routes"
        label="Routes"
        list={list}
        columns={columns}
        rowKey={(route) => route.id}
        onOpen={(route) => void navigate({ to: '/routes/$id', params: { id: route.id } })}
        card={routeCard}
        empty={
          filtered ? (
            <EmptyState
              plain
              title={q ? `No route fits “${q}”` : 'No route fits'}
              action={
                <Button onClick={() => show({ q: undefined, source: undefined, status: undefined })}>Show all</Button>
              }
            />
          ) : (
            <EmptyState
              title="A route leads from an address to something that answers, and says who may open it"
              {...(mayWrite
                ? {
                    action: (
                      <Button tone="primary" onClick={openAddApp}>
                        Add the first app
                      </Button>
                    ),
                  }
                : {})}
              docs={{ href: '/api/docs', label: 'Routes by API, file and label' }}
            >
              Approving a found service makes one as well.
            </EmptyState>
          )
        }
      />
    </>
  );
};

const targetsOf = (route: RouteView): string =>
  route.kind === 'redirect'
    ? (route.redirect_to ?? '')
    : route.kind === 'not_found'
      ? kindWords.not_found.label
      : (route.targets[0]?.url ?? 'No target');

const addressesOf = (route: RouteView): string => {
  const address = route.addresses[0];
  if (address === undefined) return route.path_base ?? route.hosts[0] ?? '';
  if (route.kind === 'stream') return address;
  return route.mode === 'path' ? pathAddress(address) : shortAddress(address);
};

const More = ({ count }: { count: number }) =>
  count > 0 ? <span className="tabular ml-1.5 shrink-0 text-12 text-text-3">+{count}</span> : null;

const columns: Column<RouteView>[] = [
  {
    id: 'route',
    header: 'Route',
    width: 'minmax(180px, 1.4fr)',
    cell: (route) => (
      <span
        className="flex min-w-0 items-center gap-2"
        onPointerEnter={() => prefetchOperation(routesGet, { id: route.id })}
      >
        <span dir="auto" className="truncate font-medium text-text">
          {route.app_name}
        </span>
        {route.slug !== route.app_slug && <code className="min-w-0 truncate text-12 text-text-3">{route.slug}</code>}
        {route.locked !== null && (
          <Lock role="img" aria-label="Kept elsewhere" className="size-3.5 shrink-0 text-text-3" />
        )}
      </span>
    ),
    value: (route) => route.app_name,
  },
  {
    id: 'address',
    header: 'Address',
    width: 'minmax(190px, 1.7fr)',
    cell: (route) => (
      <span className="flex min-w-0 items-baseline">
        <code className="truncate text-12 text-text-2">{addressesOf(route)}</code>
        <More count={route.addresses.length - 1} />
      </span>
    ),
    value: addressesOf,
  },
  {
    id: 'target',
    header: 'Leads to',
    width: 'minmax(170px, 1.5fr)',
    cell: (route) => (
      <span className="flex min-w-0 items-baseline">
        <code className="truncate text-12 text-text-2">{targetsOf(route)}</code>
        <More count={route.targets.length - 1} />
      </span>
    ),
    value: targetsOf,
  },
  {
    id: 'access',
    header: 'Who',
    width: '108px',
    cell: (route) => (
      <span className={route.access === 'public' ? 'font-medium text-warning-text' : 'text-text-2'}>
        {accessWords[route.access].short}
      </span>
    ),
    value: (route) => route.access,
  },
  {
    id: 'status',
    header: 'Health',
    width: '118px',
    cell: (route) => <HealthMark status={route.status} />,
    value: (route) => healthStates.indexOf(route.status),
  },
  {
    id: 'source',
    header: 'Kept in',
    width: '118px',
    wide: true,
    cell: (route) => <span className="text-text-2">{sourceWords[route.source]}</span>,
    value: (route) => sourceWords[route.source],
  },
  {
    id: 'changed',
    header: 'Changed',
    width: '130px',
    cell: (route) => <RelativeTime time={route.updated_at} className="text-text-2" />,
    value: (route) => Date.parse(route.updated_at),
  },
];

const routeCard = (route: RouteView) => ({
  title: route.slug === route.app_slug ? route.app_name : `${route.app_name} / ${route.slug}`,
  detail: addressesOf(route),
  trailing: (
    <>
      <span className="block">
        <HealthMark status={route.status} />
      </span>
      <span className="block text-text-3">{accessWords[route.access].short}</span>
    </>
  ),
});
