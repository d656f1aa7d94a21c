import { randomBytes } from 'node:crypto';
import type { Operation } from '@atrium/protocol';
import type { Clock } from '../clock/clock.ts';
import type { AppError } from '../errors/app-error.ts';
import type { Binding } from '../operations/binding.ts';
import type { Call } from '../operations/call.ts';
import type { Caller } from '../operations/caller.ts';
import type { HttpMetrics } from '../telemetry/metrics.ts';
import type { Tracing } from '../telemetry/tracing.ts';
import type { CertificateSource } from '../tls/certificate-source.ts';
import { type CertificateOf, noCertificates } from './client-certificate.ts';
import type { FrontDoor } from './front-door.ts';
import { PageProofs } from './page-proof.ts';
import type { PageRoute } from './page-route.ts';

/** What the hosts log with; pino fits. */
export interface HostLogger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** How a token was presented, and what proves that its client presented it (RFC 9449, RFC 8705). */
export interface ProofContext {
  scheme: 'bearer' | 'dpop';
  dpop: string | null;
  method: string;
  /** Without query, as the public knows it. */
  url: string;
  /** Thumbprint of the certificate that the connection was made with (RFC 8705). */
  certificate: string | null;
}

/** Where a credential was found and what it must be good for. */
interface CredentialContext {
  via: 'bearer' | 'cookie' | 'ticket';
  /** The protected resource asked for; a token bound to another one (`aud`) is refused. */
  resource: string;
  ip: string | null;
  user_agent: string | null;
  /** Absent where no proof can come, as on a socket: a bound token is then no good. */
  proof?: ProofContext;
}

/** Resolves a credential to its caller. Null: unknown, expired or revoked. May throw an AppError to say more. */
export type Authenticate = (token: string, context: CredentialContext) => Promise<Caller | null>;

export interface LimitVerdict {
  allowed: boolean;
  limit: number;
  remaining: number;
  /** Seconds until the window is fresh again. */
  reset_s: number;
}

/** Counts requests by key. Answers at once when it can: an extra tick on every request is measurable. */
export interface RequestLimiter {
  take(key: string, rule: RateRule): LimitVerdict | Promise<LimitVerdict>;
}

export interface RateRule {
  limit: number;
  window_s: number;
}

export interface HttpConfig {
  host: string;
  port: number;
  /** Other processes of this server listen at the same port. */
  shares_port: boolean;
  /** Issuer and base of links, without a trailing slash. A function, because port 0 is known only after listening. */
  public_url: () => string;
  version: string;
  /** CIDR ranges of reverse proxies whose X-Forwarded-* are believed. */
  trusted_proxies: readonly string[];
  /** Connections of those proxies begin with a header of the PROXY protocol. */
  proxy_protocol: boolean;
  /** Host names of this server beside the one of its public URL. Read at every request. */
  extra_hosts: () => readonly string[];
  /** Connections that one address may hold at once; 0 = any number. */
  max_connections_per_address: number;
  /** How long a connection may take to speak, and to agree on TLS. */
  handshake_ms: number;
  /** Plain requests to apps are read by the front server itself and not by Node. */
  fast_lane: boolean;
  /** Client certificates as those proxies hand them on. */
  certificate_of: CertificateOf;
  /** Origins that may call the API from a browser; empty closes CORS. */
  cors_origins: readonly string[];
  metrics_token: string | null;
  /** Makes the proof that a call comes from a page of the dashboard. */
  page_proofs: PageProofs;
  /** Directory of the built web application; null serves none. */
  web_root: string | null;
  /** Requests that are worked on at once, in all and within one part of the server (see `bulkheads`). */
  max_in_flight: number;
  max_per_bulkhead: number;
  /** Streams and waiting calls beside them. */
  max_waiting: number;
  body_limit: number;
  drain_deadline_ms: number;
  /** The same for what the front door has taken: downloads of apps, which know nothing of this server. */
  front_drain_ms: number;
  /** How long a request that listens to its signal may go on after a drain began. */
  drain_grace_ms: number;
  stream_keep_alive_ms: number;
}

export const httpDefaults = {
  host: '127.0.0.1',
  port: 4400,
  shares_port: false,
  trusted_proxies: [],
  proxy_protocol: false,
  extra_hosts: () => [],
  max_connections_per_address: 256,
  handshake_ms: 10_000,
  fast_lane: true,
  certificate_of: noCertificates,
  cors_origins: [],
  metrics_token: null,
  page_proofs: new PageProofs(randomBytes(32)),
  web_root: null,
  max_in_flight: 1000,
  max_per_bulkhead: 200,
  max_waiting: 10_000,
  body_limit: 1024 * 1024,
  drain_deadline_ms: 10_000,
  front_drain_ms: 30_000,
  drain_grace_ms: 1000,
  stream_keep_alive_ms: 15_000,
} as const satisfies Partial<HttpConfig>;

export interface HttpHostOptions {
  config: HttpConfig;
  bindings: readonly Binding[];
  /** Pages and redirects, for browsers alone. */
  pages?: readonly PageRoute[];
  /** Every operation of the contract; start-up refuses when one has no binding or the other way round. */
  operations: readonly Operation[];
  authenticate: Authenticate;
  limiter: RequestLimiter;
  /** Read at every request, so that a reload counts at once; null switches the limit off. */
  rate_rules: () => { principal: RateRule | null; address: RateRule | null };
  clock: Clock;
  logger: HostLogger;
  metrics: HttpMetrics;
  tracing: Tracing | null;
  /** Named questions behind GET /ready; one that rejects or answers false makes it 503. */
  ready: Readonly<Record<string, () => Promise<boolean> | boolean>>;
  /** Told of every refusal by scope, permission or kind of principal, for the audit trail. */
  on_denied: (call: Call, operation: Operation, error: AppError) => void;
  /** Addresses that get no answer at all, asked before anything is counted. */
  denied_address?: (ip: string) => boolean;
  /** Sees every request before the product's own routes. */
  front?: FrontDoor;
  /** Speaks TLS with these certificates; absent: plain HTTP. */
  tls?: {
    certificates: CertificateSource;
    /** Where plain HTTP is answered too; null = at the port alone. */
    redirect: { host: string; port: number } | null;
  };
  /** Checks every answer against the operation's output; for tests, where a wrong answer must be loud. */
  validate_output: boolean;
}
