import { appsFigures, type Board, type BoardItem, boardsDelete, boardsGet, boardsUpdate } from '@atrium/protocol';
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { ArrowLeft, ArrowRight, Ellipsis, LayoutDashboard, Pencil, Trash2 } from 'lucide-react';
import { type KeyboardEvent, useMemo, useRef, useState } from 'react';
import { LoadError } from '../../app/load-error.tsx';
import { deferOperation, patchItem, useOperation, useOperationMutation } from '../../data/operations.ts';
import { useCan } from '../../data/session.ts';
import { Button, IconButton } from '../../ui/button.tsx';
import { cx } from '../../ui/class-names.ts';
import { DropdownMenu } from '../../ui/dropdown-menu.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import { usePhone } from '../../ui/media.ts';
import { PageHeader } from '../../ui/page-header.tsx';
import { SearchField } from '../../ui/search-field.tsx';
import { useShortcut } from '../../ui/shortcuts.tsx';
import { Skeleton } from '../../ui/skeleton.tsx';
import { AppContainerSwitch, useAppContainers } from '../containers/app-container-mark.tsx';
import { ServicesTabs } from '../gateway/gateway-tabs.tsx';
import { addressOf } from '../gateway/gateway-words.ts';
import { isGridKey, tileBy } from '../gateway/service-grid.ts';
import { AddDialog } from './add-dialog.tsx';
import { findItems, itemName, itemsOf } from './arranging.ts';
import { Arranging } from './arranging-grid.tsx';
import { RenameDialog } from './board-dialogs.tsx';
import type { BoardSearch } from './board-search.ts';
import { boardReads } from './board-stores.ts';
import { TileBody, type TileFacts, tileGrid, tileShape, tileSpan } from './tile-body.tsx';
import { useArranging } from './use-arranging.ts';
import { useBoards } from './use-boards.ts';

const figuresMs = 15_000;

/** One board: what somebody put together to open, and how it is. */
export const BoardPage = () => {
  const { id } = useParams({ from: '/frame/services/$id' });
  const { data, error, refetch } = useOperation(boardsGet, { id });
  useNeighbours(id);
  if (data) return <Loaded key={id} board={data} />;
  return (
    <>
      <PageHeader title="Services" tabs={<ServicesTabs />} />
      <div className="min-h-0 flex-1 overflow-y-auto">
        {error ? <LoadError error={error} retry={refetch} /> : <BoardSkeleton />}
      </div>
    </>
  );
};

const addressOfItem = (item: BoardItem): string | null =>
  item.kind === 'link' ? item.url : item.app && addressOf(item.app);

const useFacts = (): TileFacts => {
  const maySee = useCan('gateway.view');
  const containers = useAppContainers();
  const { data } = useOperation(appsFigures, { days: 7 }, { enabled: maySee, refetchInterval: figuresMs });
  return useMemo(
    () => ({
      containers,
      figures: new Map((data?.items ?? []).map((one) => [one.app, one])),
      days: data?.days ?? [],
    }),
    [containers, data],
  );
};

const Loaded = ({ board }: { board: Board }) => {
  const { q = '', arrange = false } = useSearch({ from: '/frame/services/$id' });
  const navigate = useNavigate();
  const phone = usePhone();
  const arranging = useArranging(board);
  const facts = useFacts();
  const [adding, setAdding] = useState<string | null>(null);
  const grid = useRef<HTMLDivElement>(null);
  const search = useRef<HTMLDivElement>(null);
  const { groups } = arranging;
  const arranges = board.editable && arrange;
  const found = useMemo(() => (q === '' ? null : findItems(groups, q)), [groups, q]);
  const field = () => search.current?.querySelector('input');
  const show = (next: BoardSearch) =>
    void navigate({ to: '/services/$id', params: { id: board.id }, search: next, replace: true });
  const add = () => setAdding(groups[0]?.id ?? '');
  useShortcut('/', 'Find on this board', () => field()?.focus(), { group: 'Board', enabled: !arranges });
  useShortcut('e', arranges ? 'Done arranging' : 'Arrange', () => show(arranges ? {} : { arrange: true }), {
    group: 'Board',
    enabled: board.editable,
  });
  useShortcut('c', 'Add to this board', add, { group: 'Board', enabled: board.editable });
  useShortcut('down', 'First tile', () => tilesIn(grid.current)[0]?.focus(), { group: 'Board' });
  const onSearchKey = (event: KeyboardEvent) => {
    const typed = field()?.value ?? '';
    const [first] = findItems(groups, typed).filter((item) => addressOfItem(item) !== null);
    if (event.key === 'Enter' && typed !== '' && first) window.open(addressOfItem(first)!, '_blank', 'noopener');
    else if (event.key === 'ArrowDown') tilesIn(grid.current)[0]?.focus();
    else if (event.key === 'Escape') {
      show({});
      field()?.blur();
    } else return;
    event.preventDefault();
  };
  const searchField = (
    // biome-ignore lint/a11y/noStaticElementInteractions: the keys are those of the field within.
    <div ref={search} onKeyDown={onSearchKey}>
      <SearchField
        label="Find on this board"
        value={q}
        onChange={(next) => show(next ? { q: next } : {})}
        className="max-md:w-full"
      />
    </div>
  );
  const empty = itemsOf({ groups }).length === 0;
  return (
    <>
      <PageHeader
        title={board.name}
        tabs={<ServicesTabs />}
        {...(phone && !arranges ? { filters: searchField } : {})}
        tools={
          <>
            {!phone && !arranges && searchField}
            {board.editable && <BoardMenu board={board} onArrange={() => show({ arrange: true })} />}
          </>
        }
        action={
          board.editable &&
          (arranges ? (
            <Button tone="primary" size="small" onClick={() => show({})}>
              Done
            </Button>
          ) : (
            <Button tone="primary" size="small" onClick={add}>
              Add
            </Button>
          ))
        }
      />
      <div className="min-h-0 flex-1 overflow-y-auto">
        {arranges ? (
          <Arranging {...arranging} facts={facts} onAdd={setAdding} />
        ) : empty ? (
          <EmptyState
            title="Nothing is on this board yet"
            action={
              board.editable && (
                <Button tone="primary" onClick={add}>
                  Add services and links
                </Button>
              )
            }
          >
            {board.editable
              ? 'Put here what you open most; groups and order are yours.'
              : 'Whoever looks after it adds services, and you see those that you may open.'}
          </EmptyState>
        ) : found?.length === 0 ? (
          <EmptyState
            plain
            title={`Nothing here fits “${q}”`}
            action={<Button onClick={() => show({})}>Show all</Button>}
          />
        ) : (
          <Tiles
            groups={found ? [{ id: 'found', name: '', items: found }] : groups}
            facts={facts}
            grid={grid}
            onLeave={() => field()?.focus()}
          />
        )}
      </div>
      {adding !== null && (
        <AddDialog groups={groups} groupId={adding} write={arranging.write} onClose={() => setAdding(null)} />
      )}
    </>
  );
};

const tilesIn = (grid: HTMLElement | null): HTMLElement[] => [
  ...(grid?.querySelectorAll<HTMLElement>('[data-tile]') ?? []),
];

/** Boards stand beside each other, as their tabs do. */
const useNeighbours = (id: string): void => {
  const boards = useBoards();
  const navigate = useNavigate();
  const at = boards.findIndex((board) => board.id === id);
  const go = (by: number) => {
    const next = boards[at + by];
    void (next === undefined
      ? navigate({ to: '/services' })
      : navigate({ to: '/services/$id', params: { id: next.id } }));
  };
  useShortcut('[', 'The board before', () => go(-1), { group: 'Board' });
  useShortcut(']', 'The next board', () => go(1), { group: 'Board' });
};

const Tiles = ({
  groups,
  facts,
  grid,
  onLeave,
}: {
  groups: Board['groups'];
  facts: TileFacts;
  grid: React.RefObject<HTMLDivElement | null>;
  onLeave: () => void;
}) => {
  const [active, setActive] = useState<string | null>(null);
  const items = itemsOf({ groups });
  const current = items.some(({ id }) => id === active) ? active : items[0]?.id;
  const onKeyDown = (event: KeyboardEvent) => {
    if (!(event.target instanceof HTMLElement) || event.ctrlKey || event.metaKey || event.altKey) return;
    const tiles = tilesIn(grid.current);
    const at = tiles.indexOf(event.target);
    if (at < 0 || !isGridKey(event.key)) return;
    const next = tileBy(
      tiles.map((tile) => tile.getBoundingClientRect()),
      at,
      event.key,
    );
    if (next !== null) tiles[next]!.focus();
    else if (event.key === 'ArrowUp') onLeave();
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the links within take the focus; this moves it between them.
    <div ref={grid} onKeyDown={onKeyDown} className="flex flex-col gap-8 px-4 py-5 md:px-6 md:py-6">
      {groups
        .filter((group) => group.items.length > 0)
        .map((group) => (
          <section key={group.id} aria-label={group.name || 'Services'} className="min-w-0">
            {group.name && (
              <h2 dir="auto" className="mb-2.5 text-left text-13 font-medium text-text-2">
                {group.name}
              </h2>
            )}
            <ul className={tileGrid}>
              {group.items.map((item) => (
                <Tile
                  key={item.id}
                  item={item}
                  facts={facts}
                  tabbed={item.id === current}
                  onFocus={() => setActive(item.id)}
                />
              ))}
            </ul>
          </section>
        ))}
    </div>
  );
};

const Tile = ({
  item,
  facts,
  tabbed,
  onFocus,
}: {
  item: BoardItem;
  facts: TileFacts;
  tabbed: boolean;
  onFocus: () => void;
}) => {
  const address = addressOfItem(item);
  const app = item.kind === 'app' ? item.app : null;
  const container = app ? facts.containers.get(app.slug)?.container : undefined;
  const body = <TileBody item={item} facts={facts} />;
  const common = { 'data-tile': item.id, tabIndex: tabbed ? 0 : -1, onFocus };
  return (
    <li className={cx('group relative min-w-0', tileSpan(item))}>
      {address === null ? (
        // Arrows lead to every tile, also to one that opens nothing now.
        <div {...common} className={cx(tileShape, '-outline-offset-2 border-dashed')}>
          {body}
        </div>
      ) : (
        <a
          {...common}
          href={address}
          target="_blank"
          rel="noopener noreferrer"
          className={cx(tileShape, '-outline-offset-2 hover:border-line-strong hover:bg-hover')}
        >
          {body}
          <span className="sr-only">, opens in a new tab</span>
        </a>
      )}
      {app && container?.controllable && (
        <span className="contents [&>span]:right-2! touch:[&>span]:right-2!">
          <AppContainerSwitch app={itemName(item)} container={container} tabbed={tabbed} />
        </span>
      )}
    </li>
  );
};

const BoardMenu = ({ board, onArrange }: { board: Board; onArrange: () => void }) => {
  const navigate = useNavigate();
  const [renaming, setRenaming] = useState(false);
  const own = useBoards().filter(({ shared }) => shared === board.shared);
  const update = useOperationMutation(boardsUpdate, { invalidates: boardReads });
  const at = own.findIndex(({ id }) => id === board.id);
  /** Boards get the numbers of the places that they have then; those that change theirs are written. */
  const move = async (by: -1 | 1) => {
    const order = own.toSpliced(at, 1).toSpliced(at + by, 0, own[at]!);
    for (const [position, one] of order.entries())
      if (one.position !== position) await update.mutateAsync({ id: one.id, position });
  };
  const remove = () => {
    void navigate({ to: '/services' });
    deferOperation(
      boardsDelete,
      { id: board.id },
      {
        title: `The board ${board.name} is deleted; its services stay`,
        optimistic: () => [patchItem('boards.list', board.id, () => null)],
        invalidates: boardReads,
      },
    );
  };
  return (
    <>
      <DropdownMenu
        trigger={
          <IconButton label="Board menu" size="small">
            <Ellipsis />
          </IconButton>
        }
        entries={[
          { label: 'Arrange', icon: <LayoutDashboard />, keys: 'e', onSelect: onArrange },
          { label: 'Rename', icon: <Pencil />, onSelect: () => setRenaming(true) },
          { label: 'Move left', icon: <ArrowLeft />, disabled: at <= 0, onSelect: () => void move(-1) },
          {
            label: 'Move right',
            icon: <ArrowRight />,
            disabled: at < 0 || at >= own.length - 1,
            onSelect: () => void move(1),
          },
          { kind: 'separator' },
          { label: 'Delete board', icon: <Trash2 />, tone: 'danger', onSelect: remove },
        ]}
      />
      {renaming && <RenameDialog board={board} onClose={() => setRenaming(false)} />}
    </>
  );
};

const BoardSkeleton = () => (
  <div role="status" aria-label="Loading" className={cx(tileGrid, 'px-4 py-5 md:px-6 md:py-6')}>
    {['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((key) => (
      <Skeleton key={key} className="h-full w-full rounded-card" />
    ))}
  </div>
);
