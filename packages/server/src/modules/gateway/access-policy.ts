import { appScopeOf, hasPermission, holdsScope } from '@atrium/protocol';
import type { Caller } from '../../platform/operations/caller.ts';
import type { RouteSnapshot } from './snapshot.ts';

export type Access = { kind: 'allowed' } | { kind: 'hidden' } | { kind: 'lacks_scope'; required: string };

const allowed: Access = { kind: 'allowed' };
const hidden: Access = { kind: 'hidden' };

/** What of a route decides who may open it. A RouteSnapshot is one. */
export type GuardedRoute = Pick<RouteSnapshot, 'org_id' | 'access' | 'people' | 'scopes'> & { app: { slug: string } };

/** Whoever a device is of; everybody else stands for themselves. */
export const personBehind = (caller: Caller): string =>
  caller.kind === 'device' && caller.owner_id !== null ? caller.owner_id : caller.id;

const isNamed = (caller: Caller, teams: Iterable<string>, { people }: GuardedRoute): boolean =>
  people.user_ids.has(caller.id) ||
  people.user_ids.has(personBehind(caller)) ||
  (caller.role_id !== null && people.role_ids.has(caller.role_id)) ||
  [...teams].some((id) => people.team_ids.has(id));

/**
 * Whether somebody may see the app at all, as far as who they are decides it; what their token lacks is another question.
 * Who makes share links may open what is otherwise open to their holders alone. `teams` are those of the person behind
 * the caller.
 */
export const mayOpen = (caller: Caller, route: GuardedRoute, teams: Iterable<string>): boolean => {
  if (route.access === 'public') return true;
  if (caller.org_id !== route.org_id || !hasPermission(caller.permissions, 'apps.open')) return false;
  switch (route.access) {
    case 'people':
      return isNamed(caller, teams, route);
    case 'share':
      return hasPermission(caller.permissions, 'routes.write');
    case 'signed_in':
    case 'scopes':
      return true;
    default:
      return route.access satisfies never;
  }
};

/** What a token needs on top of the right of its holder. */
export const requiredScopes = (route: GuardedRoute): string[] =>
  route.access === 'public' ? [] : [appScopeOf(route.app.slug), ...(route.access === 'scopes' ? route.scopes : [])];

export const missingScopes = (caller: Caller, route: GuardedRoute): string[] =>
  requiredScopes(route).filter((wanted) => !holdsScope(caller.scopes, wanted));

/**
 * Who may open a route, once it is known who they are. An app that somebody may not see is not there for them; one they
 * see but whose scopes their token lacks says which.
 */
export const accessTo = (route: GuardedRoute, caller: Caller, teams: Iterable<string>): Access => {
  if (!mayOpen(caller, route, teams)) return hidden;
  const [required] = missingScopes(caller, route);
  return required === undefined ? allowed : { kind: 'lacks_scope', required };
};
