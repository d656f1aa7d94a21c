import type { RouteSnapshot, RouteTable } from '../snapshot.ts';
import { comparablePath } from './request-path.ts';

/** What a route claims: '' as host stands for the server's own origin, `*.` and a name for one label before that name. */
export interface RouteClaim {
  host: string;
  path: string;
  route: RouteSnapshot;
}

interface Held {
  base: string;
  route: RouteSnapshot;
}

/** One segment of a path and what is claimed there. */
class Branch {
  readonly below = new Map<string, Branch>();
  /** The base without a slash at the end: itself and what follows a slash. */
  bare: Held | null = null;
  /** The base with one: everything below. */
  slashed: Held | null = null;
}

class PathTrie {
  readonly #root = new Branch();

  add(base: string, route: RouteSnapshot): void {
    const segments = base.split('/').slice(1);
    const slashed = segments.at(-1) === '';
    if (slashed) segments.pop();
    let branch = this.#root;
    for (const segment of segments) {
      const next = branch.below.get(segment) ?? new Branch();
      branch.below.set(segment, next);
      branch = next;
    }
    if (slashed) branch.slashed = { base, route };
    else branch.bare = { base, route };
  }

  match(path: string): ReturnType<RouteTable['match']> {
    let branch = this.#root;
    let best: Held | null = branch.slashed;
    let at = 0;
    while (at < path.length) {
      const slash = path.indexOf('/', at + 1);
      const end = slash === -1 ? path.length : slash;
      const next = branch.below.get(path.slice(at + 1, end));
      if (next === undefined) break;
      branch = next;
      if (branch.bare !== null) best = branch.bare;
      if (branch.slashed !== null) {
        if (slash !== -1) best = branch.slashed;
        else if (branch.bare === null)
          return { route: branch.slashed.route, base: branch.slashed.base, redirect: true };
      }
      at = end;
    }
    return best === null ? null : { route: best.route, base: best.base, redirect: false };
  }
}

/** Hosts by name, each with a trie of its paths, made claim by claim: thousands at once would hold up requests. */
export class RouteTableDraft {
  readonly #exact = new Map<string, PathTrie>();
  readonly #wildcard = new Map<string, PathTrie>();

  add({ host, path, route }: RouteClaim): void {
    const [hosts, name] = host.startsWith('*.') ? [this.#wildcard, host.slice(2)] : [this.#exact, host];
    const trie = hosts.get(name) ?? new PathTrie();
    hosts.set(name, trie);
    trie.add(path, route);
  }

  /** Nothing is to be added afterwards. */
  finished(): RouteTable {
    const [exact, wildcard] = [this.#exact, this.#wildcard];
    const wildcardOf = (host: string): PathTrie | undefined => {
      const dot = host.indexOf('.');
      return dot === -1 || wildcard.size === 0 ? undefined : wildcard.get(host.slice(dot + 1));
    };
    return {
      knowsHost: (host) => host !== '' && (exact.has(host) || wildcardOf(host) !== undefined),
      match: (host, path) => {
        const comparable = comparablePath(path);
        // A host that is named hides the wildcard, even where it has no path for the request.
        const trie = exact.get(host) ?? (host === '' ? undefined : wildcardOf(host));
        return trie?.match(comparable) ?? null;
      },
    };
  }
}

export const createRouteTable = (claims: readonly RouteClaim[]): RouteTable => {
  const draft = new RouteTableDraft();
  for (const claim of claims) draft.add(claim);
  return draft.finished();
};
