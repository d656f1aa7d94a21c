import type { AnswerValues, Form, ItemView } from '@atrium/protocol';
import { CircleCheck, CircleDashed, Clock, CloudOff, Undo2, XCircle } from 'lucide-react';
import { Button } from '../../ui/button.tsx';
import { CodeBlock } from '../../ui/code-block.tsx';
import { DiffView } from '../../ui/diff-view.tsx';
import { PrincipalMark } from '../../ui/identity-mark.tsx';
import { Markdown } from '../../ui/markdown.tsx';
import { useNow } from '../../ui/now.ts';
import { RelativeTime } from '../../ui/relative-time.tsx';
import { duration } from '../../ui/time-format.ts';
import { AnswerView } from '../forms/answer-view.tsx';
import { dropAnswer, useKeptAnswer } from './answer-queue.ts';
import { changesAsDiff, changesOf } from './argument-form.ts';
import { restore } from './item-acts.ts';
import { endWord, markId, nameOf } from './item-words.ts';

/** How an item ended, and the way back where there is one. */
export const OutcomeView = ({ item, me, onCorrect }: { item: ItemView; me: string; onCorrect?: () => void }) => {
  const end = endWord(item);
  if (!end) return null;
  const answered = item.status === 'answered';
  const Icon = answered
    ? item.reply?.kind === 'reject'
      ? XCircle
      : CircleCheck
    : item.status === 'expired'
      ? Clock
      : CircleDashed;
  const tone =
    end.tone === 'success' ? 'text-success-text' : end.tone === 'danger' ? 'text-danger-text' : 'text-text-3';
  return (
    <section aria-label="Outcome" className="rounded-card border border-line bg-raised">
      <header className="flex flex-wrap items-center gap-x-2 gap-y-2.5 px-4 py-3">
        <Icon aria-hidden className={`size-4 shrink-0 ${tone}`} />
        <p className="min-w-[200px] flex-1 text-14">
          <span className="font-medium">{end.word}</span>{' '}
          <span className="text-text-2">
            <Ending item={item} me={me} />
          </span>
        </p>
        {onCorrect && <CorrectButton item={item} onCorrect={onCorrect} />}
        {['dismissed', 'expired', 'withdrawn'].includes(item.status) && !item.step_up && (
          <Button size="small" icon={<Undo2 aria-hidden className="size-4" />} onClick={() => restore(item)}>
            Reopen
          </Button>
        )}
      </header>
      <Given item={item} />
    </section>
  );
};

const Ending = ({ item, me }: { item: ItemView; me: string }) => {
  if (item.status !== 'answered')
    return item.status === 'withdrawn' ? (
      <>
        by {nameOf(item.created_by, me)} <RelativeTime time={item.updated_at} />
      </>
    ) : (
      <RelativeTime time={item.updated_at} />
    );
  const by = item.answered_by;
  const why =
    item.answer_source === 'timeout'
      ? 'because the time ran out'
      : item.answer_source === 'rule'
        ? 'by an always-allow rule'
        : item.answer_source === 'quota'
          ? 'because the quota was used up'
          : null;
  const took = item.answered_at ? Date.parse(item.answered_at) - Date.parse(item.created_at) : 0;
  return (
    <>
      {why ?? (
        <span className="inline-flex items-center gap-1.5 align-middle">
          by {by && <PrincipalMark type={by.type} id={markId(by)} name={by.name} size={16} />}
          {nameOf(by, me)}
        </span>
      )}{' '}
      {item.answered_at && <RelativeTime time={item.answered_at} />}
      {took > 0 && <span className="tabular">, after {duration(took)}</span>}
    </>
  );
};

/** Changing one's mind, with the seconds that are left for it. */
const CorrectButton = ({ item, onCorrect }: { item: ItemView; onCorrect: () => void }) => {
  const now = useNow('second');
  const left = item.correctable_until ? Date.parse(item.correctable_until) - now : 0;
  if (left <= 0) return null;
  return (
    <Button size="small" icon={<Undo2 aria-hidden className="size-4" />} onClick={onCorrect}>
      Change answer <span className="tabular text-text-3">{duration(Math.ceil(left / 1000) * 1000)}</span>
    </Button>
  );
};

const Given = ({ item }: { item: ItemView }) => {
  const { reply, approval } = item;
  if (item.form && item.response)
    return (
      <div className="border-t border-line px-4 py-3">
        <AnswerView form={item.form} values={item.response} />
      </div>
    );
  if (!reply || reply.kind === 'accept') return null;
  return (
    <div className="border-t border-line px-4 py-3">
      {reply.kind === 'edit' && approval && (
        <DiffView diff={changesAsDiff(changesOf(approval.arguments, reply.arguments)) || ' no change'} />
      )}
      {reply.kind === 'edit' && !approval && <CodeBlock code={JSON.stringify(reply.arguments, null, 2)} />}
      {reply.kind === 'respond' && <Markdown text={reply.text} />}
      {reply.kind === 'reject' && (
        <div className="flex flex-col gap-1 text-14">
          {reply.option && (
            <p className="font-medium">
              {approval?.reject_options?.find((option) => option.name === reply.option)?.title ?? reply.option}
            </p>
          )}
          {reply.text && <Markdown text={reply.text} className="text-text-2" />}
          {!reply.option && !reply.text && <p className="text-text-2">Without a reason.</p>}
        </div>
      )}
    </div>
  );
};

/** The honest word to somebody whose work was overtaken; what they had typed stays readable. */
export const LostDraft = ({ text, form, values }: { text: string; form: Form; values: AnswerValues | null }) => (
  <div role="alert" className="rounded-card border border-warning-line bg-warning-soft px-4 py-3 text-14">
    <p className="font-medium text-warning-text">
      {text} {values && 'Your draft is kept.'}
    </p>
    {values && (
      <details className="mt-1.5">
        <summary className="cursor-pointer rounded-control text-13 text-text-2 hover:text-text">
          Show what you had written
        </summary>
        <div className="mt-2">
          <AnswerView form={form} values={values} />
        </div>
      </details>
    )}
  </div>
);

/** An answer that waits on this device. */
export const KeptNotice = ({ item }: { item: ItemView }) => {
  const kept = useKeptAnswer(item.id);
  if (!kept) return null;
  return (
    <div
      role="status"
      className="flex items-center gap-3 rounded-card border border-warning-line bg-warning-soft px-4 py-3 text-14"
    >
      <CloudOff aria-hidden className="size-4 shrink-0 text-warning-text" />
      <p className="min-w-0 flex-1">
        Kept on this device. It leaves by itself when Atrium can be reached; if somebody answers first, theirs counts.
      </p>
      <Button size="small" onClick={() => dropAnswer(item.id)}>
        Take back
      </Button>
    </div>
  );
};
