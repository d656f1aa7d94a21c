import { z } from 'zod';
import { actor, byId, defineOperation, id, noInput, nothing, page, pageInput, time } from './operation.ts';

/* Applications that a Compose template describes, installed on the container engine of this machine. */

export const toolboxVariableTypes = ['text', 'password', 'number', 'boolean'] as const;
export const deploymentStates = [
  'pending',
  'pulling',
  'creating',
  'starting',
  'waiting',
  'routing',
  'running',
  'stopping',
  'stopped',
  'cancelling',
  'cancelled',
  'removing',
  'error',
] as const;
export const deploymentSteps = ['validate', 'networks', 'pull', 'volumes', 'create', 'start', 'wait', 'route'] as const;

const templateId = z.string().regex(/^[a-z0-9][a-z0-9_-]{0,63}$/);

export const toolboxVariable = z.object({
  name: z.string(),
  label: z.string(),
  type: z.enum(toolboxVariableTypes),
  required: z.boolean(),
  default: z.string().nullable(),
  generated: z.boolean().describe('a good value can be made up, as `generate` does'),
  message: z.string().nullable().describe('what the template says when it is missing'),
});
export type ToolboxVariable = z.infer<typeof toolboxVariable>;

export const toolboxDanger = z.object({
  id: z.string().describe('to be named in `accept`'),
  service: z.string(),
  kind: z.enum([
    'privileged',
    'host_network',
    'host_pid',
    'host_ipc',
    'docker_socket',
    'bind',
    'device',
    'capability',
    'security',
  ]),
  words: z.string().describe('what it lets the container do'),
});
export type ToolboxDanger = z.infer<typeof toolboxDanger>;

const templateFields = {
  id: templateId,
  name: z.string(),
  icon: z.string(),
  category: z.string(),
  tags: z.array(z.string()),
  description: z.string(),
  documentation: z.string().nullable(),
  repository: z.string().nullable(),
  image_url: z.string().nullable(),
  source: z.enum(['shipped', 'operator']),
  images: z.array(z.string()),
};
export const toolboxTemplateSummary = z.object({
  ...templateFields,
  dangers: z.int().describe('how many ticks of an operator it needs as it stands'),
  problem: z.string().nullable().describe('why it cannot be deployed'),
  deployments: z.int().describe('in this organisation'),
});
export type ToolboxTemplateSummary = z.infer<typeof toolboxTemplateSummary>;

export const toolboxTemplate = z.object({
  ...templateFields,
  digest: z.string().describe('SHA-256 of the file'),
  compose: z.string(),
  variables: z.array(toolboxVariable),
  dangers: z.array(toolboxDanger).describe('with the defaults of its variables'),
  problem: z.string().nullable(),
});
export type ToolboxTemplate = z.infer<typeof toolboxTemplate>;

const publishedPort = z.object({
  service: z.string(),
  container_port: z.int(),
  host_port: z.int().nullable().describe('on 127.0.0.1; null: a free one is taken'),
  protocol: z.enum(['tcp', 'udp']),
});

export const toolboxPlan = z.object({
  name: z.string().describe('as it will be; containers, volumes and networks begin with it'),
  services: z.array(
    z.object({ name: z.string(), container: z.string(), image: z.string(), after: z.array(z.string()) }),
  ),
  networks: z.array(z.string()),
  volumes: z.array(z.object({ name: z.string(), exists: z.boolean().describe('with data of an earlier one') })),
  ports: z.array(publishedPort),
  dangers: z.array(toolboxDanger),
  missing: z.array(z.string()).describe('variables that need a value'),
  problems: z.array(z.object({ path: z.string(), message: z.string() })),
  route: z
    .object({ slug: z.string(), service: z.string(), container_port: z.int() })
    .nullable()
    .describe('the app that it becomes; null: none is made'),
});
export type ToolboxPlan = z.infer<typeof toolboxPlan>;

export const toolboxDeployment = z.object({
  id,
  name: z.string(),
  template: z.object({ id: z.string(), name: z.string(), icon: z.string() }),
  digest: z.string(),
  newer_template: z.boolean().describe('the catalogue has another version of the template'),
  state: z.enum(deploymentStates),
  step: z.enum(deploymentSteps).nullable().describe('the one that it is at, or failed at'),
  message: z.string().nullable().describe('what it waits for, or what went wrong'),
  progress: z
    .object({
      percent: z.int().nullable(),
      images: z.array(z.object({ image: z.string(), percent: z.int().nullable(), status: z.string() })),
    })
    .nullable(),
  variables: z.array(
    z.object({ name: z.string(), value: z.string().nullable().describe('null for secrets'), secret: z.boolean() }),
  ),
  accepted: z.array(z.string()).describe('dangers that an operator ticked'),
  containers: z.array(z.object({ service: z.string(), id: z.string(), name: z.string(), image: z.string() })),
  volumes: z.array(z.string()),
  ports: z.array(publishedPort),
  registry: z.string().nullable().describe('whose credentials are kept'),
  auto_route: z.boolean(),
  app: z.object({ slug: z.string(), name: z.string(), route_id: id }).nullable(),
  created_by: actor,
  created_at: time,
  updated_at: time,
});
export type ToolboxDeployment = z.infer<typeof toolboxDeployment>;

const variables = z
  .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/), z.string().max(10_000))
  .refine((given) => Object.keys(given).length <= 200, 'must have at most 200 members');
const generate = z
  .boolean()
  .default(false)
  .describe('make up passwords that are needed and were not given; they are shown to nobody');
const accept = z
  .array(z.string().min(1).max(500))
  .max(100)
  .describe('ids of the dangers that an operator ticks, each of them');
const registry = z
  .strictObject({
    server: z
      .string()
      .trim()
      .regex(/^[A-Za-z0-9.-]+(:\d{1,5})?$/)
      .max(255)
      .describe('such as ghcr.io'),
    username: z.string().min(1).max(255),
    password: z.string().min(1).max(10_000),
  })
  .describe('for images that are not public; kept sealed');
const name = z.string().trim().min(1).max(100).describe('default: the id of the template');

const reads = { access: 'signed_in', scope: 'toolbox:deploy', permission: 'toolbox.deploy' } as const;
const writes = { ...reads, operator: true } as const;

export const toolboxTemplatesList = defineOperation({
  ...reads,
  name: 'toolbox.list_templates',
  summary: 'List applications that can be installed',
  description: 'Each is a Compose file with labels. Look at one for its variables, then deploy it.',
  method: 'GET',
  path: '/api/v1/toolbox/templates',
  input: z.strictObject({
    q: z.string().trim().max(200).optional(),
    category: z.string().trim().max(100).optional(),
    ...pageInput,
  }),
  output: z.object({
    enabled: z.boolean(),
    categories: z.array(z.object({ name: z.string(), templates: z.int() })),
    ...page(toolboxTemplateSummary).shape,
  }),
  status: 200,
  errors: ['bad_request'],
  mcp: { tool: 'toolbox_list_templates', title: 'List templates of the toolbox', read_only: true },
});
export const toolboxTemplatesGet = defineOperation({
  ...reads,
  name: 'toolbox.get_template',
  summary: 'Show an application with its variables and what it asks for',
  method: 'GET',
  path: '/api/v1/toolbox/templates/{template}',
  input: z.strictObject({ template: templateId }),
  output: toolboxTemplate,
  status: 200,
  errors: ['not_found'],
  mcp: { tool: 'toolbox_get_template', title: 'Show a template of the toolbox', read_only: true },
});
export const toolboxValidate = defineOperation({
  ...reads,
  name: 'toolbox.validate',
  summary: 'Tell what a deployment would make, without making it',
  method: 'POST',
  path: '/api/v1/toolbox/validate',
  input: z.strictObject({ template: templateId, name: name.optional(), variables: variables.default({}), generate }),
  output: toolboxPlan,
  status: 200,
  errors: ['not_found', 'validation_failed', 'toolbox_off'],
  mcp: { tool: 'toolbox_validate', title: 'Try a deployment', read_only: true },
});
export const toolboxDeploy = defineOperation({
  ...writes,
  name: 'toolbox.deploy',
  summary: 'Install an application',
  description:
    'Answers at once; networks, images, volumes and containers are made one after another, told by events. What would let a container out of its box has to be ticked by name in `accept`.',
  method: 'POST',
  path: '/api/v1/toolbox/deployments',
  input: z.strictObject({
    template: templateId,
    name: name.optional(),
    variables: variables.default({}),
    generate,
    accept: accept.default([]),
    registry: registry.optional(),
    route: z.boolean().optional().describe('make an app and a route of it; default: toolbox.auto_route'),
    start: z.boolean().optional().describe('default: toolbox.auto_start'),
  }),
  output: toolboxDeployment,
  status: 201,
  errors: [
    'not_found',
    'validation_failed',
    'name_taken',
    'operator_required',
    'plan_limit_exceeded',
    'toolbox_off',
    'toolbox_unticked',
    'toolbox_port_taken',
    'toolbox_engine_unavailable',
  ],
  idempotency: 'header',
  mcp: { tool: 'toolbox_deploy', title: 'Install an application' },
});
export const toolboxDeploymentsList = defineOperation({
  ...reads,
  name: 'toolbox.list_deployments',
  summary: 'List installed applications, newest first',
  method: 'GET',
  path: '/api/v1/toolbox/deployments',
  input: z.strictObject({
    state: z.enum(deploymentStates).optional(),
    template: templateId.optional(),
    ...pageInput,
  }),
  output: z.object({ enabled: z.boolean(), ...page(toolboxDeployment).shape }),
  status: 200,
  errors: ['bad_request'],
  mcp: { tool: 'toolbox_list_deployments', title: 'List installed applications', read_only: true },
});
export const toolboxDeploymentsGet = defineOperation({
  ...reads,
  name: 'toolbox.get_deployment',
  summary: 'Show an installed application',
  method: 'GET',
  path: '/api/v1/toolbox/deployments/{id}',
  input: byId,
  output: toolboxDeployment,
  status: 200,
  errors: ['not_found'],
  mcp: { tool: 'toolbox_get_deployment', title: 'Show an installed application', read_only: true },
});
export const toolboxUpdate = defineOperation({
  ...writes,
  name: 'toolbox.update',
  summary: 'Install an application anew, with newer images, another template or other variables',
  description:
    'Volumes stay. Variables that are not named keep their values; until the images are there the former containers run on.',
  method: 'PATCH',
  path: '/api/v1/toolbox/deployments/{id}',
  input: z.strictObject({
    id,
    variables: variables.default({}),
    generate,
    accept: accept.optional().describe('default: what was ticked before'),
    registry: registry.nullable().optional().describe('null forgets it'),
    newest_template: z.boolean().default(false).describe('take the template as the catalogue has it now'),
  }),
  output: toolboxDeployment,
  status: 200,
  errors: [
    'not_found',
    'validation_failed',
    'operator_required',
    'toolbox_off',
    'toolbox_busy',
    'toolbox_unticked',
    'toolbox_port_taken',
    'toolbox_engine_unavailable',
  ],
  mcp: { tool: 'toolbox_update', title: 'Update an installed application' },
});

const act = <const Verb extends string>(verb: Verb, summary: string, title: string) =>
  defineOperation({
    ...writes,
    name: `toolbox.${verb}` as const,
    summary,
    method: 'POST',
    path: `/api/v1/toolbox/deployments/{id}/${verb}`,
    input: byId,
    output: toolboxDeployment,
    status: 200,
    errors: ['not_found', 'toolbox_off', 'toolbox_busy'],
    mcp: { tool: `toolbox_${verb}`, title, idempotent: true },
  });
export const toolboxStart = act('start', 'Start the containers of an application', 'Start an installed application');
export const toolboxStop = act('stop', 'Stop the containers of an application', 'Stop an installed application');
export const toolboxCancel = act(
  'cancel',
  'Give up an installation that is under way, and clear away what it made',
  'Cancel an installation',
);
export const toolboxDelete = defineOperation({
  ...writes,
  name: 'toolbox.delete',
  summary: 'Remove an application with its containers, networks and app',
  description:
    'Volumes are kept, so that a deployment of the same name finds its data; `volumes: remove` deletes them.',
  method: 'DELETE',
  path: '/api/v1/toolbox/deployments/{id}',
  input: z.strictObject({ id, volumes: z.enum(['keep', 'remove']).default('keep') }),
  output: nothing,
  status: 204,
  errors: ['not_found', 'toolbox_off'],
  mcp: { tool: 'toolbox_delete', title: 'Remove an installed application', destructive: true },
});
export const toolboxLogs = defineOperation({
  ...reads,
  name: 'toolbox.logs',
  summary: 'Show the last lines that the containers of an application wrote',
  description: 'Values of secret variables are masked.',
  method: 'GET',
  path: '/api/v1/toolbox/deployments/{id}/logs',
  input: z.strictObject({
    id,
    service: z.string().max(100).optional(),
    tail: z.int().min(1).max(1000).default(200).describe('lines of each container'),
  }),
  output: z.object({
    lines: z.array(
      z.object({
        service: z.string(),
        stream: z.enum(['stdout', 'stderr']),
        time: z.string().nullable(),
        text: z.string(),
      }),
    ),
  }),
  status: 200,
  errors: ['not_found', 'toolbox_engine_unavailable'],
  mcp: { tool: 'toolbox_logs', title: 'Logs of an installed application', read_only: true },
});
export const toolboxStatus = defineOperation({
  ...reads,
  name: 'toolbox.status',
  summary: 'Tell whether applications can be installed here',
  method: 'GET',
  path: '/api/v1/toolbox/status',
  input: noInput,
  output: z.object({
    enabled: z.boolean(),
    engine: z.object({
      reachable: z.boolean(),
      endpoint: z.string(),
      version: z.string().nullable(),
      problem: z.string().nullable(),
      hint: z.string().nullable().describe('what to do; what follows a colon and a space is the line to add'),
    }),
    data_dir: z.string(),
    auto_route: z.boolean(),
    auto_start: z.boolean(),
  }),
  status: 200,
  errors: [],
  mcp: { tool: 'toolbox_status', title: 'State of the toolbox', read_only: true },
});

export const toolboxOperations = [
  toolboxStatus,
  toolboxTemplatesList,
  toolboxTemplatesGet,
  toolboxValidate,
  toolboxDeploy,
  toolboxDeploymentsList,
  toolboxDeploymentsGet,
  toolboxUpdate,
  toolboxStart,
  toolboxStop,
  toolboxCancel,
  toolboxDelete,
  toolboxLogs,
] as const;
