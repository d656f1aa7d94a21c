import type { AgentView, Scope } from '@atrium/protocol';
import type { Identity } from '../../src/modules/identity/index.ts';
import { newId } from '../../src/platform/ids/ids.ts';
import { type Call, internalCall } from '../../src/platform/operations/call.ts';
import { type Caller, type ItemScope, systemCaller } from '../../src/platform/operations/caller.ts';
import { testSetupToken } from './make-identity.ts';

export const testPassword = 'correct horse battery staple';

/** A call as a host makes it: from one address, with a place for cookies. */
export const callOf = (caller: Caller, parts: Partial<Call> = {}): Call => ({
  ...internalCall(caller, newId()),
  door: 'rest',
  ip: '192.0.2.7',
  user_agent: 'test',
  ...parts,
});

/** Somebody without a credential, each from an address of their own. */
export const publicCall = (parts: Partial<Call> = {}): Call => {
  const nobody = {
    ...systemCaller({ id: '00000000-0000-0000-0000-000000000000' }),
    kind: 'user' as const,
    permissions: [],
    scopes: [],
  };
  const byte = () => Math.floor(Math.random() * 256);
  return callOf(nobody, { ip: `10.${byte()}.${byte()}.${byte()}`, ...parts });
};

export interface TestPerson {
  id: string;
  email: string;
  token: string;
  caller: Caller;
  call: Call;
}

export interface TestAgent {
  id: string;
  agent: AgentView;
  api_key: string;
  client_id: string;
  client_secret: string;
  caller: Caller;
  call: Call;
}

export interface TestOrg<M extends string = string, A extends string = string> {
  id: string;
  name: string;
  owner: TestPerson;
  members: Record<M, TestPerson>;
  agents: Record<A, TestAgent>;
  roles: Record<string, string>;
  teams: Record<string, string>;
}

export interface OrgPlan<M extends string, A extends string> {
  name?: string;
  /** Member by name, with the name of their role; `member` unless said otherwise. */
  members?: Record<M, { role?: string; teams?: readonly string[] } | string>;
  /** Custom roles by name. */
  roles?: Record<string, string[]>;
  teams?: readonly string[];
  agents?: Record<
    A,
    { scopes?: Scope[]; role?: string; item_scope?: ItemScope; kind?: 'agent' | 'device' | 'service' }
  >;
}

let counted = 0;

const resolved = async (identity: Identity, id: string, email: string, token: string): Promise<TestPerson> => {
  const caller = await identity.resolve(token);
  if (caller === null) throw new Error(`the new session of ${email} is not good`);
  return { id, email, token, caller, call: callOf(caller) };
};

/** The first owner if there is none yet; afterwards somebody who registers into an organisation of that owner. */
const setUp = async (identity: Identity): Promise<void> => {
  const { setup } = identity.services;
  if (await setup.isDone()) return;
  const input = {
    token: testSetupToken,
    email: `operator-${newId()}@example.org`,
    password: testPassword,
    name: 'Operator',
  };
  await setup.complete(publicCall(), input);
};

/** A person of their own, with nothing but a personal organisation. Registration must be open. */
export const makePerson = async (identity: Identity, name: string, invite_code?: string): Promise<TestPerson> => {
  await setUp(identity);
  counted += 1;
  const email = `${name.toLowerCase()}-${counted}@example.org`;
  const { access_token, user } = await identity.services.signIn.register(publicCall(), {
    email,
    password: testPassword,
    name,
    invite_code,
  });
  return resolved(identity, user.id, email, access_token);
};

const makeMembers = async <M extends string>(
  identity: Identity,
  owner: TestPerson,
  teams: Record<string, string>,
  wanted: OrgPlan<M, string>['members'],
) => {
  const members: [string, TestPerson][] = [];
  const { invitations, teams: teamsService } = identity.services;
  for (const [name, plan] of Object.entries(wanted ?? {}) as [
    string,
    { role?: string; teams?: readonly string[] } | string,
  ][]) {
    const { role = 'member', teams: joined = [] } = typeof plan === 'string' ? { role: plan } : plan;
    const input = { org: 'current', role, max_uses: 1, expires_in_hours: 1 };
    const { invite_code } = await invitations.create(owner.call, input);
    const person = await makePerson(identity, name, invite_code);
    for (const team of joined) {
      await teamsService.addMember(owner.call, {
        org: 'current',
        id: teams[team]!,
        user_id: person.id,
        role: 'member',
      });
    }
    members.push([name, person]);
  }
  return Object.fromEntries(members) as Record<M, TestPerson>;
};

const makeAgents = async <A extends string>(
  identity: Identity,
  owner: TestPerson,
  wanted: OrgPlan<string, A>['agents'],
) => {
  const agents: [string, TestAgent][] = [];
  for (const [name, plan] of Object.entries(wanted ?? {}) as [string, NonNullable<OrgPlan<string, A>['agents']>[A]][]) {
    const input = {
      name,
      description: '',
      kind: 'agent' as const,
      scopes: ['inbox:read', 'inbox:write'] as Scope[],
      item_scope: { kind: 'own' as const },
      ...plan,
    };
    const made = await identity.services.agents.create(owner.call, input);
    const caller = (await identity.resolve(made.api_key))!;
    agents.push([name, { id: made.agent.id, ...made, caller, call: callOf(caller) }]);
  }
  return Object.fromEntries(agents) as Record<A, TestAgent>;
};

/**
 * An organisation made by the real services: its owner (who registered and founded it), members who accepted
 * invitations, custom roles, teams and agents. Registration must be open.
 */
export const makeOrg = async <const M extends string = never, const A extends string = never>(
  identity: Identity,
  plan: OrgPlan<M, A> = {},
): Promise<TestOrg<M, A>> => {
  counted += 1;
  const name = plan.name ?? `Org ${counted}`;
  const founder = await makePerson(identity, `Owner${counted}`);
  const org = await identity.services.orgs.create(founder.call, { name });
  const session = await identity.services.signIn.switchOrg(founder.call, { org_id: org.id });
  const owner = await resolved(identity, founder.id, founder.email, session.access_token);
  const roles: Record<string, string> = {};
  for (const [role, permissions] of Object.entries(plan.roles ?? {})) {
    roles[role] = (
      await identity.services.roles.create(owner.call, { org: 'current', name: role, description: '', permissions })
    ).id;
  }
  const teams: Record<string, string> = {};
  for (const team of plan.teams ?? []) {
    teams[team] = (
      await identity.services.teams.create(owner.call, { org: 'current', name: team, description: '' })
    ).id;
  }
  const members = await makeMembers<M>(identity, owner, teams, plan.members);
  const agents = await makeAgents<A>(identity, owner, plan.agents);
  return { id: org.id, name, owner, members, agents, roles, teams };
};
