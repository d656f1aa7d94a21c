import { z } from 'zod';
import { publicKeyForm, signatureForm } from './agent-keys.ts';
import { signedIn } from './identity.ts';
import { byId, defineOperation, id, noInput, nothing, page, pageInput, time } from './operation.ts';
import { operatorReads, operatorWrites } from './operator-rights.ts';

/* Ways to prove who one is beside the password, and what a person keeps of them. */

const line = z.string().regex(/^[^\p{Cc}]*$/u, 'must not contain control characters');
const email = z.email().max(254).describe('compared case-insensitively');
const password = z.string().min(10).max(1024);
const linkToken = z.string().min(1).max(200);
const code = z.string().min(6).max(40).describe('six digits of the authenticator, or a recovery code');
const factorName = line.trim().min(1).max(100);
/** What the browser's WebAuthn functions give, as JSON. Its members are checked by the verification itself. */
const credentialJson = z.record(z.string(), z.unknown()).describe('the credential as JSON (WebAuthn Level 3)');
const optionsJson = z.record(z.string(), z.unknown()).describe('for navigator.credentials, as JSON (WebAuthn Level 3)');
const ceremony = z.object({ ceremony_id: id, options: optionsJson });
const ceremonyAnswer = { ceremony_id: id, credential: credentialJson };

export const providerPresets = ['github', 'google', 'apple', 'microsoft', 'okta', 'auth0', 'gitlab', 'oidc'] as const;
export type ProviderPreset = (typeof providerPresets)[number];
const providerRef = z.object({ slug: z.string(), name: z.string(), preset: z.enum(providerPresets) });

export const emailView = z.object({
  id,
  address: z.string(),
  verified_at: time.nullable(),
  primary: z.boolean(),
  added_at: time,
});
export const passkeyView = z.object({
  id,
  name: z.string(),
  backed_up: z.boolean().describe('kept by a password manager, so that other devices have it too'),
  created_at: time,
  last_used_at: time.nullable(),
  regressed_at: time.nullable().describe('its counter went backwards, as that of a copy does'),
});
export const loginView = z.object({
  id,
  provider: providerRef,
  label: z.string().describe('name or address at the provider'),
  created_at: time,
  last_used_at: time.nullable(),
});
export const factorsView = z.object({
  has_password: z.boolean(),
  totp_since: time.nullable().describe('null without an authenticator'),
  recovery_codes_left: z.int(),
  passkeys: z.int(),
  remembered_browsers: z.int(),
  session: z.object({
    auth_time: time.nullable(),
    acr: z.enum(['aal1', 'aal2']).nullable(),
    amr: z.array(z.string()),
  }),
});

const anybody = { access: 'public', scope: null, permission: null } as const;
const oneself = { access: 'signed_in', permission: null, principals: ['user'] } as const;
const reads = { ...oneself, scope: 'account:read' } as const;
const writes = { ...oneself, scope: 'account:write' } as const;

/* ---------- signing in ---------- */

export const authMethods = defineOperation({
  name: 'auth.methods',
  summary: 'Tell which ways to sign in this server has',
  method: 'GET',
  path: '/auth/methods',
  ...anybody,
  input: noInput,
  output: z.object({
    password: z.boolean(),
    passkey: z.boolean(),
    magic_link: z.boolean(),
    mail: z.enum(['smtp', 'files']).describe('files: letters stay in the data directory until SMTP is configured'),
    providers: z.array(providerRef),
  }),
  status: 200,
  errors: [],
});
export const authMagicLink = defineOperation({
  name: 'auth.magic_link',
  summary: 'Mail a sign-in link; the answer is the same for unknown addresses',
  method: 'POST',
  path: '/auth/magic-link',
  ...anybody,
  input: z.strictObject({ email }),
  output: nothing,
  status: 204,
  errors: ['rate_limited'],
});
export const authRequestReset = defineOperation({
  name: 'auth.request_password_reset',
  summary: 'Mail a link that sets a new password; the answer is the same for unknown addresses',
  method: 'POST',
  path: '/auth/password-reset',
  ...anybody,
  input: z.strictObject({ email }),
  output: nothing,
  status: 204,
  errors: ['rate_limited'],
});
export const authVerify = defineOperation({
  name: 'auth.verify',
  summary: 'Spend a mailed link: sign in, or confirm an address',
  method: 'POST',
  path: '/auth/verify',
  ...anybody,
  input: z.strictObject({ token: linkToken }),
  output: z.object({
    purpose: z.enum(['magic', 'verify']),
    email: z.string(),
    session: signedIn.nullable().describe('null after confirming an address'),
  }),
  status: 200,
  errors: ['identity_link_dead', 'identity_factor_required', 'rate_limited', 'unauthorized'],
});
export const authResetPassword = defineOperation({
  name: 'auth.reset_password',
  summary: 'Set a new password by a mailed link and end every session',
  method: 'POST',
  path: '/auth/password-reset/complete',
  ...anybody,
  input: z.strictObject({ token: linkToken, new_password: password }),
  output: nothing,
  status: 204,
  errors: ['identity_link_dead', 'validation_failed', 'rate_limited'],
});
export const authTotp = defineOperation({
  name: 'auth.totp',
  summary: 'Answer a sign-in that asks for the second factor',
  method: 'POST',
  path: '/auth/totp',
  ...anybody,
  input: z.strictObject({
    challenge: z.string().min(1).max(200).describe('of the refusal `identity_factor_required`'),
    code,
    remember: z.boolean().default(false).describe('do not ask again in this browser for 30 days'),
  }),
  output: signedIn,
  status: 200,
  errors: ['invalid_credentials', 'identity_challenge_dead', 'rate_limited'],
});
export const authPasskeyOptions = defineOperation({
  name: 'auth.passkey_options',
  summary: 'Begin to sign in with a passkey',
  method: 'POST',
  path: '/auth/passkey/options',
  ...anybody,
  input: noInput,
  output: ceremony,
  status: 200,
  errors: ['rate_limited'],
});
export const authPasskeyVerify = defineOperation({
  name: 'auth.passkey_verify',
  summary: 'Sign in with a passkey',
  method: 'POST',
  path: '/auth/passkey/verify',
  ...anybody,
  input: z.strictObject(ceremonyAnswer),
  output: signedIn,
  status: 200,
  errors: ['invalid_credentials', 'rate_limited'],
});
export const authStepUp = defineOperation({
  name: 'auth.step_up',
  summary: 'Prove again who you are, for what asks for a fresh sign-in',
  method: 'POST',
  path: '/auth/step-up',
  ...writes,
  input: z.strictObject({
    password: z.string().min(1).max(1024).optional(),
    code: code.optional(),
    passkey: z.strictObject(ceremonyAnswer).optional(),
  }),
  output: signedIn,
  status: 200,
  errors: ['invalid_credentials', 'permission_denied', 'rate_limited', 'validation_failed'],
});

/* ---------- factors ---------- */

export const factorsGet = defineOperation({
  name: 'factors.get',
  summary: 'Show how you prove who you are',
  method: 'GET',
  path: '/api/v1/me/factors',
  ...reads,
  input: noInput,
  output: factorsView,
  status: 200,
  errors: [],
});
export const totpEnrol = defineOperation({
  name: 'totp.enrol',
  summary: 'Begin to add an authenticator app; its secret is shown once',
  method: 'POST',
  path: '/api/v1/me/factors/totp',
  ...writes,
  input: noInput,
  output: z.object({ secret: z.string(), url: z.string().describe('otpauth:// for a QR code') }),
  status: 201,
  errors: ['in_use', 'identity_step_up_required', 'permission_denied'],
});
export const totpConfirm = defineOperation({
  name: 'totp.confirm',
  summary: 'Finish adding the authenticator and get ten recovery codes, shown once',
  method: 'POST',
  path: '/api/v1/me/factors/totp/confirm',
  ...writes,
  input: z.strictObject({ code: z.string().min(6).max(10) }),
  output: z.object({ recovery_codes: z.array(z.string()) }),
  status: 200,
  errors: ['not_found', 'invalid_credentials', 'permission_denied', 'rate_limited'],
});
export const totpRemove = defineOperation({
  name: 'totp.remove',
  summary: 'Remove the authenticator and its recovery codes',
  method: 'DELETE',
  path: '/api/v1/me/factors/totp',
  ...writes,
  input: noInput,
  output: nothing,
  status: 204,
  errors: ['not_found', 'identity_step_up_required', 'permission_denied'],
});
export const recoveryCodesRenew = defineOperation({
  name: 'recovery_codes.renew',
  summary: 'Make ten new recovery codes, shown once; the old ones end',
  method: 'POST',
  path: '/api/v1/me/factors/recovery-codes',
  ...writes,
  input: noInput,
  output: z.object({ recovery_codes: z.array(z.string()) }),
  status: 201,
  errors: ['not_found', 'identity_step_up_required', 'permission_denied'],
});
export const rememberedForget = defineOperation({
  name: 'remembered_browsers.forget',
  summary: 'Ask for the second factor again in every browser',
  method: 'DELETE',
  path: '/api/v1/me/factors/remembered-browsers',
  ...writes,
  input: noInput,
  output: z.object({ forgotten: z.int() }),
  status: 200,
  errors: [],
});
export const passkeysList = defineOperation({
  name: 'passkeys.list',
  summary: 'List your passkeys',
  method: 'GET',
  path: '/api/v1/me/passkeys',
  ...reads,
  input: noInput,
  output: z.object({ items: z.array(passkeyView), next_cursor: z.null() }),
  status: 200,
  errors: [],
});
export const passkeysBegin = defineOperation({
  name: 'passkeys.begin',
  summary: 'Begin to add a passkey',
  method: 'POST',
  path: '/api/v1/me/passkeys/options',
  ...writes,
  input: noInput,
  output: ceremony,
  status: 200,
  errors: ['identity_step_up_required', 'permission_denied', 'in_use'],
});
export const passkeysCreate = defineOperation({
  name: 'passkeys.create',
  summary: 'Add the passkey that the browser made',
  method: 'POST',
  path: '/api/v1/me/passkeys',
  ...writes,
  input: z.strictObject({ ...ceremonyAnswer, name: factorName.default('Passkey') }),
  output: passkeyView,
  status: 201,
  errors: ['validation_failed', 'permission_denied', 'name_taken'],
});
export const passkeysRename = defineOperation({
  name: 'passkeys.rename',
  summary: 'Rename a passkey',
  method: 'PATCH',
  path: '/api/v1/me/passkeys/{id}',
  ...writes,
  input: z.strictObject({ id, name: factorName }),
  output: passkeyView,
  status: 200,
  errors: ['not_found'],
});
export const passkeysRemove = defineOperation({
  name: 'passkeys.remove',
  summary: 'Remove a passkey',
  method: 'DELETE',
  path: '/api/v1/me/passkeys/{id}',
  ...writes,
  input: byId,
  output: nothing,
  status: 204,
  errors: ['not_found', 'identity_step_up_required', 'permission_denied', 'in_use'],
});

/* ---------- keys that people sign with ---------- */

const personalKeyView = z.object({
  id,
  public_key: z.string(),
  fingerprint: z.string(),
  label: z.string(),
  created_at: time,
  last_used_at: time.nullable(),
  revoked_at: time.nullable().describe('it signs nothing since; what it signed before stays good'),
});
export type PersonalKeyView = z.infer<typeof personalKeyView>;

export const personalKeysList = defineOperation({
  name: 'personal_keys.list',
  summary: 'List the keys that you sign with, those you revoked among them',
  method: 'GET',
  path: '/api/v1/me/personal-keys',
  ...reads,
  input: noInput,
  output: z.object({ items: z.array(personalKeyView), next_cursor: z.null() }),
  status: 200,
  errors: [],
});
export const personalKeysBegin = defineOperation({
  name: 'personal_keys.begin',
  summary: 'Begin to register a key that your browser made',
  description:
    'The key signs four lines: atrium:personal-key:v1, your id, the public key, `nonce`. The challenge of `options`, for one of your passkeys, is the SHA-256 of the same text. Both are good for five minutes and once.',
  method: 'POST',
  path: '/api/v1/me/personal-keys/options',
  ...writes,
  input: z.strictObject({ public_key: publicKeyForm }),
  output: ceremony.extend({ nonce: z.string() }),
  status: 200,
  errors: [
    'permission_denied',
    'passkey_missing',
    'key_already_registered',
    'fingerprint_collision',
    'in_use',
    'rate_limited',
  ],
});
export const personalKeysCreate = defineOperation({
  name: 'personal_keys.create',
  summary: 'Register the key, with its proof and the approval of your passkey',
  method: 'POST',
  path: '/api/v1/me/personal-keys',
  ...writes,
  input: z.strictObject({ ...ceremonyAnswer, proof: signatureForm, label: factorName }),
  output: personalKeyView,
  status: 201,
  errors: [
    'permission_denied',
    'validation_failed',
    'invalid_signature',
    'key_already_registered',
    'fingerprint_collision',
    'in_use',
  ],
});
export const personalKeysRevoke = defineOperation({
  name: 'personal_keys.revoke',
  summary: 'Revoke a key of yours; what it signed stays good',
  method: 'DELETE',
  path: '/api/v1/me/personal-keys/{id}',
  ...writes,
  input: byId,
  output: nothing,
  status: 204,
  errors: ['not_found', 'permission_denied'],
});

/* ---------- addresses and linked logins ---------- */

export const emailsList = defineOperation({
  name: 'emails.list',
  summary: 'List your e-mail addresses',
  method: 'GET',
  path: '/api/v1/me/emails',
  ...reads,
  input: noInput,
  output: z.object({ items: z.array(emailView), next_cursor: z.null() }),
  status: 200,
  errors: [],
});
export const emailsAdd = defineOperation({
  name: 'emails.add',
  summary: 'Add an e-mail address; a link to confirm it is mailed',
  method: 'POST',
  path: '/api/v1/me/emails',
  ...writes,
  input: z.strictObject({ address: email }),
  output: emailView,
  status: 201,
  errors: ['name_taken', 'in_use', 'identity_step_up_required', 'permission_denied', 'rate_limited'],
});
export const emailsSendLink = defineOperation({
  name: 'emails.send_link',
  summary: 'Mail the link that confirms an address again',
  method: 'POST',
  path: '/api/v1/me/emails/{id}/send-link',
  ...writes,
  input: byId,
  output: nothing,
  status: 204,
  errors: ['not_found', 'rate_limited'],
});
export const emailsMakePrimary = defineOperation({
  name: 'emails.make_primary',
  summary: 'Make a confirmed address the one you are known by',
  method: 'POST',
  path: '/api/v1/me/emails/{id}/primary',
  ...writes,
  input: byId,
  output: emailView,
  status: 200,
  errors: ['not_found', 'identity_email_unverified', 'identity_step_up_required', 'permission_denied'],
});
export const emailsRemove = defineOperation({
  name: 'emails.remove',
  summary: 'Remove an address that is not the primary one',
  method: 'DELETE',
  path: '/api/v1/me/emails/{id}',
  ...writes,
  input: byId,
  output: nothing,
  status: 204,
  errors: ['not_found', 'in_use', 'identity_step_up_required', 'permission_denied'],
});
export const loginsList = defineOperation({
  name: 'logins.list',
  summary: 'List the accounts elsewhere that sign you in here',
  method: 'GET',
  path: '/api/v1/me/logins',
  ...reads,
  input: z.strictObject(pageInput),
  output: page(loginView),
  status: 200,
  errors: ['bad_request'],
});
export const loginsBegin = defineOperation({
  name: 'logins.begin',
  summary: 'Begin to link an account elsewhere; go to the address it answers',
  method: 'POST',
  path: '/api/v1/me/logins',
  ...writes,
  input: z.strictObject({ provider: z.string().min(1).max(40) }),
  output: z.object({ url: z.string() }),
  status: 200,
  errors: ['not_found', 'identity_step_up_required', 'permission_denied', 'identity_provider_failed'],
});
export const loginsRemove = defineOperation({
  name: 'logins.remove',
  summary: 'Unlink an account elsewhere',
  method: 'DELETE',
  path: '/api/v1/me/logins/{id}',
  ...writes,
  input: byId,
  output: nothing,
  status: 204,
  errors: ['not_found', 'in_use', 'identity_step_up_required', 'permission_denied'],
});

/* ---------- the account as a whole ---------- */

export const meExport = defineOperation({
  name: 'me.export',
  summary: 'Get everything this server holds about you, as one JSON file',
  method: 'GET',
  path: '/api/v1/me/export',
  ...reads,
  input: noInput,
  output: z.unknown(),
  status: 200,
  errors: ['identity_step_up_required', 'permission_denied'],
  answer: 'file',
});
export const meDelete = defineOperation({
  name: 'me.delete',
  summary: 'Delete your account and erase what it says about you',
  method: 'DELETE',
  path: '/api/v1/me',
  ...writes,
  input: z.strictObject({ confirm: z.string().max(254).describe('your primary e-mail address') }),
  output: nothing,
  status: 204,
  errors: [
    'last_owner',
    'identity_last_operator',
    'identity_step_up_required',
    'permission_denied',
    'validation_failed',
  ],
});

/* ---------- sign-in providers, for operators ---------- */

const slug = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/, 'lower-case letters, digits and dashes')
  .describe('its name in addresses: /auth/oauth/<slug>');
const text = line.trim().min(1).max(500);
/** What a preset needs; members that it does not know are refused. */
export const providerSettings = z.strictObject({
  issuer: z.url().max(500).optional().describe('okta, auth0, oidc; also a GitLab of your own'),
  tenant: text.optional().describe('microsoft: a directory id, `organizations` or `common`'),
  team_id: text.optional().describe('apple'),
  key_id: text.optional().describe('apple'),
  base_url: z.url().max(500).optional().describe('github: an Enterprise server'),
  api_url: z.url().max(500).optional().describe('github: its API'),
  scopes: z.array(text).max(20).optional(),
});
export const providerView = z.object({
  id,
  slug: z.string(),
  preset: z.enum(providerPresets),
  name: z.string(),
  client_id: z.string(),
  has_secret: z.boolean(),
  settings: providerSettings,
  enabled: z.boolean(),
  may_vouch: z.boolean().describe('whether an address that it calls verified opens the account that has it'),
  callback_url: z.string(),
  generation: z.int(),
  created_at: time,
  updated_at: time,
});
const providerMembers = {
  name: factorName,
  client_id: text,
  client_secret: z.string().min(1).max(10_000).describe('apple: the private key in PEM'),
  settings: providerSettings,
  enabled: z.boolean(),
  may_vouch: z.boolean(),
};
const adminErrors = ['operator_required', 'identity_step_up_required', 'validation_failed'] as const;
export const providersList = defineOperation({
  name: 'providers.list',
  summary: 'List sign-in providers with their settings, for operators',
  method: 'GET',
  path: '/api/v1/admin/identity/providers',
  ...operatorReads,
  input: z.strictObject(pageInput),
  output: page(providerView),
  status: 200,
  errors: ['bad_request', 'operator_required'],
});
export const providersCreate = defineOperation({
  name: 'providers.create',
  summary: 'Add a sign-in provider, for operators; its secret is never shown again',
  method: 'POST',
  path: '/api/v1/admin/identity/providers',
  ...operatorWrites,
  input: z.strictObject({
    slug,
    preset: z.enum(providerPresets),
    ...providerMembers,
    client_secret: providerMembers.client_secret.optional(),
    settings: providerSettings.default({}),
    enabled: z.boolean().default(true),
    may_vouch: z.boolean().default(false),
  }),
  output: providerView,
  status: 201,
  errors: [...adminErrors, 'name_taken'],
  idempotency: 'header',
});
export const providersUpdate = defineOperation({
  name: 'providers.update',
  summary: 'Change a sign-in provider, for operators; members left out stay',
  method: 'PATCH',
  path: '/api/v1/admin/identity/providers/{id}',
  ...operatorWrites,
  input: z.strictObject({
    id,
    generation: z.int().optional().describe('refuse when somebody else changed it since'),
    name: providerMembers.name.optional(),
    client_id: providerMembers.client_id.optional(),
    client_secret: providerMembers.client_secret.optional(),
    settings: providerSettings.optional(),
    enabled: z.boolean().optional(),
    may_vouch: z.boolean().optional(),
  }),
  output: providerView,
  status: 200,
  errors: [...adminErrors, 'not_found', 'generation_conflict'],
});
export const providersDelete = defineOperation({
  name: 'providers.delete',
  summary: 'Remove a sign-in provider with the logins linked to it, for operators',
  method: 'DELETE',
  path: '/api/v1/admin/identity/providers/{id}',
  ...operatorWrites,
  input: byId,
  output: nothing,
  status: 204,
  errors: ['not_found', 'operator_required', 'identity_step_up_required'],
});
export const providersTest = defineOperation({
  name: 'providers.test',
  summary: 'Ask a sign-in provider for its metadata now, for operators',
  method: 'POST',
  path: '/api/v1/admin/identity/providers/{id}/test',
  ...operatorWrites,
  input: byId,
  output: z.object({ ok: z.boolean(), detail: z.string() }),
  status: 200,
  errors: ['not_found', 'operator_required'],
});

export const signInOperations = [
  authMethods,
  authMagicLink,
  authRequestReset,
  authVerify,
  authResetPassword,
  authTotp,
  authPasskeyOptions,
  authPasskeyVerify,
  authStepUp,
  factorsGet,
  totpEnrol,
  totpConfirm,
  totpRemove,
  recoveryCodesRenew,
  rememberedForget,
  passkeysList,
  passkeysBegin,
  passkeysCreate,
  passkeysRename,
  passkeysRemove,
  personalKeysList,
  personalKeysBegin,
  personalKeysCreate,
  personalKeysRevoke,
  emailsList,
  emailsAdd,
  emailsSendLink,
  emailsMakePrimary,
  emailsRemove,
  loginsList,
  loginsBegin,
  loginsRemove,
  meExport,
  meDelete,
  providersList,
  providersCreate,
  providersUpdate,
  providersDelete,
  providersTest,
] as const;
