import { z } from 'zod';
import { actor, byId, defineOperation, id, nothing, page, pageInput, time } from './operation.ts';

/* MCP servers behind this one: registered once, their tools offered at /mcp under names of their own. */

export const toolTransports = ['http', 'stdio'] as const;
export const toolServerAuths = ['none', 'headers', 'oauth_person', 'oauth_org'] as const;
export const toolServerStates = ['new', 'ok', 'failing', 'sign_in_needed', 'off'] as const;
export const toolPolicies = ['allow', 'ask', 'deny'] as const;
export const toolDefinitionStates = ['new', 'changed', 'approved', 'gone'] as const;
export const toolCallStates = [
  'waiting',
  'approved',
  'running',
  'succeeded',
  'failed',
  'refused',
  'denied',
  'expired',
  'cancelled',
  'timeout',
  'interrupted',
] as const;

export const toolLimits = {
  servers: 100,
  /** Of one server; further ones are left out. */
  tools: 500,
  definition_bytes: 65_536,
  arguments_bytes: 1_048_576,
  wait_s: 600,
  result_bytes: 8_388_608,
} as const;

const line = z.string().regex(/^[^\p{Cc}]*$/u, 'must not contain control characters');
const name = line.trim().min(1).max(100);
const slug = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9-]{0,22}[a-z0-9])?$/, 'must be 1 to 24 small letters, digits and hyphens')
  .describe('name space: tools are offered as `<slug>__<tool>`');
const alias = z
  .string()
  .regex(/^[A-Za-z0-9._-]{1,64}$/, 'must be 1 to 64 letters, digits, dots, underscores and hyphens')
  .refine((text) => !text.includes('__'), 'must not contain two underscores in a row')
  .describe('name of the tool after the name space, instead of its own');
const policy = z.enum(toolPolicies);
const variable = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, 'must be a name of a variable: letters, digits and underscores');
const headerName = z.string().regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$/, 'must be a name of a header');
const headerValue = z.string().regex(/^[\x20-\x7e]{1,4096}$/, 'must be printable ASCII');
const few = (given: object) => Object.keys(given).length <= 50;

const fields = {
  name,
  description: z.string().trim().max(2000),
  url: z
    .url({ protocol: /^https?$/ })
    .max(2000)
    .describe('of the MCP endpoint; needed for http'),
  allow_private: z.boolean().describe('the address may be one that is not public; only operators may set it'),
  command: line.trim().min(1).max(1000).describe('program to start; needed for stdio. No shell reads it'),
  args: z.array(z.string().max(4000)).max(100),
  env: z
    .record(variable, z.string().max(16_384))
    .refine(few, 'must have at most 50 members')
    .describe('the whole environment of the program beside PATH, HOME and LANG; kept encrypted, never shown again'),
  auth: z
    .enum(toolServerAuths)
    .describe('`oauth_person`: each person signs in there for themselves and for their agents; `oauth_org`: once'),
  headers: z
    .record(headerName, headerValue)
    .refine(few, 'must have at most 50 members')
    .describe('sent with each request, for `auth: headers`; kept encrypted, never shown again'),
  enabled: z.boolean(),
  default_policy: policy.describe('of tools that have none of their own'),
  approver_id: id
    .nullable()
    .describe('the person who is asked; without one whoever calls, or the owner of the agent that calls'),
  timeout_s: z.int().min(1).max(3600),
  max_result_bytes: z.int().min(1024).max(toolLimits.result_bytes).describe('what is longer is cut, with a note'),
  idle_s: z.int().min(5).max(86_400).describe('a session that nobody uses for so long is closed'),
  keep_arguments: z.boolean().describe('keeps the arguments of calls in their audit rows'),
  pass_resources: z.boolean().describe('offers its resources at /mcp'),
  pass_prompts: z.boolean().describe('offers its prompts at /mcp'),
};

export const toolServer = z.object({
  id,
  slug: z.string(),
  name: z.string(),
  description: z.string(),
  transport: z.enum(toolTransports),
  url: z.string().nullable(),
  allow_private: z.boolean(),
  command: z.string().nullable(),
  args: z.array(z.string()).nullable().describe('shown to operators only'),
  env_names: z.array(z.string()),
  header_names: z.array(z.string()),
  auth: z.enum(toolServerAuths),
  enabled: z.boolean(),
  default_policy: policy,
  approver_id: id.nullable(),
  timeout_s: z.int(),
  max_result_bytes: z.int(),
  idle_s: z.int(),
  keep_arguments: z.boolean(),
  pass_resources: z.boolean(),
  pass_prompts: z.boolean(),
  state: z.enum(toolServerStates),
  last_error: z.string().nullable(),
  stderr_tail: z.string().nullable().describe('last lines of its program; shown to those who may manage tools'),
  server_name: z.string().nullable().describe('as it calls itself'),
  server_version: z.string().nullable(),
  protocol_version: z.string().nullable(),
  seen_at: time.nullable(),
  next_attempt_at: time.nullable().describe('of a failing one'),
  connected: z.boolean().describe('with OAuth: you, or the organisation, have signed in there'),
  tools: z.object({ approved: z.int(), held: z.int(), gone: z.int() }),
  version: z.int(),
  created_by: actor,
  created_at: time,
  updated_at: time,
});
export type ToolServer = z.infer<typeof toolServer>;

export const toolDefinition = z.object({
  name: z.string(),
  title: z.string().optional(),
  description: z.string().optional(),
  inputSchema: z.record(z.string(), z.unknown()),
  outputSchema: z.record(z.string(), z.unknown()).optional(),
  annotations: z.record(z.string(), z.unknown()).optional(),
});
export type ToolDefinition = z.infer<typeof toolDefinition>;

const rolePolicy = z.strictObject({
  role: z.string().min(1).max(100).describe('name of a system role, or id of a role'),
  policy,
});

export const tool = z.object({
  id,
  server_id: id,
  server_slug: z.string(),
  name: z.string().describe('as the server calls it'),
  offered_as: z.string().describe('its name at /mcp and in tools.call'),
  alias: z.string().nullable(),
  description_override: z.string().nullable(),
  state: z
    .enum(toolDefinitionStates)
    .describe('only approved tools can be called: a new or changed definition is held until a person approves it'),
  listed: z.boolean().describe('is on the allow-list'),
  policy: policy.nullable().describe('null: that of the server'),
  role_policies: z.array(rolePolicy),
  your_policy: policy.describe('what a call of yours meets'),
  description: z.string(),
  read_only: z.boolean(),
  destructive: z.boolean(),
  fingerprint: z.string().nullable().describe('SHA-256 of the approved definition'),
  found_fingerprint: z.string().nullable().describe('of the one that the server has now'),
  found_at: time,
  approved_at: time.nullable(),
  approved_by: actor.nullable(),
  version: z.int(),
});
export type ToolRow = z.infer<typeof tool>;

export const toolDetail = z.object({
  ...tool.shape,
  definition: toolDefinition.nullable().describe('the approved one'),
  found: toolDefinition.nullable().describe('what the server has now'),
});
export type ToolDetail = z.infer<typeof toolDetail>;

export const toolCallRow = z.object({
  id,
  server_id: id.nullable(),
  server_slug: z.string(),
  tool_id: id.nullable(),
  tool: z.string().describe('as it is offered'),
  fingerprint: z.string().nullable(),
  state: z.enum(toolCallStates),
  reason: z.string().nullable(),
  detail: z.string().nullable(),
  policy: policy,
  approver_id: id.nullable(),
  by: actor,
  door: z.string(),
  argument_bytes: z.int(),
  arguments: z.record(z.string(), z.unknown()).nullable().describe('only where the server has `keep_arguments`'),
  result_bytes: z.number().nullable(),
  cut: z.boolean(),
  duration_ms: z.int().nullable(),
  created_at: time,
  started_at: time.nullable(),
  ended_at: time.nullable(),
});
export type ToolCallRow = z.infer<typeof toolCallRow>;

const toolResult = z.object({
  call: toolCallRow,
  result: z
    .object({
      content: z.array(z.record(z.string(), z.unknown())),
      structured_content: z.record(z.string(), z.unknown()).nullable(),
      is_error: z.boolean(),
    })
    .nullable()
    .describe('null while it waits or runs, and when there was none'),
});
export type ToolResultView = z.infer<typeof toolResult>;

const reads = { access: 'signed_in', scope: 'tools:read', permission: 'tools.use' } as const;
const uses = { access: 'signed_in', scope: 'tools:invoke', permission: 'tools.use' } as const;
const writes = { access: 'signed_in', scope: 'tools:write', permission: 'tools.manage' } as const;
const wrongServer = ['validation_failed', 'operator_required', 'feature_disabled'] as const;

export const toolServersList = defineOperation({
  ...reads,
  name: 'tool_servers.list',
  summary: 'List MCP servers whose tools are offered here',
  method: 'GET',
  path: '/api/v1/tools/servers',
  input: z.strictObject({ ...pageInput }),
  output: page(toolServer),
  status: 200,
  errors: ['bad_request'],
  mcp: { tool: 'tool_servers_list', title: 'MCP servers', read_only: true },
});
export const toolServersGet = defineOperation({
  ...reads,
  name: 'tool_servers.get',
  summary: 'Show one MCP server',
  method: 'GET',
  path: '/api/v1/tools/servers/{id}',
  input: byId,
  output: toolServer,
  status: 200,
  errors: ['not_found'],
  mcp: { tool: 'tool_servers_get', title: 'One MCP server', read_only: true },
});
export const toolServersAdd = defineOperation({
  ...writes,
  name: 'tool_servers.add',
  summary: 'Register an MCP server',
  description:
    'It is asked for its tools at once. Each is held until a person approves its definition. Programs (stdio) and private addresses are for operators.',
  method: 'POST',
  path: '/api/v1/tools/servers',
  input: z.strictObject({
    slug,
    transport: z.enum(toolTransports),
    name: fields.name,
    description: fields.description.default(''),
    url: fields.url.optional(),
    allow_private: fields.allow_private.default(false),
    command: fields.command.optional(),
    args: fields.args.default([]),
    env: fields.env.default({}),
    auth: fields.auth.default('none'),
    headers: fields.headers.default({}),
    enabled: fields.enabled.default(true),
    default_policy: fields.default_policy.default('ask'),
    approver_id: fields.approver_id.default(null),
    timeout_s: fields.timeout_s.default(60),
    max_result_bytes: fields.max_result_bytes.default(1_048_576),
    idle_s: fields.idle_s.default(300),
    keep_arguments: fields.keep_arguments.default(false),
    pass_resources: fields.pass_resources.default(false),
    pass_prompts: fields.pass_prompts.default(false),
  }),
  output: toolServer,
  status: 201,
  errors: ['name_taken', 'plan_limit_exceeded', ...wrongServer],
  idempotency: 'header',
});
export const toolServersUpdate = defineOperation({
  ...writes,
  name: 'tool_servers.update',
  summary: 'Change an MCP server',
  description: 'Its sessions are opened anew. `env` and `headers` replace what there was.',
  method: 'PATCH',
  path: '/api/v1/tools/servers/{id}',
  input: z.strictObject({
    id,
    version: z.int().min(1).optional().describe('refused when it is no longer this one'),
    name: fields.name.optional(),
    description: fields.description.optional(),
    url: fields.url.optional(),
    allow_private: fields.allow_private.optional(),
    command: fields.command.optional(),
    args: fields.args.optional(),
    env: fields.env.optional(),
    auth: fields.auth.optional(),
    headers: fields.headers.optional(),
    enabled: fields.enabled.optional(),
    default_policy: fields.default_policy.optional(),
    approver_id: fields.approver_id.optional(),
    timeout_s: fields.timeout_s.optional(),
    max_result_bytes: fields.max_result_bytes.optional(),
    idle_s: fields.idle_s.optional(),
    keep_arguments: fields.keep_arguments.optional(),
    pass_resources: fields.pass_resources.optional(),
    pass_prompts: fields.pass_prompts.optional(),
  }),
  output: toolServer,
  status: 200,
  errors: ['not_found', 'generation_conflict', ...wrongServer],
});
export const toolServersRemove = defineOperation({
  ...writes,
  name: 'tool_servers.remove',
  summary: 'Remove an MCP server with its tools; the rows of its calls stay',
  method: 'DELETE',
  path: '/api/v1/tools/servers/{id}',
  input: byId,
  output: nothing,
  status: 204,
  errors: ['not_found'],
});
export const toolServersRefresh = defineOperation({
  ...writes,
  name: 'tool_servers.refresh',
  summary: 'Ask an MCP server for its tools now',
  description: 'Tells in `state` and `last_error` how that went. New and changed definitions are held.',
  method: 'POST',
  path: '/api/v1/tools/servers/{id}/refresh',
  input: byId,
  output: toolServer,
  status: 200,
  errors: ['not_found', 'feature_disabled'],
});
export const toolServersConnect = defineOperation({
  ...uses,
  name: 'tool_servers.connect',
  summary: 'Begin to sign in at an MCP server',
  description:
    'Open `authorization_url` in the browser in which you are signed in here. It comes back to this server, which keeps the tokens sealed. Of `oauth_org` servers those who manage tools do it.',
  method: 'POST',
  path: '/api/v1/tools/servers/{id}/connect',
  principals: ['user'],
  input: byId,
  output: z.object({
    authorization_url: z.string().nullable().describe('null: there was a way to connect without you'),
  }),
  status: 200,
  errors: ['not_found', 'permission_denied', 'tool_server_unavailable', 'tool_sign_in_failed'],
});
export const toolServersDisconnect = defineOperation({
  ...uses,
  name: 'tool_servers.disconnect',
  summary: 'Forget the tokens of an MCP server',
  method: 'POST',
  path: '/api/v1/tools/servers/{id}/disconnect',
  principals: ['user'],
  input: byId,
  output: toolServer,
  status: 200,
  errors: ['not_found', 'permission_denied'],
});

export const toolsList = defineOperation({
  ...reads,
  name: 'tools.list',
  summary: 'List tools of MCP servers',
  description: 'Those that you may call; all with their states when you may manage tools.',
  method: 'GET',
  path: '/api/v1/tools',
  input: z.strictObject({
    server_id: id.optional(),
    state: z.enum(toolDefinitionStates).optional(),
    q: z.string().trim().max(200).optional().describe('part of a name'),
    ...pageInput,
  }),
  output: page(tool),
  status: 200,
  errors: ['bad_request'],
  mcp: { tool: 'tools_list', title: 'Tools of MCP servers', read_only: true },
});
export const toolsGet = defineOperation({
  ...reads,
  name: 'tools.get',
  summary: 'Show one tool with its approved and its present definition',
  method: 'GET',
  path: '/api/v1/tools/{id}',
  input: byId,
  output: toolDetail,
  status: 200,
  errors: ['not_found'],
  mcp: { tool: 'tools_get', title: 'One tool of an MCP server', read_only: true },
});
export const toolsUpdate = defineOperation({
  ...writes,
  name: 'tools.update',
  summary: 'Change how a tool is offered: policy, name, description, allow-list',
  method: 'PATCH',
  path: '/api/v1/tools/{id}',
  input: z.strictObject({
    id,
    version: z.int().min(1).optional().describe('refused when it is no longer this one'),
    listed: z.boolean().optional(),
    policy: policy.nullable().optional(),
    role_policies: z.array(rolePolicy).max(20).optional().describe('goes before `policy` for people of these roles'),
    alias: alias.nullable().optional(),
    description_override: z.string().trim().min(1).max(4000).nullable().optional(),
  }),
  output: toolDetail,
  status: 200,
  errors: ['not_found', 'name_taken', 'generation_conflict', 'validation_failed'],
});
export const toolsApprove = defineOperation({
  ...writes,
  name: 'tools.approve',
  summary: 'Approve definitions of tools',
  description:
    'Name the fingerprint that you have looked at: when the definition has changed again, nothing of the call is approved. Only people approve.',
  method: 'POST',
  path: '/api/v1/tools/approve',
  principals: ['user'],
  input: z.strictObject({
    definitions: z
      .array(
        z.strictObject({ id, fingerprint: z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in hexadecimal') }),
      )
      .min(1)
      .max(toolLimits.tools),
  }),
  output: z.object({ items: z.array(tool) }),
  status: 200,
  errors: ['not_found', 'tool_definition_changed', 'validation_failed'],
});
export const toolsCall = defineOperation({
  ...uses,
  name: 'tools.call',
  summary: 'Call a tool of an MCP server',
  description:
    'A tool whose policy is `ask` waits for a person; when `wait_s` is over before, read the result with `tool_calls.get`, or repeat the call: it joins the one that waits.',
  method: 'POST',
  path: '/api/v1/tools/call',
  input: z.strictObject({
    tool: z.string().min(1).max(128).describe('`<slug>__<tool>`'),
    arguments: z.record(z.string(), z.unknown()).default({}),
    wait_s: z.int().min(0).max(toolLimits.wait_s).default(30).describe('seconds to wait for a person'),
  }),
  output: toolResult,
  status: 200,
  errors: [
    'not_found',
    'tool_denied',
    'tool_definition_changed',
    'tool_server_unavailable',
    'tool_sign_in_needed',
    'tool_no_approver',
    'too_many_waits',
    'validation_failed',
  ],
  body_limit: 2 * 1024 * 1024,
  mcp: { tool: 'tools_call', title: 'Call a tool of an MCP server', destructive: true, open_world: true },
});
export const toolCallsList = defineOperation({
  ...reads,
  name: 'tool_calls.list',
  summary: 'List calls of tools, newest first',
  description: 'Your own; all of the organisation when you may manage tools.',
  method: 'GET',
  path: '/api/v1/tools/calls',
  input: z.strictObject({
    server_id: id.optional(),
    tool_id: id.optional(),
    state: z.enum(toolCallStates).optional(),
    by_id: id.optional().describe('of one principal'),
    ...pageInput,
  }),
  output: page(toolCallRow),
  status: 200,
  errors: ['bad_request'],
  mcp: { tool: 'tool_calls_list', title: 'Calls of tools', read_only: true },
});
export const toolCallsGet = defineOperation({
  ...reads,
  name: 'tool_calls.get',
  summary: 'Show one call, with its result while that is kept',
  description: 'Results are kept for calls that waited for a person, for one day, and shown to whoever called.',
  method: 'GET',
  path: '/api/v1/tools/calls/{id}',
  input: byId,
  output: toolResult,
  status: 200,
  errors: ['not_found'],
  mcp: { tool: 'tool_calls_get', title: 'One call of a tool', read_only: true },
});
export const toolCallsCancel = defineOperation({
  ...uses,
  name: 'tool_calls.cancel',
  summary: 'Take back a call that waits for a person',
  method: 'POST',
  path: '/api/v1/tools/calls/{id}/cancel',
  input: byId,
  output: toolCallRow,
  status: 200,
  errors: ['not_found', 'tool_call_ended'],
  mcp: { tool: 'tool_calls_cancel', title: 'Take back a call of a tool', destructive: true, idempotent: true },
});

export const toolsOperations = [
  toolServersList,
  toolServersGet,
  toolServersAdd,
  toolServersUpdate,
  toolServersRemove,
  toolServersRefresh,
  toolServersConnect,
  toolServersDisconnect,
  toolsApprove,
  toolsCall,
  toolCallsList,
  toolCallsGet,
  toolCallsCancel,
  toolsList,
  toolsGet,
  toolsUpdate,
] as const;
