import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createIdentityTest, type IdentityTest, makeIdentity } from '../../../test/support/make-identity.ts';
import { callOf, makeOrg } from '../../../test/support/make-org.ts';
import { newId } from '../../platform/ids/ids.ts';
import type { AgentChanges, NewAgent } from './agents-service.ts';
import type { Identity } from './index.ts';

let test: IdentityTest;
let identity: Identity;
beforeAll(async () => {
  test = await createIdentityTest();
  identity = test.identity;
});
afterAll(() => test.drop());

const newAgent = (parts: Partial<NewAgent> = {}): NewAgent => ({
  ...{
    name: `Agent ${newId()}`,
    description: '',
    kind: 'agent',
    scopes: ['inbox:read', 'inbox:write'],
    item_scope: { kind: 'own' },
  },
  ...parts,
});

describe('an agent', () => {
  it('is made with a key and a secret that are shown once, and reads and writes its own items', async () => {
    const org = await makeOrg(identity);
    const made = await identity.services.agents.create(org.owner.call, newAgent({ name: 'Claude' }));
    expect(made.client_id).toMatch(/^agent_[A-Za-z0-9_-]{22}$/);
    expect(made.client_secret).toMatch(/^acs_[A-Za-z0-9_-]{43}$/);
    expect(made.api_key).toMatch(/^atk_[A-Za-z0-9_-]{43}$/);
    expect(made.agent).toMatchObject({
      ...{
        name: 'Claude',
        role: { name: 'member', system: 'member' },
        scopes: ['inbox:read', 'inbox:write'],
        item_scope: { kind: 'own' },
      },
      ...{
        owner: { type: 'user', id: org.owner.id, name: org.owner.caller.name },
        key_prefix: made.api_key.slice(0, 10),
        calls_total: 0,
        first_seen_at: null,
      },
    });
    const shown = JSON.stringify(await identity.services.agents.get(org.owner.call, { id: made.agent.id }));
    expect(shown).not.toContain(made.api_key);
    await expect(identity.services.agents.create(org.owner.call, newAgent({ name: 'CLAUDE' }))).rejects.toMatchObject({
      code: 'name_taken',
    });
  });

  it('gets the same answer twice for one idempotency key', async () => {
    const org = await makeOrg(identity);
    const call = callOf(org.owner.caller, { idempotency: { key: 'k', operation: 'agents.create', request_hash: 'h' } });
    const [one, two] = [
      await identity.services.agents.create(call, newAgent({ name: 'Once' })),
      await identity.services.agents.create(call, newAgent({ name: 'Once' })),
    ];
    expect(two).toEqual(one);
    const kept = await test.pool.query('select response from core_idempotency_keys where org_id = $1', [org.id]);
    expect(kept.rows[0].response).not.toContain(one.api_key);
  });

  it('never has more than its maker: scopes, items, role', async () => {
    const org = await makeOrg(identity, {
      agents: { Boss: { role: 'admin', scopes: ['org:admin', 'inbox:read'], item_scope: { kind: 'own' } } },
    });
    const boss = org.agents.Boss.call;
    const { agents } = identity.services;
    const refused = { code: 'escalation_denied' };
    await expect(agents.create(boss, newAgent({ scopes: ['account:write'] }))).rejects.toMatchObject(refused);
    await expect(agents.create(boss, newAgent({ scopes: [], item_scope: { kind: 'org' } }))).rejects.toMatchObject(
      refused,
    );
    await expect(
      agents.create(boss, newAgent({ scopes: [], item_scope: { kind: 'channels', channel_ids: [newId()] } })),
    ).rejects.toMatchObject(refused);
    await expect(agents.create(boss, newAgent({ scopes: [], role: 'owner' }))).rejects.toMatchObject(refused);
    const child = await agents.create(boss, newAgent({ scopes: ['inbox:read'] }));
    expect(child.agent.owner.id).toBe(org.owner.id);
  });

  it('cannot be taken over by somebody who holds less', async () => {
    const org = await makeOrg(identity, {
      members: { Ann: 'admin' },
      agents: { Root: { role: 'owner', item_scope: { kind: 'org' } } },
    });
    const { agents } = identity.services;
    const { id } = org.agents.Root;
    const changes: AgentChanges[] = [
      { id, name: 'Mine' },
      { id, scopes: ['inbox:read'] },
      { id, active: true },
    ];
    for (const change of changes)
      await expect(agents.update(org.members.Ann.call, change)).rejects.toMatchObject({ code: 'escalation_denied' });
    await expect(agents.rotateKey(org.members.Ann.call, { id, grace_minutes: 0 })).rejects.toMatchObject({
      code: 'escalation_denied',
    });
    expect(await identity.resolve(org.agents.Root.api_key)).not.toBeNull();
  });

  it('of an Owner makes no Owners', async () => {
    const org = await makeOrg(identity, {
      members: { Bob: 'member' },
      agents: { Root: { role: 'owner', scopes: ['org:admin'] } },
    });
    const promote = identity.services.members.changeRole(org.agents.Root.call, {
      org: 'current',
      user: org.members.Bob.id,
      role: 'owner',
    });
    await expect(promote).rejects.toMatchObject({ code: 'escalation_denied' });
  });

  it('is given only channels that its maker sees', async () => {
    const own = makeIdentity(test);
    const org = await makeOrg(own);
    const [seen, hidden] = [newId(), newId()];
    own.onItemScopeGranting(async (_caller, ids) => ids.filter((id) => id === seen));
    const scope = (...channel_ids: string[]) => ({ item_scope: { kind: 'channels' as const, channel_ids } });
    const made = await own.services.agents.create(org.owner.call, newAgent(scope(seen)));
    expect(made.agent.item_scope).toEqual({ kind: 'channels', channel_ids: [seen] });
    const refused = { code: 'validation_failed', errors: [{ path: 'item_scope.channel_ids' }] };
    await expect(own.services.agents.create(org.owner.call, newAgent(scope(seen, hidden)))).rejects.toMatchObject(
      refused,
    );
    await expect(
      own.services.agents.update(org.owner.call, { id: made.agent.id, ...scope(hidden) }),
    ).rejects.toMatchObject(refused);
  });

  it('changes with its key: scopes, role and items count from the next call', async () => {
    const org = await makeOrg(identity, { agents: { Bot: { scopes: ['inbox:read'] } } });
    const { id, api_key } = org.agents.Bot;
    await identity.services.agents.update(org.owner.call, {
      id,
      scopes: ['inbox:read', 'org:read'],
      role: 'viewer',
      item_scope: { kind: 'org' },
    });
    expect(await identity.resolve(api_key)).toMatchObject({
      scopes: ['inbox:read', 'org:read'],
      system_role: 'viewer',
      item_scope: { kind: 'org' },
    });
    await identity.services.agents.update(org.owner.call, { id, scopes: ['org:read'] });
    expect(await identity.resolve(api_key)).toMatchObject({ scopes: ['org:read'] });
  });

  it('keeps its old key for the grace it was given, and no longer', async () => {
    const org = await makeOrg(identity, { agents: { Bot: {} } });
    const { id, api_key } = org.agents.Bot;
    const next = await identity.services.agents.rotateKey(org.owner.call, { id, grace_minutes: 10 });
    expect(next.agent.key_prefix).toBe(next.api_key.slice(0, 10));
    expect(await identity.resolve(api_key)).toMatchObject({ id });
    test.clock.advance(10 * 60_000);
    expect(await identity.resolve(api_key)).toBeNull();
    expect(await identity.resolve(next.api_key)).toMatchObject({ id });
    await identity.services.agents.rotateKey(org.owner.call, { id, grace_minutes: 0 });
    expect(await identity.resolve(next.api_key)).toBeNull();
  });

  it('gives its name and role free when it is deleted', async () => {
    const org = await makeOrg(identity, { roles: { Bots: ['items.read'] } });
    const { agents, roles } = identity.services;
    const made = await agents.create(org.owner.call, newAgent({ name: 'Reborn', role: 'Bots' }));
    await expect(roles.delete(org.owner.call, { org: 'current', id: org.roles['Bots']! })).rejects.toMatchObject({
      code: 'in_use',
      message: 'The role is held by 1 agents.',
    });
    await agents.delete(org.owner.call, { id: made.agent.id });
    await expect(agents.get(org.owner.call, { id: made.agent.id })).rejects.toMatchObject({ code: 'not_found' });
    await agents.create(org.owner.call, newAgent({ name: 'Reborn' }));
    await roles.delete(org.owner.call, { org: 'current', id: org.roles['Bots']! });
    expect((await agents.list(org.owner.call, { q: 'reb', limit: 50 })).items).toHaveLength(1);
  });
});

describe('keys of people', () => {
  it('never hold a scope that the session or key they were made with lacks', async () => {
    const org = await makeOrg(identity);
    const { keys } = identity.services;
    const first = await keys.create(org.owner.call, {
      name: 'a',
      scopes: ['account:write', 'inbox:read'],
      expires_in_days: null,
    });
    const call = callOf((await identity.resolve(first.api_key))!);
    const second = await keys.create(call, { name: 'b', scopes: ['inbox:read', 'inbox:read'], expires_in_days: 2 });
    expect(second.key).toMatchObject({
      scopes: ['inbox:read'],
      prefix: second.api_key.slice(0, 10),
      org_id: org.id,
      last_used_at: null,
    });
    await expect(keys.create(call, { name: 'c', scopes: ['org:admin'], expires_in_days: null })).rejects.toMatchObject({
      code: 'escalation_denied',
      extensions: { missing: ['org:admin'] },
    });
    expect((await keys.list(org.owner.call, { limit: 50 })).items.map((one) => one.name).sort()).toEqual(['a', 'b']);
    await keys.revoke(org.owner.call, { id: first.key.id });
    await expect(keys.revoke(org.owner.call, { id: first.key.id })).rejects.toMatchObject({ code: 'not_found' });
    expect((await keys.list(org.owner.call, { limit: 50 })).items.map((one) => one.name)).toEqual(['b']);
  });
});
