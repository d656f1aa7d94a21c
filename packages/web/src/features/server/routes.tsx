import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { frameRoute } from '../../app/layout-routes.tsx';

const serverRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: '/server',
  component: lazyRouteComponent(() => import('./server-layout.tsx'), 'ServerLayout'),
});

const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' && value.length <= 500 ? value : undefined;

export const serverRoutes = [
  serverRoute.addChildren([
    createRoute({
      getParentRoute: () => serverRoute,
      path: '/',
      component: lazyRouteComponent(() => import('./server-layout.tsx'), 'ServerIndex'),
    }),
    createRoute({
      getParentRoute: () => serverRoute,
      path: '/overview',
      component: lazyRouteComponent(() => import('./overview-page.tsx'), 'OverviewPage'),
    }),
    createRoute({
      getParentRoute: () => serverRoute,
      path: '/metrics',
      component: lazyRouteComponent(() => import('./metrics-page.tsx'), 'MetricsPage'),
    }),
    createRoute({
      getParentRoute: () => serverRoute,
      path: '/events',
      component: lazyRouteComponent(() => import('./events-page.tsx'), 'EventsPage'),
    }),
    createRoute({
      getParentRoute: () => serverRoute,
      path: '/trail',
      component: lazyRouteComponent(() => import('./trail-page.tsx'), 'TrailPage'),
    }),
    createRoute({
      getParentRoute: () => serverRoute,
      path: '/clients',
      component: lazyRouteComponent(() => import('./clients-page.tsx'), 'ClientsPage'),
    }),
    createRoute({
      getParentRoute: () => serverRoute,
      path: '/clients/$id',
      component: lazyRouteComponent(() => import('./client-page.tsx'), 'ClientPage'),
    }),
    createRoute({
      getParentRoute: () => serverRoute,
      path: '/tokens',
      validateSearch: (search): { client?: string | undefined; subject?: string | undefined } => ({
        client: text(search['client']),
        subject: text(search['subject']),
      }),
      component: lazyRouteComponent(() => import('./tokens-page.tsx'), 'TokensPage'),
    }),
    createRoute({
      getParentRoute: () => serverRoute,
      path: '/grants',
      validateSearch: (search): { client?: string | undefined; subject?: string | undefined } => ({
        client: text(search['client']),
        subject: text(search['subject']),
      }),
      component: lazyRouteComponent(() => import('./grants-page.tsx'), 'GrantsPage'),
    }),
    createRoute({
      getParentRoute: () => serverRoute,
      path: '/device-codes',
      component: lazyRouteComponent(() => import('./device-codes-page.tsx'), 'DeviceCodesPage'),
    }),
    createRoute({
      getParentRoute: () => serverRoute,
      path: '/approvals',
      component: lazyRouteComponent(() => import('./approvals-page.tsx'), 'ApprovalsPage'),
    }),
    createRoute({
      getParentRoute: () => serverRoute,
      path: '/registration',
      component: lazyRouteComponent(() => import('./registration-page.tsx'), 'RegistrationPage'),
    }),
    createRoute({
      getParentRoute: () => serverRoute,
      path: '/people',
      component: lazyRouteComponent(() => import('./people-page.tsx'), 'PeoplePage'),
    }),
    createRoute({
      getParentRoute: () => serverRoute,
      path: '/sessions',
      validateSearch: (search): { user?: string | undefined } => ({ user: text(search['user']) }),
      component: lazyRouteComponent(() => import('./sessions-page.tsx'), 'SessionsPage'),
    }),
    createRoute({
      getParentRoute: () => serverRoute,
      path: '/keys',
      component: lazyRouteComponent(() => import('./keys-page.tsx'), 'KeysPage'),
    }),
    createRoute({
      getParentRoute: () => serverRoute,
      path: '/certificates',
      component: lazyRouteComponent(() => import('./certificates-page.tsx'), 'CertificatesPage'),
    }),
    createRoute({
      getParentRoute: () => serverRoute,
      path: '/backups',
      component: lazyRouteComponent(() => import('./backups-page.tsx'), 'BackupsPage'),
    }),
    createRoute({
      getParentRoute: () => serverRoute,
      path: '/peers',
      component: lazyRouteComponent(() => import('./peers-page.tsx'), 'PeersPage'),
    }),
    createRoute({
      getParentRoute: () => serverRoute,
      path: '/resources',
      component: lazyRouteComponent(() => import('./resources-page.tsx'), 'ResourcesPage'),
    }),
    createRoute({
      getParentRoute: () => serverRoute,
      path: '/issuers',
      component: lazyRouteComponent(() => import('./issuers-page.tsx'), 'IssuersPage'),
    }),
    createRoute({
      getParentRoute: () => serverRoute,
      path: '/denylist',
      component: lazyRouteComponent(() => import('./denylist-page.tsx'), 'DenylistPage'),
    }),
    createRoute({
      getParentRoute: () => serverRoute,
      path: '/reveal',
      component: lazyRouteComponent(() => import('./reveal-page.tsx'), 'RevealPage'),
    }),
  ]),
];
