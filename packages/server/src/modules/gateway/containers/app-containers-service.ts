import {
  type AppContainer,
  type appsContainer,
  type appsContainers,
  containersStop,
  type OutputOf,
  type ParsedInputOf,
} from '@atrium/protocol';
import { isUuid } from '../../../platform/ids/ids.ts';
import { isAllowed } from '../../../platform/operations/authorize.ts';
import type { Call } from '../../../platform/operations/call.ts';
import { textPosition, toPage } from '../../../platform/paging/keyset.ts';
import type { Listed } from '../runtime/runtime.ts';
import { isMeant } from './container-refs.ts';
import type { ContainersParts } from './containers-parts.ts';
import type { ContainersService } from './containers-service.ts';
import { type ContainedRoute, containersStore } from './containers-store.ts';
import { statsView } from './containers-views.ts';

/** Which apps and routes somebody may open, as the launcher knows it. */
export interface OpenApps {
  /** Throws `not_found` for an app that is not there for the caller. */
  routeIds(call: Call, slug: string): Promise<ReadonlySet<string>>;
  /** Ids of all routes that the caller may open. */
  allRouteIds(call: Call): Promise<ReadonlySet<string>>;
}

const statsMs = 10_000;

/** State and use of the containers behind apps, for people who may open these and need know nothing of the engine. */
export const createAppContainersService = (
  { database, engine }: ContainersParts,
  containers: ContainersService,
  openApps: OpenApps,
) => {
  const views = async (call: Call, routes: readonly ContainedRoute[]): Promise<AppContainer[]> => {
    if (routes.length === 0) return [];
    const patience = AbortSignal.timeout(statsMs);
    const controllable = isAllowed(containersStop, call.caller);
    return containers.asking(call, async (runtime) => {
      const all = await runtime.list(patience);
      const found = routes.flatMap((route): [ContainedRoute, Listed][] => {
        const one = all.find((container) => isMeant(route.container_ref, container));
        return one === undefined ? [] : [[route, one]];
      });
      const running = found.filter(([, { state }]) => state === 'running').map(([, { id }]) => id);
      const readings = await containers.board.all(runtime, [...new Set(running)], patience);
      const byId = new Map(readings.map((one) => [one.id, statsView(one)]));
      return found.map(([route, one]) => ({
        ...{ app_slug: route.app_slug, route_id: route.id },
        container: {
          ...{ id: one.id, name: one.name, image: one.image, state: one.state, health: one.health },
          ...{ started_at: one.started_at, controllable: controllable && one.controllable },
        },
        stats: byId.get(one.id) ?? null,
      }));
    });
  };

  const mine = async (call: Call, ids: ReadonlySet<string>): Promise<ContainedRoute[]> =>
    (await containersStore.routes(database.read, call.caller.org_id)).filter(({ id }) => ids.has(id));

  return {
    of: async (call: Call, slug: string): Promise<OutputOf<typeof appsContainer>> => {
      const routes = await mine(call, await openApps.routeIds(call, slug));
      return { items: await views(call, routes) };
    },

    /** Empty while no engine answers: the launcher shows apps, whatever becomes of containers. */
    list: async (
      call: Call,
      { limit, cursor }: ParsedInputOf<typeof appsContainers>,
    ): Promise<OutputOf<typeof appsContainers>> => {
      const after = textPosition(cursor, isUuid);
      if (engine.off) return { items: [], next_cursor: null };
      const sorted = (await mine(call, await openApps.allRouteIds(call))).toSorted((a, b) =>
        a.app_slug === b.app_slug ? (a.id < b.id ? -1 : 1) : a.app_slug < b.app_slug ? -1 : 1,
      );
      const rest =
        after === null
          ? sorted
          : sorted.filter(({ app_slug, id }) => app_slug > after.value || (app_slug === after.value && id > after.id));
      const { items, next_cursor } = toPage(
        rest.slice(0, limit + 1),
        limit,
        ({ app_slug, id }) => ({ value: app_slug, id }),
        (route) => route,
      );
      return { items: await views(call, items).catch(() => []), next_cursor };
    },
  };
};

export type AppContainersService = ReturnType<typeof createAppContainersService>;
