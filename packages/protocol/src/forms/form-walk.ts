import { type Form, type FormField, type FormPage, hasValue, pagesOf } from './form-fields.ts';
import { equalsValue, isUnanswered, storedValue } from './form-value.ts';
import { isObject, type JsonObject, own } from './json-value.ts';

/** Finds the value of a field outside the group or page at hand; undefined when hidden, not visited or not answered. */
export type Lookup = (id: string) => unknown;

const nothing: Lookup = () => undefined;

/** The value as the rest of the form sees it: nothing when empty, a diff approval always as an object. */
const answeredValue = (field: FormField, values: JsonObject): unknown => {
  const value = hasValue(field) ? own(values, field.id) : undefined;
  return isUnanswered(field, value) ? undefined : storedValue(field, value);
};

/** The fields of one page or group row that a person sees, and a lookup over them. */
export const visibleFields = (
  fields: readonly FormField[],
  values: JsonObject,
  outer: Lookup = nothing,
): { visible: FormField[]; lookup: Lookup } => {
  const byId = new Map(fields.map((field) => [field.id, field]));
  const known = new Map<string, boolean>();
  const isVisible = (field: FormField): boolean => {
    const condition = field.visible_if;
    if (condition === undefined) return true;
    const seen = known.get(field.id);
    if (seen !== undefined) return seen;
    known.set(field.id, false); // ends circles, which formDocument refuses but an unchecked document may hold
    const visible = equalsValue(lookup(condition.field), condition.equals);
    known.set(field.id, visible);
    return visible;
  };
  const lookup: Lookup = (id) => {
    const field = byId.get(id);
    if (field === undefined) return outer(id);
    return isVisible(field) ? answeredValue(field, values) : undefined;
  };
  return { visible: fields.filter(isVisible), lookup };
};

export interface VisitedPage {
  page: FormPage;
  visible: FormField[];
  /** Values known on this page: its own and those of the pages before it. */
  lookup: Lookup;
}

export interface Walk {
  visited: VisitedPage[];
  /** The answers lead back to a page already visited: `field_id` decides it, if a condition does. */
  circle: { page_id: string; field_id: string | null } | null;
}

/** The page after `page` for the values at hand; null submits. */
export const nextPageId = (form: Form, page: FormPage, lookup: Lookup): string | null => {
  const { next } = page;
  if (next === undefined) {
    const pages = pagesOf(form);
    return pages[pages.findIndex((candidate) => candidate.id === page.id) + 1]?.id ?? null;
  }
  if (next.kind === 'end') return null;
  if (next.kind === 'fixed') return next.page_id;
  const value = lookup(next.field_id);
  return next.branches.find((branch) => equalsValue(value, branch.value))?.page_id ?? next.default ?? null;
};

/**
 * Follows the pages from the first one as a person would. A field of a page not visited so far counts as unanswered, so
 * values left over from an abandoned branch decide nothing.
 */
export const walkForm = (form: Form, values: unknown): Walk => {
  const given = isObject(values) ? values : {};
  const pages = new Map(pagesOf(form).map((page) => [page.id, page]));
  const visited = new Map<string, VisitedPage>();
  let known: Lookup = nothing;
  let page = pagesOf(form)[0];
  while (page !== undefined) {
    const { visible, lookup } = visibleFields(page.fields, given, known);
    visited.set(page.id, { page, visible, lookup });
    known = lookup;
    const nextId = nextPageId(form, page, lookup);
    if (nextId === null) break;
    if (visited.has(nextId)) {
      const field_id = page.next?.kind === 'conditional' ? page.next.field_id : null;
      return { visited: [...visited.values()], circle: { page_id: nextId, field_id } };
    }
    page = pages.get(nextId);
  }
  return { visited: [...visited.values()], circle: null };
};

/** Ids of the pages that the values lead through, in order; `['']` for a flat form. */
export const visitedPages = (form: Form, values: unknown): string[] =>
  walkForm(form, values).visited.map(({ page }) => page.id);

/** Whether every answer takes the same pages; only then are progress dots and "Step n of m" honest. */
export const isLinear = (form: Form): boolean => pagesOf(form).every((page) => page.next?.kind !== 'conditional');

/** "Step n of m" for a page of a linear form; null on others and for pages off the path. */
export const stepOf = (form: Form, page: string): { step: number; of: number } | null => {
  if (!isLinear(form)) return null;
  const path = visitedPages(form, {});
  const index = path.indexOf(page);
  return index < 0 ? null : { step: index + 1, of: path.length };
};
