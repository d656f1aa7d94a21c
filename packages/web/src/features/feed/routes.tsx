import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { frameRoute, openRoute } from '../../app/layout-routes.tsx';
import { parseReportList } from './report-lists.ts';

const feedRoute = createRoute({
  getParentRoute: () => openRoute,
  path: '/feed',
  validateSearch: (search): { tag?: string; q?: string } => {
    // Digits alone are read from the address as a number.
    const text = (member: string, most: number) =>
      String(search[member] ?? '')
        .trim()
        .slice(0, most);
    const [tag, q] = [text('tag', 50), text('q', 200)];
    return { ...(tag === '' ? {} : { tag }), ...(q === '' ? {} : { q }) };
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
