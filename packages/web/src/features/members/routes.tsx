import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { frameRoute } from '../../app/layout-routes.tsx';

export const membersRoutes = [
  createRoute({
    getParentRoute: () => frameRoute,
    path: '/members',
    validateSearch: (search): { q?: string } => ({ q: typeof search['q'] === 'string' ? search['q'] : undefined }),
    component: lazyRouteComponent(() => import('./members-page.tsx'), 'MembersPage'),
  }),
  createRoute({
    getParentRoute: () => frameRoute,
    path: '/members/roles',
    component: lazyRouteComponent(() => import('./roles-page.tsx'), 'RolesPage'),
  }),
  createRoute({
    getParentRoute: () => frameRoute,
    path: '/members/roles/$id',
    component: lazyRouteComponent(() => import('./role-page.tsx'), 'RolePage'),
  }),
  createRoute({
    getParentRoute: () => frameRoute,
    path: '/members/teams',
    component: lazyRouteComponent(() => import('./teams-page.tsx'), 'TeamsPage'),
  }),
  createRoute({
    getParentRoute: () => frameRoute,
    path: '/members/teams/$id',
    component: lazyRouteComponent(() => import('./team-page.tsx'), 'TeamPage'),
  }),
  createRoute({
    getParentRoute: () => frameRoute,
    path: '/members/invitations',
    component: lazyRouteComponent(() => import('./invitations-page.tsx'), 'InvitationsPage'),
  }),
];
