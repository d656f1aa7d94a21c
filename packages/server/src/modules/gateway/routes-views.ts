import type { AppView, RouteView } from '@atrium/protocol';
import type { GatewaySettings } from './gateway-settings.ts';
import { fieldsOf, hostsOf } from './route-fields.ts';
import type { AppRow, HealthState, RouteRow, RouteWithApp, StoredFilter, WithStatus } from './routes-rows.ts';

/** The host name with scheme and port of the server's own address. */
const atHost = (publicUrl: string, host: string, path: string): string => {
  if (!URL.canParse(publicUrl)) return `http://${host}${path}`;
  const { protocol, port } = new URL(publicUrl);
  return `${protocol}//${host}${port === '' ? '' : `:${port}`}${path}`;
};

/** Where people open it, the best first: a host of its own shares no origin with the dashboard. */
export const addressesOf = (row: RouteRow, settings: GatewaySettings, publicUrl: string): string[] => {
  const fields = fieldsOf(row);
  const { stream } = fields;
  if (stream !== null) {
    const host = URL.canParse(publicUrl) ? new URL(publicUrl).hostname : 'localhost';
    return (stream.names.length === 0 ? [host] : stream.names.filter((name) => !name.startsWith('*.'))).map(
      (name) => `${stream.protocol}://${name}:${stream.port}`,
    );
  }
  return [
    ...hostsOf(fields, settings)
      .filter((host) => !host.startsWith('*.'))
      .map((host) => atHost(publicUrl, host, fields.host_path)),
    ...(fields.path_base === null ? [] : [`${publicUrl}${fields.path_base}`]),
  ];
};

const lostSecret = (filter: StoredFilter): boolean =>
  filter.kind === 'basic_auth' && filter.users.some(({ hash }) => hash === '');

const warningsOf = (row: RouteRow, settings: GatewaySettings): string[] => [
  ...(row.filters.some(({ kind }) => kind === 'geoblock') && settings.geoip_file === null
    ? ['The filter geoblock has no database of countries (gateway.geoip.file), so it places nobody.']
    : []),
  ...(row.upstream_tls_verify ? [] : ['The certificate of the app is not verified.']),
  ...(['basic', 'bearer'].includes(row.upstream_auth_kind) && row.upstream_auth_secret === null
    ? ['The secret for the app is missing; set it again.']
    : []),
  ...(row.filters.some(lostSecret) ? ['A password of the filter basic_auth is missing; set it again.'] : []),
  ...(row.access === 'public' ? ['Everybody who reaches this server may open it.'] : []),
];

export const routeView = (
  row: WithStatus<RouteWithApp>,
  settings: GatewaySettings,
  publicUrl: string,
  portFailure: string | null = null,
): RouteView => ({
  id: row.id,
  app_id: row.app_id,
  app_slug: row.app_slug,
  app_name: row.app_name,
  ...fieldsOf(row),
  source: row.source as RouteView['source'],
  locked: row.source_ref,
  status: row.status,
  addresses: addressesOf(row, settings, publicUrl),
  warnings: [...(portFailure === null ? [] : [portFailure]), ...warningsOf(row, settings)],
  version: row.version,
  created_at: row.created_at.toISOString(),
  updated_at: row.updated_at.toISOString(),
});

const fastest = (a: number | null, b: number | null): number | null =>
  a === null || b === null ? (a ?? b) : Math.min(a, b);

/** An app is as well as the worst of its routes. */
export const appStatus = (states: readonly HealthState[]): HealthState => {
  if (states.includes('unhealthy')) return 'unhealthy';
  return states.includes('healthy') ? 'healthy' : 'unknown';
};

export const appView = (
  app: AppRow,
  routes: readonly (WithStatus<RouteRow> & { latency_ms: number | null })[],
  pinned: boolean,
  settings: GatewaySettings,
  publicUrl: string,
): AppView => ({
  id: app.id,
  slug: app.slug,
  name: app.name,
  icon: app.icon,
  tags: app.tags,
  group: app.group_name,
  description: app.description,
  position: app.position,
  source: app.source as AppView['source'],
  routes: routes.map((route) => ({
    id: route.id,
    slug: route.slug,
    mode: route.mode as AppView['routes'][number]['mode'],
    access: route.access as AppView['routes'][number]['access'],
    status: route.status,
    // A browser opens no port.
    address: route.kind === 'stream' ? null : (addressesOf(route, settings, publicUrl)[0] ?? null),
    listens: route.kind === 'stream' ? (addressesOf(route, settings, publicUrl)[0] ?? null) : null,
    shares_origin: route.mode === 'path',
  })),
  status: appStatus(routes.map(({ status }) => status)),
  latency_ms: routes.reduce<number | null>((best, { latency_ms }) => fastest(best, latency_ms), null),
  pinned,
  version: app.version,
  created_at: app.created_at.toISOString(),
  updated_at: app.updated_at.toISOString(),
});
