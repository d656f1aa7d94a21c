import { type DeliveredEvent, operations } from '@atrium/protocol';
import type { HostFacts } from '../modules/admin/index.ts';
import type { Clock } from '../platform/clock/clock.ts';
import type { ConfigValues } from '../platform/config/config.ts';
import type { Rate } from '../platform/config/value-types.ts';
import { anonymousCaller } from '../platform/http/anonymous-caller.ts';
import type { CertificateOf } from '../platform/http/client-certificate.ts';
import { type ClientHeader, proofOf, readClientHeaders, readCredential } from '../platform/http/credentials.ts';
import { createHttpHost, type HttpHost } from '../platform/http/http-host.ts';
import {
  type Authenticate,
  type HttpConfig,
  type HttpHostOptions,
  httpDefaults,
  type RateRule,
} from '../platform/http/http-options.ts';
import { PageProofs } from '../platform/http/page-proof.ts';
import type { ToolCallSeen } from '../platform/mcp/mcp-face.ts';
import { mountMcp } from '../platform/mcp/mcp-host.ts';
import type { Module } from '../platform/module.ts';
import type { CircuitBreakers } from '../platform/net/circuit-breaker.ts';
import { type Call, internalCall } from '../platform/operations/call.ts';
import type { Caller } from '../platform/operations/caller.ts';
import type { EventFanOut } from '../platform/sockets/event-fan-out.ts';
import { eventsFor } from '../platform/sockets/event-stream.ts';
import { SocketHost } from '../platform/sockets/socket-host.ts';
import type { SocketHostOptions } from '../platform/sockets/socket-options.ts';
import type { LoadHistory } from '../platform/telemetry/load-history.ts';
import type { Logger } from '../platform/telemetry/logger.ts';
import type { Metrics } from '../platform/telemetry/metrics.ts';
import type { Tracing } from '../platform/telemetry/tracing.ts';
import type { Limits } from './limits.ts';
import { loadOf } from './load.ts';
import type { Storage } from './storage.ts';

export interface DoorsOptions {
  values: ConfigValues;
  storage: Storage;
  limits: Limits;
  modules: readonly Module[];
  fan_out: EventFanOut;
  authenticate: Authenticate;
  /** For programs that send the id and secret of their client instead of a token. */
  client_caller: (client: ClientHeader, resource: string, call: Call) => Promise<Caller>;
  can_see: (caller: Caller, itemId: string) => Promise<boolean>;
  /** Told of the sockets of every caller. */
  presence: NonNullable<SocketHostOptions['presence']>;
  /** Logs that are followed over a socket. */
  socket_logs: NonNullable<SocketHostOptions['logs']>;
  on_tool_call: (seen: ToolCallSeen) => void;
  jobs_ready: () => boolean;
  tracing: Tracing | null;
  breakers: CircuitBreakers;
  metrics: Metrics;
  history: LoadHistory;
  public_url: () => string;
  certificate_of: CertificateOf;
  tls: HttpHostOptions['tls'];
  version: string;
  web_root: string | null;
  denied_address?: HttpHostOptions['denied_address'];
  clock: Clock;
  log: Logger;
}

export interface Doors {
  http: HttpHost;
  /** What the doors know of themselves, for operators. */
  facts: HostFacts;
  close(): Promise<void>;
}

const instructions = `Atrium is the inbox between you and the people you work for.
Use inbox_notify to tell them something, inbox_ask to ask a question with a form or for approval of a tool call.
inbox_ask with wait_s waits for the typed answer; when it comes back as pending, call inbox_wait with the id.
Pass idempotency_key so that a repeated call finds the same question. Take back what is no longer needed with inbox_withdraw.`;

/** Tools that would put a secret into the hands of a model. */
const refused_tools = {
  get_token:
    'No tool takes a client secret or gives a token. Ask POST /oauth/token from your own program, with the secret from its own storage.',
  exchange_code:
    'No tool takes an authorization code or a client secret. The client that began the flow redeems its code at POST /oauth/token.',
  refresh_token:
    'No tool takes a refresh token. The client that holds it asks POST /oauth/token with grant_type=refresh_token.',
};

const httpConfig = (options: DoorsOptions): HttpConfig => {
  const { server } = options.values.config;
  return {
    ...httpDefaults,
    host: server.host,
    port: server.port,
    shares_port: server.processes > 1,
    public_url: options.public_url,
    version: options.version,
    trusted_proxies: server.trustedProxies.map((range) => range.cidr),
    proxy_protocol: server.proxyProtocol,
    extra_hosts: () => options.values.config.server.extraHosts,
    max_connections_per_address: server.maxConnectionsPerAddress,
    fast_lane: options.values.config.gatewayLimits.fastLane,
    certificate_of: options.certificate_of,
    cors_origins: server.corsOrigins,
    metrics_token: options.values.secrets.metricsToken?.reveal() ?? null,
    page_proofs: new PageProofs(options.storage.keysFor('page proofs')[0]),
    web_root: options.web_root,
    max_in_flight: server.maxInFlight,
    max_per_bulkhead: server.maxPerBulkhead,
    max_waiting: server.maxWaiting,
  };
};

const mcpSubscriptions =
  (fanOut: EventFanOut) => (caller: Caller, listener: (event: { kind: string; id: string }) => void) => {
    const stop = new AbortController();
    const follow = async () => {
      for await (const event of eventsFor(fanOut, caller, { signal: stop.signal })) {
        if ('data' in event) listener(JSON.parse(event.data) as DeliveredEvent);
      }
    };
    follow().catch(() => stop.abort());
    return () => stop.abort();
  };

/** Opens every way in: HTTP with its operations and pages, MCP, and the WebSocket. */
export const openDoors = async (options: DoorsOptions): Promise<Doors> => {
  const { values, storage, limits, modules, clock, log } = options;
  const { rateLimits } = values.config;
  const { metrics } = options;
  metrics.circuits(options.breakers);
  const bindings = modules.flatMap((module) => module.bindings);
  const front = modules.find((module) => module.front !== undefined)?.front;
  const rule = ({ max, windowMs }: Rate): RateRule => ({ limit: max, window_s: windowMs / 1000 });

  const http = await createHttpHost({
    config: httpConfig(options),
    bindings,
    pages: modules.flatMap((module) => module.pages ?? []),
    operations,
    authenticate: options.authenticate,
    limiter: limits.requests,
    rate_rules: () => ({ principal: rule(rateLimits.rest), address: rule(rateLimits.address) }),
    clock,
    logger: log,
    metrics,
    tracing: options.tracing,
    ready: {
      database: async () => (await storage.pool.query('select 1')).rowCount === 1,
      events: () => storage.dispatcher.connected,
      jobs: options.jobs_ready,
    },
    on_denied: (call, operation, error) =>
      storage.database.auditDenied(call, {
        action: 'operation.denied',
        details: { operation: operation.name, code: error.code, ...error.extensions },
      }),
    ...(options.denied_address === undefined ? {} : { denied_address: options.denied_address }),
    ...(front === undefined ? {} : { front }),
    ...(options.tls === undefined ? {} : { tls: options.tls }),
    validate_output: false,
  });
  for (const module of modules) await module.http?.(http);

  const mcp = await mountMcp(http.app, {
    bindings,
    resources: modules.flatMap((module) => module.resources ?? []),
    prompts: modules.flatMap((module) => module.prompts ?? []),
    sources: modules.flatMap((module) => module.tools ?? []),
    content: modules.flatMap((module) => module.content ?? []),
    version: options.version,
    instructions,
    refused_tools,
    public_url: options.public_url,
    allowed_hosts: values.config.server.extraHosts,
    key: storage.keysFor('mcp')[0],
    authenticate: async (request) => {
      const credential = readCredential(request.raw.headers);
      const resource = `${options.public_url()}/mcp`;
      if (credential === null || credential.via === 'cookie') {
        const client = readClientHeaders(request.raw.headers);
        if (client === null) return null;
        const call = { ...internalCall(anonymousCaller, request.id), door: 'mcp' as const, ip: request.ip };
        return await options.client_caller(client, resource, call);
      }
      return await options.authenticate(credential.token, {
        via: 'bearer',
        resource,
        ip: request.ip,
        user_agent: request.headers['user-agent'] ?? null,
        proof: proofOf(request, credential, options.public_url(), options.certificate_of(request.raw)),
      });
    },
    meter: async (caller) =>
      limits.local.hit({
        bucket: 'tools',
        key: caller.id,
        limit: rateLimits.tools.max,
        window_ms: rateLimits.tools.windowMs,
      }),
    events: { subscribe: mcpSubscriptions(options.fan_out) },
    tracing: options.tracing,
    onToolCall: options.on_tool_call,
    scope_challenge: true,
    clock,
    log,
  });

  // Who may use which tool of an MCP server changes with these; clients ask for their list again.
  storage.dispatcher.subscribe(({ kind }) => {
    if (kind === 'tools.server.tools_changed')
      mcp.toolsChanged().catch((error) => log.warn({ err: error }, 'MCP clients were not told'));
  });

  const sockets = new SocketHost({
    fan_out: options.fan_out,
    authenticate: options.authenticate,
    can_see: options.can_see,
    public_url: options.public_url,
    certificate_of: options.certificate_of,
    cors_origins: values.config.server.corsOrigins,
    presence_bus: null,
    presence: options.presence,
    logs: options.socket_logs,
    now: () => clock.now().getTime(),
    logger: log,
    metrics,
  });
  sockets.mount(http.upgrades);

  return {
    http,
    facts: {
      checks: http.checks,
      metrics: () => metrics.text(),
      load: () => loadOf(metrics, options.history),
      sockets: { list: (orgId) => sockets.list(orgId), close: (id) => sockets.closeOne(id) },
      discovery: async () => {
        const answer = await http.app.inject({ method: 'GET', url: '/.well-known/openid-configuration' });
        return answer.statusCode === 200 ? (answer.json() as Record<string, unknown>) : null;
      },
    },
    close: async () => {
      await Promise.all([http.close(), mcp.close(), sockets.close()]);
    },
  };
};
