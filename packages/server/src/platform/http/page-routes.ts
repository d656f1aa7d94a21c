import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '../errors/app-error.ts';
import { sendText } from './answers.ts';
import { isSameOrigin } from './credentials.ts';
import type { HttpHostOptions } from './http-options.ts';
import type { PageAnswer, PageRoute } from './page-route.ts';
import { callOf } from './request-call.ts';
import type { RequestGuard } from './request-guard.ts';
import { pageHeaders, plainPageHeaders } from './security-headers.ts';
import { pageStyle, pageStylePath } from './server-page.ts';

const formType = /^application\/x-www-form-urlencoded\s*(?:;|$)/i;
const formLimit = 64 * 1024;
/** A constraint of its own lets a form and a JSON operation share one path. */
const constraint = 'bodyForm';

const once = (parameters: URLSearchParams): Record<string, string> => {
  const members: Record<string, string> = Object.create(null);
  for (const [name, value] of parameters) {
    if (name in members) throw new AppError('bad_request', `${name.slice(0, 40)} is given twice.`);
    members[name] = value;
  }
  return members;
};

const queryOf = (url: string): Record<string, string> => {
  const at = url.indexOf('?');
  return at === -1 ? Object.create(null) : once(new URLSearchParams(url.slice(at + 1)));
};

const acceptForms = (app: FastifyInstance): void => {
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit: formLimit },
    (_request, body, done) => done(null, body),
  );
};

const answer = (request: FastifyRequest, reply: FastifyReply, given: PageAnswer, publicUrl: string): unknown => {
  reply.header('cache-control', 'no-store');
  // 303, so that what was posted is not posted again to where the browser is sent.
  if (given.kind === 'redirect') return reply.redirect(given.to, request.method === 'POST' ? 303 : 302);
  reply
    .code(given.status ?? 200)
    .headers(given.scripts === true ? pageHeaders(publicUrl) : plainPageHeaders(publicUrl, given.form_targets));
  return sendText(request, reply, given.html, 'text/html; charset=utf-8');
};

export const registerPages = async (
  app: FastifyInstance,
  pages: readonly PageRoute[],
  guard: RequestGuard,
  options: HttpHostOptions,
): Promise<void> => {
  const publicUrl = options.config.public_url;
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
    deriveConstraint: (request) => (formType.test(String(request.headers['content-type'] ?? '')) ? 'form' : undefined),
    mustMatchWhenDerived: false,
  });
  app.get(pageStylePath, (request, reply) => {
    reply.headers({ 'cache-control': 'public, max-age=3600' });
    return sendText(request, reply, pageStyle, 'text/css; charset=utf-8');
  });
  await app.register(async (scope) => {
    acceptForms(scope);
    for (const page of pages) {
      scope.route({
        method: page.method,
        url: page.path.replaceAll(/\{([a-z_]+)\}/g, ':$1'),
        ...(page.method === 'POST' ? { constraints: { [constraint]: 'form' }, bodyLimit: formLimit } : {}),
        onRequest: async (request, reply) => {
          request.exchange.route = page.path;
          if (page.method === 'POST' && page.from_anywhere !== true && !isSameOrigin(request.headers, publicUrl())) {
            throw new AppError('csrf_rejected');
          }
          request.exchange.caller = await guard.admitToPage(request, reply);
        },
        handler: async (request, reply) => {
          const form = typeof request.body === 'string' ? once(new URLSearchParams(request.body)) : Object.create(null);
          const params = request.params as Record<string, string>;
          const given = await page.run(callOf(request, reply, options.config), {
            params,
            query: queryOf(request.url),
            form,
          });
          return answer(request, reply, given, publicUrl());
        },
      });
    }
  });
};
