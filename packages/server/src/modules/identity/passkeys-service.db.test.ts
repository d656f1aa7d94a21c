import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAuthenticator } from '../../../test/support/authenticator.ts';
import { createIdentityTest, type IdentityTest } from '../../../test/support/make-identity.ts';
import { makePerson, publicCall, type TestPerson } from '../../../test/support/make-org.ts';
import type { Identity } from './index.ts';

let test: IdentityTest;
let identity: Identity;

beforeAll(async () => {
  test = await createIdentityTest();
  identity = test.identity;
});
afterAll(() => test.drop());

const enrol = async (person: TestPerson, name = 'Laptop') => {
  const device = createAuthenticator();
  const { ceremony_id, options } = await identity.services.passkeys.begin(person.call);
  const credential = device.create(options);
  const passkey = await identity.services.passkeys.create(person.call, { ceremony_id, credential, name });
  return { device, passkey };
};

const signIn = async (device: ReturnType<typeof createAuthenticator>) => {
  const { ceremony_id, options } = await identity.services.passkeys.options(publicCall());
  return identity.services.passkeys.signIn(publicCall(), { ceremony_id, credential: device.get(options) });
};

describe('a passkey', () => {
  it('signs its person in without a name, as two factors', async () => {
    const person = await makePerson(identity, 'Passkey');
    const { device, passkey } = await enrol(person);
    expect(passkey).toMatchObject({ name: 'Laptop', regressed_at: null });
    const signed = await signIn(device);
    expect(signed.user.id).toBe(person.id);
    const caller = await identity.resolve(signed.access_token);
    expect(await identity.sessionProof(caller!.credential.id!)).toMatchObject({ acr: 'aal2', amr: ['hwk', 'mfa'] });
    const { items } = await identity.services.passkeys.list(person.call);
    expect(items[0]!.last_used_at).not.toBeNull();
  });

  it('is renamed and removed by its person alone', async () => {
    const { passkeys } = identity.services;
    const [person, other] = [await makePerson(identity, 'Owner'), await makePerson(identity, 'Other')];
    const { device, passkey } = await enrol(person);
    await expect(passkeys.rename(other.call, { id: passkey.id, name: 'Mine' })).rejects.toMatchObject({
      code: 'not_found',
    });
    await expect(passkeys.remove(other.call, { id: passkey.id })).rejects.toMatchObject({ code: 'not_found' });
    expect(await passkeys.rename(person.call, { id: passkey.id, name: 'Phone' })).toMatchObject({ name: 'Phone' });
    await passkeys.remove(person.call, { id: passkey.id });
    await expect(signIn(device)).rejects.toMatchObject({ code: 'invalid_credentials' });
  });

  it('is refused with a challenge that was answered, is over, or was somebody else’s', async () => {
    const { passkeys } = identity.services;
    const person = await makePerson(identity, 'Challenge');
    const { device } = await enrol(person);
    const begun = await passkeys.options(publicCall());
    const input = { ceremony_id: begun.ceremony_id, credential: device.get(begun.options) };
    await passkeys.signIn(publicCall(), input);
    await expect(passkeys.signIn(publicCall(), input)).rejects.toMatchObject({ code: 'invalid_credentials' });
    const [one, two] = [await passkeys.options(publicCall()), await passkeys.options(publicCall())];
    const crossed = { ceremony_id: one.ceremony_id, credential: device.get(two.options) };
    await expect(passkeys.signIn(publicCall(), crossed)).rejects.toMatchObject({ code: 'invalid_credentials' });
    const late = { ceremony_id: two.ceremony_id, credential: device.get(two.options) };
    test.clock.advance(6 * 60_000);
    await expect(passkeys.signIn(publicCall(), late)).rejects.toMatchObject({ code: 'invalid_credentials' });
  });

  it('is refused for another origin, and when it did not ask its owner', async () => {
    const person = await makePerson(identity, 'Phished');
    const { device } = await enrol(person);
    device.origin = 'https://evil.example';
    await expect(signIn(device)).rejects.toMatchObject({ code: 'invalid_credentials' });
    device.origin = 'http://localhost:4400';
    device.verifies = false;
    await expect(signIn(device)).rejects.toMatchObject({ code: 'invalid_credentials' });
    device.verifies = true;
    await signIn(device);
  });

  it('is refused when it is made for somebody else’s ceremony or with nonsense', async () => {
    const { passkeys } = identity.services;
    const [person, other] = [await makePerson(identity, 'Mine'), await makePerson(identity, 'Theirs')];
    const begun = await passkeys.begin(person.call);
    const credential = createAuthenticator().create(begun.options);
    const input = { ceremony_id: begun.ceremony_id, credential, name: 'X' };
    await expect(passkeys.create(other.call, input)).rejects.toMatchObject({ code: 'validation_failed' });
    const again = await passkeys.begin(person.call);
    for (const nonsense of [{}, { id: 'x' }, { response: null }]) {
      await expect(
        passkeys.create(person.call, { ceremony_id: again.ceremony_id, credential: nonsense, name: 'X' }),
      ).rejects.toMatchObject({ code: 'validation_failed' });
    }
    const open = await passkeys.options(publicCall());
    await expect(
      passkeys.signIn(publicCall(), { ceremony_id: open.ceremony_id, credential: {} }),
    ).rejects.toMatchObject({ code: 'invalid_credentials' });
  });
});

describe('situation 70: a passkey whose counter goes backwards', () => {
  const regressions = async (userId: string) =>
    (
      await test.pool.query(
        `select body from core_events where kind = 'identity.passkey.regressed' and body->>'user_id' = $1`,
        [userId],
      )
    ).rows;

  it('is flagged and lets an ordinary person in', async () => {
    const person = await makePerson(identity, 'Copied');
    const { device } = await enrol(person);
    device.counter = 7;
    await signIn(device);
    device.counter = 3;
    await signIn(device);
    expect(await regressions(person.id)).toMatchObject([{ body: { refused: false } }]);
    const { items } = await identity.services.passkeys.list(person.call);
    expect(items[0]!.regressed_at).not.toBeNull();
    device.counter = 8;
    await signIn(device);
    expect(await regressions(person.id)).toHaveLength(1);
  });

  it('is refused for an operator', async () => {
    const person = await makePerson(identity, 'Operates');
    await test.pool.query('update identity_users set is_operator = true where id = $1', [person.id]);
    const { device } = await enrol(person);
    device.counter = 7;
    await signIn(device);
    device.counter = 7;
    await expect(signIn(device)).rejects.toMatchObject({ code: 'invalid_credentials' });
    expect(await regressions(person.id)).toMatchObject([{ body: { refused: true } }]);
  });
});
