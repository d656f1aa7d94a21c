import {
  type AppView,
  type appsCreate,
  type appsHealth,
  type appsList,
  type appsUpdate,
  hasPermission,
  type OutputOf,
  type ParsedInputOf,
} from '@atrium/protocol';
import { storableText } from '../../platform/db/storable.ts';
import type { Call } from '../../platform/operations/call.ts';
import type { Caller } from '../../platform/operations/caller.ts';
import { textPosition, toPage } from '../../platform/paging/keyset.ts';
import { type GuardedRoute, mayOpen, personBehind } from './access-policy.ts';
import { type AppColumns, appsStore, type Db, type OpenRoute } from './apps-store.ts';
import { noApp } from './gateway-errors.ts';
import type { GatewayParts } from './gateway-parts.ts';
import type { GatewayWriting } from './gateway-writing.ts';
import { healthStore } from './health-store.ts';
import type { AppRow, RouteRow } from './routes-rows.ts';
import { appStatus, appView } from './routes-views.ts';
import { targetKey } from './target-guard.ts';

export type AppsService = ReturnType<typeof createAppsService>;

export const guardOf = (route: RouteRow, appSlug: string): GuardedRoute => ({
  org_id: route.org_id,
  app: { slug: appSlug },
  access: route.access as GuardedRoute['access'],
  people: {
    user_ids: new Set(route.people_user_ids),
    team_ids: new Set(route.people_team_ids),
    role_ids: new Set(route.people_role_ids),
  },
  scopes: route.scopes,
});

const noTeams: ReadonlySet<string> = new Set();

const columnsOf = (input: Partial<ParsedInputOf<typeof appsUpdate>>): Partial<AppColumns> => {
  const { name, icon, tags, group, description, position } = input;
  const columns = { name, icon, tags, group_name: group, position, description };
  const named = Object.entries(columns).filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    named.map(([key, value]) => [key, typeof value === 'string' ? storableText(value) : value]),
  );
};

/** Where an app stands in the list: its group first, those without one before all. */
const placeOf = (app: AppRow): string =>
  `${app.group_name === null ? '0' : `1${app.group_name}`}\u0001${String(app.position).padStart(6, '0')}\u0001${app.name}`;

export const createAppsService = (parts: GatewayParts, writing: GatewayWriting) => {
  const { database } = parts;

  const teamsOf = async (db: Db, caller: Caller): Promise<ReadonlySet<string>> => {
    const person = personBehind(caller);
    return (await appsStore.teamsOf(db, caller.org_id, [person])).get(person) ?? noTeams;
  };

  /** Apps with those of their routes that the caller may open. Who writes routes sees every app, to look after it. */
  const visible = async (
    db: Db,
    caller: Caller,
    apps: readonly AppRow[],
  ): Promise<{ app: AppRow; routes: OpenRoute[] }[]> => {
    const [routes, teams] = [
      await appsStore.routesOf(
        db,
        apps.map(({ id }) => id),
      ),
      await teamsOf(db, caller),
    ];
    const byApp = Map.groupBy(routes, (route) => route.app_id);
    return apps.flatMap((app) => {
      const open = (byApp.get(app.id) ?? []).filter((route) => mayOpen(caller, guardOf(route, app.slug), teams));
      const looksAfter = hasPermission(caller.permissions, 'routes.write');
      return open.length > 0 || looksAfter ? [{ app, routes: open }] : [];
    });
  };

  const view = ({ app, routes }: { app: AppRow; routes: OpenRoute[] }, pins: ReadonlySet<string>): AppView =>
    appView(app, routes, pins.has(app.id), parts.settings(), parts.public_url());

  const require = async (db: Db, caller: Caller, slug: string) => {
    const app = await appsStore.find(db, caller.org_id, { slug });
    const [seen] = app === null ? [] : await visible(db, caller, [app]);
    if (seen === undefined) throw noApp();
    return seen;
  };

  const get = async (caller: Caller, slug: string): Promise<AppView> =>
    view(await require(database.read, caller, slug), await appsStore.pinned(database.read, caller.id));

  return {
    /** All apps of an organisation are read and judged: who may open one is not a question for SQL. */
    list: async ({ caller }: Call, input: ParsedInputOf<typeof appsList>): Promise<OutputOf<typeof appsList>> => {
      const after = textPosition(input.cursor);
      const apps = await appsStore.list(database.read, caller.org_id, input);
      const seen = await visible(database.read, caller, apps);
      const sorted = seen.toSorted((a, b) => {
        const [x, y] = [placeOf(a.app), placeOf(b.app)];
        return x === y ? (a.app.id < b.app.id ? -1 : 1) : x < y ? -1 : 1;
      });
      const rest =
        after === null
          ? sorted
          : sorted.filter(({ app }) => {
              const place = placeOf(app);
              return place > after.value || (place === after.value && app.id > after.id);
            });
      const pins = await appsStore.pinned(database.read, caller.id);
      return toPage(
        rest.slice(0, input.limit + 1),
        input.limit,
        ({ app }) => ({ value: placeOf(app), id: app.id }),
        (one) => view(one, pins),
      );
    },

    get: ({ caller }: Call, slug: string): Promise<AppView> => get(caller, slug),

    /** Every app that is there for the caller, by id, in the order of the launcher. */
    openViews: async (db: Db, caller: Caller): Promise<ReadonlyMap<string, AppView>> => {
      const seen = await visible(db, caller, await appsStore.list(db, caller.org_id, {}));
      const pins = await appsStore.pinned(db, caller.id);
      return new Map(seen.map((one) => [one.app.id, view(one, pins)]));
    },

    /** Of an app that is there for the caller, the routes that they may open. */
    openRouteIds: async ({ caller }: Call, slug: string): Promise<ReadonlySet<string>> =>
      new Set((await require(database.read, caller, slug)).routes.map(({ id }) => id)),
    allOpenRouteIds: async ({ caller }: Call): Promise<ReadonlySet<string>> => {
      const seen = await visible(database.read, caller, await appsStore.list(database.read, caller.org_id, {}));
      return new Set(seen.flatMap(({ routes }) => routes.map(({ id }) => id)));
    },

    health: async ({ caller }: Call, slug: string): Promise<OutputOf<typeof appsHealth>> => {
      const { routes } = await require(database.read, caller, slug);
      const known = await healthStore.ofRoutes(
        database.read,
        routes.map(({ id }) => id),
      );
      const targets = routes.flatMap((route) =>
        route.targets.map(({ url }) => {
          const row = known.find((one) => one.route_id === route.id && one.target_url === targetKey(url));
          return {
            route_id: route.id,
            url,
            status: row?.status ?? ('unknown' as const),
            consecutive_failures: row?.consecutive_failures ?? 0,
            consecutive_successes: row?.consecutive_successes ?? 0,
            last_error: row?.last_error ?? null,
            latency_ms: row?.latency_ms ?? null,
            checked_at: row?.checked_at?.toISOString() ?? null,
            changed_at: row?.changed_at?.toISOString() ?? null,
          };
        }),
      );
      return { status: appStatus(routes.map(({ status }) => status)), targets };
    },

    pin: async (call: Call, { slug, pinned }: { slug: string; pinned: boolean }): Promise<{ pinned: boolean }> =>
      database.transaction(call, async (tx) => {
        const { app } = await require(tx.db, call.caller, slug);
        if (pinned) await appsStore.pin(tx.db, app, call.caller.id, parts.clock.now());
        else await appsStore.unpin(tx.db, app.id, call.caller.id);
        return { pinned };
      }),

    create: async (call: Call, input: ParsedInputOf<typeof appsCreate>): Promise<AppView> => {
      const { route } = input;
      const { slug: routeSlug = input.slug, ...fields } = route ?? {};
      const prepared = route === undefined ? null : await writing.prepare(fields);
      return database.transaction(call, async (tx) => {
        const w = await writing.begin(tx, call);
        const columns = columnsOf({ ...input, name: input.name ?? input.slug }) as AppColumns;
        const app = await writing.insertApp(w, { ...columns, slug: input.slug });
        if (prepared !== null) await writing.insertRoute(w, app, routeSlug, prepared);
        await writing.finish(w, 'api');
        // What was made is shown, also where its maker may not open it.
        return view({ app, routes: await appsStore.routesOf(tx.db, [app.id]) }, noTeams);
      });
    },

    update: async (call: Call, input: ParsedInputOf<typeof appsUpdate>): Promise<AppView> =>
      database.transaction(call, async (tx) => {
        const w = await writing.begin(tx, call);
        const { app: before } = await require(tx.db, call.caller, input.slug);
        await writing.changeApp(w, before, columnsOf(input), input.version);
        await writing.finish(w, 'api');
        return view(await require(tx.db, call.caller, input.slug), await appsStore.pinned(tx.db, call.caller.id));
      }),

    remove: async (call: Call, slug: string): Promise<void> =>
      database.transaction(call, async (tx) => {
        const w = await writing.begin(tx, call);
        const { app } = await require(tx.db, call.caller, slug);
        await writing.removeApp(w, app);
        await writing.finish(w, 'api');
      }),

    teamsOf,
  };
};
