import { resolve } from 'node:path';
import type { Outcome } from '@atrium/protocol';
import { askForOutcome, type Question } from '@atrium/sdk';
import { type Command, Option } from 'commander';
import { z } from 'zod';
import { readDuration } from '../duration.ts';
import { describeError, usageError } from '../exit-codes.ts';
import { readAll } from '../io.ts';
import type { Session } from '../session.ts';

const hookEvents = ['PreToolUse', 'PermissionRequest'] as const;
type HookEvent = (typeof hookEvents)[number];

/** What Claude Code writes to the standard input of a hook; members it adds later do not matter. */
const hookInput = z.object({
  session_id: z.string(),
  cwd: z.string().optional(),
  hook_event_name: z.enum(hookEvents),
  tool_name: z.string().min(1),
  tool_input: z.record(z.string(), z.unknown()),
  tool_use_id: z.string().optional(),
});
export type HookInput = z.infer<typeof hookInput>;

/** `ask` leaves the decision to the prompt of Claude Code itself. */
export type HookDecision =
  | { kind: 'allow'; arguments?: Record<string, unknown> }
  | { kind: 'deny'; reason: string }
  | { kind: 'ask'; reason: string };

/** The JSON that Claude Code expects; null = say nothing, which leaves a PermissionRequest to its own dialog. */
export const hookOutput = (event: HookEvent, decision: HookDecision): unknown => {
  const updated =
    decision.kind === 'allow' && decision.arguments !== undefined ? { updatedInput: decision.arguments } : {};
  if (event === 'PreToolUse') {
    const reason = decision.kind === 'allow' ? 'Approved in Atrium.' : decision.reason;
    return {
      hookSpecificOutput: {
        hookEventName: event,
        permissionDecision: decision.kind,
        permissionDecisionReason: reason,
        ...updated,
      },
    };
  }
  if (decision.kind === 'ask') return null;
  const answer =
    decision.kind === 'allow' ? { behavior: 'allow', ...updated } : { behavior: 'deny', message: decision.reason };
  return { hookSpecificOutput: { hookEventName: event, decision: answer } };
};

/** What an outcome in the inbox means for the call under review. */
export const decide = (outcome: Outcome): HookDecision => {
  const by = outcome.answered_by?.name ?? 'somebody';
  if (outcome.status !== 'answered') {
    const why =
      outcome.status === 'pending' || outcome.status === 'action'
        ? 'nobody answered in time'
        : `the request was ${outcome.status}`;
    return { kind: 'deny', reason: `Not approved: ${why}.` };
  }
  const reply = outcome.reply;
  switch (reply?.kind) {
    case 'accept':
      return { kind: 'allow' };
    case 'edit':
      return { kind: 'allow', arguments: reply.arguments };
    case 'respond':
      return { kind: 'deny', reason: `${by} answered instead of approving: ${reply.text}` };
    case 'reject':
      return { kind: 'deny', reason: `Rejected by ${by}${reply.text === undefined ? '.' : `: ${reply.text}`}` };
    default:
      // An always-allow rule answers without a reply; everything else that decides is a refusal.
      return outcome.decision === 'accept'
        ? { kind: 'allow' }
        : { kind: 'deny', reason: 'Not approved: nobody answered in time.' };
  }
};

/** The first line of what the call does, for the title of the item. */
const summaryOf = (input: HookInput): string => {
  const told = ['description', 'command', 'file_path', 'url', 'pattern', 'query']
    .map((name) => input.tool_input[name])
    .find((value) => typeof value === 'string' && value.trim() !== '') as string | undefined;
  const line = told?.trim().split('\n')[0] ?? '';
  return `${input.tool_name}${line === '' ? '' : `: ${line}`}`.slice(0, 180);
};

const questionOf = (input: HookInput, ttl_ms: number, channel: string | undefined): Question => ({
  title: summaryOf(input),
  message: input.cwd === undefined ? '' : `Claude Code in \`${input.cwd.replaceAll('`', '')}\``,
  level: 'warning',
  tags: ['claude-code'],
  approval: { tool: input.tool_name.slice(0, 200), arguments: input.tool_input },
  on_timeout: 'deny',
  ttl_ms,
  run_id: input.session_id.slice(0, 200),
  ...(channel === undefined ? {} : { channel }),
  // One prompt, one item: a hook that is started again for the same call finds the first.
  ...(input.tool_use_id === undefined
    ? {}
    : {
        call_id: input.tool_use_id.slice(0, 200),
        idempotency_key: `claude-${input.session_id}-${input.tool_use_id}`.slice(0, 200),
      }),
});

interface HookFlags {
  timeout: string;
  onFailure: 'ask' | 'deny';
  channel?: string;
  printConfig?: boolean;
  event: HookEvent;
  matcher: string;
}

const graceMs = 15_000;

const quoted = (text: string): string => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

/** Settings for Claude Code. A hook that fails there lets the call through unless `onFailure` says otherwise. */
export const hookConfig = (
  flags: Pick<HookFlags, 'event' | 'matcher' | 'timeout' | 'channel'>,
  profile?: string,
): unknown => {
  const command = [
    process.execPath,
    resolve(import.meta.dirname, '../main.ts'),
    'claude-hook',
    ...(profile === undefined ? [] : ['--profile', profile]),
    ...(flags.channel === undefined ? [] : ['--channel', flags.channel]),
    '--timeout',
    flags.timeout,
  ].map(quoted);
  const timeout = Math.ceil((readDuration('--timeout', flags.timeout) + 4 * graceMs) / 1000);
  const hook = { type: 'command', command: command.join(' '), timeout, onFailure: 'block' };
  return { hooks: { [flags.event]: [{ matcher: flags.matcher, hooks: [hook] }] } };
};

const readInput = (text: string): HookInput => {
  try {
    return hookInput.parse(JSON.parse(text));
  } catch (error) {
    const why =
      error instanceof z.ZodError ? `${error.issues[0]?.path.join('.')} ${error.issues[0]?.message}` : 'it is not JSON';
    throw usageError(`Standard input is not what a PreToolUse or PermissionRequest hook is given: ${why}.`);
  }
};

const review = async (
  session: Session,
  command: Command,
  input: HookInput,
  flags: HookFlags,
): Promise<HookDecision> => {
  const ttl = readDuration('--timeout', flags.timeout);
  try {
    const { outcome } = await askForOutcome(session.transport(command), questionOf(input, ttl, flags.channel), {
      signal: session.signal,
      timeoutMs: ttl + graceMs,
      patienceMs: 30_000,
    });
    return decide(outcome);
  } catch (error) {
    if (session.signal.aborted) throw error;
    return { kind: flags.onFailure, reason: `Atrium could not be asked: ${describeError(error).text}` };
  }
};

export const addClaudeHookCommand = (program: Command, session: Session): void => {
  program
    .command('claude-hook')
    .summary('let people approve the tool calls of Claude Code in the inbox')
    .description(
      `Reads the input of a Claude Code hook (PreToolUse or PermissionRequest) from standard input, asks for an approval in the inbox and prints the decision. Put the output of --print-config into ~/.claude/settings.json.
Accepting allows the call, editing allows it with the changed arguments, everything else denies it with the reason. When nobody answers in time it is denied. When Atrium cannot be asked at all, Claude Code asks on the terminal (--on-failure deny refuses instead).`,
    )
    .option('--timeout <duration>', 'how long somebody may take', '10m')
    .option('--channel <name>', 'channel to ask in')
    .addOption(new Option('--on-failure <act>', 'when Atrium cannot be asked').choices(['ask', 'deny']).default('ask'))
    .option('--print-config', 'print settings for Claude Code and exit')
    .addOption(
      new Option(
        '--event <event>',
        'for --print-config: every matching call, or only those Claude Code would ask about',
      )
        .choices(hookEvents)
        .default('PreToolUse'),
    )
    .option(
      '--matcher <pattern>',
      'for --print-config: tools to review',
      'Bash|Write|Edit|NotebookEdit|WebFetch|mcp__.*',
    )
    .action(async (flags: HookFlags, command: Command) => {
      const { io } = session;
      if (flags.printConfig === true) {
        const { profile } = command.optsWithGlobals<{ profile?: string }>();
        io.stdout.write(`${JSON.stringify(hookConfig(flags, profile), null, 2)}\n`);
        return;
      }
      const input = readInput(await readAll(io.stdin));
      const output = hookOutput(input.hook_event_name, await review(session, command, input, flags));
      if (output !== null) io.stdout.write(`${JSON.stringify(output)}\n`);
    });
};
