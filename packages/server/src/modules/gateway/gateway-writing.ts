import { createHash } from 'node:crypto';
import { setImmediate as othersTurn } from 'node:timers/promises';
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
import type { Change, Entry, VersionDocument } from './versions-rows.ts';
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
export interface RouteOptions {
  origin?: Origin;
  /** Fields that are not named take their defaults instead of staying. */
  whole?: boolean;
  /** A secret that is nowhere to be had leaves the route without it instead of refusing the route. */
  lenient?: boolean;
  /** The targets are what discovery found where operators had it look, so they may be private. */
  vouched?: boolean;
}
/** A route that is to be made, or changed. */
export type RouteDraft =
  | { before: null; app: Pick<AppRow, 'id' | 'slug'>; slug: string; id?: string; prepared: PreparedChanges }
  | {
      before: RouteRow & { app_slug: string };
      app?: Pick<AppRow, 'id' | 'slug'>;
      version?: number | undefined;
      prepared: PreparedChanges;
    };
/** An app that is to be made, or changed. */
export type AppDraft =
  | { before: null; slug: string; id?: string | undefined; columns: AppColumns }
  | { before: AppRow; columns: Partial<AppColumns>; version?: number | undefined };
/** What became of one of several. With one that is refused the transaction must not be kept. */
export type Outcome<Row> = Row | AppError;

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

const refusedOr = <Made>(make: () => Made): Outcome<Made> => {
  try {
    return make();
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
};
/** Without those that were refused. */
export const taken = <Row>(outcomes: readonly Outcome<Row>[]): Row[] =>
  outcomes.flatMap((outcome) => (outcome instanceof AppError ? [] : [outcome]));
/** Throws why the first one was refused, when one was. */
export const refuseAny = <Row>(outcomes: readonly Outcome<Row>[]): Row[] =>
  outcomes.map((outcome) => {
    if (outcome instanceof AppError) throw outcome;
    return outcome;
  });
const only = <Row>(outcomes: readonly Outcome<Row>[]): Row => refuseAny(outcomes)[0]!;

/** How many rows a statement writes: the text of many would be made while nobody else is served. */
const rowsAtOnce = 100;
const inParts = <One>(all: readonly One[]): One[][] =>
  Array.from({ length: Math.ceil(all.length / rowsAtOnce) }, (_, n) => all.slice(n * rowsAtOnce, (n + 1) * rowsAtOnce));

/** Its JSON, made with turns for requests in between: of a thousand routes it is megabytes. */
const textOf = async ({ apps, routes }: VersionDocument): Promise<string> => {
  const membersOf = async (changes: Record<string, Change>): Promise<string> => {
    const members: string[] = [];
    for (const part of inParts(Object.entries(changes))) {
      for (const [slug, change] of part) members.push(`${JSON.stringify(slug)}:${JSON.stringify(change)}`);
      if (part.length === rowsAtOnce) await othersTurn();
    }
    return `{${members.join(',')}}`;
  };
  return `{"apps":${await membersOf(apps)},"routes":${await membersOf(routes)}}`;
};
const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex');

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

  type AppColumnsNow = AppColumns & { id: string; slug: string; before: AppRow | null };
  const plannedApp = (draft: AppDraft, origin: Origin): AppColumnsNow => {
    const { before, columns } = draft;
    if (before === null) return { ...draft.columns, before, id: draft.id ?? newId(), slug: draft.slug };
    refuseLocked(before, origin);
    refuseStale('app', before, draft.version);
    const { name, icon, tags, group_name, description, position } = { ...before, ...columns };
    return { before, id: before.id, slug: before.slug, name, icon, tags, group_name, description, position };
  };

  const writeApps = async (
    w: Writing,
    drafts: readonly AppDraft[],
    origin: Origin = writtenHere,
  ): Promise<Outcome<AppRow>[]> => {
    const plans = drafts.map((draft) => refusedOr(() => plannedApp(draft, origin)));
    const rows = new Map<string, AppRow>();
    for (const part of inParts(taken(plans))) {
      const fresh = part.flatMap(({ before, ...app }) =>
        before === null ? [{ ...app, ...origin, org_id: w.call.caller.org_id }] : [],
      );
      const known = part.flatMap(({ before, slug: _, ...app }) => (before === null ? [] : [app]));
      const made = await appsStore.insert(w.tx.db, fresh, { by: actorOf(w.call.caller), at: w.at });
      for (const row of [...made, ...(await appsStore.update(w.tx.db, known, w.at))]) rows.set(row.id, row);
    }
    return plans.map((plan) => {
      if (plan instanceof AppError) return plan;
      const { before, id, slug } = plan;
      const row = rows.get(id);
      if (row === undefined) return slugTaken(slug);
      note(w.changes.apps, row.slug, before === null ? null : appEntry(before), appEntry(row));
      tellApp(w, before === null ? gatewayEvents.appRegistered : gatewayEvents.appUpdated, row);
      audit(w, before === null ? 'apps.create' : 'apps.update', 'app', row);
      return row;
    });
  };

  interface RoutePlan {
    before: (RouteRow & { app_slug: string }) | null;
    app: Pick<AppRow, 'id' | 'slug'>;
    id: string;
    fields: RouteFields;
    columns: ReturnType<typeof columnsOf> & Pick<RouteRow, 'app_id' | 'allow_private'>;
  }
  /** `slugsOfOthers`: which of the slugs that routes are to get instead of their own are had already. */
  const plannedRoute = (
    { call }: Writing,
    draft: RouteDraft,
    { origin = writtenHere, whole = false, lenient = false, vouched = false }: RouteOptions,
    slugsOfOthers: ReadonlySet<string>,
  ): RoutePlan => {
    const { before, prepared } = draft;
    if (before !== null) {
      refuseLocked(before, origin);
      refuseStale('route', before, draft.version);
    }
    const id = before?.id ?? ('id' in draft ? draft.id : undefined) ?? newId();
    const app = draft.app ?? { id: before!.app_id, slug: before!.app_slug };
    const wanted =
      before !== null && !whole
        ? changed(fieldsOf(before), prepared.fields)
        : withDefaults(draft.before === null ? draft.slug : draft.before.slug, prepared.fields, parts.settings());
    const fields = settled(wanted);
    check(fields, call, before, prepared);
    if (before !== null && fields.slug !== before.slug && slugsOfOthers.has(fields.slug)) throw slugTaken(fields.slug);
    const filters = before === null || whole ? (prepared.filters ?? []) : prepared.filters;
    const stored: StoredSecrets = {
      upstream_auth_secret: sealUpstream(id, fields.upstream_auth, before, lenient),
      filters: storedFilters(filters, before, lenient),
    };
    const allow_private = allowPrivate(fields, prepared.verdicts, call, before, vouched);
    return { before, app, id, fields, columns: { ...columnsOf(fields, stored), app_id: app.id, allow_private } };
  };

  /** Only once all of them are written, because two may change places. */
  const claimAll = async (w: Writing, plans: readonly RoutePlan[]): Promise<Map<string, AppError>> => {
    await routesStore.releaseClaims(
      w.tx.db,
      plans.flatMap(({ before }) => (before === null ? [] : [before.id])),
    );
    const claims = plans.flatMap(({ id, fields }) =>
      claimsOf(fields, parts.settings()).map((one) => ({ ...one, route_id: id })),
    );
    const refused = new Map<string, AppError>();
    for (const lost of await routesStore.claim(w.tx.db, claims))
      if (!refused.has(lost.route_id)) refused.set(lost.route_id, claimTaken(lost));
    return refused;
  };

  const tellWritten = (w: Writing, { before, app }: RoutePlan, row: RouteRow): void => {
    const stays = before !== null && row.slug === before.slug;
    if (before !== null && !stays) note(w.changes.routes, before.slug, routeEntry(before, before.app_slug), null);
    note(w.changes.routes, row.slug, stays ? routeEntry(before, before.app_slug) : null, routeEntry(row, app.slug));
    tell(w, before === null ? gatewayEvents.routeCreated : gatewayEvents.routeUpdated, row, app);
    audit(w, before === null ? 'routes.create' : 'routes.update', 'route', row);
  };

  const writeRoutes = async (
    w: Writing,
    drafts: readonly RouteDraft[],
    options: RouteOptions = {},
  ): Promise<Outcome<RouteRow>[]> => {
    const { db } = w.tx;
    const { org_id } = w.call.caller;
    const { origin = writtenHere } = options;
    const isNew = drafts.some(({ before }) => before === null);
    let room = isNew ? mostRoutes - (await routesStore.count(db, org_id)) : 0;
    const renamed = drafts.flatMap(({ before, prepared: { fields } }) =>
      before === null || fields.slug === undefined || fields.slug === before.slug ? [] : [fields.slug],
    );
    const slugsOfOthers = await routesStore.takenSlugs(db, renamed);
    const outcomes: Outcome<RouteRow>[] = [];
    const written: { plan: RoutePlan; row: RouteRow }[] = [];
    for (const part of inParts(drafts)) {
      const planned = part.map((draft) =>
        refusedOr(() => {
          if (draft.before === null && room <= 0) throw tooManyRoutes(mostRoutes);
          const plan = plannedRoute(w, draft, options, slugsOfOthers);
          if (draft.before === null) room -= 1;
          return plan;
        }),
      );
      const fine = taken(planned);
      const fresh = fine.flatMap(({ before, id, columns }) =>
        before === null ? [{ ...columns, ...origin, id, org_id }] : [],
      );
      const known = fine.flatMap(({ before, id, columns }) => (before === null ? [] : [{ ...columns, id }]));
      const made = await routesStore.insert(db, fresh, { by: actorOf(w.call.caller), at: w.at });
      const rows = new Map([...made, ...(await routesStore.update(db, known, w.at))].map((row) => [row.id, row]));
      for (const plan of planned) {
        const row = plan instanceof AppError ? plan : (rows.get(plan.id) ?? slugTaken(plan.fields.slug));
        outcomes.push(row);
        if (plan instanceof AppError || row instanceof AppError) continue;
        written.push({ plan, row });
        tellWritten(w, plan, row);
      }
    }
    const refused = await claimAll(
      w,
      written.map(({ plan }) => plan),
    );
    await healthStore.keepOnly(
      db,
      written.flatMap(({ plan, row: { id, health_skip, kind, targets } }) => {
        const urls = health_skip || kind === 'stream' ? [] : targets.map(({ url }) => targetKey(url));
        return plan.before === null ? [] : [{ id, urls }];
      }),
    );
    return outcomes.map((outcome) => (outcome instanceof AppError ? outcome : (refused.get(outcome.id) ?? outcome)));
  };

  const removeRoutes = async (
    w: Writing,
    routes: readonly (RouteRow & { app_slug: string })[],
    origin: Origin = writtenHere,
  ): Promise<void> => {
    for (const route of routes) refuseLocked(route, origin);
    await routesStore.remove(
      w.tx.db,
      routes.map(({ id }) => id),
    );
    for (const route of routes) {
      note(w.changes.routes, route.slug, routeEntry(route, route.app_slug), null);
      tell(w, gatewayEvents.routeDeleted, route, { slug: route.app_slug });
      audit(w, 'routes.delete', 'route', route);
    }
  };

  const removeApps = async (w: Writing, apps: readonly AppRow[], origin: Origin = writtenHere): Promise<void> => {
    const ids = apps.map(({ id }) => id);
    const routes = Map.groupBy(await appsStore.routesOf(w.tx.db, ids), ({ app_id }) => app_id);
    for (const app of apps) {
      refuseLocked(app, origin);
      for (const route of routes.get(app.id) ?? []) {
        refuseLocked(route, origin);
        note(w.changes.routes, route.slug, routeEntry(route, app.slug), null);
        tell(w, gatewayEvents.routeDeleted, route, app);
      }
      note(w.changes.apps, app.slug, appEntry(app), null);
      tellApp(w, gatewayEvents.appDeleted, app);
      audit(w, 'apps.delete', 'app', app);
    }
    await appsStore.remove(w.tx.db, ids);
  };

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
      const document = await textOf(w.changes);
      return versionsStore.insert(w.tx.db, {
        org_id: w.call.caller.org_id,
        digest: digestOf(document),
        source,
        result: 'applied',
        document,
        problems: [],
        waiting_for_restart: [...waiting],
        by: actorOf(w.call.caller),
        at: w.at,
      });
    },

    writeApps,
    writeRoutes,
    removeApps,
    removeRoutes,

    insertApp: async (w: Writing, app: AppColumns & { slug: string }, origin?: Origin): Promise<AppRow> => {
      const { slug, ...columns } = app;
      return only(await writeApps(w, [{ before: null, slug, columns }], origin));
    },

    changeApp: async (
      w: Writing,
      before: AppRow,
      columns: Partial<AppColumns>,
      version: number | undefined,
    ): Promise<AppRow> => only(await writeApps(w, [{ before, columns, version }])),

    removeApp: (w: Writing, app: AppRow, origin?: Origin): Promise<void> => removeApps(w, [app], origin),

    insertRoute: async (
      w: Writing,
      app: AppRow,
      slug: string,
      prepared: PreparedChanges,
      options?: RouteOptions,
    ): Promise<RouteRow> => only(await writeRoutes(w, [{ before: null, app, slug, prepared }], options)),

    changeRoute: async (
      w: Writing,
      before: RouteRow & { app_slug: string },
      prepared: PreparedChanges,
      { version, ...options }: RouteOptions & { version?: number | undefined } = {},
    ): Promise<RouteRow> => only(await writeRoutes(w, [{ before, prepared, version }], options)),

    removeRoute: (w: Writing, route: RouteRow & { app_slug: string }, origin?: Origin): Promise<void> =>
      removeRoutes(w, [route], origin),

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
    ): Promise<number> => {
      const document = await textOf(nothingChanged());
      return versionsStore.insert(tx.db, {
        org_id: orgId,
        digest: digestOf(document),
        source: 'file',
        result: 'rejected',
        document,
        problems: problems.slice(0, 100),
        waiting_for_restart: [...waiting],
        by,
        at: clock.now(),
      });
    },
  };
};
