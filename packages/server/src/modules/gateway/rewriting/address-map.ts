/** Where an app is for its visitors and where it is for us: enough to translate addresses that it writes. */
export interface AddressPlace {
  /** Of the route, as the table matched it: `/apps/x/`, `/apps/x`, or `/` for a host of its own. */
  base: string;
  /** Host header of the visitor, with port when it had one. */
  host: string;
  target: { hostname: string; port: number; base_path: string };
}

export interface AddressMap {
  /** As in the place, but percent-encoded: safe in a header, a page and a style sheet. */
  base: string;
  /** The base without its slash at the end; '' for a host of its own. */
  prefix: string;
  host: string;
  /** True for the prefix itself and what lies below it. */
  inside(path: string): boolean;
  /** An address of a page: only what begins with one slash changes. */
  path(address: string): string;
  /** An address of a header: names of our own host and of the target are understood as well. */
  header(address: string): string;
  /** Whose a host name is, with or without its port. Another port of the same host is somebody else. */
  owner(host: string): 'visitor' | 'target' | null;
}

const loopback = new Set(['localhost', '127.0.0.1', '[::1]', '::1']);
const split = (host: string): { name: string; port: string } => {
  const found = /^(\[[^\]]*\]|[^:]*)(?::(\d*))?$/.exec(host.toLowerCase());
  return found === null ? { name: host.toLowerCase(), port: '' } : { name: found[1]!, port: found[2] ?? '' };
};
const bare = (name: string): string => (name.startsWith('[') ? name.slice(1, -1) : name);

/** Characters that would end a value in a header, an attribute or a style sheet. */
const encode = (path: string): string =>
  encodeURI(path).replace(/['();,&]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);

/** Tabs and line breaks inside an address do not count for browsers, and some templates write a slash as an entity. */
const plain = (address: string): string => address.replace(/[\t\r\n]/g, '').replace(/&(?:#x0*2f|#0*47|sol);/gi, '/');

export const createAddressMap = (place: AddressPlace): AddressMap => {
  const base = encode(place.base);
  const prefix = base.endsWith('/') ? base.slice(0, -1) : base;
  const upstream = place.target.base_path;
  const visitor = split(place.host);
  const target = { name: bare(place.target.hostname.toLowerCase()), port: String(place.target.port) };

  const below = (path: string, start: string): boolean =>
    path.startsWith(start) && (path.length === start.length || '/?#'.includes(path[start.length]!));
  const inside = (path: string): boolean => below(path, prefix);

  const map: AddressMap = {
    base,
    prefix,
    host: place.host,
    inside,
    path: (address) => {
      // Almost every address that is seen here is decided by its first two characters.
      let start = 0;
      while (start < address.length && address.charCodeAt(start) <= 32) start += 1;
      const first = address.charCodeAt(start);
      if (first !== 47 && first !== 38) return address;
      let path = plain(address.slice(start));
      if (path[0] !== '/' || path[1] === '/' || path[1] === '\\' || inside(path)) return address;
      const untouched = path.length === address.length - start;
      let cut = 0;
      if (upstream !== '' && below(path, upstream)) cut = upstream.length;
      while (path.startsWith('/../', cut)) cut += 3;
      if (prefix === '' && cut === 0) return address;
      path = untouched ? address.slice(start + cut) : path.slice(cut);
      return `${address.slice(0, start)}${prefix}${path.startsWith('/') ? '' : '/'}${path}`;
    },
    header: (address) => {
      const absolute = /^\s*(?:https?:)?\/\/([^/?#\\]*)([\s\S]*)$/i.exec(address);
      if (absolute === null) return map.path(address);
      if (map.owner(absolute[1]!) === null) return address;
      const rest = absolute[2]!;
      const path = rest.startsWith('/') ? rest : `/${rest}`;
      if (path.startsWith('//') || path.startsWith('/\\')) return address;
      return map.owner(absolute[1]!) === 'visitor' && inside(path) ? address : map.path(path);
    },
    owner: (host) => {
      const asked = split(host);
      if (asked.name === visitor.name && (asked.port === '' || asked.port === visitor.port)) return 'visitor';
      const name = bare(asked.name);
      const alias = loopback.has(name) && loopback.has(target.name) && asked.port === target.port;
      if (alias || (name === target.name && (asked.port === '' || asked.port === target.port))) return 'target';
      // Apps put the name that they were asked by before the port that they listen at; nobody else is there for visitors.
      if (asked.name === visitor.name && asked.port === target.port) return 'target';
      // A visitor at the default port may be named with it.
      if (asked.name === visitor.name && visitor.port === '' && (asked.port === '80' || asked.port === '443'))
        return 'visitor';
      return null;
    },
  };
  return map;
};
