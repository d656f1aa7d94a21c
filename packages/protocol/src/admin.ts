import { z } from 'zod';
import { actor, defineOperation, id, noInput, page, pageInput, time } from './operation.ts';

export const auditView = z.object({
  id,
  seq: z.int().describe('position in the hash chain of the organisation'),
  at: time,
  actor,
  action: z.string(),
  target_type: z.string().nullable(),
  target_id: z.string().nullable(),
  item_id: id.nullable(),
  item_title: z.string().nullable().describe('as the item is called now; the trail itself keeps no titles'),
  details: z.record(z.string(), z.unknown()),
  ip: z.string().nullable(),
  user_agent: z.string().nullable(),
  trace_id: z.string().nullable(),
  request_id: z.string().nullable(),
  hash: z.string(),
});
// PostgreSQL cannot take U+0000.
const text = z.string().regex(/^[^\0]*$/, 'must not contain U+0000');
const auditFilter = {
  action: text.max(100).optional().describe('exact, or a prefix ending in .*'),
  actor: id.optional(),
  item: id.optional(),
  target: text.max(200).optional(),
  from: time.optional(),
  until: time.optional(),
  q: text.trim().max(200).optional(),
};
export const auditList = defineOperation({
  name: 'audit.list',
  summary: 'List the audit trail, newest first',
  method: 'GET',
  path: '/api/v1/audit',
  access: 'signed_in',
  scope: 'org:admin',
  permission: 'audit.read',
  input: z.strictObject({ ...auditFilter, ...pageInput }),
  output: page(auditView),
  status: 200,
  errors: ['bad_request'],
});
export const auditExport = defineOperation({
  name: 'audit.export',
  summary: 'Export the audit trail as CSV or NDJSON',
  method: 'GET',
  path: '/api/v1/audit/export',
  access: 'signed_in',
  scope: 'org:admin',
  permission: 'audit.read',
  input: z.strictObject({ ...auditFilter, format: z.enum(['csv', 'ndjson']).default('csv') }),
  output: z.unknown(),
  status: 200,
  errors: [],
  answer: 'file',
});
export const auditVerify = defineOperation({
  name: 'audit.verify',
  summary: 'Check the hash chain of the audit trail',
  method: 'GET',
  path: '/api/v1/audit/verify',
  access: 'signed_in',
  scope: 'org:admin',
  permission: 'audit.read',
  input: noInput,
  output: z.object({
    intact: z.boolean(),
    checked: z.int(),
    first_broken: z.object({ seq: z.int(), id: id.nullable(), reason: z.string() }).nullable(),
    checkpoint: z.object({ seq: z.int(), at: time }).nullable(),
  }),
  status: 200,
  errors: [],
});
export const settingsGet = defineOperation({
  name: 'settings.get',
  summary: 'Read the settings of the organisation',
  method: 'GET',
  path: '/api/v1/settings',
  access: 'signed_in',
  scope: 'org:read',
  permission: 'items.read',
  input: noInput,
  output: z.object({ settings: z.record(z.string(), z.unknown()), defaults: z.record(z.string(), z.unknown()) }),
  status: 200,
  errors: [],
});
export const settingsUpdate = defineOperation({
  name: 'settings.update',
  summary: 'Change settings of the organisation; null brings the default back',
  method: 'PATCH',
  path: '/api/v1/settings',
  access: 'signed_in',
  scope: 'org:admin',
  permission: 'org.manage',
  input: z.strictObject({ settings: z.record(z.string(), z.unknown()) }),
  output: z.object({ settings: z.record(z.string(), z.unknown()), defaults: z.record(z.string(), z.unknown()) }),
  status: 200,
  errors: ['validation_failed'],
});

/** Events of other systems join the stream under this prefix. */
export const externalEventPrefix = 'external.';

const eventBody = z
  .record(z.string().max(100), z.unknown())
  .refine((body) => JSON.stringify(body).length <= 32_000, 'must not be longer than 32,000 bytes as JSON');

export const eventsIngest = defineOperation({
  name: 'events.ingest',
  summary: 'Bring in an event of a system outside; it joins the stream as `external.<kind>`',
  description:
    'For programs. The Idempotency-Key header is required: the same key brings the event in once, on every replica.',
  method: 'POST',
  path: '/api/v1/events/ingest',
  access: 'signed_in',
  scope: 'events:write',
  permission: 'webhooks.manage',
  input: z.strictObject({
    kind: z
      .string()
      .regex(/^[a-z0-9_-]{1,40}(\.[a-z0-9_-]{1,40}){0,4}$/, 'must be lowercase words joined by dots')
      .describe('what happened, for example build.failed'),
    subject_id: id.optional().describe('what it happened to; made up when left out'),
    at: time.optional().describe('when it happened, by the clock of the producer'),
    body: eventBody.default({}),
  }),
  output: z.object({ id, kind: z.string() }),
  status: 201,
  errors: ['bad_request'],
  idempotency: 'header',
});

export const eventsHealth = defineOperation({
  name: 'events.health',
  summary: 'Tell a producer whether events are taken at the moment',
  method: 'GET',
  path: '/api/v1/events/health',
  access: 'signed_in',
  scope: 'events:write',
  permission: 'webhooks.manage',
  input: noInput,
  output: z.object({
    status: z.enum(['ok', 'late']).describe('late: events are taken, but reach listeners with a delay'),
    cursor: z.int().describe('seq of the newest event of the organisation'),
  }),
  status: 200,
  errors: [],
});

export const adminOperations = [
  auditList,
  auditExport,
  auditVerify,
  settingsGet,
  settingsUpdate,
  eventsIngest,
  eventsHealth,
] as const;
