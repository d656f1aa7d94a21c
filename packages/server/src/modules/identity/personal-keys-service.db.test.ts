import { personalKeyProof } from '@atrium/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeKey, newRegistrationKey, proveRegistration, type TestKey } from '../../../test/support/agent-key.ts';
import { type Authenticator, createAuthenticator } from '../../../test/support/authenticator.ts';
import { createIdentityTest, type IdentityTest } from '../../../test/support/make-identity.ts';
import { callOf, makeOrg, publicCall, type TestOrg, type TestPerson } from '../../../test/support/make-org.ts';
import type { Call } from '../../platform/operations/call.ts';
import type { IdentityServices } from './index.ts';

let test: IdentityTest;
let services: IdentityServices;
let org: TestOrg;
let agent: Call;
let other: TestPerson;
/** Members of the organisation, each for one test. */
let free: TestPerson[];
beforeAll(async () => {
  test = await createIdentityTest();
  services = test.identity.services;
  const names = ['Other', ...Array.from({ length: 30 }, (_, n) => `Signer ${n}`)];
  org = await makeOrg(test.identity, { members: Object.fromEntries(names.map((name) => [name, 'member'])) });
  other = org.members['Other']!;
  free = names.slice(1).map((name) => org.members[name]!);
  agent = await newAgent();
});
afterAll(() => test.drop());

const newAgent = async (key?: TestKey): Promise<Call> => {
  const [held, once] = [key ?? (await makeKey()), newRegistrationKey()];
  const { id: voucher, code: voucher_code } = await services.vouchers.create(org.owner.call);
  const input = { public_key: held.public_key, voucher_code, proof: await proveRegistration(held, once) };
  const call = publicCall({ idempotency: { key: once, operation: 'agents.register', request_hash: once } });
  const { identity_id: id } = await services.registration.register(call, input).catch(async (error) => {
    // Five may be open at once.
    await services.vouchers.revoke(org.owner.call, { id: voucher });
    throw error;
  });
  return callOf((await test.identity.callerOf({ org_id: org.id, kind: 'agent', id }))!);
};

const withPasskey = async (person: TestPerson): Promise<Authenticator> => {
  const device = createAuthenticator();
  const { ceremony_id, options } = await services.passkeys.begin(person.call);
  await services.passkeys.create(person.call, { ceremony_id, credential: device.create(options), name: 'Laptop' });
  return device;
};

const proofOf = (person: TestPerson, key: TestKey, nonce: string): Promise<string> =>
  key.sign(personalKeyProof(person.id, key.public_key, nonce));

const register = async (person: TestPerson, device: Authenticator, key: TestKey) => {
  const { ceremony_id, options, nonce } = await services.personalKeys.begin(person.call, {
    public_key: key.public_key,
  });
  const proof = await proofOf(person, key, nonce);
  const input = { ceremony_id, credential: device.get(options), proof, label: 'Work browser' };
  return services.personalKeys.create(person.call, input);
};

/** A person of the organisation with a key to sign with. */
const newSigner = async () => {
  const person = nextMember();
  const [device, key] = [await withPasskey(person), await makeKey()];
  const held = await register(person, device, key);
  return { person, device, key, held };
};
const nextMember = (): TestPerson => free.pop()!;

const failure = (code: string) => expect.objectContaining({ code });
const ask = (person: TestPerson, message = 'release 1.4.1', by = agent) =>
  services.signingRequests.create(by, { message, person: person.id });
const eventsOf = async (id: string): Promise<string[]> =>
  (await test.pool.query('select kind from core_events where subject_id = $1 order by seq', [id])).rows.map(
    ({ kind }) => kind,
  );

describe('a key of a person', () => {
  it('is registered by its proof and a passkey, listed, and revoked once', async () => {
    const { person, key, held } = await newSigner();
    expect(held).toMatchObject({ fingerprint: key.fingerprint, label: 'Work browser', revoked_at: null });
    expect((await services.personalKeys.list(person.call)).items).toEqual([held]);
    expect((await services.personalKeys.list(other.call)).items).toEqual([]);
    await expect(services.personalKeys.revoke(other.call, { id: held.id })).rejects.toEqual(failure('not_found'));
    await services.personalKeys.revoke(person.call, { id: held.id });
    await expect(services.personalKeys.revoke(person.call, { id: held.id })).rejects.toEqual(failure('not_found'));
    expect((await services.personalKeys.list(person.call)).items[0]!.revoked_at).not.toBeNull();
  });

  it('needs a passkey, and one of this person, over this key, that asked its owner and is no copy', async () => {
    const person = nextMember();
    const [key, another] = [await makeKey(), await makeKey()];
    const begin = (by = person, of = key) => services.personalKeys.begin(by.call, { public_key: of.public_key });
    await expect(begin()).rejects.toEqual(failure('passkey_missing'));
    const device = await withPasskey(person);
    const stranger = nextMember();
    const theirs = await withPasskey(stranger);
    const refused = async (answer: (begun: Awaited<ReturnType<typeof begin>>) => Promise<[unknown, string]>) => {
      const begun = await begin();
      const [credential, proof] = await answer(begun);
      const input = { ceremony_id: begun.ceremony_id, credential: credential as Record<string, unknown>, proof };
      await expect(services.personalKeys.create(person.call, { ...input, label: 'x' })).rejects.toMatchObject({
        code: expect.stringMatching(/^(validation_failed|invalid_signature)$/),
      });
      // It is gone with the first answer.
      const good = { ...input, credential: device.get(begun.options), proof: await proofOf(person, key, begun.nonce) };
      await expect(services.personalKeys.create(person.call, { ...good, label: 'x' })).rejects.toEqual(
        failure('validation_failed'),
      );
    };
    const proof = (nonce: string, by = person, of = key) => proofOf(by, of, nonce);
    // Another person's passkey.
    await refused(async ({ options, nonce }) => [theirs.get(options), await proof(nonce)]);
    // An approval of another key, and of a sign-in.
    const elsewhere = await begin(person, another);
    await refused(async ({ nonce }) => [device.get(elsewhere.options), await proof(nonce)]);
    const signIn = await services.passkeys.options(publicCall());
    await refused(async ({ nonce }) => [device.get(signIn.options), await proof(nonce)]);
    // It did not ask its owner.
    await refused(async ({ options, nonce }) => {
      device.verifies = false;
      const credential = device.get(options);
      device.verifies = true;
      return [credential, await proof(nonce)];
    });
    // The proof: of another key, of another person, of an old nonce; then none of a passkey at all.
    await refused(async ({ options, nonce }) => [device.get(options), await proof(nonce, person, another)]);
    await refused(async ({ options, nonce }) => [device.get(options), await proof(nonce, stranger)]);
    await refused(async ({ options }) => [device.get(options), await proof(elsewhere.nonce)]);
    await refused(async ({ nonce }) => [{}, await proof(nonce)]);
    // Somebody else’s ceremony, and one that is over.
    const mine = await begin();
    const answer = { ceremony_id: mine.ceremony_id, label: 'x', proof: await proof(mine.nonce, stranger) };
    await expect(
      services.personalKeys.create(stranger.call, { ...answer, credential: theirs.get(mine.options) }),
    ).rejects.toEqual(failure('validation_failed'));
    expect((await services.personalKeys.list(person.call)).items).toEqual([]);
    // A counter that does not grow is a copy: refused, and its person told.
    device.counter = 5;
    expect(await register(person, device, key)).toMatchObject({ fingerprint: key.fingerprint });
    await expect(register(person, device, another)).rejects.toEqual(failure('validation_failed'));
    expect((await services.passkeys.list(person.call)).items[0]!.regressed_at).not.toBeNull();
    device.counter = 6;
    const late = await begin(person, another);
    test.clock.advance(5 * 60_000);
    const input = { ceremony_id: late.ceremony_id, credential: device.get(late.options), label: 'x' };
    const tooLate = { ...input, proof: await proof(late.nonce, person, another) };
    await expect(services.personalKeys.create(person.call, tooLate)).rejects.toEqual(failure('validation_failed'));
  });

  it('is registered and revoked in a session alone', async () => {
    const { person, held } = await newSigner();
    for (const kind of ['api_key', 'oauth', 'internal'] as const) {
      const caller = { ...person.caller, credential: { ...person.caller.credential, kind } };
      const call = callOf(caller as typeof person.caller);
      const { public_key } = await makeKey();
      await expect(services.personalKeys.begin(call, { public_key })).rejects.toEqual(failure('permission_denied'));
      expect(() => services.personalKeys.revoke(call, { id: held.id })).toThrow(failure('permission_denied'));
      const asked = await ask(person);
      const input = { request_id: asked.id, signature: 'A'.repeat(86).concat('=='), fingerprint: held.fingerprint };
      await expect(services.signingRequests.sign(call, input)).rejects.toEqual(failure('permission_denied'));
      expect(await services.signingRequests.get(person.call, { request_id: asked.id })).toMatchObject({
        status: 'pending',
      });
      await services.signingRequests.cancel(agent, { request_id: asked.id });
    }
  });

  it('stands for one person or agent, also when both come at once', async () => {
    const { person, device, key, held } = await newSigner();
    await expect(newAgent(key)).rejects.toEqual(failure('key_already_registered'));
    const agents = await makeKey();
    await newAgent(agents);
    await expect(register(person, device, agents)).rejects.toEqual(failure('key_already_registered'));
    await services.personalKeys.revoke(person.call, { id: held.id });
    await expect(newAgent(key)).rejects.toEqual(failure('key_already_registered'));
    const another = nextMember();
    const theirs = await withPasskey(another);
    await expect(register(another, theirs, key)).rejects.toEqual(failure('key_already_registered'));
    for (let round = 0; round < 5; round += 1) {
      const both = await makeKey();
      const came = await Promise.allSettled([
        newAgent(both),
        register(person, device, both),
        register(another, theirs, both),
      ]);
      expect(came.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      for (const one of came)
        if (one.status === 'rejected') expect(one.reason).toEqual(failure('key_already_registered'));
    }
  });

  it('is one of twenty, revoked ones aside', async () => {
    const { person, device, held } = await newSigner();
    await test.pool.query(
      `insert into identity_personal_keys (id, user_id, public_key, fingerprint, label, created_at)
       select gen_random_uuid(), $1::uuid, 'key ' || n || $1::text, 'AAAA-' || upper(lpad(to_hex(n), 4, '0')) || '-AAAA-AAAA', 'k', now()
         from generate_series(1, 18) n`,
      [person.id],
    );
    const came = await Promise.allSettled([
      register(person, device, await makeKey()),
      register(person, device, await makeKey()),
    ]);
    expect(came.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    await expect(register(person, device, await makeKey())).rejects.toEqual(failure('in_use'));
    await services.personalKeys.revoke(person.call, { id: held.id });
    await register(person, device, await makeKey());
  });
});

describe('a person who is asked to sign', () => {
  it('signs with their key; who asked sees it, everybody may check it, and nobody learns a name', async () => {
    const { person, key } = await newSigner();
    const asked = await ask(person);
    expect(asked).toMatchObject({ agent_id: null, person_id: person.id, status: 'pending', valid: null });
    expect(asked.asked_by).toMatchObject({ type: 'agent', id: agent.caller.id });
    const list = (call: Call, ofAsker: boolean) => services.signingRequests.list(call, { limit: 9, asked: ofAsker });
    expect((await list(person.call, false)).items.map(({ id }) => id)).toEqual([asked.id]);
    expect((await list(agent, true)).items.map(({ id }) => id)).toContain(asked.id);
    expect((await list(agent, false)).items.map(({ id }) => id)).not.toContain(asked.id);
    const { fingerprint } = key;
    const signature = await key.signMessage(asked.message, asked.nonce);
    const input = { request_id: asked.id, signature, fingerprint: fingerprint.toLowerCase() };
    const done = await services.signingRequests.sign(person.call, input);
    expect(done).toMatchObject({
      status: 'completed',
      valid: true,
      signature,
      fingerprint,
      public_key: key.public_key,
    });
    expect(await services.signingRequests.get(agent, { request_id: asked.id })).toEqual(done);
    await expect(services.signingRequests.sign(person.call, input)).rejects.toEqual(
      failure('signing_request_already_completed'),
    );
    expect(await eventsOf(asked.id)).toEqual(['identity.signing.requested', 'identity.signing.completed']);
    const { directory } = services;
    const bare = { valid: true, signer: { fingerprint } };
    const named = { valid: true, signer: { fingerprint, person_id: person.id } };
    expect(await directory.verify(publicCall(), { signature })).toEqual(bare);
    expect(await directory.verifyBy(publicCall(), { fingerprint, signature })).toEqual(bare);
    // An owner sees the members, the person themself, an agent of them or somebody elsewhere does not.
    expect(await directory.verify(org.owner.call, { signature })).toEqual(named);
    expect(await directory.verify(person.call, { signature })).toEqual(named);
    const elsewhere = await makeOrg(test.identity);
    expect(await directory.verify(elsewhere.owner.call, { signature })).toEqual(bare);
    const another = (await newSigner()).key.fingerprint;
    expect(await directory.verifyBy(publicCall(), { fingerprint: another, signature })).toEqual({
      ...{ valid: false, signer: null },
    });
    // Keys of people stand in no directory.
    await expect(directory.get(publicCall(), { fingerprint })).rejects.toEqual(failure('not_found'));
  });

  it('takes one of two answers that come at once, and a wrong signature ends it', async () => {
    const { person, key } = await newSigner();
    const { fingerprint } = key;
    for (let round = 0; round < 5; round += 1) {
      const { id: request_id, nonce, message } = await ask(person);
      const signature = await key.signMessage(message, nonce);
      const { sign, decline, cancel } = services.signingRequests;
      const came = await Promise.allSettled([
        sign(person.call, { request_id, signature, fingerprint }),
        sign(person.call, { request_id, signature, fingerprint }),
        decline(person.call, { request_id }),
        cancel(agent, { request_id }),
      ]);
      expect(came.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      for (const one of came)
        if (one.status === 'rejected')
          expect(one.reason.code).toMatch(/^signing_request_(already_|declined|cancelled)/);
      expect(await eventsOf(request_id)).toHaveLength(2);
    }
    const wrong = await ask(person);
    const signature = await (await makeKey()).signMessage(wrong.message, wrong.nonce);
    expect(
      await services.signingRequests.sign(person.call, { request_id: wrong.id, signature, fingerprint }),
    ).toMatchObject({ status: 'completed', valid: false });
    expect(await services.directory.verify(publicCall(), { signature })).toEqual({ valid: false, signer: null });
  });

  it('signs nothing with a key that is revoked, whichever comes first', async () => {
    const { person, device, key, held } = await newSigner();
    await register(person, device, await makeKey());
    const { fingerprint } = key;
    const { id: request_id, nonce, message } = await ask(person);
    const signature = await key.signMessage(message, nonce);
    const [signed, revoked] = await Promise.allSettled([
      services.signingRequests.sign(person.call, { request_id, signature, fingerprint }),
      services.personalKeys.revoke(person.call, { id: held.id }),
    ]);
    expect(revoked.status).toBe('fulfilled');
    const { status } = await services.signingRequests.get(person.call, { request_id });
    expect(status).toBe(signed.status === 'fulfilled' ? 'completed' : 'pending');
    if (signed.status === 'rejected') expect(signed.reason).toEqual(failure('personal_key_missing'));
    const next = await ask(person);
    const late = { request_id: next.id, signature: await key.signMessage(next.message, next.nonce), fingerprint };
    await expect(services.signingRequests.sign(person.call, late)).rejects.toEqual(failure('personal_key_missing'));
    const foreign = { ...late, fingerprint: (await newSigner()).key.fingerprint };
    await expect(services.signingRequests.sign(person.call, foreign)).rejects.toEqual(failure('personal_key_missing'));
    const { fingerprint: _, ...unnamed } = late;
    await expect(services.signingRequests.sign(person.call, unnamed)).rejects.toEqual(failure('validation_failed'));
  });

  it('is a member here who has a key and is not switched off; nobody else answers for them', async () => {
    const { person, key } = await newSigner();
    const elsewhere = await makeOrg(test.identity);
    await expect(ask(other)).rejects.toEqual(failure('personal_key_missing'));
    await expect(ask(elsewhere.owner)).rejects.toEqual(failure('not_found'));
    await expect(ask(person, 'x', elsewhere.owner.call)).rejects.toEqual(failure('not_found'));
    const asked = await ask(person);
    const request_id = asked.id;
    const { fingerprint } = key;
    const signature = await key.signMessage(asked.message, asked.nonce);
    const { get, sign, decline, cancel } = services.signingRequests;
    for (const call of [elsewhere.owner.call, org.owner.call, other.call, await newAgent()]) {
      await expect(get(call, { request_id })).rejects.toEqual(failure('not_found'));
      await expect(sign(call, { request_id, signature, fingerprint })).rejects.toEqual(failure('not_found'));
      await expect(decline(call, { request_id })).rejects.toEqual(failure('not_found'));
      await expect(cancel(call, { request_id })).rejects.toEqual(failure('not_found'));
    }
    // Who is to sign takes nothing back, and who asked neither signs nor declines.
    await expect(cancel(person.call, { request_id })).rejects.toEqual(failure('not_found'));
    await expect(sign(agent, { request_id, signature })).rejects.toEqual(failure('not_found'));
    await expect(decline(agent, { request_id })).rejects.toEqual(failure('not_found'));
    await test.pool.query('update identity_members set deactivated_at = now() where org_id = $1 and user_id = $2', [
      ...[org.id, person.id],
    ]);
    await expect(sign(person.call, { request_id, signature, fingerprint })).rejects.toEqual(failure('unauthorized'));
    await expect(ask(person)).rejects.toEqual(failure('not_found'));
  });

  it('declines, or it is taken back, or its 300 seconds are over; then it takes no signature', async () => {
    const { person, key } = await newSigner();
    const { sign, decline, cancel, get, expire } = services.signingRequests;
    const signed = async ({ id: request_id, message, nonce }: Awaited<ReturnType<typeof ask>>) => {
      const signature = await key.signMessage(message, nonce);
      return sign(person.call, { request_id, signature, fingerprint: key.fingerprint });
    };
    const [declined, cancelled, late] = [await ask(person), await ask(person), await ask(person)];
    expect(await decline(person.call, { request_id: declined.id })).toMatchObject({
      ...{ status: 'declined', decision: 'declined' },
    });
    await expect(signed(declined)).rejects.toEqual(failure('signing_request_declined'));
    expect(await cancel(agent, { request_id: cancelled.id })).toMatchObject({ status: 'cancelled' });
    await expect(signed(cancelled)).rejects.toEqual(failure('signing_request_cancelled'));
    expect(Date.parse(late.expires_at) - Date.parse(late.created_at)).toBe(300_000);
    test.clock.advance(300_000);
    await expect(signed(late)).rejects.toEqual(failure('signing_request_expired'));
    await expire(org.id, late.id);
    expect(await get(agent, { request_id: late.id })).toMatchObject({ status: 'expired' });
    expect(await eventsOf(late.id)).toEqual(['identity.signing.requested', 'identity.signing.expired']);
  });

  it('waits for twenty that one asks for, also when they come at once', async () => {
    const [one, two] = [await newSigner(), await newSigner()];
    const by = await newAgent();
    const came = await Promise.allSettled(
      Array.from({ length: 22 }, (_, n) => ask(n % 2 === 0 ? one.person : two.person, `${n}`, by)),
    );
    expect(came.filter(({ status }) => status === 'fulfilled')).toHaveLength(20);
    for (const each of came) if (each.status === 'rejected') expect(each.reason).toEqual(failure('signing_limit'));
  });

  it('asked to be forgotten leaves the key and what it signed, without label or name', async () => {
    const { person, key } = await newSigner();
    const { fingerprint } = key;
    const asked = await ask(person);
    const signature = await key.signMessage(asked.message, asked.nonce);
    await services.signingRequests.sign(person.call, { request_id: asked.id, signature, fingerprint });
    const open = await ask(person);
    const theirs = await newSigner();
    const asks = await services.signingRequests.create(person.call, { message: 'm', person: theirs.person.id });
    // Proven just now, though this session began earlier on the clock of the test.
    await test.pool.query(
      `update identity_sessions set auth_time = $1, acr = 'aal2', amr = '{hwk,mfa}' where user_id = $2`,
      [test.clock.now(), person.id],
    );
    await services.erasure.delete(person.call, { confirm: person.email });
    const { rows } = await test.pool.query(
      'select label, revoked_at is not null as revoked, public_key from identity_personal_keys where user_id = $1',
      [person.id],
    );
    expect(rows).toEqual([{ label: '', revoked: true, public_key: key.public_key }]);
    const bare = { valid: true, signer: { fingerprint } };
    for (const call of [publicCall(), org.owner.call])
      expect(await services.directory.verify(call, { signature })).toEqual(bare);
    expect(await services.directory.verifyBy(publicCall(), { fingerprint, signature })).toEqual(bare);
    const { get } = services.signingRequests;
    expect(await get(agent, { request_id: open.id })).toMatchObject({ status: 'cancelled' });
    expect(await get(theirs.person.call, { request_id: asks.id })).toMatchObject({
      ...{ status: 'cancelled', asked_by: { name: 'Deleted person' } },
    });
    await expect(newAgent(key)).rejects.toEqual(failure('key_already_registered'));
  });
});
