import { type AppColumns, appsStore } from './apps-store.ts';
import type { AppMaker } from './discovery/app-maker.ts';
import { slugTaken } from './gateway-errors.ts';
import type { GatewayParts } from './gateway-parts.ts';
import type { GatewayWriting, Origin } from './gateway-writing.ts';
import { routesStore } from './routes-store.ts';
import { appView } from './routes-views.ts';

/** How discovery makes apps, and follows containers that moved. */
export const createAppMakerService = (parts: GatewayParts, writing: GatewayWriting): AppMaker => ({
  make: async (tx, call, { app, route, found, origin }) => {
    const { slug, name, icon, tags, group, description } = app;
    const { slug: routeSlug, ...fields } = route;
    const prepared = await writing.prepare(fields);
    const w = await writing.begin(tx, call);
    const columns: AppColumns = { name, icon, tags, group_name: group, description, position: 0 };
    const known = await appsStore.find(tx.db, call.caller.org_id, { slug });
    if (known !== null && origin !== undefined) throw slugTaken(slug);
    const made = known ?? (await writing.insertApp(w, { slug, ...columns }, origin));
    const { id } = await writing.insertRoute(w, made, routeSlug, prepared, {
      vouched: found,
      ...(origin === undefined ? {} : { origin }),
    });
    await writing.finish(w, 'api');
    const routes = await appsStore.routesOf(tx.db, [made.id]);
    return { app: appView(made, routes, false, parts.settings(), parts.public_url()), route_id: id };
  },

  retarget: async (tx, call, { route_id, from, to, container_ref }) => {
    const w = await writing.begin(tx, call);
    const route = await routesStore.find(tx.db, call.caller.org_id, route_id);
    if (route === null) return false;
    const leads = (url: string) => url === from || url.startsWith(`${from}/`);
    if (!route.targets.some(({ url }) => leads(url))) return false;
    const targets = route.targets.map((target) =>
      leads(target.url) ? { ...target, url: to + target.url.slice(from.length) } : target,
    );
    const prepared = await writing.prepare({ targets, container_ref });
    const origin = { source: route.source as Origin['source'], source_ref: route.source_ref };
    await writing.changeRoute(w, route, prepared, { origin, vouched: true });
    await writing.finish(w, 'api');
    return true;
  },

  unmake: async (tx, call, route_id) => {
    const w = await writing.begin(tx, call);
    const route = await routesStore.find(tx.db, call.caller.org_id, route_id);
    if (route === null) return;
    const app = await appsStore.find(tx.db, call.caller.org_id, { id: route.app_id });
    const routes = await appsStore.routesOf(tx.db, [route.app_id]);
    const origin = { source: route.source as Origin['source'], source_ref: route.source_ref };
    const own = app?.source_ref === null || (app?.source === 'federation' && app.source_ref === origin.source_ref);
    if (app !== null && routes.length === 1 && own) await writing.removeApp(w, app, origin);
    else await writing.removeRoute(w, route, origin);
    await writing.finish(w, 'api');
  },

  routeOf: async (tx, org_id, container_ref) => {
    const route = await routesStore.findByContainer(tx.db, org_id, container_ref);
    if (route === null) return null;
    return { route_id: route.id, app_id: route.app_id, targets: route.targets.map(({ url }) => url) };
  },
});
