import { randomBytes } from 'node:crypto';
import { type ProviderPreset, providersList } from '@atrium/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startAppleIssuer } from '../../../test/support/apple-issuer.ts';
import { type CookieJar, cookieJar } from '../../../test/support/cookie-jar.ts';
import { type GithubServer, startGithubServer } from '../../../test/support/github-server.ts';
import { createIdentityTest, type IdentityTest, makeIdentity } from '../../../test/support/make-identity.ts';
import { callOf, makePerson, publicCall, type TestPerson } from '../../../test/support/make-org.ts';
import {
  type OutsideAccount,
  startOidcIssuer,
  type TestIssuer,
  visitProvider,
} from '../../../test/support/oidc-issuer.ts';
import { ids } from '../../../test/support/unique.ts';
import { authorize } from '../../platform/operations/authorize.ts';
import { SecretBox } from '../../platform/secrets/secret-box.ts';
import type { Identity } from './index.ts';
import { stepOf, totpCode } from './totp.ts';

const origin = 'http://localhost:4400';
const slugs = ['house', 'okta', 'auth0', 'gitlab', 'google', 'microsoft', 'doubtful'];
const callbackOf = (slug: string): string => `${origin}/auth/oauth/${slug}/callback`;

const box = new SecretBox([randomBytes(32)]);
let test: IdentityTest;
let identity: Identity;
let issuer: TestIssuer;
let github: GithubServer;
let operator: TestPerson;

beforeAll(async () => {
  test = await createIdentityTest({ secrets: box });
  identity = test.identity;
  issuer = await startOidcIssuer(slugs.map(callbackOf));
  github = await startGithubServer();
  operator = await makePerson(identity, 'Operator');
  await test.pool.query('update identity_users set is_operator = true where id = $1', [operator.id]);
  operator.call = callOf({ ...operator.caller, is_operator: true });
  for (const slug of slugs) await add(slug, ['house', 'doubtful'].includes(slug) ? 'oidc' : (slug as ProviderPreset));
  await identity.services.providers.create(operator.call, {
    ...{
      slug: 'github',
      preset: 'github',
      name: 'GitHub',
      client_id: github.client_id,
      enabled: true,
      may_vouch: true,
    },
    client_secret: github.client_secret,
    settings: { base_url: github.url, api_url: github.url },
  });
});
afterAll(async () => {
  await issuer.close();
  await github.close();
  await test.drop();
});

const add = (slug: string, preset: ProviderPreset) =>
  identity.services.providers.create(operator.call, {
    ...{ slug, preset, name: `The ${slug}`, client_id: issuer.client_id, client_secret: issuer.client_secret },
    ...{ settings: { issuer: issuer.issuer }, enabled: true, may_vouch: slug !== 'doubtful' },
  });

interface Visit {
  jar: CookieJar;
  callback: URL;
}

const visit = async (
  slug: string,
  account: OutsideAccount,
  jar = cookieJar(),
  next: string | null = null,
): Promise<Visit> => {
  issuer.account = account;
  const url = await identity.services.social.begin(publicCall({ cookies: jar.cookies }), slug, next);
  return { jar, callback: await visitProvider(url, callbackOf(slug)) };
};
const finish = (slug: string, { jar, callback }: Visit, call = publicCall()) =>
  identity.services.social.finish({ ...call, cookies: jar.cookies }, { slug, url: callback });
const signIn = async (slug: string, account: OutsideAccount) => {
  const result = await finish(slug, await visit(slug, account));
  if (result.kind !== 'admitted' || result.admission.kind !== 'signed_in')
    throw new Error(`not signed in: ${result.kind}`);
  return result.admission.answer;
};
const outside = (parts: Partial<OutsideAccount> = {}): OutsideAccount => {
  const id = ids();
  return { sub: id, email: `${id}@example.org`, email_verified: true, name: 'Outside', ...parts };
};

describe('an account elsewhere', () => {
  it.each(['house', 'okta', 'auth0', 'gitlab', 'google', 'microsoft'])(
    'situation 69: signs in by the preset of %s, with state, nonce and PKCE',
    async (slug) => {
      const account = outside();
      const first = await signIn(slug, account);
      expect(first.user).toMatchObject({ email: account.email, email_verified: true, name: 'Outside' });
      const again = await signIn(slug, account);
      expect(again.user.id).toBe(first.user.id);
      const asked = issuer.asked.at(-1)!.searchParams;
      expect(asked.get('code_challenge_method')).toBe('S256');
      expect([asked.get('state'), asked.get('nonce'), asked.get('code_challenge')].every((v) => v!.length === 43)).toBe(
        true,
      );
      const caller = (await identity.resolve(again.access_token))!;
      expect(await identity.sessionProof(caller.credential.id!)).toMatchObject({ acr: 'aal1', amr: ['fed'] });
    },
  );

  it('of GitHub signs in by its API, under a number that a rename does not change', async () => {
    const begin = async () => {
      const jar = cookieJar();
      const url = await identity.services.social.begin(publicCall({ cookies: jar.cookies }), 'github', null);
      return finish('github', { jar, callback: await visitProvider(url, callbackOf('github')) });
    };
    const first = await begin();
    expect(first).toMatchObject({
      admission: { answer: { user: { email: 'octocat@example.org', name: 'The Octocat' } } },
    });
    github.user.login = 'renamed';
    github.emails.reverse();
    const second = await begin();
    expect(second).toMatchObject({ admission: { answer: { user: { email: 'octocat@example.org' } } } });
  });

  it('opens the account that has its address when both ends have proven it', async () => {
    const person = await makePerson(identity, 'Proven');
    await test.pool.query('update identity_emails set verified_at = now() where user_id = $1', [person.id]);
    const signed = await signIn('house', outside({ email: person.email.toUpperCase() }));
    expect(signed.user.id).toBe(person.id);
  });

  it.each([
    ['the provider did not prove it', 'house', false, true],
    ['the provider may not vouch', 'doubtful', true, true],
    ['the account here did not prove it', 'house', true, false],
  ] as const)('situation 66: links nothing by the address when %s', async (_why, slug, atProvider, here) => {
    const person = await makePerson(identity, 'Unproven');
    if (here) await test.pool.query('update identity_emails set verified_at = now() where user_id = $1', [person.id]);
    const account = outside({ email: person.email, email_verified: atProvider });
    await expect(signIn(slug, account)).rejects.toMatchObject({
      code: 'identity_link_conflict',
      message: expect.stringContaining('Sign in to it first'),
    });
    expect((await identity.services.social.list(person.call, { limit: 10 })).items).toEqual([]);
  });

  it('is asked for the second factor like any other first one', async () => {
    const account = outside();
    const signed = await signIn('house', account);
    const caller = (await identity.resolve(signed.access_token))!;
    const { secret } = await identity.services.factors.enrolTotp(callOf(caller));
    await identity.services.factors.confirmTotp(callOf(caller), { code: totpCode(secret, stepOf(test.clock.now())) });
    const result = await finish('house', await visit('house', account, cookieJar(), '/members'));
    expect(result).toMatchObject({ kind: 'admitted', next: '/members', admission: { kind: 'factor_required' } });
  });

  it('is linked while signed in, listed, and unlinked unless it is the only way in', async () => {
    const { social } = identity.services;
    const person = await makePerson(identity, 'Links');
    const jar = cookieJar();
    issuer.account = outside({ email: 'somebody-else@example.org', email_verified: false });
    const { url } = await social.beginLink({ ...person.call, cookies: jar.cookies }, { provider: 'house' });
    const callback = await visitProvider(url, callbackOf('house'));
    expect(await finish('house', { jar, callback }, person.call)).toMatchObject({ kind: 'linked' });
    const { items } = await social.list(person.call, { limit: 10 });
    expect(items).toMatchObject([{ provider: { slug: 'house' }, label: 'somebody-else@example.org' }]);
    expect((await signIn('house', issuer.account)).user.id).toBe(person.id);
    await social.remove(person.call, { id: items[0]!.id });
    const alone = await signIn('house', outside({ email_verified: false }));
    const caller = (await identity.resolve(alone.access_token))!;
    const only = await social.list(callOf(caller), { limit: 10 });
    await expect(social.remove(callOf(caller), { id: only.items[0]!.id })).rejects.toMatchObject({ code: 'in_use' });
  });

  it('belongs to one account here', async () => {
    const account = outside();
    await signIn('house', account);
    const other = await makePerson(identity, 'Second');
    const jar = cookieJar();
    issuer.account = account;
    const { url } = await identity.services.social.beginLink(
      { ...other.call, cookies: jar.cookies },
      { provider: 'house' },
    );
    const callback = await visitProvider(url, callbackOf('house'));
    await expect(finish('house', { jar, callback }, other.call)).rejects.toMatchObject({
      code: 'identity_link_conflict',
    });
  });

  it('is not linked to somebody who did not begin it', async () => {
    const [person, other] = [await makePerson(identity, 'Begins'), await makePerson(identity, 'Ends')];
    const jar = cookieJar();
    issuer.account = outside();
    const { url } = await identity.services.social.beginLink(
      { ...person.call, cookies: jar.cookies },
      { provider: 'house' },
    );
    const callback = await visitProvider(url, callbackOf('house'));
    await expect(finish('house', { jar, callback }, other.call)).rejects.toMatchObject({ code: 'invalid_credentials' });
  });
});

it('an invitation is accepted by a new account, also where registration is closed', async () => {
  const { services } = makeIdentity(test, { options: { registration: 'invitation' }, secrets: box });
  const owner = await makePerson(identity, 'Host');
  const org = await identity.services.orgs.create(owner.call, { name: 'Inviting' });
  const switched = await identity.services.signIn.switchOrg(owner.call, { org_id: org.id });
  const host = callOf((await identity.resolve(switched.access_token))!);
  const input = { org: 'current', role: 'member', max_uses: 1, expires_in_hours: 1 };
  const { invite_code } = await identity.services.invitations.create(host, input);
  const join = async (invite: string | null) => {
    const jar = cookieJar();
    issuer.account = outside();
    const url = await services.social.begin(publicCall({ cookies: jar.cookies }), 'house', `/invite/${invite}`, invite);
    const callback = await visitProvider(url, callbackOf('house'));
    return services.social.finish(publicCall({ cookies: jar.cookies }), { slug: 'house', url: callback });
  };
  await expect(join(null)).rejects.toMatchObject({ code: 'identity_link_conflict' });
  expect(await join(invite_code)).toMatchObject({
    next: null,
    admission: { answer: { org: { id: org.id }, expires_in: 7 * 24 * 3600 } },
  });
  // Its only use is gone.
  await expect(join(invite_code)).rejects.toMatchObject({ code: 'not_found' });
});

describe('situation 67: a callback', () => {
  it('is refused without a state, with a foreign one, from another browser, and twice', async () => {
    const refused = { code: 'invalid_credentials' };
    const account = outside();
    const one = await visit('house', account);
    const without = new URL(one.callback);
    without.searchParams.delete('state');
    await expect(finish('house', { ...one, callback: without })).rejects.toMatchObject(refused);
    const foreign = new URL(one.callback);
    foreign.searchParams.set('state', 'A'.repeat(43));
    await expect(finish('house', { ...one, callback: foreign })).rejects.toMatchObject(refused);
    const elsewhere = cookieJar();
    elsewhere.held.set('atrium_social', 'B'.repeat(43));
    await expect(finish('house', { ...one, jar: elsewhere })).rejects.toMatchObject(refused);
    await expect(finish('okta', one)).rejects.toMatchObject(refused);
    // The state went with the try at another provider.
    await expect(finish('house', one)).rejects.toMatchObject(refused);
    const two = await visit('house', account);
    await finish('house', two);
    await expect(finish('house', two)).rejects.toMatchObject(refused);
    const late = await visit('house', account);
    test.clock.advance(11 * 60_000);
    await expect(finish('house', late)).rejects.toMatchObject(refused);
  });

  it('is refused when its identity token answers another request', async () => {
    const account = outside();
    const [mine, theirs] = [await visit('house', account), await visit('house', account)];
    // A code of another sign-in, with its own nonce and verifier, under this state.
    mine.callback.searchParams.set('code', theirs.callback.searchParams.get('code')!);
    await expect(finish('house', mine)).rejects.toMatchObject({ code: 'identity_provider_failed' });
    const { rows } = await test.pool.query(`select count(*)::int as n from identity_user_logins where subject = $1`, [
      account.sub,
    ]);
    expect(rows[0].n).toBe(0);
  });

  it('that brings a refusal signs nobody in', async () => {
    const begun = await visit('house', outside());
    begun.callback.searchParams.delete('code');
    begun.callback.searchParams.set('error', 'access_denied');
    await expect(finish('house', begun)).rejects.toMatchObject({ code: 'invalid_credentials' });
  });
});

it('situation 68: Apple gets a secret signed by ES256, and its name is kept from the form to the callback', async () => {
  const apple = await startAppleIssuer({
    client_id: 'org.example.atrium',
    team_id: 'TEAM123456',
    key_id: 'KEY1234567',
    now: () => test.clock.now(),
  });
  try {
    await identity.services.providers.create(operator.call, {
      ...{
        slug: 'apple',
        preset: 'apple',
        name: 'Apple',
        client_id: 'org.example.atrium',
        enabled: true,
        may_vouch: true,
      },
      client_secret: apple.private_key,
      settings: { issuer: apple.issuer, team_id: 'TEAM123456', key_id: 'KEY1234567' },
    });
    const jar = cookieJar();
    const url = await identity.services.social.begin(publicCall({ cookies: jar.cookies }), 'apple', null);
    const form = await (await fetch(url)).text();
    const of = (name: string) => new RegExp(`name="${name}" value="([^"]*)"`).exec(form)![1]!.replaceAll('&quot;', '"');
    const { name } = JSON.parse(of('user')) as { name: { firstName: string; lastName: string } };
    await identity.services.social.noteName(of('state'), `${name.firstName} ${name.lastName}`);
    const callback = new URL(callbackOf('apple'));
    callback.searchParams.set('state', of('state'));
    callback.searchParams.set('code', of('code'));
    expect(await finish('apple', { jar, callback })).toMatchObject({
      admission: { answer: { user: { email: 'apple@example.org', email_verified: true, name: 'Ada Apple' } } },
    });
  } finally {
    await apple.close();
  }
});

describe('a provider', () => {
  it('is kept by operators alone, and its secret is never shown again', async () => {
    const { providers } = identity.services;
    const person = await makePerson(identity, 'Ordinary');
    expect(() => authorize(providersList, person.call.caller)).toThrow(expect.objectContaining({ status: 403 }));
    expect(() => authorize(providersList, { ...operator.call.caller, scopes: ['*'] })).not.toThrow();
    const draft = { slug: 'mine', preset: 'google', name: 'Mine', client_id: 'x', client_secret: 'x' } as const;
    await expect(
      providers.create(person.call, { ...draft, settings: {}, enabled: true, may_vouch: true }),
    ).rejects.toMatchObject({ code: 'operator_required' });
    const { items } = await providers.list(operator.call, { limit: 50 });
    const house = items.find(({ slug }) => slug === 'house')!;
    expect(house).toMatchObject({ has_secret: true, callback_url: callbackOf('house'), generation: 1 });
    expect(JSON.stringify(items)).not.toContain(issuer.client_secret);
    const { rows } = await test.pool.query('select secret from identity_providers');
    expect(rows.every(({ secret }) => String(secret).startsWith('v1.'))).toBe(true);
    expect(JSON.stringify((await test.pool.query('select * from core_audit')).rows)).not.toContain(
      issuer.client_secret,
    );
    const changed = await providers.update(operator.call, { id: house.id, name: 'House', generation: 1 });
    expect(changed).toMatchObject({ name: 'House', has_secret: true, generation: 2 });
    await expect(providers.update(operator.call, { id: house.id, name: 'X', generation: 1 })).rejects.toMatchObject({
      code: 'generation_conflict',
    });
    expect(await providers.test(operator.call, { id: house.id })).toMatchObject({ ok: true });
    expect((await signIn('house', outside())).access_token).toMatch(/^ats_/);
  });

  it('that is switched off or gone signs nobody in', async () => {
    const { providers } = identity.services;
    const made = await add('gone', 'oidc');
    await providers.update(operator.call, { id: made.id, enabled: false });
    await expect(visit('gone', outside())).rejects.toMatchObject({ code: 'not_found' });
    await providers.delete(operator.call, { id: made.id });
    await expect(providers.delete(operator.call, { id: made.id })).rejects.toMatchObject({ code: 'not_found' });
  });

  it('with settings that its preset does not know, lacks, or cannot use is refused', async () => {
    const { providers } = identity.services;
    const base = { name: 'X', client_id: 'x', client_secret: 'x', enabled: true, may_vouch: false };
    const refusals = [
      { ...base, slug: 'a', preset: 'google' as const, settings: { team_id: 'x' } },
      { ...base, slug: 'a', preset: 'okta' as const, settings: {} },
      { ...base, slug: 'a', preset: 'apple' as const, settings: { team_id: 'x', key_id: 'x' } },
    ];
    for (const input of refusals) {
      await expect(providers.create(operator.call, input)).rejects.toMatchObject({ code: 'validation_failed' });
    }
  });

  it('on an address that is not allowed is never asked', async () => {
    const { providers } = identity.services;
    const made = await providers.create(operator.call, {
      ...{ slug: 'inside', preset: 'oidc', name: 'Inside', client_id: 'x', enabled: true, may_vouch: false },
      settings: { issuer: 'https://169.254.169.254' },
    });
    const tested = await providers.test(operator.call, { id: made.id });
    expect(tested.ok).toBe(false);
    expect(tested.detail).toContain('may not connect');
  });
});
