import { z } from 'zod';
import { actor, byId, defineOperation, id, noInput, nothing, page, pageInput, time } from './operation.ts';
import { operatorReads, operatorWrites } from './operator-rights.ts';

/* What operators see and do beside OAuth: people, sessions, figures and facts of the whole server. */

const line = z.string().regex(/^[^\p{Cc}]*$/u, 'must not contain control characters');
const q = line.trim().max(200).optional();
const orgParty = z.object({ id, name: z.string() });

export const serverUserView = z.object({
  id,
  name: z.string(),
  email: z.string().nullable(),
  email_verified: z.boolean(),
  state: z.enum(['active', 'disabled', 'erased']),
  is_operator: z.boolean(),
  created_by: z.enum(['setup', 'signup', 'invite', 'jit']),
  created_at: time,
  last_login_at: time.nullable(),
  orgs: z.array(orgParty.extend({ role: z.string(), is_personal: z.boolean() })),
  live_sessions: z.int(),
});
export type ServerUserView = z.infer<typeof serverUserView>;

export const serverSessionView = z.object({
  id,
  user: z.object({ id, name: z.string(), email: z.string().nullable(), is_operator: z.boolean() }),
  org: orgParty,
  current: z.boolean(),
  methods: z.array(z.string()).describe('how the person proved who they are'),
  signed_in_at: time,
  ip: z.string().nullable(),
  user_agent: z.string().nullable(),
  created_at: time,
  last_used_at: time,
  expires_at: time,
});
export type ServerSessionView = z.infer<typeof serverSessionView>;

export const usersList = defineOperation({
  ...operatorReads,
  name: 'users.list',
  summary: 'List the people of the whole server, newest first',
  method: 'GET',
  path: '/api/v1/admin/identity/users',
  input: z.strictObject({
    q: q.describe('part of a name or e-mail address'),
    state: z.enum(['active', 'disabled', 'erased']).optional(),
    operators: z.boolean().optional().describe('only operators'),
    ...pageInput,
  }),
  output: page(serverUserView),
  status: 200,
  errors: ['bad_request', 'operator_required'],
});
export const usersGet = defineOperation({
  ...operatorReads,
  name: 'users.get',
  summary: 'Show a person of the server',
  method: 'GET',
  path: '/api/v1/admin/identity/users/{id}',
  input: byId,
  output: serverUserView,
  status: 200,
  errors: ['not_found', 'operator_required'],
});
export const usersCreate = defineOperation({
  ...operatorWrites,
  name: 'users.create',
  summary: 'Make an account for somebody and mail them a link to set its password',
  description: 'The person gets an organisation of their own; invitations bring them into others.',
  method: 'POST',
  path: '/api/v1/admin/identity/users',
  input: z.strictObject({
    name: z.string().trim().min(1).max(120),
    email: z.email().max(254).describe('compared case-insensitively'),
  }),
  output: serverUserView,
  status: 201,
  errors: ['name_taken', 'operator_required', 'identity_step_up_required'],
  idempotency: 'header',
});
const oneUser = { input: byId, output: serverUserView, status: 200 } as const;
export const usersEnable = defineOperation({
  ...operatorWrites,
  ...oneUser,
  name: 'users.enable',
  summary: 'Let a disabled person sign in again',
  method: 'POST',
  path: '/api/v1/admin/identity/users/{id}/enable',
  errors: ['not_found', 'operator_required', 'identity_step_up_required'],
});
export const usersDisable = defineOperation({
  ...operatorWrites,
  ...oneUser,
  name: 'users.disable',
  summary: 'Shut a person out of the whole server at once',
  method: 'POST',
  path: '/api/v1/admin/identity/users/{id}/disable',
  errors: [
    'not_found',
    'identity_last_operator',
    'permission_denied',
    'operator_required',
    'identity_step_up_required',
  ],
});
export const usersSetOperator = defineOperation({
  ...operatorWrites,
  name: 'users.set_operator',
  summary: 'Make somebody an operator, or take that back',
  method: 'POST',
  path: '/api/v1/admin/identity/users/{id}/role',
  input: z.strictObject({ id, is_operator: z.boolean() }),
  output: serverUserView,
  status: 200,
  errors: [
    'not_found',
    'identity_last_operator',
    'permission_denied',
    'operator_required',
    'identity_step_up_required',
  ],
});
export const usersResetPassword = defineOperation({
  ...operatorWrites,
  name: 'users.reset_password',
  summary: 'Mail a password link to a person of the server',
  method: 'POST',
  path: '/api/v1/admin/identity/users/{id}/password',
  input: byId,
  output: nothing,
  status: 204,
  errors: ['not_found', 'operator_required', 'identity_step_up_required'],
});
export const usersResetFactors = defineOperation({
  ...operatorWrites,
  ...oneUser,
  name: 'users.reset_factors',
  summary: 'Take passkeys and the authenticator off the account of a person who lost them',
  method: 'POST',
  path: '/api/v1/admin/identity/users/{id}/reset-factors',
  errors: ['not_found', 'operator_required', 'identity_step_up_required'],
});
export const userSessionsList = defineOperation({
  ...operatorReads,
  name: 'user_sessions.list',
  summary: 'List live sessions of the whole server, newest first',
  method: 'GET',
  path: '/api/v1/admin/identity/sessions',
  input: z.strictObject({
    q: q.describe('part of a name, e-mail address or address'),
    user_id: id.optional(),
    ...pageInput,
  }),
  output: page(serverSessionView),
  status: 200,
  errors: ['bad_request', 'operator_required'],
});
export const userSessionsRevoke = defineOperation({
  ...operatorWrites,
  name: 'user_sessions.revoke',
  summary: 'End a session of somebody',
  method: 'DELETE',
  path: '/api/v1/admin/identity/sessions/{id}',
  input: byId,
  output: nothing,
  status: 204,
  errors: ['not_found', 'operator_required'],
});

/* ---------- the server as a whole ---------- */

const hour = z.object({
  at: time.describe('beginning of the hour'),
  tokens_issued: z.int(),
  tokens_revoked: z.int(),
  sign_ins: z.int(),
  sign_ins_failed: z.int(),
  client_failures: z.int(),
  refused: z.int().describe('requests from denied addresses'),
});
export const serverOverview = defineOperation({
  ...operatorReads,
  name: 'server.overview',
  summary: 'Totals of the server and what happened hour by hour',
  method: 'GET',
  path: '/api/v1/admin/overview',
  input: z.strictObject({ hours: z.int().min(1).max(720).default(24) }),
  output: z.object({
    totals: z.object({
      users: z.int(),
      operators: z.int(),
      orgs: z.int(),
      agents: z.int(),
      live_sessions: z.int(),
      clients: z.int(),
      clients_enabled: z.int(),
      live_tokens: z.int(),
      live_grants: z.int(),
      pending_device_codes: z.int(),
      denied_ranges: z.int(),
    }),
    hours: z.array(hour).describe('oldest first, without gaps'),
    top_clients: z.array(z.object({ client_id: z.string(), name: z.string(), live_tokens: z.int() })),
    signing_key: z.object({ kid: z.string(), alg: z.string(), activated_at: time, rotates_at: time }).nullable(),
    version: z.string(),
    started_at: time,
  }),
  status: 200,
  errors: ['operator_required'],
});
export const serverCapabilities = defineOperation({
  ...operatorReads,
  name: 'server.capabilities',
  summary: 'Tell which optional parts of the server run',
  method: 'GET',
  path: '/api/v1/admin/capabilities',
  input: noInput,
  output: z.object({
    items: z.array(z.object({ name: z.string(), on: z.boolean(), detail: z.string(), setting: z.string().nullable() })),
  }),
  status: 200,
  errors: ['operator_required'],
});
export const serverHealth = defineOperation({
  ...operatorReads,
  name: 'server.health',
  summary: 'Tell that the server process answers',
  method: 'GET',
  path: '/api/v1/admin/health',
  input: noInput,
  output: z.object({ status: z.literal('ok'), timestamp: time, version: z.string(), uptime_s: z.int() }),
  status: 200,
  errors: ['operator_required'],
  mcp: { tool: 'get_health', title: 'Health of the server', read_only: true },
});
export const serverReadiness = defineOperation({
  ...operatorReads,
  name: 'server.readiness',
  summary: 'Tell which parts of the server are ready',
  method: 'GET',
  path: '/api/v1/admin/readiness',
  input: noInput,
  output: z.object({ ready: z.boolean(), checks: z.record(z.string(), z.boolean()) }),
  status: 200,
  errors: ['operator_required'],
  mcp: { tool: 'get_readiness', title: 'Readiness of the server', read_only: true },
});
export const serverMetrics = defineOperation({
  ...operatorReads,
  name: 'server.metrics',
  summary: 'Read the metrics of this process in the text form of Prometheus',
  method: 'GET',
  path: '/api/v1/admin/metrics',
  input: noInput,
  output: z.object({ text: z.string() }),
  status: 200,
  errors: ['operator_required'],
  mcp: { tool: 'get_metrics', title: 'Metrics of the server', read_only: true },
});
const latency = z.object({
  p50_ms: z.number().nullable().describe('half of the requests are faster; null when there was none'),
  p95_ms: z.number().nullable(),
  p99_ms: z.number().nullable(),
});
const counted = z.array(z.object({ name: z.string(), count: z.int() }));
export const serverLoad = defineOperation({
  ...operatorReads,
  name: 'server.load',
  summary: 'Show how busy this process is: requests by route, latency, limits and what they refused',
  method: 'GET',
  path: '/api/v1/admin/load',
  input: noInput,
  output: z.object({
    total: z.object({
      requests: z.int(),
      refused: z.int().describe('answers 4xx'),
      failed: z.int().describe('answers 5xx'),
      latency,
    }),
    in_flight: z.object({
      now: z.int(),
      most: z.int(),
      waiting: z.int().describe('event streams and calls that wait for an answer'),
      most_waiting: z.int(),
      rejected: z.int(),
    }),
    bulkheads: z.array(z.object({ name: z.string(), now: z.int(), most: z.int(), rejected: z.int() })),
    routes: z
      .array(
        z.object({
          method: z.string(),
          route: z.string(),
          requests: z.int(),
          refused: z.int(),
          failed: z.int(),
          latency,
        }),
      )
      .describe('asked for most first; at most 200'),
    limits: counted.describe('refusals by each rate limit'),
    errors: counted.describe('problems answered, by code'),
    alerts: counted,
    database: z.object({ queries: z.int(), latency }),
    step_s: z.int(),
    steps: z
      .array(z.object({ at: time, requests: z.int(), failed: z.int(), p95_ms: z.number().nullable() }))
      .describe('the last half hour, oldest first'),
  }),
  status: 200,
  errors: ['operator_required', 'not_ready'],
});
export const serverOpenidConfig = defineOperation({
  ...operatorReads,
  name: 'server.openid_config',
  summary: 'Show the discovery document of the authorization server',
  method: 'GET',
  path: '/api/v1/admin/openid-config',
  input: noInput,
  output: z.record(z.string(), z.unknown()),
  status: 200,
  errors: ['operator_required', 'not_ready'],
  mcp: { tool: 'get_openid_config', title: 'Discovery document', read_only: true },
});

export const securityEventView = z.object({
  org: orgParty.nullable(),
  seq: z.int(),
  kind: z.string(),
  id,
  severity: z.enum(['info', 'warning', 'error']),
  actor,
  at: time,
  body: z.record(z.string(), z.unknown()),
});
export const securityEventsList = defineOperation({
  ...operatorReads,
  name: 'security_events.list',
  summary: 'List recent events of identity and OAuth across organisations, newest first',
  method: 'GET',
  path: '/api/v1/admin/events/recent',
  input: z.strictObject({
    kind: line.max(100).optional().describe('beginning of a kind: `oauth.` or `identity.session.`'),
    ...pageInput,
  }),
  output: page(securityEventView),
  status: 200,
  errors: ['bad_request', 'operator_required'],
});
export const serverAuditLine = z.object({
  id,
  org: orgParty.nullable(),
  seq: z.int(),
  at: time,
  actor,
  action: z.string(),
  target_type: z.string().nullable(),
  target_id: z.string().nullable(),
  details: z.record(z.string(), z.unknown()),
  ip: z.string().nullable(),
  request_id: z.string(),
});
export const serverAudit = defineOperation({
  ...operatorReads,
  name: 'server.audit',
  summary: 'List security lines of the audit trail across organisations, newest first',
  description:
    'Lists what was done to accounts, organisations and the authorization server. Lines about items of an inbox belong to their organisation and are left out.',
  method: 'GET',
  path: '/api/v1/admin/audit',
  input: z.strictObject({
    action: line.max(100).optional().describe('beginning of an action: `auth.` or `clients.`'),
    actor_id: id.optional(),
    org_id: id.optional(),
    ...pageInput,
  }),
  output: page(serverAuditLine),
  status: 200,
  errors: ['bad_request', 'operator_required'],
  mcp: { tool: 'list_audit', title: 'List the audit trail', read_only: true },
});

export const userOperations = [
  usersList,
  usersGet,
  usersCreate,
  usersEnable,
  usersDisable,
  usersSetOperator,
  usersResetPassword,
  usersResetFactors,
  userSessionsList,
  userSessionsRevoke,
] as const;
export const serverOperations = [
  serverOverview,
  serverCapabilities,
  serverHealth,
  serverReadiness,
  serverMetrics,
  serverLoad,
  serverOpenidConfig,
  securityEventsList,
  serverAudit,
] as const;
