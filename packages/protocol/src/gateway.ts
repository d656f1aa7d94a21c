import { z } from 'zod';
import { actor, byId, defineOperation, id, noInput, nothing, page, pageInput, time } from './operation.ts';

/* Apps and the routes that lead to them: what people open, where it runs, and who may. */

const line = z.string().regex(/^[^\p{Cc}]*$/u, 'must not contain control characters');
const slug = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be 1 to 64 letters, digits, hyphens or underscores')
  .describe('unique on the server, because all organisations share its origin');
const label = /^(?!-)[a-z0-9-]{1,63}(?<!-)$/;
const isHostName = (text: string): boolean => {
  const labels = text.split('.');
  const rest = labels[0] === '*' ? labels.slice(1) : labels;
  return text.length <= 253 && rest.length > 0 && rest.every((part) => label.test(part));
};
export const routeHost = z
  .string()
  .transform((text) => text.toLowerCase().replace(/\.$/, ''))
  .refine(isHostName, 'must be a host name, or `*.` and a host name')
  .describe('without port; a first label of `*` stands for one label');
const pathBase = z
  .string()
  .max(500)
  .regex(/^\/[^\s?#\\%]*$/, 'must be a path without query, escapes and backslashes')
  .refine((path) => !path.split('/').some((part) => part === '.' || part === '..'), 'must not have dot segments')
  .describe('with a slash at the end everything below it; without one itself and what follows a slash');
const targetUrl = z
  .url()
  .max(2000)
  .refine(
    (text) => /^(?:https?|h2c|tcp|udp):/i.test(text),
    'must be an http, https or h2c URL, or tcp or udp for a stream',
  )
  // Other schemes may stand before names that are none.
  .refine((text) => URL.canParse(text.replace(/^(?:h2c|tcp|udp):/i, 'http:')), 'must name a host')
  .refine((text) => !URL.canParse(text) || !/[?#]/.test(text), 'must have neither query nor fragment')
  .refine(
    (text) => !/^(?:tcp|udp):/i.test(text) || /^[a-z]+:\/\/(?:\[[0-9a-f:.]+\]|[A-Za-z0-9._-]+):\d{1,5}\/?$/i.test(text),
    'must be a host and a port, as in tcp://192.168.1.7:5432',
  )
  .refine(
    (text) => !URL.canParse(text) || (new URL(text).username === '' && new URL(text).password === ''),
    'must not carry a password; use `upstream_auth`',
  )
  .describe('http, https, or h2c for HTTP/2 without TLS');
const milliseconds = z.int().min(0).max(86_400_000).describe('milliseconds; 0 = none');
const countryCode = z
  .string()
  .transform((text) => text.toUpperCase())
  .refine((text) => /^[A-Z]{2}$/.test(text), 'must be a code of two letters, as in ISO 3166');
const cidr = z.union([z.cidrv4(), z.cidrv6(), z.ipv4(), z.ipv6()]);
const headerName = z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/, 'must be a header name');
const headerValue = z
  .string()
  .max(4000)
  .regex(/^[^\r\n\0]*$/, 'must be one line');

export const routeKinds = ['http', 'redirect', 'not_found', 'stream'] as const;
export const streamProtocols = ['tcp', 'udp'] as const;
export const routeModes = ['path', 'host', 'both'] as const;
export const routeAccess = ['public', 'signed_in', 'scopes', 'people', 'share'] as const;
export const routeSources = ['ui', 'file', 'label', 'http', 'federation'] as const;
export const routeStrategies = ['round_robin', 'least_requests', 'sticky'] as const;

export const routeTarget = z.strictObject({ url: targetUrl, weight: z.int().min(0).max(1000).default(1) });
export type RouteTarget = z.output<typeof routeTarget>;

/** Who may open a route whose access is `people`; one match is enough. */
export const routePeople = z.strictObject({
  user_ids: z.array(id).max(200).default([]),
  team_ids: z.array(id).max(200).default([]),
  role_ids: z.array(id).max(50).default([]),
});

export const routeTimeouts = z
  .strictObject({
    connect: milliseconds.optional().describe('default 5,000; 10,000 for a WebSocket'),
    head: milliseconds.optional().describe('from the end of the request to the head of the answer; default 120,000'),
    body_idle: milliseconds.optional().describe('without a byte of the answer; default 75,000, none for event streams'),
    client_idle: milliseconds
      .optional()
      .describe('without the client sending or taking a byte; default 75,000 and 120,000'),
  })
  .describe('only clocks of silence, never of the whole');

export const routeHealth = z.strictObject({
  skip: z.boolean().default(false),
  path: pathBase.default('/'),
  interval_ms: z.int().min(1000).max(3_600_000).default(10_000),
  timeout_ms: z.int().min(100).max(60_000).default(5000),
  unhealthy_after: z.int().min(1).max(100).default(2).describe('failures in a row'),
  healthy_codes: z.array(z.int().min(100).max(599)).max(100).default([]).describe('beside 200 to 399, 401 and 403'),
});

/** What a route of kind `stream` listens for. Nobody signs in to a port, so only operators write one. */
export const routeStream = z.strictObject({
  protocol: z.enum(streamProtocols),
  port: z.int().min(1).max(65_535).describe('of this server; opened for this route alone'),
  names: z
    .array(routeHost)
    .max(50)
    .default([])
    .describe('for TLS that is passed through unopened: the names that clients ask for; none takes what is left'),
  proxy_protocol: z.boolean().default(false).describe('tells the target the address of the client, in version 2; TCP'),
  max_connections: z.int().min(1).max(100_000).default(1000).describe('at once; of UDP, clients'),
  max_per_address: z.int().min(0).max(100_000).default(100).describe('the same from one address; 0 = no limit'),
  idle_ms: milliseconds
    .optional()
    .describe('without a byte in either direction; default 3,600,000, and 60,000 for UDP, which needs one'),
});
export type RouteStream = z.output<typeof routeStream>;

export const routeFilter = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('ip_allow'), cidrs: z.array(cidr).min(1).max(200) }),
  z.strictObject({
    kind: z.literal('rate'),
    requests: z.int().min(1).max(1_000_000),
    window_s: z.int().min(1).max(86_400).default(60),
    by: z.enum(['address', 'principal']).default('address'),
  }),
  z.strictObject({
    kind: z.literal('headers'),
    request: z.record(headerName, headerValue.nullable()).default({}).describe('set for the app; null removes'),
    response: z.record(headerName, headerValue.nullable()).default({}).describe('set for the client; null removes'),
  }),
  z.strictObject({
    kind: z.literal('redirect'),
    from: z.string().min(1).max(500).describe('a path below the route; `*` at the end stands for any rest'),
    to: z.string().min(1).max(2000).describe('a path or URL; `*` takes the rest'),
    status: z.union([z.literal(301), z.literal(302), z.literal(307), z.literal(308)]).default(308),
  }),
  z.strictObject({
    kind: z.literal('basic_auth'),
    users: z
      .array(
        z.strictObject({
          name: line.min(1).max(100),
          password: z.string().min(8).max(200).optional(),
          password_set: z.boolean().optional(),
        }),
      )
      .min(1)
      .max(100)
      .describe('passwords are kept as argon2id hashes and never answered; left out, the one of that name stays'),
  }),
  z.strictObject({
    kind: z.literal('circuit'),
    min_requests: z.int().min(1).max(10_000).default(20).describe('before it may open'),
    error_percent: z.int().min(1).max(100).default(50).describe('failures and answers of 500 and above'),
    window_s: z.int().min(1).max(3600).default(30),
    open_s: z.int().min(1).max(3600).default(30).describe('until one request is tried again'),
  }),
  z.strictObject({
    kind: z.literal('mirror'),
    url: targetUrl.describe('gets copies of requests; what it answers goes nowhere'),
    percent: z.int().min(1).max(100).default(100),
    max_body: z.int().min(0).max(1_048_576).default(65_536).describe('bytes; larger requests are not copied'),
  }),
  z.strictObject({
    kind: z.literal('geoblock'),
    mode: z.enum(['allow', 'deny']),
    countries: z.array(countryCode).min(1).max(250),
    unknown: z
      .enum(['allow', 'deny'])
      .default('deny')
      .describe('addresses that the database does not place, such as those of a local network'),
  }),
  z.strictObject({ kind: z.literal('retry'), attempts: z.int().min(0).max(3).default(1) }),
  z.strictObject({
    kind: z.literal('cors_preflight'),
    allow: z.literal(true).default(true).describe('preflights reach the app without a sign-in'),
  }),
]);
export type RouteFilter = z.output<typeof routeFilter>;

export const upstreamAuth = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('strip') }),
  z
    .strictObject({ kind: z.literal('pass') })
    .describe("the client's own header; tokens of Atrium are removed even then"),
  z.strictObject({ kind: z.literal('basic'), user: line.max(200), password: z.string().max(1000).optional() }),
  z.strictObject({ kind: z.literal('bearer'), token: z.string().max(8000).optional() }),
]);
export const upstreamTls = z.strictObject({
  verify: z.boolean().default(true),
  ca: z.string().max(100_000).nullable().default(null).describe('PEM'),
  server_name: z.string().max(253).nullable().default(null),
});

/** Fields of an app that a person writes. */
const appFields = {
  slug,
  name: line.trim().min(1).max(100),
  icon: line.trim().min(1).max(500).describe('an emoji, or the name of a shipped icon, or an https URL'),
  tags: z.array(line.trim().min(1).max(50)).max(20),
  group: line.trim().max(100).nullable(),
  description: line.trim().max(500),
  position: z.int().min(0).max(100_000),
};

/** Fields of a route that a person writes, without their defaults. */
export const routeFields = {
  slug,
  kind: z.enum(routeKinds),
  stream: routeStream.nullable().describe('for kind stream'),
  mode: z.enum(routeModes),
  path_base: pathBase.nullable().describe('for modes path and both; default `/apps/<slug>/`'),
  hosts: z.array(routeHost).max(20).describe('for modes host and both; default `<slug>.<gateway.base_domain>`'),
  host_path: pathBase.describe('the part of the host that the route takes'),
  targets: z.array(routeTarget).max(50).describe('one at least for kind http'),
  strategy: z.enum(routeStrategies),
  redirect_to: z.string().max(2000).nullable().describe('for kind redirect'),
  container_ref: z
    .string()
    .max(200)
    .nullable()
    .describe('id in the container runtime, so that a container that moved is followed'),
  access: z.enum(routeAccess),
  people: routePeople,
  scopes: z
    .array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,100}$/))
    .max(20)
    .describe('all are required'),
  trusted: z.boolean().describe('a path route over plain HTTP beyond loopback needs the tick of an operator'),
  websockets: z.boolean(),
  strip_prefix: z.boolean(),
  rewrite: z.boolean().describe('change addresses in pages so that they work below the path'),
  exclude_paths: z
    .array(z.string().min(1).max(500))
    .max(100)
    .describe('globs of paths whose answers are never rewritten'),
  rewrite_cookie_paths: z.boolean(),
  strip_response_cookies: z.boolean(),
  persist_cookies: z.boolean().describe('keep cookies of the app here, for each person apart'),
  health: routeHealth,
  timeouts: routeTimeouts,
  max_body: z.int().min(0).describe('bytes; 0 = no limit'),
  buffering: z
    .boolean()
    .describe('take bodies as fast as they come and hand them on as fast as the other side takes them'),
  compress: z.boolean().describe('answers that the app sends uncompressed'),
  cache: z.boolean().describe('as Cache-Control allows; for each principal apart unless the answer is public'),
  cache_stale_if_error_s: z
    .int()
    .min(0)
    .max(2_592_000)
    .describe('seconds for which an answer that is no longer fresh stands in while the app fails; 0 = only as it says'),
  preserve_host: z.boolean(),
  upstream_auth: upstreamAuth,
  upstream_tls: upstreamTls,
  filters: z.array(routeFilter).max(20),
  recipe: z.string().max(64).nullable(),
};
const { slug: routeSlug, ...changeable } = routeFields;
type Changeable = typeof changeable;
const optional = Object.fromEntries(
  Object.entries(changeable).map(([key, shape]) => [key, (shape as z.ZodType).optional()]),
) as { [K in keyof Changeable]: z.ZodOptional<Changeable[K]> };

export const routeDefaults = {
  kind: 'http',
  stream: null,
  hosts: [],
  host_path: '/',
  targets: [],
  strategy: 'round_robin',
  redirect_to: null,
  container_ref: null,
  access: 'signed_in',
  people: { user_ids: [], team_ids: [], role_ids: [] },
  trusted: false,
  websockets: true,
  strip_prefix: true,
  exclude_paths: [],
  rewrite_cookie_paths: true,
  strip_response_cookies: false,
  persist_cookies: false,
  timeouts: {},
  max_body: 0,
  buffering: false,
  compress: false,
  cache: false,
  cache_stale_if_error_s: 0,
  preserve_host: true,
  upstream_auth: { kind: 'strip' },
  upstream_tls: { verify: true, ca: null, server_name: null },
  filters: [],
  recipe: null,
} as const;

export const healthStates = ['healthy', 'unhealthy', 'unknown'] as const;
export const targetHealth = z.object({
  url: z.string(),
  status: z.enum(healthStates),
  consecutive_failures: z.int(),
  consecutive_successes: z.int(),
  last_error: z.string().nullable(),
  latency_ms: z.number().nullable(),
  checked_at: time.nullable(),
  changed_at: time.nullable(),
});

export const routeView = z.object({
  id,
  app_id: id,
  app_slug: z.string(),
  app_name: z.string(),
  ...routeFields,
  source: z.enum(routeSources),
  locked: z.string().nullable().describe('where it is kept, when that is not here; such a route is changed there'),
  status: z.enum(healthStates),
  addresses: z.array(z.string()).describe('where people open it'),
  warnings: z.array(z.string()).describe('such as a target whose certificate is not verified'),
  version: z.int(),
  created_at: time,
  updated_at: time,
});
export type RouteView = z.infer<typeof routeView>;

export const appView = z.object({
  id,
  ...appFields,
  source: z.enum(routeSources),
  routes: z.array(
    z.object({
      id,
      slug: z.string(),
      mode: z.enum(routeModes),
      access: z.enum(routeAccess),
      status: z.enum(healthStates),
      address: z.string().nullable().describe('where to open it'),
      listens: z.string().nullable().describe('where programs connect, for a stream'),
      shares_origin: z.boolean().describe('it runs at the origin of the dashboard'),
    }),
  ),
  status: z.enum(healthStates),
  latency_ms: z.number().nullable().describe('of the last check, the fastest target of all routes'),
  pinned: z.boolean(),
  version: z.int(),
  created_at: time,
  updated_at: time,
});
export type AppView = z.infer<typeof appView>;

const version = z
  .int()
  .min(1)
  .optional()
  .describe('the version that was read; 412 `gateway_route_stale` when it changed meanwhile');
const opens = { access: 'signed_in', scope: 'gateway:read', permission: 'apps.open' } as const;
const reads = { access: 'signed_in', scope: 'gateway:read', permission: 'routes.read' } as const;
const writes = { access: 'signed_in', scope: 'gateway:write', permission: 'routes.write' } as const;
const views = { access: 'signed_in', scope: 'gateway:read', permission: 'gateway.view' } as const;

/* ---------- apps ---------- */

export const appsList = defineOperation({
  ...opens,
  name: 'apps.list',
  summary: 'List the apps you may open',
  description: 'Sorted by group, position and name. What you may not open is not in it.',
  method: 'GET',
  path: '/api/v1/apps',
  input: z.strictObject({
    q: line.trim().max(200).optional().describe('part of a name, description or tag'),
    tag: line.trim().max(50).optional(),
    group: line.trim().max(100).optional(),
    ...pageInput,
  }),
  output: page(appView),
  status: 200,
  errors: ['bad_request'],
  mcp: { tool: 'apps_list', title: 'List apps', read_only: true },
});
export const appsGet = defineOperation({
  ...opens,
  name: 'apps.get',
  summary: 'Show an app you may open',
  method: 'GET',
  path: '/api/v1/apps/{slug}',
  input: z.strictObject({ slug }),
  output: appView,
  status: 200,
  errors: ['not_found'],
  mcp: { tool: 'apps_get', title: 'Show an app', read_only: true },
});
export const appsHealth = defineOperation({
  ...opens,
  name: 'apps.health',
  summary: 'Tell how the targets of an app are',
  method: 'GET',
  path: '/api/v1/apps/{slug}/health',
  input: z.strictObject({ slug }),
  output: z.object({ status: z.enum(healthStates), targets: z.array(targetHealth.extend({ route_id: id })) }),
  status: 200,
  errors: ['not_found'],
  mcp: { tool: 'apps_health', title: 'Health of an app', read_only: true },
});
export const appsPin = defineOperation({
  ...opens,
  scope: 'gateway:write',
  name: 'apps.pin',
  summary: 'Put an app first in your launcher, or take it from there',
  method: 'PUT',
  path: '/api/v1/apps/{slug}/pin',
  input: z.strictObject({ slug, pinned: z.boolean() }),
  output: z.object({ pinned: z.boolean() }),
  status: 200,
  errors: ['not_found'],
});
export const appsCreate = defineOperation({
  ...writes,
  name: 'apps.create',
  summary: 'Add an app, with its first route when one is given',
  method: 'POST',
  path: '/api/v1/apps',
  input: z.strictObject({
    slug: appFields.slug,
    name: appFields.name.optional().describe('default: the slug'),
    icon: appFields.icon.default('📦'),
    tags: appFields.tags.default([]),
    group: appFields.group.default(null),
    description: appFields.description.default(''),
    position: appFields.position.default(0),
    route: z
      .strictObject({
        slug: routeSlug.optional().describe('default: the slug of the app'),
        ...optional,
      })
      .optional(),
  }),
  output: appView,
  status: 201,
  errors: ['name_taken', 'gateway_route_conflict', 'gateway_target_refused', 'operator_required', 'validation_failed'],
  idempotency: 'header',
  mcp: { tool: 'apps_create', title: 'Add an app' },
});
export const appsUpdate = defineOperation({
  ...writes,
  name: 'apps.update',
  summary: 'Change an app',
  method: 'PATCH',
  path: '/api/v1/apps/{slug}',
  input: z.strictObject({
    slug,
    name: appFields.name.optional(),
    icon: appFields.icon.optional(),
    tags: appFields.tags.optional(),
    group: appFields.group.optional(),
    description: appFields.description.optional(),
    position: appFields.position.optional(),
    version,
  }),
  output: appView,
  status: 200,
  errors: ['not_found', 'gateway_route_stale', 'gateway_route_locked'],
  if_match: true,
});
export const appsDelete = defineOperation({
  ...writes,
  name: 'apps.delete',
  summary: 'Delete an app and its routes',
  method: 'DELETE',
  path: '/api/v1/apps/{slug}',
  input: z.strictObject({ slug }),
  output: nothing,
  status: 204,
  errors: ['not_found', 'gateway_route_locked'],
  mcp: { tool: 'apps_delete', title: 'Delete an app', destructive: true },
});

/* ---------- routes ---------- */

export const routesList = defineOperation({
  ...reads,
  name: 'routes.list',
  summary: 'List routes of the organisation',
  method: 'GET',
  path: '/api/v1/routes',
  input: z.strictObject({
    q: line.trim().max(200).optional().describe('part of a slug, host, path or target'),
    app_id: id.optional(),
    source: z.enum(routeSources).optional(),
    status: z.enum(healthStates).optional(),
    ...pageInput,
  }),
  output: page(routeView),
  status: 200,
  errors: ['bad_request'],
  mcp: { tool: 'routes_list', title: 'List routes', read_only: true },
});
export const routesGet = defineOperation({
  ...reads,
  name: 'routes.get',
  summary: 'Show a route',
  method: 'GET',
  path: '/api/v1/routes/{id}',
  input: byId,
  output: routeView,
  status: 200,
  errors: ['not_found'],
  if_match: true,
  mcp: { tool: 'routes_get', title: 'Show a route', read_only: true },
});
export const routesCreate = defineOperation({
  ...writes,
  name: 'routes.create',
  summary: 'Add a route to an app',
  description: 'What is left out takes its default. Targets on private addresses need an operator.',
  method: 'POST',
  path: '/api/v1/routes',
  input: z.strictObject({ app_id: id, slug: routeSlug, ...optional }),
  output: routeView,
  status: 201,
  errors: [
    'not_found',
    'name_taken',
    'gateway_route_conflict',
    'gateway_target_refused',
    'operator_required',
    'validation_failed',
  ],
  idempotency: 'header',
  mcp: { tool: 'routes_create', title: 'Add a route' },
});
export const routesReplace = defineOperation({
  ...writes,
  name: 'routes.replace',
  summary: 'Replace a route as a whole',
  description: 'Every field must be there; to change a few, use PATCH.',
  method: 'PUT',
  path: '/api/v1/routes/{id}',
  input: z.strictObject({ id, ...routeFields, version }),
  output: routeView,
  status: 200,
  errors: [
    'not_found',
    'name_taken',
    'gateway_route_conflict',
    'gateway_route_stale',
    'gateway_route_locked',
    'gateway_target_refused',
    'operator_required',
    'validation_failed',
  ],
  if_match: true,
});
export const routesUpdate = defineOperation({
  ...writes,
  name: 'routes.update',
  summary: 'Change the named fields of a route',
  method: 'PATCH',
  path: '/api/v1/routes/{id}',
  input: z.strictObject({ id, slug: routeSlug.optional(), ...optional, version }),
  output: routeView,
  status: 200,
  errors: [
    'not_found',
    'name_taken',
    'gateway_route_conflict',
    'gateway_route_stale',
    'gateway_route_locked',
    'gateway_target_refused',
    'operator_required',
    'validation_failed',
  ],
  if_match: true,
  mcp: { tool: 'routes_update', title: 'Change a route' },
});
export const routesDelete = defineOperation({
  ...writes,
  name: 'routes.delete',
  summary: 'Delete a route; what runs through it ends within the drain time',
  method: 'DELETE',
  path: '/api/v1/routes/{id}',
  input: byId,
  output: nothing,
  status: 204,
  errors: ['not_found', 'gateway_route_locked'],
  mcp: { tool: 'routes_delete', title: 'Delete a route', destructive: true },
});

export const gateVerdicts = ['allow', 'sign_in', 'unauthorized', 'insufficient_scope', 'not_found', 'refused'] as const;
export const routeTrial = z.object({
  route: z.object({ id, slug: z.string() }).nullable().describe('null when no route takes this address'),
  verdict: z.enum(gateVerdicts),
  reason: z.string().describe('in words'),
  required_scopes: z.array(z.string()),
  target: z.string().nullable().describe('the URL that would be asked'),
  request_headers: z.array(z.tuple([z.string(), z.string()])).describe('as the app would get them; secrets masked'),
});
export const routesTest = defineOperation({
  ...reads,
  name: 'routes.test',
  summary: 'Tell what would happen to a request, without making it',
  method: 'POST',
  path: '/api/v1/routes/test',
  input: z.strictObject({
    method: z
      .string()
      .regex(/^[A-Z]{1,20}$/)
      .default('GET'),
    url: z.url().max(4000),
    as: id.optional().describe('a member, agent or device of the organisation; default you. Needs routes.write'),
  }),
  output: routeTrial,
  status: 200,
  errors: ['not_found', 'validation_failed', 'permission_denied'],
  mcp: { tool: 'routes_test', title: 'Test a route', read_only: true },
});
export const routesDrain = defineOperation({
  ...writes,
  name: 'routes.drain',
  summary: 'End what runs through a route, within the seconds given',
  method: 'POST',
  path: '/api/v1/routes/{id}/drain',
  input: z.strictObject({ id, within_s: z.int().min(0).max(3600).default(30) }),
  output: z.object({ running: z.int().describe('requests and tunnels of this process that were told to end') }),
  status: 200,
  errors: ['not_found'],
});

export const routesPurgeCache = defineOperation({
  ...writes,
  name: 'routes.purge_cache',
  summary: 'Forget the answers that are kept of a route',
  description: 'In all processes of the server; `removed` counts those of the one that was asked.',
  method: 'POST',
  path: '/api/v1/routes/{id}/purge-cache',
  input: z.strictObject({
    id,
    path: z
      .string()
      .min(1)
      .max(2000)
      .regex(/^\//, 'must begin with a slash')
      .optional()
      .describe('as the client asks for it, below the route; `*` at the end stands for any rest. Default: all'),
  }),
  output: z.object({ removed: z.int() }),
  status: 200,
  errors: ['not_found'],
});

/* ---------- share links ---------- */

export const shareKinds = ['link', 'pin', 'passcode'] as const;
export const routeShare = z.object({
  id,
  route_id: id,
  name: z.string(),
  kind: z.enum(shareKinds),
  uses: z.int(),
  max_uses: z.int().nullable(),
  expires_at: time,
  created_by: actor,
  created_at: time,
  revoked_at: time.nullable(),
});
export const sharesList = defineOperation({
  ...reads,
  name: 'routes.list_shares',
  summary: 'List share links of a route',
  method: 'GET',
  path: '/api/v1/routes/{id}/shares',
  input: z.strictObject({ id, ...pageInput }),
  output: page(routeShare),
  status: 200,
  errors: ['not_found'],
});
export const sharesCreate = defineOperation({
  ...writes,
  name: 'routes.share',
  summary: 'Make a link that opens one route to whoever has it',
  method: 'POST',
  path: '/api/v1/routes/{id}/shares',
  input: z.strictObject({
    id,
    name: line.trim().max(100).default(''),
    kind: z.enum(shareKinds).default('link'),
    secret: z.string().min(4).max(100).optional().describe('the PIN (4 to 12 digits) or passcode; made when left out'),
    max_uses: z.int().min(1).max(100_000).nullable().default(null),
    expires_in: z.int().min(60).max(31_536_000).describe('seconds'),
  }),
  output: routeShare.extend({
    url: z.string().describe('shown once'),
    secret: z.string().nullable().describe('shown once'),
  }),
  status: 201,
  errors: ['not_found', 'validation_failed'],
  idempotency: 'header',
});
export const sharesRevoke = defineOperation({
  ...writes,
  name: 'routes.revoke_share',
  summary: 'End a share link and what was opened with it',
  method: 'DELETE',
  path: '/api/v1/routes/{id}/shares/{share_id}',
  input: z.strictObject({ id, share_id: id }),
  output: nothing,
  status: 204,
  errors: ['not_found'],
});

/* ---------- configuration and its history ---------- */

export const configVersion = z.object({
  number: z.int(),
  digest: z.string(),
  source: z.enum(['file', 'api', 'rollback']),
  result: z.enum(['applied', 'rejected']),
  problems: z.array(z.string()),
  waiting_for_restart: z.array(z.string()).describe('keys whose new value counts after a restart'),
  actor,
  at: time,
});
export const configVersionsList = defineOperation({
  ...views,
  permission: 'routes.write',
  name: 'gateway.list_versions',
  summary: 'List versions of apps and routes, newest first',
  method: 'GET',
  path: '/api/v1/gateway/config/versions',
  input: z.strictObject({ ...pageInput }),
  output: page(configVersion),
  status: 200,
  errors: ['bad_request'],
});
const versionNumber = z.strictObject({ number: z.int().min(1) });
export const configVersionsDiff = defineOperation({
  ...views,
  permission: 'routes.write',
  name: 'gateway.diff_version',
  summary: 'Show what a version changed, or how it differs from now',
  method: 'GET',
  path: '/api/v1/gateway/config/versions/{number}/diff',
  input: versionNumber.extend({ against: z.enum(['previous', 'now']).default('previous') }),
  output: z.object({
    changes: z.array(
      z.object({ path: z.string().describe('`routes.notes.targets`'), before: z.unknown(), after: z.unknown() }),
    ),
  }),
  status: 200,
  errors: ['not_found'],
});
export const configVersionsRollback = defineOperation({
  ...writes,
  name: 'gateway.rollback',
  summary: 'Make apps and routes what they were in a version',
  description: 'What a file or label keeps stays as it is there. Rolling back is a new version.',
  method: 'POST',
  path: '/api/v1/gateway/config/versions/{number}/rollback',
  input: versionNumber,
  output: configVersion,
  status: 200,
  errors: ['not_found', 'gateway_route_conflict', 'gateway_target_refused', 'operator_required', 'validation_failed'],
});
export const gatewayDryRun = defineOperation({
  ...writes,
  name: 'gateway.dry_run',
  summary: 'Check apps and routes in the form of atrium.yaml, and show what they would change',
  method: 'POST',
  path: '/api/v1/routes/dry-run',
  input: z.strictObject({
    document: z.string().min(1).max(1_000_000).describe('YAML or JSON with `apps` and `routes`'),
  }),
  output: z.object({
    valid: z.boolean(),
    problems: z.array(z.object({ path: z.string(), message: z.string() })),
    changes: z.array(z.object({ path: z.string(), before: z.unknown(), after: z.unknown() })),
  }),
  status: 200,
  errors: ['validation_failed'],
});
export const gatewayExport = defineOperation({
  ...views,
  permission: 'routes.write',
  name: 'gateway.export',
  summary: 'Write apps and routes as a document for atrium.yaml, secrets masked',
  method: 'GET',
  path: '/api/v1/gateway/config/export',
  input: noInput,
  output: z.object({ document: z.string() }),
  status: 200,
  errors: [],
});

/* ---------- what goes through ---------- */

export const accessLine = z.object({
  id: z.string().describe('request id'),
  at: time,
  app: z.string().nullable(),
  route_id: id.nullable(),
  principal: actor.nullable(),
  address: z.string().describe('of the client'),
  method: z.string(),
  host: z.string(),
  path: z.string().describe('without query'),
  status: z.int().describe('499 when the client went away'),
  outcome: z.string().describe('ok, or the label of what went wrong'),
  bytes_in: z.int(),
  bytes_out: z.int(),
  duration_ms: z.number(),
  target: z.string().nullable(),
});
export const accessLog = defineOperation({
  ...views,
  name: 'gateway.access_log',
  summary: 'List the newest requests that went through the gateway',
  description: 'Of the last ten thousand of this server process, newest first.',
  method: 'GET',
  path: '/api/v1/gateway/access-log',
  input: z.strictObject({
    app: slug.optional(),
    status: z.enum(['2xx', '3xx', '4xx', '5xx']).optional(),
    principal_id: id.optional(),
    q: line.trim().max(200).optional().describe('part of a path'),
    ...pageInput,
  }),
  output: page(accessLine),
  status: 200,
  errors: ['bad_request'],
  mcp: { tool: 'gateway_access_log', title: 'Access log', read_only: true },
});
export const accessTail = defineOperation({
  ...views,
  name: 'gateway.access_tail',
  summary: 'Follow requests as server-sent events while they end',
  description: 'Each event `line` carries what `gateway.access_log` lists, and the request id as its id.',
  method: 'GET',
  path: '/api/v1/gateway/access-log/stream',
  input: z.strictObject({ app: slug.optional() }),
  output: z.unknown(),
  status: 200,
  errors: ['too_many_waits'],
  answer: 'stream',
});
export const gatewayStats = defineOperation({
  ...views,
  name: 'gateway.stats',
  summary: 'Sum up requests by app and principal over days',
  method: 'GET',
  path: '/api/v1/gateway/stats',
  input: z.strictObject({ days: z.int().min(1).max(90).default(7), app: slug.optional() }),
  output: z.object({
    apps: z.int(),
    routes: z.int(),
    targets: z.object({ healthy: z.int(), unhealthy: z.int(), unknown: z.int() }),
    proposals_pending: z.int(),
    days: z.array(
      z.object({
        day: z.iso.date(),
        app: z.string(),
        principal: actor.nullable().describe('null for strangers on public routes'),
        requests: z.int(),
        errors: z.int(),
        bytes_in: z.number(),
        bytes_out: z.number(),
        mean_ms: z.number(),
      }),
    ),
  }),
  status: 200,
  errors: ['bad_request'],
  mcp: { tool: 'gateway_stats', title: 'Figures of the gateway', read_only: true },
});
export const gatewayInfo = defineOperation({
  ...views,
  name: 'gateway.info',
  summary: 'Tell the settings of the gateway and what a host name must point to',
  method: 'GET',
  path: '/api/v1/gateway/info',
  input: noInput,
  output: z.object({
    base_domain: z.string().nullable(),
    default_mode: z.enum(routeModes),
    own_hosts: z.array(z.string()),
    config_file: z.string().nullable().describe('for operators'),
    waiting_for_restart: z.array(z.string()),
  }),
  status: 200,
  errors: [],
});

/* ---------- cookies of apps that are kept for a person ---------- */

export const appCookiesList = defineOperation({
  access: 'signed_in',
  scope: 'account:read',
  permission: null,
  name: 'app_cookies.list',
  summary: 'List for which apps cookies are kept for you',
  method: 'GET',
  path: '/api/v1/me/app-cookies',
  input: z.strictObject({ ...pageInput }),
  output: page(z.object({ app: z.string(), name: z.string(), path: z.string(), expires_at: time.nullable() })),
  status: 200,
  errors: ['bad_request'],
});
export const appCookiesDelete = defineOperation({
  access: 'signed_in',
  scope: 'account:write',
  permission: null,
  name: 'app_cookies.delete',
  summary: 'Forget the cookies that are kept for you, of one app or all',
  method: 'DELETE',
  path: '/api/v1/me/app-cookies',
  input: z.strictObject({ app: slug.optional() }),
  output: z.object({ deleted: z.int() }),
  status: 200,
  errors: [],
});

/* ---------- apps and routes as a document ---------- */

/** What `apps[]` and `routes[]` of atrium.yaml, a file of `gateway.d` and an export hold. */
export const gatewayDocument = z.strictObject({
  apps: z
    .array(
      z.strictObject({
        slug: appFields.slug,
        name: appFields.name,
        icon: appFields.icon.default('📦'),
        tags: appFields.tags.default([]),
        group: appFields.group.default(null),
        description: appFields.description.default(''),
        position: appFields.position.default(0),
      }),
    )
    .max(2000)
    .default([]),
  routes: z
    .array(
      z.strictObject({
        slug: routeSlug,
        app: slug.optional().describe('slug of the app; default that of the route'),
        ...optional,
      }),
    )
    .max(2000)
    .default([]),
});
export type GatewayDocument = z.output<typeof gatewayDocument>;

/** Each list holds the operations of one part of the module that have their handlers. */
export const gatewayOperations = [
  appsList,
  appsGet,
  appsHealth,
  appsPin,
  appsCreate,
  appsUpdate,
  appsDelete,
  routesList,
  routesGet,
  routesCreate,
  routesReplace,
  routesUpdate,
  routesDelete,
  routesTest,
  routesDrain,
  routesPurgeCache,
  sharesList,
  sharesCreate,
  sharesRevoke,
  configVersionsList,
  configVersionsDiff,
  configVersionsRollback,
  gatewayDryRun,
  gatewayExport,
  accessLog,
  accessTail,
  gatewayStats,
  gatewayInfo,
  appCookiesList,
  appCookiesDelete,
] as const;
