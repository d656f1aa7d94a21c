import { type ItemView, inboxHistory, inboxListComments, inboxResponses } from '@atrium/protocol';
import { useMemo } from 'react';
import { useOperation } from '../../data/operations.ts';
import { Button } from '../../ui/button.tsx';
import { cx } from '../../ui/class-names.ts';
import { PrincipalMark } from '../../ui/identity-mark.tsx';
import { Markdown } from '../../ui/markdown.tsx';
import { RelativeTime } from '../../ui/relative-time.tsx';
import { useRemembered } from '../../ui/remembered.ts';
import { Skeleton } from '../../ui/skeleton.tsx';
import { markId, nameOf } from './item-words.ts';
import { type TimelineEntry, timelineOf } from './timeline-entries.ts';

const folded = 8;

/** What happened and what was said, in one quiet line of time. */
export const ItemTimeline = ({ item, me }: { item: ItemView; me: string }) => {
  const input = { id: item.id, limit: 200 };
  const history = useOperation(inboxHistory, input);
  const comments = useOperation(inboxListComments, input);
  const responses = useOperation(inboxResponses, input, { enabled: item.kind !== 'notice' });
  const [all, setAll] = useRemembered('inbox.timeline.all', false);
  const entries = useMemo(
    () => timelineOf(item, history.data?.items ?? [], comments.data?.items ?? [], responses.data?.items ?? []),
    [item, history.data, comments.data, responses.data],
  );
  if (history.isPending || comments.isPending)
    return (
      <div className="space-y-3">
        <Skeleton className="h-3 w-48" />
        <Skeleton className="h-3 w-40" />
      </div>
    );
  const shown = all
    ? entries
    : entries.filter((entry, index) => entry.kind === 'comment' || index >= entries.length - folded);
  const hidden = entries.length - shown.length;
  return (
    <>
      {hidden > 0 && (
        <Button tone="ghost" size="small" className="-ml-2.5 mb-2 self-start" onClick={() => setAll(true)}>
          Show {hidden} earlier
        </Button>
      )}
      <ol className="flex flex-col">
        {shown.map((entry, index) => (
          <Entry key={entry.key} entry={entry} me={me} last={index === shown.length - 1} />
        ))}
      </ol>
    </>
  );
};

const Entry = ({ entry, me, last }: { entry: TimelineEntry; me: string; last: boolean }) => {
  const actor = entry.kind === 'comment' ? entry.comment.author : entry.actor;
  const size = entry.kind === 'comment' ? 24 : 18;
  return (
    <li className="relative flex gap-3 pb-4 last:pb-0">
      {!last && <span aria-hidden className="absolute top-6 bottom-0 left-3 w-px -translate-x-1/2 bg-line" />}
      <span className="relative flex w-6 shrink-0 justify-center">
        <PrincipalMark
          type={actor.type}
          id={markId(actor)}
          name={actor.name}
          size={size}
          className={entry.kind === 'event' ? 'mt-px' : ''}
        />
      </span>
      {entry.kind === 'event' ? (
        <p className={cx('min-w-0 flex-1 text-13', entry.tone === 'strong' ? 'text-text' : 'text-text-2')}>
          <span className={entry.tone === 'strong' ? 'font-medium' : ''}>{nameOf(entry.actor, me)}</span> {entry.words}
          {entry.device && <span className="text-text-3"> from {entry.device}</span>}{' '}
          <RelativeTime time={entry.at} className="text-text-3" />
        </p>
      ) : (
        <div className="min-w-0 flex-1">
          <p className="text-13">
            <span className="font-medium">{nameOf(entry.comment.author, me)}</span>{' '}
            <RelativeTime time={entry.at} className="text-text-3" />
          </p>
          <Markdown text={entry.comment.body} className="mt-0.5" />
        </div>
      )}
    </li>
  );
};
