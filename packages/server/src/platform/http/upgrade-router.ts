import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** Takes an upgrade that is its own and answers true; false passes it on. */
export type UpgradeHandler = (request: IncomingMessage, socket: Duplex, head: Buffer) => boolean;

/** Shares the one `upgrade` event of the server between the socket host and the gateway, in order of registration. */
export class UpgradeRouter {
  readonly #handlers: UpgradeHandler[] = [];

  add(handler: UpgradeHandler): void {
    this.#handlers.push(handler);
  }

  attach(server: Server, denied: (request: IncomingMessage) => boolean = () => false): void {
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      // Without a listener a reset connection would end the process.
      socket.on('error', () => socket.destroy());
      // Behind a request that has no answer yet: what an upgrade says would stand in the middle of that answer.
      if ((request.socket as Socket & { _httpMessage?: object | null })._httpMessage != null) {
        socket.destroy();
        return;
      }
      if (denied(request)) {
        refuseUpgrade(socket, 403, 'Forbidden');
        return;
      }
      if (!this.#handlers.some((handler) => handler(request, socket, head))) refuseUpgrade(socket, 404, 'Not Found');
    });
  }
}

/** Answers an upgrade with a plain HTTP status and ends the connection. */
export const refuseUpgrade = (socket: Duplex, status: number, reason: string): void => {
  socket.end(`HTTP/1.1 ${status} ${reason}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
};
