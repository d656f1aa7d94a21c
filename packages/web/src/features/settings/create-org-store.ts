import { createExternalStore } from '../../ui/external-store.ts';

/** Whether the "New organisation" dialog stands open above the page. */
export const createOrgOpen = createExternalStore(false);
export const openCreateOrg = (): void => createOrgOpen.set(true);
