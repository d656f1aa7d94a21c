import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cookieJar } from '../../../test/support/cookie-jar.ts';
import {
  cheapPasswords,
  createIdentityTest,
  type IdentityTest,
  makeIdentity,
  testSetupToken,
} from '../../../test/support/make-identity.ts';
import { callOf, makeOrg, makePerson, publicCall, testPassword } from '../../../test/support/make-org.ts';
import type { Identity } from './index.ts';

let test: IdentityTest;
let identity: Identity;
beforeAll(async () => {
  test = await createIdentityTest();
  identity = test.identity;
});
afterAll(() => test.drop());

const login = (email: string, password = testPassword, ip?: string) =>
  identity.services.signIn.login(publicCall(ip === undefined ? {} : { ip }), { email, password });
const auditOf = async (action: string): Promise<Record<string, unknown>[]> => {
  await test.database.flush();
  return (await test.pool.query('select * from core_audit where action = $1 order by at desc, seq desc', [action]))
    .rows;
};

describe('the first owner', () => {
  const input = { token: testSetupToken, email: 'first@example.org', password: testPassword, name: 'First' };

  it('situation 1: is made once, however many try at the same time', async () => {
    const fresh = await createIdentityTest();
    try {
      const { setup } = fresh.identity.services;
      expect(await setup.status()).toMatchObject({ done: false });
      const tries = await Promise.allSettled(
        Array.from({ length: 10 }, (_, n) =>
          setup.complete(publicCall(), { ...input, email: `first${n}@example.org` }),
        ),
      );
      expect(tries.filter((one) => one.status === 'fulfilled')).toHaveLength(1);
      for (const one of tries) if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'setup_done' });
      const counts = await fresh.pool.query(
        'select (select count(*) from identity_users) users, (select count(*) from identity_orgs) orgs',
      );
      expect(counts.rows[0]).toEqual({ users: 1, orgs: 1 });
      expect(await setup.status()).toMatchObject({ done: true });
      await expect(setup.complete(publicCall(), input)).rejects.toMatchObject({ code: 'setup_done' });
    } finally {
      await fresh.drop();
    }
  });

  it('needs the token, and guesses at it are limited', async () => {
    const fresh = await createIdentityTest();
    try {
      const call = publicCall();
      const wrong = () => fresh.identity.services.setup.complete(call, { ...input, token: 'wrong' });
      for (let n = 0; n < 10; n += 1) await expect(wrong()).rejects.toMatchObject({ code: 'invalid_credentials' });
      await expect(wrong()).rejects.toMatchObject({
        code: 'rate_limited',
        extensions: { retry_after: expect.any(Number) },
      });
    } finally {
      await fresh.drop();
    }
  });

  it('may use any token printed by an earlier start, until it is made', async () => {
    const fresh = await createIdentityTest({ options: { setup_token: null } });
    try {
      const [one, two] = [await fresh.identity.prepareSetupToken(), await fresh.identity.prepareSetupToken()];
      expect(one).not.toBe(two);
      const made = await fresh.identity.services.setup.complete(publicCall(), {
        ...input,
        token: one!,
        org_name: 'Works',
      });
      expect(made).toMatchObject({
        user: { email: 'first@example.org', email_verified: true },
        org: { name: 'Works', is_personal: false, slug: 'works' },
      });
      const caller = await fresh.identity.resolve(made.access_token);
      expect(caller).toMatchObject({ is_operator: true, system_role: 'owner', org_name: 'Works', scopes: ['*'] });
      const me = await fresh.identity.services.account.get(callOf(caller!));
      expect(me.orgs.map((org) => [org.name, org.is_personal, org.role.name])).toEqual([
        ['Works', false, 'owner'],
        ['First', true, 'owner'],
      ]);
      expect(await fresh.identity.prepareSetupToken()).toBeNull();
      expect((await fresh.pool.query('select 1 from identity_setup_tokens')).rowCount).toBe(0);
    } finally {
      await fresh.drop();
    }
  });

  it('creates each organisation together with what higher modules add to it', async () => {
    const fresh = await createIdentityTest();
    try {
      fresh.identity.onOrgCreated(async (tx, org) => {
        expect((await tx.db.selectFrom('identity_orgs').select('id').where('id', '=', org.id).execute()).length).toBe(
          1,
        );
        if (org.name === 'Broken') throw new Error('no channel');
      });
      await expect(
        fresh.identity.services.setup.complete(publicCall(), { ...input, org_name: 'Broken' }),
      ).rejects.toThrow('no channel');
      expect(await fresh.identity.services.setup.isDone()).toBe(false);
    } finally {
      await fresh.drop();
    }
  });
});

describe('signing in', () => {
  it('gives a session of thirty days in the organisation used last, with a cookie', async () => {
    const org = await makeOrg(identity);
    await identity.resolve(org.owner.token);
    await identity.flush();
    const jar = cookieJar();
    const call = publicCall({ cookies: jar.cookies });
    const signed = await identity.services.signIn.login(call, {
      email: ` ${org.owner.email.toUpperCase()} `,
      password: testPassword,
    });
    expect(signed).toMatchObject({ expires_in: 30 * 24 * 3600, user: { id: org.owner.id }, org: { id: org.id } });
    expect(signed.access_token).toMatch(/^ats_[A-Za-z0-9_-]{43}$/);
    expect(jar.kept).toEqual([[signed.access_token, new Date(test.clock.now().getTime() + 30 * 24 * 3600 * 1000)]]);
    const [line] = await auditOf('auth.login');
    expect(line).toMatchObject({ org_id: org.id, actor_id: org.owner.id });
    expect(JSON.stringify(line)).not.toContain(signed.access_token);
  });

  it('answers alike for an unknown account and a wrong password, and says so to the organisation', async () => {
    const org = await makeOrg(identity);
    const wrong = await login(org.owner.email, 'not the password').catch((error: unknown) => error);
    const unknown = await login('nobody@example.org', 'not the password').catch((error: unknown) => error);
    expect(wrong).toMatchObject({ code: 'invalid_credentials', message: (unknown as Error).message });
    const lines = await auditOf('auth.login_failed');
    expect(lines.map((line) => line['org_id'])).toContain(org.id);
    expect(JSON.stringify(lines)).not.toContain('not the password');
    expect(JSON.stringify(lines)).not.toContain('nobody@example.org');
  });

  it('allows five guesses an account and ten an address in a quarter of an hour, and forgives the right password', async () => {
    const { email } = await makePerson(identity, 'Guessed');
    for (let n = 0; n < 8; n += 1) await login(email);
    for (let n = 0; n < 5; n += 1)
      await expect(login(email, 'not the password')).rejects.toMatchObject({ code: 'invalid_credentials' });
    await expect(login(email)).rejects.toMatchObject({ code: 'rate_limited' });
    const ip = '198.51.100.9';
    for (let n = 0; n < 10; n += 1) {
      await expect(login(`nobody${n}@example.org`, 'not the password', ip)).rejects.toMatchObject({
        code: 'invalid_credentials',
      });
    }
    await expect(login('nobody99@example.org', 'x', ip)).rejects.toMatchObject({ code: 'rate_limited' });
    test.clock.advance(31 * 60 * 1000);
    expect(await login(email)).toMatchObject({ user: { email } });
  });

  it('does not let many guesses at once pass the limit', async () => {
    const { email } = await makePerson(identity, 'Rushed');
    const guesses = await Promise.allSettled(Array.from({ length: 20 }, () => login(email, 'not the password')));
    const codes = guesses.map((one) => (one.status === 'rejected' ? (one.reason as { code: string }).code : 'in'));
    expect(codes.filter((code) => code === 'invalid_credentials')).toHaveLength(5);
    expect(codes.filter((code) => code === 'rate_limited')).toHaveLength(15);
  });

  it('renews a hash made with other parameters', async () => {
    const person = await makePerson(identity, 'Renewed');
    const dearer = makeIdentity(test, { password_cost: { ...cheapPasswords, passes: 2 } });
    await dearer.services.signIn.login(publicCall(), { email: person.email, password: testPassword });
    const stored = await test.pool.query('select phc from identity_passwords where user_id = $1', [person.id]);
    expect(stored.rows[0].phc).toContain('t=2');
    expect(await login(person.email)).toMatchObject({ user: { id: person.id } });
  });
});

describe('registering', () => {
  it('needs an invitation unless it is open, and a server that is set up', async () => {
    const fresh = await createIdentityTest({ options: { registration: 'invitation' } });
    try {
      const register = () =>
        fresh.identity.services.signIn.register(publicCall(), {
          email: 'a@example.org',
          password: testPassword,
          name: 'A',
        });
      await expect(register()).rejects.toMatchObject({
        code: 'permission_denied',
        message: 'Set the server up first.',
      });
      await fresh.identity.services.setup.complete(publicCall(), {
        token: testSetupToken,
        email: 'o@example.org',
        password: testPassword,
        name: 'O',
      });
      await expect(register()).rejects.toMatchObject({
        code: 'permission_denied',
        extensions: { required: 'invite_code' },
      });
    } finally {
      await fresh.drop();
    }
  });

  it('gives a personal organisation and an address that is not verified', async () => {
    const person = await makePerson(identity, 'Fresh');
    expect(person.caller).toMatchObject({ system_role: 'owner', org_name: 'Fresh', is_operator: false });
    const me = await identity.services.account.get(person.call);
    expect(me).toMatchObject({
      user: { email_verified: false },
      orgs: [{ is_personal: true }],
      preferences: { theme: 'system' },
    });
  });

  it('refuses a taken address in any case, and common passwords', async () => {
    const person = await makePerson(identity, 'Taken');
    const register = (email: string, password: string) =>
      identity.services.signIn.register(publicCall(), { email, password, name: 'B' });
    await expect(register(person.email.toUpperCase(), testPassword)).rejects.toMatchObject({ code: 'name_taken' });
    await expect(register('other@example.org', 'password123')).rejects.toMatchObject({
      code: 'validation_failed',
      errors: [{ path: 'password' }],
    });
  });
});

describe('the account', () => {
  it('switches organisation by a new session that ends the old one', async () => {
    const org = await makeOrg(identity);
    const home = (await identity.services.account.get(org.owner.call)).orgs.find((one) => one.is_personal)!;
    const switched = await identity.services.signIn.switchOrg(org.owner.call, { org_id: home.id });
    expect(switched.org.id).toBe(home.id);
    expect(await identity.resolve(org.owner.token)).toBeNull();
    expect(await identity.resolve(switched.access_token)).toMatchObject({ org_id: home.id });
    const other = await makeOrg(identity);
    const call = callOf((await identity.resolve(switched.access_token))!);
    await expect(identity.services.signIn.switchOrg(call, { org_id: other.id })).rejects.toMatchObject({
      code: 'not_found',
    });
  });

  it('does not turn a key into a session', async () => {
    const org = await makeOrg(identity);
    const { api_key } = await identity.services.keys.create(org.owner.call, {
      name: 'k',
      scopes: ['account:write'],
      expires_in_days: null,
    });
    const call = callOf((await identity.resolve(api_key))!);
    const refused = { code: 'permission_denied', extensions: { required: 'credential:session' } };
    await expect(identity.services.signIn.switchOrg(call, { org_id: org.id })).rejects.toMatchObject(refused);
    await expect(identity.services.signIn.acceptInvitation(call, { invite_code: 'x' })).rejects.toMatchObject(refused);
    const change = { current_password: testPassword, new_password: 'another long password' };
    await expect(identity.services.account.changePassword(call, change)).rejects.toMatchObject(refused);
  });

  it('ends the other sessions when the password changes', async () => {
    const org = await makeOrg(identity);
    const other = await login(org.owner.email);
    await identity.resolve(other.access_token);
    const change = (current_password: string, new_password: string) =>
      identity.services.account.changePassword(org.owner.call, { current_password, new_password });
    await expect(change('wrong password', 'another long password')).rejects.toMatchObject({
      code: 'invalid_credentials',
    });
    await expect(change(testPassword, 'qwertyuiop')).rejects.toMatchObject({ errors: [{ path: 'new_password' }] });
    await change(testPassword, 'another long password');
    expect(await identity.resolve(other.access_token)).toBeNull();
    expect(await identity.resolve(org.owner.token)).not.toBeNull();
    await expect(login(org.owner.email)).rejects.toMatchObject({ code: 'invalid_credentials' });
    expect(await login(org.owner.email, 'another long password')).toMatchObject({ user: { id: org.owner.id } });
  });

  it('lists sessions, marks the current one, ends others, and signs out', async () => {
    const person = await makePerson(identity, 'Sessions');
    await login(person.email);
    await login(person.email);
    const { sessions } = identity.services;
    const first = await sessions.list(person.call, { limit: 2 });
    const second = await sessions.list(person.call, { limit: 2, cursor: first.next_cursor! });
    const all = [...first.items, ...second.items];
    expect(all).toHaveLength(3);
    expect(new Set(all.map((one) => one.id)).size).toBe(3);
    expect(all.filter((one) => one.current).map((one) => one.id)).toEqual([person.caller.credential.id]);
    await sessions.revoke(person.call, { id: all.find((one) => !one.current)!.id });
    expect(await sessions.revokeOthers(person.call)).toEqual({ revoked: 1 });
    const stranger = await makePerson(identity, 'Stranger');
    await expect(sessions.revoke(stranger.call, { id: person.caller.credential.id! })).rejects.toMatchObject({
      code: 'not_found',
    });
    const jar = cookieJar();
    jar.cookies.set(person.token, new Date(0));
    await sessions.logout({ ...person.call, cookies: jar.cookies });
    expect(jar.held.has('session')).toBe(false);
    expect(await identity.resolve(person.token)).toBeNull();
  });

  it('keeps preferences that were left out, and refuses an unknown time zone', async () => {
    const person = await makePerson(identity, 'Prefers');
    const { account } = identity.services;
    await account.updatePreferences(person.call, { theme: 'nord' });
    expect(await account.updatePreferences(person.call, { time_zone: 'Europe/Berlin' })).toMatchObject({
      theme: 'nord',
      time_zone: 'Europe/Berlin',
      density: 'dense',
    });
    await expect(account.updatePreferences(person.call, { time_zone: 'Mars/Olympus' })).rejects.toMatchObject({
      errors: [{ path: 'time_zone' }],
    });
    await test.pool.query(`update identity_users set preferences = preferences || '{"theme":"gone"}' where id = $1`, [
      person.id,
    ]);
    expect(await account.preferences(person.call)).toMatchObject({ theme: 'system', time_zone: 'Europe/Berlin' });
    const found = await identity.preferencesOf(person.caller.org_id, [person.id]);
    expect(found.get(person.id)).toMatchObject({ time_zone: 'Europe/Berlin' });
  });
});
