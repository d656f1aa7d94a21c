import { createExternalStore } from '../../ui/external-store.ts';

/** Whether the "Invite" dialog stands open above the page. */
export const inviteOpen = createExternalStore(false);
export const openInvite = (): void => inviteOpen.set(true);
