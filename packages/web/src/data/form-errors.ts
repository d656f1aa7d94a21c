import { ProblemError, sayError } from './client.ts';

/** A refusal spread over a form: `of(path)` beside its field, `rest` above the button. */
export interface FormErrors {
  of: (path: string) => string | undefined;
  rest: string | undefined;
}

const isWithin = (path: string, field: string): boolean => path === field || path.startsWith(`${field}.`);

/**
 * Sorts the errors of a refusal; what belongs to none of the form's `paths` is said for the whole form. A field answers
 * for what is below it: an error about the second line of a list stands at the list.
 */
export const formErrors = (error: unknown, paths: readonly string[]): FormErrors => {
  if (!error) return { of: () => undefined, rest: undefined };
  if (!(error instanceof ProblemError)) return { of: () => undefined, rest: sayError(error) };
  const all = error.problem.errors ?? [];
  const others = all.filter(({ path }) => !paths.some((field) => isWithin(path, field)));
  return {
    of: (field) => all.find(({ path }) => isWithin(path, field))?.message,
    rest:
      all.length > 0 && others.length === 0
        ? undefined
        : others.length > 0
          ? others.map(({ path, message }) => (path ? `${path}: ${message}` : message)).join('; ')
          : error.message,
  };
};
