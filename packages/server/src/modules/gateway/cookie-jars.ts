import type { Clock } from '../../platform/clock/clock.ts';
import type { Database } from '../../platform/db/database.ts';
import { cookiesStore, type JarRow } from './cookies-store.ts';
import { cookiePlace, type GatewayParts } from './gateway-parts.ts';
import { applyToJar, type CookieJars, type JarChange, type JarCookie } from './rewriting/cookie-jar.ts';

/** What an uncommon memory of cookies may take; the jars asked longest ago are read again when they are asked for. */
const mostJars = 20_000;

const keyOf = (principalId: string, routeId: string): string => `${principalId} ${routeId}`;

/**
 * Cookies of apps that are kept for people: in memory for the data plane, sealed in the table for the next start and the
 * other processes, which hear of a change as they hear of routes.
 */
export class KeptJars implements CookieJars {
  readonly #jars = new Map<string, JarCookie[]>();
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #secrets: GatewayParts['secrets'];
  readonly #onError: GatewayParts['onError'];
  #writing: Promise<void> = Promise.resolve();

  constructor({ database, clock, secrets, onError }: Pick<GatewayParts, 'database' | 'clock' | 'secrets' | 'onError'>) {
    this.#database = database;
    this.#clock = clock;
    this.#secrets = secrets;
    this.#onError = onError;
  }

  read(principalId: string, routeId: string): readonly JarCookie[] {
    return this.#jars.get(keyOf(principalId, routeId)) ?? [];
  }

  apply(principalId: string, routeId: string, changes: readonly JarChange[]): void {
    const key = keyOf(principalId, routeId);
    this.#put(key, applyToJar(this.#jars.get(key) ?? [], changes));
    this.#writing = this.#writing
      .then(() => this.#write(principalId, routeId))
      .catch((error: unknown) => {
        this.#onError(error, 'cookies of an app could not be kept');
      });
  }

  /** All of them, before the first request. */
  async load(): Promise<void> {
    const rows = await cookiesStore.newest(this.#database.read, this.#clock.now(), 50 * mostJars);
    for (const [key, list] of Map.groupBy(rows, (row) => keyOf(row.principal_id, row.route_id)))
      this.#put(key, this.#opened(list));
  }

  /** One jar, or all that somebody has, as the table holds them now. */
  async reload(principalId: string, routeId: string | null): Promise<void> {
    const rows = await cookiesStore.ofJar(this.#database.read, principalId, routeId);
    for (const key of this.#jars.keys())
      if (routeId === null ? key.startsWith(`${principalId} `) : key === keyOf(principalId, routeId))
        this.#jars.delete(key);
    for (const [key, list] of Map.groupBy(rows, (row) => keyOf(row.principal_id, row.route_id)))
      this.#put(key, this.#opened(list));
  }

  /** What was taken is written. */
  flush(): Promise<void> {
    return this.#writing;
  }

  #put(key: string, jar: JarCookie[]): void {
    this.#jars.delete(key);
    if (jar.length > 0) this.#jars.set(key, jar);
    if (this.#jars.size > mostJars) this.#jars.delete(this.#jars.keys().next().value!);
  }

  #opened(rows: readonly JarRow[]): JarCookie[] {
    return rows.flatMap(({ principal_id, route_id, name, path, value, expires_at }) => {
      try {
        const opened = this.#secrets.decrypt(value, cookiePlace(principal_id, route_id, name));
        return [{ name, path, value: opened, expires_at }];
      } catch (error) {
        this.#onError(error, 'a kept cookie does not open');
        return [];
      }
    });
  }

  async #write(principalId: string, routeId: string): Promise<void> {
    const jar = this.#jars.get(keyOf(principalId, routeId)) ?? [];
    const sealed = jar.map(({ name, path, value, expires_at }) => ({
      ...{ name, path, expires_at },
      value: this.#secrets.encrypt(value, cookiePlace(principalId, routeId, name)),
    }));
    await cookiesStore.replace(this.#database.read, principalId, routeId, sealed, this.#clock.now());
  }
}
