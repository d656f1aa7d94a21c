import { createExternalStore } from '../../ui/external-store.ts';

/** Whether the "New API key" dialog stands open on the security page. */
export const newKeyOpen = createExternalStore(false);
