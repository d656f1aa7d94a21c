import { diariesEntryHistory, diariesRestoreEntry, type EntryView, type OutputOf } from '@atrium/protocol';
import { useState } from 'react';
import { sayError } from '../../data/client.ts';
import { useOperationList, useOperationMutation } from '../../data/operations.ts';
import { Button } from '../../ui/button.tsx';
import { DiffView } from '../../ui/diff-view.tsx';
import { FormError } from '../../ui/form-field.tsx';
import { PrincipalMark } from '../../ui/identity-mark.tsx';
import { lineDiff } from '../../ui/line-diff.ts';
import { RelativeTime } from '../../ui/relative-time.tsx';
import { SkeletonRows } from '../../ui/skeleton.tsx';
import { entryReads } from './diary-changes.ts';
import { statusWords, typeWords } from './diary-words.ts';

type Revision = OutputOf<typeof diariesEntryHistory>['items'][number];

const actWords: Record<string, string> = {
  created: 'wrote it',
  updated: 'changed it',
  superseded: 'superseded it',
  deleted: 'deleted it',
  restored: 'brought it back',
  reinstated: 'brought it back in place of its correction',
  quarantined: 'put it into quarantine',
};

/** What changed beside the text, as short words. */
const changesOf = (now: Revision, before: Revision): string[] => [
  ...(now.title === before.title ? [] : [`title “${now.title ?? ''}”`]),
  ...(now.entry_type === before.entry_type ? [] : [`type ${typeWords[now.entry_type].toLowerCase()}`]),
  ...(now.importance === before.importance ? [] : [`importance ${now.importance}`]),
  ...(now.status === before.status ? [] : [statusWords[now.status].toLowerCase()]),
  ...(now.tags.join('\n') === before.tags.join('\n') ? [] : [`tags ${now.tags.join(', ') || 'none'}`]),
];

export const EntryHistory = ({
  place,
  entry,
  writes,
}: {
  place: { diary_ref: string; entry_id: string };
  entry: EntryView;
  writes: boolean;
}) => {
  const list = useOperationList(diariesEntryHistory, { ...place, limit: 50 });
  if (list.isPending) return <SkeletonRows rows={3} />;
  if (list.error) return <FormError>{sayError(list.error)}</FormError>;
  return (
    <>
      <ol className="flex flex-col">
        {list.items.map((revision, index) => (
          <RevisionRow
            key={revision.version}
            revision={revision}
            before={list.items[index + 1]}
            place={place}
            mayRestore={writes && revision.version !== entry.version}
          />
        ))}
      </ol>
      {list.hasMore && (
        <Button size="small" busy={list.loadingMore} onClick={list.loadMore}>
          Show older ones
        </Button>
      )}
    </>
  );
};

const RevisionRow = ({
  revision,
  before,
  place,
  mayRestore,
}: {
  revision: Revision;
  before: Revision | undefined;
  place: { diary_ref: string; entry_id: string };
  mayRestore: boolean;
}) => {
  const [shown, setShown] = useState(false);
  const restore = useOperationMutation(diariesRestoreEntry, {
    invalidates: entryReads,
    done: () => `It reads as in version ${revision.version} again`,
  });
  const changes = before ? changesOf(revision, before) : [];
  const textChanged = before !== undefined && before.content !== revision.content;
  return (
    <li className="border-b border-line py-2.5 last:border-b-0">
      <div className="flex flex-wrap items-center gap-x-2 gap-y-1 text-13 text-text-2">
        <span className="flex min-w-0 items-start gap-2">
          <PrincipalMark
            type={revision.actor.type}
            id={revision.actor.id ?? revision.actor.name}
            name={revision.actor.name}
            size={18}
          />
          <span className="min-w-0">
            <span className="font-medium text-text">{revision.actor.name}</span>{' '}
            {actWords[revision.act] ?? revision.act.replaceAll('_', ' ')} <RelativeTime time={revision.at} />
            <span className="tabular whitespace-nowrap text-text-3"> · version {revision.version}</span>
          </span>
        </span>
        <span className="ml-auto flex gap-1">
          {textChanged && (
            <Button size="small" tone="ghost" aria-expanded={shown} onClick={() => setShown(!shown)}>
              {shown ? 'Hide changes' : 'Show changes'}
            </Button>
          )}
          {mayRestore && (
            <Button
              size="small"
              tone="ghost"
              busy={restore.isPending}
              onClick={() => restore.mutate({ ...place, version: revision.version })}
            >
              Restore
            </Button>
          )}
        </span>
      </div>
      {changes.length > 0 && (
        <p dir="auto" className="mt-0.5 pl-[26px] text-left text-13 break-words text-text-3">
          {changes.join(' · ')}
        </p>
      )}
      {shown && before && (
        <div className="mt-2">
          <DiffView diff={lineDiff(before.content, revision.content)} maxHeight={360} />
        </div>
      )}
    </li>
  );
};
