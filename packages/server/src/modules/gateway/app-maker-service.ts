import type { appsCreate, ParsedInputOf } from '@atrium/protocol';
import type { Transaction } from '../../platform/db/database.ts';
import type { Call } from '../../platform/operations/call.ts';
import { type AppColumns, appsStore } from './apps-store.ts';
import type { GatewayParts } from './gateway-parts.ts';
import type { GatewayWriting, Origin } from './gateway-writing.ts';
import type { RouteChanges } from './route-fields.ts';
import { routesStore } from './routes-store.ts';

type NewApp = Omit<ParsedInputOf<typeof appsCreate>, 'route' | 'name'> & { name: string };

/** How discovery makes apps, and follows containers that moved, in transactions of its own. */
export const createAppMakerService = ({ database }: GatewayParts, writing: GatewayWriting) => ({
  /** The route has the slug of its app unless it says otherwise. */
  make: async (
    tx: Transaction,
    call: Call,
    { app, route, origin }: { app: NewApp; route: RouteChanges; origin?: Origin },
  ): Promise<{ app_id: string; app_slug: string; route_id: string }> => {
    const prepared = await writing.prepare(route);
    const w = await writing.begin(tx, call);
    const { slug, name, icon, tags, group, description, position } = app;
    const columns: AppColumns = { name, icon, tags, group_name: group, description, position };
    const made = await writing.insertApp(w, { slug, ...columns }, origin);
    const { id } = await writing.insertRoute(
      w,
      made,
      route.slug ?? slug,
      prepared,
      origin === undefined ? {} : { origin },
    );
    await writing.finish(w, 'api');
    return { app_id: made.id, app_slug: made.slug, route_id: id };
  },

  /** Sends the route of a container to where that is now. False when no route follows it. */
  retarget: async (tx: Transaction, call: Call, containerRef: string, target: string): Promise<boolean> => {
    const prepared = await writing.prepare({ targets: [{ url: target, weight: 1 }] });
    const w = await writing.begin(tx, call);
    const route = await routesStore.findByContainer(tx.db, call.caller.org_id, containerRef);
    if (route === null) return false;
    const { source, source_ref } = route;
    if (route.targets.length === 1 && route.targets[0]?.url === target) return true;
    await writing.changeRoute(w, route, prepared, { origin: { source: source as Origin['source'], source_ref } });
    await writing.finish(w, 'api');
    return true;
  },

  routeOf: (orgId: string, containerRef: string) => routesStore.findByContainer(database.read, orgId, containerRef),
  appOf: (orgId: string, slug: string) => appsStore.find(database.read, orgId, { slug }),
});
export type AppMakerService = ReturnType<typeof createAppMakerService>;
