import { identityProof, rotationProof } from '@atrium/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  makeKey,
  newRegistrationKey,
  proveEnrolment,
  proveRegistration,
  type TestKey,
} from '../../../test/support/agent-key.ts';
import { createIdentityTest, type IdentityTest } from '../../../test/support/make-identity.ts';
import { callOf, makeOrg, publicCall, type TestOrg } from '../../../test/support/make-org.ts';
import { requestHash } from '../../platform/http/idempotency-key.ts';
import type { Caller } from '../../platform/operations/caller.ts';
import type { HookAgent } from './identity-hooks.ts';
import type { Identity, IdentityServices } from './index.ts';
import type { EnrolmentInput, RegistrationInput } from './registration-service.ts';

let test: IdentityTest;
let identity: Identity;
let services: IdentityServices;
let org: TestOrg<'Viewer' | 'Leaver', 'Boss' | 'Narrow'>;
const welcomed: HookAgent[] = [];
const shutOut: string[] = [];
beforeAll(async () => {
  test = await createIdentityTest();
  identity = test.identity;
  services = identity.services;
  identity.onAgentRegistered(async (_tx, agent) => void welcomed.push(agent));
  identity.onAgentShutOut(async (_tx, { id }) => void shutOut.push(id));
  org = await makeOrg(identity, {
    members: { Viewer: 'viewer', Leaver: 'member' },
    agents: {
      Boss: { scopes: ['inbox:read', 'agent:profile', 'crypto:sign'] },
      Narrow: { scopes: ['inbox:read', 'agent:profile'] },
    },
  });
});
afterAll(() => test.drop());

const count = async (table: string): Promise<number> =>
  (await test.pool.query(`select count(*)::int as n from ${table}`)).rows[0].n;

const withKey = (operation: string, key: string, input: unknown) =>
  publicCall({ idempotency: { key, operation, request_hash: requestHash(input) } });

const voucher = async (caller: Caller = org.owner.caller) => (await services.vouchers.create(callOf(caller))).code;

const register = async (
  key: TestKey,
  parts: Partial<RegistrationInput> = {},
  idempotencyKey = newRegistrationKey(),
) => {
  const input = {
    public_key: key.public_key,
    voucher_code: parts.voucher_code ?? (await voucher()),
    proof: await proveRegistration(key, idempotencyKey),
    ...parts,
  };
  return services.registration.register(withKey('agents.register', idempotencyKey, input), input);
};

const actAs = async (id: string): Promise<Caller> => (await identity.callerOf({ org_id: org.id, kind: 'agent', id }))!;

describe('a registration', () => {
  it('2: makes an agent with its client, its key and its place in the graph, and welcomes it in the same transaction', async () => {
    const key = await makeKey();
    const made = await register(key, { voucher_code: await voucher(org.agents.Boss.caller) });
    expect(made).toMatchObject({ public_key: key.public_key, fingerprint: key.fingerprint });
    expect(made.client_id).toMatch(/^agent_/);
    const agent = await services.agents.get(org.owner.call, { id: made.identity_id });
    // It may do what its voucher's issuer may, as far as newcomers may at all.
    expect(agent).toMatchObject({
      ...{ name: `agent-${key.fingerprint}`, fingerprint: key.fingerprint, role: { system: 'member' } },
      ...{ scopes: ['inbox:read', 'agent:profile', 'crypto:sign'], item_scope: { kind: 'own' } },
      owner: { id: org.owner.id },
    });
    expect(welcomed.at(-1)).toMatchObject({ id: made.identity_id, org_id: org.id, fingerprint: key.fingerprint });
    const { rows } = await test.pool.query(
      "select actor_id, action from core_audit where target_id = $1 and action = 'agents.register'",
      [made.identity_id],
    );
    expect(rows).toEqual([{ actor_id: made.identity_id, action: 'agents.register' }]);
  });

  it('rolls everything back when the welcome fails, and the voucher is good again', async () => {
    const broken = { on: true };
    identity.onAgentRegistered(async () => {
      if (broken.on) throw new Error('no room for a diary');
    });
    const before = [await count('identity_agents'), await count('identity_agent_keys')];
    const [key, code] = [await makeKey(), await voucher()];
    await expect(register(key, { voucher_code: code })).rejects.toThrow('no room');
    expect([await count('identity_agents'), await count('identity_agent_keys')]).toEqual(before);
    broken.on = false;
    await expect(register(key, { voucher_code: code })).resolves.toMatchObject({ fingerprint: key.fingerprint });
  });

  it('counts against the agents of the plan, and burns no voucher beyond it', async () => {
    const small = await makeOrg(identity);
    const code = (await services.vouchers.create(small.owner.call)).code;
    await test.pool.query(`update identity_subscriptions set limits = '{"agents": 0}' where org_id = $1`, [small.id]);
    await expect(register(await makeKey(), { voucher_code: code })).rejects.toMatchObject({
      code: 'plan_limit_exceeded',
    });
    await test.pool.query(`update identity_subscriptions set limits = '{"agents": 1}' where org_id = $1`, [small.id]);
    await register(await makeKey(), { voucher_code: code });
  });

  it('needs an Idempotency-Key in its form', async () => {
    const key = await makeKey();
    const input = { public_key: key.public_key, voucher_code: await voucher(), proof: await key.sign('x') };
    await expect(services.registration.register(publicCall(), input)).rejects.toMatchObject({ code: 'bad_request' });
    await expect(
      services.registration.register(withKey('agents.register', 'short', input), input),
    ).rejects.toMatchObject({ code: 'bad_request' });
    await services.vouchers.revoke(org.owner.call, {
      id: (await services.vouchers.list(org.owner.call, { everyone: false, limit: 1 })).items[0]!.id,
    });
  });

  it('3: replays for ten minutes, refuses another body, and is over afterwards', async () => {
    const [key, once, code] = [await makeKey(), newRegistrationKey(), await voucher()];
    const first = await register(key, { voucher_code: code }, once);
    test.clock.advance(9 * 60_000);
    expect(await register(key, { voucher_code: code }, once)).toEqual(first);
    await expect(register(key, { voucher_code: code, name: 'Other' }, once)).rejects.toMatchObject({
      code: 'idempotency_key_reused',
    });
    test.clock.advance(2 * 60_000);
    await expect(register(key, { voucher_code: code }, once)).rejects.toMatchObject({ code: 'key_already_registered' });
    const kept = await test.pool.query(
      "select response from core_idempotency_keys where operation = 'agents.register'",
    );
    expect(JSON.stringify(kept.rows)).not.toContain(first.client_secret);
  });

  it('by somebody who left, or was demoted, fails as any dead voucher does', async () => {
    const code = await voucher(org.members.Leaver.caller);
    const role = (system: string) =>
      services.roles
        .list(org.owner.call, { org: 'current', limit: 50 })
        .then((page) => page.items.find((one) => one.system === system)!.id);
    await services.members.changeRole(org.owner.call, {
      org: 'current',
      user: org.members.Leaver.id,
      role: await role('viewer'),
    });
    await expect(register(await makeKey(), { voucher_code: code })).rejects.toMatchObject({
      code: 'registration_failed',
    });
    await services.members.changeRole(org.owner.call, {
      org: 'current',
      user: org.members.Leaver.id,
      role: await role('member'),
    });
    await services.members.deactivate(org.owner.call, { org: 'current', user: org.members.Leaver.id });
    await expect(register(await makeKey(), { voucher_code: code })).rejects.toMatchObject({
      code: 'registration_failed',
    });
    await services.members.reactivate(org.owner.call, { org: 'current', user: org.members.Leaver.id });
    await register(await makeKey(), { voucher_code: code });
  });

  it('cannot be vouched for by who may do less than the newcomer', async () => {
    await expect(services.vouchers.create(org.members.Viewer.call)).rejects.toMatchObject({
      code: 'escalation_denied',
    });
  });

  it('is not possible under the keys that an agent had before', async () => {
    const [old, fresh] = [await makeKey(), await makeKey()];
    const made = await register(old);
    const call = callOf(await actAs(made.identity_id));
    const text = rotationProof(made.identity_id, old.public_key, fresh.public_key);
    const answer = await services.agentKeys.rotateKey(call, {
      public_key: fresh.public_key,
      old_signature: await old.sign(text),
      new_signature: await fresh.sign(text),
    });
    expect(answer).toMatchObject({ fingerprint: fresh.fingerprint, previous_fingerprint: old.fingerprint });
    await expect(register(old)).rejects.toMatchObject({ code: 'key_already_registered' });
    expect(await services.directory.get(publicCall(), { fingerprint: old.fingerprint.toLowerCase() })).toMatchObject({
      public_key: old.public_key,
      replaced_by: fresh.fingerprint,
    });
    // Neither key may be left out.
    const third = await makeKey();
    const next = rotationProof(made.identity_id, fresh.public_key, third.public_key);
    for (const [old_by, new_by] of [
      [old, third],
      [fresh, fresh],
    ] as const) {
      const signed = { old_signature: await old_by.sign(next), new_signature: await new_by.sign(next) };
      await expect(
        services.agentKeys.rotateKey(call, { public_key: third.public_key, ...signed }),
      ).rejects.toMatchObject({ code: 'invalid_signature' });
    }
  });
});

it('an organisation that goes takes its agents, their keys and its vouchers along', async () => {
  const own = await makeOrg(identity);
  const key = await makeKey();
  const { code } = await services.vouchers.create(own.owner.call);
  await services.vouchers.create(own.owner.call);
  await register(key, { voucher_code: code });
  await services.orgs.delete(own.owner.call, { org: 'current', confirm: own.name });
  const left = await test.pool.query('select 1 from identity_vouchers where org_id = $1', [own.id]);
  expect(left.rowCount).toBe(0);
  // Nobody has the key any more.
  await expect(register(key)).resolves.toMatchObject({ fingerprint: key.fingerprint });
});

describe('an agent that somebody made', () => {
  const attach = async (caller: Caller, key: TestKey, time = test.clock.now().toISOString(), signed = time) =>
    services.agentKeys.attach(callOf(caller), {
      ...{ public_key: key.public_key, proof_time: time },
      proof: await key.sign(identityProof(caller.id, signed)),
    });

  it('attaches a key by its own credential, once', async () => {
    const key = await makeKey();
    const { caller, id } = org.agents.Boss;
    const early = new Date(test.clock.now().getTime() - 6 * 60_000).toISOString();
    await expect(attach(caller, key, early)).rejects.toMatchObject({ code: 'invalid_signature' });
    await expect(attach(caller, key, test.clock.now().toISOString(), early)).rejects.toMatchObject({
      code: 'invalid_signature',
    });
    expect(await attach(caller, key)).toEqual({
      ...{ identity_id: id, public_key: key.public_key, fingerprint: key.fingerprint },
    });
    expect(welcomed.at(-1)).toMatchObject({ id });
    await expect(attach(caller, await makeKey())).rejects.toMatchObject({ code: 'agent_key_exists' });
    expect(await services.agentKeys.whoami(callOf(caller))).toMatchObject({ fingerprint: key.fingerprint });
  });

  it('does not turn a credential that may do less into a secret or a key', async () => {
    const { agent } = org.agents.Narrow;
    const narrower = { ...org.agents.Narrow.caller, scopes: ['agent:profile'] };
    await expect(attach(narrower, await makeKey())).rejects.toMatchObject({ code: 'escalation_denied' });
    await expect(services.agentKeys.rotateSecret(callOf(narrower))).rejects.toMatchObject({
      code: 'escalation_denied',
    });
    await expect(services.agentKeys.rotateSecret(org.owner.call)).rejects.toMatchObject({ code: 'permission_denied' });
    const { client_id } = await services.agentKeys.rotateSecret(callOf(org.agents.Narrow.caller));
    expect(client_id).toBe(agent.client_id);
  });

  it('attaches a key by its enrolment token: once, within a day, the newest token', async () => {
    const made = await services.agents.create(org.owner.call, {
      ...{ name: 'Enrolled', description: '', kind: 'agent', scopes: ['inbox:read'], item_scope: { kind: 'own' } },
    });
    const redeem = async (token: string, key: TestKey, once = newRegistrationKey()) => {
      const input: EnrolmentInput = {
        ...{ enrolment_token: token, public_key: key.public_key },
        proof: await proveEnrolment(key, once),
      };
      return services.registration.redeemEnrolment(withKey('agents.redeem_enrolment', once, input), input);
    };
    const enrol = async () =>
      (await services.registration.enrol(org.owner.call, { id: made.agent.id })).enrolment_token;
    const [stale, late] = [await enrol(), await enrol()];
    const key = await makeKey();
    await expect(redeem(stale, key)).rejects.toMatchObject({ code: 'registration_failed' });
    test.clock.advance(24 * 60 * 60_000);
    await expect(redeem(late, key)).rejects.toMatchObject({ code: 'registration_failed' });
    const [token, once] = [await enrol(), newRegistrationKey()];
    const answer = await redeem(token, key, once);
    expect(answer).toMatchObject({
      identity_id: made.agent.id,
      client_id: made.client_id,
      fingerprint: key.fingerprint,
    });
    expect(answer.client_secret).not.toBe(made.client_secret);
    expect(await redeem(token, key, once)).toEqual(answer);
    expect(shutOut).toContain(made.agent.id);
    await expect(redeem(token, await makeKey())).rejects.toMatchObject({ code: 'registration_failed' });
    await expect(enrol()).rejects.toMatchObject({ code: 'agent_key_exists' });
    // A proof for one purpose is none for another.
    const input = { enrolment_token: token, public_key: key.public_key, proof: await proveRegistration(key, once) };
    await expect(
      services.registration.redeemEnrolment(withKey('agents.redeem_enrolment', once, input), input),
    ).rejects.toMatchObject({ code: 'invalid_signature' });
  });
});

describe('the trust graph', () => {
  it('tells depth and descendants from the roots, and from any key', async () => {
    const own = await makeOrg(identity);
    const join = async (by: Caller): Promise<{ id: string; fingerprint: string; caller: Caller }> => {
      const key = await makeKey();
      const { code } = await services.vouchers.create(callOf(by));
      const { identity_id: id } = await register(key, { voucher_code: code });
      const caller = (await identity.callerOf({ org_id: own.id, kind: 'agent', id }))!;
      test.clock.advance(1000);
      return { id, fingerprint: key.fingerprint, caller };
    };
    const a = await join(own.owner.caller);
    const b = await join(a.caller);
    const c = await join(b.caller);
    const d = await join(b.caller);
    const graph = (input: { root?: string; max_depth?: number; limit?: number; cursor?: string } = {}) =>
      services.vouchers.graph(publicCall(), { limit: 50, ...input });
    const all = new Map((await graph()).items.map((edge) => [edge.redeemer_fingerprint, edge]));
    expect([a, b, c, d].map(({ fingerprint }) => all.get(fingerprint))).toMatchObject([
      { issuer_kind: 'user', issuer_fingerprint: null, depth: 1, descendants: 3, active: true },
      { issuer_kind: 'agent', issuer_fingerprint: a.fingerprint, depth: 2, descendants: 2 },
      { issuer_fingerprint: b.fingerprint, depth: 3, descendants: 0 },
      { issuer_fingerprint: b.fingerprint, depth: 3, descendants: 0 },
    ]);
    const below = await graph({ root: a.fingerprint.toLowerCase() });
    expect(below.items.map(({ redeemer_fingerprint, depth }) => [redeemer_fingerprint, depth])).toEqual([
      [d.fingerprint, 2],
      [c.fingerprint, 2],
      [b.fingerprint, 1],
    ]);
    expect((await graph({ root: a.fingerprint, max_depth: 1 })).items).toHaveLength(1);
    const page = await graph({ root: a.fingerprint, limit: 2 });
    expect(page.items).toHaveLength(2);
    expect((await graph({ root: a.fingerprint, limit: 2, cursor: page.next_cursor! })).items).toMatchObject([
      { redeemer_fingerprint: b.fingerprint },
    ]);
    // Switching an issuer off switches nobody else off, and the graph still says whom it vouched for.
    await services.agents.update(own.owner.call, { id: b.id, active: false });
    expect((await graph({ root: b.fingerprint })).items).toMatchObject([{ active: true }, { active: true }]);
    expect((await graph({ root: a.fingerprint })).items.at(-1)).toMatchObject({ active: false });
    await expect(graph({ root: '0000-0000-0000-0000' })).rejects.toMatchObject({ code: 'not_found' });
  });
});

describe('vouchers', () => {
  it('8: are five at most for each issuer, also when asked for all at once', async () => {
    const own = await makeOrg(identity, { agents: { Maker: { scopes: ['agent:profile'] } } });
    for (const by of [own.owner.caller, own.agents.Maker.caller]) {
      const asked = await Promise.allSettled(Array.from({ length: 6 }, () => services.vouchers.create(callOf(by))));
      const refused = asked.flatMap((one) => (one.status === 'rejected' ? [one.reason.code] : []));
      expect(refused).toEqual(['voucher_limit']);
      const { items } = await services.vouchers.list(callOf(by), { everyone: false, limit: 50 });
      const codes = asked.flatMap((one) => (one.status === 'fulfilled' ? [one.value.code] : []));
      expect(items.map(({ code }) => code).sort()).toEqual(codes.sort());
    }
    // Managers see those of everybody, without what others could be let in with.
    const all = await services.vouchers.list(own.owner.call, { everyone: true, limit: 50 });
    expect(all.items.filter(({ code }) => code !== null)).toHaveLength(5);
    expect(all.items).toHaveLength(10);
    const theirs = all.items.find(({ issued_by }) => issued_by.kind === 'agent')!;
    await services.vouchers.revoke(own.owner.call, { id: theirs.id });
    await services.vouchers.create(callOf(own.agents.Maker.caller));
    const mine = all.items.find(({ issued_by }) => issued_by.kind === 'user')!;
    await expect(services.vouchers.revoke(callOf(own.agents.Maker.caller), { id: mine.id })).rejects.toMatchObject({
      code: 'not_found',
    });
    await expect(
      services.vouchers.list(callOf(own.agents.Maker.caller), { everyone: true, limit: 50 }),
    ).rejects.toMatchObject({ code: 'permission_denied' });
  });

  it('lie in the table as hashes and sealed, and are forgotten once they are of no use', async () => {
    const own = await makeOrg(identity);
    const [used, revoked, old] = [
      await services.vouchers.create(own.owner.call),
      await services.vouchers.create(own.owner.call),
      await services.vouchers.create(own.owner.call),
    ];
    const stored = async () =>
      (
        await test.pool.query(
          'select id, code_sealed, to_jsonb(v)::text as row from identity_vouchers v where org_id = $1',
          [own.id],
        )
      ).rows;
    for (const { row } of await stored()) for (const { code } of [used, revoked, old]) expect(row).not.toContain(code);
    await register(await makeKey(), { voucher_code: used.code });
    await services.vouchers.revoke(own.owner.call, { id: revoked.id });
    expect((await stored()).filter(({ code_sealed }) => code_sealed !== null).map(({ id }) => id)).toEqual([old.id]);
    await expect(register(await makeKey(), { voucher_code: revoked.code })).rejects.toMatchObject({
      code: 'registration_failed',
    });
    test.clock.advance(24 * 60 * 60_000);
    await expect(register(await makeKey(), { voucher_code: old.code })).rejects.toMatchObject({
      code: 'registration_failed',
    });
  });
});
