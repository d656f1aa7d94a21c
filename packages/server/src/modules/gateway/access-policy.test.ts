import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeCaller } from '../../../test/support/make-call.ts';
import { type GuardedRoute, mayOpen, missingScopes } from './access-policy.ts';

const orgs = ['home', 'foreign'] as const;
const some = (of: readonly string[]) => fc.subarray([...of]);

const routes = fc.record({
  org_id: fc.constantFrom(...orgs),
  access: fc.constantFrom('public', 'signed_in', 'scopes', 'people', 'share' as const),
  users: some(['ada', 'bob', 'phone']),
  teams: some(['red', 'blue']),
  roles: some(['editor', 'reader']),
  scopes: some(['access:notes', 'deploy:run']),
});
const callers = fc.record({
  kind: fc.constantFrom('user', 'agent', 'device', 'service' as const),
  id: fc.constantFrom('ada', 'bob', 'phone', 'robot'),
  owner_id: fc.constantFrom(null, 'ada', 'bob'),
  org_id: fc.constantFrom(...orgs),
  role_id: fc.constantFrom(null, 'editor', 'reader', 'other'),
  permissions: fc.constantFrom(['*'], ['apps.open'], ['apps.*'], ['items.read'], ['apps.open', 'routes.write'], []),
  scopes: some(['*', 'access:*', 'access:notes', 'deploy:run', 'deploy:*', 'gateway:read']),
  teams: some(['red', 'blue', 'green']),
});

const guarded = ({
  users,
  teams,
  roles,
  ...rest
}: typeof routes extends fc.Arbitrary<infer R> ? R : never): GuardedRoute => ({
  ...rest,
  app: { slug: 'notes' },
  people: { user_ids: new Set(users), team_ids: new Set(teams), role_ids: new Set(roles) },
});

describe('who may open an app', () => {
  it('agrees with a table that is read line by line', () => {
    fc.assert(
      fc.property(routes, callers, (route, { teams, ...who }) => {
        const caller = makeCaller(who);
        const holds = (wanted: string) =>
          who.permissions.some((p) => p === '*' || p === wanted || (p === 'apps.*' && wanted === 'apps.open'));
        const names = who.kind === 'device' && who.owner_id !== null ? [who.id, who.owner_id] : [who.id];
        let expected: boolean;
        if (route.access === 'public') expected = true;
        else if (who.org_id !== route.org_id) expected = false;
        else if (!holds('apps.open')) expected = false;
        else if (route.access === 'share') expected = holds('routes.write');
        else if (route.access !== 'people') expected = true;
        else {
          expected = false;
          for (const name of names) if (route.users.includes(name)) expected = true;
          for (const team of teams) if (route.teams.includes(team)) expected = true;
          if (who.role_id !== null && route.roles.includes(who.role_id)) expected = true;
        }
        expect(mayOpen(caller, guarded(route), new Set(teams))).toBe(expected);
      }),
      { numRuns: 2000 },
    );
  });

  it('names exactly the scopes that the token lacks', () => {
    fc.assert(
      fc.property(routes, callers, (route, { teams: _, ...who }) => {
        const wanted =
          route.access === 'public' ? [] : ['access:notes', ...(route.access === 'scopes' ? route.scopes : [])];
        const has = (scope: string) => {
          const [module] = scope.split(':');
          return ['*', scope, `${module}:*`].some((held) => who.scopes.includes(held));
        };
        expect(missingScopes(makeCaller(who), guarded(route))).toEqual(wanted.filter((scope) => !has(scope)));
      }),
      { numRuns: 1000 },
    );
  });
});
