import { isIP } from 'node:net';
import type { FieldError, ParsedInputOf, RouteFilter, routesReplace } from '@atrium/protocol';
import { routeDefaults } from '@atrium/protocol';
import type { GatewaySettings } from './gateway-settings.ts';
import type { Claim, RouteRow, StoredFilter } from './routes-rows.ts';

/** A route as a person writes it, whole. Secrets are in it only when they are new. */
export type RouteFields = Omit<ParsedInputOf<typeof routesReplace>, 'id' | 'version'>;
export type RouteChanges = { [K in keyof RouteFields]?: RouteFields[K] | undefined };

/** What a route becomes whose maker said only these things. */
export const withDefaults = (slug: string, changes: RouteChanges, settings: GatewaySettings): RouteFields => {
  const mode = changes.mode ?? settings.default_mode;
  const { interval_ms, timeout_ms, unhealthy_after, path } = settings.health;
  const access = changes.access ?? routeDefaults.access;
  const base: RouteFields = {
    ...(structuredClone(routeDefaults) as unknown as RouteFields),
    slug,
    mode,
    path_base: null,
    // Whole pages need no change where the app has a host of its own.
    rewrite: mode !== 'host',
    scopes: access === 'scopes' ? [...settings.default_scopes] : [],
    health: { skip: false, path, interval_ms, timeout_ms, unhealthy_after, healthy_codes: [] },
  };
  return changed(base, changes);
};

/** Fields that are not named stay. */
export const changed = (base: RouteFields, changes: RouteChanges): RouteFields => {
  const named = Object.entries(changes).filter(([, value]) => value !== undefined);
  return { ...base, ...Object.fromEntries(named) } as RouteFields;
};

const collapsed = (path: string): string => path.replace(/\/{2,}/g, '/');

/** Fills in what follows from the rest. */
export const settled = (fields: RouteFields): RouteFields => ({
  ...fields,
  // A port has no path and no host name of HTTP.
  ...(fields.kind === 'stream' ? ({ mode: 'host', hosts: [], rewrite: false } as const) : {}),
  path_base:
    fields.kind === 'stream' || fields.mode === 'host' ? null : collapsed(fields.path_base ?? `/apps/${fields.slug}/`),
  host_path: collapsed(fields.host_path),
  hosts: [...new Set(fields.hosts)],
});

/** Host names that the route has, the default one included. */
export const hostsOf = (
  fields: Pick<RouteFields, 'kind' | 'mode' | 'hosts' | 'slug'>,
  settings: GatewaySettings,
): string[] => {
  if (fields.kind === 'stream') return [];
  if (fields.mode === 'path') return [];
  if (fields.hosts.length > 0) return fields.hosts;
  return settings.base_domain === null ? [] : [`${fields.slug.toLowerCase()}.${settings.base_domain}`];
};

/** With and without a slash at the end it is one place: the first sends to the second. */
const placeOf = (path: string): string => (path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path);

/** A port is claimed as if it were a host, and the names of TLS on it as its paths; '' is what is left. */
const streamClaims = ({ stream }: RouteFields): Claim[] => {
  if (stream === null) return [];
  const host = `${stream.protocol}:${stream.port}`;
  return stream.names.length === 0 ? [{ host, path: '' }] : stream.names.map((path) => ({ host, path }));
};

export const claimsOf = (fields: RouteFields, settings: GatewaySettings): Claim[] => [
  ...streamClaims(fields),
  ...(fields.path_base === null ? [] : [{ host: '', path: placeOf(fields.path_base) }]),
  ...hostsOf(fields, settings).map((host) => ({ host, path: placeOf(fields.host_path) })),
];

const hostLabel = /^(?!-)[a-z0-9-]{1,63}(?<!-)$/;

/** Which filters need nothing of HTTP. */
const streamFilters = new Set(['ip_allow', 'rate', 'geoblock']);

const streamProblems = (fields: RouteFields): readonly FieldError[] => {
  const { stream } = fields;
  if (fields.kind !== 'stream')
    return [
      ...(stream === null ? [] : [{ path: 'stream', message: 'is for the kind stream' }]),
      ...fields.targets.flatMap(({ url }, i) =>
        /^(?:https?|h2c):/i.test(url)
          ? []
          : [{ path: `targets.${i}.url`, message: 'must be an http, https or h2c URL' }],
      ),
    ];
  if (stream === null) return [{ path: 'stream', message: 'is needed, because the kind is stream' }];
  const problems: FieldError[] = [];
  const wrong = (path: string, message: string) => problems.push({ path, message });
  if (fields.access !== 'public') wrong('access', 'must be public: a stream asks nobody who they are');
  for (const [i, { url }] of fields.targets.entries())
    if (!url.toLowerCase().startsWith(`${stream.protocol}:`))
      wrong(`targets.${i}.url`, `must begin with ${stream.protocol}://`);
  for (const [i, { kind }] of fields.filters.entries())
    if (!streamFilters.has(kind)) wrong(`filters.${i}`, 'needs HTTP; a stream has ip_allow, rate and geoblock');
  if (fields.strategy === 'sticky') wrong('strategy', 'keeps a cookie, which a stream has not');
  if (stream.protocol === 'udp' && stream.names.length > 0) wrong('stream.names', 'need TCP');
  if (stream.protocol === 'udp' && stream.proxy_protocol) wrong('stream.proxy_protocol', 'needs TCP');
  if (stream.protocol === 'udp' && stream.idle_ms === 0) wrong('stream.idle_ms', 'must be above 0 for UDP');
  if (new Set(stream.names).size < stream.names.length) wrong('stream.names', 'must not name one twice');
  return problems;
};

const filterProblems = (fields: RouteFields, settings: GatewaySettings): readonly FieldError[] =>
  fields.filters.flatMap((filter, i): FieldError[] => {
    if (filter.kind === 'geoblock' && settings.geoip_file === null)
      return [{ path: `filters.${i}`, message: 'needs a database of countries: gateway.geoip.file' }];
    if (filter.kind === 'mirror' && !/^https?:/i.test(filter.url))
      return [{ path: `filters.${i}.url`, message: 'must be an http or https URL' }];
    return [];
  });

/** Rules between fields; those of one field are the contract's. */
export const problemsOf = (
  fields: RouteFields,
  settings: GatewaySettings,
  own: readonly string[],
): readonly FieldError[] => {
  const problems: FieldError[] = [];
  const wrong = (path: string, message: string) => problems.push({ path, message });
  if (fields.path_base !== null && !/^\/apps\/./.test(fields.path_base))
    wrong('path_base', 'must be below /apps/, because every other path is of the server itself');
  const http = fields.kind !== 'stream';
  problems.push(...streamProblems(fields), ...filterProblems(fields, settings));
  if (http && fields.mode !== 'path' && hostsOf(fields, settings).length === 0)
    wrong('hosts', 'must name a host, because gateway.base_domain is not set');
  if (http && fields.mode !== 'path' && fields.hosts.length === 0 && !hostLabel.test(fields.slug.toLowerCase()))
    wrong('hosts', 'must name a host, because the slug does not fit into one');
  for (const [i, host] of fields.hosts.entries())
    if (own.includes(host) || isIP(host) !== 0) wrong(`hosts.${i}`, 'is a name of the server itself');
  const sends = fields.kind === 'http' || fields.kind === 'stream';
  if (sends && fields.targets.length === 0) wrong('targets', 'must have one at least');
  if (sends && fields.targets.length > 0 && fields.targets.every(({ weight }) => weight === 0))
    wrong('targets', 'must have one with a weight above 0');
  if (new Set(fields.targets.map(({ url }) => url)).size < fields.targets.length)
    wrong('targets', 'must not name one address twice');
  if (fields.kind === 'redirect' && fields.redirect_to === null)
    wrong('redirect_to', 'is needed, because the kind is redirect');
  if (fields.redirect_to !== null && !/^(?:https?:\/\/[^\s]+|\/[^\s]*)$/.test(fields.redirect_to))
    wrong('redirect_to', 'must be a path or an http or https URL');
  const { user_ids, team_ids, role_ids } = fields.people;
  if (fields.access === 'people' && user_ids.length + team_ids.length + role_ids.length === 0)
    wrong('people', 'must name somebody, because the access is people');
  if (fields.access === 'scopes' && fields.scopes.length === 0)
    wrong('scopes', 'must name one at least, because the access is scopes');
  return problems;
};

const filterOf = (filter: StoredFilter): RouteFilter =>
  filter.kind === 'basic_auth'
    ? { kind: 'basic_auth', users: filter.users.map(({ name }) => ({ name, password_set: true })) }
    : filter;

const authOf = (row: RouteRow): RouteFields['upstream_auth'] => {
  const kind = row.upstream_auth_kind as RouteFields['upstream_auth']['kind'];
  return kind === 'basic' ? { kind, user: row.upstream_auth_user ?? '' } : { kind };
};

const given = <T extends Record<string, unknown>>(members: T): { [K in keyof T]?: NonNullable<T[K]> } =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== null)) as never;

const streamOf = (row: RouteRow): RouteFields['stream'] =>
  row.stream_port === null
    ? null
    : {
        protocol: row.stream_protocol as 'tcp' | 'udp',
        port: row.stream_port,
        names: row.stream_names,
        proxy_protocol: row.stream_proxy_protocol,
        max_connections: row.stream_max_connections,
        max_per_address: row.stream_max_per_address,
        ...given({ idle_ms: row.stream_idle_ms }),
      };

/** The row in the words of the contract, without secrets. */
export const fieldsOf = (row: RouteRow): RouteFields => ({
  slug: row.slug,
  kind: row.kind as RouteFields['kind'],
  stream: streamOf(row),
  mode: row.mode as RouteFields['mode'],
  path_base: row.path_base,
  hosts: row.hosts,
  host_path: row.host_path,
  targets: row.targets,
  strategy: row.strategy as RouteFields['strategy'],
  redirect_to: row.redirect_to,
  container_ref: row.container_ref,
  access: row.access as RouteFields['access'],
  people: { user_ids: row.people_user_ids, team_ids: row.people_team_ids, role_ids: row.people_role_ids },
  scopes: row.scopes,
  trusted: row.trusted,
  websockets: row.websockets,
  strip_prefix: row.strip_prefix,
  rewrite: row.rewrite,
  exclude_paths: row.exclude_paths,
  rewrite_cookie_paths: row.rewrite_cookie_paths,
  strip_response_cookies: row.strip_response_cookies,
  persist_cookies: row.persist_cookies,
  health: {
    skip: row.health_skip,
    path: row.health_path,
    interval_ms: row.health_interval_ms,
    timeout_ms: row.health_timeout_ms,
    unhealthy_after: row.health_unhealthy_after,
    healthy_codes: row.health_codes,
  },
  timeouts: given({
    connect: row.timeout_connect_ms,
    head: row.timeout_head_ms,
    body_idle: row.timeout_body_idle_ms,
    client_idle: row.timeout_client_idle_ms,
  }),
  max_body: row.max_body,
  buffering: row.buffering,
  compress: row.compress,
  cache: row.cache,
  cache_stale_if_error_s: row.cache_stale_if_error_s,
  preserve_host: row.preserve_host,
  upstream_auth: authOf(row),
  upstream_tls: { verify: row.upstream_tls_verify, ca: row.upstream_tls_ca, server_name: row.upstream_tls_server_name },
  filters: row.filters.map(filterOf),
  recipe: row.recipe,
});

/** What is stored of the secrets of a route. */
export interface StoredSecrets {
  /** Sealed. */
  upstream_auth_secret: string | null;
  filters: StoredFilter[];
}

/** Columns that hold what a person wrote. */
export const columnsOf = (fields: RouteFields, secrets: StoredSecrets) => ({
  slug: fields.slug,
  kind: fields.kind,
  stream_protocol: fields.stream?.protocol ?? null,
  stream_port: fields.stream?.port ?? null,
  stream_names: fields.stream?.names ?? [],
  stream_proxy_protocol: fields.stream?.proxy_protocol ?? false,
  stream_max_connections: fields.stream?.max_connections ?? 1000,
  stream_max_per_address: fields.stream?.max_per_address ?? 100,
  stream_idle_ms: fields.stream?.idle_ms ?? null,
  mode: fields.mode,
  path_base: fields.path_base,
  hosts: fields.hosts,
  host_path: fields.host_path,
  targets: fields.targets,
  strategy: fields.strategy,
  redirect_to: fields.redirect_to,
  container_ref: fields.container_ref,
  access: fields.access,
  people_user_ids: fields.people.user_ids,
  people_team_ids: fields.people.team_ids,
  people_role_ids: fields.people.role_ids,
  scopes: fields.scopes,
  trusted: fields.trusted,
  websockets: fields.websockets,
  strip_prefix: fields.strip_prefix,
  rewrite: fields.rewrite,
  exclude_paths: fields.exclude_paths,
  rewrite_cookie_paths: fields.rewrite_cookie_paths,
  strip_response_cookies: fields.strip_response_cookies,
  persist_cookies: fields.persist_cookies,
  health_skip: fields.health.skip,
  health_path: fields.health.path,
  health_interval_ms: fields.health.interval_ms,
  health_timeout_ms: fields.health.timeout_ms,
  health_unhealthy_after: fields.health.unhealthy_after,
  health_codes: fields.health.healthy_codes,
  timeout_connect_ms: fields.timeouts.connect ?? null,
  timeout_head_ms: fields.timeouts.head ?? null,
  timeout_body_idle_ms: fields.timeouts.body_idle ?? null,
  timeout_client_idle_ms: fields.timeouts.client_idle ?? null,
  max_body: fields.max_body,
  buffering: fields.buffering,
  compress: fields.compress,
  cache: fields.cache,
  cache_stale_if_error_s: fields.cache_stale_if_error_s,
  preserve_host: fields.preserve_host,
  upstream_auth_kind: fields.upstream_auth.kind,
  upstream_auth_user: fields.upstream_auth.kind === 'basic' ? fields.upstream_auth.user : null,
  upstream_auth_secret: secrets.upstream_auth_secret,
  upstream_tls_verify: fields.upstream_tls.verify,
  upstream_tls_ca: fields.upstream_tls.ca,
  upstream_tls_server_name: fields.upstream_tls.server_name,
  filters: secrets.filters,
  recipe: fields.recipe,
});
export type RouteColumns = ReturnType<typeof columnsOf>;
