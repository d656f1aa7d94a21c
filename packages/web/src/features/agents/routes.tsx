import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { frameRoute } from '../../app/layout-routes.tsx';

export const agentsRoutes = [
  createRoute({
    getParentRoute: () => frameRoute,
    path: '/agents',
    component: lazyRouteComponent(() => import('./agents-page.tsx'), 'AgentsPage'),
  }),
  createRoute({
    getParentRoute: () => frameRoute,
    path: '/agents/trust',
    component: lazyRouteComponent(() => import('./trust-page.tsx'), 'TrustPage'),
  }),
  createRoute({
    getParentRoute: () => frameRoute,
    path: '/agents/$id',
    component: lazyRouteComponent(() => import('./agent-page.tsx'), 'AgentPage'),
  }),
];
