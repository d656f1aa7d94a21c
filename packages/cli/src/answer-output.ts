import type { Outcome } from '@atrium/protocol';
import { CliExit, type Exit } from './exit-codes.ts';
import type { Io } from './io.ts';
import { printable } from './output.ts';

const plain = (value: unknown): string => {
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'string') return value;
  if (Array.isArray(value) && value.every((one) => typeof one !== 'object')) return value.map(plain).join('\n');
  return JSON.stringify(value);
};

/** One field is printed as its value, several as JSON. */
const answerText = (outcome: Outcome, json: boolean): string => {
  if (json) return JSON.stringify(outcome.values ?? { decision: outcome.decision, reply: outcome.reply }, null, 2);
  if (outcome.values === null) return outcome.decision ?? outcome.reply?.kind ?? 'answered';
  const values = Object.values(outcome.values);
  return values.length === 1 ? plain(values[0]) : JSON.stringify(outcome.values, null, 2);
};

const refusedDecisions = ['reject', 'deny'];

/** How an outcome ends the command. */
export const exitFor = (outcome: Outcome): Exit => {
  if (outcome.status === 'dismissed' || outcome.status === 'withdrawn') return 'declined';
  if (outcome.status !== 'answered') return 'not_answered';
  const decision = outcome.decision ?? outcome.reply?.kind ?? null;
  if (decision === null || !refusedDecisions.includes(decision)) return 'success';
  return outcome.source === 'timeout' ? 'not_answered' : 'declined';
};

const reasonOf = (outcome: Outcome): string => {
  const reply = outcome.reply;
  const text = reply !== null && 'text' in reply && typeof reply.text === 'string' ? `: ${reply.text}` : '';
  const by = outcome.answered_by === null ? '' : ` by ${outcome.answered_by.name}`;
  return printable(`${outcome.decision ?? outcome.status}${by}${text}`);
};

export interface Answered {
  json: boolean;
  /** A single yes or no decides the status as well. */
  yesno: boolean;
}

/** Prints the answer, or throws what the missing one means. */
export const reportOutcome = (io: Io, id: string, outcome: Outcome, { json, yesno }: Answered): void => {
  const exit = exitFor(outcome);
  if (outcome.status === 'answered') {
    const text = answerText(outcome, json);
    io.stdout.write(`${io.stdout.isTTY === true ? printable(text) : text}\n`);
    if (exit === 'success' && yesno && !json && Object.values(outcome.values ?? {})[0] === false)
      throw new CliExit('no');
    if (exit !== 'success') throw new CliExit(exit, reasonOf(outcome));
    return;
  }
  if (json) io.stdout.write(`${JSON.stringify(outcome, null, 2)}\n`);
  const open = outcome.status === 'pending' || outcome.status === 'action';
  throw new CliExit(
    exit,
    open ? `Nobody answered in time; the question stays open. Go on with: atrium wait ${id}` : reasonOf(outcome),
  );
};

/** A dot now and then for whoever watches; nothing in a pipe. Returns what ends it. */
export const showProgress = (io: Io): (() => void) => {
  if (io.stderr.isTTY !== true) return () => {};
  const timer = setInterval(() => io.stderr.write('.'), 3000);
  let dotted = false;
  const first = setTimeout(() => {
    dotted = true;
  }, 3000);
  return () => {
    clearInterval(timer);
    clearTimeout(first);
    if (dotted) io.stderr.write('\n');
  };
};
