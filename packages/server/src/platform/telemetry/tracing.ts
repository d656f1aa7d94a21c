import type { AttributeValue, Span, SpanKind } from '@opentelemetry/api';
import type { TraceParent } from './trace-context.ts';

type SpanAttributes = Record<string, string | number | boolean>;

/** A running span. `end` sends it; an error marks it failed without its text, which may quote user data. */
export interface ActiveSpan {
  trace_id: string;
  span_id: string;
  sampled: boolean;
  end(outcome: { failed: boolean; name?: string; attributes?: SpanAttributes }): void;
}

/** Spans for requests, MCP tool calls and jobs. Attributes name operations and codes, never content. */
export interface Tracing {
  start(name: string, kind: 'server' | 'internal', parent: TraceParent | null, attributes?: SpanAttributes): ActiveSpan;
  flush(): Promise<void>;
  close(): Promise<void>;
}

export interface TracingConfig {
  /** OTEL_EXPORTER_OTLP_ENDPOINT: base URL; `/v1/traces` is appended, as the OTLP exporter specification says. */
  endpoint: string | null;
  headers?: Record<string, string>;
  service_name: string;
  version: string;
}

/**
 * Tracing by OTLP/HTTP JSON, or null when no endpoint is configured: then no package of OpenTelemetry is loaded, and an
 * idle server pays nothing for it.
 */
export const createTracing = async (config: TracingConfig): Promise<Tracing | null> => {
  if (config.endpoint === null) return null;
  const [api, sdk, { OTLPTraceExporter }, { resourceFromAttributes }] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/sdk-trace'),
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/resources'),
  ]);
  const exporter = new OTLPTraceExporter({
    url: `${config.endpoint.replace(/\/+$/, '')}/v1/traces`,
    headers: config.headers ?? {},
  });
  const provider = new sdk.TracerProvider({
    resource: resourceFromAttributes({ 'service.name': config.service_name, 'service.version': config.version }),
    spanProcessors: [new sdk.BatchSpanProcessor({ exporter })],
  });
  const tracer = provider.getTracer('atrium', config.version);
  const kinds: Record<'server' | 'internal', SpanKind> = {
    server: api.SpanKind.SERVER,
    internal: api.SpanKind.INTERNAL,
  };

  const handle = (span: Span): ActiveSpan => ({
    trace_id: span.spanContext().traceId,
    span_id: span.spanContext().spanId,
    sampled: (span.spanContext().traceFlags & api.TraceFlags.SAMPLED) !== 0,
    end: ({ failed, name, attributes }) => {
      if (name !== undefined) span.updateName(name);
      if (attributes !== undefined) span.setAttributes(attributes as Record<string, AttributeValue>);
      if (failed) span.setStatus({ code: api.SpanStatusCode.ERROR });
      span.end();
    },
  });

  return {
    start: (name, kind, parent, attributes) => {
      const context =
        parent === null
          ? api.ROOT_CONTEXT
          : api.trace.setSpanContext(api.ROOT_CONTEXT, {
              traceId: parent.trace_id,
              spanId: parent.span_id,
              traceFlags: parent.sampled ? api.TraceFlags.SAMPLED : api.TraceFlags.NONE,
              isRemote: true,
            });
      return handle(
        tracer.startSpan(name, { kind: kinds[kind], ...(attributes === undefined ? {} : { attributes }) }, context),
      );
    },
    flush: () => provider.forceFlush(),
    close: () => provider.shutdown(),
  };
};
