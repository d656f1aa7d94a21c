import { authLogout, authSwitchOrg, hasPermission, meGet, type OutputOf, setupStatus } from '@atrium/protocol';
import { useSuspenseQuery } from '@tanstack/react-query';
import { call } from './client.ts';
import { disconnectLive } from './live.ts';
import { operationQuery } from './operations.ts';
import { queryClient } from './query-client.ts';

export type Me = OutputOf<typeof meGet>;

export const meQuery = operationQuery(meGet, {});
export const setupQuery = operationQuery(setupStatus, {});

/** Who is signed in. Only below the frame, where it is already loaded. */
export const useMe = (): Me => useSuspenseQuery(meQuery).data;

/** Whether the role holds a permission; what it may not do is not shown. */
export const useCan = (permission: string): boolean => hasPermission(useMe().permissions, permission);

/** Whether something is for this person: by the permission of their role, or because they run the server. */
export const mayUse = (me: Me, thing: { permission?: string; operator?: boolean }): boolean =>
  (!thing.permission || hasPermission(me.permissions, thing.permission)) && (!thing.operator || me.is_operator);

/** Forgets everything this page knew of the person. */
export const forgetSession = (): void => {
  disconnectLive();
  queryClient.clear();
};

export const signOut = async (): Promise<void> => {
  await call(authLogout, {});
  forgetSession();
  location.assign('/sign-in');
};

export const switchOrg = async (org_id: string): Promise<void> => {
  await call(authSwitchOrg, { org_id });
  forgetSession();
  // A new tenant begins with a new page: no row of the former one may linger in any state.
  location.assign('/');
};
