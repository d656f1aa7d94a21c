import { useSyncExternalStore } from 'react';

/** Whether a media query matches, live. */
export const useMedia = (query: string): boolean =>
  useSyncExternalStore(
    (listener) => {
      const list = matchMedia(query);
      list.addEventListener('change', listener);
      return () => list.removeEventListener('change', listener);
    },
    () => matchMedia(query).matches,
  );

/** Below 800 px: bottom bar, sheets from below, one column. */
export const usePhone = (): boolean => useMedia('(width < 800px)');
/** From 1,100 px a detail pane stands beside its list. */
export const useDetailPane = (): boolean => useMedia('(width >= 1100px)');
