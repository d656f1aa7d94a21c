import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stepOf, totpCode } from '../../src/modules/identity/totp.ts';
import { createAuthenticator } from '../support/authenticator.ts';
import { type ReadLetter, tokenOf } from '../support/letters.ts';
import { ok, openWorld, type Person, password, type World } from '../support/people.ts';
import { createRestClient, type Json, someAddress } from '../support/rest-client.ts';
import { startSmtpServer, type TestSmtpServer } from '../support/smtp-server.ts';
import { until } from '../support/until.ts';

let smtp: TestSmtpServer;
let world: World;

beforeAll(async () => {
  smtp = await startSmtpServer({ user: 'atrium', password: 'a mail secret' });
  world = await openWorld({
    // One test measures the memory of the process.
    own_process: true,
    env: {
      SMTP_HOST: '127.0.0.1',
      SMTP_PORT: String(smtp.port),
      SMTP_SECURITY: 'none',
      SMTP_USER: 'atrium',
      SMTP_PASSWORD: 'a mail secret',
      SMTP_FROM: 'The house <house@example.org>',
    },
  });
});
afterAll(async () => {
  await world.close();
  await smtp.close();
});

const letter = (email: string, subject: string): Promise<ReadLetter> =>
  until(
    () => smtp.letters.findLast((one) => one.to.includes(email) && one.subject === subject),
    `a letter to ${email}`,
  );
const signIn = (person: { email: string }) => world.anonymous.post('/auth/login', { email: person.email, password });
const bearer = (token: string) => createRestClient(() => world.url, token);
const form = (path: string, members: Record<string, string>, headers: Record<string, string> = {}) =>
  fetch(`${world.url}${path}`, {
    method: 'POST',
    redirect: 'manual',
    headers: { 'x-forwarded-for': someAddress(), ...headers },
    body: new URLSearchParams(members),
  });
const open = (path: string, init: RequestInit = {}) =>
  fetch(`${world.url}${path}`, {
    redirect: 'manual',
    ...init,
    headers: { 'x-forwarded-for': someAddress(), ...init.headers },
  });

const enrolTotp = async (person: Person): Promise<{ secret: string; codes: string[] }> => {
  const { secret } = ok(await person.post('/api/v1/me/factors/totp'));
  // The step before the present one is within the tolerance, and leaves the present one to sign in with.
  const code = totpCode(secret, stepOf(new Date()) - 1);
  return { secret, codes: ok(await person.post('/api/v1/me/factors/totp/confirm', { code })).recovery_codes };
};

describe('a sign-in link', () => {
  it('situation 65: a scanner opens it in vain, the person’s post spends it, a second post and an older link are dead', async () => {
    const person = await world.makePerson('Scanned');
    expect((await world.anonymous.post('/auth/magic-link', { email: person.email })).status).toBe(204);
    const first = await letter(person.email, 'Your sign-in link');
    expect(first).toMatchObject({ from: 'The house <house@example.org>' });
    const token = tokenOf(first.link);
    for (const method of ['GET', 'HEAD', 'GET']) {
      const page = await open(`/auth/verify?token=${token}`, { method });
      expect(page.status).toBe(200);
      expect(page.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
      expect(page.headers.get('referrer-policy')).toBe('no-referrer');
    }
    smtp.letters.length = 0;
    await world.anonymous.post('/auth/magic-link', { email: person.email });
    const newer = tokenOf((await letter(person.email, 'Your sign-in link')).link);
    expect((await form('/auth/verify', { token })).status).toBe(410);
    const answer = await form('/auth/verify', { token: newer });
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/']);
    const session = /atrium_session=([^;]+); Path=\/; HttpOnly; SameSite=Lax/.exec(
      answer.headers.get('set-cookie')!,
    )![1]!;
    expect(ok(await bearer(session).get('/api/v1/me')).user.id).toBe(person.id);
    expect((await form('/auth/verify', { token: newer })).status).toBe(410);
    expect((await open(`/auth/verify?token=${newer}`)).status).toBe(410);
    expect((await world.anonymous.post('/auth/verify', { token: newer })).body.code).toBe('identity_link_dead');
  });

  it('is not posted from another site', async () => {
    const person = await world.makePerson('Framed');
    await world.anonymous.post('/auth/magic-link', { email: person.email });
    const token = tokenOf((await letter(person.email, 'Your sign-in link')).link);
    const foreign = await form(
      '/auth/verify',
      { token },
      { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
    );
    expect(foreign.status).toBe(403);
    expect((await world.anonymous.post('/auth/verify', { token })).body).toMatchObject({
      purpose: 'magic',
      session: { user: { id: person.id } },
    });
  });

  it('arrives although the mail server refused it at first, once', async () => {
    const person = await world.makePerson('Retried');
    await letter(person.email, 'Confirm your e-mail address');
    const refused = smtp.refused();
    smtp.refuse(1);
    await world.anonymous.post('/auth/magic-link', { email: person.email });
    await letter(person.email, 'Your sign-in link');
    expect(smtp.refused()).toBe(refused + 1);
    expect(
      smtp.letters.filter((one) => one.to.includes(person.email) && one.subject === 'Your sign-in link'),
    ).toHaveLength(1);
  });

  it('situation 63: is answered alike for an unknown address, for the same work', async () => {
    const person = await world.makePerson('Sixtythree');
    const work = async () =>
      (
        await world.database.query(
          `select (select count(*)::int from identity_magic_links) as links,
                  (select count(*)::int from dbos.workflow_status where name = 'send-mail') as jobs`,
        )
      ).rows[0];
    const done: Json[] = [];
    for (const email of [person.email, 'nobody-63@example.org']) {
      const before = await work();
      const answer = await world.anonymous.post('/auth/magic-link', { email });
      const after = await work();
      done.push({ ...answer, headers: undefined, links: after.links - before.links, jobs: after.jobs - before.jobs });
    }
    // What is written and begun is the same, so that neither answer takes longer than the other.
    expect(done[0]).toMatchObject({ status: 204, body: null, links: 1, jobs: 1 });
    expect(done[1]).toEqual(done[0]);
  });
});

describe('a second factor', () => {
  it('situation 71: stands between the password and the session', async () => {
    const person = await world.makePerson('Second');
    const { secret, codes } = await enrolTotp(person);
    const refused = await signIn(person);
    expect(refused.status).toBe(401);
    expect(refused.body).toMatchObject({ code: 'identity_factor_required', methods: ['totp', 'recovery_code'] });
    expect(refused.headers.get('set-cookie')).toBeNull();
    const code = totpCode(secret, stepOf(new Date()));
    const { challenge } = refused.body;
    const signed = await world.anonymous.post('/auth/totp', { challenge, code });
    expect(signed.status).toBe(200);
    expect(signed.headers.get('set-cookie')).toContain('atrium_session=');
    const again = (await signIn(person)).body.challenge;
    expect((await world.anonymous.post('/auth/totp', { challenge: again, code })).status).toBe(401);
    expect((await world.anonymous.post('/auth/totp', { challenge: again, code: codes[0] })).status).toBe(200);
    expect(ok(await person.get('/api/v1/me/factors'))).toMatchObject({ recovery_codes_left: 9, passkeys: 0 });
  });

  it('is asked for after a mailed link too, and its challenge travels in a fragment', async () => {
    const person = await world.makePerson('Both');
    await world.anonymous.post('/auth/verify', {
      token: tokenOf((await letter(person.email, 'Confirm your e-mail address')).link),
    });
    const { codes } = await enrolTotp(person);
    await world.anonymous.post('/auth/magic-link', { email: person.email });
    const token = tokenOf((await letter(person.email, 'Your sign-in link')).link);
    const answer = await form('/auth/verify', { token });
    expect(answer.headers.get('set-cookie')).toBeNull();
    const challenge = /^\/sign-in\/factor#challenge=([\w-]+)$/.exec(answer.headers.get('location')!)![1];
    expect((await world.anonymous.post('/auth/totp', { challenge, code: codes[1] })).status).toBe(200);
  });
});

describe('a passkey', () => {
  it('is made over REST, signs in alone, and is named and removed', async () => {
    const person = await world.makePerson('Passkeys');
    const device = createAuthenticator(new URL(world.server.url).origin.replace('127.0.0.1', 'localhost'));
    const begun = ok(await person.post('/api/v1/me/passkeys/options'));
    const made = ok(
      await person.post('/api/v1/me/passkeys', {
        ceremony_id: begun.ceremony_id,
        credential: device.create(begun.options),
        name: 'Key ring',
      }),
    );
    const { ceremony_id, options } = ok(await world.anonymous.post('/auth/passkey/options'));
    const signed = await world.anonymous.post('/auth/passkey/verify', { ceremony_id, credential: device.get(options) });
    expect(signed.body.user.id).toBe(person.id);
    expect(ok(await bearer(signed.body.access_token).get('/api/v1/me/factors')).session).toMatchObject({ acr: 'aal2' });
    ok(await person.patch(`/api/v1/me/passkeys/${made.id}`, { name: 'Spare' }));
    expect(ok(await person.get('/api/v1/me/passkeys')).items).toMatchObject([{ name: 'Spare' }]);
    // The session of the person has shown the passkey when it was made.
    expect((await person.delete(`/api/v1/me/passkeys/${made.id}`)).status).toBe(204);
  });
});

it('situation 72: a new password ends the other sessions, and keys stay', async () => {
  const person = await world.makePerson('Rekeyed');
  const other = ok(await signIn(person)).access_token;
  const { api_key } = ok(await person.post('/api/v1/me/api-keys', { name: 'script' }));
  ok(await person.post('/api/v1/me/password', { current_password: password, new_password: 'a different long secret' }));
  expect((await bearer(other).get('/api/v1/me')).status).toBe(401);
  expect((await bearer(api_key).get('/api/v1/me')).status).toBe(200);
  expect((await person.get('/api/v1/me')).status).toBe(200);
});

it('a forgotten password is set anew by mail, which ends every session', async () => {
  const person = await world.makePerson('Forgetful');
  ok(await world.anonymous.post('/auth/password-reset', { email: person.email }));
  const token = tokenOf((await letter(person.email, 'Set a new password')).link);
  const page = await open(`/auth/verify?token=${token}`);
  expect(page.headers.get('location')).toBe(`/reset-password#token=${token}`);
  const input = { token, new_password: 'a different long secret' };
  expect((await world.anonymous.post('/auth/password-reset/complete', input)).status).toBe(204);
  expect((await world.anonymous.post('/auth/password-reset/complete', input)).status).toBe(410);
  expect((await person.get('/api/v1/me')).status).toBe(401);
  expect(
    (await world.anonymous.post('/auth/login', { email: person.email, password: input.new_password })).status,
  ).toBe(200);
});

it('an invitation by address is mailed, and its link opens the invitation', async () => {
  const org = await world.makeOrg('Mailing');
  ok(await org.owner.post('/api/v1/orgs/current/invitations', { role: 'member', email: 'guest@example.org' }));
  const { link } = await letter('guest@example.org', `${org.owner.name} invites you to Mailing`);
  const code = new URL(link!).pathname.split('/').at(-1);
  expect(ok(await world.anonymous.get(`/auth/invitations/${code}`))).toMatchObject({
    org_name: 'Mailing',
    email: 'guest@example.org',
  });
});

it('no token, code or secret of all this is in the log of the server, nor in its jobs', async () => {
  const sent = smtp.letters.flatMap(({ link }) => (link?.includes('token=') ? [tokenOf(link)] : []));
  expect(sent.length).toBeGreaterThan(8);
  const log = world.server.output();
  const jobs = JSON.stringify([
    (await world.database.query('select * from dbos.workflow_status')).rows,
    (await world.database.query('select * from dbos.workflow_input')).rows,
  ]);
  for (const token of sent) {
    expect(log).not.toContain(token);
    expect(jobs).not.toContain(token);
  }
  expect(log).not.toContain('a mail secret');
});

describe('a flood of passwords', () => {
  const attempt = (email: string) => world.anonymous.post('/auth/login', { email, password: 'not the password' });
  /** Seconds of processor that the server has used; hashing takes nearly all of a sign-in. */
  const work = (): number => {
    const fields = readFileSync(`/proc/${world.server.pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
    return (Number(fields[11]) + Number(fields[12])) / 100;
  };
  const peakMemory = (): number =>
    Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${world.server.pid}/status`, 'utf8'))![1]) * 1024;

  it('63: an unknown address and a wrong password get one answer, for the same work', async () => {
    const people = await Promise.all(Array.from({ length: 3 }, (_, n) => world.makePerson(`Guessed ${n}`)));
    const spent = { wrong: 0, unknown: 0 };
    const answers = new Set<string>();
    for (const [kind, emails] of [
      ['wrong', people.map(({ email }) => email)],
      ['unknown', people.map((_, n) => `nobody-${n}@example.org`)],
    ] as const) {
      const before = work();
      for (const email of [...emails, ...emails]) {
        const { status, headers, body } = await attempt(email);
        const { request_id, ...said } = body as Json;
        expect(request_id).toBeTypeOf('string');
        const names = [...headers.keys()].filter((name) => name !== 'content-length').sort();
        answers.add(JSON.stringify([status, said, names]));
      }
      spent[kind] = work() - before;
    }
    expect([...answers]).toHaveLength(1);
    expect([...answers][0]).toContain('invalid_credentials');
    // A check that is left out for unknown addresses would cost a tenth of this.
    expect(spent.unknown).toBeGreaterThan(spent.wrong / 2);
    expect(spent.unknown).toBeLessThan(spent.wrong * 2);
  });

  it('64: fifty at once take the memory of four, and the server answers others meanwhile', async () => {
    writeFileSync(`/proc/${world.server.pid}/clear_refs`, '5');
    const before = peakMemory();
    let waiting = 50;
    const tries = Array.from({ length: 50 }, (_, n) =>
      attempt(`flood-${n}@example.org`).finally(() => {
        waiting -= 1;
      }),
    );
    let others = 0;
    while (waiting > 10) {
      expect((await world.anonymous.get('/health')).status).toBe(200);
      others += 1;
    }
    for (const { status } of await Promise.all(tries)) expect(status).toBe(401);
    // Answered between the hashes and not after all of them.
    expect(others).toBeGreaterThan(10);
    expect(peakMemory() - before).toBeLessThan(6 * 64 * 1024 * 1024);
  });
});
