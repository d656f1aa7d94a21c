import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { frameRoute } from '../../app/layout-routes.tsx';

export const devicesRoutes = [
  createRoute({
    getParentRoute: () => frameRoute,
    path: '/devices',
    component: lazyRouteComponent(() => import('./devices-page.tsx'), 'DevicesPage'),
  }),
  createRoute({
    getParentRoute: () => frameRoute,
    path: '/devices/$id',
    component: lazyRouteComponent(() => import('./device-page.tsx'), 'DevicePage'),
  }),
];
