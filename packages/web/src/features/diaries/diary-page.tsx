import { type DiaryView, diariesGet, diariesSearch } from '@atrium/protocol';
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import {
  ArrowRightLeft,
  ChartNoAxesColumn,
  CopyCheck,
  Ellipsis,
  FileInput,
  FileOutput,
  ListChecks,
  NotebookText,
  Settings2,
  Share2,
  ShieldCheck,
  TriangleAlert,
} from 'lucide-react';
import { type ReactNode, useEffect, useState } from 'react';
import { LoadError } from '../../app/load-error.tsx';
import { ProblemError } from '../../data/client.ts';
import { useOperation } from '../../data/operations.ts';
import { Button, IconButton } from '../../ui/button.tsx';
import { DropdownMenu, type MenuEntry } from '../../ui/dropdown-menu.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import { Kbd } from '../../ui/kbd.tsx';
import { useDetailPane, usePhone } from '../../ui/media.ts';
import { PageHeader } from '../../ui/page-header.tsx';
import { SearchField } from '../../ui/search-field.tsx';
import { useShortcut } from '../../ui/shortcuts.tsx';
import { SkeletonRows } from '../../ui/skeleton.tsx';
import { SplitPane } from '../../ui/split-pane.tsx';
import { AsOfChip, AsOfNote } from './as-of.tsx';
import { BulkDialog } from './bulk-dialog.tsx';
import { DiarySettings } from './diary-settings.tsx';
import { entryName, mayWrite, roleWords } from './diary-words.ts';
import { EndOfList } from './end-of-list.tsx';
import { EntryDialog } from './entry-dialog.tsx';
import { type EntrySearch, isFiltered, noFilter } from './entry-filter.ts';
import { EntryFilters } from './entry-filters.tsx';
import { SignedMark, Visibility } from './entry-marks.tsx';
import { EntryPane } from './entry-pane.tsx';
import { ExportDialog } from './export-dialog.tsx';
import { Hits, NothingFound, SearchNote } from './hits.tsx';
import { ImportDialog } from './import-dialog.tsx';
import { DiaryCheckDialog } from './integrity-check.tsx';
import { ShareDialog } from './share-dialog.tsx';
import { Timeline } from './timeline.tsx';
import { TransferDialog } from './transfer-dialog.tsx';
import { useEntryList } from './use-entry-list.ts';

/** Timeline and entry: side by side where there is room, one after the other where not. */
export const DiaryPage = () => {
  const { id } = useParams({ from: '/frame/diaries/$id' });
  const query = useOperation(diariesGet, { diary_ref: id });
  const navigate = useNavigate();
  const back = { label: 'diaries', onBack: () => void navigate({ to: '/diaries' }) };
  // First of all: what is no longer shared must not stay on the screen because it was read before.
  const gone = query.error instanceof ProblemError && query.error.problem.status === 404;
  if (query.data && !gone) return <Diary key={id} diary={query.data} back={back} />;
  return (
    <>
      <PageHeader title="Diary" back={back} />
      {gone ? (
        <EmptyState plain title="This diary is not here">
          It was deleted, or it is no longer shared with you.
        </EmptyState>
      ) : query.error ? (
        <LoadError error={query.error} retry={query.refetch} />
      ) : (
        <SkeletonRows tall />
      )}
    </>
  );
};

interface Back {
  label: string;
  onBack: () => void;
}

const Diary = ({ diary, back }: { diary: DiaryView; back: Back }) => {
  const search = useSearch({ from: '/frame/diaries/$id' });
  const { entryId } = useParams({ strict: false });
  const beside = useDetailPane();
  const navigate = useNavigate();
  const close = () => void navigate({ to: '/diaries/$id', params: { id: diary.id }, search });
  useShortcut('escape', 'Back to the timeline', close, { group: 'Diary', enabled: entryId !== undefined });
  const detail = entryId ? (
    <EntryPane key={entryId} diary={diary} id={entryId} search={search} onBack={beside ? null : close} onGone={close} />
  ) : null;
  const column = (
    <TimelineColumn diary={diary} search={search} openId={beside ? entryId : undefined} back={back} keys={beside} />
  );
  if (!beside) return detail ?? column;
  return (
    <SplitPane
      id="diary"
      initial={520}
      min={380}
      max={820}
      list={column}
      detail={detail ?? <NothingOpen diary={diary} />}
    />
  );
};

/** What stands above the timeline. */
type Open = 'write' | 'share' | 'settings' | 'bulk' | 'export' | 'import' | 'check' | 'transfer';

const TimelineColumn = ({
  diary,
  search,
  openId,
  back,
  keys,
}: {
  diary: DiaryView;
  search: EntrySearch;
  openId: string | undefined;
  back: Back;
  keys: boolean;
}) => {
  const navigate = useNavigate();
  const [open, setOpen] = useState<Open | null>(null);
  const { searching, entries, found } = useEntryList(diary.id, search);
  const list = searching ? found : entries;
  const total = useOperation(diariesSearch, { diary_ref: diary.id, content: 'snippet', limit: 1 }).data?.total;
  const change = (next: Partial<EntrySearch>) =>
    void navigate({
      to: openId ? '/diaries/$id/$entryId' : '/diaries/$id',
      params: { id: diary.id, ...(openId ? { entryId: openId } : {}) },
      search: { ...search, nearest: undefined, ...next },
      replace: true,
    });
  const writes = mayWrite(diary);
  const owns = diary.role === 'owner';
  const phone = usePhone();
  const step = (by: number) => {
    const at = list.items.findIndex((entry) => entry.id === openId);
    const next = list.items[at === -1 ? 0 : at + by];
    if (next)
      void navigate({
        to: '/diaries/$id/$entryId',
        params: { id: diary.id, entryId: next.id },
        search,
        replace: openId !== undefined,
      });
  };
  useEffect(() => {
    if (openId) document.querySelector(`[data-entry="${CSS.escape(openId)}"]`)?.scrollIntoView({ block: 'nearest' });
  }, [openId]);
  useShortcut('j', 'Next entry', () => step(1), { group: 'Diary', enabled: keys });
  useShortcut('k', 'Entry before', () => step(-1), { group: 'Diary', enabled: keys });
  useShortcut('c', 'Write an entry', () => setOpen('write'), { group: 'Diary', enabled: writes });
  useShortcut('b', 'Change many entries', () => setOpen('bulk'), { group: 'Diary', enabled: writes });
  const shown = searching
    ? found.items.map((hit) => ({ id: hit.id, name: entryName({ ...hit, content: hit.snippet.text }), tags: hit.tags }))
    : entries.items.map((entry) => ({ id: entry.id, name: entryName(entry), tags: entry.tags }));
  const shut = (next: boolean) => setOpen(next ? open : null);
  return (
    <section aria-label="Timeline" className="flex h-full min-h-0 flex-col">
      <PageHeader
        title={diary.name}
        back={back}
        aside={
          <span className="flex items-center gap-2">
            <Visibility visibility={diary.visibility} />
            {diary.signed && <SignedMark />}
            {!owns && <span className="max-sm:hidden">{roleWords[diary.role]}</span>}
            {total !== undefined && total > 0 && (
              <span className="tabular">
                {total >= 1000 ? '1,000+' : total}
                <span className="sr-only"> {total === 1 ? 'entry' : 'entries'}</span>
              </span>
            )}
          </span>
        }
        tools={
          <>
            {owns && !phone && (
              <>
                <IconButton label="Share" size="small" onClick={() => setOpen('share')}>
                  <Share2 />
                </IconButton>
                <IconButton label="Settings of this diary" size="small" onClick={() => setOpen('settings')}>
                  <Settings2 />
                </IconButton>
              </>
            )}
            <DiaryMenu diary={diary} phone={phone} onOpen={setOpen} />
          </>
        }
        action={
          writes && (
            <Button tone="primary" size="small" onClick={() => setOpen('write')}>
              Write
            </Button>
          )
        }
        filters={
          <div className="flex flex-col gap-2.5">
            <div className="flex items-center gap-1.5">
              <SearchField
                key={diary.id}
                className="min-w-0 flex-1"
                label="Search in this diary"
                value={search.q ?? ''}
                onChange={(q) => change({ q: q || undefined })}
              />
              <AsOfChip value={search.as_of} onChange={(as_of) => change({ as_of })} />
            </div>
            <EntryFilters search={search} onChange={change} tags={list.items.flatMap((entry) => entry.tags)} />
          </div>
        }
      />
      <div className="min-h-0 flex-1 overflow-y-auto" data-list>
        <AsOfNote value={search.as_of} onNow={() => change({ as_of: undefined })} />
        {diary.role !== 'reader' && !search.status && (
          <QuarantineNote diary={diary} onShow={() => change({ status: ['quarantined'] })} />
        )}
        {list.error && list.items.length === 0 ? (
          <LoadError error={list.error} retry={list.refetch} />
        ) : list.isPending ? (
          <SkeletonRows tall rows={9} />
        ) : searching ? (
          <>
            {found.first && <SearchNote found={found.first} />}
            {found.items.length === 0 && found.first ? (
              <NothingFound found={found.first} onNearest={() => change({ nearest: true })} />
            ) : (
              <Hits hits={found.items} search={search} openId={openId} />
            )}
          </>
        ) : entries.items.length === 0 ? (
          <NoEntries diary={diary} search={search} onWrite={() => setOpen('write')} onClear={() => change(noFilter)} />
        ) : (
          <Timeline entries={entries.items} search={search} openId={openId} />
        )}
        <EndOfList onReached={list.loadMore} loading={list.loadingMore} />
      </div>
      {writes && (
        <>
          <EntryDialog mode="write" diary={diary} open={open === 'write'} onOpenChange={shut} />
          <BulkDialog diary={diary} search={search} shown={shown} open={open === 'bulk'} onOpenChange={shut} />
        </>
      )}
      {(writes || owns) && <ImportDialog diary={diary} open={open === 'import'} onOpenChange={shut} />}
      {owns && (
        <>
          <ShareDialog diary={diary} open={open === 'share'} onOpenChange={shut} />
          <DiarySettings diary={diary} open={open === 'settings'} onOpenChange={shut} />
          <ExportDialog diary={diary} open={open === 'export'} onOpenChange={shut} />
          <DiaryCheckDialog diary={diary} open={open === 'check'} onOpenChange={shut} />
          <TransferDialog diary={diary} open={open === 'transfer'} onOpenChange={shut} />
        </>
      )}
    </section>
  );
};

const DiaryMenu = ({ diary, phone, onOpen }: { diary: DiaryView; phone: boolean; onOpen: (what: Open) => void }) => {
  const owns = diary.role === 'owner';
  const writes = mayWrite(diary);
  const entry = (what: Open, label: string, icon: ReactNode, more: { keys?: string } = {}): MenuEntry => ({
    label,
    icon,
    ...more,
    onSelect: () => onOpen(what),
  });
  const navigate = useNavigate();
  const page = (to: '/diaries/$id/digest' | '/diaries/$id/duplicates', label: string, icon: ReactNode): MenuEntry => ({
    label,
    icon,
    onSelect: () => void navigate({ to, params: { id: diary.id } }),
  });
  const entries: MenuEntry[] = [
    page('/diaries/$id/digest', 'Sum up by period', <ChartNoAxesColumn />),
    page('/diaries/$id/duplicates', 'What is said twice', <CopyCheck />),
    ...(diary.role === 'reader' ? [] : [{ kind: 'separator' } as const]),
    ...(owns && phone
      ? [
          entry('share', 'Share', <Share2 />),
          entry('settings', 'Settings of this diary', <Settings2 />),
          { kind: 'separator' } as const,
        ]
      : []),
    ...(writes ? [entry('bulk', 'Change many entries', <ListChecks />, phone ? {} : { keys: 'b' })] : []),
    // Who may not write without a key goes on with a chain by its archive alone.
    ...(writes || owns ? [entry('import', 'Import an archive', <FileInput />)] : []),
    ...(owns
      ? [
          entry('export', 'Export', <FileOutput />),
          entry('check', 'Check that it is whole', <ShieldCheck />),
          { kind: 'separator' } as const,
          entry('transfer', 'Give it away', <ArrowRightLeft />),
        ]
      : []),
  ];
  return (
    <DropdownMenu
      entries={entries}
      trigger={
        <IconButton label="More of this diary" size="small" tooltip={false}>
          <Ellipsis />
        </IconButton>
      }
    />
  );
};

/** What the scanner set aside is in no list; that there is something is said to those who may look at it. */
const QuarantineNote = ({ diary, onShow }: { diary: DiaryView; onShow: () => void }) => {
  const held = useOperation(diariesSearch, {
    diary_ref: diary.id,
    status: ['quarantined'],
    content: 'snippet',
    limit: 1,
  }).data?.total;
  if (!held) return null;
  return (
    <div className="flex items-center gap-2.5 border-b border-line bg-warning-soft px-4 py-1.5 text-13 text-text md:px-6">
      <TriangleAlert aria-hidden className="size-4 shrink-0 text-warning-text" />
      <span className="min-w-0 flex-1">
        {held === 1 ? '1 entry is' : `${held} entries are`} in quarantine, because the text reads like orders to a
        model.
      </span>
      <Button size="small" onClick={onShow}>
        Look at {held === 1 ? 'it' : 'them'}
      </Button>
    </div>
  );
};

const NoEntries = ({
  diary,
  search,
  onWrite,
  onClear,
}: {
  diary: DiaryView;
  search: EntrySearch;
  onWrite: () => void;
  onClear: () => void;
}) => {
  if (isFiltered(search))
    return (
      <EmptyState
        plain
        title="No entry passes this filter"
        action={<Button onClick={onClear}>Clear the filter</Button>}
      />
    );
  if (!mayWrite(diary))
    return (
      <EmptyState plain title="Nothing is written here yet">
        Entries of {diary.owner.name} appear by themselves.
      </EmptyState>
    );
  return (
    <EmptyState
      title="An entry is one thing worth remembering"
      action={
        <Button tone="primary" onClick={onWrite}>
          Write the first entry
        </Button>
      }
      line={{ prompt: '$', text: `atrium diaries create-entry ${diary.id} --content "What you learnt"` }}
    >
      Agents write with the tool diary_create and find it again with diary_search.
    </EmptyState>
  );
};

/** The pane before anything is chosen. */
const NothingOpen = ({ diary }: { diary: DiaryView }) => (
  <div className="flex h-full flex-col items-center justify-center gap-5 px-8 text-center">
    <NotebookText aria-hidden strokeWidth={1.25} className="size-8 text-text-3" />
    <p className="text-14 text-text-2">Choose an entry to read it.</p>
    <ul className="flex flex-wrap justify-center gap-x-5 gap-y-2 text-12 text-text-3">
      {[['j', 'down'], ['k', 'up'], ...(mayWrite(diary) ? [['c', 'write']] : []), ['?', 'all keys']].map(
        ([keys, label]) => (
          <li key={keys} className="inline-flex items-center gap-1.5">
            <Kbd keys={keys!} /> {label}
          </li>
        ),
      )}
    </ul>
  </div>
);
