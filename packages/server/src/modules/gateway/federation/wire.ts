import { z } from 'zod';

/* Everything that one server says to another, checked like the input of any call. */

/** Where peers are reached, below the address of the server. */
export const federationPath = '/gateway/federation';
/** Of one text message; catalogues of the most apps fit in. */
export const largestMessage = 1024 * 1024;
/** Of a message before it is known who sends it. */
export const largestGreeting = 16 * 1024;
/** Of one server, to one peer. */
export const mostApps = 500;

const uuid = z.uuid();
const bytes32 = z.string().regex(/^[A-Za-z0-9_-]{43}$/);
const signature = z.string().regex(/^[A-Za-z0-9_-]{86}$/);
const pin = z.string().regex(/^sha256\/[A-Za-z0-9+/]{43}=$/);
const pins = z.array(pin).max(4);
const name = z.string().min(1).max(100);
const address = z
  .string()
  .max(300)
  .regex(/^https?:\/\/[^\s/?#@]+$/)
  .nullable();

export const helloMessage = z.strictObject({
  type: z.literal('hello'),
  version: z.literal(1),
  id: uuid,
  key: bytes32,
  nonce: bytes32,
  /** Certificate key that the caller was shown; null without TLS. */
  pin: pin.nullable(),
  purpose: z.enum(['control', 'data']),
});
export const answerMessage = z.strictObject({
  type: z.literal('answer'),
  version: z.literal(1),
  id: uuid,
  key: bytes32,
  nonce: bytes32,
  /** It is one of the answering server's own certificates. */
  pin_known: z.boolean(),
  signature,
});
export const proofMessage = z.strictObject({
  type: z.literal('proof'),
  signature,
  name,
  address,
  pins,
  join: z
    .discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('invitation'), token: z.string().min(20).max(100) }),
      z.strictObject({ kind: z.literal('cluster'), proof: bytes32 }),
    ])
    .nullable(),
});
export const welcomeMessage = z.strictObject({
  type: z.literal('welcome'),
  name,
  address,
  pins,
  cluster: bytes32.nullable(),
});
export const refusedMessage = z.strictObject({ type: z.literal('refused'), reason: z.string().max(60) });

export const vectorClock = z
  .record(
    uuid,
    z
      .int()
      .min(0)
      .max(Number.MAX_SAFE_INTEGER - 1),
  )
  .refine((clock) => Object.keys(clock).length <= 32, 'has too many members');

export const sharedApp = z.strictObject({
  slug: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/),
  name: z.string().min(1).max(200),
  icon: z.string().max(300),
  description: z.string().max(500),
  tags: z.array(z.string().max(60)).max(20),
  /** Where it lives at its owner's own origin; null when it has a host name alone. */
  path: z
    .string()
    .max(200)
    .regex(/^\/apps\/(?:[A-Za-z0-9_.~-]+\/)+$/)
    .nullable(),
});
export type SharedApp = z.infer<typeof sharedApp>;

export const catalogueEntry = z.strictObject({
  owner: uuid,
  app: uuid,
  clock: vectorClock,
  /** Null says that it is gone. */
  shown: sharedApp.nullable(),
});
export type CatalogueEntry = z.infer<typeof catalogueEntry>;

const digest = z.string().regex(/^[a-f0-9]{64}$/);
export const linkMessage = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('catalogue'),
    /** Nothing beyond these entries is shared. */
    full: z.boolean(),
    entries: z.array(catalogueEntry).max(mostApps),
    remote_routes: z.boolean(),
  }),
  z.strictObject({ type: z.literal('digest'), digest }),
  /** What the sender knows of the receiver's apps, which it wants whole. */
  z.strictObject({
    type: z.literal('pull'),
    known: z.array(z.strictObject({ app: uuid, clock: vectorClock })).max(mostApps),
  }),
  /** Certificate keys from now on. */
  z.strictObject({ type: z.literal('pins'), pins }),
  z.strictObject({ type: z.literal('bye'), reason: z.enum(['removed', 'stopping']) }),
]);
export type LinkMessage = z.infer<typeof linkMessage>;

/** Reads a text of the other side; null for what is none of the wanted kind. */
export const readMessage = <T extends z.ZodType>(schema: T, text: string): z.infer<T> | null => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  const read = schema.safeParse(value);
  return read.success ? read.data : null;
};

const invitationForm = z.strictObject({
  v: z.literal(1),
  url: z
    .string()
    .max(300)
    .regex(/^https?:\/\/[^\s/?#@]+$/),
  id: uuid,
  key: bytes32,
  pins,
  token: z.string().min(20).max(100),
});
export type Invitation = z.infer<typeof invitationForm>;
const invitationPrefix = 'atrium-peer:';

export const writeInvitation = (invitation: Invitation): string =>
  invitationPrefix + Buffer.from(JSON.stringify(invitation)).toString('base64url');

export const readInvitation = (text: string): Invitation | null =>
  text.startsWith(invitationPrefix)
    ? readMessage(invitationForm, Buffer.from(text.slice(invitationPrefix.length), 'base64url').toString('utf8'))
    : null;
