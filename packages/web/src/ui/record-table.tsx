import { type ReactNode, useEffect, useRef } from 'react';
import { cx } from './class-names.ts';
import { usePhone } from './media.ts';
import { Table, type TableProps } from './table.tsx';

/** How a row looks where no columns fit. */
export interface RecordCard {
  leading?: ReactNode;
  title: ReactNode;
  detail?: ReactNode;
  trailing?: ReactNode;
}

interface RecordTableProps<Row> extends TableProps<Row> {
  card: (row: Row) => RecordCard;
}

/** A table that becomes a list on the phone. */
export const RecordTable = <Row,>({ card, ...table }: RecordTableProps<Row>) =>
  usePhone() ? <RecordList card={card} {...table} /> : <Table {...table} />;

const RecordList = <Row,>({
  card,
  rows,
  rowKey,
  label,
  onOpen,
  onEndReached,
  loadingMore,
  empty,
}: RecordTableProps<Row>) => {
  const end = useRef<HTMLLIElement>(null);
  const reached = useRef(onEndReached);
  useEffect(() => {
    reached.current = onEndReached;
  });
  useEffect(() => {
    const watcher = new IntersectionObserver(([entry]) => entry?.isIntersecting && reached.current?.(), {
      rootMargin: '600px',
    });
    if (end.current) watcher.observe(end.current);
    return () => watcher.disconnect();
  }, []);
  return (
    // Records that open nothing hold no focus of their own: then the list itself takes it, so that keys can scroll.
    <div className="min-h-0 flex-1 overflow-y-auto" {...(onOpen === undefined && { tabIndex: 0 })}>
      {rows.length === 0 && empty}
      <ul aria-label={label} className={cx(rows.length === 0 && 'hidden')}>
        {rows.map((row) => (
          <li
            key={rowKey(row)}
            className="border-b border-line [contain-intrinsic-size:auto_64px] [content-visibility:auto]"
          >
            <Row card={card(row)} onOpen={onOpen && (() => onOpen(row))} />
          </li>
        ))}
        <li ref={end} aria-hidden className="h-px" />
      </ul>
      {loadingMore && <p className="h-11 animate-skeleton px-4 text-12 leading-11 text-text-3">Loading more</p>}
    </div>
  );
};

const Row = ({ card, onOpen }: { card: RecordCard; onOpen: (() => void) | undefined }) => {
  const body = (
    <>
      {card.leading && <span className="shrink-0">{card.leading}</span>}
      <span className="min-w-0 flex-1">
        <span dir="auto" className="block truncate text-left text-14 font-medium text-text">
          {card.title}
        </span>
        {card.detail && <span className="block truncate text-13 text-text-2">{card.detail}</span>}
      </span>
      {card.trailing && <span className="shrink-0 text-right text-12 text-text-3">{card.trailing}</span>}
    </>
  );
  const shape = 'flex min-h-16 w-full items-center gap-3 px-4 py-2.5 text-left';
  return onOpen ? (
    <button type="button" onClick={onOpen} className={cx(shape, '-outline-offset-2 active:bg-active')}>
      {body}
    </button>
  ) : (
    <div className={shape}>{body}</div>
  );
};
