import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type Actor, closeCodes } from '@atrium/protocol';
import { type WebSocket, WebSocketServer } from 'ws';
import { AppError } from '../errors/app-error.ts';
import { certificateThumbprint } from '../http/client-certificate.ts';
import { isSameOrigin, readCookie, sessionCookie } from '../http/credentials.ts';
import type { UpgradeRouter } from '../http/upgrade-router.ts';
import { actorOf, type Caller } from '../operations/caller.ts';
import { PresenceBoard } from './presence-board.ts';
import { SocketConnection, type SocketSurroundings } from './socket-connection.ts';
import { type SocketHostOptions, type SocketLimits, socketDefaults } from './socket-options.ts';

/** A socket with somebody behind it. */
export interface OpenSocket {
  id: string;
  principal: Actor;
  address: string | null;
  user_agent: string | null;
  opened_at: Date;
}

const notOurOrigin =
  'The Origin of a WebSocket is that of the public address, or one that ATRIUM_CORS_ORIGINS names. Clients that are no browser send that of the public address.';
const closing = 'The server is stopping.';
const tooManyPending = 'Too many sockets have not said yet who they are.';

/** The WebSocket door at /ws. */
export class SocketHost implements SocketSurroundings {
  readonly options: SocketHostOptions;
  readonly limits: SocketLimits;
  readonly presence: PresenceBoard<SocketConnection>;
  readonly #server: WebSocketServer;
  readonly #connections = new Set<SocketConnection>();
  readonly #timer: NodeJS.Timeout;
  #closing = false;

  constructor(options: SocketHostOptions) {
    this.options = options;
    this.limits = { ...socketDefaults, ...options.limits };
    this.#server = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: this.limits.max_message,
    });
    this.presence = new PresenceBoard<SocketConnection>({
      node: randomUUID(),
      bus: options.presence_bus,
      now: options.now,
      tell: (item, principals, viewers) => {
        for (const viewer of viewers) viewer.send({ type: 'presence', item, principals });
      },
    });
    this.#timer = setInterval(() => this.sweep(), this.limits.ping_ms).unref();
  }

  get size(): number {
    return this.#connections.size;
  }

  mount(upgrades: UpgradeRouter): void {
    upgrades.add((request, socket, head) => this.#upgrade(upgrades, request, socket, head));
  }

  /** Closes the sockets of callers that no longer may listen, for example of a deactivated person. */
  closeFor(which: (caller: Caller) => boolean, code: number = closeCodes.forbidden, reason = 'forbidden'): number {
    const doomed = [...this.#connections].filter((c) => c.caller !== null && which(c.caller));
    for (const connection of doomed) connection.close(code, reason);
    return doomed.length;
  }

  /** Of one organisation, for the people who tend to it. */
  list(orgId: string): OpenSocket[] {
    return [...this.#connections].flatMap(({ id, caller, opened_at, origin }) =>
      caller?.org_id === orgId
        ? [{ id, principal: actorOf(caller), address: origin.ip, user_agent: origin.user_agent, opened_at }]
        : [],
    );
  }

  closeOne(id: string): void {
    for (const connection of this.#connections)
      if (connection.id === id) connection.close(closeCodes.forbidden, 'closed');
  }

  /** Asks again what these callers may; sockets of those that may nothing close with 4403. */
  refreshCaller(which: (caller: Caller) => boolean): Promise<void> {
    return this.options.fan_out.refresh(which);
  }

  /** Pings, ends silent sockets and expired credentials; runs by itself every `ping_ms`. */
  sweep(): void {
    const now = this.options.now();
    for (const connection of this.#connections) connection.sweep(now);
    this.presence.heartbeat();
  }

  countOf(caller: Caller): number {
    let count = 0;
    for (const connection of this.#connections) if (connection.caller?.id === caller.id) count++;
    return count;
  }

  /** Tells every client to come back elsewhere (1001) and waits until they are gone, a second at most. */
  async close(): Promise<void> {
    this.#closing = true;
    clearInterval(this.#timer);
    const gone = [...this.#connections].map((connection) => connection.shutDown());
    await Promise.all(gone);
    this.presence.close();
    this.#server.close();
  }

  #upgrade(upgrades: UpgradeRouter, request: IncomingMessage, socket: Duplex, head: Buffer): boolean {
    if (request.url?.split('?', 1)[0] !== '/ws') return false;
    const sameOrigin = isSameOrigin(request.headers, this.options.public_url());
    const { origin } = request.headers;
    if (!sameOrigin && !(origin !== undefined && this.options.cors_origins.includes(origin)))
      upgrades.refuse(request, socket, new AppError('csrf_rejected', notOurOrigin));
    else if (this.#closing || this.#pending() >= this.limits.max_pending)
      upgrades.refuse(request, socket, new AppError('not_ready', this.#closing ? closing : tooManyPending));
    else
      this.#server.handleUpgrade(request, socket, head, (webSocket) =>
        this.#open(webSocket, socket, request, sameOrigin),
      );
    return true;
  }

  #pending(): number {
    let count = 0;
    for (const connection of this.#connections) if (connection.caller === null) count++;
    return count;
  }

  #open(webSocket: WebSocket, wire: Duplex, request: IncomingMessage, sameOrigin: boolean): void {
    const certificate = this.options.certificate_of?.(request);
    const connection = new SocketConnection(webSocket, wire, this, {
      ip: this.options.address_of?.(request) ?? request.socket.remoteAddress ?? null,
      user_agent: request.headers['user-agent'] ?? null,
      certificate: certificate == null ? null : certificateThumbprint(certificate),
      // A page sends a ticket, which apps at this origin cannot get; the cookie is for programs, which name no origin.
      cookie:
        sameOrigin && request.headers.origin === undefined ? readCookie(request.headers.cookie, sessionCookie) : null,
    });
    this.#connections.add(connection);
    this.options.metrics.sockets.inc();
    webSocket.once('close', (code) => {
      this.#connections.delete(connection);
      this.options.metrics.sockets.dec();
      this.options.metrics.socketClosed(code);
    });
  }
}
