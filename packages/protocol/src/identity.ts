import { z } from 'zod';
import { actor, byId, defineOperation, id, noInput, nothing, page, pageInput, time } from './operation.ts';
import { grantableScopes, type Scope } from './scopes.ts';

/* ---------- shapes ---------- */

// PostgreSQL cannot store U+0000, and a name with control characters could break a header or a mail.
const line = z.string().regex(/^[^\p{Cc}]*$/u, 'must not contain control characters');
const lines = z.string().regex(/^[^\0]*$/, 'must not contain U+0000');
const name = line.trim().min(1).max(100);
const email = z.email().max(254).describe('compared case-insensitively');
const password = z.string().min(10).max(1024);
const appScope = z
  .templateLiteral(['access:', z.string().regex(/^[A-Za-z0-9_-]{1,64}$/)])
  .describe('opens the app of that slug');
const scopeList = z.array(z.union([z.enum(grantableScopes as [Scope, ...Scope[]]), appScope])).max(50);
const permissionString = z
  .string()
  .regex(/^(\*|[a-z][a-z0-9_]*(\.[a-z0-9_]+)*(\.\*)?)$/, 'lower-case words joined by dots, optionally ending in .*')
  .max(100);
const roleName = line.min(1).max(100).describe('id or name of a role');
const token = z.string().min(1).max(4096);
/** `current`, or the id of the organisation the call runs in. Any other organisation answers 404. */
const org = z.union([z.literal('current'), z.uuid()]).default('current');

export const roleRef = z.object({
  id,
  name: z.string(),
  system: z.enum(['owner', 'admin', 'member', 'viewer']).nullable(),
});
export const userView = z.object({
  id,
  email: z.string(),
  email_verified: z.boolean(),
  name: z.string(),
  created_at: time,
});
export const orgView = z.object({
  id,
  name: z.string(),
  slug: z.string(),
  is_personal: z.boolean(),
  created_at: time,
});
export const orgMembership = orgView.extend({ role: roleRef });
export type OrgView = z.infer<typeof orgView>;

export const memberView = z.object({
  user_id: id,
  email: z.string(),
  name: z.string(),
  role: roleRef,
  teams: z.array(z.object({ id, name: z.string() })),
  joined_at: time,
  last_seen_at: time.nullable(),
  deactivated_at: time.nullable(),
});
export const personView = z.object({
  id,
  kind: z.enum(['user', 'agent']),
  name: z.string(),
});
export const roleView = z.object({
  id,
  name: z.string(),
  description: z.string(),
  system: z.enum(['owner', 'admin', 'member', 'viewer']).nullable(),
  permissions: z.array(z.string()),
  members: z.int(),
});
export const teamView = z.object({
  id,
  name: z.string(),
  slug: z.string(),
  description: z.string(),
  members: z.int(),
  created_at: time,
});
export const teamMemberView = z.object({
  user_id: id,
  name: z.string(),
  email: z.string(),
  role: z.enum(['lead', 'member']),
});
export const invitationView = z.object({
  id,
  email: z.string().nullable(),
  role: roleRef,
  team: z.object({ id, name: z.string() }).nullable(),
  max_uses: z.int().nullable().describe('null = unlimited'),
  uses: z.int(),
  expires_at: time,
  created_by: actor,
  created_at: time,
  state: z.enum(['active', 'used_up', 'expired', 'revoked']),
});
export const itemScope = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('own') }),
  z.strictObject({ kind: z.literal('channels'), channel_ids: z.array(id).max(200) }),
  z.strictObject({ kind: z.literal('org') }),
]);
export const agentView = z.object({
  id,
  name: z.string(),
  description: z.string(),
  kind: z.enum(['agent', 'device', 'service']),
  client_id: z.string(),
  role: roleRef,
  scopes: z.array(z.string()),
  item_scope: itemScope,
  owner: actor,
  key_prefix: z.string().nullable().describe('first characters of the active key'),
  fingerprint: z.string().nullable().describe('of the key pair that it owns; null when it has none'),
  created_at: time,
  first_seen_at: time.nullable(),
  last_seen_at: time.nullable(),
  last_tool: z.string().nullable(),
  last_client: z.string().nullable().describe('name and version the client gave'),
  calls_total: z.int(),
  calls_today: z.int(),
  deactivated_at: time.nullable(),
});
export type AgentView = z.infer<typeof agentView>;
export const apiKeyView = z.object({
  id,
  name: z.string(),
  prefix: z.string(),
  scopes: z.array(z.string()),
  org_id: id,
  created_at: time,
  expires_at: time.nullable(),
  last_used_at: time.nullable(),
});
export const sessionView = z.object({
  id,
  current: z.boolean(),
  ip: z.string().nullable(),
  user_agent: z.string().nullable(),
  org: z.object({ id, name: z.string() }),
  created_at: time,
  last_used_at: time,
  expires_at: time,
});
export const preferences = z.object({
  theme: z
    .enum([
      'system',
      'daylight',
      'night',
      'terminal',
      'nord',
      'solarized-light',
      'solarized-dark',
      'dracula',
      'high-contrast',
      'slate',
      'obsidian',
      'carbon',
      'classic-green',
      'cyan',
      'amber',
      'gruvbox-dark',
      'gruvbox-light',
      'tokyo-night',
      'storm',
      'catppuccin-mocha',
      'pipboy-amber',
      'pipboy-green',
      'retro',
    ])
    .default('system'),
  density: z.enum(['dense', 'comfortable']).default('dense'),
  font_size: z.enum(['small', 'medium', 'large', 'largest']).default('medium'),
  scan_lines: z.boolean().default(false).describe('lines of a picture tube; never where motion is to be reduced'),
  confirmations: z
    .boolean()
    .default(true)
    .describe('ask before acts that end something; what cannot be had again always asks'),
  time_zone: z.string().max(64).nullable().default(null).describe('IANA name; null = the browser decides'),
  quiet_hours: z
    .object({
      enabled: z.boolean(),
      weekdays: z.array(z.int().min(1).max(7)).max(7).describe('ISO: 1 = Monday'),
      start: z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/),
      end: z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/),
      urgent_breaks_through: z.boolean(),
    })
    .nullable()
    .default(null),
  sound: z.enum(['default', 'none', 'alert']).default('default'),
  load_remote_images: z.boolean().default(false),
  alert_rules: z
    .array(
      z.strictObject({
        kind: z.enum(['open_items', 'wait_minutes']),
        threshold: z.int().min(1).max(100_000),
        level: z.enum(['info', 'warning', 'error', 'success']),
      }),
    )
    .max(20)
    .default([]),
});
export type Preferences = z.infer<typeof preferences>;

export const signedIn = z.object({
  access_token: z.string().describe('opaque session token; also set as the httpOnly cookie atrium_session'),
  expires_in: z.int().describe('seconds'),
  user: userView,
  org: orgView,
});

/* ---------- setup and sign-in ---------- */

export const setupStatus = defineOperation({
  name: 'setup.status',
  summary: 'Tell whether the first owner exists',
  method: 'GET',
  path: '/api/v1/setup',
  access: 'public',
  scope: null,
  permission: null,
  input: noInput,
  output: z.object({ done: z.boolean(), registration: z.enum(['open', 'invitation']), version: z.string() }),
  status: 200,
  errors: [],
});
export const setupComplete = defineOperation({
  name: 'setup.complete',
  summary: 'Create the first owner with the setup token',
  method: 'POST',
  path: '/api/v1/setup',
  access: 'public',
  scope: null,
  permission: null,
  input: z.strictObject({ token, email, password, name, org_name: name.optional() }),
  output: z.object({ user: userView, org: orgView, access_token: z.string(), expires_in: z.int() }),
  status: 201,
  errors: ['setup_done', 'invalid_credentials', 'validation_failed', 'rate_limited'],
});
export const authLogin = defineOperation({
  name: 'auth.login',
  summary: 'Sign in with e-mail and password',
  method: 'POST',
  path: '/auth/login',
  access: 'public',
  scope: null,
  permission: null,
  input: z.strictObject({ email: line.min(1).max(254), password: z.string().min(1).max(1024) }),
  output: signedIn,
  status: 200,
  errors: ['invalid_credentials', 'identity_factor_required', 'rate_limited'],
});
export const authRegister = defineOperation({
  name: 'auth.register',
  summary: 'Make an account, with an invitation unless registration is open',
  method: 'POST',
  path: '/auth/register',
  access: 'public',
  scope: null,
  permission: null,
  input: z.strictObject({ email, password, name, invite_code: z.string().max(100).optional() }),
  output: signedIn,
  status: 201,
  errors: ['permission_denied', 'not_found', 'name_taken', 'rate_limited', 'plan_limit_exceeded', 'validation_failed'],
});
export const authLogout = defineOperation({
  name: 'auth.logout',
  summary: 'End the current session',
  method: 'POST',
  path: '/auth/logout',
  access: 'signed_in',
  scope: 'account:read',
  permission: null,
  principals: ['user'],
  input: noInput,
  output: nothing,
  status: 204,
  errors: [],
});
export const authSwitchOrg = defineOperation({
  name: 'auth.switch_org',
  summary: 'Re-issue the session for another of your organisations',
  method: 'POST',
  path: '/auth/switch-org',
  access: 'signed_in',
  scope: 'account:write',
  permission: null,
  principals: ['user'],
  input: z.strictObject({ org_id: id }),
  output: signedIn,
  status: 200,
  errors: ['not_found', 'permission_denied'],
});
export const authTicket = defineOperation({
  name: 'auth.ticket',
  summary: 'Get a single-use ticket for a WebSocket, good for 30 seconds',
  method: 'POST',
  path: '/auth/ticket',
  access: 'signed_in',
  scope: 'inbox:read',
  permission: null,
  input: noInput,
  output: z.object({ ticket: z.string(), expires_in: z.int() }),
  status: 201,
  errors: ['bad_request'],
});
export const authPreviewInvitation = defineOperation({
  name: 'auth.preview_invitation',
  summary: 'Show what an invitation leads to',
  method: 'GET',
  path: '/auth/invitations/{code}',
  access: 'public',
  scope: null,
  permission: null,
  input: z.strictObject({ code: z.string().max(100) }),
  output: z.object({
    org_name: z.string(),
    role: z.string(),
    team_name: z.string().nullable(),
    inviter_name: z.string(),
    email: z.string().nullable(),
  }),
  status: 200,
  errors: ['not_found', 'rate_limited'],
});
export const authAcceptInvitation = defineOperation({
  name: 'auth.accept_invitation',
  summary: 'Join the organisation that invited you',
  method: 'POST',
  path: '/auth/invitations/accept',
  access: 'signed_in',
  scope: 'account:write',
  permission: null,
  principals: ['user'],
  input: z.strictObject({ invite_code: z.string().max(100) }),
  output: signedIn,
  status: 200,
  errors: ['not_found', 'plan_limit_exceeded', 'permission_denied'],
});

/* ---------- the account ---------- */

export const meGet = defineOperation({
  name: 'me.get',
  summary: 'Show who is calling, with organisations and permissions',
  method: 'GET',
  path: '/api/v1/me',
  access: 'signed_in',
  scope: 'inbox:read',
  permission: null,
  input: noInput,
  output: z.object({
    principal: actor,
    user: userView.nullable().describe('null for agents'),
    org: orgView,
    orgs: z.array(orgMembership),
    role: roleRef.nullable(),
    permissions: z.array(z.string()),
    scopes: z.array(z.string()),
    is_operator: z.boolean(),
    preferences,
  }),
  status: 200,
  errors: [],
  mcp: { tool: 'whoami', title: 'Who am I', read_only: true, metered: false },
});
export const meUpdate = defineOperation({
  name: 'me.update',
  summary: 'Change your name',
  method: 'PATCH',
  path: '/api/v1/me',
  access: 'signed_in',
  scope: 'account:write',
  permission: null,
  principals: ['user'],
  input: z.strictObject({ name: name.optional() }),
  output: userView,
  status: 200,
  errors: [],
});
export const meChangePassword = defineOperation({
  name: 'me.change_password',
  summary: 'Change your password and end your other sessions',
  method: 'POST',
  path: '/api/v1/me/password',
  access: 'signed_in',
  scope: 'account:write',
  permission: null,
  principals: ['user'],
  input: z.strictObject({
    current_password: z.string().max(1024).optional().describe('required unless the account has none yet'),
    new_password: password,
  }),
  output: nothing,
  status: 204,
  errors: [
    'invalid_credentials',
    'rate_limited',
    'permission_denied',
    'validation_failed',
    'identity_step_up_required',
  ],
});
export const preferencesGet = defineOperation({
  name: 'preferences.get',
  summary: 'Read your preferences',
  method: 'GET',
  path: '/api/v1/me/preferences',
  access: 'signed_in',
  scope: 'account:read',
  permission: null,
  principals: ['user'],
  input: noInput,
  output: preferences,
  status: 200,
  errors: [],
});
export const preferencesUpdate = defineOperation({
  name: 'preferences.update',
  summary: 'Change your preferences; members left out stay',
  method: 'PATCH',
  path: '/api/v1/me/preferences',
  access: 'signed_in',
  scope: 'account:write',
  permission: null,
  principals: ['user'],
  input: z.strictObject(
    Object.fromEntries(
      Object.entries(preferences.shape).map(([key, schema]) => [
        key,
        (schema as z.ZodDefault<z.ZodType>).removeDefault().optional(),
      ]),
    ) as unknown as {
      [K in keyof typeof preferences.shape]: z.ZodOptional<ReturnType<(typeof preferences.shape)[K]['removeDefault']>>;
    },
  ),
  output: preferences,
  status: 200,
  errors: ['validation_failed'],
});
export const sessionsList = defineOperation({
  name: 'sessions.list',
  summary: 'List your sessions',
  method: 'GET',
  path: '/api/v1/me/sessions',
  access: 'signed_in',
  scope: 'account:read',
  permission: null,
  principals: ['user'],
  input: z.strictObject(pageInput),
  output: page(sessionView),
  status: 200,
  errors: ['bad_request'],
});
export const sessionsRevoke = defineOperation({
  name: 'sessions.revoke',
  summary: 'End one of your sessions',
  method: 'DELETE',
  path: '/api/v1/me/sessions/{id}',
  access: 'signed_in',
  scope: 'account:write',
  permission: null,
  principals: ['user'],
  input: byId,
  output: nothing,
  status: 204,
  errors: ['not_found'],
});
export const sessionsRevokeOthers = defineOperation({
  name: 'sessions.revoke_others',
  summary: 'End all your sessions but this one',
  method: 'POST',
  path: '/api/v1/me/sessions/revoke-others',
  access: 'signed_in',
  scope: 'account:write',
  permission: null,
  principals: ['user'],
  input: noInput,
  output: z.object({ revoked: z.int() }),
  status: 200,
  errors: [],
});
export const apiKeysList = defineOperation({
  name: 'api_keys.list',
  summary: 'List your API keys',
  method: 'GET',
  path: '/api/v1/me/api-keys',
  access: 'signed_in',
  scope: 'account:read',
  permission: null,
  principals: ['user'],
  input: z.strictObject(pageInput),
  output: page(apiKeyView),
  status: 200,
  errors: ['bad_request'],
});
export const apiKeysCreate = defineOperation({
  name: 'api_keys.create',
  summary: 'Make an API key that acts as you in this organisation; shown once',
  method: 'POST',
  path: '/api/v1/me/api-keys',
  access: 'signed_in',
  scope: 'account:write',
  permission: null,
  principals: ['user'],
  input: z.strictObject({
    name,
    scopes: scopeList.default(['inbox:read', 'inbox:write']),
    expires_in_days: z.int().min(1).max(3650).nullable().default(null),
  }),
  output: z.object({ key: apiKeyView, api_key: z.string() }),
  status: 201,
  errors: ['escalation_denied'],
  idempotency: 'header',
});
export const apiKeysRevoke = defineOperation({
  name: 'api_keys.revoke',
  summary: 'Revoke one of your API keys',
  method: 'DELETE',
  path: '/api/v1/me/api-keys/{id}',
  access: 'signed_in',
  scope: 'account:write',
  permission: null,
  principals: ['user'],
  input: byId,
  output: nothing,
  status: 204,
  errors: ['not_found'],
});

/* ---------- organisations, people, roles ---------- */

export const orgsCreate = defineOperation({
  name: 'orgs.create',
  summary: 'Make a shared organisation and become its Owner',
  method: 'POST',
  path: '/api/v1/orgs',
  access: 'signed_in',
  scope: 'account:write',
  permission: null,
  principals: ['user'],
  input: z.strictObject({ name }),
  output: orgView,
  status: 201,
  errors: [],
  idempotency: 'header',
});
export const orgsGet = defineOperation({
  name: 'orgs.get',
  summary: 'Show the organisation',
  method: 'GET',
  path: '/api/v1/orgs/{org}',
  access: 'signed_in',
  scope: 'org:read',
  permission: null,
  input: z.strictObject({ org }),
  output: orgView,
  status: 200,
  errors: ['not_found'],
});
export const orgsUpdate = defineOperation({
  name: 'orgs.update',
  summary: 'Rename the organisation',
  method: 'PATCH',
  path: '/api/v1/orgs/{org}',
  access: 'signed_in',
  scope: 'org:admin',
  permission: 'org.manage',
  input: z.strictObject({
    org,
    name: name.optional(),
    slug: z
      .string()
      .regex(/^[a-z0-9](?:[a-z0-9-]{0,48}[a-z0-9])?$/)
      .optional(),
  }),
  output: orgView,
  status: 200,
  errors: ['not_found', 'name_taken'],
});
export const orgsDelete = defineOperation({
  name: 'orgs.delete',
  summary: 'Delete the organisation with everything in it',
  method: 'DELETE',
  path: '/api/v1/orgs/{org}',
  access: 'signed_in',
  scope: 'org:admin',
  permission: 'org.delete',
  principals: ['user'],
  input: z.strictObject({ org, confirm: z.string().max(100).describe('the name of the organisation') }),
  output: nothing,
  status: 204,
  errors: ['not_found', 'in_use', 'validation_failed'],
});
export const orgsUsage = defineOperation({
  name: 'orgs.usage',
  summary: 'Show counts against limits',
  method: 'GET',
  path: '/api/v1/orgs/{org}/usage',
  access: 'signed_in',
  scope: 'org:read',
  permission: 'org.manage',
  input: z.strictObject({ org }),
  output: z.object({
    plan: z.string(),
    seats: z.int(),
    teams: z.int(),
    agents: z.int(),
    notifications_this_month: z.int(),
    storage_bytes: z.int(),
    limits: z.record(z.string(), z.int().nullable()),
  }),
  status: 200,
  errors: ['not_found'],
});
export const peopleList = defineOperation({
  name: 'people.list',
  summary: 'List the people and agents one can assign to or mention',
  method: 'GET',
  path: '/api/v1/orgs/{org}/people',
  access: 'signed_in',
  scope: 'inbox:read',
  permission: 'items.read',
  input: z.strictObject({ org, q: line.max(100).optional(), ...pageInput }),
  output: page(personView),
  status: 200,
  errors: ['not_found', 'bad_request'],
});
export const membersList = defineOperation({
  name: 'members.list',
  summary: 'List the members with role and teams',
  method: 'GET',
  path: '/api/v1/orgs/{org}/members',
  access: 'signed_in',
  scope: 'org:read',
  permission: 'users.invite',
  input: z.strictObject({ org, q: line.max(100).optional(), ...pageInput }),
  output: page(memberView),
  status: 200,
  errors: ['not_found', 'bad_request'],
});
const member = { org, user: id };
export const membersChangeRole = defineOperation({
  name: 'members.change_role',
  summary: "Change a member's role",
  method: 'POST',
  path: '/api/v1/orgs/{org}/members/{user}/role',
  access: 'signed_in',
  scope: 'org:admin',
  permission: 'users.change_role',
  input: z.strictObject({ ...member, role: roleName }),
  output: memberView,
  status: 200,
  errors: ['not_found', 'last_owner', 'escalation_denied'],
});
export const membersDeactivate = defineOperation({
  name: 'members.deactivate',
  summary: 'Shut a member out at once; their rows stay',
  method: 'POST',
  path: '/api/v1/orgs/{org}/members/{user}/deactivate',
  access: 'signed_in',
  scope: 'org:admin',
  permission: 'users.remove',
  input: z.strictObject(member),
  output: memberView,
  status: 200,
  errors: ['not_found', 'last_owner', 'escalation_denied'],
});
export const membersReactivate = defineOperation({
  name: 'members.reactivate',
  summary: 'Let a deactivated member in again',
  method: 'POST',
  path: '/api/v1/orgs/{org}/members/{user}/reactivate',
  access: 'signed_in',
  scope: 'org:admin',
  permission: 'users.remove',
  input: z.strictObject(member),
  output: memberView,
  status: 200,
  errors: ['not_found', 'escalation_denied', 'plan_limit_exceeded'],
});
export const membersRemove = defineOperation({
  name: 'members.remove',
  summary: 'Remove a member, or leave yourself',
  method: 'DELETE',
  path: '/api/v1/orgs/{org}/members/{user}',
  access: 'signed_in',
  scope: 'org:admin',
  permission: null,
  principals: ['user'],
  input: z.strictObject(member),
  output: nothing,
  status: 204,
  errors: ['not_found', 'last_owner', 'escalation_denied', 'permission_denied'],
});
export const rolesList = defineOperation({
  name: 'roles.list',
  summary: 'List system and custom roles',
  method: 'GET',
  path: '/api/v1/orgs/{org}/roles',
  access: 'signed_in',
  scope: 'org:read',
  permission: 'users.invite',
  input: z.strictObject({ org, ...pageInput }),
  output: page(roleView),
  status: 200,
  errors: ['not_found', 'bad_request'],
});
export const rolesCreate = defineOperation({
  name: 'roles.create',
  summary: 'Make a custom role',
  method: 'POST',
  path: '/api/v1/orgs/{org}/roles',
  access: 'signed_in',
  scope: 'org:admin',
  permission: 'users.change_role',
  input: z.strictObject({
    org,
    name,
    description: lines.max(500).default(''),
    permissions: z.array(permissionString).max(100),
  }),
  output: roleView,
  status: 201,
  errors: ['not_found', 'escalation_denied', 'name_taken'],
  idempotency: 'header',
});
export const rolesUpdate = defineOperation({
  name: 'roles.update',
  summary: 'Change a custom role',
  method: 'PATCH',
  path: '/api/v1/orgs/{org}/roles/{id}',
  access: 'signed_in',
  scope: 'org:admin',
  permission: 'users.change_role',
  input: z.strictObject({
    org,
    id,
    name: name.optional(),
    description: lines.max(500).optional(),
    permissions: z.array(permissionString).max(100).optional(),
  }),
  output: roleView,
  status: 200,
  errors: ['not_found', 'escalation_denied', 'name_taken', 'permission_denied', 'validation_failed'],
});
export const rolesDelete = defineOperation({
  name: 'roles.delete',
  summary: 'Delete a custom role nobody holds',
  method: 'DELETE',
  path: '/api/v1/orgs/{org}/roles/{id}',
  access: 'signed_in',
  scope: 'org:admin',
  permission: 'users.change_role',
  input: z.strictObject({ org, id }),
  output: nothing,
  status: 204,
  errors: ['not_found', 'in_use', 'escalation_denied', 'permission_denied'],
});

/* ---------- teams ---------- */

const inTeam = { org, id };
export const teamsList = defineOperation({
  name: 'teams.list',
  summary: 'List teams',
  method: 'GET',
  path: '/api/v1/orgs/{org}/teams',
  access: 'signed_in',
  scope: 'org:read',
  permission: 'items.read',
  input: z.strictObject({ org, ...pageInput }),
  output: page(teamView),
  status: 200,
  errors: ['not_found', 'bad_request'],
});
export const teamsCreate = defineOperation({
  name: 'teams.create',
  summary: 'Make a team',
  method: 'POST',
  path: '/api/v1/orgs/{org}/teams',
  access: 'signed_in',
  scope: 'org:admin',
  permission: 'teams.create',
  input: z.strictObject({ org, name, description: lines.max(500).default('') }),
  output: teamView,
  status: 201,
  errors: ['not_found', 'name_taken', 'plan_limit_exceeded'],
  idempotency: 'header',
});
export const teamsUpdate = defineOperation({
  name: 'teams.update',
  summary: 'Rename a team',
  method: 'PATCH',
  path: '/api/v1/orgs/{org}/teams/{id}',
  access: 'signed_in',
  scope: 'org:admin',
  permission: 'teams.manage_members',
  input: z.strictObject({ ...inTeam, name: name.optional(), description: lines.max(500).optional() }),
  output: teamView,
  status: 200,
  errors: ['not_found', 'name_taken'],
});
export const teamsDelete = defineOperation({
  name: 'teams.delete',
  summary: 'Delete a team; its channels become private to its former members',
  method: 'DELETE',
  path: '/api/v1/orgs/{org}/teams/{id}',
  access: 'signed_in',
  scope: 'org:admin',
  permission: 'teams.delete',
  input: z.strictObject(inTeam),
  output: nothing,
  status: 204,
  errors: ['not_found'],
});
export const teamsListMembers = defineOperation({
  name: 'teams.list_members',
  summary: 'List the members of a team',
  method: 'GET',
  path: '/api/v1/orgs/{org}/teams/{id}/members',
  access: 'signed_in',
  scope: 'org:read',
  permission: 'items.read',
  input: z.strictObject({ ...inTeam, ...pageInput }),
  output: page(teamMemberView),
  status: 200,
  errors: ['not_found', 'bad_request'],
});
export const teamsAddMember = defineOperation({
  name: 'teams.add_member',
  summary: 'Add a member to a team, or change lead and member',
  method: 'POST',
  path: '/api/v1/orgs/{org}/teams/{id}/members',
  access: 'signed_in',
  scope: 'org:admin',
  permission: 'teams.manage_members',
  input: z.strictObject({ ...inTeam, user_id: id, role: z.enum(['lead', 'member']).default('member') }),
  output: teamMemberView,
  status: 201,
  errors: ['not_found'],
});
export const teamsRemoveMember = defineOperation({
  name: 'teams.remove_member',
  summary: 'Take a member out of a team',
  method: 'DELETE',
  path: '/api/v1/orgs/{org}/teams/{id}/members/{user}',
  access: 'signed_in',
  scope: 'org:admin',
  permission: 'teams.manage_members',
  input: z.strictObject({ ...inTeam, user: id }),
  output: nothing,
  status: 204,
  errors: ['not_found'],
});

/* ---------- invitations ---------- */

export const invitationsList = defineOperation({
  name: 'invitations.list',
  summary: 'List invitations',
  method: 'GET',
  path: '/api/v1/orgs/{org}/invitations',
  access: 'signed_in',
  scope: 'org:read',
  permission: 'users.invite',
  input: z.strictObject({ org, ...pageInput }),
  output: page(invitationView),
  status: 200,
  errors: ['not_found', 'bad_request'],
});
export const invitationsCreate = defineOperation({
  name: 'invitations.create',
  summary: 'Invite by mail address or by link',
  method: 'POST',
  path: '/api/v1/orgs/{org}/invitations',
  access: 'signed_in',
  scope: 'org:admin',
  permission: 'users.invite',
  input: z.strictObject({
    org,
    email: email.optional().describe('locks the invitation to this verified address and to one use'),
    role: roleName,
    team_id: id.optional(),
    max_uses: z.int().min(1).max(10_000).nullable().default(null).describe('null = unlimited'),
    expires_in_hours: z.int().min(1).max(8760).default(168),
  }),
  output: z.object({ invitation: invitationView, invite_code: z.string(), invite_url: z.string() }),
  status: 201,
  errors: ['not_found', 'escalation_denied'],
  idempotency: 'header',
});
export const invitationsRevoke = defineOperation({
  name: 'invitations.revoke',
  summary: 'Revoke an invitation',
  method: 'DELETE',
  path: '/api/v1/orgs/{org}/invitations/{id}',
  access: 'signed_in',
  scope: 'org:admin',
  permission: 'users.invite',
  input: z.strictObject({ org, id }),
  output: nothing,
  status: 204,
  errors: ['not_found'],
});

/* ---------- agents ---------- */

export const agentsList = defineOperation({
  name: 'agents.list',
  summary: 'List agents',
  method: 'GET',
  path: '/api/v1/agents',
  access: 'signed_in',
  scope: 'org:read',
  permission: 'items.read',
  input: z.strictObject({ q: line.max(100).optional(), ...pageInput }),
  output: page(agentView),
  status: 200,
  errors: ['bad_request'],
});
export const agentsCreate = defineOperation({
  name: 'agents.create',
  summary: 'Make an agent with its own key; secrets are shown once',
  method: 'POST',
  path: '/api/v1/agents',
  access: 'signed_in',
  scope: 'org:admin',
  permission: 'agents.manage',
  input: z.strictObject({
    name,
    description: lines.max(500).default(''),
    kind: z.enum(['agent', 'device', 'service']).default('agent'),
    scopes: scopeList.default(['inbox:read', 'inbox:write']),
    role: roleName
      .optional()
      .describe('id or name; default: the system role member, narrowed by scopes and item scope'),
    item_scope: itemScope.default({ kind: 'own' }),
  }),
  output: z.object({ agent: agentView, api_key: z.string(), client_id: z.string(), client_secret: z.string() }),
  status: 201,
  errors: ['escalation_denied', 'name_taken', 'plan_limit_exceeded', 'not_found', 'validation_failed'],
  idempotency: 'header',
});
export const agentsGet = defineOperation({
  name: 'agents.get',
  summary: 'Show an agent',
  method: 'GET',
  path: '/api/v1/agents/{id}',
  access: 'signed_in',
  scope: 'org:read',
  permission: 'items.read',
  input: byId,
  output: agentView,
  status: 200,
  errors: ['not_found'],
});
export const agentsUpdate = defineOperation({
  name: 'agents.update',
  summary: "Change an agent's name, role, scopes or item scope",
  method: 'PATCH',
  path: '/api/v1/agents/{id}',
  access: 'signed_in',
  scope: 'org:admin',
  permission: 'agents.manage',
  input: z.strictObject({
    id,
    name: name.optional(),
    description: lines.max(500).optional(),
    scopes: scopeList.optional(),
    role: roleName.optional(),
    item_scope: itemScope.optional(),
    active: z.boolean().optional(),
  }),
  output: agentView,
  status: 200,
  errors: ['not_found', 'escalation_denied', 'name_taken', 'plan_limit_exceeded', 'validation_failed'],
});
export const agentsDelete = defineOperation({
  name: 'agents.delete',
  summary: 'Delete an agent; its items stay and keep its name',
  method: 'DELETE',
  path: '/api/v1/agents/{id}',
  access: 'signed_in',
  scope: 'org:admin',
  permission: 'agents.manage',
  input: byId,
  output: nothing,
  status: 204,
  errors: ['not_found'],
});
export const agentsRotateKey = defineOperation({
  name: 'agents.rotate_key',
  summary: 'Give an agent a new key and end the old one',
  method: 'POST',
  path: '/api/v1/agents/{id}/rotate-key',
  access: 'signed_in',
  scope: 'org:admin',
  permission: 'agents.manage',
  input: z.strictObject({
    id,
    grace_minutes: z.int().min(0).max(1440).default(0).describe('how long the old key stays good'),
  }),
  output: z.object({ agent: agentView, api_key: z.string() }),
  status: 201,
  errors: ['not_found', 'escalation_denied'],
  idempotency: 'header',
});

export const identityOperations = [
  setupStatus,
  setupComplete,
  authLogin,
  authRegister,
  authLogout,
  authSwitchOrg,
  authTicket,
  authPreviewInvitation,
  authAcceptInvitation,
  meGet,
  meUpdate,
  meChangePassword,
  preferencesGet,
  preferencesUpdate,
  sessionsList,
  sessionsRevoke,
  sessionsRevokeOthers,
  apiKeysList,
  apiKeysCreate,
  apiKeysRevoke,
  orgsCreate,
  orgsGet,
  orgsUpdate,
  orgsDelete,
  orgsUsage,
  peopleList,
  membersList,
  membersChangeRole,
  membersDeactivate,
  membersReactivate,
  membersRemove,
  rolesList,
  rolesCreate,
  rolesUpdate,
  rolesDelete,
  teamsList,
  teamsCreate,
  teamsUpdate,
  teamsDelete,
  teamsListMembers,
  teamsAddMember,
  teamsRemoveMember,
  invitationsList,
  invitationsCreate,
  invitationsRevoke,
  agentsList,
  agentsCreate,
  agentsGet,
  agentsUpdate,
  agentsDelete,
  agentsRotateKey,
] as const;
