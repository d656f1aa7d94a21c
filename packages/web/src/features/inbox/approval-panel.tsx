import {
  type ApprovalReply,
  type ApprovalRequest,
  type FieldError,
  type ItemView,
  matchesAlwaysRule,
  replyAllowed,
  validateApprovalReply,
} from '@atrium/protocol';
import { Link, useNavigate } from '@tanstack/react-router';
import { Check, ChevronDown, MessageSquare, Pencil, ShieldCheck, Signature, Users, X } from 'lucide-react';
import { useEffect, useMemo, useRef, useState } from 'react';
import { ProblemError } from '../../data/client.ts';
import { Button } from '../../ui/button.tsx';
import { cx } from '../../ui/class-names.ts';
import { CodeBlock } from '../../ui/code-block.tsx';
import { DiffView } from '../../ui/diff-view.tsx';
import { FormError, FormField } from '../../ui/form-field.tsx';
import { PrincipalMark } from '../../ui/identity-mark.tsx';
import { Input, Textarea } from '../../ui/input.tsx';
import { Kbd } from '../../ui/kbd.tsx';
import { Select } from '../../ui/select.tsx';
import { useShortcut } from '../../ui/shortcuts.tsx';
import { Checkbox, RadioGroup } from '../../ui/toggles.tsx';
import { FieldList } from '../forms/field-view.tsx';
import { matcherForSchema } from '../forms/form-matcher.ts';
import { sentence } from '../forms/form-values.ts';
import { type SendResult, sendAnswer, sendCorrection } from './answer-sending.ts';
import { sayLost, sayRefusal } from './answer-words.ts';
import { ApprovalSentence } from './approval-sentence.tsx';
import { argumentForm, changesAsDiff, changesOf, toArguments, toFieldPath, toFieldValues } from './argument-form.ts';
import { requiredCount } from './item-row.tsx';
import { markId, nameOf } from './item-words.ts';
import { KeptNotice, OutcomeView } from './outcome-view.tsx';
import { usePeople } from './people.ts';

interface ApprovalPanelProps {
  item: ItemView;
  approval: ApprovalRequest;
  me: string;
  phone?: boolean;
  onAnswering: (answering: boolean) => void;
}

type Mode = 'decide' | 'edit' | 'respond' | 'reject';

/** A tool call under review: the sentence, the arguments as an editable form, the raw JSON; then the decision. */
export const ApprovalPanel = (props: ApprovalPanelProps) => {
  const { item, approval, me } = props;
  const [correcting, setCorrecting] = useState(false);
  const open = item.status === 'open';
  return (
    <div className="flex flex-col gap-5">
      <ApprovalSentence approval={approval} by={item.created_by} />
      <KeptNotice item={item} />
      <Approvers item={item} me={me} />
      {open || correcting ? (
        <Decision
          key={`${item.id}:${item.generation}`}
          {...props}
          correcting={correcting}
          onDone={() => setCorrecting(false)}
        />
      ) : (
        <OutcomeView item={item} me={me} onCorrect={() => setCorrecting(true)} />
      )}
      <RawCall approval={approval} />
    </div>
  );
};

const Decision = ({
  item,
  approval,
  me,
  phone,
  onAnswering,
  correcting,
  onDone,
}: ApprovalPanelProps & { correcting: boolean; onDone: () => void }) => {
  const [mode, setMode] = useState<Mode>('decide');
  const { form, names } = useMemo(() => argumentForm(approval), [approval]);
  const [values, setValues] = useState(() => toFieldValues(names, approval.arguments));
  const [problems, setProblems] = useState<ReadonlyMap<string, string>>(new Map());
  const [errors, setErrors] = useState<ReadonlyMap<string, string>>(new Map());
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const fields = useRef<HTMLFieldSetElement>(null);
  useEffect(() => {
    if (errors.size > 0) fields.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
  }, [errors]);
  const edited = toArguments(names, values);
  const changes = changesOf(approval.arguments, edited);
  useEffect(() => onAnswering(mode !== 'decide'), [onAnswering, mode]);

  const showErrors = (list: readonly FieldError[]) => {
    const placed = list.map(({ path, message }) => [toFieldPath(names, path), message] as const);
    setErrors(new Map(placed.filter(([path]) => path !== '')));
    const rest = placed.filter(([path]) => path === '').map(([, message]) => message);
    setError(rest.length > 0 ? rest.join('; ') : null);
  };
  const settle = (result: SendResult) => {
    setBusy(false);
    if (result.kind === 'sent' || result.kind === 'kept') return onDone();
    if (result.kind === 'lost') return setError(`${sayLost(result.problem)} Your decision was not used.`);
    if (result.error instanceof ProblemError && result.error.problem.errors?.length)
      return showErrors(result.error.problem.errors);
    setError(sayRefusal(result.error));
  };
  const send = async (reply: ApprovalReply) => {
    setError(null);
    setErrors(new Map());
    const matchPattern = await matcherForSchema(approval.arguments_schema);
    const checked = validateApprovalReply(approval, reply, { matchPattern });
    if (!checked.ok) return showErrors(checked.errors);
    setBusy(correcting || item.step_up);
    settle(await (correcting ? sendCorrection(item, { reply }) : sendAnswer(item, { reply })));
  };
  const accept = (always?: Extract<ApprovalReply, { kind: 'accept' }>['always_allow']) =>
    void send(
      changes.length > 0
        ? { kind: 'edit', arguments: edited }
        : { kind: 'accept', ...(always ? { always_allow: always } : {}) },
    );
  const blocked = fourEyes(item, me);
  const toSign = signingRequestOf(item);
  const allowed = (kind: Parameters<typeof replyAllowed>[1]) => replyAllowed(approval, kind);
  const decided = item.approvals.find((reply) => reply.by.id === me);
  if (decided && !correcting)
    return <p className="text-14 text-text-2">Your decision is in. The item closes when the others have decided.</p>;
  return (
    <div className="flex flex-col gap-4">
      {mode === 'edit' && (
        <fieldset ref={fields} className="flex flex-col gap-4 rounded-card border border-line p-4">
          <legend className="sr-only">Arguments</legend>
          <FieldList
            fields={form.fields ?? []}
            values={values}
            onChange={(id, value) => {
              setValues((current) => ({ ...current, [id]: value }));
              setErrors(new Map());
            }}
            onProblem={(path, problem) =>
              setProblems((current) => {
                const next = new Map(current);
                problem === null ? next.delete(path) : next.set(path, problem);
                return next;
              })
            }
            errors={new Map([...errors, ...problems])}
            path=""
            upload={undefined}
          />
        </fieldset>
      )}
      {changes.length > 0 && (
        <section aria-label="Your changes">
          <p className="mb-1.5 text-13 text-text-3">
            {changes.length === 1 ? 'One change' : `${changes.length} changes`} to the call
          </p>
          <DiffView diff={changesAsDiff(changes)} maxHeight={260} />
        </section>
      )}
      {blocked && (
        <p className="flex items-start gap-2 text-14 text-text-2">
          <Users aria-hidden className="mt-[3px] size-4 shrink-0 text-text-3" />
          {blocked}
        </p>
      )}
      {item.step_up && (
        <p className="flex items-start gap-2 text-14 text-text-2">
          <ShieldCheck aria-hidden className="mt-[3px] size-4 shrink-0 text-text-3" />
          Your decision is final. You may be asked to prove once more that it is you.
        </p>
      )}
      <FormError>{error}</FormError>
      {mode === 'respond' && (
        <Respond
          by={item.created_by.name}
          busy={busy}
          onBack={() => setMode('decide')}
          onSend={(text) => void send({ kind: 'respond', text })}
        />
      )}
      {mode === 'reject' && (
        <Reject
          approval={approval}
          final={item.step_up}
          busy={busy}
          onBack={() => setMode('decide')}
          onSend={(reply) => void send(reply)}
        />
      )}
      {(mode === 'decide' || mode === 'edit') && (
        <DecisionButtons
          phone={phone ?? false}
          busy={busy || problems.size > 0}
          blocked={blocked !== null}
          toSign={toSign}
          changes={changes.length}
          editing={mode === 'edit'}
          allowed={allowed}
          onAccept={() => accept()}
          onMode={setMode}
          onReset={() => {
            setValues(toFieldValues(names, approval.arguments));
            setProblems(new Map());
            setErrors(new Map());
            setMode('decide');
          }}
        />
      )}
      {mode === 'decide' &&
        allowed('accept') &&
        !blocked &&
        changes.length === 0 &&
        !item.require &&
        toSign === null && <AlwaysAllow approval={approval} by={item.created_by.name} onAllow={accept} />}
      {correcting && (
        <Button tone="ghost" className="self-start" onClick={onDone}>
          Keep the decision as it is
        </Button>
      )}
    </div>
  );
};

/** The request behind an item of the server that asks for a signature; nobody else can make an item look like one. */
const signingRequestOf = ({ created_by, approval }: ItemView): string | null => {
  if (created_by.type !== 'system' || approval?.tool !== 'sign_with_your_key') return null;
  const { request_id } = approval.arguments;
  return typeof request_id === 'string' ? request_id : null;
};

/** Why this person cannot approve, as far as the browser can know; the server decides. */
const fourEyes = (item: ItemView, me: string): string | null => {
  if (item.require?.four_eyes && item.created_by.id === me)
    return 'You asked for this, so a second person has to approve it. You can still reject it.';
  const named = [...(item.require?.all_of ?? []), ...(item.require?.any_of ?? [])];
  if (named.length > 0 && !named.includes(me)) return 'Others were named to decide this. You can follow and comment.';
  return null;
};

const DecisionButtons = ({
  phone,
  busy,
  blocked,
  toSign,
  changes,
  editing,
  allowed,
  onAccept,
  onMode,
  onReset,
}: {
  phone: boolean;
  busy: boolean;
  blocked: boolean;
  /** A request that is answered by a signature in place of an approval. */
  toSign: string | null;
  changes: number;
  editing: boolean;
  allowed: (kind: 'accept' | 'edit' | 'respond' | 'reject') => boolean;
  onAccept: () => void;
  onMode: (mode: Mode) => void;
  onReset: () => void;
}) => {
  const canAccept = !blocked && (changes > 0 ? allowed('edit') : allowed('accept'));
  const navigate = useNavigate();
  const accept = (): void => {
    if (toSign === null) onAccept();
    else void navigate({ to: '/sign/$requestId', params: { requestId: toSign } });
  };
  useShortcut('1', toSign === null ? 'Approve' : 'Read and sign', accept, {
    ...{ group: 'Item', enabled: canAccept && !busy },
  });
  useShortcut('2', 'Reject', () => onMode('reject'), { group: 'Item', enabled: allowed('reject') });
  const big = phone ? 'max-md:h-14! max-md:flex-1 max-md:text-16!' : '';
  return (
    <div
      className={cx(
        'flex flex-wrap items-center gap-2',
        phone && 'max-md:sticky max-md:bottom-0 max-md:-mx-5 max-md:bg-surface max-md:px-5 max-md:py-3',
      )}
    >
      {toSign !== null && (
        <Button asChild tone="primary" size="large" className={cx('min-w-32', big)}>
          <Link to="/sign/$requestId" params={{ requestId: toSign }}>
            <Signature aria-hidden className="size-4" />
            Read and sign
            {!phone && <Kbd keys="1" inverted />}
          </Link>
        </Button>
      )}
      {toSign === null && (allowed('accept') || changes > 0) && (
        <Button
          tone="primary"
          size="large"
          disabled={!canAccept || busy}
          className={cx('min-w-32', big)}
          icon={<Check aria-hidden className="size-4" />}
          onClick={onAccept}
        >
          {changes > 0 ? `Approve with ${changes === 1 ? 'one change' : `${changes} changes`}` : 'Approve'}
          {!phone && <Kbd keys="1" inverted />}
        </Button>
      )}
      {allowed('reject') && (
        <Button
          size="large"
          disabled={busy && !editing}
          className={cx('min-w-28', big)}
          icon={<X aria-hidden className="size-4 text-text-3" />}
          onClick={() => onMode('reject')}
        >
          Reject
          {!phone && <Kbd keys="2" />}
        </Button>
      )}
      <span className={cx('flex flex-wrap gap-1', phone && 'max-md:order-first max-md:w-full')}>
        {allowed('edit') &&
          (editing ? (
            <Button tone="ghost" size="large" onClick={onReset}>
              {changes > 0 ? 'Discard changes' : 'Close'}
            </Button>
          ) : (
            <Button
              tone="ghost"
              size="large"
              icon={<Pencil aria-hidden className="size-4" />}
              onClick={() => onMode('edit')}
            >
              Edit
            </Button>
          ))}
        {allowed('respond') && !editing && (
          <Button
            tone="ghost"
            size="large"
            icon={<MessageSquare aria-hidden className="size-4" />}
            onClick={() => onMode('respond')}
          >
            Respond
          </Button>
        )}
      </span>
    </div>
  );
};

const Respond = ({
  by,
  busy,
  onBack,
  onSend,
}: {
  by: string;
  busy: boolean;
  onBack: () => void;
  onSend: (text: string) => void;
}) => {
  const [text, setText] = useState('');
  return (
    <form
      className="flex flex-col gap-3"
      onSubmit={(event) => {
        event.preventDefault();
        if (text.trim()) onSend(text.trim());
      }}
    >
      <FormField
        label={`Tell ${by} what to do instead`}
        hint="The call does not run; your text goes back to the agent."
      >
        <Textarea autoFocus rows={3} dir="auto" value={text} onChange={(event) => setText(event.target.value)} />
      </FormField>
      <div className="flex gap-2">
        <Button type="submit" tone="primary" busy={busy} disabled={!text.trim()}>
          Send response
        </Button>
        <Button onClick={onBack}>Back</Button>
      </div>
    </form>
  );
};

const noOption = 'none';

const Reject = ({
  approval,
  final,
  busy,
  onBack,
  onSend,
}: {
  approval: ApprovalRequest;
  /** An application waits, which is told no reason. */
  final: boolean;
  busy: boolean;
  onBack: () => void;
  onSend: (reply: ApprovalReply) => void;
}) => {
  const options = approval.reject_options ?? [];
  const [option, setOption] = useState<string>(options[0]?.name ?? noOption);
  const [text, setText] = useState(options[0]?.prompt_fill ?? '');
  const choose = (name: string) => {
    const before = options.find((entry) => entry.name === option)?.prompt_fill ?? '';
    setOption(name);
    // What the person wrote outlives a change of mind about the reason.
    if (text === before) setText(options.find((entry) => entry.name === name)?.prompt_fill ?? '');
  };
  return (
    <form
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        onSend({
          kind: 'reject',
          ...(option === noOption ? {} : { option }),
          ...(text.trim() ? { text: text.trim() } : {}),
        });
      }}
    >
      {options.length > 0 && (
        <FormField label="Reason" group>
          <RadioGroup
            label="Reason"
            look="cards"
            value={option}
            onChange={choose}
            options={[
              ...options.map((entry) => ({
                value: entry.name,
                label: entry.title ?? sentence(entry.name),
                ...(entry.description ? { hint: entry.description } : {}),
              })),
              { value: noOption, label: 'Another reason' },
            ]}
          />
        </FormField>
      )}
      {!final && (
        <FormField label="Tell the agent why" required={false}>
          <Textarea
            autoFocus={options.length === 0}
            rows={2}
            dir="auto"
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
        </FormField>
      )}
      <div className="flex gap-2">
        <Button type="submit" tone="danger" busy={busy} autoFocus={final}>
          {final ? 'Reject for good' : 'Reject call'}
        </Button>
        <Button onClick={onBack}>Back</Button>
      </div>
    </form>
  );
};

const hour = 3600;
const lifetimes = [
  { value: String(hour), label: '1 hour' },
  { value: String(8 * hour), label: '8 hours' },
  { value: String(24 * hour), label: '1 day' },
  { value: String(7 * 24 * hour), label: '7 days' },
  { value: String(30 * 24 * hour), label: '30 days' },
];

type Always = NonNullable<Extract<ApprovalReply, { kind: 'accept' }>['always_allow']>;

/** Approving this call and every further one of its kind, within a prefix and until a time. */
const AlwaysAllow = ({
  approval,
  by,
  onAllow,
}: {
  approval: ApprovalRequest;
  by: string;
  onAllow: (always: Always) => void;
}) => {
  const [open, setOpen] = useState(false);
  const command = typeof approval.arguments['command'] === 'string' ? approval.arguments['command'] : null;
  const [prefix, setPrefix] = useState(() => command?.split(/\s+/).slice(0, 2).join(' ') ?? '');
  const [fixed, setFixed] = useState<ReadonlySet<string>>(() => new Set(Object.keys(approval.arguments)));
  const [lifetime, setLifetime] = useState(lifetimes[1]!.value);
  const rule =
    command === null
      ? Object.fromEntries(Object.entries(approval.arguments).filter(([name]) => fixed.has(name)))
      : prefix;
  const covers = matchesAlwaysRule({ tool: approval.tool, argument_prefix: rule }, approval.tool, approval.arguments);
  return (
    <div className="rounded-card border border-line">
      <button
        type="button"
        aria-expanded={open}
        onClick={() => setOpen(!open)}
        className="flex min-h-10 w-full items-center gap-2 px-3.5 text-13 font-medium text-text-2 hover:text-text touch:min-h-12"
      >
        <ShieldCheck aria-hidden className="size-4 text-text-3" />
        Always allow calls like this
        <ChevronDown
          aria-hidden
          className={cx('ml-auto size-4 text-text-3 transition-transform', open && 'rotate-180')}
        />
      </button>
      {open && (
        <div className="flex flex-col gap-4 border-t border-line p-3.5">
          {command === null ? (
            <FormField label="These arguments must stay the same" group hint="The others may have any value.">
              <div className="flex flex-col">
                {Object.entries(approval.arguments).map(([name, value]) => (
                  <Checkbox
                    key={name}
                    label={`${sentence(name)} = ${JSON.stringify(value).slice(0, 80)}`}
                    checked={fixed.has(name)}
                    onChange={(on) =>
                      setFixed((current) => {
                        const next = new Set(current);
                        on ? next.add(name) : next.delete(name);
                        return next;
                      })
                    }
                  />
                ))}
              </div>
            </FormField>
          ) : (
            <FormField
              label="Commands that begin with"
              error={covers ? undefined : 'This does not cover the command under review.'}
              hint="Word by word. Anything with quotes, pipes or variables is asked again."
            >
              <Input
                className="font-mono"
                value={prefix}
                spellCheck={false}
                onChange={(event) => setPrefix(event.target.value)}
              />
            </FormField>
          )}
          <FormField label="For">
            <Select className="max-w-48" options={lifetimes} value={lifetime} onChange={setLifetime} />
          </FormField>
          <p className="text-13 text-text-2">
            {by} then runs matching {approval.tool} calls without asking. Each use is written to the audit trail, and
            the rule can be ended at any time.
          </p>
          <Button
            className="self-start"
            disabled={!covers}
            onClick={() => onAllow({ expires_in_s: Number(lifetime), argument_prefix: rule })}
          >
            Approve and always allow
          </Button>
        </div>
      )}
    </div>
  );
};

/** Who decided so far, and who is still to decide. */
const Approvers = ({ item, me }: { item: ItemView; me: string }) => {
  const people = usePeople();
  if (!item.require) return null;
  const { all_of = [], any_of = [], four_eyes } = item.require;
  const needed = requiredCount(item);
  const accepted = item.approvals.filter((reply) => reply.decision !== 'reject').length;
  const missing = all_of.filter((id) => !item.approvals.some((reply) => reply.by.id === id));
  const known = (id: string) =>
    id === me ? 'you' : (people.find((person) => person.id === id)?.name ?? 'somebody else');
  if (needed < 2 && item.approvals.length === 0 && missing.length === 0 && !four_eyes) return null;
  return (
    <section aria-label="Approvers" className="rounded-card border border-line px-4 py-3">
      <div className="flex items-center gap-3">
        <span aria-hidden className="flex gap-1">
          {Array.from({ length: needed }, (_, index) => (
            <span
              // biome-ignore lint/suspicious/noArrayIndexKey: a segment is its position.
              key={index}
              className={cx('h-1.5 w-6 rounded-full', index < accepted ? 'bg-success' : 'bg-line-strong')}
            />
          ))}
        </span>
        <p className="tabular text-13 font-medium">
          {accepted} of {needed} {needed === 1 ? 'approval' : 'approvals'}
        </p>
      </div>
      {item.approvals.length > 0 && (
        <ul className="mt-2.5 flex flex-col gap-1.5">
          {item.approvals.map((reply) => (
            <li key={`${reply.by.id}${reply.at}`} className="flex items-center gap-2 text-13 text-text-2">
              <PrincipalMark type={reply.by.type} id={markId(reply.by)} name={reply.by.name} size={18} />
              <span className="text-text">{nameOf(reply.by, me)}</span>
              {reply.decision === 'reject'
                ? 'rejected'
                : reply.decision === 'edit'
                  ? 'approved with changes'
                  : 'approved'}
            </li>
          ))}
        </ul>
      )}
      {missing.length > 0 && <p className="mt-2 text-13 text-text-3">Waits for {missing.map(known).join(', ')}.</p>}
      {missing.length === 0 && any_of.length > 0 && item.status === 'open' && (
        <p className="mt-2 text-13 text-text-3">Any of {any_of.map(known).join(', ')}.</p>
      )}
      {four_eyes && (
        <p className="mt-2 text-13 text-text-3">
          Four eyes: whoever asked, and the owner of the asking agent, cannot approve it.
        </p>
      )}
    </section>
  );
};

const RawCall = ({ approval }: { approval: ApprovalRequest }) => (
  <details className="group/raw">
    <summary className="inline-flex cursor-pointer list-none items-center gap-1 rounded-control text-13 text-text-3 hover:text-text">
      <ChevronDown aria-hidden className="size-4 -rotate-90 transition-transform group-open/raw:rotate-0" />
      Raw call
    </summary>
    <div className="mt-2">
      <CodeBlock
        caption={approval.tool}
        code={JSON.stringify({ tool: approval.tool, arguments: approval.arguments }, null, 2)}
      />
    </div>
  </details>
);
