import { type RefObject, useEffect } from 'react';

/** Moves the focus to the first refused field of a form whenever it was refused anew. */
export const useFocusInvalid = (form: RefObject<HTMLFormElement | null>, error: unknown): void => {
  useEffect(() => {
    if (error) form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
  }, [form, error]);
};
