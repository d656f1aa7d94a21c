import { type AnyRoute, createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { publicRoute } from '../../app/layout-routes.tsx';

/** Every piece of the ui kit on one page; in development builds and in the build that the tests look at. */
export const kitchenRoutes: AnyRoute[] =
  import.meta.env.DEV || import.meta.env.MODE === 'kitchen'
    ? [
        createRoute({
          getParentRoute: () => publicRoute,
          path: '/dev/kitchen',
          component: lazyRouteComponent(() => import('./kitchen-page.tsx'), 'KitchenPage'),
        }),
      ]
    : [];
