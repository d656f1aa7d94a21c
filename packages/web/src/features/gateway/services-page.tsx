import { type AppContainer, type AppView, appsList, appsPin, discoveryStatus, proposalsList } from '@atrium/protocol';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { Pin, PinOff } from 'lucide-react';
import { type KeyboardEvent, type ReactNode, useEffect, useMemo, useRef, useState } from 'react';
import { LoadError } from '../../app/load-error.tsx';
import { patchCache, useOperation, useOperationList, useOperationMutation } from '../../data/operations.ts';
import { useCan } from '../../data/session.ts';
import { Button } from '../../ui/button.tsx';
import { cx } from '../../ui/class-names.ts';
import { CopyLine } from '../../ui/copy-line.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import { usePhone } from '../../ui/media.ts';
import { PageHeader } from '../../ui/page-header.tsx';
import { SearchField } from '../../ui/search-field.tsx';
import { useShortcut } from '../../ui/shortcuts.tsx';
import { Skeleton } from '../../ui/skeleton.tsx';
import { AppContainerSwitch, AppContainerUse, useAppContainers } from '../containers/app-container-mark.tsx';
import { openAddApp } from './add-app-store.ts';
import { AppIcon } from './app-icon.tsx';
import { ServicesTabs } from './gateway-tabs.tsx';
import { addressOf, placeOf, sharesOrigin } from './gateway-words.ts';
import { HealthMark } from './health-mark.tsx';
import { findServices, groupServices, isGridKey, tileBy } from './service-grid.ts';

const tilesIn = (grid: HTMLElement | null): HTMLElement[] => [
  ...(grid?.querySelectorAll<HTMLElement>('[data-service]') ?? []),
];

/** Everything that one may open here, one press away. */
export const ServicesPage = () => {
  const { q = '' } = useSearch({ from: '/frame/services' });
  const navigate = useNavigate();
  const phone = usePhone();
  const mayAdd = useCan('routes.write');
  const list = useOperationList(appsList, { limit: 200 });
  const grid = useRef<HTMLDivElement>(null);
  const search = useRef<HTMLDivElement>(null);
  const found = useMemo(() => findServices(list.items, q), [list.items, q]);
  const field = () => search.current?.querySelector('input');
  // Everything is looked through by name at once, so all pages are read.
  const { hasMore, loadMore } = list;
  useEffect(() => {
    if (hasMore) loadMore();
  });
  useShortcut('/', 'Find a service', () => field()?.focus(), { group: 'Services' });
  useShortcut('down', 'First service', () => tilesIn(grid.current)[0]?.focus(), { group: 'Services' });
  useShortcut('c', 'Add an app', openAddApp, { enabled: mayAdd });
  const setQ = (next: string) => void navigate({ to: '/services', search: next ? { q: next } : {}, replace: true });
  const onSearchKey = (event: KeyboardEvent) => {
    // The address follows the typing after a moment; what is on the screen must be what Enter opens.
    const typed = field()?.value ?? '';
    const first = findServices(list.items, typed).find((app) => addressOf(app) !== null);
    if (event.key === 'Enter' && typed !== '' && first) window.open(addressOf(first)!, '_blank', 'noopener');
    else if (event.key === 'ArrowDown') tilesIn(grid.current)[0]?.focus();
    else if (event.key === 'Escape') {
      setQ('');
      field()?.blur();
    } else return;
    event.preventDefault();
  };
  const searchField = (
    // biome-ignore lint/a11y/noStaticElementInteractions: the keys are those of the field within.
    <div ref={search} onKeyDown={onSearchKey}>
      <SearchField label="Find a service" value={q} onChange={setQ} className="max-md:w-full" />
    </div>
  );
  return (
    <>
      <PageHeader
        title="Services"
        tabs={<ServicesTabs />}
        {...(list.items.length > 0 ? { aside: <span className="tabular">{list.items.length}</span> } : {})}
        {...(phone ? { filters: searchField } : { tools: searchField })}
        action={
          mayAdd && (
            <Button tone="primary" size="small" onClick={openAddApp}>
              Add app
            </Button>
          )
        }
      />
      <div className="min-h-0 flex-1 overflow-y-auto">
        {list.isPending ? (
          <TilesSkeleton />
        ) : list.error && list.items.length === 0 ? (
          <LoadError error={list.error} retry={list.refetch} />
        ) : list.items.length === 0 ? (
          <NothingYet />
        ) : (
          <>
            <WaitingProposals />
            {found.length === 0 ? (
              <EmptyState
                plain
                title={`No service fits “${q}”`}
                action={<Button onClick={() => setQ('')}>Show all</Button>}
              />
            ) : (
              <Tiles key={q} apps={found} ranked={q !== ''} grid={grid} onLeave={() => field()?.focus()} />
            )}
          </>
        )}
      </div>
    </>
  );
};

const tileWidth = 272;
const tileGap = 12;
/** Groups that are short stand side by side; a long one takes lines of its own. */
const columns = 'grid grid-cols-[repeat(auto-fill,minmax(min(100%,272px),1fr))] gap-3';

/** One tile is in the order of Tab; arrows go from tile to tile as they stand. */
const Tiles = ({
  apps,
  ranked,
  grid,
  onLeave,
}: {
  apps: readonly AppView[];
  ranked: boolean;
  grid: React.RefObject<HTMLDivElement | null>;
  onLeave: () => void;
}) => {
  const groups = ranked ? [{ name: '', apps: [...apps] }] : groupServices(apps);
  const containers = useAppContainers();
  const [active, setActive] = useState<string | null>(null);
  const first = groups[0]?.apps[0]?.id;
  const current = apps.some(({ id }) => id === active) ? active : first;
  const pin = useOperationMutation(appsPin, {
    invalidates: ['apps.list'],
    optimistic: ({ slug, pinned }) => [
      patchCache<{ items: AppView[] }>('apps.list', (page) => ({
        ...page,
        items: page.items.map((app) => (app.slug === slug ? { ...app, pinned } : app)),
      })),
    ],
  });
  const toggle = (app: AppView) => pin.mutate({ slug: app.slug, pinned: !app.pinned });
  const onKeyDown = (event: KeyboardEvent) => {
    if (!(event.target instanceof HTMLElement) || event.ctrlKey || event.metaKey || event.altKey) return;
    const tiles = tilesIn(grid.current);
    const at = tiles.indexOf(event.target);
    if (at < 0) return;
    if (isGridKey(event.key)) {
      const places = tiles.map((tile) => {
        const { left, top } = tile.getBoundingClientRect();
        return { left, top };
      });
      const next = tileBy(places, at, event.key);
      if (next !== null) tiles[next]!.focus();
      else if (event.key === 'ArrowUp') onLeave();
    } else if (event.key === 'p') {
      const app = apps.find(({ id }) => id === tiles[at]!.dataset['service']);
      if (app) toggle(app);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the links within take the focus; this moves it between them.
    <div ref={grid} onKeyDown={onKeyDown} className="flex flex-wrap gap-x-6 gap-y-8 px-4 py-5 md:px-6 md:py-6">
      {groups.map(({ name, apps: members }) => (
        <section
          key={name}
          aria-label={name || 'Services'}
          className="min-w-0"
          style={{ flexBasis: `min(100%, ${members.length * (tileWidth + tileGap) - tileGap}px)` }}
        >
          {(name || (groups.length > 1 && !ranked)) && (
            <h2 dir="auto" className="mb-2.5 text-left text-13 font-medium text-text-2">
              {name || 'Other'} <span className="tabular ml-1 font-normal text-text-3">{members.length}</span>
            </h2>
          )}
          <ul className={columns}>
            {members.map((app) => (
              <Tile
                key={app.id}
                app={app}
                container={containers.get(app.slug)}
                tabbed={app.id === current}
                onFocus={() => setActive(app.id)}
                onPin={() => toggle(app)}
              />
            ))}
          </ul>
        </section>
      ))}
    </div>
  );
};

const Tile = ({
  app,
  container,
  tabbed,
  onFocus,
  onPin,
}: {
  app: AppView;
  container: AppContainer | undefined;
  tabbed: boolean;
  onFocus: () => void;
  onPin: () => void;
}) => {
  const address = addressOf(app);
  const shape =
    'flex h-full min-h-[92px] items-start gap-3 rounded-card border border-line bg-surface px-3.5 py-3 text-left transition-colors';
  const body: ReactNode = (
    <>
      <AppIcon icon={app.icon} name={app.name} />
      <span className="flex min-w-0 flex-1 flex-col self-stretch">
        <span
          dir="auto"
          className={cx(
            'truncate text-left text-14 font-medium text-text',
            container?.container.controllable ? 'pr-13' : 'pr-6',
          )}
        >
          {app.name}
        </span>
        <span dir="auto" className="truncate text-left text-13 text-text-3">
          {app.description || placeOf(app)}
        </span>
        <span className="mt-auto flex min-w-0 items-center gap-2.5 pt-2">
          <HealthMark status={app.status} latency={app.latency_ms} />
          <span dir="auto" className="min-w-0 truncate text-12 text-text-3">
            {[...(sharesOrigin(app) ? ['shares this origin'] : []), ...app.tags].join(' · ')}
          </span>
          {container && <AppContainerUse {...container} />}
        </span>
      </span>
    </>
  );
  return (
    <li className="group relative [contain-intrinsic-size:auto_92px] [content-visibility:auto]">
      {address ? (
        <a
          href={address}
          target="_blank"
          rel="noopener noreferrer"
          data-service={app.id}
          tabIndex={tabbed ? 0 : -1}
          onFocus={onFocus}
          className={cx(shape, '-outline-offset-2 hover:border-line-strong hover:bg-hover')}
        >
          {body}
          <span className="sr-only">, opens in a new tab</span>
        </a>
      ) : (
        <Link
          to="/routes"
          search={{ q: app.slug }}
          data-service={app.id}
          tabIndex={tabbed ? 0 : -1}
          onFocus={onFocus}
          className={cx(shape, '-outline-offset-2 border-dashed hover:bg-hover')}
        >
          {body}
        </Link>
      )}
      {container?.container.controllable && (
        <AppContainerSwitch app={app.name} container={container.container} tabbed={tabbed} />
      )}
      <button
        type="button"
        aria-label={app.pinned ? `Unpin ${app.name}` : `Pin ${app.name}`}
        tabIndex={tabbed ? 0 : -1}
        onClick={onPin}
        className={cx(
          'absolute top-2 right-2 flex size-7 items-center justify-center rounded-control text-text-3 transition-opacity hover:bg-active hover:text-text focus-visible:opacity-100 group-focus-within:opacity-100 group-hover:opacity-100 touch:size-9 touch:opacity-100',
          app.pinned ? 'text-accent-text' : 'opacity-0',
        )}
      >
        {app.pinned ? <PinOff className="size-3.5" /> : <Pin className="size-3.5" />}
      </button>
    </li>
  );
};

/** Said to whoever may decide: what was found since waits on another page. */
const WaitingProposals = () => {
  const may = useCan('discovery.decide');
  const waiting = useOperation(proposalsList, { state: 'pending', limit: 100 }, { enabled: may }).data;
  const count = waiting?.items.filter(({ gone }) => !gone).length ?? 0;
  if (count === 0) return null;
  return (
    <p className="mx-4 mt-5 -mb-1 text-13 text-text-2 md:mx-6">
      <Link to="/found" className="quiet-link">
        {count === 1 ? 'One found service waits' : `${count}${waiting?.next_cursor ? '+' : ''} found services wait`} for
        your decision
      </Link>
    </p>
  );
};

const socketLine = '- /var/run/docker.sock:/var/run/docker.sock:ro';

const NothingYet = () => {
  const mayDecide = useCan('discovery.decide');
  const mayAdd = useCan('routes.write');
  const status = useOperation(discoveryStatus, {}, { enabled: mayDecide }).data;
  const waiting = useOperation(proposalsList, { state: 'pending', limit: 100 }, { enabled: mayDecide }).data;
  if (!mayDecide && !mayAdd)
    return (
      <EmptyState title="No service is here for you yet">
        Whoever looks after this organisation adds services and says who may open them. They appear here by themselves.
      </EmptyState>
    );
  const docker = status?.providers.find(({ kind }) => kind === 'docker');
  const count = waiting?.items.length ?? 0;
  if (count > 0)
    return (
      <EmptyState
        title={count === 1 ? 'One service was found' : `${count} services were found`}
        action={
          <Button asChild tone="primary">
            <Link to="/found">Decide about {count === 1 ? 'it' : 'them'}</Link>
          </Button>
        }
      >
        Approve one, and it stands here for everybody who may open it.
      </EmptyState>
    );
  const looking = docker?.state === 'running';
  return (
    <div className="mx-auto flex w-full max-w-[600px] flex-col gap-8 px-5 py-14">
      <div>
        <p className="text-20 font-semibold text-balance">
          {looking ? 'Nothing found yet' : 'Nothing found yet: let Atrium look'}
        </p>
        <p className="mt-1 text-14 text-pretty text-text-2">
          {looking
            ? 'Docker is being watched. Start a container that answers HTTP, and it is here within two seconds.'
            : 'Services on this machine are found by themselves, wait for your yes, and open under one sign-in.'}
        </p>
      </div>
      <ol className="flex flex-col gap-7">
        {!looking && (
          <Step
            number={1}
            title="Show Atrium the Docker socket"
            text="Below volumes of its service in compose.yaml; read only is enough. Outside of a container nothing is to do."
          >
            <CopyLine text={docker?.hint ?? socketLine} label="Copy socket line" />
            {docker?.last_error && <p className="mt-1.5 text-13 text-danger-text">{docker.last_error}</p>}
          </Step>
        )}
        <Step
          number={looking ? 1 : 2}
          title="Label what shall be found for certain"
          text="Without a label a container is found by its ports and image."
        >
          <CopyLine text="atrium.enable=true" label="Copy label" />
        </Step>
        {mayAdd && (
          <Step number={looking ? 2 : 3} title="Or add one by hand" text="All it takes is its address.">
            <Button tone="primary" onClick={openAddApp}>
              Add app
            </Button>
          </Step>
        )}
      </ol>
    </div>
  );
};

const Step = ({
  number,
  title,
  text,
  children,
}: {
  number: number;
  title: string;
  text: string;
  children: ReactNode;
}) => (
  <li className="flex gap-3.5">
    <span
      aria-hidden
      className="tabular flex size-6 shrink-0 items-center justify-center rounded-full border border-line-strong text-12 font-medium text-text-2"
    >
      {number}
    </span>
    <div className="min-w-0 flex-1">
      <p className="text-14 font-medium">{title}</p>
      <p className="mb-2.5 text-13 text-pretty text-text-2">{text}</p>
      {children}
    </div>
  </li>
);

const TilesSkeleton = () => (
  <div role="status" aria-label="Loading" className={cx(columns, 'px-4 py-5 md:px-6 md:py-6')}>
    {['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((key) => (
      <Skeleton key={key} className="h-[92px] w-full rounded-card" />
    ))}
  </div>
);
