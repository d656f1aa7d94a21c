import { newId } from '../../../platform/ids/ids.ts';
import { addressKey } from '../../../platform/limits/rate-limiter.ts';
import type { Resolve } from '../../../platform/net/address-guard.ts';
import type { TargetGuard, TargetRefused } from '../../../platform/net/target-guard.ts';
import type { Balancer } from '../lanes/balancer.ts';
import type { Filters } from '../lanes/filters.ts';
import { ownerOf } from '../lanes/lane-context.ts';
import type { Outcome } from '../lanes/outcome.ts';
import type { RunningSet } from '../lanes/running.ts';
import type { RouteSnapshot, TargetHealth, TargetSnapshot } from '../snapshot.ts';
import type { AccessRecord } from '../traffic/access-book.ts';
import type { StreamMetrics, StreamProtocol } from './stream-metrics.ts';

export type StreamRoute = RouteSnapshot & { stream: NonNullable<RouteSnapshot['stream']> };

export interface StreamParts {
  health: TargetHealth;
  guard: TargetGuard;
  resolve: Resolve;
  balancer: Balancer;
  running: RunningSet;
  filters: Filters;
  access: (line: AccessRecord) => void;
  on_target_refused: (route: RouteSnapshot, refused: TargetRefused) => void;
  on_error: (error: unknown, what: string) => void;
}

export interface StreamContext extends StreamParts {
  metrics: StreamMetrics;
  counts: StreamCounts;
}

/** Why there is no stream: an outcome as of requests, and three that only streams have. */
export type StreamOutcome = Outcome | 'too_many' | 'denied' | 'no_route';

/** What a log line says where HTTP has a status. */
const statusOf: Partial<Record<StreamOutcome, number>> = {
  ok: 200,
  drained: 200,
  client_closed: 499,
  denied: 403,
  no_route: 404,
  too_many: 503,
  unhealthy: 503,
  host_unreachable: 503,
  network_unreachable: 503,
  timeout: 504,
};

/** How many a route has at once, in all and of one address. They outlive changes of the route. */
export class StreamCounts {
  readonly #routes = new Map<string, { all: number; by: Map<string, number> }>();

  /** False when it is one too many; else `leave` has to be called once. */
  enter({ id, stream }: StreamRoute, address: string): boolean {
    const counts = this.#routes.get(id) ?? { all: 0, by: new Map<string, number>() };
    const key = addressKey(address);
    const own = counts.by.get(key) ?? 0;
    if (counts.all >= stream.max_connections || (stream.max_per_address > 0 && own >= stream.max_per_address))
      return false;
    counts.all += 1;
    counts.by.set(key, own + 1);
    this.#routes.set(id, counts);
    return true;
  }

  leave(id: string, address: string): void {
    const counts = this.#routes.get(id);
    if (counts === undefined) return;
    const key = addressKey(address);
    const left = (counts.by.get(key) ?? 1) - 1;
    if (left === 0) counts.by.delete(key);
    else counts.by.set(key, left);
    counts.all -= 1;
    if (counts.all === 0) this.#routes.delete(id);
  }
}

/** Addresses of IPv4 that a socket of IPv6 shows. */
export const plainAddress = (address: string): string => (address.startsWith('::ffff:') ? address.slice(7) : address);

export interface StreamFacts {
  protocol: StreamProtocol;
  port: number;
  /** That TLS asked for; '' when nobody was asked or named. */
  name: string;
  address: string;
  started: number;
}

export const record = (
  { access }: Pick<StreamParts, 'access'>,
  { protocol, port, name, address, started }: StreamFacts,
  end: {
    route: RouteSnapshot | null;
    target: TargetSnapshot | null;
    outcome: StreamOutcome;
    bytes_in: number;
    bytes_out: number;
  },
): void =>
  access({
    id: newId(),
    at: Date.now(),
    owner: end.route === null ? null : ownerOf(end.route),
    principal: null,
    address,
    method: protocol.toUpperCase(),
    host: name,
    path: `:${port}`,
    status: statusOf[end.outcome] ?? 502,
    outcome: end.outcome,
    bytes_in: end.bytes_in,
    bytes_out: end.bytes_out,
    duration_ms: performance.now() - started,
    target: end.target?.url ?? null,
  });
