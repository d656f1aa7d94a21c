import { z } from 'zod';
import { appView } from './gateway.ts';
import { actor, byId, defineOperation, id, nothing, page, pageInput, time } from './operation.ts';

/* Boards: apps and links that people put together, each for themselves or for the whole organisation. */

export const boardWidgets = ['health', 'requests', 'container'] as const;
export const boardItemSizes = ['small', 'wide'] as const;

/** Boards of one person, and as many that an organisation shares; what one board holds. */
export const boardLimits = { boards: 20, groups: 30, items: 200 } as const;

const line = z.string().regex(/^[^\p{Cc}]*$/u, 'must not contain control characters');
const name = line.trim().min(1).max(60);
const size = z.enum(boardItemSizes);
const widgets = z.array(z.enum(boardWidgets)).max(boardWidgets.length).describe('what a wide tile shows of its app');
const linkUrl = z
  .url()
  .max(2000)
  .refine((text) => /^https?:/i.test(text), 'must be an http or https URL')
  .refine(
    (text) => !URL.canParse(text) || (new URL(text).username === '' && new URL(text).password === ''),
    'must not carry a password',
  );
const linkFields = {
  title: line.trim().min(1).max(100),
  url: linkUrl,
  icon: line.trim().max(64).default('').describe('an emoji, or the name of a shipped icon'),
  description: line.trim().max(200).default(''),
};
const itemId = id.optional().describe('of an item that is on the board already; a new one gets its own');

const itemInput = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('app'),
    id: itemId,
    app: z
      .string()
      .regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be the slug of an app')
      .optional()
      .describe('left out, the one that the item of that id has'),
    size: size.default('small'),
    widgets: widgets.default([]),
  }),
  z.strictObject({ kind: z.literal('link'), id: itemId, ...linkFields, size: size.default('small') }),
]);
const groupInput = z.strictObject({
  id: id.optional().describe('of a group that is on the board already'),
  name: line.trim().max(60).default(''),
  items: z.array(itemInput).max(boardLimits.items).default([]),
});
export const boardGroups = z
  .array(groupInput)
  .max(boardLimits.groups)
  .refine(
    (groups) => groups.reduce((sum, { items }) => sum + items.length, 0) <= boardLimits.items,
    `must not hold more than ${boardLimits.items} items in all`,
  )
  .describe('the whole of it, in order; what is left out is taken off the board');
export type BoardGroupInput = z.input<typeof groupInput>;

const itemView = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('app'),
    id,
    size,
    widgets,
    app: appView.nullable().describe('null on a board of your own when you may not open it now'),
  }),
  z.object({
    kind: z.literal('link'),
    id,
    size,
    title: z.string(),
    url: z.string(),
    icon: z.string(),
    description: z.string(),
  }),
]);
export type BoardItem = z.infer<typeof itemView>;

const shown = {
  id,
  name: z.string(),
  shared: z.boolean().describe('seen by everybody of the organisation; otherwise by its owner alone'),
  editable: z.boolean().describe('whether you may change it'),
  position: z.int(),
  version: z.int(),
  created_by: actor,
  created_at: time,
  updated_at: time,
};
export const boardSummary = z.object({ ...shown, items: z.int() });
export type BoardSummary = z.infer<typeof boardSummary>;
export const board = z.object({
  ...shown,
  groups: z.array(z.object({ id, name: z.string(), items: z.array(itemView) })),
});
export type Board = z.infer<typeof board>;
export type BoardGroup = Board['groups'][number];

const opens = { access: 'signed_in', scope: 'gateway:read', permission: 'apps.open' } as const;
/** Own boards are people's; what the organisation shares is looked after by whoever writes routes. */
const arranges = { ...opens, scope: 'gateway:write' } as const;

export const boardsList = defineOperation({
  ...opens,
  name: 'boards.list',
  summary: 'List your boards and those of the organisation',
  description: 'Shared ones first, each kind in its order.',
  method: 'GET',
  path: '/api/v1/boards',
  input: z.strictObject({ ...pageInput }),
  output: page(boardSummary),
  status: 200,
  errors: ['bad_request'],
  mcp: { tool: 'boards_list', title: 'List boards', read_only: true },
});
export const boardsGet = defineOperation({
  ...opens,
  name: 'boards.get',
  summary: 'Show a board with its apps as they are now',
  description: 'Of a shared board, apps that you may not open are left out.',
  method: 'GET',
  path: '/api/v1/boards/{id}',
  input: byId,
  output: board,
  status: 200,
  errors: ['not_found'],
  if_match: true,
  mcp: { tool: 'boards_get', title: 'Show a board', read_only: true },
});
export const boardsCreate = defineOperation({
  ...arranges,
  name: 'boards.create',
  summary: 'Make a board',
  description: 'A shared one needs the permission routes.write; boards of their own are for people alone.',
  method: 'POST',
  path: '/api/v1/boards',
  input: z.strictObject({
    name,
    shared: z.boolean().default(false),
    groups: boardGroups.default([]),
    from_apps: z.boolean().default(false).describe('begin with every app that you may open, by their groups'),
  }),
  output: board,
  status: 201,
  errors: ['plan_limit_exceeded', 'validation_failed', 'permission_denied'],
  idempotency: 'header',
  mcp: { tool: 'boards_create', title: 'Make a board' },
});
export const boardsUpdate = defineOperation({
  ...arranges,
  name: 'boards.update',
  summary: 'Change a board: its name, its place, or what is on it',
  method: 'PATCH',
  path: '/api/v1/boards/{id}',
  input: z.strictObject({
    id,
    name: name.optional(),
    position: z.int().min(0).max(1000).optional(),
    groups: boardGroups.optional(),
    version: z
      .int()
      .min(1)
      .optional()
      .describe('the version that was read; 409 `generation_conflict` when it changed meanwhile'),
  }),
  output: board,
  status: 200,
  errors: ['not_found', 'generation_conflict', 'validation_failed', 'permission_denied'],
  if_match: true,
  mcp: { tool: 'boards_update', title: 'Change a board', idempotent: true },
});
export const boardsDelete = defineOperation({
  ...arranges,
  name: 'boards.delete',
  summary: 'Delete a board; its apps stay',
  method: 'DELETE',
  path: '/api/v1/boards/{id}',
  input: byId,
  output: nothing,
  status: 204,
  errors: ['not_found', 'permission_denied'],
  mcp: { tool: 'boards_delete', title: 'Delete a board', destructive: true },
});
export const appsFigures = defineOperation({
  ...opens,
  permission: 'gateway.view',
  name: 'apps.figures',
  summary: 'Tell what went through to the apps you may open, by day',
  description: 'Days in UTC, the last one is today. Of each app one number a day; the 500 busiest apps.',
  method: 'GET',
  path: '/api/v1/app-figures',
  input: z.strictObject({ days: z.int().min(1).max(30).default(7) }),
  output: z.object({
    days: z.array(z.iso.date()),
    items: z.array(
      z.object({
        app: z.string(),
        requests: z.array(z.int()),
        errors: z.array(z.int()),
        bytes_out: z.array(z.number()),
        mean_ms: z.array(z.number().nullable()).describe('null on a day without a request'),
      }),
    ),
  }),
  status: 200,
  errors: ['bad_request'],
  mcp: { tool: 'apps_figures', title: 'Requests of apps', read_only: true },
});

export const gatewayHours = defineOperation({
  ...opens,
  permission: 'gateway.view',
  name: 'gateway.hours',
  summary: 'Sum up requests by app and hour',
  description: 'The last of the hours is the one that runs. An hour without requests has no item. Kept for a week.',
  method: 'GET',
  path: '/api/v1/gateway/hours',
  input: z.strictObject({
    hours: z.int().min(1).max(168).default(24),
    app: z
      .string()
      .regex(/^[A-Za-z0-9_-]{1,64}$/)
      .optional(),
  }),
  output: z.object({
    hours: z.array(time).describe('beginnings of the hours, the oldest first'),
    items: z.array(
      z.object({
        hour: time,
        app: z.string(),
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
  mcp: { tool: 'gateway_hours', title: 'Requests by hour', read_only: true },
});

export const boardOperations = [
  boardsList,
  boardsGet,
  boardsCreate,
  boardsUpdate,
  boardsDelete,
  appsFigures,
  gatewayHours,
] as const;
