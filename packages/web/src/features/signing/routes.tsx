import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { frameRoute } from '../../app/layout-routes.tsx';

export const signingRoutes = [
  createRoute({
    getParentRoute: () => frameRoute,
    path: '/sign/$requestId',
    staticData: { bare: true },
    component: lazyRouteComponent(() => import('./sign-page.tsx'), 'SignPage'),
  }),
];
