import {
  answerForJsonSchema,
  type Form,
  formFromJsonSchema,
  formFromZod,
  type InputOf,
  inboxAsk,
  inboxWait,
  type Outcome,
} from '@atrium/protocol';
import { z } from 'zod';
import type { CallOptions, Transport } from './client.ts';
import { AtriumError } from './errors.ts';
import { pause } from './pause.ts';

type AskInput = InputOf<typeof inboxAsk>;

/** How long to wait, and what to hear meanwhile. */
export interface WaitOptions {
  /** Longest time to wait in milliseconds; default: until the item closes. */
  timeoutMs?: number;
  signal?: AbortSignal;
  /** How long a server that does not answer is asked again before that is an error; default five minutes. */
  patienceMs?: number;
  /** Called once, when the question is in the inbox. */
  onAsked?: (id: string) => void;
}

/** What goes into the inbox: a question with `form` or `template`, or an approval. */
export type Question = Omit<AskInput, 'wait_s'>;

export interface AskOptions<Schema> extends Omit<Question, 'form' | 'template'>, WaitOptions {
  /** Shape of the answer: a zod schema (the result is typed by it) or a JSON Schema. */
  schema?: Schema;
  /** A form document, instead of a schema. */
  form?: Form;
  /** Name of a stored form, instead of a schema. */
  template?: string;
}

/** What `ask` resolves to: the output of a zod schema, else the values of the form. */
export type AnswerOf<Schema> = Schema extends z.ZodType ? z.output<Schema> : Record<string, unknown>;

/** The item closed without an answer, or time was up. `outcome` says which. */
export class NotAnswered extends Error {
  readonly itemId: string;
  readonly outcome: Outcome;

  constructor(itemId: string, outcome: Outcome) {
    super(
      outcome.status === 'pending' || outcome.status === 'action'
        ? 'Nobody answered in time; the question is still open.'
        : `The question was ${outcome.status} (${outcome.source ?? 'unknown'}).`,
    );
    this.name = 'NotAnswered';
    this.itemId = itemId;
    this.outcome = outcome;
  }
}

/** Below the shortest idle limit of the proxies in common use, 60 seconds. */
const longestWaitSeconds = 50;
const longestPauseMs = 10_000;

const pending: Outcome = {
  status: 'pending',
  source: null,
  values: null,
  reply: null,
  decision: null,
  action: null,
  answered_by: null,
  answered_at: null,
  corrected: false,
  state: null,
};

/** True while a person may still answer. A pressed button closes nothing. */
const isOpen = (outcome: Outcome): boolean => outcome.status === 'pending' || outcome.status === 'action';

const callOptions = ({ signal }: WaitOptions): CallOptions => (signal === undefined ? {} : { signal });

/** A restart of the server, a lost network or too many waits at once: the question is safe, so asking again is too. */
const isPassing = (error: unknown): error is AtriumError =>
  error instanceof AtriumError && (error.retryable || error.code === 'too_many_waits');

const untilDeadline = (deadline: number): number =>
  Math.max(0, Math.min(longestWaitSeconds, (deadline - Date.now()) / 1000));

/** Calls again while the failure may pass, with growing pauses, for as long as patience lasts. */
const patiently = async <T>(options: WaitOptions, act: () => Promise<T>): Promise<T> => {
  const end = Date.now() + (options.patienceMs ?? 300_000);
  for (let failures = 0; ; failures++) {
    try {
      return await act();
    } catch (error) {
      if (!isPassing(error) || Date.now() >= end) throw error;
      const wanted = error.retryAfterMs ?? 250 * 2 ** failures;
      await pause(Math.min(wanted, longestPauseMs, Math.max(0, end - Date.now())), options.signal);
    }
  }
};

const keepWaiting = async (
  transport: Transport,
  id: string,
  first: Outcome,
  deadline: number,
  options: WaitOptions,
): Promise<Outcome> => {
  let outcome = first;
  while (isOpen(outcome) && Date.now() < deadline) {
    const since = outcome.action === null ? {} : { since_action: outcome.action.at };
    const started = Date.now();
    outcome = await patiently(options, () =>
      transport.call(inboxWait, { id, timeout_s: untilDeadline(deadline), ...since }, callOptions(options)),
    );
    // A server that is stopping ends its waits at once; asking it again without a pause would be a busy loop.
    if (isOpen(outcome) && Date.now() - started < 500)
      await pause(Math.min(500, deadline - Date.now()), options.signal);
  }
  return outcome;
};

const deadlineOf = ({ timeoutMs = Number.POSITIVE_INFINITY }: WaitOptions): number => Date.now() + timeoutMs;

/** Waits until an item closes or time is up; then `status` is `pending`. */
export const waitForOutcome = (transport: Transport, id: string, options: WaitOptions = {}): Promise<Outcome> =>
  keepWaiting(transport, id, pending, deadlineOf(options), options);

/**
 * Puts a question into the inbox and waits. With `idempotency_key` a program that was cut off calls again with the same
 * input and goes on waiting for the same item, or gets the answer that came meanwhile.
 */
export const askForOutcome = async (
  transport: Transport,
  question: Question,
  options: WaitOptions = {},
): Promise<{ id: string; outcome: Outcome }> => {
  const deadline = deadlineOf(options);
  const keyed = { ...question, idempotency_key: question.idempotency_key ?? crypto.randomUUID() };
  // Asked without waiting first: the id is known at once, and a wait that is cut off repeats a read, not a write.
  const asked = await patiently(options, () =>
    transport.call(inboxAsk, { ...keyed, wait_s: 0 } as AskInput, callOptions(options)),
  );
  options.onAsked?.(asked.id);
  const first = asked.outcome ?? pending;
  return { id: asked.id, outcome: await keepWaiting(transport, asked.id, first, deadline, options) };
};

const formOf = (schema: unknown): Form => {
  const result = schema instanceof z.ZodType ? formFromZod(schema) : formFromJsonSchema(schema);
  if (result.ok) return result.form;
  throw new TypeError(
    `This schema does not fit a form: ${result.errors.map((error) => `${error.path}: ${error.message}`).join('; ')}`,
  );
};

const answerOf = (schema: unknown, outcome: Outcome): unknown => {
  if (outcome.values === null) return { decision: outcome.decision, reply: outcome.reply };
  if (schema instanceof z.ZodType)
    return schema.parse(answerForJsonSchema(z.toJSONSchema(schema, { io: 'input' }), outcome.values));
  return schema === undefined ? outcome.values : answerForJsonSchema(schema, outcome.values);
};

/** Asks and resolves to the typed answer. Rejects with NotAnswered when there is none. */
export const ask = async <Schema>(transport: Transport, options: AskOptions<Schema>): Promise<AnswerOf<Schema>> => {
  const { schema, timeoutMs, signal, patienceMs, onAsked, ...input } = options;
  const wait: WaitOptions = {
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(signal === undefined ? {} : { signal }),
    ...(patienceMs === undefined ? {} : { patienceMs }),
    ...(onAsked === undefined ? {} : { onAsked }),
  };
  const question = (schema === undefined ? input : { ...input, form: formOf(schema) }) as Question;
  const { id, outcome } = await askForOutcome(transport, question, wait);
  if (outcome.status !== 'answered') throw new NotAnswered(id, outcome);
  return answerOf(schema, outcome) as AnswerOf<Schema>;
};
