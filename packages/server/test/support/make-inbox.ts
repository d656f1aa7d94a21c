import { systemRolePermissions } from '@atrium/protocol';
import type { Pool } from 'pg';
import { newId } from '../../src/platform/ids/ids.ts';
import { type Call, internalCall } from '../../src/platform/operations/call.ts';
import type { Caller, ItemScope } from '../../src/platform/operations/caller.ts';

type Role = 'owner' | 'admin' | 'member' | 'viewer';
const roleIds: Record<Role, string> = {
  owner: '00000000-0000-7000-8000-000000000001',
  admin: '00000000-0000-7000-8000-000000000002',
  member: '00000000-0000-7000-8000-000000000003',
  viewer: '00000000-0000-7000-8000-000000000004',
};

/** An organisation written straight into the tables, for tests of modules above identity. */
export interface TestOrg {
  id: string;
  person(name: string, role?: Role): Promise<Caller>;
  agent(name: string, parts?: { item_scope?: ItemScope; role?: Role; owner?: Caller }): Promise<Caller>;
  team(name: string, people: readonly Caller[]): Promise<string>;
  channel(
    name: string,
    parts?: { mode?: 'open' | 'private' | 'direct'; team_id?: string; members?: readonly Caller[] },
  ): Promise<string>;
}

export const makeOrg = async (pool: Pool, name = 'Test'): Promise<TestOrg> => {
  const org_id = newId();
  await pool.query('insert into identity_orgs (id, name, slug, created_at) values ($1, $2, $3, now())', [
    org_id,
    name,
    org_id,
  ]);
  const callerOf = (parts: Pick<Caller, 'kind' | 'id' | 'name' | 'item_scope' | 'owner_id'>, role: Role): Caller => ({
    ...parts,
    org_id,
    org_name: name,
    system_role: role,
    role_id: roleIds[role],
    permissions: systemRolePermissions[role],
    scopes: ['*'],
    is_operator: false,
    credential: { kind: 'session', id: null, expires_at: null },
  });
  return {
    id: org_id,
    person: async (person, role = 'member') => {
      const id = newId();
      await pool.query(
        "insert into identity_users (id, name, created_by, created_at) values ($1, $2, 'setup', now())",
        [id, person],
      );
      await pool.query(
        'insert into identity_members (org_id, user_id, role_id, joined_at) values ($1, $2, $3, now())',
        [org_id, id, roleIds[role]],
      );
      return callerOf({ kind: 'user', id, name: person, item_scope: { kind: 'org' }, owner_id: null }, role);
    },
    agent: async (agent, { item_scope = { kind: 'own' } as ItemScope, role = 'member', owner } = {}) => {
      const id = newId();
      await pool.query(
        `insert into identity_agents (id, org_id, name, client_id, client_secret_hash, role_id, scopes, item_scope, owner_id, created_at)
         values ($1, $2, $3, $4, '', $5, '{inbox:read,inbox:write}', $6, $7, now())`,
        [id, org_id, `${agent}-${id}`, id, roleIds[role], JSON.stringify(item_scope), owner?.id ?? null],
      );
      return callerOf({ kind: 'agent', id, name: agent, item_scope, owner_id: owner?.id ?? null }, role);
    },
    team: async (team, people) => {
      const id = newId();
      await pool.query(
        'insert into identity_teams (id, org_id, name, slug, created_at) values ($1, $2, $3, $4, now())',
        [id, org_id, team, id],
      );
      for (const person of people) {
        await pool.query(
          'insert into identity_team_memberships (org_id, team_id, user_id, added_at) values ($1, $2, $3, now())',
          [org_id, id, person.id],
        );
      }
      return id;
    },
    channel: async (channel, { mode = 'open', team_id, members = [] } = {}) => {
      const id = newId();
      await pool.query(
        `insert into inbox_channels (id, org_id, name, mode, team_id, created_by_type, created_by_name, created_at)
         values ($1, $2, $3, $4, $5, 'system', 'test', now())`,
        [id, org_id, channel, mode, team_id ?? null],
      );
      for (const member of members) {
        await pool.query(
          'insert into inbox_channel_members (org_id, channel_id, user_id, added_at) values ($1, $2, $3, now())',
          [org_id, id, member.id],
        );
      }
      return id;
    },
  };
};

export const callBy = (caller: Caller, parts: Partial<Call> = {}): Call => ({
  ...internalCall(caller, newId()),
  door: 'rest',
  ...parts,
});
