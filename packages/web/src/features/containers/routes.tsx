import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { frameRoute } from '../../app/layout-routes.tsx';
import { parseContainers } from './container-search.ts';

export const containersRoutes = [
  createRoute({
    getParentRoute: () => frameRoute,
    path: '/containers',
    validateSearch: parseContainers,
    component: lazyRouteComponent(() => import('./containers-page.tsx'), 'ContainersPage'),
  }),
  createRoute({
    getParentRoute: () => frameRoute,
    path: '/containers/$id',
    component: lazyRouteComponent(() => import('./container-page.tsx'), 'ContainerPage'),
  }),
];
