import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createIdentityTest, type IdentityTest } from '../../../test/support/make-identity.ts';
import { callOf, makeOrg, makePerson, publicCall, type TestOrg, testPassword } from '../../../test/support/make-org.ts';
import type { Identity } from './index.ts';

let test: IdentityTest;
let identity: Identity;
beforeAll(async () => {
  test = await createIdentityTest({ max: 20 });
  identity = test.identity;
});
afterAll(() => test.drop());

const invite = (
  org: TestOrg,
  parts: Partial<{
    email: string;
    role: string;
    team_id: string;
    max_uses: number | null;
    expires_in_hours: number;
  }> = {},
) =>
  identity.services.invitations.create(org.owner.call, {
    org: 'current',
    role: 'member',
    max_uses: null,
    expires_in_hours: 168,
    ...parts,
  });
const accept = (
  person: { call: Parameters<typeof identity.services.signIn.acceptInvitation>[0] },
  invite_code: string,
) => identity.services.signIn.acceptInvitation(person.call, { invite_code });
const uses = async (id: string) =>
  (await test.pool.query('select uses from identity_invitations where id = $1', [id])).rows[0].uses as number;
const memberCount = async (org: TestOrg) =>
  (await test.pool.query('select 1 from identity_members where org_id = $1', [org.id])).rowCount;
const uniform = { code: 'not_found', message: 'The invitation does not exist, or you may not see it.' };

describe('an invitation by link', () => {
  it('shows where it leads, and lets in for seven days', async () => {
    const org = await makeOrg(identity, { name: 'Acme', teams: ['Platform'] });
    const { invitation, invite_code, invite_url } = await invite(org, {
      team_id: org.teams['Platform']!,
      role: 'viewer',
    });
    expect(invite_code).toMatch(/^[A-Za-z0-9_-]{32}$/);
    expect(invite_url).toBe(`http://localhost:4400/invite/${invite_code}`);
    expect(invitation).toMatchObject({
      state: 'active',
      uses: 0,
      max_uses: null,
      role: { name: 'viewer' },
      team: { name: 'Platform' },
      created_by: { id: org.owner.id },
    });
    expect(await identity.services.invitations.preview(publicCall(), { code: invite_code })).toEqual({
      org_name: 'Acme',
      role: 'viewer',
      team_name: 'Platform',
      inviter_name: org.owner.caller.name,
      email: null,
    });
    const person = await makePerson(identity, 'Guest');
    const joined = await accept(person, invite_code);
    expect(joined).toMatchObject({ org: { id: org.id }, expires_in: 7 * 24 * 3600 });
    expect(await identity.resolve(joined.access_token)).toMatchObject({ org_id: org.id, system_role: 'viewer' });
    expect(await identity.resolve(person.token)).toBeNull();
    const team = await identity.services.teams.listMembers(org.owner.call, {
      org: 'current',
      id: org.teams['Platform']!,
      limit: 50,
    });
    expect(team.items).toMatchObject([{ user_id: person.id, role: 'member' }]);
  });

  it('situation 15: with five uses lets exactly five of twenty in at once', async () => {
    const org = await makeOrg(identity);
    const { invitation, invite_code } = await invite(org, { max_uses: 5 });
    const people = [];
    for (let n = 0; n < 20; n += 1) people.push(await makePerson(identity, `Guest${n}`));
    const answers = await Promise.allSettled(people.map((person) => accept(person, invite_code)));
    expect(answers.filter((one) => one.status === 'fulfilled')).toHaveLength(5);
    for (const one of answers) if (one.status === 'rejected') expect(one.reason).toMatchObject(uniform);
    expect(await memberCount(org)).toBe(6);
    expect(await uses(invitation.id)).toBe(5);
  });

  it('situation 15: is used once by a person who accepts twice, also at once', async () => {
    const org = await makeOrg(identity);
    const { invitation, invite_code } = await invite(org, { max_uses: 1 });
    const person = await makePerson(identity, 'Twice');
    const again = await identity.services.signIn.login(publicCall(), { email: person.email, password: testPassword });
    const second = callOf((await identity.resolve(again.access_token))!);
    const both = await Promise.all([accept(person, invite_code), accept({ call: second }, invite_code)]);
    expect(both.map((one) => one.org.id)).toEqual([org.id, org.id]);
    expect(await uses(invitation.id)).toBe(1);
    expect(await memberCount(org)).toBe(2);
  });

  it('does not change a member, and uses nothing up', async () => {
    const org = await makeOrg(identity, { members: { Bob: 'viewer' } });
    const { invitation, invite_code } = await invite(org, { role: 'admin', max_uses: 3 });
    const joined = await accept(org.members.Bob, invite_code);
    expect(await identity.resolve(joined.access_token)).toMatchObject({ system_role: 'viewer' });
    expect(await uses(invitation.id)).toBe(0);
  });

  it('does not let somebody back in who was shut out', async () => {
    const org = await makeOrg(identity, { members: { Bob: 'member' } });
    const { invite_code } = await invite(org);
    await identity.services.members.deactivate(org.owner.call, { org: 'current', user: org.members.Bob.id });
    const back = await identity.services.signIn.login(publicCall(), {
      email: org.members.Bob.email,
      password: testPassword,
    });
    expect(back.org.is_personal).toBe(true);
    await expect(
      accept({ call: callOf((await identity.resolve(back.access_token))!) }, invite_code),
    ).rejects.toMatchObject(uniform);
  });

  it('answers alike when it is unknown, revoked, expired, used up or mistyped', async () => {
    const org = await makeOrg(identity);
    const [revoked, expired, usedUp] = [
      await invite(org),
      await invite(org, { expires_in_hours: 1 }),
      await invite(org, { max_uses: 1 }),
    ];
    await identity.services.invitations.revoke(org.owner.call, { org: 'current', id: revoked.invitation.id });
    await makePerson(identity, 'First', usedUp.invite_code);
    test.clock.advance(3600 * 1000);
    const person = await makePerson(identity, 'Late');
    for (const code of [
      revoked.invite_code,
      expired.invite_code,
      usedUp.invite_code,
      'A'.repeat(32),
      '',
      'a/b?c',
      '\0'.repeat(32),
    ]) {
      await expect(accept(person, code), code).rejects.toMatchObject(uniform);
      await expect(identity.services.invitations.preview(publicCall(), { code })).rejects.toMatchObject(uniform);
      const register = identity.services.signIn.register(publicCall(), {
        email: 'late@example.org',
        password: testPassword,
        name: 'L',
        invite_code: code,
      });
      await expect(register).rejects.toMatchObject(uniform);
    }
    const states = (await identity.services.invitations.list(org.owner.call, { org: 'current', limit: 50 })).items.map(
      (one) => one.state,
    );
    expect(states).toEqual(['used_up', 'expired', 'revoked']);
    await expect(
      identity.services.invitations.revoke(org.owner.call, { org: 'current', id: revoked.invitation.id }),
    ).rejects.toMatchObject({ code: 'not_found' });
  });

  it('still lets in when its team is gone', async () => {
    const org = await makeOrg(identity, { teams: ['Short'] });
    const { invite_code } = await invite(org, { team_id: org.teams['Short']! });
    await identity.services.teams.delete(org.owner.call, { org: 'current', id: org.teams['Short']! });
    const person = await makePerson(identity, 'Teamless', invite_code);
    expect(person.caller.org_id).toBe(org.id);
  });
});

describe('an invitation by address', () => {
  it('is good once, for that verified address in any case', async () => {
    const org = await makeOrg(identity);
    const { invitation, invite_code } = await invite(org, { email: 'New.One@Example.org', max_uses: 50 });
    expect(invitation).toMatchObject({ max_uses: 1, email: 'New.One@Example.org' });
    const unverified = await makePerson(identity, 'Other');
    await expect(accept(unverified, invite_code)).rejects.toMatchObject(uniform);
    const register = (email: string) =>
      identity.services.signIn.register(publicCall(), { email, password: testPassword, name: 'New One', invite_code });
    await expect(register('somebody.else@example.org')).rejects.toMatchObject(uniform);
    const made = await register('new.one@example.org');
    expect(made).toMatchObject({ user: { email_verified: true }, org: { id: org.id }, expires_in: 7 * 24 * 3600 });
  });

  it('is not for an account that has the address unverified', async () => {
    const person = await makePerson(identity, 'Claims');
    const org = await makeOrg(identity);
    const { invite_code } = await invite(org, { email: person.email });
    await expect(accept(person, invite_code)).rejects.toMatchObject(uniform);
    await test.pool.query('update identity_emails set verified_at = now() where user_id = $1', [person.id]);
    expect(await accept(person, invite_code)).toMatchObject({ org: { id: org.id } });
  });
});

describe('seats', () => {
  it('are counted under a lock: of ten who join at once, as many get in as seats are free', async () => {
    const org = await makeOrg(identity, { members: { Bob: 'member' } });
    await test.pool.query(`update identity_subscriptions set limits = '{"max_seats":5}' where org_id = $1`, [org.id]);
    // One invitation each, so that nothing but the seats makes them wait for each other.
    const guests = [];
    for (let n = 0; n < 10; n += 1) {
      const { invitation, invite_code } = await invite(org, { max_uses: 1 });
      guests.push({ ...(await makePerson(identity, `Seat${n}`)), invitation, invite_code });
    }
    const answers = await Promise.allSettled(guests.map((guest) => accept(guest, guest.invite_code)));
    const refused = answers.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
    expect(refused).toHaveLength(7);
    for (const reason of refused)
      expect(reason).toMatchObject({
        code: 'plan_limit_exceeded',
        extensions: { limit: 'max_seats', current: 5, max: 5 },
      });
    const used = await Promise.all(guests.map((guest) => uses(guest.invitation.id)));
    expect(used.reduce((sum, count) => sum + count, 0)).toBe(3);
    await identity.services.members.deactivate(org.owner.call, { org: 'current', user: org.members.Bob.id });
    const late = guests[answers.findIndex((one) => one.status === 'rejected')]!;
    expect(await accept(late, late.invite_code)).toMatchObject({ org: { id: org.id } });
    await expect(
      identity.services.members.reactivate(org.owner.call, { org: 'current', user: org.members.Bob.id }),
    ).rejects.toMatchObject({ code: 'plan_limit_exceeded' });
  });

  it('and teams, agents and notifications have limits too', async () => {
    const org = await makeOrg(identity, { teams: ['One'], agents: { Bot: {} } });
    await test.pool.query(
      `update identity_subscriptions set plan = 'free', limits = '{"max_teams":1,"agents":1,"monthly_notifications":10}' where org_id = $1`,
      [org.id],
    );
    await expect(
      identity.services.teams.create(org.owner.call, { org: 'current', name: 'Two', description: '' }),
    ).rejects.toMatchObject({ extensions: { limit: 'max_teams', current: 1, max: 1 } });
    const agent = {
      name: 'Two',
      description: '',
      kind: 'agent' as const,
      scopes: [],
      item_scope: { kind: 'own' as const },
    };
    await expect(identity.services.agents.create(org.owner.call, agent)).rejects.toMatchObject({
      extensions: { limit: 'agents' },
    });
    const take = () =>
      test.database.transaction(org.owner.call, (tx) => identity.consume(tx, org.id, 'monthly_notifications'));
    const taken = await Promise.allSettled(Array.from({ length: 14 }, take));
    expect(taken.filter((one) => one.status === 'fulfilled')).toHaveLength(10);
    for (const one of taken)
      if (one.status === 'rejected')
        expect(one.reason).toMatchObject({ extensions: { limit: 'monthly_notifications', current: 10, max: 10 } });
    expect(await identity.services.plan.usage(org.owner.call, { org: 'current' })).toEqual({
      ...{ plan: 'free', seats: 1, teams: 1, agents: 1, notifications_this_month: 10, storage_bytes: 0 },
      limits: { max_teams: 1, agents: 1, monthly_notifications: 10 },
    });
    test.clock.advance(31 * 24 * 3600 * 1000);
    expect(await take()).toEqual({ current: 1, max: 10 });
  });
});
