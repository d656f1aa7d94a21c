import { describe, expect, it } from 'vitest';
import { makeCaller } from '../../../test/support/make-call.ts';
import { type Access, accessTo, type GuardedRoute } from './access-policy.ts';

const org_id = '01900000-0000-7000-8000-00000000000a';
const team = '01900000-0000-7000-8000-00000000000b';
const role_id = '01900000-0000-7000-8000-00000000000c';

const routeOf = (
  parts: Partial<GuardedRoute> & { named?: Partial<Record<'users' | 'teams' | 'roles', string[]>> } = {},
) => {
  const { named = {}, ...rest } = parts;
  return {
    ...{ org_id, access: 'signed_in', scopes: [], app: { slug: 'notes' } },
    people: {
      user_ids: new Set(named.users),
      team_ids: new Set(named.teams),
      role_ids: new Set(named.roles),
    },
    ...rest,
  } as GuardedRoute;
};
const member = { org_id, permissions: ['apps.open'], scopes: ['*'], role_id };
const lacks = (required: string): Access => ({ kind: 'lacks_scope', required });

describe('a route is opened', () => {
  it.each([
    ['by a member', {}, {}, 'allowed'],
    ['by nobody of another organisation', {}, { org_id: team }, 'hidden'],
    ['by nobody whose role may not open apps', {}, { permissions: [] }, 'hidden'],
    ['by any role that holds everything', {}, { permissions: ['*'] }, 'allowed'],
    ['by a token for all apps', {}, { scopes: ['access:*'] }, 'allowed'],
    ['by a token for this app', {}, { scopes: ['access:notes'] }, 'allowed'],
    ['by no token for another app, which it may see', {}, { scopes: ['access:other'] }, 'access:notes'],
    ['by no token whose app has a longer name', {}, { scopes: ['access:notes2'] }, 'access:notes'],
    ['by no token without a scope for apps', {}, { scopes: ['inbox:read'] }, 'access:notes'],
    [
      'by no token that lacks one of its scopes',
      { access: 'scopes', scopes: ['a:read', 'b:read'] },
      { scopes: ['access:*', 'a:read'] },
      'b:read',
    ],
    [
      'by a token with all of its scopes',
      { access: 'scopes', scopes: ['a:read', 'b:read'] },
      { scopes: ['access:*', 'a:*', 'b:read'] },
      'allowed',
    ],
    ['by a session, whatever its scopes', { access: 'scopes', scopes: ['a:read'] }, {}, 'allowed'],
    ['by nobody when it names nobody', { access: 'people' }, {}, 'hidden'],
    ['by a role that it names', { access: 'people', named: { roles: [role_id] } }, {}, 'allowed'],
    ['by a team that it names', { access: 'people', named: { teams: [team] } }, {}, 'allowed'],
    [
      'by no token without the scope, even of somebody it names',
      { access: 'people', named: { roles: [role_id] } },
      { scopes: [] },
      'access:notes',
    ],
    ['by no member when it is for holders of links', { access: 'share' }, {}, 'hidden'],
    ['by those who make its links', { access: 'share' }, { permissions: ['apps.open', 'routes.write'] }, 'allowed'],
    [
      'by anybody when it is public',
      { access: 'public', scopes: ['a:read'] },
      { org_id: team, permissions: [], scopes: [] },
      'allowed',
    ],
  ] as const)('%s', (_title, route, caller, expected) => {
    const access = accessTo(routeOf(route as never), makeCaller({ ...member, ...caller } as never), [team]);
    expect(access).toEqual(expected === 'allowed' || expected === 'hidden' ? { kind: expected } : lacks(expected));
  });

  it('by the device of a person whom it names', () => {
    const device = makeCaller({ ...member, kind: 'device', owner_id: team });
    const named = routeOf({ access: 'people', named: { users: [team] } });
    expect(accessTo(named, device, [])).toEqual({ kind: 'allowed' });
    expect(accessTo(named, makeCaller({ ...member, kind: 'agent', owner_id: team }), [])).toEqual({ kind: 'hidden' });
  });

  it('by a person whom it names', () => {
    const caller = makeCaller(member);
    const named = routeOf({ access: 'people', named: { users: [caller.id] } });
    expect(accessTo(named, caller, [])).toEqual({ kind: 'allowed' });
    expect(accessTo(named, makeCaller(member), [])).toEqual({ kind: 'hidden' });
  });
});
