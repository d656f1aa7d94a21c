import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '../errors/app-error.ts';
import { readTraceParent } from '../telemetry/trace-context.ts';
import { Cors } from './cors.ts';
import { type Exchange, traceIdOf } from './exchange.ts';
import type { HttpHostOptions } from './http-options.ts';
import type { InFlight } from './in-flight.ts';
import type { RouteMap } from './route-map.ts';
import { securityHeaders } from './security-headers.ts';

/** Asked by probes and scrapers; they must be answered when the server is full or stopping. */
const probes = new Set(['/health', '/ready', '/metrics']);

const probe = (url: string): boolean => {
  const query = url.indexOf('?');
  return probes.has(query === -1 ? url : url.slice(0, query));
};

const lengthOf = (header: number | string | string[] | undefined): number | null => {
  const length = Number(header ?? Number.NaN);
  return Number.isSafeInteger(length) && length >= 0 ? length : null;
};

/** The first and the last to see every request: common headers, back-pressure, trace, metrics and the log line. */
export class RequestObserver {
  readonly #options: HttpHostOptions;
  readonly #inFlight: InFlight;
  readonly #routeMap: RouteMap;
  readonly #cors: Cors;
  #headers: { url: string; values: Record<string, string> } | null = null;

  constructor(options: HttpHostOptions, inFlight: InFlight, routeMap: RouteMap) {
    this.#options = options;
    this.#inFlight = inFlight;
    this.#routeMap = routeMap;
    this.#cors = new Cors(options.config.cors_origins);
  }

  watch(app: FastifyInstance): void {
    app.decorateRequest('exchange', null as unknown as Exchange);
    app.addHook('onRequest', (request, reply, done) => this.#begin(request, reply, done));
  }

  #begin(request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void): void {
    const exchange = this.#exchange(request);
    request.exchange = exchange;
    reply.headers(this.#commonHeaders());
    reply.header('x-request-id', request.id);
    reply.raw.on('close', () => this.#end(request, reply));
    if (this.#options.denied_address?.(request.ip) === true) {
      done(new AppError('address_denied'));
      return;
    }
    if (this.#cors.open && this.#cors.apply(request, reply, () => this.#methods(request.url))) return;
    if (probe(request.url)) done();
    else this.#enter(request.url, exchange, reply, done);
  }

  #enter(url: string, exchange: Exchange, reply: FastifyReply, done: (error?: Error) => void): void {
    // It came over a connection from before the stop; nobody else can answer it there.
    if (this.#inFlight.draining) reply.header('connection', 'close');
    exchange.flight = this.#inFlight.enter(url);
    if (exchange.flight !== null) done();
    else done(new AppError('not_ready', 'The server is busy; try again soon.', { extensions: { retry_after: 1 } }));
  }

  #exchange(request: FastifyRequest): Exchange {
    const parent = request.headers.traceparent === undefined ? null : readTraceParent(request.headers.traceparent);
    const span =
      this.#options.tracing?.start(request.method, 'server', parent, { 'http.request.method': request.method }) ?? null;
    return {
      started: performance.now(),
      flight: null,
      parent,
      span,
      route: null,
      operation: null,
      credential: null,
      caller: null,
    };
  }

  /** The public URL may become known only when the port is; until it changes one object serves every answer. */
  #commonHeaders(): Record<string, string> {
    const url = this.#options.config.public_url();
    if (this.#headers?.url !== url) this.#headers = { url, values: securityHeaders(url) };
    return this.#headers.values;
  }

  #methods(url: string): string[] {
    return this.#routeMap.methodsOf(url.split('?', 1)[0]!);
  }

  #end(request: FastifyRequest, reply: FastifyReply): void {
    const { exchange } = request;
    const finished = reply.raw.writableFinished;
    if (exchange.flight !== null) this.#inFlight.leave(exchange.flight, finished);
    const route = exchange.route ?? (request.is404 ? 'unmatched' : (request.routeOptions.url ?? 'unmatched'));
    const status = finished ? reply.raw.statusCode : 499;
    const seconds = (performance.now() - exchange.started) / 1000;
    this.#options.metrics.request(request.method, route, status, seconds);
    this.#options.metrics.sizes(
      request.headers['transfer-encoding'] === undefined ? lengthOf(request.headers['content-length'] ?? '0') : null,
      // Fastify hands its headers on without leaving them with the answer; the engine's answers do not pass through it.
      lengthOf(reply.getHeader('content-length') ?? reply.raw.getHeader('content-length')),
    );
    exchange.span?.end({
      failed: status >= 500,
      name: `${request.method} ${route}`,
      attributes: {
        'http.route': route,
        'http.response.status_code': status,
        ...(exchange.operation === null ? {} : { 'atrium.operation': exchange.operation }),
      },
    });
    this.#options.logger.debug(
      {
        request_id: request.id,
        trace_id: traceIdOf(exchange),
        method: request.method,
        route,
        operation: exchange.operation,
        status,
        ms: Math.round(seconds * 1000),
        principal: exchange.caller?.id ?? null,
      },
      'request',
    );
  }
}
