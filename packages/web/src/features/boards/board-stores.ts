import { createExternalStore } from '../../ui/external-store.ts';

/** The dialog that makes a board opens above any page. */
export const makingBoard = createExternalStore(false);
export const openNewBoard = (): void => makingBoard.set(true);
export const boardReads = ['boards.list', 'boards.get'];
