import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { frameRoute } from '../../app/layout-routes.tsx';
import {
  parseFound,
  parseLog,
  parseRoutes,
  parseServices,
  parseTester,
  parseTraffic,
  parseVersions,
} from './route-search.ts';

export const gatewayRoutes = [
  createRoute({
    getParentRoute: () => frameRoute,
    path: '/services',
    validateSearch: parseServices,
    component: lazyRouteComponent(() => import('./services-page.tsx'), 'ServicesPage'),
  }),
  createRoute({
    getParentRoute: () => frameRoute,
    path: '/routes',
    validateSearch: parseRoutes,
    component: lazyRouteComponent(() => import('./routes-page.tsx'), 'RoutesPage'),
  }),
  createRoute({
    getParentRoute: () => frameRoute,
    path: '/routes/test',
    validateSearch: parseTester,
    component: lazyRouteComponent(() => import('./tester-page.tsx'), 'TesterPage'),
  }),
  createRoute({
    getParentRoute: () => frameRoute,
    path: '/routes/versions',
    validateSearch: parseVersions,
    component: lazyRouteComponent(() => import('./versions-page.tsx'), 'VersionsPage'),
  }),
  createRoute({
    getParentRoute: () => frameRoute,
    path: '/routes/$id',
    component: lazyRouteComponent(() => import('./route-page.tsx'), 'RoutePage'),
  }),
  createRoute({
    getParentRoute: () => frameRoute,
    path: '/found',
    validateSearch: parseFound,
    component: lazyRouteComponent(() => import('./found-page.tsx'), 'FoundPage'),
  }),
  createRoute({
    getParentRoute: () => frameRoute,
    path: '/traffic',
    validateSearch: parseTraffic,
    component: lazyRouteComponent(() => import('./traffic-page.tsx'), 'TrafficPage'),
  }),
  createRoute({
    getParentRoute: () => frameRoute,
    path: '/traffic/log',
    validateSearch: parseLog,
    component: lazyRouteComponent(() => import('./access-log-page.tsx'), 'AccessLogPage'),
  }),
];
