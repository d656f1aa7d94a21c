import type { Server, Socket } from 'node:net';
import { addressKey } from '../limits/rate-limiter.ts';

/** What a connection is used for: it has not said yet, the product itself, or what the front door passes on. */
type Use = 'silent' | 'own' | 'passed';

interface Known {
  key: string;
  use: Use;
  /** It was told that it is one too many. */
  refused: boolean;
  late: NodeJS.Timeout | null;
}

/** A connection beyond the limit has so long to say what it wants: many at once that ask at once are no attack. */
const patienceMs = 1000;
/** Requests of HTTP/2 that are passed on at once, for each connection that an address may hold. */
const streamsEach = 4;

/**
 * Holds the connections of one address that say nothing, and those that are passed on, below a limit. What the product
 * answers itself has limits of its own, by principal and by part. Connections of trusted proxies are connections of many.
 */
export class ConnectionLimit {
  readonly #open = new Map<string, number>();
  readonly #known = new WeakMap<Socket, Known>();
  readonly #streams = new Map<string, number>();
  readonly #most: number;
  readonly #trusted: (address: string) => boolean;

  constructor(most: number, trusted: (address: string) => boolean) {
    this.#most = most;
    this.#trusted = trusted;
  }

  watch(server: Server): void {
    if (this.#most > 0) server.on('connection', (socket: Socket) => this.#opened(socket));
  }

  /** What goes on over a connection that was counted when it opened: TLS, and HTTP/2 in it. */
  adopt(socket: Socket, under: Socket): void {
    const known = this.#known.get(under);
    if (known !== undefined) this.#known.set(socket, known);
  }

  /**
   * Told of each request of HTTP/2 that is passed on, of which one connection carries many; false = it is one too many
   * of its address. `ended` is called once it is over.
   */
  began(address: string, ended: (over: () => void) => void): boolean {
    if (this.#most === 0 || this.#trusted(address)) return true;
    const key = addressKey(address);
    const now = (this.#streams.get(key) ?? 0) + 1;
    if (now > this.#most * streamsEach) return false;
    this.#streams.set(key, now);
    ended(() => {
      const left = this.#streams.get(key)! - 1;
      if (left === 0) this.#streams.delete(key);
      else this.#streams.set(key, left);
    });
    return true;
  }

  /** Told of each request; false = it is one too many of its address, and gets nothing. */
  spoke(socket: Socket, use: 'own' | 'passed'): boolean {
    const known = this.#known.get(socket);
    if (known === undefined) return true;
    if (known.use === use) return !known.refused;
    if (known.late !== null) clearTimeout(known.late);
    known.late = null;
    const before = known.use;
    known.use = use;
    if (use === 'own') this.#count(known.key, -1);
    else if (before === 'own') this.#count(known.key, 1);
    known.refused = use === 'passed' && this.#open.get(known.key)! > this.#most;
    return !known.refused;
  }

  #opened(socket: Socket): void {
    if (this.#known.has(socket)) return;
    const address = socket.remoteAddress;
    if (address === undefined || this.#trusted(address)) return;
    const known: Known = { key: addressKey(address), use: 'silent', refused: false, late: null };
    this.#known.set(socket, known);
    if (this.#count(known.key, 1) > this.#most) known.late = setTimeout(() => socket.destroy(), patienceMs).unref();
    socket.once('close', () => {
      if (known.late !== null) clearTimeout(known.late);
      if (known.use !== 'own') this.#count(known.key, -1);
      known.use = 'own';
    });
  }

  #count(key: string, by: 1 | -1): number {
    const now = (this.#open.get(key) ?? 0) + by;
    if (now === 0) this.#open.delete(key);
    else this.#open.set(key, now);
    return now;
  }
}
