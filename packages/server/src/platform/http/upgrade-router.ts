import { type IncomingMessage, type Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { AppError } from '../errors/app-error.ts';
import { cutOffSoon } from './cut-off.ts';

/** Takes an upgrade that is its own and answers true; false passes it on. */
export type UpgradeHandler = (request: IncomingMessage, socket: Duplex, head: Buffer) => boolean;

/** Sends the problem document of a request that nobody took. */
type SendRefusal = (request: IncomingMessage, response: ServerResponse, error: AppError, status: number) => void;

/** Shares the one `upgrade` event of the server between the socket host and the gateway, in order of registration. */
export class UpgradeRouter {
  readonly #handlers: UpgradeHandler[] = [];
  readonly #send: SendRefusal;

  constructor(send: SendRefusal) {
    this.#send = send;
  }

  add(handler: UpgradeHandler): void {
    this.#handlers.push(handler);
  }

  /** Answers an upgrade that is not made, as any other request that failed, and ends the connection. */
  refuse(request: IncomingMessage, socket: Duplex, error: AppError): void {
    this.#send(request, plainResponse(request, socket), error, error.status);
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
        this.refuse(request, socket, new AppError('bad_request', 'A request to upgrade has no body.'));
        return;
      }
      if (denied(request)) {
        this.refuse(request, socket, new AppError('address_denied'));
        return;
      }
      try {
        if (!this.#handlers.some((handler) => handler(request, socket, head)))
          this.refuse(request, socket, new AppError('not_found', 'Nothing at this path can be upgraded to.'));
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
export const isAnswering = ({ socket }: IncomingMessage): boolean =>
  ((socket as typeof socket & { _httpMessage?: unknown })._httpMessage ?? null) !== null;

const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;

/** Answers on a connection that asked for an upgrade and does not get it. */
export const plainResponse = (request: IncomingMessage, socket: Duplex): ServerResponse => {
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket as Socket);
  response.on('finish', () => {
    socket.end();
    cutOffSoon(socket);
  });
  return response;
};
