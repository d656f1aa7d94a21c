import type { Clock } from '../../../platform/clock/clock.ts';
import type { Database, Transaction } from '../../../platform/db/database.ts';
import type { RateLimiter } from '../../../platform/limits/rate-limiter.ts';
import type { Resolve } from '../../../platform/net/address-guard.ts';
import type { TargetGuard } from '../../../platform/net/target-guard.ts';
import type { Call } from '../../../platform/operations/call.ts';
import type { AppMaker } from '../discovery/app-maker.ts';

export interface FederationSettings {
  enabled: boolean;
  name: string | null;
  cluster_secret: string | null;
  bootstrap_peers: readonly string[];
  /** Announces this server in the local network, and lists others that do. */
  mdns: boolean;
  allow_remote_routes: boolean;
  /** Speaks in clear with peers that are not on this machine. */
  allow_plain: boolean;
  full_sync_ms: number;
  anti_entropy_ms: number;
}

export interface FederationParts {
  database: Database & { auditDenied(call: Call, entry: Parameters<Transaction['audit']>[0]): void };
  database_url: string;
  clock: Clock;
  secrets: { encrypt: (plain: string, aad: string) => string; decrypt: (sealed: string, aad: string) => string };
  limiter: RateLimiter;
  settings: () => FederationSettings;
  public_url: () => string;
  /** Certificate keys that this server's own listener shows. */
  served_pins: () => readonly string[];
  /** Which organisation hears of what happens by itself; null while the server has none. */
  orgOf: () => Promise<string | null>;
  guard: TargetGuard;
  resolve: Resolve;
  maker: AppMaker;
  /** Whether this process may open links by itself; it answers in any case. */
  runs: boolean;
  onError: (error: unknown, what: string) => void;
}

export const keyPlace = 'gateway.federation_key';

/** Told to operators who may manage the federation; the subject is the peer, or the app or rule. */
export const peerEvents = {
  found: 'gateway.peer.found',
  joined: 'gateway.peer.joined',
  left: 'gateway.peer.left',
  online: 'gateway.peer.online',
  offline: 'gateway.peer.offline',
  synced: 'gateway.peer.synced',
  updated: 'gateway.peer.updated',
  syncAsked: 'gateway.peer.sync_asked',
  published: 'gateway.peer.app_published',
  unpublished: 'gateway.peer.app_unpublished',
  rulesChanged: 'gateway.peer.rules_changed',
} as const;

/** Where routes of apps of a peer lead. No name server knows it: only the link does. */
export const peerHost = (peerId: string): string => `${peerId}.peer.atrium.internal`;
const peerHostForm = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.peer\.atrium\.internal$/;
export const peerOfHost = (host: string): string | null => peerHostForm.exec(host)?.[1] ?? null;
