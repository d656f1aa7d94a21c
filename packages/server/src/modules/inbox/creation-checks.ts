import {
  applyDefaults,
  checkApproval,
  checkForm,
  type FieldError,
  type Form,
  type inboxCreateItem,
  type ParsedInputOf,
  validateAnswer,
} from '@atrium/protocol';
import { AppError } from '../../platform/errors/app-error.ts';
import { formPatterns } from './inbox-regex.ts';
import type { ItemKind, OnTimeout } from './items-rows.ts';
import { acceptsNeeded, namedApprovers } from './quorum.ts';

export type NewItem = ParsedInputOf<typeof inboxCreateItem>;

const dayMs = 86_400_000;

export const refuse = (errors: readonly FieldError[]): never => {
  throw new AppError('validation_failed', errors.map((error) => `${error.path}: ${error.message}`).join('; '), {
    errors,
  });
};

export const kindOf = (input: NewItem): ItemKind =>
  input.approval !== undefined
    ? 'approval'
    : input.form !== undefined || input.template !== undefined
      ? 'question'
      : 'notice';

export const onTimeoutOf = (input: NewItem): OnTimeout | null => {
  const kind = kindOf(input);
  if (kind === 'notice') return null;
  return input.on_timeout ?? (kind === 'approval' ? 'deny' : 'expire');
};

/** What is wrong with the call by itself, before anything is read. */
export const checkNewItem = (input: NewItem, now: Date): void => {
  const errors: FieldError[] = [];
  const wrong = (path: string, message: string): void => void errors.push({ path, message });
  const kind = kindOf(input);
  const sources = [input.form, input.template, input.approval].filter((source) => source !== undefined).length;
  if (sources > 1) wrong('form', 'give one of form, template and approval');
  if (kind === 'notice') checkNoticeHasNoPolicy(input, wrong);
  if (input.form !== undefined) {
    const checked = checkForm(input.form, formPatterns, 'form');
    if (!checked.ok) errors.push(...checked.errors);
  }
  if (input.approval !== undefined) {
    const checked = checkApproval(input.approval, formPatterns, 'approval');
    if (!checked.ok) errors.push(...checked.errors);
  }
  if (input.on_timeout === 'deny' && kind !== 'approval') wrong('on_timeout', 'deny is for approvals');
  if (input.on_timeout === 'default' && kind !== 'question') wrong('on_timeout', 'default is for forms');
  if (input.on_timeout === 'escalate' && input.escalation.length === 0) wrong('escalation', 'escalate needs a step');
  input.escalation.forEach((step, i) => {
    const before = input.escalation[i - 1];
    if (before !== undefined && step.after_s <= before.after_s) {
      wrong(`escalation.${i}.after_s`, 'is counted from asking and must be later than the step before');
    }
  });
  checkDeadline(input, now, wrong);
  const named = namedApprovers(input.require ?? null);
  if (named.length > 0 && named.length < acceptsNeeded(input.require ?? null)) {
    wrong('require.n', 'is more than the people named');
  }
  if (errors.length > 0) refuse(errors);
};

type Wrong = (path: string, message: string) => void;

const checkNoticeHasNoPolicy = (input: NewItem, wrong: Wrong): void => {
  if (input.on_timeout !== undefined) wrong('on_timeout', 'is for questions and approvals');
  if (input.require !== undefined) wrong('require', 'is for questions and approvals');
};

const checkDeadline = (input: NewItem, now: Date, wrong: Wrong): void => {
  const { deadline_at, reminders_s } = input;
  if (reminders_s.length > 0 && deadline_at === undefined) wrong('reminders_s', 'needs deadline_at');
  if (deadline_at === undefined) return;
  const left = new Date(deadline_at).getTime() - now.getTime();
  if (left <= 0) wrong('deadline_at', 'is over');
  if (left > 366 * dayMs) wrong('deadline_at', 'is more than 366 days away');
};

/** `on_timeout: default` must be able to answer by itself. */
export const checkDefaults = (form: Form): void => {
  const result = validateAnswer(form, applyDefaults(form), { matchPattern: formPatterns.matcher() });
  if (result.ok) return;
  const names = result.errors.map((error) => error.path).join(', ');
  refuse([{ path: 'on_timeout', message: `the form cannot be answered by its defaults: ${names}` }]);
};
