import { verify } from '@node-rs/argon2';
import type { Registry } from 'prom-client';
import type { Clock } from '../../platform/clock/clock.ts';
import type { Database } from '../../platform/db/database.ts';
import { newId } from '../../platform/ids/ids.ts';
import type { Module, StoredEvent } from '../../platform/module.ts';
import type { Resolve } from '../../platform/net/address-guard.ts';
import { createTargetGuard, type TargetRefused } from '../../platform/net/target-guard.ts';
import { internalCall } from '../../platform/operations/call.ts';
import { systemCaller } from '../../platform/operations/caller.ts';
import type { Gate } from './gate.ts';
import { gatewayEvents } from './gateway-events.ts';
import type { Lanes } from './gateway-parts.ts';
import type { GatewaySettings } from './gateway-settings.ts';
import { Balancer } from './lanes/balancer.ts';
import { AnswerCache } from './lanes/cache/answer-cache.ts';
import { Countries } from './lanes/countries.ts';
import { type FilterParts, Filters } from './lanes/filters.ts';
import { createLane } from './lanes/lane.ts';
import { RunningSet } from './lanes/running.ts';
import { SpoolRoom } from './lanes/spool.ts';
import type { DialPeer } from './lanes/target-links.ts';
import { createAnswerRewriter } from './rewriting/answer-rewriter.ts';
import type { CookieJars } from './rewriting/cookie-jar.ts';
import type { RouteSnapshot, SnapshotSource, TargetHealth } from './snapshot.ts';
import { StreamPorts } from './streams/stream-ports.ts';
import { AccessBook, type AccessRecord } from './traffic/access-book.ts';
import { AccessFile } from './traffic/access-file.ts';
import { ProxyMetrics } from './traffic/proxy-metrics.ts';

export interface LanesParts {
  database: Database;
  clock: Clock;
  source: SnapshotSource;
  gate: Gate;
  health: TargetHealth;
  jars: CookieJars;
  settings: () => GatewaySettings;
  own_ports: () => readonly number[];
  resolve: Resolve;
  dial_peer?: DialPeer;
  /** Keys of this server alone, the same in all its processes. */
  keys: { sticky: Buffer; server: Buffer };
  public_url: () => string;
  hit: FilterParts['hit'];
  registry: Registry;
  /** Where the log of requests is written; null writes none. */
  access_file: { path: string; files: number } | null;
  /** Where ports of streams are opened; null = another process does. */
  streams_host: string | null;
  /** Directories of this process and how much may be in them. */
  cache: { directory: string; memory: number; disk: number };
  buffers: { directory: string; disk: number };
  /** Of the database of countries, if there is one. */
  geoip_file: () => string | null;
  onError: (error: unknown, what: string) => void;
}

/** The part of the gateway through which requests pass. */
export interface LanesPart extends Module, Lanes {
  book: AccessBook;
  /** Once the server listens. */
  start: () => Promise<void>;
  /** Other settings count from now on. */
  settingsChanged: () => Promise<void>;
  close: () => Promise<void>;
}

export const createLanesPart = (parts: LanesParts): LanesPart => {
  const { source, gate, health, settings, onError, database } = parts;
  const book = new AccessBook();
  const file =
    parts.access_file === null
      ? null
      : new AccessFile({ ...parts.access_file, on_error: (error) => onError(error, 'writing the access log') });
  const countries = new Countries(parts.geoip_file, onError);
  const filterParts: FilterParts = {
    hit: parts.hit,
    country: (address) => countries.of(address),
    verify_password: (hashed, password) =>
      hashed === '' ? Promise.resolve(false) : verify(hashed, password.normalize('NFKC')),
  };
  const guard = createTargetGuard({
    allow: () => settings().targets.allow.map(({ cidr }) => cidr),
    deny: () => settings().targets.deny.map(({ cidr }) => cidr),
    own_ports: () => [...parts.own_ports(), ...streams.tcpPorts()],
  });
  const access = (line: AccessRecord): void => {
    book.record(line);
    file?.write(line);
  };
  const targetRefused = (route: RouteSnapshot, refused: TargetRefused): void => {
    const call = internalCall(systemCaller({ id: route.org_id }), newId());
    const details = { slug: route.slug, target: refused.target, reason: refused.message };
    database
      .transaction(call, async (tx) =>
        tx.audit({ action: 'gateway.target_refused', target_type: 'route', target_id: route.id, details }),
      )
      .catch((error: unknown) => onError(error, 'a refused target could not be written to the audit trail'));
  };
  const running = new RunningSet(500);
  const cache = new AnswerCache(parts.cache);
  const streams = new StreamPorts(
    source,
    parts.streams_host,
    {
      ...{ health, guard, resolve: parts.resolve, running, access, on_target_refused: targetRefused },
      balancer: new Balancer(health, parts.keys.sticky),
      filters: new Filters(filterParts),
      on_error: onError,
    },
    parts.registry,
  );
  const lane = createLane({
    ...filterParts,
    ...{ source, gate, health, resolve: parts.resolve, public_url: parts.public_url, guard, access, running, cache },
    ...(parts.dial_peer === undefined ? {} : { dial_peer: parts.dial_peer }),
    spools: new SpoolRoom(parts.buffers.directory, parts.buffers.disk),
    on_drain: () => void streams.stop(),
    rewriter: createAnswerRewriter(parts.jars, () => parts.clock.now()),
    sticky_key: parts.keys.sticky,
    server_id: parts.keys.server.toString('hex').slice(0, 12),
    metrics: new ProxyMetrics(parts.registry, () => lane.running()),
    on_target_refused: targetRefused,
    on_error: (error) => onError(error, 'a request through the gateway failed'),
  });
  return {
    name: 'gateway lanes',
    bindings: [],
    front: lane.front,
    book,
    drain: lane.drain,
    portProblem: (protocol, port) => streams.problem(protocol, port),
    portFailure: (routeId) => streams.failure(routeId),
    purge: (routeId, path) => cache.purge(routeId, path),
    onEvent: ({ kind, id, body }: StoredEvent) => {
      const { path } = body;
      if (kind === gatewayEvents.cachePurged) cache.purge(id, typeof path === 'string' ? path : null);
    },
    start: async () => {
      await countries.start();
      await streams.start();
    },
    settingsChanged: () => countries.refresh(),
    close: async () => {
      countries.stop();
      await streams.close();
      await lane.close();
      cache.close();
      await file?.close();
    },
  };
};
