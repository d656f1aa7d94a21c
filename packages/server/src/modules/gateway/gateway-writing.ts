import { createHash } from 'node:crypto';
import type { Actor } from '@atrium/protocol';
import { hash } from '@node-rs/argon2';
import type { Transaction } from '../../platform/db/database.ts';
import { AppError, invalid } from '../../platform/errors/app-error.ts';
import { ownHostNames } from '../../platform/http/host-names.ts';
import { newId } from '../../platform/ids/ids.ts';
import type { Call } from '../../platform/operations/call.ts';
import { actorOf } from '../../platform/operations/caller.ts';
import { type AppColumns, appsStore } from './apps-store.ts';
import {
  claimTaken,
  keptElsewhere,
  noRoute,
  portTaken,
  slugTaken,
  stale,
  streamNeedsOperator,
  targetRefused,
  tooManyRoutes,
} from './gateway-errors.ts';
import { gatewayEvents } from './gateway-events.ts';
import { type GatewayParts, upstreamAuthPlace } from './gateway-parts.ts';
import { healthStore } from './health-store.ts';
import {
  changed,
  claimsOf,
  columnsOf,
  fieldsOf,
  problemsOf,
  type RouteChanges,
  type RouteFields,
  type StoredSecrets,
  settled,
  withDefaults,
} from './route-fields.ts';
import type { AppRow, RouteRow, StoredFilter } from './routes-rows.ts';
import { routesStore } from './routes-store.ts';
import { judgeTarget, type TargetVerdict, targetKey } from './target-guard.ts';
import type { Entry, VersionDocument } from './versions-rows.ts';
import { versionsStore } from './versions-store.ts';

/** Of an organisation. */
const mostRoutes = 2000;

/** What was looked up and worked out before the transaction: names resolved, passwords hashed. */
export interface PreparedChanges {
  fields: RouteChanges;
  verdicts: ReadonlyMap<string, TargetVerdict>;
  /** Filters with hashes in place of new passwords; null = the filters stay. */
  filters: readonly PreparedFilter[] | null;
  /** Why the port of a stream cannot be had; null when it can. */
  port_problem: string | null;
}
type PreparedFilter =
  | Exclude<StoredFilter, { kind: 'basic_auth' }>
  /** A null hash: the one that is stored under that name stays. */
  | { kind: 'basic_auth'; users: { name: string; hash: string | null }[] };

/** The place where something came from that is not written here. */
export interface Origin {
  source: 'ui' | 'file' | 'label' | 'http' | 'federation';
  source_ref: string | null;
}
interface RouteOrigin {
  origin?: Origin;
  id?: string;
  lenient?: boolean;
  /** The targets are what discovery found where operators had it look, so they may be private. */
  vouched?: boolean;
}
export const writtenHere: Origin = { source: 'ui', source_ref: null };

/** One transaction that changes apps and routes. What it changed becomes one version. */
export interface Writing {
  tx: Transaction;
  call: Call;
  at: Date;
  changes: VersionDocument;
}

export const appEntry = (app: AppRow): Entry => ({
  id: app.id,
  source: app.source,
  name: app.name,
  icon: app.icon,
  tags: app.tags,
  group: app.group_name,
  description: app.description,
  position: app.position,
});
export const routeEntry = (route: RouteRow, appSlug: string): Entry => {
  const { slug: _, ...fields } = fieldsOf(route);
  return { id: route.id, source: route.source, app: appSlug, ...fields };
};

/** Whereto a route connects: its targets, and those of its mirrors. */
const destinationsOf = (
  targets: readonly { url: string }[],
  filters: readonly { kind: string; url?: string }[],
): string[] => [
  ...targets.map(({ url }) => url),
  ...filters.flatMap(({ kind, url }) => (kind === 'mirror' && url !== undefined ? [url] : [])),
];

const note = (
  changes: VersionDocument[keyof VersionDocument],
  slug: string,
  before: Entry | null,
  after: Entry | null,
) => {
  changes[slug] = { before: changes[slug] === undefined ? before : changes[slug].before, after };
};

const refuseLocked = (row: Pick<AppRow, 'source' | 'source_ref'>, origin: Origin): void => {
  if (row.source_ref !== null && row.source_ref !== origin.source_ref) throw keptElsewhere(row.source_ref);
};
const refuseStale = (what: string, row: { version: number }, wanted: number | undefined): void => {
  if (wanted !== undefined && wanted !== row.version) throw stale(what, row.version);
};

/** Slugs are the names of members here, and `__proto__` is a slug. */
export const nothingChanged = (): VersionDocument => ({
  apps: Object.create(null) as VersionDocument['apps'],
  routes: Object.create(null) as VersionDocument['routes'],
});

const digestOf = (document: VersionDocument): string =>
  createHash('sha256').update(JSON.stringify(document)).digest('hex');

export type GatewayWriting = ReturnType<typeof createGatewayWriting>;

/** The one place that writes apps and routes, with their claims, events, audit lines and versions. */
export const createGatewayWriting = (parts: GatewayParts) => {
  const { clock, secrets } = parts;

  const rules = () => {
    const { targets } = parts.settings();
    return { ...targets, own_ports: parts.own_ports() };
  };

  const hashed = async (filters: RouteFields['filters']): Promise<PreparedFilter[]> =>
    Promise.all(
      filters.map(async (filter): Promise<PreparedFilter> => {
        if (filter.kind !== 'basic_auth') return filter;
        const users = filter.users.map(async ({ name, password }) => ({
          name,
          hash: password === undefined ? null : await hash(password.normalize('NFKC')),
        }));
        return { kind: 'basic_auth', users: await Promise.all(users) };
      }),
    );

  const portProblem = async (stream: RouteChanges['stream']): Promise<string | null> => {
    if (stream === undefined || stream === null) return null;
    if (stream.protocol === 'tcp' && parts.own_ports().includes(stream.port)) return "is the server's own";
    return (await parts.lanes()?.portProblem(stream.protocol, stream.port)) ?? null;
  };

  /** Outside of the transaction, because it waits for name servers and for the work of hashing. */
  const prepare = async (fields: RouteChanges): Promise<PreparedChanges> => {
    const urls = [...new Set(destinationsOf(fields.targets ?? [], fields.filters ?? []))];
    const verdicts = await Promise.all(
      urls.map(async (url) => [url, await judgeTarget(url, rules(), parts.resolve)] as const),
    );
    return {
      fields,
      verdicts: new Map(verdicts),
      filters: fields.filters === undefined ? null : await hashed(fields.filters),
      port_problem: await portProblem(fields.stream),
    };
  };

  /** New targets are judged; those the route has already were. Says whether the route may dial private addresses. */
  const allowPrivate = (
    fields: RouteFields,
    verdicts: PreparedChanges['verdicts'],
    call: Call,
    before: RouteRow | null,
    vouched: boolean,
  ): boolean => {
    const known = new Set(before === null ? [] : destinationsOf(before.targets, before.filters));
    const destinations = destinationsOf(fields.targets, fields.filters);
    const operator = vouched || call.caller.is_operator;
    const reasonOf = (url: string): string | null => {
      const verdict = verdicts.get(url);
      if (verdict?.kind === 'refused') return verdict.reason;
      if (known.has(url)) return null;
      // A change that was prepared from an older state of the route.
      if (verdict === undefined) return 'was not looked at; try again';
      if (operator) return null;
      if (verdict.kind === 'private') return 'is a private address, which only an operator sets';
      // The name could be turned to a private address afterwards, which this route is allowed to dial.
      return before?.allow_private === true ? 'joins targets on private addresses, which only an operator does' : null;
    };
    for (const url of destinations) {
      const reason = reasonOf(url);
      if (reason === null) continue;
      const details = { target: url, reason };
      parts.database.auditDenied(call, { action: 'routes.target_refused', target_type: 'target', details });
      throw targetRefused(url, reason);
    }
    const found = destinations.some((url) => verdicts.get(url)?.kind === 'private');
    if (found && operator) return true;
    return before?.allow_private === true && destinations.some((url) => known.has(url));
  };

  const sealUpstream = (
    id: string,
    auth: RouteFields['upstream_auth'],
    before: RouteRow | null,
    lenient: boolean,
  ): string | null => {
    if (auth.kind === 'strip' || auth.kind === 'pass') return null;
    const secret = auth.kind === 'basic' ? auth.password : auth.token;
    if (secret !== undefined) return secrets.encrypt(secret, upstreamAuthPlace(id));
    if (before?.upstream_auth_kind === auth.kind) return before.upstream_auth_secret;
    if (lenient) return null;
    throw invalid(`upstream_auth.${auth.kind === 'basic' ? 'password' : 'token'}`, 'is needed');
  };

  const storedFilters = (
    prepared: readonly PreparedFilter[] | null,
    before: RouteRow | null,
    lenient: boolean,
  ): StoredFilter[] => {
    if (prepared === null) return before?.filters ?? [];
    const hashes = new Map(
      (before?.filters ?? []).flatMap((filter) =>
        filter.kind === 'basic_auth' ? filter.users.map(({ name, hash: kept }) => [name, kept] as const) : [],
      ),
    );
    return prepared.map((filter, i): StoredFilter => {
      if (filter.kind !== 'basic_auth') return filter;
      const users = filter.users.flatMap(({ name, hash: fresh }, n) => {
        const kept = fresh ?? hashes.get(name);
        if (kept !== undefined) return [{ name, hash: kept }];
        // A hash that nothing matches, so that a filter whose secret was lost lets nobody in.
        if (lenient) return [{ name, hash: '' }];
        throw invalid(`filters.${i}.users.${n}.password`, 'is needed');
      });
      return { kind: 'basic_auth', users };
    });
  };

  const check = (
    fields: RouteFields,
    call: Call,
    before: RouteRow | null,
    { port_problem }: Pick<PreparedChanges, 'port_problem'>,
  ): void => {
    const settings = parts.settings();
    if ((fields.kind === 'stream' || before?.kind === 'stream') && !call.caller.is_operator)
      throw streamNeedsOperator();
    const errors = [...problemsOf(fields, settings, ownHostNames(parts.public_url(), settings.extra_hosts))];
    if (fields.trusted && before?.trusted !== true && !call.caller.is_operator)
      errors.push({ path: 'trusted', message: 'needs the tick of an operator' });
    const [first] = errors;
    if (first !== undefined) throw new AppError('validation_failed', `${first.path}: ${first.message}`, { errors });
    const { stream } = fields;
    const stays = before?.stream_port === stream?.port && before?.stream_protocol === stream?.protocol;
    if (stream !== null && port_problem !== null && !stays) throw portTaken(stream.protocol, stream.port, port_problem);
  };

  const claim = async (w: Writing, id: string, fields: RouteFields): Promise<void> => {
    const [taken] = await routesStore.claim(w.tx.db, id, claimsOf(fields, parts.settings()));
    if (taken !== undefined) throw claimTaken(taken);
  };

  const tell = (
    w: Writing,
    kind: string,
    route: Pick<RouteRow, 'id' | 'org_id' | 'slug' | 'app_id' | 'version' | 'source'>,
    app: Pick<AppRow, 'slug'>,
  ): void =>
    w.tx.emit({
      kind,
      id: route.id,
      org_id: route.org_id,
      body: {
        slug: route.slug,
        app_id: route.app_id,
        app_slug: app.slug,
        source: route.source,
        version: route.version,
      },
    });

  const audit = (
    w: Writing,
    action: string,
    type: 'route' | 'app',
    row: { id: string; org_id: string; slug: string },
  ) =>
    w.tx.audit({
      action,
      target_type: type,
      target_id: row.id,
      org_id: row.org_id,
      details: { slug: row.slug },
    });

  const tellApp = (w: Writing, kind: string, app: AppRow): void =>
    w.tx.emit({ kind, id: app.id, org_id: app.org_id, body: { slug: app.slug, name: app.name, version: app.version } });

  return {
    prepare,

    /** Before anything is read that is to be changed. */
    begin: async (tx: Transaction, call: Call): Promise<Writing> => {
      await appsStore.lockOrg(tx.db, call.caller.org_id);
      return { tx, call, at: clock.now(), changes: nothingChanged() };
    },

    /** Makes a version of what was changed; null when nothing was. */
    finish: async (w: Writing, source: 'file' | 'api' | 'rollback', waiting: readonly string[] = []) => {
      const { apps, routes } = w.changes;
      if (Object.keys(apps).length + Object.keys(routes).length === 0) return null;
      return versionsStore.insert(w.tx.db, {
        org_id: w.call.caller.org_id,
        digest: digestOf(w.changes),
        source,
        result: 'applied',
        document: w.changes,
        problems: [],
        waiting_for_restart: [...waiting],
        by: actorOf(w.call.caller),
        at: w.at,
      });
    },

    insertApp: async (
      w: Writing,
      app: AppColumns & { slug: string; id?: string },
      origin: Origin = writtenHere,
    ): Promise<AppRow> => {
      const row = await appsStore.insert(w.tx.db, {
        ...app,
        ...origin,
        id: app.id ?? newId(),
        org_id: w.call.caller.org_id,
        by: actorOf(w.call.caller),
        at: w.at,
      });
      if (row === null) throw slugTaken(app.slug);
      note(w.changes.apps, row.slug, null, appEntry(row));
      tellApp(w, gatewayEvents.appRegistered, row);
      audit(w, 'apps.create', 'app', row);
      return row;
    },

    changeApp: async (
      w: Writing,
      before: AppRow,
      columns: Partial<AppColumns>,
      { version, origin = writtenHere }: { version?: number | undefined; origin?: Origin } = {},
    ): Promise<AppRow> => {
      refuseLocked(before, origin);
      refuseStale('app', before, version);
      const { name, icon, tags, group_name, description, position } = { ...before, ...columns };
      const row = await appsStore.update(
        w.tx.db,
        before.id,
        { name, icon, tags, group_name, description, position },
        w.at,
      );
      note(w.changes.apps, row.slug, appEntry(before), appEntry(row));
      tellApp(w, gatewayEvents.appUpdated, row);
      audit(w, 'apps.update', 'app', row);
      return row;
    },

    removeApp: async (w: Writing, app: AppRow, origin: Origin = writtenHere): Promise<void> => {
      refuseLocked(app, origin);
      const routes = await appsStore.routesOf(w.tx.db, [app.id]);
      for (const route of routes) {
        refuseLocked(route, origin);
        note(w.changes.routes, route.slug, routeEntry(route, app.slug), null);
        tell(w, gatewayEvents.routeDeleted, route, app);
      }
      await appsStore.remove(w.tx.db, app.id);
      note(w.changes.apps, app.slug, appEntry(app), null);
      tellApp(w, gatewayEvents.appDeleted, app);
      audit(w, 'apps.delete', 'app', app);
    },

    /** `lenient`: a secret that is nowhere to be had leaves the route without it instead of refusing the route. */
    insertRoute: async (
      w: Writing,
      app: AppRow,
      slug: string,
      prepared: PreparedChanges,
      { origin = writtenHere, id = newId(), lenient = false, vouched = false }: RouteOrigin = {},
    ): Promise<RouteRow> => {
      if ((await routesStore.count(w.tx.db, app.org_id)) >= mostRoutes) throw tooManyRoutes(mostRoutes);
      const fields = settled(withDefaults(slug, prepared.fields, parts.settings()));
      check(fields, w.call, null, prepared);
      const stored: StoredSecrets = {
        upstream_auth_secret: sealUpstream(id, fields.upstream_auth, null, lenient),
        filters: storedFilters(prepared.filters, null, lenient),
      };
      const row = await routesStore.insert(w.tx.db, {
        ...columnsOf(fields, stored),
        ...origin,
        ...{ id, org_id: app.org_id, app_id: app.id },
        allow_private: allowPrivate(fields, prepared.verdicts, w.call, null, vouched),
        by: actorOf(w.call.caller),
        at: w.at,
      });
      if (row === null) throw slugTaken(slug);
      await claim(w, row.id, fields);
      note(w.changes.routes, row.slug, null, routeEntry(row, app.slug));
      tell(w, gatewayEvents.routeCreated, row, app);
      audit(w, 'routes.create', 'route', row);
      return row;
    },

    /** `whole`: fields that are not named take their defaults instead of staying. */
    changeRoute: async (
      w: Writing,
      before: RouteRow & { app_slug: string },
      prepared: PreparedChanges,
      options: {
        version?: number | undefined;
        origin?: Origin;
        whole?: boolean;
        lenient?: boolean;
        vouched?: boolean;
        app?: Pick<AppRow, 'id' | 'slug'>;
      } = {},
    ): Promise<RouteRow> => {
      const { origin = writtenHere, lenient = false, vouched = false } = options;
      refuseLocked(before, origin);
      refuseStale('route', before, options.version);
      const app = options.app ?? { id: before.app_id, slug: before.app_slug };
      const next =
        options.whole === true
          ? withDefaults(before.slug, prepared.fields, parts.settings())
          : changed(fieldsOf(before), prepared.fields);
      const fields = settled(next);
      check(fields, w.call, before, prepared);
      if (fields.slug !== before.slug && !(await routesStore.slugIsFree(w.tx.db, fields.slug)))
        throw slugTaken(fields.slug);
      const stored: StoredSecrets = {
        upstream_auth_secret: sealUpstream(before.id, fields.upstream_auth, before, lenient),
        filters: storedFilters(options.whole === true ? (prepared.filters ?? []) : prepared.filters, before, lenient),
      };
      const row = await routesStore.update(
        w.tx.db,
        before.id,
        {
          ...columnsOf(fields, stored),
          app_id: app.id,
          allow_private: allowPrivate(fields, prepared.verdicts, w.call, before, vouched),
        },
        w.at,
      );
      await routesStore.releaseClaims(w.tx.db, [row.id]);
      await claim(w, row.id, fields);
      await healthStore.keepOnly(
        w.tx.db,
        row.id,
        row.health_skip || row.kind === 'stream' ? [] : row.targets.map(({ url }) => targetKey(url)),
      );
      if (row.slug !== before.slug) note(w.changes.routes, before.slug, routeEntry(before, before.app_slug), null);
      note(
        w.changes.routes,
        row.slug,
        row.slug === before.slug ? routeEntry(before, before.app_slug) : null,
        routeEntry(row, app.slug),
      );
      tell(w, gatewayEvents.routeUpdated, row, app);
      audit(w, 'routes.update', 'route', row);
      return row;
    },

    removeRoute: async (
      w: Writing,
      route: RouteRow & { app_slug: string },
      origin: Origin = writtenHere,
    ): Promise<void> => {
      refuseLocked(route, origin);
      await routesStore.remove(w.tx.db, route.id);
      note(w.changes.routes, route.slug, routeEntry(route, route.app_slug), null);
      tell(w, gatewayEvents.routeDeleted, route, { slug: route.app_slug });
      audit(w, 'routes.delete', 'route', route);
    },

    requireRoute: async (w: Writing, id: string) => {
      const row = await routesStore.find(w.tx.db, w.call.caller.org_id, id);
      if (row === null) throw noRoute();
      return row;
    },

    /** Records that something was not taken, without any change. */
    reject: async (
      tx: Transaction,
      orgId: string,
      by: Actor,
      problems: readonly string[],
      waiting: readonly string[],
    ): Promise<number> =>
      versionsStore.insert(tx.db, {
        org_id: orgId,
        digest: digestOf(nothingChanged()),
        source: 'file',
        result: 'rejected',
        document: nothingChanged(),
        problems: problems.slice(0, 100),
        waiting_for_restart: [...waiting],
        by,
        at: clock.now(),
      }),
  };
};
