import { z } from 'zod';
import { type ItemAction, itemActions } from './forms/action-schema.ts';
import { type ApprovalRequest, approvalReply, approvalRequest } from './forms/approval-schema.ts';
import type { Form } from './forms/form-fields.ts';
import { formDocument } from './forms/form-schema.ts';
import { actor, byId, defineOperation, id, noInput, nothing, page, pageInput, time } from './operation.ts';

/* ---------- shapes ---------- */

export const itemLevels = ['info', 'success', 'warning', 'error'] as const;
export const itemStatuses = ['open', 'answered', 'dismissed', 'expired', 'withdrawn'] as const;
export const itemKinds = ['notice', 'question', 'approval'] as const;

const level = z.enum(itemLevels);
const title = z.string().trim().min(1).max(200);
const markdown = z.string().max(65_536);
const tags = z.array(z.string().trim().min(1).max(50)).max(20);
const priority = z.int().min(0).max(4).describe('0 unset, 1 low, 2 medium, 3 high, 4 urgent');
const values = z.record(z.string(), z.unknown());
const boundedJson = (bytes: number, what: string) =>
  z
    .record(z.string(), z.unknown())
    .refine((v) => new TextEncoder().encode(JSON.stringify(v)).length <= bytes, `${what} is limited to ${bytes} bytes`);
/** Between one second and 366 days. */
const ttl = z
  .int()
  .min(1000)
  .max(366 * 86_400_000)
  .describe('milliseconds, 1 s to 366 d');
const waitSeconds = (max: number) => z.number().min(0).max(max);

/** Who must decide. `all_of` and `any_of` name user ids; `n` counts accepting answers (default: all of all_of, else 1). */
export const quorum = z.strictObject({
  all_of: z.array(id).max(50).optional(),
  any_of: z.array(id).max(50).optional(),
  n: z.int().min(1).max(50).optional(),
  four_eyes: z.boolean().optional().describe('the requester and the owner of the requesting agent cannot approve'),
});
export const onTimeout = z.enum(['expire', 'default', 'deny', 'escalate']);
/** After `after_s` seconds without an answer the item is brought to a person, a team or a channel. */
export const escalationStep = z.strictObject({
  after_s: z
    .int()
    .min(1)
    .max(366 * 86_400),
  to: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('user'), id }),
    z.strictObject({ kind: z.literal('team'), id }),
    z.strictObject({ kind: z.literal('channel'), id }),
  ]),
});

/** How an item ended, as the asking agent gets it. `values` are typed by the form; `reply` is an approval's. */
export const outcome = z.object({
  status: z.enum(['pending', 'answered', 'dismissed', 'expired', 'withdrawn', 'action']),
  source: z.enum(['person', 'timeout', 'rule', 'quota', 'system', 'client']).nullable(),
  values: values.nullable(),
  reply: approvalReply.nullable(),
  decision: z.enum(['accept', 'edit', 'respond', 'reject', 'deny']).nullable().describe('of approvals'),
  action: z
    .object({ id: z.string(), text: z.string().nullable(), at: time })
    .nullable()
    .describe('the button pressed last'),
  answered_by: actor.nullable(),
  answered_at: time.nullable(),
  corrected: z.boolean(),
  state: z.string().nullable().describe('the opaque state given when asking, byte for byte'),
});
export type Outcome = z.infer<typeof outcome>;

/**
 * A form or an approval on its way out. It was checked when it came in, so answers do not check it again, and a tool
 * listing need not carry the whole schema a second time.
 */
const storedForm = z
  .custom<Form>((value) => typeof value === 'object' && value !== null)
  .describe('a form document, as given to inbox.ask');
const storedApproval = z
  .custom<ApprovalRequest>((value) => typeof value === 'object' && value !== null)
  .describe('an approval, as given to inbox.ask');
const storedAction = z
  .custom<ItemAction>((value) => typeof value === 'object' && value !== null)
  .describe('an action, as given to inbox.ask');

export const itemView = z.object({
  id,
  kind: z.enum(itemKinds),
  title: z.string(),
  message: z.string(),
  level,
  status: z.enum(itemStatuses),
  priority,
  form: storedForm.nullable(),
  approval: storedApproval.nullable(),
  actions: z.array(storedAction),
  require: quorum.nullable(),
  channel: z.object({ id, name: z.string() }).nullable(),
  tags: z.array(z.string()),
  metadata: values,
  created_by: actor,
  asked_with: z
    .enum(['session', 'api_key', 'access_token'])
    .nullable()
    .describe('what whoever asked proved their identity with; null = not known, or nobody had to'),
  assignee: actor.nullable(),
  claimed_by: actor.extend({ until: time }).nullable(),
  parent_id: id.nullable(),
  related_to: z.array(id).describe('visible ones only'),
  run_id: z.string().nullable(),
  call_id: z.string().nullable(),
  occurrences: z.int(),
  first_occurred_at: time,
  last_occurred_at: time,
  on_timeout: onTimeout.nullable(),
  escalation: z.array(escalationStep),
  escalated_steps: z.int(),
  deadline_at: time.nullable(),
  expires_at: time.nullable(),
  snoozed_until: time.nullable(),
  pinned_at: time.nullable(),
  archived_at: time.nullable(),
  answered_at: time.nullable(),
  answered_by: actor.nullable(),
  answer_source: z.enum(['person', 'timeout', 'rule', 'quota', 'system', 'client']).nullable(),
  response: values.nullable().describe('sealed values are absent'),
  reply: approvalReply.nullable(),
  step_up: z
    .boolean()
    .describe('an answer counts only shortly after the person proved who they are; it is decided once, and for good'),
  approvals: z.array(z.object({ by: actor, decision: z.string(), at: time })).describe('replies so far, for quorum'),
  correctable_until: time.nullable().describe('for the caller who answered'),
  generation: z.int(),
  viewed_at: time.nullable().describe('when the caller acknowledged it'),
  watching: z.boolean(),
  comment_count: z.int(),
  attachment_count: z.int(),
  created_at: time,
  updated_at: time,
});
export type ItemView = z.infer<typeof itemView>;

export const commentView = z.object({ id, item_id: id, author: actor, body: z.string(), created_at: time });
export const attachmentView = z.object({
  id,
  item_id: id,
  name: z.string(),
  size: z.int(),
  mime: z.string().describe('sniffed from the bytes'),
  sha256: z.string(),
  uploaded_by: actor,
  created_at: time,
});
export const responseView = z.object({
  id,
  item_id: id,
  by: actor,
  source: z.string(),
  values: values.nullable(),
  reply: approvalReply.nullable(),
  device: z.string().nullable(),
  supersedes: id.nullable(),
  created_at: time,
});
export const draftView = z.object({ values, page: z.string().nullable(), updated_at: time });
export const historyEntry = z.object({ at: time, actor, action: z.string(), details: values });

export const channelModes = ['open', 'private', 'direct'] as const;
const channelName = z
  .string()
  .trim()
  .regex(/^[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?$/, 'lower-case letters, digits, dots, dashes and underscores')
  .max(64);
export const channelRules = z.object({
  muted: z.boolean(),
  min_level: level,
  sound: z.enum(['default', 'none', 'alert']),
  email_enabled: z.boolean(),
  email_digest: z.boolean(),
});
export const channelView = z.object({
  id,
  name: z.string(),
  description: z.string(),
  mode: z.enum(channelModes),
  team: z.object({ id, name: z.string() }).nullable(),
  critical: z.boolean(),
  open_items: z.int(),
  members: z.int(),
  rules: channelRules,
  can_manage: z.boolean(),
  created_at: time,
});
export type ChannelView = z.infer<typeof channelView>;
export const channelMemberView = z.object({ user_id: id, name: z.string(), added_at: time });
export const templateView = z.object({
  id,
  name: z.string(),
  description: z.string(),
  form: storedForm,
  created_by: actor,
  created_at: time,
  updated_at: time,
});
export const viewFilter = z.strictObject({
  status: z.array(z.enum(itemStatuses)).max(5).optional(),
  channel: z.array(id).max(50).optional(),
  level: z.array(level).max(4).optional(),
  priority: z.array(priority).max(5).optional(),
  tag: z.array(z.string().max(50)).max(20).optional(),
  assignee: z.union([z.literal('me'), z.literal('none'), id]).optional(),
  agent: id.optional(),
  kind: z.array(z.enum(itemKinds)).max(3).optional(),
  q: z.string().trim().max(200).optional(),
  run_id: z.string().max(200).optional(),
});
export const savedView = z.object({ id, name: z.string(), filter: viewFilter, position: z.int(), created_at: time });
export const alwaysRuleView = z.object({
  id,
  agent: actor,
  tool: z.string(),
  argument_prefix: z.unknown(),
  uses: z.int(),
  created_by: actor,
  created_at: time,
  expires_at: time.nullable(),
  revoked_at: time.nullable(),
});

/* ---------- asking ---------- */

const common = {
  title,
  message: markdown.default(''),
  level: level.default('info'),
  channel: z.string().max(64).optional().describe('name (or id) of a channel; none = the whole organisation sees it'),
  tags: tags.default([]),
  priority: priority.default(0),
  metadata: boundedJson(16_384, 'metadata').default({}),
  actions: itemActions.default([]),
  idempotency_key: z.string().min(1).max(200).optional().describe('repeating the call with it returns the first item'),
  dedupe_key: z.string().min(1).max(200).optional().describe('folds repeats into the open item and counts them'),
  assignee: id.optional().describe('user who is responsible'),
  deadline_at: time.optional(),
  ttl_ms: ttl.optional(),
  parent_id: id.optional(),
  related_to: z.array(id).max(50).default([]),
  watchers: z.array(id).max(100).default([]),
  run_id: z.string().min(1).max(200).optional(),
  call_id: z.string().min(1).max(200).optional(),
  state: z.string().max(16_384).optional().describe('opaque; comes back with the outcome byte for byte'),
};
const asking = {
  form: formDocument.optional(),
  template: z.string().max(100).optional().describe('name of a stored form, instead of form'),
  approval: approvalRequest.optional().describe('a tool call under review, instead of form'),
  on_timeout: onTimeout.optional().describe('default: expire for questions, deny for approvals'),
  escalation: z.array(escalationStep).max(10).default([]),
  reminders_s: z
    .array(
      z
        .int()
        .min(1)
        .max(366 * 86_400),
    )
    .max(5)
    .default([])
    .describe('seconds before deadline_at'),
  require: quorum.optional(),
};
const commonErrors = [
  'validation_failed',
  'channel_not_found',
  'not_found',
  'idempotency_key_reused',
  'plan_limit_exceeded',
] as const;

/** Asked with `inbox.ask`; `outcome.status` is `pending` when nobody answered within wait_s. */
export const asked = z.object({ id, status: z.literal('created'), outcome: outcome.nullable(), occurrences: z.int() });

export const inboxNotify = defineOperation({
  name: 'inbox.notify',
  summary: 'Tell people something',
  description:
    'Puts a notice into the inbox of the people who see the channel (everybody in the organisation when none is named). Use it for results, warnings and progress that need no answer. Returns the id at once.',
  method: 'POST',
  path: '/api/v1/inbox/notify',
  access: 'signed_in',
  scope: 'inbox:write',
  permission: 'items.write',
  input: z.strictObject(common),
  output: z.object({ id, status: z.literal('created'), occurrences: z.int() }),
  status: 201,
  errors: commonErrors,
  idempotency: 'field',
  body_limit: 1_048_576,
  mcp: { tool: 'inbox_notify', aliases: ['klaxon.notify'], title: 'Notify people' },
});
export const inboxAsk = defineOperation({
  name: 'inbox.ask',
  summary: 'Ask people a question, or for the approval of a tool call, and optionally wait',
  description:
    'Puts a question with a form (fields with types) or an approval into the inbox and returns its id. With wait_s the call stays open, sends progress every 15 s and returns the typed answer as outcome; when nobody answers in time outcome.status is "pending" and you can go on waiting with inbox_wait. Pass the same idempotency_key when you repeat a call that was cut off: you get the same item, and the answer if it came meanwhile.',
  method: 'POST',
  path: '/api/v1/inbox/ask',
  access: 'signed_in',
  scope: 'inbox:write',
  permission: 'items.write',
  input: z.strictObject({ ...common, ...asking, wait_s: waitSeconds(3600).default(0) }),
  output: asked,
  status: 201,
  errors: [...commonErrors, 'too_many_waits'],
  idempotency: 'field',
  body_limit: 1_048_576,
  mcp: { tool: 'inbox_ask', aliases: ['klaxon.ask'], title: 'Ask people' },
});
export const inboxCreateItem = defineOperation({
  name: 'inbox.create_item',
  summary: 'Create an item of any kind and get it whole',
  method: 'POST',
  path: '/api/v1/inbox/items',
  access: 'signed_in',
  scope: 'inbox:write',
  permission: 'items.write',
  input: z.strictObject({ ...common, ...asking }),
  output: itemView,
  status: 201,
  errors: commonErrors,
  idempotency: 'field',
  body_limit: 1_048_576,
});
export const inboxWait = defineOperation({
  name: 'inbox.wait',
  summary: 'Wait until an item is answered or closed',
  description:
    'Returns the outcome as soon as the item leaves the open state or an action is pressed, or status "pending" when timeout_s is over. Nothing is lost when the call is cut off: call again.',
  method: 'GET',
  path: '/api/v1/inbox/items/{id}/wait',
  access: 'signed_in',
  scope: 'inbox:read',
  permission: 'items.read',
  input: z.strictObject({
    id,
    timeout_s: waitSeconds(3600).optional().describe('default 50; on REST at most 300, default 25'),
    timeout: waitSeconds(300).optional().describe('short form of timeout_s'),
    since_action: time.optional().describe('ignore actions pressed up to this time'),
  }),
  output: outcome,
  status: 200,
  errors: ['not_found', 'too_many_waits'],
  mcp: { tool: 'inbox_wait', aliases: ['klaxon.wait'], title: 'Wait for an answer', read_only: true, metered: false },
});
export const inboxGetItem = defineOperation({
  name: 'inbox.get_item',
  summary: 'Show an item with its answer',
  method: 'GET',
  path: '/api/v1/inbox/items/{id}',
  access: 'signed_in',
  scope: 'inbox:read',
  permission: 'items.read',
  input: byId,
  output: itemView,
  status: 200,
  errors: ['not_found'],
  mcp: { tool: 'inbox_get', aliases: ['klaxon.get'], title: 'Get an item', read_only: true, metered: false },
});
export const inboxOutcome = defineOperation({
  name: 'inbox.take_outcome',
  summary: 'Read the outcome with sealed values, once, as the principal who asked',
  method: 'POST',
  path: '/api/v1/inbox/items/{id}/outcome',
  access: 'signed_in',
  scope: 'inbox:write',
  permission: 'items.read',
  input: byId,
  output: outcome,
  status: 200,
  errors: ['not_found'],
});
export const inboxListItems = defineOperation({
  name: 'inbox.list_items',
  summary: 'List items, newest first',
  method: 'GET',
  path: '/api/v1/inbox/items',
  access: 'signed_in',
  scope: 'inbox:read',
  permission: 'items.read',
  input: z.strictObject({
    box: z
      .enum(['needs_me', 'watching', 'snoozed', 'done', 'all'])
      .optional()
      .describe('needs_me: open, not snoozed, for me to act on; watching: mine, watched or commented; done: closed'),
    status: z.array(z.enum(itemStatuses)).max(5).optional(),
    kind: z.array(z.enum(itemKinds)).max(3).optional(),
    channel: z.array(z.string().max(64)).max(50).optional().describe('ids or names'),
    level: z.array(level).max(4).optional(),
    priority: z.array(priority).max(5).optional(),
    tag: z.array(z.string().max(50)).max(20).optional(),
    assignee: z.union([z.literal('me'), z.literal('none'), id]).optional(),
    agent: id.optional(),
    q: z.string().trim().max(200).optional().describe('words in title, message, tags'),
    run_id: z.string().max(200).optional(),
    parent_id: id.optional(),
    include_archived: z.boolean().default(false),
    include_snoozed: z.boolean().default(false),
    view: id.optional().describe('a saved view, narrowed by the other members'),
    ...pageInput,
  }),
  output: page(itemView),
  status: 200,
  errors: ['bad_request', 'not_found'],
  mcp: { tool: 'inbox_list', aliases: ['klaxon.list'], title: 'List items', read_only: true, metered: false },
});
export const inboxCounts = defineOperation({
  name: 'inbox.counts',
  summary: 'Count the boxes of the caller, each up to 10,000',
  method: 'GET',
  path: '/api/v1/inbox/counts',
  access: 'signed_in',
  scope: 'inbox:read',
  permission: 'items.read',
  input: noInput,
  output: z.object({ needs_me: z.int(), watching: z.int(), snoozed: z.int(), done: z.int(), all: z.int() }),
  status: 200,
  errors: [],
});
export const inboxUpdateItem = defineOperation({
  name: 'inbox.update_item',
  summary: 'Change the text, level, channel, tags, deadline or metadata of an open item',
  method: 'PATCH',
  path: '/api/v1/inbox/items/{id}',
  access: 'signed_in',
  scope: 'inbox:write',
  permission: 'items.write',
  input: z.strictObject({
    id,
    title: title.optional(),
    message: markdown.optional(),
    level: level.optional(),
    priority: priority.optional(),
    tags: tags.optional(),
    metadata: boundedJson(16_384, 'metadata').optional(),
    channel: z.string().max(64).nullable().optional(),
    deadline_at: time.nullable().optional(),
    ttl_ms: ttl.nullable().optional(),
    actions: itemActions.optional(),
  }),
  output: itemView,
  status: 200,
  errors: ['not_found', 'channel_not_found', 'item_closed', 'permission_denied', 'validation_failed'],
  body_limit: 1_048_576,
  mcp: { tool: 'inbox_update', aliases: ['klaxon.update'], title: 'Update an item' },
});
export const inboxDeleteItem = defineOperation({
  name: 'inbox.delete_item',
  summary: 'Delete an item for everybody',
  method: 'DELETE',
  path: '/api/v1/inbox/items/{id}',
  access: 'signed_in',
  scope: 'inbox:write',
  permission: 'items.archive',
  input: byId,
  output: nothing,
  status: 204,
  errors: ['not_found', 'permission_denied'],
});

/* ---------- answering and the life of an item ---------- */

const itemAct = <const N extends string>(
  name: N,
  summary: string,
  verb: string,
  permission: 'items.read' | 'items.write' | 'items.archive',
  errors: readonly ('invalid_transition' | 'item_closed' | 'already_claimed')[] = [],
) =>
  defineOperation({
    name,
    summary,
    method: 'POST',
    path: `/api/v1/inbox/items/{id}/${verb}`,
    access: 'signed_in',
    scope: 'inbox:write',
    permission,
    input: byId,
    output: itemView,
    status: 200,
    errors: ['not_found', ...errors],
  });

export const inboxAnswer = defineOperation({
  name: 'inbox.answer',
  summary: 'Answer a question or decide an approval; the first writer wins',
  method: 'POST',
  path: '/api/v1/inbox/items/{id}/answer',
  access: 'signed_in',
  scope: 'inbox:write',
  permission: 'items.write',
  principals: ['user', 'system'],
  input: z.strictObject({
    id,
    values: values.optional().describe('for forms: field id to value'),
    reply: approvalReply.optional().describe('for approvals'),
  }),
  output: itemView,
  status: 200,
  errors: [
    'not_found',
    'validation_failed',
    'item_closed',
    'four_eyes_required',
    'identity_step_up_required',
    'permission_denied',
  ],
  body_limit: 1_048_576,
});
export const inboxCorrect = defineOperation({
  name: 'inbox.correct',
  summary: 'Replace your own answer within the correction window',
  method: 'POST',
  path: '/api/v1/inbox/items/{id}/correct',
  access: 'signed_in',
  scope: 'inbox:write',
  permission: 'items.write',
  principals: ['user'],
  input: z.strictObject({ id, values: values.optional(), reply: approvalReply.optional() }),
  output: itemView,
  status: 200,
  errors: ['not_found', 'validation_failed', 'correction_closed', 'invalid_transition'],
  body_limit: 1_048_576,
});
export const inboxAck = defineOperation({
  name: 'inbox.ack',
  summary: 'Mark an item as seen by you',
  method: 'POST',
  path: '/api/v1/inbox/items/{id}/ack',
  access: 'signed_in',
  scope: 'inbox:write',
  permission: 'items.read',
  input: byId,
  output: itemView,
  status: 200,
  errors: ['not_found'],
  mcp: { tool: 'inbox_ack', aliases: ['klaxon.ack'], title: 'Acknowledge an item', idempotent: true },
});
export const inboxDismiss = defineOperation({
  name: 'inbox.dismiss',
  summary: 'Close an open item without an answer',
  method: 'POST',
  path: '/api/v1/inbox/items/{id}/dismiss',
  access: 'signed_in',
  scope: 'inbox:write',
  permission: 'items.write',
  input: byId,
  output: itemView,
  status: 200,
  errors: ['not_found', 'item_closed'],
  mcp: { tool: 'inbox_dismiss', aliases: ['klaxon.dismiss'], title: 'Dismiss an item', destructive: true },
});
export const inboxWithdraw = defineOperation({
  name: 'inbox.withdraw',
  summary: 'Take back what you asked',
  method: 'POST',
  path: '/api/v1/inbox/items/{id}/withdraw',
  access: 'signed_in',
  scope: 'inbox:write',
  permission: 'items.write',
  input: z.strictObject({ id, reason: z.string().max(500).optional() }),
  output: itemView,
  status: 200,
  errors: ['not_found', 'item_closed', 'permission_denied'],
  mcp: { tool: 'inbox_withdraw', aliases: ['klaxon.withdraw'], title: 'Withdraw an item', destructive: true },
});
export const inboxSnooze = defineOperation({
  name: 'inbox.snooze',
  summary: 'Hide an item until a time',
  method: 'POST',
  path: '/api/v1/inbox/items/{id}/snooze',
  access: 'signed_in',
  scope: 'inbox:write',
  permission: 'items.write',
  input: z.strictObject({ id, until: time }),
  output: itemView,
  status: 200,
  errors: ['not_found', 'item_closed'],
  mcp: { tool: 'inbox_snooze', aliases: ['klaxon.snooze'], title: 'Snooze an item' },
});
export const inboxUnsnooze = itemAct('inbox.unsnooze', 'Bring a snoozed item back now', 'unsnooze', 'items.write');
export const inboxRestore = itemAct(
  'inbox.restore',
  'Reopen a dismissed, expired or withdrawn item',
  'restore',
  'items.write',
  ['invalid_transition'],
);
export const inboxArchive = itemAct('inbox.archive', 'Archive an item', 'archive', 'items.archive');
export const inboxUnarchive = itemAct(
  'inbox.unarchive',
  'Bring an item back from the archive',
  'unarchive',
  'items.archive',
);
export const inboxPin = itemAct('inbox.pin', 'Pin an item to the top', 'pin', 'items.write');
export const inboxUnpin = itemAct('inbox.unpin', 'Unpin an item', 'unpin', 'items.write');
export const inboxClaim = itemAct(
  'inbox.claim',
  'Say that you are answering; lasts two minutes unless renewed',
  'claim',
  'items.write',
  ['item_closed', 'already_claimed'],
);
export const inboxRelease = itemAct('inbox.release', 'Release your claim', 'release', 'items.write');
export const inboxAssign = defineOperation({
  name: 'inbox.assign',
  summary: 'Make a person responsible, or nobody',
  method: 'POST',
  path: '/api/v1/inbox/items/{id}/assign',
  access: 'signed_in',
  scope: 'inbox:write',
  permission: 'items.write',
  input: z.strictObject({ id, assignee: id.nullable() }),
  output: itemView,
  status: 200,
  errors: ['not_found', 'validation_failed'],
});
export const inboxDelegate = defineOperation({
  name: 'inbox.delegate',
  summary: 'Hand your part in an item to somebody who can see it',
  method: 'POST',
  path: '/api/v1/inbox/items/{id}/delegate',
  access: 'signed_in',
  scope: 'inbox:write',
  permission: 'items.write',
  principals: ['user'],
  input: z.strictObject({ id, to: id, note: z.string().max(1000).optional() }),
  output: itemView,
  status: 200,
  errors: ['not_found', 'validation_failed', 'item_closed'],
});
export const inboxPressAction = defineOperation({
  name: 'inbox.press_action',
  summary: 'Press a button of an item',
  method: 'POST',
  path: '/api/v1/inbox/items/{id}/actions/{action_id}',
  access: 'signed_in',
  scope: 'inbox:write',
  permission: 'items.write',
  input: z.strictObject({
    id,
    action_id: z.string().max(64),
    text: z.string().max(10_000).optional().describe('for reply actions'),
  }),
  output: z.object({
    item: itemView,
    run_tool: z.object({ tool: z.string(), arguments: values }).nullable(),
    http: z.object({ status: z.int(), body: z.string() }).nullable(),
    url: z.string().nullable(),
  }),
  status: 200,
  errors: ['not_found', 'item_closed', 'validation_failed'],
});
export const inboxBulk = defineOperation({
  name: 'inbox.bulk',
  summary: 'Do one thing to up to 200 items',
  method: 'POST',
  path: '/api/v1/inbox/items/bulk',
  access: 'signed_in',
  scope: 'inbox:write',
  permission: 'items.write',
  input: z.strictObject({
    ids: z.array(id).min(1).max(200),
    op: z.enum([
      'ack',
      'dismiss',
      'archive',
      'unarchive',
      'snooze',
      'unsnooze',
      'pin',
      'unpin',
      'assign',
      'add_tags',
      'remove_tags',
      'restore',
      'approve',
    ]),
    args: z
      .strictObject({ until: time.optional(), assignee: id.nullable().optional(), tags: tags.optional() })
      .default({}),
  }),
  output: z.object({
    changed: z.array(id),
    not_found: z.array(id),
    failed: z.array(z.object({ id, code: z.string(), detail: z.string() })),
  }),
  status: 200,
  errors: ['validation_failed', 'permission_denied'],
  idempotency: 'header',
});

/* ---------- below an item ---------- */

export const inboxGetDraft = defineOperation({
  name: 'inbox.get_draft',
  summary: 'Read your saved draft of an answer',
  method: 'GET',
  path: '/api/v1/inbox/items/{id}/draft',
  access: 'signed_in',
  scope: 'inbox:read',
  permission: 'items.read',
  principals: ['user'],
  input: byId,
  output: draftView.nullable(),
  status: 200,
  errors: ['not_found'],
});
export const inboxSaveDraft = defineOperation({
  name: 'inbox.save_draft',
  summary: 'Save your draft of an answer',
  method: 'PUT',
  path: '/api/v1/inbox/items/{id}/draft',
  access: 'signed_in',
  scope: 'inbox:write',
  permission: 'items.write',
  principals: ['user'],
  input: z.strictObject({
    id,
    values: boundedJson(262_144, 'a draft'),
    page: z.string().max(64).nullable().default(null),
  }),
  output: draftView,
  status: 200,
  errors: ['not_found'],
});
export const inboxListComments = defineOperation({
  name: 'inbox.list_comments',
  summary: 'List the comments of an item, oldest first',
  method: 'GET',
  path: '/api/v1/inbox/items/{id}/comments',
  access: 'signed_in',
  scope: 'inbox:read',
  permission: 'items.read',
  input: z.strictObject({ id, ...pageInput }),
  output: page(commentView),
  status: 200,
  errors: ['not_found', 'bad_request'],
});
export const inboxComment = defineOperation({
  name: 'inbox.comment',
  summary: 'Comment on an item; @name mentions who can see it',
  method: 'POST',
  path: '/api/v1/inbox/items/{id}/comments',
  access: 'signed_in',
  scope: 'inbox:write',
  permission: 'items.write',
  input: z.strictObject({ id, body: z.string().trim().min(1).max(10_000), mentions: z.array(id).max(50).default([]) }),
  output: commentView,
  status: 201,
  errors: ['not_found', 'validation_failed'],
  idempotency: 'header',
  mcp: { tool: 'inbox_comment', aliases: ['klaxon.comment'], title: 'Comment on an item' },
});
export const inboxListAttachments = defineOperation({
  name: 'inbox.list_attachments',
  summary: 'List the files of an item',
  method: 'GET',
  path: '/api/v1/inbox/items/{id}/attachments',
  access: 'signed_in',
  scope: 'inbox:read',
  permission: 'items.read',
  input: z.strictObject({ id, ...pageInput }),
  output: page(attachmentView),
  status: 200,
  errors: ['not_found', 'bad_request'],
});
export const inboxAttach = defineOperation({
  name: 'inbox.attach',
  summary: 'Attach a file to an item',
  method: 'POST',
  path: '/api/v1/inbox/items/{id}/attachments',
  access: 'signed_in',
  scope: 'inbox:write',
  permission: 'items.write',
  input: byId,
  output: attachmentView,
  status: 201,
  errors: ['not_found', 'too_large', 'unsupported_type', 'storage_full', 'validation_failed'],
  body: 'multipart',
});
export const inboxDownload = defineOperation({
  name: 'inbox.download_attachment',
  summary: 'Download a file',
  method: 'GET',
  path: '/api/v1/inbox/attachments/{id}',
  access: 'signed_in',
  scope: 'inbox:read',
  permission: 'items.read',
  input: byId,
  output: z.unknown(),
  status: 200,
  errors: ['not_found'],
  answer: 'file',
});
export const inboxDeleteAttachment = defineOperation({
  name: 'inbox.delete_attachment',
  summary: 'Remove a file from its item',
  method: 'DELETE',
  path: '/api/v1/inbox/attachments/{id}',
  access: 'signed_in',
  scope: 'inbox:write',
  permission: 'items.write',
  input: byId,
  output: nothing,
  status: 204,
  errors: ['not_found', 'permission_denied'],
});
export const inboxListWatchers = defineOperation({
  name: 'inbox.list_watchers',
  summary: 'List who follows an item',
  method: 'GET',
  path: '/api/v1/inbox/items/{id}/watchers',
  access: 'signed_in',
  scope: 'inbox:read',
  permission: 'items.read',
  input: z.strictObject({ id, ...pageInput }),
  output: page(actor),
  status: 200,
  errors: ['not_found', 'bad_request'],
});
export const inboxWatch = defineOperation({
  name: 'inbox.watch',
  summary: 'Follow an item, or let somebody who sees it follow',
  method: 'POST',
  path: '/api/v1/inbox/items/{id}/watchers',
  access: 'signed_in',
  scope: 'inbox:write',
  permission: 'items.read',
  input: z.strictObject({ id, user_id: id.optional().describe('default: yourself') }),
  output: nothing,
  status: 204,
  errors: ['not_found', 'validation_failed'],
});
export const inboxUnwatch = defineOperation({
  name: 'inbox.unwatch',
  summary: 'Stop following an item',
  method: 'DELETE',
  path: '/api/v1/inbox/items/{id}/watchers',
  access: 'signed_in',
  scope: 'inbox:write',
  permission: 'items.read',
  input: z.strictObject({ id, user_id: id.optional() }),
  output: nothing,
  status: 204,
  errors: ['not_found'],
});
export const inboxListRelated = defineOperation({
  name: 'inbox.list_related',
  summary: 'List linked items that you can see',
  method: 'GET',
  path: '/api/v1/inbox/items/{id}/related',
  access: 'signed_in',
  scope: 'inbox:read',
  permission: 'items.read',
  input: z.strictObject({ id, ...pageInput }),
  output: page(itemView),
  status: 200,
  errors: ['not_found', 'bad_request'],
});
export const inboxRelate = defineOperation({
  name: 'inbox.relate',
  summary: 'Link two items, on both',
  method: 'POST',
  path: '/api/v1/inbox/items/{id}/related',
  access: 'signed_in',
  scope: 'inbox:write',
  permission: 'items.write',
  input: z.strictObject({ id, other_id: id }),
  output: itemView,
  status: 200,
  errors: ['not_found', 'validation_failed'],
});
export const inboxUnrelate = defineOperation({
  name: 'inbox.unrelate',
  summary: 'Unlink two items, on both',
  method: 'DELETE',
  path: '/api/v1/inbox/items/{id}/related/{other_id}',
  access: 'signed_in',
  scope: 'inbox:write',
  permission: 'items.write',
  input: z.strictObject({ id, other_id: id }),
  output: itemView,
  status: 200,
  errors: ['not_found'],
});
export const inboxHistory = defineOperation({
  name: 'inbox.history',
  summary: 'Show everything that happened to an item',
  method: 'GET',
  path: '/api/v1/inbox/items/{id}/audit',
  access: 'signed_in',
  scope: 'inbox:read',
  permission: 'items.read',
  input: z.strictObject({ id, ...pageInput }),
  output: page(historyEntry),
  status: 200,
  errors: ['not_found', 'bad_request'],
});
export const inboxResponses = defineOperation({
  name: 'inbox.responses',
  summary: 'List the answers of an item, corrections included',
  method: 'GET',
  path: '/api/v1/inbox/items/{id}/responses',
  access: 'signed_in',
  scope: 'inbox:read',
  permission: 'items.read',
  input: z.strictObject({ id, ...pageInput }),
  output: page(responseView),
  status: 200,
  errors: ['not_found', 'bad_request'],
});

/* ---------- channels ---------- */

export const channelsList = defineOperation({
  name: 'channels.list',
  summary: 'List the channels you see',
  method: 'GET',
  path: '/api/v1/inbox/channels',
  access: 'signed_in',
  scope: 'inbox:read',
  permission: 'items.read',
  input: z.strictObject({ q: z.string().max(64).optional(), ...pageInput }),
  output: page(channelView),
  status: 200,
  errors: ['bad_request'],
  mcp: {
    tool: 'inbox_channels',
    aliases: ['klaxon.channels'],
    title: 'List channels',
    read_only: true,
    metered: false,
  },
});
export const channelsCreate = defineOperation({
  name: 'channels.create',
  summary: 'Make a channel',
  method: 'POST',
  path: '/api/v1/inbox/channels',
  access: 'signed_in',
  scope: 'inbox:write',
  permission: 'channels.create',
  input: z.strictObject({
    name: channelName,
    description: z.string().max(500).default(''),
    mode: z.enum(channelModes).default('open'),
    team_id: id.optional(),
    critical: z.boolean().default(false),
    members: z.array(id).max(200).default([]),
  }),
  output: channelView,
  status: 201,
  errors: ['name_taken', 'validation_failed', 'not_found'],
  idempotency: 'header',
});
export const channelsGet = defineOperation({
  name: 'channels.get',
  summary: 'Show a channel',
  method: 'GET',
  path: '/api/v1/inbox/channels/{id}',
  access: 'signed_in',
  scope: 'inbox:read',
  permission: 'items.read',
  input: byId,
  output: channelView,
  status: 200,
  errors: ['not_found'],
});
export const channelsUpdate = defineOperation({
  name: 'channels.update',
  summary: 'Change a channel',
  method: 'PATCH',
  path: '/api/v1/inbox/channels/{id}',
  access: 'signed_in',
  scope: 'inbox:write',
  permission: 'channels.manage',
  input: z.strictObject({
    id,
    name: channelName.optional(),
    description: z.string().max(500).optional(),
    mode: z.enum(channelModes).optional(),
    team_id: id.nullable().optional(),
    critical: z.boolean().optional(),
  }),
  output: channelView,
  status: 200,
  errors: ['not_found', 'name_taken', 'validation_failed'],
});
export const channelsDelete = defineOperation({
  name: 'channels.delete',
  summary: 'Delete a channel; its items are archived and stay with those who saw them',
  method: 'DELETE',
  path: '/api/v1/inbox/channels/{id}',
  access: 'signed_in',
  scope: 'inbox:write',
  permission: 'channels.delete',
  input: byId,
  output: nothing,
  status: 204,
  errors: ['not_found'],
});
export const channelsListMembers = defineOperation({
  name: 'channels.list_members',
  summary: 'List the members of a channel',
  method: 'GET',
  path: '/api/v1/inbox/channels/{id}/members',
  access: 'signed_in',
  scope: 'inbox:read',
  permission: 'items.read',
  input: z.strictObject({ id, ...pageInput }),
  output: page(channelMemberView),
  status: 200,
  errors: ['not_found', 'bad_request'],
});
export const channelsAddMember = defineOperation({
  name: 'channels.add_member',
  summary: 'Add a member to a channel',
  method: 'POST',
  path: '/api/v1/inbox/channels/{id}/members',
  access: 'signed_in',
  scope: 'inbox:write',
  permission: 'channels.manage',
  input: z.strictObject({ id, user_id: id }),
  output: channelMemberView,
  status: 201,
  errors: ['not_found'],
});
export const channelsRemoveMember = defineOperation({
  name: 'channels.remove_member',
  summary: 'Take a member out of a channel, or leave it',
  method: 'DELETE',
  path: '/api/v1/inbox/channels/{id}/members/{user}',
  access: 'signed_in',
  scope: 'inbox:write',
  permission: null,
  input: z.strictObject({ id, user: id }),
  output: nothing,
  status: 204,
  errors: ['not_found', 'permission_denied', 'in_use'],
});
export const channelsGetRules = defineOperation({
  name: 'channels.get_rules',
  summary: 'Read your preferences for a channel',
  method: 'GET',
  path: '/api/v1/inbox/channels/{id}/rules',
  access: 'signed_in',
  scope: 'inbox:read',
  permission: 'items.read',
  principals: ['user'],
  input: byId,
  output: channelRules,
  status: 200,
  errors: ['not_found'],
});
export const channelsUpdateRules = defineOperation({
  name: 'channels.update_rules',
  summary: 'Change your preferences for a channel',
  method: 'PATCH',
  path: '/api/v1/inbox/channels/{id}/rules',
  access: 'signed_in',
  scope: 'inbox:write',
  permission: 'items.read',
  principals: ['user'],
  input: z.strictObject({ id, ...channelRules.partial().shape }),
  output: channelRules,
  status: 200,
  errors: ['not_found'],
});
export const channelsCreatePublishToken = defineOperation({
  name: 'channels.create_publish_token',
  summary: 'Make the one-line publish address of a channel; an older one ends',
  method: 'POST',
  path: '/api/v1/inbox/channels/{id}/publish-token',
  access: 'signed_in',
  scope: 'inbox:write',
  permission: 'channels.manage',
  input: byId,
  output: z.object({ topic_token: z.string(), url: z.string() }),
  status: 201,
  errors: ['not_found'],
  idempotency: 'header',
});
export const channelsRevokePublishToken = defineOperation({
  name: 'channels.revoke_publish_token',
  summary: 'End the publish address of a channel',
  method: 'DELETE',
  path: '/api/v1/inbox/channels/{id}/publish-token',
  access: 'signed_in',
  scope: 'inbox:write',
  permission: 'channels.manage',
  input: byId,
  output: nothing,
  status: 204,
  errors: ['not_found'],
});
export const inboxPublish = defineOperation({
  name: 'inbox.publish',
  summary: 'Publish a notice with one curl line',
  description:
    'The plain body becomes the message; the headers Title, Priority (0-4) and Tags (comma-separated) are accepted.',
  method: 'POST',
  path: '/api/v1/inbox/publish/{topic_token}',
  access: 'public',
  scope: null,
  permission: null,
  input: z.strictObject({ topic_token: z.string().max(100) }),
  output: z.object({ id, status: z.literal('created') }),
  status: 201,
  errors: ['not_found', 'too_large', 'rate_limited', 'validation_failed', 'plan_limit_exceeded'],
  body: 'raw',
  body_limit: 65_536,
});

/* ---------- templates, views, rules, statistics, events ---------- */

const templateName = z.string().trim().min(1).max(100);
export const templatesList = defineOperation({
  name: 'templates.list',
  summary: 'List stored forms',
  method: 'GET',
  path: '/api/v1/inbox/templates',
  access: 'signed_in',
  scope: 'inbox:read',
  permission: 'items.read',
  input: z.strictObject({ q: z.string().max(100).optional(), ...pageInput }),
  output: page(templateView),
  status: 200,
  errors: ['bad_request'],
  mcp: {
    tool: 'inbox_templates',
    aliases: ['klaxon.templates'],
    title: 'List form templates',
    read_only: true,
    metered: false,
  },
});
export const templatesCreate = defineOperation({
  name: 'templates.create',
  summary: 'Store a form under a name',
  method: 'POST',
  path: '/api/v1/inbox/templates',
  access: 'signed_in',
  scope: 'inbox:write',
  permission: 'items.write',
  input: z.strictObject({ name: templateName, description: z.string().max(500).default(''), form: formDocument }),
  output: templateView,
  status: 201,
  errors: ['name_taken', 'validation_failed'],
  idempotency: 'header',
});
export const templatesGet = defineOperation({
  name: 'templates.get',
  summary: 'Show a stored form',
  method: 'GET',
  path: '/api/v1/inbox/templates/{id}',
  access: 'signed_in',
  scope: 'inbox:read',
  permission: 'items.read',
  input: byId,
  output: templateView,
  status: 200,
  errors: ['not_found'],
});
export const templatesUpdate = defineOperation({
  name: 'templates.update',
  summary: 'Change a stored form',
  method: 'PATCH',
  path: '/api/v1/inbox/templates/{id}',
  access: 'signed_in',
  scope: 'inbox:write',
  permission: 'items.write',
  input: z.strictObject({
    id,
    name: templateName.optional(),
    description: z.string().max(500).optional(),
    form: formDocument.optional(),
  }),
  output: templateView,
  status: 200,
  errors: ['not_found', 'name_taken', 'validation_failed'],
});
export const templatesDelete = defineOperation({
  name: 'templates.delete',
  summary: 'Delete a stored form',
  method: 'DELETE',
  path: '/api/v1/inbox/templates/{id}',
  access: 'signed_in',
  scope: 'inbox:write',
  permission: 'items.write',
  input: byId,
  output: nothing,
  status: 204,
  errors: ['not_found'],
});
export const viewsList = defineOperation({
  name: 'views.list',
  summary: 'List your saved views',
  method: 'GET',
  path: '/api/v1/inbox/views',
  access: 'signed_in',
  scope: 'inbox:read',
  permission: 'items.read',
  principals: ['user'],
  input: z.strictObject(pageInput),
  output: page(savedView),
  status: 200,
  errors: ['bad_request'],
});
export const viewsCreate = defineOperation({
  name: 'views.create',
  summary: 'Save a filter under a name',
  method: 'POST',
  path: '/api/v1/inbox/views',
  access: 'signed_in',
  scope: 'inbox:write',
  permission: 'items.read',
  principals: ['user'],
  input: z.strictObject({ name: z.string().trim().min(1).max(100), filter: viewFilter }),
  output: savedView,
  status: 201,
  errors: ['name_taken'],
  idempotency: 'header',
});
export const viewsUpdate = defineOperation({
  name: 'views.update',
  summary: 'Change a saved view',
  method: 'PATCH',
  path: '/api/v1/inbox/views/{id}',
  access: 'signed_in',
  scope: 'inbox:write',
  permission: 'items.read',
  principals: ['user'],
  input: z.strictObject({
    id,
    name: z.string().trim().min(1).max(100).optional(),
    filter: viewFilter.optional(),
    position: z.int().min(0).max(10_000).optional(),
  }),
  output: savedView,
  status: 200,
  errors: ['not_found', 'name_taken'],
});
export const viewsDelete = defineOperation({
  name: 'views.delete',
  summary: 'Delete a saved view',
  method: 'DELETE',
  path: '/api/v1/inbox/views/{id}',
  access: 'signed_in',
  scope: 'inbox:write',
  permission: 'items.read',
  principals: ['user'],
  input: byId,
  output: nothing,
  status: 204,
  errors: ['not_found'],
});
export const alwaysRulesList = defineOperation({
  name: 'always_rules.list',
  summary: 'List the always-allow rules of approvals',
  method: 'GET',
  path: '/api/v1/inbox/always-rules',
  access: 'signed_in',
  scope: 'inbox:read',
  permission: 'items.write',
  principals: ['user'],
  input: z.strictObject(pageInput),
  output: page(alwaysRuleView),
  status: 200,
  errors: ['bad_request'],
});
export const alwaysRulesRevoke = defineOperation({
  name: 'always_rules.revoke',
  summary: 'End an always-allow rule',
  method: 'DELETE',
  path: '/api/v1/inbox/always-rules/{id}',
  access: 'signed_in',
  scope: 'inbox:write',
  permission: 'items.write',
  principals: ['user'],
  input: byId,
  output: nothing,
  status: 204,
  errors: ['not_found'],
});
const tally = z.object({
  id: id.nullable(),
  name: z.string(),
  asked: z.int(),
  answered: z.int(),
  median_answer_s: z.number().nullable(),
});
export const inboxStats = defineOperation({
  name: 'inbox.stats',
  summary: 'Count and time items: by level, day, agent, channel and person',
  method: 'GET',
  path: '/api/v1/inbox/stats',
  access: 'signed_in',
  scope: 'inbox:read',
  permission: 'items.read',
  input: z.strictObject({ days: z.int().min(1).max(366).default(30), time_zone: z.string().max(64).default('UTC') }),
  output: z.object({
    open_by_level: z.record(z.enum(itemLevels), z.int()),
    answered_today: z.int(),
    median_answer_s: z.number().nullable(),
    p90_answer_s: z.number().nullable(),
    per_day: z.array(z.object({ day: z.string(), created: z.int(), answered: z.int(), expired: z.int() })),
    per_agent: z.array(tally),
    per_channel: z.array(tally),
    per_person: z.array(tally),
  }),
  status: 200,
  errors: ['validation_failed'],
});
export const eventsStream = defineOperation({
  name: 'events.stream',
  summary: 'Follow events as server-sent events; Last-Event-ID replays',
  method: 'GET',
  path: '/api/v1/events/stream',
  access: 'signed_in',
  scope: 'inbox:read',
  permission: 'items.read',
  input: z.strictObject({ since: z.int().min(0).optional() }),
  output: z.unknown(),
  status: 200,
  errors: [],
  answer: 'stream',
});
export const eventsList = defineOperation({
  name: 'events.list',
  summary: 'Read past events you may see, oldest first',
  method: 'GET',
  path: '/api/v1/events',
  access: 'signed_in',
  scope: 'inbox:read',
  permission: 'items.read',
  input: z.strictObject({ since: z.int().min(0).default(0), limit: z.int().min(1).max(200).default(50) }),
  output: z.object({
    items: z.array(z.object({ seq: z.int(), org_id: id, kind: z.string(), id, actor, at: time, body: values })),
    next_cursor: z.string().nullable(),
    resync: z.boolean(),
    head: z.int(),
  }),
  status: 200,
  errors: [],
});

/** Bodies of events, by kind. Every `inbox.item.*` body carries the item's status and channel so that lists can be patched. */
export const inboxEventKinds = [
  'inbox.item.created',
  'inbox.item.updated',
  'inbox.item.answered',
  'inbox.item.dismissed',
  'inbox.item.archived',
  'inbox.item.unarchived',
  'inbox.item.viewed',
  'inbox.item.expired',
  'inbox.item.withdrawn',
  'inbox.item.restored',
  'inbox.item.corrected',
  'inbox.item.action',
  'inbox.item.claimed',
  'inbox.item.released',
  'inbox.item.escalated',
  'inbox.item.reminded',
  'inbox.item.snoozed',
  'inbox.item.woken',
  'inbox.item.approved',
  'inbox.item.deleted',
  'inbox.bulk.updated',
  'inbox.comment.created',
  'inbox.attachment.created',
  'inbox.channel.updated',
  'inbox.channel.deleted',
  'inbox.template.updated',
] as const;

export const inboxOperations = [
  inboxNotify,
  inboxAsk,
  inboxCreateItem,
  inboxWait,
  inboxGetItem,
  inboxOutcome,
  inboxListItems,
  inboxCounts,
  inboxUpdateItem,
  inboxDeleteItem,
  inboxAnswer,
  inboxCorrect,
  inboxAck,
  inboxDismiss,
  inboxWithdraw,
  inboxSnooze,
  inboxUnsnooze,
  inboxRestore,
  inboxArchive,
  inboxUnarchive,
  inboxPin,
  inboxUnpin,
  inboxClaim,
  inboxRelease,
  inboxAssign,
  inboxDelegate,
  inboxPressAction,
  inboxBulk,
  inboxGetDraft,
  inboxSaveDraft,
  inboxListComments,
  inboxComment,
  inboxListAttachments,
  inboxAttach,
  inboxDownload,
  inboxDeleteAttachment,
  inboxListWatchers,
  inboxWatch,
  inboxUnwatch,
  inboxListRelated,
  inboxRelate,
  inboxUnrelate,
  inboxHistory,
  inboxResponses,
  channelsList,
  channelsCreate,
  channelsGet,
  channelsUpdate,
  channelsDelete,
  channelsListMembers,
  channelsAddMember,
  channelsRemoveMember,
  channelsGetRules,
  channelsUpdateRules,
  channelsCreatePublishToken,
  channelsRevokePublishToken,
  inboxPublish,
  templatesList,
  templatesCreate,
  templatesGet,
  templatesUpdate,
  templatesDelete,
  viewsList,
  viewsCreate,
  viewsUpdate,
  viewsDelete,
  alwaysRulesList,
  alwaysRulesRevoke,
  inboxStats,
  eventsStream,
  eventsList,
] as const;
