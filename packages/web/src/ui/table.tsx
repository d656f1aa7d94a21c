// biome-ignore-all lint/a11y/useSemanticElements: a <table> cannot be virtual and keep its columns.
// biome-ignore-all lint/a11y/useFocusableInteractive: the rows take the focus, one at a time.
// biome-ignore-all lint/a11y/useKeyWithClickEvents: the grid handles the keys of its rows.
import { useVirtualizer } from '@tanstack/react-virtual';
import { ArrowDown, ArrowUp, Download, SlidersHorizontal } from 'lucide-react';
import { type KeyboardEvent, type ReactNode, useRef, useState } from 'react';
import { IconButton } from './button.tsx';
import { cx } from './class-names.ts';
import { DropdownMenu } from './dropdown-menu.tsx';
import { useMedia } from './media.ts';
import { useRemembered } from './remembered.ts';
import { rangeBetween, toCsv } from './table-selection.ts';
import { useDensity } from './theme.ts';
import { Checkbox } from './toggles.tsx';

export interface Column<Row> {
  id: string;
  header: string;
  /** Track of the CSS grid: `minmax(160px, 2fr)`, `96px`. */
  width: string;
  cell: (row: Row) => ReactNode;
  /** Sorts and exports by this; without it the column does neither. */
  value?: (row: Row) => string | number | null;
  align?: 'right';
  /** Hidden until chosen in the view menu. */
  initiallyHidden?: boolean;
  /** Hidden below 800 px. */
  wide?: boolean;
}

export interface Sort {
  column: string;
  descending: boolean;
}

export interface TableProps<Row> {
  /** Key under which the column choice is remembered. */
  id: string;
  label: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  rowKey: (row: Row) => string;
  onOpen?: (row: Row) => void;
  selection?: ReadonlySet<string>;
  onSelectionChange?: (selection: Set<string>) => void;
  /** Absent: rows are sorted here. Present: the server sorts. */
  sort?: Sort | null;
  onSortChange?: (sort: Sort | null) => void;
  /** The last rows came into view: load the next page. */
  onEndReached?: () => void;
  loadingMore?: boolean;
  empty?: ReactNode;
  /** Above the header while rows are selected. */
  bulk?: ReactNode;
}

/** Rows in columns: sort, selection with shift, virtual scroll, column choice, CSV. Arrow keys or j/k move, Enter opens, x selects. */
export const Table = <Row,>({
  id,
  label,
  columns,
  rows,
  rowKey,
  onOpen,
  selection,
  onSelectionChange,
  sort,
  onSortChange,
  onEndReached,
  loadingMore,
  empty,
  bulk,
}: TableProps<Row>) => {
  const scroller = useRef<HTMLDivElement>(null);
  const anchor = useRef(0);
  const [active, setActive] = useState(0);
  const [hidden, setHidden] = useRemembered<string[]>(
    `table.${id}.hidden`,
    columns.filter((column) => column.initiallyHidden).map((column) => column.id),
  );
  const [ownSort, setOwnSort] = useState<Sort | null>(null);
  const dense = useDensity() === 'dense';
  const coarse = useMedia('(pointer: coarse)');
  const narrow = useMedia('(width < 800px)');
  const rowHeight = dense && !coarse ? 36 : 44;

  const currentSort = sort === undefined ? ownSort : sort;
  const visible = columns.filter((column) => !hidden.includes(column.id) && !(narrow && column.wide));
  const sorted = sort === undefined && ownSort ? sortRows(rows, columns, ownSort) : rows;
  const template = [selection && '40px', ...visible.map((column) => column.width)].filter(Boolean).join(' ');

  const virtual = useVirtualizer({
    count: sorted.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 12,
    onChange: (instance) => {
      const last = instance.getVirtualItems().at(-1);
      if (last && last.index >= sorted.length - 15) onEndReached?.();
    },
  });

  const toggleSort = (column: Column<Row>) => {
    const next =
      currentSort?.column !== column.id
        ? { column: column.id, descending: false }
        : currentSort.descending
          ? null
          : { column: column.id, descending: true };
    onSortChange ? onSortChange(next) : setOwnSort(next);
  };
  const toggle = (index: number, range: boolean) => {
    if (!selection || !onSelectionChange) return;
    const next = new Set(selection);
    const on = !next.has(rowKey(sorted[index]!));
    for (const position of range ? rangeBetween(anchor.current, index) : [index]) {
      const key = rowKey(sorted[position]!);
      on ? next.add(key) : next.delete(key);
    }
    anchor.current = index;
    onSelectionChange(next);
  };
  const moveTo = (index: number) => {
    const target = Math.min(sorted.length - 1, Math.max(0, index));
    setActive(target);
    virtual.scrollToIndex(target, { align: 'auto' });
    requestAnimationFrame(() => scroller.current?.querySelector<HTMLElement>(`[data-row="${target}"]`)?.focus());
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (
      !(event.target instanceof HTMLElement) ||
      event.target.dataset['row'] === undefined ||
      event.ctrlKey ||
      event.metaKey
    )
      return;
    const page = Math.floor((scroller.current?.clientHeight ?? 400) / rowHeight) - 1;
    const moves: Record<string, number> = {
      ArrowDown: active + 1,
      j: active + 1,
      ArrowUp: active - 1,
      k: active - 1,
      Home: 0,
      End: sorted.length - 1,
      PageDown: active + page,
      PageUp: active - page,
    };
    const target = moves[event.key];
    if (target !== undefined) {
      if (event.shiftKey && selection) toggle(Math.min(sorted.length - 1, Math.max(0, target)), true);
      moveTo(target);
    } else if (event.key === 'Enter') onOpen?.(sorted[active]!);
    else if (event.key === 'x' || event.key === ' ') toggle(active, event.shiftKey);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  if (rows.length === 0 && empty) return <div className="min-h-0 flex-1 overflow-y-auto">{empty}</div>;
  const allSelected = !!selection && rows.length > 0 && rows.every((row) => selection.has(rowKey(row)));
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      {bulk && selection && selection.size > 0 && (
        <div className="flex min-h-11 shrink-0 items-center gap-2 border-b border-line bg-accent-soft px-4 text-13 md:px-6">
          {bulk}
        </div>
      )}
      <div
        ref={scroller}
        role="grid"
        aria-label={label}
        aria-rowcount={sorted.length + 1}
        aria-multiselectable={!!selection}
        onKeyDown={onKeyDown}
        className="min-h-0 flex-1 overflow-auto"
      >
        <div className="min-w-max md:min-w-0">
          <div
            role="row"
            aria-rowindex={1}
            className="sticky top-0 z-10 grid h-9 items-center border-b border-line bg-surface px-4 text-12 text-text-3 md:px-6"
            style={{ gridTemplateColumns: template }}
          >
            {selection && (
              <span role="columnheader" aria-label="Selection" className="flex items-center">
                <Checkbox
                  bare
                  label="Select all rows"
                  checked={allSelected ? true : selection.size > 0 ? 'indeterminate' : false}
                  onChange={() => onSelectionChange?.(allSelected ? new Set() : new Set(rows.map(rowKey)))}
                />
              </span>
            )}
            {visible.map((column, index) => {
              const direction =
                currentSort?.column === column.id ? (currentSort.descending ? 'descending' : 'ascending') : undefined;
              const Arrow = direction === 'descending' ? ArrowDown : ArrowUp;
              return (
                <span
                  key={column.id}
                  role="columnheader"
                  aria-sort={direction}
                  className={cx(
                    'flex min-w-0 items-center pr-3 font-medium',
                    column.align === 'right' && 'justify-end pr-6',
                  )}
                >
                  {column.value ? (
                    <button
                      type="button"
                      onClick={() => toggleSort(column)}
                      className="group inline-flex h-7 min-w-0 items-center gap-1 rounded-control hover:text-text"
                    >
                      <span className="truncate">{column.header}</span>
                      <Arrow
                        aria-hidden
                        className={cx('size-3 shrink-0', direction ? 'text-text' : 'opacity-0 group-hover:opacity-60')}
                      />
                    </button>
                  ) : (
                    <span className="truncate">{column.header}</span>
                  )}
                  {index === visible.length - 1 && (
                    <ViewMenu
                      columns={columns}
                      hidden={hidden}
                      onHide={setHidden}
                      onExport={() => exportCsv(id, columns, sorted)}
                    />
                  )}
                </span>
              );
            })}
          </div>
          <div role="presentation" className="relative" style={{ height: virtual.getTotalSize() }}>
            {virtual.getVirtualItems().map((item) => {
              const row = sorted[item.index]!;
              const chosen = selection?.has(rowKey(row)) ?? false;
              return (
                <div
                  key={rowKey(row)}
                  role="row"
                  data-row={item.index}
                  aria-rowindex={item.index + 2}
                  aria-selected={selection ? chosen : undefined}
                  tabIndex={item.index === active ? 0 : -1}
                  onFocus={() => setActive(item.index)}
                  onClick={(event) => {
                    if (event.shiftKey && selection) toggle(item.index, true);
                    else if (!(event.target as HTMLElement).closest('button,a,input,[role="checkbox"]')) onOpen?.(row);
                  }}
                  className={cx(
                    '-outline-offset-2 absolute inset-x-0 top-0 grid items-center border-b border-line px-4 text-13 md:px-6',
                    onOpen && 'cursor-pointer',
                    chosen ? 'bg-accent-soft' : 'hover:bg-hover',
                  )}
                  style={{ gridTemplateColumns: template, height: rowHeight, transform: `translateY(${item.start}px)` }}
                >
                  {selection && (
                    <span
                      role="gridcell"
                      className="flex items-center"
                      onClickCapture={(event) => {
                        event.stopPropagation();
                        event.preventDefault();
                        toggle(item.index, event.shiftKey);
                      }}
                    >
                      <Checkbox bare label="Select row" checked={chosen} onChange={() => undefined} />
                    </span>
                  )}
                  {visible.map((column) => (
                    <span
                      key={column.id}
                      role="gridcell"
                      className={cx('min-w-0 truncate pr-3', column.align === 'right' && 'tabular pr-6 text-right')}
                    >
                      {column.cell(row)}
                    </span>
                  ))}
                </div>
              );
            })}
          </div>
          {loadingMore && <div className="h-9 animate-skeleton px-6 text-12 leading-9 text-text-3">Loading more</div>}
        </div>
      </div>
    </div>
  );
};

const ViewMenu = <Row,>({
  columns,
  hidden,
  onHide,
  onExport,
}: {
  columns: readonly Column<Row>[];
  hidden: string[];
  onHide: (hidden: string[]) => void;
  onExport: () => void;
}) => (
  <span className="ml-auto pl-2">
    <DropdownMenu
      trigger={
        <IconButton label="Columns and export" size="small">
          <SlidersHorizontal />
        </IconButton>
      }
      entries={[
        { kind: 'heading', label: 'Columns' },
        ...columns.slice(1).map((column) => ({
          label: column.header,
          checked: !hidden.includes(column.id),
          onSelect: () =>
            onHide(hidden.includes(column.id) ? hidden.filter((other) => other !== column.id) : [...hidden, column.id]),
        })),
        { kind: 'separator' as const },
        { label: 'Export rows as CSV', icon: <Download />, onSelect: onExport },
      ]}
    />
  </span>
);

const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' });

const sortRows = <Row,>(rows: readonly Row[], columns: readonly Column<Row>[], sort: Sort): Row[] => {
  const value = columns.find((column) => column.id === sort.column)?.value;
  if (!value) return [...rows];
  const sign = sort.descending ? -1 : 1;
  return rows.toSorted((first, second) => {
    const [a, b] = [value(first), value(second)];
    // Rows without a value stay last in both directions.
    if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
    return sign * (typeof a === 'number' && typeof b === 'number' ? a - b : collator.compare(String(a), String(b)));
  });
};

const exportCsv = <Row,>(name: string, columns: readonly Column<Row>[], rows: readonly Row[]): void => {
  const exported = columns.filter((column) => column.value);
  const text = toCsv([
    exported.map((column) => column.header),
    ...rows.map((row) => exported.map((column) => column.value!(row))),
  ]);
  const url = URL.createObjectURL(new Blob([text], { type: 'text/csv' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = `${name}.csv`;
  link.click();
  URL.revokeObjectURL(url);
};
