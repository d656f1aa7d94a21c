import { ProblemError, sayError } from './client.ts';

/** A refusal spread over a form: `of(path)` beside its field, `rest` above the button. */
export interface FormErrors {
  of: (path: string) => string | undefined;
  rest: string | undefined;
}

/** Sorts the errors of a refusal; what belongs to none of the form's `paths` is said for the whole form. */
export const formErrors = (error: unknown, paths: readonly string[]): FormErrors => {
  if (!error) return { of: () => undefined, rest: undefined };
  if (!(error instanceof ProblemError)) return { of: () => undefined, rest: sayError(error) };
  const others = error.others(paths);
  const placed = (error.problem.errors ?? []).length > others.length;
  return {
    of: (path) => error.field(path),
    rest:
      placed && others.length === 0
        ? undefined
        : others.length > 0
          ? others.map(({ path, message }) => (path ? `${path}: ${message}` : message)).join('; ')
          : error.message,
  };
};
