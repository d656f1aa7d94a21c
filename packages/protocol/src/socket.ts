import { z } from 'zod';
import { containerId, logLine, logWishes } from './containers.ts';
import { actor, time } from './operation.ts';

/** Version of this wire. A server that no longer speaks it closes with 4426. */
export const socketVersion = 1;

/** A past-tense fact as a receiver sees it. `seq` grows by one a change within the organisation. */
export const deliveredEvent = z.object({
  seq: z.int(),
  org_id: z.uuid(),
  kind: z.string().describe('for example inbox.item.created'),
  id: z.uuid().describe('the subject'),
  actor,
  at: time,
  body: z.record(z.string(), z.unknown()),
});
export type DeliveredEvent = z.infer<typeof deliveredEvent>;

const logStreamId = z.string().min(1).max(64).describe('of the stream, chosen by the client');

/** What a client may send on /ws. The first message is `auth`, within 5 seconds, unless a same-origin session cookie came with the upgrade. */
export const clientMessage = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('auth'),
    token: z.string().min(1).max(4096),
    proof: z
      .string()
      .max(4000)
      .optional()
      .describe('for a token bound to a key: a DPoP proof of it (RFC 9449) for GET of /ws'),
  }),
  z.strictObject({ type: z.literal('ping') }),
  z.strictObject({
    type: z.literal('subscribe'),
    channels: z.array(z.uuid()).max(200).optional().describe('only items of these channels'),
    since: z.int().min(0).optional().describe('replay events with a greater seq first'),
  }),
  z.strictObject({
    type: z.literal('presence'),
    item: z.uuid(),
    state: z.enum(['viewing', 'answering', 'gone']).default('viewing'),
  }),
  z.strictObject({
    type: z.literal('logs.open'),
    id: logStreamId,
    container_id: containerId,
    follow: z.boolean().default(true),
    ...logWishes,
  }),
  z.strictObject({ type: z.literal('logs.close'), id: logStreamId }),
]);
export type ClientMessage = z.input<typeof clientMessage>;

/** What the server sends on /ws. `cursor` is the seq from which a later `subscribe` may go on. */
export const serverMessage = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('ready'),
    version: z.literal(socketVersion),
    user: actor.describe('who this connection acts as'),
    org: z.object({ id: z.uuid(), name: z.string() }),
    cursor: z.int(),
  }),
  deliveredEvent.extend({ type: z.literal('event') }),
  z.object({ type: z.literal('replayed'), cursor: z.int() }),
  z.object({
    type: z.literal('presence'),
    item: z.uuid(),
    principals: z.array(actor.extend({ state: z.enum(['viewing', 'answering']) })),
  }),
  z.object({ type: z.literal('resync'), cursor: z.int().describe('the replay window is exceeded: fetch afresh') }),
  z.object({
    type: z.literal('logs.lines'),
    id: z.string(),
    lines: z.array(logLine),
    skipped: z.int().describe('lines before these that were left out, because this client read too slowly'),
  }),
  z.object({
    type: z.literal('logs.paused'),
    id: z.string(),
    reason: z.enum(['stopped', 'unreachable']).describe('the stream goes on by itself when the container is back'),
  }),
  z.object({
    type: z.literal('logs.ended'),
    id: z.string(),
    code: z.string().describe('`end`, `gone`, or a code of the error list'),
    detail: z.string(),
  }),
  z.object({ type: z.literal('error'), code: z.string(), detail: z.string() }),
  z.object({ type: z.literal('pong') }),
]);
export type ServerMessage = z.infer<typeof serverMessage>;

export const closeCodes = {
  unauthorized: 4401,
  forbidden: 4403,
  idle: 4408,
  too_slow: 4413,
  unsupported_version: 4426,
} as const;
