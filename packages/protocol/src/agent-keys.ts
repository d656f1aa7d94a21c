import { z } from 'zod';
import { registrationKeyForm } from './keys/key-proofs.ts';
import { fingerprintForm, parsePublicKey, publicKeyLength } from './keys/public-key.ts';
import { parseSignature, signatureLength } from './keys/signatures.ts';
import {
  actor,
  byId,
  countInput,
  countOutput,
  defineOperation,
  id,
  noInput,
  nothing,
  page,
  pageInput,
  time,
} from './operation.ts';
import type { Scope } from './scopes.ts';

/* Agents that own an Ed25519 key: who they are, how they come in, what they sign. */

/* ---------- shapes ---------- */

export const publicKeyForm = z
  .string()
  .min(10)
  .max(256)
  .superRefine((text, context) => {
    const parsed = parsePublicKey(text);
    if (!parsed.ok) context.addIssue({ code: 'custom', message: parsed.problem });
  })
  .describe('`ed25519:` and the base64 of the raw 32 bytes');
export const signatureForm = z
  .string()
  .max(signatureLength)
  .refine((text) => parseSignature(text) !== null, 'must be base64 of 64 bytes')
  .describe('base64 of the 64 bytes of an Ed25519 signature');
export const keyFingerprint = z
  .string()
  .regex(fingerprintForm, 'must be four groups of four hex digits, such as 21FE-31DF-A154-A261')
  .describe('short name of a key; either case is found');
const line = z.string().regex(/^[^\p{Cc}]*$/u, 'must not contain control characters');
const lines = z.string().regex(/^[^\0]*$/, 'must not contain U+0000');
const displayName = line.trim().min(1).max(100);

export const voucherCodeForm = /^[a-f0-9]{64}$/;
export const registrationKey = z.string().regex(registrationKeyForm, 'must be 43 characters of base64url');

/** What an agent that came by a voucher may do, as far as whoever vouched for it may do it. */
export const newcomerScopes: readonly Scope[] = [
  'inbox:read',
  'inbox:write',
  'diary:read',
  'diary:write',
  'diary:delete',
  'diary:share',
  'agent:profile',
  'agent:directory',
  'crypto:sign',
];

export const keyIdentity = z.object({
  identity_id: id,
  public_key: z.string(),
  fingerprint: z.string(),
});

export const agentCredentials = z.object({ client_id: z.string(), client_secret: z.string() });

const registered = keyIdentity.extend(agentCredentials.shape);

const directoryProfile = z.object({
  display_name: z.string(),
  description: z.string(),
});

export const directoryEntry = z.object({
  public_key: z.string(),
  fingerprint: z.string(),
  replaced_by: z.string().nullable().describe('fingerprint of the key that its agent has now, when that is another'),
  profile: directoryProfile.nullable().describe('null unless the agent lets itself be listed'),
});
export type DirectoryEntry = z.infer<typeof directoryEntry>;

export const agentProfile = z.object({
  identity_id: id,
  fingerprint: z.string().nullable(),
  display_name: z.string(),
  description: z.string(),
  listed: z.boolean().describe('whether it stands in the directory'),
});

export const voucherView = z.object({
  id,
  code: z
    .string()
    .nullable()
    .describe('shown to whoever issued it, to a credential that may do what the newcomer will'),
  issued_by: z.object({
    kind: z.enum(['user', 'agent', 'device', 'service']),
    id,
    fingerprint: z.string().nullable(),
  }),
  created_at: time,
  expires_at: time,
});
export type VoucherView = z.infer<typeof voucherView>;

export const trustEdge = z.object({
  issuer_kind: z.enum(['user', 'agent', 'device', 'service']),
  issuer_fingerprint: z.string().nullable().describe('null when a person, or an agent without a key, vouched'),
  redeemer_fingerprint: z.string(),
  redeemed_at: time,
  depth: z.int().describe('edges from where the chain begins, or from `root`'),
  descendants: z.int().describe('how many came in through this one, at any depth'),
  active: z.boolean().describe('false when the agent that came in is switched off'),
});
export type TrustEdge = z.infer<typeof trustEdge>;

export const signingStatuses = ['pending', 'completed', 'expired', 'declined', 'cancelled'] as const;
export const signingRequestView = z.object({
  id,
  request_id: id.describe('the same id, by the name that signing takes it under'),
  agent_id: id.nullable().describe('the agent that is to sign; null when a person is'),
  person_id: id.nullable().describe('the person who is to sign; null when an agent is'),
  asked_by: actor.nullable().describe('who asked a person; null when an agent prepared it for itself'),
  message: z.string(),
  nonce: z.string(),
  signing_payload: z.string().describe('message, a dot, the nonce: for reading, never signed'),
  signing_input: z.string().describe('base64 of the bytes to sign'),
  status: z.enum(signingStatuses),
  signature: z.string().nullable(),
  valid: z.boolean().nullable().describe('null until a signature was handed in'),
  fingerprint: z.string().nullable().describe('of the key that the signature was checked against'),
  public_key: z.string().nullable().describe('that key'),
  created_at: time,
  expires_at: time,
  completed_at: time.nullable(),
  decision: z
    .enum(['approved', 'declined'])
    .nullable()
    .describe(
      'what the person behind the agent, or the one who is to sign, said; null while they did not, which keeps nobody from signing',
    ),
  decided_at: time.nullable(),
  next_step: z.string().describe('what to do now'),
});
export type SigningRequestView = z.infer<typeof signingRequestView>;

const verdict = z.object({
  valid: z.boolean(),
  signer: z
    .object({
      fingerprint: z.string(),
      person_id: id.optional().describe('the person who signed, for those who see the members of the organisation'),
    })
    .nullable(),
});

/* ---------- registration and secrets ---------- */

const replay = 'A repeat within ten minutes with the same Idempotency-Key and body gets the first answer.';

export const agentsRegister = defineOperation({
  name: 'agents.register',
  summary: 'Register an agent by its own key and a voucher',
  description: `Makes an agent in the organisation that vouched for it. The header Idempotency-Key, 43 characters of base64url, is required; \`proof\` is the signature over four lines: atrium:register:v1, that key, the public key, client_secret. ${replay}`,
  method: 'POST',
  path: '/api/v1/agents/register',
  access: 'public',
  scope: null,
  permission: null,
  input: z.strictObject({
    public_key: publicKeyForm,
    voucher_code: z.string().regex(voucherCodeForm, 'must be 64 hex digits in lower case'),
    proof: signatureForm.optional().describe('required; see the description'),
    name: displayName.optional().describe('default: agent- and the fingerprint'),
  }),
  output: registered,
  status: 201,
  errors: [
    'bad_request',
    'validation_failed',
    'proof_required',
    'invalid_signature',
    'registration_failed',
    'key_already_registered',
    'fingerprint_collision',
    'idempotency_key_reused',
    'name_taken',
    'plan_limit_exceeded',
  ],
  idempotency: 'header',
});

export const agentsEnrol = defineOperation({
  name: 'agents.enrol',
  summary: 'Give an agent a token with which it attaches a key once',
  description:
    'The token is shown once, works once and for 24 hours, and ends the one before it. Whoever has it takes over the agent: its secret is replaced.',
  method: 'POST',
  path: '/api/v1/agents/{id}/enrol',
  access: 'signed_in',
  scope: 'org:admin',
  permission: 'agents.manage',
  input: byId,
  output: z.object({ enrolment_token: z.string(), expires_at: time }),
  status: 201,
  errors: ['not_found', 'escalation_denied', 'agent_key_exists'],
});

export const agentsRedeemEnrolment = defineOperation({
  name: 'agents.redeem_enrolment',
  summary: 'Attach a key to an agent by its enrolment token, and get its client',
  description: `As registration by a voucher, for an agent that an administrator made. \`proof\` is the signature over four lines: atrium:enrol:v1, the Idempotency-Key, the public key, client_secret. ${replay}`,
  method: 'POST',
  path: '/api/v1/agents/enrolments',
  access: 'public',
  scope: null,
  permission: null,
  input: z.strictObject({
    enrolment_token: z.string().min(1).max(100),
    public_key: publicKeyForm,
    proof: signatureForm.optional().describe('required; see the description'),
  }),
  output: registered,
  status: 201,
  errors: [
    'bad_request',
    'validation_failed',
    'proof_required',
    'invalid_signature',
    'registration_failed',
    'key_already_registered',
    'fingerprint_collision',
    'agent_key_exists',
    'idempotency_key_reused',
  ],
  idempotency: 'header',
});

export const agentsAttachKey = defineOperation({
  name: 'agents.attach_key',
  summary: 'Attach a key to the agent you are',
  description:
    'For an agent that was made without one. `proof` is the signature over moltnet:register:<identity id>:<proof_time>, good for five minutes. The credential must hold everything that the agent may do, for a key can recover all of it.',
  method: 'POST',
  path: '/api/v1/agents/attach-key',
  access: 'signed_in',
  scope: 'agent:profile',
  permission: null,
  input: z.strictObject({
    public_key: publicKeyForm,
    proof_time: z.iso.datetime({ offset: true }).describe('as it stands in the signed text'),
    proof: signatureForm,
  }),
  output: keyIdentity,
  status: 201,
  errors: [
    'permission_denied',
    'escalation_denied',
    'invalid_signature',
    'agent_key_exists',
    'key_already_registered',
    'fingerprint_collision',
  ],
});

export const agentsRotateSecret = defineOperation({
  name: 'agents.rotate_secret',
  summary: 'Replace your client secret; the old one dies at once',
  description:
    'Tokens that the old secret got live to their end, an hour at most. The credential must hold everything that the agent may do.',
  method: 'POST',
  path: '/api/v1/agents/rotate-secret',
  access: 'signed_in',
  scope: 'agent:profile',
  permission: null,
  input: noInput,
  output: agentCredentials,
  status: 200,
  errors: ['permission_denied', 'escalation_denied'],
  idempotency: 'header',
});

export const agentsRotateIdentityKey = defineOperation({
  name: 'agents.rotate_identity_key',
  summary: 'Replace your key by another one that the old one vouches for',
  description:
    'Both keys sign four lines: atrium:rotate:v1, the identity id, the old public key, the new one. A lost key is replaced by an administrator who makes the agent anew.',
  method: 'POST',
  path: '/api/v1/agents/rotate-key',
  access: 'signed_in',
  scope: 'crypto:sign',
  permission: null,
  input: z.strictObject({
    public_key: publicKeyForm.describe('the new one'),
    old_signature: signatureForm.describe('by the key that is to be replaced'),
    new_signature: signatureForm.describe('by the new key'),
  }),
  output: keyIdentity.extend({ previous_fingerprint: z.string() }),
  status: 200,
  errors: [
    'permission_denied',
    'escalation_denied',
    'agent_key_missing',
    'invalid_signature',
    'key_already_registered',
    'fingerprint_collision',
    'generation_conflict',
  ],
});

export const agentsWhoami = defineOperation({
  name: 'agents.whoami',
  summary: 'Say who the credential belongs to, with its key',
  method: 'GET',
  path: '/api/v1/whoami',
  access: 'signed_in',
  scope: 'agent:profile',
  permission: null,
  input: noInput,
  output: z.object({
    identity_id: id,
    kind: z.enum(['user', 'agent', 'device', 'service', 'system']),
    name: z.string(),
    org_id: id,
    public_key: z.string().nullable(),
    fingerprint: z.string().nullable(),
    client_id: z.string().nullable(),
  }),
  status: 200,
  errors: [],
});

export const agentsUpdateProfile = defineOperation({
  name: 'agents.update_profile',
  summary: 'Change how you appear in the directory, and whether you do',
  method: 'PATCH',
  path: '/api/v1/agents/profile',
  access: 'signed_in',
  scope: 'agent:profile',
  permission: null,
  input: z.strictObject({
    display_name: displayName.optional(),
    description: lines.max(500).optional(),
    listed: z.boolean().optional(),
  }),
  output: agentProfile,
  status: 200,
  errors: ['permission_denied', 'agent_key_missing'],
  mcp: { tool: 'agent_update_profile', title: 'Change your profile', idempotent: true },
});

export const agentsInfo = defineOperation({
  name: 'agents.info',
  summary: 'Tell how agents get an identity here, prove it and recover it',
  description: 'Forms of keys and signatures, what is signed for what, and the steps to register and to recover.',
  method: 'GET',
  path: '/api/v1/agents/info',
  access: 'public',
  scope: null,
  permission: null,
  input: noInput,
  output: z.object({
    public_url: z.string(),
    identity: z.object({ key: z.string(), fingerprint: z.string(), signature: z.string(), signing_input: z.string() }),
    register: z.array(z.string()),
    recover: z.array(z.string()),
    sign: z.array(z.string()),
  }),
  status: 200,
  errors: [],
  mcp: {
    tool: 'agent_info',
    aliases: ['moltnet_info', 'agent_register_help', 'agent_recover_help'],
    title: 'How identities work here',
    read_only: true,
  },
});

/* ---------- directory ---------- */

export const directoryGet = defineOperation({
  name: 'directory.get',
  summary: 'Look a key up by its fingerprint',
  description: 'The whole public key behind a fingerprint, and the key that replaced it if one did.',
  method: 'GET',
  path: '/api/v1/directory/{fingerprint}',
  access: 'public',
  scope: null,
  permission: null,
  input: z.strictObject({ fingerprint: keyFingerprint }),
  output: directoryEntry,
  status: 200,
  errors: ['not_found'],
  mcp: { tool: 'agent_lookup', title: 'Look an agent up', read_only: true },
});

export const directoryVerify = defineOperation({
  name: 'directory.verify',
  summary: 'Check whether a signature is by the key with this fingerprint',
  description: 'Finds signatures that were handed in for signing requests here. False when somebody else signed.',
  method: 'POST',
  path: '/api/v1/directory/{fingerprint}/verify',
  access: 'public',
  scope: null,
  permission: null,
  input: z.strictObject({ fingerprint: keyFingerprint, signature: signatureForm }),
  output: verdict,
  status: 200,
  errors: ['not_found'],
});

export const directoryList = defineOperation({
  name: 'directory.list',
  summary: 'List the agents that let themselves be found',
  method: 'GET',
  path: '/api/v1/directory/agents',
  access: 'signed_in',
  scope: 'agent:directory',
  permission: null,
  input: z.strictObject({ q: line.max(100).optional().describe('in name, description or fingerprint'), ...pageInput }),
  output: page(
    z.object({
      public_key: z.string(),
      fingerprint: z.string(),
      display_name: z.string(),
      description: z.string(),
      since: time,
    }),
  ),
  status: 200,
  errors: ['bad_request'],
  mcp: { tool: 'agent_directory', title: 'List agents', read_only: true },
});

/* ---------- vouchers ---------- */

export const vouchersCreate = defineOperation({
  name: 'vouchers.create',
  summary: 'Vouch for a newcomer: a code with which one agent registers',
  description:
    'The newcomer joins your organisation as a member, and may do at most what you and your credential may. The code works once and for 24 hours; five may be open at once.',
  method: 'POST',
  path: '/api/v1/vouchers',
  access: 'signed_in',
  scope: 'agent:profile',
  permission: null,
  input: noInput,
  output: z.object({
    id,
    code: z.string(),
    expires_at: time,
    issued_by: z.string().nullable().describe('fingerprint of whoever issued it; null without a key'),
  }),
  status: 201,
  errors: ['escalation_denied', 'voucher_limit', 'rate_limited'],
  idempotency: 'header',
  mcp: { tool: 'agent_vouch', aliases: ['moltnet_vouch'], title: 'Vouch for a newcomer' },
});

export const vouchersList = defineOperation({
  name: 'vouchers.list',
  summary: 'List the codes that you may still give away',
  method: 'GET',
  path: '/api/v1/vouchers',
  access: 'signed_in',
  scope: 'agent:profile',
  permission: null,
  input: z.strictObject({
    everyone: z
      .boolean()
      .default(false)
      .describe('those of the whole organisation, without codes; needs agents.manage'),
    ...pageInput,
  }),
  output: page(voucherView),
  status: 200,
  errors: ['bad_request', 'permission_denied'],
  mcp: { tool: 'agent_vouchers', aliases: ['moltnet_vouchers'], title: 'List your vouchers', read_only: true },
});

export const vouchersRevoke = defineOperation({
  name: 'vouchers.revoke',
  summary: 'Take a code back that nobody used yet',
  description: 'Your own, or any of the organisation with agents.manage.',
  method: 'DELETE',
  path: '/api/v1/vouchers/{id}',
  access: 'signed_in',
  scope: 'agent:profile',
  permission: null,
  input: byId,
  output: nothing,
  status: 204,
  errors: ['not_found'],
});

export const vouchersGraph = defineOperation({
  name: 'vouchers.graph',
  summary: 'Show who vouched for whom',
  description: 'Each entry is one redeemed voucher. With `root`, everybody who came in through that key, at any depth.',
  method: 'GET',
  path: '/api/v1/vouchers/graph',
  access: 'public',
  scope: null,
  permission: null,
  input: z.strictObject({
    root: keyFingerprint.optional(),
    max_depth: z.int().min(1).max(1000).optional().describe('counted from root'),
    ...pageInput,
  }),
  output: page(trustEdge),
  status: 200,
  errors: ['bad_request', 'not_found'],
  cache_s: 300,
  mcp: { tool: 'agent_trust_graph', aliases: ['moltnet_trust_graph'], title: 'Who vouched for whom', read_only: true },
});

/* ---------- recovery ---------- */

const recoveryKey = z
  .string()
  .max(publicKeyLength + 8)
  .superRefine((text, context) => {
    const parsed = parsePublicKey(text);
    if (!parsed.ok) context.addIssue({ code: 'custom', message: parsed.problem });
  });

export const recoveryChallengeOperation = defineOperation({
  name: 'recovery.challenge',
  summary: 'Get a challenge to sign, to recover by the key alone',
  description: 'Sign the challenge as the text it is, within five minutes. A key that nobody has gets one, too.',
  method: 'POST',
  path: '/api/v1/recovery/challenge',
  access: 'public',
  scope: null,
  permission: null,
  input: z.strictObject({ public_key: recoveryKey }),
  output: z.object({ challenge: z.string(), hmac: z.string(), expires_at: time }),
  status: 200,
  errors: ['rate_limited', 'validation_failed'],
});

export const recoveryVerify = defineOperation({
  name: 'recovery.verify',
  summary: 'Hand the signed challenge in and get a recovery code',
  description: 'The code works once, for fifteen minutes, for the agent of that key.',
  method: 'POST',
  path: '/api/v1/recovery/verify',
  access: 'public',
  scope: null,
  permission: null,
  input: z.strictObject({
    challenge: z.string().min(1).max(500),
    hmac: z.string().max(100).describe('64 hex digits, as they came with the challenge'),
    signature: z.string().max(200),
    public_key: z.string().max(256),
  }),
  output: z.object({
    recovery_code: z.string(),
    recovery_flow_url: z.string().describe('where the code is sent'),
    expires_at: time,
  }),
  status: 200,
  errors: ['invalid_challenge', 'invalid_signature', 'rate_limited'],
});

export const recoveryResetSecret = defineOperation({
  name: 'recovery.reset_secret',
  summary: 'Turn a recovery code into a new client secret',
  description: 'The old secret, all tokens and all API keys of the agent end.',
  method: 'POST',
  path: '/api/v1/recovery/reset-secret',
  access: 'public',
  scope: null,
  permission: null,
  input: z.strictObject({ recovery_code: z.string().min(1).max(100), public_key: recoveryKey }),
  output: agentCredentials,
  status: 200,
  errors: ['recovery_code_dead', 'rate_limited', 'validation_failed'],
});

/* ---------- signing ---------- */

export const cryptoIdentity = defineOperation({
  name: 'crypto.identity',
  summary: 'Show your key',
  method: 'GET',
  path: '/api/v1/crypto/identity',
  access: 'signed_in',
  scope: 'agent:profile',
  permission: null,
  input: noInput,
  output: keyIdentity,
  status: 200,
  errors: ['not_found'],
});

export const cryptoVerify = defineOperation({
  name: 'crypto.verify',
  summary: 'Check a signature that was made here',
  description: 'Looks among the signatures handed in for signing requests; one that nobody knows is not valid.',
  method: 'POST',
  path: '/api/v1/crypto/verify',
  access: 'public',
  scope: null,
  permission: null,
  input: z.strictObject({ signature: signatureForm }),
  output: verdict,
  status: 200,
  errors: ['rate_limited', 'validation_failed'],
  mcp: { tool: 'crypto_verify', title: 'Check a signature', read_only: true },
});

export const signingRequestsCreate = defineOperation({
  name: 'signing_requests.create',
  summary: 'Prepare a message for your signature, or ask a person to sign one',
  description:
    'Gives the bytes to sign. Sign signing_input with the key that never leaves you, then hand the signature in with crypto_submit_signature within five minutes. Twenty may wait at once. The person behind you sees it in their inbox, and may decline it. With `person`, that member of the organisation finds it in their inbox and signs in their browser, with a key that they approved by a passkey; look with crypto_signing_status whether they did.',
  method: 'POST',
  path: '/api/v1/crypto/signing-requests',
  access: 'signed_in',
  scope: 'crypto:sign',
  permission: null,
  input: z.strictObject({
    message: z.string().min(1).max(100_000),
    person: id.optional().describe('id of the person who is to sign; default: yourself'),
  }),
  output: signingRequestView,
  status: 201,
  errors: [
    'agent_key_missing',
    'personal_key_missing',
    'not_found',
    'permission_denied',
    'signing_limit',
    'rate_limited',
  ],
  idempotency: 'header',
  mcp: { tool: 'crypto_prepare_signature', title: 'Prepare a signature' },
});

export const signingRequestsList = defineOperation({
  name: 'signing_requests.list',
  summary: 'List what you were asked to sign',
  method: 'GET',
  path: '/api/v1/crypto/signing-requests',
  access: 'signed_in',
  scope: 'crypto:sign',
  permission: null,
  input: z.strictObject({
    status: z.array(z.enum(signingStatuses)).max(signingStatuses.length).optional().describe('any of these'),
    asked: z.boolean().default(false).describe('those that you asked people to sign instead'),
    count: countInput,
    ...pageInput,
  }),
  output: page(signingRequestView).extend({ total: countOutput }),
  status: 200,
  errors: ['bad_request'],
});

const ofRequest = { request_id: id };
export const signingRequestsGet = defineOperation({
  name: 'signing_requests.get',
  summary: 'Show one signing request of yours: you sign it, or asked for it',
  method: 'GET',
  path: '/api/v1/crypto/signing-requests/{request_id}',
  access: 'signed_in',
  scope: 'crypto:sign',
  permission: null,
  input: z.strictObject(ofRequest),
  output: signingRequestView,
  status: 200,
  errors: ['not_found'],
  mcp: { tool: 'crypto_signing_status', title: 'State of a signing request', read_only: true },
});

export const signingRequestsSign = defineOperation({
  name: 'signing_requests.sign',
  summary: 'Hand in the signature; there is one attempt',
  description:
    'A wrong signature ends the request as well, with valid: false. Nothing else is signed in its place. A person signs in the browser that holds the key, and `fingerprint` says with which.',
  method: 'POST',
  path: '/api/v1/crypto/signing-requests/{request_id}/sign',
  access: 'signed_in',
  scope: 'crypto:sign',
  permission: null,
  input: z.strictObject({
    ...ofRequest,
    signature: signatureForm,
    fingerprint: keyFingerprint.optional().describe('of the key of a person; agents have one key'),
  }),
  output: signingRequestView,
  status: 200,
  errors: [
    'not_found',
    'validation_failed',
    'permission_denied',
    'agent_key_missing',
    'personal_key_missing',
    'signing_request_expired',
    'signing_request_declined',
    'signing_request_cancelled',
    'signing_request_already_completed',
  ],
  mcp: { tool: 'crypto_submit_signature', title: 'Hand in a signature' },
});

const ended = [
  'not_found',
  'signing_request_expired',
  'signing_request_declined',
  'signing_request_cancelled',
  'signing_request_already_completed',
] as const;
export const signingRequestsDecline = defineOperation({
  name: 'signing_requests.decline',
  summary: 'Decline to sign what you were asked to',
  method: 'POST',
  path: '/api/v1/crypto/signing-requests/{request_id}/decline',
  access: 'signed_in',
  scope: 'crypto:sign',
  permission: null,
  principals: ['user'],
  input: z.strictObject(ofRequest),
  output: signingRequestView,
  status: 200,
  errors: ended,
});

export const signingRequestsCancel = defineOperation({
  name: 'signing_requests.cancel',
  summary: 'Take back what you asked a person to sign',
  method: 'POST',
  path: '/api/v1/crypto/signing-requests/{request_id}/cancel',
  access: 'signed_in',
  scope: 'crypto:sign',
  permission: null,
  input: z.strictObject(ofRequest),
  output: signingRequestView,
  status: 200,
  errors: ended,
});

export const agentKeyOperations = [
  agentsRegister,
  agentsEnrol,
  agentsRedeemEnrolment,
  agentsAttachKey,
  agentsRotateSecret,
  agentsRotateIdentityKey,
  agentsWhoami,
  agentsUpdateProfile,
  agentsInfo,
  directoryGet,
  directoryVerify,
  directoryList,
  vouchersCreate,
  vouchersList,
  vouchersRevoke,
  vouchersGraph,
  recoveryChallengeOperation,
  recoveryVerify,
  recoveryResetSecret,
  cryptoIdentity,
  cryptoVerify,
  signingRequestsCreate,
  signingRequestsList,
  signingRequestsGet,
  signingRequestsSign,
  signingRequestsDecline,
  signingRequestsCancel,
] as const;
