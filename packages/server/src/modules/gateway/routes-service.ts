import type {
  OutputOf,
  ParsedInputOf,
  RouteView,
  routesCreate,
  routesDrain,
  routesList,
  routesPurgeCache,
  routesReplace,
  routesUpdate,
} from '@atrium/protocol';
import type { Call } from '../../platform/operations/call.ts';
import { textPosition, toPage } from '../../platform/paging/keyset.ts';
import { appsStore, type Db } from './apps-store.ts';
import { noApp, noRoute } from './gateway-errors.ts';
import { gatewayEvents } from './gateway-events.ts';
import type { GatewayParts } from './gateway-parts.ts';
import type { GatewayWriting, PreparedChanges } from './gateway-writing.ts';
import { routesStore } from './routes-store.ts';
import { routeView } from './routes-views.ts';

export type RoutesService = ReturnType<typeof createRoutesService>;

export const createRoutesService = (parts: GatewayParts, writing: GatewayWriting) => {
  const { database } = parts;

  const view = (row: Parameters<typeof routeView>[0]): RouteView =>
    routeView(row, parts.settings(), parts.public_url(), parts.lanes()?.portFailure(row.id) ?? null);

  const viewOf = async (db: Db, orgId: string, id: string): Promise<RouteView> => {
    const row = await routesStore.find(db, orgId, id);
    if (row === null) throw noRoute();
    return view(row);
  };

  const change = (
    call: Call,
    id: string,
    version: number | undefined,
    prepared: PreparedChanges,
    whole: boolean,
  ): Promise<RouteView> =>
    database.transaction(call, async (tx) => {
      const w = await writing.begin(tx, call);
      const before = await writing.requireRoute(w, id);
      await writing.changeRoute(w, before, prepared, { version, whole });
      await writing.finish(w, 'api');
      return viewOf(tx.db, call.caller.org_id, id);
    });

  return {
    list: async ({ caller }: Call, input: ParsedInputOf<typeof routesList>): Promise<OutputOf<typeof routesList>> => {
      const page = { limit: input.limit + 1, after: textPosition(input.cursor) };
      const rows = await routesStore.list(database.read, caller.org_id, input, page);
      return toPage(rows, input.limit, ({ slug, id }) => ({ value: slug, id }), view);
    },

    get: ({ caller }: Call, id: string): Promise<RouteView> => viewOf(database.read, caller.org_id, id),

    create: async (call: Call, input: ParsedInputOf<typeof routesCreate>): Promise<RouteView> => {
      const { app_id, slug, ...fields } = input;
      const prepared = await writing.prepare(fields);
      return database.transaction(call, async (tx) => {
        const w = await writing.begin(tx, call);
        const app = await appsStore.find(tx.db, call.caller.org_id, { id: app_id });
        if (app === null) throw noApp();
        const { id } = await writing.insertRoute(w, app, slug, prepared);
        await writing.finish(w, 'api');
        return viewOf(tx.db, call.caller.org_id, id);
      });
    },

    replace: async (call: Call, input: ParsedInputOf<typeof routesReplace>): Promise<RouteView> => {
      const { id, version, ...fields } = input;
      return change(call, id, version, await writing.prepare(fields), true);
    },

    update: async (call: Call, input: ParsedInputOf<typeof routesUpdate>): Promise<RouteView> => {
      const { id, version, ...fields } = input;
      return change(call, id, version, await writing.prepare(fields), false);
    },

    remove: (call: Call, id: string): Promise<void> =>
      database.transaction(call, async (tx) => {
        const w = await writing.begin(tx, call);
        await writing.removeRoute(w, await writing.requireRoute(w, id));
        await writing.finish(w, 'api');
      }),

    drain: async (
      call: Call,
      { id, within_s }: ParsedInputOf<typeof routesDrain>,
    ): Promise<OutputOf<typeof routesDrain>> =>
      database.transaction(call, async (tx) => {
        const row = await routesStore.find(tx.db, call.caller.org_id, id);
        if (row === null) throw noRoute();
        tx.audit({ action: 'routes.drain', target_type: 'route', target_id: id, details: { within_s } });
        return { running: parts.lanes()?.drain(id, within_s * 1000) ?? 0 };
      }),

    purgeCache: async (
      call: Call,
      { id, path: wanted }: ParsedInputOf<typeof routesPurgeCache>,
    ): Promise<OutputOf<typeof routesPurgeCache>> =>
      database.transaction(call, async (tx) => {
        const row = await routesStore.find(tx.db, call.caller.org_id, id);
        if (row === null) throw noRoute();
        const path = wanted ?? null;
        tx.audit({ action: 'routes.purge_cache', target_type: 'route', target_id: id, details: { path } });
        // Every process hears of it; this one forgets at once, so that the answer can say how much that was.
        tx.emit({ kind: gatewayEvents.cachePurged, id, org_id: row.org_id, body: { slug: row.slug, path } });
        return { removed: parts.lanes()?.purge(id, path) ?? 0 };
      }),
  };
};
