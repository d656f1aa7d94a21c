import type { Actor } from '@atrium/protocol';
import { useEffect, useMemo } from 'react';
import { createExternalStore, useExternalStore } from '../ui/external-store.ts';
import { onPresence, onReady, sendLive } from './live.ts';

export type Present = Actor & { state: 'viewing' | 'answering' };

const present = createExternalStore<ReadonlyMap<string, readonly Present[]>>(new Map());
const mine = new Map<string, 'viewing' | 'answering'>();

onPresence(({ item, principals }) => present.set((current) => new Map(current).set(item, principals)));
onReady(() => {
  for (const [item, state] of mine) sendLive({ type: 'presence', item, state });
});

/** Says that this person looks at (or answers) an item and tells who else does. */
export const usePresence = (item: string, state: 'viewing' | 'answering', me: string): readonly Present[] => {
  useEffect(() => {
    mine.set(item, state);
    sendLive({ type: 'presence', item, state });
  }, [item, state]);
  useEffect(
    () => () => {
      mine.delete(item);
      sendLive({ type: 'presence', item, state: 'gone' });
    },
    [item],
  );
  const everyone = useExternalStore(present).get(item);
  return useMemo(() => (everyone ?? []).filter((principal) => principal.id !== me), [everyone, me]);
};
