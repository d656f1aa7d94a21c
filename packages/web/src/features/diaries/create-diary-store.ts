import { createExternalStore } from '../../ui/external-store.ts';

export const creatingDiary = createExternalStore(false);
export const openCreateDiary = (): void => creatingDiary.set(true);
