import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '../../../platform/errors/app-error.ts';
import { anonymousCaller } from '../../../platform/http/anonymous-caller.ts';
import { cookieHeader, readCookie, sessionCookie } from '../../../platform/http/credentials.ts';
import { traceIdOf } from '../../../platform/http/exchange.ts';
import { addressKey } from '../../../platform/limits/rate-limiter.ts';
import type { Call } from '../../../platform/operations/call.ts';
import type { Caller } from '../../../platform/operations/caller.ts';
import { approvalGrant } from '../clients/optional-grants.ts';
import type { EngineHandler } from '../engine/engine.ts';
import { loadEngine } from '../engine/oidc-provider.ts';
import { inScope, RequestScope } from '../engine/request-scope.ts';
import type { PlainClientCredentials } from '../grants/plain-client-credentials.ts';
import type { PlainIntrospection } from '../grants/plain-introspection.ts';
import { TokenRefused } from '../hooks/token-hook.ts';
import type { OauthParts } from '../oauth-parts.ts';
import type { RequestGate } from '../request-gate-service.ts';
import { type DeviceTokensService, RefreshRefused } from '../tokens/device-tokens.ts';

export interface DoorParts
  extends Pick<
    OauthParts,
    'database' | 'public_url' | 'identity' | 'config' | 'certificates' | 'refused' | 'refreshed'
  > {
  engine: () => EngineHandler;
  gate: RequestGate;
  plain: PlainClientCredentials;
  plainIntrospection: PlainIntrospection;
  devices: DeviceTokensService;
  resource_paths: readonly string[];
}

const mostFormBytes = 56 * 1024;
/** What every browser and proxy takes as an address. */
const mostAddressBytes = 8 * 1024;

/** Those of the engine's answers to requests without an origin. */
const plainHeaders = (exposed: string) => ({
  'access-control-allow-origin': '*',
  'access-control-expose-headers': exposed,
  'cache-control': 'no-store',
  vary: 'Origin',
});
const tokenHeaders = plainHeaders('DPoP-Nonce,WWW-Authenticate');
const introspectionHeaders = plainHeaders('WWW-Authenticate');

/** The call behind a request: nobody for protocol endpoints, the person of the session for pages. */
export const callOf = (request: FastifyRequest, caller: Caller, cookies: Call['cookies'] = null): Call => ({
  caller,
  door: 'rest',
  request_id: request.id,
  trace_id: traceIdOf(request.exchange),
  ip: request.ip,
  user_agent: request.headers['user-agent']?.slice(0, 500) ?? null,
  signal: request.exchange.flight?.controller.signal ?? new AbortController().signal,
  progress: () => {},
  idempotency: null,
  raw: null,
  cookies,
});

/** Who is signed in in the browser that asks. */
export const personOf = async (request: FastifyRequest, parts: DoorParts): Promise<Caller | null> => {
  const token = readCookie(request.headers.cookie, sessionCookie);
  if (token === null) return null;
  const caller = await parts.identity.resolve(token, { via: 'cookie' });
  return caller?.kind === 'user' && caller.credential.kind === 'session' ? caller : null;
};

export const scopeOf = (request: FastifyRequest, parts: DoorParts, person: Caller | null): RequestScope =>
  new RequestScope({
    database: parts.database,
    call: callOf(request, person ?? anonymousCaller),
    person,
    public_url: parts.public_url(),
    certificate: parts.certificates?.of(request.raw) ?? null,
  });

/** The engine builds addresses from what it is asked under; only the public address counts, whatever a client sends. */
const ownAddress = (request: FastifyRequest, raw: IncomingMessage, publicUrl: string): void => {
  const { host, protocol } = new URL(publicUrl);
  for (const name of ['x-forwarded-host', 'x-forwarded-port', 'forwarded']) delete raw.headers[name];
  raw.headers.host = host;
  // What was rewritten on the way here must not look like a place that the engine is mounted at.
  Object.assign(raw, { originalUrl: raw.url });
  raw.headers['x-forwarded-proto'] = protocol.slice(0, -1);
  raw.headers['x-forwarded-for'] = request.ip;
};

/** A body that was read already, as the stream that the engine expects. */
const withBody = (raw: IncomingMessage, body: string): IncomingMessage => {
  const bytes = Buffer.from(body);
  const stream = Readable.from([bytes], { objectMode: false });
  return Object.assign(stream, {
    headers: { ...raw.headers, 'content-length': String(bytes.length), 'transfer-encoding': undefined },
    method: raw.method,
    url: raw.url,
    socket: raw.socket,
    httpVersion: raw.httpVersion,
    httpVersionMajor: raw.httpVersionMajor,
  }) as unknown as IncomingMessage;
};

/** Answers of the authorization endpoint may be a form that submits itself to the client (`form_post`). */
const authorizePolicy =
  "default-src 'none'; script-src 'self'; style-src 'self'; form-action *; frame-ancestors 'none'; base-uri 'none'";

interface HandOver {
  request: FastifyRequest;
  reply: FastifyReply;
  scope: RequestScope;
  raw?: IncomingMessage;
  /** Its address was counted already. */
  counted?: boolean;
}

/** Hands requests to the engine: behind the limits and headers of the host, with the body unread. */
export class EngineDoor {
  readonly #parts: DoorParts;

  constructor(parts: DoorParts) {
    this.#parts = parts;
  }

  async mount(app: FastifyInstance): Promise<void> {
    await app.register(async (scope) => {
      scope.removeAllContentTypeParsers();
      scope.addContentTypeParser('*', (_request, _payload, done) => done(null));
      const route = (
        method: string | string[],
        url: string,
        handler: (r: FastifyRequest, p: FastifyReply) => unknown,
      ) => scope.route({ method: [method].flat() as never, url, exposeHeadRoute: false, handler });

      route(['GET'], '/oauth/authorize', (request, reply) => this.#browser(request, reply));
      route(['GET'], '/oauth/authorize/:uid', (request, reply) => this.#browser(request, reply));
      route(['GET'], '/oauth/logout', (request, reply) => this.#browser(request, reply));
      route(['GET'], '/oauth/logout/success', (request, reply) => this.#browser(request, reply));
      route(['POST'], '/oauth/logout/confirm', (request, reply) => this.#logout(request, reply));
      route(['GET'], '/device', (request, reply) => this.#device(request, reply));
      route(['GET'], '/device/:uid', (request, reply) => this.#device(request, reply));
      route(['POST'], '/device', (request, reply) => this.#device(request, reply));

      for (const path of ['/oauth/token', '/oauth/par', '/oauth/device_authorization']) {
        if (path !== '/oauth/token') route(['POST'], path, (request, reply) => this.#client(request, reply));
        route(['OPTIONS'], path, (request, reply) => this.#preflight(request, reply));
      }
      for (const path of ['/oauth/userinfo'])
        route(['GET', 'POST'], path, (request, reply) => this.#client(request, reply));
      for (const path of ['/oauth/userinfo', '/oauth/revoke', '/oauth/introspect'])
        route(['OPTIONS'], path, (request, reply) => this.#preflight(request, reply));
      route(['GET', 'OPTIONS'], '/oauth/jwks', (request, reply) => this.#open(request, reply));
      if (this.#parts.config.registration !== 'off') {
        route(['POST'], '/oauth/register', (request, reply) => this.#register(request, reply));
        route(['GET', 'PUT', 'DELETE'], '/oauth/register/:client_id', (request, reply) => this.#client(request, reply));
      }
      if (this.#parts.config.ciba) route(['POST'], '/oauth/ciba', (request, reply) => this.#client(request, reply));
      this.#discovery(route);
    });
    await app.register(async (scope) => {
      scope.removeAllContentTypeParsers();
      scope.addContentTypeParser(
        'application/x-www-form-urlencoded',
        { parseAs: 'string', bodyLimit: mostFormBytes },
        (_request, body, done) => done(null, body),
      );
      if (this.#parts.config.approvals) this.#approvals(scope);
      for (const url of ['/oauth/authorize', '/oauth/logout'])
        scope.route({ method: 'POST', url, handler: (request, reply) => this.#asAddress(request, reply) });
      for (const url of ['/oauth/introspect', '/oauth/revoke'])
        scope.route({ method: 'POST', url, handler: (request, reply) => this.#presented(request, reply) });
      await scope.register(async (tokens) => {
        tokens.addContentTypeParser('*', (_request, _payload, done) => done(null));
        tokens.route({ method: 'POST', url: '/oauth/token', handler: (request, reply) => this.#token(request, reply) });
      });
    });
  }

  /** One document at its own place and at those that begin from a resource, always with the same issuer. */
  #discovery(route: (m: string[], u: string, h: (r: FastifyRequest, p: FastifyReply) => unknown) => void): void {
    for (const name of ['oauth-authorization-server', 'openid-configuration']) {
      const base = `/.well-known/${name}`;
      const serve = (request: FastifyRequest, reply: FastifyReply) => {
        request.raw.url = base;
        return this.#open(request, reply);
      };
      route(['GET', 'OPTIONS'], base, serve);
      for (const path of this.#parts.resource_paths) route(['GET', 'OPTIONS'], `${base}${path}`, serve);
      route(['GET', 'OPTIONS'], `${base}/apps/:slug`, serve);
    }
    for (const path of this.#parts.resource_paths)
      route(['GET', 'OPTIONS'], `${path}/.well-known/openid-configuration`, (request, reply) => {
        request.raw.url = '/.well-known/openid-configuration';
        return this.#open(request, reply);
      });
  }

  async #open(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    reply.header('cross-origin-resource-policy', 'cross-origin');
    await this.#hand({ request, reply, scope: scopeOf(request, this.#parts, null) });
  }

  /**
   * A form of another site comes without the cookies of the person; the browser brings them along to the address that
   * says the same (OpenID Connect Core 3.1.2.1, RP-Initiated Logout 2).
   */
  #asAddress(request: FastifyRequest, reply: FastifyReply): unknown {
    this.#parts.gate.address(addressKey(request.ip));
    const { pathname, search } = new URL(request.raw.url!, this.#parts.public_url());
    const sent = new URLSearchParams(typeof request.body === 'string' ? request.body : '').toString();
    if (sent.length > mostAddressBytes)
      throw new AppError('too_large', `The form is larger than ${mostAddressBytes} bytes; /oauth/par takes it.`);
    return reply.redirect(`${pathname}${search === '' ? '?' : `${search}&`}${sent}`, 303);
  }

  async #browser(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const scope = scopeOf(request, this.#parts, await personOf(request, this.#parts));
    scope.of_a_person = true;
    if (request.url.startsWith('/oauth/authorize')) reply.header('content-security-policy', authorizePolicy);
    await this.#hand({ request, reply, scope });
  }

  async #device(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const scope = scopeOf(request, this.#parts, await personOf(request, this.#parts));
    scope.of_a_person = true;
    const url = new URL(request.raw.url!, this.#parts.public_url());
    // The page shows the code in its field and asks; nothing is sent on by itself.
    scope.user_code = url.searchParams.get('user_code');
    request.raw.url = url.pathname;
    if (request.method !== 'POST') return await this.#hand({ request, reply, scope });
    await this.#parts.gate.userCode(request.ip, async () => {
      await this.#hand({ request, reply, scope });
      return scope.wrong_user_code;
    });
  }

  async #client(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    await this.#hand({ request, reply, scope: scopeOf(request, this.#parts, null) });
  }

  async #token(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    const form = typeof request.body === 'string' ? request.body : null;
    this.#parts.gate.address(addressKey(request.ip));
    if (form?.includes('refresh_token') && new URLSearchParams(form).get('grant_type') === 'refresh_token')
      reply.raw.once('finish', () => this.#parts.refreshed(reply.raw.statusCode === 200));
    if (form !== null && !request.url.includes('?')) {
      try {
        const { headers, ip } = request;
        const answer =
          (await this.#parts.plain({ headers, form, ip })) ??
          (await this.#parts.devices.refresh({ headers, form, call: callOf(request, anonymousCaller) }));
        if (answer !== null) return reply.headers(tokenHeaders).send(answer);
      } catch (error) {
        if (!(error instanceof TokenRefused || error instanceof RefreshRefused)) throw error;
        const { code, message } = error;
        this.#parts.refused(code);
        return reply.code(400).headers(tokenHeaders).send({ error: code, error_description: message });
      }
    }
    const scope = scopeOf(request, this.#parts, null);
    scope.polling = true;
    scope.why = 'replay';
    scope.actor_token = form === null ? null : new URLSearchParams(form).get('actor_token');
    const raw = form === null ? request.raw : withBody(request.raw, form);
    return await this.#hand({ request, reply, scope, raw, counted: true });
  }

  /** Read and taken back with the header alone; clients that authenticate in the body send theirs by POST or DELETE. */
  #approvals(scope: FastifyInstance): void {
    const one = '/oauth/approvals/:id';
    scope.post('/oauth/approvals', (request, reply) => this.#approval(request, reply, { act: 'open' }));
    const routes = [
      ['GET', 'read'],
      ['POST', 'read'],
      ['DELETE', 'withdraw'],
    ] as const;
    for (const [method, act] of routes)
      scope.route<{ Params: { id: string } }>({
        ...{ method, url: one, exposeHeadRoute: false },
        handler: (request, reply) => this.#approval(request, reply, { act, id: request.params.id }),
      });
  }

  /** Asked of the engine's token endpoint, which authenticates every client in every way that it may use. */
  async #approval(request: FastifyRequest, reply: FastifyReply, approval: RequestScope['approval']): Promise<unknown> {
    const scope = scopeOf(request, this.#parts, null);
    scope.approval = approval;
    const form = new URLSearchParams(typeof request.body === 'string' ? request.body : '');
    form.set('grant_type', approvalGrant);
    const raw = withBody(request.raw, form.toString());
    Object.assign(raw, { method: 'POST', url: '/oauth/token' });
    raw.headers['content-type'] = 'application/x-www-form-urlencoded';
    return await this.#hand({ request, reply, scope, raw });
  }

  async #register(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    await this.#parts.gate.registration(request.ip);
    await this.#hand({ request, reply, scope: scopeOf(request, this.#parts, null) });
  }

  async #logout(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const person = await personOf(request, this.#parts);
    const scope = scopeOf(request, this.#parts, person);
    scope.of_a_person = true;
    scope.on_logout = async () => {
      const cookie = cookieHeader(sessionCookie, '', new Date(0), this.#parts.public_url());
      const clear = () => reply.raw.appendHeader('set-cookie', cookie);
      const cookies = { set: () => {}, keep: () => {}, read: () => null, clear };
      await this.#parts.identity.signOut(callOf(request, person ?? anonymousCaller, cookies));
    };
    await this.#hand({ request, reply, scope });
  }

  /** The engine knows stored tokens only; a JWT of ours becomes one for this request, under a name made for it. */
  async #presented(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    const sent = typeof request.body === 'string' ? request.body : '';
    const revoking = request.url.startsWith('/oauth/revoke');
    this.#parts.gate.address(addressKey(request.ip));
    if (!revoking && !request.url.includes('?')) {
      const answer = await this.#parts.plainIntrospection({ headers: request.headers, form: sent, ip: request.ip });
      if (answer !== null) return reply.headers(introspectionHeaders).send(answer);
    }
    const scope = scopeOf(request, this.#parts, null);
    const form = new URLSearchParams(sent);
    const token = form.get('token');
    if (token !== null && form.getAll('token').length === 1 && this.#parts.gate.isStructured(token)) {
      const handle = randomBytes(32).toString('base64url');
      scope.presented = await this.#parts.gate.present(token, handle);
      form.set('token', handle);
      form.delete('token_type_hint');
      scope.returning_token = revoking;
    } else if (token !== null) scope.returning_token = revoking && (await this.#parts.gate.isAccessToken(token));
    const raw = withBody(request.raw, form.toString());
    return await this.#hand({ request, reply, scope, raw, counted: true });
  }

  async #preflight(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    const { origin } = request.headers;
    reply.header('vary', 'Origin');
    if (origin === undefined || !(await this.#parts.gate.knowsOrigin(origin))) return reply.code(204).send();
    return reply
      .headers({
        'access-control-allow-origin': origin,
        'access-control-allow-methods': 'POST, GET',
        'access-control-allow-headers': 'Authorization, Content-Type, DPoP, Mcp-Protocol-Version',
        'access-control-max-age': '600',
      })
      .code(204)
      .send();
  }

  async #hand({ request, reply, scope, raw = request.raw, counted = false }: HandOver): Promise<void> {
    if (!counted) this.#parts.gate.address(addressKey(request.ip));
    if (request.method === 'HEAD') throw new AppError('method_not_allowed');
    await loadEngine();
    ownAddress(request, raw, this.#parts.public_url());
    for (const [name, value] of Object.entries(reply.getHeaders()))
      if (value !== undefined) reply.raw.setHeader(name, value as string);
    reply.hijack();
    await inScope(scope, () => this.#parts.engine()(raw, reply.raw));
  }
}
