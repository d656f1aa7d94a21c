import { hasPermission, scopeAliases } from '@atrium/protocol';
import type { Caller } from '../../platform/operations/caller.ts';

/** What of a route decides who may open it. A RouteSnapshot is one. */
export interface GuardedRoute {
  org_id: string;
  app: { slug: string };
  access: 'public' | 'signed_in' | 'scopes' | 'people' | 'share';
  people: { user_ids: ReadonlySet<string>; team_ids: ReadonlySet<string>; role_ids: ReadonlySet<string> };
  scopes: readonly string[];
}

/** Whoever a device is of; everybody else stands for themselves. */
export const personBehind = (caller: Caller): string =>
  caller.kind === 'device' && caller.owner_id !== null ? caller.owner_id : caller.id;

const isAmong = ({ people }: GuardedRoute, caller: Caller, teams: ReadonlySet<string>): boolean =>
  people.user_ids.has(caller.id) ||
  people.user_ids.has(personBehind(caller)) ||
  (caller.role_id !== null && people.role_ids.has(caller.role_id)) ||
  [...teams].some((team) => people.team_ids.has(team));

/**
 * May the caller open this route, as far as who they are decides it? A no is answered like an app that is not there. What
 * the token of the caller lacks is another question: `missingScopes`. `teams` are those of the person behind the caller.
 */
export const mayOpen = (caller: Caller, route: GuardedRoute, teams: ReadonlySet<string>): boolean => {
  if (route.access === 'public') return true;
  if (caller.org_id !== route.org_id || !hasPermission(caller.permissions, 'apps.open')) return false;
  if (route.access === 'people') return isAmong(route, caller, teams);
  // Who may make share links opens the app without making one for themselves.
  if (route.access === 'share') return hasPermission(caller.permissions, 'routes.write');
  return true;
};

/** `access:*` covers `access:notes`; `*:read` covers the reading of every module. */
export const grants = (held: string, wanted: string): boolean =>
  held === '*' ||
  held === wanted ||
  scopeAliases[held] === wanted ||
  (held.endsWith(':*') && wanted.startsWith(held.slice(0, -1))) ||
  (held.startsWith('*:') && wanted.endsWith(held.slice(1)));

/** What a token needs on top of the right of its holder. */
export const requiredScopes = (route: GuardedRoute): string[] =>
  route.access === 'public' ? [] : [`access:${route.app.slug}`, ...(route.access === 'scopes' ? route.scopes : [])];

export const missingScopes = (caller: Caller, route: GuardedRoute): string[] =>
  requiredScopes(route).filter((wanted) => !caller.scopes.some((held) => grants(held, wanted)));
