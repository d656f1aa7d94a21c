import { z } from 'zod';
import { gatewayStats } from './gateway.ts';
import { actor, defineOperation, id, noInput, nothing, page, pageInput, time } from './operation.ts';

/* How the house is at a glance: figures, what happened, who is connected, what the machine has left. */

const views = { access: 'signed_in', scope: 'gateway:read', permission: 'gateway.view' } as const;

const { targets } = gatewayStats.output.shape;
const quick = {
  apps: z.int(),
  routes: z.int(),
  targets,
  proposals_pending: z.int(),
  devices: z.object({ total: z.int(), online: z.int() }),
};

export const statsQuick = defineOperation({
  ...views,
  name: 'stats.quick',
  summary: 'Count apps, routes, devices and services that wait',
  method: 'GET',
  path: '/api/v1/stats/quick',
  input: noInput,
  output: z.object(quick),
  status: 200,
  errors: [],
  mcp: { tool: 'stats_quick', title: 'Figures at a glance', read_only: true },
});

export const activityEntry = z.object({
  seq: z.int(),
  kind: z.string(),
  id: z.string().describe('of the subject'),
  actor,
  at: time,
  body: z.record(z.string(), z.unknown()),
});
export const gatewayActivity = defineOperation({
  ...views,
  name: 'gateway.activity',
  summary: 'List what happened to apps, devices and services, newest first',
  description: 'Of the event log, which holds about a day; of each kind only what you may see.',
  method: 'GET',
  path: '/api/v1/gateway/activity',
  input: z.strictObject({ kind: z.string().max(100).optional().describe('the beginning of a kind'), ...pageInput }),
  output: page(activityEntry),
  status: 200,
  errors: ['bad_request'],
  mcp: { tool: 'gateway_activity', title: 'Recent activity', read_only: true },
});

export const componentHealth = z.object({
  name: z.enum(['storage', 'jobs', 'events', 'proxy', 'memory', 'disk', 'backups']),
  status: z.enum(['ok', 'warning', 'failing']),
  detail: z.string(),
});
export const gatewayDashboard = defineOperation({
  ...views,
  name: 'gateway.dashboard',
  summary: 'Everything for a first look: figures, traffic of today, health of the parts, the last activity',
  method: 'GET',
  path: '/api/v1/gateway/dashboard',
  input: noInput,
  output: z.object({
    ...quick,
    sockets: z.int().describe('of this organisation, on this process'),
    today: z.object({
      requests: z.int(),
      errors: z.int(),
      bytes_in: z.number(),
      bytes_out: z.number(),
      mean_ms: z.number(),
    }),
    components: z.array(componentHealth),
    activity: z.array(activityEntry).describe('the last ten'),
  }),
  status: 200,
  errors: [],
  mcp: { tool: 'gateway_dashboard', title: 'The house at a glance', read_only: true },
});

export const systemResources = defineOperation({
  ...views,
  name: 'system.resources',
  summary: 'Tell what the machine has and uses: processors, memory, disk, network, database',
  method: 'GET',
  path: '/api/v1/system/resources',
  input: noInput,
  output: z.object({
    cpu: z.object({ cores: z.int(), percent: z.number(), load_1m: z.number() }),
    memory: z.object({ total: z.number(), used: z.number(), process: z.number() }),
    disk: z.object({ total: z.number(), used: z.number(), percent: z.number() }),
    network: z.object({ received: z.number(), sent: z.number() }).nullable().describe('bytes since the machine began'),
    database: z.object({ size: z.number(), connections: z.int() }),
    uptime_s: z.int(),
    measured_at: time,
  }),
  status: 200,
  errors: [],
  mcp: { tool: 'system_resources', title: 'Resources of the machine', read_only: true },
});

export const gatewaySockets = defineOperation({
  ...views,
  permission: 'devices.manage',
  name: 'gateway.list_sockets',
  summary: 'List open sockets of the organisation on this process',
  method: 'GET',
  path: '/api/v1/gateway/sockets',
  input: z.strictObject(pageInput),
  output: page(
    z.object({
      id,
      principal: actor,
      address: z.string().nullable(),
      user_agent: z.string().nullable(),
      opened_at: time,
    }),
  ),
  status: 200,
  errors: ['bad_request'],
});
export const gatewayCloseSocket = defineOperation({
  access: 'signed_in',
  scope: 'gateway:write',
  permission: 'devices.manage',
  name: 'gateway.close_socket',
  summary: 'Close an open socket; its client may come back',
  method: 'DELETE',
  path: '/api/v1/gateway/sockets/{id}',
  input: z.strictObject({ id }),
  output: nothing,
  status: 204,
  errors: ['not_found'],
});

export const overviewOperations = [
  statsQuick,
  gatewayActivity,
  gatewayDashboard,
  systemResources,
  gatewaySockets,
  gatewayCloseSocket,
] as const;
