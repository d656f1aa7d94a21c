import { isIP, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { buildConnector, Pool } from 'undici';
import type { Resolve } from '../../../platform/net/address-guard.ts';
import { keepAlive } from '../../../platform/net/keep-alive.ts';
import { guardedTargetLookup, literalRefusal, type TargetGuard } from '../../../platform/net/target-guard.ts';
import type { GatewaySnapshot, RouteSnapshot, TargetSnapshot } from '../snapshot.ts';
import { BadAnswer } from './answer-head.ts';
import { FastPool } from './fast-pool.ts';
import type { Reading, TunnelIntake } from './intake.ts';
import { refusesProtocol } from './outcome.ts';
import { StreamsPool } from './streams-pool.ts';
import { type AnswerHandler, type Sending, unshared } from './upstream-connection.ts';

/** Connections of one target that are kept, as are those beyond them for as long as they are needed. */
const keptConnections = 128;
const keptIdleMs = 90_000;
/** Of a body on its way, before its source has to wait. */
const largestHeld = 256 * 1024;
const tlsHandshake = 10_000;
/** Of an answer's head. */
const maxHead = 64 * 1024;

/** An https target that takes no HTTP/1.1. Nothing was sent, and from now on its link speaks HTTP/2 to it. */
export class OtherProtocol extends Error {
  readonly code = 'ATRIUM_OTHER_PROTOCOL';
}

/** Calls of gRPC proper; gRPC-web is made for HTTP/1.1. */
const isGrpc = ({ headers: own, shared }: Sending): boolean => {
  const headers = shared?.headers.list ?? own;
  for (let at = 0; at < headers.length; at += 2)
    if (headers[at]!.toLowerCase() === 'content-type') return /^application\/grpc(?:[+;]|$)/i.test(headers[at + 1]!);
  return false;
};

/** As it stands in an address. */
const inBrackets = (hostname: string): string => (isIP(hostname) === 6 ? `[${hostname}]` : hostname);

/** HTTP/1.1, or HTTP/2. */
type Over = 'lines' | 'streams';

/** A connection to a server beyond a link. */
export type DialPeer = (peerId: string) => Promise<Duplex>;

/** All ways to one target: its pool, and single connections for tunnels. */
export class TargetLink {
  running = 0;
  readonly #pool: Pool;
  readonly #connect: (timeout: number, over: Over, reading?: Reading | null) => buildConnector.connector;
  readonly #target: TargetSnapshot;
  /** Null for an address: no name is asked for then, and the certificate has to name the address. */
  readonly #servername: string | null;
  readonly #encrypted: boolean;
  #overflow: Pool | null = null;
  #fast: FastPool | null = null;
  #streams: StreamsPool | null = null;
  #onlyStreams: boolean;
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
    this.#encrypted = target.protocol === 'https:';
    this.#onlyStreams = target.protocol === 'h2c:';
    this.#connect = (timeout, over, reading = null) => {
      if (peer !== undefined && dialPeer !== null)
        return (_options, callback) => {
          dialPeer(peer).then(
            (stream) => callback(null, stream as Socket),
            (error: Error) => callback(error, null),
          );
        };
      const connect = buildConnector({
        allowH2: over === 'streams',
        preferH2: true,
        timeout,
        lookup: guardedTargetLookup(guard, resolve, target.port, route.allow_private),
        rejectUnauthorized: verify,
        // In its own way, below: event streams are silent as long as tunnels.
        keepAlive: false,
        ...(reading === null ? {} : { onread: reading.onread, highWaterMark: largestHeld }),
        ...(ca === null ? {} : { ca }),
      });
      return (_options, callback) => {
        const refused = literalRefusal(guard, target.hostname, target.port, route.allow_private);
        if (refused !== null) return callback(refused, null);
        // Not as the pool says: it would ask for the name by which the visitor called us.
        return connect(this.#address(), (...done) => {
          if (done[0] === null) keepAlive(done[1]);
          callback(...this.#agreed(over, done));
        });
      };
    };
    this.#origin = `${this.#encrypted ? 'https' : 'http'}://${inBrackets(bare)}:${target.port}`;
    this.#connectTimeout = this.#patience(route.timeouts.connect);
    this.#pool = this.#newPool(keptConnections, keptIdleMs);
  }

  /**
   * Sends a request. A target whose connections are all taken gets further ones, so that long streams never keep the
   * others waiting.
   */
  dispatch(options: Sending, handler: AnswerHandler, fast: boolean): void {
    if (!this.#linked && (this.#onlyStreams || (this.#encrypted && isGrpc(options)))) {
      this.#streams ??= this.#newStreamsPool();
      this.#streams.dispatch(unshared(options), handler);
      return;
    }
    // The short way reads sockets of the system alone.
    if (fast && !this.#linked) {
      this.#fast ??= this.#newFastPool();
      this.#fast.dispatch(options, handler);
      return;
    }
    const { method, path, headers, body } = unshared(options);
    // The same for each request: a pool ends its connections when it changes, and would take it from the Host.
    const name = this.#encrypted ? { servername: this.#servername ?? this.#target.hostname } : {};
    const given = { method, path, headers: headers as string[], body, ...name };
    if (this.running <= keptConnections) this.#pool.dispatch(given, handler);
    else {
      this.#overflow ??= this.#newPool(null, 4000);
      this.#overflow.dispatch(given, handler);
    }
  }

  /** A connection of its own, for a tunnel, and what it reads. */
  dial(timeout: number, intake: TunnelIntake): Promise<Socket> {
    const plain = !this.#encrypted && !this.#linked;
    return new Promise((resolve, reject) => {
      this.#connect(
        this.#patience(timeout),
        'lines',
        plain ? intake : null,
      )(this.#address(), (error, socket) => {
        if (error !== null) return reject(error);
        if (!plain) socket.on('data', intake.take);
        resolve(socket as Socket);
      });
    });
  }

  async close(): Promise<void> {
    this.#fast?.close();
    this.#streams?.close();
    await Promise.all([this.#pool.close(), this.#overflow?.close()]);
  }

  async destroy(): Promise<void> {
    this.#fast?.destroy();
    this.#streams?.destroy();
    await Promise.all([this.#pool.destroy(), this.#overflow?.destroy()]);
  }

  #address(): buildConnector.Options {
    return {
      hostname: this.#target.hostname.replace(/^\[|\]$/g, ''),
      protocol: this.#encrypted ? 'https:' : 'http:',
      port: String(this.#target.port),
      ...(this.#servername === null ? {} : { servername: this.#servername }),
    };
  }

  #newFastPool(): FastPool {
    return new FastPool({
      dial: (intake, done) =>
        this.#connect(
          this.#connectTimeout,
          'lines',
          intake,
        )(this.#address(), (error, socket) => done(error, socket as Socket | null)),
      encrypted: this.#encrypted,
      kept: keptConnections,
      kept_ms: keptIdleMs,
    });
  }

  #newStreamsPool(): StreamsPool {
    return new StreamsPool({
      dial: (done) =>
        this.#connect(this.#connectTimeout, 'streams')(this.#address(), (error, socket) =>
          done(error, socket as Socket | null),
        ),
      settings_ms: this.#connectTimeout,
      scheme: this.#encrypted ? 'https' : 'http',
      kept_ms: keptIdleMs,
      max_head: maxHead,
      window: largestHeld,
    });
  }

  /** What came of a dial, once it is known which protocol was agreed. */
  #agreed(over: Over, [error, socket]: Parameters<buildConnector.Callback>): Parameters<buildConnector.Callback> {
    if (error !== null) {
      if (over === 'streams' || !refusesProtocol(error)) return [error, null];
      this.#onlyStreams = true;
      return [new OtherProtocol('the app takes no HTTP/1.1'), null];
    }
    if (over === 'lines' || !this.#encrypted || (socket as TLSSocket).alpnProtocol === 'h2') return [null, socket];
    socket.destroy();
    return [new BadAnswer('the app takes no HTTP/2'), null];
  }

  #patience(connect: number): number {
    return connect === 0 ? 0 : connect + (this.#encrypted ? tlsHandshake : 0);
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
      connect: this.#connect(this.#connectTimeout, 'lines'),
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
    for (const route of snapshot.routes.values()) {
      for (const target of route.targets) needed.add(keyOf(route, target));
      for (const { target } of route.mirrors) needed.add(keyOf(route, target));
    }
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
