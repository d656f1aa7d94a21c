import { appScopeOf, hasPermission, holdsScope } from '@atrium/protocol';
import type { Caller } from '../../../platform/operations/caller.ts';
import type { RouteSnapshot } from '../snapshot.ts';

export type Access = { kind: 'allowed' } | { kind: 'hidden' } | { kind: 'lacks_scope'; required: string };

const allowed: Access = { kind: 'allowed' };
const hidden: Access = { kind: 'hidden' };

/** What a decision needs of a route. */
export type RouteRule = Pick<RouteSnapshot, 'org_id' | 'access' | 'people' | 'scopes'> & { app: { slug: string } };

/** Whoever a device is of; everybody else stands for themselves. */
export const personBehind = (caller: Caller): string =>
  caller.kind === 'device' && caller.owner_id !== null ? caller.owner_id : caller.id;

const isNamed = (caller: Caller, teams: readonly string[], { people }: RouteRule): boolean =>
  people.user_ids.has(caller.id) ||
  people.user_ids.has(personBehind(caller)) ||
  (caller.role_id !== null && people.role_ids.has(caller.role_id)) ||
  teams.some((id) => people.team_ids.has(id));

/**
 * Whether somebody may see the app at all. Who makes share links may open what is otherwise open to their holders alone.
 */
const maySee = (caller: Caller, teams: readonly string[], route: RouteRule): boolean => {
  if (caller.org_id !== route.org_id || !hasPermission(caller.permissions, 'apps.open')) return false;
  switch (route.access) {
    case 'people':
      return isNamed(caller, teams, route);
    case 'share':
      return hasPermission(caller.permissions, 'routes.write');
    case 'public':
    case 'signed_in':
    case 'scopes':
      return true;
    default:
      return route.access satisfies never;
  }
};

/**
 * `teams` are those of the person behind the caller. Who may open a route, once it is known who they are. An app that somebody may not see is not there for them; one they
 * see but whose scopes their token lacks says which.
 */
export const accessTo = (route: RouteRule, caller: Caller, teams: readonly string[]): Access => {
  if (route.access === 'public') return allowed;
  if (!maySee(caller, teams, route)) return hidden;
  const lacking = [appScopeOf(route.app.slug), ...(route.access === 'scopes' ? route.scopes : [])].find(
    (scope) => !holdsScope(caller.scopes, scope),
  );
  return lacking === undefined ? allowed : { kind: 'lacks_scope', required: lacking };
};
