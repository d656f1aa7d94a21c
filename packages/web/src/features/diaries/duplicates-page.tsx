import {
  type DiaryView,
  diariesDecideRelation,
  diariesFindDuplicates,
  diariesGet,
  diariesGetEntry,
  diariesListDuplicates,
  type MergeView,
} from '@atrium/protocol';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { LoadError } from '../../app/load-error.tsx';
import { call, sayError } from '../../data/client.ts';
import { invalidate, patchCache, useOperation, useOperationList, useOperationMutation } from '../../data/operations.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { DiffView } from '../../ui/diff-view.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import { lineDiff } from '../../ui/line-diff.ts';
import { PageHeader } from '../../ui/page-header.tsx';
import { RelativeTime } from '../../ui/relative-time.tsx';
import { SkeletonRows } from '../../ui/skeleton.tsx';
import { Segmented } from '../../ui/tabs.tsx';
import { entryReads } from './diary-changes.ts';
import { entryName, mayWrite } from './diary-words.ts';
import { type DuplicateList, duplicateLists } from './duplicate-lists.ts';
import { EndOfList } from './end-of-list.tsx';

const route = getRouteApi('/frame/diaries/$id/duplicates');
const options = (Object.keys(duplicateLists) as DuplicateList[]).map((value) => ({
  value,
  label: duplicateLists[value].label,
}));
const stale = ['diaries.list_duplicates', ...entryReads] as const;
/** Entries that are looked at in one request; a diary is gone through page by page. */
const atOnce = 100;

/** What a diary says twice: proposals that the newer entry takes the place of the older one. */
export const DuplicatesPage = () => {
  const { id } = route.useParams();
  const shown: DuplicateList = route.useSearch().list ?? 'open';
  const navigate = useNavigate();
  const diary = useOperation(diariesGet, { diary_ref: id });
  const list = useOperationList(
    diariesListDuplicates,
    { diary_ref: id, status: duplicateLists[shown].status, limit: 30 },
    { keepPrevious: true },
  );
  const writes = diary.data !== undefined && mayWrite(diary.data);
  const look = useLook(id);
  const button = writes && (
    <Button tone="primary" size="small" busy={look.running} onClick={() => void look.start()}>
      Look for duplicates
    </Button>
  );
  return (
    <>
      <PageHeader
        title={diary.data ? `Said twice in ${diary.data.name}` : 'Said twice'}
        back={{ label: 'the diary', onBack: () => void navigate({ to: '/diaries/$id', params: { id } }) }}
        action={list.items.length > 0 && button}
        filters={
          <Segmented
            label="Which proposals"
            value={shown}
            options={options}
            onChange={(next) =>
              void navigate({
                to: '/diaries/$id/duplicates',
                params: { id },
                search: { list: next === 'open' ? undefined : next },
                replace: true,
              })
            }
          />
        }
      />
      <div className="min-h-0 flex-1 overflow-y-auto" data-duplicates>
        <p role="status" className="px-4 text-13 text-text-2 empty:hidden md:px-6 [&:not(:empty)]:py-2.5">
          {look.words}
        </p>
        {list.error && list.items.length === 0 ? (
          <LoadError error={list.error} retry={list.refetch} />
        ) : list.isPending ? (
          <SkeletonRows tall rows={5} />
        ) : list.items.length === 0 ? (
          <EmptyState title={duplicateLists[shown].empty} action={shown === 'open' && button}>
            {shown === 'open'
              ? 'Each entry is compared with what is older in the diary. What says the same is proposed here; nothing is merged before somebody accepts it. Texts whose numbers differ are never taken for the same.'
              : 'Decided proposals stand here, with who decided.'}
          </EmptyState>
        ) : (
          <ul className="mx-auto flex max-w-[960px] flex-col gap-4 px-4 py-4 md:px-6">
            {list.items.map((merge) => (
              <Proposal key={merge.id} merge={merge} diary={diary.data} writes={writes} />
            ))}
          </ul>
        )}
        <EndOfList onReached={list.loadMore} loading={list.loadingMore} />
      </div>
    </>
  );
};

/** Goes through the whole diary, and says how far it is. */
const useLook = (diary_ref: string) => {
  const [running, setRunning] = useState(false);
  const [words, setWords] = useState('');
  const start = async (): Promise<void> => {
    setRunning(true);
    let [looked, found] = [0, 0];
    let cursor: string | undefined;
    try {
      do {
        setWords(looked === 0 ? 'Looking…' : `Looking… ${looked} entries so far`);
        const answer = await call(diariesFindDuplicates, { diary_ref, limit: atOnce, ...(cursor ? { cursor } : {}) });
        looked += answer.looked_at;
        found += answer.proposed.length;
        cursor = answer.next_cursor ?? undefined;
        if (answer.proposed.length > 0) await invalidate(...stale);
      } while (cursor !== undefined);
      const entries = looked === 1 ? '1 entry' : `${looked} entries`;
      setWords(`${entries} looked at, ${found === 0 ? 'nothing new found' : `${found} found`}.`);
    } catch (error) {
      setWords(sayError(error));
    }
    setRunning(false);
  };
  return { running, words, start };
};

const leaves = (id: string) =>
  patchCache<{ items: MergeView[] }>('diaries.list_duplicates', (page) => ({
    ...page,
    items: page.items.filter((merge) => merge.id !== id),
  }));

const Proposal = ({ merge, diary, writes }: { merge: MergeView; diary: DiaryView | undefined; writes: boolean }) => {
  const decide = useOperationMutation(diariesDecideRelation, {
    invalidates: stale,
    optimistic: ({ relation_id }) => [leaves(relation_id)],
    done: ({ status }) => (status === 'accepted' ? 'Merged: the older entry is retired' : 'Kept apart'),
  });
  const input = { diary_ref: merge.from.diary_id, entry_id: merge.from.id, relation_id: merge.id };
  const open = merge.status === 'proposed';
  return (
    <li className="rounded-card border border-line bg-raised">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-2 border-b border-line px-4 py-2.5">
        <Badge tone={merge.reason === 'same_text' ? 'info' : 'neutral'}>
          {merge.reason === 'same_text' ? 'Same text' : `${Math.round(100 * merge.similarity)} % alike`}
        </Badge>
        {merge.changed_since && <Badge tone="warning">Changed since</Badge>}
        <span className="min-w-0 flex-1 text-13 text-text-3">
          {open ? (
            <>
              Proposed <RelativeTime time={merge.created_at} />
            </>
          ) : (
            <>
              {merge.status === 'accepted' ? 'Merged' : 'Kept apart'} by {merge.decided_by?.name}{' '}
              {merge.decided_at && <RelativeTime time={merge.decided_at} />}
            </>
          )}
        </span>
        {writes && open && (
          <span className="flex gap-1.5">
            <Button size="small" onClick={() => decide.mutate({ ...input, decision: 'rejected' })}>
              Keep both
            </Button>
            <Button size="small" tone="primary" onClick={() => decide.mutate({ ...input, decision: 'accepted' })}>
              Merge
            </Button>
          </span>
        )}
      </div>
      <dl className="grid gap-x-6 gap-y-1 px-4 py-3 text-13 sm:grid-cols-2">
        <Side label="Newer, stays" side={merge.from} />
        <Side label={merge.status === 'accepted' ? 'Older, retired' : 'Older, would be retired'} side={merge.to} />
      </dl>
      {diary && <Difference merge={merge} />}
    </li>
  );
};

const Side = ({ label, side }: { label: string; side: MergeView['from'] }) => (
  <div className="min-w-0">
    <dt className="text-12 text-text-3">{label}</dt>
    <dd>
      <Link
        to="/diaries/$id/$entryId"
        params={{ id: side.diary_id, entryId: side.id }}
        search={{ superseded: true }}
        dir="auto"
        className="block truncate text-left text-14 font-medium text-text hover:underline"
      >
        {entryName({ title: side.title, content: null })}
      </Link>
    </dd>
  </div>
);

/** What the newer one says otherwise. */
const Difference = ({ merge }: { merge: MergeView }) => {
  const newer = useOperation(diariesGetEntry, { diary_ref: merge.from.diary_id, entry_id: merge.from.id });
  const older = useOperation(diariesGetEntry, { diary_ref: merge.to.diary_id, entry_id: merge.to.id });
  if (newer.error ?? older.error) return null;
  if (!newer.data || !older.data) return <SkeletonRows rows={2} />;
  const diff = lineDiff(older.data.content, newer.data.content);
  return (
    <div className="px-4 pb-4">
      {diff === '' ? (
        <p className="line-clamp-3 rounded-control bg-sunken px-3 py-2 text-13 text-pretty text-text-2">
          {newer.data.content}
        </p>
      ) : (
        <DiffView diff={diff} maxHeight={240} />
      )}
    </div>
  );
};
