import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createIdentityTest, type IdentityTest } from '../../../test/support/make-identity.ts';
import { callOf, makeOrg, type TestOrg } from '../../../test/support/make-org.ts';
import { newId } from '../../platform/ids/ids.ts';
import type { Identity } from './index.ts';

let test: IdentityTest;
let identity: Identity;
beforeAll(async () => {
  test = await createIdentityTest();
  identity = test.identity;
});
afterAll(() => test.drop());

const current = { org: 'current' } as const;
const denied = async (org: { id: string }) => {
  await test.database.flush();
  const found = await test.pool.query(
    `select details, actor_id from core_audit where org_id = $1 and action = 'operation.denied' order by seq`,
    [org.id],
  );
  return found.rows as { details: Record<string, unknown>; actor_id: string }[];
};

describe('the last Owner', () => {
  it('situation 14: two Owners who demote each other leave one, 100 times', { tags: ['long'] }, async () => {
    const org = await makeOrg(identity, { members: { Bob: 'owner' } });
    const [a, b] = [org.owner, org.members.Bob];
    const { members } = identity.services;
    const demote = (by: typeof a, whom: typeof a) =>
      members.changeRole(by.call, { ...current, user: whom.id, role: 'member' });
    for (let round = 0; round < 100; round += 1) {
      const both = await Promise.allSettled([demote(a, b), demote(b, a)]);
      expect(both.map((one) => one.status).sort()).toEqual(['fulfilled', 'rejected']);
      const lost = both.find((one) => one.status === 'rejected') as PromiseRejectedResult;
      expect(lost.reason).toMatchObject({
        code: 'last_owner',
        message: 'cannot demote the last Owner',
        extensions: { error: 'cannot demote the last Owner' },
      });
      const [stayed, demoted] = both[0]!.status === 'fulfilled' ? [a, b] : [b, a];
      const left = await test.pool.query(
        `select user_id from identity_members m join identity_roles r on r.id = m.role_id where m.org_id = $1 and r.system = 'owner'`,
        [org.id],
      );
      expect(left.rows).toEqual([{ user_id: stayed.id }]);
      await members.changeRole(stayed.call, { ...current, user: demoted.id, role: 'owner' });
    }
  });

  it('can neither demote, deactivate nor remove themselves', async () => {
    const org = await makeOrg(identity, { members: { Bob: 'owner' } });
    const { members } = identity.services;
    await members.deactivate(org.owner.call, { ...current, user: org.members.Bob.id });
    const self = { ...current, user: org.owner.id };
    for (const act of [
      () => members.changeRole(org.owner.call, { ...self, role: 'admin' }),
      () => members.deactivate(org.owner.call, self),
      () => members.remove(org.owner.call, self),
    ]) {
      await expect(act()).rejects.toMatchObject({ code: 'last_owner' });
    }
    await members.reactivate(org.owner.call, { ...current, user: org.members.Bob.id });
    await members.remove(org.owner.call, self);
    expect(await identity.resolve(org.owner.token)).toBeNull();
  });
});

describe('situation 36: nobody hands out what they lack', () => {
  let org: TestOrg<'Admin' | 'Cat' | 'Olga' | 'Bea'>;
  beforeAll(async () => {
    org = await makeOrg(identity, {
      roles: { Billing: ['items.read', 'org.billing'], Reader: ['items.read', 'users.change_role', 'users.invite'] },
      members: { Admin: 'admin', Cat: 'Reader', Olga: 'owner', Bea: 'Billing' },
    });
  });
  const refused = { code: 'escalation_denied', status: 403 };

  it('on every path, and each attempt is in the audit trail', async () => {
    const { Admin, Cat, Olga, Bea } = org.members;
    const { roles, invitations, members, agents } = identity.services;
    const role = (permissions: string[]) => ({ ...current, name: `R${newId()}`, description: '', permissions });
    const invitation = (name: string) => ({ ...current, role: name, max_uses: null, expires_in_hours: 1 });
    const agent = (name: string) => ({
      name: `A${newId()}`,
      description: '',
      kind: 'agent' as const,
      scopes: [],
      item_scope: { kind: 'own' as const },
      role: name,
    });
    const acts: Record<string, () => Promise<unknown>> = {
      'a role with org.billing': () => roles.create(Admin.call, role(['org.billing'])),
      'a role with everything': () => roles.create(Admin.call, role(['*'])),
      'an invited Owner': () => invitations.create(Admin.call, invitation('owner')),
      'an invitation to more': () => invitations.create(Admin.call, invitation('Billing')),
      'items.* from items.read': () => roles.create(Cat.call, role(['items.*'])),
      'a role changed to more': () =>
        roles.update(Admin.call, { ...current, id: org.roles['Reader']!, permissions: ['org.delete'] }),
      'a role that holds more': () =>
        roles.update(Admin.call, { ...current, id: org.roles['Billing']!, permissions: [] }),
      'a role of more to a member': () => members.changeRole(Admin.call, { ...current, user: Cat.id, role: 'Billing' }),
      'an Owner made by an Admin': () => members.changeRole(Admin.call, { ...current, user: Cat.id, role: 'owner' }),
      'themselves as Owner': () => members.changeRole(Admin.call, { ...current, user: Admin.id, role: 'owner' }),
      'an Owner demoted by an Admin': () =>
        members.changeRole(Admin.call, { ...current, user: Olga.id, role: 'member' }),
      'an Owner shut out by an Admin': () => members.deactivate(Admin.call, { ...current, user: Olga.id }),
      'an Owner removed by an Admin': () => members.remove(Admin.call, { ...current, user: Olga.id }),
      'somebody who holds more removed': () => members.remove(Admin.call, { ...current, user: Bea.id }),
      'an agent that is Owner': () => agents.create(Admin.call, agent('owner')),
      'an agent that holds more': () => agents.create(Admin.call, agent('Billing')),
    };
    for (const [what, act] of Object.entries(acts)) await expect(act(), what).rejects.toMatchObject(refused);
    const lines = await denied(org);
    expect(lines).toHaveLength(Object.keys(acts).length);
    expect(lines[0]).toMatchObject({
      actor_id: Admin.id,
      details: { operation: 'roles.create', code: 'escalation_denied', missing: ['org.billing'] },
    });
  });

  it('counts what the caller holds now, not what they held when they were resolved', async () => {
    const { Admin } = org.members;
    const stale = Admin.call;
    await identity.services.members.changeRole(org.owner.call, { ...current, user: Admin.id, role: 'viewer' });
    const { invitations, members } = identity.services;
    await expect(
      invitations.create(stale, { ...current, role: 'member', max_uses: null, expires_in_hours: 1 }),
    ).rejects.toMatchObject(refused);
    await expect(
      members.changeRole(stale, { ...current, user: org.members.Cat.id, role: 'member' }),
    ).rejects.toMatchObject(refused);
    await members.changeRole(org.owner.call, { ...current, user: Admin.id, role: 'admin' });
  });

  it('lets an Owner do all of it', async () => {
    const { members, roles } = identity.services;
    await roles.create(org.owner.call, { ...current, name: 'Root', description: '', permissions: ['*'] });
    expect(
      await members.changeRole(org.owner.call, { ...current, user: org.members.Olga.id, role: 'ADMIN' }),
    ).toMatchObject({ role: { system: 'admin' } });
    expect(
      await members.changeRole(org.owner.call, { ...current, user: org.members.Olga.id, role: org.roles['Billing']! }),
    ).toMatchObject({ role: { name: 'Billing', system: null } });
  });
});

describe('members', () => {
  it('leave by themselves without a permission, and remove others only with it', async () => {
    const org = await makeOrg(identity, { members: { Bob: 'viewer', Eve: 'member' }, teams: ['Platform'] });
    const { members, teams } = identity.services;
    await teams.addMember(org.owner.call, {
      ...current,
      id: org.teams['Platform']!,
      user_id: org.members.Bob.id,
      role: 'lead',
    });
    await expect(members.remove(org.members.Bob.call, { ...current, user: org.members.Eve.id })).rejects.toMatchObject({
      code: 'permission_denied',
      extensions: { error: 'permission denied', required: 'users.remove' },
    });
    await members.remove(org.members.Bob.call, { ...current, user: org.members.Bob.id });
    const list = await members.list(org.owner.call, { ...current, limit: 50 });
    expect(list.items.map((one) => one.name)).not.toContain('Bob');
    expect(
      (await teams.listMembers(org.owner.call, { ...current, id: org.teams['Platform']!, limit: 50 })).items,
    ).toEqual([]);
    expect((await denied(org)).map((line) => line.details['operation'])).toEqual(['members.remove']);
  });

  it('lose the invitations they sent when they lose the right to send them', async () => {
    const org = await makeOrg(identity, { members: { Ann: 'admin', Abe: 'admin' } });
    const { invitations, members } = identity.services;
    const send = (who: 'Ann' | 'Abe', role: string) =>
      invitations.create(org.members[who].call, { ...current, role, max_uses: null, expires_in_hours: 1 });
    const [asAdmin, asViewer, byAbe] = [
      await send('Ann', 'admin'),
      await send('Ann', 'viewer'),
      await send('Abe', 'viewer'),
    ];
    await members.changeRole(org.owner.call, { ...current, user: org.members.Ann.id, role: 'member' });
    await members.deactivate(org.owner.call, { ...current, user: org.members.Abe.id });
    const state = async (id: string) =>
      (await invitations.list(org.owner.call, { ...current, limit: 50 })).items.find((one) => one.id === id)!.state;
    expect(await state(asAdmin.invitation.id)).toBe('revoked');
    expect(await state(asViewer.invitation.id)).toBe('active');
    expect(await state(byAbe.invitation.id)).toBe('revoked');
  });

  it('are listed in pages, found by part of a name taken literally, with role and teams', async () => {
    const names = Object.fromEntries(
      ['Una', 'Udo', 'Ute', 'Ulf', '100%'].map((name) => [name, { role: 'member', teams: ['All'] }]),
    );
    const org = await makeOrg(identity, { members: names, teams: ['All'] });
    const { members } = identity.services;
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await members.list(org.owner.call, { ...current, limit: 2, cursor });
      expect(page.items.length).toBeLessThanOrEqual(2);
      seen.push(...page.items.map((one) => one.name));
      cursor = page.next_cursor ?? undefined;
    } while (cursor !== undefined);
    expect(seen).toHaveLength(6);
    expect(new Set(seen).size).toBe(6);
    const search = async (q: string) => (await members.list(org.owner.call, { ...current, q, limit: 50 })).items;
    expect(await search('ud')).toMatchObject([
      { name: 'Udo', role: { name: 'member', system: 'member' }, teams: [{ name: 'All' }] },
    ]);
    expect((await search('%')).map((one) => one.name)).toEqual(['100%']);
    await expect(members.list(org.owner.call, { ...current, limit: 2, cursor: 'nonsense' })).rejects.toMatchObject({
      code: 'bad_request',
    });
  });

  it('and agents are the people one can assign to, as long as they are active', async () => {
    const org = await makeOrg(identity, {
      members: { Bob: 'member', Gone: 'member' },
      agents: { Bot: {}, Lamp: { kind: 'device' }, Old: {} },
    });
    await identity.services.members.deactivate(org.owner.call, { ...current, user: org.members.Gone.id });
    await identity.services.agents.delete(org.owner.call, { id: org.agents.Old.id });
    const first = await identity.services.members.people(org.owner.call, { ...current, limit: 2 });
    const rest = await identity.services.members.people(org.owner.call, {
      ...current,
      limit: 2,
      cursor: first.next_cursor!,
    });
    expect([...first.items, ...rest.items].map((one) => [one.kind, one.name])).toEqual([
      ['user', 'Bob'],
      ['agent', 'Bot'],
      ['user', org.owner.caller.name],
    ]);
    expect(rest.next_cursor).toBeNull();
  });
});

describe('custom roles', () => {
  it('have names of their own and stay while somebody holds them', async () => {
    const org = await makeOrg(identity, { roles: { Triage: ['items.read'] }, members: { Bob: 'Triage' } });
    const { roles, members } = identity.services;
    const make = (name: string) => roles.create(org.owner.call, { ...current, name, description: '', permissions: [] });
    await expect(make('triage')).rejects.toMatchObject({ code: 'name_taken' });
    await expect(make('Owner')).rejects.toMatchObject({ code: 'name_taken' });
    const id = org.roles['Triage']!;
    await expect(roles.delete(org.owner.call, { ...current, id })).rejects.toMatchObject({
      code: 'in_use',
      message: 'The role is held by 1 members.',
    });
    await members.changeRole(org.owner.call, { ...current, user: org.members.Bob.id, role: 'viewer' });
    const { invitation } = await identity.services.invitations.create(org.owner.call, {
      ...current,
      role: 'Triage',
      max_uses: null,
      expires_in_hours: 1,
    });
    await expect(roles.delete(org.owner.call, { ...current, id })).rejects.toMatchObject({ code: 'in_use' });
    await identity.services.invitations.revoke(org.owner.call, { ...current, id: invitation.id });
    await roles.delete(org.owner.call, { ...current, id });
    const list = await roles.list(org.owner.call, { ...current, limit: 3 });
    expect(list.items.map((one) => one.name)).toEqual(['owner', 'admin', 'member']);
    const next = await roles.list(org.owner.call, { ...current, limit: 3, cursor: list.next_cursor! });
    expect(next).toMatchObject({ items: [{ name: 'viewer', members: 1 }], next_cursor: null });
  });

  it('are all that changes: system roles do not', async () => {
    const org = await makeOrg(identity);
    const id = '00000000-0000-7000-8000-000000000003';
    await expect(
      identity.services.roles.update(org.owner.call, { ...current, id, permissions: ['*'] }),
    ).rejects.toMatchObject({ code: 'permission_denied' });
    await expect(identity.services.roles.delete(org.owner.call, { ...current, id })).rejects.toMatchObject({
      code: 'permission_denied',
    });
  });
});

describe('events', () => {
  it('of members reach those who may list them, and the member', async () => {
    const { identityEventFilter: filter } = await import('./identity-events.ts');
    const org = await makeOrg(identity, {
      members: { Ann: 'admin', Bob: 'member', Vic: 'viewer' },
      agents: { Bot: {} },
    });
    const other = await makeOrg(identity);
    const { api_key } = await identity.services.keys.create(org.members.Ann.call, {
      name: 'k',
      scopes: ['inbox:read'],
      expires_in_days: null,
    });
    const narrow = (await identity.resolve(api_key))!;
    const receivers = [
      org.owner.caller,
      org.members.Ann.caller,
      org.members.Bob.caller,
      org.members.Vic.caller,
      org.agents.Bot.caller,
      narrow,
      other.owner.caller,
    ];
    await identity.services.members.changeRole(org.owner.call, {
      ...current,
      user: org.members.Bob.id,
      role: 'viewer',
    });
    await identity.services.sessions.logout(callOf(org.members.Vic.caller));
    const found = await test.pool.query(
      'select org_id, seq, kind, subject_id as id, body, at from core_events where org_id = $1 order by seq',
      [org.id],
    );
    const events = found.rows.map((row) => ({ ...row, actor: { type: 'system' as const, id: null, name: '' } }));
    const reached = async (kind: string) => {
      const event = events.findLast((one) => one.kind === kind)!;
      return (await filter.fanOut(event, receivers)).map((body) => (body === null ? '-' : 'x')).join('');
    };
    expect(await reached('identity.member.updated')).toBe('xxx----');
    expect(await reached('identity.session.revoked')).toBe('---x---');
    expect(await reached('identity.agent.created')).toBe('xxxxx--');
    for (const receiver of receivers) {
      const live = await Promise.all(events.map(async (event) => (await filter.fanOut(event, [receiver]))[0]));
      expect(await filter.replay(receiver, events)).toEqual(live);
    }
  });
});
