import {
  type DiaryView,
  diariesDeleteEntry,
  diariesEntryHistory,
  diariesGetEntry,
  diariesRestoreEntry,
  diariesUpdateEntry,
  type EntryStatus,
  type EntryView,
} from '@atrium/protocol';
import { Link } from '@tanstack/react-router';
import { Archive, ArchiveRestore, ArrowLeft, Ellipsis, Pencil, PenLine, Signpost, Trash2 } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import { LoadError } from '../../app/load-error.tsx';
import { call, ProblemError } from '../../data/client.ts';
import { patchItem, useOperation, useOperationMutation } from '../../data/operations.ts';
import { Button, IconButton } from '../../ui/button.tsx';
import { cx } from '../../ui/class-names.ts';
import { CopyLine } from '../../ui/copy-line.tsx';
import { DropdownMenu, type MenuEntry } from '../../ui/dropdown-menu.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import { Facts } from '../../ui/facts.tsx';
import { FormField } from '../../ui/form-field.tsx';
import { PrincipalMark } from '../../ui/identity-mark.tsx';
import { Markdown } from '../../ui/markdown.tsx';
import { Notice } from '../../ui/notice.tsx';
import { usePageTitle } from '../../ui/page-header.tsx';
import { RelativeTime } from '../../ui/relative-time.tsx';
import { useShortcut } from '../../ui/shortcuts.tsx';
import { SkeletonDetail } from '../../ui/skeleton.tsx';
import { Tabs } from '../../ui/tabs.tsx';
import { entryReads } from './diary-changes.ts';
import { entryName, mayWrite, statusWords } from './diary-words.ts';
import { EntryDialog } from './entry-dialog.tsx';
import { type EntrySearch, isReplaced } from './entry-filter.ts';
import { EntryHistory } from './entry-history.tsx';
import { Importance, RiskBadge, SignedMark, StatusBadge, Tags, TimeMark, TypeMark } from './entry-marks.tsx';
import { EntryRelations } from './entry-relations.tsx';
import { EntryCheck } from './integrity-check.tsx';

interface PaneProps {
  diary: DiaryView;
  id: string;
  search: EntrySearch;
  /** Null where the timeline stands beside it. */
  onBack: (() => void) | null;
  onGone: () => void;
}

/** One entry to read, with what it was, what it is related to, and where it comes from. */
export const EntryPane = ({ id, ...rest }: PaneProps) => {
  const place = { diary_ref: rest.diary.id, entry_id: id };
  const query = useOperation(diariesGetEntry, { ...place, include_expired: true });
  // First of all: what was taken away must not stay on the screen because it was read before.
  const gone = query.error instanceof ProblemError && query.error.problem.status === 404;
  if (query.data && !gone) return <Entry entry={query.data} {...rest} />;
  if (!query.error) return <SkeletonDetail />;
  return (
    <>
      <Bar onBack={rest.onBack} />
      {gone ? (
        <Gone place={place} writes={mayWrite(rest.diary)} />
      ) : (
        <LoadError error={query.error} retry={query.refetch} />
      )}
    </>
  );
};

type Place = { diary_ref: string; entry_id: string };

/** Writers still see the history of what was deleted, and bring it back from there. */
const Gone = ({ place, writes }: { place: Place; writes: boolean }) => {
  const history = useOperation(diariesEntryHistory, { ...place, limit: 1 }, { enabled: writes });
  const restore = useOperationMutation(diariesRestoreEntry, { invalidates: entryReads, done: () => 'It is back' });
  const last = history.data?.items[0];
  return last ? (
    <EmptyState
      plain
      title={`“${entryName(last)}” was deleted`}
      action={
        <Button busy={restore.isPending} onClick={() => restore.mutate(place)}>
          Bring it back
        </Button>
      }
    >
      {last.actor.name} deleted it <RelativeTime time={last.at} />. For 30 days its history can bring it back.
    </EmptyState>
  ) : (
    <EmptyState plain title="This entry is not here">
      It was deleted, or it is in another diary.
    </EmptyState>
  );
};

const Bar = ({ onBack, children }: { onBack: (() => void) | null; children?: ReactNode }) => (
  <div className="flex h-14 shrink-0 items-center gap-2 border-b border-line pr-3 pl-4 md:pl-6">
    {onBack && (
      <IconButton label="Back to the timeline" keys="escape" className="-ml-2.5" onClick={onBack}>
        <ArrowLeft />
      </IconButton>
    )}
    {children}
  </div>
);

const Entry = ({ diary, entry, search, onBack, onGone }: Omit<PaneProps, 'id'> & { entry: EntryView }) => {
  const place = { diary_ref: diary.id, entry_id: entry.id };
  const [open, setOpen] = useState<'edit' | 'correct' | null>(null);
  // What the form began with stays what it is about, whatever others change meanwhile.
  const [base, setBase] = useState(entry);
  const start = (mode: 'edit' | 'correct') => {
    setBase(entry);
    setOpen(mode);
  };
  usePageTitle(entryName(entry));
  const replaced = entry.superseded_at !== null;
  const writes = mayWrite(diary);
  useShortcut('e', 'Edit the entry', () => start('edit'), { group: 'Diary', enabled: writes && open === null });
  const shut = (next: boolean) => setOpen(next ? open : null);
  return (
    <article aria-label={entryName(entry)} className="flex h-full min-h-0 flex-col">
      <Bar onBack={onBack}>
        <TypeMark type={entry.entry_type} />
        <Importance value={entry.importance} />
        <StatusBadge status={entry.status} />
        {entry.injection_risk && <RiskBadge />}
        {entry.proof && <SignedMark seq={entry.proof.seq} />}
        {writes && (
          <div className="ml-auto flex items-center gap-0.5">
            <IconButton label="Edit" keys="e" size="small" onClick={() => start('edit')}>
              <Pencil />
            </IconButton>
            {!replaced && (
              <IconButton label="Correct by a new entry" size="small" onClick={() => start('correct')}>
                <PenLine />
              </IconButton>
            )}
            <EntryMenu diary={diary} entry={entry} onGone={onGone} />
          </div>
        )}
      </Bar>
      <div className="min-h-0 flex-1 overflow-y-auto">
        <div className="mx-auto flex max-w-[760px] flex-col gap-6 px-5 pt-6 pb-16 md:px-8">
          <header className="flex flex-col gap-3">
            {entry.title && (
              <h2
                dir="auto"
                className={cx(
                  'text-left text-20 font-semibold text-balance break-words',
                  isReplaced(entry, search) && 'text-text-3 line-through',
                )}
              >
                {entry.title}
              </h2>
            )}
            <p className="flex flex-wrap items-center gap-x-2 gap-y-1 text-13 text-text-2">
              <span className="inline-flex items-center gap-1.5 font-medium text-text">
                <PrincipalMark
                  type={entry.author.type}
                  id={entry.author.id ?? entry.author.name}
                  name={entry.author.name}
                  size={18}
                />
                {entry.author.name}
              </span>
              <span>
                wrote this <RelativeTime time={entry.created_at} />
              </span>
              {entry.version > 1 && (
                <span>
                  and it was changed <RelativeTime time={entry.updated_at} />
                </span>
              )}
            </p>
            <Tags whole tags={entry.tags} />
            {(entry.expires_at ?? entry.valid_from ?? entry.valid_to) !== null && (
              <p className="flex flex-wrap gap-x-4 gap-y-1">
                <TimeMark whole entry={entry} />
              </p>
            )}
          </header>
          <Warnings diary={diary} entry={entry} search={search} />
          <Markdown text={entry.content} />
          <Tabs
            key={entry.id}
            label="About this entry"
            tabs={[
              {
                id: 'history',
                label: 'History',
                content: <EntryHistory place={place} entry={entry} writes={writes} />,
              },
              { id: 'relations', label: 'Relations', content: <EntryRelations diary={diary} entry={entry} /> },
              { id: 'provenance', label: 'Provenance', content: <Provenance entry={entry} /> },
            ]}
          />
        </div>
      </div>
      {writes &&
        (['edit', 'correct'] as const).map((mode) => (
          <EntryDialog
            key={`${mode}${base.version}`}
            mode={mode}
            diary={diary}
            entry={base}
            changedSince={base.version !== entry.version}
            open={open === mode}
            onOpenChange={shut}
          />
        ))}
    </article>
  );
};

const Warnings = ({ diary, entry, search }: { diary: DiaryView; entry: EntryView; search: EntrySearch }) => (
  <>
    {entry.status === 'quarantined' && <Quarantine diary={diary} entry={entry} />}
    {entry.hidden_at && (
      <Notice tone="warning">
        A moderator took it out of the public <RelativeTime time={entry.hidden_at} />. Those who write here still see
        it.
      </Notice>
    )}
    {entry.superseded_at && (
      <Notice>
        Superseded <RelativeTime time={entry.superseded_at} />.{' '}
        {entry.superseded_by ? (
          <Link
            to="/diaries/$id/$entryId"
            params={{ id: entry.diary_id, entryId: entry.superseded_by }}
            search={search}
            className="quiet-link"
          >
            Read what replaced it
          </Link>
        ) : (
          'What replaced it is not yours to read.'
        )}
      </Notice>
    )}
    {entry.injection_risk && (
      <Notice tone="warning">
        This text reads like orders to a model. Agents get it wrapped as data; take it as such.
      </Notice>
    )}
  </>
);

/** Its owner lets it out, also where entries are signed and otherwise nothing of them changes. */
const Quarantine = ({ diary, entry }: { diary: DiaryView; entry: EntryView }) => {
  const release = useOperationMutation(diariesUpdateEntry, {
    invalidates: entryReads,
    done: () => 'It is out of quarantine',
  });
  const owns = diary.role === 'owner';
  return (
    <Notice
      tone="danger"
      action={
        owns && (
          <Button
            size="small"
            className="-my-0.5"
            busy={release.isPending}
            onClick={() => release.mutate({ diary_ref: diary.id, entry_id: entry.id, status: 'active' })}
          >
            Let it out
          </Button>
        )
      }
    >
      In quarantine: only those who write here see it{owns ? '.' : ', until the owner lets it out.'}
    </Notice>
  );
};

const EntryMenu = ({ diary, entry, onGone }: { diary: DiaryView; entry: EntryView; onGone: () => void }) => {
  const place = { diary_ref: diary.id, entry_id: entry.id };
  const remove = useOperationMutation(diariesDeleteEntry, {
    invalidates: entryReads,
    optimistic: () => [patchItem<EntryView>('diaries.list_entries', entry.id, () => null)],
    done: () => `“${entryName(entry)}” is deleted`,
    undo: () => call(diariesRestoreEntry, place),
    onSuccess: onGone,
  });
  const update = useOperationMutation(diariesUpdateEntry, {
    invalidates: entryReads,
    done: (saved) => (saved.superseded_at ? 'Saved' : `It is ${statusWords[saved.status].toLowerCase()}`),
  });
  const become = (status: Exclude<EntryStatus, 'quarantined'>) => update.mutate({ ...place, status });
  const held = entry.status === 'quarantined';
  const entries: MenuEntry[] = [
    ...(entry.status === 'active'
      ? [
          { label: 'Archive', icon: <Archive />, onSelect: () => become('archived') },
          {
            label: 'Mark as dead end',
            icon: <Signpost />,
            hint: 'leads nowhere',
            onSelect: () => become('dead_end'),
          },
        ]
      : // A quarantined entry is let out by the owner alone.
        [
          {
            label: held ? 'Let out of quarantine' : 'Make it active again',
            icon: <ArchiveRestore />,
            disabled: held && diary.role !== 'owner',
            onSelect: () => become('active'),
          },
        ]),
    ...(entry.superseded_at
      ? [
          {
            label: 'Bring back in place of its correction',
            icon: <ArchiveRestore />,
            onSelect: () => update.mutate({ ...place, superseded_by: null }),
          },
        ]
      : []),
    { kind: 'separator' },
    { label: 'Delete', icon: <Trash2 />, tone: 'danger', onSelect: () => remove.mutate(place) },
  ];
  return (
    <DropdownMenu
      entries={entries}
      trigger={
        <IconButton label="More" size="small" tooltip={false}>
          <Ellipsis />
        </IconButton>
      }
    />
  );
};

const embeddingWords: Record<EntryView['embedding_state'], string> = {
  none: 'By words',
  pending: 'By words, meaning soon',
  ready: 'By words and meaning',
  failed: 'By words, meaning failed',
};

const Provenance = ({ entry }: { entry: EntryView }) => (
  <div className="flex flex-col gap-4">
    <EntryCheck key={entry.id} entry={entry} />
    <Facts
      facts={[
        { label: 'Author', value: entry.author.name },
        { label: 'Written', value: <RelativeTime time={entry.created_at} /> },
        { label: 'Version', value: entry.version },
        {
          label: 'Confidence',
          value: entry.confidence === null ? 'Not said' : `${Math.round(entry.confidence * 100)} %`,
        },
        { label: 'Length', value: `${entry.length.toLocaleString('en')} characters` },
        { label: 'Searched', value: embeddingWords[entry.embedding_state] },
        { label: 'Holds from', value: entry.valid_from ? <RelativeTime time={entry.valid_from} /> : 'Not said' },
        { label: 'Holds until', value: entry.valid_to ? <RelativeTime time={entry.valid_to} /> : 'Not said' },
        { label: 'Leaves answers', value: entry.expires_at ? <RelativeTime time={entry.expires_at} /> : 'Never' },
      ]}
    />
    {entry.proof && (
      <FormField
        label="Signed"
        group
        hint={`Number ${entry.proof.seq} of a chain in which no entry can be changed or taken out unseen. The key of its author:`}
      >
        <CopyLine text={entry.proof.public_key} label="Copy key" />
      </FormField>
    )}
    {entry.proof && (
      <FormField
        label="Link of the chain"
        group
        hint="Made from the link before, the content id, the signature and the times."
      >
        <CopyLine text={entry.proof.chain_hash} label="Copy hash" />
      </FormField>
    )}
    <FormField label="Content id" group hint="Made from what the entry says: the same text has the same id anywhere.">
      <CopyLine text={entry.content_id} label="Copy content id" />
    </FormField>
  </div>
);
