import type { FieldError } from '../errors.ts';
import {
  type Form,
  type FormField,
  formLimits,
  type GroupField,
  hasValue,
  pagesOf,
  sealedFieldIds,
  topFields,
} from './form-fields.ts';
import type { MatchPattern } from './form-pattern.ts';
import { isUnanswered, leafProblem, storedValue } from './form-value.ts';
import { type Lookup, nextPageId, visibleFields, walkForm } from './form-walk.ts';
import { type StepBudget, schemaLimits } from './json-schema.ts';
import { isObject, type JsonObject, joinPath, jsonProblem, own } from './json-value.ts';

export interface AnswerOptions {
  /** Linear-time matcher from `Patterns.matcher()`, a fresh one for each answer. */
  matchPattern: MatchPattern;
}

export type AnswerValues = Record<string, unknown>;
export type AnswerResult = { ok: true; values: AnswerValues } | { ok: false; errors: FieldError[] };
/** `next` is the page that follows, null when the form is ready to be sent. */
export type PageResult = { ok: true; values: AnswerValues; next: string | null } | { ok: false; errors: FieldError[] };

const maxErrors = 100;

/** Collects at most one error for each path. */
class Errors {
  readonly #byPath = new Map<string, string>();

  add(path: string, message: string): void {
    if (this.#byPath.size < maxErrors && !this.#byPath.has(path)) this.#byPath.set(path, message);
  }

  get list(): FieldError[] {
    return [...this.#byPath].map(([path, message]) => ({ path, message }));
  }
}

interface Check {
  errors: Errors;
  matchPattern: MatchPattern;
  budget: StepBudget;
}

const startCheck = (matchPattern: MatchPattern): Check => ({
  errors: new Errors(),
  matchPattern,
  budget: { steps: schemaLimits.steps },
});

const guard = (values: unknown): FieldError | null => {
  if (!isObject(values)) return { path: '', message: 'must be an object of field ids and values' };
  return jsonProblem(values, { bytes: formLimits.answer_bytes, depth: formLimits.answer_depth });
};

/**
 * The one validator of answers, used by server and browser. Values of pages that are not visited and of invisible
 * fields are dropped unchecked, names that no field has are refused, empty optional fields are left out of the result.
 */
export const validateAnswer = (form: Form, values: unknown, options: AnswerOptions): AnswerResult => {
  const malformed = guard(values);
  if (malformed !== null || !isObject(values)) return { ok: false, errors: malformed === null ? [] : [malformed] };
  const check = startCheck(options.matchPattern);
  const known = new Set(
    topFields(form)
      .filter(hasValue)
      .map((field) => field.id),
  );
  refuseUnknown(values, known, '', check);
  const walk = walkForm(form, values);
  const kept: [string, unknown][] = [];
  for (const { visible, lookup } of walk.visited) kept.push(...checkFields(visible, values, lookup, '', check));
  if (walk.circle !== null) {
    check.errors.add(
      walk.circle.field_id ?? '',
      `leads back to the page "${walk.circle.page_id}"; change the answer to go on`,
    );
  }
  const errors = check.errors.list;
  return errors.length > 0 ? { ok: false, errors } : { ok: true, values: Object.fromEntries(kept) };
};

/** Checks one page for its Next button, with the values of the pages before it in force. */
export const validatePage = (form: Form, pageId: string, values: unknown, options: AnswerOptions): PageResult => {
  const malformed = guard(values);
  if (malformed !== null || !isObject(values)) return { ok: false, errors: malformed === null ? [] : [malformed] };
  const page = pagesOf(form).find((candidate) => candidate.id === pageId);
  if (page === undefined)
    return { ok: false, errors: [{ path: '', message: 'names a page that the form does not have' }] };
  const { visited } = walkForm(form, values);
  const seen = visited.find((entry) => entry.page.id === pageId) ?? {
    page,
    ...visibleFields(page.fields, values, visited.at(-1)?.lookup),
  };
  const check = startCheck(options.matchPattern);
  const kept = checkFields(seen.visible, values, seen.lookup, '', check);
  const errors = check.errors.list;
  if (errors.length > 0) return { ok: false, errors };
  return { ok: true, values: Object.fromEntries(kept), next: nextPageId(form, page, seen.lookup) };
};

/** The answer given by `on_timeout: default`: each default on the pages that the defaults themselves lead through. */
export const applyDefaults = (form: Form): AnswerValues => {
  const defaults: [string, unknown][] = topFields(form).flatMap((field) =>
    'default' in field && field.default !== undefined ? [[field.id, field.default]] : [],
  );
  const values = Object.fromEntries(defaults);
  return Object.fromEntries(
    walkForm(form, values).visited.flatMap(({ visible }) =>
      visible.filter((field) => Object.hasOwn(values, field.id)).map((field) => [field.id, values[field.id]]),
    ),
  );
};

/** Parts an answer into what may be stored and shown and what must be encrypted first. */
export const splitSealed = (form: Form, values: AnswerValues): { open: AnswerValues; sealed: AnswerValues } => {
  const ids = new Set(sealedFieldIds(form));
  const entries = Object.entries(values);
  return {
    open: Object.fromEntries(entries.filter(([id]) => !ids.has(id))),
    sealed: Object.fromEntries(entries.filter(([id]) => ids.has(id))),
  };
};

/** What is wrong with one value of one field, wherever the field stands; used for defaults as well. */
export const fieldProblems = (
  field: FormField,
  value: unknown,
  matchPattern: MatchPattern,
  path: string,
): FieldError[] => {
  const check = startCheck(matchPattern);
  checkFields([field], { [field.id]: value }, () => undefined, '', check);
  return check.errors.list.map((error) => ({ path: path + error.path.slice(field.id.length), message: error.message }));
};

const refuseUnknown = (values: JsonObject, known: ReadonlySet<string>, path: string, check: Check): void => {
  for (const key of Object.keys(values)) {
    if (values[key] !== undefined && !known.has(key))
      check.errors.add(joinPath(path, key.slice(0, 100)), 'is not a field of this form');
  }
};

const checkFields = (
  visible: readonly FormField[],
  values: JsonObject,
  lookup: Lookup,
  path: string,
  check: Check,
): [string, unknown][] => {
  const kept: [string, unknown][] = [];
  for (const field of visible) {
    if (!hasValue(field)) continue;
    const given = own(values, field.id);
    const at = joinPath(path, field.id);
    if (field.type === 'group') {
      const rows = checkRows(field, given, lookup, at, check);
      if (rows !== null) kept.push([field.id, rows]);
      continue;
    }
    if (isUnanswered(field, given)) {
      if (field.required === true) check.errors.add(at, 'is required');
      continue;
    }
    const value = storedValue(field, given);
    const problem = leafProblem(field, value, check.matchPattern, check.budget);
    if (problem === null) kept.push([field.id, value]);
    else check.errors.add(at, problem);
  }
  return kept;
};

/** Rows of a group. A group left out has no rows, so `min_rows` alone makes it required. */
const checkRows = (
  field: GroupField,
  given: unknown,
  outer: Lookup,
  path: string,
  check: Check,
): JsonObject[] | null => {
  const absent = isUnanswered(field, given);
  const rows = absent ? [] : given;
  if (!Array.isArray(rows)) {
    check.errors.add(path, 'must be a list of rows');
    return null;
  }
  const min = Math.max(field.min_rows ?? 0, field.required === true ? 1 : 0);
  const max = field.max_rows ?? formLimits.rows;
  if (rows.length < min)
    check.errors.add(path, field.min_rows === undefined ? 'is required' : `needs at least ${min} rows`);
  if (rows.length > max) {
    check.errors.add(path, `allows at most ${max} rows`);
    return null;
  }
  const known = new Set(field.fields.filter(hasValue).map((child) => child.id));
  const kept = rows.map((row: unknown, i) => {
    const at = joinPath(path, i);
    if (!isObject(row)) {
      check.errors.add(at, 'must be an object of field ids and values');
      return {};
    }
    refuseUnknown(row, known, at, check);
    const { visible, lookup } = visibleFields(field.fields, row, outer);
    return Object.fromEntries(checkFields(visible, row, lookup, at, check));
  });
  return absent ? null : kept;
};
