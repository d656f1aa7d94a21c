import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { frameRoute } from '../../app/layout-routes.tsx';

export const scriptsRoutes = [
  createRoute({
    getParentRoute: () => frameRoute,
    path: '/scripts',
    component: lazyRouteComponent(() => import('./scripts-page.tsx'), 'ScriptsPage'),
  }),
  createRoute({
    getParentRoute: () => frameRoute,
    path: '/scripts/runs',
    component: lazyRouteComponent(() => import('./runs-page.tsx'), 'RunsPage'),
  }),
  createRoute({
    getParentRoute: () => frameRoute,
    path: '/scripts/runs/$id',
    component: lazyRouteComponent(() => import('./run-page.tsx'), 'RunPage'),
  }),
  createRoute({
    getParentRoute: () => frameRoute,
    path: '/scripts/chains',
    component: lazyRouteComponent(() => import('./chains-page.tsx'), 'ChainsPage'),
  }),
  createRoute({
    getParentRoute: () => frameRoute,
    path: '/scripts/schedules',
    component: lazyRouteComponent(() => import('./schedules-page.tsx'), 'SchedulesPage'),
  }),
  createRoute({
    getParentRoute: () => frameRoute,
    path: '/scripts/$id',
    component: lazyRouteComponent(() => import('./script-page.tsx'), 'ScriptPage'),
  }),
];
