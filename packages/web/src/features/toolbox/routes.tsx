import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { frameRoute } from '../../app/layout-routes.tsx';
import { parseCatalogue } from './toolbox-search.ts';

export const toolboxRoutes = [
  createRoute({
    getParentRoute: () => frameRoute,
    path: '/toolbox',
    validateSearch: parseCatalogue,
    component: lazyRouteComponent(() => import('./catalogue-page.tsx'), 'CataloguePage'),
  }),
  createRoute({
    getParentRoute: () => frameRoute,
    path: '/toolbox/templates/$template',
    component: lazyRouteComponent(() => import('./template-page.tsx'), 'TemplatePage'),
  }),
  createRoute({
    getParentRoute: () => frameRoute,
    path: '/toolbox/installed',
    component: lazyRouteComponent(() => import('./installed-page.tsx'), 'InstalledPage'),
  }),
  createRoute({
    getParentRoute: () => frameRoute,
    path: '/toolbox/installed/$id',
    component: lazyRouteComponent(() => import('./deployment-page.tsx'), 'DeploymentPage'),
  }),
];
