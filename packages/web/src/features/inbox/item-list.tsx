import type { ItemView } from '@atrium/protocol';
import { useNavigate } from '@tanstack/react-router';
import { useVirtualizer } from '@tanstack/react-virtual';
import { AlarmClock, Check, Reply } from 'lucide-react';
import { type ReactNode, useEffect, useMemo, useRef, useState } from 'react';
import { useExternalStore } from '../../ui/external-store.ts';
import { useMedia } from '../../ui/media.ts';
import { useShortcut } from '../../ui/shortcuts.tsx';
import { Skeleton } from '../../ui/skeleton.tsx';
import { rangeBetween } from '../../ui/table-selection.ts';
import { useDensity } from '../../ui/theme.ts';
import { acknowledge, archive, dismiss } from './item-acts.ts';
import type { InboxSearch } from './item-filter.ts';
import { ItemRow, RunRow } from './item-row.tsx';
import { freshItems } from './items-cache.ts';
import { linesOf } from './run-groups.ts';
import { askSnooze } from './snooze-dialog.tsx';
import { SwipeRow } from './swipe-row.tsx';

interface ItemListProps {
  items: readonly ItemView[];
  search: InboxSearch;
  openId: string | undefined;
  /** The detail stands beside the list, so that moving may show. */
  beside: boolean;
  selection: ReadonlySet<string>;
  onSelection: (selection: ReadonlySet<string>) => void;
  onEndReached: () => void;
  loadingMore: boolean;
  empty: ReactNode;
}

/** Where each list was left, for coming back from a detail page. */
const offsets = new Map<string, number>();

export const useRowHeight = (): { height: number; dense: boolean } => {
  const dense = useDensity() === 'dense';
  const coarse = useMedia('(pointer: coarse)');
  return coarse ? { height: 64, dense: false } : dense ? { height: 48, dense } : { height: 60, dense };
};

/** The rows of the inbox: virtual, driven by keys, grouped by run, keeping their place. */
export const ItemList = (props: ItemListProps) => {
  const { items, search, openId, beside, selection, onSelection, onEndReached } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const navigate = useNavigate();
  const { height, dense } = useRowHeight();
  const fresh = useExternalStore(freshItems);
  const [openRuns, setOpenRuns] = useState<ReadonlySet<string>>(new Set());
  // The item beside the list shows in it, also where its run is folded.
  const runOfOpen = items.find((item) => item.id === openId)?.run_id;
  const lines = useMemo(
    () => linesOf(items, runOfOpen ? new Set([...openRuns, runOfOpen]) : openRuns),
    [items, openRuns, runOfOpen],
  );
  const [cursorKey, setCursorKey] = useState<string | undefined>(openId);
  const lastIndex = useRef(0);
  const anchor = useRef(0);
  const key = JSON.stringify(search);

  // A row that leaves hands the cursor to the one that takes its place.
  const found = lines.findIndex((line) => line.key === cursorKey);
  const cursor = found >= 0 ? found : Math.min(lastIndex.current, lines.length - 1);
  useEffect(() => {
    lastIndex.current = Math.max(0, cursor);
  });

  const virtual = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => height,
    getItemKey: (index) => lines[index]!.key,
    overscan: 10,
    initialOffset: offsets.get(key) ?? 0,
    onChange: (instance) => {
      if (instance.scrollOffset !== null) offsets.set(key, instance.scrollOffset);
      const last = instance.getVirtualItems().at(-1);
      if (last && last.index >= lines.length - 25) onEndReached();
    },
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: heights change with density alone.
  useEffect(() => virtual.measure(), [height]);

  const open = (id: string, replace = false) =>
    void navigate({ to: '/inbox/$itemId', params: { itemId: id }, search, replace });
  const focusLine = (index: number) => {
    const line = lines[index];
    if (!line) return;
    virtual.scrollToIndex(index, { align: 'auto' });
    requestAnimationFrame(() => {
      const selector =
        line.kind === 'item' ? `[data-item="${line.item.id}"]` : `[data-run="${CSS.escape(line.run_id)}"]`;
      scroller.current?.querySelector<HTMLElement>(selector)?.focus({ preventScroll: true });
    });
  };
  const toggleRange = (index: number, range: boolean) => {
    const next = new Set(selection);
    const target = lines[index];
    if (target?.kind !== 'item') return;
    const on = range || !next.has(target.key);
    for (const position of range ? rangeBetween(anchor.current, index) : [index]) {
      const line = lines[position];
      if (line?.kind === 'item') on ? next.add(line.key) : next.delete(line.key);
    }
    anchor.current = index;
    onSelection(next);
  };
  const move = (step: number, range = false) => {
    if (lines.length === 0) return;
    const target = Math.min(lines.length - 1, Math.max(0, found < 0 && step > 0 ? cursor : cursor + step));
    if (range) {
      if (selection.size === 0) anchor.current = cursor;
      toggleRange(target, true);
    }
    const line = lines[target]!;
    setCursorKey(line.key);
    focusLine(target);
    if (beside && openId !== undefined && !range && line.kind === 'item') open(line.item.id, true);
  };
  const toggleRun = (run: string) =>
    setOpenRuns((current) => {
      const next = new Set(current);
      next.delete(run) || next.add(run);
      return next;
    });
  const here = (): ItemView | undefined => {
    const line = lines[cursor];
    return line?.kind === 'item' ? line.item : undefined;
  };
  useListKeys({ move, here, lines: lines.length, cursor, toggleRange, selection, onSelection });
  useShortcut(
    'enter',
    'Open',
    () => {
      const line = lines[cursor];
      if (line?.kind === 'run') toggleRun(line.run_id);
      else if (line) open(line.item.id);
    },
    { group: 'Inbox' },
  );

  if (lines.length === 0) return <div className="min-h-0 flex-1 overflow-y-auto">{props.empty}</div>;
  return (
    <div ref={scroller} className="min-h-0 flex-1 overflow-y-auto" data-list>
      <ul aria-label="Items" className="relative" style={{ height: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map((row) => {
          const line = lines[row.index]!;
          return (
            <li
              key={line.key}
              aria-setsize={lines.length}
              aria-posinset={row.index + 1}
              className="absolute inset-x-0 top-0"
              style={{ height, transform: `translateY(${row.start}px)` }}
            >
              {line.kind === 'run' ? (
                <RunRow
                  {...line}
                  dense={dense}
                  current={row.index === cursor}
                  onFocus={() => setCursorKey(line.key)}
                  onToggle={() => toggleRun(line.run_id)}
                />
              ) : (
                <Swiped item={line.item}>
                  <ItemRow
                    item={line.item}
                    search={search}
                    nested={line.nested}
                    dense={dense}
                    current={row.index === cursor}
                    open={line.item.id === openId}
                    selected={selection.has(line.key)}
                    selecting={selection.size > 0}
                    fresh={fresh.has(line.item.id)}
                    onFocus={() => setCursorKey(line.key)}
                    onSelect={(range) => toggleRange(row.index, range)}
                    onPress={(event) => {
                      setCursorKey(line.key);
                      if (!event.shiftKey) return;
                      event.preventDefault();
                      toggleRange(row.index, true);
                    }}
                  />
                </Swiped>
              )}
            </li>
          );
        })}
      </ul>
      {props.loadingMore && <RowSkeletons rows={2} height={height} />}
    </div>
  );
};

const Swiped = ({ item, children }: { item: ItemView; children: ReactNode }) => {
  const coarse = useMedia('(pointer: coarse)');
  const navigate = useNavigate();
  if (!coarse || item.status !== 'open') return children;
  const asks = item.form !== null || item.approval !== null;
  return (
    <SwipeRow
      right={{
        label: asks ? 'Answer' : 'Acknowledge',
        icon: asks ? <Reply /> : <Check />,
        tone: 'accent',
        run: () => (asks ? void navigate({ to: '/answer/$itemId', params: { itemId: item.id } }) : acknowledge(item)),
      }}
      left={{ label: 'Snooze', icon: <AlarmClock />, tone: 'info', run: () => askSnooze([item]) }}
    >
      {children}
    </SwipeRow>
  );
};

interface ListKeys {
  move: (step: number, range?: boolean) => void;
  here: () => ItemView | undefined;
  lines: number;
  cursor: number;
  toggleRange: (index: number, range: boolean) => void;
  selection: ReadonlySet<string>;
  onSelection: (selection: ReadonlySet<string>) => void;
}

const useListKeys = ({ move, here, lines, cursor, toggleRange, selection, onSelection }: ListKeys): void => {
  const group = 'Inbox';
  // With a selection the bulk bar answers for these keys.
  const single = { group, enabled: selection.size === 0 };
  const on = (act: (item: ItemView) => void) => () => {
    const item = here();
    if (item) act(item);
  };
  useShortcut('j', 'Next', () => move(1), { group });
  useShortcut('k', 'Previous', () => move(-1), { group });
  useShortcut('down', 'Next', () => move(1), { group });
  useShortcut('up', 'Previous', () => move(-1), { group });
  useShortcut('shift+j', 'Select downwards', () => move(1, true), { group });
  useShortcut('shift+k', 'Select upwards', () => move(-1, true), { group });
  useShortcut('x', 'Select', () => toggleRange(cursor, false), { group });
  useShortcut(
    'mod+a',
    'Select all loaded',
    () => {
      toggleRange(0, false);
      toggleRange(lines - 1, true);
    },
    { group },
  );
  useShortcut('a', 'Acknowledge', on(acknowledge), single);
  useShortcut('d', 'Dismiss', on(dismiss), single);
  useShortcut('e', 'Archive', on(archive), single);
  useShortcut(
    's',
    'Snooze',
    on((item) => askSnooze([item])),
    single,
  );
  useShortcut('escape', 'Clear selection', () => onSelection(new Set()), { group, enabled: selection.size > 0 });
};

const widths = ['w-3/5', 'w-2/5', 'w-1/2', 'w-2/3', 'w-[45%]'];

/** Rows in the exact shape of those that come. */
export const RowSkeletons = ({ rows, height }: { rows: number; height: number }) => (
  <div role="status" aria-label="Loading">
    {Array.from({ length: rows }, (_, index) => (
      <div
        // biome-ignore lint/suspicious/noArrayIndexKey: the rows are alike.
        key={index}
        className="flex items-center gap-3 border-b border-line px-4 md:px-5"
        style={{ height }}
      >
        <Skeleton className="size-7 shrink-0 rounded-control" />
        <span className="flex-1 space-y-2">
          <Skeleton className={`h-3 ${widths[index % widths.length]}`} />
          <Skeleton className="h-2.5 w-1/3" />
        </span>
        <Skeleton className="size-4 rounded-full" />
      </div>
    ))}
  </div>
);
