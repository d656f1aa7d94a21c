import { createRouter } from '@tanstack/react-router';
import { agentsRoutes } from '../features/agents/routes.tsx';
import { auditRoutes } from '../features/audit/routes.tsx';
import { boardsRoutes } from '../features/boards/routes.tsx';
import { containersRoutes } from '../features/containers/routes.tsx';
import { devicesRoutes } from '../features/devices/routes.tsx';
import { diariesRoutes } from '../features/diaries/routes.tsx';
import { feedRoutes, moderationRoute } from '../features/feed/routes.tsx';
import { gatewayRoutes } from '../features/gateway/routes.tsx';
import { identityPublicRoutes } from '../features/identity/routes.tsx';
import { inboxRoutes } from '../features/inbox/routes.tsx';
import { kitchenRoutes } from '../features/kitchen/routes.tsx';
import { membersRoutes } from '../features/members/routes.tsx';
import { onboardingRoutes } from '../features/onboarding/routes.tsx';
import { scriptsRoutes } from '../features/scripts/routes.tsx';
import { serverRoutes } from '../features/server/routes.tsx';
import { settingsRoutes } from '../features/settings/routes.tsx';
import { signingRoutes } from '../features/signing/routes.tsx';
import { toolboxRoutes } from '../features/toolbox/routes.tsx';
import { toolsRoutes } from '../features/tools/routes.tsx';
import { ErrorPage, NotFoundPage } from './error-pages.tsx';
import { FrameSkeleton } from './frame-skeleton.tsx';
import { frameRoute, homeRoute, openRoute, publicRoute, rootRoute } from './layout-routes.tsx';

const routeTree = rootRoute.addChildren([
  publicRoute.addChildren([...identityPublicRoutes, ...kitchenRoutes]),
  openRoute.addChildren(feedRoutes),
  frameRoute.addChildren([
    homeRoute,
    ...inboxRoutes,
    moderationRoute,
    ...diariesRoutes,
    ...gatewayRoutes,
    ...boardsRoutes,
    ...toolboxRoutes,
    ...containersRoutes,
    ...scriptsRoutes,
    ...toolsRoutes,
    ...devicesRoutes,
    ...onboardingRoutes,
    ...agentsRoutes,
    ...membersRoutes,
    ...auditRoutes,
    ...serverRoutes,
    ...settingsRoutes,
    ...signingRoutes,
  ]),
]);

export const router = createRouter({
  routeTree,
  defaultPreload: 'intent',
  defaultPreloadDelay: 40,
  defaultPendingMs: 120,
  defaultPendingMinMs: 0,
  defaultPendingComponent: FrameSkeleton,
  defaultErrorComponent: ErrorPage,
  defaultNotFoundComponent: NotFoundPage,
  scrollRestoration: true,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
  interface StaticDataRouteOption {
    /** Without rail and bottom bar: a page that is about one thing. */
    bare?: boolean;
  }
}
