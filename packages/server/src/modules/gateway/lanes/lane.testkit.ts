import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import {
  type AddressInfo,
  connect,
  createServer as createTcpServer,
  type Socket,
  type Server as TcpServer,
} from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { startTestHost, type TestHost } from '../../../platform/http/http-host.testkit.ts';
import type { HttpConfig, HttpHostOptions } from '../../../platform/http/http-options.ts';
import { systemResolve } from '../../../platform/net/address-guard.ts';
import { createTargetGuard, type TargetRefused } from '../../../platform/net/target-guard.ts';
import type { Gate, Visitor } from '../gate.ts';
import { createRouteTable, type RouteClaim } from '../matching/route-table.ts';
import type { GatewaySnapshot, RouteSnapshot, SnapshotSource, TargetHealth, TargetSnapshot } from '../snapshot.ts';
import { AccessBook, type AccessRecord } from '../traffic/access-book.ts';
import { ProxyMetrics } from '../traffic/proxy-metrics.ts';
import { AnswerCache } from './cache/answer-cache.ts';
import { createLane, type Lane } from './lane.ts';
import type { LaneParts } from './lane-context.ts';
import { SpoolRoom } from './spool.ts';

export const makeTarget = (url: string, weight = 1): TargetSnapshot => {
  const { protocol, hostname, port, pathname } = new URL(url);
  return {
    ...{ url, protocol: protocol as 'http:', hostname, weight },
    port: Number(port || (protocol === 'https:' ? 443 : 80)),
    base_path: pathname.replace(/\/$/, ''),
  };
};

let made = 0;

/** A route with everything at its default; a test names what it is about. */
export const makeRoute = (over: Partial<RouteSnapshot> & { slug: string }): RouteSnapshot => {
  made += 1;
  return {
    id: `0199f2c6-0000-7000-8000-${String(made).padStart(12, '0')}`,
    org_id: '0199f2c6-0000-7000-8000-00000000000a',
    app: { id: `0199f2c6-0000-7000-9000-${String(made).padStart(12, '0')}`, slug: over.slug, name: over.slug },
    kind: 'http',
    redirect_to: null,
    stream: null,
    targets: [],
    strategy: 'round_robin',
    access: 'public',
    people: { user_ids: new Set(), team_ids: new Set(), role_ids: new Set() },
    scopes: [],
    trusted: false,
    websockets: true,
    strip_prefix: true,
    rewrite: false,
    exclude_paths: [],
    rewrite_cookie_paths: true,
    strip_response_cookies: false,
    persist_cookies: false,
    health: { skip: true, path: '/', interval_ms: 10_000, timeout_ms: 5000, unhealthy_after: 2, healthy_codes: [] },
    timeouts: {
      connect: 5000,
      connect_websocket: 10_000,
      head: 120_000,
      body_idle: 75_000,
      client_send_idle: 75_000,
      client_take_idle: 120_000,
    },
    max_body: 0,
    buffering: false,
    compress: false,
    cache: false,
    cache_stale_if_error_s: 0,
    preserve_host: true,
    upstream_auth: { kind: 'strip' },
    upstream_tls: { verify: true, ca: null, server_name: null },
    filters: [],
    mirrors: [],
    allow_private: true,
    ...over,
  };
};

export const stranger: Visitor = { caller: null, share_id: null, identity_headers: [], watch: () => () => undefined };

/** Lets everybody through as `visitor`. */
export const openGate = (visitor: Visitor = stranger): Gate => ({
  decide: () => ({ kind: 'allow', visitor }),
  own: () => null,
});

/** Passive health in its simplest form: what failed `after` times in a row is out until it is told otherwise. */
export class CountingHealth implements TargetHealth {
  readonly failures = new Map<string, number>();
  readonly down = new Set<string>();
  after = Number.POSITIVE_INFINITY;
  status(_routeId: string, url: string): 'unhealthy' | 'unknown' {
    return this.down.has(url) ? 'unhealthy' : 'unknown';
  }
  failed(_routeId: string, url: string): void {
    const count = (this.failures.get(url) ?? 0) + 1;
    this.failures.set(url, count);
    if (count >= this.after) this.down.add(url);
  }
  succeeded(_routeId: string, url: string): void {
    this.failures.delete(url);
  }
}

const snapshotOf = (claims: readonly RouteClaim[], generation: number): GatewaySnapshot => ({
  generation,
  routes: new Map(claims.map(({ route }) => [route.id, route])),
  table: createRouteTable(claims),
});

export interface TestLane {
  t: TestHost;
  port: number;
  lane: Lane;
  health: CountingHealth;
  book: AccessBook;
  refused: TargetRefused[];
  errors: unknown[];
  /** Replaces all routes, as the control plane does. */
  swap(claims: readonly RouteClaim[], gone?: readonly string[]): void;
  /** Sends bytes and reads until the server closes. */
  raw(text: string, patience_ms?: number): Promise<string>;
  get(path: string, headers?: Record<string, string>): Promise<Response>;
  /** The newest line of the access log, once there is one more than before. */
  line(path: string): Promise<AccessRecord>;
  close(): Promise<void>;
}

let laneNow: 'fast' | 'slow' = 'fast';

/** Which one `startLane` starts from now on, where a test does not say. */
export const useLane = (lane: 'fast' | 'slow'): void => {
  laneNow = lane;
};

export const startLane = async (
  claims: readonly RouteClaim[],
  over: { gate?: Gate; parts?: Partial<LaneParts>; config?: Partial<HttpConfig>; tls?: HttpHostOptions['tls'] } = {},
): Promise<TestLane> => {
  let snapshot = snapshotOf(claims, 1);
  const listeners: ((gone: ReadonlySet<string>) => void)[] = [];
  const source: SnapshotSource = { current: () => snapshot, onSwap: (listener) => void listeners.push(listener) };
  const health = new CountingHealth();
  const book = new AccessBook();
  const refused: TargetRefused[] = [];
  const errors: unknown[] = [];
  let port = 0;
  const counts = new Map<string, number>();
  const lane = createLane({
    source,
    gate: over.gate ?? openGate(),
    health,
    rewriter: null,
    guard: createTargetGuard({ allow: () => [], deny: () => [], own_ports: () => [port] }),
    resolve: systemResolve,
    sticky_key: Buffer.alloc(32, 7),
    server_id: 'test0001',
    public_url: () => `${over.tls === undefined ? 'http' : 'https'}://localhost:${port}`,
    access: (line) => book.record(line),
    metrics: new ProxyMetrics(null, () => 0),
    on_target_refused: (_route, error) => void refused.push(error),
    on_error: (error) => void errors.push(error),
    sweep_ms: 20,
    hit: ({ bucket, key, limit }) => {
      const count = (counts.get(bucket + key) ?? 0) + 1;
      counts.set(bucket + key, count);
      return {
        allowed: count <= limit,
        remaining: Math.max(0, limit - count),
        retry_after_ms: count > limit ? 1500 : 0,
      };
    },
    country: () => null,
    spools: new SpoolRoom(null, 0),
    cache: new AnswerCache({ memory: 1024 * 1024, disk: 0, directory: null }),
    verify_password: async (hashed, password) => hashed === `hash of ${password}`,
    ...over.parts,
  });
  const t = await startTestHost({
    options: { front: lane.front, ...(over.tls === undefined ? {} : { tls: over.tls }) },
    config: { fast_lane: laneNow === 'fast', ...over.config },
  });
  port = t.port;
  return {
    ...{ t, port, lane, health, book, refused, errors },
    swap: (next, gone = []) => {
      snapshot = snapshotOf(next, snapshot.generation + 1);
      for (const listener of listeners) listener(new Set(gone));
    },
    raw: (text, patience) => exchange(t.port, [text], patience),
    get: (path, headers = {}) => fetch(`http://127.0.0.1:${t.port}${path}`, { headers, redirect: 'manual' }),
    line: async (path) => {
      for (let tries = 0; tries < 500; tries++) {
        for (const line of book.lines()) if (line.path === path) return line;
        await delay(10);
      }
      throw new Error(`no line of ${path}`);
    },
    close: async () => {
      await t.host.close();
      await lane.close();
    },
  };
};

/** Sends parts one after the other, each in a packet of its own, and reads until the other side closes. */
export const exchange = async (
  port: number,
  parts: readonly (string | Buffer)[],
  patience_ms = 10_000,
): Promise<string> => {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  let answer = '';
  socket.setEncoding('latin1').on('data', (chunk) => {
    answer += chunk;
  });
  const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()));
  socket.on('error', () => undefined);
  await new Promise((resolve) => socket.on('connect', resolve));
  for (const [index, part] of parts.entries()) {
    if (socket.destroyed) break;
    await new Promise((resolve) => socket.write(part, 'latin1' as BufferEncoding, resolve));
    // A turn of the loop, so that the parts are read one by one.
    if (index < parts.length - 1) await new Promise((resolve) => setImmediate(resolve));
  }
  const timer = setTimeout(() => socket.destroy(), patience_ms);
  await closed;
  clearTimeout(timer);
  return answer;
};

export interface Upstream {
  url: string;
  port: number;
  /** Requests in the order of their arrival. */
  seen: { method: string; url: string; headers: IncomingMessage['headers']; raw: string[] }[];
  server: Server;
  close(): Promise<void>;
}

const listening = (server: Server | TcpServer, port = 0): Promise<number> =>
  new Promise((resolve) => server.listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)));

/** An app that really speaks HTTP. */
export const startUpstream = async (handle: RequestListener, port = 0): Promise<Upstream> => {
  const seen: Upstream['seen'] = [];
  const server = createServer({ maxHeaderSize: 128 * 1024 }, (request, response) => {
    seen.push({
      ...{ method: request.method ?? '', url: request.url ?? '', headers: request.headers },
      raw: request.rawHeaders,
    });
    handle(request, response);
  });
  const taken = await listening(server, port);
  return {
    ...{ url: `http://127.0.0.1:${taken}`, port: taken, seen, server },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};

/** An app that speaks whatever the test says. */
export const startRawUpstream = async (
  serve: (socket: Socket) => void,
): Promise<{ url: string; port: number; close(): Promise<void> }> => {
  const sockets = new Set<Socket>();
  const server = createTcpServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    serve(socket);
  });
  const port = await listening(server);
  return {
    ...{ url: `http://127.0.0.1:${port}`, port },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
};
