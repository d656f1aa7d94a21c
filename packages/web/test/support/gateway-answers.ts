import {
  type AppView,
  accessLog,
  appsContainers,
  appsCreate,
  appsDelete,
  appsHealth,
  appsList,
  appsPin,
  configVersionsDiff,
  configVersionsList,
  configVersionsRollback,
  discoveryRescan,
  discoveryRestore,
  discoveryStatus,
  gatewayDryRun,
  gatewayExport,
  gatewayHours,
  gatewayInfo,
  gatewayStats,
  type InputOf,
  type Operation,
  type OutputOf,
  type Proposal,
  proposalsApprove,
  proposalsDismiss,
  proposalsList,
  type RouteView,
  routeDefaults,
  routesDelete,
  routesDrain,
  routesGet,
  routesList,
  routesPurgeCache,
  routesTest,
  routesUpdate,
  sharesCreate,
  sharesList,
  sharesRevoke,
  toRequest,
} from '@atrium/protocol';
import { adminAnswers, ago } from './admin-answers.ts';
import { type Answers, me, problem } from './recorded-api.ts';

/* Apps, routes, found services and traffic as a server answers them. Each answer is kept beside its operation, so that a
   test holds them against the contract. */

const id = (kind: number, index: number): string =>
  `01980000-${(0xa0 + kind).toString(16)}00-7000-8000-${index.toString(16).padStart(12, '0')}`;
const page = <T>(items: T[]) => ({ items, next_cursor: null });
const mara = { type: 'user' as const, id: me.user.id, name: me.user.name };
const scribe = { type: 'agent' as const, id: id(9, 0), name: 'Release agent' };
const system = { type: 'system' as const, id: null, name: 'system' };

/** Every answer with the operation that gives it. */
export const gatewayRecords: { operation: Operation; input: unknown; body: unknown }[] = [];

const answer = <O extends Operation>(operation: O, input: InputOf<O>, body: OutputOf<O>): Answers => {
  gatewayRecords.push({ operation, input, body });
  const { pathname } = new URL(toRequest(operation, input as Record<string, unknown>).path, 'http://localhost');
  return { [`${operation.method} ${pathname}`]: { status: operation.status, body } };
};

const all = (answers: readonly Answers[]): Answers => Object.assign({}, ...answers);

/* ---------- apps and routes ---------- */

const routeOf = (index: number, change: Partial<RouteView> = {}): RouteView => {
  const slug = change.slug ?? `app-${index}`;
  return {
    ...structuredClone(routeDefaults),
    hosts: [],
    exclude_paths: [],
    filters: [],
    people: { user_ids: [], team_ids: [], role_ids: [] },
    id: id(1, index),
    app_id: id(0, index),
    app_slug: slug,
    app_name: slug,
    slug,
    mode: 'path',
    path_base: `/apps/${slug}/`,
    targets: [{ url: `http://192.168.1.${20 + (index % 200)}:8080`, weight: 1 }],
    scopes: [],
    rewrite: true,
    health: {
      skip: false,
      path: '/',
      interval_ms: 10_000,
      timeout_ms: 5000,
      unhealthy_after: 2,
      healthy_codes: [],
    },
    source: 'ui',
    locked: null,
    status: 'healthy',
    addresses: [`https://atrium.northwind.example/apps/${slug}/`],
    warnings: [],
    version: 3,
    created_at: ago(60 * 24 * 40),
    updated_at: ago(60 * 7 + index * 500),
    ...change,
  };
};

export const notesRoute = routeOf(0, {
  slug: 'notes',
  app_name: 'Notes',
  targets: [
    { url: 'http://192.168.1.20:8080', weight: 1 },
    { url: 'https://notes-2.lan:8443', weight: 2 },
  ],
  upstream_tls: { verify: false, ca: null, server_name: null },
  warnings: ['The certificate of https://notes-2.lan:8443 is not verified.'],
  filters: [
    { kind: 'ip_allow', cidrs: ['192.168.1.0/24', '2001:db8::/32'] },
    { kind: 'rate', requests: 600, window_s: 60, by: 'address' },
    { kind: 'headers', request: { 'X-Team': 'release', 'X-Debug': null }, response: { Server: null } },
    { kind: 'basic_auth', users: [{ name: 'printer', password_set: true }] },
    { kind: 'circuit', min_requests: 20, error_percent: 50, window_s: 30, open_s: 30 },
    { kind: 'mirror', url: 'http://192.168.1.29:8080', percent: 10, max_body: 65_536 },
    { kind: 'geoblock', mode: 'allow', countries: ['DE', 'FR', 'NZ'], unknown: 'allow' },
  ],
  timeouts: { head: 300_000 },
  compress: true,
  cache: true,
  cache_stale_if_error_s: 3600,
});
export const lockedRoute = routeOf(3, {
  slug: 'grafana',
  app_name: 'Grafana',
  source: 'label',
  locked: 'labels of the container monitoring-grafana-1',
  access: 'people',
  people: { user_ids: [mara.id], team_ids: [], role_ids: [] },
  mode: 'both',
  hosts: ['grafana.home.example'],
  addresses: ['https://grafana.home.example/', 'https://atrium.northwind.example/apps/grafana/'],
  status: 'unknown',
});
export const streamRoute = routeOf(7, {
  slug: 'vault-database',
  app_name: 'Vault database',
  kind: 'stream',
  stream: {
    protocol: 'tcp',
    port: 5432,
    names: ['vault.northwind.example', 'db.northwind.example'],
    proxy_protocol: true,
    max_connections: 200,
    max_per_address: 20,
    idle_ms: 7_200_000,
  },
  mode: 'host',
  path_base: null,
  access: 'public',
  rewrite: false,
  targets: [
    { url: 'tcp://192.168.1.30:5432', weight: 3 },
    { url: 'tcp://192.168.1.31:5432', weight: 1 },
  ],
  filters: [{ kind: 'ip_allow', cidrs: ['192.168.1.0/24'] }],
  addresses: ['tcp://vault.northwind.example:5432', 'tcp://db.northwind.example:5432'],
  warnings: ['TCP port 5432 is taken by another program of this machine.'],
  status: 'unknown',
});
const longName = 'Dokumentenverwaltung der Buchhaltung und des gesamten Einkaufs, Außenstelle Süd';
const routes: RouteView[] = [
  notesRoute,
  routeOf(1, {
    slug: 'media',
    app_name: 'Home media',
    mode: 'host',
    hosts: ['media.home.example'],
    path_base: null,
    rewrite: false,
    addresses: ['https://media.home.example/'],
  }),
  routeOf(2, { slug: 'photos', app_name: 'Photos', status: 'unhealthy', access: 'public' }),
  lockedRoute,
  routeOf(4, {
    slug: 'dms',
    app_name: longName,
    source: 'file',
    locked: 'gateway.d/office.yaml',
    access: 'scopes',
    scopes: ['access:dms'],
  }),
  routeOf(5, { slug: 'dafatir', app_name: 'دفاتر الملاحظات', access: 'share' }),
  routeOf(6, {
    slug: 'old-wiki',
    app_name: 'Old wiki',
    kind: 'redirect',
    targets: [],
    redirect_to: 'https://wiki.example.org/',
    status: 'unknown',
  }),
  streamRoute,
];
export const manyRoutes = (count: number): RouteView[] =>
  Array.from({ length: count }, (_, index) =>
    index < routes.length ? routes[index]! : routeOf(index, { slug: `service-${index}`, app_name: `Service ${index}` }),
  );

const looks: Record<string, Partial<AppView>> = {
  notes: {
    icon: 'notebook',
    group: 'Office',
    description: 'What the team writes down',
    tags: ['writing'],
    pinned: true,
  },
  media: { icon: '🎬', group: 'Home', description: 'Films, series and music', tags: ['film', 'music'] },
  photos: { icon: 'image', group: 'Home', description: 'Every picture since 2004', tags: ['pictures'] },
  grafana: { icon: 'chart', group: 'Operations', description: 'Dashboards', tags: ['metrics'], pinned: true },
  dms: { group: 'Office', description: 'Rechnungen, Verträge und alles, was sonst noch aufbewahrt werden muss' },
  dafatir: { group: 'Office', description: 'ملاحظات مشتركة للفريق' },
};
const appOf = (route: RouteView, index: number): AppView => ({
  id: route.app_id,
  slug: route.app_slug,
  name: route.app_name,
  icon: '📦',
  tags: [],
  group: null,
  description: '',
  position: index,
  source: route.source,
  routes: [
    {
      id: route.id,
      slug: route.slug,
      mode: route.mode,
      access: route.access,
      status: route.status,
      address: route.kind === 'stream' ? null : (route.addresses[0] ?? null),
      listens: route.kind === 'stream' ? (route.addresses[0] ?? null) : null,
      shares_origin: route.mode === 'path',
    },
  ],
  status: route.status,
  latency_ms: route.status === 'healthy' ? [3.4, 18, 212][index % 3]! : null,
  pinned: false,
  version: 1,
  created_at: route.created_at,
  updated_at: route.updated_at,
  ...looks[route.app_slug],
});
export const appsOf = (list: readonly RouteView[]): AppView[] => list.map(appOf);
// A port is nothing that people open in a browser.
export const apps = appsOf(routes.filter(({ kind }) => kind !== 'stream'));

const health: OutputOf<typeof appsHealth> = {
  status: 'healthy',
  targets: [
    {
      route_id: notesRoute.id,
      url: 'http://192.168.1.20:8080',
      status: 'healthy',
      consecutive_failures: 0,
      consecutive_successes: 4102,
      last_error: null,
      latency_ms: 3.4,
      checked_at: ago(0),
      changed_at: ago(60 * 24 * 3),
    },
    {
      route_id: notesRoute.id,
      url: 'https://notes-2.lan:8443',
      status: 'unhealthy',
      consecutive_failures: 17,
      consecutive_successes: 0,
      last_error: 'connection refused by 192.168.1.61:8443',
      latency_ms: null,
      checked_at: ago(0),
      changed_at: ago(3),
    },
  ],
};

const shareOf = (index: number, change: Partial<OutputOf<typeof sharesList>['items'][number]> = {}) => ({
  id: id(2, index),
  route_id: notesRoute.id,
  name: 'The architect of the new kitchen',
  kind: 'pin' as const,
  uses: 2,
  max_uses: 10,
  expires_at: ago(-60 * 24 * 5),
  created_by: mara,
  created_at: ago(60 * 24),
  revoked_at: null,
  ...change,
});
const shares = [
  shareOf(0),
  shareOf(1, { name: '', kind: 'link', uses: 0, max_uses: null, created_by: scribe }),
  shareOf(2, { name: 'Guests of last week', kind: 'passcode', uses: 31, max_uses: null, expires_at: ago(60 * 24) }),
];
export const shareSecret = '481 522'.replace(' ', '');
export const shareUrl =
  'https://atrium.northwind.example/apps/notes/?share=7Qw2nK1vB9zXcD4fGhJkLmN6pRsTuVwXyZaBcDeFgHi';

const trial: OutputOf<typeof routesTest> = {
  route: { id: notesRoute.id, slug: 'notes' },
  verdict: 'allow',
  reason: 'Members of the organisation may open it, and Mara Lindqvist is one.',
  required_scopes: [],
  target: 'http://192.168.1.20:8080/board?view=week',
  request_headers: [
    ['host', 'atrium.northwind.example'],
    ['x-forwarded-for', '192.168.1.4'],
    ['x-forwarded-proto', 'https'],
    ['x-forwarded-prefix', '/apps/notes'],
    ['x-atrium-user', 'mara@northwind.example'],
    ['x-atrium-assertion', '••••••'],
  ],
};

/* ---------- versions ---------- */

type Version = OutputOf<typeof configVersionsList>['items'][number];
const versionOf = (number: number, change: Partial<Version> = {}): Version => ({
  number,
  digest: number.toString(16).padStart(64, 'a'),
  source: 'api',
  result: 'applied',
  problems: [],
  waiting_for_restart: [],
  actor: mara,
  at: ago((43 - number) * 300),
  ...change,
});
const versions: Version[] = [
  versionOf(42),
  versionOf(41, {
    source: 'file',
    result: 'rejected',
    actor: system,
    problems: ['routes.media.targets.0: must be an http or https URL', 'apps.media.tags: at most 20'],
  }),
  versionOf(40, { source: 'rollback' }),
  versionOf(39, { actor: scribe, waiting_for_restart: ['tls.mode'] }),
  ...Array.from({ length: 18 }, (_, index) => versionOf(38 - index)),
];
const diff: OutputOf<typeof configVersionsDiff> = {
  changes: [
    {
      path: 'routes.notes.targets',
      before: [{ url: 'http://192.168.1.20:8080', weight: 1 }],
      after: notesRoute.targets,
    },
    { path: 'routes.notes.access', before: 'public', after: 'signed_in' },
    { path: 'routes.old-wiki', before: null, after: { kind: 'redirect', redirect_to: 'https://wiki.example.org/' } },
    { path: 'apps.photos.description', before: 'Pictures', after: 'Every picture since 2004' },
  ],
};

/* ---------- found services ---------- */

export const proposalOf = (index: number, change: Partial<Proposal> = {}): Proposal => ({
  id: id(3, index),
  source: 'docker',
  fingerprint: `docker:compose:home/service-${index}`,
  state: 'pending',
  name: `service-${index}`,
  detected: { scheme: 'http', host: '172.18.0.9', port: 8080 },
  available_ports: [8080],
  confidence: 0.6,
  reasons: [{ reason: 'Answers HTTP on 8080', adds: 0.1 }],
  suggested_app: {
    slug: `service-${index}`,
    name: `Service ${index}`,
    icon: '📦',
    tags: [],
    group: null,
    description: '',
  },
  suggested_route: { access: 'signed_in' },
  security_notes: [],
  explicit: false,
  gone: false,
  first_seen_at: ago(90),
  last_seen_at: ago(1),
  decided_by: null,
  decided_at: null,
  app_slug: null,
  ...change,
});
export const jellyfin = proposalOf(0, {
  name: 'home-jellyfin-1',
  fingerprint: 'docker:compose:home/jellyfin',
  detected: { scheme: 'http', host: '172.18.0.4', port: 8096 },
  available_ports: [8096, 8920],
  confidence: 0.95,
  explicit: true,
  reasons: [
    { reason: 'Its label says atrium.enable=true', adds: 0.45 },
    { reason: 'Every service that answers', adds: 0.5 },
  ],
  suggested_app: {
    slug: 'jellyfin',
    name: 'Jellyfin',
    icon: 'film',
    tags: ['media'],
    group: 'Home',
    description: 'Media server',
  },
  security_notes: [
    { severity: 'critical', note: 'Port 8096 is published on every interface of this machine' },
    { severity: 'info', note: 'Has a sign-in of its own' },
  ],
});
const proposals: Proposal[] = [
  jellyfin,
  proposalOf(1, {
    name: 'monitoring-grafana-1',
    confidence: 0.8,
    reasons: [{ reason: 'Known image grafana/grafana', adds: 0.2 }],
    suggested_app: { slug: 'grafana', name: 'Grafana', icon: 'chart', tags: [], group: null, description: '' },
    detected: { scheme: 'http', host: '172.18.0.6', port: 3000 },
  }),
  proposalOf(2, {
    source: 'mdns',
    name: 'Brother MFC-L2750DW series [3c2af4d5e6f7] in the hallway of the second floor',
    suggested_app: {
      slug: 'printer',
      name: 'Brother MFC-L2750DW series [3c2af4d5e6f7] in the hallway of the second floor',
      icon: 'printer',
      tags: [],
      group: null,
      description: '',
    },
    confidence: 0.7,
    detected: { scheme: 'https', host: 'BRW3C2AF4D5E6F7.local', port: 443 },
    security_notes: [{ severity: 'warning', note: 'Its certificate is signed by nobody' }],
    gone: true,
  }),
  proposalOf(3),
  proposalOf(4, {
    source: 'kubernetes',
    confidence: 0.9,
    suggested_app: { slug: 'shop', name: 'متجر', icon: 'shop', tags: [], group: null, description: '' },
  }),
].toSorted((a, b) => b.confidence - a.confidence);

const status: OutputOf<typeof discoveryStatus> = {
  enabled: true,
  providers: [
    {
      name: 'docker',
      kind: 'docker',
      state: 'running',
      endpoint: 'unix:///var/run/docker.sock',
      last_event_at: ago(1),
      last_error: null,
      failures: 0,
      next_attempt_at: null,
      missing_rights: ['NETWORKS'],
      hint: 'Give the socket proxy these rights: NETWORKS=1',
    },
    {
      name: 'kubernetes',
      kind: 'kubernetes',
      state: 'retrying',
      endpoint: 'https://10.0.0.1:6443',
      last_event_at: null,
      last_error: 'connect ECONNREFUSED 10.0.0.1:6443',
      failures: 9,
      next_attempt_at: ago(-1),
      missing_rights: [],
      hint: null,
    },
    {
      name: 'mdns',
      kind: 'mdns',
      state: 'running',
      endpoint: null,
      last_event_at: ago(14),
      last_error: null,
      failures: 0,
      next_attempt_at: null,
      missing_rights: [],
      hint: null,
    },
  ],
};
const blind: OutputOf<typeof discoveryStatus> = {
  enabled: true,
  providers: [
    {
      name: 'docker',
      kind: 'docker',
      state: 'off',
      endpoint: null,
      last_event_at: null,
      last_error: null,
      failures: 0,
      next_attempt_at: null,
      missing_rights: [],
      hint: null,
    },
  ],
};

/* ---------- traffic ---------- */

type Line = OutputOf<typeof accessLog>['items'][number];
const paths = [
  '/board',
  '/api/cards/7f3a1c',
  '/assets/index-C8mOEfXd.js',
  '/',
  '/socket',
  '/photos/2024/07/IMG_2041.jpeg',
];
const statuses = [200, 200, 304, 200, 101, 200, 404, 502, 200, 499];
export const lineOf = (index: number, change: Partial<Line> = {}): Line => {
  const route = routes[index % 4]!;
  const code = statuses[index % statuses.length]!;
  return {
    id: `req_${(0x7f3a00 + index).toString(16)}`,
    at: new Date(Date.now() - index * 7300).toISOString(),
    app: route.app_slug,
    route_id: route.id,
    principal: index % 5 === 4 ? null : index % 3 === 1 ? scribe : mara,
    address: `192.168.1.${4 + (index % 9)}`,
    method: index % 6 === 1 ? 'PATCH' : 'GET',
    host: 'atrium.northwind.example',
    path: paths[index % paths.length]!,
    status: code,
    outcome: code === 502 ? 'refused' : code === 499 ? 'client_closed' : 'ok',
    bytes_in: 412,
    bytes_out: [812, 48_211, 1_204_118, 0][index % 4]!,
    duration_ms: [2.1, 18.4, 141, 4210][index % 4]!,
    target: route.targets[0]?.url ?? null,
    ...change,
  };
};

type Stats = OutputOf<typeof gatewayStats>;
const dayOf = (back: number): string => new Date(Date.now() - back * 86_400_000).toISOString().slice(0, 10);
const stats: Stats = {
  apps: 7,
  routes: 7,
  targets: { healthy: 5, unhealthy: 1, unknown: 1 },
  proposals_pending: 5,
  days: Array.from({ length: 7 }, (_, back) =>
    ['notes', 'media', 'photos', 'grafana', 'dms', 'dafatir'].flatMap((app, at) =>
      [mara, scribe, null].slice(0, 1 + (at % 3)).map((principal, who) => ({
        day: dayOf(back),
        app,
        principal,
        requests: Math.round((2400 / (at + 1)) * (1 + Math.sin(back * 1.7 + at)) + 40 * (who + 1)),
        errors: app === 'photos' && back < 2 ? 180 - back * 60 : 0,
        bytes_in: 120_000 * (at + 1),
        bytes_out: 48_000_000 * (7 - at),
        mean_ms: 12 + at * 31,
      })),
    ),
  ).flat(),
};

const hourAt = (back: number): string =>
  new Date(Math.floor(Date.parse(ago(0)) / 3_600_000) * 3_600_000 - back * 3_600_000).toISOString();
const hourly: OutputOf<typeof gatewayHours> = {
  hours: Array.from({ length: 24 }, (_, index) => hourAt(23 - index)),
  items: Array.from({ length: 24 }, (_, back) =>
    ['notes', 'media', 'photos'].map((app, at) => ({
      hour: hourAt(back),
      app,
      requests: Math.round((160 / (at + 1)) * (1.1 + Math.sin(back / 3 + at))),
      errors: app === 'photos' && back < 3 ? 9 : 0,
      bytes_in: 4000,
      bytes_out: 2_000_000 * (3 - at),
      mean_ms: 12 + at * 31,
    })),
  ).flat(),
};

const routeRoot = { id: notesRoute.id };

/** What the gateway alone answers. */
export const gatewayOwn: Answers = {
  ...answer(appsList, {}, page(apps)),
  ...answer(appsHealth, { slug: 'notes' }, health),
  ...answer(appsHealth, { slug: 'grafana' }, { status: 'unknown', targets: [] }),
  ...answer(appsHealth, { slug: 'vault-database' }, { status: 'unknown', targets: [] }),
  ...answer(appsPin, { slug: 'media', pinned: true }, { pinned: true }),
  ...answer(appsCreate, { slug: 'home-media' }, apps[0]!),
  ...answer(appsDelete, { slug: 'notes' }, null),
  ...answer(routesList, {}, page(routes)),
  ...answer(routesGet, routeRoot, notesRoute),
  ...answer(routesGet, { id: lockedRoute.id }, lockedRoute),
  ...answer(routesGet, { id: streamRoute.id }, streamRoute),
  ...answer(routesUpdate, routeRoot, { ...notesRoute, version: 4 }),
  ...answer(routesDelete, routeRoot, null),
  ...answer(routesDrain, routeRoot, { running: 3 }),
  ...answer(routesPurgeCache, routeRoot, { removed: 41 }),
  ...answer(routesTest, { url: 'https://atrium.northwind.example/apps/notes/' }, trial),
  ...answer(sharesList, routeRoot, page(shares)),
  ...answer(sharesList, { id: lockedRoute.id }, page([])),
  ...answer(
    sharesCreate,
    { ...routeRoot, expires_in: 86_400 },
    { ...shareOf(4, { uses: 0 }), url: shareUrl, secret: shareSecret },
  ),
  ...answer(sharesRevoke, { ...routeRoot, share_id: shares[0]!.id }, null),
  ...answer(configVersionsList, {}, page(versions)),
  ...all(versions.map((version) => answer(configVersionsDiff, { number: version.number }, diff))),
  ...answer(configVersionsRollback, { number: 39 }, versionOf(43, { source: 'rollback' })),
  ...answer(
    gatewayDryRun,
    { document: 'routes: {}' },
    { valid: true, problems: [], changes: diff.changes.slice(0, 2) },
  ),
  ...answer(gatewayExport, {}, { document: 'apps:\n  notes:\n    name: Notes\n' }),
  ...answer(
    gatewayInfo,
    {},
    {
      base_domain: 'home.example',
      default_mode: 'path',
      own_hosts: ['atrium.northwind.example'],
      config_file: '/data/atrium.yaml',
      waiting_for_restart: ['tls.mode'],
    },
  ),
  ...answer(proposalsList, {}, page(proposals)),
  ...all(
    proposals.map((proposal) => ({
      ...answer(
        proposalsApprove,
        { id: proposal.id },
        { proposal: { ...proposal, state: 'approved', app_slug: proposal.suggested_app.slug }, app: apps[1]! },
      ),
      ...answer(
        proposalsDismiss,
        { id: proposal.id },
        { ...proposal, state: 'dismissed', decided_by: mara, decided_at: ago(0) },
      ),
      ...answer(discoveryRestore, { id: proposal.id }, proposal),
    })),
  ),
  ...answer(discoveryStatus, {}, status),
  ...answer(discoveryRescan, {}, { providers: ['docker', 'mdns'], restored: 0 }),
  ...answer(gatewayStats, {}, stats),
  ...answer(gatewayHours, {}, hourly),
  ...answer(accessLog, {}, page(Array.from({ length: 60 }, (_, index) => lineOf(index)))),
  ...answer(
    appsContainers,
    {},
    page(
      apps.slice(0, 3).map(({ slug, routes: [route] }, index) => ({
        ...{ app_slug: slug, route_id: route?.id ?? id(9, index) },
        container: {
          ...{ id: `c0ffee${index}`, name: slug, image: `example/${slug}:1`, health: null, started_at: null },
          ...{ state: index === 2 ? ('stopped' as const) : ('running' as const), controllable: true },
        },
        stats:
          index === 2
            ? null
            : {
                ...{ id: `c0ffee${index}`, at: ago(0), cpu_percent: 2.4 + index * 9, memory_bytes: 212_000_000 },
                ...{ memory_limit_bytes: null, received_bytes: 0, sent_bytes: 0, read_bytes: 0, written_bytes: 0 },
                processes: 12,
              },
      })),
    ),
  ),
  'GET /api/v1/gateway/access-log/stream': { body: null, events: [] },
};

export const gatewayAnswers: Answers = { ...adminAnswers, ...gatewayOwn };

/** A server on which nothing leads anywhere yet. */
export const noGateway: Answers = {
  ...gatewayAnswers,
  ...answer(appsList, {}, page<AppView>([])),
  ...answer(routesList, {}, page<RouteView>([])),
  ...answer(proposalsList, {}, page<Proposal>([])),
  ...answer(discoveryStatus, {}, blind),
  ...answer(configVersionsList, {}, page<Version>([])),
  ...answer(
    gatewayStats,
    {},
    { ...stats, apps: 0, routes: 0, targets: { healthy: 0, unhealthy: 0, unknown: 0 }, days: [] },
  ),
  ...answer(accessLog, {}, page<Line>([])),
};

/** More than a screen holds. */
export const manyGateway: Answers = {
  ...gatewayAnswers,
  ...answer(appsList, {}, page(appsOf(manyRoutes(200)))),
  ...answer(routesList, {}, page(manyRoutes(200))),
  ...answer(proposalsList, {}, page(Array.from({ length: 100 }, (_, index) => proposalOf(index + 10)))),
};

export const onlyOne: Answers = { ...gatewayAnswers, ...answer(appsList, {}, page(apps.slice(1, 2))) };

export const gatewayFails = problem(500, 'internal_error', 'Failed', 'Something failed here.');
export const takenAddress = problem(
  409,
  'gateway_route_conflict',
  'Address taken',
  'Another route has this host and path.',
);
export const staleRoute = problem(412, 'gateway_route_stale', 'Changed meanwhile', 'The route has version 4 now.', {
  version: 4,
});
/** The same route as somebody else left it. */
export const routeSince: RouteView = {
  ...notesRoute,
  version: 4,
  access: 'public',
  strategy: 'sticky',
  updated_at: ago(0),
};
