import { useLayoutEffect, useRef } from 'react';

const floating = '[role="dialog"], [role="menu"], [role="listbox"]';
let onPage: HTMLElement | null = null;

addEventListener('focusin', ({ target }) => {
  if (target instanceof HTMLElement && !target.closest(floating)) onPage = target;
});

/**
 * Gives the focus back when a dialog closes: to what had it when the dialog opened or, where that is gone (a menu, the
 * palette), to what had it last on the page. Radix knows the trigger alone, and these dialogs have none.
 */
export const useFormerFocus = (open: boolean): ((event: Event) => void) => {
  const former = useRef<Element | null>(null);
  useLayoutEffect(() => {
    if (open) former.current = document.activeElement;
  }, [open]);
  return (event) => {
    const back = [former.current, onPage].find(
      (element) => element instanceof HTMLElement && element !== document.body && element.isConnected,
    );
    if (!(back instanceof HTMLElement)) return;
    event.preventDefault();
    back.focus({ preventScroll: true });
  };
};
