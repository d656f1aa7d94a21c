import { type ItemView, inboxGetItem } from '@atrium/protocol';
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { ArrowLeft, ChevronRight, CircleCheck } from 'lucide-react';
import { useCallback, useState } from 'react';
import { ProblemError, sayError } from '../../data/client.ts';
import { useOperation } from '../../data/operations.ts';
import { usePresence } from '../../data/presence.ts';
import { useMe } from '../../data/session.ts';
import { Button, IconButton } from '../../ui/button.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import { PrincipalMark } from '../../ui/identity-mark.tsx';
import { CountdownRing } from '../../ui/lifetime.tsx';
import { Markdown } from '../../ui/markdown.tsx';
import { usePageTitle } from '../../ui/page-header.tsx';
import { RelativeTime } from '../../ui/relative-time.tsx';
import { SkeletonDetail } from '../../ui/skeleton.tsx';
import { ActionButtons } from './action-buttons.tsx';
import { AnswerPanel } from './answer-panel.tsx';
import { ApprovalPanel } from './approval-panel.tsx';
import { acknowledge } from './item-acts.ts';
import { markId, waitsUntil } from './item-words.ts';
import { OutcomeView } from './outcome-view.tsx';

/** One question and nothing else: opened by a notification, answered with one thumb. */
export const AnswerPage = () => {
  const { itemId } = useParams({ from: '/frame/answer/$itemId' });
  const { action } = useSearch({ from: '/frame/answer/$itemId' });
  const query = useOperation(inboxGetItem, { id: itemId });
  const navigate = useNavigate();
  usePageTitle(query.data?.title ?? 'Answer');
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <header className="flex h-14 shrink-0 items-center gap-2 px-3 md:px-5">
        <IconButton label="To the inbox" onClick={() => void navigate({ to: '/inbox' })}>
          <ArrowLeft />
        </IconButton>
        {query.data && <Asker item={query.data} />}
      </header>
      {query.data ? (
        <Question key={query.data.id} item={query.data} suggested={action} />
      ) : query.error ? (
        <EmptyState
          plain
          title={
            query.error instanceof ProblemError && query.error.problem.status === 404
              ? 'This question is not here any more'
              : 'The question could not be loaded'
          }
          action={<Button onClick={() => void query.refetch()}>Try again</Button>}
        >
          {sayError(query.error)}
        </EmptyState>
      ) : (
        <SkeletonDetail />
      )}
    </div>
  );
};

const Asker = ({ item }: { item: ItemView }) => {
  const until = waitsUntil(item);
  return (
    <>
      <PrincipalMark type={item.created_by.type} id={markId(item.created_by)} name={item.created_by.name} size={24} />
      <p className="min-w-0 flex-1 truncate text-14">
        <span className="font-medium">{item.created_by.name}</span>
        <span className="text-13 text-text-3">
          {item.channel && ` in #${item.channel.name}`}, <RelativeTime time={item.created_at} />
        </span>
      </p>
      {until && <CountdownRing from={item.created_at} until={until} size={22} />}
    </>
  );
};

const Question = ({ item, suggested }: { item: ItemView; suggested: string | undefined }) => {
  const me = useMe().principal.id ?? '';
  const [answering, setAnswering] = useState(false);
  const onAnswering = useCallback((next: boolean) => setAnswering(next), []);
  usePresence(item.id, answering ? 'answering' : 'viewing', me);
  const open = item.status === 'open';
  const panel = item.approval ? (
    <ApprovalPanel item={item} approval={item.approval} me={me} phone onAnswering={onAnswering} />
  ) : item.form ? (
    <AnswerPanel item={item} form={item.form} me={me} phone suggested={suggested} onAnswering={onAnswering} />
  ) : open ? (
    <Notice item={item} />
  ) : (
    <OutcomeView item={item} me={me} />
  );
  return (
    <div className="min-h-0 flex-1 overflow-y-auto">
      {/* Long enough to fill the screen, so that the choices stand at its lower edge. */}
      <div className="mx-auto flex min-h-full max-w-[640px] flex-col px-5 pt-2 md:pt-10 md:pb-16">
        {!open && <Sent item={item} me={me} />}
        <h1 dir="auto" className="text-20 font-semibold text-balance break-words md:text-28">
          {item.title}
        </h1>
        {item.message && <Markdown text={item.message} className="mt-3 max-md:text-16" />}
        <div aria-hidden className="min-h-6 flex-1 md:hidden" />
        <div className="max-md:pb-[max(8px,env(safe-area-inset-bottom))] md:mt-8">
          {panel}
          <p className="mt-4 mb-2 text-center md:text-left">
            <Link
              to="/inbox/$itemId"
              params={{ itemId: item.id }}
              search={{}}
              className="inline-flex min-h-9 items-center gap-0.5 rounded-control text-13 text-text-3 hover:text-text"
            >
              Timeline, files and comments <ChevronRight aria-hidden className="size-4" />
            </Link>
          </p>
        </div>
      </div>
    </div>
  );
};

/** Said as soon as the choice is made; the network catches up behind it. */
const Sent = ({ item, me }: { item: ItemView; me: string }) =>
  item.status === 'answered' && item.answered_by?.id === me ? (
    <p role="status" className="mb-4 flex animate-dialog-in items-center gap-2.5 text-16 font-medium text-success-text">
      <CircleCheck aria-hidden className="size-6" />
      Sent
    </p>
  ) : null;

const Notice = ({ item }: { item: ItemView }) => (
  <div className="flex flex-col gap-3">
    <ActionButtons item={item} numbered={false} />
    {item.viewed_at === null ? (
      <Button tone="primary" size="large" className="max-md:h-14! max-md:text-16!" onClick={() => acknowledge(item)}>
        Acknowledge
      </Button>
    ) : (
      <p className="text-14 text-text-2">Acknowledged.</p>
    )}
  </div>
);
