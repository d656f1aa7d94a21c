import { KeptConnection } from '../../platform/db/kept-connection.ts';
import type { GatewayParts } from './gateway-parts.ts';
import type { GatewaySettings } from './gateway-settings.ts';
import type { RouteWithApp } from './routes-rows.ts';
import { routesStore } from './routes-store.ts';
import type { GatewaySnapshot, RouteSnapshot, SnapshotSource } from './snapshot.ts';
import { compileRoute, compileSnapshot } from './snapshot-building.ts';

const empty: GatewaySnapshot = {
  generation: 0,
  routes: new Map(),
  table: { knowsHost: () => false, match: () => null },
};

/** Missed by nothing that NOTIFY tells; this is for what nobody thought of. */
const rebuildMs = 60_000;
const retryMs = 1000;

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
  /** Compiled routes by id, with what they were made from: most builds change one of thousands. */
  #compiled = new Map<string, { key: string; settings: GatewaySettings; route: RouteSnapshot }>();
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
        this.#swap(await routesStore.everything(this.#parts.database.read));
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

  #swap(rows: readonly RouteWithApp[]): void {
    const begun = performance.now();
    const settings = this.#parts.settings();
    const before = this.#current;
    const kept = new Map<string, { key: string; settings: GatewaySettings; route: RouteSnapshot }>();
    const compiled = (row: RouteWithApp): RouteSnapshot => {
      // A new master key gives a row another envelope and no other version.
      const key = `${row.version} ${row.app_id} ${row.app_slug} ${row.app_name} ${row.upstream_auth_secret ?? ''}`;
      const known = this.#compiled.get(row.id);
      const one =
        known !== undefined && known.key === key && known.settings === settings
          ? known
          : { key, settings, route: compileRoute(row, settings, this.#parts.secrets) };
      kept.set(row.id, one);
      return one.route;
    };
    this.#current = compileSnapshot(rows, settings, this.#parts, compiled, before.generation + 1);
    this.#compiled = kept;
    this.#parts.onSnapshotBuilt?.((performance.now() - begun) / 1000);
    const gone = new Set<string>();
    for (const [id, route] of before.routes) {
      const now = this.#current.routes.get(id);
      if (now === undefined || accessChanged(route, now)) gone.add(id);
    }
    for (const listener of this.#swapped) listener(gone);
  }
}
