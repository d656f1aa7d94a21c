import { z } from 'zod';
import { isEmail, isWebAddress } from './text-format.ts';

export const actionLimits = { actions: 9, headers: 20, body: 16 * 1024 } as const;

/** http, https or mailto; everything else (`javascript:`, `data:`, relative addresses) is refused. */
export const isOpenableAddress = (address: string): boolean => {
  if (isWebAddress(address)) return true;
  const match = /^mailto:([^?\s]+)(\?[^\s]*)?$/i.exec(address);
  return match !== null && address.length <= 8192 && isEmail(match[1]);
};

const shared = {
  id: z.string().regex(/^[A-Za-z0-9_.-]{1,64}$/, 'is letters, digits, _ . - (64 at most)'),
  label: z.string().min(1).max(80),
  style: z.enum(['primary', 'danger']).optional(),
};

/** The server writes these itself; taken from an item they would redirect or smuggle requests. */
const reservedHeaders = new Set([
  'host',
  'content-length',
  'transfer-encoding',
  'connection',
  'upgrade',
  'te',
  'trailer',
  'expect',
  'cookie',
]);
const headers = z
  .record(
    z
      .string()
      .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/, 'is not a header name')
      .refine((name) => !reservedHeaders.has(name.toLowerCase()), 'is a header that cannot be set'),
    z.string().regex(/^[\t\x20-\x7e]{0,4096}$/, 'is not a header value'),
  )
  .refine((all) => Object.keys(all).length <= actionLimits.headers, `has more than ${actionLimits.headers} headers`);

const httpAddress = z
  .string()
  .max(2048)
  .refine(
    (address) => isWebAddress(address) && new URL(address).username === '',
    'is not an absolute http(s) address without credentials',
  );

const ack = z.strictObject({ kind: z.literal('ack'), ...shared });
const openUrl = z.strictObject({
  kind: z.literal('open_url'),
  ...shared,
  url: z.string().max(2048).refine(isOpenableAddress, 'must be an http, https or mailto address'),
});
const runTool = z.strictObject({
  kind: z.literal('run_tool'),
  ...shared,
  tool: z.string().min(1).max(200),
  arguments: z.record(z.string(), z.unknown()).optional(),
});
const reply = z.strictObject({ kind: z.literal('reply'), ...shared, prompt: z.string().min(1).max(2000) });
const http = z.strictObject({
  kind: z.literal('http'),
  ...shared,
  url: httpAddress,
  method: z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']).optional(),
  headers: headers.optional(),
  body: z.string().max(actionLimits.body).optional(),
});

/** A button of an item; section 2.5 of the inbox specification. An `http` action without method is a POST. */
export const itemAction = z
  .discriminatedUnion('kind', [ack, openUrl, runTool, reply, http], {
    error: (issue) =>
      issue.code === 'invalid_union' ? 'is no action kind; known are ack, open_url, run_tool, reply, http' : undefined,
  })
  .refine((action) => action.kind !== 'http' || action.method !== 'GET' || action.body === undefined, {
    path: ['body'],
    error: 'is not sent with GET',
  });
export type ItemAction = z.infer<typeof itemAction>;

export const itemActions = z
  .array(itemAction)
  .max(actionLimits.actions, `has more than ${actionLimits.actions} actions`)
  .refine(
    (actions) => new Set(actions.map((action) => action.id)).size === actions.length,
    'has two actions with one id',
  );
