import { z } from 'zod';
import {
  type Comparable,
  diffDecision,
  type FieldOf,
  type FormField,
  fieldDefaults,
  formLimits,
  type LeafField,
} from './form-fields.ts';
import { type MatchPattern, PatternTooCostly } from './form-pattern.ts';
import { type StepBudget, validateJson } from './json-schema.ts';
import { isObject, lengthOf } from './json-value.ts';
import { isDate, isDateTime, isEmail, isTime, isWebAddress } from './text-format.ts';

/** What the answer to a file field refers to. The server compares it with the stored attachment before trusting it. */
export const fileReference = z.strictObject({
  attachment_id: z.uuid(),
  name: z.string().min(1).max(255),
  size: z.int().min(0),
  mime: z.string().min(1).max(255),
});
export type FileReference = z.infer<typeof fileReference>;

/** Left empty: no value, null, or the empty string of an input element (unless it is one of the options). */
export const isUnanswered = (field: FormField, value: unknown): boolean => {
  if (value === undefined || value === null) return true;
  if (value !== '') return false;
  return !((field.type === 'select' || field.type === 'radio') && field.options.some((option) => option.value === ''));
};

/** Whether a condition holds: `null` for "not answered", a list when it contains the scalar, a diff by its decision. */
export const equalsValue = (value: unknown, expected: Comparable): boolean => {
  if (expected === null) return value === undefined || value === null || value === '';
  if (Array.isArray(value)) return value.includes(expected);
  if (isObject(value)) return value['decision'] === expected;
  return value === expected;
};

/** The stored form of a value: a diff approval may be sent as the bare decision. */
export const storedValue = (field: FormField, value: unknown): unknown =>
  field.type === 'diffapproval' && typeof value === 'string' ? { decision: value } : value;

/** What is wrong with the value of one field that is not a group, or null. Never quotes the value, which may be sealed. */
export const leafProblem = (
  field: Exclude<LeafField, { type: 'markdown' }>,
  value: unknown,
  matchPattern: MatchPattern,
  budget?: StepBudget,
): string | null => {
  switch (field.type) {
    case 'text':
    case 'textarea':
      return textProblem(field, value, matchPattern);
    case 'issuepicker':
      return boundedText(value, {});
    case 'email':
      return boundedText(value, field) ?? (isEmail(value as string) ? null : 'is not an e-mail address');
    case 'url':
      return boundedText(value, field) ?? (isWebAddress(value as string) ? null : 'is not an absolute http(s) address');
    case 'number':
      return field.integer === true && !Number.isInteger(value)
        ? 'must be a whole number'
        : rangeProblem(value, field.min, field.max);
    case 'rating':
      return Number.isInteger(value)
        ? rangeProblem(value, field.min ?? fieldDefaults.rating_min, field.max ?? fieldDefaults.rating_max)
        : 'must be a whole number';
    case 'slider':
      return rangeProblem(value, field.min, field.max) ?? stepProblem(field, value as number);
    case 'select':
    case 'radio':
      return field.options.some((option) => option.value === value) ? null : 'is not one of the options';
    case 'multiselect':
      return choicesProblem(field, value);
    case 'checkbox':
    case 'toggle':
    case 'yesno':
      return typeof value === 'boolean' ? null : 'must be true or false';
    case 'datetime':
      return isDateTime(value) ? null : 'is not an ISO timestamp with a time zone, such as 2026-01-31T14:30:00Z';
    case 'date':
      return isDate(value) ? null : 'is not an ISO date, such as 2026-01-31';
    case 'time':
      return isTime(value) ? null : 'is not an ISO time, such as 14:30';
    case 'diffapproval':
      return diffDecision.safeParse(value).success ? null : 'must be {decision: "approve" or "reject", comment?}';
    case 'file':
      return fileProblem(field, value);
    case 'json':
      return jsonFieldProblem(field, value, matchPattern, budget);
    default:
      return field satisfies never;
  }
};

const boundedText = (
  value: unknown,
  bounds: { min_len?: number | undefined; max_len?: number | undefined },
): string | null => {
  if (typeof value !== 'string') return 'must be text';
  const length = lengthOf(value);
  const max = Math.min(bounds.max_len ?? formLimits.text, formLimits.text);
  if (length > max) return `must be at most ${max} characters long`;
  if (length < (bounds.min_len ?? 0)) return `must be at least ${bounds.min_len} characters long`;
  return null;
};

const textProblem = (
  field: FieldOf<'text'> | FieldOf<'textarea'>,
  value: unknown,
  matchPattern: MatchPattern,
): string | null => {
  const problem = boundedText(value, field);
  if (problem !== null || field.pattern === undefined) return problem;
  try {
    return matchPattern(field.pattern, value as string) ? null : 'does not match the required pattern';
  } catch (error) {
    return error instanceof PatternTooCostly ? error.message : 'could not be checked against its pattern';
  }
};

const rangeProblem = (value: unknown, min: number | undefined, max: number | undefined): string | null => {
  if (typeof value !== 'number' || !Number.isFinite(value)) return 'must be a number';
  if (min !== undefined && value < min) return `must be at least ${min}`;
  if (max !== undefined && value > max) return `must be at most ${max}`;
  return null;
};

/** 0.1 + 0.2 lies on a step of 0.1 although floating point puts it beside one. */
export const isOnStep = (value: number, min: number, step: number): boolean => {
  const steps = (value - min) / step;
  return Math.abs(steps - Math.round(steps)) <= Math.min(1e-6, 1e-9 * Math.max(1, Math.abs(steps)));
};

const stepProblem = (field: FieldOf<'slider'>, value: number): string | null => {
  const step = field.step ?? fieldDefaults.slider_step;
  return isOnStep(value, field.min, step) ? null : `must be ${field.min} plus a multiple of ${step}`;
};

const choicesProblem = (field: FieldOf<'multiselect'>, value: unknown): string | null => {
  if (!Array.isArray(value)) return 'must be a list of options';
  const known = new Set<unknown>(field.options.map((option) => option.value));
  if (!value.every((choice) => known.has(choice))) return 'has an entry that is not one of the options';
  if (new Set(value).size !== value.length) return 'names an option twice';
  if (value.length < (field.min_items ?? 0)) return `needs at least ${field.min_items} choices`;
  if (value.length > (field.max_items ?? Infinity)) return `allows at most ${field.max_items} choices`;
  return field.required === true && value.length === 0 ? 'is required' : null;
};

const fileProblem = (field: FieldOf<'file'>, value: unknown): string | null => {
  const parsed = fileReference.safeParse(value);
  if (!parsed.success) return 'must be an attachment: {attachment_id, name, size, mime}';
  const { size, mime } = parsed.data;
  if (field.max_size !== undefined && size > field.max_size) return `must be at most ${field.max_size} bytes`;
  const bare = mime.split(';')[0]!.trim().toLowerCase();
  const accepted = (type: string): boolean =>
    type.endsWith('/*') ? bare.startsWith(type.slice(0, -1).toLowerCase()) : bare === type.toLowerCase();
  return field.mime_types === undefined || field.mime_types.some(accepted)
    ? null
    : `must be of type ${field.mime_types.join(', ')}`;
};

const jsonFieldProblem = (
  field: FieldOf<'json'>,
  value: unknown,
  matchPattern: MatchPattern,
  budget?: StepBudget,
): string | null => {
  if (field.schema === undefined) return null;
  const first = validateJson(field.schema, value, { matchPattern, ...(budget === undefined ? {} : { budget }) })[0];
  if (first === undefined) return null;
  return first.path === '' ? first.message : `${first.path} ${first.message}`;
};
