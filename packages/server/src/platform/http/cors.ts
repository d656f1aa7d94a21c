import type { FastifyReply, FastifyRequest } from 'fastify';

const exposed =
  'X-Request-Id, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, Retry-After, WWW-Authenticate, ETag, Mcp-Session-Id';
const allowedHeaders =
  'Authorization, X-API-Key, Content-Type, If-Match, Idempotency-Key, X-Request-Id, Last-Event-ID, Traceparent, Mcp-Protocol-Version, Mcp-Session-Id';

/**
 * Cross-origin reading for the configured origins only. Credentials are never allowed: a foreign page brings its own
 * bearer token and never rides on the cookie.
 */
export class Cors {
  readonly #origins: ReadonlySet<string>;

  constructor(origins: readonly string[]) {
    this.#origins = new Set(origins.map((o) => o.replace(/\/+$/, '')));
  }

  get open(): boolean {
    return this.#origins.size > 0;
  }

  /** Marks the answer; true when the request was a preflight that is hereby answered. */
  apply(request: FastifyRequest, reply: FastifyReply, methods: () => string[]): boolean {
    reply.header('vary', 'Origin');
    const origin = request.headers.origin;
    if (origin === undefined || !this.#origins.has(origin)) return false;
    reply.header('access-control-allow-origin', origin).header('access-control-expose-headers', exposed);
    if (request.method !== 'OPTIONS' || request.headers['access-control-request-method'] === undefined) return false;
    reply
      .headers({
        'access-control-allow-methods': methods().join(', '),
        'access-control-allow-headers': allowedHeaders,
        'access-control-max-age': '600',
      })
      .code(204)
      .send();
    return true;
  }
}
