import type { ParsedInputOf, routesTest } from '@atrium/protocol';
import type { Clock } from '../../platform/clock/clock.ts';
import type { Database } from '../../platform/db/database.ts';
import type { KyselyDatabase } from '../../platform/db/kysely-database.ts';
import type { Resolve } from '../../platform/net/address-guard.ts';
import type { Caller } from '../../platform/operations/caller.ts';
import type { Siblings } from '../../platform/processes/siblings.ts';
import type { GatewaySettings } from './gateway-settings.ts';
import type { RouteSnapshot } from './snapshot.ts';
import type { AccessBook } from './traffic/access-book.ts';

/** What the lanes know of what went through this process. */
export type TrafficBook = Pick<AccessBook, 'lines' | 'recorded' | 'follow' | 'flushDeltas'>;

/** What the control plane asks of the lanes. */
export interface Lanes {
  /** Tells what runs through the route to end within the time; answers how much that is. */
  drain(routeId: string, withinMs: number): number;
  /** Why a stream could not listen there, when that is already plain; null when it could, or does already. */
  portProblem(protocol: 'tcp' | 'udp', port: number): Promise<string | null>;
  /** What keeps the port of a stream closed on this machine; null when nothing does. */
  portFailure(routeId: string): string | null;
  /** Forgets answers that are kept of the route; tells how many. */
  purge(routeId: string, path: string | null): number;
}

/** The headers that an app would get, with secrets masked. */
export type TrialHeaders = (
  request: ParsedInputOf<typeof routesTest>,
  route: RouteSnapshot,
  caller: Caller,
) => [string, string][];

/** What the composition root gives to the module. */
export interface GatewayParts {
  database: Database & Pick<KyselyDatabase, 'auditDenied'>;
  /** For the connection that hears of changes made by other processes. */
  database_url: string;
  clock: Clock;
  /** Encryption under the master key; `aad` binds a text to its row. */
  secrets: { encrypt: (plain: string, aad: string) => string; decrypt: (sealed: string, aad: string) => string };
  settings: () => GatewaySettings;
  public_url: () => string;
  /** Ports on this machine that are the server's own and its database's. */
  own_ports: () => readonly number[];
  resolve: Resolve;
  /** A principal of an organisation as they act now; null when they are not active in it. */
  principalIn: (orgId: string, id: string) => Promise<Caller | null>;
  /** Null while no lane is open. */
  traffic: () => TrafficBook | null;
  lanes: () => Lanes | null;
  /** Keys of the configuration whose new value counts after a restart. */
  waiting_for_restart: () => readonly string[];
  config_file: () => string | null;
  /** Failures that must not reach a caller. */
  onError: (error: unknown, what: string) => void;
  /** Hears what the operator of this process should read. */
  onNotice: (facts: Record<string, unknown>, what: string) => void;
  /** The other processes of this server, whose requests stand in the log as well. */
  siblings: Siblings;
  /** Unique to this process, for leases. */
  holder: string;
  /** Told how long a build of the snapshot took, in seconds. */
  onSnapshotBuilt?: (seconds: number) => void;
  /** Told of each probe of a target. */
  onProbed?: (healthy: boolean, seconds: number) => void;
}

/** Binds a sealed secret to its route. */
export const upstreamAuthPlace = (routeId: string): string => `gateway.upstream_auth:${routeId}`;
export const cookiePlace = (principalId: string, routeId: string, name: string): string =>
  `gateway.cookie:${principalId}:${routeId}:${name}`;
