import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { frameRoute } from '../../app/layout-routes.tsx';

const settingsRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: '/settings',
  component: lazyRouteComponent(() => import('./settings-layout.tsx'), 'SettingsLayout'),
});

export const settingsRoutes = [
  settingsRoute.addChildren([
    createRoute({
      getParentRoute: () => settingsRoute,
      path: '/',
      component: lazyRouteComponent(() => import('./settings-layout.tsx'), 'SettingsIndex'),
    }),
    createRoute({
      getParentRoute: () => settingsRoute,
      path: '/profile',
      component: lazyRouteComponent(() => import('./profile-page.tsx'), 'ProfilePage'),
    }),
    createRoute({
      getParentRoute: () => settingsRoute,
      path: '/security',
      component: lazyRouteComponent(() => import('./security-page.tsx'), 'SecurityPage'),
    }),
    createRoute({
      getParentRoute: () => settingsRoute,
      path: '/connected-apps',
      component: lazyRouteComponent(() => import('./connected-apps-page.tsx'), 'ConnectedAppsPage'),
    }),
    createRoute({
      getParentRoute: () => settingsRoute,
      path: '/privacy',
      component: lazyRouteComponent(() => import('./privacy-page.tsx'), 'PrivacyPage'),
    }),
    createRoute({
      getParentRoute: () => settingsRoute,
      path: '/preferences',
      component: lazyRouteComponent(() => import('../identity/preferences-page.tsx'), 'PreferencesPage'),
    }),
    createRoute({
      getParentRoute: () => settingsRoute,
      path: '/organisation',
      component: lazyRouteComponent(() => import('./organisation-page.tsx'), 'OrganisationPage'),
    }),
    createRoute({
      getParentRoute: () => settingsRoute,
      path: '/rules',
      component: lazyRouteComponent(() => import('./rules-page.tsx'), 'RulesPage'),
    }),
    createRoute({
      getParentRoute: () => settingsRoute,
      path: '/hooks',
      component: lazyRouteComponent(() => import('./hooks-page.tsx'), 'HooksPage'),
    }),
    createRoute({
      getParentRoute: () => settingsRoute,
      path: '/providers',
      component: lazyRouteComponent(() => import('./providers-page.tsx'), 'ProvidersPage'),
    }),
    createRoute({
      getParentRoute: () => settingsRoute,
      path: '/usage',
      component: lazyRouteComponent(() => import('./usage-page.tsx'), 'UsagePage'),
    }),
  ]),
];
