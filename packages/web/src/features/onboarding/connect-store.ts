import { createExternalStore } from '../../ui/external-store.ts';

/** Whether the "Connect an agent" dialog stands open above the page. */
export const connectOpen = createExternalStore(false);
export const openConnect = (): void => connectOpen.set(true);
