import { setImmediate as othersTurn } from 'node:timers/promises';
import { KeptConnection } from '../../platform/db/kept-connection.ts';
import type { GatewayParts } from './gateway-parts.ts';
import type { GatewaySettings } from './gateway-settings.ts';
import { RouteTableDraft } from './matching/route-table.ts';
import { routesStore } from './routes-store.ts';
import type { GatewaySnapshot, RouteSnapshot, SnapshotSource } from './snapshot.ts';
import { compileRoute, placesOf } from './snapshot-building.ts';

const empty: GatewaySnapshot = {
  generation: 0,
  routes: new Map(),
  table: { knowsHost: () => false, match: () => null },
};

/** Missed by nothing that NOTIFY tells; this is for what nobody thought of. */
const rebuildMs = 60_000;
const retryMs = 1000;

/** How many routes are read and compiled, and how many are put into the table, before requests have their turn. */
const [compiledAtOnce, placedAtOnce] = [200, 500];

/** With what it was made from. */
interface Compiled {
  mark: string;
  settings: GatewaySettings;
  route: RouteSnapshot;
  places: { host: string; path: string }[];
}

const sameSet = (a: ReadonlySet<string>, b: ReadonlySet<string>): boolean =>
  a.size === b.size && [...a].every((one) => b.has(one));

/** Whoever came in by the old rule is asked again by the new one. */
const accessChanged = (before: RouteSnapshot, after: RouteSnapshot): boolean =>
  before !== after &&
  (before.access !== after.access ||
    before.org_id !== after.org_id ||
    before.app.slug !== after.app.slug ||
    before.trusted !== after.trusted ||
    before.scopes.join(' ') !== after.scopes.join(' ') ||
    !sameSet(before.people.user_ids, after.people.user_ids) ||
    !sameSet(before.people.team_ids, after.people.team_ids) ||
    !sameSet(before.people.role_ids, after.people.role_ids));

/**
 * Keeps the snapshot of this process equal to the tables: built at start, whenever any process changes a row, and when the
 * settings change. While the database is away the last one stays in use.
 */
export class SnapshotKeeper implements SnapshotSource {
  readonly #parts: GatewayParts;
  readonly #listener: KeptConnection;
  readonly #swapped: ((gone: ReadonlySet<string>) => void)[] = [];
  /** By id: most builds change one of thousands. */
  #compiled = new Map<string, Compiled>();
  #current: GatewaySnapshot = empty;
  #running: Promise<void> | null = null;
  #again = false;
  #stopped = false;
  #timer: NodeJS.Timeout | null = null;
  #retry: NodeJS.Timeout | null = null;

  /** `onJar` hears whose cookies another process, or this one, has changed. */
  constructor(parts: GatewayParts, onJar: (whose: string) => void = () => {}) {
    this.#parts = parts;
    this.#listener = new KeptConnection({
      url: parts.database_url,
      name: 'atrium-gateway',
      prepare: async (client) => {
        client.on('notification', ({ channel, payload = '' }) => {
          if (channel === 'atrium_gateway') void this.rebuild();
          else onJar(payload);
        });
        await client.query('listen atrium_gateway; listen atrium_gateway_jars');
        // What was changed before the connection heard of it.
        await this.rebuild();
      },
      onError: (error) => parts.onError(error, 'listening for changes of routes'),
    });
  }

  current(): GatewaySnapshot {
    return this.#current;
  }

  onSwap(listener: (gone: ReadonlySet<string>) => void): void {
    this.#swapped.push(listener);
  }

  async start(): Promise<void> {
    await this.#listener.start();
    this.#timer = setInterval(() => void this.rebuild(), rebuildMs).unref();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#timer !== null) clearInterval(this.#timer);
    if (this.#retry !== null) clearTimeout(this.#retry);
    await this.#listener.stop();
    await this.#running;
  }

  /** Resolves when a build that began after the call is in use. Calls during a build share the next one. */
  rebuild(): Promise<void> {
    if (this.#running !== null) {
      this.#again = true;
      return this.#running;
    }
    this.#running = this.#build().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  async #build(): Promise<void> {
    do {
      this.#again = false;
      if (this.#stopped) return;
      try {
        await this.#buildOnce();
      } catch (error) {
        if (this.#stopped) return;
        this.#parts.onError(error, 'reading routes');
        this.#retry ??= setTimeout(() => {
          this.#retry = null;
          void this.rebuild();
        }, retryMs).unref();
        return;
      }
    } while (this.#again);
  }

  async #buildOnce(): Promise<void> {
    const begun = performance.now();
    const settings = this.#parts.settings();
    const before = this.#current;
    const compiled = await this.#compile(settings);
    const routes = new Map<string, RouteSnapshot>();
    const table = new RouteTableDraft();
    const gone = new Set<string>();
    for (const [id, { route, places }] of compiled) {
      if (routes.size % placedAtOnce === placedAtOnce - 1) await othersTurn();
      routes.set(id, route);
      for (const place of places) table.add({ ...place, route });
      const known = before.routes.get(id);
      if (known !== undefined && accessChanged(known, route)) gone.add(id);
    }
    for (const id of before.routes.keys()) if (!routes.has(id)) gone.add(id);
    if (this.#stopped) return;
    const { allow, deny } = settings.targets;
    this.#current = {
      generation: before.generation + 1,
      routes,
      table: table.finished(),
      dial: { allow: allow.map(({ cidr }) => cidr), deny: deny.map(({ cidr }) => cidr) },
    };
    this.#compiled = compiled;
    this.#parts.onSnapshotBuilt?.((performance.now() - begun) / 1000);
    for (const listener of this.#swapped) listener(gone);
  }

  /** What has changed is read again, all as it was at one moment. */
  #compile(settings: GatewaySettings): Promise<Map<string, Compiled>> {
    const reading = this.#parts.database.read.transaction().setIsolationLevel('repeatable read');
    return reading.setAccessMode('read only').execute(async (db) => {
      const compiled = new Map<string, Compiled>();
      const changed = new Map<string, string>();
      for (const { id, mark } of await routesStore.marks(db)) {
        const known = this.#compiled.get(id);
        if (known !== undefined && known.mark === mark && known.settings === settings) compiled.set(id, known);
        else changed.set(id, mark);
      }
      const ids = [...changed.keys()];
      for (let at = 0; at < ids.length; at += compiledAtOnce)
        for (const row of await routesStore.some(db, ids.slice(at, at + compiledAtOnce))) {
          try {
            const route = compileRoute(row, settings, this.#parts.secrets);
            compiled.set(row.id, { mark: changed.get(row.id)!, settings, route, places: placesOf(row, settings) });
          } catch (error) {
            // A secret that does not open ends its own route; the others go on.
            this.#parts.onError(error, `the route ${row.slug} could not be used`);
          }
        }
      return compiled;
    });
  }
}
