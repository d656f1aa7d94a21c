import { type ItemView, inboxCounts, inboxListItems } from '@atrium/protocol';
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { Inbox } from 'lucide-react';
import { useMemo, useState } from 'react';
import { sayError } from '../../data/client.ts';
import { useOperation, useOperationList } from '../../data/operations.ts';
import { Button } from '../../ui/button.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import { FormError } from '../../ui/form-field.tsx';
import { Kbd } from '../../ui/kbd.tsx';
import { useDetailPane } from '../../ui/media.ts';
import { usePageTitle } from '../../ui/page-header.tsx';
import { useShortcut } from '../../ui/shortcuts.tsx';
import { SplitPane } from '../../ui/split-pane.tsx';
import { BulkBar } from './bulk-bar.tsx';
import { InboxHeader } from './inbox-header.tsx';
import { ItemDetail } from './item-detail.tsx';
import { type Box, type InboxSearch, isFiltered, listInput } from './item-filter.ts';
import { ItemList, RowSkeletons, useRowHeight } from './item-list.tsx';
import { SnoozeDialog } from './snooze-dialog.tsx';
import { sendTestQuestion } from './test-question.ts';

/** List and detail: side by side where there is room, one after the other where not. */
export const InboxPage = () => {
  const search = useSearch({ from: '/frame/inbox' });
  const { itemId } = useParams({ strict: false });
  const beside = useDetailPane();
  const navigate = useNavigate();
  const close = () => void navigate({ to: '/inbox', search });
  useShortcut('escape', 'Back to the list', close, { group: 'Inbox', enabled: itemId !== undefined });
  const detail = itemId ? <ItemDetail key={itemId} id={itemId} onBack={beside ? null : close} /> : null;
  return (
    <>
      {beside ? (
        <SplitPane
          id="inbox"
          initial={480}
          min={360}
          max={760}
          list={<ListColumn search={search} openId={itemId} beside />}
          detail={detail ?? <NothingOpen />}
        />
      ) : (
        (detail ?? <ListColumn search={search} openId={undefined} beside={false} />)
      )}
      <SnoozeDialog />
    </>
  );
};

const ListColumn = ({
  search,
  openId,
  beside,
}: {
  search: InboxSearch;
  openId: string | undefined;
  beside: boolean;
}) => {
  usePageTitle('Inbox');
  const input = useMemo(() => listInput(search), [search]);
  const list = useOperationList(inboxListItems, input);
  const [selection, setSelection] = useState<ReadonlySet<string>>(new Set());
  const { height } = useRowHeight();
  // What left the list leaves the selection with it.
  const selected = list.items.filter((item) => selection.has(item.id));
  const chosen = useMemo(() => new Set(selected.map((item) => item.id)), [selected]);
  return (
    <section aria-label="List" className="flex h-full min-h-0 flex-col">
      <InboxHeader search={search} />
      {list.error && list.items.length === 0 ? (
        <div className="p-5">
          <FormError>{sayError(list.error)}</FormError>
          <Button className="mt-3" onClick={() => void list.refetch()}>
            Try again
          </Button>
        </div>
      ) : list.isPending ? (
        <div className="min-h-0 flex-1 overflow-hidden">
          <RowSkeletons rows={12} height={height} />
        </div>
      ) : (
        <ItemList
          key={JSON.stringify(search)}
          items={list.items}
          search={search}
          openId={openId}
          beside={beside}
          selection={chosen}
          onSelection={setSelection}
          onEndReached={list.loadMore}
          loadingMore={list.loadingMore}
          empty={<NoItems search={search} />}
        />
      )}
      {selected.length > 0 && <BulkBar items={selected as ItemView[]} onDone={() => setSelection(new Set())} />}
    </section>
  );
};

const emptyWords: Record<Box, [string, string]> = {
  needs_me: ['Nothing needs you', 'Questions and notices that wait for you appear here by themselves.'],
  watching: ['You watch nothing', 'What you ask, follow, comment on or answer gathers here.'],
  snoozed: ['Nothing is snoozed', 'Press s on an item to hide it until a better moment.'],
  done: ['Nothing is done yet', 'Answered, dismissed, expired and withdrawn items stay here until they are archived.'],
  all: ['The inbox is empty', 'Agents ask here, and people answer.'],
};

const NoItems = ({ search }: { search: InboxSearch }) => {
  const navigate = useNavigate();
  const counts = useOperation(inboxCounts, {}).data;
  if (isFiltered(search) || search.view)
    return (
      <EmptyState
        plain
        title="Nothing passes this filter"
        action={
          <Button onClick={() => void navigate({ to: '/inbox', search: { box: search.box ?? 'all' } })}>
            Clear the filter
          </Button>
        }
      />
    );
  const box = search.box ?? 'needs_me';
  const [title, text] = emptyWords[box];
  const beginning = counts !== undefined && counts.all === 0 && counts.done === 0;
  return (
    <EmptyState
      title={title}
      {...(beginning
        ? {
            action: (
              <Button tone="primary" onClick={() => void sendTestQuestion()}>
                Send me a test question
              </Button>
            ),
          }
        : {})}
      {...(beginning ? { docs: { href: '/agents', label: 'Connect an agent' } } : {})}
    >
      {text}
    </EmptyState>
  );
};

/** The pane before anything is chosen: how much waits, and the keys that matter. */
const NothingOpen = () => {
  const counts = useOperation(inboxCounts, {}).data;
  const waiting = counts?.needs_me ?? 0;
  return (
    <div className="flex h-full flex-col items-center justify-center gap-5 px-8 text-center">
      <Inbox aria-hidden strokeWidth={1.25} className="size-8 text-text-3" />
      <p className="text-14 text-text-2">
        {counts === undefined
          ? ' '
          : waiting === 0
            ? 'Nothing waits for you.'
            : waiting === 1
              ? 'One item waits for you.'
              : `${waiting} items wait for you.`}
      </p>
      <ul className="flex flex-wrap justify-center gap-x-5 gap-y-2 text-12 text-text-3">
        {[
          ['j', 'down'],
          ['k', 'up'],
          ['enter', 'open'],
          ['s', 'snooze'],
          ['?', 'all keys'],
        ].map(([keys, label]) => (
          <li key={keys} className="inline-flex items-center gap-1.5">
            <Kbd keys={keys!} /> {label}
          </li>
        ))}
      </ul>
    </div>
  );
};
