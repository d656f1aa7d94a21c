import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { frameRoute } from '../../app/layout-routes.tsx';

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value.slice(0, 500) : undefined);

export const toolsRoutes = [
  createRoute({
    getParentRoute: () => frameRoute,
    path: '/tools',
    component: lazyRouteComponent(() => import('./servers-page.tsx'), 'ServersPage'),
  }),
  createRoute({
    getParentRoute: () => frameRoute,
    path: '/tools/calls',
    component: lazyRouteComponent(() => import('./calls-page.tsx'), 'CallsPage'),
  }),
  createRoute({
    getParentRoute: () => frameRoute,
    path: '/tools/servers/$id',
    validateSearch: (search: Record<string, unknown>): { sign_in?: string | undefined; why?: string | undefined } => ({
      sign_in: text(search['sign_in']),
      why: text(search['why']),
    }),
    component: lazyRouteComponent(() => import('./server-page.tsx'), 'ServerPage'),
  }),
];
