import type { AnyRouter } from '@tanstack/react-router';
import { queryClient } from '../../data/query-client.ts';

// Pages that the server draws: the router of this app does not know them.
const served = /^\/(?:oauth|auth|api|apps)\//;

/** Goes on after signing in, with nothing remembered of whoever was here before. */
export const goInside = async (router: AnyRouter, next = '/'): Promise<void> => {
  queryClient.clear();
  if (served.test(next)) location.assign(next);
  else await router.navigate({ href: next, replace: true });
};
