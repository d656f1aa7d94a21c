import { Durations } from './durations.ts';

const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** Requests of one method, route and status. */
export interface RequestCount {
  method: string;
  route: string;
  status: number;
  durations: Durations;
}

/** How one route does, whatever it answered. */
export interface RouteCount {
  method: string;
  route: string;
  /** Refusals, which are the caller's affair. */
  refused: number;
  /** Failures, which are the server's. */
  failed: number;
  durations: Durations;
}

/** One class of answers a word: `2xx`. An answer that was cut off by its client counts as `4xx`, as status 499. */
export const classOf = (status: number): string => `${Math.floor(status / 100)}xx`;

/** Requests by template of route, which are as many as the server has; a request costs one look-up and one observation. */
export class RequestCounts {
  readonly #known = new Map<string, RequestCount>();

  observe(method: string, route: string, status: number, seconds: number): void {
    const key = `${method} ${status} ${route}`;
    let count = this.#known.get(key);
    if (count === undefined) {
      const known = methods.has(method) ? method : 'OTHER';
      count = this.#known.get(`${known} ${status} ${route}`) ?? {
        ...{ method: known, route, status },
        durations: new Durations(),
      };
      this.#known.set(`${known} ${status} ${route}`, count);
    }
    count.durations.observe(seconds);
  }

  all(): Iterable<RequestCount> {
    return this.#known.values();
  }

  byClass(): Map<string, number> {
    const classes = new Map<string, number>(['1xx', '2xx', '3xx', '4xx', '5xx'].map((name) => [name, 0]));
    for (const { status, durations } of this.#known.values())
      classes.set(classOf(status), (classes.get(classOf(status)) ?? 0) + durations.count);
    return classes;
  }

  total(): { durations: Durations; failed: number } {
    const durations = new Durations();
    let failed = 0;
    for (const count of this.#known.values()) {
      durations.add(count.durations);
      if (count.status >= 500) failed += count.durations.count;
    }
    return { durations, failed };
  }

  /** Those asked for most first. */
  byRoute(): RouteCount[] {
    const routes = new Map<string, RouteCount>();
    for (const { method, route, status, durations } of this.#known.values()) {
      const key = `${method} ${route}`;
      const sum = routes.get(key) ?? { method, route, refused: 0, failed: 0, durations: new Durations() };
      sum.durations.add(durations);
      if (status >= 500) sum.failed += durations.count;
      else if (status >= 400) sum.refused += durations.count;
      routes.set(key, sum);
    }
    return [...routes.values()].toSorted((a, b) => b.durations.count - a.durations.count);
  }
}
