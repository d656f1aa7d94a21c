import { z } from 'zod';
import { routeHealth, routeTimeouts } from './gateway.ts';
import { proposal } from './gateway-discovery.ts';
import { defineOperation, page, pageInput } from './operation.ts';

/* What is known of apps that many people run, and configurations of other proxies as a beginning. */

const line = z.string().min(1).max(300);

/** Fields of `routes.create` that a recipe may set. */
export const recipeRoute = z.strictObject({
  websockets: z.boolean().optional(),
  strip_prefix: z.boolean().optional(),
  rewrite: z.boolean().optional(),
  exclude_paths: z.array(z.string().min(1).max(500)).max(20).optional(),
  buffering: z.boolean().optional(),
  max_body: z.int().min(0).optional(),
  timeouts: routeTimeouts.optional(),
  health: routeHealth.partial().optional(),
});

export const recipeForm = z.strictObject({
  id: z.string().regex(/^[a-z0-9-]{1,64}$/),
  name: z.string().min(1).max(100),
  images: z
    .array(z.string().regex(/^[a-z0-9._-]{1,100}$/))
    .min(1)
    .max(10)
    .describe('names of container images, without registry and folder'),
  port: z.int().min(1).max(65_535),
  mode: z.enum(['either', 'host']).describe('`host`: it lives at the root of a host name and is best given one'),
  base: z
    .array(z.strictObject({ setting: line, value: line, where: line }))
    .max(6)
    .describe('settings of the app itself; {path}, {url}, {origin} and {host} stand for the address of the route'),
  route: recipeRoute.describe('good whatever the settings of the app are; used when a found service is approved'),
  with_base: recipeRoute.describe('good once the app has those settings'),
  notes: z.array(z.string().min(1).max(300)).max(5),
});
export type Recipe = z.infer<typeof recipeForm>;

export const recipesList = defineOperation({
  access: 'signed_in',
  scope: 'gateway:read',
  permission: 'routes.read',
  name: 'recipes.list',
  summary: 'List what is known of apps that many people run',
  description: 'Which setting of the app names its address, what must not be rewritten, what is streamed.',
  method: 'GET',
  path: '/api/v1/recipes',
  input: z.strictObject({
    q: z.string().trim().max(100).optional().describe('part of a name or id'),
    image: z.string().trim().max(300).optional().describe('a container image, with or without registry and tag'),
    ...pageInput,
  }),
  output: page(recipeForm),
  status: 200,
  errors: ['bad_request'],
  mcp: { tool: 'recipes_list', title: 'Recipes for apps', read_only: true },
});

export const importFormats = ['traefik', 'nginx', 'compose'] as const;

export const discoveryImport = defineOperation({
  access: 'signed_in',
  scope: 'gateway:write',
  permission: 'discovery.decide',
  name: 'discovery.import',
  summary: 'Read a configuration of Traefik or nginx, or a compose file, and propose what it serves',
  description:
    'Nothing is opened by it: what was understood waits among the found services, what was not is listed with the reason. Traefik: the dynamic configuration as YAML, or labels, one a line.',
  method: 'POST',
  path: '/api/v1/discovery/import',
  input: z.strictObject({
    format: z.enum(importFormats),
    text: z.string().min(1).max(524_288),
    dry_run: z.boolean().default(false).describe('only tells what it would be'),
  }),
  output: z.object({
    found: z.array(
      z.object({
        name: z.string(),
        target: z.string(),
        route: z.record(z.string(), z.unknown()),
        outcome: z.enum(['new', 'updated', 'decided']).describe('`decided`: somebody approved or dismissed it before'),
        proposal_id: proposal.shape.id.nullable(),
      }),
    ),
    skipped: z.array(z.object({ line: z.int().nullable(), what: z.string(), reason: z.string() })),
  }),
  status: 200,
  errors: ['validation_failed'],
  body_limit: 1_048_576,
  mcp: { tool: 'discovery_import', title: 'Import a proxy configuration' },
});

export const recipeOperations = [recipesList, discoveryImport] as const;
