import { createRestClient, type Json, type RestClient } from '../../packages/server/test/support/rest-client.ts';

export const seedPassword = 'a password for development';

export interface SeedPerson extends RestClient {
  id: string;
  name: string;
  email: string;
  token: string;
}

export interface SeedAgent extends RestClient {
  id: string;
  client_id: string;
  name: string;
}

export interface SeedOrganisation {
  id: string;
  owner: SeedPerson;
  people: SeedPerson[];
  agents: Record<'coder' | 'release' | 'pipeline' | 'support' | 'house', SeedAgent>;
  /** Channel id by name. */
  channels: Record<string, string>;
}

/** The body of an answer that had to succeed. */
export const done = (answer: { status: number; body: Json }): Json => {
  if (answer.status >= 300) throw new Error(`the seed was refused, ${answer.status}: ${JSON.stringify(answer.body)}`);
  return answer.body;
};

const browser =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36';

const personOf = (url: string, made: Json): SeedPerson => ({
  ...createRestClient(url, made.access_token, { 'user-agent': browser }),
  id: made.user.id,
  name: made.user.name,
  email: made.user.email,
  token: made.access_token,
});

const members = [
  { name: 'Adaeze Okonkwo-Lindqvist', email: 'adaeze@example.org', role: 'admin' },
  { name: 'Tomás Herrera', email: 'tomas@example.org', role: 'member' },
  { name: 'Wilhelmina van der Berg-Oosterhuis', email: 'mina@example.org', role: 'member' },
  { name: 'Евгения Соколова', email: 'evgenia@example.org', role: 'member' },
  { name: 'Yusuf', email: 'yusuf@example.org', role: 'viewer' },
];

const channelPlans = [
  { name: 'deployments', description: 'What goes to production, and what came back' },
  { name: 'infrastructure', description: 'Machines, certificates, backups and disks' },
  { name: 'payments', description: 'Invoices and refunds above the limit of the agents', mode: 'private' },
  { name: 'research', description: 'Reading, summaries and drafts' },
  { name: 'customer-success-escalations-emea-and-apac', description: 'Customers who wait for a person' },
];

const teamPlans = [
  { team: 'Platform on-call', description: 'Whoever carries the pager this week', members: [1, 2, 4] },
  { team: 'Customer success EMEA', description: 'Escalations before noon', members: [3, 5] },
  { team: 'Finance', description: 'Refunds, invoices and the ledger', members: [0, 1] },
];

const rolePlans = [
  {
    name: 'support lead',
    description: 'Answers everything of the support channels and invites people to them',
    permissions: ['items.read', 'items.write', 'users.invite', 'channels.manage'],
  },
  { name: 'auditor', description: 'Reads the trail and nothing else', permissions: ['items.read', 'audit.read'] },
];

const invitationPlans = [
  { role: 'member', max_uses: 25, expires_in_hours: 720 },
  { role: 'admin', email: 'ines.carvalho-monteiro@example.org' },
  { role: 'viewer', email: 'auditors@example.net', expires_in_hours: 48 },
];

const userAgents = [
  'Mozilla/5.0 (iPhone; CPU iPhone OS 26_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Mobile/15E148 Safari/604.1',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
];

/** Owner, members by invitation, teams, agents and channels, all through the API. */
export const seedOrganisation = async (url: string, setupToken: string): Promise<SeedOrganisation> => {
  const anonymous = createRestClient(url, null, { 'user-agent': browser });
  const setup = done(
    await anonymous.post('/api/v1/setup', {
      token: setupToken,
      email: 'dev@example.org',
      password: seedPassword,
      name: 'Devon Castellanos',
      org_name: 'Northwind Robotics',
    }),
  );
  const owner = personOf(url, setup);
  const people = [owner];
  for (const { name, email, role } of members) {
    const invitation = await owner.post('/api/v1/orgs/current/invitations', { role, max_uses: 1 });
    const { invite_code } = done(invitation);
    const made = done(await anonymous.post('/auth/register', { email, password: seedPassword, name, invite_code }));
    people.push(personOf(url, done(await personOf(url, made).post('/auth/switch-org', { org_id: setup.org.id }))));
  }
  for (const { team, description, members: indexes } of teamPlans) {
    const { id } = done(await owner.post('/api/v1/orgs/current/teams', { name: team, description }));
    for (const index of indexes)
      done(await owner.post(`/api/v1/orgs/current/teams/${id}/members`, { user_id: people[index]!.id }));
  }
  for (const role of rolePlans) done(await owner.post('/api/v1/orgs/current/roles', role));
  for (const invitation of invitationPlans) done(await owner.post('/api/v1/orgs/current/invitations', invitation));
  for (const name of ['laptop, release scripts', 'calendar bridge'])
    done(await owner.post('/api/v1/me/api-keys', { name, expires_in_days: 90 }));
  for (const agent of userAgents)
    done(
      await anonymous.post(
        '/auth/login',
        { email: owner.email, password: seedPassword },
        { headers: { 'user-agent': agent } },
      ),
    );

  const channels: Record<string, string> = {};
  for (const plan of channelPlans) channels[plan.name] = done(await owner.post('/api/v1/inbox/channels', plan)).id;

  for (const person of people.slice(1, 3))
    done(await owner.post(`/api/v1/inbox/channels/${channels['payments']}/members`, { user_id: person.id }));

  const agent = async (name: string, kind = 'agent', seen: string[] = []): Promise<SeedAgent> => {
    // A private channel is seen by an agent that is given it by name; the others see every open one.
    const item_scope =
      seen.length === 0 ? { kind: 'org' } : { kind: 'channels', channel_ids: seen.map((each) => channels[each]) };
    const made = done(await owner.post('/api/v1/agents', { name, kind, item_scope }));
    return { ...createRestClient(url, made.api_key), id: made.agent.id, client_id: made.client_id, name };
  };
  const agents = {
    coder: await agent('claude-code on build-07'),
    release: await agent('release-bot'),
    pipeline: await agent('Nightly reconciliation of customer exports, EU region', 'service'),
    support: await agent('support-triage', 'agent', Object.keys(channels)),
    house: await agent('Front desk tablet', 'device'),
  };
  return { id: setup.org.id, owner, people, agents, channels };
};
