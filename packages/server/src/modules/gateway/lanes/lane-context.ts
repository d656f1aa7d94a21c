import type { Arrival } from '../../../platform/http/front-door.ts';
import type { PassedRequest } from '../../../platform/http/passing.ts';
import type { Resolve } from '../../../platform/net/address-guard.ts';
import type { TargetGuard, TargetRefused } from '../../../platform/net/target-guard.ts';
import type { Gate, GateRequest, Visitor } from '../gate.ts';
import { pathBelow, type RequestPath } from '../matching/request-path.ts';
import type { RouteSnapshot, SnapshotSource, TargetHealth, TargetSnapshot } from '../snapshot.ts';
import type { AccessRecord, LineOwner } from '../traffic/access-book.ts';
import type { ProxyMetrics } from '../traffic/proxy-metrics.ts';
import type { AnswerRewriter, RewriteFacts } from './answer-rewriter.ts';
import type { Balancer } from './balancer.ts';
import type { AnswerCache } from './cache/answer-cache.ts';
import type { Circuits } from './circuits.ts';
import type { FilterParts, Filters } from './filters.ts';
import type { Mirrors } from './mirror.ts';
import type { RunningSet } from './running.ts';
import type { SpoolRoom } from './spool.ts';
import type { DialPeer, TargetLinks } from './target-links.ts';

/** What a lane is made of. */
export interface LaneParts extends FilterParts {
  source: SnapshotSource;
  gate: Gate;
  health: TargetHealth;
  rewriter: AnswerRewriter | null;
  guard: TargetGuard;
  resolve: Resolve;
  /** Absent where no server is linked with others. */
  dial_peer?: DialPeer;
  /** Signs the cookies that keep clients at a target. */
  sticky_key: Buffer;
  /** Tells this server from others, in Via. */
  server_id: string;
  public_url: () => string;
  access: (line: AccessRecord) => void;
  metrics: ProxyMetrics;
  /** The guard refused to dial a target that was saved: somebody changed where its name leads. */
  on_target_refused: (route: RouteSnapshot, refused: TargetRefused) => void;
  on_error: (error: unknown, fields: Record<string, unknown>) => void;
  /** Room for bodies of routes that buffer. */
  spools: SpoolRoom;
  /** Answers that are kept. */
  cache: AnswerCache;
  /** What else runs and ends with the lane is in it as well. */
  running?: RunningSet;
  /** Told once the lane takes nothing new. */
  on_drain?: () => void;
  /** How often clocks of silence are looked at. */
  sweep_ms?: number;
  /** Requests and tunnels at once. */
  most_running?: number;
  /** What a removed route's requests may still take. */
  drain_ms?: number;
}

export interface LaneContext extends Omit<LaneParts, 'running'> {
  balancer: Balancer;
  links: TargetLinks;
  running: RunningSet;
  filters: Filters;
  via: string;
  circuits: Circuits;
  mirrors: Mirrors;
}

/** A request that some route takes. */
export interface Matched<Request extends PassedRequest = PassedRequest> {
  request: Request;
  arrival: Arrival;
  request_id: string;
  route: RouteSnapshot;
  base: string;
  redirect: boolean;
  read: RequestPath;
}

/** Where in the client's path a route lives, as the client must write it: '' or without a slash at the end. */
export const mountOf = (base: string): string => (base.endsWith('/') ? base.slice(0, -1) : base);

/** What is taken from the path before it is sent. */
export const prefixOf = ({ route, base }: Matched): string => (route.strip_prefix ? mountOf(base) : '');

export const sentPath = (matched: Matched): string =>
  matched.route.strip_prefix && matched.base !== '/' ? pathBelow(matched.read.path, matched.base) : matched.read.path;

export const gateRequestOf = ({ request, arrival, request_id }: Matched, upgrade: boolean): GateRequest => ({
  method: request.method ?? 'GET',
  url: request.url ?? '/',
  headers: request.headers,
  raw_headers: request.rawHeaders,
  fields: request.fields,
  host: arrival.host,
  scheme: arrival.scheme,
  address: arrival.address,
  upgrade,
  request_id,
});

export const rewriteFacts = (matched: Matched, target: TargetSnapshot, visitor: Visitor): RewriteFacts => ({
  route: matched.route,
  target,
  base: matched.base,
  prefix: prefixOf(matched),
  shared_origin: matched.arrival.host === '',
  method: matched.request.method ?? 'GET',
  path: pathBelow(matched.read.path, matched.base),
  query: matched.read.query,
  authority: matched.arrival.authority,
  scheme: matched.arrival.scheme,
  principal_id: visitor.caller?.id ?? null,
  request_id: matched.request_id,
});

const owners = new WeakMap<RouteSnapshot, LineOwner>();

/** Whose line of the access log it is. */
export const ownerOf = (route: RouteSnapshot): LineOwner => {
  const known = owners.get(route);
  if (known !== undefined) return known;
  const owner = { org_id: route.org_id, app_id: route.app.id, app: route.app.slug, route_id: route.id };
  owners.set(route, owner);
  return owner;
};
