// biome-ignore-all lint/a11y/useSemanticElements: a fieldset would draw itself around the buttons.
import { type AnswerValues, type Form, type ItemView, sealedFieldIds } from '@atrium/protocol';
import { Lock } from 'lucide-react';
import { useEffect, useMemo, useRef, useState } from 'react';
import { ProblemError } from '../../data/client.ts';
import { Button } from '../../ui/button.tsx';
import { cx } from '../../ui/class-names.ts';
import { DiffView } from '../../ui/diff-view.tsx';
import { FormError } from '../../ui/form-field.tsx';
import { Kbd } from '../../ui/kbd.tsx';
import { useShortcut } from '../../ui/shortcuts.tsx';
import { Skeleton } from '../../ui/skeleton.tsx';
import { FieldList } from '../forms/field-view.tsx';
import { type FormSession, isTouched, useFormSession } from '../forms/form-session.ts';
import { FormView } from '../forms/form-view.tsx';
import { type QuickForm, quickForm } from '../forms/quick-choice.ts';
import { type Answer, type SendResult, sendAnswer, sendCorrection } from './answer-sending.ts';
import { sayLost, sayRefusal } from './answer-words.ts';
import { KeptNotice, LostDraft, OutcomeView } from './outcome-view.tsx';
import { uploadForField } from './upload-file.ts';
import { useAutosave, useSavedDraft } from './use-draft.ts';

interface AnswerPanelProps {
  item: ItemView;
  form: Form;
  me: string;
  onAnswering: (answering: boolean) => void;
  /** The answer page: large buttons that stay in reach of the thumb. */
  phone?: boolean;
  /** The choice that the pressed notification named; it has the focus, and one more tap sends it. */
  suggested?: string | undefined;
}

/** The form of a question from the first key to its outcome, and what became of a draft that came too late. */
export const AnswerPanel = (props: AnswerPanelProps) => {
  const { ready, draft } = useSavedDraft(props.item);
  if (!ready)
    return (
      <div role="status" aria-label="Loading" className="space-y-3">
        <Skeleton className="h-3 w-32" />
        <Skeleton className="h-9 w-full" />
        <Skeleton className="h-9 w-28" />
      </div>
    );
  // A reopened item is asked afresh.
  return <OpenPanel key={`${props.item.id}:${props.item.generation}`} {...props} draft={draft} />;
};

const OpenPanel = ({
  item,
  form: given,
  me,
  onAnswering,
  phone,
  suggested,
  draft,
}: AnswerPanelProps & { draft: { values: AnswerValues; page: string | null } | null }) => {
  // Every refetch brings an equal document under a new identity.
  const [form] = useState(given);
  const [before] = useState(() => draft ?? (item.response ? { values: item.response, page: null } : null));
  const session = useFormSession(form, before);
  const [correcting, setCorrecting] = useState(false);
  const [busy, setBusy] = useState(false);
  const [lost, setLost] = useState<string | null>(null);
  const [error, setError] = useState<string | null>(null);
  const open = item.status === 'open';
  const wasOpen = useRef(open);
  const gave = useRef(false);
  const touched = isTouched(form, session.values);
  const draftState = useAutosave(item, form, session.values, session.page.id, open && !gave.current);
  const quick = useMemo(() => quickForm(form), [form]);
  const answering = open && (touched || draft !== null) && !gave.current;
  useEffect(() => onAnswering(answering), [onAnswering, answering]);
  useEffect(() => {
    // Closed by somebody else while this person was at it.
    if (wasOpen.current && !open && !gave.current && touched) setLost(sayClosed(item));
    wasOpen.current = open;
  }, [open, touched, item]);

  const settle = (result: SendResult) => {
    setBusy(false);
    if (result.kind === 'sent' || result.kind === 'kept') return setCorrecting(false);
    gave.current = false;
    if (result.kind === 'lost') return setLost(sayLost(result.problem));
    if (result.error instanceof ProblemError && result.error.problem.errors?.length) {
      session.refuse(
        result.error.problem.errors.map((entry) => ({ ...entry, path: entry.path.replace(/^values\./, '') })),
      );
      return setError(null);
    }
    setError(sayRefusal(result.error));
  };
  const send = async (answer: Answer) => {
    setError(null);
    setLost(null);
    gave.current = true;
    const sealed = sealedFieldIds(form).length > 0;
    // A quick answer says "sent" before the network does; only a correction or a long form shows that it is busy.
    setBusy(correcting);
    settle(await (correcting ? sendCorrection(item, answer) : sendAnswer(item, answer, sealed)));
  };

  const notice = lost !== null && <LostDraft text={lost} form={form} values={touched ? session.values : null} />;
  if (!open && !correcting)
    return (
      <div className="flex flex-col gap-4">
        {notice}
        <KeptNotice item={item} />
        <OutcomeView item={item} me={me} onCorrect={() => setCorrecting(true)} />
      </div>
    );
  const common = { session, error: error ?? undefined, onSend: send, busy };
  return (
    <div className="flex flex-col gap-4">
      {notice}
      <KeptNotice item={item} />
      {sealedFieldIds({ fields: [...session.visible] }).length > 0 && (
        <p className="flex items-start gap-2 text-13 text-text-2">
          <Lock aria-hidden className="mt-[3px] size-3.5 shrink-0 text-text-3" />
          Sealed answers are encrypted. {item.created_by.name} reads them once; nobody else ever does.
        </p>
      )}
      {quick ? (
        <QuickAnswer {...common} quick={quick} phone={phone ?? false} suggested={suggested} />
      ) : (
        <FormView
          session={session}
          busy={busy}
          sticky={phone}
          error={error}
          upload={uploadForField(item.id)}
          submitLabel={correcting ? 'Save correction' : undefined}
          onSubmit={(values) => void send({ values })}
          aside={draftState === 'saved' ? 'Draft saved' : draftState === 'saving' ? 'Saving draft' : undefined}
        />
      )}
      {correcting && (
        <Button tone="ghost" className="self-start" onClick={() => setCorrecting(false)}>
          Keep the answer as it is
        </Button>
      )}
    </div>
  );
};

const sayClosed = (item: ItemView): string => {
  const who = item.answered_by?.name ?? 'Somebody';
  switch (item.status) {
    case 'withdrawn':
      return `${item.created_by.name} took this back while you were typing.`;
    case 'answered':
      return item.answer_source === 'person'
        ? `${who} answered while you were typing.`
        : 'This was answered meanwhile.';
    case 'expired':
      return 'The time ran out while you were typing.';
    default:
      return 'This was closed while you were typing.';
  }
};

/** Two to four answers as buttons; one tap sends. */
const QuickAnswer = ({
  session,
  quick,
  error,
  busy,
  phone,
  suggested,
  onSend,
}: {
  session: FormSession;
  quick: QuickForm;
  error: string | undefined;
  busy: boolean;
  phone: boolean;
  suggested: string | undefined;
  onSend: (answer: Answer) => void;
}) => {
  const { field, shown, choices } = quick;
  const around = shown.filter((entry) => entry.id !== field.id);
  const label = field.label;
  const problem = session.errors.get(field.id);
  return (
    <div className="flex flex-col gap-4">
      <FieldList
        fields={around}
        values={session.values}
        onChange={session.set}
        onProblem={session.setProblem}
        errors={session.errors}
        path=""
        upload={undefined}
      />
      {field.type === 'diffapproval' && <DiffView diff={field.diff} />}
      <div role="group" aria-label={label ?? 'Answer'} className="flex flex-col gap-3">
        {label && (
          <p dir="auto" className="text-14 font-medium">
            {label}
          </p>
        )}
        {field.help && <p className="-mt-2 text-13 text-text-3">{field.help}</p>}
        <FormError>{error ?? problem}</FormError>
        <Choices
          choices={choices}
          phone={phone}
          busy={busy}
          suggested={suggested}
          onChoose={(values) => onSend({ values })}
        />
      </div>
    </div>
  );
};

/** Above the thumb on the phone, first to last by number key elsewhere. */
const Choices = ({
  choices,
  phone,
  busy,
  suggested,
  onChoose,
}: {
  choices: QuickForm['choices'];
  phone: boolean;
  busy: boolean;
  suggested: string | undefined;
  onChoose: (values: AnswerValues) => void;
}) => {
  const first = useRef<HTMLButtonElement>(null);
  useEffect(() => first.current?.focus(), []);
  const wanted = suggested?.toLowerCase();
  const fits = (label: string, index: number) =>
    wanted !== undefined &&
    (label.toLowerCase() === wanted ||
      (index === 0 && ['yes', 'approve', 'accept'].includes(wanted)) ||
      (index === 1 && ['no', 'reject', 'deny'].includes(wanted)));
  return (
    <div
      className={cx(
        'flex flex-wrap gap-2',
        phone && 'max-md:sticky max-md:bottom-0 max-md:-mx-5 max-md:bg-surface max-md:px-5 max-md:py-3',
        phone && choices.length > 2 && 'max-md:flex-col',
      )}
    >
      {choices.map((choice, index) => (
        <span key={choice.label} className={cx('flex', phone && 'max-md:min-w-0 max-md:flex-1')}>
          <Choice index={index} onPress={() => onChoose(choice.values)} />
          <Button
            ref={fits(choice.label, index) ? first : undefined}
            tone={choice.tone}
            size="large"
            disabled={busy}
            className={cx('min-w-28', phone && 'max-md:h-14! max-md:w-full max-md:min-w-0 max-md:text-16!')}
            onClick={() => onChoose(choice.values)}
          >
            <span dir="auto" className="truncate">
              {choice.label}
            </span>
            {!phone && <Kbd keys={String(index + 1)} inverted={choice.tone === 'primary'} />}
          </Button>
        </span>
      ))}
    </div>
  );
};

const Choice = ({ index, onPress }: { index: number; onPress: () => void }) => {
  useShortcut(String(index + 1), `Answer ${index + 1}`, onPress, { group: 'Item' });
  return null;
};
