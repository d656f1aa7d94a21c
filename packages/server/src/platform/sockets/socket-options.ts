import type { IncomingMessage } from 'node:http';
import type { clientMessage, ServerMessage } from '@atrium/protocol';
import type { z } from 'zod';
import type { CertificateOf } from '../http/client-certificate.ts';
import type { Authenticate, HostLogger } from '../http/http-options.ts';
import type { Caller } from '../operations/caller.ts';
import type { HttpMetrics } from '../telemetry/metrics.ts';
import type { EventFanOut } from './event-fan-out.ts';
import type { PresenceBus } from './presence-board.ts';

export interface SocketLimits {
  auth_ms: number;
  /** How long live events wait for a first `subscribe` that may ask for older ones. */
  hold_ms: number;
  ping_ms: number;
  idle_ms: number;
  max_message: number;
  messages_per_second: number;
  max_buffered: number;
  per_principal: number;
  /** Sockets that have not yet said who they are. */
  max_pending: number;
}

export const socketDefaults: SocketLimits = {
  auth_ms: 5000,
  hold_ms: 500,
  ping_ms: 30_000,
  idle_ms: 75_000,
  max_message: 64 * 1024,
  messages_per_second: 20,
  max_buffered: 4 * 1024 * 1024,
  per_principal: 50,
  max_pending: 2000,
};

/** A piece of a stream that a client opened on its socket, as it is sent. */
export type LogMessage =
  | Omit<Extract<ServerMessage, { type: 'logs.lines' }>, 'id'>
  | Omit<Extract<ServerMessage, { type: 'logs.paused' }>, 'id'>
  | Omit<Extract<ServerMessage, { type: 'logs.ended' }>, 'id'>;

/** Where logs come from. */
export interface SocketLogs {
  /** Throws when the caller may not; the rights are asked anew at each change of the caller. */
  allow(caller: Caller): void;
  open(
    caller: Caller,
    wishes: Extract<z.output<typeof clientMessage>, { type: 'logs.open' }>,
    signal: AbortSignal,
  ): Promise<AsyncIterable<LogMessage>>;
}

export interface SocketHostOptions {
  fan_out: EventFanOut;
  /** Takes session and access tokens, API keys and single-use tickets (`via: 'ticket'` marks a first message). */
  authenticate: Authenticate;
  /** Whether the caller may see the item, for presence. */
  can_see: (caller: Caller, item: string) => Promise<boolean>;
  public_url: () => string;
  /** The client's certificate behind trusted proxies. */
  certificate_of?: CertificateOf;
  /** Foreign origins that may connect; they bring a token, the cookie is never read for them. */
  cors_origins: readonly string[];
  logs?: SocketLogs;
  /** The client's address behind trusted proxies. */
  address_of?: (request: IncomingMessage) => string | null;
  presence_bus: PresenceBus | null;
  /** Told of every socket that has a caller now, and of its end. */
  presence?: { opened(caller: Caller): void; closed(caller: Caller): void };
  limits?: Partial<SocketLimits>;
  now: () => number;
  logger: HostLogger;
  metrics: HttpMetrics;
}
