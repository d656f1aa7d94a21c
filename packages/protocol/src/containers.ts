import { z } from 'zod';
import { defineOperation, id, noInput, page, pageInput, time } from './operation.ts';

/* Containers of the engine beside Atrium: how they are, what they write, and what is done with them. */

const slug = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/);
export const containerId = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,299}$/, 'must be an id or a name of a container')
  .describe('as `containers.list` tells it; with Docker a name does as well');
export const containerStates = ['running', 'starting', 'paused', 'stopped', 'failed'] as const;
export const containerHealth = ['healthy', 'unhealthy', 'starting'] as const;
export const containerActions = ['start', 'stop', 'restart'] as const;
export type ContainerAction = (typeof containerActions)[number];
export const containerRuntimes = ['docker', 'kubernetes'] as const;

const containerPort = z.object({
  private: z.int(),
  public: z.int().nullable().describe('null when it is not published'),
  address: z.string().nullable(),
  protocol: z.string(),
});

export const container = z.object({
  id: z.string(),
  name: z.string(),
  image: z.string(),
  state: z.enum(containerStates),
  health: z.enum(containerHealth).nullable().describe('of its own health check; null without one'),
  status: z.string().describe('in the words of the engine'),
  kind: z.enum(['container', 'deployment', 'stateful_set', 'pod']),
  group: z.string().nullable().describe('compose project or namespace'),
  replicas: z.object({ wanted: z.int(), ready: z.int() }).nullable().describe('null for single containers'),
  ports: z.array(containerPort),
  created_at: time.nullable(),
  started_at: time.nullable().describe('null when it does not run, or the engine does not tell in a list'),
  own: z.boolean().describe('Atrium itself runs in it'),
  controllable: z.boolean().describe('can be started, stopped and restarted from here'),
  app: z.object({ slug: z.string(), name: z.string() }).nullable().describe('of your organisation that it runs'),
});
export type Container = z.infer<typeof container>;

export const containerDetails = container.extend({
  command: z.array(z.string()),
  exit_code: z.int().nullable(),
  restarts: z.int(),
  restart_policy: z.string().nullable(),
  environment: z
    .array(z.object({ name: z.string(), value: z.string(), secret: z.boolean() }))
    .describe('values of secrets are masked'),
  labels: z.record(z.string(), z.string()),
  mounts: z.array(
    z.object({
      kind: z.string(),
      source: z.string(),
      target: z.string(),
      read_only: z.boolean(),
    }),
  ),
  networks: z.array(z.object({ name: z.string(), address: z.string().nullable() })),
  limits: z.object({
    memory_bytes: z.int().nullable(),
    cpus: z.number().nullable(),
  }),
});
export type ContainerDetails = z.infer<typeof containerDetails>;

export const containerStats = z.object({
  id: z.string(),
  at: time,
  cpu_percent: z.number().nullable().describe('of one processor; 200 is two of them. null before the second reading'),
  memory_bytes: z.int().nullable().describe('without the cache of files'),
  memory_limit_bytes: z.int().nullable(),
  received_bytes: z.int().nullable().describe('since it was started'),
  sent_bytes: z.int().nullable(),
  read_bytes: z.int().nullable().describe('from disk, since it was started'),
  written_bytes: z.int().nullable(),
  processes: z.int().nullable(),
});
export type ContainerStats = z.infer<typeof containerStats>;

export const logLine = z.object({
  at: time.nullable().describe('null unless `timestamps` asked for it'),
  stream: z.enum(['stdout', 'stderr']),
  text: z.string().describe('at most 16 KiB; what is longer is cut'),
});
export type LogLine = z.infer<typeof logLine>;

export const mostLogLines = 1000;

/** What is asked of a log, on every door. */
export const logWishes = {
  tail: z.int().min(0).max(mostLogLines).default(200).describe('so many of the last lines first'),
  timestamps: z.boolean().default(false),
  since: time.optional().describe('only lines after it'),
};

const looks = {
  access: 'signed_in',
  scope: 'gateway:read',
  permission: 'containers.read',
  operator: true,
} as const;
const acts = {
  access: 'signed_in',
  scope: 'gateway:write',
  permission: 'containers.control',
  operator: true,
} as const;
const filter = {
  q: z.string().trim().max(200).optional().describe('part of a name, image, group or id'),
  state: z.enum(containerStates).optional(),
  group: z.string().trim().max(300).optional().describe('compose project or namespace'),
};
const timeout = z
  .int()
  .min(0)
  .max(300)
  .default(10)
  .describe('seconds that a container gets to end by itself before it is killed');
const away = ['container_runtime_unavailable'] as const;
const byContainer = z.strictObject({ id: containerId });

export const containersStatus = defineOperation({
  ...looks,
  name: 'containers.status',
  summary: 'Tell which engine containers are asked of, and which rights are missing',
  method: 'GET',
  path: '/api/v1/containers/status',
  input: noInput,
  output: z.object({
    runtime: z.enum(containerRuntimes).nullable().describe('null when it is off or none was found'),
    endpoint: z.string().nullable(),
    state: z.enum(['off', 'ready', 'limited', 'unreachable']).describe('limited: rights are missing'),
    can: z.object({ read: z.boolean(), control: z.boolean(), stats: z.boolean(), logs: z.boolean() }),
    missing_rights: z.array(z.string()),
    error: z.string().nullable(),
    hint: z
      .string()
      .nullable()
      .describe('what to do so that it works; what follows a colon and a space is the line to add'),
  }),
  status: 200,
  errors: [],
  mcp: { tool: 'containers_status', title: 'State of the container engine', read_only: true },
});
export const containersList = defineOperation({
  ...looks,
  name: 'containers.list',
  summary: 'List containers, stopped ones as well',
  description: 'Sorted by group and name. With Kubernetes: deployments, stateful sets and pods without either.',
  method: 'GET',
  path: '/api/v1/containers',
  input: z.strictObject({ ...filter, ...pageInput }),
  output: page(container),
  status: 200,
  errors: ['bad_request', ...away],
  mcp: { tool: 'containers_list', title: 'List containers', read_only: true },
});
export const containersGet = defineOperation({
  ...looks,
  name: 'containers.get',
  summary: 'Show a container: image, ports, mounts, limits and environment without its secrets',
  method: 'GET',
  path: '/api/v1/containers/{id}',
  input: byContainer,
  output: containerDetails,
  status: 200,
  errors: ['not_found', ...away],
  mcp: { tool: 'containers_get', title: 'Show a container', read_only: true },
});
export const containersStats = defineOperation({
  ...looks,
  name: 'containers.stats',
  summary: 'Tell what a container uses now',
  method: 'GET',
  path: '/api/v1/containers/{id}/stats',
  input: byContainer,
  output: containerStats,
  status: 200,
  errors: ['not_found', ...away],
  mcp: { tool: 'containers_stats', title: 'Use of a container', read_only: true },
});
export const containersListStats = defineOperation({
  ...looks,
  name: 'containers.list_stats',
  summary: 'Tell what all running containers use now',
  method: 'GET',
  path: '/api/v1/containers/stats',
  input: z.strictObject({ ...pageInput }),
  output: page(containerStats),
  status: 200,
  errors: ['bad_request', ...away],
  mcp: { tool: 'containers_list_stats', title: 'Use of all containers', read_only: true },
});

export const containersStart = defineOperation({
  ...acts,
  name: 'containers.start',
  summary: 'Start a container',
  method: 'POST',
  path: '/api/v1/containers/{id}/start',
  input: byContainer,
  output: container,
  status: 200,
  errors: ['not_found', 'container_action_failed', ...away],
  mcp: { tool: 'containers_start', title: 'Start a container', idempotent: true },
});
export const containersStop = defineOperation({
  ...acts,
  name: 'containers.stop',
  summary: 'Stop a container',
  description: 'Its app counts as unhealthy at once. The container Atrium itself runs in is not stopped from here.',
  method: 'POST',
  path: '/api/v1/containers/{id}/stop',
  input: z.strictObject({ id: containerId, timeout }),
  output: container,
  status: 200,
  errors: ['not_found', 'container_action_failed', ...away],
  mcp: { tool: 'containers_stop', title: 'Stop a container', destructive: true, idempotent: true },
});
export const containersRestart = defineOperation({
  ...acts,
  name: 'containers.restart',
  summary: 'Stop a container and start it again',
  method: 'POST',
  path: '/api/v1/containers/{id}/restart',
  input: z.strictObject({ id: containerId, timeout }),
  output: container,
  status: 200,
  errors: ['not_found', 'container_action_failed', ...away],
  mcp: { tool: 'containers_restart', title: 'Restart a container', destructive: true },
});

export const containerOutcome = z.object({
  id: z.string(),
  name: z.string().nullable(),
  ok: z.boolean(),
  state: z.enum(containerStates).nullable(),
  error: z.object({ code: z.string(), detail: z.string() }).nullable(),
});
export type ContainerOutcome = z.infer<typeof containerOutcome>;
const outcomes = z.object({ done: z.int(), failed: z.int(), results: z.array(containerOutcome) });
const many = z.strictObject({ ...filter, timeout });
const manyErrors = ['bad_request', 'too_many_containers', ...away] as const;

export const containersStartAll = defineOperation({
  ...acts,
  name: 'containers.start_all',
  summary: 'Start all containers that match, 100 at most',
  method: 'POST',
  path: '/api/v1/containers/start-all',
  input: many,
  output: outcomes,
  status: 200,
  errors: manyErrors,
});
export const containersStopAll = defineOperation({
  ...acts,
  name: 'containers.stop_all',
  summary: 'Stop all containers that match, 100 at most; never the one Atrium runs in',
  method: 'POST',
  path: '/api/v1/containers/stop-all',
  input: many,
  output: outcomes,
  status: 200,
  errors: manyErrors,
});
export const containersRestartAll = defineOperation({
  ...acts,
  name: 'containers.restart_all',
  summary: 'Restart all running containers that match, 100 at most; never the one Atrium runs in',
  method: 'POST',
  path: '/api/v1/containers/restart-all',
  input: many,
  output: outcomes,
  status: 200,
  errors: manyErrors,
});
const ids = z.array(containerId).min(1).max(100);
export const containersBatch = defineOperation({
  ...acts,
  name: 'containers.batch',
  summary: 'Start, stop or restart up to 100 containers, and tell how each of them went',
  method: 'POST',
  path: '/api/v1/containers/batch',
  input: z.strictObject({ action: z.enum(containerActions), ids, timeout }),
  output: outcomes,
  status: 200,
  errors: ['bad_request', ...away],
  mcp: { tool: 'containers_batch', title: 'Act on containers', destructive: true },
});

export const containersLogs = defineOperation({
  ...looks,
  name: 'containers.logs',
  summary: 'Read the last lines that a container wrote',
  method: 'GET',
  path: '/api/v1/containers/{id}/logs',
  input: z.strictObject({ id: containerId, ...logWishes }),
  output: z.object({ lines: z.array(logLine) }),
  status: 200,
  errors: ['not_found', ...away],
  mcp: { tool: 'containers_logs', title: 'Log of a container', read_only: true },
});
export const containersFollowLogs = defineOperation({
  ...looks,
  name: 'containers.follow_logs',
  summary: 'Follow what a container writes, as server-sent events',
  description:
    'Events: `line` (a line), `skipped` ({"lines": n} that a slow reader missed), `paused` (it stopped writing or the engine broke off; the stream goes on when it is back), `end` ({"reason"}). It survives restarts of the container.',
  method: 'POST',
  path: '/api/v1/containers/{id}/logs',
  input: z.strictObject({ id: containerId, ...logWishes, follow: z.boolean().default(true) }),
  output: logLine,
  status: 200,
  answer: 'stream',
  errors: ['not_found', 'too_many_waits', ...away],
});

const exportWishes = {
  volumes: z.boolean().default(true).describe('with volumes and bind mounts'),
  networks: z.boolean().default(true).describe('with networks'),
};
const secretWish = z
  .boolean()
  .default(false)
  .describe('write the values of secrets to `.env`; needs the permission containers.control and is audited');
const preview = z.object({
  compose: z.string(),
  env: z.string().describe('names of secrets, without values'),
  warnings: z.array(z.string()),
});
export const containersExport = defineOperation({
  ...looks,
  name: 'containers.export',
  summary: 'Write a container as a compose file; `zip` has its `.env` beside it',
  method: 'POST',
  path: '/api/v1/containers/{id}/export',
  input: z.strictObject({
    id: containerId,
    format: z.enum(['yaml', 'zip']).default('yaml'),
    ...exportWishes,
    secrets: secretWish,
  }),
  output: z.string(),
  status: 200,
  answer: 'file',
  errors: ['not_found', 'permission_denied', ...away],
});
export const containersPreviewExport = defineOperation({
  ...looks,
  name: 'containers.preview_export',
  summary: 'Show the compose file of a container, with what would not survive the move',
  method: 'GET',
  path: '/api/v1/containers/{id}/export/preview',
  input: z.strictObject({ id: containerId, ...exportWishes }),
  output: preview,
  status: 200,
  errors: ['not_found', ...away],
});
export const containersExportMany = defineOperation({
  ...looks,
  name: 'containers.export_many',
  summary: 'Write up to 100 containers as one compose file',
  method: 'POST',
  path: '/api/v1/containers/batch/export',
  input: z.strictObject({
    ids,
    format: z.enum(['yaml', 'zip']).default('zip'),
    ...exportWishes,
    secrets: secretWish,
  }),
  output: z.string(),
  status: 200,
  answer: 'file',
  errors: ['not_found', 'permission_denied', ...away],
});
export const containersPreviewMany = defineOperation({
  ...looks,
  name: 'containers.preview_many',
  summary: 'Show the compose file of up to 100 containers',
  method: 'POST',
  path: '/api/v1/containers/batch/export/preview',
  input: z.strictObject({ ids, ...exportWishes }),
  output: preview,
  status: 200,
  errors: ['not_found', ...away],
});

/** What people who may open an app learn of what it runs in. */
export const appContainer = z.object({
  app_slug: z.string(),
  route_id: id,
  container: z.object({
    id: z.string(),
    name: z.string(),
    image: z.string(),
    state: z.enum(containerStates),
    health: z.enum(containerHealth).nullable(),
    started_at: time.nullable(),
    controllable: z.boolean().describe('by you'),
  }),
  stats: containerStats.nullable(),
});
export type AppContainer = z.infer<typeof appContainer>;
const opens = { access: 'signed_in', scope: 'gateway:read', permission: 'apps.open' } as const;
export const appsContainers = defineOperation({
  ...opens,
  name: 'apps.list_containers',
  summary: 'List the containers behind the apps you may open',
  method: 'GET',
  path: '/api/v1/app-containers',
  input: z.strictObject({ ...pageInput }),
  output: page(appContainer),
  status: 200,
  errors: ['bad_request'],
});
export const appsContainer = defineOperation({
  ...opens,
  name: 'apps.container',
  summary: 'Tell how the container behind an app is, and what it uses',
  method: 'GET',
  path: '/api/v1/apps/{slug}/container',
  input: z.strictObject({ slug }),
  output: z.object({ items: z.array(appContainer).describe('one for each route that names a container') }),
  status: 200,
  errors: ['not_found', ...away],
  mcp: { tool: 'apps_container', title: 'Container of an app', read_only: true },
});

export const containersOperations = [
  containersStatus,
  containersList,
  containersListStats,
  containersGet,
  containersStats,
  containersStart,
  containersStop,
  containersRestart,
  containersStartAll,
  containersStopAll,
  containersRestartAll,
  containersBatch,
  containersLogs,
  containersFollowLogs,
  containersExport,
  containersPreviewExport,
  containersExportMany,
  containersPreviewMany,
  appsContainers,
  appsContainer,
] as const;
