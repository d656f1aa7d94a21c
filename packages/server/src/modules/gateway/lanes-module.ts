import { verify } from '@node-rs/argon2';
import type { Registry } from 'prom-client';
import type { Clock } from '../../platform/clock/clock.ts';
import type { Database } from '../../platform/db/database.ts';
import { newId } from '../../platform/ids/ids.ts';
import type { Module } from '../../platform/module.ts';
import type { Resolve } from '../../platform/net/address-guard.ts';
import { createTargetGuard } from '../../platform/net/target-guard.ts';
import { internalCall } from '../../platform/operations/call.ts';
import { systemCaller } from '../../platform/operations/caller.ts';
import type { Gate } from './gate.ts';
import type { GatewaySettings } from './gateway-settings.ts';
import type { FilterParts } from './lanes/filters.ts';
import { createLane, type Lane } from './lanes/lane.ts';
import type { DialPeer } from './lanes/target-links.ts';
import { createAnswerRewriter } from './rewriting/answer-rewriter.ts';
import type { CookieJars } from './rewriting/cookie-jar.ts';
import type { SnapshotSource, TargetHealth } from './snapshot.ts';
import { AccessBook } from './traffic/access-book.ts';
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
  onError: (error: unknown, what: string) => void;
}

/** The part of the gateway through which requests pass. */
export interface LanesPart extends Module {
  book: AccessBook;
  drain: Lane['drain'];
  close: () => Promise<void>;
}

export const createLanesPart = (parts: LanesParts): LanesPart => {
  const { source, gate, health, settings, onError, database } = parts;
  const book = new AccessBook();
  const file =
    parts.access_file === null
      ? null
      : new AccessFile({ ...parts.access_file, on_error: (error) => onError(error, 'writing the access log') });
  const lane = createLane({
    ...{ source, gate, health, resolve: parts.resolve, public_url: parts.public_url, hit: parts.hit },
    ...(parts.dial_peer === undefined ? {} : { dial_peer: parts.dial_peer }),
    rewriter: createAnswerRewriter(parts.jars, () => parts.clock.now()),
    guard: createTargetGuard({
      allow: () => settings().targets.allow.map(({ cidr }) => cidr),
      deny: () => settings().targets.deny.map(({ cidr }) => cidr),
      own_ports: parts.own_ports,
    }),
    sticky_key: parts.keys.sticky,
    server_id: parts.keys.server.toString('hex').slice(0, 12),
    access: (line) => {
      book.record(line);
      file?.write(line);
    },
    metrics: new ProxyMetrics(parts.registry, () => lane.running()),
    verify_password: (hashed, password) =>
      hashed === '' ? Promise.resolve(false) : verify(hashed, password.normalize('NFKC')),
    on_target_refused: (route, refused) => {
      const call = internalCall(systemCaller({ id: route.org_id }), newId());
      const details = { slug: route.slug, target: refused.target, reason: refused.message };
      database
        .transaction(call, async (tx) =>
          tx.audit({ action: 'gateway.target_refused', target_type: 'route', target_id: route.id, details }),
        )
        .catch((error: unknown) => onError(error, 'a refused target could not be written to the audit trail'));
    },
    on_error: (error) => onError(error, 'a request through the gateway failed'),
  });
  return {
    name: 'gateway lanes',
    bindings: [],
    front: lane.front,
    book,
    drain: lane.drain,
    close: async () => {
      await lane.close();
      await file?.close();
    },
  };
};
