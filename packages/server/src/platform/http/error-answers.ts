import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Problem } from '@atrium/protocol';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '../errors/app-error.ts';
import { traceIdOf } from './exchange.ts';
import { html } from './html.ts';
import type { HttpHostOptions } from './http-options.ts';
import { appErrorOf, challenge, problemOf, problemType, retryAfter } from './problem.ts';
import { newRequestId } from './request-id.ts';
import type { RouteMap } from './route-map.ts';
import { securityHeaders } from './security-headers.ts';
import type { StaticSite } from './static-site.ts';

/** Bytes, because Fastify adds a charset to text, which this media type does not have. */
const problemBytes = (problem: Problem): Buffer => Buffer.from(JSON.stringify(problem));

const pathOf = (url: string): string => url.split('?', 1)[0]!;

/** Without a stylesheet: under a name that is not this server's there is none to fetch. */
const plainPage = (title: string, detail: string): string =>
  html`<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${title}</title></head><body><h1>${title}</h1><p>${detail}</p></body></html>`
    .text;

/** Every answer that is not a success, as RFC 9457 problem documents, wherever the error came from. */
export class ErrorAnswers {
  readonly #options: HttpHostOptions;
  readonly #routeMap: RouteMap;
  readonly #site: StaticSite;
  /** Connections that were refused and only have their answer to send. */
  readonly #refused = new WeakSet<Socket>();

  constructor(options: HttpHostOptions, routeMap: RouteMap, site: StaticSite) {
    this.#options = options;
    this.#routeMap = routeMap;
    this.#site = site;
  }

  watch(app: FastifyInstance): void {
    app.setErrorHandler((error, request, reply) => this.send(error, request, reply));
    app.setNotFoundHandler((request, reply) => this.#unknownPath(request, reply));
  }

  /** Sends any thrown thing. Modules with routes of their own get it through Fastify's error handler. */
  send(thrown: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const error = this.#translate(thrown, request);
    this.#options.metrics.error(error.code);
    const wait = retryAfter(error);
    if (wait !== null) reply.header('retry-after', wait);
    if (error.status === 401 || error.code === 'insufficient_scope') {
      reply.header(
        'www-authenticate',
        challenge(this.#metadataUrl(request.url), error, request.exchange?.credential != null),
      );
    }
    // What the handler had begun to say about a success must not describe the error.
    for (const name of ['content-disposition', 'content-length', 'content-encoding', 'etag', 'set-cookie'])
      reply.removeHeader(name);
    const problem = problemOf(error, {
      public_url: this.#options.config.public_url(),
      instance: pathOf(request.url),
      request_id: request.id,
    });
    return reply
      .code(problem.status)
      .header('content-type', problemType)
      .header('cache-control', 'no-store')
      .send(problemBytes(problem));
  }

  /** A path that cannot be decoded never reaches a hook, so its headers are set here. */
  badUrl(_error: FastifyError, raw: IncomingMessage, reply: FastifyReply): void {
    const request_id = newRequestId();
    const problem = problemOf(new AppError('bad_request', 'The path is not a valid URL path.'), {
      public_url: this.#options.config.public_url(),
      instance: pathOf(raw.url ?? '/').slice(0, 500),
      request_id,
    });
    reply
      .code(problem.status)
      .headers({
        ...securityHeaders(this.#options.config.public_url()),
        'content-type': problemType,
        'x-request-id': request_id,
      })
      .send(problemBytes(problem));
  }

  /** True when nothing more of this connection is to be read. */
  isRefused(socket: Socket): boolean {
    return this.#refused.has(socket);
  }

  /** A request that is refused before Fastify has seen it. The connection ends, because its body is not read. */
  early(request: IncomingMessage, response: ServerResponse, error: AppError, status: number): void {
    this.#options.metrics.error(error.code);
    // What came behind it in the same packet gets no answer: its beginning is a matter of opinion.
    if (this.#refused.has(request.socket)) return;
    this.#refused.add(request.socket);
    const request_id = newRequestId();
    const page = status === 421 && (request.headers.accept ?? '').includes('text/html');
    const problem = problemOf(error, {
      public_url: this.#options.config.public_url(),
      instance: pathOf(request.url ?? '/').slice(0, 500),
      request_id,
      status,
    });
    const body = page ? plainPage(problem.title, problem.detail) : problemBytes(problem);
    // A name that is nobody's here must not be bound to https by this server.
    const ofName = status === 421 ? '' : this.#options.config.public_url();
    const wait = retryAfter(error);
    if (wait !== null) response.setHeader('retry-after', wait);
    response.writeHead(status, {
      ...securityHeaders(ofName),
      'content-type': page ? 'text/html; charset=utf-8' : problemType,
      'content-length': Buffer.byteLength(body),
      'cache-control': 'no-store',
      'atrium-error': error.code,
      'x-request-id': request_id,
      connection: 'close',
    });
    response.end(body);
  }

  /** What Node's parser refused (no HTTP, too large headers, a slow client): there is no request object, only a socket. */
  brokenRequest(error: Error & { code?: string }, socket: Socket): void {
    if (this.#refused.has(socket)) return void socket.destroySoon();
    const begun = (socket as Socket & { _httpMessage?: ServerResponse | null })._httpMessage?.headersSent === true;
    // An answer of ours in the middle of another one would be read as a part of it.
    if (error.code === 'ECONNRESET' || begun || !socket.writable) return void socket.destroy();
    const [status, reason, detail] =
      error.code === 'HPE_HEADER_OVERFLOW'
        ? [431, 'Request Header Fields Too Large', 'The headers are too large.']
        : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
          ? [408, 'Request Timeout', 'The request did not arrive in time.']
          : [400, 'Bad Request', 'This is not valid HTTP.'];
    const problem = problemOf(new AppError('bad_request', detail as string), {
      public_url: this.#options.config.public_url(),
      instance: '/',
      request_id: newRequestId(),
      status: status as number,
    });
    const body = JSON.stringify({ ...problem, title: reason });
    socket.end(
      `HTTP/1.1 ${status} ${reason}\r\nContent-Type: ${problemType}\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
    );
  }

  #translate(thrown: unknown, request: FastifyRequest): AppError {
    const reason: unknown = request.exchange?.flight?.controller.signal.reason;
    // A wait that was ended by the drain may throw any form of AbortError; its reason is what the client must hear.
    const error =
      reason instanceof AppError && (thrown as Error | null)?.name === 'AbortError' ? reason : appErrorOf(thrown);
    const fields = {
      request_id: request.id,
      trace_id: request.exchange === null ? null : traceIdOf(request.exchange),
      operation: request.exchange?.operation,
    };
    if (error.code === 'internal')
      this.#options.logger.error({ ...fields, err: error.cause ?? error, log: error.log }, 'unexpected error');
    else if (error.status >= 500)
      this.#options.logger.warn({ ...fields, code: error.code, err: error.cause, log: error.log }, 'request failed');
    else if (error.log !== undefined)
      this.#options.logger.info({ ...fields, code: error.code, log: error.log }, 'request refused');
    return error;
  }

  #metadataUrl(url: string): string {
    const base = `${this.#options.config.public_url()}/.well-known/oauth-protected-resource`;
    const path = pathOf(url);
    const door = ['/mcp', '/api/v1', '/v1'].find((one) => path === one || path.startsWith(`${one}/`));
    const app = /^\/apps\/[^/]+/.exec(path)?.[0];
    return `${base}${door ?? app ?? ''}`;
  }

  async #unknownPath(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    const path = pathOf(request.url);
    const methods = this.#routeMap.methodsOf(path);
    if (methods.length > 0) {
      reply.header('allow', [...new Set([...methods, 'OPTIONS'])].join(', '));
      if (request.method === 'OPTIONS') return reply.code(204).send();
      throw new AppError('method_not_allowed', `${request.method} is not possible here; use ${methods.join(', ')}.`);
    }
    if (request.method === 'GET' || request.method === 'HEAD') {
      const served = await this.#site.serve(request, reply, path);
      if (served) return reply;
    }
    throw new AppError('not_found', 'There is nothing at this path.');
  }
}
