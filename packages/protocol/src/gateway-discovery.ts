import { z } from 'zod';
import { appView } from './gateway.ts';
import { actor, defineOperation, id, noInput, page, pageInput, time } from './operation.ts';

/* Services that were found, and what a person said to each. */

export const discoverySources = ['docker', 'kubernetes', 'mdns', 'file', 'http', 'federation'] as const;
export const proposalStates = ['pending', 'approved', 'dismissed'] as const;

export const proposal = z.object({
  id,
  source: z.enum(discoverySources),
  fingerprint: z.string().describe('stays when the container is made anew'),
  state: z.enum(proposalStates),
  name: z.string(),
  detected: z
    .object({ scheme: z.enum(['http', 'https']), host: z.string(), port: z.int() })
    .describe('where this server reaches it; the port may be another one than the service itself knows'),
  available_ports: z
    .array(z.int())
    .describe('of the service, that answered HTTP; the first is the one that was chosen'),
  confidence: z.number().min(0).max(1),
  reasons: z.array(z.object({ reason: z.string(), adds: z.number() })).describe('what the confidence is made of'),
  suggested_app: z.object({
    slug: z.string(),
    name: z.string(),
    icon: z.string(),
    tags: z.array(z.string()),
    group: z.string().nullable(),
    description: z.string(),
  }),
  suggested_route: z
    .record(z.string(), z.unknown())
    .describe('fields of `routes.create`, as labels, hints and the recipe want them'),
  security_notes: z.array(z.object({ severity: z.enum(['critical', 'warning', 'info']), note: z.string() })),
  explicit: z.boolean().describe('its label says `enable=true`'),
  gone: z.boolean().describe('not seen for a day, or said goodbye'),
  first_seen_at: time,
  last_seen_at: time,
  decided_by: actor.nullable(),
  decided_at: time.nullable(),
  app_slug: z.string().nullable().describe('of the app that approving made'),
});
export type Proposal = z.infer<typeof proposal>;

const decides = { access: 'signed_in', scope: 'gateway:write', permission: 'discovery.decide' } as const;
const looks = { access: 'signed_in', scope: 'gateway:read', permission: 'discovery.decide' } as const;

export const proposalsList = defineOperation({
  ...looks,
  name: 'discovery.list_proposals',
  summary: 'List services that were found, most certain first',
  method: 'GET',
  path: '/api/v1/discovery/proposals',
  input: z.strictObject({
    state: z.enum(proposalStates).default('pending'),
    source: z.enum(discoverySources).optional(),
    q: z.string().trim().max(200).optional(),
    ...pageInput,
  }),
  output: page(proposal),
  status: 200,
  errors: ['bad_request'],
  mcp: { tool: 'discovery_list_proposals', title: 'List found services', read_only: true },
});
export const proposalsGet = defineOperation({
  ...looks,
  name: 'discovery.get_proposal',
  summary: 'Show a service that was found',
  method: 'GET',
  path: '/api/v1/discovery/proposals/{id}',
  input: z.strictObject({ id }),
  output: proposal,
  status: 200,
  errors: ['not_found'],
});
export const proposalsApprove = defineOperation({
  ...decides,
  name: 'discovery.approve',
  summary: 'Make an app and a route of a service that was found',
  method: 'POST',
  path: '/api/v1/discovery/proposals/{id}/approve',
  input: z.strictObject({
    id,
    port: z.int().min(1).max(65535).optional().describe('one of `available_ports`'),
    app: z
      .strictObject({
        slug: z
          .string()
          .regex(/^[A-Za-z0-9_-]{1,64}$/)
          .optional(),
        name: z.string().trim().min(1).max(100).optional(),
        icon: z.string().trim().min(1).max(500).optional(),
        tags: z.array(z.string().trim().min(1).max(50)).max(20).optional(),
        group: z.string().trim().max(100).nullable().optional(),
        description: z.string().trim().max(500).optional(),
      })
      .optional(),
    route: z
      .record(z.string(), z.unknown())
      .optional()
      .describe('fields of `routes.create` that win over the suggestion'),
  }),
  output: z.object({ proposal, app: appView }),
  status: 200,
  errors: [
    'not_found',
    'discovery_already_decided',
    'name_taken',
    'gateway_route_conflict',
    'gateway_target_refused',
    'validation_failed',
    'operator_required',
  ],
  mcp: { tool: 'discovery_approve', title: 'Approve a found service' },
});
export const proposalsDismiss = defineOperation({
  ...decides,
  name: 'discovery.dismiss',
  summary: 'Say that a service that was found is not wanted',
  description: 'It stays away until somebody brings it back.',
  method: 'POST',
  path: '/api/v1/discovery/proposals/{id}/dismiss',
  input: z.strictObject({ id }),
  output: proposal,
  status: 200,
  errors: ['not_found', 'discovery_already_decided'],
  mcp: { tool: 'discovery_dismiss', title: 'Dismiss a found service' },
});
export const discoveryRestore = defineOperation({
  ...decides,
  name: 'discovery.restore',
  summary: 'Bring a dismissed service back among the open ones',
  method: 'POST',
  path: '/api/v1/discovery/proposals/{id}/restore',
  input: z.strictObject({ id }),
  output: proposal,
  status: 200,
  errors: ['not_found', 'discovery_already_decided'],
});
export const discoveryRescan = defineOperation({
  ...decides,
  name: 'discovery.rescan',
  summary: 'Ask every provider anew',
  method: 'POST',
  path: '/api/v1/discovery/rescan',
  input: z.strictObject({ restore_dismissed: z.boolean().default(false) }),
  output: z.object({ providers: z.array(z.string()), restored: z.int() }),
  status: 200,
  errors: ['rate_limited'],
  mcp: { tool: 'discovery_rescan', title: 'Look for services again' },
});
export const discoveryStatus = defineOperation({
  ...looks,
  name: 'discovery.status',
  summary: 'Tell how each provider of services is doing',
  method: 'GET',
  path: '/api/v1/discovery/status',
  input: noInput,
  output: z.object({
    enabled: z.boolean(),
    providers: z.array(
      z.object({
        name: z.string(),
        kind: z.enum(discoverySources),
        state: z.enum(['off', 'connecting', 'running', 'retrying']),
        endpoint: z.string().nullable(),
        last_event_at: time.nullable(),
        last_error: z.string().nullable(),
        failures: z.int().describe('in a row'),
        next_attempt_at: time.nullable(),
        missing_rights: z.array(z.string()),
        hint: z
          .string()
          .nullable()
          .describe('what to do so that it works; what follows a colon and a space is the line to add'),
      }),
    ),
  }),
  status: 200,
  errors: [],
  mcp: { tool: 'discovery_status', title: 'State of discovery', read_only: true },
});

export const discoveryOperations = [
  proposalsList,
  proposalsGet,
  proposalsApprove,
  proposalsDismiss,
  discoveryRestore,
  discoveryRescan,
  discoveryStatus,
] as const;
