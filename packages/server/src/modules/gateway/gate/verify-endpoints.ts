import type { IncomingHttpHeaders } from 'node:http';
import { type ErrorCode, errorCodes } from '@atrium/protocol';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '../../../platform/errors/app-error.ts';
import { problemOf, problemType } from '../../../platform/http/problem.ts';
import { isLoopback, trustedProxies } from '../../../platform/http/trusted-proxies.ts';
import { type Gate, type GateRequest, hiddenApp, type Verdict } from '../gate.ts';
import type { SnapshotSource } from '../snapshot.ts';

const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;
const constraint = 'forwardAuth';
const isAsked = (headers: IncomingHttpHeaders): boolean =>
  headers['x-original-url'] !== undefined || headers['x-forwarded-uri'] !== undefined;
const methodForm = /^[A-Z]{1,20}$/;

export interface VerifyParts {
  gate: Gate;
  snapshots: SnapshotSource;
  public_url: () => string;
  trusted_proxies: readonly string[];
}

/** What a proxy says it was asked. */
interface Original {
  method: string;
  scheme: 'http' | 'https';
  /** As in the Host header. */
  authority: string;
  url: string;
}

const one = (value: string | string[] | undefined): string | undefined =>
  Array.isArray(value) || value === undefined || value === '' ? undefined : value;

const schemeOf = (text: string | undefined): 'http' | 'https' =>
  /^(?:https|wss)$/i.test(text ?? '') ? 'https' : 'http';

/** nginx says it in one URL, Traefik and Caddy in parts. Null when it is not said. */
export const originalOf = (headers: IncomingHttpHeaders): Original | null => {
  const method = one(headers['x-forwarded-method']) ?? one(headers['x-original-method']) ?? 'GET';
  if (!methodForm.test(method)) return null;
  const whole = one(headers['x-original-url']);
  if (whole !== undefined && URL.canParse(whole)) {
    const { protocol, host } = new URL(whole);
    // The address as it was sent: URL would clean it up, and the gate must see what the app would.
    const url = /^[a-z]+:\/\/[^/?#]*(.*)$/is.exec(whole)?.[1] ?? '';
    return {
      method,
      scheme: schemeOf(protocol.slice(0, -1)),
      authority: host,
      url: url.startsWith('/') ? url : `/${url}`,
    };
  }
  const [authority, url] = [one(headers['x-forwarded-host']), one(headers['x-forwarded-uri']) ?? whole];
  if (authority === undefined || url === undefined || !url.startsWith('/')) return null;
  return { method, scheme: schemeOf(one(headers['x-forwarded-proto'])), authority, url };
};

const hostForm = /^[a-z0-9.-]{1,253}$|^\[[0-9a-f:.]{2,45}\]$/;

const hostOf = (authority: string): string | null => {
  const host = authority
    .toLowerCase()
    .replace(/:\d{1,5}$/, '')
    .replace(/\.$/, '');
  return hostForm.test(host) ? host : null;
};

/** Forward-auth: proxies in front of apps ask here whether a request may pass, and are told as the gate would decide. */
export const mountVerify = async (app: FastifyInstance, parts: VerifyParts): Promise<void> => {
  const { gate, snapshots, public_url } = parts;
  const isTrusted = trustedProxies(parts.trusted_proxies);

  /** '' for the own origin, a route's host name, or null when nothing here has that name. */
  const placeOf = (authority: string): string | null => {
    const host = hostOf(authority);
    if (host === null) return null;
    if (snapshots.current().table.knowsHost(host)) return host;
    const own = new URL(public_url());
    return host === own.hostname || host === 'localhost' || isLoopback(host) ? '' : null;
  };

  const decide = async (request: FastifyRequest): Promise<Verdict | null> => {
    const original = originalOf(request.headers);
    if (original === null) return null;
    const place = placeOf(original.authority);
    if (place === null) return null;
    const match = snapshots.current().table.match(place, original.url.split('?', 1)[0]!);
    if (match === null) return null;
    const asked: GateRequest = {
      method: original.method,
      url: original.url,
      headers: { ...request.headers, host: original.authority },
      raw_headers: request.raw.rawHeaders,
      host: place,
      scheme: original.scheme,
      address: request.ip,
      upgrade: /^websocket$/i.test(one(request.headers['x-forwarded-upgrade']) ?? one(request.headers.upgrade) ?? ''),
      request_id: request.id,
    };
    return gate.own(asked, match.route) ?? gate.decide(asked, match.route);
  };

  const refuse = (
    request: FastifyRequest,
    reply: FastifyReply,
    given: { status: number; code: string; detail: string; required?: string | undefined },
    status = given.status,
  ): FastifyReply => {
    const code = (given.code in errorCodes ? given.code : 'not_found') as ErrorCode;
    const extensions = given.required === undefined ? {} : { required: given.required };
    const problem = problemOf(new AppError(code, given.detail, { extensions }), {
      ...{ public_url: public_url(), instance: '/auth/verify', request_id: request.id },
      status: given.status,
    });
    return reply
      .code(status)
      .header('content-type', problemType)
      .send(Buffer.from(JSON.stringify(problem)));
  };

  const nothing = { status: 404, code: 'not_found', detail: hiddenApp };

  /** nginx takes 2xx, 401 and 403 from what it asks and calls everything else a failure; it is told the rest in headers. */
  const answer = (
    request: FastifyRequest,
    reply: FastifyReply,
    verdict: Verdict | null,
    forNginx: boolean,
  ): unknown => {
    reply.headers({ 'cache-control': 'no-store' });
    if (verdict === null) {
      if (forNginx) reply.header('x-atrium-status', '404');
      return refuse(request, reply, nothing, forNginx ? 403 : 404);
    }
    const more =
      'set_headers' in verdict ? (verdict.set_headers ?? []) : 'headers' in verdict ? (verdict.headers ?? []) : [];
    for (const [name, value] of more) reply.header(name, value);
    switch (verdict.kind) {
      case 'allow':
        for (const [name, value] of verdict.visitor.identity_headers) reply.header(name, value);
        return reply.code(200).send();
      case 'redirect': {
        const location = new URL(verdict.location, originOf(request)).href;
        if (!forNginx) return reply.code(verdict.status).header('location', location).send();
        reply.headers({ 'x-atrium-status': String(verdict.status), 'x-atrium-location': location });
        return refuse(request, reply, { status: 401, code: 'unauthorized', detail: 'Sign in first.' });
      }
      case 'page':
        return reply
          .code(forNginx ? 403 : verdict.status)
          .type('text/html; charset=utf-8')
          .send(verdict.html);
      case 'refuse': {
        const { status } = verdict;
        if (forNginx) reply.header('x-atrium-status', String(status));
        return refuse(request, reply, verdict, forNginx && status !== 401 ? 403 : status);
      }
      default:
        return verdict satisfies never;
    }
  };

  /** A path without a host is one of where the browser is. */
  const originOf = (request: FastifyRequest): string => {
    const original = originalOf(request.headers)!;
    return placeOf(original.authority) === '' ? public_url() : `${original.scheme}://${original.authority}`;
  };

  // Mailed links lead to the same path. What a trusted proxy asks in the form of forward-auth is for the gate.
  app.addConstraintStrategy({
    name: constraint,
    storage: () => {
      const handlers = new Map<unknown, never>();
      return {
        get: (key: unknown) => handlers.get(key) ?? null,
        set: (key: unknown, handler: unknown) => void handlers.set(key, handler as never),
      };
    },
    validate: () => {},
    deriveConstraint: (request) =>
      isAsked(request.headers) && isTrusted(request.socket.remoteAddress ?? '') ? 'asked' : undefined,
    mustMatchWhenDerived: false,
  });
  await app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    // Nothing is decided by a body, so none is read.
    scope.addContentTypeParser('*', (_request, _payload, done) => done(null));
    scope.route({
      method: [...methods],
      url: '/auth/verify',
      constraints: { [constraint]: 'asked' },
      handler: async (request, reply) => {
        request.exchange.route = '/auth/verify';
        const { server } = request.query as { server?: unknown };
        await answer(request, reply, await decide(request), server === 'nginx');
        return reply;
      },
    });
  });
};
