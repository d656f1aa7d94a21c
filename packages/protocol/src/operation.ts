import { z } from 'zod';
import type { ErrorCode } from './errors.ts';
import type { Permission, Scope } from './scopes.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
export type PrincipalKind = 'user' | 'agent' | 'device' | 'service' | 'system';

/** How an operation appears as an MCP tool. `aliases` are accepted by tools/call and not listed by tools/list. */
export interface McpFace {
  tool: string;
  aliases?: readonly string[];
  /** Title for people; the description for the model is the operation's. */
  title: string;
  read_only?: boolean;
  destructive?: boolean;
  idempotent?: boolean;
  /** True when it reaches out of Atrium, to a service that answers what it likes. */
  open_world?: boolean;
  /** Calls are counted against 60 a minute per agent unless false. */
  metered?: boolean;
}

/**
 * One thing a principal can do, served alike by REST, MCP, SDK and CLI.
 *
 * The input is one flat strict object. On REST each `{name}` of the path takes the member of that name; the other
 * members travel in the query string for GET and DELETE and in the JSON body otherwise.
 */
export interface Operation<
  Name extends string = string,
  Input extends z.ZodObject = z.ZodObject,
  Output extends z.ZodType = z.ZodType,
> {
  name: Name;
  /** One sentence, imperative. Becomes the OpenAPI summary and the CLI help line. */
  summary: string;
  /** For the model that calls the tool and for the reference: what it does, when to use it, what comes back. */
  description?: string;
  method: Method;
  path: string;
  /** `public` needs no credential; everything else names a scope. */
  access: 'public' | 'signed_in';
  scope: Scope | null;
  /** What the role must hold; null = any signed-in principal of the kinds below. */
  permission: Permission | null;
  /** Kinds of principal that may call; default all. */
  principals?: readonly PrincipalKind[];
  /** Only for people who run the server, with the rights that a recent sign-in gives them. */
  operator?: boolean;
  input: Input;
  output: Output;
  /** Success status; 204 when the output is `nothing`. */
  status: 200 | 201 | 204;
  errors: readonly ErrorCode[];
  /** `header`: Idempotency-Key is honoured by the host. `field`: the input's own idempotency_key rules, the header fills it. */
  idempotency?: 'header' | 'field';
  /** `raw`: the body is not JSON; the handler reads `call.raw`. `multipart`: one file part named `file`. */
  body?: 'json' | 'raw' | 'multipart';
  /** `file`: the handler answers bytes. `stream`: server-sent events. */
  answer?: 'json' | 'file' | 'stream';
  /** Answers carry their `version` as ETag; the header If-Match fills the member `version` of an input that has one. */
  if_match?: boolean;
  /** For a public answer that is the same for everybody: the seconds for which anybody may keep it. */
  cache_s?: number;
  /** A header, in small letters, that a request must carry: what a form or link of another site cannot send. */
  header?: readonly [name: string, value: string];
  /** Takes a credential of its own kind as bearer, which `call.presented` holds. For public operations. */
  presents?: true;
  /** Largest body in bytes; default 1 MiB. */
  body_limit?: number;
  mcp?: McpFace;
}

/** Keeps the kind of answer in the type, so that a handler is checked against what it must return. */
export const defineOperation = <
  const Name extends string,
  Input extends z.ZodObject,
  Output extends z.ZodType,
  const Answer extends 'json' | 'file' | 'stream' = 'json',
>(
  operation: Operation<Name, Input, Output> & { answer?: Answer },
): Operation<Name, Input, Output> & { answer?: Answer } => operation;

/** What a caller writes (defaults may be left out) and what a handler gets (defaults filled in). */
export type InputOf<O extends Operation> = z.input<O['input']>;
export type ParsedInputOf<O extends Operation> = z.output<O['input']>;
export type OutputOf<O extends Operation> = z.output<O['output']>;

export const id = z.uuid().describe('UUIDv7');
export const time = z.iso.datetime({ offset: true }).describe('RFC 3339 UTC');
export const nothing = z.null();
export const noInput = z.strictObject({});
export const byId = z.strictObject({ id });
/** Membership of every list: `limit` 1 to 200, `cursor` from the page before. */
export const pageInput = {
  limit: z.int().min(1).max(200).default(50),
  cursor: z.string().max(500).optional().describe('next_cursor of the page before'),
};
/** Of lists that tell on request how long they are in all: counting costs more than a page. */
export const countInput = z.boolean().default(false).describe('also say in `total` how many there are in all');
export const countOutput = z.int().nullable().describe('null unless `count` asked for it');
export const page = <T extends z.ZodType>(item: T) =>
  z.object({ items: z.array(item), next_cursor: z.string().nullable() });

/** The principal behind an act, as it appears in rows, events and audit lines. */
export const actor = z.object({
  type: z.enum(['user', 'agent', 'device', 'service', 'system']),
  id: z.uuid().nullable(),
  name: z.string(),
});
export type Actor = z.infer<typeof actor>;

/** Path parameters of a template, in order: `/a/{id}/b/{name}` gives `['id', 'name']`. */
export const pathParameters = (path: string): string[] => [...path.matchAll(/\{([a-z_]+)\}/g)].map((m) => m[1]!);
