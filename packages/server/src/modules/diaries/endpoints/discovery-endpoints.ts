import type { FastifyInstance } from 'fastify';
import type { DiscoveryService } from '../discovery-service.ts';

/** Public documents: a page of any site may read them, and anybody may keep them for an hour. */
const headers = {
  'cache-control': 'public, max-age=3600',
  'access-control-allow-origin': '*',
  'cross-origin-resource-policy': 'cross-origin',
};

/** Where machines and models look first. The second name is the one that agents of MoltNet know. */
export const mountDiscovery = (app: FastifyInstance, discovery: DiscoveryService): void => {
  for (const name of ['atrium', 'moltnet'])
    app.get(`/.well-known/${name}.json`, async (_request, reply) =>
      reply.headers(headers).send(await discovery.document()),
    );
  app.get('/llms.txt', async (_request, reply) =>
    reply.headers({ ...headers, 'content-type': 'text/plain; charset=utf-8' }).send(await discovery.text()),
  );
};
