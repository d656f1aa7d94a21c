import { createExternalStore } from '../../ui/external-store.ts';

/** Whether the "Pair a device" dialog stands open above the page. */
export const pairOpen = createExternalStore(false);
export const openPair = (): void => pairOpen.set(true);
