import { hasPermission } from '@atrium/protocol';
import { describe, expect, it } from 'vitest';
import { makeCaller } from '../../../test/support/make-call.ts';
import type { Caller, ItemScope } from '../../platform/operations/caller.ts';
import {
  itemScopeCovers,
  mayHaveGranted,
  requireGrantable,
  requireMayGrant,
  requireMayManage,
  requireOwnOrg,
  requireScopes,
  requireSession,
} from './identity-policy.ts';

const admin = (parts: Partial<Caller> = {}): Caller =>
  makeCaller({ system_role: 'admin', permissions: ['users.invite', 'items.read', 'items.write'], ...parts });
const owner = (parts: Partial<Caller> = {}): Caller =>
  makeCaller({ system_role: 'owner', permissions: ['*'], ...parts });
const ownerRole = { system: 'owner', permissions: ['*'] } as const;

describe('situation 37: wildcards', () => {
  it.each([
    ['items.*', 'items.archive', true],
    ['items.*', 'itemsfoo', false],
    ['items.*', 'items', false],
    ['items.*', 'items.', false],
    ['org.billing.*', 'org.billing.export', true],
    ['org.billing.*', 'org.billing', false],
    ['*', 'anything.at.all', true],
    ['items.read', 'items.*', false],
    ['items.*', 'items.*', true],
    ['items.*', '*', false],
  ])('%s permits %s: %s', (held, wanted, permitted) => {
    expect(hasPermission([held], wanted)).toBe(permitted);
  });
});

describe('handing out power', () => {
  it('takes the power itself', () => {
    expect(() => requireGrantable(admin(), ['items.read'])).not.toThrow();
    expect(() => requireGrantable(admin(), ['org.billing'])).toThrow(
      expect.objectContaining({
        code: 'escalation_denied',
        extensions: { error: 'escalation denied', missing: ['org.billing'] },
      }),
    );
  });

  it('never lets single strings become a wildcard', () => {
    expect(() => requireGrantable(admin(), ['items.*'])).toThrow('items.*');
    expect(() => requireGrantable(admin({ permissions: ['items.*'] }), ['items.*', 'items.archive'])).not.toThrow();
  });

  it('lets only an Owner who is a person make an Owner', () => {
    expect(() => requireMayGrant(owner(), ownerRole)).not.toThrow();
    expect(() => requireMayGrant(owner({ kind: 'agent' }), ownerRole)).toThrow('Only an Owner');
    expect(() => requireMayGrant(admin({ permissions: ['*'] }), ownerRole)).toThrow('Only an Owner');
  });

  it('lets nobody change somebody who holds more', () => {
    expect(() => requireMayManage(admin(), { system: 'member', permissions: ['items.read'] })).not.toThrow();
    expect(() => requireMayManage(admin(), { system: null, permissions: ['org.billing'] })).toThrow('org.billing');
    expect(() => requireMayManage(admin({ permissions: ['*'] }), ownerRole)).toThrow('Only an Owner');
  });

  it('keeps scopes within those of the maker', () => {
    expect(() => requireScopes(makeCaller({ scopes: ['*'] }), ['org:admin'])).not.toThrow();
    expect(() => requireScopes(makeCaller({ scopes: ['account:write', 'items:read'] }), ['inbox:read'])).not.toThrow();
    expect(() => requireScopes(makeCaller({ scopes: ['account:write'] }), ['org:admin'])).toThrow('org:admin');
  });

  it('takes back what a demoted person could not give any more', () => {
    expect(
      mayHaveGranted(
        { system: 'admin', permissions: ['items.read'] },
        { system: 'viewer', permissions: ['items.read'] },
      ),
    ).toBe(true);
    expect(mayHaveGranted({ system: null, permissions: ['*'] }, ownerRole)).toBe(false);
    expect(mayHaveGranted({ system: null, permissions: [] }, { system: 'viewer', permissions: ['items.read'] })).toBe(
      false,
    );
  });
});

describe('what an agent may see', () => {
  const own: ItemScope = { kind: 'own' };
  const org: ItemScope = { kind: 'org' };
  const channels = (...channel_ids: string[]): ItemScope => ({ kind: 'channels', channel_ids });
  it.each([
    [org, org, true],
    [org, channels('a'), true],
    [own, own, true],
    [own, channels('a'), false],
    [own, org, false],
    [channels('a', 'b'), channels('a'), true],
    [channels('a'), channels('a', 'b'), false],
    [channels('a'), own, true],
    [channels('a'), org, false],
  ])('%j covers %j: %s', (held, wanted, covered) => {
    expect(itemScopeCovers(held, wanted)).toBe(covered);
  });
});

describe('where a call runs', () => {
  it('is its own organisation, under two names', () => {
    const caller = makeCaller();
    expect(requireOwnOrg(caller, 'current')).toBe(caller.org_id);
    expect(requireOwnOrg(caller, caller.org_id.toUpperCase())).toBe(caller.org_id);
    expect(() => requireOwnOrg(caller, makeCaller().org_id)).toThrow(expect.objectContaining({ code: 'not_found' }));
  });

  it('takes a session for what ends in a session', () => {
    const credential = { id: 'x', expires_at: null } as const;
    expect(() => requireSession(makeCaller({ credential: { ...credential, kind: 'session' } }))).not.toThrow();
    for (const kind of ['api_key', 'access_token'] as const) {
      expect(() => requireSession(makeCaller({ credential: { ...credential, kind } }))).toThrow(
        expect.objectContaining({ code: 'permission_denied' }),
      );
    }
  });
});
