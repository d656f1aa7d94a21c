import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeCaller } from '../../../test/support/make-call.ts';
import { createIdentityTest, type IdentityTest, makeIdentity } from '../../../test/support/make-identity.ts';
import { callOf, makeOrg } from '../../../test/support/make-org.ts';
import { identityModule } from './identity-module.ts';
import type { Identity } from './index.ts';

let test: IdentityTest;
let identity: Identity;
beforeAll(async () => {
  test = await createIdentityTest();
  identity = test.identity;
});
afterAll(() => test.drop());

/** Statements that reach the database while `act` runs. */
const statements = async (act: () => Promise<unknown>): Promise<number> => {
  let count = 0;
  const connect = test.pool.connect.bind(test.pool);
  const spied = test.pool as unknown as { connect: (...args: unknown[]) => unknown };
  spied.connect = (...args: unknown[]) => {
    count += 1;
    return (connect as (...args: unknown[]) => unknown)(...args);
  };
  try {
    await act();
  } finally {
    spied.connect = connect as never;
  }
  return count;
};

describe('the resolver', () => {
  it('knows sessions, keys of people and keys of agents', async () => {
    const org = await makeOrg(identity, { members: { Bob: 'viewer' }, agents: { Bot: { scopes: ['inbox:read'] } } });
    expect(org.members.Bob.caller).toMatchObject({
      kind: 'user',
      name: 'Bob',
      org_id: org.id,
      org_name: org.name,
      system_role: 'viewer',
      permissions: ['items.read', 'apps.open'],
      scopes: ['*'],
      item_scope: { kind: 'org' },
      owner_id: null,
      credential: { kind: 'session' },
    });
    expect(org.agents.Bot.caller).toMatchObject({
      kind: 'agent',
      id: org.agents.Bot.id,
      name: 'Bot',
      scopes: ['inbox:read'],
      item_scope: { kind: 'own' },
      owner_id: org.owner.id,
      is_operator: false,
      credential: { kind: 'api_key' },
    });
    const { api_key } = await identity.services.keys.create(org.members.Bob.call, {
      name: 'cli',
      scopes: ['inbox:read'],
      expires_in_days: 1,
    });
    expect(api_key).toMatch(/^atk_[A-Za-z0-9_-]{43}$/);
    expect(await identity.resolve(api_key)).toMatchObject({
      kind: 'user',
      id: org.members.Bob.id,
      scopes: ['inbox:read'],
      owner_id: org.members.Bob.id,
    });
    test.clock.advance(25 * 3600 * 1000);
    expect(await identity.resolve(api_key)).toBeNull();
  });

  it.each([
    '',
    'x',
    'ats_short',
    `ats_${'a'.repeat(43)}`,
    `atk_${'_'.repeat(43)}`,
    `att_${'a'.repeat(43)}`,
    'a.b.c',
    'ats_\u0000',
  ])('knows nobody by %j', async (token) => {
    expect(await identity.resolve(token)).toBeNull();
  });

  it('stores no token in the clear', async () => {
    const org = await makeOrg(identity, { agents: { Bot: {} } });
    const { ticket } = await identity.services.sessions.ticket(org.owner.call);
    const { invite_code } = await identity.services.invitations.create(org.owner.call, {
      org: 'current',
      role: 'viewer',
      max_uses: 1,
      expires_in_hours: 1,
    });
    const tables = await test.pool.query(
      `select table_name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'`,
    );
    const secrets = [org.owner.token, org.agents.Bot.api_key, org.agents.Bot.client_secret, ticket, invite_code];
    for (const { table_name } of tables.rows) {
      const rows = JSON.stringify((await test.pool.query(`select * from ${table_name}`)).rows);
      for (const secret of secrets) expect(rows.includes(secret), `${table_name} holds a secret`).toBe(false);
    }
  });

  it('asks the database once for a token in use', async () => {
    const org = await makeOrg(identity, { agents: { Bot: {} } });
    test.clock.advance(60_000);
    expect(await statements(() => identity.resolve(org.agents.Bot.api_key))).toBe(1);
    expect(
      await statements(async () => {
        for (let n = 0; n < 100; n += 1) await identity.resolve(org.agents.Bot.api_key);
      }),
    ).toBe(0);
  });

  it('tells OAuth tokens by their form and hands them on', async () => {
    const org = await makeOrg(identity);
    const own = makeIdentity(test);
    const caller = makeCaller();
    own.addCredentialSource({
      matches: (token) => token.split('.').length === 3,
      resolve: async (token, use) => (use.resource === 'https://here' && token === 'a.b.c' ? caller : null),
    });
    expect(await own.resolve('a.b.c', { via: 'bearer', resource: 'https://here' })).toBe(caller);
    expect(await own.resolve('a.b.c', { via: 'bearer', resource: 'https://there' })).toBeNull();
    expect(await own.resolve(org.owner.token)).toMatchObject({ id: org.owner.id });
  });
});

describe('situation 43: whoever is shut out is refused at once', () => {
  it('when a session or key is revoked', async () => {
    const org = await makeOrg(identity);
    const { key, api_key } = await identity.services.keys.create(org.owner.call, {
      name: 'k',
      scopes: ['inbox:read'],
      expires_in_days: null,
    });
    const held = (await identity.resolve(api_key))!;
    await identity.services.keys.revoke(org.owner.call, { id: key.id });
    expect(await identity.resolve(api_key)).toBeNull();
    expect(await identity.refresh(held)).toBeNull();
    await identity.services.sessions.revoke(org.owner.call, { id: org.owner.caller.credential.id! });
    expect(await identity.resolve(org.owner.token)).toBeNull();
  });

  it('when a member is deactivated or removed, with their keys', async () => {
    const org = await makeOrg(identity, { members: { Bob: 'member', Eve: 'member' } });
    const { members } = identity.services;
    const { api_key } = await identity.services.keys.create(org.members.Bob.call, {
      name: 'k',
      scopes: ['inbox:read'],
      expires_in_days: null,
    });
    expect(await identity.resolve(api_key)).not.toBeNull();
    await members.deactivate(org.owner.call, { org: 'current', user: org.members.Bob.id });
    expect(await identity.resolve(org.members.Bob.token)).toBeNull();
    expect(await identity.resolve(api_key)).toBeNull();
    expect(await identity.refresh(org.members.Bob.caller)).toBeNull();
    await members.reactivate(org.owner.call, { org: 'current', user: org.members.Bob.id });
    expect(await identity.resolve(org.members.Bob.token)).toBeNull();
    expect(await identity.resolve(api_key)).toMatchObject({ id: org.members.Bob.id });
    await members.remove(org.owner.call, { org: 'current', user: org.members.Eve.id });
    expect(await identity.resolve(org.members.Eve.token)).toBeNull();
  });

  it('when an agent is deactivated or deleted', async () => {
    const org = await makeOrg(identity, { agents: { Bot: {} } });
    const { agents } = identity.services;
    const { id, api_key, caller } = org.agents.Bot;
    await agents.update(org.owner.call, { id, active: false });
    expect(await identity.resolve(api_key)).toBeNull();
    expect(await identity.refresh(caller)).toBeNull();
    await agents.update(org.owner.call, { id, active: true });
    expect(await identity.resolve(api_key)).toMatchObject({ id });
    await agents.delete(org.owner.call, { id });
    expect(await identity.resolve(api_key)).toBeNull();
    expect(await identity.callerOf({ org_id: org.id, kind: 'agent', id })).toBeNull();
  });

  it('on another replica by the event alone, and without one within half a minute', async () => {
    const org = await makeOrg(identity, { members: { Bob: 'member' } });
    const [replica, deaf] = [makeIdentity(test), makeIdentity(test)];
    const token = org.members.Bob.token;
    for (const one of [replica, deaf]) expect(await one.resolve(token)).not.toBeNull();
    await identity.services.members.deactivate(org.owner.call, { org: 'current', user: org.members.Bob.id });
    expect(await replica.resolve(token)).not.toBeNull();
    const events = await test.pool.query(
      'select org_id, seq, kind, subject_id as id, body from core_events where org_id = $1',
      [org.id],
    );
    for (const event of events.rows)
      identityModule(replica).onEvent!({
        ...event,
        actor: { type: 'system', id: null, name: '' },
        at: test.clock.now(),
      });
    expect(await replica.resolve(token)).toBeNull();
    test.clock.advance(30_000);
    expect(await deaf.resolve(token)).toBeNull();
  });

  it('and never kept from a question that was under way', async () => {
    const org = await makeOrg(identity, { members: { Bob: 'member' } });
    const fresh = makeIdentity(test);
    const asking = fresh.resolve(org.members.Bob.token);
    fresh.invalidate({ kind: 'identity.member.updated', id: org.members.Bob.id, org_id: org.id });
    await asking;
    await test.pool.query('update identity_members set deactivated_at = now() where user_id = $1', [
      org.members.Bob.id,
    ]);
    expect(await fresh.resolve(org.members.Bob.token)).toBeNull();
  });

  it('and a changed role counts at once', async () => {
    const org = await makeOrg(identity, { members: { Bob: 'member' }, roles: { Reader: ['items.read'] } });
    await identity.services.members.changeRole(org.owner.call, {
      org: 'current',
      user: org.members.Bob.id,
      role: 'Reader',
    });
    expect(await identity.resolve(org.members.Bob.token)).toMatchObject({
      permissions: ['items.read'],
      system_role: null,
    });
    await identity.services.roles.update(org.owner.call, {
      org: 'current',
      id: org.roles['Reader']!,
      permissions: ['items.read', 'items.archive'],
    });
    expect(await identity.resolve(org.members.Bob.token)).toMatchObject({
      permissions: ['items.read', 'items.archive'],
    });
    expect(await identity.refresh(org.members.Bob.caller)).toMatchObject({
      permissions: ['items.read', 'items.archive'],
    });
  });
});

describe('tickets', () => {
  it('situation 43: are good once, for half a minute, on the socket alone', async () => {
    const org = await makeOrg(identity);
    const take = async () => (await identity.services.sessions.ticket(org.owner.call)).ticket;
    const ticket = await take();
    expect(await identity.resolve(ticket)).toBeNull();
    const uses = await Promise.all([1, 2, 3].map(() => identity.resolve(ticket, { via: 'ticket' })));
    expect(uses.filter((caller) => caller !== null)).toMatchObject([
      { id: org.owner.id, credential: org.owner.caller.credential },
    ]);
    const late = await take();
    test.clock.advance(30_000);
    expect(await identity.resolve(late, { via: 'ticket' })).toBeNull();
    const orphan = await take();
    await identity.services.sessions.logout(org.owner.call);
    expect(await identity.resolve(orphan, { via: 'ticket' })).toBeNull();
  });

  it('stand for a key with the scopes of the key', async () => {
    const org = await makeOrg(identity, { agents: { Bot: { scopes: ['inbox:read'] } } });
    const { ticket } = await identity.services.sessions.ticket(org.agents.Bot.call);
    expect(await identity.resolve(ticket, { via: 'ticket' })).toMatchObject({
      id: org.agents.Bot.id,
      scopes: ['inbox:read'],
    });
  });
});

describe('operators', () => {
  it('keep their rights for twelve hours after signing in, and never by a key', async () => {
    const fresh = await createIdentityTest();
    try {
      const { access_token } = await fresh.identity.services.setup.complete(callOf(makeCaller()), {
        token: 'setup-token-of-the-tests',
        email: 'o@example.org',
        password: 'correct horse battery',
        name: 'O',
      });
      const caller = (await fresh.identity.resolve(access_token))!;
      expect(caller.is_operator).toBe(true);
      const { api_key } = await fresh.identity.services.keys.create(callOf(caller), {
        name: 'k',
        scopes: ['org:admin'],
        expires_in_days: null,
      });
      expect((await fresh.identity.resolve(api_key))!.is_operator).toBe(false);
      fresh.clock.advance(12 * 3600 * 1000 + 60_000);
      expect((await fresh.identity.resolve(access_token))!.is_operator).toBe(false);
    } finally {
      await fresh.drop();
    }
  });
});

describe('marks of use', () => {
  it('are written together, later, and announce an agent seen for the first time', async () => {
    const org = await makeOrg(identity, { members: { Bob: 'member' }, agents: { Bot: {} } });
    await identity.flush();
    test.clock.advance(60_000);
    const { Bot } = org.agents;
    await identity.resolve(org.members.Bob.token);
    for (let n = 0; n < 3; n += 1)
      identity.recordToolCall(Bot.caller, { tool: `inbox_${n}`, client: 'Claude Code 3.1' });
    await identity.flush();
    const now = test.clock.now().toISOString();
    const agent = await identity.services.agents.get(org.owner.call, { id: Bot.id });
    expect(agent).toMatchObject({
      calls_total: 3,
      calls_today: 3,
      last_tool: 'inbox_2',
      last_client: 'Claude Code 3.1',
      last_seen_at: now,
    });
    const { items } = await identity.services.members.list(org.owner.call, { org: 'current', q: 'bob', limit: 50 });
    expect(items).toMatchObject([{ name: 'Bob', last_seen_at: now }]);
    const sessions = await identity.services.sessions.list(org.members.Bob.call, { limit: 50 });
    expect(sessions.items.find((one) => one.current)!.last_used_at).toBe(now);
    const seen = await test.pool.query(
      `select 1 from core_events where subject_id = $1 and body->>'change' = 'first_seen'`,
      [Bot.id],
    );
    expect(seen.rowCount).toBe(1);
    test.clock.advance(24 * 3600 * 1000);
    expect(await identity.services.agents.get(org.owner.call, { id: Bot.id })).toMatchObject({
      calls_total: 3,
      calls_today: 0,
    });
    identity.recordToolCall(Bot.caller, { tool: 'inbox_ask', client: null });
    await identity.flush();
    expect(await identity.services.agents.get(org.owner.call, { id: Bot.id })).toMatchObject({
      calls_total: 4,
      calls_today: 1,
      last_client: 'Claude Code 3.1',
    });
  });
});
