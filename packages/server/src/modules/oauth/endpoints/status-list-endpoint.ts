import type { FastifyInstance } from 'fastify';
import { AppError } from '../../../platform/errors/app-error.ts';
import { addressKey } from '../../../platform/limits/rate-limiter.ts';
import type { RequestGate } from '../request-gate-service.ts';
import type { StatusLists } from '../tokens/status-lists.ts';

/** Status lists are for everybody: a place in one says nothing of the token that stands there. */
export const mountStatusLists = (
  app: FastifyInstance,
  { statusLists, gate }: { statusLists: StatusLists; gate: Pick<RequestGate, 'address'> },
): void => {
  app.get<{ Params: { id: string } }>('/oauth/status-lists/:id', async (request, reply) => {
    gate.address(addressKey(request.ip));
    const text = /^\d{1,9}$/.test(request.params.id) ? await statusLists.read(Number(request.params.id)) : null;
    if (text === null) throw new AppError('not_found', 'There is no such status list.');
    return reply
      .headers({
        'content-type': 'application/statuslist+jwt',
        'cache-control': `public, max-age=${statusLists.ttl_s}`,
        'access-control-allow-origin': '*',
        'cross-origin-resource-policy': 'cross-origin',
      })
      .send(text);
  });
};
