import { type DiaryView, diariesGet, diariesList } from '@atrium/protocol';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { FileInput, Search } from 'lucide-react';
import { useState } from 'react';
import { OperationTable } from '../../app/operation-table.tsx';
import { prefetchOperation, useOperationList } from '../../data/operations.ts';
import { Button, IconButton } from '../../ui/button.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import { PrincipalMark } from '../../ui/identity-mark.tsx';
import { PageHeader } from '../../ui/page-header.tsx';
import { RelativeTime } from '../../ui/relative-time.tsx';
import { SearchField } from '../../ui/search-field.tsx';
import { useShortcut } from '../../ui/shortcuts.tsx';
import type { Column } from '../../ui/table.tsx';
import { Segmented } from '../../ui/tabs.tsx';
import { CreateDiaryDialog } from './create-diary-dialog.tsx';
import { openCreateDiary } from './create-diary-store.ts';
import { DiariesTabs } from './diaries-tabs.tsx';
import { type DiaryList, diaryLists } from './diary-list-search.ts';
import { roleWords, scopeWords, visibilityWords } from './diary-words.ts';
import { visibilityIcons } from './entry-marks.tsx';
import { ImportDialog } from './import-dialog.tsx';
import { Invitations } from './invitations.tsx';
import { TeachLines } from './teach-lines.tsx';

const parts = (Object.keys(diaryLists) as DiaryList[]).map((value) => ({ value, label: diaryLists[value].label }));

/** Every diary this person reads, and what others offer. */
export const DiariesPage = () => {
  const part: DiaryList = useSearch({ from: '/frame/diaries' }).list ?? 'mine';
  const [q, setQ] = useState('');
  const [importing, setImporting] = useState(false);
  const list = useOperationList(
    diariesList,
    { scope: [...diaryLists[part].scope], ...(q ? { q } : {}) },
    { keepPrevious: true },
  );
  const navigate = useNavigate();
  useShortcut('c', 'New diary', openCreateDiary);
  return (
    <>
      <PageHeader
        title="Diaries"
        tabs={<DiariesTabs />}
        tools={
          <>
            <Button asChild tone="ghost" size="small">
              <Link to="/search">
                <Search aria-hidden className="size-4" />
                <span className="max-sm:sr-only">Search entries</span>
              </Link>
            </Button>
            <IconButton label="Import a diary" size="small" onClick={() => setImporting(true)}>
              <FileInput />
            </IconButton>
          </>
        }
        action={
          <Button tone="primary" size="small" onClick={openCreateDiary}>
            New diary
          </Button>
        }
        filters={
          <div className="flex items-center gap-2">
            <Segmented
              label="Which diaries"
              value={part}
              onChange={(next) =>
                void navigate({ to: '/diaries', search: { list: next === 'mine' ? undefined : next }, replace: true })
              }
              options={parts}
            />
            <SearchField label="Find a diary" value={q} onChange={setQ} />
          </div>
        }
      />
      <Invitations />
      <OperationTable
        id="diaries"
        label="Diaries"
        list={list}
        columns={columns}
        rowKey={(diary) => diary.id}
        onOpen={(diary) => void navigate({ to: '/diaries/$id', params: { id: diary.id } })}
        card={diaryCard}
        empty={q ? <EmptyState plain title={`No diary is called “${q}”`} /> : <NoDiaries part={part} />}
      />
      <CreateDiaryDialog />
      <ImportDialog open={importing} onOpenChange={setImporting} />
    </>
  );
};

const emptyWords: Record<Exclude<DiaryList, 'mine' | 'own'>, [string, string]> = {
  shared: ['Nobody shares a diary with you', 'Invitations of people and agents appear above by themselves.'],
  team: ['None of your teams has a diary', 'Whoever owns a diary shares it with a team; its members read at once.'],
  network: ['No diary is open to the network', 'Set one to Network, and everybody who is signed in reads it.'],
};

const NoDiaries = ({ part }: { part: DiaryList }) => {
  if (part !== 'mine' && part !== 'own') {
    const [title, text] = emptyWords[part];
    return (
      <EmptyState plain title={title}>
        {text}
      </EmptyState>
    );
  }
  return (
    <EmptyState
      title="A diary keeps what agents and people learn, longer than any session"
      action={
        <>
          <Button tone="primary" onClick={openCreateDiary}>
            Make the first diary
          </Button>
          <TeachLines />
        </>
      }
      docs={{ href: '/api/docs', label: 'How entries are written and searched' }}
    >
      Entries are found by their words, corrected without being lost, and shared with whom you choose.
    </EmptyState>
  );
};

const DiaryName = ({ diary }: { diary: DiaryView }) => {
  const Icon = visibilityIcons[diary.visibility];
  return (
    <span
      className="flex min-w-0 items-center gap-2.5"
      onPointerEnter={() => prefetchOperation(diariesGet, { diary_ref: diary.id })}
    >
      <Icon aria-hidden strokeWidth={1.75} className="size-4 shrink-0 text-text-3" />
      <span dir="auto" className="truncate font-medium text-text">
        {diary.name}
      </span>
    </span>
  );
};

const columns: Column<DiaryView>[] = [
  {
    id: 'name',
    header: 'Name',
    width: 'minmax(220px, 2.4fr)',
    cell: (diary) => <DiaryName diary={diary} />,
    value: (diary) => diary.name,
  },
  {
    id: 'owner',
    header: 'Owner',
    width: 'minmax(150px, 1.2fr)',
    cell: (diary) => (
      <span className="flex min-w-0 items-center gap-2 text-text-2">
        <PrincipalMark {...diary.owner} size={18} />
        <span dir="auto" className="truncate">
          {diary.owner.name}
        </span>
      </span>
    ),
    value: (diary) => diary.owner.name,
  },
  {
    id: 'role',
    header: 'You are',
    width: '104px',
    cell: (diary) => <span className="text-text-2">{roleWords[diary.role]}</span>,
    value: (diary) => diary.role,
  },
  {
    id: 'visibility',
    header: 'Who reads',
    width: '116px',
    cell: (diary) => <span className="text-text-2">{visibilityWords[diary.visibility]}</span>,
    value: (diary) => diary.visibility,
  },
  {
    id: 'way',
    header: 'Comes to you',
    width: 'minmax(130px, 0.9fr)',
    initiallyHidden: true,
    cell: (diary) => <span className="text-text-2">{scopeWords[diary.scope]}</span>,
    value: (diary) => diary.scope,
  },
  {
    id: 'language',
    header: 'Language',
    width: '112px',
    initiallyHidden: true,
    cell: (diary) => <span className="text-text-2 capitalize">{diary.language}</span>,
    value: (diary) => diary.language,
  },
  {
    id: 'made',
    header: 'Made',
    width: 'minmax(130px, 0.8fr)',
    cell: (diary) => <RelativeTime time={diary.created_at} className="text-text-2" />,
    value: (diary) => Date.parse(diary.created_at),
  },
];

const diaryCard = (diary: DiaryView) => {
  const Icon = visibilityIcons[diary.visibility];
  return {
    leading: <Icon aria-hidden strokeWidth={1.75} className="size-5 text-text-3" />,
    title: diary.name,
    detail: `${diary.owner.name} · ${visibilityWords[diary.visibility].toLowerCase()}`,
    trailing: (
      <>
        <span className="block text-13 text-text-2">{roleWords[diary.role]}</span>
        <RelativeTime short time={diary.created_at} />
      </>
    ),
  };
};
