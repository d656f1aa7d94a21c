import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cookieJar } from '../../../test/support/cookie-jar.ts';
import { createIdentityTest, type IdentityTest, makeIdentity } from '../../../test/support/make-identity.ts';
import { callOf, makePerson, publicCall, type TestPerson, testPassword } from '../../../test/support/make-org.ts';
import { AppError } from '../../platform/errors/app-error.ts';
import type { Identity } from './index.ts';
import { stepOf, totpCode } from './totp.ts';

let test: IdentityTest;
let identity: Identity;

beforeAll(async () => {
  test = await createIdentityTest({ max: 30 });
  identity = test.identity;
});
afterAll(() => test.drop());

const minute = 60_000;
const codeNow = (secret: string): string => totpCode(secret, stepOf(test.clock.now()));

/** Somebody with an authenticator, its time one step on, so that the code that confirmed it is behind. */
const withTotp = async (name: string): Promise<TestPerson & { secret: string; codes: string[] }> => {
  const person = await makePerson(identity, name);
  const { secret } = await identity.services.factors.enrolTotp(person.call);
  const { recovery_codes } = await identity.services.factors.confirmTotp(person.call, { code: codeNow(secret) });
  test.clock.advance(30_000);
  return { ...person, secret, codes: recovery_codes };
};

const refusal = async (act: Promise<unknown>): Promise<AppError> => {
  const error = await act.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof AppError)) throw new Error(`no refusal, but ${String(error)}`);
  return error;
};

const login = (email: string, parts: Parameters<typeof publicCall>[0] = {}) =>
  identity.services.signIn.login(publicCall(parts), { email, password: testPassword });

const challengeOf = async (email: string): Promise<string> => {
  const error = await refusal(login(email));
  expect(error).toMatchObject({ code: 'identity_factor_required', status: 401 });
  expect(error.extensions).toMatchObject({ methods: ['totp', 'recovery_code'], expires_in: 300 });
  return String(error.extensions['challenge']);
};

const answer = (challenge: string, code: string, parts: Parameters<typeof publicCall>[0] = {}, remember = false) =>
  identity.services.factors.answerChallenge(publicCall(parts), { challenge, code, remember });

describe('an authenticator', () => {
  it('is asked for at the next sign-in, and its session says that two factors were shown', async () => {
    const person = await withTotp('Totp');
    expect(person.codes).toHaveLength(10);
    const challenge = await challengeOf(person.email);
    const signed = await answer(challenge, codeNow(person.secret));
    const caller = await identity.resolve(signed.access_token);
    const proof = await identity.sessionProof(caller!.credential.id!);
    expect(proof).toMatchObject({ acr: 'aal2', amr: ['pwd', 'otp', 'mfa'] });
    expect((await refusal(answer(challenge, person.codes[0]!))).code).toBe('identity_challenge_dead');
  });

  it('situation 71: takes a code once, also within its window and for another sign-in', async () => {
    const person = await withTotp('Replayed');
    const code = codeNow(person.secret);
    await answer(await challengeOf(person.email), code);
    expect(await refusal(answer(await challengeOf(person.email), code))).toMatchObject({ code: 'invalid_credentials' });
    test.clock.advance(30_000);
    // The step before would still be in the window, but a later one was taken.
    expect(await refusal(answer(await challengeOf(person.email), code))).toMatchObject({ code: 'invalid_credentials' });
    await answer(await challengeOf(person.email), codeNow(person.secret));
  });

  it('situation 71: is not skipped by the cookie of a session, and a challenge is no session', async () => {
    const person = await withTotp('Cached');
    const jar = cookieJar();
    jar.held.set('atrium_session', person.token);
    jar.held.set('atrium_remembered', 'x'.repeat(43));
    expect((await refusal(login(person.email, { cookies: jar.cookies }))).code).toBe('identity_factor_required');
    expect(await identity.resolve(await challengeOf(person.email))).toBeNull();
  });

  it('is not asked for in a browser that is remembered, which counts as one factor', async () => {
    const person = await withTotp('Remembered');
    const jar = cookieJar();
    await answer(await challengeOf(person.email), codeNow(person.secret), { cookies: jar.cookies }, true);
    const signed = await login(person.email, { cookies: jar.cookies });
    const caller = await identity.resolve(signed.access_token);
    expect(await identity.sessionProof(caller!.credential.id!)).toMatchObject({ acr: 'aal1', amr: ['pwd', 'rem'] });
    await identity.services.factors.forgetRemembered(person.call);
    expect((await refusal(login(person.email, { cookies: jar.cookies }))).code).toBe('identity_factor_required');
  });

  it('ends a challenge after five wrong codes, and limits tries for the account', async () => {
    const person = await withTotp('Guessed');
    const challenge = await challengeOf(person.email);
    const codes: string[] = [];
    for (let i = 0; i < 6; i += 1) codes.push((await refusal(answer(challenge, '000000'))).code);
    expect(codes.slice(0, 5)).toEqual(Array(5).fill('invalid_credentials'));
    expect(codes[5]).toBe('identity_challenge_dead');
    expect((await refusal(answer(await challengeOf(person.email), '000000'))).code).toBe('rate_limited');
    test.clock.advance(31 * minute);
    const late = await challengeOf(person.email);
    test.clock.advance(6 * minute);
    expect((await refusal(answer(late, codeNow(person.secret)))).code).toBe('identity_challenge_dead');
  });

  it('keeps its secret encrypted, and shows it once', async () => {
    const person = await makePerson(identity, 'Sealed');
    const { secret } = await identity.services.factors.enrolTotp(person.call);
    const { rows } = await test.pool.query('select secret from identity_totp where user_id = $1', [person.id]);
    expect(rows[0].secret).toMatch(/^v1\./);
    expect(JSON.stringify((await test.pool.query('select * from core_audit')).rows)).not.toContain(secret);
    expect((await refusal(identity.services.factors.confirmTotp(person.call, { code: '000000' }))).code).toBe(
      'invalid_credentials',
    );
    await identity.services.factors.confirmTotp(person.call, { code: codeNow(secret) });
    expect((await refusal(identity.services.factors.enrolTotp(person.call))).code).toBe('in_use');
  });
});

describe('a recovery code', () => {
  it('is good for one of fifty tries at once', async () => {
    const person = await withTotp('Fifty');
    // Each try has a challenge of its own and no limit of guesses stands before it: only the code itself decides.
    const many = { max: 1000, windowMs: minute };
    const { services } = makeIdentity(test, { options: { login: many, login_account: many } });
    const begin = async () => {
      const error = await refusal(services.signIn.login(publicCall(), { email: person.email, password: testPassword }));
      return String(error.extensions['challenge']);
    };
    const challenges = await Promise.all(Array.from({ length: 50 }, begin));
    const input = { code: person.codes[3]!, remember: false };
    const results = await Promise.allSettled(
      challenges.map((challenge) => services.factors.answerChallenge(publicCall(), { challenge, ...input })),
    );
    const won = results.filter(({ status }) => status === 'fulfilled');
    const lost = results.flatMap((result) => (result.status === 'rejected' ? [(result.reason as AppError).code] : []));
    expect(won).toHaveLength(1);
    expect(new Set(lost)).toEqual(new Set(['invalid_credentials']));
    const { rows } = await test.pool.query(
      'select count(*)::int as used from identity_recovery_codes where user_id = $1 and used_at is not null',
      [person.id],
    );
    expect(rows[0].used).toBe(1);
    expect((await refusal(answer(await challengeOf(person.email), person.codes[3]!))).code).toBe('invalid_credentials');
  });

  it('is read however it is typed, and new ones end the old', async () => {
    const person = await withTotp('Typed');
    await answer(await challengeOf(person.email), ` ${person.codes[0]!.toUpperCase().replaceAll('-', ' ')} `);
    expect((await identity.services.factors.get(person.call)).recovery_codes_left).toBe(9);
    const { recovery_codes } = await identity.services.factors.renewCodes(person.call);
    expect((await refusal(answer(await challengeOf(person.email), person.codes[1]!))).code).toBe('invalid_credentials');
    await answer(await challengeOf(person.email), recovery_codes[1]!);
  });
});

describe('what needs a fresh proof', () => {
  it('is refused later, and goes on after the person showed the best they have', async () => {
    const { factors } = identity.services;
    const person = await withTotp('Stale');
    test.clock.advance(16 * minute);
    const refused = await refusal(factors.removeTotp(person.call));
    expect(refused).toMatchObject({ code: 'identity_step_up_required', status: 403 });
    expect(refused.extensions).toEqual({ methods: ['totp', 'recovery_code'], max_age: 900 });
    // The password is not the best they have.
    expect((await refusal(factors.stepUp(person.call, { password: testPassword }))).code).toBe('validation_failed');
    expect((await refusal(factors.stepUp(person.call, { code: '000000' }))).code).toBe('invalid_credentials');
    const signed = await factors.stepUp(person.call, { code: codeNow(person.secret) });
    expect(await identity.resolve(person.token)).toBeNull();
    const caller = (await identity.resolve(signed.access_token))!;
    expect(await identity.sessionProof(caller.credential.id!)).toMatchObject({
      acr: 'aal2',
      amr: ['pwd', 'otp', 'mfa'],
    });
    await factors.removeTotp(callOf(caller));
    await login(person.email);
  });

  it('is a password for whoever has no second factor', async () => {
    const { factors } = identity.services;
    const person = await makePerson(identity, 'Plain');
    test.clock.advance(16 * minute);
    expect((await refusal(factors.enrolTotp(person.call))).extensions['methods']).toEqual(['password']);
    expect((await refusal(factors.stepUp(person.call, { password: 'wrong password' }))).code).toBe(
      'invalid_credentials',
    );
    const signed = await factors.stepUp(person.call, { password: testPassword });
    const caller = (await identity.resolve(signed.access_token))!;
    expect(await identity.sessionProof(caller.credential.id!)).toMatchObject({ acr: 'aal1', amr: ['pwd'] });
    await factors.enrolTotp(callOf(caller));
  });

  it('is not done by a key', async () => {
    const person = await makePerson(identity, 'Keyed');
    const key = { ...person.caller, credential: { kind: 'api_key' as const, id: null, expires_at: null } };
    expect((await refusal(identity.services.factors.enrolTotp(callOf(key)))).code).toBe('permission_denied');
  });
});

it('situation 72: a new password ends the other sessions and remembered browsers', async () => {
  const person = await withTotp('Changes');
  const jar = cookieJar();
  const other = await answer(await challengeOf(person.email), codeNow(person.secret), { cookies: jar.cookies }, true);
  await identity.services.account.changePassword(person.call, {
    current_password: testPassword,
    new_password: 'another long enough secret',
  });
  expect(await identity.resolve(other.access_token)).toBeNull();
  expect(await identity.resolve(person.token)).not.toBeNull();
  const again = identity.services.signIn.login(publicCall({ cookies: jar.cookies }), {
    email: person.email,
    password: 'another long enough secret',
  });
  expect((await refusal(again)).code).toBe('identity_factor_required');
});
