import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { lettersIn } from '../../../test/support/letters.ts';
import { createIdentityTest, type IdentityTest, makeIdentity } from '../../../test/support/make-identity.ts';
import { callOf, makePerson, publicCall, testPassword } from '../../../test/support/make-org.ts';
import { rotateSecrets, SecretBox } from '../../platform/secrets/secret-box.ts';
import { stepOf, totpCode } from './totp.ts';

const [old, fresh] = [randomBytes(32), randomBytes(32)];
let test: IdentityTest;

beforeAll(async () => {
  test = await createIdentityTest({ secrets: new SecretBox([old]) });
});
afterAll(() => test.drop());

it('everything encrypted comes under the new master key, and works without the old one', async () => {
  const { identity } = test;
  const person = await makePerson(identity, 'Rotates');
  const { secret } = await identity.services.factors.enrolTotp(person.call);
  await test.pool.query('update identity_users set is_operator = true where id = $1', [person.id]);
  const operator = callOf({ ...person.caller, is_operator: true });
  await identity.services.providers.create(operator, {
    ...{ slug: 'house', preset: 'oidc', name: 'House', client_id: 'x', client_secret: 'y', enabled: true },
    ...{ settings: { issuer: 'https://login.example.org' }, may_vouch: false },
  });
  const org = await identity.services.orgs.create(person.call, { name: 'Rotating' });
  const signed = await identity.services.signIn.switchOrg(person.call, { org_id: org.id });
  const owner = callOf((await identity.resolve(signed.access_token))!);
  const input = { org: 'current', email: 'guest@example.org', role: 'member', max_uses: null, expires_in_hours: 1 };
  const { invitation, invite_url } = await identity.services.invitations.create(owner, input);
  const voucher = await identity.services.vouchers.create(owner);
  // The letters of registration wait too: the person's own and the first owner's is verified already.
  const rotated = await rotateSecrets(new SecretBox([fresh, old]), [identity.rotate]);
  expect(rotated).toEqual({ seen: 5, renewed: 5 });
  expect(await rotateSecrets(new SecretBox([fresh, old]), [identity.rotate])).toEqual({ seen: 5, renewed: 0 });

  const after = makeIdentity(test, { secrets: new SecretBox([fresh]), mail_directory: test.mail_directory });
  await after.services.mail.send('invitation', invitation.id);
  expect(lettersIn(test.mail_directory).at(-1)!.link).toBe(invite_url);
  const { items } = await after.services.vouchers.list(owner, { everyone: false, limit: 50 });
  expect(items.map(({ code }) => code)).toEqual([voucher.code]);
  await after.services.factors.confirmTotp(owner, { code: totpCode(secret, stepOf(test.clock.now())) });
  const refused = after.services.signIn.login(publicCall(), { email: person.email, password: testPassword });
  await expect(refused).rejects.toMatchObject({ code: 'identity_factor_required' });
});
