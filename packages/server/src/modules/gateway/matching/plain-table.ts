import type { RouteSnapshot, RouteTable } from '../snapshot.ts';

interface Entry {
  host: string;
  base: string;
  route: RouteSnapshot;
}

const holds = (base: string, path: string): { redirect: boolean } | null => {
  if (base.endsWith('/')) {
    if (path.startsWith(base)) return { redirect: false };
    return path === base.slice(0, -1) ? { redirect: true } : null;
  }
  return path === base || path.startsWith(`${base}/`) ? { redirect: false } : null;
};

/** Looks at every route of a host in turn: right by inspection, and fast enough for questions of people. */
export const makePlainTable = (entries: readonly Entry[]): RouteTable => {
  const byHost = new Map<string, Entry[]>();
  for (const entry of entries) byHost.set(entry.host, [...(byHost.get(entry.host) ?? []), entry]);
  for (const list of byHost.values()) list.sort((a, b) => b.base.length - a.base.length);
  const wildcardOf = (host: string): string => `*${host.slice(host.indexOf('.'))}`;
  return {
    knowsHost: (host) => byHost.has(host) || (host.includes('.') && byHost.has(wildcardOf(host))),
    match: (host, path) => {
      const plain = path.replace(/\/{2,}/g, '/');
      for (const name of host.includes('.') ? [host, wildcardOf(host)] : [host]) {
        for (const { base, route } of byHost.get(name) ?? []) {
          const held = holds(base, plain);
          if (held !== null) return { route, base, ...held };
        }
      }
      return null;
    },
  };
};
