import type { Caller } from '../operations/caller.ts';
import type { TraceParent } from '../telemetry/trace-context.ts';
import type { ActiveSpan } from '../telemetry/tracing.ts';
import type { PresentedCredential } from './credentials.ts';
import type { Flight } from './in-flight.ts';

/** What the host knows about one request, kept on Fastify's request as `exchange`. */
export interface Exchange {
  started: number;
  flight: Flight | null;
  parent: TraceParent | null;
  span: ActiveSpan | null;
  /** Route template for metrics and spans; null until a route says what it is. */
  route: string | null;
  operation: string | null;
  credential: PresentedCredential | null;
  caller: Caller | null;
}

declare module 'fastify' {
  interface FastifyRequest {
    exchange: Exchange;
  }
}

export const traceIdOf = (exchange: Exchange): string | null =>
  exchange.span?.trace_id ?? exchange.parent?.trace_id ?? null;
