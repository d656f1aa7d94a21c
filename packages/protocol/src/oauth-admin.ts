import { z } from 'zod';
import { actor, byId, defineOperation, id, noInput, nothing, page, pageInput, time } from './operation.ts';
import { operatorReads, operatorWrites } from './operator-rights.ts';
import { contractScopeTitle, type Scope, scopes } from './scopes.ts';

/* ---------- shapes ---------- */

// PostgreSQL cannot store U+0000, and these texts end up in headers and pages.
const line = z.string().regex(/^[^\p{Cc}]*$/u, 'must not contain control characters');
const name = line.trim().min(1).max(100);
const q = line.trim().max(200).optional().describe('part of a name or id');
const clientIdText = line.min(1).max(500);
/** What a write must carry: the version that was read. Another one answers 409 with the current version. */
const version = z
  .int()
  .min(1)
  .describe('the version that was read; 409 `generation_conflict` when it changed meanwhile');
const noFragment = (uri: string): boolean => !uri.includes('#');
const isHttps = (uri: string): boolean => URL.canParse(uri) && new URL(uri).protocol === 'https:';
const loopbackHosts = new Set(['localhost', '127.0.0.1', '[::1]']);
const isLoopback = (uri: string): boolean =>
  URL.canParse(uri) && new URL(uri).protocol === 'http:' && loopbackHosts.has(new URL(uri).hostname);
/** Custom schemes in reverse-domain form (RFC 8252 section 7.1) have a dot and belong to one application. */
const isAppScheme = (uri: string): boolean => /^[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+:/i.test(uri);

const webUri = z.url().max(2000).refine(isHttps, 'must be an https URL');
const redirectUri = line
  .min(1)
  .max(2000)
  .refine(
    (uri) => isHttps(uri) || isLoopback(uri) || isAppScheme(uri),
    'must be https, http on a loopback address, or an application scheme such as com.example.app:/done',
  )
  .refine(noFragment, 'must not have a fragment');
const logoutUri = line
  .min(1)
  .max(2000)
  .refine((uri) => isHttps(uri) || isLoopback(uri), 'must be an https URL, or http on a loopback address')
  .refine(noFragment, 'must not have a fragment');
const audience = z
  .url()
  .max(500)
  .refine((uri) => isHttps(uri) || isLoopback(uri), 'must be an https URL, or http on a loopback address')
  .refine((uri) => noFragment(uri) && !uri.includes('?'), 'must have neither query nor fragment')
  .describe('never rewritten: a trailing slash makes another audience');

/** Scopes of OpenID Connect beside those of operations. */
export const identityScopes = {
  openid: 'Know who you are by an id',
  profile: 'See your name and language',
  email: 'See your e-mail address',
  org: 'See your organisation and role',
  offline_access: 'Stay connected while you are away',
} as const;
/** What an operator may allow a client itself, beside what tokens carry: to introspect tokens of others (RFC 7662). */
export const clientRights = { 'token:introspect': 'Ask about every token' } as const;
/** Of OpenID Connect, of an operation, of a resource that is registered here, or a right of the client itself. */
const clientScope = z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,100}$/, 'must be a scope name');

export const clientAuthMethods = [
  'client_secret_basic',
  'client_secret_post',
  'client_secret_jwt',
  'private_key_jwt',
  'tls_client_auth',
  'self_signed_tls_client_auth',
  'none',
] as const;
export const clientGrantTypes = [
  'authorization_code',
  'refresh_token',
  'client_credentials',
  'urn:ietf:params:oauth:grant-type:device_code',
  'urn:ietf:params:oauth:grant-type:token-exchange',
  'urn:ietf:params:oauth:grant-type:jwt-bearer',
  'urn:atrium:params:oauth:grant-type:approval',
  'urn:openid:params:grant-type:ciba',
] as const;
const jwks = z.strictObject({
  keys: z
    .array(
      z
        .looseObject({ kty: z.enum(['EC', 'RSA', 'OKP']) })
        .refine((key) => !['d', 'p', 'q', 'k'].some((member) => member in key), 'must be a public key'),
    )
    .min(1)
    .max(10),
});
/** The one name by which a certificate of an authority is known (RFC 8705, section 2.1.2). */
const certificateName = z
  .strictObject({
    kind: z.enum(['subject_dn', 'san_dns', 'san_uri', 'san_ip', 'san_email']),
    value: z.string().min(1).max(500),
  })
  .describe('as RFC 4514 for subject_dn; compared whole, without wildcards');
const party = z.object({ id: z.string(), name: z.string() });
const principal = z.object({
  id: z.string().describe('of a person or agent; the client id when a client acts for itself'),
  type: z.enum(['user', 'agent', 'device', 'service', 'client']),
  name: z.string(),
});
const orgParty = z.object({ id, name: z.string() });

export const clientView = z.object({
  id,
  client_id: z.string(),
  origin: z.enum(['operator', 'registered']).describe('who made it: an operator, or the client itself by RFC 7591'),
  name: z.string(),
  auth_method: z.string(),
  grant_types: z.array(z.string()),
  redirect_uris: z.array(z.string()),
  scopes: z.array(z.string()),
  allowed_resources: z.array(z.string()).describe('empty: every resource that its scopes reach'),
  allowed_actors: z.array(z.string()),
  application_type: z.enum(['web', 'native']),
  client_uri: z.string().nullable(),
  contacts: z.array(z.string()),
  jwks_uri: z.string().nullable(),
  key_ids: z.array(z.string()).describe('of the keys it authenticates with'),
  secret_prefix: z.string().nullable().describe('first characters of the secret; the rest is kept as a hash alone'),
  secret_expires_at: time.nullable(),
  require_state: z.boolean(),
  dpop_required: z.boolean(),
  certificate_required: z.boolean().describe('its tokens are bound to its certificate (RFC 8705)'),
  certificate_name: certificateName.nullable(),
  skip_consent: z.boolean(),
  post_logout_redirect_uris: z.array(z.string()).describe('where a browser may go after a logout'),
  backchannel_logout_uri: z.string().nullable().describe('is called when somebody signs out'),
  frontchannel_logout_uri: z.string().nullable().describe('is framed when somebody signs out, where that is on'),
  org: orgParty.nullable().describe('where it acts when it acts for itself'),
  created_by: actor.nullable(),
  enabled: z.boolean(),
  version: z.int(),
  created_at: time,
  updated_at: time,
  consented_at: time.nullable().describe('when somebody first allowed it something'),
  last_used_at: time.nullable(),
  live_tokens: z.int(),
  live_grants: z.int(),
});
export type ClientView = z.infer<typeof clientView>;

export const clientDocumentView = z.object({
  client_id: z.string().describe('the URL of its metadata document'),
  host: z.string(),
  name: z.string(),
  redirect_uris: z.array(z.string()),
  fetched_at: time,
  fresh_until: time,
  last_used_at: time,
  live_grants: z.int(),
});

export const tokenView = z.object({
  id,
  format: z.enum(['jwt', 'opaque']),
  client: party,
  subject: principal,
  actors: z
    .array(principal)
    .describe('who acts for the subject, the one that holds the token first, as in the `act` claim'),
  org: orgParty.nullable(),
  resource: z.string().nullable(),
  scopes: z.array(z.string()),
  grant_id: id.nullable(),
  created_at: time,
  expires_at: time,
  revoked_at: time.nullable(),
  state: z.enum(['active', 'expired', 'revoked']),
});
export type TokenView = z.infer<typeof tokenView>;

export const grantView = z.object({
  id,
  client: party.extend({ origin: z.enum(['operator', 'registered', 'document', 'gone']) }),
  subject: principal,
  actor: principal.nullable().describe('the agent through which the client acts for the subject'),
  org: orgParty,
  scopes: z.array(z.string()),
  resources: z.array(z.string()),
  created_at: time,
  last_used_at: time,
  expires_at: time,
  revoked_at: time.nullable(),
  live_tokens: z.int(),
});
export type GrantView = z.infer<typeof grantView>;

export const deviceCodeView = z.object({
  id: z.string().describe('hash of the device code'),
  user_code_hint: z.string().nullable().describe('masked: first and last characters'),
  client: party,
  scopes: z.array(z.string()),
  state: z.enum(['pending', 'claimed', 'used', 'expired']),
  claimed_by: party.nullable(),
  created_at: time,
  expires_at: time,
});

export const approvalRequestView = z.object({
  id,
  kind: z.enum(['transaction', 'ciba']).describe('one transaction, or signing the person in apart from the client'),
  person: party.describe('who is asked'),
  client: party,
  org: orgParty,
  title: z.string().nullable().describe('of the transaction, in the words of the client'),
  scopes: z.array(z.string()),
  resources: z.array(z.string()),
  state: z.enum(['pending', 'approved', 'denied', 'expired', 'withdrawn']),
  created_at: time,
  expires_at: time,
  decided_at: time.nullable().describe('when it was decided or taken back'),
});
export type ApprovalRequestView = z.infer<typeof approvalRequestView>;

export const signingKeyView = z.object({
  kid: z.string(),
  alg: z.string(),
  state: z.enum(['next', 'active', 'grace', 'retired']),
  public_jwk: z.record(z.string(), z.unknown()),
  created_at: time,
  not_before: time,
  activated_at: time.nullable(),
  retire_at: time.nullable(),
  live_tokens: z.int().nullable().describe('tokens of that time that are still good; null before it was active'),
});
export type SigningKeyView = z.infer<typeof signingKeyView>;

export const resourceView = z.object({
  id,
  audience: z.string(),
  name: z.string(),
  scopes: z.array(z.string()),
  format: z.enum(['jwt', 'opaque']),
  ttl_s: z.int(),
  alg: z.string().nullable(),
  client_id: z.string().nullable().describe('the client that may introspect tokens of this audience'),
  enabled: z.boolean(),
  version: z.int(),
  created_at: time,
  updated_at: time,
});
export type ResourceView = z.infer<typeof resourceView>;

export const trustedIssuerView = z.object({
  id,
  issuer: z.string(),
  name: z.string(),
  jwks_uri: z.string(),
  algs: z.array(z.string()),
  subject_mapping: z.enum(['sub', 'email']),
  email_domains: z.array(z.string()),
  jit: z.boolean(),
  org: orgParty,
  scopes: z.array(z.string()),
  max_age_s: z.int(),
  known_subjects: z.int(),
  enabled: z.boolean(),
  version: z.int(),
  created_at: time,
  updated_at: time,
});
export type TrustedIssuerView = z.infer<typeof trustedIssuerView>;

export const deniedRangeView = z.object({
  id,
  range: z.string().describe('CIDR'),
  reason: z.string(),
  created_by: actor.nullable(),
  created_at: time,
  expires_at: time.nullable(),
  live: z.boolean().describe('false once it expired'),
});

export const registrationTokenView = z.object({
  id,
  note: z.string(),
  created_by: actor.nullable(),
  created_at: time,
  expires_at: time,
  used_at: time.nullable(),
});

/* ---------- clients ---------- */

const clientSettings = {
  grant_types: z.array(z.enum(clientGrantTypes)).min(1).max(clientGrantTypes.length),
  redirect_uris: z.array(redirectUri).max(50),
  scopes: z.array(clientScope).max(50),
  allowed_resources: z.array(audience).max(50),
  allowed_actors: z.array(clientIdText).max(50),
  application_type: z.enum(['web', 'native']),
  client_uri: webUri.nullable(),
  contacts: z.array(z.email().max(254)).max(10),
  jwks: jwks.nullable(),
  jwks_uri: webUri.nullable(),
  require_state: z.boolean(),
  dpop_required: z.boolean(),
  certificate_required: z.boolean().describe('binds its tokens to its certificate (RFC 8705)'),
  certificate_name: certificateName.nullable().describe('for tls_client_auth'),
  skip_consent: z.boolean().describe('only for software of your own: its people are not asked'),
  post_logout_redirect_uris: z.array(redirectUri).max(50),
  backchannel_logout_uri: logoutUri.nullable(),
  frontchannel_logout_uri: logoutUri.nullable().describe('at the scheme, host and port of an address to return to'),
};

export const clientsList = defineOperation({
  ...operatorReads,
  name: 'clients.list',
  summary: 'List the clients of the authorization server, newest first',
  description: 'Lists OAuth clients with their settings, use and counts of live tokens. Never shows a secret.',
  method: 'GET',
  path: '/api/v1/admin/oauth/clients',
  input: z.strictObject({
    q,
    origin: z.enum(['operator', 'registered']).optional(),
    enabled: z.boolean().optional(),
    ...pageInput,
  }),
  output: page(clientView),
  status: 200,
  errors: ['bad_request', 'operator_required'],
  mcp: { tool: 'list_clients', title: 'List OAuth clients', read_only: true },
});
export const clientsGet = defineOperation({
  ...operatorReads,
  name: 'clients.get',
  summary: 'Show a client',
  method: 'GET',
  path: '/api/v1/admin/oauth/clients/{id}',
  input: byId,
  output: clientView,
  status: 200,
  errors: ['not_found', 'operator_required'],
});
export const clientsCreate = defineOperation({
  ...operatorWrites,
  name: 'clients.create',
  summary: 'Register a client; its secret is shown once',
  method: 'POST',
  path: '/api/v1/admin/oauth/clients',
  input: z.strictObject({
    name,
    auth_method: z.enum(clientAuthMethods).default('client_secret_basic'),
    grant_types: clientSettings.grant_types.default(['authorization_code', 'refresh_token']),
    redirect_uris: clientSettings.redirect_uris.default([]),
    scopes: clientSettings.scopes.default(['openid']),
    allowed_resources: clientSettings.allowed_resources.default([]),
    allowed_actors: clientSettings.allowed_actors.default([]),
    application_type: clientSettings.application_type.optional().describe('native when every redirect is loopback'),
    client_uri: clientSettings.client_uri.default(null),
    contacts: clientSettings.contacts.default([]),
    jwks: clientSettings.jwks.default(null),
    jwks_uri: clientSettings.jwks_uri.default(null),
    require_state: clientSettings.require_state.default(false),
    dpop_required: clientSettings.dpop_required.default(false),
    certificate_required: clientSettings.certificate_required.default(false),
    certificate_name: clientSettings.certificate_name.default(null),
    skip_consent: clientSettings.skip_consent.default(false),
    post_logout_redirect_uris: clientSettings.post_logout_redirect_uris.optional(),
    backchannel_logout_uri: clientSettings.backchannel_logout_uri.optional(),
    frontchannel_logout_uri: clientSettings.frontchannel_logout_uri.optional(),
    org_id: id.optional().describe('where it acts when it acts for itself; default: your current organisation'),
  }),
  output: z.object({
    client: clientView,
    client_secret: z.string().nullable().describe('shown once; null when it authenticates without one'),
  }),
  status: 201,
  errors: ['validation_failed', 'not_found', 'operator_required'],
  idempotency: 'header',
});
export const clientsRegister = defineOperation({
  ...operatorWrites,
  name: 'clients.register',
  summary: 'Register a client and get a link under which its secret is shown once',
  description:
    'Registers an OAuth client. The answer never holds the secret: open reveal_url in the browser where you are signed in; it works once, for you alone, within 15 minutes.',
  method: 'POST',
  path: '/api/v1/admin/oauth/clients/register',
  input: z.strictObject({
    client_name: name,
    redirect_uris: clientSettings.redirect_uris,
    grant_types: clientSettings.grant_types,
    scope: line.max(1000).default('openid').describe('names with spaces between'),
  }),
  output: z.object({
    client: clientView,
    reveal_url: z.string().describe('shows the secret once, to you alone'),
    reveal_expires_at: time,
  }),
  status: 201,
  errors: ['validation_failed', 'operator_required'],
  idempotency: 'header',
  mcp: { tool: 'register_client', title: 'Register an OAuth client' },
});
export const clientsUpdate = defineOperation({
  ...operatorWrites,
  name: 'clients.update',
  summary: 'Change a client',
  method: 'PATCH',
  path: '/api/v1/admin/oauth/clients/{id}',
  input: z.strictObject({
    id,
    version,
    name: name.optional(),
    ...(Object.fromEntries(
      Object.entries(clientSettings).map(([member, schema]) => [member, schema.optional()]),
    ) as unknown as { [K in keyof typeof clientSettings]: z.ZodOptional<(typeof clientSettings)[K]> }),
  }),
  output: clientView,
  status: 200,
  errors: ['not_found', 'validation_failed', 'generation_conflict', 'operator_required'],
});
const switchClient = {
  input: byId,
  output: clientView,
  status: 200,
  errors: ['not_found', 'operator_required'],
} as const;
export const clientsEnable = defineOperation({
  ...operatorWrites,
  ...switchClient,
  name: 'clients.enable',
  summary: 'Let a client ask for tokens again; revoked ones stay revoked',
  method: 'POST',
  path: '/api/v1/admin/oauth/clients/{id}/enable',
});
export const clientsDisable = defineOperation({
  ...operatorWrites,
  ...switchClient,
  name: 'clients.disable',
  summary: 'Refuse a client and end its tokens at once',
  method: 'POST',
  path: '/api/v1/admin/oauth/clients/{id}/disable',
});
export const clientsRotateSecret = defineOperation({
  ...operatorWrites,
  name: 'clients.rotate_secret',
  summary: 'Give a client a new secret, shown once; the former one ends',
  method: 'POST',
  path: '/api/v1/admin/oauth/clients/{id}/rotate-secret',
  input: byId,
  output: z.object({ client: clientView, client_secret: z.string() }),
  status: 200,
  errors: ['not_found', 'validation_failed', 'operator_required'],
});
export const clientsDelete = defineOperation({
  ...operatorWrites,
  name: 'clients.delete',
  summary: 'Delete a client with its tokens and grants',
  description:
    'Deletes an OAuth client by the id that list_clients gives. Its tokens and grants end at once; this cannot be undone.',
  method: 'DELETE',
  path: '/api/v1/admin/oauth/clients/{id}',
  input: byId,
  output: nothing,
  status: 204,
  errors: ['not_found', 'operator_required'],
  mcp: { tool: 'delete_client', title: 'Delete an OAuth client', destructive: true },
});
export const secretRevealsOpen = defineOperation({
  ...operatorWrites,
  name: 'secret_reveals.open',
  summary: 'Show the secret behind a reveal link, once',
  method: 'POST',
  path: '/api/v1/admin/oauth/secret-reveals/open',
  input: z.strictObject({ token: z.string().min(1).max(200) }),
  output: z.object({ client: party, client_secret: z.string() }),
  status: 200,
  errors: ['not_found', 'operator_required'],
});
export const clientDocumentsList = defineOperation({
  ...operatorReads,
  name: 'client_documents.list',
  summary: 'List clients that are known by a metadata document, last used first',
  method: 'GET',
  path: '/api/v1/admin/oauth/client-documents',
  input: z.strictObject({ q, limit: pageInput.limit, cursor: pageInput.cursor }),
  output: page(clientDocumentView),
  status: 200,
  errors: ['bad_request', 'operator_required'],
});

/* ---------- tokens and grants ---------- */

export const tokensList = defineOperation({
  ...operatorReads,
  name: 'tokens.list',
  summary: 'List issued access tokens, newest first',
  description: 'Lists access tokens by id, with client, subject, scopes and state. The token itself is stored nowhere.',
  method: 'GET',
  path: '/api/v1/admin/oauth/tokens',
  input: z.strictObject({
    q: q.describe('part of the name or id of a client or subject'),
    client_id: clientIdText.optional(),
    subject: line.max(500).optional(),
    grant_id: id.optional(),
    state: z.enum(['active', 'expired', 'revoked']).optional(),
    ...pageInput,
  }),
  output: page(tokenView),
  status: 200,
  errors: ['bad_request', 'operator_required'],
  mcp: { tool: 'list_tokens', title: 'List access tokens', read_only: true },
});
export const tokensGet = defineOperation({
  ...operatorReads,
  name: 'tokens.get',
  summary: 'Show what an issued token is good for',
  description:
    'Tells whether an access token is active, by the id from list_tokens. Takes no token text and no secret.',
  method: 'GET',
  path: '/api/v1/admin/oauth/tokens/{id}',
  input: byId,
  output: tokenView,
  status: 200,
  errors: ['not_found', 'operator_required'],
  mcp: { tool: 'introspect_token', title: 'Introspect an access token', read_only: true },
});
export const tokensRevoke = defineOperation({
  ...operatorWrites,
  name: 'tokens.revoke',
  summary: 'End one access token at once',
  description: 'Revokes an access token by the id from list_tokens. Takes no token text and no secret.',
  method: 'POST',
  path: '/api/v1/admin/oauth/tokens/{id}/revoke',
  input: byId,
  output: tokenView,
  status: 200,
  errors: ['not_found', 'operator_required'],
  mcp: { tool: 'revoke_token', title: 'Revoke an access token', destructive: true, idempotent: true },
});
const ended = z.object({ tokens: z.int(), grants: z.int() });
export const tokensRevokeByUser = defineOperation({
  ...operatorWrites,
  name: 'tokens.revoke_by_user',
  summary: 'End every token and grant of a person or agent',
  method: 'POST',
  path: '/api/v1/admin/oauth/tokens/revoke-by-user',
  input: z.strictObject({ user_id: id }),
  output: ended,
  status: 200,
  errors: ['operator_required'],
});
export const tokensRevokeByClient = defineOperation({
  ...operatorWrites,
  name: 'tokens.revoke_by_client',
  summary: 'End every token and grant of a client',
  method: 'POST',
  path: '/api/v1/admin/oauth/tokens/revoke-by-client',
  input: z.strictObject({ client_id: clientIdText }),
  output: ended,
  status: 200,
  errors: ['operator_required'],
});
export const grantsList = defineOperation({
  ...operatorReads,
  name: 'grants.list',
  summary: 'List what people allowed clients, newest first',
  method: 'GET',
  path: '/api/v1/admin/oauth/grants',
  input: z.strictObject({
    q: q.describe('part of the name of a client, person or agent, or of a client id'),
    client_id: clientIdText.optional(),
    subject: id.optional(),
    state: z.enum(['active', 'ended']).default('active'),
    ...pageInput,
  }),
  output: page(grantView),
  status: 200,
  errors: ['bad_request', 'operator_required'],
  mcp: { tool: 'list_grants', title: 'List grants', read_only: true },
});
export const grantsRevoke = defineOperation({
  ...operatorWrites,
  name: 'grants.revoke',
  summary: 'End a grant with every code and token born from it',
  method: 'POST',
  path: '/api/v1/admin/oauth/grants/{id}/revoke',
  input: byId,
  output: grantView,
  status: 200,
  errors: ['not_found', 'operator_required'],
  mcp: { tool: 'revoke_grant', title: 'Revoke a grant', destructive: true, idempotent: true },
});
/* ---------- device codes, requests for approval, keys ---------- */

export const deviceCodesList = defineOperation({
  ...operatorReads,
  name: 'device_codes.list',
  summary: 'List device codes that wait for a person, newest first',
  method: 'GET',
  path: '/api/v1/admin/oauth/device-codes',
  input: z.strictObject({ ...pageInput, cursor: z.string().max(500).optional() }),
  output: page(deviceCodeView),
  status: 200,
  errors: ['bad_request', 'operator_required'],
});
export const deviceCodesExpire = defineOperation({
  ...operatorWrites,
  name: 'device_codes.expire',
  summary: 'End a device code before its time',
  method: 'POST',
  path: '/api/v1/admin/oauth/device-codes/{id}/expire',
  input: z.strictObject({ id: line.min(1).max(200) }),
  output: nothing,
  status: 204,
  errors: ['not_found', 'operator_required'],
});
export const approvalRequestsList = defineOperation({
  ...operatorReads,
  name: 'approval_requests.list',
  summary: 'List what clients asked people to approve, newest first',
  description:
    'Lists requests for approval and CIBA sign-ins with who is asked, by which client and how they stand. Each is kept for an hour after its end.',
  method: 'GET',
  path: '/api/v1/admin/oauth/approval-requests',
  input: z.strictObject({
    q: q.describe('part of the name of a person or registered client, or of a client id'),
    state: approvalRequestView.shape.state.optional(),
    ...pageInput,
  }),
  output: page(approvalRequestView),
  status: 200,
  errors: ['bad_request', 'operator_required'],
  mcp: { tool: 'list_approval_requests', title: 'List requests for approval', read_only: true },
});
export const approvalRequestsCancel = defineOperation({
  ...operatorWrites,
  name: 'approval_requests.cancel',
  summary: 'End a request for approval that waits for a person; its client gets no token',
  description:
    'Cancels a pending request by the id from list_approval_requests. It leaves the inbox of the person, and the client that polls is refused.',
  method: 'POST',
  path: '/api/v1/admin/oauth/approval-requests/{id}/cancel',
  input: byId,
  output: approvalRequestView,
  status: 200,
  errors: ['not_found', 'oauth_approval_closed', 'operator_required'],
  mcp: { tool: 'cancel_approval_request', title: 'Cancel a request for approval', destructive: true, idempotent: true },
});
export const signingKeysList = defineOperation({
  ...operatorReads,
  name: 'signing_keys.list',
  summary: 'List the signing keys with their states',
  method: 'GET',
  path: '/api/v1/admin/oauth/keys',
  input: noInput,
  output: z.object({ items: z.array(signingKeyView), grace_s: z.int(), rotate_every_s: z.int() }),
  status: 200,
  errors: ['operator_required'],
});
export const signingKeysRotate = defineOperation({
  ...operatorWrites,
  name: 'signing_keys.rotate',
  summary: 'Sign with the next key from now on; the former one stays published through its grace',
  description:
    'Rotates the signing key: the next key becomes active, tokens of the former one stay good until they expire.',
  method: 'POST',
  path: '/api/v1/admin/oauth/keys/rotate',
  input: noInput,
  output: z.object({ items: z.array(signingKeyView), grace_s: z.int(), rotate_every_s: z.int() }),
  status: 200,
  errors: ['operator_required'],
  mcp: { tool: 'rotate_key', title: 'Rotate the signing key' },
});
export const signingKeysRetire = defineOperation({
  ...operatorWrites,
  name: 'signing_keys.retire',
  summary: 'Take a key in grace out of the published set before its time',
  method: 'POST',
  path: '/api/v1/admin/oauth/keys/{kid}/retire',
  input: z.strictObject({
    kid: line.min(1).max(200),
    force: z.boolean().default(false).describe('also when tokens it signed are still good: they end'),
  }),
  output: z.object({ items: z.array(signingKeyView), grace_s: z.int(), rotate_every_s: z.int() }),
  status: 200,
  errors: ['not_found', 'oauth_key_in_use', 'operator_required'],
});

/* ---------- resources, trusted issuers ---------- */

const signingAlg = z.enum(['ES256', 'EdDSA', 'RS256']);
const resourceSettings = {
  name,
  scopes: z.array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,100}$/, 'must be a scope name')).max(100),
  format: z.enum(['jwt', 'opaque']),
  ttl_s: z.int().min(30).max(86_400),
  alg: signingAlg.nullable().describe('null: the one of the server'),
  client_id: clientIdText.nullable(),
  enabled: z.boolean(),
};
export const resourcesList = defineOperation({
  ...operatorReads,
  name: 'resources.list',
  summary: 'List the protected audiences, newest first',
  method: 'GET',
  path: '/api/v1/admin/oauth/resources',
  input: z.strictObject({ q, ...pageInput }),
  output: page(resourceView).extend({ built_in: z.array(z.object({ audience: z.string(), name: z.string() })) }),
  status: 200,
  errors: ['bad_request', 'operator_required'],
});
export const resourcesCreate = defineOperation({
  ...operatorWrites,
  name: 'resources.create',
  summary: 'Register a protected audience',
  method: 'POST',
  path: '/api/v1/admin/oauth/resources',
  input: z.strictObject({
    audience,
    name: resourceSettings.name,
    scopes: resourceSettings.scopes.default([]),
    format: resourceSettings.format.default('jwt'),
    ttl_s: resourceSettings.ttl_s.default(3600),
    alg: resourceSettings.alg.default(null),
    client_id: resourceSettings.client_id.default(null),
  }),
  output: resourceView,
  status: 201,
  errors: ['validation_failed', 'name_taken', 'operator_required'],
  idempotency: 'header',
});
const changes = <Shape extends Record<string, z.ZodType>>(shape: Shape) =>
  Object.fromEntries(Object.entries(shape).map(([member, schema]) => [member, schema.optional()])) as unknown as {
    [K in keyof Shape]: z.ZodOptional<Shape[K]>;
  };
export const resourcesUpdate = defineOperation({
  ...operatorWrites,
  name: 'resources.update',
  summary: 'Change a protected audience',
  method: 'PATCH',
  path: '/api/v1/admin/oauth/resources/{id}',
  input: z.strictObject({ id, version, ...changes(resourceSettings) }),
  output: resourceView,
  status: 200,
  errors: ['not_found', 'generation_conflict', 'operator_required'],
});
export const resourcesDelete = defineOperation({
  ...operatorWrites,
  name: 'resources.delete',
  summary: 'Delete a protected audience; no token for it is issued any more',
  method: 'DELETE',
  path: '/api/v1/admin/oauth/resources/{id}',
  input: byId,
  output: nothing,
  status: 204,
  errors: ['not_found', 'operator_required'],
});

const issuerSettings = {
  name,
  jwks_uri: webUri,
  algs: z
    .array(z.enum(['ES256', 'ES384', 'ES512', 'EdDSA', 'RS256', 'PS256']))
    .min(1)
    .max(6),
  subject_mapping: z.enum(['sub', 'email']),
  email_domains: z
    .array(z.string().regex(/^(?=.{1,253}$)[a-z0-9-]+(\.[a-z0-9-]+)+$/, 'must be a domain name in lower case'))
    .max(50)
    .describe('domains whose addresses it may vouch for'),
  jit: z.boolean().describe('make an account for a subject that is seen for the first time'),
  scopes: z.array(clientScope).max(50),
  max_age_s: z.int().min(30).max(3600).describe('the oldest assertion that is taken'),
  enabled: z.boolean(),
};
export const trustedIssuersList = defineOperation({
  ...operatorReads,
  name: 'trusted_issuers.list',
  summary: 'List issuers whose assertions are taken for tokens, newest first',
  method: 'GET',
  path: '/api/v1/admin/oauth/trusted-issuers',
  input: z.strictObject({ q, ...pageInput }),
  output: page(trustedIssuerView),
  status: 200,
  errors: ['bad_request', 'operator_required'],
});
export const trustedIssuersCreate = defineOperation({
  ...operatorWrites,
  name: 'trusted_issuers.create',
  summary: 'Trust an issuer elsewhere',
  method: 'POST',
  path: '/api/v1/admin/oauth/trusted-issuers',
  input: z.strictObject({
    issuer: webUri.refine((uri) => noFragment(uri) && !uri.includes('?'), 'must have neither query nor fragment'),
    name: issuerSettings.name,
    jwks_uri: issuerSettings.jwks_uri,
    algs: issuerSettings.algs.default(['ES256', 'EdDSA']),
    subject_mapping: issuerSettings.subject_mapping.default('sub'),
    email_domains: issuerSettings.email_domains.default([]),
    jit: issuerSettings.jit.default(false),
    org_id: id.optional().describe('where its subjects act; default: your current organisation'),
    scopes: issuerSettings.scopes.default([]),
    max_age_s: issuerSettings.max_age_s.default(300),
  }),
  output: trustedIssuerView,
  status: 201,
  errors: ['validation_failed', 'name_taken', 'not_found', 'operator_required'],
  idempotency: 'header',
});
export const trustedIssuersUpdate = defineOperation({
  ...operatorWrites,
  name: 'trusted_issuers.update',
  summary: 'Change a trusted issuer',
  method: 'PATCH',
  path: '/api/v1/admin/oauth/trusted-issuers/{id}',
  input: z.strictObject({ id, version, ...changes(issuerSettings) }),
  output: trustedIssuerView,
  status: 200,
  errors: ['not_found', 'validation_failed', 'generation_conflict', 'operator_required'],
});
export const trustedIssuersDelete = defineOperation({
  ...operatorWrites,
  name: 'trusted_issuers.delete',
  summary: 'Trust an issuer no longer',
  method: 'DELETE',
  path: '/api/v1/admin/oauth/trusted-issuers/{id}',
  input: byId,
  output: nothing,
  status: 204,
  errors: ['not_found', 'operator_required'],
});

/* ---------- denied addresses, registration tokens ---------- */

export const denylistList = defineOperation({
  ...operatorReads,
  name: 'denylist.list',
  summary: 'List address ranges that get no answer, newest first',
  method: 'GET',
  path: '/api/v1/admin/ip-denylist',
  input: z.strictObject({ q, ...pageInput }),
  output: page(deniedRangeView).extend({ your_address: z.string().nullable() }),
  status: 200,
  errors: ['bad_request', 'operator_required'],
});
export const denylistAdd = defineOperation({
  ...operatorWrites,
  name: 'denylist.add',
  summary: 'Refuse an address range on every replica at once',
  method: 'POST',
  path: '/api/v1/admin/ip-denylist',
  input: z.strictObject({
    range: z.union([z.cidrv4(), z.cidrv6(), z.ipv4(), z.ipv6()]).describe('an address or a range in CIDR form'),
    reason: line.trim().max(500).default(''),
    expires_in_hours: z.int().min(1).max(8760).nullable().default(null).describe('null: until it is taken off'),
  }),
  output: deniedRangeView,
  status: 201,
  errors: ['validation_failed', 'name_taken', 'operator_required'],
  idempotency: 'header',
});
export const denylistRemove = defineOperation({
  ...operatorWrites,
  name: 'denylist.remove',
  summary: 'Answer an address range again',
  method: 'DELETE',
  path: '/api/v1/admin/ip-denylist/{id}',
  input: byId,
  output: nothing,
  status: 204,
  errors: ['not_found', 'operator_required'],
});
export const registrationTokensList = defineOperation({
  ...operatorReads,
  name: 'registration_tokens.list',
  summary: 'List tokens with which clients may register themselves, newest first',
  method: 'GET',
  path: '/api/v1/admin/oauth/registration-tokens',
  input: z.strictObject(pageInput),
  output: page(registrationTokenView),
  status: 200,
  errors: ['bad_request', 'operator_required'],
});
export const registrationTokensCreate = defineOperation({
  ...operatorWrites,
  name: 'registration_tokens.create',
  summary: 'Make a token with which a client registers itself; shown once',
  method: 'POST',
  path: '/api/v1/admin/oauth/registration-tokens',
  input: z.strictObject({
    note: line.trim().max(200).default(''),
    expires_in_hours: z.int().min(1).max(8760).default(24),
  }),
  output: z.object({ registration_token: registrationTokenView, token: z.string() }),
  status: 201,
  errors: ['operator_required'],
  idempotency: 'header',
});
export const registrationTokensRevoke = defineOperation({
  ...operatorWrites,
  name: 'registration_tokens.revoke',
  summary: 'End a registration token',
  method: 'DELETE',
  path: '/api/v1/admin/oauth/registration-tokens/{id}',
  input: byId,
  output: nothing,
  status: 204,
  errors: ['not_found', 'operator_required'],
});

/** What a scope means, for consent, lists and connected applications. */
export const scopeTitle = (scope: string): { title: string; privileged: boolean } => {
  if (scope in clientRights) return { title: clientRights[scope as keyof typeof clientRights], privileged: true };
  if (scope in identityScopes)
    return { title: identityScopes[scope as keyof typeof identityScopes], privileged: false };
  return scope in scopes ? scopes[scope as Scope] : { title: contractScopeTitle(scope) ?? scope, privileged: false };
};

export const oauthAdminOperations = [
  clientsList,
  clientsGet,
  clientsCreate,
  clientsRegister,
  clientsUpdate,
  clientsEnable,
  clientsDisable,
  clientsRotateSecret,
  clientsDelete,
  secretRevealsOpen,
  clientDocumentsList,
  tokensList,
  tokensGet,
  tokensRevoke,
  tokensRevokeByUser,
  tokensRevokeByClient,
  grantsList,
  grantsRevoke,
  deviceCodesList,
  deviceCodesExpire,
  approvalRequestsList,
  approvalRequestsCancel,
  signingKeysList,
  signingKeysRotate,
  signingKeysRetire,
  resourcesList,
  resourcesCreate,
  resourcesUpdate,
  resourcesDelete,
  trustedIssuersList,
  trustedIssuersCreate,
  trustedIssuersUpdate,
  trustedIssuersDelete,
  denylistList,
  denylistAdd,
  denylistRemove,
  registrationTokensList,
  registrationTokensCreate,
  registrationTokensRevoke,
] as const;
