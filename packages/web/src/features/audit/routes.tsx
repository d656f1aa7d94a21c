import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { frameRoute } from '../../app/layout-routes.tsx';
import { readAuditFilter } from './audit-filter.ts';

export const auditRoutes = [
  createRoute({
    getParentRoute: () => frameRoute,
    path: '/audit',
    validateSearch: readAuditFilter,
    component: lazyRouteComponent(() => import('./audit-page.tsx'), 'AuditPage'),
  }),
];
