import {
  routesCreate,
  routesDelete,
  routesDrain,
  routesGet,
  routesList,
  routesPurgeCache,
  routesReplace,
  routesTest,
  routesUpdate,
} from '@atrium/protocol';
import { type Binding, bind } from '../../../platform/operations/binding.ts';
import type { GatewayServices } from '../gateway-services.ts';

/** Routes that lead to apps. */
export const routesBindings = ({ routes, trial }: GatewayServices): Binding[] => [
  bind(routesList, (call, input) => routes.list(call, input)),
  bind(routesGet, (call, { id }) => routes.get(call, id)),
  bind(routesCreate, (call, input) => routes.create(call, input)),
  bind(routesReplace, (call, input) => routes.replace(call, input)),
  bind(routesUpdate, (call, input) => routes.update(call, input)),
  bind(routesDelete, async (call, { id }) => {
    await routes.remove(call, id);
    return null;
  }),
  bind(routesTest, (call, input) => trial.test(call, input)),
  bind(routesDrain, (call, input) => routes.drain(call, input)),
  bind(routesPurgeCache, (call, input) => routes.purgeCache(call, input)),
];
