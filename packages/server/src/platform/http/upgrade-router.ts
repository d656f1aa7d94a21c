import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { cutOffSoon } from './cut-off.ts';

/** Takes an upgrade that is its own and answers true; false passes it on. */
export type UpgradeHandler = (request: IncomingMessage, socket: Duplex, head: Buffer) => boolean;

/** Shares the one `upgrade` event of the server between the socket host and the gateway, in order of registration. */
export class UpgradeRouter {
  readonly #handlers: UpgradeHandler[] = [];

  add(handler: UpgradeHandler): void {
    this.#handlers.push(handler);
  }

  attach(
    server: Server,
    denied: (request: IncomingMessage) => boolean = () => false,
    onError: (error: unknown) => void = () => {},
  ): void {
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      // Without a listener a reset connection would end the process.
      socket.on('error', () => socket.destroy());
      // Sent before the answer to an earlier request was: it is still being written on this connection, on which nothing
      // else may be said, and a second answer would end the process.
      if (isAnswering(request)) {
        socket.destroy();
        return;
      }
      // Neither WebSocket nor anything else that may be upgraded to has one, and what is behind it would be read as part
      // of the other protocol.
      if (hasBody(request)) {
        refuseUpgrade(socket, 400, 'Bad Request');
        return;
      }
      if (denied(request)) {
        refuseUpgrade(socket, 403, 'Forbidden');
        return;
      }
      try {
        if (!this.#handlers.some((handler) => handler(request, socket, head))) refuseUpgrade(socket, 404, 'Not Found');
      } catch (error) {
        // No request may end the process.
        socket.destroy();
        onError(error);
      }
    });
  }
}

/**
 * Node keeps the answer that is being written at the socket of the connection, which is not the one that it hands over
 * with an upgrade while that has a body.
 */
const isAnswering = ({ socket }: IncomingMessage): boolean =>
  ((socket as typeof socket & { _httpMessage?: unknown })._httpMessage ?? null) !== null;

const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;

/** Ends a connection behind its last answer. */
export const endUpgrade = (socket: Duplex, last?: string): void => {
  socket.end(last);
  cutOffSoon(socket);
};

/** Answers an upgrade with a plain HTTP status and ends the connection. */
export const refuseUpgrade = (socket: Duplex, status: number, reason: string): void =>
  endUpgrade(socket, `HTTP/1.1 ${status} ${reason}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
