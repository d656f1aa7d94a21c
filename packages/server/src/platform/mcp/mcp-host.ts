import { classifyInboundRequest, isJsonContentType, type ServerContext } from '@modelcontextprotocol/server';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '../errors/app-error.ts';
import { retryAfter } from '../http/problem.ts';
import type { Caller } from '../operations/caller.ts';
import { readTraceParent, type TraceParent } from '../telemetry/trace-context.ts';
import { missingScope, refuseAnonymous, refuseCredential, refuseScope } from './challenge.ts';
import { defaultMcpLimits, type McpHostOptions, type McpLimits } from './mcp-options.ts';
import { McpServerMaker, statelessRevision } from './mcp-server.ts';
import { OpenStreams } from './open-streams.ts';
import { ownerOf, type RequestFacts } from './request-facts.ts';
import { corsHeaders, originProblem, preflightHeaders } from './request-origin.ts';
import {
  empty,
  goneSignal,
  invalidRequest,
  parseError,
  type RawExchange,
  refuse,
  refused,
  waitBegins,
} from './rpc-answers.ts';
import { SessionDoor } from './session-door.ts';
import { SessionStore } from './session-store.ts';
import { StatelessDoor } from './stateless-door.ts';

const traceOf = (request: FastifyRequest): TraceParent | null => {
  const span = request.exchange?.span;
  return span == null
    ? readTraceParent(request.headers['traceparent'])
    : { trace_id: span.trace_id, span_id: span.span_id, sampled: span.sampled };
};

/** The MCP door: one path, the stateless revision and those with sessions. */
export class McpHost {
  readonly #options: McpHostOptions;
  readonly #limits: McpLimits;
  readonly #maker: McpServerMaker;
  readonly #streams: OpenStreams;
  readonly #sessions: SessionStore;
  readonly #sessionDoor: SessionDoor;
  readonly #statelessDoor: StatelessDoor;
  #closed = false;

  constructor(options: McpHostOptions) {
    this.#options = options;
    this.#limits = { ...defaultMcpLimits, ...options.limits };
    this.#maker = new McpServerMaker(options, this.#limits);
    this.#streams = new OpenStreams(this.#limits.streams_per_principal, options.clock);
    this.#sessions = new SessionStore(this.#maker, this.#limits, options.clock, options.key);
    this.#sessionDoor = new SessionDoor(this.#sessions, this.#maker, this.#streams, this.#limits, options.events);
    this.#statelessDoor = new StatelessDoor(this.#maker, this.#streams, options, this.#limits);
  }

  get bodyLimit(): number {
    return this.#limits.body_bytes;
  }

  /** For metrics. */
  get counts(): { sessions: number; streams: number } {
    return { sessions: this.#sessions.size, streams: this.#streams.size };
  }

  /** For tool sources that ask by themselves: the state a stateless client brings back, good for this principal only. */
  sealState(state: unknown, context: ServerContext): Promise<string> {
    return this.#maker.sealState(state, context);
  }

  /** Tells connected clients that their list of tools or resources is another: a role, a scope or a source changed. */
  async toolsChanged(): Promise<void> {
    this.#statelessDoor.toolsChanged();
    await Promise.all([...this.#sessions.all].map((session) => this.#sessionDoor.announce(session)));
  }

  /** Ends the streams and frees the sessions of a principal whose credential was withdrawn. */
  endPrincipal(id: string): void {
    const its = (owner: string) => owner.split(':')[1] === id;
    this.#streams.end((caller) => its(ownerOf(caller)));
    this.#sessions.releaseOf(its);
  }

  /** Running calls are told that the server stops, then streams and sessions end. Session ids stay good for the next start. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#maker.tools.abortAll();
    await new Promise((resolve) => setImmediate(resolve));
    this.#streams.end(() => true);
    this.#sessions.close();
    await this.#statelessDoor.close();
  }

  /** Refuses what may not come in; gives the caller otherwise. */
  async admit(raw: RawExchange, request: FastifyRequest): Promise<Caller | null> {
    const publicUrl = this.#options.public_url();
    const problem = originProblem(request.headers, publicUrl, this.#options.allowed_hosts ?? []);
    if (problem !== null) refuse(raw, 403, refused, problem);
    else if (request.method === 'OPTIONS') empty({ ...raw, headers: { ...raw.headers, ...preflightHeaders } }, 204);
    else if (this.#closed) refuse(raw, 503, refused, 'The server is stopping.', { headers: { 'retry-after': '2' } });
    else return this.#identify(raw, request, publicUrl);
    return null;
  }

  async answer(raw: RawExchange, request: FastifyRequest, caller: Caller): Promise<void> {
    const facts: RequestFacts = {
      caller,
      request_id: request.id,
      trace: traceOf(request),
      ip: request.ip,
      user_agent: request.headers['user-agent'] ?? null,
      gone: goneSignal(raw.response),
      waits: request.exchange?.flight ?? null,
    };
    request.raw.socket.setTimeout(0);
    if (request.method === 'POST') return this.#post(raw, request, facts);
    if (request.headers['mcp-protocol-version'] === statelessRevision) {
      return refuse(raw, 405, refused, `Revision ${statelessRevision} knows POST only.`, {
        headers: { allow: 'POST' },
      });
    }
    if (request.method === 'GET') {
      if (!waitBegins(raw, facts.waits)) return;
      return this.#sessionDoor.get(raw, facts);
    }
    this.#sessionDoor.delete(raw, facts);
  }

  async #identify(raw: RawExchange, request: FastifyRequest, publicUrl: string): Promise<Caller | null> {
    try {
      const caller = await this.#options.authenticate(request);
      if (caller === null) refuseAnonymous(raw, publicUrl);
      return caller;
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      refuseCredential(raw, error, publicUrl);
      return null;
    }
  }

  async #post(raw: RawExchange, request: FastifyRequest, facts: RequestFacts): Promise<void> {
    if (!isJsonContentType(request.headers['content-type'] ?? null)) {
      return refuse(raw, 415, refused, 'The Content-Type must be application/json.');
    }
    let body: unknown;
    try {
      body = JSON.parse(request.body as string);
    } catch {
      return refuse(raw, 400, parseError, 'The body is not JSON.');
    }
    if (body === null || typeof body !== 'object') return refuse(raw, 400, invalidRequest, 'Not a JSON-RPC message.');
    if (this.#options.scope_challenge === true) {
      const scope = missingScope(body, facts.caller, this.#maker.catalogue);
      if (scope !== null) return refuseScope(raw, scope, facts.caller, this.#options.public_url());
    }
    if (this.#isSessionTraffic(request, body)) return this.#sessionDoor.post(raw, body, facts);
    return this.#statelessDoor.post(raw, body, facts);
  }

  /** The SDK's own decision, so that its handler and ours never both refuse or both serve a message. */
  #isSessionTraffic(request: FastifyRequest, body: unknown): boolean {
    const header = request.headers['mcp-protocol-version'];
    const outcome = classifyInboundRequest({
      httpMethod: 'POST',
      body,
      ...(typeof header === 'string' && { protocolVersionHeader: header }),
    });
    return outcome.kind === 'legacy' || (Array.isArray(body) && header !== statelessRevision);
  }
}

const rawOf = (request: FastifyRequest, reply: FastifyReply): RawExchange => ({
  request: request.raw,
  response: reply.raw,
  headers: { 'x-request-id': request.id, 'cache-control': 'no-store', ...corsHeaders(request.headers.origin) },
});

/** Mounts the host at `/mcp`. Its answers are JSON-RPC, also where Fastify would answer by itself. */
export const mountMcp = async (fastify: FastifyInstance, options: McpHostOptions): Promise<McpHost> => {
  const host = new McpHost(options);
  const callers = new WeakMap<FastifyRequest, Caller>();
  await fastify.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    // The text is parsed by the host, so that broken JSON gets its JSON-RPC answer.
    scope.addContentTypeParser('*', { parseAs: 'string', bodyLimit: host.bodyLimit }, (_request, body, done) =>
      done(null, body),
    );
    scope.setErrorHandler((error: { statusCode?: number; message: string }, request, reply) => {
      const known = error instanceof AppError ? error : null;
      const status = known?.status ?? error.statusCode ?? 500;
      const wait = known === null ? null : retryAfter(known);
      if (status >= 500 && known === null)
        options.log.error({ err: error, request_id: request.id }, 'The MCP host failed.');
      reply.hijack();
      const raw = rawOf(request, reply);
      if (raw.response.headersSent) raw.response.destroy();
      else
        refuse(
          raw,
          status,
          status >= 500 && known === null ? -32603 : refused,
          status >= 500 && known === null ? 'Internal server error' : error.message,
          wait === null ? {} : { headers: { 'retry-after': String(wait) } },
        );
    });
    scope.route({
      method: ['GET', 'POST', 'DELETE', 'OPTIONS'],
      url: '/mcp',
      exposeHeadRoute: false,
      bodyLimit: host.bodyLimit,
      // Before the body is read: nobody unknown makes the server take in megabytes.
      onRequest: async (request, reply) => {
        const raw = rawOf(request, reply);
        const caller = await host.admit(raw, request);
        if (caller === null) reply.hijack();
        else callers.set(request, caller);
      },
      handler: async (request, reply) => {
        reply.hijack();
        await host.answer(rawOf(request, reply), request, callers.get(request)!);
      },
    });
  });
  return host;
};
