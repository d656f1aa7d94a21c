import type { FastifyInstance } from 'fastify';
import { checkSessionPath, checkSessionScript } from '../logout/session-state.ts';

const frame = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Session</title><script src="${checkSessionPath}.js"></script></head><body></body></html>
`;

/** The one page of this server that others may frame: it shows nothing and knows one word, whether a session changed. */
export const mountSessionEndpoints = (app: FastifyInstance): void => {
  app.get(checkSessionPath, { exposeHeadRoute: false }, (_request, reply) =>
    reply
      .headers({
        'content-type': 'text/html; charset=utf-8',
        'content-security-policy':
          "default-src 'none'; script-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors *",
        'cache-control': 'public, max-age=300',
      })
      .send(frame),
  );
  app.get(`${checkSessionPath}.js`, { exposeHeadRoute: false }, (_request, reply) =>
    reply
      .headers({ 'content-type': 'text/javascript; charset=utf-8', 'cache-control': 'public, max-age=300' })
      .send(checkSessionScript),
  );
};
