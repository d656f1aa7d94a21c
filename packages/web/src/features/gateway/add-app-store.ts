import { createExternalStore } from '../../ui/external-store.ts';

export const addingApp = createExternalStore(false);
export const openAddApp = (): void => addingApp.set(true);
