import type { z } from 'zod';
import type { FieldError } from '../errors.ts';
import { fieldProblems } from './form-answer.ts';
import {
  type Comparable,
  type Form,
  type FormField,
  type FormPage,
  fieldDefaults,
  formLimits,
  formShape,
  hasValue,
  pagesOf,
} from './form-fields.ts';
import type { MatchPattern, Patterns } from './form-pattern.ts';
import { leafProblem } from './form-value.ts';
import { checkJsonSchema } from './json-schema.ts';
import { joinPath, jsonProblem } from './json-value.ts';

/**
 * The form document, checked as far as is possible without a regular expression engine. Creation goes through
 * `checkForm`, which compiles the patterns as well.
 */
export const formDocument = formShape.superRefine((form, context) => {
  for (const { path, message } of documentErrors(form)) {
    context.addIssue({ code: 'custom', path: path === '' ? [] : path.split('/'), message });
  }
});

// What recurses runs only behind the guard against size and depth.
const documentErrors = (form: Form): FieldError[] => {
  const size = jsonProblem(form, { bytes: formLimits.bytes, depth: formLimits.depth });
  if (size !== null) return [size];
  return [...structureErrors(form), ...valueErrors(form, () => true)];
};

export type CheckFormResult = { ok: true; form: Form } | { ok: false; errors: FieldError[] };

/** Everything that can be wrong with a form when it is created. `path` is put in front of every error path. */
export const checkForm = (input: unknown, patterns: Patterns, path = ''): CheckFormResult => {
  const size = jsonProblem(input, { bytes: formLimits.bytes, depth: formLimits.depth });
  if (size !== null) return { ok: false, errors: [at(path, size)] };
  const parsed = formDocument.safeParse(input);
  if (!parsed.success) return { ok: false, errors: zodErrors(parsed.error).map((error) => at(path, error)) };
  const broken = patternErrors(parsed.data, patterns);
  const errors = broken.length > 0 ? broken : valueErrors(parsed.data, patterns.matcher());
  return errors.length > 0
    ? { ok: false, errors: errors.map((error) => at(path, dotted(error))) }
    : { ok: true, form: parsed.data };
};

const at = (path: string, error: FieldError): FieldError => ({
  path: error.path === '' ? path : joinPath(path, error.path),
  message: error.message,
});

// Inside this file paths are joined by a slash, because field ids, which occur in error paths, may hold dots.
const dotted = (error: FieldError): FieldError => ({ path: error.path.replaceAll('/', '.'), message: error.message });

/** Issues of zod as field errors, the first for each path; an unrecognised key is reported at its own path. */
export const zodErrors = (error: z.ZodError): FieldError[] => {
  const byPath = new Map<string, string>();
  for (const issue of error.issues) {
    const path = issue.path.map(String).join('.');
    const paths = issue.code === 'unrecognized_keys' ? issue.keys.map((key) => joinPath(path, key)) : [path];
    const message = issue.code === 'unrecognized_keys' ? 'is not a known property' : issue.message;
    for (const entry of paths) if (!byPath.has(entry)) byPath.set(entry, message);
  }
  return [...byPath].slice(0, 100).map(([path, message]) => ({ path, message }));
};

interface Placed {
  field: FormField;
  path: string;
  /** The fields that this one may refer to: its siblings, those of the groups around it, all top-level fields. */
  scope: ReadonlyMap<string, FormField>;
  /** Groups around it. */
  depth: number;
}

const placedFields = (form: Form): Placed[] => {
  const placed: Placed[] = [];
  const place = (
    fields: readonly FormField[],
    path: string,
    outer: ReadonlyMap<string, FormField>,
    depth: number,
  ): void => {
    const scope = depth === 0 ? outer : new Map([...outer, ...fields.map((field) => [field.id, field] as const)]);
    fields.forEach((field, i) => {
      placed.push({ field, path: `${path}/${i}`, scope, depth });
      if (field.type === 'group') place(field.fields, `${path}/${i}/fields`, scope, depth + 1);
    });
  };
  const top = new Map(pagesOf(form).flatMap((page) => page.fields.map((field) => [field.id, field] as const)));
  if (form.pages === undefined || form.pages.length === 0) place(form.fields ?? [], 'fields', top, 0);
  else form.pages.forEach((page, i) => void place(page.fields, `pages/${i}/fields`, top, 0));
  return placed;
};

const structureErrors = (form: Form): FieldError[] => {
  const fields = placedFields(form);
  const errors: FieldError[] = [];
  const paged = (form.pages?.length ?? 0) > 0;
  if (paged && (form.fields?.length ?? 0) > 0)
    errors.push({ path: '', message: 'has both fields and pages; use one of them' });
  if (fields.length === 0) errors.push({ path: paged ? 'pages' : 'fields', message: 'needs at least one field' });
  if (fields.length > formLimits.fields)
    errors.push({ path: '', message: `has more than ${formLimits.fields} fields` });
  const ids = new Set<string>();
  for (const { field, path } of fields) {
    if (ids.has(field.id)) errors.push({ path: `${path}/id`, message: `"${field.id}" is used twice` });
    ids.add(field.id);
  }
  for (const placed of fields) errors.push(...boundErrors(placed), ...conditionErrors(placed));
  errors.push(...visibilityCircles(fields));
  if (paged) errors.push(...pageErrors(form, form.pages ?? []));
  return errors;
};

const ordered = (low: number | undefined, high: number | undefined): boolean =>
  low === undefined || high === undefined || low <= high;

const boundErrors = ({ field, path, depth }: Placed): FieldError[] => {
  const above = (name: string, other: string): FieldError[] => [
    { path: `${path}/${name}`, message: `is greater than ${other}` },
  ];
  switch (field.type) {
    case 'text':
    case 'textarea':
      return [
        ...(ordered(field.min_len, field.max_len) ? [] : above('min_len', 'max_len')),
        ...(field.sealed === true && field.default !== undefined
          ? [{ path: `${path}/default`, message: 'would show the value of a sealed field to everyone' }]
          : []),
        ...(field.sealed === true && depth > 0
          ? [{ path: `${path}/sealed`, message: 'is not possible inside a group' }]
          : []),
      ];
    case 'email':
    case 'url':
      return ordered(field.min_len, field.max_len) ? [] : above('min_len', 'max_len');
    case 'number':
    case 'slider':
      return ordered(field.min, field.max) ? [] : above('min', 'max');
    case 'rating':
      return ordered(field.min ?? fieldDefaults.rating_min, field.max ?? fieldDefaults.rating_max)
        ? []
        : above('min', 'max');
    case 'group':
      return ordered(field.min_rows, field.max_rows) ? [] : above('min_rows', 'max_rows');
    case 'multiselect':
      return [
        ...(ordered(field.min_items, field.max_items) ? [] : above('min_items', 'max_items')),
        ...optionErrors(field, path),
      ];
    case 'select':
    case 'radio':
      return optionErrors(field, path);
    default:
      return [];
  }
};

const optionErrors = (field: { options: { value: string }[] }, path: string): FieldError[] => {
  const seen = new Set<string>();
  return field.options.flatMap(({ value }, i) => {
    const repeated = seen.has(value);
    seen.add(value);
    return repeated ? [{ path: `${path}/options/${i}/value`, message: 'is the value of another option' }] : [];
  });
};

const conditionErrors = ({ field, path, scope }: Placed): FieldError[] => {
  const condition = field.visible_if;
  if (condition === undefined) return [];
  const target = scope.get(condition.field);
  if (target === undefined) {
    return [
      { path: `${path}/visible_if/field`, message: `"${condition.field}" is no field of this form that it can see` },
    ];
  }
  const problem = comparisonProblem(target, condition.equals);
  return problem === null ? [] : [{ path: `${path}/visible_if/equals`, message: problem }];
};

/** Why a condition on a field could never hold or would give a secret away, or null. */
const comparisonProblem = (field: FormField, expected: Comparable): string | null => {
  if (!hasValue(field)) return `"${field.id}" is only shown and has no value`;
  if ((field.type === 'text' || field.type === 'textarea') && field.sealed === true) return `"${field.id}" is sealed`;
  if (expected === null) return null;
  const never = `is never the value of "${field.id}"`;
  switch (field.type) {
    case 'group':
    case 'file':
      return `${never}; only null (not answered) can be asked of it`;
    case 'multiselect':
      return field.options.some((option) => option.value === expected) ? null : never;
    case 'diffapproval':
      return expected === 'approve' || expected === 'reject' ? null : never;
    case 'json':
      return null;
    default:
      return leafProblem(field, expected, () => true) === null ? null : never;
  }
};

const visibilityCircles = (fields: readonly Placed[]): FieldError[] => {
  const condition = new Map(fields.map(({ field }) => [field.id, field.visible_if?.field]));
  return fields.flatMap(({ field, path }) => {
    const seen = new Set<string>();
    let current = condition.get(field.id);
    while (current !== undefined && current !== field.id && !seen.has(current)) {
      seen.add(current);
      current = condition.get(current);
    }
    return current === field.id
      ? [{ path: `${path}/visible_if/field`, message: 'makes the visibility depend on itself' }]
      : [];
  });
};

const pageErrors = (form: Form, pages: readonly FormPage[]): FieldError[] => {
  const errors: FieldError[] = [];
  const ids = new Set<string>();
  const top = new Map(pages.flatMap((page) => page.fields.map((field) => [field.id, field] as const)));
  pages.forEach((page, i) => {
    if (ids.has(page.id)) errors.push({ path: `pages/${i}/id`, message: `"${page.id}" is used twice` });
    ids.add(page.id);
  });
  pages.forEach((page, i) => {
    const next = page.next;
    const known = (id: string, path: string): void => {
      if (!ids.has(id)) errors.push({ path: `pages/${i}/next/${path}`, message: `"${id}" is no page of this form` });
    };
    if (next?.kind === 'fixed') known(next.page_id, 'page_id');
    if (next?.kind !== 'conditional') return;
    if (next.default !== undefined) known(next.default, 'default');
    const field = top.get(next.field_id);
    if (field === undefined) {
      errors.push({
        path: `pages/${i}/next/field_id`,
        message: `"${next.field_id}" is no top-level field of this form`,
      });
    }
    next.branches.forEach((branch, j) => {
      known(branch.page_id, `branches/${j}/page_id`);
      const problem = field === undefined ? null : comparisonProblem(field, branch.value);
      if (problem !== null) errors.push({ path: `pages/${i}/next/branches/${j}/value`, message: problem });
    });
  });
  return errors.length > 0 ? errors : pagesWithoutEnd(form, pages);
};

/** Pages from which no choice of answers ever reaches the end; every circle of fixed `next` is such a set. */
const pagesWithoutEnd = (form: Form, pages: readonly FormPage[]): FieldError[] => {
  const following = new Map(pages.map((page, i) => [page.id, possibleNext(page, pages[i + 1]?.id ?? null)]));
  const ending = new Set<string | null>([null]);
  for (let grown = true; grown; ) {
    grown = false;
    for (const [id, nexts] of following) {
      if (ending.has(id) || !nexts.some((next) => ending.has(next))) continue;
      ending.add(id);
      grown = true;
    }
  }
  return pagesOf(form).flatMap((page, i) =>
    ending.has(page.id)
      ? []
      : [{ path: `pages/${i}/next`, message: 'leads in a circle from which no answer reaches the end' }],
  );
};

const possibleNext = ({ next }: FormPage, following: string | null): (string | null)[] => {
  if (next === undefined) return [following];
  if (next.kind === 'end') return [null];
  if (next.kind === 'fixed') return [next.page_id];
  return [...next.branches.map((branch) => branch.page_id), next.default ?? null];
};

const schemaErrors = (schema: unknown, path: string, problem?: Patterns['problem']): FieldError[] =>
  checkJsonSchema(schema, problem).map((error) => ({
    path: error.path === '' ? path : `${path}/${error.path}`,
    message: error.message,
  }));

/** Defaults that their own field would refuse, and schemas of json fields that cannot be used. */
const valueErrors = (form: Form, matchPattern: MatchPattern): FieldError[] =>
  placedFields(form).flatMap(({ field, path }) => {
    const errors: FieldError[] = [];
    if (field.type === 'json' && field.schema !== undefined) {
      errors.push(...schemaErrors(field.schema, `${path}/schema`));
    }
    if ('default' in field && field.default !== undefined && errors.length === 0) {
      errors.push(...fieldProblems(field, field.default, matchPattern, `${path}/default`));
    }
    return errors;
  });

const patternErrors = (form: Form, patterns: Patterns): FieldError[] =>
  placedFields(form).flatMap(({ field, path }) => {
    if (field.type === 'json' && field.schema !== undefined) {
      return schemaErrors(field.schema, `${path}/schema`, patterns.problem);
    }
    if ((field.type !== 'text' && field.type !== 'textarea') || field.pattern === undefined) return [];
    const problem = patterns.problem(field.pattern);
    return problem === null ? [] : [{ path: `${path}/pattern`, message: problem }];
  });
