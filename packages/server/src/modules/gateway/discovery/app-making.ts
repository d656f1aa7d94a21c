import { type AppView, routeDefaults } from '@atrium/protocol';
import type { Clock } from '../../../platform/clock/clock.ts';
import type { Transaction } from '../../../platform/db/database.ts';
import { AppError } from '../../../platform/errors/app-error.ts';
import { newId } from '../../../platform/ids/ids.ts';
import type { Call } from '../../../platform/operations/call.ts';
import { actorOf } from '../../../platform/operations/caller.ts';
import type { AppMaker, WantedApp } from './app-maker.ts';
import { appMakerStore, type MadeAppRow, type MadeRouteRow } from './app-maker-store.ts';
import { isPrivateAddress } from './private-address.ts';

const slugTaken = (slug: string): AppError =>
  new AppError('name_taken', `The name "${slug}" is taken; approve it with another one in app.slug.`);

const viewOf = (row: MadeAppRow, routes: readonly MadeRouteRow[]): AppView => ({
  ...{ id: row.id, slug: row.slug, name: row.name, icon: row.icon, tags: row.tags, group: row.group_name },
  ...{ description: row.description, position: row.position, source: row.source, status: 'unknown', pinned: false },
  routes: routes.map(({ id, slug, mode, access, path_base }) => ({
    ...{ id, slug, mode, access, status: 'unknown', address: path_base, shares_origin: mode !== 'host' },
  })),
  version: row.version,
  created_at: row.created_at.toISOString(),
  updated_at: row.updated_at.toISOString(),
});

type Route = WantedApp['route'];

const columnsOf = (route: Route, mode: 'path' | 'host' | 'both', path_base: string | null): Record<string, unknown> => {
  const { people, health, timeouts = {}, upstream_auth, upstream_tls, targets, filters, slug: _slug, ...rest } = route;
  const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
  const { people: open, timeouts: _timeouts, upstream_auth: auth, upstream_tls: tls, ...plain } = routeDefaults;
  const who = people ?? open;
  const trust = upstream_tls ?? tls;
  const fields: Record<string, unknown> = { ...plain, rewrite: mode !== 'host', scopes: [], ...given };
  return {
    ...fields,
    ...{ mode, path_base, targets: JSON.stringify(targets ?? []), filters: JSON.stringify(filters ?? []) },
    ...{ people_user_ids: who.user_ids, people_team_ids: who.team_ids, people_role_ids: who.role_ids },
    health_skip: health?.skip ?? false,
    health_path: health?.path ?? '/',
    health_interval_ms: health?.interval_ms ?? 10_000,
    health_timeout_ms: health?.timeout_ms ?? 5000,
    health_unhealthy_after: health?.unhealthy_after ?? 2,
    health_codes: health?.healthy_codes ?? [],
    ...{ timeout_connect_ms: timeouts.connect ?? null, timeout_head_ms: timeouts.head ?? null },
    timeout_body_idle_ms: timeouts.body_idle ?? null,
    timeout_client_idle_ms: timeouts.client_idle ?? null,
    ...{ upstream_auth_kind: (upstream_auth ?? auth).kind, upstream_tls_verify: trust.verify },
    ...{ upstream_tls_ca: trust.ca, upstream_tls_server_name: trust.server_name },
  };
};

/** Apps and routes straight into their tables. */
export const createAppMaker = (clock: Clock): AppMaker => {
  const requireTargets = (call: Call, { route, found }: WantedApp): void => {
    if (found || call.caller.is_operator) return;
    for (const { url } of route.targets ?? [])
      if (isPrivateAddress(new URL(url).hostname.replace(/^\[|\]$/g, '')))
        throw new AppError('gateway_target_refused', 'Only an operator may name a private address.', {
          extensions: { target: url },
        });
  };

  const appFor = async (tx: Transaction, call: Call, { app }: WantedApp): Promise<MadeAppRow> => {
    const { org_id } = call.caller;
    const known = await appMakerStore.app(tx.db, app.slug);
    if (known !== null) {
      if (known.org_id !== org_id) throw slugTaken(app.slug);
      return known;
    }
    const row = { ...app, id: newId(), org_id, by: actorOf(call.caller), at: clock.now() };
    if (!(await appMakerStore.insertApp(tx.db, row))) throw slugTaken(app.slug);
    tx.emit({ kind: 'gateway.app.registered', id: row.id, body: { slug: row.slug, name: row.name } });
    tx.audit({ action: 'apps.create', target_type: 'app', target_id: row.id, details: { slug: row.slug } });
    return (await appMakerStore.app(tx.db, app.slug))!;
  };

  return {
    make: async (tx, call, wanted) => {
      requireTargets(call, wanted);
      const app = await appFor(tx, call, wanted);
      const { route } = wanted;
      const mode = route.mode ?? 'path';
      const path_base = mode === 'host' ? null : (route.path_base ?? `/apps/${route.slug}/`);
      const id = newId();
      const fields = columnsOf(route, mode, path_base);
      const by = actorOf(call.caller);
      const row = { id, org_id: app.org_id, app_id: app.id, slug: route.slug, fields, by, at: clock.now() };
      if (!(await appMakerStore.insertRoute(tx.db, row))) throw slugTaken(route.slug);
      const hosts = mode === 'path' ? [] : (route.hosts ?? []);
      const claims = [
        ...(path_base === null ? [] : [['', path_base] as const]),
        ...hosts.map((host) => [host, route.host_path ?? '/'] as const),
      ];
      for (const [host, path] of claims)
        if (!(await appMakerStore.claim(tx.db, id, host, path)))
          throw new AppError('gateway_route_conflict', `Another route has ${host}${path}.`);
      tx.emit({ kind: 'gateway.route.created', id, body: { slug: route.slug, app: app.slug } });
      tx.audit({ action: 'routes.create', target_type: 'route', target_id: id, details: { slug: route.slug } });
      return { app: viewOf(app, await appMakerStore.routesOf(tx.db, app.id)), route_id: id };
    },

    retarget: async (tx, call, { route_id, from, to, container_ref }) => {
      const route = await appMakerStore.route(tx.db, call.caller.org_id, route_id);
      if (route === null) return false;
      const leads = (url: string) => url === from || url.startsWith(`${from}/`);
      if (!route.targets.some(({ url }) => leads(url))) return false;
      const targets = route.targets.map((target) =>
        leads(target.url) ? { ...target, url: to + target.url.slice(from.length) } : target,
      );
      await appMakerStore.retarget(tx.db, route_id, targets, container_ref, clock.now());
      tx.emit({ kind: 'gateway.route.updated', id: route_id, body: { changed: ['targets'] } });
      tx.audit({ action: 'routes.retarget', target_type: 'route', target_id: route_id, details: { from, to } });
      return true;
    },

    routeOf: async (tx, org_id, container_ref) => {
      const route = await appMakerStore.routeOfContainer(tx.db, org_id, container_ref);
      if (route === null) return null;
      return { route_id: route.id, app_id: route.app_id, targets: route.targets.map(({ url }) => url) };
    },
  };
};
