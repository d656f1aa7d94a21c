import { createExternalStore, useExternalStore } from './external-store.ts';

const confirmations = createExternalStore(true);
export const chooseConfirmations = confirmations.set;

/** Whether a person wants to be asked before acts that they could make good again. */
export const useConfirmations = (): boolean => useExternalStore(confirmations);
