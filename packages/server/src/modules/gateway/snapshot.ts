import type { RouteFilter, RouteStream } from '@atrium/protocol';

/**
 * What the data plane knows of the world: compiled from the tables, immutable, swapped as a whole. A request ends on the
 * snapshot it began with. Nothing here needs a query to be read.
 */
export interface GatewaySnapshot {
  /** Goes up with every build of this process. */
  generation: number;
  routes: ReadonlyMap<string, RouteSnapshot>;
  /** Routes below the server's own origin, and those of host names; see `matching/route-table.ts`. */
  table: RouteTable;
  /** Ranges of gateway.targets.allow and deny, for the check at each dial; judgeAddress of target-guard.ts makes it. */
  dial?: { allow: readonly string[]; deny: readonly string[] };
}

/** The route that takes a request, or null. Host without port, lower case, without a dot at the end; '' = own origin. */
export interface RouteTable {
  /** True when some route has this host name, whatever the path. */
  knowsHost(host: string): boolean;
  /**
   * The longest base that holds the path. `redirect` = the path lacks the slash of a base that ends in one, and the
   * client is sent to `path + '/'` (308, query kept).
   */
  match(host: string, path: string): { route: RouteSnapshot; base: string; redirect: boolean } | null;
}

export interface TargetSnapshot {
  /** Without a slash at the end. */
  url: string;
  /** `h2c:` is HTTP/2 without TLS, which has to be known beforehand. */
  protocol: 'http:' | 'https:' | 'h2c:' | 'tcp:' | 'udp:';
  hostname: string;
  port: number;
  /** Path before that of the request, '' or beginning with a slash and not ending in one. */
  base_path: string;
  weight: number;
}

export interface RouteSnapshot {
  id: string;
  org_id: string;
  app: { id: string; slug: string; name: string };
  slug: string;
  kind: 'http' | 'redirect' | 'not_found' | 'stream';
  /** For kind stream; its clock of silence is resolved. */
  stream: (RouteStream & { idle_ms: number }) | null;
  redirect_to: string | null;
  targets: readonly TargetSnapshot[];
  strategy: 'round_robin' | 'least_requests' | 'sticky';
  access: 'public' | 'signed_in' | 'scopes' | 'people' | 'share';
  people: { user_ids: ReadonlySet<string>; team_ids: ReadonlySet<string>; role_ids: ReadonlySet<string> };
  scopes: readonly string[];
  trusted: boolean;
  websockets: boolean;
  strip_prefix: boolean;
  rewrite: boolean;
  exclude_paths: readonly string[];
  rewrite_cookie_paths: boolean;
  strip_response_cookies: boolean;
  persist_cookies: boolean;
  health: {
    skip: boolean;
    path: string;
    interval_ms: number;
    timeout_ms: number;
    unhealthy_after: number;
    healthy_codes: readonly number[];
  };
  /** Resolved: the route's own value or the setting's; 0 = none. */
  timeouts: {
    connect: number;
    connect_websocket: number;
    head: number;
    body_idle: number;
    client_send_idle: number;
    client_take_idle: number;
  };
  max_body: number;
  buffering: boolean;
  compress: boolean;
  cache: boolean;
  cache_stale_if_error_s: number;
  preserve_host: boolean;
  /** Opened from its seal when the snapshot was built; never logged. `header` replaces Authorization. */
  upstream_auth: { kind: 'strip' } | { kind: 'pass' } | { kind: 'header'; value: string };
  upstream_tls: { verify: boolean; ca: string | null; server_name: string | null };
  filters: readonly RouteFilter[];
  /** Who gets copies of requests, as the filters say. */
  mirrors: readonly { target: TargetSnapshot; percent: number; max_body: number }[];
  /** Addresses that operators allowed beyond public ones: all targets were checked when they were saved, and are again at each dial. */
  allow_private: boolean;
  /** Its target is an app of that peer, reached through the link; absent for every other route. */
  peer_id?: string;
}

/** Where a target stands now, of this process: the active checks of all replicas and what its own requests saw. */
export interface TargetHealth {
  /** `unknown` receives traffic. */
  status(routeId: string, targetUrl: string): 'healthy' | 'unhealthy' | 'unknown';
  /** A connection could not be made, or broke before the head of the answer: three in 30 s put the target out for 10 s. */
  failed(routeId: string, targetUrl: string, outcome: string): void;
  succeeded(routeId: string, targetUrl: string): void;
}

/** What the control plane gives the lanes. */
export interface SnapshotSource {
  current(): GatewaySnapshot;
  /** Called after each swap, with the ids of routes that are gone or whose access changed. */
  onSwap(listener: (gone: ReadonlySet<string>) => void): void;
}
