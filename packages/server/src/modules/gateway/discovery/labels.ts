/** What the labels of Atrium say, wherever they stand: container, Kubernetes object, TXT record. */
export interface LabelReading {
  /** True: wanted here; false: not wanted here; null: says nothing. */
  enable: boolean | null;
  skip: boolean;
  app: { id: string | null; name: string | null; icon: string | null; tags: string[] | null; group: string | null };
  route: {
    path: string | null;
    /** An empty list is one that was given. */
    scopes: string[] | null;
    strip_prefix: boolean | null;
    rewrite: boolean | null;
    websockets: boolean | null;
    hosts: string[] | null;
    access: 'public' | 'signed_in' | 'scopes' | null;
  };
  scheme: 'http' | 'https' | null;
  primary_port: number | null;
  all_ports: boolean;
  health_skip: boolean;
  /** Lets an image of the system through. */
  test: boolean;
  /** There is a label of ours at all. */
  any: boolean;
}

/** In this order: what the first one says wins. */
const prefixes = ['atrium', 'nekzus'] as const;

/** `app.id`, `app-id`, `app_id` and `app/id` are one key; Kubernetes wants it with a slash, Docker with dots. */
const plain = (key: string): string => key.toLowerCase().replace(/[./_-]/g, '');

/** Labels of ours by their plain key; those of an earlier map win over those of a later one. */
const collect = (maps: readonly Readonly<Record<string, string>>[]): Map<string, string> => {
  const found = new Map<string, string>();
  for (const prefix of prefixes)
    for (const labels of maps)
      for (const [key, value] of Object.entries(labels)) {
        if (!key.startsWith(`${prefix}.`) && !key.startsWith(`${prefix}/`)) continue;
        const name = plain(key.slice(prefix.length + 1));
        if (!found.has(name)) found.set(name, value.trim());
      }
  return found;
};

export const flagOf = (value: string | undefined): boolean | null => {
  if (value === undefined) return null;
  if (/^(true|yes|on|1)$/i.test(value)) return true;
  return /^(false|no|off|0)$/i.test(value) ? false : null;
};

const listOf = (value: string | undefined): string[] | null =>
  value === undefined
    ? null
    : value
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== '');

const portOf = (value: string | undefined): number | null => {
  const port = Number(value);
  return Number.isInteger(port) && port >= 1 && port <= 65_535 ? port : null;
};

const oneOf = <const T extends string>(value: string | undefined, known: readonly T[]): T | null =>
  known.find((one) => one === value?.toLowerCase()) ?? null;

const textOf = (value: string | undefined): string | null => (value === undefined || value === '' ? null : value);

/** Reads labels, the more important maps first: labels before annotations, a service before its namespace. */
export const readLabels = (...maps: readonly Readonly<Record<string, string>>[]): LabelReading => {
  const found = collect(maps);
  const get = (key: string): string | undefined => found.get(plain(key));
  return {
    enable: flagOf(get('enable')),
    skip: flagOf(get('skip')) === true,
    app: {
      id: textOf(get('app.id')),
      name: textOf(get('app.name')),
      icon: textOf(get('app.icon')),
      tags: listOf(get('app.tags')),
      group: textOf(get('app.group')),
    },
    route: {
      path: textOf(get('route.path')),
      scopes: listOf(get('route.scopes')),
      strip_prefix: flagOf(get('route.strip_prefix')),
      rewrite: flagOf(get('route.rewrite_html')),
      websockets: flagOf(get('route.websocket')) ?? flagOf(get('route.websockets')),
      hosts: listOf(get('route.host')),
      access: oneOf(get('route.access'), ['public', 'signed_in', 'scopes']),
    },
    scheme: oneOf(get('scheme'), ['http', 'https']),
    primary_port: portOf(get('primary_port')),
    all_ports: flagOf(get('discover.all_ports')) === true,
    health_skip: flagOf(get('health.skip')) === true,
    test: get('test') !== undefined && flagOf(get('test')) !== false,
    any: found.size > 0,
  };
};
