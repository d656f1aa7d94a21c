import type { Server, Socket } from 'node:net';
import { addressKey } from '../limits/rate-limiter.ts';

/** Holds the connections of one address below a limit; those of trusted proxies are connections of many. */
export class ConnectionLimit {
  readonly #open = new Map<string, number>();
  readonly #most: number;
  readonly #trusted: (address: string) => boolean;
  refused = 0;

  constructor(most: number, trusted: (address: string) => boolean) {
    this.#most = most;
    this.#trusted = trusted;
  }

  watch(server: Server): void {
    if (this.#most > 0) server.on('connection', (socket: Socket) => this.#opened(socket));
  }

  #opened(socket: Socket): void {
    const address = socket.remoteAddress;
    if (address === undefined || this.#trusted(address)) return;
    const key = addressKey(address);
    const now = (this.#open.get(key) ?? 0) + 1;
    if (now > this.#most) {
      this.refused += 1;
      socket.destroy();
      return;
    }
    this.#open.set(key, now);
    socket.once('close', () => this.#closed(key));
  }

  #closed(key: string): void {
    const left = this.#open.get(key)! - 1;
    if (left === 0) this.#open.delete(key);
    else this.#open.set(key, left);
  }
}
