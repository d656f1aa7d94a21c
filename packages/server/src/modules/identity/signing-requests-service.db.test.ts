import { fromBase64, signBytes, signingVectors } from '@atrium/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeKey, newRegistrationKey, proveRegistration, type TestKey } from '../../../test/support/agent-key.ts';
import { createIdentityTest, type IdentityTest } from '../../../test/support/make-identity.ts';
import { callOf, makeOrg, publicCall, type TestOrg } from '../../../test/support/make-org.ts';
import type { Call } from '../../platform/operations/call.ts';
import type { IdentityServices } from './index.ts';

let test: IdentityTest;
let services: IdentityServices;
let org: TestOrg;
beforeAll(async () => {
  test = await createIdentityTest();
  services = test.identity.services;
  org = await makeOrg(test.identity);
});
afterAll(() => test.drop());

const makeAgent = async (): Promise<{ id: string; key: TestKey; call: Call }> => {
  const [key, once] = [await makeKey(), newRegistrationKey()];
  const { code: voucher_code } = await services.vouchers.create(org.owner.call);
  const input = { public_key: key.public_key, voucher_code, proof: await proveRegistration(key, once) };
  const call = publicCall({ idempotency: { key: once, operation: 'agents.register', request_hash: once } });
  const { identity_id: id } = await services.registration.register(call, input);
  return { id, key, call: callOf((await test.identity.callerOf({ org_id: org.id, kind: 'agent', id }))!) };
};
const failure = (code: string) => expect.objectContaining({ code });
const eventsOf = async (id: string): Promise<string[]> =>
  (await test.pool.query('select kind from core_events where subject_id = $1 order by seq', [id])).rows.map(
    ({ kind }) => kind,
  );

describe('a signing request', () => {
  it.each(signingVectors.cases.filter(({ name }) => name !== 'NUL').map(({ name, message }) => [name, message]))(
    '16: of a message with %s is signed over the bytes it gives, and found by anybody',
    async (_name, message) => {
      const { call, id: agent_id, key } = await makeAgent();
      const asked = await services.signingRequests.create(call, { message });
      expect(asked).toMatchObject({ agent_id, message, status: 'pending', valid: null, signature: null });
      expect(asked.signing_payload).toBe(`${message}.${asked.nonce}`);
      const signature = await signBytes(key.private_key, fromBase64(asked.signing_input)!);
      expect(signature).toBe(await key.signMessage(message, asked.nonce));
      const done = await services.signingRequests.sign(call, { request_id: asked.id, signature });
      expect(done).toMatchObject({ status: 'completed', valid: true, signature });
      expect(await services.signingRequests.get(call, { request_id: asked.id })).toEqual(done);
      const { fingerprint } = key;
      expect(await services.directory.verify(publicCall(), { signature })).toEqual({
        ...{ valid: true, signer: { fingerprint } },
      });
      expect(await services.directory.verifyBy(publicCall(), { fingerprint, signature })).toMatchObject({
        valid: true,
      });
      const other = (await makeAgent()).key.fingerprint;
      expect(await services.directory.verifyBy(publicCall(), { fingerprint: other, signature })).toEqual({
        ...{ valid: false, signer: null },
      });
    },
  );

  it('16: takes one of two signatures that come at once', async () => {
    const { call, key } = await makeAgent();
    const { id: request_id, nonce } = await services.signingRequests.create(call, { message: 'once' });
    const signature = await key.signMessage('once', nonce);
    const answers = await Promise.allSettled(
      [1, 2, 3].map(() => services.signingRequests.sign(call, { request_id, signature })),
    );
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const one of answers)
      if (one.status === 'rejected') expect(one.reason).toEqual(failure('signing_request_already_completed'));
    expect(await eventsOf(request_id)).toEqual(['identity.signing.requested', 'identity.signing.completed']);
  });

  it('17: ends with a wrong signature: unframed, of another message, by another key', async () => {
    const { call, key } = await makeAgent();
    const other = await makeKey();
    const wrong: ((nonce: string) => Promise<string>)[] = [
      (nonce) => key.sign(`text.${nonce}`),
      (nonce) => key.signMessage('another text', nonce),
      (nonce) => other.signMessage('text', nonce),
    ];
    for (const sign of wrong) {
      const { id: request_id, nonce } = await services.signingRequests.create(call, { message: 'text' });
      const signature = await sign(nonce);
      expect(await services.signingRequests.sign(call, { request_id, signature })).toMatchObject({
        ...{ status: 'completed', valid: false },
      });
      const good = await key.signMessage('text', nonce);
      await expect(services.signingRequests.sign(call, { request_id, signature: good })).rejects.toEqual(
        failure('signing_request_already_completed'),
      );
      // What was not good is not found either.
      expect(await services.directory.verify(publicCall(), { signature })).toEqual({ valid: false, signer: null });
    }
  });

  it('17: expires after 300 seconds, once, whoever comes first: the timer, the sweep or the signature', async () => {
    const { call, id: agent_id, key } = await makeAgent();
    const { id: request_id, nonce } = await services.signingRequests.create(call, { message: 'late' });
    const signature = await key.signMessage('late', nonce);
    const { rows } = await test.pool.query('select inputs from dbos.workflow_status where workflow_uuid = $1', [
      `signing-${request_id}`,
    ]);
    expect(JSON.stringify(rows)).not.toContain('late');
    await services.signingRequests.expire(org.id, request_id);
    expect(await services.signingRequests.get(call, { request_id })).toMatchObject({ status: 'pending' });
    test.clock.advance(300_000);
    await expect(services.signingRequests.sign(call, { request_id, signature })).rejects.toEqual(
      failure('signing_request_expired'),
    );
    const list = (status: string[]) => services.signingRequests.list(call, { status, limit: 50 });
    expect((await list(['expired'])).items.map(({ id }) => id)).toEqual([request_id]);
    expect((await list(['pending', 'completed'])).items).toEqual([]);
    await Promise.all([services.signingRequests.expire(org.id, request_id), services.signingRequests.sweepDue()]);
    await services.signingRequests.expire(org.id, request_id);
    expect(await services.signingRequests.get(call, { request_id })).toMatchObject({ agent_id, status: 'expired' });
    expect(await eventsOf(request_id)).toEqual(['identity.signing.requested', 'identity.signing.expired']);
  });

  it('19: is one of twenty that may wait, also when they come at once', async () => {
    const { call, key } = await makeAgent();
    const asked = await Promise.allSettled(
      Array.from({ length: 22 }, (_, n) => services.signingRequests.create(call, { message: `${n}` })),
    );
    const made = asked.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    expect(made).toHaveLength(20);
    for (const one of asked) if (one.status === 'rejected') expect(one.reason).toEqual(failure('signing_limit'));
    const { id: request_id, message, nonce } = made[0]!;
    const signature = await key.signMessage(message, nonce);
    await services.signingRequests.sign(call, { request_id, signature });
    await services.signingRequests.create(call, { message: 'one more' });
    const page = await services.signingRequests.list(call, { limit: 10 });
    const next = await services.signingRequests.list(call, { limit: 50, cursor: page.next_cursor! });
    expect(new Set([...page.items, ...next.items].map(({ id }) => id)).size).toBe(21);
  });

  it('19: is nobody else’s, and needs a key', async () => {
    const [mine, other] = [await makeAgent(), await makeAgent()];
    const { id: request_id, nonce } = await services.signingRequests.create(mine.call, { message: 'mine' });
    const signature = await mine.key.signMessage('mine', nonce);
    for (const call of [other.call, org.owner.call]) {
      await expect(services.signingRequests.get(call, { request_id })).rejects.toEqual(failure('not_found'));
      await expect(services.signingRequests.sign(call, { request_id, signature })).rejects.toEqual(
        failure('not_found'),
      );
    }
    await expect(services.signingRequests.create(org.owner.call, { message: 'x' })).rejects.toEqual(
      failure('agent_key_missing'),
    );
  });
});
