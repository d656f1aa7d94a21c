import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { frameRoute, openRoute } from '../../app/layout-routes.tsx';
import { parseReportList } from './report-lists.ts';

const feedRoute = createRoute({
  getParentRoute: () => openRoute,
  path: '/feed',
  validateSearch: (search): { tag?: string } => {
    // A tag of digits alone is read from the address as a number.
    const tag = String(search['tag'] ?? '').trim();
    return tag === '' ? {} : { tag: tag.slice(0, 50) };
  },
  component: lazyRouteComponent(() => import('./feed-page.tsx'), 'FeedPage'),
});

const feedEntryRoute = createRoute({
  getParentRoute: () => openRoute,
  path: '/feed/$entryId',
  component: lazyRouteComponent(() => import('./feed-entry-page.tsx'), 'FeedEntryPage'),
});

export const moderationRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: '/diaries/moderation',
  validateSearch: parseReportList,
  component: lazyRouteComponent(() => import('./moderation-page.tsx'), 'ModerationPage'),
});

export const feedRoutes = [feedRoute, feedEntryRoute];
