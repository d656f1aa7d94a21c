import { type ItemView, inboxGetItem, inboxListRelated, inboxListWatchers, inboxUnrelate } from '@atrium/protocol';
import { Link } from '@tanstack/react-router';
import { AlarmClock, ArrowLeft, CheckCheck, Pin, X } from 'lucide-react';
import { type ReactNode, useCallback, useEffect, useState } from 'react';
import { call, ProblemError, sayError } from '../../data/client.ts';
import { useOperation } from '../../data/operations.ts';
import { usePresence } from '../../data/presence.ts';
import { useCan, useMe } from '../../data/session.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button, IconButton } from '../../ui/button.tsx';
import { cx } from '../../ui/class-names.ts';
import { EmptyState } from '../../ui/empty-state.tsx';
import { PrincipalMark } from '../../ui/identity-mark.tsx';
import { CountdownRing, TtlBar } from '../../ui/lifetime.tsx';
import { Markdown } from '../../ui/markdown.tsx';
import { usePageTitle } from '../../ui/page-header.tsx';
import { RelativeTime } from '../../ui/relative-time.tsx';
import { SkeletonDetail } from '../../ui/skeleton.tsx';
import { toast } from '../../ui/toast.tsx';
import { ActionButtons } from './action-buttons.tsx';
import { AnswerPanel } from './answer-panel.tsx';
import { ApprovalPanel } from './approval-panel.tsx';
import { AskerLine } from './asker-line.tsx';
import { Attachments } from './attachments.tsx';
import { CommentBox } from './comment-box.tsx';
import { acknowledge, dismiss, pin, unsnooze } from './item-acts.ts';
import { ItemMenu } from './item-menu.tsx';
import { ItemTimeline } from './item-timeline.tsx';
import { endWord, kindWords, levelTones, levelWords, markId, nameOf, priorityWords } from './item-words.ts';
import { applyItem, invalidateBelow } from './items-cache.ts';
import { OutcomeView } from './outcome-view.tsx';
import { askSnooze } from './snooze-dialog.tsx';

/** One item: the question, its context, the answer, and everything that happened around it. */
export const ItemDetail = ({ id, onBack }: { id: string; onBack: (() => void) | null }) => {
  const query = useOperation(inboxGetItem, { id });
  if (query.error && !query.data) return <Missing error={query.error} onRetry={() => void query.refetch()} />;
  if (!query.data) return <SkeletonDetail />;
  return <Detail item={query.data} onBack={onBack} />;
};

const Missing = ({ error, onRetry }: { error: unknown; onRetry: () => void }) => {
  const gone = error instanceof ProblemError && error.problem.status === 404;
  return (
    <EmptyState
      plain
      title={gone ? 'This item is not here' : 'The item could not be loaded'}
      action={gone ? undefined : <Button onClick={onRetry}>Try again</Button>}
    >
      {gone ? 'It was deleted, or it is in a channel that you do not see.' : sayError(error)}
    </EmptyState>
  );
};

const Detail = ({ item, onBack }: { item: ItemView; onBack: (() => void) | null }) => {
  const { principal } = useMe();
  const canWrite = useCan('items.write');
  const me = principal.id ?? '';
  const [answering, setAnswering] = useState(false);
  const onAnswering = useCallback((next: boolean) => setAnswering(next), []);
  const others = usePresence(item.id, answering ? 'answering' : 'viewing', me);
  usePageTitle(item.title);
  useEffect(() => {
    // Opening a question counts as having seen it; a notice leaves the box only when acknowledged.
    if (item.viewed_at === null && item.kind !== 'notice' && item.status === 'open') acknowledge(item);
  }, [item]);
  return (
    <article aria-label={item.title} className="flex h-full min-h-0 flex-col">
      <DetailBar item={item} me={me} onBack={onBack} />
      <div className="min-h-0 flex-1 overflow-y-auto">
        <div className="mx-auto flex max-w-[760px] flex-col gap-6 px-5 pt-6 pb-16 md:px-8">
          <header className="flex flex-col gap-3">
            <h2 dir="auto" className="text-20 font-semibold text-balance break-words">
              {item.title}
            </h2>
            <AskerLine item={item} />
            <Facts item={item} me={me} />
          </header>
          <Present others={others} item={item} me={me} />
          {item.message && <Markdown text={item.message} />}
          {canWrite || item.status !== 'open' ? (
            <Answering item={item} me={me} onAnswering={onAnswering} />
          ) : (
            <p className="text-14 text-text-3">Your role reads items; it does not answer them.</p>
          )}
          <Related item={item} />
          <section aria-label="Files" className={cx(item.attachment_count === 0 && !canWrite && 'hidden')}>
            <Attachments item={item} canWrite={canWrite} />
          </section>
          <section aria-label="What happened" className="flex flex-col border-t border-line pt-6">
            <ItemTimeline item={item} me={me} />
            {canWrite && (
              <div className="mt-5">
                <CommentBox item={item} />
              </div>
            )}
            <Watchers item={item} me={me} />
          </section>
        </div>
      </div>
    </article>
  );
};

const Answering = ({
  item,
  me,
  onAnswering,
}: {
  item: ItemView;
  me: string;
  onAnswering: (answering: boolean) => void;
}) => {
  const open = item.status === 'open';
  if (item.approval)
    return (
      <>
        <ApprovalPanel item={item} approval={item.approval} me={me} onAnswering={onAnswering} />
        {open && <ActionButtons item={item} numbered={false} />}
      </>
    );
  if (item.form)
    return (
      <>
        <AnswerPanel item={item} form={item.form} me={me} onAnswering={onAnswering} />
        {open && <ActionButtons item={item} numbered={false} />}
      </>
    );
  if (!open) return <OutcomeView item={item} me={me} />;
  return (
    <div className="flex flex-wrap gap-2">
      <ActionButtons item={item} numbered />
      {item.actions.length === 0 && item.viewed_at === null && (
        <Button tone="primary" onClick={() => acknowledge(item)}>
          Acknowledge
        </Button>
      )}
    </div>
  );
};

const DetailBar = ({ item, me, onBack }: { item: ItemView; me: string; onBack: (() => void) | null }) => {
  const canWrite = useCan('items.write');
  const end = endWord(item);
  const open = item.status === 'open';
  return (
    <div className="flex h-14 shrink-0 items-center gap-2 border-b border-line pr-3 pl-4 md:pl-6">
      {onBack && (
        <IconButton label="Back to the list" keys="escape" className="-ml-2.5" onClick={onBack}>
          <ArrowLeft />
        </IconButton>
      )}
      <Badge dot tone={end?.tone ?? levelTones[item.level]} className="shrink-0">
        <span>
          {end ? end.word : kindWords[item.kind]}
          <span className={end ? 'hidden' : 'sr-only sm:not-sr-only'}>, {levelWords[item.level].toLowerCase()}</span>
        </span>
      </Badge>
      {open && item.expires_at && (
        <>
          <span className="hidden sm:inline-flex">
            <TtlBar from={item.created_at} until={item.expires_at} />
          </span>
          <span className="inline-flex sm:hidden">
            <CountdownRing from={item.created_at} until={item.expires_at} />
          </span>
        </>
      )}
      <div className="ml-auto flex items-center gap-0.5">
        {canWrite && open && (
          <>
            <IconButton label="Snooze" keys="s" size="small" onClick={() => askSnooze([item])}>
              <AlarmClock />
            </IconButton>
            {!item.step_up && (
              <IconButton label="Dismiss" keys="d" size="small" onClick={() => dismiss(item)}>
                <CheckCheck />
              </IconButton>
            )}
          </>
        )}
        {canWrite && (
          <IconButton
            label={item.pinned_at ? 'Unpin' : 'Pin to the top'}
            size="small"
            aria-pressed={item.pinned_at !== null}
            onClick={() => pin(item)}
            className={item.pinned_at ? 'text-accent-text!' : ''}
          >
            <Pin />
          </IconButton>
        )}
        <ItemMenu item={item} me={me} onGone={() => onBack?.()} />
      </div>
    </div>
  );
};

/** The small facts, only those that there are. */
const Facts = ({ item, me }: { item: ItemView; me: string }) => {
  const facts: [string, ReactNode][] = [
    ...(item.deadline_at ? [['Due', <RelativeTime key="due" time={item.deadline_at} />] as [string, ReactNode]] : []),
    ...(item.assignee ? [['For', nameOf(item.assignee, me)] as [string, ReactNode]] : []),
    ...(item.priority > 0 ? [['Priority', priorityWords[item.priority]] as [string, ReactNode]] : []),
    ...(item.occurrences > 1
      ? [
          [
            'Happened',
            <span key="often" className="tabular">
              {item.occurrences} times, last <RelativeTime time={item.last_occurred_at} />
            </span>,
          ] as [string, ReactNode],
        ]
      : []),
    ...(item.run_id
      ? [
          [
            'Run',
            <Link
              key="run"
              to="/inbox"
              search={{ box: 'all', run: item.run_id }}
              className="font-mono text-12 underline decoration-line-strong underline-offset-4 hover:decoration-current"
            >
              {item.run_id}
            </Link>,
          ] as [string, ReactNode],
        ]
      : []),
  ];
  if (facts.length === 0 && item.tags.length === 0) return null;
  return (
    <dl className="flex flex-wrap items-center gap-x-5 gap-y-1.5 text-13">
      {facts.map(([name, value]) => (
        <div key={name} className="flex items-baseline gap-1.5">
          <dt className="text-text-3">{name}</dt>
          <dd className="text-text-2">{value}</dd>
        </div>
      ))}
      {item.tags.length > 0 && (
        <div className="flex flex-wrap gap-1">
          <dt className="sr-only">Tags</dt>
          {item.tags.map((tag) => (
            <dd key={tag}>
              <Link to="/inbox" search={{ box: 'all', tag: [tag] }}>
                <Badge className="hover:text-text">{tag}</Badge>
              </Link>
            </dd>
          ))}
        </div>
      )}
    </dl>
  );
};

/** Who else looks at it or answers, and whether it is asleep. */
const Present = ({ others, item, me }: { others: ReturnType<typeof usePresence>; item: ItemView; me: string }) => {
  const answering = others.filter((other) => other.state === 'answering');
  const claimed = item.claimed_by && item.claimed_by.id !== me ? item.claimed_by : null;
  const busy = answering[0] ?? claimed;
  const snoozed = item.status === 'open' && item.snoozed_until;
  if (!busy && !snoozed && others.length === 0) return null;
  return (
    <div aria-live="polite" className="-my-1 flex flex-wrap items-center gap-x-4 gap-y-1 text-13 text-text-2">
      {busy && item.status === 'open' && (
        <span className="inline-flex items-center gap-2">
          <PrincipalMark type={busy.type} id={markId(busy)} name={busy.name} size={20} />
          <span>
            <span className="font-medium text-text">{busy.name}</span> is answering
          </span>
        </span>
      )}
      {!busy && others.length > 0 && (
        <span className="inline-flex items-center gap-2">
          {others.slice(0, 4).map((other) => (
            <PrincipalMark key={other.id} type={other.type} id={markId(other)} name={other.name} size={20} labelled />
          ))}
          also here
        </span>
      )}
      {snoozed && (
        <span className="inline-flex items-center gap-2">
          <AlarmClock aria-hidden className="size-4 text-text-3" />
          Snoozed, back <RelativeTime time={snoozed} />
          <Button tone="ghost" size="small" onClick={() => unsnooze(item)}>
            Bring back now
          </Button>
        </span>
      )}
    </div>
  );
};

const Related = ({ item }: { item: ItemView }) => {
  const related =
    useOperation(inboxListRelated, { id: item.id }, { enabled: item.related_to.length > 0 }).data?.items ?? [];
  const parent = useOperation(inboxGetItem, { id: item.parent_id ?? '' }, { enabled: item.parent_id !== null }).data;
  const all = [...(parent ? [parent] : []), ...related];
  if (all.length === 0) return null;
  const unlink = async (other: ItemView) => {
    try {
      applyItem(await call(inboxUnrelate, { id: item.id, other_id: other.id }));
      invalidateBelow(item.id, ['inbox.list_related']);
    } catch (error) {
      toast({ title: sayError(error), tone: 'danger' });
    }
  };
  return (
    <section aria-label="Related items">
      <h3 className="mb-1 text-13 font-medium text-text-3">Related</h3>
      <ul className="-mx-2">
        {all.map((other) => (
          <li
            key={other.id}
            className="group/related relative flex h-9 items-center gap-2.5 rounded-control px-2 hover:bg-hover"
          >
            <PrincipalMark
              type={other.created_by.type}
              id={markId(other.created_by)}
              name={other.created_by.name}
              size={18}
            />
            <Link
              to="/inbox/$itemId"
              params={{ itemId: other.id }}
              search={(current: object) => current}
              dir="auto"
              className="min-w-0 flex-1 truncate text-start text-13 outline-none after:absolute after:inset-0 after:rounded-control focus-visible:after:outline-2 focus-visible:after:outline-focus"
            >
              {other.title}
            </Link>
            <span className="text-12 text-text-3">{endWord(other)?.word ?? 'Open'}</span>
            {other.id !== item.parent_id && (
              <IconButton
                label={`Unlink ${other.title}`}
                size="small"
                tooltip={false}
                className="z-10 md:opacity-0 md:group-focus-within/related:opacity-100 md:group-hover/related:opacity-100"
                onClick={() => void unlink(other)}
              >
                <X />
              </IconButton>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
};

const Watchers = ({ item, me }: { item: ItemView; me: string }) => {
  const watchers = useOperation(inboxListWatchers, { id: item.id }).data?.items ?? [];
  if (watchers.length === 0) return null;
  return (
    <p className="mt-4 flex items-center gap-2 text-12 text-text-3">
      <span className="flex -space-x-1.5">
        {watchers.slice(0, 5).map((watcher) => (
          <span key={watcher.id} className="rounded-full ring-2 ring-surface">
            <PrincipalMark type={watcher.type} id={markId(watcher)} name={watcher.name} size={18} labelled />
          </span>
        ))}
      </span>
      {watchers.length === 1
        ? `${nameOf(watchers[0]!, me)} ${watchers[0]!.id === me ? 'follow' : 'follows'} this`
        : `${watchers.length} follow this`}
    </p>
  );
};
