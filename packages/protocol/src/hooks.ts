import { z } from 'zod';
import { actor, byId, defineOperation, id, nothing, page, pageInput, time } from './operation.ts';

/* Ways in for systems outside: activity for the event log, notices for the inbox and for devices. */

export const hookKinds = ['activity', 'notify', 'event'] as const;
export const hookProofs = ['signature', 'secret'] as const;

/** Limits of what comes in. */
export const hookLimits = { body_bytes: 65_536, devices: 50, per_minute: 60, wait_days: 30, clock_s: 300 } as const;

const line = (most: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(most)
    .regex(/^[^\p{Cc}]*$/u, 'must be one line');
const json = z
  .record(z.string().max(100), z.unknown())
  .refine((value) => JSON.stringify(value).length <= 32_000, 'must not be longer than 32,000 bytes as JSON');
const devices = z.array(id).min(1).max(hookLimits.devices);

export const hookActivityFields = {
  message: line(500),
  icon: z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9-]{0,40}$/, 'must be the name of an icon, such as Bell')
    .default('Bell'),
  icon_class: z
    .string()
    .regex(/^[a-z0-9 _-]{0,60}$/i, 'must be words')
    .default(''),
  details: z.string().max(4000).default(''),
  device_ids: devices.optional().describe('devices it is for; without them it is for everybody who sees activity'),
};
export const hookNotifyFields = {
  type: z
    .string()
    .regex(/^[a-z0-9_-]{1,40}(\.[a-z0-9_-]{1,40}){0,4}$/, 'must be lowercase words joined by dots')
    .describe('what kind of notice it is, for example backup.done'),
  data: json
    .default({})
    .describe('`title`, `message` and `level` (info, success, warning, error) make the notice; the rest goes with it'),
  device_ids: devices
    .optional()
    .describe('devices it is for: those that are away find it for 30 days. Without them it goes into the inbox'),
};

const sends = { access: 'signed_in', scope: 'hooks:write', permission: 'items.write' } as const;
const manages = { access: 'signed_in', scope: 'org:admin', permission: 'webhooks.manage' } as const;
const own = { access: 'signed_in', scope: 'device:self', permission: null } as const;

export const hookReceipt = z.object({
  id: id.describe('of the event'),
  kind: z.string(),
  item_id: id.nullable().describe('the notice in the inbox'),
  devices: z.int().describe('for how many devices it waits'),
  duplicate: z.boolean().describe('a message with this id came before; nothing was done again'),
});

export const hooksActivity = defineOperation({
  ...sends,
  name: 'hooks.activity',
  summary: 'Bring activity of a system outside into the event log',
  method: 'POST',
  path: '/api/v1/hooks/activity',
  input: z.strictObject(hookActivityFields),
  output: hookReceipt,
  status: 201,
  errors: ['validation_failed', 'rate_limited'],
  idempotency: 'header',
  body_limit: hookLimits.body_bytes,
  mcp: { tool: 'hooks_activity', title: 'Report activity' },
});
export const hooksNotify = defineOperation({
  ...sends,
  name: 'hooks.notify',
  summary: 'Send a notice of a system outside to the inbox, or to devices',
  method: 'POST',
  path: '/api/v1/hooks/notify',
  input: z.strictObject(hookNotifyFields),
  output: hookReceipt,
  status: 201,
  errors: ['validation_failed', 'rate_limited', 'plan_limit_exceeded'],
  idempotency: 'header',
  body_limit: hookLimits.body_bytes,
  mcp: { tool: 'hooks_notify', title: 'Send a notice' },
});

export const hookEndpoint = z.object({
  id,
  name: z.string(),
  kind: z.enum(hookKinds).describe('what a message becomes; `event` takes any JSON object as `external.<event>`'),
  event: z.string().nullable(),
  proof: z.enum(hookProofs).describe('`signature`: Standard Webhooks; `secret`: sent along in a header'),
  url: z.string(),
  channel_id: id.nullable().describe('of the inbox, for notices; null: everybody'),
  enabled: z.boolean(),
  received: z.int(),
  refused: z.int(),
  last_at: time.nullable(),
  last_error: z.string().nullable(),
  created_by: actor,
  created_at: time,
});
export type HookEndpoint = z.infer<typeof hookEndpoint>;

const event = hookNotifyFields.type;
const fields = {
  name: line(100),
  kind: z.enum(hookKinds),
  event: event.optional().describe('of an endpoint for events'),
  proof: z.enum(hookProofs).default('signature'),
  channel_id: id.optional(),
};

export const hooksList = defineOperation({
  ...manages,
  name: 'hooks.list',
  summary: 'List endpoints that systems outside send to',
  method: 'GET',
  path: '/api/v1/hooks/endpoints',
  input: z.strictObject(pageInput),
  output: page(hookEndpoint),
  status: 200,
  errors: ['bad_request'],
});
export const hooksCreate = defineOperation({
  ...manages,
  name: 'hooks.create',
  summary: 'Make an endpoint; its secret is shown once',
  method: 'POST',
  path: '/api/v1/hooks/endpoints',
  input: z.strictObject(fields),
  output: z.object({ endpoint: hookEndpoint, secret: z.string() }),
  status: 201,
  errors: ['name_taken', 'validation_failed'],
  idempotency: 'header',
});
export const hooksUpdate = defineOperation({
  ...manages,
  name: 'hooks.update',
  summary: 'Rename an endpoint, or switch it on or off',
  method: 'PATCH',
  path: '/api/v1/hooks/endpoints/{id}',
  input: z.strictObject({ id, name: fields.name.optional(), enabled: z.boolean().optional() }),
  output: hookEndpoint,
  status: 200,
  errors: ['not_found', 'name_taken'],
});
export const hooksRotateSecret = defineOperation({
  ...manages,
  name: 'hooks.rotate_secret',
  summary: 'Give an endpoint a new secret; the old one ends at once',
  method: 'POST',
  path: '/api/v1/hooks/endpoints/{id}/rotate-secret',
  input: byId,
  output: z.object({ endpoint: hookEndpoint, secret: z.string() }),
  status: 201,
  errors: ['not_found'],
  idempotency: 'header',
});
export const hooksDelete = defineOperation({
  ...manages,
  name: 'hooks.delete',
  summary: 'Remove an endpoint',
  method: 'DELETE',
  path: '/api/v1/hooks/endpoints/{id}',
  input: byId,
  output: nothing,
  status: 204,
  errors: ['not_found'],
});
export const hooksTest = defineOperation({
  ...manages,
  name: 'hooks.test',
  summary: 'Send a message to an endpoint as its sender would, and tell what came of it',
  description: 'It goes the whole way: signed, checked, limited, and really delivered.',
  method: 'POST',
  path: '/api/v1/hooks/endpoints/{id}/test',
  input: z.strictObject({ id, body: z.string().min(1).max(hookLimits.body_bytes) }),
  output: z.object({
    status: z.int().describe('what a sender would get'),
    problem: z.string().nullable(),
    receipt: hookReceipt.nullable(),
    headers: z.record(z.string(), z.string()).describe('that were sent; a secret is masked'),
  }),
  status: 200,
  errors: ['not_found'],
});
export const hooksReceive = defineOperation({
  name: 'hooks.receive',
  summary: 'Take a message of a system outside',
  description:
    'For endpoints with a signature: the headers `webhook-id`, `webhook-timestamp` and `webhook-signature` of Standard Webhooks, at most five minutes old. For endpoints with a secret: `Authorization: Bearer`, or `X-Atrium-Hook-Secret`; `webhook-id` or `Idempotency-Key` tells repeats apart.',
  method: 'POST',
  path: '/api/v1/hooks/in/{hook_id}',
  access: 'public',
  scope: null,
  permission: null,
  input: z.strictObject({ hook_id: z.string().max(64) }),
  output: hookReceipt,
  status: 201,
  errors: ['hook_unproven', 'too_large', 'rate_limited', 'validation_failed', 'plan_limit_exceeded'],
  presents: true,
  body: 'raw',
  body_limit: hookLimits.body_bytes,
});

export const hookNotice = z.object({
  id,
  type: z.string(),
  data: z.record(z.string(), z.unknown()),
  from: z.string(),
  created_at: time,
  expires_at: time,
});
export const hooksPending = defineOperation({
  ...own,
  name: 'hooks.pending',
  summary: 'List notices that wait for this device, oldest first',
  method: 'GET',
  path: '/api/v1/hooks/notices',
  input: z.strictObject(pageInput),
  output: page(hookNotice),
  status: 200,
  errors: ['bad_request'],
});
export const hooksAcknowledge = defineOperation({
  ...own,
  name: 'hooks.acknowledge',
  summary: 'Say that this device has a notice',
  method: 'POST',
  path: '/api/v1/hooks/notices/{id}/ack',
  input: byId,
  output: nothing,
  status: 204,
  errors: ['not_found'],
});

export const hookOperations = [
  hooksActivity,
  hooksNotify,
  hooksList,
  hooksCreate,
  hooksUpdate,
  hooksRotateSecret,
  hooksDelete,
  hooksTest,
  hooksReceive,
  hooksPending,
  hooksAcknowledge,
] as const;
