import type { AuthInfo, ServerContext } from '@modelcontextprotocol/server';
import type { Call, Waiting } from '../operations/call.ts';
import type { Caller } from '../operations/caller.ts';
import type { TraceParent } from '../telemetry/trace-context.ts';

/** What one HTTP request knows beyond its JSON-RPC message. It travels to the handlers inside the SDK's AuthInfo. */
export interface RequestFacts {
  caller: Caller;
  request_id: string;
  /** Span of the request, or what its client sent; the spans of its tool calls go below it. */
  trace: TraceParent | null;
  ip: string | null;
  user_agent: string | null;
  /** Aborts when the client left before its answer was complete. */
  gone: AbortSignal;
  /** Where its streams and waiting calls say that they wait. */
  waits: Waiting | null;
}

/** The credential itself stays out: nothing behind the door may pass it on. */
export const authInfoOf = (facts: RequestFacts): AuthInfo => ({
  token: '',
  clientId: facts.caller.id,
  scopes: [...facts.caller.scopes],
  extra: { facts },
});

export const factsOf = (context: ServerContext): RequestFacts => {
  const facts = context.http?.authInfo?.extra?.['facts'] as RequestFacts | undefined;
  if (facts === undefined) throw new Error('An MCP message arrived without its request.');
  return facts;
};

/** A principal in one organisation: what sessions and streams belong to, however often its token is renewed. */
export const ownerOf = (caller: Caller): string => `${caller.kind}:${caller.id}:${caller.org_id}`;

/** The call of a request that neither reports progress nor asks. */
export const plainCallOf = (facts: RequestFacts): Call => ({
  caller: facts.caller,
  door: 'mcp',
  request_id: facts.request_id,
  trace_id: facts.trace?.trace_id ?? null,
  ip: facts.ip,
  user_agent: facts.user_agent,
  signal: facts.gone,
  waits: facts.waits,
  progress: () => {},
  idempotency: null,
  raw: null,
  cookies: null,
});
