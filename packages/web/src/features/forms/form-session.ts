import {
  type AnswerValues,
  type FieldError,
  type Form,
  type FormField,
  type FormPage,
  nextPageId,
  pagesOf,
  stepOf,
  validateAnswer,
  validatePage,
  visibleFields,
  walkForm,
} from '@atrium/protocol';
import { useEffect, useState } from 'react';
import { matcherFor } from './form-matcher.ts';
import { openingValues } from './form-values.ts';

export interface FormSession {
  form: Form;
  values: AnswerValues;
  page: FormPage;
  /** The fields of the page that a person sees with these values. */
  visible: readonly FormField[];
  errors: ReadonlyMap<string, string>;
  /** Grows with every refusal, so that the focus moves to the first wrong field anew. */
  refusals: number;
  step: { step: number; of: number } | null;
  first: boolean;
  last: boolean;
  set: (id: string, value: unknown) => void;
  /** What only the control knows to be wrong, such as JSON that does not parse; null when it is right again. */
  setProblem: (path: string, problem: string | null) => void;
  next: () => Promise<void>;
  back: () => void;
  /** The checked answer, or null after showing what is wrong with it. */
  check: () => Promise<AnswerValues | null>;
  /** Shows the errors of a refusal, on the page where the first of them stands. */
  refuse: (errors: readonly FieldError[]) => void;
}

const topId = (path: string, page: FormPage): boolean =>
  page.fields.some((field) => path === field.id || path.startsWith(`${field.id}.`));

const without = (errors: ReadonlyMap<string, string>, id: string): ReadonlyMap<string, string> => {
  const rest = [...errors].filter(([path]) => path !== id && !path.startsWith(`${id}.`));
  return rest.length === errors.size ? errors : new Map(rest);
};

/** State of one form being filled in: values, the page, how one came there, what is wrong. */
export const useFormSession = (
  form: Form,
  kept?: { values: AnswerValues; page: string | null } | null,
): FormSession => {
  const [values, setValues] = useState<AnswerValues>(() => openingValues(form, kept?.values));
  const [history, setHistory] = useState<readonly string[]>(() => pathTo(form, values, kept?.page ?? null));
  const [errors, setErrors] = useState<ReadonlyMap<string, string>>(new Map());
  const [problems, setProblems] = useState<ReadonlyMap<string, string>>(new Map());
  const [refusals, setRefusals] = useState(0);
  // The engine is under way while the person reads.
  useEffect(() => void matcherFor(form), [form]);

  const pages = pagesOf(form);
  const page = pages.find((candidate) => candidate.id === history.at(-1)) ?? pages[0]!;
  const visited = walkForm(form, values).visited;
  const seen = visited.find((entry) => entry.page.id === page.id) ?? {
    ...visibleFields(page.fields, values, visited.at(-1)?.lookup),
  };

  const refuse = (list: readonly FieldError[]): void => {
    setErrors(new Map(list.map(({ path, message }) => [path, message])));
    setRefusals((count) => count + 1);
    const at = history.findIndex((id) =>
      list.some(({ path }) => topId(path, pages.find((candidate) => candidate.id === id) ?? page)),
    );
    if (at >= 0) setHistory(history.slice(0, at + 1));
  };
  const problemsOn = (fields: readonly FormField[]): FieldError[] =>
    [...problems].flatMap(([path, message]) =>
      fields.some((field) => path === field.id || path.startsWith(`${field.id}.`)) ? [{ path, message }] : [],
    );

  return {
    form,
    values,
    page,
    visible: seen.visible,
    errors,
    refusals,
    step: stepOf(form, page.id),
    first: history.length <= 1,
    last: nextPageId(form, page, seen.lookup) === null,
    set(id, value) {
      setValues((current) => ({ ...current, [id]: value }));
      setErrors((current) => without(current, id));
    },
    setProblem(path, problem) {
      setProblems((current) => {
        const next = new Map(current);
        problem === null ? next.delete(path) : next.set(path, problem);
        return next;
      });
    },
    async next() {
      const matchPattern = await matcherFor(form);
      const own = problemsOn(seen.visible);
      const result = validatePage(form, page.id, values, { matchPattern });
      if (own.length > 0) return refuse(own);
      if (!result.ok) return refuse(result.errors);
      if (result.next === null) return;
      const decides = page.next?.kind === 'conditional' ? page.next.field_id : '';
      if (history.includes(result.next))
        return refuse([{ path: decides, message: 'leads back to a page you have filled in; change it to go on' }]);
      setErrors(new Map());
      setHistory([...history, result.next]);
    },
    back() {
      setErrors(new Map());
      setHistory((current) => (current.length > 1 ? current.slice(0, -1) : current));
    },
    async check() {
      const matchPattern = await matcherFor(form);
      const own = problemsOn(visited.flatMap((entry) => entry.visible));
      if (own.length > 0) {
        refuse(own);
        return null;
      }
      const result = validateAnswer(form, values, { matchPattern });
      if (result.ok) return result.values;
      refuse(result.errors);
      return null;
    },
    refuse,
  };
};

/** The pages before the one where a draft stopped, as its values lead through them. */
const pathTo = (form: Form, values: AnswerValues, page: string | null): string[] => {
  const ids = walkForm(form, values).visited.map((entry) => entry.page.id);
  const at = page === null ? 0 : Math.max(0, ids.indexOf(page));
  return ids.slice(0, at + 1);
};

/** Whether anything was filled in, beyond what the form brought along. */
export const isTouched = (form: Form, values: AnswerValues): boolean => {
  const untouched = openingValues(form, null);
  return JSON.stringify(sorted(values)) !== JSON.stringify(sorted(untouched));
};

const isObject = (value: unknown): value is AnswerValues => typeof value === 'object' && value !== null;

const sorted = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(sorted)
    : isObject(value)
      ? Object.fromEntries(
          Object.entries(value)
            .filter(([, entry]) => entry !== undefined && entry !== '')
            .toSorted(([first], [second]) => (first < second ? -1 : 1))
            .map(([key, entry]) => [key, sorted(entry)]),
        )
      : value;
