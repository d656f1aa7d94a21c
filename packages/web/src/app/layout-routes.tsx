import { createRootRoute, createRoute, lazyRouteComponent, Outlet, redirect } from '@tanstack/react-router';
import { ProblemError } from '../data/client.ts';
import { queryClient } from '../data/query-client.ts';
import { meQuery, setupQuery } from '../data/session.ts';
import { NotFoundPage } from './error-pages.tsx';
import { FrameSkeleton } from './frame-skeleton.tsx';

export const rootRoute = createRootRoute({ component: Outlet, notFoundComponent: NotFoundPage });

/** Parent of the pages for people who are not signed in. */
export const publicRoute = createRoute({ getParentRoute: () => rootRoute, id: 'public', component: Outlet });

const isStranger = (error: unknown): boolean => error instanceof ProblemError && error.problem.status === 401;

/** Whether somebody is signed in. A stranger is asked once, and not again with each page. */
const isSignedIn = async (): Promise<boolean> => {
  if (isStranger(queryClient.getQueryState(meQuery.queryKey)?.error)) return false;
  try {
    await queryClient.ensureQueryData(meQuery);
    return true;
  } catch (error) {
    if (isStranger(error)) return false;
    throw error;
  }
};

/** Parent of pages for everybody: within the frame for those who are signed in, below a plain header for the others. */
export const openRoute = createRoute({
  getParentRoute: () => rootRoute,
  id: 'open',
  beforeLoad: async () => ({ signed_in: await isSignedIn() }),
  pendingComponent: () => null,
  component: lazyRouteComponent(() => import('./open-layout.tsx'), 'OpenLayout'),
});

/** Parent of everything inside the frame. Sends strangers to sign-in, and a fresh server to its setup. */
export const frameRoute = createRoute({
  getParentRoute: () => rootRoute,
  id: 'frame',
  async beforeLoad({ location }) {
    try {
      await queryClient.ensureQueryData(meQuery);
    } catch (error) {
      if (!isStranger(error)) throw error;
      const { done } = await queryClient.fetchQuery(setupQuery);
      throw done
        ? redirect({ to: '/sign-in', search: location.href === '/' ? {} : { next: location.href } })
        : redirect({ to: '/setup' });
    }
  },
  pendingComponent: FrameSkeleton,
  component: lazyRouteComponent(() => import('./frame.tsx'), 'Frame'),
});

/** `/` is the inbox. */
export const homeRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: '/',
  beforeLoad: () => {
    throw redirect({ to: '/inbox', replace: true });
  },
});
