import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { publicRoute } from '../../app/layout-routes.tsx';
import { safeNext } from './safe-next.ts';

const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);

export const setupRoute = createRoute({
  getParentRoute: () => publicRoute,
  path: '/setup',
  validateSearch: (search): { token?: string } => ({ token: text(search['token']) }),
  component: lazyRouteComponent(() => import('./setup-page.tsx'), 'SetupPage'),
});

export const signInRoute = createRoute({
  getParentRoute: () => publicRoute,
  path: '/sign-in',
  validateSearch: (search): { next?: string } => ({ next: safeNext(search['next']) }),
  component: lazyRouteComponent(() => import('./sign-in-page.tsx'), 'SignInPage'),
});

export const factorRoute = createRoute({
  getParentRoute: () => publicRoute,
  path: '/sign-in/factor',
  validateSearch: (search): { next?: string } => ({ next: safeNext(search['next']) }),
  component: lazyRouteComponent(() => import('./factor-page.tsx'), 'FactorPage'),
});

export const forgotRoute = createRoute({
  getParentRoute: () => publicRoute,
  path: '/forgot-password',
  component: lazyRouteComponent(() => import('./forgot-page.tsx'), 'ForgotPage'),
});

export const resetRoute = createRoute({
  getParentRoute: () => publicRoute,
  path: '/reset-password',
  component: lazyRouteComponent(() => import('./reset-page.tsx'), 'ResetPage'),
});

export const inviteRoute = createRoute({
  getParentRoute: () => publicRoute,
  path: '/invite/$code',
  component: lazyRouteComponent(() => import('./invite-page.tsx'), 'InvitePage'),
});

export const identityPublicRoutes = [setupRoute, signInRoute, factorRoute, forgotRoute, resetRoute, inviteRoute];
