import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { frameRoute } from '../../app/layout-routes.tsx';
import { parseDiaryList } from './diary-list-search.ts';
import { parseDuplicates } from './duplicate-lists.ts';
import { parseDiarySearch, parseEntrySearch } from './entry-filter.ts';
import { parseDigest } from './period-words.ts';

const diariesRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: '/diaries',
  validateSearch: parseDiaryList,
  component: lazyRouteComponent(() => import('./diaries-page.tsx'), 'DiariesPage'),
});

const diaryRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: '/diaries/$id',
  validateSearch: parseEntrySearch,
  component: lazyRouteComponent(() => import('./diary-page.tsx'), 'DiaryPage'),
});

/** Drawn by its parent, beside the timeline or in its place. */
const entryRoute = createRoute({ getParentRoute: () => diaryRoute, path: '$entryId' });

const digestRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: '/diaries/$id/digest',
  validateSearch: parseDigest,
  component: lazyRouteComponent(() => import('./digest-page.tsx'), 'DigestPage'),
});

const duplicatesRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: '/diaries/$id/duplicates',
  validateSearch: parseDuplicates,
  component: lazyRouteComponent(() => import('./duplicates-page.tsx'), 'DuplicatesPage'),
});

const searchRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: '/search',
  validateSearch: parseDiarySearch,
  component: lazyRouteComponent(() => import('./search-page.tsx'), 'SearchPage'),
});

export const diariesRoutes = [
  diariesRoute,
  diaryRoute.addChildren([entryRoute]),
  digestRoute,
  duplicatesRoute,
  searchRoute,
];
