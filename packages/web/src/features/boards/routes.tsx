import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { frameRoute } from '../../app/layout-routes.tsx';
import { parseBoard } from './board-search.ts';

export const boardsRoutes = [
  createRoute({
    getParentRoute: () => frameRoute,
    path: '/services/$id',
    validateSearch: parseBoard,
    component: lazyRouteComponent(() => import('./board-page.tsx'), 'BoardPage'),
  }),
];
