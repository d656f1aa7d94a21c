import type { ItemView } from '@atrium/protocol';
import { inboxGetItem } from '@atrium/protocol';
import { Link } from '@tanstack/react-router';
import { AlarmClock, Check, ChevronRight, Clock, MessageSquare, Pin, SignalHigh, Siren, X } from 'lucide-react';
import type { ReactNode } from 'react';
import { prefetchOperation } from '../../data/operations.ts';
import { Badge } from '../../ui/badge.tsx';
import { cx } from '../../ui/class-names.ts';
import { PrincipalMark } from '../../ui/identity-mark.tsx';
import { LevelBar } from '../../ui/level-bar.tsx';
import { CountdownRing } from '../../ui/lifetime.tsx';
import { RelativeTime } from '../../ui/relative-time.tsx';
import { Checkbox } from '../../ui/toggles.tsx';
import { Tooltip } from '../../ui/tooltip.tsx';
import type { InboxSearch } from './item-filter.ts';
import { endWord, markId, waitsUntil } from './item-words.ts';
import { worstLevel } from './run-groups.ts';

interface ItemRowProps {
  item: ItemView;
  search: InboxSearch;
  /** The keyboard stands here. */
  current: boolean;
  /** Its detail is open. */
  open: boolean;
  selected: boolean;
  /** Some row is selected: the boxes show on all. */
  selecting: boolean;
  nested: boolean;
  fresh: boolean;
  dense: boolean;
  onSelect: (range: boolean) => void;
  onFocus: () => void;
  /** Opens in the pane; false leaves the press to the link. */
  onPress: (event: React.MouseEvent) => void;
}

/** Level bar, mark, title, one line of context, state at the right. */
export const ItemRow = ({
  item,
  search,
  current,
  open,
  selected,
  selecting,
  nested,
  fresh,
  dense,
  onSelect,
  onFocus,
  onPress,
}: ItemRowProps) => {
  const closed = item.status !== 'open';
  const unseen = !closed && item.viewed_at === null;
  return (
    <div
      data-current={current || undefined}
      className={cx(
        'group/row relative flex h-full items-center gap-3 border-b border-line pr-4 pl-4 transition-colors md:pr-5 md:pl-5',
        nested && 'pl-10! md:pl-11!',
        selected ? 'bg-accent-soft' : open ? 'bg-active' : 'hover:bg-hover',
        fresh && 'animate-row-in',
        current &&
          !open &&
          'before:pointer-events-none touch:before:hidden before:absolute before:inset-0 before:shadow-[inset_0_0_0_1.5px_var(--line-strong)]',
      )}
    >
      <LevelBar level={item.level} muted={closed} />
      <span className={cx('relative shrink-0', dense ? 'size-6' : 'size-7')}>
        <PrincipalMark
          type={item.created_by.type}
          id={markId(item.created_by)}
          name={item.created_by.name}
          size={dense ? 24 : 28}
          className={cx(selecting || selected ? 'invisible' : 'md:group-hover/row:invisible', closed && 'opacity-60')}
        />
        <span
          className={cx(
            'absolute inset-0 z-10 items-center justify-center',
            selecting || selected ? 'flex' : 'hidden md:group-hover/row:flex',
          )}
          onClickCapture={(event) => {
            event.preventDefault();
            event.stopPropagation();
            onSelect(event.shiftKey);
          }}
        >
          <Checkbox bare label={`Select ${item.title}`} checked={selected} onChange={() => undefined} />
        </span>
      </span>
      <span className="min-w-0 flex-1">
        <span className="flex items-center gap-1.5">
          {item.pinned_at && <Pin aria-label="Pinned" className="size-3 shrink-0 fill-current text-text-3" />}
          <Link
            to="/inbox/$itemId"
            params={{ itemId: item.id }}
            search={search}
            tabIndex={current ? 0 : -1}
            data-item={item.id}
            dir="auto"
            aria-current={open || undefined}
            onFocus={onFocus}
            onMouseEnter={() => prefetchOperation(inboxGetItem, { id: item.id })}
            onClick={onPress}
            className={cx(
              'min-w-0 flex-1 truncate text-start text-14 outline-none after:absolute after:inset-0',
              unseen ? 'font-semibold text-text' : closed ? 'text-text-2' : 'font-medium text-text',
            )}
          >
            {item.title}
          </Link>
        </span>
        <span className={cx('flex items-center gap-1.5 text-12 text-text-3', !dense && 'mt-0.5')}>
          <span dir="auto" className="min-w-0 shrink truncate">
            {item.created_by.name}
          </span>
          {item.channel && <Dotted className="min-w-0 shrink-[2] truncate">#{item.channel.name}</Dotted>}
          <Dotted className="tabular shrink-0">
            <RelativeTime time={item.created_at} short />
          </Dotted>
          {item.comment_count > 0 && (
            <Dotted className="tabular inline-flex shrink-0 items-center gap-1">
              <MessageSquare aria-hidden className="size-3" />
              {item.comment_count}
              <span className="sr-only"> comments</span>
            </Dotted>
          )}
        </span>
      </span>
      <span className="relative z-10 flex shrink-0 items-center gap-2">
        <RowState item={item} />
      </span>
    </div>
  );
};

const Dotted = ({ className, children }: { className?: string; children: ReactNode }) => (
  <span className={className}>
    <span aria-hidden className="mr-1.5">
      ·
    </span>
    {children}
  </span>
);

/** What the row says at its right edge: how often, how urgent, who is on it, until when. */
const RowState = ({ item }: { item: ItemView }) => {
  const end = endWord(item);
  const until = waitsUntil(item);
  const snoozed = item.snoozed_until !== null && Date.parse(item.snoozed_until) > Date.now();
  return (
    <>
      {item.occurrences > 1 && (
        <Tooltip label={`Happened ${item.occurrences} times`}>
          <span className="tabular text-12 font-medium text-text-2">×{item.occurrences}</span>
        </Tooltip>
      )}
      {item.priority === 4 && item.status === 'open' && (
        <Tooltip label="Urgent">
          <Siren aria-label="Urgent" className="size-4 text-danger-text" />
        </Tooltip>
      )}
      {item.priority === 3 && item.status === 'open' && (
        <Tooltip label="High priority">
          <SignalHigh aria-label="High priority" className="size-4 text-warning-text" />
        </Tooltip>
      )}
      {item.require && item.status === 'open' && item.approvals.length > 0 && (
        <span className="tabular text-12 text-text-2">
          {item.approvals.length}
          <span className="text-text-3"> of {requiredCount(item)}</span>
        </span>
      )}
      {item.claimed_by && item.status === 'open' && (
        <Tooltip label={`${item.claimed_by.name} is answering`}>
          <span className="inline-flex rounded-full ring-2 ring-accent-line">
            <PrincipalMark
              type={item.claimed_by.type}
              id={markId(item.claimed_by)}
              name={item.claimed_by.name}
              size={20}
            />
            <span className="sr-only">{item.claimed_by.name} is answering</span>
          </span>
        </Tooltip>
      )}
      {snoozed && (
        <span className="tabular inline-flex items-center gap-1 text-12 text-text-2">
          <AlarmClock aria-hidden className="size-3.5 text-text-3" />
          <span className="sr-only">Back in </span>
          <RelativeTime time={item.snoozed_until!} short />
        </span>
      )}
      {until && !snoozed && <CountdownRing from={item.created_at} until={until} />}
      {end && (
        <span className="hidden sm:inline">
          <Badge dot tone={end.tone}>
            {end.word}
          </Badge>
        </span>
      )}
      {end && <EndIcon item={item} />}
    </>
  );
};

const EndIcon = ({ item }: { item: ItemView }) => {
  const Icon = item.status === 'answered' ? Check : item.status === 'expired' ? Clock : X;
  return <Icon aria-label={endWord(item)?.word} className="size-4 text-text-3 sm:hidden" />;
};

/** Accepting answers that an item needs. */
export const requiredCount = (item: ItemView): number =>
  item.require?.n ?? Math.max(1, item.require?.all_of?.length ?? 0);

/** The head of the items of one run. */
export const RunRow = ({
  run_id,
  items,
  open,
  current,
  dense,
  onToggle,
  onFocus,
}: {
  run_id: string;
  items: readonly ItemView[];
  open: boolean;
  current: boolean;
  dense: boolean;
  onToggle: () => void;
  onFocus: () => void;
}) => {
  const newest = items[0]!;
  const waiting = items.filter((item) => item.status === 'open').length;
  return (
    <div
      className={cx(
        'relative flex h-full items-center gap-3 border-b border-line px-4 transition-colors hover:bg-hover md:px-5',
        current &&
          'before:pointer-events-none touch:before:hidden before:absolute before:inset-0 before:shadow-[inset_0_0_0_1.5px_var(--line-strong)]',
      )}
    >
      <LevelBar level={worstLevel(items)} muted={waiting === 0} />
      <PrincipalMark
        type={newest.created_by.type}
        id={markId(newest.created_by)}
        name={newest.created_by.name}
        size={dense ? 24 : 28}
      />
      <span className="min-w-0 flex-1">
        <button
          type="button"
          aria-expanded={open}
          tabIndex={current ? 0 : -1}
          data-run={run_id}
          onFocus={onFocus}
          onClick={onToggle}
          className="flex w-full min-w-0 items-center text-start text-14 font-medium text-text outline-none after:absolute after:inset-0"
        >
          <span dir="auto" className="truncate">
            {newest.title}
          </span>
        </button>
        <span className={cx('flex items-center gap-1.5 text-12 text-text-3', !dense && 'mt-0.5')}>
          <span className="min-w-0 truncate">{newest.created_by.name}</span>
          <Dotted className="min-w-0 truncate">
            run <code className="text-text-2">{run_id}</code>
          </Dotted>
          <Dotted className="tabular shrink-0">
            <RelativeTime time={newest.created_at} short />
          </Dotted>
        </span>
      </span>
      <Badge className="tabular shrink-0">
        {waiting > 0 && waiting < items.length ? `${waiting} of ${items.length} open` : `${items.length} items`}
      </Badge>
      <ChevronRight
        aria-hidden
        className={cx('size-4 shrink-0 text-text-3 transition-transform', open && 'rotate-90')}
      />
    </div>
  );
};
