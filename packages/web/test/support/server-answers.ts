import type {
  ApprovalRequestView,
  BackupSchedule,
  BackupView,
  CertificateView,
  ClientView,
  ConnectedApp,
  clientDocumentsList,
  denylistList,
  deviceCodesList,
  GrantView,
  OutputOf,
  ResourceView,
  registrationTokensList,
  ServerSessionView,
  ServerUserView,
  SigningKeyView,
  securityEventsList,
  serverAudit,
  serverCapabilities,
  serverLoad,
  serverOverview,
  TokenView,
  TrustedIssuerView,
} from '@atrium/protocol';
import { adminAnswers, ago } from './admin-answers.ts';
import { type Answers, me } from './recorded-api.ts';

/* What a server with clients, tokens and people answers its operator, typed by the contract. */

const id = (kind: number, index: number): string =>
  `01980000-${(0x40 + kind).toString(16).padStart(4, '0')}-7000-8000-${index.toString(16).padStart(12, '0')}`;
const page = <T>(items: T[]) => ({ items, next_cursor: null });
const later = (minutes: number): string => ago(-minutes);
const house = { id: me.org.id, name: me.org.name };
const person = { type: 'user' as const, id: me.user.id, name: me.user.name };

export const clientId = id(1, 0);
/** Of a client that connects with a certificate, and of one that signs with its keys. */
export const certificateClientId = id(1, 4);
export const keysClientId = id(1, 5);

const scribe = { type: 'agent' as const, id: id(14, 0), name: 'Scribe' };
const clerk = { type: 'device' as const, id: id(14, 1), name: 'Front desk of the warehouse in Göteborg' };

export const clients: ClientView[] = [
  'Customer portal',
  'Claude Code',
  'A client with a name that somebody wrote while thinking of something else entirely',
  'بوابة العملاء',
].map((name, index) => ({
  id: id(1, index),
  client_id: `client_${'q3Zk9fWm2LxVb7Rt0HcYpA'.slice(index)}`,
  origin: index === 1 ? 'registered' : 'operator',
  name,
  auth_method: index === 1 ? 'none' : 'client_secret_basic',
  grant_types: ['authorization_code', 'refresh_token'],
  redirect_uris: ['https://portal.northwind.example/callback'],
  scopes: ['openid', 'profile', 'inbox:read'],
  allowed_resources: [],
  allowed_actors: [],
  application_type: index === 1 ? 'native' : 'web',
  client_uri: 'https://portal.northwind.example',
  contacts: [],
  jwks_uri: null,
  key_ids: [],
  secret_prefix: index === 1 ? null : 'acs_pOTT',
  secret_expires_at: null,
  require_state: index === 0,
  dpop_required: false,
  certificate_required: false,
  certificate_name: null,
  skip_consent: index === 0,
  post_logout_redirect_uris: [],
  backchannel_logout_uri: null,
  frontchannel_logout_uri: null,
  org: house,
  created_by: index === 1 ? null : person,
  enabled: index !== 2,
  version: 3,
  created_at: ago(60 * 24 * 30),
  updated_at: ago(600),
  consented_at: ago(60 * 24 * 20),
  last_used_at: index === 3 ? null : ago(index * 90 + 2),
  live_tokens: 1200 >> (index * 3),
  live_grants: 40 >> index,
}));

const proving: ClientView[] = [
  {
    ...clients[0]!,
    ...{ id: certificateClientId, client_id: 'client_billing', name: 'Billing', auth_method: 'tls_client_auth' },
    ...{ secret_prefix: null, grant_types: ['client_credentials'], redirect_uris: [], certificate_required: true },
    certificate_name: { kind: 'san_uri', value: 'spiffe://northwind.example/ns/finance/sa/billing' },
  },
  {
    ...clients[0]!,
    ...{ id: keysClientId, client_id: 'client_ledger', name: 'Ledger', auth_method: 'private_key_jwt' },
    ...{ secret_prefix: null, jwks_uri: 'https://ledger.northwind.example/oauth/jwks.json' },
  },
];

const documents: OutputOf<typeof clientDocumentsList>['items'] = [
  {
    client_id: 'https://editor.example/oauth/client.json',
    host: 'editor.example',
    name: 'Editor',
    redirect_uris: ['http://127.0.0.1/callback'],
    fetched_at: ago(30),
    fresh_until: later(30),
    last_used_at: ago(4),
    live_grants: 3,
  },
];

export const tokens: TokenView[] = Array.from({ length: 30 }, (_, index) => ({
  id: id(2, index),
  format: index % 4 === 0 ? 'opaque' : 'jwt',
  client: { id: clients[index % 4]!.client_id, name: clients[index % 4]!.name },
  subject:
    index % 5 === 0
      ? { id: clients[0]!.client_id, type: 'client', name: clients[0]!.name }
      : { id: me.user.id, type: index % 3 === 0 ? 'agent' : 'user', name: me.user.name },
  actors: index === 1 ? [scribe, clerk] : index === 3 ? [scribe] : [],
  org: house,
  resource: 'https://atrium.northwind.example/mcp',
  scopes: index % 6 === 1 ? ['org:admin', 'openid'] : ['inbox:read', 'inbox:write'],
  grant_id: id(3, index),
  created_at: ago(index * 7),
  expires_at: later(60 - index * 2),
  revoked_at: index === 4 ? ago(1) : null,
  state: index === 4 ? 'revoked' : 'active',
}));

const origins = ['operator', 'registered', 'document', 'gone'] as const;
export const grants: GrantView[] = Array.from({ length: 8 }, (_, index) => ({
  id: id(3, index),
  client: { ...tokens[index]!.client, origin: origins[index % 4]! },
  subject: { id: me.user.id, type: 'user', name: index % 2 === 0 ? me.user.name : 'José Ignacio de la Fuente' },
  actor: index === 1 ? clerk : index === 4 ? scribe : null,
  org: house,
  scopes: ['openid', 'profile', 'org:admin'],
  resources: ['https://atrium.northwind.example/mcp'],
  created_at: ago(60 * 24 * (index + 2)),
  last_used_at: ago(index * 50),
  expires_at: later(60 * 24 * 20),
  revoked_at: null,
  live_tokens: index,
}));

const apps: ConnectedApp[] = [
  {
    id: id(3, 0),
    client: {
      client_id: clients[0]!.client_id,
      name: 'Customer portal',
      host: 'portal.northwind.example',
      verified: true,
    },
    org: house,
    agents: [],
    scopes: ['openid', 'org:admin'],
    resources: [],
    authorizations: 1,
    created_at: ago(60 * 24 * 9),
    last_used_at: ago(12),
    expires_at: later(60 * 24 * 21),
  },
  {
    id: id(3, 1),
    client: {
      client_id: 'https://editor.example/oauth/client.json',
      name: 'Editor',
      host: 'editor.example',
      verified: false,
    },
    org: house,
    agents: [scribe, clerk],
    scopes: ['inbox:read'],
    resources: [],
    authorizations: 2,
    created_at: ago(60 * 24),
    last_used_at: ago(60),
    expires_at: later(60 * 24 * 29),
  },
];

const codes: OutputOf<typeof deviceCodesList>['items'] = (['pending', 'claimed', 'used'] as const).map(
  (state, index) => ({
    id: String(index).repeat(64),
    user_code_hint: 'BD',
    client: { id: clients[0]!.client_id, name: 'Warehouse scanner' },
    scopes: ['openid', 'inbox:write'],
    state,
    claimed_by: state === 'pending' ? null : { id: me.user.id, name: me.user.name },
    created_at: ago(index + 1),
    expires_at: later(9 - index),
  }),
);

const endings = ['pending', 'pending', 'approved', 'denied', 'expired', 'withdrawn'] as const;
export const approvals: ApprovalRequestView[] = endings.map((state, index) => ({
  id: id(15, index),
  kind: index === 1 ? 'ciba' : 'transaction',
  person: { id: me.user.id, name: index === 4 ? 'ليلى الحسن' : me.user.name },
  client: { id: clients[index % 4]!.client_id, name: clients[index % 4]!.name },
  org: house,
  title: index === 1 ? null : 'Pay 120.00 EUR to Fjord Logistics for the freight of November, as the contract says',
  scopes: index === 0 ? [] : ['openid', 'org:admin'],
  resources: index === 1 ? [] : ['https://orders.northwind.example/api'],
  state,
  created_at: ago(index + 2),
  expires_at: index < 2 ? later(3) : ago(index - 1),
  decided_at: ['pending', 'expired'].includes(state) ? null : ago(index),
}));

const key = (index: number, state: SigningKeyView['state'], parts: Partial<SigningKeyView>): SigningKeyView => ({
  kid: `${index}c6tl19NdgekGrHYhCtixhogGXMJBtsN4Zu3alvQh4Q`,
  alg: 'ES256',
  state,
  public_jwk: { kty: 'EC', crv: 'P-256' },
  created_at: ago(60 * 24 * 40),
  not_before: ago(60 * 24 * 40),
  activated_at: null,
  retire_at: null,
  live_tokens: null,
  ...parts,
});
export const keys = {
  items: [
    key(1, 'next', { created_at: ago(60 * 9), not_before: ago(60 * 9) }),
    key(2, 'active', { activated_at: ago(60 * 9), live_tokens: 22 }),
    key(3, 'grace', { activated_at: ago(60 * 24 * 62), retire_at: later(60 * 15), live_tokens: 4 }),
    key(4, 'retired', { activated_at: ago(60 * 24 * 150), retire_at: ago(60 * 24 * 60) }),
  ],
  grace_s: 86_400,
  rotate_every_s: 90 * 86_400,
};

const users: ServerUserView[] = Array.from({ length: 12 }, (_, index) => ({
  id: index === 0 ? me.user.id : id(5, index),
  name: index === 0 ? me.user.name : ['Tom Okafor', 'ليلى الحسن', 'Priya Raman'][index % 3]!,
  email: `person${index}@northwind.example`,
  email_verified: index % 2 === 0,
  state: index === 4 ? 'disabled' : 'active',
  is_operator: index < 2,
  created_by: index === 0 ? 'setup' : 'invite',
  created_at: ago(60 * 24 * (40 - index)),
  last_login_at: index === 5 ? null : ago(index * 300),
  orgs: [
    { ...house, role: 'member', is_personal: false },
    { id: id(6, index), name: 'Own', role: 'owner', is_personal: true },
  ],
  live_sessions: index % 3,
}));

const sessions: ServerSessionView[] = users.slice(0, 6).map((user, index) => ({
  id: id(7, index),
  user: { id: user.id, name: user.name, email: user.email, is_operator: user.is_operator },
  org: house,
  current: index === 0,
  methods: ['pwd', 'otp'].slice(0, (index % 2) + 1),
  signed_in_at: ago(index * 400 + 5),
  ip: index === 2 ? null : `192.0.2.${index}`,
  user_agent:
    index % 2 === 0
      ? 'Mozilla/5.0 (X11; Linux x64) AppleWebKit/537.36 Chrome/141.0 Safari/537.36'
      : 'Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1 Version/19.0 Mobile Safari/604.1',
  created_at: ago(index * 400 + 5),
  last_used_at: ago(index * 30),
  expires_at: later(60 * 24 * 20),
}));

const resources: ResourceView[] = [
  {
    id: id(8, 0),
    audience: 'https://orders.northwind.example/api',
    name: 'Orders',
    scopes: ['orders:read', 'orders:write'],
    format: 'jwt',
    ttl_s: 3600,
    alg: null,
    client_id: null,
    enabled: true,
    version: 1,
    created_at: ago(5000),
    updated_at: ago(300),
  },
];

const day = 24 * 60;
const certificate = (index: number, more: Partial<CertificateView>): CertificateView => ({
  id: id(16, index),
  names: ['atrium.northwind.example'],
  issuer: 'acme',
  issued_by: 'R11',
  state: 'active',
  managed: true,
  not_before: ago(40 * day),
  not_after: later(50 * day),
  renew_at: later(20 * day),
  pin: 'sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=',
  serial: '03a1',
  failures: 0,
  last_error: null,
  created_by: { type: 'system', id: null, name: 'Atrium' },
  created_at: ago(100 * day),
  updated_at: ago(40 * day),
  ...more,
});
const certificates: CertificateView[] = [
  certificate(0, {}),
  certificate(1, {
    names: [
      'localhost',
      'atrium.lan',
      'a-name-of-a-machine-that-somebody-thought-about-for-a-while.northwind.lan',
      '192.168.1.20',
    ],
    issuer: 'internal',
    issued_by: 'Atrium authority 2026',
  }),
  certificate(2, { names: ['media.northwind.example'], issuer: 'uploaded', managed: false, renew_at: null }),
  certificate(3, {
    names: ['notes.northwind.example'],
    not_after: later(9 * day),
    not_before: ago(81 * day),
    renew_at: later(300),
    failures: 4,
    last_error: 'The name notes.northwind.example did not answer: connection refused',
  }),
  certificate(4, {
    ...{ names: ['photos.northwind.example'], state: 'pending', issued_by: null, not_before: null, not_after: null },
    ...{ renew_at: null, pin: null, serial: null },
  }),
];

const backup = (n: number, more: Partial<BackupView>): BackupView => ({
  ...{ id: id(12, n), state: 'done', cause: 'schedule', present: true, encrypted: true },
  file_name: `atrium-2026112${n}T033000Z-0a1b2c3${n}.tar.zst.enc`,
  ...{ size: 1_840_000_000 - n * 31_000_000, sha256: 'c0ffee'.repeat(10).slice(0, 64).padEnd(64, '0') },
  ...{ tables: 147, rows: 1_284_553, files: 2_311, lost_files: 0, version: '0.1.0', key_ids: ['c7ec3fba'] },
  ...{ progress: null, error: null, test: null, created_by: { type: 'system', id: null, name: 'Atrium' } },
  ...{ created_at: ago(n * day + 300), ended_at: ago(n * day) },
  ...more,
});
const backups: BackupView[] = [
  backup(0, {
    ...{ state: 'running', cause: 'manual', size: null, sha256: null, rows: null, files: null, ended_at: null },
    progress: { step: 'files', done: 812, total: 2311, bytes: 900_000_000 },
  }),
  backup(1, { test: { state: 'passed', at: ago(day), error: null } }),
  backup(2, {
    cause: 'manual',
    encrypted: false,
    file_name: 'before-the-move-to-the-new-machine.tar.zst',
    lost_files: 3,
  }),
  backup(3, { state: 'failed', error: 'The disk is full.', size: null, sha256: null }),
  backup(4, { test: { state: 'failed', at: ago(day), error: 'The file is damaged or cut off.' } }),
  backup(5, { present: false, cause: 'found', version: null, rows: null, files: null, sha256: null }),
];
const backupPlan: BackupSchedule = {
  ...{ enabled: true, every_s: null, cron: '30 3 * * *', time_zone: 'Europe/Berlin', retention: 7, encrypted: true },
  ...{ test: true, directory: '/srv/atrium/backups', next_at: later(day / 2), last_at: ago(day / 2) },
  ...{ last_state: 'failed', last_error: 'The disk is full.', next_test_at: later(3 * day), version: 4 },
};

const issuers: TrustedIssuerView[] = [
  {
    id: id(9, 0),
    issuer: 'https://login.fjord.example',
    name: 'Fjord Logistics',
    jwks_uri: 'https://login.fjord.example/jwks',
    algs: ['ES256'],
    subject_mapping: 'email',
    email_domains: ['fjord.example'],
    jit: true,
    org: house,
    scopes: [],
    max_age_s: 300,
    known_subjects: 7,
    enabled: true,
    version: 1,
    created_at: ago(9000),
    updated_at: ago(900),
  },
];

const ranges: OutputOf<typeof denylistList>['items'] = [
  {
    id: id(10, 0),
    range: '198.51.100.0/24',
    reason: 'Credential stuffing since Tuesday',
    created_by: person,
    created_at: ago(90),
    expires_at: later(600),
    live: true,
  },
  {
    id: id(10, 1),
    range: '2001:db8:dead::/48',
    reason: '',
    created_by: null,
    created_at: ago(9000),
    expires_at: ago(10),
    live: false,
  },
];

const registrations: OutputOf<typeof registrationTokensList>['items'] = [
  {
    id: id(11, 0),
    note: 'Fjord roll-out',
    created_by: person,
    created_at: ago(100),
    expires_at: later(1000),
    used_at: null,
  },
  { id: id(11, 1), note: '', created_by: null, created_at: ago(300), expires_at: later(500), used_at: ago(20) },
];

const events: OutputOf<typeof securityEventsList>['items'] = [
  'oauth.family.replayed',
  'oauth.consent.given',
  'identity.session.created',
  'oauth.client.deleted',
  'oauth.key.rotated',
  'some.new.kind',
].map((kind, index) => ({
  org: index === 4 ? null : house,
  seq: 900 - index,
  kind,
  id: id(12, index),
  severity: index === 0 ? ('error' as const) : ('info' as const),
  actor: person,
  at: ago(index * 4),
  body: { client_id: 'client_x', subject: me.user.id },
}));

const trail: OutputOf<typeof serverAudit>['items'] = [
  'auth.login',
  'clients.create',
  'denylist.add',
  'grants.revoke',
].map((action, index) => ({
  id: id(13, index),
  org: index === 0 ? house : null,
  seq: 50 - index,
  at: ago(index * 9),
  actor: person,
  action,
  target_type: null,
  target_id: null,
  details: { name: 'Customer portal' },
  ip: '192.0.2.9',
  request_id: 'req_1',
}));

const overview: OutputOf<typeof serverOverview> = {
  totals: {
    users: 214,
    operators: 2,
    orgs: 31,
    agents: 57,
    live_sessions: 88,
    clients: 42,
    clients_enabled: 40,
    live_tokens: 1284,
    live_grants: 317,
    pending_device_codes: 3,
    denied_ranges: 2,
  },
  hours: Array.from({ length: 24 }, (_, index) => ({
    at: new Date(Date.now() - (23 - index) * 3_600_000).toISOString(),
    tokens_issued: Math.round(60 + 50 * Math.sin(index / 4)),
    tokens_revoked: index % 5,
    sign_ins: Math.round(8 + 7 * Math.sin(index / 4)),
    sign_ins_failed: index === 17 ? 9 : index % 3,
    client_failures: index === 17 ? 60 : index % 4,
    refused: index > 18 ? 12 : 0,
  })),
  top_clients: clients.map((client) => ({
    client_id: client.client_id,
    name: client.name,
    live_tokens: client.live_tokens,
  })),
  signing_key: { kid: keys.items[1]!.kid, alg: 'ES256', activated_at: ago(540), rotates_at: later(60 * 24 * 89) },
  version: '0.1.0',
  started_at: ago(60 * 31),
};

const capabilities: OutputOf<typeof serverCapabilities> = {
  items: [
    { name: 'Own database', on: true, detail: 'PostgreSQL in the data directory', setting: 'DATABASE_URL' },
    { name: 'Redis', on: false, detail: 'Rate counters live in PostgreSQL', setting: 'REDIS_URL' },
  ],
};

const latency = (p50_ms: number, p95_ms: number, p99_ms: number) => ({ p50_ms, p95_ms, p99_ms });
const load: OutputOf<typeof serverLoad> = {
  total: { requests: 184_212, refused: 4120, failed: 310, latency: latency(4.2, 38, 240) },
  in_flight: { now: 214, most: 1000, waiting: 63, most_waiting: 10_000, rejected: 4 },
  bulkheads: ['oauth', 'api', 'mcp', 'auth', 'v1', 'apps', 'web'].map((name, index) => ({
    ...{ name, most: 200 },
    now: index === 0 ? 200 : index * 2,
    rejected: index === 0 ? 1204 : 0,
  })),
  routes: Array.from({ length: 40 }, (_, index) => ({
    method: index % 3 === 0 ? 'POST' : 'GET',
    route: index === 0 ? '/oauth/token' : `/api/v1/some/rather/long/route/of/a/module/{id}/part-${index}`,
    requests: 90_000 >> (index % 12),
    refused: index * 3,
    failed: index === 0 ? 12 : 0,
    latency: latency(2 + index, 20 + index * 20, 60 + index * 30),
  })),
  limits: [
    { name: 'http', count: 812 },
    { name: 'identity.login', count: 14 },
  ],
  errors: [
    { name: 'unauthorized', count: 3020 },
    { name: 'invalid_client', count: 77 },
  ],
  alerts: [{ name: 'client_guessed', count: 1 }],
  database: { queries: 402_118, latency: latency(0.8, 6.1, 20) },
  step_s: 10,
  steps: Array.from({ length: 60 }, (_, index) => ({
    at: new Date(Date.now() - (59 - index) * 10_000).toISOString(),
    requests: Math.round(900 + 400 * Math.sin(index / 6)),
    failed: index === 40 ? 90 : 0,
    p95_ms: index === 3 ? null : Math.round(40 + 20 * Math.cos(index / 5)),
  })),
};
/** Just started, and asked for nothing but this. */
const idleLoad: OutputOf<typeof serverLoad> = {
  ...load,
  total: { requests: 0, refused: 0, failed: 0, latency: { p50_ms: null, p95_ms: null, p99_ms: null } },
  in_flight: { ...load.in_flight, now: 1, waiting: 0, rejected: 0 },
  bulkheads: load.bulkheads.map((one) => ({ ...one, now: 0, rejected: 0 })),
  ...{ routes: [], limits: [], errors: [], alerts: [], steps: [] },
};

const admin = '/api/v1/admin';
const lists: Record<string, unknown> = {
  [`GET ${admin}/oauth/clients`]: page([...clients, ...proving]),
  [`GET ${admin}/oauth/client-documents`]: page(documents),
  [`GET ${admin}/oauth/tokens`]: page(tokens),
  [`GET ${admin}/oauth/grants`]: page(grants),
  [`GET ${admin}/oauth/device-codes`]: page(codes),
  [`GET ${admin}/oauth/approval-requests`]: page(approvals),
  [`GET ${admin}/oauth/registration-tokens`]: page(registrations),
  [`GET ${admin}/identity/users`]: page(users),
  [`GET ${admin}/identity/sessions`]: page(sessions),
  [`GET ${admin}/oauth/trusted-issuers`]: page(issuers),
  'GET /api/v1/backups': page(backups),
  'GET /api/v1/backups/schedule': backupPlan,
  'GET /api/v1/certificates': page(certificates),
  'GET /api/v1/certificates/suggest': {
    mode: 'acme',
    names: [{ name: 'files.northwind.example', source: 'route', covered: false, public: true }],
  },
  'GET /api/v1/certificates/authority': {
    pem: '-----BEGIN CERTIFICATE-----',
    fingerprint: Array.from({ length: 32 }, (_, n) => (n * 7).toString(16).padStart(2, '0').toUpperCase()).join(':'),
    not_after: later(3600 * day),
  },
  [`GET ${admin}/events/recent`]: page(events),
  [`GET ${admin}/audit`]: page(trail),
  'GET /api/v1/me/grants': page(apps),
};
const builtIn = [{ audience: 'https://atrium.northwind.example/mcp', name: 'MCP' }];
const answersOf = (bodies: Record<string, unknown>): Answers =>
  Object.fromEntries(Object.entries(bodies).map(([call, body]) => [call, { body }]));

const once: Record<string, unknown> = {
  [`GET ${admin}/overview`]: overview,
  [`GET ${admin}/load`]: load,
  [`GET ${admin}/capabilities`]: capabilities,
  [`GET ${admin}/oauth/keys`]: keys,
};

export const serverAnswers: Answers = {
  ...adminAnswers,
  ...answersOf({
    ...lists,
    ...once,
    [`GET ${admin}/oauth/resources`]: { ...page(resources), built_in: builtIn },
    [`GET ${admin}/ip-denylist`]: { ...page(ranges), your_address: '192.0.2.1' },
    ...Object.fromEntries([clients[0]!, ...proving].map((one) => [`GET ${admin}/oauth/clients/${one.id}`, one])),
    [`GET ${admin}/oauth/tokens/${tokens[1]!.id}`]: tokens[1],
    [`GET ${admin}/identity/users/${users[1]!.id}`]: users[1],
    [`POST ${admin}/oauth/clients`]: { client: clients[0], client_secret: `acs_${'x'.repeat(43)}` },
    [`POST ${admin}/oauth/secret-reveals/open`]: {
      client: { id: clients[0]!.client_id, name: clients[0]!.name },
      client_secret: `acs_${'y'.repeat(43)}`,
    },
  }),
};

/** A server on which nothing happened yet. */
export const quietServerAnswers: Answers = {
  ...serverAnswers,
  ...answersOf({
    ...Object.fromEntries(Object.keys(lists).map((call) => [call, page([])])),
    [`GET ${admin}/oauth/resources`]: { ...page([]), built_in: builtIn },
    [`GET ${admin}/ip-denylist`]: { ...page([]), your_address: null },
    [`GET ${admin}/load`]: idleLoad,
    [`GET ${admin}/overview`]: {
      ...overview,
      hours: overview.hours.map((hour) => ({ ...hour, tokens_issued: 0 })),
      top_clients: [],
    },
  }),
};

/** An Owner who runs no server. */
export const ownerAnswers: Answers = {
  ...adminAnswers,
  'GET /api/v1/me': { body: { ...me, is_operator: false } },
};
