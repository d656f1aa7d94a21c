import {
  agentKeyOperations,
  deviceOperations,
  identityOperations,
  type Operation,
  pathParameters,
  signInOperations,
  userOperations,
} from '@atrium/protocol';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createIdentityTest, type IdentityTest, makeIdentity } from '../../../test/support/make-identity.ts';
import { makeOrg, makePerson } from '../../../test/support/make-org.ts';
import type { Binding } from '../../platform/operations/binding.ts';
import { identityModule } from './identity-module.ts';
import type { Identity } from './index.ts';

let test: IdentityTest;
let identity: Identity;
beforeAll(async () => {
  test = await createIdentityTest();
  identity = test.identity;
});
afterAll(() => test.drop());
const current = { org: 'current' } as const;

describe('an organisation', () => {
  it('gets a slug of its own, and keeps names and slugs apart from others', async () => {
    const { owner } = await makeOrg(identity);
    const { orgs } = identity.services;
    const [one, two] = [
      await orgs.create(owner.call, { name: 'Küche & Bad' }),
      await orgs.create(owner.call, { name: 'Küche & Bad' }),
    ];
    expect(one.slug).toBe('kuche-bad');
    expect(two.slug).toMatch(/^kuche-bad-\d{4}$/);
    expect((await orgs.create(owner.call, { name: '日本' })).slug).toMatch(/^org/);
    await expect(orgs.update(owner.call, { ...current, slug: 'kuche-bad' })).rejects.toMatchObject({
      code: 'name_taken',
    });
    expect(await orgs.update(owner.call, { ...current, name: 'Renamed' })).toMatchObject({ name: 'Renamed' });
    expect(await identity.resolve(owner.token)).toMatchObject({ org_name: 'Renamed' });
  });

  it('situation 60: leaves no row with its org_id in any table when it is deleted, and no way in', async () => {
    const own = makeIdentity(test);
    const seen: string[] = [];
    own.onOrgDeleting(async (tx, org) => {
      seen.push(org.id);
      const members = await sql`select from identity_members where org_id = ${org.id}`.execute(tx.db);
      expect(members.rows.length).toBeGreaterThan(0);
    });
    const org = await makeOrg(own, {
      members: { Bob: 'admin' },
      agents: { Bot: {} },
      roles: { R: ['items.read'] },
      teams: ['T'],
    });
    await own.services.invitations.create(org.owner.call, {
      ...current,
      role: 'R',
      max_uses: null,
      expires_in_hours: 1,
    });
    const keyed = { ...org.owner.call, idempotency: { key: 'k', operation: 'teams.create', request_hash: 'h' } };
    await own.services.teams.create(keyed, { ...current, name: 'Kept', description: '' });
    await test.pool.query(`insert into core_settings values ($1, 'archive_after_days', '9', now())`, [org.id]);
    await test.database.transaction(org.owner.call, (tx) => own.consume(tx, org.id, 'monthly_notifications'));
    await expect(own.services.orgs.delete(org.owner.call, { ...current, confirm: 'Wrong' })).rejects.toMatchObject({
      errors: [{ path: 'confirm' }],
    });
    await own.services.orgs.delete(org.owner.call, { ...current, confirm: org.name });
    // Once for each try: PostgreSQL may end the transaction that also meets other work on these rows.
    expect([...new Set(seen)]).toEqual([org.id]);
    for (const token of [org.owner.token, org.members.Bob.token, org.agents.Bot.api_key])
      expect(await own.resolve(token)).toBeNull();
    const last = await test.pool.query('select kind from core_events where org_id = $1 order by seq desc limit 1', [
      org.id,
    ]);
    expect(last.rows[0].kind).toBe('identity.org.deleted');
    const queued = await test.pool.query('select inputs from dbos.workflow_status where workflow_uuid = $1', [
      `identity-erase-org-${org.id}`,
    ]);
    expect(queued.rowCount).toBe(1);
    const job = identityModule(own).jobs!.find((one) => one.name === 'erase-org')!;
    await job.run({ org_id: org.id });
    await job.run({ org_id: org.id });
    const columns =
      await test.pool.query(`select c.table_name from information_schema.columns c join information_schema.tables t using (table_schema, table_name)
      where c.table_schema = 'public' and c.column_name = 'org_id' and t.table_type = 'BASE TABLE'`);
    expect(columns.rowCount).toBeGreaterThan(15);
    for (const { table_name } of columns.rows) {
      const left = await test.pool.query(`select 1 from ${table_name} where org_id = $1`, [org.id]);
      expect(left.rowCount, `${table_name} still has rows`).toBe(0);
    }
    const home = (
      await test.pool.query(
        `select o.id from identity_orgs o join identity_members m on m.org_id = o.id where m.user_id = $1 and o.is_personal`,
        [org.owner.id],
      )
    ).rows[0];
    const kept = await test.pool.query(`select details from core_audit where org_id = $1 and action = 'orgs.delete'`, [
      home.id,
    ]);
    expect(kept.rows[0].details).toMatchObject({ name: org.name });
  });

  it('stays when it is personal', async () => {
    const person = await makePerson(identity, 'Solo');
    await expect(identity.services.orgs.delete(person.call, { ...current, confirm: 'Solo' })).rejects.toMatchObject({
      code: 'in_use',
    });
  });

  it('is deleted by nothing else than the audit of the trail of others', async () => {
    const [a, b] = [await makeOrg(identity), await makeOrg(identity)];
    const before = await test.pool.query('select count(*) from core_audit where org_id = $1', [b.id]);
    await identityModule(identity).jobs![0]!.run({ org_id: a.id });
    expect((await test.pool.query('select count(*) from core_audit where org_id = $1', [b.id])).rows).toEqual(
      before.rows,
    );
    await expect(test.pool.query('delete from core_audit where org_id = $1', [b.id])).rejects.toThrow('append-only');
  });
});

describe('teams', () => {
  it('are renamed without a new slug, and take members, leads and nobody from outside', async () => {
    const org = await makeOrg(identity, { members: { Bob: 'member' } });
    const other = await makeOrg(identity);
    const { teams } = identity.services;
    const team = await teams.create(org.owner.call, { ...current, name: 'Platform', description: 'x' });
    await expect(teams.create(org.owner.call, { ...current, name: 'PLATFORM', description: '' })).rejects.toMatchObject(
      { code: 'name_taken' },
    );
    expect((await teams.create(org.owner.call, { ...current, name: 'Plat-form', description: '' })).slug).toBe(
      'plat-form',
    );
    expect((await teams.create(org.owner.call, { ...current, name: 'Platform!', description: '' })).slug).toBe(
      'platform-2',
    );
    expect(await teams.update(org.owner.call, { ...current, id: team.id, name: 'Ops' })).toMatchObject({
      name: 'Ops',
      slug: 'platform',
      description: 'x',
    });
    const inTeam = { ...current, id: team.id };
    await teams.addMember(org.owner.call, { ...inTeam, user_id: org.members.Bob.id, role: 'member' });
    expect(
      await teams.addMember(org.owner.call, { ...inTeam, user_id: org.members.Bob.id, role: 'lead' }),
    ).toMatchObject({ role: 'lead' });
    await expect(
      teams.addMember(org.owner.call, { ...inTeam, user_id: other.owner.id, role: 'member' }),
    ).rejects.toMatchObject({ code: 'not_found' });
    expect((await teams.list(org.owner.call, { ...current, limit: 50 })).items.map((one) => one.members)).toEqual([
      0, 0, 1,
    ]);
    await teams.removeMember(org.owner.call, { ...inTeam, user: org.members.Bob.id });
    await expect(teams.removeMember(org.owner.call, { ...inTeam, user: org.members.Bob.id })).rejects.toMatchObject({
      code: 'not_found',
    });
  });

  it('situation 33: tell their former members in the transaction that deletes them, or stay', async () => {
    const own = makeIdentity(test);
    const org = await makeOrg(own, { teams: ['Gone', 'Stays'], members: { Bob: { teams: ['Gone'] } } });
    const told: unknown[] = [];
    own.onTeamDeleting(async (_tx, _call, team) => {
      if (team.name === 'Stays') throw new Error('not now');
      told.push(team);
    });
    await own.services.teams.delete(org.owner.call, { ...current, id: org.teams['Gone']! });
    expect(told).toEqual([{ id: org.teams['Gone'], org_id: org.id, name: 'Gone', member_ids: [org.members.Bob.id] }]);
    await expect(own.services.teams.delete(org.owner.call, { ...current, id: org.teams['Stays']! })).rejects.toThrow(
      'not now',
    );
    expect(
      (await own.services.teams.list(org.owner.call, { ...current, limit: 50 })).items.map((one) => one.name),
    ).toEqual(['Stays']);
  });
});

describe('situation 31: a stranger with every id', () => {
  const bodies: Record<string, Record<string, unknown>> = {
    'members.change_role': { role: 'viewer' },
    'roles.create': { name: 'X', permissions: [] },
    'roles.update': { name: 'X' },
    'teams.create': { name: 'X' },
    'teams.update': { name: 'X' },
    'teams.add_member': {},
    'invitations.create': { role: 'viewer' },
    'agents.update': { name: 'X' },
    'orgs.update': { name: 'X' },
    'orgs.delete': { confirm: 'X' },
  };
  const taking = (identityOperations as readonly Operation[]).filter(
    ({ access, path }) => access === 'signed_in' && pathParameters(path).length > 0,
  );

  it('gets 404 from every operation that takes one, and changes nothing', async () => {
    const org = await makeOrg(identity, {
      members: { Bob: 'member' },
      teams: ['T'],
      roles: { R: ['items.read'] },
      agents: { Bot: {} },
    });
    const x = await makeOrg(identity, { teams: ['Own'] });
    const { invitation } = await identity.services.invitations.create(org.owner.call, {
      ...current,
      role: 'member',
      max_uses: null,
      expires_in_hours: 1,
    });
    const { key } = await identity.services.keys.create(org.owner.call, {
      name: 'k',
      scopes: [],
      expires_in_days: null,
    });
    const ids = [
      org.id,
      org.members.Bob.id,
      org.teams['T']!,
      org.roles['R']!,
      org.agents.Bot.id,
      invitation.id,
      key.id,
      org.owner.caller.credential.id!,
    ];
    const bindings = new Map(identityModule(identity).bindings.map((binding) => [binding.operation.name, binding]));
    const snapshot = async () =>
      (
        await test.pool.query(
          `select md5(string_agg(t, '' order by t)) as sum from (
      select m::text t from identity_members m where org_id = $1 union all select r::text from identity_roles r where org_id = $1
      union all select a::text from identity_agents a where org_id = $1 union all select i::text from identity_invitations i where org_id = $1
      union all select k::text from identity_api_keys k where org_id = $1 union all select x::text from identity_teams x where org_id = $1
      union all select s::text from identity_sessions s where org_id = $1 union all select o::text from identity_orgs o where id = $1) rows(t)`,
          [org.id],
        )
      ).rows;
    // Marks of use that are still in memory would change rows by themselves.
    await identity.flush();
    const before = await snapshot();
    const attempt = async (binding: Binding, input: Record<string, unknown>) => {
      const parsed = binding.operation.input.parse(input);
      const outcome = await binding.run(x.owner.call, parsed as never).then(
        () => 'done',
        (error: { code?: string }) => error.code ?? String(error),
      );
      expect(outcome, `${binding.operation.name} ${JSON.stringify(input)}`).toBe('not_found');
    };
    for (const operation of taking) {
      const binding = bindings.get(operation.name)!;
      const names = pathParameters(operation.path);
      const body = {
        ...bodies[operation.name],
        ...(operation.name === 'teams.add_member' ? { user_id: org.members.Bob.id } : {}),
      };
      for (const id of ids) {
        const foreign = Object.fromEntries(names.filter((name) => name !== 'org').map((name) => [name, id]));
        if (names.includes('org')) await attempt(binding, { ...body, ...foreign, org: org.id });
        if (Object.keys(foreign).length > 0) await attempt(binding, { ...body, ...foreign });
      }
    }
    const { invitations, teams } = identity.services;
    const invite = (parts: Record<string, string>) =>
      invitations.create(x.owner.call, { ...current, role: 'member', max_uses: null, expires_in_hours: 1, ...parts });
    await expect(invite({ role: org.roles['R']! })).rejects.toMatchObject({ code: 'not_found' });
    await expect(invite({ team_id: org.teams['T']! })).rejects.toMatchObject({ code: 'not_found' });
    await expect(
      teams.addMember(x.owner.call, { ...current, id: x.teams['Own']!, user_id: org.members.Bob.id, role: 'member' }),
    ).rejects.toMatchObject({ code: 'not_found' });
    expect(await snapshot()).toEqual(before);
  });

  it('finds a binding for every operation of the contract', () => {
    const bound = identityModule(identity)
      .bindings.map((binding) => binding.operation.name)
      .sort();
    expect(bound).toEqual(
      [...identityOperations, ...agentKeyOperations, ...signInOperations, ...userOperations, ...deviceOperations]
        .map((operation) => operation.name)
        .sort(),
    );
  });
});
