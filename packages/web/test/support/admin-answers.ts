import type {
  AgentView,
  apiKeysList,
  auditList,
  auditVerify,
  authMethods,
  emailsList,
  factorsGet,
  invitationsList,
  loginsList,
  membersList,
  OutputOf,
  orgsUsage,
  passkeysList,
  peopleList,
  personalKeysList,
  providersList,
  rolesList,
  sessionsList,
  settingsGet,
  teamsList,
  teamsListMembers,
} from '@atrium/protocol';
import { systemRolePermissions } from '@atrium/protocol';
import { type Answers, me, signedInAnswers } from './recorded-api.ts';

/* Answers of a lived-in organisation, typed by the contract: every length of name, every state, many rows. */

export const ago = (minutes: number): string => new Date(Date.now() - minutes * 60_000).toISOString();
const id = (kind: number, index: number): string =>
  `01980000-${kind.toString(16).padStart(4, '0')}-7000-8000-${index.toString(16).padStart(12, '0')}`;
const pick = <T>(list: readonly T[], index: number): T => list[index % list.length]!;
const page = <T>(items: T[]) => ({ items, next_cursor: null });

const names = [
  'Mara Lindqvist',
  'Tom Okafor',
  'Aiko Watanabe',
  'ليلى الحسن',
  'José Ignacio de la Fuente y Montserrat-Villanueva',
  'Priya Raman',
  'Björn',
  'Chidi Anagonye',
  'Noor van den Berg',
  'Sam',
];

type Role = OutputOf<typeof rolesList>['items'][number];
const systemRole = (index: number, system: 'owner' | 'admin' | 'member' | 'viewer', members: number): Role => ({
  id: `01980000-0000-7000-8000-0000000000f${index}`,
  name: system,
  description: '',
  system,
  permissions: [...systemRolePermissions[system]],
  members,
});
export const roles: Role[] = [
  systemRole(0, 'owner', 2),
  systemRole(1, 'admin', 1),
  systemRole(2, 'member', 21),
  systemRole(3, 'viewer', 4),
  {
    id: id(2, 5),
    name: 'Release manager',
    description: 'Approves deployments and keeps the channels in order',
    system: null,
    permissions: ['items.*', 'channels.manage', 'audit.read', 'flows.run'],
    members: 3,
  },
  {
    id: id(2, 6),
    name: 'Auditor',
    description: '',
    system: null,
    permissions: ['items.read', 'audit.read'],
    members: 0,
  },
];
const ref = (role: Role) => ({ id: role.id, name: role.name, system: role.system });

export const membersOf = (count: number): OutputOf<typeof membersList>['items'] =>
  Array.from({ length: count }, (_, index) => ({
    user_id: index === 0 ? me.user.id : id(3, index),
    email:
      index === 0
        ? me.user.email
        : `${['tom', 'aiko', 'layla', 'jose.ignacio.de.la.fuente', 'priya'][index % 5]}${index > 9 ? index : ''}@northwind.example`,
    name: index > 9 ? `${pick(names, index)} ${index}` : pick(names, index),
    role: ref(index === 0 ? roles[0]! : pick([roles[2]!, roles[1]!, roles[2]!, roles[4]!, roles[3]!], index)),
    teams: index % 3 === 0 ? [{ id: id(4, 0), name: 'Platform' }] : [],
    joined_at: ago(60 * 24 * (index + 3)),
    last_seen_at: index === 5 ? null : ago(index * index * 17 + 1),
    deactivated_at: index === 6 ? ago(600) : null,
  }));

export const agentsOf = (count: number): AgentView[] =>
  Array.from({ length: count }, (_, index) => ({
    id: id(5, index),
    name: [
      'Release agent',
      'Nightly backup',
      'Workshop printer',
      'A research agent with a name that somebody wrote while thinking of something else entirely',
      'Triage',
      'وكيل الترجمة',
      'Deploy bot (staging)',
    ][index % 7]!.concat(index > 6 ? ` ${index}` : ''),
    description: index === 0 ? 'Cuts releases, asks before each deployment and reports what changed.' : '',
    kind: index % 7 === 1 ? 'service' : index % 7 === 2 ? 'device' : 'agent',
    client_id: `agent_${'q3Zk9fWm2LxVb7Rt0HcYpA'.slice(0, 22)}`,
    role: ref(roles[2]!),
    scopes: index === 0 ? ['inbox:read', 'inbox:write', 'org:read'] : ['inbox:read', 'inbox:write'],
    item_scope: index === 0 ? { kind: 'channels', channel_ids: [id(6, 0), id(6, 1)] } : { kind: 'own' },
    owner: { type: 'user', id: me.user.id, name: pick(names, index >> 1) },
    fingerprint: index % 3 === 0 ? '21FE-31DF-A154-A261' : null,
    key_prefix: index === 4 ? null : `atk_${['7Qw2', 'h0Xp', 'Kd91'][index % 3]}`,
    created_at: ago(60 * 24 * (30 + index)),
    first_seen_at: index % 7 === 3 ? null : ago(60 * 24 * 20),
    last_seen_at: index % 7 === 3 ? null : ago(index === 0 ? 1 : index * 97),
    last_tool: index % 7 === 3 ? null : pick(['inbox_ask', 'inbox_notify', 'inbox_wait'], index),
    last_client: index % 7 === 3 ? null : pick(['claude-code 2.1.4', 'curl', 'Cursor 2.3', 'atrium-sdk 0.1.0'], index),
    calls_total: 18_242 >> (index % 7),
    calls_today: index % 7 === 3 ? 0 : 1204 >> (index % 7),
    deactivated_at: index % 7 === 6 ? ago(3000) : null,
  }));

export const teams: OutputOf<typeof teamsList>['items'] = [
  {
    id: id(4, 0),
    name: 'Platform',
    slug: 'platform',
    description: 'Runs what everybody else stands on',
    members: 7,
    created_at: ago(90_000),
  },
  { id: id(4, 1), name: 'Finance', slug: 'finance', description: '', members: 1, created_at: ago(40_000) },
  {
    id: id(4, 2),
    name: 'Customer happiness and long-distance correspondence',
    slug: 'customer-happiness',
    description: 'Answers people who write to us, in eleven languages, within one working day unless the moon is full',
    members: 0,
    created_at: ago(2000),
  },
];
const teamMembers: OutputOf<typeof teamsListMembers>['items'] = membersOf(5).map((member, index) => ({
  user_id: member.user_id,
  name: member.name,
  email: member.email,
  role: index === 0 ? 'lead' : 'member',
}));

export const invitations: OutputOf<typeof invitationsList>['items'] = (
  [
    ['tom@fjord.example', 'active', 1, 0],
    [null, 'active', 25, 11],
    [null, 'active', null, 3],
    ['a.very.long.address.that.somebody.really.has@subdomain.of.a.company.example', 'used_up', 1, 1],
    ['old@fjord.example', 'expired', 1, 0],
    [null, 'revoked', 5, 2],
  ] as const
).map(([email, state, max_uses, uses], index) => ({
  id: id(7, index),
  email,
  role: ref(roles[index === 2 ? 3 : 2]!),
  team: index % 2 === 0 ? { id: id(4, 0), name: 'Platform' } : null,
  max_uses,
  uses,
  expires_at: ago(state === 'expired' ? 4000 : -(index + 2) * 1400),
  created_by: { type: 'user', id: me.user.id, name: me.user.name },
  created_at: ago(3000 + index * 900),
  state,
}));

const people: OutputOf<typeof peopleList>['items'] = [
  ...membersOf(5).map((member) => ({ id: member.user_id, kind: 'user' as const, name: member.name })),
  ...agentsOf(3).map((agent) => ({ id: agent.id, kind: 'agent' as const, name: agent.name })),
];

const acts: [string, Record<string, unknown>][] = [
  ['inbox.answer', { source: 'person' }],
  ['agents.create', { name: 'Release agent', kind: 'agent', role: 'member', scopes: ['inbox:read', 'inbox:write'] }],
  ['auth.login', {}],
  ['members.change_role', { name: 'Tom Okafor', from: 'member', to: 'admin' }],
  ['operation.denied', { operation: 'roles.create', required: 'users.change_role' }],
  ['invitations.create', { email: 'tom@fjord.example', role: 'member', team: 'Platform' }],
  ['settings.update', { correction_window_s: { from: 60, to: 300 } }],
  ['auth.login_failed', { email: 'mara@northwind.example' }],
  ['inbox.create', { kind: 'question', channel: 'deploys' }],
  ['agents.rotate_key', { grace_minutes: 60 }],
];
export const auditOf = (count: number): OutputOf<typeof auditList>['items'] =>
  Array.from({ length: count }, (_, index) => {
    const [action, details] = pick(acts, index);
    const agent = action === 'inbox.create';
    return {
      id: id(8, index),
      seq: 12_408 - index,
      at: ago(index * 7 + 1),
      actor: agent
        ? { type: 'agent' as const, id: id(5, 0), name: 'Release agent' }
        : { type: 'user' as const, id: id(3, index % 4), name: pick(names, index) },
      action,
      target_type: action.split('.')[0]!,
      target_id: id(9, index),
      item_id: action.startsWith('inbox.') ? id(10, index) : null,
      item_title: action.startsWith('inbox.') ? 'Deploy 2.4.1 to production?' : null,
      details,
      ip: pick(['192.168.1.24', '2001:db8:85a3::8a2e:370:7334', '10.0.0.7'], index),
      user_agent: agent
        ? 'claude-code/2.1.4'
        : 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
      trace_id: '4bf92f3577b34da6a3ce929d0e0e4736',
      request_id: id(11, index),
      hash: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
    };
  });
export const intact: OutputOf<typeof auditVerify> = {
  intact: true,
  checked: 12_108,
  first_broken: null,
  checkpoint: { seq: 300, at: ago(60 * 24 * 20) },
};
export const broken: OutputOf<typeof auditVerify> = {
  intact: false,
  checked: 7120,
  first_broken: { seq: 7121, id: id(8, 7121), reason: 'The hash of the entry does not follow from its content.' },
  checkpoint: null,
};

const browsers = [
  'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Mobile/15E148 Safari/604.1',
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
];
export const sessions: OutputOf<typeof sessionsList>['items'] = browsers.map((user_agent, index) => ({
  id: id(12, index),
  current: index === 1,
  ip: pick(['192.168.1.24', '10.0.0.7', '2001:db8:85a3::8a2e:370:7334'], index),
  user_agent,
  org: { id: me.org.id, name: me.org.name },
  created_at: ago(9000),
  last_used_at: ago(index * 340),
  expires_at: ago(-30_000),
}));
export const apiKeys: OutputOf<typeof apiKeysList>['items'] = [
  ['laptop', ago(3), ago(-80_000)],
  ['backup script on the machine under the stairs', null, null],
  ['old build', ago(90_000), ago(4000)],
].map(([name, last_used_at, expires_at], index) => ({
  id: id(13, index),
  name: name!,
  prefix: `atk_${['9dKe', 'Zm4x', 'bb71'][index]}`,
  scopes: index === 1 ? ['inbox:read'] : ['inbox:read', 'inbox:write'],
  org_id: me.org.id,
  created_at: ago(100_000),
  expires_at: expires_at ?? null,
  last_used_at: last_used_at ?? null,
}));

export const factors: OutputOf<typeof factorsGet> = {
  has_password: true,
  totp_since: ago(60 * 24 * 40),
  recovery_codes_left: 2,
  passkeys: 2,
  remembered_browsers: 1,
  session: { auth_time: ago(5), acr: 'aal2', amr: ['pwd', 'otp', 'mfa'] },
};
export const passkeys: OutputOf<typeof passkeysList>['items'] = [
  ['Firefox on Linux', true, ago(40), null],
  ['The blue key on the ring that hangs beside the door of the workshop', false, null, null],
  ['Old phone', true, ago(90_000), ago(70_000)],
].map(([name, backed_up, last_used_at, regressed_at], index) => ({
  id: id(14, index),
  name: String(name),
  backed_up: backed_up === true,
  created_at: ago(100_000),
  last_used_at: last_used_at as string | null,
  regressed_at: regressed_at as string | null,
}));
const personalKeys: OutputOf<typeof personalKeysList>['items'] = [
  ['Chrome on the machine in the workshop where releases are built', ago(900), null],
  ['Old laptop', null, ago(60_000)],
].map(([label, last_used_at, revoked_at], index) => ({
  id: id(16, index),
  public_key: `ed25519:${'A'.repeat(43)}=`,
  fingerprint: `21FE-31DF-A154-A26${index}`,
  label: String(label),
  created_at: ago(100_000),
  last_used_at: last_used_at ?? null,
  revoked_at: revoked_at ?? null,
}));
export const emails: OutputOf<typeof emailsList>['items'] = [
  { id: id(15, 0), address: me.user.email, verified_at: ago(100_000), primary: true, added_at: ago(100_000) },
  {
    id: id(15, 1),
    address: 'a.very.long.address.that.somebody.really.has@subdomain.of.a.company.example',
    verified_at: ago(900),
    primary: false,
    added_at: ago(1000),
  },
  { id: id(15, 2), address: 'mara@fjord.example', verified_at: null, primary: false, added_at: ago(3) },
];
const providers = [
  { slug: 'github', name: 'GitHub', preset: 'github' as const },
  { slug: 'house', name: 'House of Northwind', preset: 'oidc' as const },
];
export const logins: OutputOf<typeof loginsList>['items'] = [
  { id: id(16, 0), provider: providers[0]!, label: 'mara-lindqvist', created_at: ago(9000), last_used_at: ago(70) },
];
export const methods: OutputOf<typeof authMethods> = {
  password: true,
  passkey: true,
  magic_link: true,
  mail: 'smtp',
  providers,
};
const adminProviders: OutputOf<typeof providersList>['items'] = providers.map((provider, index) => ({
  id: id(17, index),
  ...provider,
  client_id: index === 0 ? 'Iv1.8a61f9b3a7aba766' : 'atrium',
  has_secret: true,
  settings: index === 0 ? {} : { issuer: 'https://login.northwind.example' },
  enabled: index === 0,
  may_vouch: index === 0,
  callback_url: `https://atrium.northwind.example/auth/oauth/${provider.slug}/callback`,
  generation: 1,
  created_at: ago(90_000),
  updated_at: ago(90_000),
}));
export const recoveryCodes = [
  'kq7m-2vxc-9hdp-w4tn',
  'b3zf-8mra-ykc6-p2we',
  'x9td-h4vn-7qsg-m8bc',
  'e2pw-k6yf-r3ja-z7xh',
];

const defaults = {
  correction_window_s: 60,
  auto_create_channels: false,
  archive_after_days: 30,
  audit_retention_days: 365,
  elicitation_mirror: true,
  markdown_remote_images: false,
  push_full_text: false,
};
const settings: OutputOf<typeof settingsGet> = { settings: { ...defaults, correction_window_s: 300 }, defaults };
export const usage: OutputOf<typeof orgsUsage> = {
  plan: 'team',
  seats: 28,
  teams: 3,
  agents: 10,
  notifications_this_month: 8_931,
  storage_bytes: 1_430_000_000,
  limits: { max_seats: 30, max_teams: 20, agents: 10, monthly_notifications: 50_000 },
};
export const channels = ['deploys', 'general', 'incidents'].map((name, index) => ({
  id: id(6, index),
  name,
  description: '',
  mode: 'open',
  team: null,
  critical: false,
  open_items: 0,
  members: 0,
  rules: {},
  can_manage: true,
  created_at: ago(9000),
}));

const agent = agentsOf(1)[0]!;
export const freshAgent: AgentView = {
  ...agent,
  id: id(5, 99),
  description: '',
  item_scope: { kind: 'own' },
  first_seen_at: null,
  last_seen_at: null,
  last_client: null,
  last_tool: null,
  calls_total: 0,
  calls_today: 0,
  fingerprint: null,
};
const org = '/api/v1/orgs/current';

/** Everything the pages for agents, people, audit and settings read. */
export const adminAnswers: Answers = {
  ...signedInAnswers,
  'GET /api/v1/agents': { body: page(agentsOf(7)) },
  [`GET /api/v1/agents/${agent.id}`]: { body: agent },
  [`GET /api/v1/agents/${freshAgent.id}`]: { body: freshAgent },
  'GET /api/v1/directory/21FE-31DF-A154-A261': {
    body: {
      public_key: 'ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=',
      fingerprint: '21FE-31DF-A154-A261',
      replaced_by: null,
      profile: null,
    },
  },
  'POST /api/v1/agents': {
    status: 201,
    body: {
      agent: freshAgent,
      api_key: 'atk_7Qw2nK1vB9zXcD4fGhJkLmN6pRsTuVwXyZaBcDeFgHi',
      client_id: freshAgent.client_id,
      client_secret: 'atcs_0HcYpAq3Zk9fWm2LxVb7RtnK1vB9zXcD4fGhJkLmN6p',
    },
  },
  [`POST /api/v1/agents/${agent.id}/rotate-key`]: {
    status: 201,
    body: { agent, api_key: 'atk_Zm4xnK1vB9zXcD4fGhJkLmN6pRsTuVwXyZaBcDeFgHi' },
  },
  [`GET ${org}/members`]: { body: page(membersOf(7)) },
  [`GET ${org}/roles`]: { body: page(roles) },
  [`GET ${org}/teams`]: { body: page(teams) },
  [`GET ${org}/teams/${teams[0]!.id}/members`]: { body: page(teamMembers) },
  [`GET ${org}/people`]: { body: page(people) },
  [`GET ${org}/invitations`]: { body: page(invitations) },
  [`POST ${org}/invitations`]: {
    status: 201,
    body: {
      invitation: invitations[0]!,
      invite_code: 'q3Zk9fWm2LxVb7Rt0HcYpAnK1vB9zXcD',
      invite_url: 'https://atrium.northwind.example/invite/q3Zk9fWm2LxVb7Rt0HcYpAnK1vB9zXcD',
    },
  },
  [`GET ${org}/usage`]: { body: usage },
  'GET /api/v1/audit': { body: page(auditOf(200)) },
  'GET /api/v1/audit/verify': { body: intact },
  'GET /api/v1/settings': { body: settings },
  'GET /api/v1/me/sessions': { body: page(sessions) },
  'GET /api/v1/me/api-keys': { body: page(apiKeys) },
  'POST /api/v1/me/api-keys': {
    status: 201,
    body: { key: apiKeys[0]!, api_key: 'atk_9dKenK1vB9zXcD4fGhJkLmN6pRsTuVwXyZaBcDeFgHi' },
  },
  'GET /api/v1/me/factors': { body: factors },
  'GET /api/v1/me/passkeys': { body: page(passkeys) },
  'GET /api/v1/me/personal-keys': { body: page(personalKeys) },
  'GET /api/v1/crypto/signing-requests': { body: { ...page([]), total: null } },
  'GET /api/v1/me/emails': { body: page(emails) },
  'GET /api/v1/me/logins': { body: page(logins) },
  'GET /auth/methods': { body: methods },
  'GET /api/v1/admin/identity/providers': { body: page(adminProviders) },
  'POST /api/v1/me/factors/totp': {
    status: 201,
    body: {
      secret: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP',
      url: 'otpauth://totp/Atrium%20northwind.example:mara%40northwind.example?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Atrium%20northwind.example&algorithm=SHA1&digits=6&period=30',
    },
  },
  'POST /api/v1/me/factors/totp/confirm': { body: { recovery_codes: recoveryCodes } },
  'POST /api/v1/me/factors/recovery-codes': { status: 201, body: { recovery_codes: recoveryCodes } },
  'GET /api/v1/inbox/channels': { body: page(channels) },
  'POST /api/v1/inbox/ask': { status: 201, body: { id: id(10, 1), status: 'created', outcome: null, occurrences: 1 } },
};

/** The same house with nothing in it yet. */
export const emptyAnswers: Answers = {
  ...adminAnswers,
  'GET /api/v1/agents': { body: page([]) },
  [`GET ${org}/members`]: { body: page(membersOf(1)) },
  [`GET ${org}/teams`]: { body: page([]) },
  [`GET ${org}/invitations`]: { body: page([]) },
  'GET /api/v1/audit': { body: page([]) },
  'GET /api/v1/me/api-keys': { body: page([]) },
  'GET /api/v1/me/factors': {
    body: { ...factors, totp_since: null, recovery_codes_left: 0, passkeys: 0, remembered_browsers: 0 },
  },
  'GET /api/v1/me/passkeys': { body: page([]) },
  'GET /api/v1/me/personal-keys': { body: page([]) },
  'GET /api/v1/crypto/signing-requests': { body: { ...page([]), total: null } },
  'GET /api/v1/me/emails': { body: page(emails.slice(0, 1)) },
  'GET /api/v1/me/logins': { body: page([]) },
  'GET /auth/methods': { body: { ...methods, mail: 'files', providers: [] } },
  'GET /api/v1/admin/identity/providers': { body: page([]) },
  'GET /api/v1/me/sessions': { body: page(sessions.slice(1, 2)) },
  [`GET ${org}/usage`]: {
    body: {
      plan: 'unlimited',
      seats: 1,
      teams: 0,
      agents: 0,
      notifications_this_month: 0,
      storage_bytes: 0,
      limits: {},
    },
  },
};

/** Two hundred of what there can be many of. */
export const manyAnswers: Answers = {
  ...adminAnswers,
  'GET /api/v1/agents': { body: page(agentsOf(200)) },
  [`GET ${org}/members`]: { body: page(membersOf(200)) },
};

/** As somebody with the role Member, who may read and answer and little else. */
export const memberAnswers: Answers = {
  ...adminAnswers,
  'GET /api/v1/me': {
    body: { ...me, role: ref(roles[2]!), permissions: [...systemRolePermissions.member], is_operator: false },
  },
};

export const ids = { agent: agent.id, freshAgent: freshAgent.id, team: teams[0]!.id, role: roles[4]!.id };
