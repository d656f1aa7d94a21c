import { type Form, formFromJsonSchema, inboxNotify, itemLevels, onTimeout } from '@atrium/protocol';
import { askForOutcome, type Question, waitForOutcome } from '@atrium/sdk';
import { Argument, type Command, Option } from 'commander';
import { reportOutcome, showProgress } from '../answer-output.ts';
import { readDuration } from '../duration.ts';
import { usageError } from '../exit-codes.ts';
import { type Io, readAll } from '../io.ts';
import { readJson } from '../operation-flags.ts';
import { show } from '../output.ts';
import { quickForm } from '../quick-form.ts';
import type { Session } from '../session.ts';

interface ItemOptions {
  message?: string;
  level?: string;
  channel?: string;
  tag?: string[];
  priority?: string;
  key?: string;
  json?: boolean;
}
interface AskFlags extends ItemOptions {
  yesno?: boolean;
  choice?: string;
  choices?: string;
  text?: boolean;
  number?: boolean;
  field?: string[];
  form?: string;
  schema?: string;
  template?: string;
  approve?: string;
  arguments?: string;
  allowEdit?: boolean;
  allowRespond?: boolean;
  timeout?: string;
  onTimeout?: string;
  keepOpen?: boolean;
  wait?: boolean;
  assignee?: string;
  runId?: string;
}

const collect = (value: string, earlier: string[] | undefined): string[] => [...(earlier ?? []), value];

/** Options of everything that puts an item into the inbox. */
const itemOptions = (command: Command): Command =>
  command
    .option('-m, --message <text>', 'text below the title, Markdown; - reads standard input')
    .addOption(new Option('--level <level>', 'how it looks').choices(itemLevels))
    .option('--channel <name>', 'name or id of a channel; none = the whole organisation sees it')
    .option('--tag <tag>', 'repeat it for several', collect)
    .addOption(
      new Option('--priority <n>', '0 unset, 1 low, 2 medium, 3 high, 4 urgent').choices(['0', '1', '2', '3', '4']),
    )
    .option('--key <key>', 'idempotency key: the same call with it finds the first item again')
    .option('--json', 'the answer as JSON');

const itemOf = async (io: Io, title: string, options: ItemOptions) => {
  const message = options.message === '-' ? await readAll(io.stdin) : options.message;
  return {
    title,
    ...(message === undefined ? {} : { message }),
    ...(options.level === undefined ? {} : { level: options.level as (typeof itemLevels)[number] }),
    ...(options.channel === undefined ? {} : { channel: options.channel }),
    ...(options.tag === undefined ? {} : { tags: options.tag }),
    ...(options.priority === undefined ? {} : { priority: Number(options.priority) }),
    ...(options.key === undefined ? {} : { idempotency_key: options.key }),
  };
};

const formFromSchema = (schema: unknown): Form => {
  const result = formFromJsonSchema(schema);
  if (result.ok) return result.form;
  throw usageError(`--schema: ${result.errors.map((error) => `${error.path} ${error.message}`).join('; ')}`);
};

/** Exactly one of the ways to say what is asked. */
const subjectOf = (options: AskFlags, cwd: string): Pick<Question, 'form' | 'template' | 'approval'> => {
  const ways: Pick<Question, 'form' | 'template' | 'approval'>[] = [];
  const quick = quickForm(options);
  if (quick !== null) ways.push({ form: quick });
  if (options.form !== undefined) ways.push({ form: readJson('--form', options.form, cwd) as Form });
  if (options.schema !== undefined) ways.push({ form: formFromSchema(readJson('--schema', options.schema, cwd)) });
  if (options.template !== undefined) ways.push({ template: options.template });
  if (options.approve !== undefined) ways.push({ approval: approvalOf(options, options.approve, cwd) });
  if (ways.length > 1)
    throw usageError('Say once what is asked: a quick form, --form, --schema, --template or --approve.');
  if (options.arguments !== undefined && options.approve === undefined)
    throw usageError('--arguments belongs to --approve TOOL.');
  return ways[0] ?? { form: quickForm({ yesno: true })! };
};

/**
 * Editing and answering in words are off unless asked for: a script that looks at the exit status alone would run the
 * call as it was.
 */
const approvalOf = (options: AskFlags, tool: string, cwd: string): NonNullable<Question['approval']> => ({
  tool,
  arguments: readJson('--arguments', options.arguments ?? '{}', cwd) as Record<string, unknown>,
  allow: { edit: options.allowEdit === true, respond: options.allowRespond === true },
});

/** After the server's own deadline there is nothing to wait for but the news of it. */
const graceMs = 30_000;

const timingOf = (options: AskFlags): { question: Partial<Question>; timeoutMs: number | undefined } => {
  if (options.timeout === undefined) {
    if (options.onTimeout !== undefined) throw usageError('--on-timeout needs --timeout.');
    return { question: {}, timeoutMs: undefined };
  }
  const timeoutMs = readDuration('--timeout', options.timeout);
  if (options.keepOpen === true) return { question: {}, timeoutMs };
  if (timeoutMs < 1000) throw usageError('--timeout: at least one second, unless --keep-open is given.');
  const act = options.onTimeout as (typeof onTimeout.options)[number] | undefined;
  return {
    question: { ttl_ms: timeoutMs, ...(act === undefined ? {} : { on_timeout: act }) },
    timeoutMs: timeoutMs + graceMs,
  };
};

const asksYesNo = (question: Pick<Question, 'form'>): boolean =>
  question.form?.fields?.length === 1 && question.form.fields[0]?.type === 'yesno';

const askAction =
  (session: Session) =>
  async (title: string, options: AskFlags, command: Command): Promise<void> => {
    const { io } = session;
    const subject = subjectOf(options, io.cwd);
    const { question, timeoutMs } = timingOf(options);
    const whole: Question = {
      ...(await itemOf(io, title, options)),
      ...subject,
      ...question,
      ...(options.assignee === undefined ? {} : { assignee: options.assignee }),
      ...(options.runId === undefined ? {} : { run_id: options.runId }),
    };
    const stop = showProgress(io);
    let asked: string | null = null;
    try {
      const { id, outcome } = await askForOutcome(session.transport(command), whole, {
        signal: session.signal,
        ...(options.wait === false ? { timeoutMs: 0 } : timeoutMs === undefined ? {} : { timeoutMs }),
        onAsked: (made) => {
          asked = made;
        },
      });
      stop();
      if (options.wait === false) io.stdout.write(`${options.json ? JSON.stringify({ id, outcome }) : id}\n`);
      else reportOutcome(io, id, outcome, { json: options.json === true, yesno: asksYesNo(subject) });
    } catch (error) {
      if (session.signal.aborted && asked !== null)
        io.stderr.write(
          `\nThe question stays open. Go on with: atrium wait ${asked}\nTake it back with: atrium items withdraw ${asked}\n`,
        );
      throw error;
    } finally {
      stop();
    }
  };

export const addAskCommand = (program: Command, session: Session): void => {
  const command = program.command('ask').summary('ask people a question, wait, print the answer');
  command.description(
    `Puts a question into the inbox, waits for the answer and prints it: a plain value when one thing was asked, JSON when several were.
Without a form it asks for yes or no. With --timeout the question expires at that time; repeat the same call with --key to go on after a crash.`,
  );
  itemOptions(command.addArgument(new Argument('<title>')))
    .optionsGroup('What is asked:')
    .option('--yesno', 'yes or no; exit status 0 or 1')
    .option('--choice <a,b,c>', 'one of these')
    .option('--choices <a,b,c>', 'any of these, printed one a line')
    .option('--text', 'a text')
    .option('--number', 'a number')
    .option(
      '--field <name:type[:label]>',
      'a field of a form, repeat it; name? is optional, choice=a|b|c has options',
      collect,
    )
    .option('--form <json|@file>', 'a form document')
    .option('--schema <json|@file>', 'a JSON Schema of the answer')
    .option('--template <name>', 'a stored form')
    .option('--approve <tool>', 'approval of a tool call')
    .option('--arguments <json|@file>', 'arguments of that call')
    .option('--allow-edit', 'the approver may change the arguments; take them from --json')
    .option('--allow-respond', 'the approver may answer in words instead; take them from --json')
    .optionsGroup('How long:')
    .option('--timeout <duration>', 'such as 90s, 10m or 2d; default: as long as it is open')
    .addOption(
      new Option('--on-timeout <act>', 'what the server does then; default: expire, approvals deny').choices(
        onTimeout.options,
      ),
    )
    .option('--keep-open', 'stop waiting after --timeout, but leave the question open')
    .option('--no-wait', 'print the id and do not wait')
    .optionsGroup('Who and why:')
    .option('--assignee <id>', 'user who is responsible')
    .option('--run-id <id>', 'groups questions of one run')
    .action(askAction(session));
};

export const addWaitCommand = (program: Command, session: Session): void => {
  program
    .command('wait')
    .summary('wait for the answer of an item that was asked before')
    .description('Waits until the item is answered or closed and prints the answer, as "atrium ask" does.')
    .argument('<id>')
    .option('--timeout <duration>', 'stop waiting then; the question stays open')
    .option('--json', 'the answer as JSON')
    .action(async (id: string, options: { timeout?: string; json?: boolean }, command: Command) => {
      const stop = showProgress(session.io);
      try {
        const outcome = await waitForOutcome(session.transport(command), id, {
          signal: session.signal,
          ...(options.timeout === undefined ? {} : { timeoutMs: readDuration('--timeout', options.timeout) }),
        });
        stop();
        reportOutcome(session.io, id, outcome, { json: options.json === true, yesno: false });
      } finally {
        stop();
      }
    });
};

export const addNotifyCommand = (program: Command, session: Session): void => {
  const command = program.command('notify').summary('tell people something');
  command.description('Puts a notice into the inbox and prints its id. The message may come from a pipe: -m -');
  itemOptions(command.addArgument(new Argument('<title>'))).action(
    async (title: string, options: ItemOptions, self: Command) => {
      const item = await itemOf(session.io, title, options);
      const key = { idempotency_key: options.key ?? crypto.randomUUID() };
      const made = await session.transport(self).call(inboxNotify, { ...item, ...key }, { signal: session.signal });
      if (options.json) show(session.io, made, true);
      else session.io.stdout.write(`${made.id}\n`);
    },
  );
};
