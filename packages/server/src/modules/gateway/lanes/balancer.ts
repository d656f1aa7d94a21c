import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { RouteSnapshot, TargetHealth, TargetSnapshot } from '../snapshot.ts';

interface Share {
  target: TargetSnapshot;
  /** Of smooth weighted round robin. */
  credit: number;
  running: number;
}

const cookiePrefix = 'atrium_target_';

/** Which target of a route gets a request. Knows nothing of connections. */
export class Balancer {
  readonly #health: TargetHealth;
  readonly #key: Buffer;
  readonly #shares = new WeakMap<RouteSnapshot, Share[]>();

  /** `key` signs the cookies of sticky routes. */
  constructor(health: TargetHealth, key: Buffer) {
    this.#health = health;
    this.#key = key;
  }

  /** Null when none may be asked. `tried` is left out as long as there is another. */
  choose(route: RouteSnapshot, cookies: string | undefined, tried: ReadonlySet<TargetSnapshot>): TargetSnapshot | null {
    const shares = this.#of(route);
    const [only] = shares;
    if (shares.length === 1 && only !== undefined && only.target.weight > 0)
      return this.#health.status(route.id, only.target.url) === 'unhealthy' ? null : only.target;
    const able = shares.filter(
      ({ target }) => target.weight > 0 && this.#health.status(route.id, target.url) !== 'unhealthy',
    );
    const fresh = able.filter(({ target }) => !tried.has(target));
    const pool = fresh.length > 0 ? fresh : able;
    if (pool.length === 0) return null;
    const stuck = route.strategy === 'sticky' ? this.#stuck(route, cookies, pool) : null;
    if (stuck !== null) return stuck.target;
    return (route.strategy === 'least_requests' ? leastOf(pool) : this.#next(pool)).target;
  }

  began(route: RouteSnapshot, target: TargetSnapshot): void {
    this.#count(route, target, 1);
  }

  ended(route: RouteSnapshot, target: TargetSnapshot): void {
    this.#count(route, target, -1);
  }

  /** The cookie that keeps a client at its target; null when it has it already. */
  cookieFor(
    route: RouteSnapshot,
    target: TargetSnapshot,
    cookies: string | undefined,
    at: { path: string; secure: boolean },
  ): string | null {
    if (route.strategy !== 'sticky' || route.targets.length < 2) return null;
    const value = this.#sign(route, target);
    if (cookieOf(cookies, cookiePrefix + route.slug) === value) return null;
    return `${cookiePrefix}${route.slug}=${value}; Path=${at.path}; HttpOnly; SameSite=Lax${at.secure ? '; Secure' : ''}`;
  }

  #of(route: RouteSnapshot): Share[] {
    const known = this.#shares.get(route);
    if (known !== undefined) return known;
    const shares = route.targets.map((target) => ({ target, credit: 0, running: 0 }));
    this.#shares.set(route, shares);
    return shares;
  }

  #count(route: RouteSnapshot, target: TargetSnapshot, by: number): void {
    if (route.strategy !== 'least_requests') return;
    const share = this.#of(route).find((one) => one.target === target);
    if (share !== undefined) share.running += by;
  }

  #next(pool: readonly Share[]): Share {
    let total = 0;
    let best = pool[0]!;
    for (const share of pool) {
      share.credit += share.target.weight;
      total += share.target.weight;
      if (share.credit > best.credit) best = share;
    }
    best.credit -= total;
    return best;
  }

  #stuck(route: RouteSnapshot, cookies: string | undefined, pool: readonly Share[]): Share | null {
    const value = cookieOf(cookies, cookiePrefix + route.slug);
    if (value === null) return null;
    return pool.find(({ target }) => sameText(this.#sign(route, target), value)) ?? null;
  }

  #sign(route: RouteSnapshot, target: TargetSnapshot): string {
    const name = createHash('sha256').update(target.url).digest('base64url').slice(0, 12);
    return `${name}.${createHmac('sha256', this.#key).update(`${route.id} ${name}`).digest('base64url')}`;
  }
}

const sameText = (a: string, b: string): boolean => {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
};

const leastOf = (pool: readonly Share[]): Share =>
  pool.reduce((best, share) =>
    share.running / share.target.weight < best.running / best.target.weight ? share : best,
  );

const cookieOf = (cookies: string | undefined, name: string): string | null => {
  for (const pair of cookies?.split(';') ?? []) {
    const mark = pair.indexOf('=');
    if (mark > 0 && pair.slice(0, mark).trim() === name) return pair.slice(mark + 1).trim();
  }
  return null;
};
