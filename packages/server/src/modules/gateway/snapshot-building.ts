import { peerOfHost } from './federation/federation-parts.ts';
import { type GatewayParts, upstreamAuthPlace } from './gateway-parts.ts';
import type { GatewaySettings } from './gateway-settings.ts';
import { fieldsOf, hostsOf } from './route-fields.ts';
import type { RouteWithApp } from './routes-rows.ts';
import type { RouteSnapshot, TargetSnapshot } from './snapshot.ts';
import { hostOf, portOf, readTarget, targetKey } from './target-guard.ts';

const targetOf = ({ url: text, weight }: { url: string; weight: number }): TargetSnapshot => {
  const url = readTarget(text);
  return {
    url: targetKey(text),
    protocol: /^h2c:/i.test(text) ? 'h2c:' : (url.protocol as TargetSnapshot['protocol']),
    hostname: hostOf(url),
    port: portOf(url),
    base_path: url.pathname.replace(/\/+$/, ''),
    weight,
  };
};

/** Milliseconds of silence after which a stream is over, where its route does not say. */
const usualIdle = { tcp: 3_600_000, udp: 60_000 } as const;

const upstreamAuthOf = (row: RouteWithApp, secrets: GatewayParts['secrets']): RouteSnapshot['upstream_auth'] => {
  if (row.upstream_auth_kind === 'pass') return { kind: 'pass' };
  // A secret that was lost is not made up for by the client's own header.
  if (row.upstream_auth_kind === 'strip' || row.upstream_auth_secret === null) return { kind: 'strip' };
  const secret = secrets.decrypt(row.upstream_auth_secret, upstreamAuthPlace(row.id));
  if (row.upstream_auth_kind === 'bearer') return { kind: 'header', value: `Bearer ${secret}` };
  const pair = Buffer.from(`${row.upstream_auth_user ?? ''}:${secret}`, 'utf8').toString('base64');
  return { kind: 'header', value: `Basic ${pair}` };
};

const timeoutsOf = (row: RouteWithApp, { timeouts }: GatewaySettings): RouteSnapshot['timeouts'] => ({
  connect: row.timeout_connect_ms ?? timeouts.connect,
  connect_websocket: row.timeout_connect_ms ?? timeouts.connect_websocket,
  head: row.timeout_head_ms ?? timeouts.head,
  body_idle: row.timeout_body_idle_ms ?? timeouts.body_idle,
  client_send_idle: row.timeout_client_idle_ms ?? timeouts.client_send_idle,
  client_take_idle: row.timeout_client_idle_ms ?? timeouts.client_take_idle,
});

/** The hash stands where the contract has the password: `password` of a basic_auth user is its argon2id hash here. */
const filtersOf = (row: RouteWithApp): RouteSnapshot['filters'] =>
  row.filters.map((filter) =>
    filter.kind === 'basic_auth'
      ? { kind: 'basic_auth', users: filter.users.map(({ name, hash }) => ({ name, password: hash })) }
      : filter,
  );

/** Only what the federation made leads through a link: the name alone leads nowhere. */
const peerOf = (row: RouteWithApp): { peer_id?: string } => {
  const [target] = row.targets;
  const peer_id = row.source !== 'federation' || target === undefined ? null : peerOfHost(hostOf(new URL(target.url)));
  return peer_id === null ? {} : { peer_id };
};

export const compileRoute = (
  row: RouteWithApp,
  settings: GatewaySettings,
  secrets: GatewayParts['secrets'],
): RouteSnapshot => {
  const {
    health,
    people,
    stream,
    timeouts: _,
    filters: __,
    upstream_auth: ___,
    targets: ____,
    ...fields
  } = fieldsOf(row);
  return {
    id: row.id,
    org_id: row.org_id,
    app: { id: row.app_id, slug: row.app_slug, name: row.app_name },
    slug: fields.slug,
    kind: fields.kind,
    stream: stream === null ? null : { ...stream, idle_ms: stream.idle_ms ?? usualIdle[stream.protocol] },
    redirect_to: fields.redirect_to,
    targets: row.targets.map(targetOf),
    strategy: fields.strategy,
    access: fields.access,
    people: {
      user_ids: new Set(people.user_ids),
      team_ids: new Set(people.team_ids),
      role_ids: new Set(people.role_ids),
    },
    scopes: fields.scopes,
    trusted: fields.trusted,
    websockets: fields.websockets,
    strip_prefix: fields.strip_prefix,
    rewrite: fields.rewrite,
    exclude_paths: fields.exclude_paths,
    rewrite_cookie_paths: fields.rewrite_cookie_paths,
    strip_response_cookies: fields.strip_response_cookies,
    persist_cookies: fields.persist_cookies,
    health,
    timeouts: timeoutsOf(row, settings),
    max_body: fields.max_body,
    buffering: fields.buffering,
    compress: fields.compress,
    cache: fields.cache,
    cache_stale_if_error_s: fields.cache_stale_if_error_s,
    preserve_host: fields.preserve_host,
    upstream_auth: upstreamAuthOf(row, secrets),
    upstream_tls: fields.upstream_tls,
    filters: filtersOf(row),
    mirrors: row.filters.flatMap((filter) =>
      filter.kind === 'mirror'
        ? [{ target: targetOf({ url: filter.url, weight: 1 }), percent: filter.percent, max_body: filter.max_body }]
        : [],
    ),
    allow_private: row.allow_private,
    ...peerOf(row),
  };
};

/** Where a route is found: the own origin is the host ''. */
export const placesOf = (row: RouteWithApp, settings: GatewaySettings): { host: string; path: string }[] => {
  const fields = fieldsOf(row);
  return [
    ...(fields.path_base === null ? [] : [{ host: '', path: fields.path_base }]),
    ...hostsOf(fields, settings).map((host) => ({ host, path: fields.host_path })),
  ];
};
