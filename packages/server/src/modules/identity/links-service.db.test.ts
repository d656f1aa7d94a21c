import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lettersIn, type ReadLetter, tokenOf } from '../../../test/support/letters.ts';
import { createIdentityTest, type IdentityTest } from '../../../test/support/make-identity.ts';
import { makePerson, publicCall, testPassword } from '../../../test/support/make-org.ts';
import { newId } from '../../platform/ids/ids.ts';
import type { Identity } from './index.ts';

let test: IdentityTest;
let identity: Identity;

beforeAll(async () => {
  test = await createIdentityTest();
  identity = test.identity;
  // The first owner, so that registering is open.
  await makePerson(identity, 'First');
});
afterAll(() => test.drop());

/** Runs the jobs that wait, as the job host would. */
const deliver = async (): Promise<void> => {
  const { rows } = await test.pool.query(
    'select id from identity_magic_links where sent_at is null order by created_at',
  );
  for (const { id } of rows) await identity.services.mail.send('link', id);
};
const lettersTo = (email: string): ReadLetter[] =>
  lettersIn(test.mail_directory).filter(({ to }) => to.includes(email));
const requested = async (kind: 'magicLink' | 'requestReset', email: string): Promise<string> => {
  await identity.services.links[kind](publicCall(), { email });
  test.clock.advance(1);
  await deliver();
  return tokenOf(lettersTo(email).at(-1)!.link);
};
const verify = (token: string) => identity.services.links.verifyToSession(publicCall(), { token });
const dead = { code: 'identity_link_dead', status: 410 };

describe('a sign-in link', () => {
  it('situation 65: is not spent by looking, works once, and dies when a newer one is sent', async () => {
    const person = await makePerson(identity, 'Link');
    const old = await requested('magicLink', person.email);
    await identity.services.links.magicLink(publicCall(), { email: person.email.toUpperCase() });
    test.clock.advance(1);
    await deliver();
    const newest = tokenOf(lettersTo(person.email).at(-1)!.link);
    expect(newest).not.toBe(old);
    await expect(verify(old)).rejects.toMatchObject(dead);
    for (let i = 0; i < 3; i += 1) {
      expect(await identity.services.links.peek(publicCall(), newest)).toMatchObject({ purpose: 'magic' });
    }
    const { purpose, session } = await verify(newest);
    expect(purpose).toBe('magic');
    expect((await identity.resolve(session!.access_token))?.id).toBe(person.id);
    await expect(verify(newest)).rejects.toMatchObject(dead);
    expect(await identity.services.links.peek(publicCall(), newest)).toBeNull();
  });

  it('is spent by one of twenty at once', async () => {
    const person = await makePerson(identity, 'Race');
    const token = await requested('magicLink', person.email);
    const results = await Promise.allSettled(Array.from({ length: 20 }, () => verify(token)));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('lives for fifteen minutes', async () => {
    const person = await makePerson(identity, 'Late');
    const token = await requested('magicLink', person.email);
    test.clock.advance(15 * 60_000);
    await expect(verify(token)).rejects.toMatchObject(dead);
  });

  it('is asked for in the same words and rows for an address that nobody has', async () => {
    const person = await makePerson(identity, 'Known');
    await deliver();
    const answers = await Promise.all(
      [person.email, `nobody-${newId()}@example.org`].map((email) =>
        identity.services.links.magicLink(publicCall(), { email }),
      ),
    );
    expect(answers).toEqual([null, null]);
    const before = lettersIn(test.mail_directory).length;
    await deliver();
    expect(lettersIn(test.mail_directory).length - before).toBe(1);
  });

  it('is limited to three an hour for each address, known or not', async () => {
    const person = await makePerson(identity, 'Often');
    for (const email of [person.email, `nobody-${newId()}@example.org`]) {
      for (let i = 0; i < 3; i += 1) await identity.services.links.magicLink(publicCall(), { email });
      await expect(identity.services.links.magicLink(publicCall(), { email })).rejects.toMatchObject({
        code: 'rate_limited',
        extensions: { retry_after: expect.any(Number) },
      });
    }
    test.clock.advance(2 * 60 * 60_000);
    await identity.services.links.magicLink(publicCall(), { email: person.email });
  });

  it('leaves its token nowhere but in the letter, which its owner alone can read', async () => {
    const person = await makePerson(identity, 'Quiet');
    await identity.services.links.magicLink(publicCall(), { email: person.email });
    const stored = await test.pool.query(
      `select l.*, (select count(*) from dbos.workflow_status) as jobs from identity_magic_links l order by created_at desc limit 1`,
    );
    expect(stored.rows[0].token).toMatch(/^v1\./);
    await deliver();
    const letter = lettersTo(person.email).at(-1)!;
    const token = tokenOf(letter.link);
    expect(letter.subject).toBe('Your sign-in link');
    expect(letter.html).toContain(token);
    const tables = ['identity_magic_links', 'core_audit', 'core_events'];
    for (const table of tables) {
      expect(JSON.stringify((await test.pool.query(`select * from ${table}`)).rows)).not.toContain(token);
    }
    const jobs = await test.pool.query(
      `select inputs::text from dbos.workflow_status where name like '%send-mail%' or inputs::text like '%link%'`,
    );
    expect(jobs.rows.length).toBeGreaterThan(0);
    expect(JSON.stringify(jobs.rows)).not.toContain(token);
    if (process.platform !== 'win32') {
      const modes = readdirSync(test.mail_directory).map(
        (name) => statSync(join(test.mail_directory, name)).mode & 0o777,
      );
      expect(new Set(modes)).toEqual(new Set([0o600]));
    }
  });

  it('throws out whoever held the account before its address was proven', async () => {
    const email = `victim-${newId()}@example.org`;
    const early = await identity.services.signIn.register(publicCall(), {
      email,
      password: testPassword,
      name: 'Mallory',
    });
    const token = await requested('magicLink', email);
    const { session } = await verify(token);
    expect(session!.user).toMatchObject({ email, email_verified: true });
    expect(await identity.resolve(early.access_token)).toBeNull();
    await expect(identity.services.signIn.login(publicCall(), { email, password: testPassword })).rejects.toMatchObject(
      { code: 'invalid_credentials' },
    );
  });
});

describe('an address', () => {
  it('is confirmed by the letter that follows registration', async () => {
    const email = `new-${newId()}@example.org`;
    await identity.services.signIn.register(publicCall(), { email, password: testPassword, name: 'New' });
    await deliver();
    const letter = lettersTo(email).at(-1)!;
    expect(letter.subject).toBe('Confirm your e-mail address');
    expect(await verify(tokenOf(letter.link))).toEqual({ purpose: 'verify', email, session: null });
    const signed = await identity.services.signIn.login(publicCall(), { email, password: testPassword });
    expect(signed.user.email_verified).toBe(true);
  });

  it('is added, confirmed, made the primary one, and the old one removed', async () => {
    const { emails, links } = identity.services;
    const person = await makePerson(identity, 'Moves');
    const address = `moved-${newId()}@example.org`;
    const added = await emails.add(person.call, { address });
    await expect(emails.makePrimary(person.call, { id: added.id })).rejects.toMatchObject({
      code: 'identity_email_unverified',
    });
    // Nobody can sign in by an address that they merely typed.
    await links.magicLink(publicCall(), { email: address });
    await deliver();
    expect(lettersTo(address).map(({ subject }) => subject)).toEqual(['Confirm your e-mail address']);
    await verify(tokenOf(lettersTo(address)[0]!.link));
    await emails.makePrimary(person.call, { id: added.id });
    const { items } = await emails.list(person.call);
    expect(items.map((row) => [row.address, row.primary])).toEqual([
      [address, true],
      [person.email, false],
    ]);
    await expect(emails.remove(person.call, { id: added.id })).rejects.toMatchObject({ code: 'in_use' });
    await emails.remove(person.call, { id: items[1]!.id });
    await expect(emails.remove(person.call, { id: items[1]!.id })).rejects.toMatchObject({ code: 'not_found' });
    const other = await makePerson(identity, 'Stays');
    await expect(emails.add(person.call, { address: other.email })).rejects.toMatchObject({ code: 'name_taken' });
  });
});

describe('a new password by mail', () => {
  it('ends every session, takes the rules of passwords, and works once', async () => {
    const { links, signIn } = identity.services;
    const person = await makePerson(identity, 'Forgot');
    const token = await requested('requestReset', person.email);
    const letter = lettersTo(person.email).at(-1)!;
    expect(letter.link).toContain('/reset-password#token=');
    await expect(verify(token)).rejects.toMatchObject(dead);
    await expect(links.resetPassword(publicCall(), { token, new_password: 'password123' })).rejects.toMatchObject({
      code: 'validation_failed',
    });
    const new_password = 'a quite different secret';
    await links.resetPassword(publicCall(), { token, new_password });
    expect(await identity.resolve(person.token)).toBeNull();
    await signIn.login(publicCall(), { email: person.email, password: new_password });
    await expect(links.resetPassword(publicCall(), { token, new_password })).rejects.toMatchObject(dead);
  });
});

it('an invitation by address is mailed with its code, which is stored encrypted until then', async () => {
  const owner = await makePerson(identity, 'Inviter');
  const org = await identity.services.orgs.create(owner.call, { name: 'Guests' });
  const signed = await identity.services.signIn.switchOrg(owner.call, { org_id: org.id });
  const caller = (await identity.resolve(signed.access_token))!;
  const made = await identity.services.invitations.create(
    { ...owner.call, caller },
    { org: 'current', email: 'guest@example.org', role: 'member', max_uses: null, expires_in_hours: 24 },
  );
  const { rows } = await test.pool.query('select code from identity_invitations where id = $1', [made.invitation.id]);
  expect(rows[0].code).toMatch(/^v1\./);
  await identity.services.mail.send('invitation', made.invitation.id);
  const letter = lettersTo('guest@example.org').at(-1)!;
  expect(letter.link).toBe(made.invite_url);
  expect(letter.subject).toBe(`${caller.name} invites you to Guests`);
  const sent = lettersIn(test.mail_directory).length;
  await identity.services.mail.send('invitation', made.invitation.id);
  expect(lettersIn(test.mail_directory)).toHaveLength(sent);
});
