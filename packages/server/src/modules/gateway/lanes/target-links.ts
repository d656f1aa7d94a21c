import { isIP, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { buildConnector, Pool } from 'undici';
import type { Resolve } from '../../../platform/net/address-guard.ts';
import { guardedTargetLookup, literalRefusal, type TargetGuard } from '../../../platform/net/target-guard.ts';
import type { GatewaySnapshot, RouteSnapshot, TargetSnapshot } from '../snapshot.ts';
import { FastPool } from './fast-pool.ts';
import type { Intake } from './intake.ts';
import type { AnswerHandler, Sending } from './upstream-connection.ts';

/** Connections of one target that are kept, as are those beyond them for as long as they are needed. */
const keptConnections = 128;
const keptIdleMs = 90_000;
/** Of a body on its way, before its source has to wait. */
const largestHeld = 256 * 1024;
const tlsHandshake = 10_000;
/** Of an answer's head. */
const maxHead = 64 * 1024;

/** A connection to a server beyond a link. */
export type DialPeer = (peerId: string) => Promise<Duplex>;

/** All ways to one target: its pool, and single connections for tunnels. */
export class TargetLink {
  running = 0;
  readonly #pool: Pool;
  readonly #connect: (timeout: number, intake?: Intake | null) => buildConnector.connector;
  readonly #target: TargetSnapshot;
  readonly #servername: string | null;
  #overflow: Pool | null = null;
  #fast: FastPool | null = null;
  readonly #origin: string;
  readonly #connectTimeout: number;

  readonly #linked: boolean;

  constructor(
    route: RouteSnapshot,
    target: TargetSnapshot,
    guard: TargetGuard,
    resolve: Resolve,
    dialPeer: DialPeer | null,
  ) {
    const { peer_id: peer } = route;
    this.#linked = peer !== undefined && dialPeer !== null;
    this.#target = target;
    const { verify, ca, server_name } = route.upstream_tls;
    const bare = target.hostname.replace(/^\[|\]$/g, '');
    this.#servername = server_name ?? (isIP(bare) === 0 ? bare : null);
    this.#connect = (timeout, intake = null) => {
      if (peer !== undefined && dialPeer !== null)
        return (_options, callback) => {
          dialPeer(peer).then(
            (stream) => callback(null, stream as Socket),
            (error: Error) => callback(error, null),
          );
        };
      const connect = buildConnector({
        allowH2: false,
        timeout,
        lookup: guardedTargetLookup(guard, resolve, target.port, route.allow_private),
        rejectUnauthorized: verify,
        keepAliveInitialDelay: 30_000,
        ...(intake === null ? {} : { onread: intake.onread, highWaterMark: largestHeld }),
        ...(ca === null ? {} : { ca }),
        ...(this.#servername === null ? {} : { servername: this.#servername }),
      });
      return (options, callback) => {
        const refused = literalRefusal(guard, target.hostname, target.port, route.allow_private);
        if (refused !== null) return callback(refused, null);
        return connect(options, callback);
      };
    };
    this.#origin = `${target.protocol}//${target.hostname}:${target.port}`;
    this.#connectTimeout = this.#patience(route.timeouts.connect);
    this.#pool = this.#newPool(keptConnections, keptIdleMs);
  }

  /**
   * Sends a request. A target whose connections are all taken gets further ones, so that long streams never keep the
   * others waiting.
   */
  dispatch(options: Sending, handler: AnswerHandler, fast: boolean): void {
    // The short way reads sockets of the system alone.
    if (fast && !this.#linked) {
      this.#fast ??= this.#newFastPool();
      this.#fast.dispatch(options, handler);
      return;
    }
    const given = this.#servername === null ? options : { ...options, servername: this.#servername };
    if (this.running <= keptConnections) this.#pool.dispatch(given, handler);
    else {
      this.#overflow ??= this.#newPool(null, 4000);
      this.#overflow.dispatch(given, handler);
    }
  }

  /** A connection of its own, for a tunnel. */
  dial(timeout: number): Promise<Socket> {
    return new Promise((resolve, reject) => {
      this.#connect(this.#patience(timeout))(this.#address(), (error, socket) =>
        error !== null ? reject(error) : resolve(socket as Socket),
      );
    });
  }

  async close(): Promise<void> {
    this.#fast?.close();
    await Promise.all([this.#pool.close(), this.#overflow?.close()]);
  }

  async destroy(): Promise<void> {
    this.#fast?.destroy();
    await Promise.all([this.#pool.destroy(), this.#overflow?.destroy()]);
  }

  #address(): buildConnector.Options {
    return {
      hostname: this.#target.hostname.replace(/^\[|\]$/g, ''),
      protocol: this.#target.protocol,
      port: String(this.#target.port),
      ...(this.#servername === null ? {} : { servername: this.#servername }),
    };
  }

  #newFastPool(): FastPool {
    return new FastPool({
      dial: (intake, done) =>
        this.#connect(this.#connectTimeout, intake)(this.#address(), (error, socket) =>
          done(error, socket as Socket | null),
        ),
      encrypted: this.#target.protocol === 'https:',
      kept: keptConnections,
      kept_ms: keptIdleMs,
    });
  }

  #patience(connect: number): number {
    return connect === 0 ? 0 : connect + (this.#target.protocol === 'https:' ? tlsHandshake : 0);
  }

  #newPool(connections: number | null, keepAlive: number): Pool {
    return new Pool(this.#origin, {
      connections,
      pipelining: 1,
      keepAliveTimeout: keepAlive,
      keepAliveMaxTimeout: keepAlive,
      // Clocks of silence are the lane's own: these would be set and cleared for every request.
      headersTimeout: 0,
      bodyTimeout: 0,
      maxHeaderSize: maxHead,
      connect: this.#connect(this.#connectTimeout),
    });
  }
}

const keyOf = (route: RouteSnapshot, target: TargetSnapshot): string =>
  JSON.stringify([target.url, route.peer_id ?? null, route.allow_private, route.timeouts.connect, route.upstream_tls]);

/** One link a target and way of reaching it, shared by routes and by snapshots that follow one another. */
export class TargetLinks {
  readonly #guard: TargetGuard;
  readonly #resolve: Resolve;
  readonly #dialPeer: DialPeer | null;
  readonly #links = new Map<string, TargetLink>();
  readonly #known = new WeakMap<RouteSnapshot, Map<TargetSnapshot, TargetLink>>();

  constructor(guard: TargetGuard, resolve: Resolve, dialPeer: DialPeer | null = null) {
    this.#guard = guard;
    this.#resolve = resolve;
    this.#dialPeer = dialPeer;
  }

  of(route: RouteSnapshot, target: TargetSnapshot): TargetLink {
    const known = this.#known.get(route)?.get(target);
    if (known !== undefined) return known;
    const key = keyOf(route, target);
    const link = this.#links.get(key) ?? new TargetLink(route, target, this.#guard, this.#resolve, this.#dialPeer);
    this.#links.set(key, link);
    const ofRoute = this.#known.get(route) ?? new Map<TargetSnapshot, TargetLink>();
    this.#known.set(route, ofRoute.set(target, link));
    return link;
  }

  /** Closes what no route of the snapshot leads to any more, once what runs there has ended. */
  keepOnly(snapshot: GatewaySnapshot): void {
    const needed = new Set<string>();
    for (const route of snapshot.routes.values()) for (const target of route.targets) needed.add(keyOf(route, target));
    for (const [key, link] of this.#links) {
      if (needed.has(key)) continue;
      this.#links.delete(key);
      // Requests that began on an older snapshot still find it by their route, and may still be sent.
      setTimeout(() => void link.close(), 60_000).unref();
    }
  }

  async destroy(): Promise<void> {
    await Promise.all([...this.#links.values()].map((link) => link.destroy()));
    this.#links.clear();
  }
}
