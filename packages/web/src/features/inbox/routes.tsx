import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { frameRoute } from '../../app/layout-routes.tsx';
import { parseSearch } from './item-filter.ts';

const inboxRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: '/inbox',
  validateSearch: parseSearch,
  component: lazyRouteComponent(() => import('./inbox-page.tsx'), 'InboxPage'),
});

/** Drawn by its parent, beside the list or in its place. */
const itemRoute = createRoute({ getParentRoute: () => inboxRoute, path: '$itemId' });

const answerRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: '/answer/$itemId',
  validateSearch: (search: Record<string, unknown>): { action?: string | undefined } => ({
    action: typeof search['action'] === 'string' ? search['action'].slice(0, 64) : undefined,
  }),
  staticData: { bare: true },
  component: lazyRouteComponent(() => import('./answer-page.tsx'), 'AnswerPage'),
});

const channelsRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: '/channels',
  validateSearch: (search: Record<string, unknown>): { channel?: string | undefined } => ({
    channel: typeof search['channel'] === 'string' ? search['channel'] : undefined,
  }),
  component: lazyRouteComponent(() => import('./channels-page.tsx'), 'ChannelsPage'),
});

const templatesRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: '/templates',
  component: lazyRouteComponent(() => import('./templates-page.tsx'), 'TemplatesPage'),
});

const templateRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: '/templates/$templateId',
  component: lazyRouteComponent(() => import('./template-page.tsx'), 'TemplatePage'),
});

const statisticsRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: '/statistics',
  validateSearch: (search: Record<string, unknown>): { days?: 7 | 90 | undefined } => ({
    days: search['days'] === 7 || search['days'] === 90 ? search['days'] : undefined,
  }),
  component: lazyRouteComponent(() => import('./statistics-page.tsx'), 'StatisticsPage'),
});

export const inboxRoutes = [
  inboxRoute.addChildren([itemRoute]),
  answerRoute,
  channelsRoute,
  templatesRoute,
  templateRoute,
  statisticsRoute,
];
