import type { Server, Socket } from 'node:net';
import { cutOffSoon } from '../cut-off.ts';
import { FastConnection, type FastHost, keptIdleMs } from './fast-connection.ts';
import type { FastRequest } from './fast-request.ts';
import type { FastResponse } from './fast-response.ts';

/** A head must be whole after so long, as Node demands it. */
const headWithinMs = 10_000;

/** How often connections are looked at. */
const stepMs = 1000;

export interface FastReaderParts {
  request(request: FastRequest, response: FastResponse): boolean;
  /** Refuses what is no request. */
  refuse(socket: Socket, code: 'HPE_INVALID_CHUNK' | 'ERR_HTTP_REQUEST_TIMEOUT'): void;
}

/**
 * Reads connections before Node does, and keeps those whose requests are all plain ones of the front door. The others,
 * or a connection from its first request that is not, go to Node's own reader for good.
 */
export class FastReader implements FastHost {
  readonly #parts: FastReaderParts;
  readonly #connections = new Set<FastConnection>();
  #node: (socket: Socket) => void = () => undefined;
  #timer: NodeJS.Timeout | null = null;
  soon = performance.now() + stepMs;

  constructor(parts: FastReaderParts) {
    this.#parts = parts;
  }

  /** Stands before the reader that the server was made with. */
  watch(server: Server): void {
    const own = server.listeners('connection') as ((this: Server, socket: Socket) => void)[];
    server.removeAllListeners('connection');
    this.#node = (socket) => {
      for (const listener of own) listener.call(server, socket);
    };
    server.on('connection', (socket: Socket) => {
      this.#connections.add(new FastConnection(socket, this, performance.now()));
      if (this.#timer === null) this.soon = performance.now() + stepMs;
      this.#timer ??= setInterval(() => this.#sweep(performance.now()), stepMs).unref();
    });
    server.on('close', () => {
      if (this.#timer !== null) clearInterval(this.#timer);
    });
  }

  request(request: FastRequest, response: FastResponse): boolean {
    return this.#parts.request(request, response);
  }

  handOver(socket: Socket): void {
    this.#node(socket);
  }

  broken(socket: Socket): void {
    this.#refuse(socket, 'HPE_INVALID_CHUNK');
  }

  left(connection: FastConnection): void {
    this.#connections.delete(connection);
  }

  /** Those that have had their answers. One that is new may have a request on its way. */
  closeIdle(): void {
    for (const connection of this.#connections)
      if (connection.used && !connection.busy && !connection.begun) connection.socket.destroy();
  }

  closeAll(): void {
    for (const connection of this.#connections) connection.socket.destroy();
  }

  #sweep(now: number): void {
    this.soon = now + stepMs;
    for (const connection of this.#connections) {
      if (connection.busy) continue;
      const waits = connection.used && !connection.begun;
      if (now - connection.since < (waits ? keptIdleMs : headWithinMs)) continue;
      if (waits) connection.socket.destroy();
      else this.#late(connection);
    }
  }

  #late(connection: FastConnection): void {
    const { socket } = connection;
    connection.release();
    this.#refuse(socket, 'ERR_HTTP_REQUEST_TIMEOUT');
  }

  /** Nobody reads the connection any more; who does not close it is not waited for. */
  #refuse(socket: Socket, code: Parameters<FastReaderParts['refuse']>[1]): void {
    socket.on('error', () => socket.destroy());
    socket.resume();
    this.#parts.refuse(socket, code);
    cutOffSoon(socket);
  }
}
