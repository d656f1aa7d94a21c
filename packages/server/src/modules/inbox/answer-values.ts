import {
  type ApprovalReply,
  type ApprovalRequest,
  type FieldError,
  type FileReference,
  type Form,
  type FormField,
  hasValue,
  splitSealed,
  topFields,
  validateAnswer,
  validateApprovalReply,
} from '@atrium/protocol';
import { invalid } from '../../platform/errors/app-error.ts';
import { refuse } from './creation-checks.ts';
import { formPatterns } from './inbox-regex.ts';
import type { Decision, ItemRow, Json } from './items-rows.ts';

/** An answer that was checked: `sealed` must be encrypted before it goes anywhere. */
export interface CheckedAnswer {
  values: Json | null;
  sealed: Json | null;
  reply: ApprovalReply | null;
  decision: Decision | null;
  files: [path: string, file: FileReference][];
}

export interface GivenAnswer {
  values?: Json | undefined;
  reply?: unknown;
}

/** Checks an answer against the form or approval that it is for. */
export const checkAnswer = (item: ItemRow, given: GivenAnswer): CheckedAnswer => {
  if (item.kind === 'notice') throw invalid('', 'a notice has no answer');
  if (item.kind === 'approval') return checkReply(item, given);
  if (given.reply !== undefined) throw invalid('reply', 'is for approvals; a question takes values');
  const form = item.form!;
  const result = validateAnswer(form, given.values ?? {}, { matchPattern: formPatterns.matcher() });
  if (!result.ok) return refuse(result.errors);
  const { open, sealed } = splitSealed(form, result.values);
  return {
    values: open,
    sealed: Object.keys(sealed).length === 0 ? null : sealed,
    reply: null,
    decision: null,
    files: filesIn(topFields(form), result.values),
  };
};

const checkReply = (item: ItemRow, given: GivenAnswer): CheckedAnswer => {
  if (given.values !== undefined) throw invalid('values', 'is for forms; an approval takes reply');
  const approval = item.approval as unknown as ApprovalRequest;
  const result = validateApprovalReply(approval, given.reply, { matchPattern: formPatterns.matcher() });
  if (!result.ok)
    return refuse(
      result.errors.map(
        (error): FieldError => ({ ...error, path: error.path === '' ? 'reply' : `reply.${error.path}` }),
      ),
    );
  const { reply } = result;
  if (reply.kind === 'accept' && reply.always_allow !== undefined && item.require !== null) {
    throw invalid('reply.always_allow', 'is not possible where more than one person decides');
  }
  return { values: null, sealed: null, reply, decision: reply.kind, files: [] };
};

const filesIn = (fields: readonly FormField[], values: Json, path = ''): [string, FileReference][] =>
  fields.filter(hasValue).flatMap((field): [string, FileReference][] => {
    const value = values[field.id];
    const at = path === '' ? field.id : `${path}.${field.id}`;
    if (value === undefined) return [];
    if (field.type === 'file') return [[at, value as FileReference]];
    if (field.type !== 'group') return [];
    return (value as Json[]).flatMap((row, i) => filesIn(field.fields, row, `${at}.${i}`));
  });

/** Sealed values of a draft, which need not be valid yet. */
export const splitDraft = (form: Form | null, values: Json): { open: Json; sealed: Json } =>
  form === null ? { open: values, sealed: {} } : splitSealed(form, values);
