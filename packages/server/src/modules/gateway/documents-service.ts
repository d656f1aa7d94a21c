import { setImmediate as othersTurn } from 'node:timers/promises';
import type {
  configVersion,
  configVersionsDiff,
  configVersionsList,
  FieldError,
  GatewayDocument,
  gatewayDryRun,
  OutputOf,
  ParsedInputOf,
} from '@atrium/protocol';
import { verify } from '@node-rs/argon2';
import type { z } from 'zod';
import type { Transaction } from '../../platform/db/database.ts';
import { AppError, invalid, notFound } from '../../platform/errors/app-error.ts';
import { newId } from '../../platform/ids/ids.ts';
import { type Call, internalCall } from '../../platform/operations/call.ts';
import { systemCaller } from '../../platform/operations/caller.ts';
import { countPosition, toPage } from '../../platform/paging/keyset.ts';
import { type AppColumns, appsStore, type Db } from './apps-store.ts';
import {
  differenceOf,
  differencesOf,
  exported,
  isSame,
  readDocument,
  type State,
  takenBack,
} from './gateway-document.ts';
import { keptElsewhere } from './gateway-errors.ts';
import { type GatewayParts, upstreamAuthPlace } from './gateway-parts.ts';
import {
  type AppDraft,
  appEntry,
  type GatewayWriting,
  nothingChanged,
  type Origin,
  type Outcome,
  type PreparedChanges,
  type RouteDraft,
  refuseAny,
  routeEntry,
  taken,
  type Writing,
  writtenHere,
} from './gateway-writing.ts';
import { claimsOf, fieldsOf, type RouteChanges, type RouteFields, settled, withDefaults } from './route-fields.ts';
import type { AppRow, RouteWithApp } from './routes-rows.ts';
import { routesStore } from './routes-store.ts';
import type { Entry } from './versions-rows.ts';
import { type VersionRow, versionsStore } from './versions-store.ts';

/** Routes whose targets are looked up, and passwords hashed, at the same time. */
const preparedAtOnce = 16;
/** Routes that are compared before requests have their turn. */
const comparedAtOnce = 50;

type DocumentApp = GatewayDocument['apps'][number];
type DocumentRoute = GatewayDocument['routes'][number];

const present = (row: Omit<VersionRow, 'document'>): z.infer<typeof configVersion> => ({
  number: row.number,
  digest: row.digest,
  source: row.source as 'file',
  result: row.result as 'applied',
  problems: row.problems,
  waiting_for_restart: row.waiting_for_restart,
  actor: { type: row.actor_type as 'user', id: row.actor_id, name: row.actor_name },
  at: row.at.toISOString(),
});

const columnsOf = ({ name, icon, tags, group, description, position }: Omit<DocumentApp, 'slug'>): AppColumns => ({
  name,
  icon,
  tags,
  group_name: group,
  description,
  position,
});
const sameColumns = (app: AppRow, columns: AppColumns): boolean =>
  isSame(columns, {
    name: app.name,
    icon: app.icon,
    tags: app.tags,
    group_name: app.group_name,
    description: app.description,
    position: app.position,
  });

/** Told in the words of the document, each with its place. */
export class DocumentProblems extends Error {
  readonly problems: readonly FieldError[];
  constructor(problems: readonly FieldError[]) {
    super(problems.map(({ path, message }) => `${path}: ${message}`).join('; '));
    this.problems = problems;
  }
}

/** What is to be written for an entry of a document: nothing when it is so already. */
type Plan<Draft> = Outcome<Draft> | null;

/** What became of each entry, in the order of the document. */
const written = async <Draft, Row>(
  plans: readonly Plan<Draft>[],
  write: (drafts: readonly Draft[]) => Promise<Outcome<Row>[]>,
): Promise<(Outcome<Row> | null)[]> => {
  const outcomes = (await write(taken(plans.filter((plan) => plan !== null)))).values();
  const isWritten = (plan: Plan<Draft>): plan is Draft => plan !== null && !(plan instanceof AppError);
  return plans.map((plan) => (isWritten(plan) ? outcomes.next().value! : (plan as AppError | null)));
};

const problemsIn = (kind: 'apps' | 'routes', outcomes: readonly unknown[]): FieldError[] =>
  outcomes.flatMap((outcome, i) => {
    if (!(outcome instanceof AppError)) return [];
    const path = `${kind}.${i}`;
    const fields = outcome.errors ?? [];
    if (fields.length === 0) return [{ path, message: outcome.message }];
    return fields.map((field) => ({ path: `${path}.${field.path}`, message: field.message }));
  });

/** Ends a transaction whose changes were only to be looked at. */
class OnlyTried extends Error {}

export type PreparedDocument = { document: GatewayDocument; prepared: ReadonlyMap<string, PreparedChanges> };
export type DocumentsService = ReturnType<typeof createDocumentsService>;

export const createDocumentsService = (parts: GatewayParts, writing: GatewayWriting) => {
  const { database } = parts;

  const readState = async (
    db: Db,
    orgId: string,
  ): Promise<State & { appRows: AppRow[]; routeRows: RouteWithApp[] }> => {
    const [appRows, routeRows] = [await appsStore.all(db, orgId), await routesStore.all(db, orgId)];
    return {
      appRows,
      routeRows,
      apps: new Map(appRows.map((row) => [row.slug, appEntry(row)])),
      routes: new Map(routeRows.map((row) => [row.slug, routeEntry(row, row.app_slug)])),
    };
  };

  /** A document is read again and again, mostly unchanged: a secret in it that is stored already is no change. */
  const sameSecrets = async (row: RouteWithApp, fields: RouteChanges): Promise<boolean> => {
    const auth = fields.upstream_auth;
    const secret = auth?.kind === 'basic' ? auth.password : auth?.kind === 'bearer' ? auth.token : undefined;
    if (secret !== undefined) {
      if (row.upstream_auth_secret === null) return false;
      if (parts.secrets.decrypt(row.upstream_auth_secret, upstreamAuthPlace(row.id)) !== secret) return false;
    }
    const hashes = new Map(
      row.filters.flatMap((filter) =>
        filter.kind === 'basic_auth' ? filter.users.map(({ name, hash }) => [name, hash] as const) : [],
      ),
    );
    for (const filter of fields.filters ?? []) {
      if (filter.kind !== 'basic_auth') continue;
      for (const { name, password } of filter.users) {
        if (password === undefined) continue;
        const known = hashes.get(name) ?? '';
        if (known === '' || !(await verify(known, password.normalize('NFKC')))) return false;
      }
    }
    return true;
  };

  const masked = (fields: RouteFields): RouteFields => ({
    ...fields,
    upstream_auth:
      fields.upstream_auth.kind === 'basic'
        ? { kind: 'basic', user: fields.upstream_auth.user }
        : { kind: fields.upstream_auth.kind },
    filters: fields.filters.map((filter) =>
      filter.kind === 'basic_auth'
        ? { kind: 'basic_auth', users: filter.users.map(({ name }) => ({ name, password_set: true })) }
        : filter,
    ),
  });

  const fieldsIn = ({ slug: _, app: __, ...fields }: DocumentRoute): RouteChanges => fields;

  /** Many at once, because each may wait for a name server; not all, because hashing takes memory. */
  const preparedRoutes = async (
    routes: readonly (readonly [slug: string, fields: RouteChanges])[],
  ): Promise<Map<string, PreparedChanges>> => {
    const prepared = new Map<string, PreparedChanges>();
    for (let at = 0; at < routes.length; at += preparedAtOnce) {
      const some = routes.slice(at, at + preparedAtOnce);
      await Promise.all(some.map(async ([slug, fields]) => prepared.set(slug, await writing.prepare(fields))));
      await othersTurn();
    }
    return prepared;
  };

  /** Outside of the transaction: names are resolved, passwords hashed. */
  const prepare = async (document: GatewayDocument): Promise<PreparedDocument> => ({
    document,
    prepared: await preparedRoutes(document.routes.map((route) => [route.slug, fieldsIn(route)] as const)),
  });

  const duplicates = (kind: 'apps' | 'routes', slugs: readonly string[]): FieldError[] => {
    const seen = new Set<string>();
    return slugs.flatMap((slug, i) => {
      if (!seen.has(slug)) return seen.add(slug) && [];
      return [{ path: `${kind}.${i}.slug`, message: `"${slug}" stands in it twice` }];
    });
  };

  const routePlan = async (
    route: DocumentRoute,
    before: RouteWithApp | null,
    apps: ReadonlyMap<string, AppRow>,
    prepared: PreparedChanges,
    origin: Origin,
  ): Promise<Plan<RouteDraft>> => {
    const fields = fieldsIn(route);
    const appSlug = route.app ?? route.slug;
    const here = before !== null && before.source_ref === origin.source_ref;
    if (here && before.app_slug === appSlug) {
      const next = masked(settled(withDefaults(route.slug, fields, parts.settings())));
      if (isSame(next, fieldsOf(before)) && (await sameSecrets(before, fields))) return null;
    }
    const app = apps.get(appSlug);
    if (app === undefined) return invalid('app', `there is no app "${appSlug}"`);
    if (before === null) return { before, app, slug: route.slug, prepared };
    return here ? { before, app, prepared } : keptElsewhere(before.source_ref ?? 'the dashboard');
  };

  /**
   * Brings what a place holds in line with a document: makes, changes and, where `origin` names the place, deletes. All
   * problems are found; with one of them the transaction must not be kept.
   */
  const apply = async (w: Writing, { document, prepared }: PreparedDocument, origin: Origin): Promise<FieldError[]> => {
    const problems: FieldError[] = [
      ...duplicates(
        'apps',
        document.apps.map(({ slug }) => slug),
      ),
      ...duplicates(
        'routes',
        document.routes.map(({ slug }) => slug),
      ),
    ];
    if (problems.length > 0) return problems;
    const { org_id } = w.call.caller;
    const [appRows, routeRows] = [await appsStore.all(w.tx.db, org_id), await routesStore.allLocked(w.tx.db, org_id)];
    const mine = (row: { source_ref: string | null }): boolean =>
      origin.source_ref !== null && row.source_ref === origin.source_ref;
    const wantedRoutes = new Set(document.routes.map(({ slug }) => slug));
    const wantedApps = new Set(document.apps.map(({ slug }) => slug));

    await writing.removeRoutes(
      w,
      routeRows.filter((row) => mine(row) && !wantedRoutes.has(row.slug)),
      origin,
    );

    const apps = new Map<string, AppRow>(appRows.map((row) => [row.slug, row]));
    const appPlans = document.apps.map(({ slug, ...fields }): Plan<AppDraft> => {
      const columns = columnsOf(fields);
      const before = apps.get(slug);
      if (before === undefined) return { before: null, slug, columns };
      if (!sameColumns(before, columns)) return { before, columns };
      return before.source_ref === origin.source_ref ? null : keptElsewhere(before.source_ref ?? 'the dashboard');
    });
    const writtenApps = await written(appPlans, (drafts) => writing.writeApps(w, drafts, origin));
    for (const app of taken(writtenApps.filter((outcome) => outcome !== null))) apps.set(app.slug, app);
    problems.push(...problemsIn('apps', writtenApps));

    const rows = new Map(routeRows.map((row) => [row.slug, row]));
    const routePlans: Plan<RouteDraft>[] = [];
    for (const [i, route] of document.routes.entries()) {
      // Thousands of routes are compared here.
      if (i % comparedAtOnce === comparedAtOnce - 1) await othersTurn();
      routePlans.push(await routePlan(route, rows.get(route.slug) ?? null, apps, prepared.get(route.slug)!, origin));
    }
    const writtenRoutes = await written(routePlans, (drafts) =>
      writing.writeRoutes(w, drafts, { origin, whole: true }),
    );
    problems.push(...problemsIn('routes', writtenRoutes));

    const gone = appRows.filter((row) => mine(row) && !wantedApps.has(row.slug));
    const left = await appsStore.routesOf(
      w.tx.db,
      gone.map(({ id }) => id),
    );
    // Routes that people added are not the file's to delete.
    const keptBy = new Set(left.filter((route) => !mine(route)).map(({ app_id }) => app_id));
    await appsStore.release(w.tx.db, [...keptBy]);
    await writing.removeApps(
      w,
      gone.filter(({ id }) => !keptBy.has(id)),
      origin,
    );
    return problems;
  };

  const findVersion = async (db: Db, orgId: string, number: number): Promise<VersionRow> => {
    const version = await versionsStore.find(db, orgId, number);
    if (version === null) throw notFound('The version');
    return version;
  };

  /** Apps and routes as they were in a version. */
  const stateAt = async (db: Db, orgId: string, number: number, now: State): Promise<State> => {
    await findVersion(db, orgId, number);
    const later = await versionsStore.after(db, orgId, number);
    return takenBack(
      now,
      later.map(({ document }) => document),
    );
  };

  const changesOf = ({ id: _, source: __, app: ___, ...fields }: Entry): RouteChanges => fields as RouteChanges;
  const entryColumns = ({ id: _, source: __, ...fields }: Entry): AppColumns => columnsOf(fields as never);

  const restore = async (w: Writing, wanted: State, prepared: ReadonlyMap<string, PreparedChanges>): Promise<void> => {
    const { appRows, routeRows, ...now } = await readState(w.tx.db, w.call.caller.org_id);
    const here = (slug: string, rows: readonly { slug: string; source_ref: string | null }[]): boolean =>
      (rows.find((row) => row.slug === slug)?.source_ref ?? null) === null;
    const difference = differenceOf(now, wanted);
    const routes = Object.entries(difference.routes).filter(
      ([slug, { after }]) => here(slug, routeRows) && (after === null || after.source === 'ui'),
    );
    const apps = Object.entries(difference.apps).filter(
      ([slug, { after }]) => here(slug, appRows) && (after === null || after.source === 'ui'),
    );
    const rows = new Map(routeRows.map((row) => [row.slug, row]));
    const appsBefore = new Map(appRows.map((row) => [row.slug, row]));
    await writing.removeRoutes(
      w,
      routes.flatMap(([slug, { after }]) => (after === null ? rows.get(slug)! : [])),
    );
    await writing.removeApps(
      w,
      apps.flatMap(([slug, { after }]) => (after === null ? appsBefore.get(slug)! : [])),
    );
    const appDrafts = apps.flatMap(([slug, { after }]): AppDraft[] => {
      if (after === null) return [];
      const before = appsBefore.get(slug) ?? null;
      const columns = entryColumns(after);
      return [before === null ? { before, slug, id: after.id, columns } : { before, columns }];
    });
    refuseAny(await writing.writeApps(w, appDrafts));
    const appsNow = new Map((await appsStore.all(w.tx.db, w.call.caller.org_id)).map((app) => [app.slug, app]));
    const routeDrafts = routes.flatMap(([slug, { after }]): RouteDraft[] => {
      if (after === null) return [];
      const app = appsNow.get(String(after['app']));
      // Its app is kept elsewhere and gone from there.
      if (app === undefined) return [];
      const changes = prepared.get(slug) ?? {
        fields: changesOf(after),
        verdicts: new Map(),
        filters: null,
        port_problem: null,
      };
      const before = rows.get(slug) ?? null;
      return [
        before === null ? { before, app, slug, id: after.id, prepared: changes } : { before, app, prepared: changes },
      ];
    });
    refuseAny(await writing.writeRoutes(w, routeDrafts, { whole: true, lenient: true }));
  };

  return {
    prepare,
    apply,

    /** Gives routes without hosts of their own those of the base domain that is set now. */
    reclaim: async (): Promise<void> => {
      for (const row of await routesStore.everything(database.read)) {
        if (row.mode === 'path' || row.hosts.length > 0) continue;
        const call = internalCall(systemCaller({ id: row.org_id }), newId());
        await database.transaction(call, async (tx) => {
          await writing.begin(tx, call);
          const fresh = await routesStore.find(tx.db, row.org_id, row.id);
          if (fresh === null) return;
          await routesStore.releaseClaims(tx.db, [row.id]);
          const claims = claimsOf(fieldsOf(fresh), parts.settings());
          const lost = await routesStore.claim(
            tx.db,
            claims.map((one) => ({ ...one, route_id: row.id })),
          );
          if (lost.length > 0)
            parts.onNotice(
              { route: row.slug, taken: lost.map(({ host, path }) => ({ host, path })) },
              'another route has an address that this one would get',
            );
        });
      }
    },

    list: async (
      { caller }: Call,
      input: ParsedInputOf<typeof configVersionsList>,
    ): Promise<OutputOf<typeof configVersionsList>> => {
      const before = countPosition(input.cursor)?.value ?? null;
      const rows = await versionsStore.list(database.read, caller.org_id, { limit: input.limit + 1, before });
      return toPage(rows, input.limit, ({ number }) => ({ value: String(number), id: caller.org_id }), present);
    },

    diff: async (
      { caller }: Call,
      { number, against }: ParsedInputOf<typeof configVersionsDiff>,
    ): Promise<OutputOf<typeof configVersionsDiff>> => {
      const version = await findVersion(database.read, caller.org_id, number);
      if (against === 'previous') return { changes: differencesOf(version.document) };
      const now = await readState(database.read, caller.org_id);
      const then = await stateAt(database.read, caller.org_id, number, now);
      return { changes: differencesOf(differenceOf(then, now)) };
    },

    rollback: async (call: Call, { number }: { number: number }): Promise<z.infer<typeof configVersion>> => {
      const { org_id } = call.caller;
      const now = await readState(database.read, org_id);
      const planned = await stateAt(database.read, org_id, number, now);
      const prepared = await preparedRoutes(
        Object.entries(differenceOf(now, planned).routes).flatMap(([slug, { after }]) =>
          after === null ? [] : [[slug, changesOf(after)] as const],
        ),
      );
      return database.transaction(call, async (tx) => {
        const w = await writing.begin(tx, call);
        await restore(w, await stateAt(tx.db, org_id, number, await readState(tx.db, org_id)), prepared);
        const made = await writing.finish(w, 'rollback');
        tx.audit({ action: 'gateway.rollback', target_type: 'config_version', details: { number, made } });
        return present(await findVersion(tx.db, org_id, made ?? number));
      });
    },

    /** The document is applied for good measure, and taken back. */
    dryRun: async (
      call: Call,
      { document: text }: ParsedInputOf<typeof gatewayDryRun>,
    ): Promise<OutputOf<typeof gatewayDryRun>> => {
      const read = await readDocument(text);
      if ('problems' in read) return { valid: false, problems: read.problems, changes: [] };
      const prepared = await prepare(read.document);
      let problems: FieldError[] = [];
      let changes = nothingChanged();
      try {
        await database.transaction(call, async (tx: Transaction) => {
          const w = await writing.begin(tx, call);
          problems = await apply(w, prepared, writtenHere);
          changes = w.changes;
          throw new OnlyTried();
        });
      } catch (error) {
        if (!(error instanceof OnlyTried)) throw error;
      }
      return { valid: problems.length === 0, problems, changes: differencesOf(changes) };
    },

    export: async ({ caller }: Call): Promise<{ document: string }> => {
      const { stringify } = await import('yaml');
      const state = await readState(database.read, caller.org_id);
      const settings = parts.settings();
      const document = {
        apps: [...state.apps].map(([slug, { id: _, source: __, ...fields }]) => ({ slug, ...fields })),
        routes: [...state.routes].map(([slug, entry]) => exported(slug, entry, settings)),
      };
      return { document: stringify(document) };
    },
  };
};
